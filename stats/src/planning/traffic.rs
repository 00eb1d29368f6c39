//! From days to units and back.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::planning::refuse;

/// Days after which a plan counts as never done.
const LONGEST: u32 = 3_650;

/// Units that come new to the experiment, day by day.
///
/// Only a unit's first day counts: the same people come back, so that traffic per day is not units per day. Give the curve
/// of first visits as the past has it, and what comes after it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Traffic {
    /// New units on each of the first days.
    #[serde(default)]
    pub new_units: Vec<f64>,
    /// New units on every day after these.
    pub per_day: f64,
    /// Share of them that enters the experiment.
    #[serde(default = "all")]
    pub share: f64,
    /// Days from a unit's exposure until its outcome is complete; units younger than this do not count yet.
    #[serde(default)]
    pub window: u32,
    /// Whether the experiment runs whole weeks, so that each weekday counts alike.
    #[serde(default)]
    pub whole_weeks: bool,
}

fn all() -> f64 {
    1.0
}

impl Traffic {
    /// The same number of new units on every day.
    pub fn per_day(units: f64) -> Self {
        Self { new_units: Vec::new(), per_day: units, share: 1.0, window: 0, whole_weeks: false }
    }

    /// The first days as the past has them; afterwards as in its last week on average.
    pub fn of_history(new_units: Vec<f64>) -> Self {
        let week = &new_units[new_units.len().saturating_sub(7)..];
        let per_day = week.iter().sum::<f64>() / (week.len().max(1) as f64);
        Self { per_day, new_units, ..Self::per_day(0.0) }
    }

    /// Units whose outcome is complete after this many days.
    pub fn units(&self, days: u32) -> f64 {
        let enrolled = days.saturating_sub(self.window) as usize;
        let known = self.new_units.iter().take(enrolled).sum::<f64>();
        (known + self.per_day * enrolled.saturating_sub(self.new_units.len()) as f64) * self.share
    }

    /// The first day, or end of a week, after which this many units are complete; `None` when they do not come within ten
    /// years.
    pub fn days(&self, units: f64) -> Option<u32> {
        let step = if self.whole_weeks { 7 } else { 1 };
        // What is a hair short by rounding is there.
        (step..=LONGEST).step_by(step as usize).find(|days| self.units(*days) >= units * (1.0 - 1e-12))
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        if let Some(units) =
            self.new_units.iter().chain([&self.per_day]).find(|units| !(**units >= 0.0 && units.is_finite()))
        {
            return Err(refuse("new_units", units, "units per day are counts"));
        }
        if !(self.share > 0.0 && self.share <= 1.0) {
            return Err(refuse("share", self.share, "the share of traffic that enters lies above 0 and up to 1"));
        }
        Ok(())
    }
}
