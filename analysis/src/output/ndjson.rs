//! One JSON object per row of the result table.

use std::io::Write;

use crate::answered::Answered;
use crate::output::{Error, Format, encode};

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
}
