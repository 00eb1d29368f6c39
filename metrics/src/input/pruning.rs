//! Which rows of files can be of use for conditions on them, by what the files say of themselves.
//!
//! ```text
//! footers: least, greatest, nulls ─┐
//! Bloom filters ───────────────────┴─▶ row groups ──▶ index of pages: least, greatest, nulls ──▶ rows
//! ```
//!
//! Leaving rows out is an economy: where a file says nothing, or something that cannot be read, all of its rows are kept, and
//! what they hold is found out by reading them.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use ::parquet::arrow::arrow_reader::ArrowReaderMetadata;
use ::parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use ::parquet::basic::Type;
use ::parquet::bloom_filter::Sbbf;
use ::parquet::file::metadata::{ColumnChunkMetaData, PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use arrow::array::{Array, ArrayRef, BooleanArray, UInt64Array};
use arrow::compute::{cast, concat};
use arrow::datatypes::DataType;
use datafusion::catalog::Session;
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::{Column, DFSchema, ScalarValue};
use datafusion::error::Result;
use datafusion::logical_expr::Expr;
use datafusion::physical_expr::{PhysicalExpr, conjunction};
use datafusion::physical_optimizer::pruning::{PruningPredicate, PruningPredicateBuilder};

use super::boundary::guarded;
use super::files::DataFile;
use super::piece::{Change, Form, Part, Pieces, Stretch};

/// Bytes of the index of pages of a file beyond which it is not read.
const MOST_INDEX: u64 = 64 << 20;

impl Pieces {
    /// Whether some of the rows can be left out by what the files say: those of a row group, or of pages that have an index.
    pub(crate) fn can_be_pruned(&self) -> bool {
        let mut footers = self.files.iter().filter_map(|opened| match &opened.form {
            Form::Parquet(metadata) => Some(metadata.metadata()),
            Form::Csv { .. } | Form::Ndjson => None,
        });
        let has_index = |metadata: &Arc<ParquetMetaData>| {
            let mut chunks = metadata.row_groups().iter().flat_map(|group| group.columns());
            chunks.any(|chunk| chunk.column_index_length().is_some())
        };
        footers.any(|metadata| self.pieces.len() > 1 || has_index(metadata))
    }
}

/// The stretches of pieces that may hold a row that passes the filters.
pub(crate) fn kept(pieces: &Pieces, state: &dyn Session, filters: &[Expr]) -> Vec<Stretch> {
    let every = || (0..pieces.pieces.len()).map(|piece| pieces.whole(piece)).collect();
    if filters.is_empty() {
        return every();
    }
    let some = || -> Result<Vec<Stretch>> {
        let predicate = predicate(pieces, state, filters)?;
        let may = predicate.prune(&OfPieces(pieces))?;
        let kept = may.into_iter().enumerate().filter(|(_, may)| *may).map(|(piece, _)| pieces.whole(piece));
        Ok(within_pages(pieces, &predicate, filters, kept.collect()))
    };
    match guarded(some) {
        Ok(Ok(kept)) => kept,
        _ => every(),
    }
}

fn predicate(pieces: &Pieces, state: &dyn Session, filters: &[Expr]) -> Result<PruningPredicate> {
    let schema = DFSchema::try_from(Arc::clone(&pieces.schema))?;
    let filters = filters.iter().map(|filter| state.create_physical_expr(filter.clone(), &schema));
    let filters: Vec<Arc<dyn PhysicalExpr>> = filters.collect::<Result<_>>()?;
    PruningPredicateBuilder::new().with_file_schema(Arc::clone(&pieces.schema)).try_build(conjunction(filters))
}

/// The same stretches without the pages at their ends that can hold nothing of use.
fn within_pages(pieces: &Pieces, predicate: &PruningPredicate, filters: &[Expr], kept: Vec<Stretch>) -> Vec<Stretch> {
    let names: BTreeSet<&str> = filters.iter().flat_map(Expr::column_refs).map(|column| column.name.as_str()).collect();
    let mut indexed: HashMap<usize, Option<Arc<ParquetMetaData>>> = HashMap::new();
    let narrowed = kept.into_iter().filter_map(|stretch| {
        let piece = pieces.pieces[stretch.piece];
        let opened = &pieces.files[piece.file];
        let (Form::Parquet(metadata), Part::RowGroup(group)) = (&opened.form, piece.part) else { return Some(stretch) };
        let index = indexed.entry(piece.file).or_insert_with(|| page_index(&opened.file, metadata));
        let Some(index) = index else { return Some(stretch) };
        let rows = names.iter().try_fold(stretch.rows.clone(), |rows, name| {
            let of_pages = OfPages::new(pieces, metadata, index, group, name);
            let Some(found) = of_pages.and_then(|pages| pages.rows(predicate)) else { return Some(rows) };
            let rows = rows.start.max(found.start)..rows.end.min(found.end);
            (!rows.is_empty()).then_some(rows)
        });
        rows.map(|rows| Stretch { rows, ..stretch })
    });
    narrowed.collect()
}

/// The footer of a file with the index of its pages, if it has one that can be read.
fn page_index(file: &DataFile, metadata: &ArrowReaderMetadata) -> Option<Arc<ParquetMetaData>> {
    let chunks = || metadata.metadata().row_groups().iter().flat_map(|group| group.columns());
    let length = |chunk: &ColumnChunkMetaData| {
        let bytes = i64::from(chunk.column_index_length()?).checked_add(chunk.offset_index_length()?.into())?;
        u64::try_from(bytes).ok()
    };
    let bytes = chunks().filter_map(length).fold(0, u64::saturating_add);
    if bytes == 0 || bytes > MOST_INDEX {
        return None;
    }
    let read = || {
        let file = file.open().ok()?;
        let footer = metadata.metadata().as_ref().clone();
        let mut reader =
            ParquetMetaDataReader::new_with_metadata(footer).with_page_index_policy(PageIndexPolicy::Optional);
        reader.read_page_indexes(&file).ok()?;
        let metadata = reader.finish().ok()?;
        (metadata.column_index().is_some() && metadata.offset_index().is_some()).then(|| Arc::new(metadata))
    };
    guarded(read).ok().flatten()
}

/// A bound that the writer noted, as the column is given; only numbers and times keep their order when their type changes.
fn as_given(found: ArrayRef, change: &Change, kind: &DataType) -> Option<ArrayRef> {
    if change.read != *kind && change.read == DataType::Utf8View {
        return None;
    }
    let found = change.via.iter().try_fold(found, |found, via| cast(&found, via).ok())?;
    cast(&found, kind).ok()
}

/// What footers and Bloom filters say of each piece.
struct OfPieces<'a>(&'a Pieces);

