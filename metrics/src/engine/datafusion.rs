//! DataFusion, in the same process: the default engine.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use arrow::datatypes::Schema;
use arrow::record_batch::RecordBatch;
use datafusion::catalog::TableProvider;
use datafusion::common::{Column, ScalarValue, TableReference};
use datafusion::dataframe::DataFrame;
use datafusion::error::DataFusionError;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan, lit};
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use datafusion::prelude::{SessionConfig, SessionContext};
use futures::FutureExt;
use futures::future::BoxFuture;

use crate::engine::kept::{Kept, Room};
use crate::engine::{Engine, text_code, utc};
use crate::error::Error;
use crate::fault::Faults;
use crate::input::{Input, SourceTable};
use crate::native::EnginePath;
use crate::plan::lower::{Schemas, Step};
use crate::sql::{Binding, Statement};
use crate::udaf::{self, Refusal};

/// What the engine may use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resources {
    /// Threads; every core unless given. Never changes a result.
    pub threads: Option<usize>,
    /// Bytes it may hold before it spills; no limit unless given. Never changes a result.
    pub memory_limit: Option<u64>,
    /// Where it spills; the system's folder for temporary files unless given.
    pub spill_folder: Option<PathBuf>,
    /// The way from rows to statistics; the engine's choice unless given. Never changes a result.
    pub engine_path: EnginePath,
}

/// The embedded engine with its sources registered.
pub struct DataFusion {
    threads: usize,
    engine_path: EnginePath,
    runtime: Arc<RuntimeEnv>,
    /// Made when the first statement needs it: a unit table is read without.
    session: OnceLock<SessionContext>,
    tables: BTreeMap<String, Arc<dyn TableProvider>>,
    files: BTreeMap<String, Arc<SourceTable>>,
    schemas: Schemas,
    room: Arc<Room>,
}

impl DataFusion {
    /// An engine without sources.
    ///
    /// # Errors
    /// [`Error::Engine`] when the folder for spilling cannot be used.
    pub fn new(resources: &Resources) -> Result<Self, Error> {
        let threads =
            resources.threads.or_else(|| std::thread::available_parallelism().ok().map(usize::from)).unwrap_or(1);
        let mut runtime = RuntimeEnvBuilder::new();
        if let Some(limit) = resources.memory_limit {
            let limit = usize::try_from(limit).unwrap_or(usize::MAX);
            runtime = runtime.with_memory_pool(Arc::new(FairSpillPool::new(limit)));
        }
        if let Some(folder) = &resources.spill_folder {
            let disk = DiskManagerBuilder::default().with_mode(DiskManagerMode::Directories(vec![folder.clone()]));
            runtime = runtime.with_disk_manager_builder(disk);
        }
        let runtime = runtime.build_arc().map_err(|error| named("start", &error))?;
        let room = Arc::new(Room::new(&runtime));
        Ok(Self {
            threads,
            engine_path: resources.engine_path,
            runtime,
            session: OnceLock::new(),
            tables: BTreeMap::new(),
            files: BTreeMap::new(),
            schemas: Schemas::new(),
            room,
        })
    }

    /// The session, with every table that was added.
    pub(crate) fn session(&self) -> &SessionContext {
        self.session.get_or_init(|| {
            let config = self
                .config()
                .with_parquet_pruning(true)
                // Its planners differ in whether `x IS TRUE` can be null, and the check takes that for a fault of ours.
                .set_bool("datafusion.execution.skip_physical_aggregate_schema_check", true);
            let session = SessionContext::new_with_config_rt(config, Arc::clone(&self.runtime));
            udaf::register(&session);
            utc::register(&session);
            text_code::register(&session);
            for (name, table) in &self.tables {
                // A new session holds no table, and no two of these have one name: nothing can be in the way.
                let registered = session.register_table(quoted(name), Arc::clone(table));
                debug_assert!(registered.is_ok());
            }
            session
        })
    }

    /// What every session is like.
    fn config(&self) -> SessionConfig {
        SessionConfig::new()
            .with_target_partitions(self.threads)
            .with_information_schema(false)
            .set_bool("datafusion.sql_parser.enable_ident_normalization", false)
    }

