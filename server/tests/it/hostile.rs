//! Requests that nobody honest sends.

use axum::http::Request;

use crate::desk::{Desk, run};

#[tokio::test]
async fn no_address_leads_out_of_the_project() {
    let desk = Desk::new().await;
    let id = desk.record(&run("one_page_checkout", 1)).await;
    let fixed = [
        "/../../../etc/passwd",
        "/..%2f..%2f..%2fetc%2fpasswd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/assets/../estimand.toml",
        "/assets/..%2festimand.toml",
        "/assets/style.css%00",
        "/assets/%2e%2e%2f%2e%2e%2fCargo.toml",
        "/assets//etc/passwd",
        "/metrics/..%2f..%2festimand.toml",
        "/metrics/revenue.toml",
        "/metrics/..%5c..%5cestimand.toml",
        "/metrics/%252e%252e%252festimand.toml",
        "/experiments/..%2f..%2festimand",
        "/experiments/one_page_checkout%00",
        "/runs/..%2f..%2f..%2festimand.toml",
        "/runs/%2e%2e/results.json",
        "/runs/..%c0%af..%c0%afetc/results.arrow",
        "/.estimand/index.sqlite",
        "/estimand.toml",
        "/sources/events.toml",
        "//etc/passwd",
        "/;/etc/passwd",
    ];
    let of_run = ["inputs.json", "log.json", "hashes.json", "../index.sqlite", "..%2f..%2findex.sqlite", "report.json"];
    let of_run = of_run.map(|file| format!("/runs/{id}/{file}"));
    for address in fixed.into_iter().chain(of_run.iter().map(String::as_str)) {
        let page = desk.get(address).await;
        assert!(matches!(page.status.as_u16(), 400 | 404), "{address}: {}", page.status);
        page.is_kept_in();
        assert!(page.text().contains("The experiments of this project"), "{address}");
        for secret in ["root:", "[defaults]", "ARROW1", "SQLite format"] {
            assert!(!page.text().contains(secret), "{address}");
        }
    }
}

#[tokio::test]
async fn an_unknown_address_is_a_page_with_a_way_on() {
    let desk = Desk::new().await;
    desk.get("/nowhere").await.must(404, "<h1>There is no such page</h1>");
    desk.get("/metrics/revenu").await.must(404, "<a href=\"/metrics/revenue\">Did you mean revenue?</a>");
    desk.get("/metrics/%F0%9F%8D%8C").await.must(404, "This project has no metric <code>🍌</code>.");
    let near = "<a href=\"/experiments/one_page_checkout\">Did you mean one_page_checkout?</a>";
    desk.get("/experiments/one-page-checkout").await.must(404, near);
    desk.get("/experiments/x%27%20OR%201%3D1--").await.must(404, "<code>x&#x27; OR 1=1--</code>");
}

#[tokio::test]
async fn an_address_that_is_no_text_is_refused() {
    let desk = Desk::new().await;
    for address in ["/metrics/%ff%fe", "/experiments/%c3%28", "/runs/%ff", "/metrics?q=a&q=b", "/metrics?kind=x&kind=y"]
    {
        desk.get(address).await.must(400, "The address cannot be read: it is not percent-encoded UTF-8");
    }
}

#[tokio::test]
async fn only_reading_is_answered() {
    let desk = Desk::new().await;
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "FOO"] {
        for address in ["/", "/nowhere", "/runs/abc"] {
            let page = desk.ask(Request::builder().method(method).uri(address).header("host", "localhost")).await;
            page.must(405, &format!("<code>{method}</code> is not answered here: pages are read with GET or HEAD."));
            assert_eq!((page.header("allow"), page.header("connection")), ("GET, HEAD", "close"));
        }
    }
}

