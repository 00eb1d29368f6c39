//! From addresses to pages, through everything that holds for all of them.

use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state, map_response};
use axum::response::{IntoResponse, Redirect, Response};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;

use crate::refusal::Refusal;
use crate::site::Site;
use crate::{error_page, guard, handler, headers, request_log};

/// How long an answer may take: nothing is computed in a request, so this is a matter of reading files.
const PATIENCE: Duration = Duration::from_secs(30);

/// Every page of [`handler::ALL`], and what holds for all of them.
pub fn router(site: Site) -> Router {
    let mut router = Router::new();
    for page in handler::ALL {
        for path in page.paths {
            router = router.route(path, (page.routes)());
        }
    }
    // The last layer is the outermost: it sees the request first and the response last.
    router
        .fallback(no_page)
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, PATIENCE))
        .layer(CatchPanicLayer::custom(error_page::of_panic))
        .layer(from_fn(guard::check))
        .layer(from_fn_with_state(site.clone(), error_page::lay_out))
        .layer(map_response(headers::add))
        .layer(from_fn_with_state(site.clone(), request_log::log))
        .with_state(site)
}

/// A slash too many is forgiven; anything else is not there.
async fn no_page(request: Request) -> Response {
    let path = request.uri().path();
    match path.strip_suffix('/') {
        // Nothing that a browser could take for the name of a host.
        Some(shorter) if !shorter.is_empty() && !path.contains("//") && !path.contains('\\') => {
            Redirect::permanent(shorter).into_response()
        }
        _ => Refusal::NoPage.into_response(),
    }
}
