//! Rows of a ratio that is tested on the scale of its logarithm.

use crate::contrast::{Interval, Reference, Test};
use crate::dist::{Alternative, TailProbability};
use crate::estimate::Estimate;
use crate::estimator::distributions::{fill, tail};
use crate::estimator::replication::set_interval;

/// The logarithm of a ratio, above zero where the metric is higher in the arm, with its test.
pub(super) trait LogRatio {
    /// The estimate; infinite where one side of the ratio is zero.
    fn estimate(&self) -> f64;

    /// Its standard error.
    fn std_error(&self) -> Option<f64>;

    /// Degrees of freedom of the test.
    fn df(&self) -> Option<f64> {
        None
    }

    /// The statistic and the p-value of the hypothesis that it is `null`.
    fn test(&self, null: f64, alternative: Alternative) -> Option<(f64, TailProbability)>;

    /// The values that the test does not reject with this probability of error on each side that it has.
    fn interval(&self, tail: f64, alternative: Alternative) -> Interval;
}

/// An estimate over its standard error, against Student's t, or the normal without degrees of freedom.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Wald {
    pub estimate: f64,
    pub std_error: f64,
    pub df: Option<f64>,
}

impl LogRatio for Wald {
    fn estimate(&self) -> f64 {
        self.estimate
    }

    fn std_error(&self) -> Option<f64> {
        Some(self.std_error)
    }

    fn df(&self) -> Option<f64> {
        self.df
    }

    fn test(&self, null: f64, alternative: Alternative) -> Option<(f64, TailProbability)> {
        let statistic = (self.estimate - null) / self.std_error;
        // The tail is of the interval, which is not asked for here.
        let test = Test { alternative, tail: 0.5 };
        Some((statistic, Reference::T.p_value(statistic, self.df, test)?))
    }

    fn interval(&self, tail: f64, alternative: Alternative) -> Interval {
        let critical = Reference::T.critical(Test { alternative, tail }, self.df);
        critical.map_or_else(Interval::default, |critical| {
            Interval::around(self.estimate, critical * self.std_error, alternative)
        })
    }
}

/// Fills in the logarithm, with the test that it is zero.
pub(super) fn fill_logarithm(row: &mut Estimate, ratio: &dyn LogRatio, alternative: Alternative) {
    row.estimate = Some(ratio.estimate()).filter(|log| log.is_finite());
    row.std_error = ratio.std_error();
    infer(row, ratio, 0.0, alternative);
    set_interval(row, ratio.interval(tail(row, alternative), alternative));
    note_open(row);
}

/// Fills in the ratio less one, with the test that its logarithm is `null`.
pub(super) fn fill_ratio(row: &mut Estimate, ratio: &dyn LogRatio, null: f64, alternative: Alternative) {
    let finite = |log: f64| Some(log.exp_m1()).filter(|lift| lift.is_finite());
    // Of a ratio of zero, too, there is no estimate: it is the end of the range.
    row.estimate = Some(ratio.estimate()).filter(|log| log.is_finite()).and_then(finite);
    row.std_error = row.estimate.zip(ratio.std_error()).map(|(lift, error)| (1.0 + lift) * error);
    infer(row, ratio, null, alternative);
    let Interval { low, high } = ratio.interval(tail(row, alternative), alternative);
    set_interval(row, Interval { low: low.and_then(finite), high: high.and_then(finite) });
    note_open(row);
}

/// Fills in a test alone.
pub(super) fn infer(row: &mut Estimate, ratio: &dyn LogRatio, null: f64, alternative: Alternative) {
    row.df = ratio.df();
    if let Some((statistic, tail)) = ratio.test(null, alternative) {
        fill(row, Some(statistic), tail);
    }
}

fn note_open(row: &mut Estimate) {
    if row.conf_low.is_none() && row.conf_high.is_none() {
        row.note("The data set no bound on the asked side.");
    }
}
