//! Two shares compared: the tests and intervals for a 2×2 table of counts.
//!
//! `x_t` of `n_t` treated units and `x_c` of `n_c` control units succeed. Everything here is a pure function of those
//! four counts; effects are treated against control.
//!
//! | file | tests | intervals |
//! |---|---|---|
//! | `chi_square` | Pearson's, with and without Yates' correction; likelihood ratio | |
//! | `conditional` | | exact, for the odds ratio given both margins |
//! | `fisher` | Fisher's exact | |
//! | `logarithmic` | | risk ratio and odds ratio on the log scale |
//! | `newcombe` | | hybrid of two Wilson intervals, for the difference |
//! | `score` | score, at any null value | Miettinen–Nurminen, for difference, ratio and odds ratio |
//! | `unconditional` | Barnard's and Boschloo's exact | |
//! | `wald` | z, pooled and unpooled | Wald and Agresti–Caffo, for the difference |
//! | `wilson` | | one share: Wilson's |
//!
//! The pooled z test, Pearson's chi-square and the score test of no difference are one test (the last up to
//! `(N−1)/N`). The score interval agrees with the score test: it leaves out a value exactly when the test rejects it.
//! The Wald interval and the pooled z test need not agree.
//!
//! ```
//! use estimand_stats::dist::Alternative;
//! use estimand_stats::two_proportions::TwoProportions;
//!
//! let trial = TwoProportions::new(7, 15, 1, 15)?;
//! let fisher = trial.fisher_exact(Alternative::TwoSided);
//! assert!((fisher.p - 0.035182).abs() < 1e-6);
//! let interval = trial.newcombe_interval(0.95).ok_or("a level inside (0, 1)")?;
//! assert!(interval.low > 0.0 && interval.high < 1.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod chi_square;
mod conditional;
mod fisher;
mod logarithmic;
mod newcombe;
mod score;
mod unconditional;
mod wald;
mod wilson;

pub use score::Contrast;
pub use unconditional::MOST_UNITS;
pub use wilson::wilson_interval;

use crate::dist::{Continuous, Normal, TailProbability};

/// Successes and units of a treated and a control arm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TwoProportions {
    x_t: u64,
    n_t: u64,
    x_c: u64,
    n_c: u64,
}

/// Counts that no arm can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the {arm} arm has {successes} successes among {units} units; it needs at least one unit and no more successes than units"
)]
pub struct ImpossibleCounts {
    /// `treated` or `control`.
    pub arm: &'static str,
    /// Successes given.
    pub successes: u64,
    /// Units given.
    pub units: u64,
}

/// The statistic of a test and its p-value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Test {
    /// The statistic, on the scale its test names.
    pub statistic: f64,
    /// The p-value and its logarithm.
    pub tail: TailProbability,
}

/// A confidence interval. A side without bound is infinite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The lower limit.
    pub low: f64,
    /// The upper limit.
    pub high: f64,
}

impl TwoProportions {
    /// The table with `x_t` successes of `n_t` treated and `x_c` of `n_c` control units.
    ///
    /// - **Errors** with [`ImpossibleCounts`] when an arm is empty or has more successes than units.
    pub fn new(x_t: u64, n_t: u64, x_c: u64, n_c: u64) -> Result<TwoProportions, ImpossibleCounts> {
        for (arm, successes, units) in [("treated", x_t, n_t), ("control", x_c, n_c)] {
            if units == 0 || successes > units {
                return Err(ImpossibleCounts { arm, successes, units });
            }
        }
        Ok(TwoProportions { x_t, n_t, x_c, n_c })
    }

    /// Units of the treated and of the control arm.
    pub fn units(&self) -> [u64; 2] {
        [self.n_t, self.n_c]
    }

    /// The treated share, `x_t/n_t`.
    pub fn treated_share(&self) -> f64 {
        self.x_t as f64 / self.n_t as f64
    }

    /// The control share, `x_c/n_c`.
    pub fn control_share(&self) -> f64 {
        self.x_c as f64 / self.n_c as f64
    }

    /// The difference of shares, treated minus control.
    pub fn difference(&self) -> f64 {
        // One rounding of the numerator instead of one in each share.
        let (x_t, n_t, x_c, n_c) = (self.x_t as f64, self.n_t as f64, self.x_c as f64, self.n_c as f64);
        x_t.mul_add(n_c, -(x_c * n_t)) / (n_t * n_c)
    }

    /// The risk ratio, treated over control; `None` without a control success.
    pub fn ratio(&self) -> Option<f64> {
        (self.x_c > 0).then(|| self.treated_share() / self.control_share())
    }

    /// The sample odds ratio; `None` when its denominator is zero.
    pub fn odds_ratio(&self) -> Option<f64> {
        let (failures_t, failures_c) = ((self.n_t - self.x_t) as f64, (self.n_c - self.x_c) as f64);
        (self.x_c > 0 && self.x_t < self.n_t).then(|| self.x_t as f64 * failures_c / (failures_t * self.x_c as f64))
    }

    /// The smallest of the four counts expected under independence: the rule of thumb for large-sample tests looks at
    /// it.
    pub fn smallest_expected(&self) -> f64 {
        let successes = self.pooled_share() * self.total();
        successes.min(self.total() - successes) * (self.n_t.min(self.n_c) as f64 / self.total())
    }

    /// The share of successes in both arms together.
    fn pooled_share(&self) -> f64 {
        (self.x_t + self.x_c) as f64 / self.total()
    }

    /// Units in both arms.
    fn total(&self) -> f64 {
        (self.n_t + self.n_c) as f64
    }

    /// The table with the arms changed over.
    fn swapped(&self) -> TwoProportions {
        TwoProportions { x_t: self.x_c, n_t: self.n_c, x_c: self.x_t, n_c: self.n_t }
    }
}

/// The normal quantile of a two-sided level; `None` unless the level lies inside (0, 1).
fn critical_value(level: f64) -> Option<f64> {
    if level > 0.0 && level < 1.0 { Normal.isf(0.5 * (1.0 - level)) } else { None }
}
