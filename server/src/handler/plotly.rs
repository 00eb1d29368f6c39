//! The Plotly that reports load from beside themselves.

use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::get;
use estimand_analysis::viz::PLOTLY_JS;

use crate::handler::Page;
use crate::stored::{Keep, bytes};

/// Beside every run's page, and in its folder: a link that is relative to either finds it.
pub(crate) const PAGE: Page = Page {
    paths: &["/runs/plotly-cartesian.min.js", "/runs/{id}/plotly-cartesian.min.js"],
    template: None,
    routes: || get(show),
};

async fn show(asked: HeaderMap) -> Response {
    bytes(&asked, "text/javascript; charset=utf-8", Keep::Day, PLOTLY_JS.as_bytes().to_vec())
}
