//! Whether all segments have one effect.

use super::Segments;
use crate::dist::TailProbability;
use crate::error::Error;
use crate::meta::{Estimator, Heterogeneity};
use crate::several_arms::{FTest, Group, welch_test};

/// The test of equal effects, and how far they differ.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Equality {
    /// Cochran's Q with its test against chi-squared, τ² and I² with intervals; τ² by restricted maximum likelihood.
    pub spread: Heterogeneity,
    /// Welch's F of the same differences, which knows that the standard errors are estimated; `None` when all of them count
    /// as known.
    pub welch: Option<FTest>,
}

impl Equality {
    /// The test to read: Welch's where standard errors are estimated, for Q rejects too often when segments are small; else
    /// that of Q.
    pub fn test(&self) -> TailProbability {
        self.welch.map_or(self.spread.tail, |test| test.tail)
    }
}

impl Segments {
    /// Tests whether all segments have one effect, and estimates the variance between them.
    ///
    /// `Q = Σ(yᵢ − ȳ)²/σᵢ²` about the mean weighted by `1/σᵢ²`, against chi-squared with `k − 1` degrees of freedom; Welch's
    /// F divides it by `k − 1` and by what estimated weights add.
    ///
    /// - **Errors** with [`Error::OutOfRange`] for a level outside (0, 1).
    /// - **Assumes** independent estimates that are near normal.
    /// - **Source** Cochran (1954); Welch (1951), equation (29); for τ² and I² [`Studies`](crate::meta::Studies).
    pub fn equality(&self, level: f64) -> Result<Equality, Error> {
        let spread = self.studies.heterogeneity(Estimator::RestrictedMaximumLikelihood, level)?;
        let estimated = self.effects.iter().any(|effect| effect.df.is_some());
        let pivot = self.effects.first().map_or(0.0, |effect| effect.estimate);
        let groups = self.effects.iter().map(|effect| Group {
            weight: effect.std_error.powi(-2),
            centre: effect.estimate - pivot,
            df: effect.df.unwrap_or(f64::INFINITY),
        });
        let welch = estimated.then(|| welch_test(&groups.collect::<Vec<_>>())).flatten();
        Ok(Equality { spread, welch })
    }
}
