//! What all launches of a programme of experiments are worth together.

use super::studies::{Studies, Study, check_level};
use crate::contrast::Interval;
use crate::dist::{Alternative, Continuous, Normal};
use crate::error::Error;
use crate::posterior::{Posterior, Prior};

/// Experiments of which those with a large enough estimate were launched.
#[derive(Debug, Clone, PartialEq)]
pub struct Programme {
    studies: Studies,
    threshold: f64,
}

/// The sum of the effects of what was launched.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Total {
    /// How many were launched.
    pub launched: usize,
    /// The estimated sum, in the unit of the effects.
    pub estimate: f64,
    /// Its standard error.
    pub std_error: f64,
    /// Its interval.
    pub interval: Interval,
}

impl Programme {
    /// The programme that launched every experiment whose estimate is more than `threshold` standard errors above zero.
    ///
    /// - **Needs** independent experiments, all that were run and not those that were launched alone, their effects
    ///   turned so that more is better.
    /// - **Errors** with [`Error::OutOfRange`] for a threshold that is not finite.
    pub fn new(studies: Studies, threshold: f64) -> Result<Self, Error> {
        if !threshold.is_finite() {
            return Err(Error::OutOfRange {
                field: "threshold".to_owned(),
                value: threshold.to_string(),
                expected: "a threshold is a finite number of standard errors, such as 1.96".to_owned(),
            });
        }
        Ok(Self { studies, threshold })
    }

    /// Every experiment, launched or not.
    pub fn studies(&self) -> &Studies {
        &self.studies
    }

    /// The experiments that were launched.
    pub fn launched(&self) -> impl Iterator<Item = &Study> {
        self.studies.iter().filter(|study| study.z() > self.threshold)
    }

    /// The sum of the launched estimates as they stand: too large, since chance helped to choose them.
    ///
    /// - **Errors** with [`Error::OutOfRange`] for a level outside (0, 1).
    pub fn naive_total(&self, level: f64) -> Result<Total, Error> {
        let estimate = self.launched().map(|study| study.estimate).sum();
        let variance = self.launched().map(|study| study.std_error.powi(2)).sum();
        self.total(estimate, variance, level)
    }

    /// The sum of the launched estimates less the bias of their selection.
    ///
    /// The bias of experiment `i`, launched or not, is `E[1(Xᵢ > cᵢ)(Xᵢ − aᵢ)] = σᵢφ((cᵢ − aᵢ)/σᵢ)`; it is estimated with
    /// `Xᵢ` in the place of `aᵢ`. The variance is that of `Σ 1(Xᵢ > cᵢ)(Xᵢ − aᵢ) − σᵢφ((cᵢ − Xᵢ)/σᵢ)`, estimated in the
    /// same way.
    ///
    /// - **Assumes** normal estimates with known standard errors. Nothing is assumed of the effects.
    /// - **Errors** with [`Error::OutOfRange`] for a level outside (0, 1).
    /// - **Source** Lee & Shen (2018), eqs. (3)–(5).
    pub fn corrected_total(&self, level: f64) -> Result<Total, Error> {
        let distance = |study: &Study| self.threshold - study.z();
        let naive: f64 = self.launched().map(|study| study.estimate).sum();
        let bias: f64 = self.studies.iter().map(|study| study.std_error * Normal.pdf(distance(study))).sum();
        let variance =
            self.studies.iter().map(|study| study.std_error.powi(2) * corrected_variance(distance(study))).sum();
        self.total(naive - bias, variance, level)
    }

    /// The sum of what the launched effects are under a prior: each shrunken by what is known of all.
    ///
    /// A posterior does not mind how its experiment was chosen, so that this needs no further correction when the prior
    /// is right, such as one fitted to all experiments of the programme.
    ///
    /// - **Errors** with [`Error::OutOfRange`] for a level outside (0, 1), or a prior that is none.
    /// - **Source** Azevedo et al. (2020), section 3; on selection Dawid (1994).
    pub fn shrunken_total(&self, prior: &Prior, level: f64) -> Result<Total, Error> {
        let (mut estimate, mut variance) = (0.0, 0.0);
        for study in self.launched() {
            let posterior = prior.posterior(study.estimate, study.std_error);
            let (Some(mean), Some(sd)) = (
                posterior.as_ref().and_then(|posterior| posterior.mean()),
                posterior.as_ref().and_then(|posterior| posterior.sd()),
            ) else {
                return Err(Error::OutOfRange {
                    field: "prior".to_owned(),
                    value: prior.to_string(),
                    expected: Prior::FORMS.to_owned(),
                });
            };
            estimate += mean;
            variance += sd * sd;
        }
        self.total(estimate, variance, level)
    }

    fn total(&self, estimate: f64, variance: f64, level: f64) -> Result<Total, Error> {
        check_level(level)?;
        let std_error = variance.sqrt();
        let half = Normal.isf((1.0 - level) / 2.0).unwrap_or(0.0) * std_error;
        Ok(Total {
            launched: self.launched().count(),
            estimate,
            std_error,
            interval: Interval::around(estimate, half, Alternative::TwoSided),
        })
    }
}

/// The variance of `1(Z > k)·Z − φ(k − Z)` for a standard normal `Z`.
///
/// By `φ(z)φ(k − z) = φ(k/√2)/√2 · n(z; k/2, ½)`, with `n` the normal density of that mean and variance.
fn corrected_variance(k: f64) -> f64 {
    let root = 2_f64.sqrt();
    let (density, middle) = (Normal.pdf(k), Normal.pdf(k / root) / root);
    let selected = Normal.sf(k) + k * density;
    let correction = Normal.pdf(k / 1.5_f64.sqrt()) / (1.5_f64.sqrt() * 2.0 * std::f64::consts::PI.sqrt());
    let both = middle * (0.5 * k * Normal.sf(k / root) + middle);
    (selected - 2.0 * both + correction - (density - middle).powi(2)).max(0.0)
}
