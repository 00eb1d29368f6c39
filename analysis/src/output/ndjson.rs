//! One JSON object per row of the result table.

use std::io::Write;

use arrow::datatypes::SchemaRef;
use arrow::json::WriterBuilder;
use arrow::json::writer::LineDelimited;
use arrow::record_batch::RecordBatch;

use crate::answered::Answered;
use crate::output::{Error, Format, RowWriter, encode};

/// Line-delimited JSON of the result table, for pipes.
pub struct NdJson;

impl Format for NdJson {
    fn name(&self) -> &'static str {
        "ndjson"
    }

    fn purpose(&self) -> &'static str {
        "one JSON object per row of the result table, for pipes"
    }

    fn write(&self, answered: &Answered, sink: &mut dyn Write) -> Result<(), Error> {
        let mut text = Vec::new();
        for row in &answered.estimates.rows {
            serde_json::to_writer(&mut text, row).map_err(|error| encode("ndjson", error))?;
            text.push(b'\n');
        }
        Ok(sink.write_all(&text)?)
    }

    fn rows<'a>(&self, _schema: &SchemaRef, sink: &'a mut dyn Write) -> Result<Option<Box<dyn RowWriter + 'a>>, Error> {
        Ok(Some(Box::new(Objects { sink })))
    }
}

/// One object per row.
struct Objects<'a> {
    sink: &'a mut dyn Write,
}

impl RowWriter for Objects<'_> {
    fn write(&mut self, rows: &RecordBatch) -> Result<(), Error> {
        let mut bytes = Vec::new();
        let mut writer = WriterBuilder::new().with_explicit_nulls(true).build::<_, LineDelimited>(&mut bytes);
        writer.write(rows).map_err(|error| encode("ndjson", error))?;
        drop(writer);
        Ok(self.sink.write_all(&bytes)?)
    }

    fn finish(self: Box<Self>) -> Result<(), Error> {
        Ok(())
    }
}
