//! Regression adjustment of two arm means, from joint moments alone.

use nalgebra::{DMatrix, DVector};

use crate::design::Population;
use crate::estimator::arms::{ArmMoments, Fit};
use crate::estimator::joint::{Joint, WeightedSum};
use crate::least_squares::CrossProducts;
use crate::potential_outcomes::VarianceComponent;
use crate::requirement::MISSING;
use crate::suffstat::CoMoments;

/// One slope per arm, or one from both arms as if they were one sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slope {
    PerArm,
    Pooled,
}

/// What is adjusted, and by what, in one sample.
#[derive(Debug, Clone)]
pub(super) struct Terms {
    pub outcome: WeightedSum,
    pub covariates: Vec<WeightedSum>,
}

/// The adjusted means of two arms, the baseline first, and their joint variance.
///
/// With one slope per arm `μ̂ₐ = ȳₐ + βₐ'(x̄ − x̄ₐ)` and
/// `Cov(μ̂ₐ, μ̂_b) = [a = b]·s²ₑₐ·(1/nₐ + (x̄ − x̄ₐ)'Sₐ⁻¹(x̄ − x̄ₐ)) + βₐ'Σₓβ_b/N`, where `s²ₑₐ` has `nₐ − 1 − k`
/// degrees of freedom and the last term, with `N − 1`, stands only when the units are a sample of the population. With
/// a pooled slope `θ`, of both arms as one sample, `μ̂ₐ = ȳₐ − θ'(x̄ₐ − x̄)` with the variance of `y − θ'x` over `nₐ`.
///
/// `sums` says what the outcome and the covariates are in a sample: variables, or linearised ratios. Covariates that
/// are constant, or a combination of earlier ones, in an arm are left out and named.
pub(super) fn adjust(
    arms: [ArmMoments<'_>; 2],
    sums: impl Fn(&str, &CoMoments) -> Result<Terms, String>,
    names: &[String],
    slope: Slope,
    population: Population,
) -> Fit {
    let (arms, both) = match joints(arms, sums) {
        Ok(joints) => joints,
        Err(reason) => return Fit { means: [None; 2], components: Err(reason), notes: Vec::new() },
    };
    let (kept, mut notes) = keep(&arms, &both, names, slope);
    let (arms, both) = (arms.map(|arm| arm.keeping(&kept)), both.keeping(&kept));
    let kept = kept.len();
    let fit = match slope {
        Slope::PerArm => per_arm(&arms, &both, population),
        Slope::Pooled => pooled(&arms, &both),
    };
    let unadjusted: Option<f64> = arms.iter().map(|arm| arm.mean_variance(&DVector::zeros(kept), 1)).sum();
    let adjusted = fit.components.as_ref().ok().map(|parts| {
        let along = |part: &VarianceComponent| {
            part.covariance[(0, 0)] - 2.0 * part.covariance[(0, 1)] + part.covariance[(1, 1)]
        };
        parts.iter().map(along).sum::<f64>()
    });
    if let (Some(before), Some(after)) = (unadjusted, adjusted)
        && kept > 0
        && before > 0.0
    {
        notes.push(format!(
            "Adjustment leaves {:.1} % of the variance of the plain difference.",
            100.0 * after / before
        ));
    }
    Fit { notes: notes.into_iter().chain(fit.notes).collect(), ..fit }
}

/// The two arms, and both as one sample: `x̄`, `Σₓ` and `θ` are of the latter.
fn joints(
    arms: [ArmMoments<'_>; 2],
    sums: impl Fn(&str, &CoMoments) -> Result<Terms, String>,
) -> Result<([Joint; 2], Joint), String> {
    let [baseline, arm] = arms;
    let merged = baseline.moments.merge(arm.moments).map_err(|error| format!("The arms cannot be pooled: {error}."))?;
    let joint = |name: &str, moments: &CoMoments| {
        let terms = sums(name, moments)?;
        Ok::<_, String>(Joint::of(name, moments, &terms.outcome, &terms.covariates))
    };
    Ok(([joint(baseline.name, baseline.moments)?, joint(arm.name, arm.moments)?], joint("both", &merged)?))
}

/// Positions of the covariates that can have a slope, and the sentences that name the others.
fn keep(arms: &[Joint; 2], both: &Joint, names: &[String], slope: Slope) -> (Vec<usize>, Vec<String>) {
    let redundant: Vec<Vec<usize>> = match slope {
        Slope::PerArm => arms.iter().map(|arm| CrossProducts::redundant(&arm.cross)).collect(),
        Slope::Pooled => vec![CrossProducts::redundant(&both.cross)],
    };
    let (dropped, kept): (Vec<usize>, Vec<usize>) =
        (0..both.means.len()).partition(|at| redundant.iter().any(|dropped| dropped.contains(at)));
    let sentence = |at: usize| {
        let name = names.get(at)?;
        if name.ends_with(MISSING) && both.means[at].value == 0.0 && both.cross[(at, at)] == 0.0 {
            return None;
        }
        Some(match arms.iter().find(|arm| arm.cross[(at, at)] == 0.0) {
            Some(arm) => format!("Covariate `{name}` is constant in arm `{}` and was left out.", arm.arm),
            None => format!("Covariate `{name}` is a linear combination of those before it and was left out."),
        })
    };
    (kept, dropped.into_iter().filter_map(sentence).collect())
}

fn per_arm(arms: &[Joint; 2], all: &Joint, population: Population) -> Fit {
    let k = all.means.len();
    let plain = || arms.each_ref().map(|arm| Some(arm.outcome));
    let needed = k as u64 + 2;
    if let Some(small) = arms.iter().find(|arm| arm.n < needed) {
        return Fit { means: plain(), components: Err(small.too_few(k)), notes: Vec::new() };
    }
    let mut means = [None; 2];
    let mut slopes = DMatrix::zeros(k, 2);
    let mut components = Vec::with_capacity(3);
    for (at, arm) in arms.iter().enumerate() {
        let distance = arm.distance_to(all);
        let Some((beta, solved)) =
            CrossProducts::new(&arm.cross).map(|cross| (cross.solve(&arm.outcome_cross), cross.solve(&distance)))
        else {
            let reason = format!("The covariates cannot be solved for in arm `{}`.", arm.arm);
            return Fit { means: plain(), components: Err(reason), notes: Vec::new() };
        };
        let df = (arm.n - 1 - k as u64) as f64;
        let residual = arm.residual_square(&beta) / df;
        means[at] = Some(arm.outcome.plus(beta.dot(&distance)));
        components.push(VarianceComponent::of_arm(2, at, residual * (1.0 / arm.n as f64 + distance.dot(&solved)), df));
        slopes.set_column(at, &beta);
    }
    if population == Population::Sampled && k > 0 {
        let total = all.n as f64;
        let spread = slopes.tr_mul(&(&all.cross * &slopes)) / (total - 1.0) / total;
        components.push(VarianceComponent { covariance: spread, df: Some(total - 1.0) });
    }
    Fit { means, components: Ok(components), notes: Vec::new() }
}

fn pooled(arms: &[Joint; 2], all: &Joint) -> Fit {
    let Some(theta) = all.slopes() else {
        let reason = "The covariates cannot be solved for.".to_owned();
        return Fit { means: arms.each_ref().map(|arm| Some(arm.outcome)), components: Err(reason), notes: Vec::new() };
    };
    let means = arms.each_ref().map(|arm| Some(arm.outcome.plus(theta.dot(&arm.distance_to(all)))));
    let component = |(at, arm): (usize, &Joint)| {
        let variance = arm.mean_variance(&theta, 1).ok_or_else(|| arm.too_few(0))?;
        Ok(VarianceComponent::of_arm(2, at, variance, (arm.n - 1) as f64))
    };
    Fit { means, components: arms.iter().enumerate().map(component).collect(), notes: Vec::new() }
}
