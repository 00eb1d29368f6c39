//! A first look without a project: one file of data and a few words on the command line.
//!
//! The words become the same definitions that a project's files become, so everything after this is one way.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use estimand_metrics::address;
use estimand_metrics::definition::{
    Analysis, Arm, Assignment, Covariate, Csv, Defaults, Direction, Duration, Engine, EngineKind, Experiment,
    ExperimentMetric, Files, Format, KeyType, Manifest, Metric, NumberFormat, NumberStyle, OptionValue, Plan, PlanKind,
    Population, ROW, Role, Rows, Source, UnitValue, WhenEmpty, Window,
};
use estimand_metrics::expression::{AggregateFunction, Aggregation, Expression};
use estimand_metrics::fault::Fault;
use estimand_metrics::kind::Outcome;
use estimand_metrics::project::Project;
use estimand_stats::family::Corrections;
use serde::{Deserialize, Serialize};

/// Name of the only source.
pub const SOURCE: &str = "file";

/// What was said of a file on the command line.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BareFile {
    /// The folder that `path` is seen from; the current one when empty.
    #[serde(skip)]
    pub root: PathBuf,
    /// The file, folder or glob.
    pub path: PathBuf,
    /// The column of unit ids; each row is a unit without it.
    pub unit: Option<String>,
    /// The column of arms.
    pub arm: String,
    /// The arm compared against.
    pub control: String,
    /// The other arms, in the order of the report.
    pub treatments: Vec<String>,
    /// Planned weights by arm; the sample ratio is tested only when they are given.
    pub weights: BTreeMap<String, f64>,
    /// Metrics such as `sum(revenue)`, `proportion(bought)`, `ratio(clicks, views)`, `spend`.
    pub metrics: Vec<String>,
    /// Columns fixed before exposure.
    pub covariates: Vec<String>,
    /// Columns by which effects are cut.
    pub dimensions: Vec<String>,
    /// The column of the cluster that a unit was assigned with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// The column of the block within which units were assigned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stratum: Option<String>,
    /// Which rows are read.
    pub filter: Option<String>,
    /// Metrics of which less is better, as written in `metrics`.
    pub lower_is_better: Vec<String>,
    /// Confidence level.
    pub level: f64,
    /// The estimator; chosen by metric unless given.
    pub estimator: Option<String>,
    /// Options of the estimator.
    pub options: BTreeMap<String, String>,
}

impl BareFile {
    /// The confidence level unless another is given.
    pub const LEVEL: f64 = 0.95;

    /// Writes the path as it is seen from this folder, so that whoever knows the folder finds the file again.
    ///
    /// # Errors
    /// The current folder or this one cannot be found.
    pub fn place_in(&mut self, folder: &Path) -> std::io::Result<()> {
        let (here, folder_in_full) = (std::env::current_dir()?, std::fs::canonicalize(folder)?);
        let path = here.join(&self.path);
        self.path = path.strip_prefix(&folder_in_full).map(Path::to_owned).unwrap_or(path);
        folder.clone_into(&mut self.root);
        Ok(())
    }

    /// The project that a folder with the same definitions would be.
    ///
    /// # Errors
    /// Every expression that is not one, and a path whose format nobody knows.
    pub fn project(&self) -> Result<Project, Vec<Fault>> {
        let mut faults = Vec::new();
        let mut collect = |fault: Box<Fault>| faults.push(*fault);
        let format = format_of(&self.path).map_err(&mut collect).ok();
        let filter =
            self.filter.as_deref().and_then(|text| Expression::parse("--filter", text).map_err(&mut collect).ok());
        let metrics: Vec<Metric> =
            self.metrics.iter().filter_map(|text| self.metric(text).map_err(&mut collect).ok()).collect();
        let (Some(format), true) = (format, faults.is_empty()) else { return Err(faults) };
        let source = self.source(format);
        let experiment = self.experiment(&metrics, filter);
        let root = if self.root.as_os_str().is_empty() { PathBuf::from(".") } else { self.root.clone() };
        Ok(Project::of_definitions(root, manifest(self.level), vec![source], metrics, vec![experiment]))
    }

    fn source(&self, format: Format) -> Source {
        let keys = self.unit.iter().map(|unit| (unit.clone(), KeyType::Text)).collect();
        Source { keys, ..source_of(&self.path, format) }
    }

