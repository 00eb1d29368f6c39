//! Files of the project that change while they are served.

use crate::desk::Desk;

#[tokio::test]
async fn a_changed_definition_is_there_with_the_next_page() {
    let desk = Desk::new().await;
    desk.get("/metrics/revenue").await.must(200, "at most 250");
    desk.edit("metrics/revenue.toml", |text| text.replace("cap = 250", "cap = 9999"));
    let page = desk.get("/metrics/revenue").await;
    page.must(200, "at most 9999");
    assert!(page.text().contains("9999.0"), "the SQL follows: {}", page.text());
}

#[tokio::test]
async fn definitions_come_and_go() {
    let desk = Desk::new().await;
    desk.edit("metrics/visits.toml", |_| {
        "kind = \"mean\"\nsource = \"events\"\nvalue = \"count(*)\"\ndirection = \"higher\"\n".into()
    });
    desk.get("/metrics").await.must(200, "10 of 10 metrics");
    std::fs::remove_file(desk.path("metrics/visits.toml")).unwrap();
    desk.get("/metrics").await.must(200, "9 of 9 metrics");
}

#[tokio::test]
async fn faults_are_shown_above_what_last_held_together_until_they_are_mended() {
    let desk = Desk::new().await;
    desk.get("/").await.must(200, "One-page checkout");
    desk.edit("metrics/revenue.toml", |text| text.replace("source = \"events\"", "source = \"evnts\""));
    for address in ["/", "/metrics", "/metrics/revenue", "/runs", "/experiments/one_page_checkout"] {
        let page = desk.get(address).await;
        page.must(200, "The files of the project do not hold together");
        assert!(page.text().contains("metrics/revenue.toml:8:10"), "{}", page.text());
        assert!(page.text().contains("did you mean `events`?"));
        assert!(!page.text().contains(&desk.folder.path().display().to_string()));
    }
    desk.get("/health").await.must(200, "\"definitions\":\"faulty\"");
    desk.edit("metrics/revenue.toml", |text| text.replace("source = \"evnts\"", "source = \"events\""));
    assert!(!desk.get("/").await.text().contains("do not hold together"));
    desk.get("/health").await.must(200, "\"faults\":0");
}

#[tokio::test]
async fn a_new_file_that_is_faulty_says_why_it_is_not_there() {
    let desk = Desk::new().await;
    desk.edit("metrics/visits.toml", |_| "kind = \"mean\"\n".into());
    let page = desk.get("/metrics/visits").await;
    page.must(404, "This project has no metric <code>visits</code>.");
    assert!(page.text().contains("the key `source` is missing"), "{}", page.text());
}

#[tokio::test]
async fn a_project_that_vanishes_is_a_fault_and_no_panic() {
    let desk = Desk::new().await;
    std::fs::remove_file(desk.path("estimand.toml")).unwrap();
    desk.get("/").await.must(200, "The files of the project do not hold together");
}

#[tokio::test]
async fn sql_says_which_source_it_waits_for_when_its_files_are_gone() {
    let desk = Desk::new().await;
    std::fs::remove_dir_all(desk.path("data")).unwrap();
    desk.edit("metrics/revenue.toml", |text| text.replace("cap = 250", "cap = 251"));
    let page = desk.get("/metrics/revenue").await;
    page.must(200, "it cannot be written now: ");
    assert!(!page.text().contains(&desk.folder.path().display().to_string()), "{}", page.text());
}
