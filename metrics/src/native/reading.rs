//! What an operator reads of a source: prepared columns, by pieces, on threads of its own.
//!
//! ```text
//! files ──▶ row group, the columns in use, dictionaries kept ──┐
//!                                 expressions (on dictionary values once) ──▶ Prepared
//! SQL  ──▶ the engine's stream of the same expressions ────────┘
//! ```
//!
//! A plain column costs no planning. An expression is planned by the engine as part of one SELECT and taken apart, so that
//! it means what it means in a statement.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, TableReference};
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::{Expr as Logical, LogicalPlan};
use datafusion::optimizer::simplify_expressions::{ExprSimplifier, SimplifyContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::prelude::SessionContext;
use futures::StreamExt;
use jiff::Timestamp;
use parking_lot::Mutex;
use sea_query::{Alias, Expr, ExprTrait, Query};
use tokio::runtime::Handle;

use super::made::{Known, Made};
use crate::engine::{DataFusion, named};
use crate::error::Error;
use crate::fault::Fault;
use crate::input::{Pieces, SourceTable, Stretch, kept};
use crate::sql::{Statement, column, instant};

/// Rows read at a time: a row group of nearly every writer.
pub(crate) const BATCH_ROWS: usize = 131_072;

/// One column that is asked of a source.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Wanted {
    /// A column as the source gives it.
    Column(String),
    /// What an expression over columns of the source gives.
    Made(Expr),
}

/// Rows that are of use by their time: none that was left out would have been. Whether a row that was read lies within, the
/// reader of the rows decides.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Within {
    /// The time of a row, as in a statement.
    pub(crate) time: Expr,
    /// The first instant of use.
    pub(crate) from: Option<Timestamp>,
    /// The first instant that is no longer of use.
    pub(crate) until: Option<Timestamp>,
}

/// Rows of a source: one array per wanted column, in their order.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// How many rows.
    pub(crate) rows: usize,
    /// The type of each is that of [`Reading::kinds`], or a dictionary with `Int32` keys of it, the nulls of which are in
    /// its keys alone.
    pub(crate) columns: Vec<ArrayRef>,
}

/// A source, ready to be read.
pub(crate) struct Reading {
    source: String,
    kinds: Vec<DataType>,
    rows: Rows,
    batch_rows: usize,
}

/// Where rows come from.
enum Rows {
    Files(Files),
    /// The engine's answer in parts, each taken by whoever reads it.
    Stream(Vec<Mutex<Option<SendableRecordBatchStream>>>, Handle),
}

struct Files {
    pieces: Arc<Pieces>,
    /// The rows that may be of use.
    kept: Vec<Stretch>,
    /// The columns of the source that are decoded.
    projection: Vec<usize>,
    /// How each wanted column is made of them.
    columns: Vec<Making>,
}

/// How a wanted column is made.
enum Making {
    /// It is the one at this place of what is decoded.
    Plain(usize),
    Made(Made),
}

impl Reading {
    /// Prepares the reading of a source. Nothing is read of its rows.
    ///
    /// Rows that fail a condition are of no use: they may be left out, and whoever reads the others looks at them again.
    ///
    /// # Errors
    /// [`Error::Engine`] and its like for an expression that cannot be planned.
    pub(crate) async fn of(
        engine: &DataFusion,
        source: &str,
        wanted: &[Wanted],
        conditions: &[Expr],
    ) -> Result<Self, Error> {
        let fail = |error: DataFusionError| named(&step(source), &error);
        let (kinds, rows) = match engine.files(source) {
            Some(table) => files(engine, table, wanted, conditions).await.map_err(fail)?,
            None => {
                let select = select(source, wanted, conditions);
                let streams = engine.streams(&Statement::of(&select)).await.map_err(fail)?;
                let kinds = streams.first().map_or_else(Vec::new, |stream| types(&stream.schema()));
                let parts = streams.into_iter().map(|stream| Mutex::new(Some(stream))).collect();
                (kinds, Rows::Stream(parts, Handle::current()))
            }
        };
        Ok(Self { source: source.to_owned(), kinds, rows, batch_rows: BATCH_ROWS })
    }

    /// Reads at most so many rows at a time.
    pub(crate) fn with_batch_rows(self, batch_rows: usize) -> Self {
        Self { batch_rows, ..self }
    }

