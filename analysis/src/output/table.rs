//! The scorecard for a terminal.

use std::io::Write;

use crate::answered::Answered;
use crate::output::rows::{self, Style};
use crate::output::{Error, Format};

/// Table: the scorecard as a person reads it in a terminal.
pub struct Table;

impl Format for Table {
    fn name(&self) -> &'static str {
        "table"
    }

    fn purpose(&self) -> &'static str {
        "the scorecard for a terminal"
    }

    fn write(&self, answered: &Answered, sink: &mut dyn Write) -> Result<(), Error> {
        Ok(sink.write_all(rows::text(answered, Style::Terminal).as_bytes())?)
    }
}
