//! The level that one of several tests has.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::multiplicity::Correction;
use crate::planning::refuse;

/// How many tests share the level, and by which correction.
///
/// One plan is of one test. Under a stepwise correction that test is surely rejected at the level of the first step, and at
/// better ones when others are rejected too; the plan counts on the first step alone. What several tests gain together is
/// told by [`Several`](super::Several).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Multiplicity {
    /// Metrics × treatment arms of the family.
    pub tests: u32,
    /// The correction.
    pub correction: Correction,
}

impl Default for Multiplicity {
    fn default() -> Self {
        Self { tests: 1, correction: Correction::None }
    }
}

impl Multiplicity {
    /// The level at which one test is rejected whatever becomes of the others.
    pub fn level_of_one(&self, alpha: f64) -> f64 {
        let m = f64::from(self.tests);
        match self.correction {
            Correction::None => alpha,
            Correction::Sidak | Correction::HolmSidak => -((-alpha).ln_1p() / m).exp_m1(),
            Correction::BenjaminiYekutieli => {
                alpha / m / (1..=self.tests).map(|rank| 1.0 / f64::from(rank)).sum::<f64>()
            }
            Correction::BenjaminiHochberg
            | Correction::Bonferroni
            | Correction::Hochberg
            | Correction::Holm
            | Correction::Hommel
            // Its share of true null hypotheses is at most one, so this is the least that it allows.
            | Correction::Storey => alpha / m,
        }
    }

    /// Whether other rejections can make this one easier.
    pub(super) fn is_stepwise(&self) -> bool {
        self.tests > 1 && !matches!(self.correction, Correction::None | Correction::Bonferroni | Correction::Sidak)
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        match self.tests {
            1..=100_000 => Ok(()),
            tests => Err(refuse("tests", tests, "a family has 1 to 100,000 tests")),
        }
    }
}
