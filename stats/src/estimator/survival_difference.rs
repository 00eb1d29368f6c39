//! Difference of the shares without the event at a time.

use crate::contrast::LIFT;
use crate::design::Design;
use crate::error::Error;
use crate::estimand::{Estimand, SummaryKind};
use crate::estimate::Estimates;
use crate::estimator::option::OptionSpec;
use crate::estimator::times::{ArmEstimate, Times, requirements, time_option};
use crate::estimator::{Estimator, answer, prepare};
use crate::requirement::Requirements;
use crate::sample::Sample;
use crate::survival::LifeTable;

/// Estimates the effect on the share of units still without the event at a time.
///
/// `Ŝ₁(t) − Ŝ₀(t)` by Kaplan and Meier, `Var(Ŝₐ) = Ŝₐ²·Σ_{tᵢ ≤ t} dᵢ/(nᵢ(nᵢ − dᵢ))`, compared with the normal
/// distribution. When all units were watched up to `t` it is the difference of two shares.
///
/// - **Needs** the distinct pairs of duration and event per arm, with counts.
/// - **Gives** the difference of shares, which has no unit, and the lift over the baseline's share. `mean` holds the
///   shares.
/// - **Assumes** that units leave for reasons that have nothing to do with the event, a time chosen before looking, and
///   enough events, and units without, for the shares to be near normal.
/// - **Errors** as the trait says; an arm whose units were not watched up to `t` gives rows without estimate and a note;
///   one in which all units or none had the event adds nothing to the standard error, which a note says.
/// - **Source** Kaplan & Meier (1958); Greenwood (1926); Klein, Logan, Harhoff & Andersen (2007), method 1.
#[derive(Debug)]
pub struct SurvivalDifference;

const AT: OptionSpec = time_option(
    "at",
    "Time at which the shares without the event are compared; 0 for the smaller of the arms' largest times, which a note names.",
);

impl Estimator for SurvivalDifference {
    fn name(&self) -> &str {
        "survival_difference"
    }

    fn summary(&self) -> &str {
        "The difference of the shares of units still without the event at a time, from the arms' Kaplan–Meier curves."
    }

    fn assumes(&self) -> &str {
        "Units are independent, and leave for reasons that have nothing to do with the event; the time was chosen before looking."
    }

    fn source(&self) -> &str {
        "Kaplan & Meier (1958), Journal of the American Statistical Association 53; Klein et al. (2007), Statistics in Medicine 26."
    }

    fn serves(&self) -> &[SummaryKind] {
        &[SummaryKind::TimeToEvent]
    }

    fn options(&self) -> &[OptionSpec] {
        const { &[AT, LIFT] }
    }

    fn requires(&self, estimand: &Estimand, design: &Design) -> Result<Requirements, Error> {
        prepare(self, estimand, design)?;
        Ok(requirements(estimand))
    }

    fn estimate(&self, estimand: &Estimand, design: &Design, sample: &Sample) -> Result<Estimates, Error> {
        let (options, inference) = prepare(self, estimand, design)?;
        let mut times = Times::of(estimand, sample)?;
        let at = times.time(&options, &AT);
        let outcomes = times.outcomes(|arm, table| share(arm, table, at));
        let mut rows = inference.rows(estimand, &outcomes);
        for row in &mut rows.rows {
            row.estimand = Some("survival_difference".to_owned());
        }
        Ok(answer(self, &options, rows))
    }
}

fn share(arm: &str, table: &LifeTable, at: Option<f64>) -> Result<ArmEstimate, String> {
    let at = at.or(table.last_time()).unwrap_or_default();
    let curve = table.kaplan_meier();
    // Past the last time nothing is known, but that a curve at zero stays there.
    let ended = || curve.steps().last().filter(|last| last.survival == 0.0 && last.time < at).copied();
    let step = curve.at(at).or_else(ended).ok_or_else(|| {
        let last = table.last_time().unwrap_or_default();
        format!("Units of arm `{arm}` were watched up to {last} and not up to {at}.")
    })?;
    // Where all had the event the curve does not vary, as where none had it.
    let error = step.std_error().unwrap_or_default();
    Ok(ArmEstimate { value: step.survival, variance: error * error })
}