    /// How many threads read and compute.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// The way that was asked for.
    pub(crate) fn engine_path(&self) -> EnginePath {
        self.engine_path
    }

    /// Adds a source under its name.
    ///
    /// # Errors
    /// [`Error::Engine`] when the name is taken.
    pub fn add_table(&mut self, name: &str, table: Arc<dyn TableProvider>) -> Result<(), Error> {
        if self.tables.contains_key(name) {
            let message = format!("there are two tables named `{name}`");
            return Err(Error::Engine { step: name.to_owned(), message });
        }
        if let Some(session) = self.session.get() {
            session.register_table(quoted(name), Arc::clone(&table)).map_err(|error| named(name, &error))?;
        }
        self.schemas.insert(name.to_owned(), table.schema());
        self.tables.insert(name.to_owned(), table);
        Ok(())
    }

    /// Adds a source whose rows are in files.
    ///
    /// # Errors
    /// As [`DataFusion::add_table`].
    pub fn add_input(&mut self, name: &str, input: &Input) -> Result<(), Error> {
        self.add_table(name, input.table())?;
        self.files.insert(name.to_owned(), Arc::clone(input.source()));
        Ok(())
    }

    /// The files of a source; `None` for one that is a statement.
    pub(crate) fn files(&self, source: &str) -> Option<&Arc<SourceTable>> {
        self.files.get(source)
    }

    /// Adds a source that is the answer of a statement over sources added before.
    ///
    /// # Errors
    /// What the engine says of a statement that cannot be planned: whoever wrote it has to know.
    pub async fn add_query(&mut self, name: &str, statement: &Statement) -> Result<(), DataFusionError> {
        let view = self.plan(statement).await?.into_view();
        self.schemas.insert(name.to_owned(), view.schema());
        self.session().register_table(quoted(name), view)?;
        Ok(())
    }

    /// The plan of a statement as it is written: no optimiser has seen it.
    pub(crate) async fn logical(&self, statement: &Statement) -> Result<LogicalPlan, DataFusionError> {
        Ok(self.plan(statement).await?.into_unoptimized_plan())
    }

    /// The rows of a statement, in parts that can be read at the same time.
    pub(crate) async fn streams(
        &self,
        statement: &Statement,
    ) -> Result<Vec<SendableRecordBatchStream>, DataFusionError> {
        self.plan(statement).await?.execute_stream_partitioned().await
    }

    /// A session of the same memory and temporary files that knows one table alone.
    pub(crate) fn session_of(
        &self,
        name: &str,
        table: Arc<dyn TableProvider>,
    ) -> Result<SessionContext, DataFusionError> {
        let session = SessionContext::new_with_config_rt(self.config(), Arc::clone(&self.runtime));
        udaf::register(&session);
        session.register_table(quoted(name), table)?;
        Ok(session)
    }

    /// What a step gave, as a table of these columns; zeros have no sign in it.
    pub(crate) async fn table(&self, step: &str, columns: &Schema) -> Result<Arc<dyn TableProvider>, DataFusionError> {
        let frame = self.session().table(quoted(step)).await?;
        let typed = columns.fields().iter().map(|field| {
            let column = Expr::Column(Column::new(None::<TableReference>, field.name()));
            let typed = column.cast_to(field.data_type(), frame.schema())?;
            let typed = if field.data_type().is_floating() { typed + lit(0.0) } else { typed };
            Ok::<_, DataFusionError>(typed.alias(field.name()))
        });
        let typed = typed.collect::<Result<Vec<_>, _>>()?;
        Ok(frame.select(typed)?.into_view())
    }

    /// The rows of a plan that needs nothing of a session but its memory and temporary files.
    pub(crate) fn execute(&self, plan: Arc<dyn ExecutionPlan>) -> Result<SendableRecordBatchStream, DataFusionError> {
        execute_stream(plan, self.context())
    }

    /// Carries out a plan and makes its rows readable under a name, as [`Engine::keep`] does for a step.
    pub(crate) async fn keep_plan(&self, name: &str, plan: Arc<dyn ExecutionPlan>) -> Result<(), DataFusionError> {
        let kept = Kept::of_plan(name, plan, self.context(), &self.room).await?;
        self.put(name, Arc::new(kept))
    }

