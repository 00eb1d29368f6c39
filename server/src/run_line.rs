//! A run as a line of a list.

use estimand_analysis::metrics::definition::Experiment;
use estimand_analysis::metrics::project::Project;
use estimand_analysis::run::{Inputs, RunRow};
use estimand_analysis::viz::number;
use jiff::Timestamp;
use serde::Serialize;

use crate::refusal::Refusal;
use crate::site::Site;

/// A run as a line of a list.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RunLine {
    id: String,
    short: String,
    title: String,
    experiment: String,
    /// Whether there can be a page of its experiment.
    has_page: bool,
    /// What the verdict rests on: word, colour, shape.
    chip: (&'static str, &'static str, &'static str),
    verdict: String,
    recorded: Option<Moment>,
    as_of: Option<Moment>,
    /// What was asked otherwise than the experiment's file says; empty for a run as planned.
    otherwise: Vec<String>,
}

/// An instant, for machines and for people.
#[derive(Clone, Debug, Serialize)]
struct Moment {
    instant: String,
    words: String,
}

impl RunLine {
    /// The lines of runs; the labels of arms and metrics are those that the project gives them now.
    pub(crate) async fn of_all(site: &Site, rows: Vec<RunRow>, project: &Project) -> Result<Vec<Self>, Refusal> {
        let mut found = Vec::new();
        for row in &rows {
            // A run that is damaged or hidden keeps its line: its own page says why it is not shown.
            found.push(site.runs().get(row.id.as_str()).await.ok());
        }
        let reading = tokio::task::spawn_blocking(move || {
            found.into_iter().map(|run| run.and_then(|run| run.inputs().ok())).collect::<Vec<_>>()
        });
        let inputs = reading.await?;
        Ok(rows.into_iter().zip(inputs).map(|(row, inputs)| Self::of(row, inputs.as_ref(), project)).collect())
    }

    fn of(row: RunRow, inputs: Option<&Inputs>, project: &Project) -> Self {
        let known = project.experiment(&row.experiment);
        let verdict = known.map(|experiment| labelled(&row.verdict, experiment, project)).unwrap_or(row.verdict);
        Self {
            short: row.id.short().to_owned(),
            id: row.id.to_string(),
            title: if row.title.is_empty() { row.experiment.clone() } else { row.title },
            has_page: is_address(&row.experiment),
            chip: match row.kind.as_str() {
                "decided" => ("decided", "plain", "tick"),
                "running" => ("running", "undecided", "ring"),
                "check_data" => ("check data", "caution", "alert"),
                _ => ("no verdict", "plain", "dash"),
            },
            verdict,
            recorded: row.started.as_deref().map(Moment::of),
            as_of: row.as_of.as_deref().map(Moment::of),
            otherwise: inputs.map(otherwise).unwrap_or_default(),
            experiment: row.experiment,
        }
    }
}

impl Moment {
    /// To the minute in UTC; what is no instant is shown as it was recorded.
    fn of(instant: &str) -> Self {
        let words = instant.parse::<Timestamp>().map(|at| at.strftime("%Y-%m-%d %H:%M UTC").to_string());
        Self { words: words.unwrap_or_else(|_| instant.to_owned()), instant: instant.to_owned() }
    }
}

/// What a run asked otherwise than the experiment's file says, so that no exploration passes for the plan.
fn otherwise(inputs: &Inputs) -> Vec<String> {
    let change = &inputs.change;
    let only = |what: &str, names: &[String]| {
        let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        (!names.is_empty()).then(|| format!("only {what} {}", quoted.join(", ")))
    };
    let mut words = Vec::new();
    words.extend(only("metrics", &change.metrics));
    words.extend(only("cut by", &change.dimensions));
    words.extend(change.level.map(|level| format!("level {}", number::level(level))));
    words.extend(change.estimator.as_ref().map(|name| format!("estimator `{name}`")));
    words.extend(change.options.iter().map(|(name, value)| format!("option `{name}={value}`")));
    words.extend(inputs.parameters.iter().map(|(name, value)| format!("parameter `{name}={value}`")));
    words
}

/// A verdict with arms and metrics by their names for people, where it quotes those of the files.
fn labelled(verdict: &str, experiment: &Experiment, project: &Project) -> String {
    let arms = experiment.arms.iter().map(|arm| (&arm.name, &arm.label));
    let metrics = experiment.metrics.iter().filter_map(|entry| project.metric(&entry.metric));
    let metrics = metrics.map(|metric| (&metric.name, &metric.label));
    arms.chain(metrics).fold(verdict.to_owned(), |verdict, (name, label)| verdict.replace(&format!("`{name}`"), label))
}

/// Whether a name can stand in an address as it is: those of projects can, those of bare files may not.
pub(crate) fn is_address(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}
