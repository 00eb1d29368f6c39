//! Step 5: statistics per arm, and how many units there are of which kind.

use sea_query::{Alias, Expr, ExprTrait, Func, FunctionCall, Query};

use crate::plan::lower::form::Form;
use crate::plan::lower::units::{
    self, COLUMN_ARM, COLUMN_DAY, COLUMN_ROWS, COLUMN_STATE, COLUMN_UNDECLARED, UnitState, word,
};
use crate::plan::lower::{ANALYSED, Step, UNITS};
use crate::plan::specification::{Grouping, Readout, UnitAggregation};
use crate::sql::{call, cast, column};

/// The arm of a row of a readout.
pub const READ_ARM: &str = "arm";
/// The day, or the value of the dimension, as text; absent when the readout is by arm alone.
pub const READ_GROUP: &str = "grouped_by";
/// The joint moments of every tuple of a readout.
pub(crate) const READ_COMOMENTS: &str = "comoments";
/// The units behind a row of a readout.
pub const READ_UNITS: &str = "units";

pub(super) fn step(index: usize, readout: &Readout) -> Step {
    let mut select = Query::select();
    select.expr_as(cast(column(COLUMN_ARM), "VARCHAR"), Alias::new(READ_ARM));
    select.group_by_col(Alias::new(COLUMN_ARM));
    let purpose = match &readout.by {
        Grouping::Arm => "statistics per arm".to_owned(),
        Grouping::Day => {
            select
                .expr_as(cast(column(COLUMN_DAY), "VARCHAR"), Alias::new(READ_GROUP))
                .group_by_col(Alias::new(COLUMN_DAY));
            "statistics per arm and enrolment day".to_owned()
        }
        Grouping::Dimension(name) => {
            select.expr_as(column(name), Alias::new(READ_GROUP)).group_by_col(Alias::new(name.as_str()));
            format!("statistics per arm and {name}")
        }
    };
    select.expr_as(Func::count(Expr::Constant(1_i64.into())), Alias::new(READ_UNITS));
    if !readout.comoments.is_empty() {
        select.expr_as(comoments(&readout.comoments), Alias::new(READ_COMOMENTS));
    }
    for (at, kept) in readout.compressed.iter().enumerate() {
        let features = Expr::Constant(kept.features.len().to_string().into());
        let columns = kept.variables().map(|name| column(name));
        select.expr_as(call("compressed", std::iter::once(features).chain(columns)), Alias::new(compressed_of(at)));
    }
    for (at, name) in readout.histograms.iter().enumerate() {
        select.expr_as(call("histogram", [column(name)]), Alias::new(histogram_of(at)));
    }
    select.from(Alias::new(ANALYSED));
    Step::new(format!("readout_{index}"), purpose, &select, false)
}

/// One call for all tuples: every column once, and the tuples by the positions of their columns.
fn comoments<'a>(tuples: &'a [Vec<String>]) -> FunctionCall {
    let mut columns: Vec<&'a str> = Vec::new();
    let mut positions = Vec::with_capacity(tuples.len());
    for tuple in tuples {
        let position = |name: &'a String| match columns.iter().position(|column| column == name) {
            Some(at) => at + 1,
            None => {
                columns.push(name);
                columns.len()
            }
        };
        positions.push(tuple.iter().map(position).map(|at| at.to_string()).collect::<Vec<_>>().join(" "));
    }
    let tuples = Expr::Constant(positions.join("; ").into());
    call("comoments", std::iter::once(tuples).chain(columns.into_iter().map(column)))
}

/// Column of the compressed sample at this position.
pub(crate) fn compressed_of(position: usize) -> String {
    format!("compressed_{position}")
}

/// Column of the histogram at this position.
pub(crate) fn histogram_of(position: usize) -> String {
    format!("histogram_{position}")
}

pub(super) fn census(specification: &UnitAggregation, form: Form<'_>) -> Step {
    const PURPOSE: &str = "units by arm, state and enrolment day";
    let timed = specification.enrolment.clock.is_some();
    if !timed && specification.enrolment.unit_column.is_none() {
        return Step::new("census", PURPOSE, &units::census_of_rows(specification, form), false);
    }
    let mut select = Query::select();
    let mut keys = vec![COLUMN_ARM, COLUMN_STATE, COLUMN_UNDECLARED];
    if timed {
        keys.push(COLUMN_DAY);
    }
    for key in keys {
        select.expr_as(cast(column(key), "VARCHAR"), Alias::new(key)).group_by_col(Alias::new(key));
    }
    select
        .expr_as(Func::count(Expr::Constant(1_i64.into())), Alias::new(READ_UNITS))
        .expr_as(cast(Func::sum(column(COLUMN_ROWS)).into(), "BIGINT"), Alias::new(COLUMN_ROWS))
        .from(Alias::new(UNITS));
    Step::new("census", PURPOSE, &select, false)
}

pub(super) fn census_by(dimension: &str) -> Step {
    let mut select = Query::select();
    select
        .expr_as(cast(column(COLUMN_ARM), "VARCHAR"), Alias::new(READ_ARM))
        .expr_as(column(dimension), Alias::new(READ_GROUP))
        .expr_as(Func::count(Expr::Constant(1_i64.into())), Alias::new(READ_UNITS))
        .from(Alias::new(UNITS))
        .and_where(column(COLUMN_STATE).is_in([word(UnitState::Counted.word()), word(UnitState::TwoArms.word())]))
        .group_by_col(Alias::new(COLUMN_ARM))
        .group_by_col(Alias::new(dimension));
    Step::new(format!("census_by_{dimension}"), format!("assigned units by arm and {dimension}"), &select, false)
}
