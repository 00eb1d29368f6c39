//! `estimand metrics`: the repository of metrics, browsed and explained.

use std::io::Write;

use clap::Subcommand;
use estimand_analysis::Error;
use estimand_analysis::analyze::{self, Request};
use estimand_analysis::metrics::project::Definition;

use crate::arguments::Common;
use crate::command::{instant, open_project, pair, resources, wait};
use crate::delivery::Delivery;
use crate::exit::{ExitCode, Failure};
use crate::progress::Progress;
use crate::sink::Sink;

/// Arguments of `estimand metrics`.
#[derive(Debug, clap::Args)]
pub struct Metrics {
    /// What to do.
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// One line per metric: name, kind, owner, what it measures.
    List {
        /// Only metrics with this tag.
        #[arg(long, value_name = "TAG")]
        tag: Option<String>,
    },
    /// One metric: its file, its sources and parameters, and the experiments that use it.
    Show {
        /// Name of the metric.
        name: String,
    },
    /// One row per unit of an experiment that counts: its arm, its dimensions, and the number behind each metric.
    Rows(Rows),
}

/// Arguments of `estimand metrics rows`.
#[derive(Debug, clap::Args)]
struct Rows {
    /// Name of the experiment.
    experiment: String,
    /// A statement over the table `units` in place of all its rows, such as `SELECT arm, count(*) FROM units GROUP BY arm`.
    #[arg(long, value_name = "STATEMENT")]
    sql: Option<String>,
    /// The value of a parameter, such as `country=DE` or `country=DE,AT`.
    #[arg(short = 'p', long = "parameter", value_name = "NAME=VALUE", value_parser = pair)]
    parameters: Vec<(String, String)>,
    /// Read nothing that happened at or after this instant, such as 2026-03-15T00:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = instant)]
    as_of: Option<jiff::Timestamp>,
    /// How the rows are delivered: as `arrow`, `csv`, `ndjson` or `parquet`.
    #[command(flatten)]
    delivery: Delivery,
}

impl Rows {
    /// Writes rows of units.
    fn run(&self, common: &Common) -> Result<ExitCode, Failure> {
        let destination = self.delivery.open_for_rows()?;
        let request = Request {
            parameters: self.parameters.clone(),
            as_of: self.as_of,
            resources: resources(common),
            ..Request::experiment(open_project(common)?, &self.experiment)
        };
        let progress = Progress::new(common.quiet);
        let say = |what: &str| progress.say(what);
        let written = wait(common, async {
            let rows = analyze::units(&request, self.sql.as_deref(), &say).await?;
            progress.finish();
            Ok::<_, Error>(destination.write_rows(rows).await)
        });
        progress.finish();
        written?.map(|()| ExitCode::Done)
    }
}

impl Metrics {
    /// Prints metrics.
    pub fn run(&self, common: &Common) -> Result<ExitCode, Failure> {
        if let What::Rows(rows) = &self.what {
            return rows.run(common);
        }
        let project = open_project(common)?;
        let mut sink = Sink::open(None, false)?;
        match &self.what {
            What::Rows(_) => {}
            What::List { tag } => {
                let metrics = project
                    .metrics()
                    .values()
                    .filter(|metric| tag.as_ref().is_none_or(|tag| metric.tags.contains(tag)));
                for metric in metrics {
                    let owner = metric.owner.as_deref().unwrap_or("no owner");
                    writeln!(sink, "{:<28} {:<11} {:<20} {}", metric.name, metric.outcome.kind(), owner, metric.label)?;
                }
            }
            What::Show { name } => {
                let metric = project.metric(name).ok_or_else(|| {
                    let known: Vec<&str> = project.metrics().keys().map(String::as_str).collect();
                    Failure::usage(format!("no metric `{name}`; the project has {}", known.join(", ")))
                })?;
                let file = project.file_of(Definition::Metric(name)).unwrap_or_default();
                writeln!(sink, "{} ({})", metric.label, metric.outcome.kind())?;
                if let Some(description) = &metric.description {
                    writeln!(sink, "{description}")?;
                }
                let used: Vec<&str> = project
                    .experiments()
                    .values()
                    .filter(|experiment| experiment.metrics.iter().any(|entry| entry.metric == *name))
                    .map(|experiment| experiment.name.as_str())
                    .collect();
                writeln!(sink, "\nfile:        {file}")?;
                writeln!(sink, "sources:     {}", metric.sources().into_iter().collect::<Vec<_>>().join(", "))?;
                writeln!(sink, "owner:       {}", metric.owner.as_deref().unwrap_or("none"))?;
                writeln!(sink, "tags:        {}", metric.tags.join(", "))?;
                writeln!(sink, "experiments: {}", used.join(", "))?;
                let text = std::fs::read_to_string(project.root().join(file))?;
                writeln!(sink, "\n{}", text.trim_end())?;
            }
        }
        sink.finish()?;
        Ok(ExitCode::Done)
    }
}
