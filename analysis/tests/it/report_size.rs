//! A page stays small, however many metrics somebody calls primary.

use std::fmt::Write as _;

use estimand_analysis::analyze::{Request, Target, analyze};
use estimand_analysis::bare::BareFile;
use estimand_analysis::figures::FEW_DRAWN;
use estimand_analysis::metrics::engine::Resources;
use estimand_analysis::report::{PlotlyMode, render};

const METRICS: usize = 50;

#[tokio::test(flavor = "multi_thread")]
async fn fifty_primary_metrics_from_a_file_keep_to_the_budget_of_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let metrics: Vec<String> = (0..METRICS).map(|metric| format!("metric_{metric:02}")).collect();
    let mut text = format!("arm,{}\n", metrics.join(","));
    for unit in 0..2_000_usize {
        text.push_str(["A", "B"][unit % 2]);
        for metric in 0..METRICS {
            // Spread without a pattern that a drawing could fold together.
            let _ = write!(text, ",{}.{}", unit * (metric + 7) % 97, unit * 31 % (metric + 11));
        }
        text.push('\n');
    }
    std::fs::write(folder.path().join("units.csv"), text).unwrap();
    let file = BareFile {
        root: folder.path().to_owned(),
        path: "units.csv".into(),
        arm: "arm".to_owned(),
        control: "A".to_owned(),
        metrics,
        level: BareFile::LEVEL,
        ..BareFile::default()
    };
    let request = Request {
        target: Target::File(Box::new(file)),
        parameters: Vec::new(),
        as_of: None,
        resources: Resources::default(),
        recorded: false,
    };
    let report = analyze(&request, &|_| {}).await.unwrap().report;
    assert_eq!(report.distribution.len(), FEW_DRAWN);
    let figures = report.method.facts.iter().find(|fact| fact.term == "Figures").unwrap();
    assert_eq!(figures.text, "of the first 3 of 50 primary metrics; the tables hold all");
    let without = render(&report, PlotlyMode::None).unwrap().len();
    assert!(without <= 250_000, "{without} bytes without Plotly");
    let with = render(&report, PlotlyMode::Embed).unwrap().len();
    assert!(with <= 2_200_000, "{with} bytes with Plotly");
}
