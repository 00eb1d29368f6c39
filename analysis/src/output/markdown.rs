//! The scorecard as a Markdown table.

use std::io::Write;

use crate::answered::Answered;
use crate::output::rows::{self, Style};
use crate::output::{Error, Format};

/// Markdown: the scorecard for pull requests and documents.
pub struct Markdown;

impl Format for Markdown {
    fn name(&self) -> &'static str {
        "markdown"
    }

    fn purpose(&self) -> &'static str {
        "the scorecard as Markdown, for documents"
    }

    fn write(&self, answered: &Answered, sink: &mut dyn Write) -> Result<(), Error> {
        Ok(sink.write_all(rows::text(answered, Style::Markdown).as_bytes())?)
    }
}
