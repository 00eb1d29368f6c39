//! Sources that are the answer of a SELECT: planned, and kept from repeating rows.

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::cast as cast_array;
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;
use sea_query::{Alias, Expr, ExprTrait, Func, Order, Query as Select};

use crate::bindings::Bindings;
use crate::definition::{JoinedSource, Query};
use crate::engine::{DataFusion, Engine};
use crate::error::Error;
use crate::fault::Fault;
use crate::plan::lower::{Schemas, Step};
use crate::project::{Definition, Project};
use crate::reading::nearest::nearest;
use crate::sql::{Statement, cast, column};

/// Adds a source whose own sources are there.
///
/// # Errors
/// [`Error::Statements`] when its SQL does not fit them; [`Error::Sources`] when one that it joins has two rows for a
/// key, so that the join would repeat rows.
pub(super) async fn add(
    engine: &mut DataFusion,
    project: &Project,
    name: &str,
    query: &Query,
    bindings: &Bindings,
) -> Result<(), Error> {
    if let Err(error) = engine.add_query(name, &Statement::of_query(query, bindings)).await {
        return Err(Error::Statements(vec![unplanned(project, name, query, engine.schemas(), &error)]));
    }
    for joined in &query.joined {
        if let Some(repeated) = repeated(engine, joined).await? {
            return Err(Error::Sources(vec![repeats_rows(project, name, joined, &repeated)]));
        }
    }
    Ok(())
}

fn unplanned(project: &Project, name: &str, query: &Query, schemas: &Schemas, error: &DataFusionError) -> Fault {
    let wrong = |message: String| project.fault(Definition::Source(name), "sql", "metrics::statement", message);
    let holders = |column: &str| {
        let holds = |source: &&String| schemas.get(*source).is_some_and(|schema| schema.index_of(column).is_ok());
        query.sources.iter().filter(holds).cloned().collect::<Vec<_>>()
    };
    let root = error.find_root();
    let DataFusionError::SchemaError(schema, _) = root else {
        return wrong(root.strip_backtrace()).with_help("mend the statement");
    };
    match schema.as_ref() {
        SchemaError::AmbiguousReference { field } => {
            let sources = holders(&field.name);
            let listed = sources.iter().map(|source| format!("`{source}`")).collect::<Vec<_>>().join(" and ");
            let first = sources.first().map_or("source", String::as_str);
            wrong(format!("column `{}` is ambiguous: {listed} have it", field.name))
                .with_help(format!("say which is meant, as in `{first}.{}`", field.name))
        }
        SchemaError::FieldNotFound { field, valid_fields } => {
            let names = || valid_fields.iter().map(|field| field.name.as_str());
            let fault = wrong(format!("no column `{}` in what the statement reads", field.name));
            match nearest(&field.name, names()) {
                Some(near) => fault.with_help(format!("did you mean `{near}`?")),
                None => fault.with_valid("columns", names().map(str::to_owned).collect()),
            }
        }
        other => wrong(other.to_string()).with_help("mend the statement"),
    }
}

/// A key with more than one row: its values, and the rows.
struct Repeated {
    key: Vec<String>,
    rows: i64,
}

async fn repeated(engine: &DataFusion, joined: &JoinedSource) -> Result<Option<Repeated>, Error> {
    let batches = engine.read(&repeated_keys(joined)).await?;
    let Some(first) = batches.iter().find(|batch| batch.num_rows() > 0) else { return Ok(None) };
    let rows = first.column(joined.key.len()).as_primitive::<Int64Type>().value(0);
    let key = (0..joined.key.len()).map(|at| text(first, at)).collect();
    Ok(Some(Repeated { key, rows }))
}

/// The first key with more than one row.
fn repeated_keys(joined: &JoinedSource) -> Step {
    let mut select = Select::select();
    for (at, name) in joined.key.iter().enumerate() {
        let alias = Alias::new(format!("key_{at}"));
        select.expr_as(cast(column(name), "VARCHAR"), alias.clone()).order_by(alias, Order::Asc);
        select.and_where(column(name).is_not_null()).group_by_col(Alias::new(name));
    }
    let count = || Expr::from(Func::count(Expr::Constant(1_i64.into())));
    select.expr_as(count(), Alias::new("rows")).from(Alias::new(&joined.source));
    select.and_having(count().gt(Expr::Constant(1_i64.into()))).limit(1);
    Step {
        name: format!("keys_of_{}", joined.source),
        purpose: format!("keys of `{}` with more than one row", joined.source),
        statement: Statement::of(&select),
        keep: false,
    }
}

fn text(batch: &RecordBatch, at: usize) -> String {
    let texts = cast_array(batch.column(at), &DataType::Utf8);
    texts.map(|texts| texts.as_string::<i32>().value(0).to_owned()).unwrap_or_default()
}

fn repeats_rows(project: &Project, name: &str, joined: &JoinedSource, repeated: &Repeated) -> Fault {
    let source = &joined.source;
    let key = joined.key.iter().map(|column| format!("`{column}`")).collect::<Vec<_>>().join(", ");
    let (value, rows) = (repeated.key.join(", "), repeated.rows);
    let message =
        format!("the join would repeat rows: `{source}` has {rows} rows where {key} is `{value}`, and 1 is allowed");
    project
        .fault(Definition::Source(name), "sql", "metrics::fan_out", message)
        .with_help(format!("give `{source}` one row per {key}, or read from it and join the other to it"))
}