    /// Its name.
    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    /// The type of each wanted column.
    pub(crate) fn kinds(&self) -> &[DataType] {
        &self.kinds
    }

    /// How many pieces there are, each to be read once, in any order, by any thread.
    pub(crate) fn pieces(&self) -> usize {
        match &self.rows {
            Rows::Files(files) => files.kept.len(),
            Rows::Stream(parts, _) => parts.len(),
        }
    }

    /// How many rows will be read; `None` where only reading tells.
    pub(crate) fn rows(&self) -> Option<u64> {
        match &self.rows {
            Rows::Files(files) => Some(files.kept.iter().map(|stretch| stretch.rows.len() as u64).sum()),
            Rows::Stream(..) => None,
        }
    }

    /// Reads a piece, blocking: not to be called where futures are driven.
    ///
    /// # Errors
    /// [`Error::Sources`] with the file that was changed or cannot be decoded; [`Error::Data`] for a value that an
    /// expression refuses; what the engine says; and whatever `take` gives, which ends the reading.
    pub(crate) fn read<E: From<Error>>(
        &self,
        piece: usize,
        take: &mut dyn FnMut(&Prepared) -> Result<(), E>,
    ) -> Result<(), E> {
        let fail = |error: DataFusionError| named(&step(&self.source), &error);
        match &self.rows {
            Rows::Files(files) => files.read(piece, self.batch_rows, &fail, take),
            Rows::Stream(parts, runtime) => {
                let part = parts[piece].lock().take();
                let Some(mut stream) = part else { return Ok(()) };
                while let Some(batch) = runtime.block_on(stream.next()) {
                    let batch = batch.map_err(&fail)?;
                    take(&Prepared { rows: batch.num_rows(), columns: batch.columns().to_vec() })?;
                }
                Ok(())
            }
        }
    }
}

impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reading").field("source", &self.source).field("kinds", &self.kinds).finish_non_exhaustive()
    }
}

/// What errors call the reading of a source.
fn step(source: &str) -> String {
    format!("reading {source}")
}

fn types(schema: &Schema) -> Vec<DataType> {
    schema.fields().iter().map(|field| field.data_type().clone()).collect()
}

fn select(source: &str, wanted: &[Wanted], conditions: &[Expr]) -> sea_query::SelectStatement {
    let mut select = Query::select();
    for (at, wanted) in wanted.iter().enumerate() {
        let expression = match wanted {
            Wanted::Column(name) => column(name),
            Wanted::Made(expression) => expression.clone(),
        };
        select.expr_as(expression, Alias::new(format!("c{at}")));
    }
    select.from(Alias::new(source));
    for condition in conditions {
        select.and_where(condition.clone());
    }
    select
}

impl Within {
    /// The conditions on a row.
    pub(crate) fn conditions(&self) -> Vec<Expr> {
        let from = self.from.map(|from| self.time.clone().gte(instant(from)));
        let until = self.until.map(|until| self.time.clone().lt(instant(until)));
        from.into_iter().chain(until).collect()
    }
}

