//! Rows in pieces: a stretch of a text file, or a row group of a Parquet file, read on its own.
//!
//! Pieces are what threads share: each begins and ends between rows, knows how many rows it has, and can be read in any
//! order.

use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::Arc;

use ::parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use ::parquet::basic::Encoding;
use arrow::array::{Array, ArrayRef};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};

use super::boundary::guarded;
use super::files::{DataFile, unreadable};
use super::pages::Memories;
use super::parquet::corrupt;
use super::row_group;
use super::text::Chunk;
use crate::fault::{Fault, Place};

/// The files of a source, ready to be read.
#[derive(Debug)]
pub(crate) struct Pieces {
    /// The columns that the source gives.
    pub(crate) schema: SchemaRef,
    /// How each column gets from the type in which it is decoded to the one in which it is given.
    pub(crate) changes: Vec<Change>,
    pub(crate) files: Vec<Opened>,
    pub(crate) pieces: Vec<Piece>,
    /// Memory that one row group after another is read with.
    pub(crate) memories: Arc<Memories>,
}

/// The types of a column on its way.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Change {
    pub(crate) read: DataType,
    /// The types it passes through, in their order.
    pub(crate) via: Vec<DataType>,
}

/// A file and how it is decoded.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) file: DataFile,
    /// Place in the file of each column of the source; `None` for one that the file lacks.
    pub(crate) columns: Vec<Option<usize>>,
    pub(crate) form: Form,
}

/// What a decoder needs to know of a file.
#[derive(Debug)]
pub(crate) enum Form {
    /// Delimited text, with every column of the file in its order.
    Csv { schema: SchemaRef, delimiter: u8, nulls: Option<regex::Regex> },
    /// Line-delimited JSON; columns are found by name.
    Ndjson,
    /// Parquet, with its footer.
    Parquet(ArrowReaderMetadata),
}

/// A piece of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Index of the file.
    pub(crate) file: usize,
    pub(crate) part: Part,
    pub(crate) rows: u64,
}

/// Rows of a piece that are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    /// Index of the piece.
    pub(crate) piece: usize,
    /// The rows, counted within the piece: all of a stretch of text.
    pub(crate) rows: Range<usize>,
}

/// The part of a file that is a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Chunk(Chunk),
    RowGroup(usize),
}

/// Batches as a decoder gives them.
pub(super) type Decoded = Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>> + Send>;

impl Pieces {
    /// Number of rows.
    pub(crate) fn rows(&self) -> u64 {
        self.pieces.iter().map(|piece| piece.rows).sum()
    }

    /// Reads a piece: the columns asked for, in batches of at most so many rows.
    pub(crate) fn read(&self, piece: usize, projection: &[usize], batch_rows: usize) -> Result<Batches, Fault> {
        self.read_rows(&self.whole(piece), projection, batch_rows)
    }

    /// Reads some rows of a piece.
    pub(crate) fn read_rows(
        &self,
        stretch: &Stretch,
        projection: &[usize],
        batch_rows: usize,
    ) -> Result<Batches, Fault> {
        self.read_as(stretch, projection, &vec![false; projection.len()], batch_rows)
    }

    /// All rows of a piece.
    pub(crate) fn whole(&self, piece: usize) -> Stretch {
        let rows = usize::try_from(self.pieces[piece].rows).unwrap_or(usize::MAX);
        Stretch { piece, rows: 0..rows }
    }

    /// As [`read_rows`](Self::read_rows), text as a dictionary where `dictionaries` says so.
    ///
    /// To be asked only where [`has_dictionary`](Self::has_dictionary) holds: elsewhere the values would be compared with
    /// each other first.
    pub(crate) fn read_as(
        &self,
        stretch: &Stretch,
        projection: &[usize],
        dictionaries: &[bool],
        batch_rows: usize,
    ) -> Result<Batches, Fault> {
        let Piece { file, part, .. } = self.pieces[stretch.piece];
        let rows = &stretch.rows;
        let opened = &self.files[file];
        let fields = self.schema.project(projection).map_err(|error| failed(&opened.file, part, &error.to_string()))?;
        let fields: Vec<Arc<Field>> = fields.fields().iter().zip(dictionaries).map(as_dictionary).collect();
        let fields = Schema::new(fields);
        let changes = projection.iter().map(|column| self.changes[*column].clone()).collect();
        let (decoded, order) = match guarded(|| self.decode(opened, part, rows, projection, dictionaries, batch_rows)) {
            Ok(decoded) => decoded?,
            Err(why) => return Err(failed(&opened.file, part, &why)),
        };
        Ok(Batches {
            file: opened.file.clone(),
            part,
            schema: Arc::new(fields),
            changes,
            order,
            decoded: Some(decoded),
            expected: rows.len() as u64,
            read: 0,
        })
    }

