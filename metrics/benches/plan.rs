//! How long planning takes before anything is read: the twenty metrics of the benchmark project, compiled and written as SQL.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use criterion::{Criterion, criterion_group, criterion_main};
use estimand_metrics::bindings::Bindings;
use estimand_metrics::plan::lower::{self, Caps, Schemas};
use estimand_metrics::plan::{AsOf, compile};
use estimand_metrics::project::Project;

fn schemas() -> Schemas {
    let time = || DataType::Timestamp(TimeUnit::Microsecond, None);
    let schema = |columns: Vec<(&str, DataType)>| {
        Arc::new(Schema::new(columns.into_iter().map(|(name, kind)| Field::new(name, kind, true)).collect::<Vec<_>>()))
    };
    let assignments = schema(vec![
        ("user_id", DataType::Int64),
        ("experiment_id", DataType::Utf8View),
        ("variant", DataType::Utf8View),
        ("exposed_at", time()),
    ]);
    let events = schema(vec![
        ("user_id", DataType::Int64),
        ("ts", time()),
        ("event_name", DataType::Utf8View),
        ("revenue", DataType::Float64),
        ("duration", DataType::Int32),
        ("session_id", DataType::Int64),
        ("error", DataType::Boolean),
    ]);
    [("assignments".to_owned(), assignments), ("events".to_owned(), events)].into()
}

fn plan(criterion: &mut Criterion) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/bench/w1");
    let project = Project::load(&folder).expect("the benchmark project is whole");
    let experiment = project.experiments().values().next().expect("it has an experiment").clone();
    let schemas = schemas();
    let as_of = AsOf::At(jiff::Timestamp::UNIX_EPOCH);
    criterion.bench_function("plan/open_25_files", |bench| bench.iter(|| Project::load(black_box(&folder)).is_ok()));
    criterion.bench_function("plan/compile_20_metrics", |bench| {
        bench.iter(|| compile(&project, &experiment, &Bindings::default(), as_of).is_ok());
    });
    let plan = compile(&project, &experiment, &Bindings::default(), as_of).expect("it compiles");
    criterion.bench_function("plan/lower_20_metrics", |bench| {
        bench.iter(|| {
            let mut steps = lower::preparation(&plan.specification, &schemas);
            steps.push(lower::analysed(&plan.specification, &Caps::new()));
            steps.extend(lower::readouts(&plan.specification));
            steps.len()
        });
    });
}

criterion_group!(benches, plan);
criterion_main!(benches);
