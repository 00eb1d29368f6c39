//! Two shares under beta priors.

use crate::design::Design;
use crate::error::Error;
use crate::estimand::{Estimand, SummaryKind};
use crate::estimate::Estimates;
use crate::estimator::arms::{Arms, Fit, Mean};
use crate::estimator::credible::{INTERVAL, ROPE, ROPE_SCALE, Reading};
use crate::estimator::option::{OptionKind, OptionSpec};
use crate::estimator::proportion::successes;
use crate::estimator::{Estimator, answer, prepare};
use crate::posterior::{Rate, TwoRates};
use crate::requirement::Requirements;
use crate::sample::Sample;
use crate::suffstat::CoMoments;

/// Compares two shares by their exact posteriors, `Beta(α + x, β + n − x)` in each arm.
///
/// `P(p₁ > p₀)`, expected losses and the intervals of difference, lift and odds ratio by integration over both, not by
/// sampling and not by a normal approximation.
///
/// - **Needs** the moments of an outcome that is 0 or 1, per arm.
/// - **Gives** rows for the difference and the lift as [`Bayes`](super::bayes::Bayes) does, and one whose `estimand` is
///   `odds_ratio`. The means of the row are the plain shares; the estimate is the posterior's. Covariates of the design
///   are not used.
/// - **Assumes** independent units, and one prior for each share alike.
/// - **Errors** as the trait says; [`Error::OutOfRange`] when the outcome has other values than 0 and 1. Few successes in
///   the baseline leave the lift without mean or variance: then the median, and a note.
/// - **Source** Gelman et al. (2013), section 2.4; Stucchio (2015) for the expected loss.
#[derive(Debug)]
pub struct BetaBinomial;

const PRIOR_ALPHA: OptionSpec = OptionSpec {
    name: "prior_alpha",
    kind: OptionKind::Number { min: 1e-3, max: 1e15 },
    default: "1",
    meaning: "First parameter of the beta prior of each share: as many successes seen before.",
};

const PRIOR_BETA: OptionSpec = OptionSpec {
    name: "prior_beta",
    kind: OptionKind::Number { min: 1e-3, max: 1e15 },
    default: "1",
    meaning: "Second parameter of the beta prior of each share: as many failures seen before.",
};

impl Estimator for BetaBinomial {
    fn name(&self) -> &str {
        "beta_binomial"
    }

    fn summary(&self) -> &str {
        "The exact posterior of the difference, lift and odds ratio of two shares under beta priors."
    }

    fn assumes(&self) -> &str {
        "Units are independent and do not influence each other; the prior was chosen before looking."
    }

    fn source(&self) -> &str {
        "Gelman et al. (2013), Bayesian Data Analysis, section 2.4; Stucchio (2015), Bayesian A/B Testing at VWO."
    }

    fn serves(&self) -> &[SummaryKind] {
        &[SummaryKind::Proportion]
    }

    fn options(&self) -> &[OptionSpec] {
        const { &[INTERVAL, PRIOR_ALPHA, PRIOR_BETA, ROPE, ROPE_SCALE] }
    }

    fn requires(&self, estimand: &Estimand, design: &Design) -> Result<Requirements, Error> {
        prepare(self, estimand, design)?;
        Ok(Requirements::comoments(estimand.summary.variables()))
    }

    fn estimate(&self, estimand: &Estimand, design: &Design, sample: &Sample) -> Result<Estimates, Error> {
        let (options, inference) = prepare(self, estimand, design)?;
        let arms = Arms::of(estimand, sample, &estimand.summary.variables())?;
        let prior = [PRIOR_ALPHA, PRIOR_BETA].map(|option| options.number(option.name).unwrap_or(1.0));
        let rate = |moments: &CoMoments| {
            let successes = successes(estimand, moments)? as f64;
            Ok::<_, Error>(Rate::beta(prior[0] + successes, prior[1] + (moments.n() as f64 - successes)))
        };
        let rates = match arms.moments() {
            [Some(baseline), Some(arm)] => {
                rate(arm)?.zip(rate(baseline)?).and_then(|(arm, baseline)| TwoRates::new(arm, baseline))
            }
            _ => None,
        };
        let outcomes = arms.outcomes(
            |moments| Some(Mean::of(moments, 0)),
            |arms| Fit {
                means: arms.map(|arm| Some(Mean::of(arm.moments, 0))),
                components: Ok(Vec::new()),
                notes: Vec::new(),
            },
        );
        let reading = Reading::of(design, &options);
        let mut rows = reading.rows(&inference, estimand, &outcomes, rates.as_ref());
        rows.rows.extend(rates.and_then(|rates| reading.odds_ratio(&inference, estimand, &outcomes, &rates)));
        Ok(answer(self, &options, rows))
    }
}