    /// Whether a column is text that a piece holds as a dictionary throughout, as the footer says.
    pub(crate) fn has_dictionary(&self, piece: usize, column: usize) -> bool {
        let Piece { file, part, .. } = self.pieces[piece];
        let opened = &self.files[file];
        let change = &self.changes[column];
        let as_written = change.read == DataType::Utf8View && change.via.is_empty();
        let (Form::Parquet(metadata), Part::RowGroup(group), Some(place), true) =
            (&opened.form, part, opened.columns[column], as_written)
        else {
            return false;
        };
        if *self.schema.field(column).data_type() != DataType::Utf8View {
            return false;
        }
        let name = metadata.schema().field(place).name();
        let chunks = metadata.metadata().row_group(group).columns();
        let chunk = chunks.iter().find(|chunk| chunk.column_path().parts() == [name.as_str()]);
        chunk.is_some_and(|chunk| {
            let pages = chunk.page_encoding_stats_mask();
            let only = |encoding| pages.is_some_and(|mask| mask.is_only(encoding));
            chunk.dictionary_page_offset().is_some()
                && (only(Encoding::RLE_DICTIONARY) || only(Encoding::PLAIN_DICTIONARY))
        })
    }

    /// The decoder of a piece, and where each column asked for stands in its batches.
    fn decode(
        &self,
        opened: &Opened,
        part: Part,
        rows: &Range<usize>,
        projection: &[usize],
        dictionaries: &[bool],
        batch_rows: usize,
    ) -> Result<(Decoded, Vec<usize>), Fault> {
        let fail = |error: &dyn fmt::Display| failed(&opened.file, part, &error.to_string());
        let file = opened.file.open()?;
        let in_order = (0..projection.len()).collect();
        match (&opened.form, part) {
            (Form::Csv { schema, delimiter, nulls }, Part::Chunk(chunk)) => {
                let columns = projection.iter().filter_map(|column| opened.columns[*column]).collect();
                let mut builder = arrow::csv::ReaderBuilder::new(Arc::clone(schema))
                    .with_delimiter(*delimiter)
                    .with_batch_size(batch_rows)
                    .with_projection(columns);
                if let Some(nulls) = nulls {
                    builder = builder.with_null_regex(nulls.clone());
                }
                let reader = stretch(&opened.file, file, chunk)?;
                Ok((decoded(reader, CsvDecoder(builder.build_decoder())), in_order))
            }
            (Form::Ndjson, Part::Chunk(chunk)) => {
                let fields: Vec<_> = projection
                    .iter()
                    .map(|column| {
                        let field = self.schema.field(*column).clone();
                        field.with_data_type(self.changes[*column].read.clone())
                    })
                    .collect();
                let decoder = arrow::json::ReaderBuilder::new(Arc::new(Schema::new(fields)))
                    .with_batch_size(batch_rows)
                    .with_coerce_primitive(true)
                    .build_decoder()
                    .map_err(|error| fail(&error))?;
                let reader = stretch(&opened.file, file, chunk)?;
                Ok((decoded(reader, JsonDecoder(decoder)), in_order))
            }
            (Form::Parquet(metadata), Part::RowGroup(group)) => {
                let asked = projection.iter().zip(dictionaries).filter(|(_, asked)| **asked);
                let asked: Vec<usize> = asked.filter_map(|(column, _)| opened.columns[*column]).collect();
                let metadata = with_dictionaries(metadata, &asked).map_err(|error| fail(&error))?;
                let columns: Vec<usize> = projection.iter().filter_map(|column| opened.columns[*column]).collect();
                row_group::decoder(file, &metadata, (group, rows), &columns, batch_rows, &self.memories)
                    .map_err(|error| fail(&error))
            }
            _ => Err(fail(&"the piece belongs to another format")),
        }
    }
}

fn as_dictionary((field, asked): (&Arc<Field>, &bool)) -> Arc<Field> {
    match asked {
        true => Arc::new(field.as_ref().clone().with_data_type(dictionary_type())),
        false => Arc::clone(field),
    }
}

/// The type in which the decoder gives text whose dictionary is kept.
fn dictionary_type() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

/// The footer, these columns decoded with their dictionaries.
fn with_dictionaries(
    footer: &ArrowReaderMetadata,
    columns: &[usize],
) -> ::parquet::errors::Result<ArrowReaderMetadata> {
    if columns.is_empty() {
        return Ok(footer.clone());
    }
    let fields = footer.schema().fields().iter().enumerate();
    let fields: Vec<Arc<Field>> =
        fields.map(|(place, field)| as_dictionary((field, &columns.contains(&place)))).collect();
    let schema = Schema::new_with_metadata(fields, footer.schema().metadata().clone());
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true).with_schema(Arc::new(schema));
    ArrowReaderMetadata::try_new(Arc::clone(footer.metadata()), options)
}

