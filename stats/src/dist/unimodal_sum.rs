//! The sum of a sequence with one peak, from the peak outwards.

use super::scaled::Scaled;

/// Bound on the terms of one side; the widest argument that a distribution admits needs a quarter of it.
const MAX_TERMS: u32 = 1 << 22;

/// The peak of a sequence that rises to it and falls from it, over the whole numbers from `low` on: by strides that
/// double while they climb and halve when they do not.
pub(crate) fn peak(start: i64, low: i64, ln_term: impl Fn(i64) -> f64) -> i64 {
    let (mut at, mut value) = (start.max(low), ln_term(start.max(low)));
    let mut stride: i64 = 1;
    loop {
        let step = [at.saturating_add(stride), at.saturating_sub(stride)]
            .into_iter()
            .filter(|next| *next >= low)
            .map(|next| (next, ln_term(next)))
            .find(|(_, next)| *next > value);
        match step {
            Some(higher) => {
                (at, value) = higher;
                stride = stride.saturating_mul(2).min(1 << 60);
            }
            None if stride == 1 => return at,
            None => stride = (stride / 4).max(1),
        }
    }
}

/// `Σ exp(ln_term(k))` over the whole numbers from `low` on, for terms of one peak that fall at least geometrically.
pub(crate) fn unimodal_sum(start: i64, low: i64, ln_term: impl Fn(i64) -> f64) -> Scaled {
    let top = peak(start, low, &ln_term);
    let highest = ln_term(top);
    if !highest.is_finite() {
        return Scaled::plain(0.0);
    }
    let mut sum = 1.0;
    for direction in [1, -1] {
        let mut k = top;
        for _ in 0..MAX_TERMS {
            k += direction;
            let term = if k < low { 0.0 } else { (ln_term(k) - highest).exp() };
            sum += term;
            if term <= sum * 1e-19 {
                break;
            }
        }
    }
    Scaled { factor: sum, exponent: highest.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_poisson_sums_to_one_from_a_distant_start() {
        let ln_factorial = |k: i64| (2..=k).map(|i| (i as f64).ln()).sum::<f64>();
        let sum = unimodal_sum(0, 0, |k| k as f64 * 40_f64.ln() - 40.0 - ln_factorial(k)).value();
        assert!((sum - 1.0).abs() < 1e-13, "{sum}");
    }

    #[test]
    fn nothing_sums_to_zero() {
        assert_eq!(unimodal_sum(3, 0, |_| f64::NEG_INFINITY).value(), 0.0);
    }
}
