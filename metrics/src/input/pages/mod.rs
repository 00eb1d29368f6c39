//! Flat columns of Parquet, decoded from their pages.
//!
//! ```text
//! chunk ──▶ pages ──▶ levels ──────────────────────▶ validity ──┐
//!                └──▶ values: plain, or codes ──▶ dictionary ───┴──▶ array
//! ```
//!
//! The parquet crate reads every file there is; this reads the columns that most tables are made of, with half its work
//! beside unpacking: numbers and times of fixed width, truth, and text that is a dictionary throughout. Which columns are
//! read here is known from the footer; what a page says against it is an error.
//!
//! Bytes of a file are believed in nothing: lengths, widths, counts and codes are checked where they are used, and memory
//! is taken for rows that were asked for or bytes that are there.

mod boolean;
mod chunk;
mod column;
mod fixed;
mod header;
mod indices;
mod levels;
mod memory;
mod runs;
mod text;

#[cfg(test)]
mod agreement;
#[cfg(test)]
mod hostile;

use std::fs::File;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use parquet::basic::{Compression, Encoding, Type};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ColumnChunkMetaData;

use boolean::Boolean;
use column::{Chunk, Column};
use fixed::Fixed;
pub(crate) use memory::Memories;
use memory::Memory;
use text::Text;

/// Whether a column chunk is read here in an Arrow type, as its footer says.
pub(super) fn reads(chunk: &ColumnChunkMetaData, kind: &DataType) -> bool {
    let column = chunk.column_descr();
    let is_flat = column.path().parts().len() == 1 && column.max_rep_level() == 0 && column.max_def_level() <= 1;
    let is_here = chunk.file_path().is_none();
    let codec = chunk.compression();
    let is_known = chunk.encodings().all(is_known)
        && matches!(codec, Compression::UNCOMPRESSED | Compression::SNAPPY | Compression::ZSTD(_));
    let is_given = match column.physical_type() {
        Type::BOOLEAN => *kind == DataType::Boolean,
        Type::BYTE_ARRAY => *kind == text_type(),
        physical => fixed::gives(physical, kind),
    };
    is_flat && is_here && is_known && is_given
}

/// Encodings of levels and of values.
#[expect(deprecated, reason = "old writers name it for levels that they do not write")]
fn is_known(encoding: Encoding) -> bool {
    matches!(
        encoding,
        Encoding::PLAIN | Encoding::PLAIN_DICTIONARY | Encoding::RLE_DICTIONARY | Encoding::RLE | Encoding::BIT_PACKED
    )
}

/// Text with its dictionary.
fn text_type() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

/// Columns of a row group, read from the first row on.
pub(super) struct Columns {
    columns: Vec<(String, Box<dyn Column>)>,
    memory: Memory,
    memories: Arc<Memories>,
}

impl Columns {
    /// A reader of chunks that [`reads`] allows, each with the type in which it is given.
    pub(super) fn new(
        file: &Arc<File>,
        chunks: &[(&ColumnChunkMetaData, &DataType)],
        rows: usize,
        memories: &Arc<Memories>,
    ) -> Result<Self> {
        let column = |(chunk, kind): &(&ColumnChunkMetaData, &DataType)| {
            let name = chunk.column_path().string();
            let column = column(file, chunk, rows, kind).map_err(|error| of_column(&name, error))?;
            Ok((name, column))
        };
        let columns = chunks.iter().map(column).collect::<Result<_>>()?;
        Ok(Self { columns, memory: memories.take(), memories: Arc::clone(memories) })
    }

    /// Passes over rows of every column.
    pub(super) fn skip(&mut self, rows: usize) -> Result<()> {
        let memory = &mut self.memory;
        let mut columns = self.columns.iter_mut().filter(|_| rows > 0);
        columns.try_for_each(|(name, column)| column.skip(rows, memory).map_err(|error| of_column(name, error)))
    }

    /// The next rows of every column, of which there must be as many.
    pub(super) fn take(&mut self, rows: usize) -> Result<Vec<ArrayRef>> {
        let memory = &mut self.memory;
        let arrays = self.columns.iter_mut();
        arrays.map(|(name, column)| column.take(rows, memory).map_err(|error| of_column(name, error))).collect()
    }
}

impl Drop for Columns {
    fn drop(&mut self) {
        self.memories.give(std::mem::take(&mut self.memory));
    }
}

fn column(file: &Arc<File>, chunk: &ColumnChunkMetaData, rows: usize, kind: &DataType) -> Result<Box<dyn Column>> {
    Ok(match chunk.column_type() {
        Type::BOOLEAN => Box::new(Chunk::new(Boolean, file, chunk, rows)?),
        Type::INT32 | Type::FLOAT => Box::new(Chunk::new(Fixed::<u32>::new(kind.clone()), file, chunk, rows)?),
        Type::INT64 | Type::DOUBLE => Box::new(Chunk::new(Fixed::<u64>::new(kind.clone()), file, chunk, rows)?),
        Type::BYTE_ARRAY => Box::new(Chunk::new(Text::new(), file, chunk, rows)?),
        physical => return Err(broken(format!("its values are of type {physical}"))),
    })
}

fn of_column(name: &str, error: ParquetError) -> ParquetError {
    let why = match error {
        ParquetError::General(why) => why,
        other => other.to_string(),
    };
    broken(format!("column `{name}`: {why}"))
}

/// The refusal of bytes that no writer of the format writes.
fn broken(why: impl Into<String>) -> ParquetError {
    ParquetError::General(why.into())
}
