//! Difference of restricted mean times to an event.

use crate::contrast::LIFT;
use crate::design::Design;
use crate::error::Error;
use crate::estimand::{Estimand, SummaryKind};
use crate::estimate::Estimates;
use crate::estimator::option::{OptionSpec, Options};
use crate::estimator::times::{ArmEstimate, Times, requirements, time_option};
use crate::estimator::{Estimator, answer, prepare};
use crate::potential_outcomes::PotentialOutcomes;
use crate::requirement::Requirements;
use crate::sample::Sample;
use crate::survival::LifeTable;

/// Estimates the effect on the mean time without the event, counted up to a horizon.
///
/// `μ̂ₐ = ∫₀^τ Sₐ(t)dt` under Kaplan and Meier's curve, `Var = Σ_{tᵢ ≤ τ}(∫_{tᵢ}^τ Sₐ)²·dᵢ/(nᵢ(nᵢ − dᵢ))`, compared with
/// the normal distribution. Unlike a hazard ratio it means the same whether or not hazards are in proportion.
///
/// - **Needs** the distinct pairs of duration and event per arm, with counts.
/// - **Gives** the effect in the unit of the durations and as a share of the baseline's restricted mean, with `lift=log`
///   as the ratio of restricted means of `survRM2`. `mean` holds the restricted means.
/// - **Assumes** that units leave for reasons that have nothing to do with the event, and a horizon chosen before
///   looking.
/// - **Errors** as the trait says; an arm whose units were not watched up to the horizon gives rows without estimate and
///   a note.
/// - **Source** Irwin (1949); Royston & Parmar (2013); Uno et al. (2014), supplement, for difference and ratio.
#[derive(Debug)]
pub struct RestrictedMean;

const HORIZON: OptionSpec = time_option(
    "horizon",
    "Time up to which time without the event counts; 0 for the smaller of the arms' largest times, which a note names.",
);

impl Estimator for RestrictedMean {
    fn name(&self) -> &str {
        "restricted_mean"
    }

    fn summary(&self) -> &str {
        "The difference of the mean times without the event up to a horizon, from the arms' Kaplan–Meier curves."
    }

    fn assumes(&self) -> &str {
        "Units are independent, and leave for reasons that have nothing to do with the event; the horizon was chosen before looking."
    }

    fn source(&self) -> &str {
        "Irwin (1949), Journal of Hygiene 47; Royston & Parmar (2013), BMC Medical Research Methodology 13."
    }

    fn serves(&self) -> &[SummaryKind] {
        &[SummaryKind::TimeToEvent]
    }

    fn options(&self) -> &[OptionSpec] {
        const { &[HORIZON, LIFT] }
    }

    fn requires(&self, estimand: &Estimand, design: &Design) -> Result<Requirements, Error> {
        prepare(self, estimand, design)?;
        Ok(requirements(estimand))
    }

    fn estimate(&self, estimand: &Estimand, design: &Design, sample: &Sample) -> Result<Estimates, Error> {
        let (options, inference) = prepare(self, estimand, design)?;
        let mut rows = inference.rows(estimand, &outcomes(estimand, sample, &options)?);
        for row in &mut rows.rows {
            row.estimand = Some("restricted_mean".to_owned());
        }
        Ok(answer(self, &options, rows))
    }
}

/// The restricted means of both arms, up to the horizon of the options where they have one.
pub(super) fn outcomes(estimand: &Estimand, sample: &Sample, options: &Options) -> Result<PotentialOutcomes, Error> {
    let mut times = Times::of(estimand, sample)?;
    let horizon = times.time(options, &HORIZON);
    Ok(times.outcomes(|arm, table| restricted_mean(arm, table, horizon)))
}

fn restricted_mean(arm: &str, table: &LifeTable, horizon: Option<f64>) -> Result<ArmEstimate, String> {
    // Of the other arm's emptiness the notes speak already: this one's own times are then its horizon.
    let horizon = horizon.or(table.last_time()).unwrap_or_default();
    if horizon == 0.0 {
        return Err(format!("No time passes in arm `{arm}`, so there is no mean time."));
    }
    let found = table.kaplan_meier().restricted_mean(horizon).ok_or_else(|| {
        let last = table.last_time().unwrap_or_default();
        format!("Units of arm `{arm}` were watched up to {last} and not up to the horizon {horizon}.")
    })?;
    Ok(ArmEstimate { value: found.mean, variance: found.std_error * found.std_error })
}
