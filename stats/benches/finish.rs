//! How long the statistics of unit rows take once the rows are there: pairs of metric and covariate by arm, metrics by segment.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use estimand_stats::suffstat::Values;
use estimand_stats::unit_aggregation::finish::{Finish, Finishing, Readout, UnitBlock};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::hint::black_box;

const BLOCK: usize = 131_072;

/// A block of rows, read over and over as if it were the next.
struct Rows {
    arms: Vec<u32>,
    groups: Vec<Vec<u32>>,
    columns: Vec<Vec<f64>>,
}

impl Rows {
    /// Two arms in random order, groupings of so many values each, amounts in cents.
    fn random(groupings: &[u32], columns: usize) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(20_261_122);
        let arms = (0..BLOCK).map(|_| rng.random_range(0..2)).collect();
        let mut codes = |values: u32| (0..BLOCK).map(|_| rng.random_range(0..values)).collect();
        let groups = groupings.iter().map(|values| codes(*values)).collect();
        let mut cents = || (rng.random::<f64>().powi(2) * 100_000.0).floor() / 100.0;
        let columns = (0..columns).map(|_| (0..BLOCK).map(|_| cents()).collect()).collect();
        Rows { arms, groups, columns }
    }

    fn finish(&self, finish: &Finish, blocks: usize) -> Option<u64> {
        let groups: Vec<&[u32]> = self.groups.iter().map(Vec::as_slice).collect();
        let values: Vec<Values<'_>> = self.columns.iter().map(|values| Values { values, present: None }).collect();
        let mut worker = finish.worker();
        for _ in 0..blocks {
            worker.push(black_box(&UnitBlock { arms: &self.arms, groups: &groups, values: &values })).ok()?;
        }
        let finished = finish.conclude(vec![worker]).ok()?;
        Some(finished.readouts.iter().flatten().map(|row| row.units).sum())
    }
}

fn readout(by: Option<usize>, tuples: &[Vec<usize>]) -> Readout {
    Readout { by, tuples: tuples.to_vec(), ..Readout::default() }
}

fn pairs_by_arm(criterion: &mut Criterion) {
    const BLOCKS: usize = 77;
    let rows = Rows::random(&[], 20);
    let tuples: Vec<Vec<usize>> = (0..10).map(|pair| vec![2 * pair, 2 * pair + 1]).collect();
    let finishing = Finishing { columns: 20, derived: Vec::new(), readouts: vec![readout(None, &tuples)] };
    let Ok(finish) = Finish::new(finishing, 2) else { return };
    let mut group = criterion.benchmark_group("finish");
    group.sample_size(10).throughput(Throughput::Elements((BLOCKS * BLOCK) as u64));
    group.bench_function("10_pairs_2_arms/1e7_rows", |bench| bench.iter(|| rows.finish(&finish, BLOCKS)));
    group.finish();
}

fn metrics_by_segment(criterion: &mut Criterion) {
    const BLOCKS: usize = 8;
    let rows = Rows::random(&[2, 10, 18], 50);
    let tuples: Vec<Vec<usize>> = (0..50).map(|column| vec![column]).collect();
    let readouts = [None, Some(0), Some(1), Some(2)].map(|by| readout(by, &tuples)).to_vec();
    let Ok(finish) = Finish::new(Finishing { columns: 50, derived: Vec::new(), readouts }, 2) else { return };
    let mut group = criterion.benchmark_group("finish");
    group.sample_size(10).throughput(Throughput::Elements((BLOCKS * BLOCK) as u64));
    group.bench_function("50_metrics_31_segments_2_arms/1e6_rows", |bench| bench.iter(|| rows.finish(&finish, BLOCKS)));
    group.finish();
}

criterion_group!(benches, pairs_by_arm, metrics_by_segment);
criterion_main!(benches);
