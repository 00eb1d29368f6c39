//! Effects under a prior: what each experiment showed, in the light of all.

use crate::contrast::Interval;
use crate::dist::Alternative;
use crate::error::Error;
use crate::meta::{Studies, check_level};
use crate::posterior::{Credible, Posterior, Prior};

/// One effect under a prior.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shrunken {
    /// The posterior mean.
    pub estimate: f64,
    /// The posterior standard deviation.
    pub std_error: f64,
    /// The credible interval.
    pub interval: Interval,
    /// The posterior probability that the effect is above zero.
    pub prob_positive: f64,
    /// The probability that the sign is wrong when the likelier one is claimed.
    pub false_sign_rate: f64,
    /// The average of that over all effects whose sign is no less sure: the share of wrong signs when this effect and
    /// all surer ones are claimed.
    pub s_value: f64,
}

/// Every effect under a prior.
///
/// - **Errors** with [`Error::OutOfRange`] for a level outside (0, 1), or a prior that is none.
/// - **Source** Stephens (2017), eqs. (2) and (16).
pub fn shrink(studies: &Studies, prior: &Prior, level: f64) -> Result<Vec<Shrunken>, Error> {
    check_level(level)?;
    let mut effects: Vec<Shrunken> = studies
        .iter()
        .map(|study| {
            let posterior = prior.posterior(study.estimate, study.std_error)?;
            let (above, below) = (posterior.sf(0.0), posterior.cdf(0.0));
            Some(Shrunken {
                estimate: posterior.mean()?,
                std_error: posterior.sd()?,
                interval: Credible::EqualTailed.interval(&posterior, level, Alternative::TwoSided)?,
                prob_positive: above,
                false_sign_rate: above.min(below),
                s_value: 0.0,
            })
        })
        .collect::<Option<_>>()
        .ok_or_else(|| Error::OutOfRange {
            field: "prior".to_owned(),
            value: prior.to_string(),
            expected: Prior::FORMS.to_owned(),
        })?;
    let mut order: Vec<usize> = (0..effects.len()).collect();
    order.sort_by(|a, b| effects[*a].false_sign_rate.total_cmp(&effects[*b].false_sign_rate));
    let mut sum = 0.0;
    for (rank, at) in (1_u32..).zip(order) {
        sum += effects[at].false_sign_rate;
        effects[at].s_value = sum / f64::from(rank);
    }
    Ok(effects)
}
