//! `estimand programme`: what many experiments say together.

use std::path::PathBuf;

use estimand_analysis::bare::BareFile;
use estimand_analysis::programme::{self, Settings};
use estimand_analysis::stats::empirical_bayes::Shape;
use estimand_analysis::stats::estimate::Estimates;
use estimand_analysis::stats::meta::{Estimator as Heterogeneity, IntervalMethod};
use estimand_analysis::stats::multiplicity::Correction;
use estimand_analysis::summary_table;
use estimand_analysis::viz::number::Scale;

use crate::arguments::Common;
use crate::command::analyze::is_file;
use crate::command::{control_of, open_project, pair, project_folder, read_table, threads, wait};
use crate::delivery::Delivery;
use crate::exit::{ExitCode, Failure};

/// Arguments of `estimand programme`.
#[derive(Debug, clap::Args)]
pub struct Programme {
    /// A table of effects (result tables of `estimand analyze`) or of summaries per arm: a file, or a source of the
    /// project. The latest run of each experiment of the project unless given.
    #[arg(value_name = "FILE|SOURCE")]
    table: Option<String>,
    /// Only these metrics.
    #[arg(long = "metric", value_name = "METRIC")]
    metrics: Vec<String>,
    /// A metric of which less is better.
    #[arg(long = "lower-is-better", value_name = "METRIC")]
    lower_is_better: Vec<String>,
    /// The scale on which effects are compared.
    #[arg(long, default_value = "relative", value_parser = ["absolute", "relative"])]
    scale: String,
    /// Confidence level; one less it is the false discovery rate.
    #[arg(long, value_name = "LEVEL", default_value_t = BareFile::LEVEL)]
    level: f64,
    /// The correction over all effects of a metric.
    #[arg(long, value_name = "NAME", default_value = "benjamini_hochberg", value_parser = Correction::ALL.map(Correction::name))]
    correction: String,
    /// The shape of the prior that is fitted.
    #[arg(long, value_name = "SHAPE", default_value = Shape::default().name(), value_parser = Shape::ALL.map(Shape::name))]
    prior: String,
    /// How the variance between effects is estimated.
    #[arg(long, value_name = "NAME", default_value = Heterogeneity::default().name(), value_parser = Heterogeneity::ALL.map(Heterogeneity::name))]
    heterogeneity: String,
    /// How the interval of the average effect is made.
    #[arg(long, value_name = "NAME", default_value = IntervalMethod::default().name(), value_parser = IntervalMethod::ALL.map(IntervalMethod::name))]
    interval: String,
    /// Standard errors on the good side from which an effect counts as launched.
    #[arg(long, value_name = "Z", default_value_t = Settings::default().threshold)]
    threshold: f64,
    /// How the answer is delivered.
    #[command(flatten)]
    delivery: Delivery,
    /// What only a table of summaries needs.
    #[command(flatten)]
    summaries: SummaryArguments,
}

/// What only a table of summaries needs.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Of a table of summaries")]
struct SummaryArguments {
    /// The arm compared against.
    #[arg(long, value_name = "ARM")]
    control: Option<String>,
    /// The estimator of each effect; see `estimand list estimators`.
    #[arg(long, value_name = "NAME")]
    estimator: Option<String>,
    /// An option of the estimator, such as `lift=delta`.
    #[arg(long = "option", value_name = "NAME=VALUE", value_parser = pair)]
    options: Vec<(String, String)>,
}

impl Programme {
    /// Reads the effects, and writes what they say together.
    pub fn run(&self, common: &Common) -> Result<ExitCode, Failure> {
        let settings = self.settings()?;
        let destination = self.delivery.open()?;
        let (of, estimates) = match &self.table {
            Some(name) => (self.title(name, common), self.of_table(name, common)?),
            None => self.of_runs(project_folder(common)?, common)?,
        };
        let programme = wait(common, programme::Programme::read(of, estimates, settings))?;
        destination.write(&programme.answer())?;
        Ok(ExitCode::Done)
    }

    /// What the effects are of: a file, or a project and its source.
    fn title(&self, name: &str, common: &Common) -> String {
        let project = if is_file(name) { None } else { open_project(common).ok() };
        let named =
            project.and_then(|project| Some((project.manifest().name.clone(), project.source(name)?.label.clone())));
        named.map_or_else(|| name.to_owned(), |(project, label)| format!("{project}: {label}"))
    }

    fn settings(&self) -> Result<Settings, Failure> {
        if !(self.level > 0.0 && self.level < 1.0) {
            return Err(Failure::usage("--level: write a share between 0 and 1, such as 0.95"));
        }
        if !(self.threshold >= 0.0 && self.threshold.is_finite()) {
            return Err(Failure::usage("--threshold: write a number of standard errors, 0 or more, such as 1.96"));
        }
        Ok(Settings {
            level: self.level,
            scale: Scale::named(&self.scale).unwrap_or_default(),
            metrics: self.metrics.clone(),
            lower_is_better: self.lower_is_better.clone(),
            correction: Correction::from_name(&self.correction).unwrap_or(Settings::default().correction),
            shape: Shape::from_name(&self.prior).unwrap_or_default(),
            heterogeneity: Heterogeneity::from_name(&self.heterogeneity).unwrap_or_default(),
            interval: IntervalMethod::from_name(&self.interval).unwrap_or_default(),
            threshold: self.threshold,
        })
    }

    fn of_table(&self, name: &str, common: &Common) -> Result<Estimates, Failure> {
        let table = read_table(name, common)?;
        if programme::holds_effects(&table) {
            return Ok(programme::of_table(&table)?);
        }
        if !summary_table::holds_summaries(&table) {
            return Err(Failure::usage(format!(
                "{name}: no effects (`estimate`, `std_error`) and no summaries (`arm`, `n`) are in the table; \
                 give a result table of `estimand analyze`, or one row per arm"
            )));
        }
        let question = summary_table::Question {
            control: control_of(name, self.summaries.control.as_ref())?,
            level: self.level,
            metrics: self.metrics.clone(),
            estimator: self.summaries.estimator.clone(),
            options: self.summaries.options.iter().cloned().collect(),
            lower_is_better: self.lower_is_better.clone(),
        };
        Ok(wait(common, summary_table::answer(table, question, threads(common)))?.estimates)
    }

    fn of_runs(&self, folder: PathBuf, common: &Common) -> Result<(String, Estimates), Failure> {
        let (estimates, runs) = wait(common, async { programme::of_runs(&folder).await })?;
        if runs == 0 {
            return Err(Failure::usage(
                "the project has no runs; `estimand analyze EXPERIMENT` keeps one, or name a table of effects",
            ));
        }
        let plural = if runs == 1 { "" } else { "s" };
        Ok((format!("{runs} experiment{plural}, the latest run of each"), estimates))
    }
}
