//! How long a reader waits for a page: a report of fifty metrics, without and with Plotly inside.

#[path = "../tests/it/report_example.rs"]
#[allow(dead_code, reason = "the tests use the rest of the examples")]
mod report_example;

use criterion::{Criterion, criterion_group, criterion_main};
use estimand_analysis::report::{PlotlyMode, render};

fn report(criterion: &mut Criterion) {
    let model = report_example::fifty_metrics();
    let mut group = criterion.benchmark_group("report");
    group.bench_function("50_metrics", |bencher| bencher.iter(|| render(&model, PlotlyMode::None)));
    group.bench_function("50_metrics_with_plotly", |bencher| bencher.iter(|| render(&model, PlotlyMode::Embed)));
    group.finish();
}

criterion_group!(benches, report);
criterion_main!(benches);
