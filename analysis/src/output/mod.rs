//! Output formats: one answer, many readers.
//!
//! One file per format and one line in [`ALL`]. A format writes what it is given and computes nothing.

mod arrow;
mod csv;
mod html;
mod json;
mod markdown;
mod mimebundle;
mod ndjson;
mod parquet;
mod rows;
mod table;

use std::io::Write;

pub use self::rows::{Style, table_of};

use ::arrow::datatypes::SchemaRef;
use ::arrow::record_batch::RecordBatch;

use crate::answered::Answered;

/// A way to write an answer.
pub trait Format: Sync {
    /// Its name after `--format`.
    fn name(&self) -> &'static str;

    /// What it is for, in one sentence.
    fn purpose(&self) -> &'static str;

    /// Whether its bytes are not text, so that a terminal must not get them.
    fn is_binary(&self) -> bool {
        false
    }

    /// Writes the answer.
    ///
    /// # Errors
    /// What the sink says, and what an encoder says of the rows.
    fn write(&self, answered: &Answered, sink: &mut dyn Write) -> Result<(), Error>;

    /// A writer of rows of any schema; `None` for a format that is made for answers alone.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    fn rows<'a>(
        &self,
        _schema: &SchemaRef,
        _sink: &'a mut dyn Write,
    ) -> Result<Option<Box<dyn RowWriter + 'a>>, Error> {
        Ok(None)
    }
}

/// Writes rows of one schema, batch after batch.
pub trait RowWriter {
    /// Writes some rows.
    ///
    /// # Errors
    /// As [`Format::write`].
    fn write(&mut self, rows: &RecordBatch) -> Result<(), Error>;

    /// Writes what comes last.
    ///
    /// # Errors
    /// As [`Format::write`].
    fn finish(self: Box<Self>) -> Result<(), Error>;
}

/// What can go wrong while writing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The sink refused.
    #[error(transparent)]
    Sink(#[from] std::io::Error),
    /// The rows cannot be encoded: a fault of ours.
    #[error("cannot encode the rows as {format}: {message}")]
    Encode {
        /// The format.
        format: &'static str,
        /// What the encoder says.
        message: String,
    },
}

/// Every format, by name.
pub const ALL: &[&dyn Format] = &[
    &arrow::Arrow,
    &csv::Csv,
    &html::Html,
    &json::Json,
    &markdown::Markdown,
    &mimebundle::MimeBundle,
    &ndjson::NdJson,
    &parquet::Parquet,
    &table::Table,
];

/// The format of this name.
pub fn by_name(name: &str) -> Option<&'static dyn Format> {
    ALL.iter().copied().find(|format| format.name() == name)
}

fn encode(format: &'static str, error: impl std::fmt::Display) -> Error {
    // A closed pipe is the reader's right; encoders bury it in their own errors, so it is told apart by its words.
    Error::Encode { format, message: error.to_string() }
}
