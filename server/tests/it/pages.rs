//! What the pages say of a project.

use crate::desk::{Desk, run};

#[tokio::test]
async fn an_experiment_without_a_run_says_how_to_make_one() {
    let desk = Desk::new().await;
    let page = desk.get("/").await;
    page.must(200, "estimand analyze one_page_checkout");
    assert!(page.text().contains("<a href=\"/experiments/one_page_checkout\">One-page checkout</a>"));
    assert!(page.text().contains("2025-03-03 to 2025-03-31 (UTC)"));
    assert!(page.text().contains("<use href=\"#tick\"/></svg>ended</span>"));
    desk.get("/experiments/one_page_checkout").await.must(200, "No run yet");
    desk.get("/runs").await.must(200, "Nothing has been run yet.");
}

#[tokio::test]
async fn an_experiment_shows_the_verdict_of_its_latest_run_by_the_labels_of_its_arms() {
    let desk = Desk::new().await;
    desk.record(&run("one_page_checkout", 1)).await;
    let latest = desk.record(&run("one_page_checkout", 2)).await;
    let page = desk.get("/").await;
    page.must(200, "One page improves Conversion.");
    assert!(page.text().contains(&format!("<a href=\"/runs/{latest}\">Read the report</a>")));
    assert!(page.text().contains("<time datetime=\"2026-03-15T09:30:59Z\">2026-03-15 09:30 UTC</time>"));
    assert!(!page.text().contains("estimand analyze one_page_checkout"));
}

#[tokio::test]
async fn the_page_of_an_experiment_holds_its_plan_and_every_run() {
    let desk = Desk::new().await;
    let first = desk.record(&run("one_page_checkout", 1)).await;
    let second = desk.record(&run("one_page_checkout", 2)).await;
    desk.record(&run("another", 3)).await;
    let page = desk.get("/experiments/one_page_checkout").await;
    page.must(200, "A checkout on one page loses fewer users on the way");
    let text = page.text();
    assert!(text.contains("Latest run") && text.contains("Earlier runs"));
    assert!(text.find(second.short()).unwrap() < text.find(first.short()).unwrap());
    assert!(text.contains("<a href=\"/metrics/page_load_time\">Page load time</a>"));
    assert!(text.contains("experiments/one_page_checkout.toml"));
    assert!(text.contains("primary <code>holm</code>, secondary <code>benjamini_hochberg</code>"));
    assert_eq!(text.matches("Read the report").count(), 2);
}

#[tokio::test]
async fn a_run_that_was_asked_otherwise_than_planned_says_so() {
    let desk = Desk::new().await;
    desk.record(&run("one_page_checkout", 1)).await;
    for address in ["/", "/runs", "/experiments/one_page_checkout"] {
        assert!(!desk.get(address).await.text().contains("otherwise"));
    }
    let mut explored = run("one_page_checkout", 2);
    explored.inputs.change.level = Some(0.9);
    explored.inputs.change.metrics = vec!["revenue".into()];
    explored.inputs.parameters.insert("country".into(), "<DE>".into());
    desk.record(&explored).await;
    let sentence = "Asked otherwise than planned: only metrics <code>revenue</code>; level 90";
    for address in ["/", "/runs", "/experiments/one_page_checkout"] {
        let page = desk.get(address).await;
        page.must(200, sentence);
        assert!(page.text().contains("parameter <code>country=&lt;DE&gt;</code>"));
    }
}

#[tokio::test]
async fn a_damaged_run_keeps_its_line() {
    let desk = Desk::new().await;
    let id = desk.record(&run("one_page_checkout", 1)).await;
    std::fs::write(desk.path(&format!(".estimand/runs/{id}/inputs.json")), "{}").unwrap();
    desk.get("/runs").await.must(200, id.short());
    desk.get(&format!("/runs/{id}")).await.must(500, "inputs.json was changed.");
}

#[tokio::test]
async fn runs_of_an_experiment_that_is_gone_are_still_found() {
    let desk = Desk::new().await;
    let id = desk.record(&run("retired", 1)).await;
    desk.get("/runs").await.must(200, "<a href=\"/experiments/retired\">One-page checkout</a>");
    let page = desk.get("/experiments/retired").await;
    page.must(200, "The project no longer has this experiment; its runs are kept.");
    assert!(page.text().contains(id.short()));
}

