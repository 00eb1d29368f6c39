//! Rows a second of each aggregate on one thread, per arm and per unit, beside the nearest aggregate of the engine itself.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use datafusion::datasource::MemTable;
use datafusion::prelude::{SessionConfig, SessionContext};
use estimand_metrics::udaf;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const ROWS: usize = 1_000_000;
const USERS: i64 = 100_000;

fn session() -> SessionContext {
    let mut random = ChaCha8Rng::seed_from_u64(20_261_122);
    let users: Vec<i64> = (0..ROWS).map(|_| random.random_range(0..USERS)).collect();
    let cents = |random: &mut ChaCha8Rng| f64::from(random.random_range(0..1_000_000)) / 100.0;
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("arm", Arc::new(StringArray::from_iter_values(users.iter().map(|user| ["A", "B"][(*user % 2) as usize])))),
        ("amount", Arc::new((0..ROWS).map(|_| Some(cents(&mut random))).collect::<Float64Array>())),
        ("before", Arc::new((0..ROWS).map(|_| Some(cents(&mut random))).collect::<Float64Array>())),
        ("items", Arc::new((0..ROWS).map(|_| Some(random.random_range(0..12_i64))).collect::<Int64Array>())),
        (
            "session",
            Arc::new(users.iter().map(|user| Some(user * 8 + random.random_range(0..4))).collect::<Int64Array>()),
        ),
        ("at", Arc::new((0..ROWS as i64).collect::<Int64Array>())),
        ("user_id", Arc::new(Int64Array::from(users))),
    ];
    let rows = RecordBatch::try_from_iter(columns).expect("columns of one length");
    let batches = (0..ROWS).step_by(8192).map(|start| rows.slice(start, 8192.min(ROWS - start))).collect();
    let session = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(1));
    let table = MemTable::try_new(rows.schema(), vec![batches]).expect("batches of one schema");
    session.register_table("events", Arc::new(table)).expect("a free name");
    udaf::register(&session);
    session
}

fn aggregates(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let session = session();
    for (key, size, calls) in [
        (
            "arm",
            "1e6_rows_2_arms",
            &[
                ("comoments_of_a_pair", "comoments('1 2', amount, before)"),
                ("comoments_of_a_pair_and_its_part", "comoments('1; 1 2', amount, before)"),
                (
                    "engine_covariance",
                    "avg(amount), var_samp(amount), avg(before), var_samp(before), covar_samp(amount, before)",
                ),
                ("histogram", "histogram(amount)"),
                ("exact_sum", "exact_sum(amount)"),
                ("engine_sum", "sum(amount)"),
            ] as &[_],
        ),
        (
            "user_id",
            "1e6_rows_1e5_units",
            &[
                ("exact_sum_of_doubles", "exact_sum(amount)"),
                ("exact_sum_of_integers", "exact_sum(items)"),
                ("engine_sum", "sum(amount)"),
                ("count_distinct", "count_distinct(session)"),
                ("engine_count_distinct", "count(DISTINCT session)"),
                ("last_by", "last_by(amount, at)"),
            ],
        ),
    ] {
        let mut group = criterion.benchmark_group(size);
        group.sample_size(10).throughput(Throughput::Elements(ROWS as u64));
        for (name, call) in calls {
            let sql = format!("SELECT {key}, {call} FROM events GROUP BY {key}");
            group.bench_function(*name, |bench| {
                bench.iter(|| {
                    runtime.block_on(async { session.sql(&sql).await?.collect().await }).map(|batches| batches.len())
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, aggregates);
criterion_main!(benches);
