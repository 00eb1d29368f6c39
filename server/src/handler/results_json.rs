//! The results of a run as JSON: the document that `estimand analyze --format json` prints.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use estimand_analysis::answered::Answered;
use estimand_analysis::keep::REPORT;
use estimand_analysis::output;
use estimand_analysis::report::ReportModel;
use estimand_analysis::run::{self, StoredRun};

use crate::handler::{Name, Page};
use crate::refusal::Refusal;
use crate::site::Site;
use crate::stored::{Keep, bytes, find, read};

pub(crate) const PAGE: Page = Page { paths: &["/runs/{id}/results.json"], template: None, routes: || get(show) };

async fn show(State(site): State<Site>, Name(id): Name, asked: HeaderMap) -> Result<Response, Response> {
    let run = find(&site, &id, "/results.json").await?;
    let answered = read(run, answered).await?;
    let mut document = Vec::new();
    output::by_name("json")
        .ok_or_else(|| "no format `json`".to_owned())
        .and_then(|format| format.write(&answered, &mut document).map_err(|error| error.to_string()))
        .map_err(|detail| Refusal::Internal { detail }.into_response())?;
    Ok(bytes(&asked, "application/json", Keep::Immutable, document))
}

fn answered(run: &StoredRun) -> Result<Answered, run::Error> {
    let report: ReportModel = serde_json::from_slice(&run.artefact(REPORT)?)
        .map_err(|error| run::Error::Unreadable { path: run.folder().join(REPORT), reason: error.to_string() })?;
    Ok(Answered {
        verdict: run.summary()?.verdict,
        checks: report.checks,
        estimates: run.results()?,
        ..Answered::default()
    })
}
