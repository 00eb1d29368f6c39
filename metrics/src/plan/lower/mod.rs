//! The first lowering of the unit aggregation: SQL statements that every engine runs and a person can read.
//!
//! The steps build on each other by name, so that no table is scanned twice. Each is one SELECT:
//!
//! 1. `units`: one row per unit with its arm, its exposure and whether it counts.
//! 2. `SOURCE_per_unit`: one row per unit and source, all windows, filters and lookbacks of all metrics in one scan.
//! 3. `unit_table`: one row per counted unit, one column per value.
//! 4. `analysed`: the same with caps and indicators, once the caps are known.
//! 5. the readouts: statistics per arm.

mod clock;
mod form;
mod key;
mod outcomes;
mod readouts;
mod unit_table;
mod units;

use std::collections::BTreeMap;

use arrow::datatypes::SchemaRef;
use sea_query::SelectStatement;

pub(crate) use clock::Tick;
pub(crate) use form::Form;
pub use key::KeyForm;
pub(crate) use outcomes::{COLUMN_SOURCE_ROWS, of_one_row};
pub use readouts::{READ_ARM, READ_GROUP, READ_UNITS};
pub(crate) use readouts::{READ_COMOMENTS, compressed_of, histogram_of};
pub(crate) use units::{ASSIGNED, dimensions_step, greatest};
pub use units::{
    COLUMN_ARM, COLUMN_COUNTED_FROM, COLUMN_DAY, COLUMN_EXPOSED_AT, COLUMN_ROWS, COLUMN_STATE, COLUMN_UNDECLARED,
    COLUMN_UNIT, UnitState,
};

use crate::plan::specification::UnitAggregation;
use crate::sql::Statement;

/// Name of the step that holds one row per unit.
pub const UNITS: &str = "units";
/// Name of the step that holds one row per counted unit and one column per value.
pub const UNIT_TABLE: &str = "unit_table";
/// Name of the step that adds caps and indicators.
pub const ANALYSED: &str = "analysed";

/// Whether the steps give units a column of this name, so that no value may have it.
pub(crate) fn is_column_of_units(name: &str) -> bool {
    [
        COLUMN_ARM,
        COLUMN_COUNTED_FROM,
        COLUMN_DAY,
        COLUMN_EXPOSED_AT,
        COLUMN_ROWS,
        COLUMN_STATE,
        COLUMN_UNDECLARED,
        COLUMN_UNIT,
    ]
    .contains(&name)
}

/// Whether steps have this name, so that no source may: each reads the others by name.
pub fn is_step(name: &str) -> bool {
    let of_a_source = [per_unit(""), dimensions_step("")];
    [ANALYSED, ASSIGNED, units::TRIGGERED, UNITS, UNIT_TABLE].contains(&name)
        || of_a_source.iter().any(|part| name.starts_with(part) || name.ends_with(part))
}

/// One step: a statement whose answer later steps read by name.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The name by which later steps read it.
    pub name: String,
    /// What it does, for the reader of the plan.
    pub purpose: String,
    /// The statement.
    pub statement: Statement,
    /// Whether its answer is kept as a table; otherwise it is a view that the next step reads through.
    pub keep: bool,
}

impl Step {
    fn new(name: impl Into<String>, purpose: impl Into<String>, select: &SelectStatement, keep: bool) -> Self {
        Self { name: name.into(), purpose: purpose.into(), statement: Statement::of(select), keep }
    }
}

/// The columns of every source, by its name.
pub type Schemas = BTreeMap<String, SchemaRef>;

/// The steps up to the unit table, in the order in which they run.
pub fn preparation(specification: &UnitAggregation, schemas: &Schemas) -> Vec<Step> {
    let form = Form::of(specification, schemas);
    let mut steps = units::steps(specification, form);
    steps.extend(outcomes::steps(specification, form));
    steps.push(unit_table::step(specification, form));
    steps
}

/// The step that adds derived columns, `caps` being the bounds of percentile caps by derived column.
pub fn analysed(specification: &UnitAggregation, caps: &Caps) -> Step {
    unit_table::analysed(specification, caps)
}

/// Bounds of percentile caps by derived column: lower, upper.
pub type Caps = BTreeMap<String, (Option<f64>, Option<f64>)>;

/// The readouts as steps named `readout_N`, in the order of the specification.
pub fn readouts(specification: &UnitAggregation) -> Vec<Step> {
    specification.readouts.iter().enumerate().map(|(index, readout)| readouts::step(index, readout)).collect()
}

/// How many units there are by arm, state and enrolment day.
pub fn census(specification: &UnitAggregation, schemas: &Schemas) -> Step {
    readouts::census(specification, Form::of(specification, schemas))
}

/// How many assigned units there are by arm and value of a dimension.
pub fn census_by(dimension: &str) -> Step {
    readouts::census_by(dimension)
}

/// Every step in the order in which it runs, and in which a run records it: the same whichever way the numbers were got.
pub fn steps(specification: &UnitAggregation, schemas: &Schemas, caps: &Caps) -> Vec<Step> {
    let mut steps = preparation(specification, schemas);
    let units = steps.iter().position(|step| step.name == UNITS).map_or(0, |at| at + 1);
    steps.insert(units, census(specification, schemas));
    steps.push(analysed(specification, caps));
    steps.extend(readouts(specification));
    steps.extend(specification.enrolment.dimensions.iter().map(|dimension| census_by(&dimension.name)));
    steps
}

/// `name` as the engine's tables are named after sources; steps own the other names.
pub fn per_unit(source: &str) -> String {
    format!("{source}_per_unit")
}
