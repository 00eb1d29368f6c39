//! The operator as a node of the engine's plans: a leaf that reads sources and gives a table of units.
//!
//! ```text
//! UnitAggregationExec ─▶ rows of units, to whatever stands above it
//!         └───────────▶ the statistics of arms, made on the way: Aggregated
//! ```
//!
//! Memory and temporary files are those of the session that runs it, and `EXPLAIN ANALYZE` sees what it took.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use arrow::datatypes::{Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::{Count, ExecutionPlanMetricsSet, MetricBuilder, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchReceiverStreamBuilder;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, ReplaceChildrenOptions};
use parking_lot::Mutex;
use tokio::sync::mpsc::Sender;

use super::pool_room::PoolRoom;
use super::tally::Tally;
use super::unit_table::{UnitTable, Units, Wording};
use super::workers::{Ended, Stopping};
use super::{Aggregated, events, unit_rows};

/// Batches that wait for whoever reads them.
const WAITING: usize = 4;

/// What the node carries out, its sources ready to be read.
pub(super) enum Job {
    Events(Box<events::Job>),
    UnitRows(Box<unit_rows::Job>),
}

/// What a job works with.
pub(super) struct Setting {
    pub(super) threads: usize,
    pub(super) room: PoolRoom,
    pub(super) tally: Arc<Tally>,
    /// Where rows of units go, if anyone wants them.
    pub(super) output: Option<Output>,
}

/// Where rows of units go.
pub(super) struct Output {
    table: UnitTable,
    sender: Sender<Result<RecordBatch>>,
    rows: Count,
}

impl Output {
    /// Whether ids are wanted.
    pub(super) fn has_ids(&self) -> bool {
        self.table.has_ids()
    }

    /// Hands rows over; waits until there is room for them.
    pub(super) fn send(&self, units: &Units<'_>, words: &Wording) -> std::result::Result<(), Ended> {
        let batch = self.table.batch(units, words).map_err(|_| Ended::Refused)?;
        self.rows.add(batch.num_rows());
        self.sender.blocking_send(Ok(batch)).map_err(|_| Ended::Stopped)
    }
}

/// The unit aggregation as a node: see the module.
pub(crate) struct UnitAggregationExec {
    /// The experiment and its sources, for whoever looks at the plan.
    outline: String,
    threads: usize,
    table: Option<UnitTable>,
    /// Taken when it is carried out.
    job: Mutex<Option<Job>>,
    tally: Arc<Tally>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
    found: Arc<Mutex<Option<Aggregated>>>,
}

impl UnitAggregationExec {
    /// A node that gives the columns of `table`, or statistics alone.
    pub(super) fn new(job: Job, outline: String, threads: usize, table: Option<UnitTable>) -> Self {
        let schema: SchemaRef =
            table.as_ref().map_or_else(|| Arc::new(Schema::empty()), |table| Arc::clone(table.schema()));
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Final,
            Boundedness::Bounded,
        );
        let tally = Arc::new(match &job {
            Job::Events(job) => Tally::new(job.each()),
            Job::UnitRows(job) => Tally::new(job.each()),
        });
        Self {
            outline,
            threads,
            table,
            job: Mutex::new(Some(job)),
            tally,
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
            found: Arc::default(),
        }
    }

    /// How far its reading is.
    pub(super) fn tally(&self) -> &Tally {
        &self.tally
    }

    /// The statistics, once all its rows were given.
    pub(super) fn found(&self) -> Option<Aggregated> {
        self.found.lock().take()
    }
}

impl fmt::Debug for UnitAggregationExec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnitAggregationExec").field("outline", &self.outline).finish_non_exhaustive()
    }
}

impl DisplayAs for UnitAggregationExec {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UnitAggregationExec: {}", self.outline)?;
        match &self.table {
            Some(table) => {
                let names: Vec<&str> = table.schema().fields().iter().map(|field| field.name().as_str()).collect();
                write!(f, ", columns=[{}]", names.join(", "))
            }
            None => write!(f, ", statistics alone"),
        }
    }
}

impl ExecutionPlan for UnitAggregationExec {
    fn name(&self) -> &'static str {
        "UnitAggregationExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        _children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn with_new_children(self: Arc<Self>, _children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(&self, _partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let job = self.job.lock().take();
        let Some(job) = job else {
            return Err(DataFusionError::Internal("a unit aggregation is carried out once".to_owned()));
        };
        let mut stream = RecordBatchReceiverStreamBuilder::new(self.schema(), WAITING);
        let sender = stream.tx();
        let output = self.table.clone().map(|table| Output {
            table,
            sender: sender.clone(),
            rows: MetricBuilder::new(&self.metrics).output_rows(0),
        });
        let setting = Setting {
            threads: self.threads,
            room: PoolRoom::new(context.runtime_env(), Stopping::new(sender)),
            tally: Arc::clone(&self.tally),
            output,
        };
        let found = Arc::clone(&self.found);
        let rows_read = MetricBuilder::new(&self.metrics).counter("rows_read", 0);
        let spilled = MetricBuilder::new(&self.metrics).spilled_bytes(0);
        let peak = MetricBuilder::new(&self.metrics).gauge("peak_memory", 0);
        let elapsed = MetricBuilder::new(&self.metrics).subset_time("elapsed", 0);
        stream.spawn_blocking(move || {
            let begun = Instant::now();
            let aggregated = match job {
                Job::Events(job) => job.run(&setting)?,
                Job::UnitRows(job) => job.run(&setting)?,
            };
            if setting.output.as_ref().is_some_and(|output| output.rows.value() == 0) {
                // Statements say why nobody counts.
                return Err(Ended::Refused.into());
            }
            *found.lock() = Some(aggregated);
            rows_read.add(usize::try_from(setting.tally.rows()).unwrap_or(usize::MAX));
            spilled.add(setting.room.spilled());
            peak.set(setting.room.peak());
            elapsed.add_duration(begun.elapsed());
            Ok(())
        });
        Ok(stream.build())
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}