async fn files(
    engine: &DataFusion,
    table: &SourceTable,
    wanted: &[Wanted],
    conditions: &[Expr],
) -> Result<(Vec<DataType>, Rows), DataFusionError> {
    let pieces = &table.pieces;
    let made: Vec<Wanted> = wanted.iter().filter(|wanted| matches!(wanted, Wanted::Made(_))).cloned().collect();
    let prunes = !conditions.is_empty() && pieces.can_be_pruned();
    let (mut planned, filters) = if made.is_empty() && !prunes {
        (Vec::new().into_iter(), Vec::new())
    } else {
        // With nothing to be made of it, a statement still needs a column.
        let made = if made.is_empty() { vec![Wanted::Made(Expr::Constant(1_i64.into()))] } else { made };
        let select = select(&table.name, &made, if prunes { conditions } else { &[] });
        let (planned, filters) = taken_apart(engine.logical(&Statement::of(&select)).await?)?;
        (planned.into_iter(), filters)
    };
    let mut used = BTreeSet::new();
    let mut expressions = Vec::with_capacity(wanted.len());
    for wanted in wanted {
        let (names, expression) = match wanted {
            Wanted::Column(name) => (vec![name.clone()], None),
            Wanted::Made(_) => {
                let planned = planned.next().ok_or_else(|| unexpected("fewer expressions than were asked"))?;
                let mut names: Vec<String> = planned.column_refs().iter().map(|column| column.name.clone()).collect();
                names.sort_unstable();
                (names, Some(planned))
            }
        };
        let columns = names.iter().map(|name| Ok(pieces.schema.index_of(name)?)).collect::<Result<Vec<usize>, _>>();
        let columns = columns.map_err(|error: DataFusionError| error)?;
        used.extend(columns.iter().copied());
        expressions.push((columns, expression));
    }
    let projection: Vec<usize> = used.into_iter().collect();
    let place = |column: &usize| projection.binary_search(column).unwrap_or_default();
    let (mut columns, mut kinds) = (Vec::with_capacity(wanted.len()), Vec::with_capacity(wanted.len()));
    for (of, expression) in expressions {
        let places: Vec<usize> = of.iter().map(place).collect();
        match expression {
            None => {
                kinds.push(pieces.schema.field(of[0]).data_type().clone());
                columns.push(Making::Plain(places[0]));
            }
            Some(expression) => {
                let schema = Arc::new(pieces.schema.project(&of)?);
                let expression = physical(engine.session(), expression, &table.name, &schema)?;
                kinds.push(expression.data_type(&schema)?);
                columns.push(Making::Made(Made { places, schema, expression }));
            }
        }
    }
    let useful = match filters.is_empty() {
        true => (0..pieces.pieces.len()).map(|piece| pieces.whole(piece)).collect(),
        false => {
            let schema = DFSchema::try_from(Arc::clone(&pieces.schema))?;
            let filters = filters.into_iter().map(|filter| simplified(engine.session(), unqualified(filter)?, &schema));
            kept(pieces, &engine.session().state(), &filters.collect::<Result<Vec<_>, _>>()?)
        }
    };
    Ok((kinds, Rows::Files(Files { pieces: Arc::clone(pieces), kept: useful, projection, columns })))
}

fn unexpected(what: &str) -> DataFusionError {
    DataFusionError::Internal(format!("the plan of a select over one source has {what}"))
}

/// The expressions and the conditions of a select over one table.
fn taken_apart(plan: LogicalPlan) -> Result<(Vec<Logical>, Vec<Logical>), DataFusionError> {
    let LogicalPlan::Projection(projection) = plan else { return Err(unexpected("no projection")) };
    let conditions = match projection.input.as_ref() {
        LogicalPlan::Filter(filter) => vec![filter.predicate.clone()],
        _ => Vec::new(),
    };
    Ok((projection.expr, conditions))
}

fn unqualified(expression: Logical) -> Result<Logical, DataFusionError> {
    let bare = |expression: Logical| match expression {
        Logical::Column(column) => Ok(Transformed::yes(Logical::Column(column.name.into()))),
        other => Ok(Transformed::no(other)),
    };
    Ok(expression.transform(bare)?.data)
}

/// What the engine's own optimiser makes of an expression alone: types agreed, constants computed.
fn simplified(session: &SessionContext, expression: Logical, schema: &DFSchema) -> Result<Logical, DataFusionError> {
    let state = session.state();
    let context = SimplifyContext::builder()
        .with_schema(Arc::new(schema.clone()))
        .with_config_options(Arc::clone(state.config_options()))
        .with_query_execution_start_time(state.execution_props().query_execution_start_time)
        .build();
    let simplifier = ExprSimplifier::new(context);
    simplifier.simplify(simplifier.coerce(expression.unalias(), schema)?)
}

fn physical(
    session: &SessionContext,
    expression: Logical,
    source: &str,
    schema: &SchemaRef,
) -> Result<Arc<dyn PhysicalExpr>, DataFusionError> {
    let schema = DFSchema::try_from_qualified_schema(TableReference::bare(source.to_owned()), schema)?;
    session.create_physical_expr(simplified(session, expression, &schema)?, &schema)
}

