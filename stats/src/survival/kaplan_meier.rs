//! The Kaplan–Meier estimate of survival.

use super::LifeTable;
use crate::dist::{Continuous, Normal};

/// The share of units still without the event, by time.
///
/// `S(t) = Π_{tᵢ ≤ t} (1 − dᵢ/nᵢ)`, with Greenwood's `Var(S) = S²·Σ dᵢ/(nᵢ(nᵢ − dᵢ))`.
///
/// - **Assumes** that units leave for reasons that have nothing to do with the event.
/// - **Source** Kaplan & Meier (1958); Greenwood (1926).
#[derive(Clone, Debug, PartialEq)]
pub struct KaplanMeier {
    steps: Vec<Step>,
    last_time: f64,
}

/// The curve from one event time to the next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// The event time from which on this holds.
    pub time: f64,
    /// Units at risk just before it.
    pub at_risk: u64,
    /// Events at it.
    pub events: u64,
    /// The share still without the event.
    pub survival: f64,
    /// `Σ dᵢ/(nᵢ(nᵢ − dᵢ))`; infinite once nobody is left.
    pub greenwood: f64,
}

/// The scale on which an interval of survival is symmetric.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConfidenceScale {
    /// `ln S`: R's default, with an upper end cut at 1.
    Log,
    /// `ln(−ln S)`: stays inside (0, 1) and covers best in small samples.
    #[default]
    LogLog,
    /// `S` itself, cut at 0 and 1.
    Plain,
}

/// The mean time without the event up to a horizon.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RestrictedMean {
    /// The area under the curve up to the horizon, in units of time.
    pub mean: f64,
    /// Its standard error.
    pub std_error: f64,
}

impl LifeTable {
    /// The Kaplan–Meier estimate.
    pub fn kaplan_meier(&self) -> KaplanMeier {
        let (mut survival, mut greenwood) = (1.0, 0.0);
        let step = |row: &super::LifeRow| {
            let (n, d) = (row.at_risk as f64, row.events as f64);
            survival *= (n - d) / n;
            greenwood += d / n / (n - d);
            Step { time: row.time, at_risk: row.at_risk, events: row.events, survival, greenwood }
        };
        let steps = self.rows().iter().filter(|row| row.events > 0).map(step).collect();
        KaplanMeier { steps, last_time: self.last_time().unwrap_or(0.0) }
    }
}

impl KaplanMeier {
    /// The steps, one per event time.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The curve at a time; `None` before zero and after the last time, of which nothing is known.
    pub fn at(&self, time: f64) -> Option<Step> {
        if !(0.0..=self.last_time).contains(&time) {
            return None;
        }
        let before = self.steps.partition_point(|step| step.time <= time);
        let start = Step { time: 0.0, at_risk: 0, events: 0, survival: 1.0, greenwood: 0.0 };
        Some(before.checked_sub(1).map_or(start, |at| self.steps[at]))
    }

    /// The time by which a share `q` of the units had the event; `None` when the curve does not come down so far.
    ///
    /// Where the curve runs exactly at `1 − q`, the middle between the start and the end of that run.
    pub fn quantile(&self, q: f64) -> Option<f64> {
        self.crossing(1.0 - q, |step| Some(step.survival))
    }

    /// The interval of a quantile: the times at which the ends of the curve's intervals come down to it. An end is
    /// `None` when its curve does not come down so far.
    ///
    /// - **Source** Brookmeyer & Crowley (1982).
    pub fn quantile_interval(&self, q: f64, level: f64, scale: ConfidenceScale) -> (Option<f64>, Option<f64>) {
        let low = self.crossing(1.0 - q, |step| step.interval(level, scale).map(|(low, _)| low));
        let high = self.crossing(1.0 - q, |step| step.interval(level, scale).map(|(_, high)| high));
        (low, high)
    }

    /// The first time at which a curve is at or below a height.
    fn crossing(&self, height: f64, curve: impl Fn(&Step) -> Option<f64>) -> Option<f64> {
        // A product of shares that is the height but for rounding counts as it.
        let slack = 1e-12;
        let at = self.steps.iter().position(|step| curve(step).is_some_and(|value| value <= height + slack))?;
        let level = curve(&self.steps[at]).is_some_and(|value| (value - height).abs() <= slack);
        let next = self.steps.get(at + 1).filter(|_| level);
        Some(next.map_or(self.steps[at].time, |next| (self.steps[at].time + next.time) / 2.0))
    }

