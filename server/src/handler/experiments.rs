//! The experiments of the project, each with the verdict of its latest run.

use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use estimand_analysis::run::Filter;
use jiff::Timestamp;
use serde::Serialize;

use crate::handler::Page;
use crate::layout::Layout;
use crate::phase::{Phase, dates};
use crate::refusal::Refusal;
use crate::run_line::RunLine;
use crate::site::Site;

pub(crate) const PAGE: Page = Page {
    paths: &["/"],
    template: Some(("experiments", include_str!("../../templates/experiments.html"))),
    routes: || get(show),
};

#[derive(Serialize)]
struct View {
    description: Option<String>,
    experiments: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    name: String,
    label: String,
    owner: Option<String>,
    dates: Option<String>,
    phase: Phase,
    latest: Option<RunLine>,
}

async fn show(State(site): State<Site>) -> Result<Response, Refusal> {
    let library = site.library().await?;
    let (project, now) = (&library.project, Timestamp::now());
    let mut experiments = Vec::new();
    for experiment in project.experiments().values() {
        let filter = Filter { experiment: Some(experiment.name.clone()), limit: Some(1) };
        let latest = RunLine::of_all(&site, site.runs().list(&filter).await?, project).await?.pop();
        experiments.push(Entry {
            name: experiment.name.clone(),
            label: experiment.label.clone(),
            owner: experiment.owner.clone(),
            dates: dates(experiment),
            phase: Phase::of(experiment, now),
            latest,
        });
    }
    // Stable: by name within a phase.
    experiments.sort_by_key(|entry| entry.phase.order);
    let description = project.manifest().description.clone();
    site.render("experiments", Layout::of(&library, "Experiments", "/"), View { description, experiments })
}