    fn experiment(&self, metrics: &[Metric], filter: Option<Expression>) -> Experiment {
        let names: Vec<&String> = std::iter::once(&self.control).chain(&self.treatments).collect();
        let unit = self.unit.clone().unwrap_or_else(|| ROW.to_owned());
        let name = self.path.file_stem().map_or_else(|| SOURCE.to_owned(), |stem| stem.to_string_lossy().into_owned());
        Experiment {
            label: name.clone(),
            name,
            hypothesis: None,
            description: None,
            owner: None,
            tags: Vec::new(),
            unit: unit.clone(),
            start: None,
            end: None,
            timezone: None,
            assignment: Assignment {
                source: SOURCE.to_owned(),
                arm: self.arm.clone(),
                unit_column: unit.clone(),
                filter,
                cluster: self.cluster.clone(),
                stratum: self.stratum.clone(),
            },
            trigger: None,
            arms: names
                .iter()
                .map(|name| Arm { name: (*name).clone(), label: (*name).clone(), allocation: self.weight_of(name) })
                .collect(),
            control: self.control.clone(),
            metrics: metrics
                .iter()
                .map(|metric| ExperimentMetric { metric: metric.name.clone(), role: Role::Primary })
                .collect(),
            dimensions: self
                .dimensions
                .iter()
                .map(|column| estimand_metrics::definition::Dimension {
                    name: column.clone(),
                    source: SOURCE.to_owned(),
                    column: column.clone(),
                    unit_column: unit.clone(),
                })
                .collect(),
            analysis: Analysis {
                level: self.level,
                alpha: (1.0 - self.level) / 2.0,
                estimator: self.estimator.clone(),
                covariates: self.covariates.iter().cloned().map(Covariate::Column).collect(),
                population: Population::Superpopulation,
                correction: Corrections::default(),
                options: self
                    .options
                    .iter()
                    .map(|(name, value)| (name.clone(), OptionValue::Text(value.clone())))
                    .collect(),
                by_metric: BTreeMap::new(),
                beside: Vec::new(),
            },
            plan: Plan {
                kind: PlanKind::Fixed,
                units: None,
                looks_taken: Vec::new(),
                minimum_units: None,
                minimum_effect: BTreeMap::new(),
            },
        }
    }

    /// The planned weight of an arm; zero when no weights were given, so that no ratio is tested against a guess.
    fn weight_of(&self, arm: &str) -> f64 {
        let whole: f64 = self.weights.values().sum();
        self.weights.get(arm).map_or(0.0, |weight| weight / whole)
    }

    /// `sum(x)`, `mean(x)`, `proportion(x)`, `ratio(x, y)`, `time_to_event(x, y)` or any value of a metric file.
    fn metric(&self, text: &str) -> Result<Metric, Box<Fault>> {
        let origin = format!("--metric '{text}'");
        let (outcome, style) = match call(text) {
            Some(("proportion", inner)) => {
                let condition = Expression::parse(&origin, inner)?;
                let aggregation = Aggregation { function: AggregateFunction::Any, argument: Some(condition) };
                // In a file where each row is a unit a missing condition is a missing value, not a no.
                let empty = if self.unit.is_some() { WhenEmpty::Value(0.0) } else { WhenEmpty::Null };
                (Outcome::Proportion(unit_value(aggregation, empty)), NumberStyle::Percent)
            }
            Some(("ratio", inner)) => {
                let [numerator, denominator] = self.parts(&origin, text, inner, "ratio(clicks, views)")?;
                (Outcome::Ratio { numerator, denominator }, NumberStyle::Number)
            }
            Some(("time_to_event", inner)) => {
                let [duration, event] = self.parts(&origin, text, inner, "time_to_event(days, bought)")?;
                (Outcome::TimeToEvent { duration, event }, NumberStyle::Number)
            }
            Some(("mean", inner)) => {
                let function = if self.unit.is_some() { AggregateFunction::Avg } else { AggregateFunction::Row };
                let aggregation = Aggregation { function, argument: Some(Expression::parse(&origin, inner)?) };
                (Outcome::Mean(unit_value(aggregation, WhenEmpty::Null)), NumberStyle::Number)
            }
            _ => {
                let aggregation = Aggregation::parse(&origin, text)?;
                let empty = self.empty(&aggregation);
                (Outcome::Mean(unit_value(aggregation, empty)), NumberStyle::Number)
            }
        };
        let lower = self.lower_is_better.iter().any(|name| name == text);
        Ok(Metric {
            name: text.to_owned(),
            label: text.to_owned(),
            description: None,
            owner: None,
            tags: Vec::new(),
            outcome,
            window: Window { delay: Duration::ZERO, length: None, matured: false },
            lookback: None,
            covariates: Vec::new(),
            direction: if lower { Direction::Lower } else { Direction::Higher },
            measured_in: None,
            format: NumberFormat { style, decimals: None },
            parameters: BTreeMap::new(),
        })
    }

