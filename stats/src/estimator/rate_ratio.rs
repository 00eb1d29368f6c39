//! Ratio of two rates of events.

use nalgebra::DVector;

use crate::contrast::{Inference, Interval};
use crate::counts::{Counts, Impossible, MOST_EVENTS, NegativeBinomial, dispersion};
use crate::design::Design;
use crate::dist::Alternative;
use crate::error::Error;
use crate::estimand::{Estimand, SummaryKind};
use crate::estimate::{Estimate, Estimates};
use crate::estimator::arms::{ArmMoments, Arms, Fit, Mean};
use crate::estimator::distributions::{Rows, alpha, tail};
use crate::estimator::joint::{Joint, WeightedSum};
use crate::estimator::log_ratio::{LogRatio, Wald, fill_ratio, infer};
use crate::estimator::option::{OptionKind, OptionSpec};
use crate::estimator::replication::set_interval;
use crate::estimator::{Estimator, answer, prepare};
use crate::potential_outcomes::{ArmMean, PotentialOutcomes, VarianceComponent};
use crate::requirement::Requirements;
use crate::sample::Sample;
use crate::suffstat::CoMoments;

/// Estimates the ratio of two rates of events, per unit or per exposure, by a model of counts on the log scale.
///
/// `ln(λ₁/λ₀)` with `λₐ = Σy/Σd`, against zero; the sum of the arms' `Var(ln λₐ)`:
///
/// | `model` | `Var(ln λₐ)` | reference | right when |
/// | --- | --- | --- | --- |
/// | `robust` | `s²/(nₐ·ȳₐ²)` of the linearised outcome | Student's t, Satterthwaite | always, in large samples |
/// | `poisson` | `1/Σy` | normal | events come one by one, units alike |
/// | `quasi_poisson` | `φ/Σy`, `φ` Pearson's over both arms | Student's t, `n − 2` | variance in proportion to the mean |
/// | `negative_binomial` | `1/Σ μ/(1 + μ/θ)`, `λₐ` and `θ` by maximum likelihood | normal | rates vary over units as a gamma does |
///
/// - **Needs** the joint moments of count and exposure per arm; the distinct counts (and exposures) for
///   `negative_binomial`, and for `quasi_poisson` per exposure.
/// - **Gives** the ratio less one, and the difference of the rates with the same test. Covariates of the design are not used.
/// - **Assumes** independent units. A note says where counts vary more than `poisson` allows.
/// - **Errors** as the trait says; an arm without events, and under a model of counts values that are no counts, give rows
///   without estimate and a note.
/// - **Source** McCullagh & Nelder (1989), chapter 6; Lawless (1987); Gourieroux, Monfort & Trognon (1984) for `robust`.
#[derive(Debug)]
pub struct RateRatio;

const MODEL: OptionSpec = OptionSpec {
    name: "model",
    kind: OptionKind::Choice(&["negative_binomial", "poisson", "quasi_poisson", "robust"]),
    default: "robust",
    meaning: "How counts vary: as the data show (robust), as Poisson's, in proportion to them (quasi_poisson), or as negative binomial counts.",
};

impl Estimator for RateRatio {
    fn name(&self) -> &str {
        "rate_ratio"
    }

    fn summary(&self) -> &str {
        "The ratio of two rates of events per unit or per exposure, by a model of counts or with robust errors."
    }

    fn assumes(&self) -> &str {
        "Units are independent, and counts vary as the model says; with `robust` as they do."
    }

    fn source(&self) -> &str {
        "McCullagh & Nelder (1989), Generalized Linear Models, chapter 6; Lawless (1987), Canadian Journal of Statistics 15."
    }

    fn serves(&self) -> &[SummaryKind] {
        &[SummaryKind::Mean, SummaryKind::Ratio]
    }

    fn options(&self) -> &[OptionSpec] {
        const { &[MODEL] }
    }

    fn requires(&self, estimand: &Estimand, design: &Design) -> Result<Requirements, Error> {
        let (options, _) = prepare(self, estimand, design)?;
        Ok(match Model::of(options.choice(MODEL.name), estimand) {
            Model::Moments(_) => Requirements::comoments(estimand.summary.variables()),
            Model::Distinct(_) => Requirements::compressed(estimand.summary.variables(), [""; 0]),
        })
    }

    fn estimate(&self, estimand: &Estimand, design: &Design, sample: &Sample) -> Result<Estimates, Error> {
        let (options, inference) = prepare(self, estimand, design)?;
        let outcomes = match Model::of(options.choice(MODEL.name), estimand) {
            Model::Moments(variance) => {
                let arms = Arms::of(estimand, sample, &estimand.summary.variables())?;
                arms.outcomes(rate, |arms| from_moments(arms, variance))
            }
            Model::Distinct(variance) => from_distinct(estimand, sample, variance)?,
        };
        Ok(answer(self, &options, rows(&inference, estimand, &outcomes, design.level)))
    }
}

