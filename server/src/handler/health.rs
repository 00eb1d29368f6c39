//! Whether the server can show what it should, for programs.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use estimand_analysis::run::Filter;
use serde_json::json;

use crate::handler::Page;
use crate::refusal::Refusal;
use crate::site::Site;

pub(crate) const PAGE: Page = Page { paths: &["/health"], template: None, routes: || get(show) };

/// 200 when the record of runs can be read, else 503. Files that do not hold together are told, and stop nothing: what last did is shown.
async fn show(State(site): State<Site>) -> Result<Response, Refusal> {
    let library = site.library().await?;
    let runs = site.runs().list(&Filter { limit: Some(1), ..Filter::default() }).await.is_ok();
    let (definitions, faults) = (library.faults.is_empty(), library.faults.len());
    let word = |holds: bool| if holds { "ok" } else { "faulty" };
    let status = if runs { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({
        "status": word(runs && definitions),
        "runs": word(runs),
        "definitions": word(definitions),
        "faults": faults,
        "project": library.project.manifest().name,
        "version": env!("CARGO_PKG_VERSION"),
    });
    Ok((status, Json(body)).into_response())
}
