//! Slow, obvious arithmetic to compare with: every double is an integer count of `2^-1074`.

use num_bigint::BigInt;

/// The value as a whole number of `2^-1074`.
pub fn units(value: f64) -> BigInt {
    let bits = value.to_bits();
    let (biased, fraction) = ((bits >> 52) & 0x7ff, bits & ((1 << 52) - 1));
    assert_ne!(biased, 0x7ff, "{value} is not finite");
    let magnitude = if biased == 0 { BigInt::from(fraction) } else { BigInt::from(fraction | 1 << 52) << (biased - 1) };
    if value.is_sign_negative() { -magnitude } else { magnitude }
}

/// The double nearest to `count · 2^-bits`: written out in decimal, read by the standard library.
pub fn nearest(count: &BigInt, bits: u32) -> f64 {
    let decimal = count * BigInt::from(5).pow(bits);
    // Adding zero turns -0.0, which "-0e-1074" would not give anyway, into the one zero we print.
    format!("{decimal}e-{bits}").parse::<f64>().expect("a decimal number") + 0.0
}

/// The double nearest to the sum.
pub fn sum(values: &[f64]) -> f64 {
    nearest(&values.iter().map(|value| units(*value)).sum(), 1074)
}

/// The double nearest to the sum of products.
pub fn sum_of_products(left: &[f64], right: &[f64]) -> f64 {
    nearest(&left.iter().zip(right).map(|(x, y)| units(*x) * units(*y)).sum(), 2148)
}

/// The double nearest to a count of `2^-bits` divided by `n`.
///
/// Scales by `n`-free powers of two until the division loses nothing that could turn a rounding: 200 bits below the unit.
pub fn nearest_quotient(count: &BigInt, n: u64, bits: u32) -> f64 {
    let scaled = count << 200;
    let quotient = &scaled / n;
    // A trailing half-bit stands for the remainder, so that a tie is never seen where there is none.
    let exact = &quotient * n == scaled;
    let sign = if scaled < BigInt::from(0) { -1 } else { 1 };
    let marked = quotient * 2 + if exact { 0 } else { sign };
    nearest(&marked, bits + 201)
}

/// The double nearest to the mean.
pub fn mean(values: &[f64]) -> f64 {
    let total: BigInt = values.iter().map(|value| units(*value)).sum();
    nearest_quotient(&total, values.len() as u64, 1074)
}

/// The double nearest to `Σ(x − x̄)(y − ȳ)`.
pub fn centred(left: &[f64], right: &[f64]) -> f64 {
    let n = left.len() as u64;
    let (x, y): (BigInt, BigInt) = (left.iter().map(|v| units(*v)).sum(), right.iter().map(|v| units(*v)).sum());
    let products: BigInt = left.iter().zip(right).map(|(x, y)| units(*x) * units(*y)).sum();
    nearest_quotient(&(products * n - x * y), n, 2148)
}

/// Correct digits of `got`: the log relative error of Altman, Gill & McDonald (2004), §2.1, at most 16.
pub fn digits(got: f64, want: f64) -> f64 {
    if got == want {
        return 16.0;
    }
    let error = if want == 0.0 { got.abs() } else { ((got - want) / want).abs() };
    (-error.log10()).clamp(0.0, 16.0)
}
