//! Whole numbers with a heavy tail.

use estimand_stats::dist::{Continuous, Normal};
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;

/// A log-normal value rounded up: prices in whole euros, load times in whole milliseconds.
///
/// `A = ⌈m·e^{σZ}⌉` with `Z` standard normal, so `P(A > j) = P(Z > ln(j/m)/σ)` for `j = 0, 1, 2, …`. Whole numbers keep sums of
/// prices on a lattice, on which their distribution is a finite sum ([`super::compound`]).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct CeiledLogNormal {
    /// The median `m` before rounding.
    pub(super) median: f64,
    /// The standard deviation `σ` of the logarithm.
    pub(super) sigma: f64,
}

impl CeiledLogNormal {
    /// Draws a value; at least 1.
    pub(super) fn draw<R: Rng>(&self, rng: &mut R) -> u32 {
        let normal: f64 = rng.sample(StandardNormal);
        // The cast saturates. A value past 2³² lies beyond 17 standard deviations.
        (self.median * (self.sigma * normal).exp()).ceil().max(1.0) as u32
    }

    /// `P(A > j)`.
    pub(super) fn survival(&self, j: u64) -> f64 {
        if j == 0 { 1.0 } else { Normal.sf((j as f64 / self.median).ln() / self.sigma) }
    }

    /// `P(A = j)`.
    pub(super) fn probability(&self, j: u64) -> f64 {
        if j == 0 { 0.0 } else { self.survival(j - 1) - self.survival(j) }
    }

    /// `E[A] = Σ_{j≥0} P(A > j)`, summed until nine standard deviations, where what is left is below 1e-15 of the sum.
    pub(super) fn mean(&self) -> f64 {
        let last = (self.median * (9.0 * self.sigma).exp()).ceil() as u64;
        // From the smallest term up, so that the tail is not lost in the rounding of the head.
        (0..=last).rev().map(|j| self.survival(j)).sum()
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn rounding_up_adds_half_a_unit_to_a_smooth_mean() {
        // Euler–Maclaurin: the sum over j exceeds the integral of the survival function by 1/2, up to terms that vanish with all
        // derivatives of the survival function at 0.
        let load = CeiledLogNormal { median: 900.0, sigma: 0.45 };
        let smooth = 900.0 * (0.45_f64.powi(2) / 2.0).exp();
        assert!((load.mean() - smooth - 0.5).abs() < 1e-9, "{}", load.mean() - smooth);
    }

    #[test]
    fn probabilities_sum_to_the_distribution_and_draws_follow_it() {
        let price = CeiledLogNormal { median: 24.0, sigma: 1.0 };
        let head: f64 = (0..=40).map(|j| price.probability(j)).sum();
        assert!((head + price.survival(40) - 1.0).abs() < 1e-14);

        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let n = 200_000;
        let above = (0..n).filter(|_| price.draw(&mut rng) > 40).count() as f64 / f64::from(n);
        let p = price.survival(40);
        assert!((above - p).abs() < 5.0 * (p * (1.0 - p) / f64::from(n)).sqrt(), "{above} against {p}");
    }
}
