//! Tests and intervals by the normal approximation to the difference of shares.

use super::{Interval, Test, TwoProportions, critical_value};
use crate::dist::{Alternative, Normal, TailProbability};

impl TwoProportions {
    /// The z test of equal shares with the variance pooled under that hypothesis.
    ///
    /// `z = (p̂_t − p̂_c) / √(p̂(1−p̂)(1/n_t + 1/n_c))`; its square is Pearson's chi-square.
    ///
    /// - **Gives** `None` when all units succeed, or none.
    /// - **Assumes** expected counts that are not small.
    pub fn pooled_z(&self, alternative: Alternative) -> Option<Test> {
        let share = self.pooled_share();
        let variance = share * (1.0 - share) * (1.0 / self.n_t as f64 + 1.0 / self.n_c as f64);
        self.z(variance, alternative)
    }

    /// The z test of equal shares with each arm's own variance.
    ///
    /// `z = (p̂_t − p̂_c) / √(p̂_t(1−p̂_t)/n_t + p̂_c(1−p̂_c)/n_c)`: the test that the Wald interval inverts.
    ///
    /// - **Gives** `None` when neither arm varies.
    /// - **Assumes** expected counts that are not small.
    pub fn unpooled_z(&self, alternative: Alternative) -> Option<Test> {
        self.z(self.unpooled_variance(), alternative)
    }

    /// Wald's interval for the difference: `p̂_t − p̂_c ± z·√(p̂_t(1−p̂_t)/n_t + p̂_c(1−p̂_c)/n_c)`.
    ///
    /// - **Gives** `None` when neither arm varies, where the formula has no width, or `level` is outside (0, 1).
    /// - **Assumes** expected counts that are not small: it covers too seldom otherwise.
    pub fn wald_interval(&self, level: f64) -> Option<Interval> {
        let margin = critical_value(level)? * self.unpooled_variance().sqrt();
        let difference = self.difference();
        (margin > 0.0).then_some(Interval { low: difference - margin, high: difference + margin })
    }

    /// Agresti & Caffo's interval for the difference: Wald's after one success and one failure more in each arm.
    ///
    /// - **Gives** `None` when `level` is outside (0, 1).
    /// - **Source** Agresti & Caffo (2000), "Simple and effective confidence intervals for proportions and differences
    ///   of proportions result from adding two successes and two failures".
    pub fn agresti_caffo_interval(&self, level: f64) -> Option<Interval> {
        let grown = TwoProportions { x_t: self.x_t + 1, n_t: self.n_t + 2, x_c: self.x_c + 1, n_c: self.n_c + 2 };
        grown.wald_interval(level)
    }

    fn unpooled_variance(&self) -> f64 {
        let of = |share: f64, n: u64| share * (1.0 - share) / n as f64;
        of(self.treated_share(), self.n_t) + of(self.control_share(), self.n_c)
    }

    fn z(&self, variance: f64, alternative: Alternative) -> Option<Test> {
        if variance <= 0.0 {
            return None;
        }
        let statistic = self.difference() / variance.sqrt();
        TailProbability::of(&Normal, statistic, alternative).map(|tail| Test { statistic, tail })
    }
}
