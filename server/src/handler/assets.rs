//! Style, script and picture of the server's own pages.

use std::sync::LazyLock;

use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use estimand_analysis::report::stylesheet;

use crate::handler::Page;
use crate::refusal::Refusal;
use crate::stored::{Keep, bytes};

pub(crate) const PAGE: Page = Page {
    // Browsers ask for the last one by themselves, for pages that name no picture.
    paths: &["/assets/icon.svg", "/assets/style.css", "/assets/theme.js", "/favicon.ico"],
    template: None,
    routes: || get(show),
};

/// The report's style, then what only the server's pages have.
static STYLE: LazyLock<String> =
    LazyLock::new(|| format!("{}\n{}", stylesheet(), include_str!("../../assets/style.css")));
const THEME: &str = include_str!("../../assets/theme.js");
const ICON: &str = include_str!("../../assets/icon.svg");

async fn show(address: Uri, asked: HeaderMap) -> Response {
    let (kind, text) = match address.path() {
        "/assets/icon.svg" | "/favicon.ico" => ("image/svg+xml", ICON),
        "/assets/style.css" => ("text/css; charset=utf-8", STYLE.as_str()),
        "/assets/theme.js" => ("text/javascript; charset=utf-8", THEME),
        _ => return Refusal::NoPage.into_response(),
    };
    bytes(&asked, kind, Keep::Asking, text.as_bytes().to_vec())
}
