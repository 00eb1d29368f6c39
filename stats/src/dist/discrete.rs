//! What laws of counts answer.

use super::is_probability;

/// A distribution of counts 0, 1, 2, …, with both tails and their logarithms.
///
/// - **Gives** every count an answer. Sums of probabilities are never formed: tails are incomplete beta or gamma functions.
pub trait Discrete {
    /// `P(X = k)`.
    fn pmf(&self, k: u64) -> f64;

    /// `ln P(X = k)`; `-∞` where that is impossible.
    fn ln_pmf(&self, k: u64) -> f64;

    /// `P(X ≤ k)`.
    fn cdf(&self, k: u64) -> f64;

    /// `P(X > k)`.
    fn sf(&self, k: u64) -> f64;

    /// `ln P(X ≤ k)`.
    fn ln_cdf(&self, k: u64) -> f64;

    /// `ln P(X > k)`.
    fn ln_sf(&self, k: u64) -> f64;

    /// The mean, from which the search for a quantile starts.
    fn mean(&self) -> f64;

    /// The smallest `k` with `P(X ≤ k) ≥ p`; `None` when `p` is not a probability, or 1 for a law without a largest
    /// count.
    fn quantile(&self, p: f64) -> Option<u64> {
        if !is_probability(p) {
            return None;
        }
        // Of the two tails the small one is compared, so that p next to one is told from one.
        let reaches = |k: u64| if p <= 0.5 { self.cdf(k) >= p } else { self.sf(k) <= 1.0 - p };
        let mut high = self.mean().ceil() as u64;
        let mut stride = 1_u64;
        while !reaches(high) {
            high = high.checked_add(stride).filter(|high| *high < 1 << 60)?;
            stride *= 2;
        }
        let mut low = high;
        stride = 1;
        while low > 0 && reaches(low) {
            (low, high) = (low.saturating_sub(stride), low);
            stride = stride.saturating_mul(2);
        }
        if reaches(low) {
            return Some(low);
        }
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if reaches(middle) { high = middle } else { low = middle }
        }
        Some(high)
    }
}
