//! Step 5: statistics per arm, and how many units there are of which kind.

use sea_query::{Alias, Expr, ExprTrait, Func, Query};

use crate::plan::lower::units::{
    COLUMN_ARM, COLUMN_DAY, COLUMN_ROWS, COLUMN_STATE, COLUMN_UNDECLARED, UnitState, word,
};
use crate::plan::lower::{ANALYSED, Step, UNITS};
use crate::plan::specification::{Grouping, Readout, UnitAggregation};
use crate::sql::{call, cast, column};

/// The arm of a row of a readout.
pub const READ_ARM: &str = "arm";
/// The day, or the value of the dimension, as text; absent when the readout is by arm alone.
pub const READ_GROUP: &str = "grouped_by";
/// The units behind a row of a readout.
pub const READ_UNITS: &str = "units";

pub(super) fn step(index: usize, readout: &Readout) -> Step {
    let mut select = Query::select();
    select.expr_as(column(COLUMN_ARM), Alias::new(READ_ARM));
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
    for (at, tuple) in readout.comoments.iter().enumerate() {
        let columns = tuple.iter().map(|name| column(name));
        select.expr_as(call("comoments", columns), Alias::new(comoments_of(at)));
    }
    for (at, name) in readout.histograms.iter().enumerate() {
        select.expr_as(call("histogram", [column(name)]), Alias::new(histogram_of(at)));
    }
    select.from(Alias::new(ANALYSED));
    Step::new(format!("readout_{index}"), purpose, &select, false)
}

/// Column of the tuple at this position.
pub(crate) fn comoments_of(position: usize) -> String {
    format!("comoments_{position}")
}

/// Column of the histogram at this position.
pub(crate) fn histogram_of(position: usize) -> String {
    format!("histogram_{position}")
}

pub(super) fn census(specification: &UnitAggregation) -> Step {
    let timed = specification.enrolment.clock.is_some();
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
    Step::new("census", "units by arm, state and enrolment day", &select, false)
}

pub(super) fn census_by(dimension: &str) -> Step {
    let mut select = Query::select();
    select
        .expr_as(column(COLUMN_ARM), Alias::new(READ_ARM))
        .expr_as(column(dimension), Alias::new(READ_GROUP))
        .expr_as(Func::count(Expr::Constant(1_i64.into())), Alias::new(READ_UNITS))
        .from(Alias::new(UNITS))
        .and_where(column(COLUMN_STATE).is_in([word(UnitState::Counted.word()), word(UnitState::TwoArms.word())]))
        .group_by_col(Alias::new(COLUMN_ARM))
        .group_by_col(Alias::new(dimension));
    Step::new(format!("census_by_{dimension}"), format!("assigned units by arm and {dimension}"), &select, false)
}
