//! `estimand certify`: whether the estimators of an experiment keep their promises on its own units.

use std::io::Write;

use estimand_analysis::analyze::{Request, Target};
use estimand_analysis::certify::{self, Settings};
use estimand_analysis::change::Change;

use crate::arguments::Common;
use crate::command::{instant, open_project, pair, resources, wait};
use crate::exit::{ExitCode, Failure};
use crate::progress::Progress;
use crate::sink::Sink;

/// Arguments of `estimand certify`.
///
/// The units of the experiment are assigned anew, many times, and each time analysed as the experiment would be. Nothing was
/// done to any of them, so every rejection is a false one.
#[derive(Debug, clap::Args)]
pub struct Certify {
    /// An experiment of the project, or one of its metrics.
    #[arg(value_name = "EXPERIMENT|METRIC")]
    target: String,
    /// Only these metrics.
    #[arg(long = "metric", value_name = "METRIC")]
    metrics: Vec<String>,
    /// Another estimator in place of the one that decides.
    #[arg(long, value_name = "NAME", conflicts_with = "every_estimator")]
    estimator: Option<String>,
    /// An option of the estimator, such as `slope=pooled`.
    #[arg(long = "option", value_name = "NAME=VALUE", value_parser = pair)]
    options: Vec<(String, String)>,
    /// Every estimator that serves a metric, and not only those that the experiment names.
    #[arg(long)]
    every_estimator: bool,
    /// Assignments drawn for each metric and estimator.
    #[arg(long, value_name = "N", default_value_t = Settings::default().replicates, value_parser = clap::value_parser!(u32).range(20..=1_000_000))]
    replicates: u32,
    /// Seed of the assignments.
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    seed: u64,
    /// Give the treated this relative effect, such as 0.02: the rates are then those of a true finding.
    #[arg(long, value_name = "LIFT", default_value_t = 0.0, allow_negative_numbers = true)]
    lift: f64,
    /// Read nothing that happened at or after this instant.
    #[arg(long, value_name = "TIME", value_parser = instant)]
    as_of: Option<jiff::Timestamp>,
    /// The value of a parameter, such as `country=DE`.
    #[arg(short = 'p', long = "parameter", value_name = "NAME=VALUE", value_parser = pair)]
    parameters: Vec<(String, String)>,
    /// `text` or `json`.
    #[arg(long, default_value = "text", value_parser = ["text", "json"])]
    format: String,
    /// End with code 5 when a test rejects more often than it says.
    #[arg(long)]
    fail: bool,
}

impl Certify {
    /// Certifies, and writes the certificates.
    pub fn run(&self, common: &Common) -> Result<ExitCode, Failure> {
        let request = self.request(common)?;
        let settings = Settings {
            every_estimator: self.every_estimator,
            replicates: self.replicates,
            seed: self.seed,
            lift: self.lift,
        };
        let progress = Progress::new(common.quiet);
        let say = |what: &str| progress.say(what);
        let certified = wait(common, async { certify::certify(&request, &settings, &say).await });
        progress.finish();
        let certified = certified?;
        let mut sink = Sink::open(None, false)?;
        if self.format == "json" {
            let document =
                serde_json::to_string_pretty(&certified).map_err(|error| Failure::new(ExitCode::Failed, error))?;
            writeln!(sink, "{document}")?;
        } else {
            write!(sink, "{}", certified.text())?;
        }
        sink.finish()?;
        if self.fail && certified.has_broken_promise() {
            return Err(Failure::new(ExitCode::Health, "a test rejects more often than it says; see the certificates"));
        }
        Ok(ExitCode::Done)
    }

    /// The experiment of this name, or the first that has the metric of this name, with that metric alone.
    fn request(&self, common: &Common) -> Result<Request, Failure> {
        let project = open_project(common)?;
        let mut metrics = self.metrics.clone();
        let mut name = self.target.clone();
        if project.experiment(&name).is_none() && project.metric(&name).is_some() {
            let having = |one: &&estimand_analysis::metrics::definition::Experiment| {
                one.metrics.iter().any(|entry| entry.metric == name)
            };
            let Some(experiment) = project.experiments().values().find(having) else {
                return Err(Failure::usage(format!(
                    "no experiment has the metric `{name}`, and units are those of an experiment; add it to one"
                )));
            };
            metrics.push(std::mem::replace(&mut name, experiment.name.clone()));
        }
        let change = Change {
            metrics,
            dimensions: Vec::new(),
            estimator: self.estimator.clone(),
            options: self.options.iter().cloned().collect(),
            level: None,
        };
        Ok(Request {
            target: Target::Experiment { project: Box::new(project), name, change },
            parameters: self.parameters.clone(),
            as_of: self.as_of,
            resources: resources(common),
            recorded: false,
        })
    }
}
