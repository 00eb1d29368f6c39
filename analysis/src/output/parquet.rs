//! Parquet file of the result table.

use std::io::Write;

use parquet::arrow::ArrowWriter;

use crate::answered::Answered;
use crate::output::{Error, Format, encode};

/// Parquet: typed, for storage and query engines.
pub struct Parquet;

impl Format for Parquet {
    fn name(&self) -> &'static str {
        "parquet"
    }

    fn purpose(&self) -> &'static str {
        "the result table as a Parquet file, for storage and query engines"
    }

    fn is_binary(&self) -> bool {
        true
    }

    fn write(&self, answered: &Answered, sink: &mut dyn Write) -> Result<(), Error> {
        let batch = answered.estimates.to_batch().map_err(|error| encode("parquet", error))?;
        let mut bytes = Vec::new();
        let mut writer =
            ArrowWriter::try_new(&mut bytes, batch.schema(), None).map_err(|error| encode("parquet", error))?;
        writer.write(&batch).map_err(|error| encode("parquet", error))?;
        writer.close().map_err(|error| encode("parquet", error))?;
        Ok(sink.write_all(&bytes)?)
    }
}