#[tokio::test]
async fn other_names_get_nothing_of_the_project() {
    let desk = Desk::new().await;
    let foreign =
        ["evil.test", "evil.test:8642", "127.0.0.1.evil.test", "localhost@evil.test", "", "10.0.0.7:8642", "[::1]"];
    for host in foreign {
        let page = desk.ask(Request::get("/").header("host", host)).await;
        page.must(421, "This server answers to the names 127.0.0.1 and localhost only.");
        assert!(!page.text().contains("Shop") && !page.text().contains("href=\"/\""), "{host}");
    }
    let sentence = "This server answers to the names 127.0.0.1 and localhost only.";
    desk.ask(Request::get("/")).await.must(421, sentence);
    desk.ask(Request::get("/").header("host", "localhost").header("host", "evil.test")).await.must(421, sentence);
    desk.ask(Request::get("http://evil.test/").header("host", "localhost")).await.must(421, sentence);
    desk.ask(Request::get("http://localhost:8642/").header("host", "localhost:8642")).await.must(200, "Shop");
    desk.ask(Request::get("/").header("host", "LOCALHOST:9999")).await.must(200, "Shop");
}

#[tokio::test]
async fn pages_of_other_sites_get_nothing_but_their_links_may_be_followed() {
    let desk = Desk::new().await;
    let ask = |pairs: &[(&str, &str)]| {
        let request = Request::get("/metrics").header("host", "localhost:8642");
        pairs.iter().fold(request, |request, (name, value)| request.header(*name, *value))
    };
    let sentence = "A page of another site asked for this, and gets no answer.";
    for pairs in [
        &[("origin", "http://evil.test")][..],
        &[("origin", "null")],
        &[("origin", "https://localhost:8642")],
        &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")],
        &[("sec-fetch-site", "same-site"), ("sec-fetch-mode", "cors")],
    ] {
        let page = desk.ask(ask(pairs)).await;
        page.must(403, sentence);
        assert!(!page.text().contains("Shop"));
    }
    for pairs in [
        &[("origin", "http://localhost:8642")][..],
        &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")],
        &[("sec-fetch-site", "same-origin"), ("sec-fetch-mode", "no-cors")],
        &[("sec-fetch-site", "none"), ("sec-fetch-mode", "navigate")],
    ] {
        desk.ask(ask(pairs)).await.must(200, "9 of 9 metrics");
    }
}

#[tokio::test]
async fn an_address_of_eight_thousand_bytes_is_too_long() {
    let desk = Desk::new().await;
    let name = "a".repeat(8_000);
    for (address, length) in [(format!("/metrics/{name}"), 8_009), (format!("/metrics?q={name}"), 8_011)] {
        let page = desk.get(&address).await;
        page.must(414, &format!("The address has {length} bytes, and 2048 are the most."));
        assert!(page.bytes.len() < 8_000, "the page repeats the address");
    }
    let page = desk.get(&format!("/metrics/{}", "a".repeat(2_000))).await;
    page.must(404, &format!("<code>{}…</code>", "a".repeat(80)));
}

#[tokio::test]
async fn a_request_with_a_body_is_refused() {
    let desk = Desk::new().await;
    for (name, value) in [("content-length", "5"), ("content-length", "-1"), ("transfer-encoding", "chunked")] {
        let page = desk.ask(Request::get("/").header("host", "localhost").header(name, value)).await;
        page.must(400, "The request has a body, and pages are only read here.");
        assert_eq!(page.header("connection"), "close");
    }
    desk.ask(Request::get("/").header("host", "localhost").header("content-length", "0")).await.must(200, "Shop");
}

#[tokio::test]
async fn a_number_that_a_client_gives_its_request_is_not_taken() {
    let desk = Desk::new().await;
    let page = desk.ask(Request::get("/nowhere").header("host", "localhost").header("x-request-id", "<b>7</b>")).await;
    page.must(404, &format!("request {}", page.header("x-request-id")));
    assert!(!page.text().contains("<b>7"));
}

#[tokio::test]
async fn a_slash_too_many_never_leads_to_another_host() {
    let desk = Desk::new().await;
    let answer = desk.get("/metrics/").await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (308, "/metrics"));
    for address in ["//evil.test/", "/%5cevil.test/", "///", "/metrics//"] {
        let answer = desk.get(address).await;
        let to = answer.header("location");
        assert!(
            to.is_empty() || (to.starts_with('/') && !to.starts_with("//") && !to.contains('\\')),
            "{address}: {to}"
        );
    }
}
