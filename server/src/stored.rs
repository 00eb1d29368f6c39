//! Files of recorded runs as answers, and what browsers may keep of an answer.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use estimand_analysis::run::{self, StoredRun};

use crate::refusal::Refusal;
use crate::site::Site;

/// How long a browser may show what it has without asking.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Keep {
    /// For ever: the address names the content.
    Immutable,
    /// A day: it changes with the program.
    Day,
    /// Not at all; it asks whether what it has still stands.
    Asking,
}

impl Keep {
    const fn header(self) -> &'static str {
        match self {
            Self::Immutable => "private, max-age=31536000, immutable",
            Self::Day => "private, max-age=86400",
            Self::Asking => "private, no-cache",
        }
    }
}

/// Bytes with their type, or "you have them" when the browser names their hash.
pub(crate) fn bytes(asked: &HeaderMap, kind: &'static str, keep: Keep, bytes: Vec<u8>) -> Response {
    let tag = format!("\"{}\"", &blake3::hash(&bytes).to_hex()[..32]);
    let has = asked.get_all(IF_NONE_MATCH).iter().filter_map(|tags| tags.to_str().ok()).any(|tags| {
        tags.split(',').map(str::trim).any(|one| one.strip_prefix("W/").unwrap_or(one) == tag || one == "*")
    });
    let mut response = if has { StatusCode::NOT_MODIFIED.into_response() } else { bytes.into_response() };
    let headers = response.headers_mut();
    headers.remove(CONTENT_TYPE);
    if !has {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(keep.header()));
    // Hexadecimal digits between quotes are always a header.
    headers.extend(HeaderValue::from_str(&tag).ok().map(|tag| (ETAG, tag)));
    response
}

/// The run that an address names, whole or by the beginning of its id; from a beginning the way leads to the whole.
///
/// `file` is what of the run is asked for, as in `/results.json`; empty for the run itself.
pub(crate) async fn find(site: &Site, asked: &str, file: &str) -> Result<StoredRun, Response> {
    let digits = asked.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    if asked.is_empty() || asked.len() > 64 || !digits {
        return Err(Refusal::NoRun { prefix: asked.to_owned() }.into_response());
    }
    let run = site.runs().get(asked).await.map_err(|error| Refusal::from(error).into_response())?;
    if run.id().as_str() == asked {
        Ok(run)
    } else {
        // For now only: another run may begin like this tomorrow.
        Err(Redirect::temporary(&format!("/runs/{}{file}", run.id())).into_response())
    }
}

/// Reads of a run, away from the threads that others wait for.
pub(crate) async fn read<T: Send + 'static>(
    run: StoredRun,
    read: impl FnOnce(&StoredRun) -> Result<T, run::Error> + Send + 'static,
) -> Result<T, Response> {
    let reading = tokio::task::spawn_blocking(move || read(&run)).await;
    let read = reading.map_err(Refusal::from).and_then(|read| read.map_err(Refusal::from));
    read.map_err(IntoResponse::into_response)
}
