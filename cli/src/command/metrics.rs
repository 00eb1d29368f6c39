//! `estimand metrics`: the repository of metrics, browsed and explained.

use std::io::Write;

use clap::Subcommand;
use estimand_analysis::metrics::project::Definition;

use crate::arguments::Common;
use crate::command::open_project;
use crate::exit::{ExitCode, Failure};
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
}

impl Metrics {
    /// Prints metrics.
    pub fn run(&self, common: &Common) -> Result<ExitCode, Failure> {
        let project = open_project(common)?;
        let mut sink = Sink::open(None, false)?;
        match &self.what {
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
