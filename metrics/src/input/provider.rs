//! The files of a source as a table of the engine.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Statistics;
use datafusion::common::config::ConfigOptions;
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::TableType;
use datafusion::datasource::source::{DataSource, DataSourceExec, OpenArgs};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_expr::projection::ProjectionExprs;
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayFormatType, ExecutionPlan};

use super::piece::{Form, Pieces, Stretch};
use super::pruning::kept;
use crate::definition::Format;
use crate::fault::Faults;

/// A source as a table: its pieces, read by as many threads as the engine has.
#[derive(Debug)]
pub(crate) struct SourceTable {
    pub(crate) name: String,
    pub(crate) pieces: Arc<Pieces>,
}

#[async_trait::async_trait]
impl TableProvider for SourceTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.pieces.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let projection: Vec<usize> = match projection {
            Some(columns) => columns.clone(),
            None => (0..self.pieces.schema.fields().len()).collect(),
        };
        let kept = kept(&self.pieces, state, filters);
        let rows: u64 = kept.iter().map(|stretch| stretch.rows.len() as u64).sum();
        let complete = rows == self.pieces.rows();
        let scan = Scan {
            source: self.name.clone(),
            schema: Arc::new(self.pieces.schema.project(&projection)?),
            partitions: state.config().target_partitions().clamp(1, kept.len().max(1)),
            pieces: Arc::clone(&self.pieces),
            projection,
            kept: kept.into(),
            complete,
        };
        Ok(DataSourceExec::from_data_source(scan))
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let answer = match self.pieces.can_be_pruned() {
            true => TableProviderFilterPushDown::Inexact,
            false => TableProviderFilterPushDown::Unsupported,
        };
        Ok(vec![answer; filters.len()])
    }

    fn statistics(&self) -> Option<Statistics> {
        let rows = usize::try_from(self.pieces.rows()).unwrap_or(usize::MAX);
        Some(Statistics { num_rows: Precision::Exact(rows), ..Statistics::new_unknown(&self.pieces.schema) })
    }
}

impl SourceTable {
    /// The format of the files.
    pub(crate) fn format(&self) -> Format {
        match self.pieces.files.first().map(|file| &file.form) {
            Some(Form::Csv { .. }) => Format::Csv,
            Some(Form::Ndjson) => Format::Ndjson,
            Some(Form::Parquet(_)) | None => Format::Parquet,
        }
    }
}

/// One reading of a source.
#[derive(Debug)]
struct Scan {
    source: String,
    schema: SchemaRef,
    pieces: Arc<Pieces>,
    projection: Vec<usize>,
    kept: Arc<[Stretch]>,
    /// Whether no row is left out.
    complete: bool,
    partitions: usize,
}

/// Where the next piece is taken from: by all partitions of one execution, so that a slow one does not hold up the
/// others.
struct Queue(AtomicUsize);

impl DataSource for Scan {
    fn open(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        self.open_with_args(OpenArgs::new(partition, context))
    }

    fn open_with_args(&self, args: OpenArgs) -> Result<SendableRecordBatchStream> {
        let queue = args.sibling_state.and_then(|state| state.downcast::<Queue>().ok());
        let (kept, stride, mut own) = (Arc::clone(&self.kept), self.partitions, args.partition);
        let next_piece = move || {
            let place = match &queue {
                Some(queue) => queue.0.fetch_add(1, Ordering::Relaxed),
                None => own,
            };
            own += stride;
            kept.get(place).cloned()
        };
        let (pieces, projection) = (Arc::clone(&self.pieces), self.projection.clone());
        let batch_rows = args.context.session_config().batch_size();
        let batches = std::iter::from_fn(next_piece).flat_map(move |stretch| {
            let (batches, failure) = match pieces.read_rows(&stretch, &projection, batch_rows) {
                Ok(batches) => (Some(batches), None),
                Err(fault) => (None, Some(Err(fault))),
            };
            failure.into_iter().chain(batches.into_iter().flatten())
        });
        let batches =
            batches.map(|batch| batch.map_err(|fault| DataFusionError::External(Box::new(Faults::from(fault)))));
        Ok(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), futures::stream::iter(batches))))
    }

    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns: Vec<&str> = self.schema.fields().iter().map(|field| field.name().as_str()).collect();
        write!(
            f,
            "source={}, columns=[{}], pieces={} of {}",
            self.source,
            columns.join(", "),
            self.kept.len(),
            self.pieces.pieces.len()
        )
    }

    fn output_partitioning(&self) -> Partitioning {
        Partitioning::UnknownPartitioning(self.partitions)
    }

    fn eq_properties(&self) -> EquivalenceProperties {
        EquivalenceProperties::new(Arc::clone(&self.schema))
    }

    fn partition_statistics(&self, partition: Option<usize>) -> Result<Arc<Statistics>> {
        let rows: usize = self.kept.iter().map(|stretch| stretch.rows.len()).sum();
        let num_rows = match partition {
            // Which pieces a partition gets is decided while they are read.
            Some(_) => Precision::Inexact(rows / self.partitions),
            None if self.complete => Precision::Exact(rows),
            None => Precision::Inexact(rows),
        };
        Ok(Arc::new(Statistics { num_rows, ..Statistics::new_unknown(&self.schema) }))
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

    fn create_sibling_state(&self, _config: &ConfigOptions) -> Option<Arc<dyn Any + Send + Sync>> {
        Some(Arc::new(Queue(AtomicUsize::new(0))))
    }
}
