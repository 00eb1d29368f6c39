//! One metric: its definition, who uses it, and the SQL that it becomes.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use axum::routing::get;
use estimand_analysis::metrics::definition::{
    Bound, Cap, CapOf, Covariate, Direction, Duration, Experiment, Metric, NumberStyle, Role, UnitValue, WhenEmpty,
};
use estimand_analysis::metrics::kind::{self, Outcome};
use estimand_analysis::metrics::project::{Definition, Project};
use estimand_analysis::metrics::reading::nearest::nearest;
use estimand_analysis::report::highlighted_sql;
use estimand_analysis::statements::Statements;
use estimand_analysis::viz::number;
use serde::{Deserialize, Serialize};

use crate::handler::{Name, Page};
use crate::layout::Layout;
use crate::library::Library;
use crate::refusal::Refusal;
use crate::site::Site;

pub(crate) const PAGE: Page = Page {
    paths: &["/metrics/{name}"],
    template: Some(("metric", include_str!("../../templates/metric.html"))),
    routes: || get(show),
};

/// Which experiment's SQL is shown.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    #[serde(rename = "in")]
    experiment: String,
}

#[derive(Serialize)]
struct View {
    name: String,
    label: String,
    description: Option<String>,
    kind: &'static str,
    about_kind: &'static str,
    higher_is_better: bool,
    facts: Vec<Fact>,
    tags: Vec<String>,
    parameters: Vec<Parameter>,
    uses: Vec<Use>,
    /// Metrics that adjust for this one.
    covariate_of: Vec<(String, String)>,
    /// In the experiment that was asked for, else the first that names the metric.
    sql: Option<Sql>,
    file: String,
    text: String,
}

/// A field of the definition in words; what stands between backticks is code.
#[derive(Serialize)]
struct Fact {
    term: &'static str,
    text: String,
}

#[derive(Serialize)]
struct Parameter {
    name: String,
    kind: String,
    default: Option<String>,
    allowed: Option<String>,
    description: Option<String>,
}

/// An experiment that names the metric.
#[derive(Serialize)]
struct Use {
    name: String,
    label: String,
    role: String,
}

/// The statements that one experiment makes of the metric.
#[derive(Serialize)]
struct Sql {
    name: String,
    label: String,
    /// As HTML.
    text: Option<String>,
    /// Why there are none.
    refusal: Option<String>,
}