    /// Makes a table readable under a name, in the place of one that an earlier run of the step left.
    fn put(&self, name: &str, table: Arc<dyn TableProvider>) -> Result<(), DataFusionError> {
        self.session().deregister_table(quoted(name))?;
        self.session().register_table(quoted(name), table).map(|_| ())
    }

    /// What a plan without functions is carried out with: no session is made for it.
    fn context(&self) -> Arc<TaskContext> {
        Arc::new(TaskContext::new(
            None,
            String::new(),
            SessionConfig::new(),
            HashMap::new(),
            HashMap::new(),
            HashMap::new(),
            HashMap::new(),
            Arc::clone(&self.runtime),
        ))
    }

    async fn frame(&self, step: &str, statement: &Statement) -> Result<DataFrame, Error> {
        self.plan(statement).await.map_err(|error| named(step, &error))
    }

    async fn plan(&self, statement: &Statement) -> Result<DataFrame, DataFusionError> {
        let frame = self.session().sql_with_options(&statement.text, only_queries()).await?;
        if statement.bindings.is_empty() {
            return Ok(frame);
        }
        let values: Vec<ScalarValue> = statement.bindings.iter().map(scalar).collect();
        frame.with_param_values(values)
    }
}

impl Engine for DataFusion {
    fn name(&self) -> &'static str {
        "datafusion"
    }

    fn schemas(&self) -> &Schemas {
        &self.schemas
    }

    fn embedded(&self) -> Option<&DataFusion> {
        Some(self)
    }

    fn keep<'a>(&'a self, step: &'a Step) -> BoxFuture<'a, Result<(), Error>> {
        async move {
            let fail = |error: DataFusionError| named(&step.name, &error);
            let frame = self.frame(&step.name, &step.statement).await?;
            let table: Arc<dyn TableProvider> = if step.keep {
                Arc::new(Kept::of(&step.name, frame, &self.room).await.map_err(fail)?)
            } else {
                frame.into_view()
            };
            self.put(&step.name, table).map_err(fail)
        }
        .boxed()
    }

    fn read<'a>(&'a self, step: &'a Step) -> BoxFuture<'a, Result<Vec<RecordBatch>, Error>> {
        async move {
            let frame = self.frame(&step.name, &step.statement).await?;
            frame.collect().await.map_err(|error| named(&step.name, &error))
        }
        .boxed()
    }
}

/// The one gate: no statement of any kind but a query passes, whoever wrote it.
pub(crate) fn only_queries() -> SQLOptions {
    SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false)
}

fn quoted(name: &str) -> TableReference {
    TableReference::bare(name.to_owned())
}

fn scalar(binding: &Binding) -> ScalarValue {
    match binding {
        Binding::Boolean(value) => ScalarValue::Boolean(Some(*value)),
        Binding::Date(value) => {
            let days = value.since(jiff::civil::date(1970, 1, 1)).map(|span| span.get_days()).unwrap_or_default();
            ScalarValue::Date32(Some(days))
        }
        Binding::Float(value) => ScalarValue::Float64(Some(*value)),
        Binding::Integer(value) => ScalarValue::Int64(Some(*value)),
        Binding::Text(value) => ScalarValue::Utf8(Some(value.clone())),
        Binding::Timestamp(value) => ScalarValue::TimestampMicrosecond(Some(value.as_microsecond()), None),
    }
}

/// Tells the data's fault from the limit's and from ours.
pub(crate) fn named(step: &str, error: &DataFusionError) -> Error {
    let step = step.to_owned();
    let root = error.find_root();
    let message = root.strip_backtrace();
    if let DataFusionError::External(inner) = root
        && let Some(refusal) = inner.downcast_ref::<Refusal>()
    {
        return Error::Refused { step, reason: refusal.reason.clone() };
    }
    if let DataFusionError::External(inner) = root
        && let Some(faults) = inner.downcast_ref::<Faults>()
    {
        return Error::Sources(faults.clone().into_vec());
    }
    match root {
        DataFusionError::ResourcesExhausted(_) => Error::Memory { step, message },
        DataFusionError::ArrowError(..) | DataFusionError::Execution(_) | DataFusionError::ParquetError(_) => {
            Error::Data { step, message }
        }
        _ => Error::Engine { step, message },
    }
}
