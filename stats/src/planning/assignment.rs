//! How units come to their arms.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::planning::refuse;

/// How units are assigned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assignment {
    /// Each unit by itself, in proportion to weights, the baseline arm first. With several treatments the plan is for
    /// the one with the least weight, against the baseline.
    Arms(Vec<f64>),
    /// In pairs, one of each to each arm; the test is of the differences within pairs. One sample against a known value
    /// is a correlation of one half.
    Pairs {
        /// Correlation of the outcomes of two units of one pair.
        correlation: f64,
    },
}

impl Default for Assignment {
    fn default() -> Self {
        Self::Arms(vec![1.0, 1.0])
    }
}

impl Assignment {
    /// Shares of all units in every arm, the baseline first.
    pub fn shares(&self) -> Vec<f64> {
        match self {
            Self::Arms(weights) => {
                let total: f64 = weights.iter().sum();
                weights.iter().map(|weight| weight / total).collect()
            }
            Self::Pairs { .. } => vec![0.5, 0.5],
        }
    }

    /// Shares of the baseline and of the treatment that is planned for.
    pub(super) fn compared(&self) -> [f64; 2] {
        let shares = self.shares();
        let least = shares.iter().skip(1).copied().fold(f64::INFINITY, f64::min);
        [shares.first().copied().unwrap_or(0.5), least]
    }

    /// The weights that make the difference of each treatment from the baseline most precise for a total of units and these
    /// standard deviations: `wₐ ∝ σₐ` for a treatment, `σ₀√k` for the baseline of `k` treatments.
    ///
    /// - **Source** Neyman (1934) for two arms; Dunnett (1955) for several.
    #[must_use]
    pub fn best(baseline_std_dev: f64, treated_std_devs: &[f64]) -> Self {
        let root = (treated_std_devs.len() as f64).sqrt();
        Self::Arms(std::iter::once(baseline_std_dev * root).chain(treated_std_devs.iter().copied()).collect())
    }

    /// Whole units per arm for a total: none is given less than its share.
    pub(super) fn whole(&self, units: f64) -> Vec<u64> {
        // A share of 1/3 of 300 is not 101 for the rounding of 1/3.
        self.shares().iter().map(|share| (share * units * (1.0 - 1e-12)).ceil() as u64).collect()
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        match self {
            Self::Arms(weights) => {
                if weights.len() < 2 {
                    return Err(refuse(
                        "arms",
                        weights.len(),
                        "an experiment has a baseline and at least one other arm",
                    ));
                }
                match weights.iter().find(|weight| !(**weight > 0.0 && weight.is_finite())) {
                    Some(weight) => Err(refuse("arms", weight, "a weight is positive, such as 1")),
                    None => Ok(()),
                }
            }
            Self::Pairs { correlation } => match *correlation > -1.0 && *correlation < 1.0 {
                true => Ok(()),
                false => Err(refuse("correlation", correlation, "a correlation within pairs lies between -1 and 1")),
            },
        }
    }
}
