//! The report page on standard output.

use std::io::Write;

use crate::answered::Answered;
use crate::output::{Error, Format, encode};
use crate::programme;
use crate::report::{self, PlotlyMode};

/// HTML: the whole report as one page without scripts of others.
pub struct Html;

impl Format for Html {
    fn name(&self) -> &'static str {
        "html"
    }

    fn purpose(&self) -> &'static str {
        "the report as one self-contained page"
    }

    fn write(&self, answered: &Answered, sink: &mut dyn Write) -> Result<(), Error> {
        let page = match &answered.programme {
            Some(programme) => programme::page(programme, PlotlyMode::Embed),
            None => report::render(&answered.report, PlotlyMode::Embed),
        };
        let page = page.map_err(|error| encode("html", error))?;
        Ok(sink.write_all(page.as_bytes())?)
    }
}
