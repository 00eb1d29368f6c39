//! How an answer is delivered: in which format, and where to.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::Schema;
use estimand_analysis::Error;
use estimand_analysis::answered::Answered;
use estimand_analysis::metrics::native::UnitRows;
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

    /// Opens the place of an answer, and refuses a format that it cannot take.
    pub fn open(&self) -> Result<Destination, Failure> {
        self.open_for("json", "table")
    }

    /// Opens the place of rows, and refuses a format that is made for answers alone.
    pub fn open_for_rows(&self) -> Result<Destination, Failure> {
        let destination = self.open_for("csv", "csv")?;
        let takes_rows = |format: &dyn Format| {
            let empty = Arc::new(Schema::empty());
            matches!(format.rows(&empty, &mut std::io::sink()), Ok(Some(_)))
        };
        if takes_rows(destination.format) {
            return Ok(destination);
        }
        let able = output::ALL.iter().filter(|format| takes_rows(**format)).map(|format| format.name());
        let able = able.collect::<Vec<_>>().join(", ");
        let name = destination.format.name();
        Err(Failure::usage(format!("--format {name}: rows of units are written as one of {able}")))
    }

    fn open_for(&self, into_pipe: &'static str, onto_terminal: &'static str) -> Result<Destination, Failure> {
        let sink = Sink::open(self.output.as_deref(), self.force)?;
        let by_suffix = self.output.as_deref().and_then(Path::extension).and_then(|suffix| suffix.to_str());
        let usual = match by_suffix {
            Some("md") => "markdown",
            Some("html" | "htm") => "html",
            Some(suffix) if output::by_name(suffix).is_some() => suffix,
            _ if sink.is_terminal() => onto_terminal,
            _ => into_pipe,
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
    /// Writes rows as they come, into a file whole or not at all.
    pub async fn write_rows(mut self, mut rows: UnitRows) -> Result<(), Failure> {
        let Some(mut writer) = self.format.rows(&rows.schema(), &mut self.sink).map_err(unwritten)? else {
            return Ok(());
        };
        while let Some(batch) = rows.next().await.map_err(|error| Failure::from(Error::from(error)))? {
            writer.write(&batch).map_err(unwritten)?;
        }
        writer.finish().map_err(unwritten)?;
        self.sink.flush()?;
        self.sink.finish()
    }

    /// Writes the answer, whole or not at all.
    pub fn write(mut self, answered: &Answered) -> Result<(), Failure> {
        self.format.write(answered, &mut self.sink).map_err(unwritten)?;
        self.sink.flush()?;
        self.sink.finish()
    }
}

fn unwritten(error: output::Error) -> Failure {
    match error {
        output::Error::Sink(error) => Failure::from(error),
        error => Failure::new(ExitCode::Failed, error),
    }
}