/// What a model reads.
enum Model {
    Moments(Variance),
    Distinct(Variance),
}

#[derive(Clone, Copy, PartialEq)]
enum Variance {
    NegativeBinomial,
    Poisson,
    QuasiPoisson,
    Robust,
}

impl Model {
    fn of(word: &str, estimand: &Estimand) -> Self {
        match (word, estimand.summary.kind()) {
            ("negative_binomial", _) => Self::Distinct(Variance::NegativeBinomial),
            ("quasi_poisson", SummaryKind::Ratio) => Self::Distinct(Variance::QuasiPoisson),
            ("quasi_poisson", _) => Self::Moments(Variance::QuasiPoisson),
            ("poisson", _) => Self::Moments(Variance::Poisson),
            _ => Self::Moments(Variance::Robust),
        }
    }
}

fn weighted(moments: &CoMoments) -> Option<WeightedSum> {
    match moments.k() {
        1 => Some(WeightedSum::variable(moments, 0)),
        _ => WeightedSum::ratio(moments, 0, 1),
    }
}

/// Events per unit, or per exposure; `None` when the exposure sums to zero.
fn rate(moments: &CoMoments) -> Option<Mean> {
    weighted(moments).map(|rate| rate.value)
}

/// The rates with their variances, as parts of one arm each.
fn from_moments(arms: [ArmMoments<'_>; 2], variance: Variance) -> Fit {
    let means = arms.map(|arm| rate(arm.moments));
    let components = match variance {
        Variance::Robust => arms.into_iter().enumerate().map(robust).collect(),
        _ => model_variances(arms, variance),
    };
    let notes = match variance {
        Variance::Poisson => arms.into_iter().filter_map(overdispersion).collect(),
        _ => Vec::new(),
    };
    let positive = arms.into_iter().try_for_each(|arm| positive_rate(arm.name, rate(arm.moments)));
    Fit { means, components: positive.and(components), notes }
}

fn positive_rate(arm: &str, rate: Option<Mean>) -> Result<(), String> {
    match rate {
        Some(rate) if rate.value > 0.0 => Ok(()),
        Some(rate) if rate.value == 0.0 => Err(format!("Arm `{arm}` has no events, so there is no ratio of rates.")),
        Some(_) => Err(format!("The rate of arm `{arm}` is negative, so there is no ratio of rates.")),
        None => Err(format!("The exposure sums to zero in arm `{arm}`, so there is no rate.")),
    }
}

/// `s²/n` of the outcome, linearised where it is a ratio.
fn robust((at, arm): (usize, ArmMoments<'_>)) -> Result<VarianceComponent, String> {
    let outcome = weighted(arm.moments).ok_or_else(|| format!("The exposure sums to zero in arm `{}`.", arm.name))?;
    let joint = Joint::of(arm.name, arm.moments, &outcome, &[]);
    let variance = joint.mean_variance(&DVector::zeros(0), 1).ok_or_else(|| joint.too_few(0))?;
    Ok(VarianceComponent::of_arm(2, at, variance, arm.moments.df() as f64))
}

/// `φλ²/Σy` in each arm, with `φ` of both.
fn model_variances(arms: [ArmMoments<'_>; 2], variance: Variance) -> Result<Vec<VarianceComponent>, String> {
    let rates = arms.map(|arm| rate(arm.moments).map_or(0.0, |rate| rate.value));
    let events = arms.map(|arm| (arm.moments.mean(0) + arm.moments.mean_rest(0)) * arm.moments.n() as f64);
    if variance == Variance::Poisson {
        for (arm, total) in arms.iter().zip(events) {
            // A mean is rounded, so its product with the units is a whole number only up to that.
            if !(0.5..=MOST_EVENTS).contains(&total) || (total - total.round()).abs() > 1e-9 * total.max(1.0) {
                return Err(no_counts(arm.name, &format!("sum to {total}, which is no count")));
            }
        }
        return Ok(components([0, 1].map(|at| rates[at] * rates[at] / events[at].round()), [None; 2]));
    }
    let df = arms.iter().map(|arm| arm.moments.n()).sum::<u64>() - 2;
    if df == 0 {
        return Err("Each arm has 1 unit; a dispersion of both needs at least 3 in all.".to_owned());
    }
    let pearson: f64 = arms.iter().map(|arm| arm.moments.centred(0, 0) / arm.moments.mean(0)).sum();
    let spread = pearson / df as f64;
    Ok(shared_dispersion([0, 1].map(|at| rates[at] * rates[at] / events[at]), spread, df as f64))
}

fn no_counts(arm: &str, what: &str) -> String {
    format!("The outcomes of arm `{arm}` {what}; this model needs counts, and `model=robust` does not.")
}

fn components(variances: [f64; 2], df: [Option<f64>; 2]) -> Vec<VarianceComponent> {
    let component =
        |at: usize| VarianceComponent { df: df[at], ..VarianceComponent::of_arm(2, at, variances[at], 1.0) };
    vec![component(0), component(1)]
}

/// One part for both arms, since the dispersion is estimated from both.
fn shared_dispersion(variances: [f64; 2], dispersion: f64, df: f64) -> Vec<VarianceComponent> {
    let covariance = components(variances.map(|variance| variance * dispersion), [None; 2]);
    let both = covariance.iter().map(|part| part.covariance.clone()).sum();
    vec![VarianceComponent { covariance: both, df: Some(df) }]
}

/// Says so when counts vary more than Poisson counts of their rate can by chance.
///
/// The dispersion `Var(y − λd)/ȳ` of Poisson counts is 1 with a standard error of about `√(2/(n − 1))`.
fn overdispersion(arm: ArmMoments<'_>) -> Option<String> {
    let joint = Joint::of(arm.name, arm.moments, &weighted(arm.moments)?, &[]);
    let variance = joint.mean_variance(&DVector::zeros(0), 1)?;
    let rate = joint.outcome.value;
    let poisson = rate * rate / (arm.moments.mean(0) * arm.moments.n() as f64);
    let (dispersion, chance) = (variance / poisson, (2.0 / arm.moments.df() as f64).sqrt());
    (dispersion.is_finite() && dispersion > 1.0 + 4.0 * chance).then(|| {
        format!(
            "Counts of arm `{}` vary {dispersion:.1} times as much as Poisson counts do: intervals are too narrow, and `model=robust` takes the variance from the data.",
            arm.name
        )
    })
}

/// The rates of the models that need every count.
fn from_distinct(estimand: &Estimand, sample: &Sample, variance: Variance) -> Result<PotentialOutcomes, Error> {
    let variables = estimand.summary.variables();
    let names = [&estimand.baseline_arm, &estimand.arm];
    let mut notes = Vec::new();
    let mut arms = Vec::with_capacity(2);
    for name in names {
        let arm = sample.arm(&estimand.metric, name)?;
        let kept = arm.compressed(&estimand.metric, &variables, &[])?;
        let left_out = arm.units.saturating_sub(kept.units());
        if left_out > 0 {
            notes.push(format!("{left_out} of {} units of arm `{name}` have no value and are left out.", arm.units));
        }
        arms.push(kept);
    }
    let exposures = |at: usize| (variables.len() > 1).then(|| arms[at].feature(1));
    let counts = [0, 1].map(|at| Counts::of(arms[at].feature(0), exposures(at), arms[at].n()));
    let mean = |at: usize| counts[at].as_ref().ok().filter(|counts| counts.n() > 0).map(Counts::rate);
    let mut means = [mean(0), mean(1)];
    let empty = names.iter().zip(&arms).find(|(_, arm)| arm.units() == 0);
    let fitted = match (empty, &counts) {
        (Some((name, _)), _) => Err(format!("Arm `{name}` has no units with a value.")),
        (None, [Ok(baseline), Ok(arm)]) => {
            let without = [baseline, arm].iter().position(|counts| counts.events() == 0.0);
            match without {
                Some(at) => Err(format!("Arm `{}` has no events, so there is no ratio of rates.", names[at])),
                None => fit([baseline, arm], variance, &mut means, &mut notes),
            }
        }
        (None, _) => Err(names.iter().zip(&counts).find_map(|(name, counts)| {
            counts.as_ref().err().map(|impossible| match impossible {
                Impossible::Count(odd) => no_counts(name, &format!("hold {odd}, which is no count")),
                Impossible::Exposure(odd) => {
                    format!("The exposures of arm `{name}` hold {odd}; a rate of counts needs each above zero, and `model=robust` does not.")
                }
            })
        }).unwrap_or_default()),
    };
    let components = fitted.map_err(|reason| notes.push(reason)).ok();
    let arm_mean = |at: usize| ArmMean {
        arm: names[at].clone(),
        n: arms[at].units(),
        mean: means[at],
        rest: 0.0,
        unadjusted: None,
    };
    Ok(PotentialOutcomes { arms: vec![arm_mean(0), arm_mean(1)], components, notes })
}

fn fit(
    arms: [&Counts<'_>; 2],
    variance: Variance,
    means: &mut [Option<f64>; 2],
    notes: &mut Vec<String>,
) -> Result<Vec<VarianceComponent>, String> {
    if variance == Variance::QuasiPoisson {
        let df = (arms[0].n() + arms[1].n() - 2) as f64;
        let spread = dispersion(arms)
            .ok_or_else(|| "Each arm has 1 unit; a dispersion of both needs at least 3 in all.".to_owned())?;
        let poisson = arms.map(|arm| arm.rate() * arm.rate() / arm.events());
        return Ok(shared_dispersion(poisson, spread, df));
    }
    let found = NegativeBinomial::fit(arms).ok_or_else(|| "The negative binomial model has no estimate.".to_owned())?;
    match found.size {
        Some(size) => notes.push(format!("The size of the negative binomial is {size:.3}.")),
        None => notes.push("Counts vary no more than Poisson counts, so their model is used.".to_owned()),
    }
    *means = found.rates.map(Some);
    Ok(components([0, 1].map(|at| found.rates[at] * found.rates[at] * found.log_variances[at]), [None; 2]))
}

/// The log ratio of the rates; `None` without a variance.
fn log_ratio(outcomes: &PotentialOutcomes) -> Option<Wald> {
    let [baseline, arm] = outcomes.arms.as_slice() else { return None };
    let (below, above) = (baseline.mean?, arm.mean?);
    // ln λ₁ − ln λ₀ to first order, in units of the arm's own rate.
    let contrast = outcomes.contrast(&[-above / below, 1.0])?;
    let (estimate, std_error) = ((above / below).ln(), contrast.variance.sqrt() / above);
    Some(Wald { estimate, std_error, df: contrast.df }).filter(|ratio| ratio.estimate.is_finite())
}

const NO_VARIANCE: &str = "The estimated variance is zero, so a test and an interval are undefined.";

fn rows(inference: &Inference, estimand: &Estimand, outcomes: &PotentialOutcomes, level: f64) -> Estimates {
    let rows = Rows { inference, estimand, outcomes, level, name: "ate" };
    let alternative = rows.alternative();
    let mut effects = vec![rows.row("absolute"), rows.row("relative")];
    let at_margin = estimand.hypothesis.margin().map(|margin| rows.margin_row(margin));
    let margin_test = at_margin.as_ref().map(|(_, alternative, factor)| (*alternative, factor.ln()));
    effects.extend(at_margin.map(|(row, ..)| row));
    let Some(ratio) = log_ratio(outcomes) else {
        effects[0].estimate = outcomes.weighted_mean(&[-1.0, 1.0]);
        return Estimates { rows: effects };
    };
    if ratio.std_error == 0.0 {
        for row in &mut effects {
            let lift = Some(ratio.estimate.exp_m1()).filter(|lift| lift.is_finite());
            row.estimate =
                if row.scale.as_deref() == Some("absolute") { outcomes.weighted_mean(&[-1.0, 1.0]) } else { lift };
            row.std_error = Some(0.0);
            row.note(NO_VARIANCE);
        }
        return Estimates { rows: effects };
    }
    difference(&mut effects[0], outcomes, &ratio, alternative);
    fill_ratio(&mut effects[1], &ratio, 0.0, alternative);
    if let (Some((alternative, null)), Some(row)) = (margin_test, effects.get_mut(2)) {
        fill_ratio(row, &ratio, null, alternative);
    }
    Estimates { rows: effects }
}

/// The difference of the rates, with the test of their ratio.
fn difference(row: &mut Estimate, outcomes: &PotentialOutcomes, ratio: &Wald, alternative: Alternative) {
    row.estimate = outcomes.weighted_mean(&[-1.0, 1.0]);
    infer(row, ratio, 0.0, alternative);
    let contrast = outcomes.contrast(&[-1.0, 1.0]);
    let Some((estimate, std_error)) = row.estimate.zip(contrast.map(|contrast| contrast.variance.sqrt())) else {
        return;
    };
    row.std_error = Some(std_error);
    let ends = Wald { estimate, std_error, df: ratio.df }.interval(tail(row, alternative), alternative);
    set_interval(row, ends);
    let rejects = row.p_value.is_some_and(|p| p < alpha(row));
    if (Interval { low: row.conf_low, high: row.conf_high }).excludes(0.0) != rejects {
        row.note(
            "The test is of the ratio of the rates, and would decide otherwise than this interval of their difference.",
        );
    }
}
