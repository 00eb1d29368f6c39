//! The files of a source as a table of the engine.

use std::any::Any;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ::parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use arrow::array::{ArrayRef, BooleanArray, UInt64Array};
use arrow::compute::{cast, concat};
use arrow::datatypes::{DataType, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::config::ConfigOptions;
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Column, DFSchema, ScalarValue, Statistics};
use datafusion::datasource::TableType;
use datafusion::datasource::source::{DataSource, DataSourceExec, OpenArgs};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_expr::projection::ProjectionExprs;
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr, conjunction};
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayFormatType, ExecutionPlan};

use super::boundary::guarded;
use super::piece::{Form, Part, Pieces};
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
        let kept = self.kept(state, filters);
        let complete = kept.len() == self.pieces.pieces.len();
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
        let useful =
            self.pieces.pieces.len() > 1 && self.pieces.files.iter().any(|file| matches!(file.form, Form::Parquet(_)));
        let answer =
            if useful { TableProviderFilterPushDown::Inexact } else { TableProviderFilterPushDown::Unsupported };
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

    /// The pieces that may hold a row that passes the filters, by what the footers say of them.
    pub(crate) fn kept(&self, state: &dyn Session, filters: &[Expr]) -> Vec<usize> {
        let every = || (0..self.pieces.pieces.len()).collect();
        if filters.is_empty() {
            return every();
        }
        let predicate = || -> Result<Vec<bool>> {
            let schema = DFSchema::try_from(Arc::clone(&self.pieces.schema))?;
            let filters: Vec<Arc<dyn PhysicalExpr>> = filters
                .iter()
                .map(|filter| state.create_physical_expr(filter.clone(), &schema))
                .collect::<Result<_>>()?;
            let predicate = PruningPredicateBuilder::new().with_file_schema(Arc::clone(&self.pieces.schema));
            predicate.try_build(conjunction(filters))?.prune(&PieceStatistics(&self.pieces))
        };
        // Leaving pieces out is an economy: where it is not possible, every piece is read and filtered.
        match guarded(predicate) {
            Ok(Ok(may)) if may.len() == self.pieces.pieces.len() => {
                may.into_iter().enumerate().filter_map(|(piece, may)| may.then_some(piece)).collect()
            }
            _ => every(),
        }
    }
}

/// What footers say of each piece.
struct PieceStatistics<'a>(&'a Pieces);

impl PieceStatistics<'_> {
    /// One entry per piece, from one array per file with an entry per row group.
    fn collect(
        &self,
        column: &Column,
        of_file: impl Fn(&StatisticsConverter<'_>, usize) -> Option<ArrayRef>,
        kind: &DataType,
    ) -> Option<ArrayRef> {
        let mut files: HashMap<usize, ArrayRef> = HashMap::new();
        for (index, opened) in self.0.files.iter().enumerate() {
            let Form::Parquet(metadata) = &opened.form else { return None };
            let converter =
                StatisticsConverter::try_new(&column.name, metadata.schema(), metadata.parquet_schema()).ok()?;
            files.insert(index, cast(&of_file(&converter, index)?, kind).ok()?);
        }
        let entries: Option<Vec<ArrayRef>> = self
            .0
            .pieces
            .iter()
            .map(|piece| match piece.part {
                Part::RowGroup(group) => {
                    files.get(&piece.file).filter(|array| group < array.len()).map(|array| array.slice(group, 1))
                }
                Part::Chunk(_) => None,
            })
            .collect();
        let entries = entries?;
        concat(&entries.iter().map(AsRef::as_ref).collect::<Vec<_>>()).ok()
    }

    fn bound(&self, column: &Column, largest: bool) -> Option<ArrayRef> {
        let (index, field) = self.0.schema.column_with_name(&column.name)?;
        // Only numbers and times keep their order when their type is changed.
        let change = &self.0.changes[index];
        if change.read != *field.data_type() && change.read == DataType::Utf8View {
            return None;
        }
        let groups = |file: usize| match &self.0.files[file].form {
            Form::Parquet(metadata) => Some(metadata.metadata().row_groups()),
            _ => None,
        };
        let of_file = |converter: &StatisticsConverter<'_>, file: usize| {
            let found = if largest {
                converter.row_group_maxes(groups(file)?)
            } else {
                converter.row_group_mins(groups(file)?)
            }
            .ok()?;
            change.via.iter().try_fold(found, |found, via| cast(&found, via).ok())
        };
        self.collect(column, of_file, field.data_type())
    }
}

impl PruningStatistics for PieceStatistics<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        self.bound(column, false)
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        self.bound(column, true)
    }

    fn num_containers(&self) -> usize {
        self.0.pieces.len()
    }

    fn null_counts(&self, column: &Column) -> Option<ArrayRef> {
        let of_file = |converter: &StatisticsConverter<'_>, file: usize| match &self.0.files[file].form {
            Form::Parquet(metadata) => {
                let counts = converter.row_group_null_counts(metadata.metadata().row_groups()).ok()?;
                Some(Arc::new(counts) as ArrayRef)
            }
            _ => None,
        };
        self.collect(column, of_file, &DataType::UInt64)
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        Some(Arc::new(self.0.pieces.iter().map(|piece| Some(piece.rows)).collect::<UInt64Array>()))
    }

    fn contained(&self, _column: &Column, _values: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}

/// One reading of a source.
#[derive(Debug)]
struct Scan {
    source: String,
    schema: SchemaRef,
    pieces: Arc<Pieces>,
    projection: Vec<usize>,
    kept: Arc<[usize]>,
    /// Whether no piece is left out.
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
            kept.get(place).copied()
        };
        let (pieces, projection) = (Arc::clone(&self.pieces), self.projection.clone());
        let batch_rows = args.context.session_config().batch_size();
        let batches = std::iter::from_fn(next_piece).flat_map(move |piece| {
            let (batches, failure) = match pieces.read(piece, &projection, batch_rows) {
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
        let rows: u64 = self.kept.iter().map(|piece| self.pieces.pieces[*piece].rows).sum();
        let rows = usize::try_from(rows).unwrap_or(usize::MAX);
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
