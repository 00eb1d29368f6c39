//! The answer of a step, kept for later steps: in memory as far as the limit allows, else in temporary files.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::runtime::SpawnedTask;
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, Statistics};
use datafusion::dataframe::DataFrame;
use datafusion::datasource::TableType;
use datafusion::datasource::source::{DataSource, DataSourceExec};
use datafusion::error::DataFusionError;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryReservation};
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::{SendableRecordBatchStream, SpillFile, TaskContext};
use datafusion::logical_expr::Expr;
use datafusion::physical_expr::projection::ProjectionExprs;
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, SpillMetrics};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayFormatType, ExecutionPlan, SpillManager, execute_stream_partitioned};
use futures::future::try_join_all;
use futures::{StreamExt, stream};

/// Kept answers hold together at most one part in so many of the memory limit, so that the steps that read them have room
/// to work.
const SHARE: usize = 4;

/// The memory for kept answers, out of what the engine may hold.
pub(super) struct Room {
    taken: MemoryReservation,
    most: usize,
}

impl Room {
    pub(super) fn new(environment: &RuntimeEnv) -> Self {
        let most = match environment.memory_pool.memory_limit() {
            MemoryLimit::Finite(limit) => limit / SHARE,
            _ => usize::MAX,
        };
        Self { taken: MemoryConsumer::new("kept answers").register(&environment.memory_pool), most }
    }
}

/// Batches in memory, accounted for as long as they are there.
struct Batches {
    batches: Vec<RecordBatch>,
    bytes: usize,
    room: Arc<Room>,
}

impl Batches {
    /// Adds a batch, or gives it back when there is no room for it.
    fn push(&mut self, batch: RecordBatch, bytes: usize) -> Option<RecordBatch> {
        let taken = &self.room.taken;
        if taken.size().saturating_add(bytes) > self.room.most || taken.try_grow(bytes).is_err() {
            return Some(batch);
        }
        self.bytes += bytes;
        self.batches.push(batch);
        None
    }
}

impl Drop for Batches {
    fn drop(&mut self) {
        self.room.taken.shrink(self.bytes);
    }
}

/// The rows that one partition of a step gave.
struct Partition {
    /// `None` without rows.
    schema: Option<SchemaRef>,
    rows: usize,
    bytes: usize,
    held: Held,
}

enum Held {
    Memory(Batches),
    /// Removed when the last reader is done.
    File(Arc<dyn SpillFile>, SpillManager),
}

impl Partition {
    /// Keeps the rows of a stream: in memory until there is no more room, all of them in a file from then on.
    async fn of(mut stream: SendableRecordBatchStream, room: Arc<Room>, environment: Arc<RuntimeEnv>) -> Result<Self> {
        let (mut schema, mut rows, mut bytes) = (None, 0, 0);
        let mut in_memory = Batches { batches: Vec::new(), bytes: 0, room };
        let mut in_file = None;
        while let Some(batch) = stream.next().await.transpose()? {
            // What a plan promises of nullability and of views of text, its batches need not keep to the letter.
            let schema = schema.get_or_insert_with(|| nullable(&batch.schema()));
            let columns: Vec<ArrayRef> = batch.columns().iter().map(compact).collect();
            let batch = RecordBatch::try_new(Arc::clone(schema), columns)?;
            let taken = size(&batch)?;
            rows += batch.num_rows();
            bytes += taken;
            let Some(batch) = (if in_file.is_none() { in_memory.push(batch, taken) } else { Some(batch) }) else {
                continue;
            };
            if in_file.is_none() {
                let metrics = SpillMetrics::new(&ExecutionPlanMetricsSet::new(), 0);
                let spills = SpillManager::new(Arc::clone(&environment), metrics, Arc::clone(schema));
                let mut file = spills.create_in_progress_file("kept answers")?;
                in_memory.batches.iter().try_for_each(|batch| file.append_batch(batch).map(drop))?;
                in_memory = Batches { batches: Vec::new(), bytes: 0, room: Arc::clone(&in_memory.room) };
                in_file = Some((file, spills));
            }
            if let Some((file, _)) = &mut in_file {
                file.append_batch(&batch)?;
            }
        }
        let written = match in_file {
            Some((mut file, spills)) => file.finish()?.map(|file| Held::File(file, spills)),
            None => None,
        };
        Ok(Self { schema, rows, bytes, held: written.unwrap_or(Held::Memory(in_memory)) })
    }
}

impl fmt::Debug for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held = match self.held {
            Held::Memory(_) => "in memory",
            Held::File(..) => "in a file",
        };
        write!(f, "{} rows, {} bytes {held}", self.rows, self.bytes)
    }
}

/// The rows of one step, as a table.
#[derive(Debug)]
pub(super) struct Kept {
    name: String,
    schema: SchemaRef,
    partitions: Arc<[Partition]>,
}

impl Kept {
    /// Runs a step and keeps its rows.
    pub(super) async fn of(name: &str, frame: DataFrame, room: &Arc<Room>) -> Result<Self> {
        let context = Arc::new(frame.task_ctx());
        Self::of_plan(name, frame.create_physical_plan().await?, context, room).await
    }

