//! Tables of summaries: one row per arm, for each metric, experiment and look.
//!
//! | column | holds |
//! |---|---|
//! | `arm` | the arm |
//! | `n` | its units |
//! | `mean`, `variance` | of the outcome; the variance divided by n − 1 |
//! | `successes` | units with an outcome of 1, in place of mean and variance |
//! | `metric` | the metric; one metric called `outcome` without the column |
//! | `experiment` | the experiment; one without the column |
//! | `look` | when the numbers were taken, all units up to then; one look without the column |
//!
//! Looks are in the order of their numbers, or of their texts where one is no number. Each look is answered, and the last
//! one of each metric decides.

use std::collections::BTreeMap;

use arrow::array::{Array, Float64Array, StringArray};
use estimand_metrics::engine::{self, Resources};
use estimand_metrics::fault::Fault;
use estimand_metrics::project::Project;
use estimand_stats::estimand::Direction;
use estimand_stats::estimate::{Estimate, Estimates};
use estimand_stats::family::Role;
use estimand_stats::status::{self, MetricRule, Progress, Rules};
use estimand_stats::threads::in_order;
use estimand_viz::number::Measure;

use crate::answered::Answered;
use crate::aside::aside;
use crate::columns::Columns;
use crate::error::Error;
use crate::figures;
use crate::summary::{Summary, SummaryArm, SummaryMetric};

/// What is asked of a table of summaries.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Question {
    /// The arm compared against.
    pub control: String,
    /// Confidence level.
    pub level: f64,
    /// Only these metrics; all of them when empty.
    pub metrics: Vec<String>,
    /// The estimator; chosen by kind unless given.
    pub estimator: Option<String>,
    /// Options of the estimator.
    pub options: BTreeMap<String, String>,
    /// Metrics of which less is better.
    pub lower_is_better: Vec<String>,
}

/// Name of the metric of a table without a column of metrics.
const OUTCOME: &str = "outcome";

/// The looks at one metric of one experiment, in their order.
struct Looks {
    experiment: Option<String>,
    metric: String,
    /// When each was, in words; `None` in a table without looks.
    arms: Vec<(Option<String>, Vec<SummaryArm>)>,
}

/// Reads a source as a table.
///
/// # Errors
/// What the engine says of it.
pub async fn read(project: &Project, source: &str, name: &str, resources: &Resources) -> Result<Columns, Error> {
    Ok(Columns::new(name, engine::rows_of(project, source, resources).await?))
}

/// Whether a table holds summaries of arms.
pub fn holds_summaries(table: &Columns) -> bool {
    ["arm", "n"].iter().all(|column| table.has(column))
}

/// Answers every look at every metric of every experiment.
///
/// # Errors
/// A column that is missing or holds something else, a row that is there twice, an arm that is missing, and what the
/// estimators refuse; each with its place in the table.
pub async fn answer(table: Columns, question: Question, threads: usize) -> Result<Answered, Error> {
    aside(move || estimate(&table, &question, threads)).await
}

fn estimate(table: &Columns, question: &Question, threads: usize) -> Result<Answered, Error> {
    let looks = looks(table, question).map_err(|fault| Error::Files(vec![*fault]))?;
    let mut estimates = Estimates::default();
    for rows in in_order(threads, &looks, |looks| looks.answer(question)) {
        estimates.append(rows?);
    }
    decide(&mut estimates, question)?;
    let names: Vec<String> = looks.iter().map(|looks| looks.metric.clone()).collect();
    let measure = |name: String| {
        let measure = Measure { direction: question.direction(&name), ..Measure::labelled(&name) };
        (name, measure)
    };
    let measures: BTreeMap<String, Measure> = names.into_iter().map(measure).collect();
    // A forest compares metrics of one experiment; several experiments are a programme.
    let several = looks.iter().any(|other| other.experiment != looks[0].experiment);
    let forest = if several { None } else { figures::forest("Effects", &estimates, &measures)? };
    let report = crate::report::ReportModel { estimates: estimates.clone(), ..Default::default() };
    Ok(Answered { estimates, measures, forest, report, ..Answered::default() })
}

/// Corrects the families of each experiment and gives the last look of each metric its status.
fn decide(estimates: &mut Estimates, question: &Question) -> Result<(), Error> {
    let mut by_experiment: Vec<Estimates> = Vec::new();
    for row in std::mem::take(&mut estimates.rows) {
        match by_experiment.last_mut() {
            Some(rows) if rows.rows.first().is_some_and(|first| first.experiment == row.experiment) => {
                rows.rows.push(row)
            }
            _ => by_experiment.push(Estimates { rows: vec![row] }),
        }
    }
    let sequential = |rows: &Estimates| rows.rows.iter().any(|row| row.log10_e.is_some());
    for mut rows in by_experiment {
        let names = rows.rows.iter().filter_map(|row| row.metric.clone());
        let rule = |name: String| {
            let direction = question.direction(&name);
            (name.clone(), MetricRule { label: name, direction, minimum_effect: None })
        };
        let progress = if sequential(&rows) { Progress::Looking } else { Progress::Ended };
        let rules = Rules { metrics: names.map(rule).collect(), progress, ..Rules::default() };
        status::finish(&mut rows, &rules, &[])?;
        estimates.append(rows);
    }
    Ok(())
}

