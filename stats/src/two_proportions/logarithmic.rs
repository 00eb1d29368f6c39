//! Intervals for the risk ratio and the odds ratio on the log scale.

use super::{Interval, TwoProportions, critical_value};

impl TwoProportions {
    /// The interval for the risk ratio by the normal approximation to its logarithm.
    ///
    /// `ln(p̂_t/p̂_c) ± z·√(1/x_t − 1/n_t + 1/x_c − 1/n_c)`, mapped back.
    ///
    /// - **Gives** `None` when an arm has no success, when every unit succeeds, or `level` is outside (0, 1).
    /// - **Source** Katz, Baptista, Azen & Pike (1978), "Obtaining confidence intervals for the risk ratio in cohort
    ///   studies", method C.
    pub fn log_ratio_interval(&self, level: f64) -> Option<Interval> {
        let failures_over = |x: u64, n: u64| (n - x) as f64 / (x as f64 * n as f64);
        let variance = failures_over(self.x_t, self.n_t) + failures_over(self.x_c, self.n_c);
        around(self.ratio()?, variance, level)
    }

    /// The interval for the odds ratio by the normal approximation to its logarithm.
    ///
    /// `ln OR ± z·√(1/x_t + 1/(n_t−x_t) + 1/x_c + 1/(n_c−x_c))`, mapped back.
    ///
    /// - **Gives** `None` when any of the four counts is zero, or `level` is outside (0, 1).
    /// - **Source** Woolf (1955), "On estimating the relation between blood group and disease".
    pub fn logit_odds_ratio_interval(&self, level: f64) -> Option<Interval> {
        let counts = [self.x_t, self.n_t - self.x_t, self.x_c, self.n_c - self.x_c];
        around(self.odds_ratio()?, counts.iter().map(|&count| 1.0 / count as f64).sum(), level)
    }
}

/// `value · exp(± z·√variance)`; `None` when the variance is zero or infinite.
fn around(value: f64, variance: f64, level: f64) -> Option<Interval> {
    let margin = critical_value(level)? * variance.sqrt();
    (margin > 0.0 && margin.is_finite()).then(|| Interval { low: value * (-margin).exp(), high: value * margin.exp() })
}
