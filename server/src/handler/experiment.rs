//! One experiment: what was decided before the data, and its runs.

use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use estimand_analysis::metrics::definition::{Covariate, Experiment, Role};
use estimand_analysis::metrics::project::{Definition, Project};
use estimand_analysis::metrics::reading::nearest::nearest;
use estimand_analysis::run::Filter;
use estimand_analysis::viz::number;
use jiff::Timestamp;
use serde::Serialize;

use crate::handler::{Name, Page};
use crate::layout::Layout;
use crate::phase::{Phase, dates};
use crate::refusal::Refusal;
use crate::run_line::RunLine;
use crate::site::Site;

pub(crate) const PAGE: Page = Page {
    paths: &["/experiments/{name}"],
    template: Some(("experiment", include_str!("../../templates/experiment.html"))),
    routes: || get(show),
};

/// Runs on the page.
const MOST: u32 = 100;

#[derive(Serialize)]
struct View {
    name: String,
    label: String,
    /// What the project says of it; `None` when only its runs are left.
    definition: Option<Defined>,
    runs: Vec<RunLine>,
    /// How many are shown, when there are more.
    cut: Option<u32>,
}

#[derive(Serialize)]
struct Defined {
    hypothesis: Option<String>,
    description: Option<String>,
    phase: Phase,
    facts: Vec<(&'static str, String)>,
    arms: Vec<Arm>,
    roles: Vec<RoleGroup>,
    file: String,
}

#[derive(Serialize)]
struct Arm {
    label: String,
    name: String,
    /// The planned share; `None` when none was planned.
    allocation: Option<String>,
    control: bool,
}

/// The metrics of one role, in the order of the file.
#[derive(Serialize)]
struct RoleGroup {
    role: &'static str,
    metrics: Vec<MetricEntry>,
}

#[derive(Serialize)]
struct MetricEntry {
    name: String,
    label: String,
    /// What a guardrail is tested against.
    margin: Option<String>,
}

async fn show(State(site): State<Site>, Name(name): Name) -> Result<Response, Refusal> {
    let library = site.library().await?;
    let project = &library.project;
    let filter = Filter { experiment: Some(name.clone()), limit: Some(MOST + 1) };
    // The empty name is that of no experiment; as a filter it would be a name like any other.
    let mut rows = if name.is_empty() { Vec::new() } else { site.runs().list(&filter).await? };
    let experiment = project.experiment(&name);
    if experiment.is_none() && rows.is_empty() {
        let nearest = nearest(&name, project.experiments().keys().map(String::as_str)).map(str::to_owned);
        return Err(Refusal::NoExperiment { name, nearest });
    }
    let cut = (rows.len() > MOST as usize).then_some(MOST);
    rows.truncate(MOST as usize);
    let label = experiment.map_or_else(|| name.clone(), |experiment| experiment.label.clone());
    let view = View {
        label: label.clone(),
        definition: experiment.map(|experiment| defined(experiment, project)),
        runs: RunLine::of_all(&site, rows, project).await?,
        cut,
        name,
    };
    site.render("experiment", Layout::of(&library, label, "/"), view)
}

fn defined(experiment: &Experiment, project: &Project) -> Defined {
    let arm = |arm: &estimand_analysis::metrics::definition::Arm| Arm {
        label: arm.label.clone(),
        name: arm.name.clone(),
        allocation: (arm.allocation > 0.0).then(|| number::share(arm.allocation)),
        control: arm.name == experiment.control,
    };
    let file = project.file_of(Definition::Experiment(&experiment.name)).unwrap_or_default().to_owned();
    Defined {
        hypothesis: experiment.hypothesis.clone(),
        description: experiment.description.clone(),
        phase: Phase::of(experiment, Timestamp::now()),
        facts: facts(experiment),
        arms: experiment.arms.iter().map(arm).collect(),
        roles: roles(experiment, project),
        file,
    }
}

/// What was decided before the data, in short lines.
fn facts(experiment: &Experiment) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    let mut fact = |term, text: Option<String>| facts.extend(text.map(|text| (term, text)));
    fact("Owner", experiment.owner.clone());
    fact("Dates", dates(experiment));
    fact("Unit", Some(experiment.unit.clone()));
    fact("Assigned in", Some(experiment.assignment.source.clone()));
    fact("Of these rows", experiment.assignment.filter.as_ref().map(|filter| format!("`{filter}`")));
    fact(
        "Counted once",
        experiment.trigger.as_ref().map(|trigger| match &trigger.filter {
            Some(filter) => format!("a row of `{}` has `{filter}`", trigger.source),
            None => format!("there is a row in `{}`", trigger.source),
        }),
    );
    let dimensions: Vec<&str> = experiment.dimensions.iter().map(|dimension| dimension.name.as_str()).collect();
    fact("Cut by", (!dimensions.is_empty()).then(|| dimensions.join(", ")));
    fact("Level", Some(number::level(experiment.analysis.level)));
    fact("Estimator", experiment.analysis.estimator.as_ref().map(|name| format!("`{name}`")));
    let covariates = experiment.analysis.covariates.iter().map(|covariate| match covariate {
        Covariate::Metric(name) => format!("metric `{name}`"),
        Covariate::Column(name) => format!("column `{name}`"),
    });
    let covariates: Vec<String> = covariates.collect();
    fact("Adjusted for", (!covariates.is_empty()).then(|| covariates.join("; ")));
    let correction = experiment.analysis.correction;
    fact(
        "Corrected",
        Some(format!(
            "primary `{}`, secondary `{}`, segments `{}`",
            correction.primary.name(),
            correction.secondary.name(),
            correction.segments.name()
        )),
    );
    fact("Ends at", experiment.plan.units.map(|units| format!("{} units", number::count(units))));
    fact("No verdict below", experiment.plan.minimum_units.map(|units| format!("{} units", number::count(units))));
    let small = experiment.plan.minimum_effect.iter();
    let small: Vec<String> = small.map(|(name, effect)| format!("`{name}` {}", number::share(*effect))).collect();
    fact("Too small to matter", (!small.is_empty()).then(|| format!("effects below {}", small.join(", "))));
    fact("Tags", (!experiment.tags.is_empty()).then(|| experiment.tags.join(", ")));
    facts
}

fn roles(experiment: &Experiment, project: &Project) -> Vec<RoleGroup> {
    let mut groups: Vec<RoleGroup> = Vec::new();
    for entry in &experiment.metrics {
        let role = entry.role.kind().word();
        let metric = MetricEntry {
            name: entry.metric.clone(),
            label: project.metric(&entry.metric).map_or_else(|| entry.metric.clone(), |metric| metric.label.clone()),
            margin: match entry.role {
                Role::Guardrail { margin } => Some(number::share(margin)),
                Role::Primary | Role::Secondary | Role::Informational => None,
            },
        };
        match groups.last_mut().filter(|group| group.role == role) {
            Some(group) => group.metrics.push(metric),
            None => groups.push(RoleGroup { role, metrics: vec![metric] }),
        }
    }
    groups
}
