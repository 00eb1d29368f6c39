//! The model of means that answers a question when the estimator is about something else: looks, or a prior.

use crate::design::Design;
use crate::error::Error;
use crate::estimand::{Estimand, SummaryKind};
use crate::estimator::option::Options;
use crate::estimator::{ratio, regression_adjustment, restricted_mean};
use crate::potential_outcomes::PotentialOutcomes;
use crate::sample::Sample;

/// Refuses options that the model of this question cannot take.
///
/// # Errors
/// [`Error::InvalidOption`] for an earlier ratio that is not made of two covariates.
pub(super) fn check(estimator: &str, estimand: &Estimand, design: &Design, options: &Options) -> Result<(), Error> {
    match estimand.summary.kind() {
        SummaryKind::Ratio => ratio::check_covariates(estimator, design, options),
        SummaryKind::Mean | SummaryKind::Proportion | SummaryKind::TimeToEvent => Ok(()),
    }
}

/// The means of both arms with their joint variance: ratios by linearisation, means and shares by regression on the
/// covariates, without covariates as they are; times to an event as means up to the last time that both arms have.
///
/// # Errors
/// Those of [`Arms::of`](super::arms::Arms::of).
pub(super) fn outcomes(
    estimand: &Estimand,
    design: &Design,
    sample: &Sample,
    options: &Options,
) -> Result<PotentialOutcomes, Error> {
    match estimand.summary.kind() {
        SummaryKind::Ratio => ratio::outcomes(estimand, design, sample, options),
        SummaryKind::Mean | SummaryKind::Proportion => {
            regression_adjustment::outcomes(estimand, design, sample, regression_adjustment::slope(options))
        }
        SummaryKind::TimeToEvent => restricted_mean::outcomes(estimand, sample, options),
    }
}
