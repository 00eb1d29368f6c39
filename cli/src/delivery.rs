//! How an answer is delivered: in which format, and where to.

use std::io::Write;
use std::path::{Path, PathBuf};

use estimand_analysis::answered::Answered;
use estimand_analysis::output::{self, Format};

use crate::exit::{ExitCode, Failure};
use crate::sink::Sink;

/// Arguments that say how an answer is delivered.
#[derive(Debug, clap::Args)]
pub struct Delivery {
    /// Format of the answer; a table on a terminal, JSON into a pipe.
    #[arg(long, value_name = "FORMAT", value_parser = output::ALL.iter().map(|format| format.name()).collect::<Vec<_>>())]
    format: Option<String>,
    /// Write to this file, whole or not at all.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace the output file when it is there.
    #[arg(long)]
    force: bool,
}

/// A place for an answer that was found fit for its format, before any work is done.
pub struct Destination {
    sink: Sink,
    format: &'static dyn Format,
}

impl Delivery {
    /// Whether anything was said of format or place.
    pub fn is_given(&self) -> bool {
        self.format.is_some() || self.output.is_some()
    }

    /// Opens the place, and refuses a format that it cannot take.
    pub fn open(&self) -> Result<Destination, Failure> {
        let sink = Sink::open(self.output.as_deref(), self.force)?;
        let by_suffix = self.output.as_deref().and_then(Path::extension).and_then(|suffix| suffix.to_str());
        let usual = match by_suffix {
            Some("md") => "markdown",
            Some("html" | "htm") => "html",
            Some(suffix) if output::by_name(suffix).is_some() => suffix,
            _ if sink.is_terminal() => "table",
            _ => "json",
        };
        let name = self.format.as_deref().unwrap_or(usual);
        let format = output::by_name(name).ok_or_else(|| Failure::usage(format!("--format: no format `{name}`")))?;
        if format.is_binary() && sink.is_terminal() {
            return Err(Failure::usage(format!(
                "--format {}: a terminal cannot show it; give `--output FILE` or a pipe",
                format.name()
            )));
        }
        Ok(Destination { sink, format })
    }
}

impl Destination {
    /// Writes the answer, whole or not at all.
    pub fn write(mut self, answered: &Answered) -> Result<(), Failure> {
        self.format.write(answered, &mut self.sink).map_err(|error| match error {
            output::Error::Sink(error) => Failure::from(error),
            error => Failure::new(ExitCode::Failed, error),
        })?;
        self.sink.flush()?;
        self.sink.finish()
    }
}
