//! Kinds of metric: how per-unit values are summarised over an arm.
//!
//! A kind is one file and one entry in [`ALL`] and [`NAMES`]; its keys give parsing, faults with places, and the schema.

mod mean;
mod proportion;
mod ratio;
mod time_to_event;

use crate::definition::{NumberStyle, UnitValue};
use crate::reading::fields::Fields;
use crate::reading::key::Key;
use crate::reading::metric::MetricReader;

/// Every kind, by name.
pub const ALL: &[&dyn MetricKind] = &[&mean::Mean, &proportion::Proportion, &ratio::Ratio, &time_to_event::TimeToEvent];

/// The names of all kinds, in the order of [`ALL`].
pub const NAMES: &[&str] = &["mean", "proportion", "ratio", "time_to_event"];

/// A kind of metric: its keys and how a file of that kind becomes an [`Outcome`].
pub trait MetricKind: Sync {
    /// The word for it in files and results.
    fn name(&self) -> &'static str;

    /// What it measures, in one sentence.
    fn doc(&self) -> &'static str;

    /// The keys that files of this kind have besides those of every metric.
    fn keys(&self) -> &'static [Key];

    /// How its numbers are written unless the file says otherwise.
    fn style(&self) -> NumberStyle;

    /// Reads the per-unit values; the keys have been checked. `None` when something is wrong, which has been reported.
    fn read(&self, fields: &Fields<'_>, reader: &mut MetricReader<'_>) -> Option<Outcome>;
}

/// The kind of a name.
pub fn named(name: &str) -> Option<&'static dyn MetricKind> {
    ALL.iter().find(|kind| kind.name() == name).copied()
}

/// The per-unit values of a metric and how an arm summarises them.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The mean over units of one value per unit.
    Mean(UnitValue),
    /// The share of units whose value is true; the value is 0 or 1 per unit.
    Proportion(UnitValue),
    /// The sum over units of one value, by the sum over units of another.
    Ratio {
        /// The value above the line.
        numerator: UnitValue,
        /// The value below the line.
        denominator: UnitValue,
    },
    /// The time to an event, which has not come for every unit.
    TimeToEvent {
        /// How long a unit was watched: to its event, or to the end of what is known.
        duration: UnitValue,
        /// 1 where the event came, else 0.
        event: UnitValue,
    },
}

impl Outcome {
    /// The word for its kind in files and results.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Mean(_) => "mean",
            Self::Proportion(_) => "proportion",
            Self::Ratio { .. } => "ratio",
            Self::TimeToEvent { .. } => "time_to_event",
        }
    }

    /// The words for its per-unit values where it has several, in files and as columns of the unit table.
    pub const fn parts(&self) -> &'static [&'static str] {
        match self {
            Self::Mean(_) | Self::Proportion(_) => &[],
            Self::Ratio { .. } => &["numerator", "denominator"],
            Self::TimeToEvent { .. } => &["duration", "event"],
        }
    }

    /// Its per-unit values: one, or numerator then denominator, or duration then event.
    pub fn values(&self) -> impl Iterator<Item = &UnitValue> {
        let (first, second) = match self {
            Self::Mean(value) | Self::Proportion(value) => (value, None),
            Self::Ratio { numerator, denominator } => (numerator, Some(denominator)),
            Self::TimeToEvent { duration, event } => (duration, Some(event)),
        };
        std::iter::once(first).chain(second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registry_and_its_names_are_alphabetical_and_agree() {
        let names: Vec<_> = ALL.iter().map(|kind| kind.name()).collect();
        assert_eq!(names, NAMES);
        assert!(names.is_sorted());
    }

    #[test]
    fn every_file_of_the_folder_is_registered() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/kind");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
            .filter(|stem| stem != "mod")
            .collect();
        files.sort();
        assert_eq!(files, NAMES);
    }
}
