//! Errors as pages with a way on.
//!
//! What refuses a request does not lay out pages: it hands an [`ErrorPage`] along in the response, and one layer outside of everything
//! that can fail makes the page of it.

use std::any::Any;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, Response as HttpResponse, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::layout::Layout;
use crate::refusal::Refusal;
use crate::request_log::RequestNumber;
use crate::site::Site;

/// An error before it is a page.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ErrorPage {
    #[serde(skip)]
    status: StatusCode,
    title: &'static str,
    sentence: String,
    mend: Option<String>,
    command: Option<String>,
    links: Vec<(String, String)>,
    /// Whether the page keeps the project to itself: whoever asks is not known to be allowed to see it.
    bare: bool,
    /// What only the log says.
    #[serde(skip)]
    pub(crate) detail: Option<String>,
}

impl ErrorPage {
    pub(crate) fn new(status: StatusCode, title: &'static str, sentence: impl Into<String>) -> Self {
        Self {
            status,
            title,
            sentence: sentence.into(),
            mend: None,
            command: None,
            links: Vec::new(),
            bare: false,
            detail: None,
        }
    }

    /// Adds how to mend it.
    pub(crate) fn with_mend(mut self, mend: &str) -> Self {
        self.mend = Some(mend.to_owned());
        self
    }

    /// Adds the command that mends it.
    pub(crate) fn with_command(mut self, command: String) -> Self {
        self.command = Some(command);
        self
    }

    /// Adds a way on, by its words and its address.
    pub(crate) fn with_link(mut self, link: Option<(String, String)>) -> Self {
        self.links.extend(link);
        self
    }

    /// Adds what only the log says.
    pub(crate) fn with_detail(mut self, detail: String) -> Self {
        self.detail = Some(detail);
        self
    }

    /// Leaves out everything of the project.
    pub(crate) fn bare(mut self) -> Self {
        self.bare = true;
        self
    }
}

impl IntoResponse for ErrorPage {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Lays out what was refused further in; a status alone, as layers of others answer, becomes a page too.
pub(crate) async fn lay_out(State(site): State<Site>, request: Request, next: Next) -> Response {
    let number = request.extensions().get::<RequestNumber>().map(|number| number.0);
    let response = next.run(request).await;
    match response.extensions().get::<ErrorPage>().cloned() {
        Some(error) => page(&site, &error, number),
        None if response.status() == StatusCode::SERVICE_UNAVAILABLE
            && !response.headers().contains_key(CONTENT_TYPE) =>
        {
            page_of(&site, Refusal::Slow, number)
        }
        None => response,
    }
}

/// What a handler that panicked answers: the panic itself goes to the terminal.
pub(crate) fn of_panic(panic: Box<dyn Any + Send>) -> HttpResponse<Body> {
    let said = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let said = said.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    Refusal::Internal { detail: format!("panic: {said}") }.into_response()
}

fn page_of(site: &Site, refusal: Refusal, number: Option<u64>) -> Response {
    match refusal.into_response().extensions().get::<ErrorPage>() {
        Some(error) => page(site, error, number),
        None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn page(site: &Site, error: &ErrorPage, number: Option<u64>) -> Response {
    #[derive(Serialize)]
    struct View<'a> {
        status: u16,
        number: Option<u64>,
        error: &'a ErrorPage,
    }
    let library = site.last_read();
    let layout = Layout::of_error(&library, error.title, error.bare);
    let view = View { status: error.status.as_u16(), number, error };
    let mut response = match site.render("error", layout, view) {
        Ok(page) => page,
        // The page of errors is itself broken: words without a page are better than nothing.
        Err(_) => error.sentence.clone().into_response(),
    };
    *response.status_mut() = error.status;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    match error.status {
        StatusCode::METHOD_NOT_ALLOWED => drop(headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"))),
        StatusCode::SERVICE_UNAVAILABLE => drop(headers.insert(RETRY_AFTER, HeaderValue::from_static("5"))),
        _ => {}
    }
    if matches!(error.status, StatusCode::METHOD_NOT_ALLOWED | StatusCode::BAD_REQUEST) {
        // A body that nobody reads must not be taken for the next request.
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    // For the log, which is further out.
    response.extensions_mut().insert(error.clone());
    response
}
