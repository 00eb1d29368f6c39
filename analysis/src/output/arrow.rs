//! Arrow IPC stream of the result table.

use std::io::Write;

use arrow::datatypes::SchemaRef;
use arrow::ipc::writer::StreamWriter;
use arrow::record_batch::RecordBatch;

use crate::answered::Answered;
use crate::output::{Error, Format, RowWriter, encode};

/// Arrow IPC stream: typed, for notebooks and programs.
pub struct Arrow;

impl Format for Arrow {
    fn name(&self) -> &'static str {
        "arrow"
    }

    fn purpose(&self) -> &'static str {
        "the result table as an Arrow IPC stream, for pandas, polars and programs"
    }

    fn is_binary(&self) -> bool {
        true
    }

    fn write(&self, answered: &Answered, sink: &mut dyn Write) -> Result<(), Error> {
        let batch = answered.estimates.to_batch().map_err(|error| encode("arrow", error))?;
        // Into memory first: the table is small, and a sink that closes early then says so itself.
        let mut bytes = Vec::new();
        let mut writer = StreamWriter::try_new(&mut bytes, &batch.schema()).map_err(|error| encode("arrow", error))?;
        writer.write(&batch).and_then(|()| writer.finish()).map_err(|error| encode("arrow", error))?;
        drop(writer);
        Ok(sink.write_all(&bytes)?)
    }

    fn rows<'a>(&self, schema: &SchemaRef, sink: &'a mut dyn Write) -> Result<Option<Box<dyn RowWriter + 'a>>, Error> {
        let writer = StreamWriter::try_new(Vec::new(), schema).map_err(|error| encode("arrow", error))?;
        Ok(Some(Box::new(Stream { writer, sink })))
    }
}

/// A stream of batches; bytes go by way of memory, so that a sink that closes early says so itself.
struct Stream<'a> {
    writer: StreamWriter<Vec<u8>>,
    sink: &'a mut dyn Write,
}

impl Stream<'_> {
    fn hand_on(&mut self) -> Result<(), Error> {
        let bytes = std::mem::take(self.writer.get_mut());
        Ok(self.sink.write_all(&bytes)?)
    }
}

impl RowWriter for Stream<'_> {
    fn write(&mut self, rows: &RecordBatch) -> Result<(), Error> {
        self.writer.write(rows).map_err(|error| encode("arrow", error))?;
        self.hand_on()
    }

    fn finish(mut self: Box<Self>) -> Result<(), Error> {
        self.writer.finish().map_err(|error| encode("arrow", error))?;
        self.hand_on()
    }
}
