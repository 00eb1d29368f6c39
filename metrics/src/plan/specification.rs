//! The unit aggregation: one typed specification of what is asked of the data.
//!
//! ```text
//! assignments ─▶ units (arm, exposure, state)
//! events ──────▶ per unit: windows × filters × aggregations ─┐
//! unit tables ─▶ per unit: one value ────────────────────────┴─▶ unit table ─▶ caps ─▶ statistics per arm
//! ```
//!
//! Every engine runs the SQL that [`crate::plan::lower`] makes of it; an operator that reads it directly is the other
//! way down. Nothing in it is text to be pasted: sources by name, expressions as trees, times as instants.

use estimand_stats::requirement::Compression;
use jiff::Timestamp;

use crate::bindings::Bindings;
use crate::definition::{Cap, Clock, Zone};
use crate::expression::{Aggregation, Expression};

/// What is asked of the data for one experiment.
#[derive(Clone, Debug, PartialEq)]
pub struct UnitAggregation {
    /// Who is counted, in which arm, from when.
    pub enrolment: Enrolment,
    /// One number per unit each, in the order of their names.
    pub values: Vec<UnitColumn>,
    /// Columns made of others after the unit table stands: caps, indicators.
    pub derived: Vec<DerivedColumn>,
    /// The statistics per arm.
    pub readouts: Vec<Readout>,
    /// The values of every parameter.
    pub bindings: Bindings,
}

/// Who is counted.
#[derive(Clone, Debug, PartialEq)]
pub struct Enrolment {
    /// The source of assignments.
    pub source: String,
    /// The column of unit ids; `None` when each row is a unit.
    pub unit_column: Option<String>,
    /// The column of arms.
    pub arm_column: String,
    /// The time of exposure; `None` for a unit table.
    pub clock: Option<Clock>,
    /// Which rows are assignments to this experiment.
    pub filter: Option<Expression>,
    /// The declared arms.
    pub arms: Vec<String>,
    /// First instant of enrolment.
    pub start: Option<Timestamp>,
    /// First instant after enrolment.
    pub end: Option<Timestamp>,
    /// Nothing that happened at or after this instant is read.
    pub as_of: Option<Timestamp>,
    /// The zone of enrolment days.
    pub zone: Zone,
    /// The condition that makes a unit count, and from when its outcome is counted.
    pub trigger: Option<TriggerEvent>,
    /// Columns by which effects are cut.
    pub dimensions: Vec<DimensionColumn>,
}

/// The rows that trigger a unit.
#[derive(Clone, Debug, PartialEq)]
pub struct TriggerEvent {
    /// The source of the rows.
    pub source: String,
    /// The column of unit ids.
    pub unit_column: String,
    /// Its time.
    pub clock: Clock,
    /// Which rows trigger.
    pub filter: Option<Expression>,
}

/// A column by which effects are cut, one text per unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DimensionColumn {
    /// Name in the unit table.
    pub name: String,
    /// The source of the column.
    pub source: String,
    /// The column.
    pub column: String,
    /// The column of unit ids.
    pub unit_column: String,
}

/// One number per unit: the rows that count, reduced.
#[derive(Clone, Debug, PartialEq)]
pub struct UnitColumn {
    /// Name in the unit table.
    pub name: String,
    /// The source of the rows.
    pub source: String,
    /// The column of unit ids in that source; `None` when each row is a unit.
    pub unit_column: Option<String>,
    /// The time of a row; `None` for a unit table.
    pub clock: Option<Clock>,
    /// How rows become a number.
    pub aggregation: Aggregation,
    /// Which rows count.
    pub filter: Option<Expression>,
    /// Which rows count by their time; `None` for a unit table.
    pub span: Option<Span>,
    /// The value of a unit without rows; `None` leaves it missing.
    pub when_empty: Option<f64>,
    /// Missing unless this many microseconds since exposure have passed by the as-of instant.
    pub matures_after: Option<i64>,
}

/// Times relative to the exposure of the unit, in microseconds, half-open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Span {
    /// `[exposure + delay, exposure + delay + length)`; without a length, to the as-of instant.
    After {
        /// Start after the outcome clock of the unit.
        delay: i64,
        /// Length.
        length: Option<i64>,
    },
    /// `[exposure − lookback, exposure)`.
    Before {
        /// Length.
        lookback: i64,
    },
}

/// A column made of another column of the unit table.
#[derive(Clone, Debug, PartialEq)]
pub struct DerivedColumn {
    /// Name in the unit table.
    pub name: String,
    /// The column it is made of.
    pub of: String,
    /// How.
    pub how: Derivation,
}

/// How a derived column is made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Derivation {
    /// Cut to bounds.
    Capped(Cap),
    /// 0 in place of missing.
    Filled,
    /// 1 where missing, else 0.
    Missing,
}

/// Statistics of the unit table, one row per arm and group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Readout {
    /// Grouped by arm, and by what else.
    pub by: Grouping,
    /// Joint moments of each tuple of columns.
    pub comoments: Vec<Vec<String>>,
    /// Compressed samples.
    pub compressed: Vec<Compression>,
    /// Distribution of each column.
    pub histograms: Vec<String>,
}

/// By what a readout is grouped, besides the arm.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Grouping {
    /// Nothing else.
    Arm,
    /// The enrolment day.
    Day,
    /// A dimension by its name.
    Dimension(String),
}

impl UnitAggregation {
    /// The sources that are read, each once, in alphabetical order.
    pub fn sources(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self
            .values
            .iter()
            .map(|value| value.source.as_str())
            .chain(self.enrolment.dimensions.iter().map(|dimension| dimension.source.as_str()))
            .chain(self.enrolment.trigger.iter().map(|trigger| trigger.source.as_str()))
            .chain(std::iter::once(self.enrolment.source.as_str()))
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Whether a value can be read in the pass over the assignment source itself: one table with a row per unit.
    pub fn is_in_enrolment(&self, value: &UnitColumn) -> bool {
        value.source == self.enrolment.source && self.enrolment.clock.is_none() && value.clock.is_none()
    }

    /// Whether any cap needs a look at all per-unit values first.
    pub fn has_percentile_cap(&self) -> bool {
        use crate::definition::Bound;
        self.derived.iter().any(|column| match column.how {
            Derivation::Capped(cap) => {
                [cap.lower, cap.upper].into_iter().flatten().any(|bound| matches!(bound, Bound::Percentile { .. }))
            }
            Derivation::Filled | Derivation::Missing => false,
        })
    }
}
