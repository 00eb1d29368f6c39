//! The unit aggregation alone, on one thread: nanoseconds per event from decoded columns to the values of units.

use std::hint::black_box;

use arrow::array::Int64Array;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use estimand_stats::unit_aggregation::{
    Argument, AssignmentBatch, Cells, Condition, Enrolling, Evaluator, EventBatch, Function, Integers, NoLimit,
    Program, Roster, Rows, Span, Terms, Value,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const UNITS: usize = 1_000_000;
const EVENTS: usize = 4_000_000;
const BATCH: usize = 131_072;
const DAY: i64 = 86_400_000_000;
const KINDS: usize = 6;

struct Batch {
    ids: Int64Array,
    at: Vec<i64>,
    kinds: Vec<i32>,
    sessions: Vec<u64>,
    days: Vec<u64>,
    amounts: Vec<u64>,
}

/// Events of which some have no unit and some lie in no window.
fn events() -> Vec<Batch> {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let mut batches = Vec::new();
    for start in (0..EVENTS).step_by(BATCH) {
        let rows = BATCH.min(EVENTS - start);
        let at: Vec<i64> = (0..rows).map(|_| rng.random_range(0..56 * DAY)).collect();
        batches.push(Batch {
            ids: (0..rows).map(|_| Some(rng.random_range(0..UNITS as i64 * 11 / 10))).collect(),
            kinds: (0..rows).map(|_| rng.random_range(0..KINDS as i32)).collect(),
            sessions: (0..rows).map(|_| rng.random_range(0..1 << 20)).collect(),
            days: at.iter().map(|at| (at / DAY) as u64).collect(),
            amounts: (0..rows).map(|_| (f64::from(rng.random_range(0..10_000_u32)) / 100.0).to_bits()).collect(),
            at,
        });
    }
    batches
}

/// Twenty values of two windows, five kinds of event, an amount and two distinct counts.
fn program() -> Program {
    let value = |function, condition: Option<usize>, span, argument| Value {
        function,
        conditions: condition.into_iter().collect(),
        span: Some(span),
        argument,
        when_empty: Some(0.0),
        matures_after: None,
    };
    let counts = (0..KINDS - 1).flat_map(|kind| (0..3).map(move |span| value(Function::Count, Some(kind), span, None)));
    let mut values: Vec<Value> = counts.collect();
    values.extend((0..3).map(|span| value(Function::Sum, Some(0), span, Some(2))));
    values.push(value(Function::CountDistinct, None, 0, Some(0)));
    values.push(value(Function::CountDistinct, None, 0, Some(1)));
    Program {
        conditions: KINDS - 1,
        spans: vec![
            Span::After { delay: 0, length: None },
            Span::After { delay: 0, length: Some(7 * DAY) },
            Span::Before { lookback: 14 * DAY },
        ],
        arguments: vec![Argument::Integer, Argument::Integer, Argument::Float],
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

fn scattered(roster: &Roster<i64>, batches: &[Batch]) -> Rows {
    let Ok(rows) = Rows::new(program(), roster) else { unreachable!("few conditions") };
    let truths: Vec<Vec<bool>> = (0..KINDS - 1).map(|kind| (0..KINDS).map(|code| code == kind).collect()).collect();
    let mut scatterer = rows.scatterer(roster, &NoLimit);
    for batch in batches {
        let condition = |truth| Condition::ByCode { codes: &batch.kinds, valid: None, truth };
        let conditions: Vec<Condition<'_>> = truths.iter().map(|truth| condition(truth)).collect();
        let arguments =
            [&batch.sessions, &batch.days, &batch.amounts].map(|words| Cells { words: &words[..], valid: None });
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
    group.bench_function("scatter", |bench| bench.iter(|| scattered(&roster, black_box(&batches)).bytes()));
    let rows = [scattered(&roster, &batches)];
    group.bench_function("evaluate", |bench| {
        bench.iter(|| {
            let mut evaluator = Evaluator::new(&roster, &rows, &NoLimit);
            let units = (0..roster.partitions()).map(|partition| match evaluator.partition(partition) {
                Ok(units) => units.slots.len(),
                Err(_) => 0,
            });
            units.sum::<usize>()
        });
    });
    group.bench_function("enrol", |bench| bench.iter(|| enrolled().slots()));
    group.finish();
}

criterion_group!(benches, unit_aggregation);
criterion_main!(benches);
