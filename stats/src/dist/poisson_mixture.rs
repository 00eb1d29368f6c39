//! Mixtures of laws over a Poisson number: what the noncentral chi-squared and F are.

use super::incomplete_gamma::gamma_term;
use super::scaled::Scaled;
use super::unimodal_sum::{peak, unimodal_sum};

/// `Σⱼ e^{−μ}μʲ/j! · g(j)` for `g` given by its logarithm, smooth and log-concave in `j`.
///
/// All terms are positive, so a tail keeps its relative accuracy. Near a peak far from zero the summand is a smooth bell
/// many whole numbers wide, and every `m`-th term times `m` is the sum to the last digit (Poisson's summation formula), so
/// the cost does not grow with `μ`.
pub(crate) fn poisson_mixture(mean: f64, ln_g: impl Fn(f64) -> f64) -> Scaled {
    if mean == 0.0 {
        return Scaled { factor: 1.0, exponent: ln_g(0.0).into() };
    }
    let ln_term = |j: i64| {
        let count = j as f64;
        gamma_term(count, mean).ln().value() + ln_g(count)
    };
    let top = peak(mean as i64, 0, ln_term);
    // The bell's width is √(top/2) or more.
    let stride = ((0.3 * (top as f64).sqrt()) as i64).max(1);
    let low = -(top / stride);
    unimodal_sum(0, low, |k| ln_term(top + stride * k)).times(stride as f64)
}
