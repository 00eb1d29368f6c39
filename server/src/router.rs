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

/// Every page, and what holds for all of them.
pub fn router(site: Site) -> Router {
    let mut pages = Router::new();
    for page in handler::ALL {
        for path in page.paths {
            pages = pages.route(path, (page.routes)());
        }
    }
    around(pages.fallback(no_page), site, PATIENCE)
}

/// What holds for all pages. The last layer is the outermost: it sees the request first and the response last.
fn around(pages: Router<Site>, site: Site, patience: Duration) -> Router {
    pages
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, patience))
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

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use axum::body::{Body, to_bytes};
    use axum::routing::get;
    use estimand_analysis::demo::trial;
    use estimand_analysis::metrics::project::Project;
    use tower::ServiceExt;

    use super::*;

    async fn answer(address: &str) -> (u16, String, String) {
        let folder = tempfile::tempdir().unwrap();
        trial::write(folder.path()).unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&lines);
        let say = Arc::new(move |line: &str| log.lock().unwrap().push(line.to_owned()));
        let site = Site::open(Project::load(folder.path()).unwrap(), Some(say)).await.unwrap();
        let pages = Router::new()
            .route("/panic", get(|| async { Err::<(), _>(panics()) }))
            .route("/slow", get(|| async { tokio::time::sleep(Duration::from_secs(60)).await }));
        let request = Request::get(address).header("host", "localhost").body(Body::empty()).unwrap();
        let response = around(pages, site, Duration::from_millis(50)).oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        assert!(response.headers().contains_key("content-security-policy"));
        let page = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, String::from_utf8(page.to_vec()).unwrap(), lines.lock().unwrap().join("\n"))
    }

    fn panics() -> Refusal {
        panic!("a secret of /srv/project")
    }

    #[tokio::test]
    async fn a_panic_is_a_page_that_keeps_the_reason_to_the_log() {
        let (status, page, log) = answer("/panic").await;
        assert_eq!(status, 500);
        assert!(page.contains("<h1>Something went wrong</h1>") && page.contains("href=\"/\""), "{page}");
        assert!(!page.contains("secret"), "{page}");
        assert!(log.contains("GET /panic 500") && log.contains("panic: a secret of /srv/project"), "{log}");
    }

    #[tokio::test]
    async fn an_answer_that_takes_too_long_is_given_up() {
        let (status, page, _) = answer("/slow").await;
        assert_eq!(status, 503);
        assert!(page.contains("The answer took too long and was given up."), "{page}");
    }
}
