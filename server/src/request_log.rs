//! A number for each request, on its response and on its line of the log.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

use crate::error_page::ErrorPage;
use crate::site::Site;

/// The header that carries the number of the request.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The number of a request since the server started. A number that a client sends is not taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestNumber(pub(crate) u64);

/// Numbers the request and logs how it ended; what an error page keeps to itself stands in the log.
pub(crate) async fn log(State(site): State<Site>, mut request: Request, next: Next) -> Response {
    static REQUESTS: AtomicU64 = AtomicU64::new(1);
    let number = REQUESTS.fetch_add(1, Ordering::Relaxed);
    request.extensions_mut().insert(RequestNumber(number));
    // A path is percent-encoded, so a line of the log is one line.
    let (method, path) = (request.method().clone(), request.uri().path().chars().take(200).collect::<String>());
    let began = Instant::now();
    let mut response = next.run(request).await;
    response.headers_mut().insert(REQUEST_ID, HeaderValue::from(number));
    let detail = response.extensions().get::<ErrorPage>().and_then(|page| page.detail.as_deref());
    let detail = detail.map(|detail| format!(" ({detail})")).unwrap_or_default();
    let milliseconds = began.elapsed().as_millis();
    site.say(&format!("{number}: {method} {path} {} in {milliseconds} ms{detail}", response.status().as_u16()));
    response
}
