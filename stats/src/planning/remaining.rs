//! How much longer a running experiment must go on.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::planning::{Answer, Effect, Outcome, Plan, Question, Spread, refuse};
use crate::suffstat::{CoMoments, Moments};

/// Where a running experiment stands.
///
/// Of the outcome only what the plan needs is taken: the baseline and the spread within arms, never the effect so far. A
/// plan renewed by the estimated effect would stop on chance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// The outcome as the units so far have it.
    pub outcome: Outcome,
    /// Units per arm so far, the baseline first.
    pub units_per_arm: Vec<u64>,
    /// Days since the first exposure.
    pub days: u32,
}

/// What is left of a running experiment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Remaining {
    /// The plan, renewed by what is known now.
    pub planned: Answer,
    /// Units so far, in all arms.
    pub units: u64,
    /// Units that are missing.
    pub units_left: u64,
    /// Days that are missing; `None` without traffic, or when they do not come within ten years.
    pub days_left: Option<u32>,
    /// Units so far over those needed, at most 1.
    pub done: f64,
    /// Chance that the units so far find the effect.
    pub power_now: f64,
    /// The smallest effect that the units so far find with the asked power, in the unit of the metric; `None` when there is
    /// none.
    pub effect_now: Option<f64>,
    /// The same as a share of the baseline.
    pub lift_now: Option<f64>,
    /// Expected half-width of the interval now.
    pub half_width_now: f64,
}

impl Progress {
    /// From the moments of the outcome per arm, the baseline first: its mean, and the spread pooled within arms.
    ///
    /// - **Needs** the outcome that the plan was made for: it says whether these are shares.
    /// - **Errors** with [`Error::OutOfRange`] for fewer than two arms or two units in one, for nothing that varies, or for a
    ///   ratio, which has [`Progress::of_ratio`].
    pub fn of_moments(planned: &Outcome, arms: &[Moments], days: u32) -> Result<Self, Error> {
        let [baseline, ..] = arms else { return Err(refuse("arms", 0, "a baseline and at least one other arm")) };
        let df: u64 = arms.iter().map(Moments::df).sum();
        if arms.len() < 2 || arms.iter().any(|arm| arm.n < 2) {
            let least = arms.iter().map(|arm| arm.n).min().unwrap_or(0);
            return Err(refuse("units", least, "every arm has at least 2 units; wait for more"));
        }
        let outcome = match planned {
            Outcome::Mean { test, .. } => {
                let pooled = arms.iter().map(|arm| arm.centred).sum::<f64>() / df as f64;
                Outcome::Mean { mean: Some(baseline.mean), std_dev: pooled.sqrt(), spread: Spread::Same, test: *test }
            }
            Outcome::Proportion { test, .. } => Outcome::Proportion { share: baseline.mean, test: *test },
            Outcome::Ratio { .. } => {
                return Err(refuse("outcome", "ratio", "the joint moments of numerator and denominator"));
            }
        };
        outcome.check()?;
        Ok(Self { outcome, units_per_arm: arms.iter().map(|arm| arm.n).collect(), days })
    }

    /// From the joint moments of numerator (variable 0) and denominator (variable 1) per arm, the baseline first, whose ratio
    /// and spread are taken.
    ///
    /// - **Errors** with [`Error::OutOfRange`] for fewer than two arms, or two units in the baseline.
    pub fn of_ratio(arms: &[CoMoments], days: u32) -> Result<Self, Error> {
        let [baseline, _, ..] = arms else {
            return Err(refuse("arms", arms.len(), "a baseline and at least one other arm"));
        };
        let outcome = Outcome::ratio_of_history(baseline)?;
        outcome.check()?;
        Ok(Self { outcome, units_per_arm: arms.iter().map(CoMoments::n).collect(), days })
    }
}

impl Plan {
    /// What is left until the experiment finds this effect with this power, by what is known now.
    ///
    /// - **Errors** as [`Plan::answer`]; with [`Error::OutOfRange`] when the arms are not as many as the plan's.
    pub fn remaining(&self, progress: &Progress, effect: Effect, power: f64) -> Result<Remaining, Error> {
        let arms = self.assignment.shares().len();
        if progress.units_per_arm.len() != arms {
            return Err(refuse(
                "units_per_arm",
                progress.units_per_arm.len(),
                &format!("one count for each of {arms} arms"),
            ));
        }
        let now = Plan { outcome: progress.outcome.clone(), ..self.clone() };
        let planned = now.answer(&Question::Size { effect, power })?;
        let units: u64 = progress.units_per_arm.iter().sum();
        // The arm that lags is what the experiment waits for.
        let lag = |(have, want): (&u64, &u64)| *have as f64 / (*want).max(1) as f64;
        let done = progress.units_per_arm.iter().zip(&planned.units_per_arm).map(lag).fold(1.0, f64::min);
        let counted = (done * planned.units as f64).max(now.fewest());
        let units_left = (planned.units as f64 * (1.0 - done)).ceil() as u64;
        let days_left = self.traffic.as_ref().and_then(|traffic| {
            let until = traffic.units(progress.days) + units_left as f64;
            if units_left == 0 { Some(0) } else { traffic.days(until).map(|days| days.saturating_sub(progress.days)) }
        });
        let absolute = now.absolute(effect)?;
        let effect_now = now.effect(counted, power).ok();
        Ok(Remaining {
            units,
            units_left,
            days_left,
            done,
            power_now: now.power(counted, effect)?,
            effect_now,
            lift_now: effect_now.and_then(|effect| now.lift(effect)),
            half_width_now: now.half_width(counted, absolute)?,
            planned,
        })
    }
}
