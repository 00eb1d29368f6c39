//! CSV of the result table.

use std::io::Write;

use arrow::csv::WriterBuilder;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;

use crate::answered::Answered;
use crate::output::{Error, Format, RowWriter, encode};

/// CSV with a header: every column of the result table, empty for null.
pub struct Csv;

impl Format for Csv {
    fn name(&self) -> &'static str {
        "csv"
    }

    fn purpose(&self) -> &'static str {
        "the result table as CSV with a header, empty for null"
    }

    fn write(&self, answered: &Answered, sink: &mut dyn Write) -> Result<(), Error> {
        let batch = answered.estimates.to_batch().map_err(|error| encode("csv", error))?;
        let mut bytes = Vec::new();
        let mut writer = WriterBuilder::new().with_header(true).build(&mut bytes);
        writer.write(&batch).map_err(|error| encode("csv", error))?;
        drop(writer);
        Ok(sink.write_all(&bytes)?)
    }

    fn rows<'a>(&self, _schema: &SchemaRef, sink: &'a mut dyn Write) -> Result<Option<Box<dyn RowWriter + 'a>>, Error> {
        Ok(Some(Box::new(Lines { sink, begun: false })))
    }
}

/// Lines, the header before the first batch.
struct Lines<'a> {
    sink: &'a mut dyn Write,
    begun: bool,
}

impl RowWriter for Lines<'_> {
    fn write(&mut self, rows: &RecordBatch) -> Result<(), Error> {
        let mut bytes = Vec::new();
        let mut writer = WriterBuilder::new().with_header(!self.begun).build(&mut bytes);
        writer.write(rows).map_err(|error| encode("csv", error))?;
        drop(writer);
        self.begun = true;
        Ok(self.sink.write_all(&bytes)?)
    }

    fn finish(self: Box<Self>) -> Result<(), Error> {
        Ok(())
    }
}
