//! Reports and results of recorded runs.

use std::fs;

use axum::http::Request;
use estimand_analysis::report::{PlotlyMode, content_security_policy};
use estimand_analysis::run::RunId;

use crate::desk::{Desk, run};

/// Ids of seventeen runs, two of which begin alike.
async fn many(desk: &Desk) -> (Vec<RunId>, char) {
    let mut ids = Vec::new();
    for seed in 0..17 {
        ids.push(desk.record(&run("one_page_checkout", seed)).await);
    }
    let first = |id: &RunId| id.as_str().chars().next().unwrap();
    let shared = ids.iter().map(first).find(|c| ids.iter().filter(|id| first(id) == *c).count() > 1).unwrap();
    (ids, shared)
}

#[tokio::test]
async fn a_report_is_shown_with_its_own_policy_and_a_way_back() {
    let desk = Desk::new().await;
    let id = desk.record(&run("one_page_checkout", 1)).await;
    let page = desk.get(&format!("/runs/{id}")).await;
    page.must(200, "<h1>One-page checkout</h1>");
    let policy = format!("{}; frame-ancestors 'none'", content_security_policy(PlotlyMode::Link));
    assert_eq!(page.header("content-security-policy"), policy);
    assert!(
        page.text().contains("<a href=\"/\">Shop</a><a href=\"/experiments/one_page_checkout\">One-page checkout</a>")
    );
    assert!(page.text().contains("<script src=\"plotly-cartesian.min.js\"></script>"));
    assert_eq!(page.header("cache-control"), "private, no-cache");
    for address in ["/runs/plotly-cartesian.min.js".to_owned(), format!("/runs/{id}/plotly-cartesian.min.js")] {
        let plotly = desk.get(&address).await;
        assert_eq!(plotly.text(), estimand_analysis::viz::PLOTLY_JS);
        assert_eq!(plotly.header("cache-control"), "private, max-age=86400");
    }
}

#[tokio::test]
async fn the_beginning_of_an_id_leads_to_the_whole() {
    let desk = Desk::new().await;
    let id = desk.record(&run("one_page_checkout", 1)).await;
    for file in ["", "/results.json", "/results.arrow"] {
        let answer = desk.get(&format!("/runs/{}{file}", id.short())).await;
        answer.is_kept_in();
        assert_eq!((answer.status.as_u16(), answer.header("location")), (307, format!("/runs/{id}{file}").as_str()));
    }
    let slash = desk.get(&format!("/runs/{id}/")).await;
    assert_eq!((slash.status.as_u16(), slash.header("location")), (308, format!("/runs/{id}").as_str()));
}

#[tokio::test]
async fn results_are_the_document_of_the_command_line_and_may_be_kept_for_ever() {
    let desk = Desk::new().await;
    let id = desk.record(&run("one_page_checkout", 1)).await;
    let address = format!("/runs/{id}/results.json");
    let answer = desk.get(&address).await;
    answer.must(200, "`one_page` improves `conversion`.");
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "private, max-age=31536000, immutable");
    let document: serde_json::Value = serde_json::from_slice(&answer.bytes).unwrap();
    assert_eq!(document["checks"][0]["name"], "sample_ratio");
    assert_eq!(document["estimates"][0]["estimate"], 0.0625);
    let tag = answer.header("etag");
    for known in [tag.to_owned(), format!("\"other\", W/{tag}"), "*".to_owned()] {
        let request = Request::get(&address).header("host", "localhost").header("if-none-match", known);
        assert_eq!(desk.ask(request).await.status.as_u16(), 304);
    }
    let other = Request::get(&address).header("host", "localhost").header("if-none-match", "\"other\"");
    assert_eq!(desk.ask(other).await.status.as_u16(), 200);
}

#[tokio::test]
async fn the_arrow_file_is_the_recorded_one() {
    let desk = Desk::new().await;
    let id = desk.record(&run("one_page_checkout", 1)).await;
    let answer = desk.get(&format!("/runs/{id}/results.arrow")).await;
    answer.is_kept_in();
    assert_eq!(answer.header("content-type"), "application/vnd.apache.arrow.file");
    assert_eq!(answer.header("content-disposition"), format!("attachment; filename=\"{}.arrow\"", id.short()));
    let stored = desk.path(&format!(".estimand/runs/{id}/results.arrow"));
    assert_eq!(answer.bytes, fs::read(stored).unwrap());
    assert!(answer.bytes.starts_with(b"ARROW1"));
}