impl OfPieces<'_> {
    /// One entry per piece, from one array per file with an entry per row group.
    fn collect(
        &self,
        column: &Column,
        of_file: impl Fn(&StatisticsConverter<'_>, &ArrowReaderMetadata) -> Option<ArrayRef>,
    ) -> Option<ArrayRef> {
        let mut files: HashMap<usize, ArrayRef> = HashMap::new();
        for (index, opened) in self.0.files.iter().enumerate() {
            let Form::Parquet(metadata) = &opened.form else { return None };
            let converter =
                StatisticsConverter::try_new(&column.name, metadata.schema(), metadata.parquet_schema()).ok()?;
            files.insert(index, of_file(&converter, metadata)?);
        }
        let entry = |piece: &super::piece::Piece| match piece.part {
            Part::RowGroup(group) => {
                files.get(&piece.file).filter(|array| group < array.len()).map(|array| array.slice(group, 1))
            }
            Part::Chunk(_) => None,
        };
        let entries = self.0.pieces.iter().map(entry).collect::<Option<Vec<ArrayRef>>>()?;
        concat(&entries.iter().map(AsRef::as_ref).collect::<Vec<_>>()).ok()
    }

    fn bound(&self, column: &Column, largest: bool) -> Option<ArrayRef> {
        let (index, field) = self.0.schema.column_with_name(&column.name)?;
        let of_file = |converter: &StatisticsConverter<'_>, metadata: &ArrowReaderMetadata| {
            let groups = metadata.metadata().row_groups();
            let found = if largest { converter.row_group_maxes(groups) } else { converter.row_group_mins(groups) };
            as_given(found.ok()?, &self.0.changes[index], field.data_type())
        };
        self.collect(column, of_file)
    }

    /// Whether a piece may hold one of some values, by its Bloom filter; nothing where it has none.
    fn may_hold(&self, piece: usize, column: &str, values: &HashSet<ScalarValue>) -> Option<bool> {
        let piece = self.0.pieces[piece];
        let opened = &self.0.files[piece.file];
        let (Form::Parquet(metadata), Part::RowGroup(group)) = (&opened.form, piece.part) else { return None };
        let chunks = metadata.metadata().row_group(group).columns();
        let chunk = chunks.iter().find(|chunk| chunk.column_path().parts() == [column])?;
        chunk.bloom_filter_offset()?;
        let filter = Sbbf::read_from_column_chunk(chunk, &opened.file.open().ok()?).ok()??;
        let mut may = false;
        for value in values {
            may |= match (value, chunk.column_type()) {
                (ScalarValue::Utf8(Some(text)) | ScalarValue::Utf8View(Some(text)), Type::BYTE_ARRAY) => {
                    filter.check(text.as_str())
                }
                (ScalarValue::Int64(Some(number)), Type::INT64) => filter.check(number),
                (ScalarValue::Int32(Some(number)), Type::INT32) => filter.check(number),
                _ => return None,
            };
        }
        Some(may)
    }
}

