//! The runs of the project, those of bare files and of experiments that are no longer in it included.

use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use estimand_analysis::run::Filter;
use serde::Serialize;

use crate::handler::Page;
use crate::layout::Layout;
use crate::refusal::Refusal;
use crate::run_line::RunLine;
use crate::site::Site;

pub(crate) const PAGE: Page = Page {
    paths: &["/runs"],
    template: Some(("runs", include_str!("../../templates/runs.html"))),
    routes: || get(show),
};

/// Lines on the page.
const MOST: u32 = 100;

#[derive(Serialize)]
struct View {
    runs: Vec<RunLine>,
    /// How many are shown, when there are more.
    cut: Option<u32>,
}

async fn show(State(site): State<Site>) -> Result<Response, Refusal> {
    let library = site.library().await?;
    let mut rows = site.runs().list(&Filter { limit: Some(MOST + 1), ..Filter::default() }).await?;
    let cut = (rows.len() > MOST as usize).then_some(MOST);
    rows.truncate(MOST as usize);
    let runs = RunLine::of_all(&site, rows, &library.project).await?;
    site.render("runs", Layout::of(&library, "Runs", "/runs"), View { runs, cut })
}
