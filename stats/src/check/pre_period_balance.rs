//! Balance of the arms before exposure.

use crate::check::{Check, Detail, Evidence, Finding, Outcome, p_in_words};
use crate::contrast::{Reference, Test};
use crate::dist::Alternative;
use crate::multiplicity::Correction;
use crate::potential_outcomes::{ArmMean, PotentialOutcomes, VarianceComponent};
use crate::suffstat::Moments;

/// Corrected p-value below which a difference before exposure is not an accident.
const WARN: f64 = 0.01;

/// Warns when a covariate differed between arms before anybody was treated.
///
/// Welch's test of every arm against the first, Holm over covariates × arms.
///
/// - **Needs** the moments of every covariate per arm.
/// - **Gives** a corrected p-value per covariate, the smallest over its arms. A covariate without variance is left out.
/// - **Assumes** covariates that the treatment cannot have changed.
/// - **Source** Welch (1947); Holm (1979).
#[derive(Debug)]
pub struct PrePeriodBalance;

impl Check for PrePeriodBalance {
    fn name(&self) -> &'static str {
        "pre_period_balance"
    }

    fn summary(&self) -> &'static str {
        "Covariates had the same mean in every arm before exposure; a warning below a corrected p of 0.01."
    }

    fn check(&self, evidence: &Evidence) -> Finding {
        let mut tested: Vec<(&str, Option<f64>)> = Vec::new();
        for covariate in &evidence.covariates {
            let [Some(baseline), arms @ ..] = covariate.arms.as_slice() else { continue };
            tested.extend(arms.iter().flatten().map(|arm| (covariate.covariate.as_str(), welch(baseline, arm))));
        }
        let p_values: Vec<Option<f64>> = tested.iter().map(|(_, p)| *p).collect();
        let Ok(adjusted) = Correction::Holm.adjust(&p_values) else {
            return Finding::not_applicable("The covariates cannot be tested.");
        };
        let mut details: Vec<Detail> = Vec::new();
        for ((covariate, _), p) in tested.iter().zip(adjusted) {
            let Some(p) = p else { continue };
            match details.iter_mut().find(|detail| detail.what == **covariate) {
                Some(detail) => detail.p_value = detail.p_value.map(|other| other.min(p)),
                None => details.push(Detail { what: (*covariate).to_owned(), p_value: Some(p), ..Detail::default() }),
            }
        }
        let Some(p_value) = details.iter().filter_map(|detail| detail.p_value).min_by(f64::total_cmp) else {
            return Finding::not_applicable("There is no covariate from before exposure.");
        };
        let unbalanced: Vec<String> = details
            .iter()
            .filter(|detail| detail.p_value.is_some_and(|p| p < WARN))
            .map(|detail| format!("`{}`", detail.what))
            .collect();
        let number = details.len();
        let plural = if number == 1 { "covariate" } else { "covariates" };
        let (outcome, message, help) = if unbalanced.is_empty() {
            let message = format!("Arms were alike before exposure in {number} {plural} ({}).", p_in_words(p_value));
            (Outcome::Pass, message, String::new())
        } else {
            let message =
                format!("Arms differed before exposure in {} ({}).", unbalanced.join(", "), p_in_words(p_value));
            let help =
                "look for an earlier experiment on the same units, or for an exposure that is logged late in one arm";
            (Outcome::Warn, message, help.to_owned())
        };
        Finding { p_value: Some(p_value), details, help, ..Finding::new(outcome, message) }
    }
}

/// The two-sided p-value of Welch's test; `None` when neither arm varies or one has a single unit.
fn welch(baseline: &Moments, arm: &Moments) -> Option<f64> {
    let component = |at: usize, moments: &Moments| {
        moments.mean_variance().map(|variance| VarianceComponent::of_arm(2, at, variance, moments.df() as f64))
    };
    let mean = |moments: &Moments| ArmMean {
        arm: String::new(),
        n: moments.n,
        mean: Some(moments.mean),
        rest: 0.0,
        unadjusted: None,
    };
    let outcomes = PotentialOutcomes {
        arms: vec![mean(baseline), mean(arm)],
        components: Some(vec![component(0, baseline)?, component(1, arm)?]),
        notes: Vec::new(),
    };
    let difference = outcomes.contrast(&[-1.0, 1.0])?;
    let statistic = difference.estimate / difference.variance.sqrt();
    Some(Reference::T.p_value(statistic, difference.df, Test::of(Alternative::TwoSided, WARN))?.p)
}
