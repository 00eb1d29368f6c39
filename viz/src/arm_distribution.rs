//! Outcomes of units by arm, as counts in bins: what the distribution draws.

use crate::axis::drawable;
use crate::number::Measure;

/// How the outcome of one metric is distributed over units, arm by arm.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Distribution {
    /// What it shows, such as the name of the metric.
    pub title: String,
    /// How its values are written.
    pub measure: Measure,
    /// The arms in the experiment's order, the control first.
    pub arms: Vec<ArmDistribution>,
}

/// The distribution of one arm.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ArmDistribution {
    /// Name of the arm.
    pub arm: String,
    /// Mean outcome, in the unit of the metric.
    pub mean: Option<f64>,
    /// Its standard error: it decides how precisely the mean is written.
    pub std_error: Option<f64>,
    /// Counts in bins that do not overlap, in any order and of any widths.
    pub bins: Vec<Bin>,
}

/// How many units lie between two values; all at one value when both are equal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bin {
    /// Lower edge.
    pub low: f64,
    /// Upper edge.
    pub high: f64,
    /// Units.
    pub count: u64,
}

impl Bin {
    /// Whether it holds units and its edges are numbers in order.
    pub fn is_used(&self) -> bool {
        self.count > 0 && drawable(Some(self.low)).zip(drawable(Some(self.high))).is_some_and(|(low, high)| low <= high)
    }
}

impl ArmDistribution {
    /// All units.
    pub fn units(&self) -> u64 {
        total(self.used())
    }

    /// The bins that hold units.
    pub fn used(&self) -> impl Iterator<Item = &Bin> {
        self.bins.iter().filter(|bin| bin.is_used())
    }
}

/// All units of some bins; the largest count there is when they are more.
pub(crate) fn total<'a>(bins: impl IntoIterator<Item = &'a Bin>) -> u64 {
    bins.into_iter().fold(0, |total, bin| total.saturating_add(bin.count))
}
