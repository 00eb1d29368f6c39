//! Difference in means.

use nalgebra::{DMatrix, DVector};

use crate::contrast::{DISTRIBUTION, LIFT};
use crate::design::Design;
use crate::error::Error;
use crate::estimand::{Estimand, SummaryKind};
use crate::estimate::Estimates;
use crate::estimator::arms::{ArmMoments, Arms, Fit, Mean};
use crate::estimator::option::{OptionKind, OptionSpec, Options};
use crate::estimator::{Estimator, answer, prepare};
use crate::potential_outcomes::VarianceComponent;
use crate::requirement::Requirements;
use crate::sample::Sample;

/// Estimates the average treatment effect by the difference of two arm means.
///
/// `τ̂ = ȳ₁ − ȳ₀`, `se² = s₁²/n₁ + s₀²/n₀`, with the Welch–Satterthwaite degrees of freedom; with `variance=pooled`
/// Student's `se² = s²(1/n₁ + 1/n₀)` with `n₁ + n₀ − 2`. A share is the mean of 0 and 1.
///
/// - **Needs** the moments of the outcome per arm, over one row per unit.
/// - **Gives** the effect in the unit of the metric and as a share of the baseline mean. Covariates of the design are
///   not used.
/// - **Assumes** independent units, no interference between them, and a mean that is near normal.
/// - **Errors** as the trait says; an arm of fewer than two units gives a row without standard error and a note.
/// - **Source** Welch (1947); Satterthwaite (1946); pooled: Student (1908).
#[derive(Debug)]
pub struct DifferenceInMeans;

const VARIANCE: OptionSpec = OptionSpec {
    name: "variance",
    kind: OptionKind::Choice(&["pooled", "welch"]),
    default: "welch",
    meaning: "One variance per arm (welch), or one for both (pooled, Student's test).",
};

impl Estimator for DifferenceInMeans {
    fn name(&self) -> &str {
        "difference_in_means"
    }

    fn summary(&self) -> &str {
        "The difference of the two arms' means by Welch's t-test, without adjustment."
    }

    fn assumes(&self) -> &str {
        "Units are independent, do not influence each other, and are enough for their mean to be near normal."
    }

    fn source(&self) -> &str {
        "Welch (1947), Biometrika 34, pages 28–35; Satterthwaite (1946), Biometrics Bulletin 2, pages 110–114."
    }

    fn serves(&self) -> &[SummaryKind] {
        &[SummaryKind::Mean, SummaryKind::Proportion]
    }

    fn options(&self) -> &[OptionSpec] {
        const { &[DISTRIBUTION, LIFT, VARIANCE] }
    }

    fn requires(&self, estimand: &Estimand, design: &Design) -> Result<Requirements, Error> {
        prepare(self, estimand, design)?;
        Ok(Requirements::comoments(estimand.summary.variables()))
    }

    fn estimate(&self, estimand: &Estimand, design: &Design, sample: &Sample) -> Result<Estimates, Error> {
        let (options, inference) = prepare(self, estimand, design)?;
        let arms = Arms::of(estimand, sample, &estimand.summary.variables())?;
        let outcomes = arms.outcomes(|moments| Some(Mean::of(moments, 0)), |arms| fit(arms, &options));
        Ok(answer(self, &options, inference.rows(estimand, &outcomes)))
    }
}

/// The plain means and their variance, by arm or pooled.
fn fit(arms: [ArmMoments<'_>; 2], options: &Options) -> Fit {
    let plain = per_arm_fit(arms);
    if options.choice(VARIANCE.name) == "pooled" { Fit { components: pooled(arms), ..plain } } else { plain }
}

/// The plain means with `s²/n` in each arm.
pub(super) fn per_arm_fit(arms: [ArmMoments<'_>; 2]) -> Fit {
    Fit { means: arms.map(|arm| Some(Mean::of(arm.moments, 0))), components: per_arm(arms), notes: Vec::new() }
}

/// `s²/n` in each arm, with `n − 1` degrees of freedom.
fn per_arm(arms: [ArmMoments<'_>; 2]) -> Result<Vec<VarianceComponent>, String> {
    let of_arm = |(at, arm): (usize, ArmMoments<'_>)| {
        let variance = arm.moments.variance(0).ok_or_else(|| arm.too_few(2, "a standard error"))?;
        Ok(VarianceComponent::of_arm(2, at, variance / arm.moments.n() as f64, arm.moments.df() as f64))
    };
    arms.into_iter().enumerate().map(of_arm).collect()
}

/// One variance for both arms, with the degrees of freedom of both.
fn pooled(arms: [ArmMoments<'_>; 2]) -> Result<Vec<VarianceComponent>, String> {
    let df: u64 = arms.iter().map(|arm| arm.moments.df()).sum();
    if df == 0 {
        return Err("Each arm has 1 unit; a pooled variance needs at least 3 in all.".to_owned());
    }
    let pooled = arms.iter().map(|arm| arm.moments.centred(0, 0)).sum::<f64>() / df as f64;
    let inverse = DVector::from_iterator(2, arms.iter().map(|arm| 1.0 / arm.moments.n() as f64));
    Ok(vec![VarianceComponent { covariance: DMatrix::from_diagonal(&(inverse * pooled)), df: Some(df as f64) }])
}