#[tokio::test]
async fn the_name_of_a_bare_file_is_no_address() {
    let desk = Desk::new().await;
    desk.record(&run("my orders/../x", 1)).await;
    let page = desk.get("/runs").await;
    page.must(200, "One-page checkout");
    assert!(!page.text().contains("/experiments/my"));
}

#[tokio::test]
async fn the_catalogue_lists_every_metric() {
    let desk = Desk::new().await;
    let page = desk.get("/metrics").await;
    page.must(200, "9 of 9 metrics");
    assert!(page.text().contains("<a href=\"/metrics/revenue\">Revenue per user</a>"));
    assert!(page.text().contains("in 1 experiment"));
}

#[tokio::test]
async fn the_catalogue_is_searched_by_the_address() {
    let desk = Desk::new().await;
    for (address, found) in [
        ("/metrics?q=REVENUE", "3 of 9"),
        ("/metrics?q=revenue+uncapped", "1 of 9"),
        ("/metrics?kind=ratio", "1 of 9"),
        ("/metrics?owner=finance", "4 of 9"),
        ("/metrics?tag=money&kind=mean", "3 of 9"),
        ("/metrics?q=&kind=&owner=&tag=&other=1", "9 of 9"),
        ("/metrics?q=nothing-like-it", "0 of 9"),
        ("/metrics?q=%ff", "0 of 9"),
    ] {
        desk.get(address).await.must(200, &format!("{found} metrics"));
    }
    let page = desk.get("/metrics?q=%22%3E%3Cscript%3E&tag=money").await;
    page.must(200, "value=\"&quot;&gt;&lt;script&gt;\"");
    assert!(page.text().contains("<option selected>money</option>"));
    assert!(page.text().contains("<a href=\"/metrics\">Show all</a>"));
}

#[tokio::test]
async fn a_metric_is_told_by_every_field_of_its_definition() {
    let desk = Desk::new().await;
    let page = desk.get("/metrics/revenue").await;
    page.must(200, "What a user spends in two weeks, counted up to 250 EUR.");
    for text in [
        "<dt>Value of a unit</dt><dd><code>sum(amount)</code> over its rows in <code>events</code> where <code>event = &#x27;order&#x27;</code></dd>",
        "<dt>Capped</dt><dd>at most 250</dd>",
        "<dt>Without rows</dt><dd>a unit has 0</dd>",
        "<dt>Counted</dt><dd>rows within 14 days from exposure</dd>",
        "<dt>Units</dt><dd>only those whose whole window has passed</dd>",
        "<dt>Adjusted for</dt><dd>the same value over the 14 days before exposure</dd>",
        "<dt>Direction</dt><dd>higher is better</dd>",
        "<dt>Measured in</dt><dd>EUR</dd>",
        "<dt>Written as</dt><dd>currency</dd>",
        "<dt>Owner</dt><dd>finance</dd>",
        "<dt>File</dt><dd><code>metrics/revenue.toml</code></dd>",
        "<a class=\"tag\" href=\"/metrics?tag=money\">money</a>",
        "cap = 250             # of a user&#x27;s sum, not of an order",
        "<a href=\"/experiments/one_page_checkout\">One-page checkout</a> <span class=\"tag\">primary</span>",
    ] {
        assert!(page.text().contains(text), "{text}\n{}", page.text());
    }
}

#[tokio::test]
async fn a_metric_shows_the_sql_it_becomes_and_no_other_metrics() {
    let desk = Desk::new().await;
    let text = desk.get("/metrics/revenue").await.text();
    assert!(text.contains("<i class=\"comment\">-- Read: assignments, events, users.</i>"), "{text}");
    assert!(text.contains("<i class=\"comment\">-- units: "));
    assert!(text.contains("exact_sum("));
    assert!(!text.contains("page_load_time"));
    desk.get("/metrics/page_load_time").await.must(200, "guardrail, margin 3.0");
}

