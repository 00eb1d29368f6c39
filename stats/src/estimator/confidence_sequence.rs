//! Confidence sequences for means.

use std::sync::Arc;

use crate::contrast::{LIFT, LIFT_OVER, Reference};
use crate::design::Design;
use crate::error::Error;
use crate::estimand::{Estimand, SummaryKind};
use crate::estimate::Estimates;
use crate::estimator::option::{OptionKind, OptionSpec, Options};
use crate::estimator::ratio::COVARIATES;
use crate::estimator::regression_adjustment::{SLOPE, variables};
use crate::estimator::{Estimator, answer, prepare, usual_model};
use crate::potential_outcomes::PotentialOutcomes;
use crate::requirement::Requirements;
use crate::sample::Sample;
use crate::sequential::Look;

/// Estimates the average treatment effect with an interval and a p-value that may be looked at at any time.
///
/// The estimate and its standard error are those of the usual model of the question: means and shares adjusted by
/// covariates when there are any, ratios by the delta method. With `n` units in both arms and `v/ρ = n/ρ(n*)`, the
/// interval is `estimate ± std_error·√((1 + ρ/v)(ln(1 + v/ρ) + 2 ln(1/α)))` and the p-value
/// `min(1, √(1 + v/ρ)·exp(−z²/(2(1 + ρ/v))))`; one-sided questions use the one-sided mixture. With `method=msprt`
/// `v/ρ = τ²/std_error²`.
///
/// - **Needs** the joint moments of outcome and covariates per arm, over one row per unit.
/// - **Gives** the effect in the unit of the metric and as a share of the baseline mean. The lift's set holds every
///   lift `λ` whose own sequence, of `μ₁ − (1+λ)μ₀`, does not reject it, so it covers at all looks at once as well and
///   excludes 0 exactly when the p-value is below the level of error. Below the minimum of units neither interval nor
///   p-value.
/// - **Assumes** what the model assumes, a tuning that was fixed before the first look, and a minimum of units from
///   which the mean is near normal: the guarantee is asymptotic in that first look.
/// - **Errors** as the trait says; `method=msprt` without its mixing variance is refused.
/// - **Source** Waudby-Smith et al. (2024), theorem 2.2 and appendix B.2; Johari et al. (2022); for the tuning Howard et
///   al. (2021), equation 28.
#[derive(Debug)]
pub struct ConfidenceSequence;

const METHOD: OptionSpec = OptionSpec {
    name: "method",
    kind: OptionKind::Choice(&["asymptotic", "msprt"]),
    default: "asymptotic",
    meaning: "Mixture that is narrowest at the planned units (asymptotic), or over effects of a stated variance (msprt).",
};

const MIN_UNITS: OptionSpec = OptionSpec {
    name: "min_units",
    kind: OptionKind::Number { min: 2.0, max: 1e15 },
    default: "100",
    meaning: "Units that each arm has before the first look; below, there is no interval and no p-value.",
};

const MIXING_VARIANCE: OptionSpec = OptionSpec {
    name: "mixing_variance",
    kind: OptionKind::Number { min: 0.0, max: 1e30 },
    default: "0",
    meaning: "Variance of the effects that are likely, in squared units of the metric; needed by `method=msprt`.",
};

const PLANNED_UNITS: OptionSpec = OptionSpec {
    name: "planned_units",
    kind: OptionKind::Number { min: 1.0, max: 1e15 },
    default: "5000",
    meaning: "Units of both arms together at which the sequence is narrowest; fixed before the first look.",
};

impl Estimator for ConfidenceSequence {
    fn name(&self) -> &str {
        "confidence_sequence"
    }

    fn summary(&self) -> &str {
        "The difference of two arms' means, shares or ratios with an interval that is valid at every look."
    }

    fn assumes(&self) -> &str {
        "Units are independent, tuning and minimum were fixed beforehand, and from the minimum on means are near normal."
    }

    fn source(&self) -> &str {
        "Waudby-Smith et al. (2024), Annals of Statistics 52, theorem 2.2; Johari et al. (2022), Operations Research 70."
    }

    fn serves(&self) -> &[SummaryKind] {
        &[SummaryKind::Mean, SummaryKind::Proportion, SummaryKind::Ratio]
    }

    fn options(&self) -> &[OptionSpec] {
        const { &[COVARIATES, LIFT, LIFT_OVER, METHOD, MIN_UNITS, MIXING_VARIANCE, PLANNED_UNITS, SLOPE] }
    }

    fn requires(&self, estimand: &Estimand, design: &Design) -> Result<Requirements, Error> {
        let (options, _) = prepare(self, estimand, design)?;
        check(self, estimand, design, &options)?;
        Ok(Requirements::comoments(variables(estimand, design)))
    }

    fn estimate(&self, estimand: &Estimand, design: &Design, sample: &Sample) -> Result<Estimates, Error> {
        let (options, inference) = prepare(self, estimand, design)?;
        check(self, estimand, design, &options)?;
        let mut outcomes = usual_model::outcomes(estimand, design, sample, &options)?;
        let look = first_look(&mut outcomes, &options).and_then(|()| look(&outcomes, &options));
        let reference = Reference::Boundary(Arc::new(look));
        Ok(answer(self, &options, inference.against(reference).rows(estimand, &outcomes)))
    }
}

/// Refuses what the model cannot take, and a mixture over effects of no stated variance.
fn check(estimator: &dyn Estimator, estimand: &Estimand, design: &Design, options: &Options) -> Result<(), Error> {
    usual_model::check(estimator.name(), estimand, design, options)?;
    let mixing_variance = options.number(MIXING_VARIANCE.name).unwrap_or(0.0);
    if options.choice(METHOD.name) == "msprt" && mixing_variance == 0.0 {
        return Err(Error::InvalidOption {
            estimator: estimator.name().to_owned(),
            option: METHOD.name.to_owned(),
            value: "msprt".to_owned(),
            expected: "with `mixing_variance`, the square of an effect that is likely, in the unit of the metric"
                .to_owned(),
        });
    }
    Ok(())
}

/// Says what is guaranteed, or why there is nothing to look at yet.
fn first_look(outcomes: &mut PotentialOutcomes, options: &Options) -> Option<()> {
    let minimum = options.number(MIN_UNITS.name)?;
    let waiting = outcomes.arms.iter().find(|arm| arm.n > 0 && (arm.n as f64) < minimum);
    let sentence = match waiting {
        Some(arm) => format!("Arm `{}` has {} of the {minimum} units before the first look.", arm.arm, arm.n),
        None => "Valid at every look, however often and whenever the experiment ends.".to_owned(),
    };
    let reached = waiting.is_none();
    outcomes.notes.push(sentence);
    reached.then_some(())
}

/// Where this look stands on the clock of the sequence; `None` without a variance.
fn look(outcomes: &PotentialOutcomes, options: &Options) -> Option<Look> {
    if options.choice(METHOD.name) == "msprt" {
        // One ratio for every contrast: the mixing variance of a lift's contrast stands to the stated one as their
        // variances do.
        let variance = outcomes.contrast(&[-1.0, 1.0])?.variance;
        return Some(Look::Mixing { ratio: options.number(MIXING_VARIANCE.name)? / variance });
    }
    let seen = outcomes.arms.iter().map(|arm| arm.n as f64).sum();
    Some(Look::Units { seen, planned: options.number(PLANNED_UNITS.name)? })
}
