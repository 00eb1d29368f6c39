//! The result table of a run as the Arrow file that was recorded.

use axum::extract::State;
use axum::http::header::CONTENT_DISPOSITION;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use axum::routing::get;

use crate::handler::{Name, Page};
use crate::site::Site;
use crate::stored::{Keep, bytes, find, read};

pub(crate) const PAGE: Page = Page { paths: &["/runs/{id}/results.arrow"], template: None, routes: || get(show) };

async fn show(State(site): State<Site>, Name(id): Name, asked: HeaderMap) -> Result<Response, Response> {
    let run = find(&site, &id, "/results.arrow").await?;
    let name = format!("attachment; filename=\"{}.arrow\"", run.id().short());
    let table = read(run, |run| run.artefact("results.arrow")).await?;
    let mut response = bytes(&asked, "application/vnd.apache.arrow.file", Keep::Immutable, table);
    // Digits and letters only, so it is always a header.
    response.headers_mut().extend(HeaderValue::from_str(&name).ok().map(|name| (CONTENT_DISPOSITION, name)));
    Ok(response)
}