#[tokio::test]
async fn a_metric_of_two_experiments_shows_the_sql_of_the_one_asked_for() {
    let desk = Desk::new().await;
    let text = std::fs::read_to_string(desk.path("experiments/one_page_checkout.toml")).unwrap();
    desk.edit("experiments/second.toml", |_| text.replace("2025-03-03", "2025-03-04").replace("One-page", "Second"));
    let first = desk.get("/metrics/revenue").await.text();
    assert!(first.contains("2025-03-03T00:00:00") && !first.contains("2025-03-04T00:00:00"), "{first}");
    let second = desk.get("/metrics/revenue?in=second").await;
    second.must(200, "2025-03-04T00:00:00");
    let link = "<a href=\"/metrics/revenue?in=second#sql-title\" aria-current=\"true\">In Second checkout</a>";
    assert!(second.text().contains(link), "{}", second.text());
    desk.get("/metrics/revenue?in=nowhere").await.must(200, "2025-03-03T00:00:00");
    desk.get("/metrics/revenue?in=a&in=b").await.must(400, "The address cannot be read");
}

#[tokio::test]
async fn a_metric_that_nobody_uses_says_what_its_sql_needs() {
    let desk = Desk::new().await;
    desk.edit("metrics/visits.toml", |_| {
        "kind = \"mean\"\nsource = \"events\"\nvalue = \"count(*)\"\ndirection = \"higher\"\n".into()
    });
    let page = desk.get("/metrics/visits").await;
    page.must(200, "No experiment names it yet.");
    assert!(page.text().contains("SQL is made for an experiment: it needs to know who is counted"));
}

#[tokio::test]
async fn a_parameter_that_must_be_given_is_named_in_place_of_the_sql() {
    let desk = Desk::new().await;
    desk.edit("metrics/searches.toml", |text| {
        let text = text.replace("filter = \"event = 'search'\"", "filter = \"event = $kind\"");
        format!("{text}\n[parameters.kind]\ntype = \"text\"\nallowed = [\"search\", \"order\"]\n")
    });
    let page = desk.get("/metrics/searches").await;
    page.must(200, "<dt><code>kind</code></dt><dd>text, must be given; one of search, order</dd>");
    assert!(page.text().contains("it cannot be written now: ") && page.text().contains("kind"), "{}", page.text());
}

#[tokio::test]
async fn health_is_told_to_programs() {
    let desk = Desk::new().await;
    let answer = desk.get("/health").await;
    answer.must(200, "\"status\":\"ok\"");
    assert_eq!(answer.header("content-type"), "application/json");
}

#[tokio::test]
async fn pages_load_nothing_but_the_servers_own_files() {
    let desk = Desk::new().await;
    let id = desk.record(&run("one_page_checkout", 1)).await;
    let run = format!("/runs/{id}");
    for address in
        ["/", "/experiments/one_page_checkout", "/metrics", "/metrics/revenue", "/runs", "/nowhere", run.as_str()]
    {
        let text = desk.get(address).await.text();
        for attribute in ["src=\"", "href=\"", "action=\""] {
            for target in text.split(attribute).skip(1).filter_map(|rest| rest.split('"').next()) {
                let own = target.starts_with('#') || (target.starts_with('/') && !target.starts_with("//"));
                assert!(own || target == "plotly-cartesian.min.js", "{address} names {target}");
            }
        }
        if address != run {
            assert!(!text.contains("<script>") && !text.contains("style=\""), "{address} has inline code");
        }
    }
}

#[tokio::test]
async fn files_of_the_server_are_asked_for_again_only_when_they_changed() {
    let desk = Desk::new().await;
    for (address, kind) in [
        ("/assets/style.css", "text/css; charset=utf-8"),
        ("/assets/theme.js", "text/javascript; charset=utf-8"),
        ("/assets/icon.svg", "image/svg+xml"),
        ("/favicon.ico", "image/svg+xml"),
        ("/runs/plotly-cartesian.min.js", "text/javascript; charset=utf-8"),
    ] {
        let answer = desk.get(address).await;
        answer.is_kept_in();
        assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, kind), "{address}");
        let tag = answer.header("etag").to_owned();
        let known = axum::http::Request::get(address).header("host", "localhost").header("if-none-match", &tag);
        let again = desk.ask(known).await;
        assert_eq!((again.status.as_u16(), again.bytes.len(), again.header("etag")), (304, 0, tag.as_str()));
    }
}

#[tokio::test]
async fn a_head_has_the_headers_of_the_page_without_its_body() {
    let desk = Desk::new().await;
    let answer = desk.ask(axum::http::Request::head("/").header("host", "localhost")).await;
    answer.is_kept_in();
    assert_eq!((answer.status.as_u16(), answer.bytes.len()), (200, 0));
}
