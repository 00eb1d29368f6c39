//! How long resampling ten million units takes: amounts in cents with counts, and amounts that are all different.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use estimand_stats::dist::Alternative;
use estimand_stats::empirical::Empirical;
use estimand_stats::ranks::{Pairs, Pairwise, RankSum};
use estimand_stats::resampling::{
    Bootstrap, IntervalKind, Permutation, QuantileContrast, QuantileLaw, Statistic, Stratum, Weights,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const UNITS: usize = 10_000_000;
const REPLICATES: u64 = 1_000;

/// Distinct values with counts.
struct Arm {
    values: Vec<f64>,
    counts: Vec<u64>,
}

impl Arm {
    /// So many units with skewed amounts, rounded to a step; without one all amounts differ.
    fn random(units: usize, step: Option<f64>, seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut amounts: Vec<f64> = (0..units)
            .map(|_| {
                let amount = -40.0 * (1.0 - random.random::<f64>()).ln();
                step.map_or(amount, |step| (amount / step).round() * step)
            })
            .collect();
        amounts.sort_unstable_by(f64::total_cmp);
        let (values, counts) = amounts.chunk_by(|a, b| a == b).map(|tied| (tied[0], tied.len() as u64)).unzip();
        Self { values, counts }
    }

    fn law(&self) -> Option<Empirical<'_>> {
        Empirical::new(&self.values, &self.counts).ok()
    }
}

fn resampling(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("resampling");
    group.sample_size(10);
    for (what, step) in [("cents", Some(0.01)), ("all_different", None)] {
        let (treated, control) = (Arm::random(UNITS / 2, step, 1), Arm::random(UNITS / 2, step, 2));
        let (Some(x), Some(y)) = (treated.law(), control.law()) else { return };
        group.bench_function(format!("median/1e7_{what}/summed"), |bench| {
            bench.iter(|| {
                let (x, y) = (QuantileLaw::of(black_box(x), 0.5)?, QuantileLaw::of(black_box(y), 0.5)?);
                Some(QuantileContrast::difference(&x, &y)?.interval(0.025, Alternative::TwoSided))
            });
        });
        group.bench_function(format!("median/1e7_{what}/1e3_replicates"), |bench| {
            bench.iter(|| {
                let (x, y) = (QuantileLaw::of(black_box(x), 0.5)?, QuantileLaw::of(black_box(y), 0.5)?);
                Some(QuantileContrast::difference(&x, &y)?.draw(0.0, REPLICATES, 3).std_error())
            });
        });
        for weights in Weights::ALL {
            group.bench_function(format!("mean/1e7_{what}/1e3_replicates/{}", weights.name()), |bench| {
                bench.iter(|| {
                    let drawn = Bootstrap::draw(black_box(x), black_box(y), weights, REPLICATES, 3)?;
                    let drawn = drawn.replicates(Statistic::Difference)?;
                    Some(drawn.interval(IntervalKind::Studentised, 0.025, Alternative::TwoSided))
                });
            });
        }
        group.bench_function(format!("permutation/1e7_{what}/1e3_replicates"), |bench| {
            bench.iter(|| {
                let strata = [Stratum { treated: black_box(x), control: black_box(y) }];
                Permutation::of(&strata, true, REPLICATES, 3)?.p_value(Alternative::TwoSided)
            });
        });
        group.bench_function(format!("mann_whitney/1e7_{what}/test_and_interval"), |bench| {
            bench.iter(|| {
                let ranks = RankSum::of(black_box(x), black_box(y))?;
                let accepted = ranks.acceptance(0.05, Alternative::TwoSided, true)?;
                Some(Pairs::new(x, y, Pairwise::Difference)?.interval(accepted))
            });
        });
    }
    group.finish();
}

criterion_group!(benches, resampling);
criterion_main!(benches);
