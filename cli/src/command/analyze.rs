//! `estimand analyze`: an experiment, a bare file, or summary numbers.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use estimand_analysis::analyze::{self, Request, Target};
use estimand_analysis::answered::Answered;
use estimand_analysis::bare::BareFile;
use estimand_analysis::change::Change;
use estimand_analysis::summary::Summary;
use estimand_analysis::summary_table;

use crate::arguments::Common;
use crate::command::{
    answer, control_of, instant, open_project, pair, read_table, resources, runs_folder, threads, wait,
};
use crate::delivery::Delivery;
use crate::exit::{ExitCode, Failure};

/// Arguments of `estimand analyze`.
#[derive(Debug, clap::Args)]
pub struct Analyze {
    /// The name of an experiment of the project, or a Parquet, CSV or line-delimited JSON file.
    #[arg(value_name = "EXPERIMENT|FILE", required_unless_present = "summary")]
    target: Option<String>,
    /// Analyse summary numbers per arm: n with mean and variance, or with successes. A TOML or JSON document (`-` reads
    /// standard input), or a table with one row per arm: a CSV, Parquet or ndjson file, or a source of the project.
    #[arg(long, value_name = "FILE|SOURCE", conflicts_with = "target")]
    summary: Option<String>,
    /// Of a file: what is measured, such as `sum(revenue)`, `proportion(bought)`, `ratio(clicks, views)`. Of an experiment: only these metrics.
    #[arg(long = "metric", value_name = "METRIC")]
    metrics: Vec<String>,
    /// Cut effects by this column (of a file) or dimension (of an experiment).
    #[arg(long = "by", value_name = "DIMENSION")]
    by: Vec<String>,
    /// The estimator that decides; see `estimand list estimators`.
    #[arg(long, value_name = "NAME")]
    estimator: Option<String>,
    /// An option of the estimator, such as `lift=delta`.
    #[arg(long = "option", value_name = "NAME=VALUE", value_parser = pair)]
    options: Vec<(String, String)>,
    /// Confidence level of intervals, such as 0.95.
    #[arg(long, allow_negative_numbers = true, value_name = "LEVEL", value_parser = level)]
    level: Option<f64>,
    /// Read nothing that happened at or after this instant, such as 2026-03-15T00:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = instant)]
    as_of: Option<jiff::Timestamp>,
    /// The value of a parameter, such as `country=DE` or `country=DE,AT`.
    #[arg(short = 'p', long = "parameter", value_name = "NAME=VALUE", value_parser = pair)]
    parameters: Vec<(String, String)>,
    /// Keep the analysis of a file as a run; an experiment's is kept always.
    #[arg(long, conflicts_with_all = ["summary", "no_save"])]
    save: bool,
    /// Do not keep the analysis as a run.
    #[arg(long)]
    no_save: bool,
    /// How the answer is delivered.
    #[command(flatten)]
    delivery: Delivery,
    /// End with code 5 when a health check failed.
    #[arg(long, value_name = "WHAT", value_parser = ["health"])]
    fail_on: Option<String>,
    /// What only a bare file needs.
    #[command(flatten)]
    file: FileArguments,
}

/// What only a bare file needs.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Of a file")]
struct FileArguments {
    /// The column of unit ids; each row is a unit without it.
    #[arg(long, value_name = "COLUMN")]
    unit: Option<String>,
    /// The column of arms.
    #[arg(long, value_name = "COLUMN")]
    arm: Option<String>,
    /// The arm compared against.
    #[arg(long, value_name = "ARM")]
    control: Option<String>,
    /// Planned weights of the arms, such as `A=1,B=1`; the sample ratio is tested only when they are given.
    #[arg(long, value_name = "ARM=WEIGHT,…", value_delimiter = ',', value_parser = weight)]
    weights: Vec<(String, f64)>,
    /// A column fixed before exposure, for adjustment.
    #[arg(long = "covariate", value_name = "COLUMN")]
    covariates: Vec<String>,
    /// The column of the cluster that a unit was assigned with, such as its school.
    #[arg(long, value_name = "COLUMN")]
    cluster: Option<String>,
    /// The column of the block within which units were assigned, such as the pair.
    #[arg(long, value_name = "COLUMN")]
    stratum: Option<String>,
    /// Which rows are read, such as `country = 'DE'`.
    #[arg(long, value_name = "CONDITION")]
    filter: Option<String>,
    /// A metric of which less is better, as written after `--metric`.
    #[arg(long = "lower-is-better", value_name = "METRIC")]
    lower_is_better: Vec<String>,
}

impl Analyze {
    /// Analyses, and writes the answer.
    pub fn run(&self, common: &Common) -> Result<ExitCode, Failure> {
        let destination = self.delivery.open()?;
        let (answered, kept) = match &self.summary {
            Some(file) if is_document(file) => (self.summarised(file)?, Ok(())),
            Some(table) => (self.summarised_table(table, common)?, Ok(())),
            None => self.analysed(common)?,
        };
        destination.write(&answered)?;
        // Said last, so that whoever reads the answer has it even when it could not be kept.
        kept?;
        if self.fail_on.is_some() && answered.has_failed_check() {
            return Err(Failure::new(ExitCode::Health, "a health check failed; read `checks` before the effects"));
        }
        Ok(ExitCode::Done)
    }

