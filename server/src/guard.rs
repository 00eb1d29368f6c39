//! What is let in: reading requests of this machine's own browser, of a sane size.
//!
//! A page of another site can make a browser ask here, and by a name of its own that leads to 127.0.0.1 it could even read the answer.
//! So the name asked for must be the loopback's, and what another site's script asks is refused. A link from elsewhere may be followed.

use axum::extract::Request;
use axum::http::header::{CONTENT_LENGTH, HOST, ORIGIN, TRANSFER_ENCODING};
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::refusal::Refusal;

/// Most bytes of an address: path and query.
const LONGEST_ADDRESS: usize = 2 << 10;

/// Lets a request through, or says why not.
pub(crate) async fn check(request: Request, next: Next) -> Response {
    match refusal(&request) {
        Some(refusal) => refusal.into_response(),
        None => next.run(request).await,
    }
}

fn refusal(request: &Request) -> Option<Refusal> {
    let headers = request.headers();
    let mut hosts = headers.get_all(HOST).iter();
    let named = hosts.next().and_then(|host| host.to_str().ok());
    let asked = request.uri().authority().map(|authority| authority.as_str());
    if hosts.next().is_some() || !named.or(asked).is_some_and(is_ours) || !asked.is_none_or(is_ours) {
        return Some(Refusal::ForeignHost);
    }
    let of_other_site = headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site" || site == "same-site");
    let navigates = headers.get("sec-fetch-mode").is_some_and(|mode| mode == "navigate");
    if headers.get(ORIGIN).is_some_and(|origin| !origin.to_str().is_ok_and(is_our_origin))
        || (of_other_site && !navigates)
    {
        return Some(Refusal::ForeignOrigin);
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Some(Refusal::Method { method: request.method().as_str().chars().take(20).collect() });
    }
    if has_body(headers) {
        return Some(Refusal::Body);
    }
    let length = request.uri().path_and_query().map_or(0, |address| address.as_str().len());
    (length > LONGEST_ADDRESS).then_some(Refusal::LongAddress { length, most: LONGEST_ADDRESS })
}

/// Whether a host is this machine by a name that nobody else can own; any port, as tunnels have their own.
fn is_ours(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        Some(_) => return false,
        None => host,
    };
    name == "127.0.0.1" || name.eq_ignore_ascii_case("localhost")
}

fn is_our_origin(origin: &str) -> bool {
    origin.strip_prefix("http://").is_some_and(is_ours)
}

fn has_body(headers: &HeaderMap) -> bool {
    headers.contains_key(TRANSFER_ENCODING) || headers.get_all(CONTENT_LENGTH).iter().any(|length| length != "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_the_loopback_are_ours() {
        for ours in ["127.0.0.1", "127.0.0.1:8642", "localhost:9000", "LocalHost", "localhost:"] {
            assert!(is_ours(ours), "{ours}");
        }
        for foreign in [
            "",
            "evil.test",
            "127.0.0.1.evil.test",
            "localhost.evil.test:80",
            "evil.test:80@localhost",
            "localhost:x",
            "0",
        ] {
            assert!(!is_ours(foreign), "{foreign}");
        }
    }

    #[test]
    fn an_origin_is_ours_only_over_plain_http() {
        assert!(is_our_origin("http://localhost:8642"));
        for foreign in ["null", "https://localhost", "http://evil.test", "file://", ""] {
            assert!(!is_our_origin(foreign), "{foreign}");
        }
    }
}
