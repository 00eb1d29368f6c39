//! The unit aggregation alone, on one thread: nanoseconds per event from decoded columns to the values of units.

use std::fs::File;
use std::hint::black_box;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::Int64Array;
use arrow::buffer::NullBuffer;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use estimand_stats::unit_aggregation::{
    Argument, AssignmentBatch, Cells, Condition, Enrolling, Evaluator, EventBatch, Function, Integers, NoLimit,
    Program, Room, Roster, Rows, Span, Terms, Value,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const UNITS: usize = 1_000_000;
const EVENTS: usize = 4_000_000;
const BATCH: usize = 131_072;
const DAY: i64 = 86_400_000_000;
const KINDS: usize = 6;
const LAST: i32 = KINDS as i32 - 1;

struct Batch {
    ids: Int64Array,
    at: Vec<i64>,
    kinds: Vec<i32>,
    sessions: Vec<u64>,
    days: Vec<u64>,
    durations: Vec<u64>,
    amounts: Vec<u64>,
    has_duration: NullBuffer,
    has_amount: NullBuffer,
}

/// Events of which some have no unit and some lie in no window: sessions are hashes, days are instants, durations are
/// milliseconds of the first two kinds, amounts are cents of the last.
fn events() -> Vec<Batch> {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let mut batches = Vec::new();
    for start in (0..EVENTS).step_by(BATCH) {
        let rows = BATCH.min(EVENTS - start);
        let at: Vec<i64> = (0..rows).map(|_| rng.random_range(0..56 * DAY)).collect();
        let kinds: Vec<i32> = (0..rows).map(|_| (rng.random::<f64>().powi(2) * KINDS as f64) as i32).collect();
        batches.push(Batch {
            ids: (0..rows).map(|_| Some(rng.random_range(0..UNITS as i64 * 11 / 10))).collect(),
            sessions: (0..rows).map(|_| rng.random_range(0..1_u64 << 20).wrapping_mul(0x9E37_79B9_7F4A_7C15)).collect(),
            days: at.iter().map(|at| ((20_000 + at / DAY) * DAY) as u64).collect(),
            durations: (0..rows).map(|_| rng.random_range(0..600_000)).collect(),
            amounts: (0..rows).map(|_| (f64::from(rng.random_range(0..10_000_u32)) / 100.0).to_bits()).collect(),
            has_duration: kinds.iter().map(|kind| *kind < 2).collect::<Vec<bool>>().into(),
            has_amount: kinds.iter().map(|kind| *kind == LAST).collect::<Vec<bool>>().into(),
            kinds,
            at,
        });
    }
    batches
}

/// The values of twenty metrics over events: counts by kind in three windows, amounts, durations, two distinct counts.
fn program() -> Program {
    let value = |function, condition: Option<usize>, span, argument| Value {
        function,
        conditions: condition.into_iter().collect(),
        span: Some(span),
        argument,
        counted: None,
        when_empty: Some(0.0),
        matures_after: None,
    };
    let mut values = vec![value(Function::Count, None, 0, None)];
    values.extend((0..KINDS).flat_map(|kind| (0..3).map(move |span| value(Function::Count, Some(kind), span, None))));
    values.extend((0..3).map(|span| value(Function::Sum, None, span, Some(3))));
    values.push(Value { when_empty: None, ..value(Function::Max, None, 0, Some(3)) });
    values.extend((0..2).map(|kind| value(Function::Sum, Some(kind), 0, Some(2))));
    values.push(value(Function::CountDistinct, None, 0, Some(1)));
    values.push(value(Function::CountDistinct, None, 0, Some(0)));
    values.push(value(Function::CountDistinct, None, 2, Some(0)));
    Program {
        conditions: KINDS,
        spans: vec![
            Span::After { delay: 0, length: None },
            Span::After { delay: 0, length: Some(7 * DAY) },
            Span::Before { lookback: 14 * DAY },
        ],
        arguments: vec![Argument::Integer, Argument::Integer, Argument::Integer, Argument::Float],
        values,
        now: None,
    }
}

fn enrolled() -> Roster<i64> {
    let mut rng = ChaCha8Rng::seed_from_u64(12);
    let terms = Terms { arms: 2, timed: true, start: None, end: None, dimensions: 0, rows: Some(UNITS as u64) };
    let Ok(enrolling) = Enrolling::new(terms) else { unreachable!("two arms") };
    let order = |_: usize, one: u32, other: u32| one.cmp(&other);
    let mut enroller = enrolling.enroller(&order, &NoLimit);
    let ids: Int64Array = (0..UNITS as i64).map(Some).collect();
    let at: Vec<i64> = (0..UNITS).map(|_| rng.random_range(14 * DAY..28 * DAY)).collect();
    let arms: Vec<u32> = (0..UNITS).map(|_| rng.random_range(0..2)).collect();
    let pushed = enroller.push(&AssignmentBatch {
        ids: Integers(&ids),
        at: Some((&at, None)),
        arms: &arms,
        dimensions: &[],
        kept: None,
    });
    assert!(pushed.is_ok() && enroller.finish().is_ok());
    let Ok(roster) = enrolling.finish(&NoLimit, 1) else { unreachable!("memory has no limit") };
    roster
}

/// Room for some of the rows; the rest is written out.
struct Narrow(AtomicUsize);

impl Narrow {
    const BYTES: usize = 40 << 20;

    fn new() -> Self {
        Self(AtomicUsize::new(Self::BYTES))
    }
}

impl Room for Narrow {
    fn grow(&self, bytes: usize) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes)).is_ok()
    }

    fn shrink(&self, bytes: usize) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }

    fn file(&self) -> io::Result<File> {
        tempfile::tempfile()
    }
}

