//! Effects of segments, each in the light of all.

use super::Segments;
use crate::contrast::Interval;
use crate::dist::{Alternative, Continuous, Normal};
use crate::error::Error;
use crate::meta::{Estimator, check_level};

/// One segment's effect, pulled towards the mean of all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shrunken {
    /// The estimate.
    pub estimate: f64,
    /// Its standard error, in which the mean of the effects and their spread are not taken as known.
    pub std_error: f64,
    /// The interval.
    pub interval: Interval,
    /// The weight of the mean of all: zero leaves the raw estimate, one says that segments do not differ.
    pub weight_of_mean: f64,
}

impl Segments {
    /// The best linear prediction of each segment's effect, given that effects vary about a mean by a variance τ².
    ///
    /// `θ̂ᵢ = μ̂ + (1 − Bᵢ)(yᵢ − μ̂)` with `Bᵢ = σᵢ²/(σᵢ² + τ̂²)`, `τ̂²` by restricted maximum likelihood. Its mean squared
    /// error is `g₁ + g₂ + 2g₃`: `(1 − Bᵢ)σᵢ²` were all known, `Bᵢ²/Σwⱼ` for the mean, and `Bᵢ²wᵢ·2/Σwⱼ²` for τ², counted
    /// twice since the first part is estimated with it too; `wⱼ = 1/(σⱼ² + τ̂²)`.
    ///
    /// Intervals cover on average over segments, as those of any prediction of many: of the segment that differs most they
    /// cover less, and of segments that do not differ more, 99 % at a level of 95 %. [`empirical_bayes`](mod@crate::empirical_bayes) has priors of other shapes, which need more segments.
    ///
    /// - **Errors** with [`Error::OutOfRange`] for fewer than three segments, or a level outside (0, 1).
    /// - **Assumes** effects drawn about one mean, near normal.
    /// - **Source** Efron & Morris (1975); Prasad & Rao (1990), "The estimation of the mean squared error of small-area
    ///   estimators", section 3; Datta & Lahiri (2000) for restricted maximum likelihood.
    pub fn shrunken(&self, level: f64) -> Result<Vec<Shrunken>, Error> {
        check_level(level)?;
        self.studies.at_least(3, "shrinking towards the mean of all")?;
        let tau2 = self.studies.tau2(Estimator::RestrictedMaximumLikelihood)?;
        let (mean, total) = self.studies.weighted_mean(tau2);
        // In units of the total, whose square could leave the range of doubles.
        let squares: f64 = self.studies.weights(tau2).map(|weight| (weight / total).powi(2)).sum();
        let critical = Normal.isf((1.0 - level) / 2.0).unwrap_or(f64::INFINITY);
        let shrink = |(study, weight): (&crate::meta::Study, f64)| {
            let variance = study.std_error.powi(2);
            let of_mean = variance * weight;
            let estimate = mean + (1.0 - of_mean) * (study.estimate - mean);
            let known = (1.0 - of_mean) * variance;
            let for_mean = of_mean.powi(2) / total;
            let for_spread = of_mean.powi(2) * (weight / total) * 2.0 / squares / total;
            // More than the raw estimate's own error is no gain, and only says that τ² is not known.
            let std_error = (known + for_mean + 2.0 * for_spread).sqrt().min(study.std_error);
            let interval = Interval::around(estimate, critical * std_error, Alternative::TwoSided);
            Shrunken { estimate, std_error, interval, weight_of_mean: of_mean }
        };
        Ok(self.studies.iter().zip(self.studies.weights(tau2)).map(shrink).collect())
    }
}
