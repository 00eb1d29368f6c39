//! A run as a line of a list.

use estimand_analysis::metrics::definition::Experiment;
use estimand_analysis::metrics::project::Project;
use estimand_analysis::run::RunRow;
use jiff::Timestamp;
use serde::Serialize;

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
}

/// An instant, for machines and for people.
#[derive(Clone, Debug, Serialize)]
struct Moment {
    instant: String,
    words: String,
}

impl RunLine {
    /// The line of a run; the labels of arms and metrics are those that the project gives them now.
    pub(crate) fn of(row: RunRow, project: &Project) -> Self {
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
