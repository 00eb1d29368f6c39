//! One JSON document: estimates, checks, verdict.

use std::io::Write;

use crate::answered::Answered;
use crate::output::{Error, Format, encode};

/// JSON: everything that the analysis says, in one document.
pub struct Json;

impl Format for Json {
    fn name(&self) -> &'static str {
        "json"
    }

    fn purpose(&self) -> &'static str {
        "one document with estimates, checks and verdict"
    }

    fn write(&self, answered: &Answered, sink: &mut dyn Write) -> Result<(), Error> {
        let mut text = serde_json::to_vec_pretty(answered).map_err(|error| encode("json", error))?;
        text.push(b'\n');
        Ok(sink.write_all(&text)?)
    }
}