fn evaluated(roster: &Roster<i64>, rows: &[Rows]) -> usize {
    let mut evaluator = Evaluator::new(roster, rows, &NoLimit);
    let units = (0..roster.partitions()).map(|partition| match evaluator.partition(partition) {
        Ok(units) => units.slots.len(),
        Err(_) => 0,
    });
    units.sum()
}

fn scattered(roster: &Roster<i64>, batches: &[Batch], room: &dyn Room) -> Rows {
    let Ok(rows) = Rows::new(program(), roster) else { unreachable!("few conditions") };
    let truths: Vec<Vec<bool>> = (0..KINDS).map(|kind| (0..KINDS).map(|code| code == kind).collect()).collect();
    let mut scatterer = rows.scatterer(roster, room);
    for batch in batches {
        let condition = |truth| Condition::ByCode { codes: &batch.kinds, valid: None, truth };
        let conditions: Vec<Condition<'_>> = truths.iter().map(|truth| condition(truth)).collect();
        let arguments = [
            Cells { words: &batch.sessions, valid: None },
            Cells { words: &batch.days, valid: None },
            Cells { words: &batch.durations, valid: Some(&batch.has_duration) },
            Cells { words: &batch.amounts, valid: Some(&batch.has_amount) },
        ];
        let pushed = scatterer.push(&EventBatch {
            ids: Integers(&batch.ids),
            at: Some((&batch.at, None)),
            conditions: &conditions,
            arguments: &arguments,
        });
        assert!(pushed.is_ok());
    }
    rows
}

fn unit_aggregation(criterion: &mut Criterion) {
    let (batches, roster) = (events(), enrolled());
    let mut group = criterion.benchmark_group("unit_aggregation");
    group.sample_size(10).throughput(Throughput::Elements(EVENTS as u64));
    let in_memory = || scattered(&roster, black_box(&batches), &NoLimit);
    let in_files = || scattered(&roster, black_box(&batches), &Narrow::new());
    group.bench_function("scatter", |bench| bench.iter(|| in_memory().bytes()));
    group.bench_function("scatter_to_files", |bench| bench.iter(|| in_files().bytes()));
    let rows = [in_memory()];
    println!("{:.1} bytes per event", rows[0].bytes() as f64 / EVENTS as f64);
    group.bench_function("evaluate", |bench| bench.iter(|| evaluated(&roster, &rows)));
    let rows = [in_files()];
    group.bench_function("evaluate_from_files", |bench| bench.iter(|| evaluated(&roster, &rows)));
    group.bench_function("enrol", |bench| bench.iter(|| enrolled().slots()));
    group.finish();
}

criterion_group!(benches, unit_aggregation);
criterion_main!(benches);
