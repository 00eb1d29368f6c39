//! Regression adjustment (CUPED) with pre-exposure covariates.

use crate::contrast::{DISTRIBUTION, LIFT, LIFT_OVER};
use crate::design::Design;
use crate::error::Error;
use crate::estimand::{Estimand, SummaryKind};
use crate::estimate::Estimates;
use crate::estimator::arms::{Arms, Mean};
use crate::estimator::covariate_adjustment::{Slope, Terms, adjust};
use crate::estimator::joint::WeightedSum;
use crate::estimator::option::{OptionKind, OptionSpec, Options};
use crate::estimator::{Estimator, answer, prepare};
use crate::potential_outcomes::PotentialOutcomes;
use crate::requirement::{Requirements, Variable};
use crate::sample::Sample;
use crate::suffstat::CoMoments;

/// Estimates the average treatment effect by regression on covariates fixed before exposure, with slopes per arm.
///
/// `μ̂ₐ = ȳₐ + βₐ'(x̄ − x̄ₐ)` with `βₐ` the slopes within the arm and `x̄` the mean over both arms,
/// `Var(μ̂ₐ) = s²ₑₐ·(1/nₐ + (x̄ − x̄ₐ)'Sₐ⁻¹(x̄ − x̄ₐ)) + βₐ'Σₓβₐ/N`, `Cov(μ̂₁, μ̂₀) = β₁'Σₓβ₀/N`. The terms in `Σₓ/N`
/// speak for the population that the units were drawn from; `population = enrolled` drops them. Degrees of freedom are
/// Satterthwaite's over the parts: `nₐ − 1 − k` per arm and `N − 1`. With `slope=pooled` classic CUPED:
/// `y − θ'(x − x̄)`, `θ` from both arms as one sample, then Welch.
///
/// - **Needs** the joint moments of outcome and covariates per arm, over units that have all of them.
/// - **Gives** the effect in the unit of the metric and as a share of the (adjusted) baseline mean; a note with the
///   share of variance left. Without a covariate it is the difference in means.
/// - **Assumes** covariates that the treatment cannot have changed, and what the difference in means assumes. The
///   regression need not be true.
/// - **Errors** as the trait says; redundant covariates are left out and named, too few units for the covariates give a
///   row without standard error.
/// - **Source** Lin (2013); Negi & Wooldridge (2021); pooled slope: Deng, Xu, Kohavi & Walker (2013).
#[derive(Debug)]
pub struct RegressionAdjustment;

/// The option for the slope, shared by all that adjust from moments.
pub(super) const SLOPE: OptionSpec = OptionSpec {
    name: "slope",
    kind: OptionKind::Choice(&["per_arm", "pooled"]),
    default: "per_arm",
    meaning: "Slopes of the covariates per arm (Lin), or one slope from both arms as one sample (classic CUPED).",
};

pub(super) fn slope(options: &Options) -> Slope {
    if options.choice(SLOPE.name) == "pooled" { Slope::Pooled } else { Slope::PerArm }
}

/// The outcome, or numerator and denominator, and after them the covariates.
pub(super) fn variables(estimand: &Estimand, design: &Design) -> Vec<Variable> {
    estimand.summary.variables().into_iter().chain(design.covariates.iter().cloned()).collect()
}

impl Estimator for RegressionAdjustment {
    fn name(&self) -> &str {
        "regression_adjustment"
    }

    fn summary(&self) -> &str {
        "The difference of the two arms' means after regression on covariates from before exposure (CUPED)."
    }

    fn assumes(&self) -> &str {
        "Covariates are fixed before exposure; units are independent and enough for their mean to be near normal."
    }

    fn source(&self) -> &str {
        "Lin (2013), Annals of Applied Statistics 7; Negi & Wooldridge (2021), Econometric Reviews 40; Deng et al. (2013), WSDM."
    }

    fn serves(&self) -> &[SummaryKind] {
        &[SummaryKind::Mean, SummaryKind::Proportion]
    }

    fn options(&self) -> &[OptionSpec] {
        const { &[DISTRIBUTION, LIFT, LIFT_OVER, SLOPE] }
    }

    fn requires(&self, estimand: &Estimand, design: &Design) -> Result<Requirements, Error> {
        prepare(self, estimand, design)?;
        Ok(Requirements::comoments(variables(estimand, design)))
    }

    fn estimate(&self, estimand: &Estimand, design: &Design, sample: &Sample) -> Result<Estimates, Error> {
        let (options, inference) = prepare(self, estimand, design)?;
        let outcomes = outcomes(estimand, design, sample, slope(&options))?;
        Ok(answer(self, &options, inference.rows(estimand, &outcomes)))
    }
}

/// The means of both arms after adjustment, with their joint variance; the plain ones without covariates.
pub(super) fn outcomes(
    estimand: &Estimand,
    design: &Design,
    sample: &Sample,
    slope: Slope,
) -> Result<PotentialOutcomes, Error> {
    let arms = Arms::of(estimand, sample, &variables(estimand, design))?;
    let terms = |_: &str, moments: &CoMoments| {
        let covariates = (1..moments.k()).map(|i| WeightedSum::variable(moments, i)).collect();
        Ok(Terms { outcome: WeightedSum::variable(moments, 0), covariates })
    };
    Ok(arms.outcomes(
        |moments| Some(Mean::of(moments, 0)),
        |arms| adjust(arms, terms, &design.covariates, slope, design.population),
    ))
}