impl Files {
    fn read<E: From<Error>>(
        &self,
        piece: usize,
        batch_rows: usize,
        fail: &dyn Fn(DataFusionError) -> Error,
        take: &mut dyn FnMut(&Prepared) -> Result<(), E>,
    ) -> Result<(), E> {
        let stretch = &self.kept[piece];
        let of_source = |fault: Fault| Error::Sources(vec![fault]);
        let dictionaries: Vec<bool> =
            self.projection.iter().map(|column| self.pieces.has_dictionary(stretch.piece, *column)).collect();
        let mut known: Vec<Option<Known>> = self.columns.iter().map(|_| None).collect();
        let batches = self.pieces.read_as(stretch, &self.projection, &dictionaries, batch_rows).map_err(of_source)?;
        for batch in batches {
            let batch = batch.map_err(of_source)?;
            let columns = self.columns.iter().zip(&mut known).map(|(making, known)| match making {
                Making::Plain(place) => Ok(Arc::clone(batch.column(*place))),
                Making::Made(made) => made.values(&batch, known),
            });
            let columns = columns.collect::<Result<_, _>>().map_err(fail)?;
            take(&Prepared { rows: batch.num_rows(), columns })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::path::Path;

    use arrow::array::{Array, AsArray, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
    use arrow::compute::{cast, concat};
    use arrow::datatypes::{Int32Type, Int64Type, TimeUnit};
    use parquet::arrow::ArrowWriter;
    use parquet::file::properties::WriterProperties;
    use parquet::schema::types::ColumnPath;

    use super::*;
    use crate::bindings::Bindings;
    use crate::definition::{self, Clock, Csv, Format, Source};
    use crate::engine::{Engine, Resources};
    use crate::expression::Expression;
    use crate::input::{Options, open};
    use crate::plan::lower::Step;
    use crate::sql::lower;

    const ROWS: i64 = 3_500;
    /// 2025-06-15T15:06:40Z.
    const START: i64 = 1_750_000_000;

    /// Four row groups: text as a dictionary and as it is, numbers, times, each with nulls.
    fn write(path: &Path) {
        let names = ["ad", "search", "", "Ünicode", " padded "];
        let name = |row: i64| (row % 11 > 0).then(|| names[usize::try_from(row % 5).unwrap_or(0)]);
        let id = |row: i64| (row % 13 > 0).then(|| format!("user-{row}"));
        let columns: [(&str, ArrayRef); 5] = [
            ("name", Arc::new((0..ROWS).map(name).collect::<StringArray>())),
            ("id", Arc::new((0..ROWS).map(id).collect::<StringArray>())),
            ("n", Arc::new((0..ROWS).map(|row| (row % 7 > 0).then_some(row - 50)).collect::<Int64Array>())),
            ("x", Arc::new((0..ROWS).map(|row| (row % 9 > 0).then_some(row as f64 / 8.0)).collect::<Float64Array>())),
            (
                "at",
                Arc::new(
                    (0..ROWS).map(|row| Some((START + row * 60) * 1_000_000)).collect::<TimestampMicrosecondArray>(),
                ),
            ),
        ];
        let batch = RecordBatch::try_from_iter_with_nullable(columns.map(|(name, array)| (name, array, true))).unwrap();
        let properties = WriterProperties::builder()
            .set_max_row_group_row_count(Some(1_000))
            .set_data_page_row_count_limit(100)
            .set_write_batch_size(100)
            .set_column_bloom_filter_enabled(ColumnPath::from("name"), true)
            .set_column_dictionary_enabled(ColumnPath::from("id"), false);
        let file = File::create(path).unwrap();
        let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties.build())).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
    }

    fn engine(folder: &Path) -> DataFusion {
        write(&folder.join("rows.parquet"));
        let clock = Clock { column: "at".to_owned(), unit: None, zone: None };
        let source = Source {
            name: "rows".to_owned(),
            label: String::new(),
            description: None,
            owner: None,
            tags: Vec::new(),
            rows: definition::Rows::Files(definition::Files {
                path: "rows.parquet".into(),
                format: Format::Parquet,
                csv: Csv::default(),
            }),
            keys: Default::default(),
            columns: Default::default(),
            units: Default::default(),
            clock: Some(clock),
            parameters: Default::default(),
        };
        let mut engine = DataFusion::new(&Resources { threads: Some(1), ..Resources::default() }).unwrap();
        engine.add_input("rows", &open(&source, folder, &Options::default()).unwrap()).unwrap();
        engine
    }

    fn made(text: &str) -> Wanted {
        let expression = Expression::parse("test", text).unwrap();
        Wanted::Made(lower(expression.node(), &Bindings::default()))
    }

    /// What a statement gives for the same columns.
    async fn stated(engine: &DataFusion, wanted: &[Wanted]) -> Vec<ArrayRef> {
        let statement = Statement::of(&select("rows", wanted, &[]));
        let step = Step { name: "stated".to_owned(), purpose: String::new(), statement, keep: false };
        joined(engine.read(&step).await.unwrap().iter().map(|batch| batch.columns().to_vec()).collect(), None)
    }

    /// Batches one after the other, dictionaries written out.
    fn joined(batches: Vec<Vec<ArrayRef>>, kinds: Option<&[DataType]>) -> Vec<ArrayRef> {
        let column = |at: usize| {
            let arrays: Vec<ArrayRef> = batches.iter().map(|batch| Arc::clone(&batch[at])).collect();
            let kind = kinds.map_or_else(|| arrays[0].data_type().clone(), |kinds| kinds[at].clone());
            let arrays: Vec<ArrayRef> = arrays.iter().map(|array| cast(array, &kind).unwrap()).collect();
            concat(&arrays.iter().map(AsRef::as_ref).collect::<Vec<_>>()).unwrap()
        };
        (0..batches[0].len()).map(column).collect()
    }

    async fn read(reading: Reading) -> (Vec<DataType>, Vec<Vec<ArrayRef>>) {
        let task = tokio::task::spawn_blocking(move || {
            let mut batches = Vec::new();
            for piece in 0..reading.pieces() {
                reading
                    .read::<Error>(piece, &mut |prepared| {
                        assert!(prepared.columns.iter().all(|column| column.len() == prepared.rows));
                        batches.push(prepared.columns.clone());
                        Ok(())
                    })
                    .unwrap();
            }
            (reading.kinds().to_vec(), batches)
        });
        task.await.unwrap()
    }

    #[tokio::test]
    async fn columns_and_expressions_are_those_of_a_statement() {
        let folder = tempfile::tempdir().unwrap();
        let engine = engine(folder.path());
        let mut wanted: Vec<Wanted> =
            ["x", "name", "id", "at", "n"].iter().map(|name| Wanted::Column((*name).to_owned())).collect();
        let expressions = [
            "name",
            "name = 'ad'",
            "name IS NULL",
            "coalesce(name, 'none')",
            "CASE WHEN name = 'ad' THEN 1 WHEN name IS NULL THEN 2 END",
            "name LIKE '%e%'",
            "name ILIKE 'ün%'",
            "name IN ('ad', '')",
            "name || '!'",
            "name NOT IN ('ad', '')",
            "length(name)",
            "trim(name)",
            "name = 'ad' AND n > 100",
            "id = 'user-77' OR name = 'search'",
            "id IS NOT NULL",
            "n / 4",
            "x * 2 - n",
            "n % 5 = 0 AND x > 12.5",
            "CASE WHEN n > 10 THEN x END",
            "1",
            "at >= TIMESTAMP '2025-06-16T10:00:00Z'",
        ];
        wanted.extend(expressions.iter().map(|text| made(text)));
        let (kinds, batches) = read(Reading::of(&engine, "rows", &wanted, &[]).await.unwrap()).await;
        assert_eq!(batches.len(), 4);
        let dictionary = |at: usize| matches!(batches[0][at].data_type(), DataType::Dictionary(..));
        assert!(dictionary(1) && !dictionary(2) && dictionary(6) && !dictionary(17));
        for batch in &batches {
            for array in batch {
                if let Some(array) = array.as_dictionary_opt::<Int32Type>() {
                    assert_eq!(array.logical_null_count(), array.keys().null_count());
                }
            }
        }
        let expected = stated(&engine, &wanted).await;
        let found = joined(batches, Some(&kinds));
        for (at, (found, expected)) in found.iter().zip(&expected).enumerate() {
            assert_eq!(found, expected, "{:?}", wanted[at]);
        }
    }

    #[tokio::test]
    async fn small_batches_hold_the_same_rows() {
        let folder = tempfile::tempdir().unwrap();
        let engine = engine(folder.path());
        let wanted = [made("coalesce(name, 'none')"), Wanted::Column("id".to_owned())];
        let reading = Reading::of(&engine, "rows", &wanted, &[]).await.unwrap();
        assert_eq!(reading.rows(), Some(3_500));
        let (kinds, batches) = read(reading.with_batch_rows(64)).await;
        assert!(batches.len() > 50);
        assert_eq!(joined(batches, Some(&kinds)), stated(&engine, &wanted).await);
    }

    #[tokio::test]
    async fn row_groups_and_pages_without_rows_of_use_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let engine = engine(folder.path());
        let wanted = [Wanted::Column("n".to_owned())];
        let minutes = |minutes: i64| Some(Timestamp::from_second(START + minutes * 60).unwrap());
        for (from, until, pieces, rows) in [
            (None, None, 4, 3_500),
            (minutes(1_000), None, 3, 2_500),
            (minutes(1_500), minutes(2_000), 1, 500),
            (minutes(1_250), minutes(2_120), 2, 800 + 200),
            (minutes(9_000), None, 0, 0),
        ] {
            let within = Within { time: column("at"), from, until };
            let reading = Reading::of(&engine, "rows", &wanted, &within.conditions()).await.unwrap();
            assert_eq!((reading.pieces(), reading.rows()), (pieces, Some(rows)), "{from:?} {until:?}");
            let (_, batches) = read(reading).await;
            let found: Vec<Option<i64>> =
                batches.iter().flat_map(|batch| batch[0].as_primitive::<Int64Type>()).collect();
            let first = from.map_or(0, |from| (from.as_second() - START) / 60 / 100 * 100);
            let expected = (first..ROWS).map(|row| (row % 7 > 0).then_some(row - 50)).take(found.len());
            assert_eq!(found, expected.collect::<Vec<_>>(), "{from:?} {until:?}");
            assert_eq!(found.len() as u64, rows);
        }
    }