impl PruningStatistics for OfPieces<'_> {
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
        self.collect(column, |converter, metadata| {
            let counts = converter.row_group_null_counts(metadata.metadata().row_groups()).ok()?;
            Some(Arc::new(counts) as ArrayRef)
        })
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        Some(Arc::new(self.0.pieces.iter().map(|piece| Some(piece.rows)).collect::<UInt64Array>()))
    }

    fn contained(&self, column: &Column, values: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        // A column whose type is changed is not the one of which the filter was made.
        let (index, field) = self.0.schema.column_with_name(&column.name)?;
        let change = &self.0.changes[index];
        if !change.via.is_empty() || change.read != *field.data_type() {
            return None;
        }
        // A filter tells for certain only what is not there.
        let absent = |piece| self.may_hold(piece, &column.name, values).filter(|may| !may);
        Some((0..self.0.pieces.len()).map(absent).collect())
    }
}

/// What the index of pages says of one column in one row group.
struct OfPages<'a> {
    name: &'a str,
    least: ArrayRef,
    greatest: ArrayRef,
    nulls: UInt64Array,
    rows: UInt64Array,
}

impl<'a> OfPages<'a> {
    fn new(
        pieces: &Pieces,
        metadata: &ArrowReaderMetadata,
        index: &ParquetMetaData,
        group: usize,
        name: &'a str,
    ) -> Option<Self> {
        let (place, field) = pieces.schema.column_with_name(name)?;
        let (of_columns, offsets) = (index.column_index()?, index.offset_index()?);
        let converter = StatisticsConverter::try_new(name, metadata.schema(), metadata.parquet_schema()).ok()?;
        let (change, kind) = (&pieces.changes[place], field.data_type());
        let least = converter.data_page_mins(of_columns, offsets, [&group]).ok()?;
        let greatest = converter.data_page_maxes(of_columns, offsets, [&group]).ok()?;
        let rows = converter.data_page_row_counts(offsets, index.row_groups(), [&group]).ok()??;
        let nulls = converter.data_page_null_counts(of_columns, offsets, [&group]).ok()?;
        let of_pages = Self {
            name,
            least: as_given(least, change, kind)?,
            greatest: as_given(greatest, change, kind)?,
            nulls,
            rows,
        };
        let pages = of_pages.rows.len();
        let agree =
            [of_pages.least.len(), of_pages.greatest.len(), of_pages.nulls.len()].iter().all(|len| *len == pages);
        let counted: u64 = of_pages.rows.values().iter().fold(0, |all, rows| u64::saturating_add(all, *rows));
        let of_group = u64::try_from(index.row_group(group).num_rows()).ok()?;
        (agree && pages > 1 && counted == of_group).then_some(of_pages)
    }

    /// From the first row that may pass to the last.
    fn rows(&self, predicate: &PruningPredicate) -> Option<Range<usize>> {
        let may = predicate.prune(self).ok()?;
        let mut at = 0;
        let mut found: Option<Range<usize>> = None;
        for (may, rows) in may.into_iter().zip(self.rows.values()) {
            let end = at + usize::try_from(*rows).ok()?;
            if may {
                found = Some(found.map_or(at, |found| found.start)..end);
            }
            at = end;
        }
        Some(found.unwrap_or(0..0))
    }
}

impl PruningStatistics for OfPages<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        (column.name == self.name).then(|| Arc::clone(&self.least))
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        (column.name == self.name).then(|| Arc::clone(&self.greatest))
    }

    fn num_containers(&self) -> usize {
        self.rows.len()
    }

    fn null_counts(&self, column: &Column) -> Option<ArrayRef> {
        (column.name == self.name).then(|| Arc::new(self.nulls.clone()) as ArrayRef)
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        Some(Arc::new(self.rows.clone()))
    }

    fn contained(&self, _column: &Column, _values: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}