/// The refusal of rows that a decoder cannot read though the file was checked.
fn failed(file: &DataFile, part: Part, why: &str) -> Fault {
    match part {
        Part::RowGroup(group) => corrupt(file, &format!("row group {group} cannot be read: {why}")),
        Part::Chunk(chunk) => {
            let line = usize::try_from(chunk.line).unwrap_or(usize::MAX);
            let message = format!("`{}`: rows from line {line} on cannot be read: {why}", file.name);
            Fault::error("metrics::unreadable_rows", message)
                .with_place(Place { line, column: 1, ..file.place() })
                .with_help("check that nothing writes to the file, and run again")
        }
    }
}

fn stretch(data: &DataFile, mut file: File, chunk: Chunk) -> Result<impl BufRead + Send + 'static, Fault> {
    const BLOCK: usize = 256 << 10;
    file.seek(SeekFrom::Start(chunk.start)).map_err(|error| unreadable(&data.name, &error))?;
    Ok(BufReader::with_capacity(BLOCK, file.take(chunk.end - chunk.start)))
}

/// A decoder that is fed bytes.
trait Feed {
    fn feed(&mut self, bytes: &[u8]) -> Result<usize, ArrowError>;
    fn flush(&mut self) -> Result<Option<RecordBatch>, ArrowError>;
}

struct CsvDecoder(arrow::csv::reader::Decoder);
struct JsonDecoder(arrow::json::reader::Decoder);

impl Feed for CsvDecoder {
    fn feed(&mut self, bytes: &[u8]) -> Result<usize, ArrowError> {
        self.0.decode(bytes)
    }

    fn flush(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
        self.0.flush()
    }
}

impl Feed for JsonDecoder {
    fn feed(&mut self, bytes: &[u8]) -> Result<usize, ArrowError> {
        self.0.decode(bytes)
    }

    fn flush(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
        self.0.flush()
    }
}

fn decoded(mut reader: impl BufRead + Send + 'static, mut decoder: impl Feed + Send + 'static) -> Decoded {
    let mut next = move || -> Result<Option<RecordBatch>, ArrowError> {
        loop {
            let bytes = reader.fill_buf()?;
            // Nothing to feed tells the decoder that its last record is complete.
            let (given, taken) = (bytes.len(), decoder.feed(bytes)?);
            reader.consume(taken);
            let batch_is_full = taken < given;
            if given == 0 || batch_is_full {
                return decoder.flush();
            }
        }
    };
    Box::new(std::iter::from_fn(move || next().transpose()))
}

/// The batches of a piece.
///
/// The last one comes only if the file is still the one that was checked, and as many rows were read as it had then.
pub struct Batches {
    file: DataFile,
    part: Part,
    schema: SchemaRef,
    changes: Vec<Change>,
    order: Vec<usize>,
    decoded: Option<Decoded>,
    expected: u64,
    read: u64,
}

impl fmt::Debug for Batches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batches").field("file", &self.file.name).field("part", &self.part).finish_non_exhaustive()
    }
}

impl Batches {
    /// The columns of every batch.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn given(&self, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        const STRICT: CastOptions<'static> =
            CastOptions { safe: false, format_options: arrow::util::display::FormatOptions::new() };
        let change = |index: usize| -> Result<ArrayRef, ArrowError> {
            let mut array = Arc::clone(batch.column(self.order[index]));
            let wanted = self.schema.field(index).data_type();
            for kind in self.changes[index].via.iter().chain([wanted]) {
                if array.data_type() != kind {
                    array = cast_with_options(&array, kind, &STRICT)?;
                }
            }
            Ok(array)
        };
        let columns = (0..self.order.len()).map(change).collect::<Result<_, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>, Fault> {
        let Some(decoded) = &mut self.decoded else { return Ok(None) };
        let step = guarded(|| decoded.next());
        let failed = |why: &str| failed(&self.file, self.part, why);
        let batch = match step {
            Ok(Some(Ok(batch))) => {
                guarded(|| self.given(&batch)).map_err(|why| failed(&why))?.map_err(|e| failed(&e.to_string()))?
            }
            Ok(Some(Err(error))) => return Err(failed(&error.to_string())),
            Err(why) => return Err(failed(&why)),
            Ok(None) => {
                self.file.still_same()?;
                if self.read != self.expected {
                    return Err(failed(&format!("{} rows were counted and {} were read", self.expected, self.read)));
                }
                return Ok(None);
            }
        };
        self.read += batch.num_rows() as u64;
        // A decoder that gives more rows than there are would go on for ever.
        if self.read > self.expected {
            return Err(failed(&format!("{} rows were counted and more were read", self.expected)));
        }
        Ok(Some(batch))
    }
}

impl Iterator for Batches {
    type Item = Result<RecordBatch, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.next_batch();
        if !matches!(next, Ok(Some(_))) {
            // After an end or a failure nothing is asked of the decoder again.
            self.decoded = None;
        }
        next.transpose()
    }
}
