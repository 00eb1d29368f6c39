//! How long exactness takes: nanoseconds per value or row, beside the plain sums that lose digits.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use estimand_stats::suffstat::{ExactCoMoments, ExactSum, GroupIntegerSums, GroupSums, Histogram, Rows};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::hint::black_box;

const ROWS: usize = 1 << 20;
const GROUPS: usize = 1_000_000;

fn columns() -> [(&'static str, Vec<f64>); 3] {
    let mut rng = ChaCha8Rng::seed_from_u64(20_261_122);
    let mut draw = |value: fn(f64) -> f64| (0..ROWS).map(|_| value(rng.random::<f64>())).collect::<Vec<f64>>();
    [
        ("integers", draw(|u| (u * 50.0).floor())),
        ("cents", draw(|u| (u * u * 100_000.0).floor() / 100.0)),
        ("random", draw(|u| (u / (1.0 - u)).ln())),
    ]
}

fn sums(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sum");
    group.throughput(Throughput::Elements(ROWS as u64));
    for (name, column) in columns() {
        group.bench_function(format!("exact_slice/1e6_{name}"), |bench| {
            bench.iter(|| {
                let mut sum = ExactSum::new();
                sum.add_slice(black_box(&column));
                sum.to_f64()
            });
        });
        group.bench_function(format!("exact_one_by_one/1e6_{name}"), |bench| {
            bench.iter(|| black_box(&column).iter().copied().collect::<ExactSum>().to_f64());
        });
        group.bench_function(format!("plain/1e6_{name}"), |bench| {
            bench.iter(|| black_box(&column).iter().sum::<f64>());
        });
    }
    group.finish();
}

fn comoments(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("comoments_of_a_pair");
    group.throughput(Throughput::Elements(ROWS as u64));
    for (name, column) in columns() {
        let covariate: Vec<f64> = column.iter().rev().copied().collect();
        group.bench_function(format!("exact_columns/1e6_{name}"), |bench| {
            bench.iter(|| {
                let mut exact = ExactCoMoments::new(2);
                exact.push_columns(black_box(&[&column, &covariate]), Rows::All).map(|()| exact.n())
            });
        });
        group.bench_function(format!("plain/1e6_{name}"), |bench| {
            bench.iter(|| {
                let rows = black_box(&column).iter().zip(black_box(&covariate));
                rows.fold([0.0; 5], |[x, y, xx, xy, yy], (a, b)| [x + a, y + b, xx + a * a, xy + a * b, yy + b * b])
            });
        });
    }
    group.finish();
    let (_, column) = &columns()[1];
    let mut exact = ExactCoMoments::new(2);
    assert!(exact.push_columns(&[column, column], Rows::All).is_ok());
    criterion.bench_function("comoments_of_a_pair/finish", |bench| bench.iter(|| exact.finish()));
    criterion.bench_function("comoments_of_a_pair/encode", |bench| bench.iter(|| exact.encode()));
}

fn group_sums(criterion: &mut Criterion) {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let groups: Vec<usize> = (0..ROWS).map(|_| rng.random_range(0..GROUPS)).collect();
    let mut group = criterion.benchmark_group("group_sums");
    group.sample_size(20).throughput(Throughput::Elements(ROWS as u64));
    for (name, column) in columns() {
        let mut exact = GroupSums::new();
        exact.resize(GROUPS);
        group.bench_function(format!("exact/1e6_rows_1e6_groups_{name}"), |bench| {
            let fill = |mut sums: GroupSums| sums.add_batch(black_box(&column), black_box(&groups)).map(|()| sums);
            bench.iter_batched(|| exact.clone(), fill, BatchSize::PerIteration);
        });
        let mut plain = vec![0.0; GROUPS];
        group.bench_function(format!("plain/1e6_rows_1e6_groups_{name}"), |bench| {
            bench.iter(|| black_box(&column).iter().zip(&groups).for_each(|(value, group)| plain[*group] += value));
        });
    }
    let mut integers = GroupIntegerSums::new();
    integers.resize(GROUPS);
    group.bench_function("exact_integer/1e6_rows_1e6_groups", |bench| {
        bench.iter(|| black_box(&groups).iter().try_for_each(|group| integers.add(*group, *group as i128)));
    });
    group.finish();
}

fn histogram(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("histogram");
    group.throughput(Throughput::Elements(ROWS as u64));
    for (name, column) in columns() {
        group.bench_function(format!("add_slice/1e6_{name}"), |bench| {
            bench.iter(|| {
                let mut histogram = Histogram::new();
                histogram.add_slice(black_box(&column));
                histogram.n()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, sums, comoments, group_sums, histogram);
criterion_main!(benches);
