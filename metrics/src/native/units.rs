//! The units of an experiment as a table that statements read: one row per unit that counts, one column per value.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{Column, TableReference};
use datafusion::datasource::TableType;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::{Expr, SortExpr};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::{StreamExt, stream};

use super::unit_table::UnitTable;
use super::workers::Ended;
use super::{Choice, EnginePath, choice, node, unit_table};
use crate::collect::{self, Progress};
use crate::engine::{DataFusion, named, only_queries};
use crate::error::Error;
use crate::plan::Plan;
use crate::plan::lower::{ANALYSED, COLUMN_ARM, COLUMN_UNIT};

/// The name of the table in statements.
pub const UNITS: &str = "units";

/// The table, computed by the operator whenever it is read.
struct UnitsOf {
    engine: Arc<DataFusion>,
    plan: Plan,
    table: UnitTable,
}

impl std::fmt::Debug for UnitsOf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UnitsOf").field("experiment", &self.plan.experiment.name).finish_non_exhaustive()
    }
}

#[async_trait]
impl TableProvider for UnitsOf {
    fn schema(&self) -> SchemaRef {
        Arc::clone(self.table.schema())
    }

    fn table_type(&self) -> TableType {
        TableType::Temporary
    }

    async fn scan(
        &self,
        _session: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let table = match projection {
            Some(places) => self.table.projected(places)?,
            None => self.table.clone(),
        };
        let choice = choice(&self.engine, &self.plan, true);
        Ok(Arc::new(node(&self.engine, &self.plan, choice, Some(table)).await?))
    }
}

/// Rows as they are computed.
pub struct UnitRows {
    rows: SendableRecordBatchStream,
}

impl UnitRows {
    /// Their columns.
    pub fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }

    /// The next of them; `None` after the last.
    ///
    /// # Errors
    /// As [`query_units`].
    pub async fn next(&mut self) -> std::result::Result<Option<RecordBatch>, Error> {
        let next = self.rows.next().await.transpose();
        next.map_err(|error| match Stopped::of(&error) {
            Stopped::Operator(Ended::Memory(error) | Ended::Failed(error)) | Stopped::Statement(error) => error,
            Stopped::Operator(Ended::Refused | Ended::Stopped) => of_statement(&error),
        })
    }
}

/// The rows of a statement over the table `units` of an experiment; without one all units, ordered by arm and id.
///
/// The operator gives the table while the statement reads it, so that `EXPLAIN ANALYZE` shows it at work. What it cannot
/// carry, or refuses without a name, the statements of the plan answer or name.
///
/// # Errors
/// [`Error::Query`] for a statement that does not fit the table or is not a query; else as [`collect::collect`].
pub async fn query_units(
    engine: Arc<DataFusion>,
    plan: &Plan,
    statement: Option<&str>,
    progress: Progress<'_>,
) -> std::result::Result<UnitRows, Error> {
    let path = engine.engine_path();
    let table = unit_table(&plan.specification, &engine);
    match choice(&engine, plan, true) {
        Choice::Sql(why) if path == EnginePath::Native => {
            return Err(Error::NotNative { experiment: plan.experiment.name.clone(), why });
        }
        Choice::Sql(_) => {}
        Choice::Events(..) | Choice::UnitRows => {
            let units = UnitsOf { engine: Arc::clone(&engine), plan: plan.clone(), table: table.clone() };
            match begun(&engine, Arc::new(units), statement).await.map_err(|error| Stopped::of(&error)) {
                Ok(rows) => return Ok(rows),
                Err(Stopped::Operator(ended)) => ended.or_statements(path)?,
                Err(Stopped::Statement(error)) => return Err(error),
            }
        }
    }
    collect::keep_units(engine.as_ref(), plan, progress).await?;
    let rows = async { begun(&engine, engine.table(ANALYSED, table.schema()).await?, statement).await };
    rows.await.map_err(|error| of_statement(&error))
}

/// Why there are no rows.
enum Stopped {
    Operator(Ended),
    Statement(Error),
}

impl Stopped {
    fn of(error: &DataFusionError) -> Self {
        Ended::own(error).map_or_else(|| Self::Statement(of_statement(error)), Self::Operator)
    }
}

/// What the engine says of a statement of the user.
fn of_statement(error: &DataFusionError) -> Error {
    match named(UNITS, error) {
        Error::Engine { message, .. } => Error::Query { message: message.trim_end_matches('.').to_owned() },
        other => other,
    }
}

/// Plans a statement over the table and waits for its first rows, so that what the data hold against it is known by then.
async fn begun(engine: &DataFusion, table: Arc<dyn TableProvider>, statement: Option<&str>) -> Result<UnitRows> {
    let schema = table.schema();
    let session = engine.session_of(UNITS, table)?;
    let frame = match statement {
        Some(statement) => session.sql_with_options(statement, only_queries()).await?,
        None => {
            let names = schema.fields().iter().map(|field| field.name().as_str());
            let first = [COLUMN_ARM, COLUMN_UNIT].into_iter().filter(|name| schema.index_of(name).is_ok());
            // Units without ids are told apart by what they hold.
            let order: Vec<_> = match schema.index_of(COLUMN_UNIT) {
                Ok(_) => first.map(by).collect(),
                Err(_) => names.map(by).collect(),
            };
            session.table(UNITS).await?.sort(order)?
        }
    };
    let mut rows = frame.execute_stream().await?;
    let schema = rows.schema();
    let first = rows.next().await.transpose()?;
    let all = stream::iter(first.map(Ok)).chain(rows);
    Ok(UnitRows { rows: Box::pin(RecordBatchStreamAdapter::new(schema, all)) })
}

fn by(name: &str) -> SortExpr {
    Expr::Column(Column::new(None::<TableReference>, name)).sort(true, false)
}