async fn show(
    State(site): State<Site>,
    Name(name): Name,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Refusal> {
    let Query(asked) = asked.map_err(|_| Refusal::BadAddress)?;
    let library = site.library().await?;
    let project = &library.project;
    let Some(metric) = project.metric(&name) else {
        let nearest = nearest(&name, project.metrics().keys().map(String::as_str)).map(str::to_owned);
        return Err(Refusal::NoMetric { name, nearest });
    };
    let file = project.file_of(Definition::Metric(&name)).unwrap_or_default().to_owned();
    let view = View {
        name: metric.name.clone(),
        label: metric.label.clone(),
        description: metric.description.clone(),
        kind: metric.outcome.kind(),
        about_kind: kind::named(metric.outcome.kind()).map_or("", |kind| kind.doc()),
        higher_is_better: metric.direction == Direction::Higher,
        facts: facts(metric, project),
        tags: metric.tags.clone(),
        parameters: parameters(metric),
        uses: uses(&library, &name),
        covariate_of: covariate_of(project, &name),
        sql: sql(&library, &name, &asked.experiment).await?,
        text: project.files().iter().find(|one| one.path == file).map(|one| one.text.clone()).unwrap_or_default(),
        file,
    };
    site.render("metric", Layout::of(&library, metric.label.clone(), "/metrics"), view)
}

fn facts(metric: &Metric, project: &Project) -> Vec<Fact> {
    let mut facts = Vec::new();
    let mut fact = |term, text: Option<String>| facts.extend(text.map(|text| Fact { term, text }));
    let has_clock = |value: &UnitValue| project.source(&value.source).is_some_and(|source| source.clock.is_some());
    match &metric.outcome {
        Outcome::Mean(value) | Outcome::Proportion(value) => {
            fact("Value of a unit", Some(value_words(value)));
            fact("Capped", value.cap.map(cap_words));
            fact("Without rows", Some(empty_words(value)));
        }
        Outcome::Ratio { numerator, denominator } => {
            fact("Above the line", Some(value_words(numerator)));
            fact("Capped above", numerator.cap.map(cap_words));
            fact("Below the line", Some(value_words(denominator)));
            fact("Capped below", denominator.cap.map(cap_words));
            fact("Without rows", Some(format!("{}; {}", empty_words(numerator), empty_words(denominator))));
        }
        Outcome::TimeToEvent { duration, event } => {
            fact("Time", Some(value_words(duration)));
            fact("Capped", duration.cap.map(cap_words));
            fact("Event", Some(value_words(event)));
            fact("Without rows", Some(format!("{}; {}", empty_words(duration), empty_words(event))));
        }
    }
    if metric.outcome.values().any(has_clock) {
        fact("Counted", Some(window_words(metric)));
        fact(
            "Units",
            metric.window.length.map(|_| match metric.window.matured {
                true => "only those whose whole window has passed".to_owned(),
                false => "all, also those whose window has not passed".to_owned(),
            }),
        );
    }
    let before = |lookback| format!("the same value over the {} before exposure", in_words(lookback));
    let covariates = metric.covariates.iter().map(|covariate| match covariate {
        Covariate::Metric(name) => format!("metric `{name}`"),
        Covariate::Column(name) => format!("column `{name}`"),
    });
    let adjusted: Vec<String> = metric.lookback.map(before).into_iter().chain(covariates).collect();
    fact("Adjusted for", (!adjusted.is_empty()).then(|| adjusted.join("; ")));
    let better = match metric.direction {
        Direction::Higher => "higher is better",
        Direction::Lower => "lower is better",
    };
    fact("Direction", Some(better.to_owned()));
    fact("Measured in", metric.measured_in.clone());
    let style = match metric.format.style {
        NumberStyle::Currency => "currency",
        NumberStyle::Integer => "integer",
        NumberStyle::Number => "number",
        NumberStyle::Percent => "percent",
    };
    let decimals = metric.format.decimals.map(|decimals| format!(", {decimals} decimals")).unwrap_or_default();
    fact("Written as", Some(format!("{style}{decimals}")));
    fact("Owner", Some(metric.owner.clone().unwrap_or_else(|| "nobody is named".to_owned())));
    facts
}

fn value_words(value: &UnitValue) -> String {
    let filter = value.filter.as_ref().map(|filter| format!(" where `{filter}`")).unwrap_or_default();
    format!("`{}` over its rows in `{}`{filter}", value.aggregation, value.source)
}

fn empty_words(value: &UnitValue) -> String {
    match value.when_empty {
        WhenEmpty::Null => "a unit does not count".to_owned(),
        WhenEmpty::Value(empty) => format!("a unit has {empty}"),
    }
}

fn cap_words(cap: Cap) -> String {
    let bound = |bound: Bound| match bound {
        Bound::Value(value) => value.to_string(),
        Bound::Percentile { rank, of } => {
            let of = match of {
                CapOf::All => "all values",
                CapOf::Nonzero => "values other than zero",
            };
            format!("the {} percentile of {of}, over all arms", number::level(rank))
        }
    };
    let ends = [("at least", cap.lower), ("at most", cap.upper)];
    let ends = ends.into_iter().filter_map(|(word, end)| Some(format!("{word} {}", bound(end?))));
    ends.collect::<Vec<_>>().join(", ")
}

fn window_words(metric: &Metric) -> String {
    let delay = metric.window.delay;
    let from =
        if delay.milliseconds() == 0 { "exposure".to_owned() } else { format!("{} after exposure", in_words(delay)) };
    match metric.window.length {
        Some(length) => format!("rows within {} from {from}", in_words(length)),
        None => format!("rows from {from} on"),
    }
}

fn parameters(metric: &Metric) -> Vec<Parameter> {
    let written = |values: &[estimand_analysis::metrics::definition::Value]| {
        let words: Vec<String> = values.iter().map(ToString::to_string).collect();
        (!words.is_empty()).then(|| words.join(", "))
    };
    metric
        .parameters
        .values()
        .map(|parameter| Parameter {
            name: parameter.name.clone(),
            kind: parameter.kind.to_string(),
            default: parameter.default.as_ref().map(ToString::to_string),
            allowed: written(&parameter.allowed),
            description: parameter.description.clone(),
        })
        .collect()
}

fn uses(library: &Library, metric: &str) -> Vec<Use> {
    library
        .uses_of(metric)
        .map(|(experiment, entry)| Use {
            name: experiment.name.clone(),
            label: experiment.label.clone(),
            role: match entry.role {
                Role::Guardrail { margin } => format!("guardrail, margin {}", number::share(margin)),
                role => role.kind().word().to_owned(),
            },
        })
        .collect()
}

/// Name and label of each metric that adjusts for this one.
fn covariate_of(project: &Project, name: &str) -> Vec<(String, String)> {
    let adjusts = |metric: &&Metric| {
        metric.covariates.iter().any(|covariate| matches!(covariate, Covariate::Metric(other) if other == name))
    };
    project.metrics().values().filter(adjusts).map(|metric| (metric.name.clone(), metric.label.clone())).collect()
}

async fn sql(library: &Arc<Library>, metric: &str, asked: &str) -> Result<Option<Sql>, Refusal> {
    let uses: Vec<&Experiment> = library.uses_of(metric).map(|(experiment, _)| experiment).collect();
    let Some(experiment) = uses.iter().find(|experiment| experiment.name == asked).or(uses.first()) else {
        return Ok(None);
    };
    let made = match library.columns_of(&experiment.name).await {
        None => Err("the columns of its sources are still being looked up; load the page again".to_owned()),
        Some(Err(error)) => Err(error),
        Some(Ok(columns)) => {
            let (library, name, metric) = (Arc::clone(library), experiment.name.clone(), metric.to_owned());
            // Compiling reads nothing and takes milliseconds, but those are not for a thread that others wait for.
            let writing = tokio::task::spawn_blocking(move || {
                let experiment = library.project.experiment(&name)?;
                Some(Statements::of_metric(&library.project, experiment, &metric, &columns))
            });
            writing.await?.transpose().map_err(|error| error.to_string()).map(Option::unwrap_or_default)
        }
    };
    let (text, refusal) = match made {
        Ok(made) => (Some(highlighted_sql(&made.to_string())), None),
        Err(refusal) => (None, Some(refusal)),
    };
    Ok(Some(Sql { name: experiment.name.clone(), label: experiment.label.clone(), text, refusal }))
}

/// A length of time in words: `14 days`, `1 hour`.
fn in_words(duration: Duration) -> String {
    let written = duration.to_string();
    let digits = written.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = written.split_at(digits);
    let unit = match unit {
        "d" => "day",
        "h" => "hour",
        "m" => "minute",
        "s" => "second",
        _ => "millisecond",
    };
    format!("{number} {unit}{}", if number == "1" { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_words() {
        for (text, words) in [("1d", "1 day"), ("2w", "14 days"), ("90m", "90 minutes"), ("5ms", "5 milliseconds")] {
            assert_eq!(in_words(Duration::parse(text).unwrap()), words);
        }
    }
}
