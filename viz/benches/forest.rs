//! How long a figure of a report takes: a forest of 50 metrics.

use std::collections::BTreeMap;
use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use estimand_stats::{Estimate, Estimates};
use estimand_viz::chart::{self, ChartInput};
use estimand_viz::effect::Effects;
use estimand_viz::number::Measure;
use estimand_viz::page::{self, Interactive};
use estimand_viz::theme::Theme;

const METRICS: usize = 50;

fn table() -> (Estimates, BTreeMap<String, Measure>) {
    let name = |metric: usize| format!("metric_{metric:02}");
    let row = |metric: usize| {
        let estimate = 0.03 * (metric as f64 * 1.3).sin();
        let std_error = 0.01 * (1.5 + (metric as f64 * 0.7).cos());
        Estimate {
            metric: Some(name(metric)),
            arm: Some("B".into()),
            baseline_arm: Some("A".into()),
            scale: Some("relative".into()),
            estimate: Some(estimate),
            std_error: Some(std_error),
            conf_low: Some(estimate - 1.96 * std_error),
            conf_high: Some(estimate + 1.96 * std_error),
            level: Some(0.95),
            n: Some(100_000),
            n_baseline: Some(100_000),
            p_adjusted: Some(0.2),
            status: Some("no clear effect".into()),
            ..Estimate::default()
        }
    };
    let measures = (0..METRICS).map(|metric| (name(metric), Measure::labelled(format!("Metric number {metric}"))));
    ((0..METRICS).map(row).collect(), measures.collect())
}

fn forest(criterion: &mut Criterion) {
    let (estimates, measures) = table();
    let effects = || Effects::of("Secondary metrics", &estimates, &measures).expect("rows of one scale");
    let chart = chart::named("forest").expect("the forest");
    let figure = chart.figure(&ChartInput::Effects(effects())).expect("a forest of effects");

    let mut group = criterion.benchmark_group("forest/50_metrics");
    group.bench_function("from_estimates", |bench| {
        bench.iter(|| chart.figure(&ChartInput::Effects(black_box(effects()))).expect("a forest of effects"));
    });
    group.bench_function("svg", |bench| bench.iter(|| black_box(&figure).svg(&Theme::LIGHT, page::WIDE)));
    group.bench_function("plotly_json", |bench| {
        bench.iter(|| black_box(&figure).plotly_json(&Theme::LIGHT, page::WIDE))
    });
    group.bench_function("page_element", |bench| {
        bench.iter(|| page::element(black_box(&figure), &Theme::LIGHT, Interactive::Yes));
    });
    group.finish();
}

criterion_group!(benches, forest);
criterion_main!(benches);
