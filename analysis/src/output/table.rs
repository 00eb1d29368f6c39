//! The scorecard for a terminal.

use std::io::Write;

use crate::answered::Answered;
use crate::output::rows::{self, Style};
use crate::output::{Error, Format};
use crate::programme;

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
        let text = match &answered.programme {
            Some(programme) => programme::text(programme, Style::Terminal),
            None => rows::text(answered, Style::Terminal),
        };
        Ok(sink.write_all(text.as_bytes())?)
    }
}