impl Question {
    fn direction(&self, metric: &str) -> Direction {
        if self.lower_is_better.iter().any(|name| name == metric) { Direction::Lower } else { Direction::Higher }
    }
}

impl Looks {
    /// The rows of the last look at each arm, which decide, and after them those of every look.
    fn answer(&self, question: &Question) -> Result<Estimates, Error> {
        let mut last: BTreeMap<Option<String>, Vec<Estimate>> = BTreeMap::new();
        let mut over_time = Vec::new();
        for (look, arms) in &self.arms {
            let rows = self.of_look(question, arms).map_err(|error| self.placed(look.as_deref(), error))?;
            let mut of_arms: BTreeMap<Option<String>, Vec<Estimate>> = BTreeMap::new();
            for mut row in rows.rows {
                row.experiment.clone_from(&self.experiment);
                row.role = Some(Role::Primary.name().to_owned());
                of_arms.entry(row.arm.clone()).or_default().push(row);
            }
            let at_look = |row: &Estimate| Estimate { period: look.clone(), ..row.clone() };
            over_time.extend(of_arms.values().flatten().filter(|_| look.is_some()).map(at_look));
            last.append(&mut of_arms);
        }
        Ok(last.into_values().flatten().chain(over_time).collect())
    }

    fn of_look(&self, question: &Question, arms: &[SummaryArm]) -> Result<Estimates, crate::summary::Error> {
        let metric = SummaryMetric {
            name: self.metric.clone(),
            kind: None,
            direction: question.direction(&self.metric),
            margin: None,
            estimator: question.estimator.clone(),
            options: question.options.clone(),
            variables: Vec::new(),
            arms: arms.to_vec(),
        };
        Summary { control: question.control.clone(), level: question.level, metrics: vec![metric] }.estimate()
    }

    fn placed(&self, look: Option<&str>, source: crate::summary::Error) -> Error {
        let place = [
            self.experiment.as_ref().map(|name| format!("experiment `{name}`")),
            look.map(|look| format!("look {look}")),
        ];
        Error::SummaryRow { place: place.into_iter().flatten().collect::<Vec<_>>().join(", "), source }
    }
}

/// The columns of a table of summaries, found and typed.
struct Cells {
    experiment: Option<StringArray>,
    metric: Option<StringArray>,
    look: Option<StringArray>,
    arm: StringArray,
    n: Float64Array,
    mean: Option<Float64Array>,
    variance: Option<Float64Array>,
    successes: Option<Float64Array>,
}

impl Cells {
    fn of(table: &Columns) -> Result<Self, Box<Fault>> {
        let cells = Self {
            experiment: table.texts("experiment")?,
            metric: table.texts("metric")?,
            look: table.texts("look")?,
            arm: table.needed_texts("arm")?,
            n: table.needed_numbers("n")?,
            mean: table.numbers("mean")?,
            variance: table.numbers("variance")?,
            successes: table.numbers("successes")?,
        };
        if cells.successes.is_none() && (cells.mean.is_none() || cells.variance.is_none()) {
            let absent = if cells.mean.is_none() { "mean" } else { "variance" };
            return Err(Box::new(table.missing(absent).with_help("give `mean` and `variance`, or `successes`")));
        }
        Ok(cells)
    }

    fn arm(&self, table: &Columns, row: usize) -> Result<SummaryArm, Box<Fault>> {
        let arm = at(&self.arm, row).unwrap_or_default();
        let count = |column: &str, value: f64| {
            // Every integer below 2⁵³ is a double of its own.
            let is_count = value >= 0.0 && value.fract() == 0.0 && value < 9.0e15;
            let fault = || {
                let message = format!("column `{column}` holds {value} for arm `{arm}`, which is no count");
                Box::new(table.fault(column, message).with_help("give a whole number, 0 or more"))
            };
            if is_count { Ok(value as u64) } else { Err(fault()) }
        };
        let number = |column: &Option<Float64Array>| column.as_ref().filter(|c| c.is_valid(row)).map(|c| c.value(row));
        let Some(n) = number(&Some(self.n.clone())) else {
            return Err(Box::new(
                table.fault("n", format!("column `n` is empty for arm `{arm}`")).with_help("give its units"),
            ));
        };
        Ok(SummaryArm {
            arm: arm.to_owned(),
            n: count("n", n)?,
            mean: number(&self.mean),
            variance: number(&self.variance),
            successes: number(&self.successes).map(|successes| count("successes", successes)).transpose()?,
            means: None,
            covariance: None,
        })
    }
}

fn at(texts: &StringArray, row: usize) -> Option<&str> {
    texts.is_valid(row).then(|| texts.value(row))
}