    fn summarised(&self, file: &str) -> Result<Answered, Failure> {
        let mut text = String::new();
        let read = match file {
            "-" => std::io::stdin().lock().read_to_string(&mut text).map(|_| ()),
            path => std::fs::read_to_string(path).map(|read| text = read),
        };
        read.map_err(|error| Failure::data(format!("cannot read `{file}`: {error}")))?;
        let mut summary = Summary::parse(file, &text).map_err(Failure::usage)?;
        if let Some(level) = self.level {
            summary.level = level;
        }
        for metric in &mut summary.metrics {
            metric.options.extend(self.options.iter().cloned());
            if self.estimator.is_some() {
                metric.estimator.clone_from(&self.estimator);
            }
        }
        analyze::summarised(&summary).map_err(|error| Failure::usage(format!("{file}: {error}")))
    }

    fn summarised_table(&self, name: &str, common: &Common) -> Result<Answered, Failure> {
        let question = summary_table::Question {
            control: control_of(name, self.file.control.as_ref())?,
            level: self.level.unwrap_or(BareFile::LEVEL),
            metrics: self.metrics.clone(),
            estimator: self.estimator.clone(),
            options: self.options.iter().cloned().collect(),
            lower_is_better: self.file.lower_is_better.clone(),
        };
        let table = read_table(name, common)?;
        wait(common, summary_table::answer(table, question, threads(common)))
    }

    fn analysed(&self, common: &Common) -> Result<(Answered, Result<(), Failure>), Failure> {
        let target = self.target.clone().unwrap_or_default();
        let (target, folder, recorded) = if is_file(&target) {
            let (mut file, mut folder) = (self.bare(PathBuf::from(target))?, PathBuf::from("."));
            if self.save {
                folder = runs_folder(common);
                file.place_in(&folder)?;
            }
            (Target::File(Box::new(file)), folder, self.save)
        } else {
            let project = open_project(common)?;
            let folder = project.root().to_owned();
            let change = Change {
                metrics: self.metrics.clone(),
                dimensions: self.by.clone(),
                estimator: self.estimator.clone(),
                options: self.options.iter().cloned().collect::<BTreeMap<_, _>>(),
                level: self.level,
            };
            (Target::Experiment { project: Box::new(project), name: target, change }, folder, !self.no_save)
        };
        let request = Request {
            target,
            parameters: self.parameters.clone(),
            as_of: self.as_of,
            resources: resources(common),
            recorded,
        };
        answer(common, &request, &folder)
    }

    fn bare(&self, path: PathBuf) -> Result<BareFile, Failure> {
        let missing = |flag: &str, help: &str| Failure::usage(format!("{}: {flag} is missing; {help}", path.display()));
        if self.metrics.is_empty() {
            return Err(missing("--metric", "say what is measured, such as --metric 'sum(revenue)'"));
        }
        let arm =
            self.file.arm.clone().ok_or_else(|| missing("--arm", "name the column of arms, such as --arm variant"))?;
        Ok(BareFile {
            unit: self.file.unit.clone(),
            arm,
            control: self.file.control.clone().unwrap_or_default(),
            treatments: Vec::new(),
            weights: self.file.weights.iter().cloned().collect(),
            metrics: self.metrics.clone(),
            covariates: self.file.covariates.clone(),
            dimensions: self.by.clone(),
            cluster: self.file.cluster.clone(),
            stratum: self.file.stratum.clone(),
            filter: self.file.filter.clone(),
            lower_is_better: self.file.lower_is_better.clone(),
            level: self.level.unwrap_or(BareFile::LEVEL),
            estimator: self.estimator.clone(),
            options: self.options.iter().cloned().collect(),
            path,
            root: PathBuf::new(),
        })
    }
}

/// A document of summary numbers, and not a table of them.
fn is_document(name: &str) -> bool {
    let suffix = Path::new(name).extension().and_then(|suffix| suffix.to_str());
    name == "-" || suffix.is_some_and(|suffix| ["toml", "json"].contains(&suffix))
}

/// A path, and not the name of an experiment: it has a folder, a suffix or a wildcard, or is there.
pub(super) fn is_file(target: &str) -> bool {
    target.contains(['/', '\\', '*', '.']) || Path::new(target).exists()
}

fn weight(text: &str) -> Result<(String, f64), String> {
    match text.rsplit_once('=').map(|(arm, weight)| (arm, weight.parse::<f64>())) {
        Some((arm, Ok(weight))) if weight > 0.0 && weight.is_finite() => Ok((arm.to_owned(), weight)),
        _ => Err("write ARM=WEIGHT with a weight above zero, such as A=1,B=1".to_owned()),
    }
}

fn level(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(level) if level > 0.0 && level < 1.0 => Ok(level),
        _ => Err("write a share between 0 and 1, such as 0.95".to_owned()),
    }
}
