//! The catalogue of metrics, searched by what the address says.

use std::collections::BTreeSet;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use axum::routing::get;
use estimand_analysis::metrics::definition::Metric;
use serde::{Deserialize, Serialize};

use crate::handler::Page;
use crate::layout::Layout;
use crate::library::Library;
use crate::refusal::Refusal;
use crate::site::Site;

pub(crate) const PAGE: Page = Page {
    paths: &["/metrics"],
    template: Some(("metrics", include_str!("../../templates/metrics.html"))),
    routes: || get(show),
};

/// What is looked for; what is empty holds for every metric.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct Search {
    /// Words that all stand somewhere in name, label, description, owner or tags.
    q: String,
    kind: String,
    owner: String,
    tag: String,
}

#[derive(Serialize)]
struct View {
    search: Search,
    searched: bool,
    metrics: Vec<Entry>,
    all: usize,
    kinds: BTreeSet<String>,
    owners: BTreeSet<String>,
    tags: BTreeSet<String>,
}

#[derive(Serialize)]
struct Entry {
    name: String,
    label: String,
    description: Option<String>,
    kind: &'static str,
    owner: Option<String>,
    tags: Vec<String>,
    sources: Vec<String>,
    uses: usize,
}

async fn show(State(site): State<Site>, search: Result<Query<Search>, QueryRejection>) -> Result<Response, Refusal> {
    let Query(search) = search.map_err(|_| Refusal::BadAddress)?;
    let library = site.library().await?;
    let all = library.project.metrics();
    let view = View {
        searched: [&search.q, &search.kind, &search.owner, &search.tag].iter().any(|field| !field.trim().is_empty()),
        metrics: all.values().filter(|metric| search.finds(metric)).map(|metric| Entry::of(metric, &library)).collect(),
        all: all.len(),
        kinds: all.values().map(|metric| metric.outcome.kind().to_owned()).collect(),
        owners: all.values().filter_map(|metric| metric.owner.clone()).collect(),
        tags: all.values().flat_map(|metric| metric.tags.iter().cloned()).collect(),
        search,
    };
    site.render("metrics", Layout::of(&library, "Metrics", "/metrics"), view)
}

impl Search {
    fn finds(&self, metric: &Metric) -> bool {
        let owner = metric.owner.as_deref().unwrap_or_default();
        let described = metric.description.as_deref().unwrap_or_default();
        let text =
            format!("{} {} {described} {owner} {}", metric.name, metric.label, metric.tags.join(" ")).to_lowercase();
        self.q.to_lowercase().split_whitespace().all(|word| text.contains(word))
            && (self.kind.is_empty() || metric.outcome.kind() == self.kind)
            && (self.owner.is_empty() || owner == self.owner)
            && (self.tag.is_empty() || metric.tags.contains(&self.tag))
    }
}

impl Entry {
    fn of(metric: &Metric, library: &Library) -> Self {
        Self {
            name: metric.name.clone(),
            label: metric.label.clone(),
            description: metric.description.clone(),
            kind: metric.outcome.kind(),
            owner: metric.owner.clone(),
            tags: metric.tags.clone(),
            sources: metric.sources().into_iter().map(str::to_owned).collect(),
            uses: library.uses_of(&metric.name).count(),
        }
    }
}
