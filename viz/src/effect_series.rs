//! Effects day by day: what the cumulative effect draws.

use estimand_stats::Estimates;
use jiff::civil::Date;

use crate::axis::drawable;
use crate::error::Error;
use crate::number::{Measure, Numbers, Scale};

/// The effect of each arm on one metric, of all units enrolled up to each day.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EffectSeries {
    /// What it shows, such as the name of the metric.
    pub title: String,
    /// The scale of all effects.
    pub scale: Scale,
    /// How the effects are written.
    pub numbers: Numbers,
    /// The arm compared against.
    pub baseline_arm: String,
    /// One series per arm, in the experiment's order without the control.
    pub arms: Vec<ArmSeries>,
    /// Confidence level of the intervals.
    pub level: f64,
    /// Whether the band covers at all times at once, so that looking early is allowed.
    pub sequential: bool,
}

/// The series of one arm.
#[derive(Debug, Clone, PartialEq)]
pub struct ArmSeries {
    /// Name of the arm.
    pub arm: String,
    /// Points in the order of days.
    pub points: Vec<EffectPoint>,
}

/// The effect of all units enrolled up to a day.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EffectPoint {
    /// The day.
    pub day: Date,
    /// The effect; `None` when it could not be estimated.
    pub estimate: Option<f64>,
    /// Lower end; `None` when open.
    pub low: Option<f64>,
    /// Upper end; `None` when open.
    pub high: Option<f64>,
    /// Units of both arms.
    pub n: Option<u64>,
}

impl EffectPoint {
    /// The estimate, when it has an interval: it is never shown without.
    pub fn shown(&self) -> Option<f64> {
        let (low, high) = self.ends();
        low.or(high).and(drawable(self.estimate))
    }

    /// The ends of its interval; infinite ones are open.
    pub fn ends(&self) -> (Option<f64>, Option<f64>) {
        (drawable(self.low), drawable(self.high))
    }
}

impl EffectSeries {
    /// The rows of one metric whose `period` is a day, all on one scale.
    ///
    /// - **Needs** `arm`, `scale` and `period` of each row.
    /// - **Errors** with [`Error::NotADay`], [`Error::MixedScales`] or [`Error::MissingColumn`].
    pub fn of(title: &str, estimates: &Estimates, measure: &Measure, sequential: bool) -> Result<Self, Error> {
        let first = estimates.rows.first().ok_or(Error::MissingColumn { column: "period" })?;
        let scale_name = first.scale.as_deref().ok_or(Error::MissingColumn { column: "scale" })?;
        let mixed = |found: &str| Error::MixedScales {
            metric: measure.label.clone(),
            found: found.to_owned(),
            expected: scale_name.to_owned(),
        };
        let scale = Scale::named(scale_name).ok_or_else(|| mixed(scale_name))?;
        let mut arms: Vec<ArmSeries> = Vec::new();
        for row in &estimates.rows {
            if row.scale.as_deref() != Some(scale_name) {
                return Err(mixed(row.scale.as_deref().unwrap_or_default()));
            }
            let arm = row.arm.as_deref().ok_or(Error::MissingColumn { column: "arm" })?;
            let period = row.period.as_deref().ok_or(Error::MissingColumn { column: "period" })?;
            let day = period
                .parse()
                .map_err(|_| Error::NotADay { metric: measure.label.clone(), period: period.to_owned() })?;
            let place = arms.iter().position(|series| series.arm == arm).unwrap_or_else(|| {
                arms.push(ArmSeries { arm: arm.to_owned(), points: Vec::new() });
                arms.len() - 1
            });
            arms[place].points.push(EffectPoint {
                day,
                estimate: row.estimate,
                low: row.conf_low,
                high: row.conf_high,
                n: row.n.zip(row.n_baseline).map(|(arm, baseline)| arm.saturating_add(baseline)),
            });
        }
        arms.iter_mut().for_each(|series| series.points.sort_by_key(|point| point.day));
        // The last day has the smallest error, and decides how precisely all days are written.
        let latest = arms.iter().filter_map(|series| series.points.last()).map(|point| point.day).max();
        let latest_errors = estimates
            .rows
            .iter()
            .filter(|row| row.period.as_deref().and_then(|period| period.parse().ok()) == latest)
            .filter_map(|row| row.std_error);
        Ok(Self {
            title: title.to_owned(),
            scale,
            numbers: Numbers::effects(measure, scale, latest_errors),
            baseline_arm: first.baseline_arm.clone().unwrap_or_default(),
            arms,
            level: first.level.unwrap_or(0.95),
            sequential,
        })
    }
}

#[cfg(test)]
mod tests {
    use estimand_stats::Estimate;

    use super::*;

    fn row(period: &str, arm: &str) -> Estimate {
        Estimate {
            arm: Some(arm.into()),
            scale: Some("relative".into()),
            period: Some(period.into()),
            estimate: Some(0.1),
            std_error: Some(0.02),
            conf_low: Some(0.06),
            ..Estimate::default()
        }
    }

    #[test]
    fn days_are_put_in_order_per_arm() {
        let rows = [row("2026-11-02", "B"), row("2026-11-01", "B"), row("2026-11-01", "C")];
        let series = EffectSeries::of("x", &rows.into_iter().collect(), &Measure::labelled("x"), false).unwrap();
        let days: Vec<Vec<i8>> =
            series.arms.iter().map(|arm| arm.points.iter().map(|point| point.day.day()).collect()).collect();
        assert_eq!(days, [vec![1, 2], vec![1]]);
    }

    #[test]
    fn a_period_that_is_no_day_is_refused() {
        let error =
            EffectSeries::of("x", &[row("week 3", "B")].into_iter().collect(), &Measure::labelled("Orders"), false);
        assert_eq!(
            error.unwrap_err().to_string(),
            "period `week 3` of metric `Orders` is not a day; write it as 2026-11-22"
        );
    }
}
