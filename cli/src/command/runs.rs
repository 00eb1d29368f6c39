//! `estimand runs`: what was kept.

use std::io::Write;

use clap::Subcommand;
use comfy_table::{ContentArrangement, Table, presets};
use estimand_analysis::keep;
use estimand_analysis::run::{Filter, RunRow, RunStore, StoredRun};

use crate::arguments::Common;
use crate::command::{runs_folder, wait};
use crate::delivery::Delivery;
use crate::exit::{ExitCode, Failure};
use crate::sink::Sink;

/// Arguments of `estimand runs`.
#[derive(Debug, clap::Args)]
pub struct Runs {
    /// What to do.
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// One line per run, the latest first.
    List {
        /// Only runs of this experiment.
        #[arg(value_name = "EXPERIMENT")]
        experiment: Option<String>,
        /// At most this many.
        #[arg(long, value_name = "N")]
        limit: Option<u32>,
        /// `table` or `json`.
        #[arg(long, default_value = "table", value_parser = ["table", "json"])]
        format: String,
    },
    /// One run: where it came from, its files, and its results.
    Show {
        /// The beginning of its id.
        run: String,
        /// Write this file of the run as it is, such as inputs.json or report.html.
        #[arg(long, value_name = "NAME", conflicts_with = "format")]
        artefact: Option<String>,
        /// The results alone, as `estimand analyze` gave them.
        #[command(flatten)]
        delivery: Delivery,
    },
}

impl Runs {
    /// Prints runs.
    pub fn run(&self, common: &Common) -> Result<ExitCode, Failure> {
        let folder = runs_folder(common);
        match &self.what {
            What::List { experiment, limit, format } => {
                let filter = Filter { experiment: experiment.clone(), limit: *limit };
                let rows = wait(common, async { Ok(RunStore::open(&folder).await?.list(&filter).await?) })?;
                list(&rows, format)?;
            }
            What::Show { run, artefact, delivery } => {
                let stored = wait(common, async { Ok(RunStore::open(&folder).await?.get(run).await?) })?;
                match artefact {
                    Some(name) => {
                        let bytes = stored.artefact(name).map_err(estimand_analysis::Error::from)?;
                        let mut sink = Sink::open(None, false)?;
                        sink.write_all(&bytes)?;
                        sink.finish()?;
                    }
                    None if delivery.is_given() => delivery.open()?.write(&keep::answer_of(&stored)?)?,
                    None => show(&stored)?,
                }
            }
        }
        Ok(ExitCode::Done)
    }
}

fn list(rows: &[RunRow], format: &str) -> Result<(), Failure> {
    let mut sink = Sink::open(None, false)?;
    if format == "json" {
        let text = serde_json::to_string_pretty(rows).map_err(|error| Failure::new(ExitCode::Failed, error))?;
        writeln!(sink, "{text}")?;
        return sink.finish();
    }
    if rows.is_empty() {
        eprintln!("no runs yet; `estimand analyze EXPERIMENT` keeps one");
        return Ok(());
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["run", "began", "experiment", "verdict"]);
    for row in rows {
        let began = row.started.as_deref().unwrap_or("unknown");
        table.add_row([row.id.short(), began.get(..16).unwrap_or(began), &row.experiment, &row.verdict]);
    }
    for line in table.to_string().lines() {
        writeln!(sink, "{}", line.trim())?;
    }
    sink.finish()
}

fn show(run: &StoredRun) -> Result<(), Failure> {
    let of_run = |error: estimand_analysis::run::Error| Failure::from(estimand_analysis::Error::from(error));
    let (inputs, summary) = (run.inputs().map_err(of_run)?, run.summary().map_err(of_run)?);
    let mut sink = Sink::open(None, false)?;
    writeln!(sink, "{}\n{}\n", summary.title, summary.verdict.sentence)?;
    writeln!(sink, "run         {}", run.id())?;
    writeln!(sink, "experiment  {}", inputs.experiment)?;
    writeln!(sink, "build       {}", inputs.build)?;
    if let Some(as_of) = &inputs.as_of {
        writeln!(sink, "as of       {as_of}")?;
    }
    for (name, value) in &inputs.parameters {
        writeln!(sink, "parameter   {name}={value}")?;
    }
    if let Some(log) = run.log() {
        writeln!(sink, "command     {}", log.command)?;
        writeln!(sink, "began       {}", log.started.as_deref().unwrap_or("unknown"))?;
        for (step, seconds) in &log.steps {
            writeln!(sink, "{seconds:>9.3} s  {step}")?;
        }
    }
    writeln!(sink, "\nread")?;
    for source in &inputs.sources {
        let hash = source.hash.as_deref().unwrap_or_default();
        writeln!(
            sink,
            "  {}  {}  {} bytes  {}",
            source.source,
            source.location,
            source.bytes,
            hash.get(..12).unwrap_or(hash)
        )?;
    }
    writeln!(sink, "\ndefined by")?;
    for definition in &inputs.definitions {
        writeln!(sink, "  {}  {}", definition.path, definition.hash.get(..12).unwrap_or(&definition.hash))?;
    }
    writeln!(sink, "\nfiles, in {}", run.folder().display())?;
    for name in run.hashes().names() {
        let hash = run.hashes().get(name).unwrap_or_default();
        writeln!(sink, "  {name}  {}", hash.get(..12).unwrap_or(hash))?;
    }
    sink.finish()
}