    /// The mean time without the event up to `horizon`; `None` when somebody was still at risk at the last time and
    /// that lies before it, since nothing is then known of the rest, or without units.
    ///
    /// `∫₀^τ S(t)dt`, `Var = Σ_{tᵢ ≤ τ} (∫_{tᵢ}^τ S)²·dᵢ/(nᵢ(nᵢ − dᵢ))`.
    ///
    /// - **Source** Irwin (1949); Klein & Moeschberger (2003), section 4.5.
    pub fn restricted_mean(&self, horizon: f64) -> Option<RestrictedMean> {
        let ended = self.steps.last().is_some_and(|step| step.survival == 0.0);
        if horizon.is_nan() || horizon <= 0.0 || (horizon > self.last_time && !ended) {
            return None;
        }
        let steps = &self.steps[..self.steps.partition_point(|step| step.time < horizon)];
        let (mut area, mut variance, mut until) = (0.0, 0.0, horizon);
        for step in steps.iter().rev() {
            area += step.survival * (until - step.time);
            let (n, d) = (step.at_risk as f64, step.events as f64);
            // Where all have the event nothing is left of the area, and nothing of its variance.
            if area > 0.0 && n > d {
                variance += area * area * d / n / (n - d);
            }
            until = step.time;
        }
        Some(RestrictedMean { mean: area + until, std_error: variance.sqrt() })
    }
}

impl Step {
    /// Greenwood's standard error; `None` once nobody is left.
    pub fn std_error(&self) -> Option<f64> {
        (self.survival > 0.0).then(|| self.survival * self.greenwood.sqrt())
    }

    /// The interval of survival; `None` once nobody is left, on the log-log scale also before the first event, and for
    /// a level outside (0, 1).
    pub fn interval(&self, level: f64, scale: ConfidenceScale) -> Option<(f64, f64)> {
        if !(level > 0.0 && level < 1.0) || self.survival == 0.0 {
            return None;
        }
        let half = Normal.isf(0.5 * (1.0 - level))? * self.greenwood.sqrt();
        let s = self.survival;
        let (low, high) = match scale {
            ConfidenceScale::Plain => (s - s * half, s + s * half),
            ConfidenceScale::Log => (s * (-half).exp(), s * half.exp()),
            ConfidenceScale::LogLog if s == 1.0 => return None,
            ConfidenceScale::LogLog => {
                let ratio = (half / s.ln().abs()).exp();
                (s.powf(ratio), s.powf(1.0 / ratio))
            }
        };
        Some((low.max(0.0), high.min(1.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(units: &[(f64, bool, u64)]) -> KaplanMeier {
        LifeTable::of(units.iter().copied()).unwrap().kaplan_meier()
    }

    #[test]
    fn without_censoring_it_is_the_share_left() {
        let curve = curve(&[(1.0, true, 3), (2.0, true, 5), (4.0, true, 2)]);
        let survival = |time| curve.at(time).unwrap().survival;
        assert_eq!([0.5, 1.0, 3.9].map(survival).map(|s| (s * 10.0).round()), [10.0, 7.0, 2.0]);
        assert_eq!((survival(4.0), curve.at(4.1), curve.at(-1.0)), (0.0, None, None));
        // Greenwood's error is then binomial.
        let at = curve.at(1.0).unwrap();
        assert!((at.std_error().unwrap() - (0.7 * 0.3 / 10.0_f64).sqrt()).abs() < 1e-15);
        assert_eq!(curve.at(4.0).unwrap().interval(0.95, ConfidenceScale::Log), None);
    }

    #[test]
    fn a_restricted_mean_of_all_times_is_their_mean() {
        let curve = curve(&[(1.0, true, 3), (2.0, true, 5), (4.0, true, 2)]);
        let all = curve.restricted_mean(10.0).unwrap();
        assert!((all.mean - 2.1).abs() < 1e-12);
        // Its variance is that of a mean of the times, with n in the denominator.
        let variance = (3.0 * 1.1_f64.powi(2) + 5.0 * 0.1_f64.powi(2) + 2.0 * 1.9_f64.powi(2)) / 100.0;
        assert!((all.std_error - variance.sqrt()).abs() < 1e-12, "{}", all.std_error);
    }

    #[test]
    fn nothing_is_said_past_the_last_time_of_those_who_are_left() {
        let curve = curve(&[(1.0, true, 1), (3.0, false, 4)]);
        assert_eq!((curve.restricted_mean(3.5), curve.quantile(0.5)), (None, None));
        assert!((curve.restricted_mean(3.0).unwrap().mean - (1.0 + 2.0 * 0.8)).abs() < 1e-15);
        assert_eq!(curve.quantile_interval(0.5, 0.95, ConfidenceScale::Log).1, None);
    }

    #[test]
    fn a_curve_that_runs_at_the_height_gives_the_middle_of_the_run() {
        let curve = curve(&[(1.0, true, 2), (5.0, true, 1), (9.0, true, 1)]);
        assert_eq!(curve.quantile(0.5), Some(3.0));
    }
}
