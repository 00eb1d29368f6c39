//! The scorecard as a Markdown table.

use std::io::Write;

use crate::answered::Answered;
use crate::output::rows::{self, Style};
use crate::output::{Error, Format};
use crate::programme;

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
        let text = match &answered.programme {
            Some(programme) => programme::text(programme, Style::Markdown),
            None => rows::text(answered, Style::Markdown),
        };
        Ok(sink.write_all(text.as_bytes())?)
    }
}
