//! Whether one study alone carries the result.

use super::heterogeneity::Estimator;
use super::pooled::{IntervalMethod, RandomEffects};
use super::studies::Studies;
use crate::error::Error;

/// The analysis without one study.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LeftOut {
    /// Place of the study that is left out, counted from zero.
    pub study: usize,
    /// The analysis of the others.
    pub others: RandomEffects,
    /// Whether the interval of the mean excludes zero without the study and not with it, or the other way about.
    pub decides: bool,
}

impl Studies {
    /// The random-effects analysis without each study in turn.
    ///
    /// - **Errors** with [`Error::OutOfRange`] for fewer than three studies, or a level outside (0, 1).
    /// - **Source** Viechtbauer & Cheung (2010), section 3.
    pub fn leave_one_out(
        &self,
        estimator: Estimator,
        method: IntervalMethod,
        level: f64,
    ) -> Result<Vec<LeftOut>, Error> {
        self.at_least(3, "leaving one out")?;
        let all = self.random_effects(estimator, method, level)?;
        let without = |study: usize| {
            let others = self.without(study).random_effects(estimator, method, level)?;
            let decides = others.pooled.interval.excludes(0.0) != all.pooled.interval.excludes(0.0);
            Ok(LeftOut { study, others, decides })
        };
        (0..self.count()).map(without).collect()
    }
}
