//! Which value of a source an aggregate refused: asked only when one did.

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use sea_query::{Alias, Expr, ExprTrait, Func, Query};

use crate::engine::Engine;
use crate::error::Error;
use crate::expression::{AggregateFunction, Expression};
use crate::plan::lower::Step;
use crate::plan::{Plan, UnitColumn};
use crate::sql::{self, Statement, cast};

/// The first value of a plan that is infinite or not a number in some row, with the count of such rows; `None` when
/// every value is finite, so that something else was refused.
///
/// # Errors
/// What the engine says.
pub async fn culprit(engine: &dyn Engine, plan: &Plan) -> Result<Option<Error>, Error> {
    use AggregateFunction::{Any, Count, CountDistinct};
    let is_number = |value: &&UnitColumn| !matches!(value.aggregation.function, Any | Count | CountDistinct);
    for value in plan.specification.values.iter().filter(is_number) {
        let count = rows_without_bound(engine, plan, value).await?;
        if count > 0 {
            let argument = value.aggregation.argument.as_ref().map(ToString::to_string).unwrap_or_default();
            return Ok(Some(Error::NotFinite { column: format!("{}.{argument}", value.source), count }));
        }
    }
    Ok(None)
}

async fn rows_without_bound(engine: &dyn Engine, plan: &Plan, value: &UnitColumn) -> Result<u64, Error> {
    let Some(argument) = &value.aggregation.argument else { return Ok(0) };
    let batches = engine.read(&without_bound(plan, value, argument)).await?;
    let count = batches.iter().find(|batch| batch.num_rows() > 0);
    Ok(count.and_then(|batch| u64::try_from(batch.column(0).as_primitive::<Int64Type>().value(0)).ok()).unwrap_or(0))
}

fn without_bound(plan: &Plan, value: &UnitColumn, argument: &Expression) -> Step {
    let bindings = &plan.specification.bindings;
    let number = || cast(sql::lower(argument.node(), bindings), "DOUBLE");
    // NaN is larger than every number to the engine.
    let beyond = number().gt(Expr::val(f64::MAX)).or(number().lt(Expr::val(f64::MIN)));
    let mut select = Query::select();
    select
        .expr_as(Func::count(Expr::Constant(1_i64.into())), Alias::new("rows"))
        .from(Alias::new(&value.source))
        .and_where(beyond);
    if let Some(filter) = &value.filter {
        select.and_where(sql::lower(filter.node(), bindings));
    }
    Step {
        name: format!("not_finite_in_{}", value.name),
        purpose: format!("rows of `{}` that are not finite", value.name),
        statement: Statement::of(&select),
        keep: false,
    }
}
