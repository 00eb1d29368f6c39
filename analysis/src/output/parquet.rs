//! Parquet file of the result table.

use std::io::Write;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;

use crate::answered::Answered;
use crate::output::{Error, Format, RowWriter, encode};

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

    fn rows<'a>(&self, schema: &SchemaRef, sink: &'a mut dyn Write) -> Result<Option<Box<dyn RowWriter + 'a>>, Error> {
        let writer =
            ArrowWriter::try_new(Vec::new(), Arc::clone(schema), None).map_err(|error| encode("parquet", error))?;
        Ok(Some(Box::new(Groups { writer, sink })))
    }
}

/// Row groups; bytes go by way of memory, so that a sink that closes early says so itself.
struct Groups<'a> {
    writer: ArrowWriter<Vec<u8>>,
    sink: &'a mut dyn Write,
}

impl RowWriter for Groups<'_> {
    fn write(&mut self, rows: &RecordBatch) -> Result<(), Error> {
        self.writer.write(rows).map_err(|error| encode("parquet", error))?;
        let bytes = std::mem::take(self.writer.inner_mut());
        Ok(self.sink.write_all(&bytes)?)
    }

    fn finish(self: Box<Self>) -> Result<(), Error> {
        let Self { writer, sink } = *self;
        let bytes = writer.into_inner().map_err(|error| encode("parquet", error))?;
        Ok(sink.write_all(&bytes)?)
    }
}
