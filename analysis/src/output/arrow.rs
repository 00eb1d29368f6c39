//! Arrow IPC stream of the result table.

use std::io::Write;

use arrow::ipc::writer::StreamWriter;

use crate::answered::Answered;
use crate::output::{Error, Format, encode};

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
}