    /// The two values of a metric that has two.
    fn parts(&self, origin: &str, text: &str, inner: &str, example: &str) -> Result<[UnitValue; 2], Box<Fault>> {
        let (one, other) = two(inner).ok_or_else(|| {
            let fault = Fault::error("metrics::bad_value", format!("`{text}` does not name two values"));
            Box::new(fault.with_field("--metric").with_help(format!("write {example}")))
        })?;
        Ok([self.summed(origin, one)?, self.summed(origin, other)?])
    }

    /// A part of a ratio: an aggregation, or a column that is summed.
    fn summed(&self, origin: &str, text: &str) -> Result<UnitValue, Box<Fault>> {
        let mut aggregation = Aggregation::parse(origin, text)?;
        if aggregation.function == AggregateFunction::Row && self.unit.is_some() {
            aggregation.function = AggregateFunction::Sum;
        }
        let empty = self.empty(&aggregation);
        Ok(unit_value(aggregation, empty))
    }

    /// A missing value in a file where each row is a unit stays missing; a unit with rows that are all null sums to zero.
    fn empty(&self, aggregation: &Aggregation) -> WhenEmpty {
        if self.unit.is_some() { aggregation.when_empty() } else { WhenEmpty::Null }
    }
}

/// The project of a table that is read as it is: one source, [`SOURCE`], and no experiment.
///
/// # Errors
/// A path whose format nobody knows.
pub fn table(path: &Path) -> Result<Project, Vec<Fault>> {
    let format = format_of(path).map_err(|fault| vec![*fault])?;
    let sources = vec![source_of(path, format)];
    Ok(Project::of_definitions(PathBuf::from("."), manifest(BareFile::LEVEL), sources, Vec::new(), Vec::new()))
}

fn manifest(level: f64) -> Manifest {
    Manifest {
        name: "file".to_owned(),
        description: None,
        defaults: Defaults { level, timezone: None },
        engine: Engine { kind: EngineKind::DataFusion, memory_limit: None, threads: None },
    }
}

fn source_of(path: &Path, format: Format) -> Source {
    Source {
        name: SOURCE.to_owned(),
        label: path.display().to_string(),
        description: None,
        owner: None,
        tags: Vec::new(),
        rows: Rows::Files(Files { path: path.display().to_string(), format, csv: Csv::default() }),
        keys: BTreeMap::new(),
        columns: BTreeMap::new(),
        units: BTreeMap::new(),
        clock: None,
        parameters: BTreeMap::new(),
    }
}

fn unit_value(aggregation: Aggregation, when_empty: WhenEmpty) -> UnitValue {
    UnitValue { source: SOURCE.to_owned(), aggregation, filter: None, cap: None, when_empty }
}

/// The name and the inside of `name(inside)`.
fn call(text: &str) -> Option<(&str, &str)> {
    let (name, rest) = text.trim().split_once('(')?;
    Some((name.trim(), rest.strip_suffix(')')?))
}

/// The two halves around the first comma outside brackets and quotes.
fn two(text: &str) -> Option<(&str, &str)> {
    let (mut depth, mut quote) = (0_i32, None);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(c),
            (None, '(') => depth += 1,
            (None, ')') => depth -= 1,
            (None, ',') if depth == 0 => return Some((text.get(..at)?, text.get(at + 1..)?)),
            _ => {}
        }
    }
    None
}

fn format_of(path: &Path) -> Result<Format, Box<Fault>> {
    let written = path.to_string_lossy();
    if address::is_address(&written) {
        let message = format!("`{}` is an address, not a path", address::without_user(&written));
        return Err(Box::new(
            Fault::error("metrics::bad_path", message)
                .with_field("FILE")
                .with_help("copy the file, or mount the store, and give a path"),
        ));
    }
    let suffix = path.extension().map(|suffix| suffix.to_string_lossy().to_ascii_lowercase());
    match suffix.as_deref() {
        Some("csv" | "tsv" | "txt") => Ok(Format::Csv),
        Some("parquet" | "pq") => Ok(Format::Parquet),
        Some("ndjson" | "jsonl" | "json") => Ok(Format::Ndjson),
        _ => Err(Box::new(
            Fault::error(
                "metrics::unknown_format",
                format!("`{}` has no suffix that names its format", path.display()),
            )
            .with_field("FILE")
            .with_valid("suffixes", [".csv", ".ndjson", ".jsonl", ".parquet"].map(str::to_owned).to_vec())
            .with_help("give a Parquet, CSV or line-delimited JSON file"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_cut_at_its_own_comma() {
        assert_eq!(two("round(a, 2), sum(b)"), Some(("round(a, 2)", " sum(b)")));
        assert_eq!(two("coalesce(a, ',')"), None);
    }
}
