//! `estimand schema`: the JSON Schema of a kind of file, for editors.

use std::io::Write;

use estimand_analysis::metrics::schema;

use crate::exit::{ExitCode, Failure};
use crate::sink::Sink;

/// Arguments of `estimand schema`.
#[derive(Debug, clap::Args)]
pub struct Schema {
    /// The kind of file.
    #[arg(value_parser = schema::KINDS.to_vec())]
    kind: String,
}

impl Schema {
    /// Prints the schema.
    pub fn run(&self) -> Result<ExitCode, Failure> {
        let document =
            schema::schema(&self.kind).ok_or_else(|| Failure::usage(format!("no schema of `{}`", self.kind)))?;
        let mut sink = Sink::open(None, false)?;
        writeln!(sink, "{document:#}")?;
        sink.finish()?;
        Ok(ExitCode::Done)
    }
}