/// The arms of each look at one metric.
type LooksInOrder<'a> = BTreeMap<Moment<'a>, Vec<SummaryArm>>;

/// Groups the rows by experiment and metric, the looks of each in their order.
fn looks(table: &Columns, question: &Question) -> Result<Vec<Looks>, Box<Fault>> {
    let cells = Cells::of(table)?;
    let order = Order::of(cells.look.as_ref());
    let mut found: BTreeMap<(Option<&str>, &str), LooksInOrder<'_>> = BTreeMap::new();
    for row in 0..table.rows() {
        let experiment = key(table, "experiment", cells.experiment.as_ref(), row)?;
        let metric = key(table, "metric", cells.metric.as_ref(), row)?.unwrap_or(OUTCOME);
        let look = key(table, "look", cells.look.as_ref(), row)?;
        if !question.metrics.is_empty() && !question.metrics.iter().any(|name| name == metric) {
            continue;
        }
        let arm = cells.arm(table, row)?;
        let arms = found.entry((experiment, metric)).or_default().entry(order.moment(look)).or_default();
        if arms.iter().any(|other| other.arm == arm.arm) {
            let message = format!("{} is there twice", place(experiment, metric, look, &arm.arm));
            return Err(Box::new(table.fault("arm", message).with_help("give one row for each arm at each look")));
        }
        arms.push(arm);
    }
    if found.is_empty() {
        let help =
            if question.metrics.is_empty() { "give a table with rows" } else { "name a metric that the table has" };
        return Err(Box::new(table.fault("metric", "no row to answer from").with_help(help)));
    }
    let mut all = Vec::with_capacity(found.len());
    for ((experiment, metric), looks) in found {
        let mut arms_of_looks = Vec::with_capacity(looks.len());
        for (Moment { text, .. }, mut arms) in looks {
            arms.sort_by(|one, other| one.arm.cmp(&other.arm));
            if !arms.iter().any(|arm| arm.arm == question.control) || arms.len() < 2 {
                return Err(incomplete(table, question, place_of(experiment, metric, text), &arms));
            }
            arms_of_looks.push((text.map(str::to_owned), arms));
        }
        let looks = Looks { experiment: experiment.map(str::to_owned), metric: metric.to_owned(), arms: arms_of_looks };
        all.push(looks);
    }
    Ok(all)
}

/// A cell that tells rows apart, which must not be empty.
fn key<'a>(
    table: &Columns,
    column: &str,
    texts: Option<&'a StringArray>,
    row: usize,
) -> Result<Option<&'a str>, Box<Fault>> {
    let Some(texts) = texts else { return Ok(None) };
    match at(texts, row) {
        Some(text) => Ok(Some(text)),
        None => {
            let message = format!("column `{column}` is empty in a row");
            Err(Box::new(table.fault(column, message).with_help("fill it in, or leave the row out")))
        }
    }
}

fn place_of(experiment: Option<&str>, metric: &str, look: Option<&str>) -> String {
    let parts = [
        experiment.map(|name| format!("experiment `{name}`")),
        Some(format!("metric `{metric}`")),
        look.map(|look| format!("look {look}")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn place(experiment: Option<&str>, metric: &str, look: Option<&str>, arm: &str) -> String {
    format!("{}, arm `{arm}`", place_of(experiment, metric, look))
}

fn incomplete(table: &Columns, question: &Question, place: String, arms: &[SummaryArm]) -> Box<Fault> {
    let found = arms.iter().map(|arm| format!("`{}`", arm.arm)).collect::<Vec<_>>().join(", ");
    let message = match arms.len() {
        1 => format!("{place} has one arm, {found}, and a comparison needs two"),
        _ => format!("{place} has no arm `{}`; it has {found}", question.control),
    };
    let fault = table.fault("arm", message);
    Box::new(fault.with_help("name the arm compared against with `--control`, or leave the rows out"))
}

/// The place of a look among others: by its number where all are numbers.
#[derive(Clone, Copy, Debug)]
struct Moment<'a> {
    number: Option<f64>,
    text: Option<&'a str>,
}

impl Ord for Moment<'_> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let by_number = self.number.zip(other.number).map(|(one, other)| one.total_cmp(&other));
        by_number.unwrap_or(std::cmp::Ordering::Equal).then_with(|| self.text.cmp(&other.text))
    }
}

impl PartialOrd for Moment<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Moment<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Moment<'_> {}

/// Whether looks are told by numbers.
struct Order {
    numbers: bool,
}

impl Order {
    fn of(looks: Option<&StringArray>) -> Self {
        Self {
            numbers: looks.is_some_and(|looks| looks.iter().flatten().all(|look| look.trim().parse::<f64>().is_ok())),
        }
    }

    fn moment<'a>(&self, look: Option<&'a str>) -> Moment<'a> {
        Moment { number: look.filter(|_| self.numbers).and_then(|look| look.trim().parse().ok()), text: look }
    }
}
