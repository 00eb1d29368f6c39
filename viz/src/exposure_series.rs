//! Units exposed day by day: what the exposures chart draws.

use jiff::civil::Date;

/// Units exposed per day and arm, with the plan.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ExposureSeries {
    /// What it shows.
    pub title: String,
    /// Names of the arms in the experiment's order, the control first.
    pub arms: Vec<String>,
    /// Planned share of each arm; they add up to one.
    pub planned: Vec<f64>,
    /// The days in order.
    pub days: Vec<ExposureDay>,
    /// p-value of the sample-ratio check over all days, when it was made.
    pub sample_ratio_p: Option<f64>,
}

/// Units first exposed on one day.
#[derive(Debug, Clone, PartialEq)]
pub struct ExposureDay {
    /// The day.
    pub day: Date,
    /// Units of each arm, in the order of the arms.
    pub units: Vec<u64>,
}

impl ExposureSeries {
    /// Units of an arm on each day; zero where a day has no count for it.
    pub fn units(&self, arm: usize) -> impl Iterator<Item = (Date, u64)> {
        self.days.iter().map(move |day| (day.day, day.units.get(arm).copied().unwrap_or(0)))
    }

    /// Share of an arm in all units up to each day; `None` before the first unit.
    pub fn running_share(&self, arm: usize) -> Vec<(Date, Option<f64>)> {
        let (mut of_arm, mut of_all) = (0.0, 0.0);
        self.days
            .iter()
            .map(|day| {
                of_arm += day.units.get(arm).copied().unwrap_or(0) as f64;
                of_all += day.units.iter().map(|units| *units as f64).sum::<f64>();
                (day.day, (of_all > 0.0).then(|| of_arm / of_all))
            })
            .collect()
    }
}