    #[tokio::test]
    async fn row_groups_that_a_bloom_filter_says_lack_a_value_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let engine = engine(folder.path());
        let wanted = [Wanted::Column("n".to_owned())];
        // Between the least and the greatest of the words, so that only the filter can tell.
        for (text, pieces) in [("name = 'ad'", 4), ("name = 'beta'", 0), ("name IN ('beta', 'ad')", 4)] {
            let Wanted::Made(condition) = made(text) else { panic!("{text} is made") };
            let reading = Reading::of(&engine, "rows", &wanted, &[condition]).await.unwrap();
            assert_eq!(reading.pieces(), pieces, "{text}");
        }
    }

    #[tokio::test]
    async fn a_source_that_is_a_statement_is_read_as_the_engine_gives_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut engine = engine(folder.path());
        let mut all = Query::select();
        all.columns(["name", "n"].map(Alias::new)).from(Alias::new("rows")).and_where(column("n").gt(1_000_i64));
        engine.add_query("many", &Statement::of(&all)).await.unwrap();
        let wanted = [Wanted::Column("n".to_owned()), made("name = 'ad'")];
        let (kinds, batches) = read(Reading::of(&engine, "many", &wanted, &[]).await.unwrap()).await;
        assert_eq!(kinds, [DataType::Int64, DataType::Boolean]);
        assert_eq!(batches.iter().map(|batch| batch[0].len()).sum::<usize>(), 2_100);
    }

    #[tokio::test]
    async fn a_file_that_changed_is_refused_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let engine = engine(folder.path());
        let wanted = [Wanted::Column("n".to_owned())];
        let reading = Reading::of(&engine, "rows", &wanted, &[]).await.unwrap();
        std::fs::write(folder.path().join("rows.parquet"), "gone").unwrap();
        let error = reading.read::<Error>(0, &mut |_| Ok(())).unwrap_err();
        let expected = "rows.parquet: `rows.parquet` was changed, replaced or removed while it was read; run again when nothing writes to the file, or read a copy of it";
        assert_eq!(error.to_string(), expected);
        assert_eq!(reading.kinds(), [DataType::Int64]);
        assert_eq!(DataType::Timestamp(TimeUnit::Microsecond, None), *engine.schemas()["rows"].field(4).data_type());
    }
}
