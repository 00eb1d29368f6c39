//! A normal prior, its mean and spread by maximum likelihood.

use crate::error::Error;
use crate::meta::{Estimator, Studies};
use crate::posterior::Prior;

/// The normal that makes the estimates most likely; `None` when they differ no more than chance has it.
///
/// The random-effects model of a meta-analysis, whose τ is the spread of the prior.
pub(super) fn fit(studies: &Studies) -> Result<Option<Prior>, Error> {
    let tau2 = studies.tau2(Estimator::MaximumLikelihood)?;
    let (mean, _) = studies.weighted_mean(tau2);
    Ok((tau2 > 0.0).then(|| Prior::Normal { mean, sd: tau2.sqrt() }))
}
