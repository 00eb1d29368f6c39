//! The pages: one file each, and the one list of them.
//!
//! A page owns its addresses, its template and how it is shown. What holds for every page (errors, headers, the log) is added by the
//! router, so a handler only finds what it shows, or says why it cannot.

mod assets;
mod experiment;
mod experiments;
mod health;
mod metric;
mod metrics;
mod plotly;
mod report;
mod results_arrow;
mod results_json;
mod runs;

use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use axum::routing::MethodRouter;

use crate::refusal::Refusal;
use crate::site::Site;

/// Every page, in alphabetical order of their files.
pub(crate) const ALL: &[&Page] = &[
    &assets::PAGE,
    &experiment::PAGE,
    &experiments::PAGE,
    &health::PAGE,
    &metric::PAGE,
    &metrics::PAGE,
    &plotly::PAGE,
    &report::PAGE,
    &results_arrow::PAGE,
    &results_json::PAGE,
    &runs::PAGE,
];

/// A page.
pub(crate) struct Page {
    /// Where it is.
    pub(crate) paths: &'static [&'static str],
    /// The name and text of its template; `None` when what it shows is no page of ours.
    pub(crate) template: Option<(&'static str, &'static str)>,
    /// How it answers.
    pub(crate) routes: fn() -> MethodRouter<Site>,
}

/// The one name in an address, such as the metric of `/metrics/NAME`.
pub(crate) struct Name(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let name: Result<Path<String>, PathRejection> = Path::from_request_parts(parts, state).await;
        name.map(|Path(name)| Self(name)).map_err(|_| Refusal::BadAddress)
    }
}
