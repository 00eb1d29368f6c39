//! CSV of the result table.

use std::io::Write;

use arrow::csv::WriterBuilder;

use crate::answered::Answered;
use crate::output::{Error, Format, encode};

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
}