    /// Carries out a plan and keeps its rows.
    pub(super) async fn of_plan(
        name: &str,
        plan: Arc<dyn ExecutionPlan>,
        context: Arc<TaskContext>,
        room: &Arc<Room>,
    ) -> Result<Self> {
        let planned = nullable(&plan.schema());
        let streams = execute_stream_partitioned(plan, Arc::clone(&context))?;
        let tasks = streams.into_iter().map(|stream| {
            let task = SpawnedTask::spawn(Partition::of(stream, Arc::clone(room), context.runtime_env()));
            async { task.join_unwind().await.map_err(|error| DataFusionError::External(Box::new(error)))? }
        });
        let partitions = try_join_all(tasks).await?;
        let found = partitions.iter().find_map(|partition| partition.schema.clone());
        Ok(Self { name: name.to_owned(), schema: found.unwrap_or(planned), partitions: partitions.into() })
    }

    fn statistics_of<'a>(&self, partitions: impl Iterator<Item = &'a Partition> + Clone) -> Statistics {
        Statistics {
            num_rows: Precision::Exact(partitions.clone().map(|partition| partition.rows).sum()),
            total_byte_size: Precision::Exact(partitions.map(|partition| partition.bytes).sum()),
            ..Statistics::new_unknown(&self.schema)
        }
    }
}

#[async_trait::async_trait]
impl TableProvider for Kept {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Temporary
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let projection = projection.cloned().unwrap_or_else(|| (0..self.schema.fields().len()).collect());
        let kept = Self {
            name: self.name.clone(),
            schema: Arc::clone(&self.schema),
            partitions: Arc::clone(&self.partitions),
        };
        let schema = Arc::new(self.schema.project(&projection)?);
        Ok(DataSourceExec::from_data_source(Scan { kept, schema, projection: projection.into() }))
    }

    fn statistics(&self) -> Option<Statistics> {
        Some(self.statistics_of(self.partitions.iter()))
    }
}

/// One reading of some columns.
#[derive(Debug)]
struct Scan {
    kept: Kept,
    schema: SchemaRef,
    projection: Arc<[usize]>,
}

impl DataSource for Scan {
    fn open(&self, partition: usize, _context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let projection = Arc::clone(&self.projection);
        let project = move |batch: RecordBatch| Ok(batch.project(&projection)?);
        let schema = Arc::clone(&self.schema);
        Ok(match &self.kept.partitions[partition].held {
            Held::Memory(kept) => {
                let batches = kept.batches.clone().into_iter().map(project);
                Box::pin(RecordBatchStreamAdapter::new(schema, stream::iter(batches)))
            }
            Held::File(file, spills) => {
                let batches = spills.read_spill_as_stream(Arc::clone(file), None)?;
                let batches = batches.map(move |batch| batch.and_then(&project));
                Box::pin(RecordBatchStreamAdapter::new(schema, batches))
            }
        })
    }

    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns: Vec<&str> = self.schema.fields().iter().map(|field| field.name().as_str()).collect();
        write!(f, "kept={}, columns=[{}], partitions={:?}", self.kept.name, columns.join(", "), self.kept.partitions)
    }

    fn output_partitioning(&self) -> Partitioning {
        Partitioning::UnknownPartitioning(self.kept.partitions.len())
    }

    fn eq_properties(&self) -> EquivalenceProperties {
        EquivalenceProperties::new(Arc::clone(&self.schema))
    }

    fn partition_statistics(&self, partition: Option<usize>) -> Result<Arc<Statistics>> {
        let all = self.kept.partitions.iter().enumerate();
        let chosen = all.filter(|(index, _)| partition.is_none_or(|wanted| wanted == *index)).map(|(_, one)| one);
        Ok(Arc::new(self.kept.statistics_of(chosen).project(Some(&self.projection.to_vec()))))
    }

    fn with_fetch(&self, _limit: Option<usize>) -> Option<Arc<dyn DataSource>> {
        None
    }

    fn fetch(&self) -> Option<usize> {
        None
    }

    fn try_swapping_with_projection(&self, _projection: &ProjectionExprs) -> Result<Option<Arc<dyn DataSource>>> {
        Ok(None)
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }
}

/// The same columns, each of which may be null.
pub(crate) fn nullable(schema: &Schema) -> SchemaRef {
    let fields: Vec<Field> = schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true)).collect();
    Arc::new(Schema::new(fields))
}

/// A column without the bytes of rows that are not in it, which views of text would hold on to.
fn compact(column: &ArrayRef) -> ArrayRef {
    match column.data_type() {
        DataType::Utf8View => Arc::new(column.as_string_view().gc()),
        DataType::BinaryView => Arc::new(column.as_binary_view().gc()),
        _ => Arc::clone(column),
    }
}

/// Bytes of the rows of a batch, and not of the buffers it shares with others.
fn size(batch: &RecordBatch) -> Result<usize> {
    let sizes = batch.columns().iter().map(|column| column.to_data().get_slice_memory_size());
    Ok(sizes.sum::<Result<usize, _>>()?)
}
