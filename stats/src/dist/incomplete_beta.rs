//! The regularised incomplete beta function without its power factor.
//!
//! `I_x(a, b) = xᵃ(1−x)ᵇ/B(a, b) · h(x)`. The factor in front falls below every double in the tails that matter here,
//! so a distribution computes it in its own best form, on a logarithmic scale, and takes only the slowly varying `h`
//! from this file.

/// More terms than any argument inside a function's stated range needs.
const MAX_TERMS: usize = 20_000;

/// `a·h(x) = Σ (a+b)ₖ/(a+1)ₖ · xᵏ`: all terms positive, so no digit is lost; quick while `(a+b)·x` is well below
/// `a+1`, or `x` below ½.
///
/// - **Source** DLMF 8.17.8, the hypergeometric series written out.
pub(crate) fn power_series(a: f64, b: f64, x: f64) -> f64 {
    let (mut term, mut sum, mut k) = (1.0, 1.0, 0.0);
    for _ in 0..MAX_TERMS {
        term *= (a + b + k) / (a + 1.0 + k) * x;
        sum += term;
        k += 1.0;
        if term <= sum * (f64::EPSILON / 8.0) {
            break;
        }
    }
    sum
}

/// `h(x)` by a continued fraction, for `x ≤ a/(a+b)`.
///
/// `lambda` is `a − (a+b)·x`, and `y` is `1 − x`: the caller forms both without cancellation, which keeps the fraction
/// right when `a` is 1e12 and `x` is next to one.
///
/// - **Source** DiDonato & Morris (1992), ACM TOMS Algorithm 708, function BFRAC.
pub(crate) fn continued_fraction(a: f64, b: f64, x: f64, y: f64, lambda: f64) -> f64 {
    let c = 1.0 + lambda;
    let c1 = 1.0 + 1.0 / a;
    let (mut p, mut s, mut n) = (1.0, a + 1.0, 0.0);
    let (mut above_before, mut above) = (0.0, 1.0);
    let (mut below_before, mut below) = (1.0, c / c1);
    let mut value = c1 / c;
    for _ in 0..MAX_TERMS {
        n += 1.0;
        let t = n / a;
        let w = n * (b - n) * x;
        let shrink = a / s;
        let alpha = p * (p + b / a) * shrink * shrink * w * x;
        let beta = n + w / s + (1.0 + t) / (c1 + t + t) * (c + n * (y + 1.0));
        p = 1.0 + t;
        s += 2.0;
        (above_before, above) = (above, alpha * above_before + beta * above);
        (below_before, below) = (below, alpha * below_before + beta * below);
        let before = value;
        value = above / below;
        if (value - before).abs() <= f64::EPSILON / 4.0 * value {
            break;
        }
        // Only ratios count: keep the recurrence near one.
        above_before /= below;
        below_before /= below;
        above = value;
        below = 1.0;
    }
    value
}
