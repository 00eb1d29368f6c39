//! What estimators that draw replicates have in common: their options, and how an open interval is explained.

use crate::contrast::Interval;
use crate::estimate::Estimate;
use crate::estimator::option::{OptionKind, OptionSpec};

/// The option for the number of replicates.
pub(super) const REPLICATES: OptionSpec = OptionSpec {
    name: "replicates",
    kind: OptionKind::Whole { min: 99, max: 1_000_000 },
    default: "999",
    meaning: "How many replicates are drawn; no p-value is below one over one more than that.",
};

/// The option for the seed.
pub(super) const SEED: OptionSpec = OptionSpec {
    name: "seed",
    kind: OptionKind::Whole { min: 0, max: 1 << 53 },
    default: "20261123",
    meaning: "Seed of the replicates: the same seed gives the same numbers, on any machine and any number of threads.",
};

/// Fills in an interval.
pub(super) fn set_interval(row: &mut Estimate, interval: Interval) {
    let finite = |end: Option<f64>| end.filter(|end| end.is_finite());
    (row.conf_low, row.conf_high) = (finite(interval.low), finite(interval.high));
}
