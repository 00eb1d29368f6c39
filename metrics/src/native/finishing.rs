//! What a specification asks of finished units, and what came of it, in the words of both.

use std::collections::BTreeMap;

use estimand_stats::requirement::Compression;
use estimand_stats::sample::ExactArmSample;
use estimand_stats::unit_aggregation::finish::{Columns, Derive, Derived, Finished, Finishing, Limit, Readout};

use crate::collect::MISSING_GROUP;
use crate::definition::{Bound, CapOf};
use crate::plan::lower::Caps;
use crate::plan::{Derivation, Grouping, UnitAggregation};

/// The rows of one readout, each with its day or its value of a dimension.
pub(crate) type ReadRows = Vec<(Option<String>, ExactArmSample)>;

/// What is asked, its columns being the values of the specification in their order, its groupings the dimensions in theirs
/// and then the day.
pub(crate) fn finishing(specification: &UnitAggregation) -> Finishing {
    let names = names(specification);
    let place = |name: &String| names.iter().position(|other| *other == name).unwrap_or(names.len());
    let limit = |bound: Bound| match bound {
        Bound::Value(value) => Limit::Value(value),
        Bound::Percentile { rank, of } => Limit::Percentile { rank, nonzero: of == CapOf::Nonzero },
    };
    let derived = specification.derived.iter().map(|derived| Derived {
        of: place(&derived.of),
        how: match derived.how {
            Derivation::Capped(cap) => Derive::Clip { lower: cap.lower.map(limit), upper: cap.upper.map(limit) },
            Derivation::Filled => Derive::Filled,
            Derivation::Missing => Derive::Missing,
        },
    });
    let columns = |kept: &Compression| Columns {
        features: kept.features.iter().map(place).collect(),
        outcomes: kept.outcomes.iter().map(place).collect(),
    };
    let readouts = specification.readouts.iter().map(|readout| Readout {
        by: grouping(specification, &readout.by),
        tuples: readout.comoments.iter().map(|tuple| tuple.iter().map(place).collect()).collect(),
        compressions: readout.compressed.iter().map(columns).collect(),
        histograms: readout.histograms.iter().map(place).collect(),
    });
    Finishing { columns: specification.values.len(), derived: derived.collect(), readouts: readouts.collect() }
}

/// The grouping by its position: dimensions, then the day.
fn grouping(specification: &UnitAggregation, by: &Grouping) -> Option<usize> {
    let dimensions = &specification.enrolment.dimensions;
    match by {
        Grouping::Arm => None,
        Grouping::Day => Some(dimensions.len()),
        Grouping::Dimension(name) => dimensions.iter().position(|dimension| dimension.name == *name),
    }
}

/// The columns of a specification by position: values, then what is made of them.
fn names(specification: &UnitAggregation) -> Vec<&String> {
    let values = specification.values.iter().map(|value| &value.name);
    values.chain(specification.derived.iter().map(|derived| &derived.name)).collect()
}

/// The rows of every readout; `text` gives the text of a code of a grouping, by the position of [`finishing`].
pub(crate) fn readouts(
    specification: &UnitAggregation,
    finished: &Finished,
    text: &dyn Fn(usize, u32) -> Option<String>,
) -> Vec<ReadRows> {
    let asked = specification.readouts.iter().zip(&finished.readouts);
    let rows = asked.map(|(readout, rows)| {
        let grouping = grouping(specification, &readout.by);
        let rows = rows.iter().filter(|row| row.units > 0).map(|row| {
            let group = grouping.and_then(|grouping| text(grouping, row.group));
            let arm = specification.enrolment.arms.get(row.arm as usize).cloned().unwrap_or_default();
            let sample = ExactArmSample {
                arm,
                units: row.units,
                comoments: readout.comoments.iter().cloned().zip(row.comoments.iter().cloned()).collect(),
                compressed: readout.compressed.iter().cloned().zip(row.compressed.iter().cloned()).collect(),
                histograms: readout.histograms.iter().cloned().zip(row.histograms.iter().cloned()).collect(),
            };
            (group, sample)
        });
        rows.collect()
    });
    rows.collect()
}

/// The bounds that were found for percentile caps.
pub(crate) fn caps(specification: &UnitAggregation, finished: &Finished) -> Caps {
    let derived = specification.derived.iter().zip(&finished.limits);
    derived
        .filter(|(_, found)| **found != (None, None))
        .map(|(derived, found)| (derived.name.clone(), *found))
        .collect()
}

/// The units of an arm, by the readout of arms alone.
pub(crate) fn units_of(readouts: &[ReadRows], specification: &UnitAggregation, arm: &str) -> u64 {
    let by_arm = specification.readouts.iter().position(|readout| readout.by == Grouping::Arm);
    let rows = by_arm.and_then(|at| readouts.get(at)).into_iter().flatten();
    rows.filter(|(_, row)| row.arm == arm).map(|(_, row)| row.units).sum()
}

/// The units by dimension, arm and value, where every assigned unit is counted.
pub(crate) fn census_by(
    specification: &UnitAggregation,
    readouts: &[ReadRows],
) -> BTreeMap<String, Vec<(String, String, u64)>> {
    let mut census = BTreeMap::new();
    for (readout, rows) in specification.readouts.iter().zip(readouts) {
        if let Grouping::Dimension(name) = &readout.by {
            let value = |group: &Option<String>| group.clone().unwrap_or_else(|| MISSING_GROUP.to_owned());
            let mut counts: Vec<(String, String, u64)> =
                rows.iter().map(|(group, row)| (row.arm.clone(), value(group), row.units)).collect();
            counts.sort();
            census.insert(name.clone(), counts);
        }
    }
    census
}