#[tokio::test]
async fn a_run_that_is_not_there_is_named_and_leads_to_those_that_are() {
    let desk = Desk::new().await;
    let whole = "0".repeat(64);
    let long = "0".repeat(65);
    for id in ["ffff", "not-an-id", "FFFF", "%00", "a%20b", "0x1f", "*", "%25", whole.as_str(), long.as_str()] {
        for file in ["", "/results.json", "/results.arrow"] {
            let page = desk.get(&format!("/runs/{id}{file}")).await;
            page.must(404, "No run of this project begins with <code>");
            assert!(page.text().contains("<a href=\"/runs\">All runs</a>"));
        }
    }
    desk.get("/runs/%3Cscript%3E").await.must(404, "<code>&lt;script&gt;</code>");
}

#[tokio::test]
async fn a_doubtful_id_names_the_choice() {
    let desk = Desk::new().await;
    let (ids, shared) = many(&desk).await;
    let page = desk.get(&format!("/runs/{shared}")).await;
    page.must(300, &format!("runs or more begin with <code>{shared}</code>."));
    for id in ids.iter().filter(|id| id.as_str().starts_with(shared)).take(5) {
        assert!(page.text().contains(&format!("<a href=\"/runs/{}\">Run {}</a>", id.short(), id.short())));
    }
}

#[tokio::test]
async fn a_damaged_run_is_refused_by_the_name_of_the_file_and_others_are_shown() {
    let desk = Desk::new().await;
    let (ids, _) = many(&desk).await;
    let damaged = |name: &str| desk.path(&format!(".estimand/runs/{}/{name}", ids[0]));
    let report = damaged("report.html");
    let text = fs::read_to_string(&report).unwrap();
    fs::write(&report, text.replace("Four steps", "Five steps")).unwrap();
    let page = desk.get(&format!("/runs/{}", ids[0])).await;
    page.must(500, "is not what was recorded, so it is not shown: report.html was changed.");
    assert!(page.text().contains(&format!("<code>estimand replay {}</code>", ids[0].short())));
    assert_eq!(page.header("cache-control"), "no-store");
    fs::write(&report, text).unwrap();
    desk.get(&format!("/runs/{}", ids[0])).await.must(200, "Four steps");
    fs::remove_file(damaged("results.arrow")).unwrap();
    for file in ["json", "arrow"] {
        let page = desk.get(&format!("/runs/{}/results.{file}", ids[0])).await;
        page.must(500, "results.arrow is missing.");
    }
    fs::remove_dir_all(damaged("")).unwrap();
    desk.get(&format!("/runs/{}", ids[0])).await.must(500, "its folder is missing.");
    desk.get(&format!("/runs/{}", ids[1])).await.must(200, "<h1>One-page checkout</h1>");
}

#[tokio::test]
async fn a_run_that_is_being_replayed_is_out_of_sight_for_now() {
    let desk = Desk::new().await;
    let id = desk.record(&run("one_page_checkout", 1)).await;
    let hidden = desk.store.hide(id.as_str()).await.unwrap();
    let page = desk.get(&format!("/runs/{id}")).await;
    page.must(503, &format!("Run <code>{}</code> is being replayed, and hidden until that ends.", id.short()));
    assert_eq!(page.header("retry-after"), "5");
    drop(hidden);
}

#[tokio::test]
async fn a_run_without_a_page_says_so() {
    let desk = Desk::new().await;
    let mut bare = run("one_page_checkout", 1);
    bare.artefacts.clear();
    let id = desk.record(&bare).await;
    desk.get(&format!("/runs/{id}")).await.must(404, "was recorded without <code>report.html</code>.");
    desk.get(&format!("/runs/{id}/results.json")).await.must(404, "was recorded without <code>report.json</code>.");
}

#[tokio::test]
async fn a_page_without_a_policy_of_its_own_runs_nothing() {
    let desk = Desk::new().await;
    let mut foreign = run("one_page_checkout", 1);
    foreign.artefacts.insert("report.html".into(), b"<html><body><script>alert(1)</script></body></html>".to_vec());
    let id = desk.record(&foreign).await;
    let page = desk.get(&format!("/runs/{id}")).await;
    page.must(200, "<nav class=\"way-back\"");
    assert!(!page.header("content-security-policy").contains("script-src"));
}

#[tokio::test]
async fn what_only_the_log_may_say_is_not_on_the_page() {
    let desk = Desk::new().await;
    let mut foreign = run("one_page_checkout", 1);
    foreign.artefacts.insert("report.html".into(), b"\xff\xfe".to_vec());
    let id = desk.record(&foreign).await;
    let page = desk.get(&format!("/runs/{id}")).await;
    page.must(500, "Why stands in the terminal of <code>estimand serve</code>");
    let folder = desk.folder.path().display().to_string();
    assert!(!page.text().contains(&folder));
    assert!(desk.last_line().contains(&folder) && desk.last_line().contains("it is not UTF-8"), "{}", desk.last_line());
    assert!(desk.last_line().starts_with(&format!("{}: GET /runs/", page.header("x-request-id"))));
}
