//! Ratio of means by linearisation.

use crate::contrast::{DISTRIBUTION, LIFT, LIFT_OVER};
use crate::design::Design;
use crate::error::Error;
use crate::estimand::{Estimand, SummaryKind};
use crate::estimate::Estimates;
use crate::estimator::arms::Arms;
use crate::estimator::covariate_adjustment::{Terms, adjust};
use crate::estimator::joint::WeightedSum;
use crate::estimator::option::{OptionKind, OptionSpec, Options};
use crate::estimator::regression_adjustment::{SLOPE, slope, variables};
use crate::estimator::{Estimator, answer, prepare};
use crate::potential_outcomes::PotentialOutcomes;
use crate::requirement::Requirements;
use crate::sample::Sample;
use crate::suffstat::CoMoments;

/// Estimates the effect on a ratio of two means, such as revenue per session, where the unit of assignment has many of
/// them.
///
/// `R̂ₐ = ȳₐ/d̄ₐ`, `Var(R̂ₐ) = (s²_y − 2R̂ₐs_yd + R̂ₐ²s²_d)/(d̄ₐ²nₐ)`: the variance of the mean of the linearised
/// outcome `z = R̂ₐ + (y − R̂ₐd)/d̄ₐ` over units of assignment. With covariates, `z` is adjusted by them as any outcome
/// is.
///
/// - **Needs** the joint moments of numerator, denominator and covariates per arm, over one row per unit of
///   *assignment*.
/// - **Gives** the difference of the ratios in the unit of the metric, and as a share of the baseline ratio. `n` counts
///   units of assignment. With `covariates=ratio` two covariates are the numerator and denominator of one earlier ratio
///   and act through *its* linearisation; with `columns` each has its own slope, of which that is a special case.
/// - **Assumes** independent units, and denominators whose mean is far from zero against its standard error.
/// - **Errors** as the trait says; a denominator that sums to zero in an arm gives a row without estimate and a note. A
///   unit with a zero denominator is fine.
/// - **Source** Deng, Knoblich & Lu (2018); Budylin, Drutsa, Katsev & Tsoy (2018) for the linearisation.
#[derive(Debug)]
pub struct Ratio;

/// The option for what covariates of a ratio are.
pub(super) const COVARIATES: OptionSpec = OptionSpec {
    name: "covariates",
    kind: OptionKind::Choice(&["columns", "ratio"]),
    default: "columns",
    meaning: "Covariates as columns with a slope each, or two as numerator and denominator of one earlier ratio.",
};

impl Estimator for Ratio {
    fn name(&self) -> &str {
        "ratio"
    }

    fn summary(&self) -> &str {
        "The difference of two arms' ratios of means by the delta method, adjusted by covariates when there are any."
    }

    fn assumes(&self) -> &str {
        "Units of assignment are independent, and the mean of the denominator is far from zero."
    }

    fn source(&self) -> &str {
        "Deng, Knoblich & Lu (2018), KDD; Budylin et al. (2018), WSDM."
    }

    fn serves(&self) -> &[SummaryKind] {
        &[SummaryKind::Ratio]
    }

    fn options(&self) -> &[OptionSpec] {
        const { &[COVARIATES, DISTRIBUTION, LIFT, LIFT_OVER, SLOPE] }
    }

    fn requires(&self, estimand: &Estimand, design: &Design) -> Result<Requirements, Error> {
        let (options, _) = prepare(self, estimand, design)?;
        check_covariates(self.name(), design, &options)?;
        Ok(Requirements::comoments(variables(estimand, design)))
    }

    fn estimate(&self, estimand: &Estimand, design: &Design, sample: &Sample) -> Result<Estimates, Error> {
        let (options, inference) = prepare(self, estimand, design)?;
        check_covariates(self.name(), design, &options)?;
        let outcomes = outcomes(estimand, design, sample, &options)?;
        Ok(answer(self, &options, inference.rows(estimand, &outcomes)))
    }
}

/// Refuses an earlier ratio that is not made of two covariates.
pub(super) fn check_covariates(estimator: &str, design: &Design, options: &Options) -> Result<(), Error> {
    let given = design.covariates.len();
    if options.choice(COVARIATES.name) == "ratio" && given != 2 {
        return Err(Error::InvalidOption {
            estimator: estimator.to_owned(),
            option: COVARIATES.name.to_owned(),
            value: "ratio".to_owned(),
            expected: format!("with two covariates, numerator and denominator; {given} given"),
        });
    }
    Ok(())
}

/// The ratios of both arms, adjusted when there are covariates, with their joint variance.
pub(super) fn outcomes(
    estimand: &Estimand,
    design: &Design,
    sample: &Sample,
    options: &Options,
) -> Result<PotentialOutcomes, Error> {
    let earlier_ratio = options.choice(COVARIATES.name) == "ratio";
    let terms = |arm: &str, moments: &CoMoments| {
        let zero = |of: &str| format!("The {of} sums to zero in arm `{arm}`, so there is no ratio.");
        let outcome = WeightedSum::ratio(moments, 0, 1).ok_or_else(|| zero("denominator"))?;
        let covariates = if earlier_ratio {
            vec![WeightedSum::ratio(moments, 2, 3).ok_or_else(|| zero("denominator of the covariates"))?]
        } else {
            (2..moments.k()).map(|i| WeightedSum::variable(moments, i)).collect()
        };
        Ok(Terms { outcome, covariates })
    };
    let names = if earlier_ratio { vec![design.covariates.join("/")] } else { design.covariates.clone() };
    Ok(Arms::of(estimand, sample, &variables(estimand, design))?.outcomes(
        |moments| WeightedSum::ratio(moments, 0, 1).map(|ratio| ratio.value),
        |arms| adjust(arms, terms, &names, slope(options), design.population),
    ))
}
