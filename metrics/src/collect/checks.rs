//! What the data may not hold, found before anything is computed from it, and named.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use sea_query::{Alias, Expr, ExprTrait, Order, Query};

use super::{CensusRow, count, text};
use crate::engine::{Engine, MOST_ARMS};
use crate::error::Error;
use crate::expression::AggregateFunction;
use crate::plan::Plan;
use crate::plan::lower::{self, Step, UNITS, UnitState};
use crate::sql::{Statement, column};

/// Some unit counts, and no arm is met that is not declared.
pub(super) fn check_census(plan: &Plan, census: &[CensusRow]) -> Result<(), Error> {
    let experiment = &plan.experiment;
    let mut undeclared: BTreeMap<&str, u64> = BTreeMap::new();
    for row in census.iter().filter(|row| row.state == UnitState::Undeclared.word()) {
        *undeclared.entry(row.undeclared.as_deref().unwrap_or("(none)")).or_default() += row.units;
    }
    if undeclared.len() > MOST_ARMS {
        return Err(Error::TooMany {
            what: format!("column `{}` of `{}`", experiment.assignment.arm, experiment.assignment.source),
            found: undeclared.len() as u64,
            limit: MOST_ARMS as u64,
            help: "name the column of arms in `assignment.arm`".to_owned(),
        });
    }
    if !undeclared.is_empty() {
        let found =
            undeclared.iter().map(|(arm, units)| format!("`{arm}` ({units} units)")).collect::<Vec<_>>().join(", ");
        let declared = experiment.arms.iter().map(|arm| format!("`{}`", arm.name)).collect::<Vec<_>>().join(", ");
        return Err(Error::UndeclaredArms {
            experiment: experiment.name.clone(),
            source_name: experiment.assignment.source.clone(),
            found,
            declared,
        });
    }
    if !census.iter().any(|row| row.state == UnitState::Counted.word() && row.units > 0) {
        let mut apart: BTreeMap<&str, u64> = BTreeMap::new();
        for row in census {
            *apart.entry(row.state.as_str()).or_default() += row.units;
        }
        let why = if apart.is_empty() {
            format!("source `{}` has no rows for it", experiment.assignment.source)
        } else {
            apart
                .iter()
                .map(|(state, units)| format!("{units} {}", state.replace('_', " ")))
                .collect::<Vec<_>>()
                .join(", ")
        };
        return Err(Error::NoUnits { experiment: experiment.name.clone(), why });
    }
    Ok(())
}

/// A dimension of another source has one value per assigned unit, else a join would choose or multiply.
pub(super) async fn check_dimensions(engine: &dyn Engine, plan: &Plan) -> Result<(), Error> {
    let enrolment = &plan.specification.enrolment;
    if enrolment.clock.is_none() {
        return Ok(());
    }
    for dimension in enrolment.dimensions.iter().filter(|dimension| dimension.source != enrolment.source) {
        let mut assigned = Query::select();
        assigned.column(Alias::new(lower::COLUMN_UNIT)).from(Alias::new(lower::ASSIGNED));
        let mut select = Query::select();
        select
            .expr_as(column(lower::COLUMN_UNIT).cast_as(Alias::new("VARCHAR")), Alias::new("unit"))
            .expr_as(column(&dimension.name), Alias::new("least"))
            .expr_as(column(&lower::greatest(&dimension.name)), Alias::new("greatest"))
            .from(Alias::new(lower::dimensions_step(&dimension.source)))
            .and_where(column(&dimension.name).ne(column(&lower::greatest(&dimension.name))))
            .and_where(column(lower::COLUMN_UNIT).in_subquery(assigned))
            .order_by(Alias::new("unit"), Order::Asc);
        let step = Step {
            name: format!("differing_{}", dimension.name),
            purpose: "units with more than one value of a dimension".to_owned(),
            statement: Statement::of(&select),
            keep: false,
        };
        let batches = engine.read(&step).await?;
        if let Some(first) = batches.iter().find(|batch| batch.num_rows() > 0) {
            return Err(Error::DifferingDimension {
                dimension: plan.dimension_of(&dimension.name),
                source_name: dimension.source.clone(),
                unit: text(first, "unit", 0).unwrap_or_default(),
                values: ["least", "greatest"].map(|name| text(first, name, 0).unwrap_or_default()),
                units: batches.iter().map(RecordBatch::num_rows).sum::<usize>() as u64,
            });
        }
    }
    Ok(())
}

/// A unit table read row by row must have one row per unit.
pub(super) async fn check_repeated_assignments(
    engine: &dyn Engine,
    plan: &Plan,
    census: &[CensusRow],
) -> Result<(), Error> {
    let specification = &plan.specification;
    let as_it_is = specification
        .values
        .iter()
        .find(|value| specification.is_in_enrolment(value) && value.aggregation.function == AggregateFunction::Row);
    let Some(value) = as_it_is else { return Ok(()) };
    if specification.enrolment.unit_column.is_none()
        || census.iter().all(|row| row.units >= row.rows || row.state == UnitState::Blank.word())
    {
        return Ok(());
    }
    repeated(engine, UNITS, lower::COLUMN_ROWS, &specification.enrolment.source, &value.name).await
}

/// So must a source that is read row by row.
pub(super) async fn check_repeated_rows(engine: &dyn Engine, plan: &Plan, source: &str) -> Result<(), Error> {
    let value = plan
        .specification
        .values
        .iter()
        .find(|value| value.source == source && value.aggregation.function == AggregateFunction::Row);
    match value {
        Some(value) => repeated(engine, &lower::per_unit(source), lower::COLUMN_SOURCE_ROWS, source, &value.name).await,
        None => Ok(()),
    }
}

async fn repeated(engine: &dyn Engine, table: &str, rows: &str, source: &str, value: &str) -> Result<(), Error> {
    let mut select = Query::select();
    select
        .expr_as(column(lower::COLUMN_UNIT).cast_as(Alias::new("VARCHAR")), Alias::new("unit"))
        .expr_as(column(rows).cast_as(Alias::new("BIGINT")), Alias::new("rows"))
        .from(Alias::new(table))
        .and_where(column(rows).gt(Expr::Constant(1_i64.into())))
        .and_where(column(lower::COLUMN_UNIT).is_not_null())
        .order_by(Alias::new("unit"), Order::Asc);
    let step = Step {
        name: format!("repeated_in_{source}"),
        purpose: "units with more than one row".to_owned(),
        statement: Statement::of(&select),
        keep: false,
    };
    let batches = engine.read(&step).await?;
    let units: usize = batches.iter().map(RecordBatch::num_rows).sum();
    let Some(first) = batches.iter().find(|batch| batch.num_rows() > 0) else { return Ok(()) };
    Err(Error::RepeatedUnit {
        source_name: source.to_owned(),
        unit: text(first, "unit", 0).unwrap_or_default(),
        rows: i64::try_from(count(first, "rows", 0)).unwrap_or(i64::MAX),
        units: units as u64,
        column: value.to_owned(),
    })
}
