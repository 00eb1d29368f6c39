//! The unit aggregation against a plain loop over the rows of each unit.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering as Atomic};

use arrow::array::{Array, ArrayRef, BooleanArray, Int64Array, StringArray};
use arrow::buffer::NullBuffer;
use estimand_stats::suffstat::ExactSum;
use estimand_stats::unit_aggregation::{
    Argument, AssignmentBatch, Cells, Condition, Enrolling, Error, Evaluator, EventBatch, Function, Integers, Key,
    KeyColumn, NoLimit, Program, Room, Roster, Rows, Scatterer, Span, State, Terms, Texts, TriggerBatch, Value,
};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

pub(crate) const FUNCTIONS: [Function; 9] = [
    Function::Any,
    Function::Count,
    Function::CountDistinct,
    Function::First,
    Function::Last,
    Function::Max,
    Function::Mean,
    Function::Min,
    Function::Sum,
];

pub(crate) struct Assignment {
    pub(crate) unit: Option<usize>,
    pub(crate) at: Option<i64>,
    pub(crate) arm: u32,
}

pub(crate) struct Event {
    pub(crate) unit: Option<usize>,
    pub(crate) at: Option<i64>,
    pub(crate) holds: Vec<Option<bool>>,
    pub(crate) arguments: Vec<Option<u64>>,
}

pub(crate) struct Case {
    pub(crate) assignments: Vec<Assignment>,
    pub(crate) triggers: Option<Vec<(usize, i64)>>,
    pub(crate) events: Vec<Event>,
    pub(crate) program: Program,
    pub(crate) terms: Terms,
}

pub(crate) fn maybe<T>(share: f64, value: T, rng: &mut ChaCha8Rng) -> Option<T> {
    (rng.random::<f64>() >= share).then_some(value)
}

fn number(rng: &mut ChaCha8Rng) -> f64 {
    match rng.random_range(0..6) {
        0 => 0.0,
        1 => (rng.random_range(-500..500) as f64) / 100.0,
        2 => 1e300 * if rng.random() { 1.0 } else { -1.0 },
        3 => rng.random::<f64>() * 1e-300,
        4 => 9_007_199_254_740_993.0,
        _ => rng.random::<f64>(),
    }
}

impl Case {
    fn new(seed: u64) -> Self {
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let units = rng.random_range(1..60);
        let times = rng.random_range(5..80);
        let unit = |rng: &mut ChaCha8Rng| {
            let unit = if rng.random_range(0..4) == 0 { 0 } else { rng.random_range(0..units) };
            maybe(0.05, unit, rng)
        };
        let assignments = (0..rng.random_range(1..90))
            .map(|_| {
                let at = rng.random_range(0..times);
                Assignment { unit: unit(rng), at: maybe(0.05, at, rng), arm: rng.random_range(0..3) / 2 }
            })
            .collect();
        let spans: Vec<Span> = (0..rng.random_range(1..5))
            .map(|_| match rng.random_range(0..3) {
                0 => Span::Before { lookback: rng.random_range(1..30) },
                1 => Span::After { delay: rng.random_range(0..5), length: None },
                _ => Span::After { delay: rng.random_range(0..9), length: Some(rng.random_range(1..40)) },
            })
            .collect();
        let conditions = rng.random_range(0..70);
        let arguments = vec![Argument::Integer, Argument::Unsigned, Argument::Float, Argument::Wide];
        let values = (0..rng.random_range(1..30))
            .map(|_| {
                let function = FUNCTIONS[rng.random_range(0..FUNCTIONS.len())];
                let argument = match function {
                    Function::Any | Function::Count => maybe(0.5, rng.random_range(0..4), rng),
                    Function::CountDistinct => Some([0, 1, 3][rng.random_range(0..3)]),
                    Function::Sum | Function::Mean => Some(rng.random_range(0..3)),
                    _ => Some(2),
                };
                let picked = rng.random_range(0..3).min(conditions);
                Value {
                    function,
                    conditions: (0..picked).map(|_| rng.random_range(0..conditions)).collect(),
                    span: Some(rng.random_range(0..spans.len())),
                    argument,
                    counted: match function {
                        Function::Any | Function::Count if conditions > 0 => {
                            maybe(0.7, rng.random_range(0..conditions), rng)
                        }
                        _ => None,
                    },
                    when_empty: [None, Some(0.0), Some(-1.5)][rng.random_range(0..3)],
                    matures_after: maybe(0.8, rng.random_range(0..40), rng),
                }
            })
            .collect();
        let events = (0..rng.random_range(0..700))
            .map(|_| {
                let (at, float) = (rng.random_range(-20..times + 40), number(rng));
                Event {
                    unit: unit(rng).map(|unit| unit + usize::from(rng.random_range(0..9) == 0) * 1_000),
                    at: maybe(0.02, at, rng),
                    holds: (0..conditions)
                        .map(|_| {
                            let holds = rng.random();
                            maybe(0.1, holds, rng)
                        })
                        .collect(),
                    arguments: vec![
                        Some(rng.random_range(-3_i64..4) as u64),
                        maybe(0.2, u64::MAX - rng.random_range(0..3), rng),
                        maybe(0.2, float.to_bits(), rng),
                        maybe(0.2, rng.random_range(0..4), rng),
                    ],
                }
            })
            .collect();
        let triggered = rng.random_range(0..40);
        Self {
            assignments,
            triggers: maybe(
                0.6,
                (0..triggered).map(|_| (rng.random_range(0..units), rng.random_range(0..times))).collect(),
                rng,
            ),
            events,
            program: Program { conditions, spans, arguments, values, now: maybe(0.3, times + 10, rng) },
            terms: Terms {
                arms: 2,
                timed: true,
                start: maybe(0.5, 3, rng),
                end: maybe(0.5, times - 2, rng),
                dimensions: 0,
                rows: maybe(0.5, rng.random_range(0..10_000), rng),
            },
        }
    }
}

/// What a unit comes to: whether it counts, its arm, and its values.
pub(crate) type Units = BTreeMap<usize, (State, Option<u32>, Vec<Option<f64>>)>;

pub(crate) fn expected(case: &Case) -> Units {
    let named: BTreeSet<usize> = case.assignments.iter().filter_map(|one| one.unit).collect();
    named.into_iter().map(|unit| (unit, unit_of(case, unit))).collect()
}

fn unit_of(case: &Case, unit: usize) -> (State, Option<u32>, Vec<Option<f64>>) {
    let own: Vec<&Assignment> =
        case.assignments.iter().filter(|one| one.unit == Some(unit) && one.at.is_some()).collect();
    let Some(exposed) = own.iter().filter_map(|one| one.at).min() else { return (State::NoTime, None, Vec::new()) };
    let arm = own.iter().filter(|one| one.at == Some(exposed)).map(|one| one.arm).min();
    let arms: BTreeSet<u32> = own.iter().map(|one| one.arm).collect();
    let mut from = Some(exposed);
    if let Some(triggers) = &case.triggers {
        let until = case.program.now.unwrap_or(i64::MAX);
        from =
            triggers.iter().filter(|(one, at)| *one == unit && *at >= exposed && *at < until).map(|(_, at)| *at).min();
    }
    let state = if case.terms.start.is_some_and(|start| exposed < start) {
        State::BeforeStart
    } else if case.terms.end.is_some_and(|end| exposed >= end) {
        State::AfterEnd
    } else if arms.len() > 1 {
        State::TwoArms
    } else if from.is_none() {
        State::Untriggered
    } else {
        State::Counted
    };
    let values = match (state, from) {
        (State::Counted, Some(from)) => {
            case.program.values.iter().map(|value| value_of(case, unit, exposed, from, value)).collect()
        }
        _ => Vec::new(),
    };
    (state, arm, values)
}

fn value_of(case: &Case, unit: usize, exposed: i64, from: i64, value: &Value) -> Option<f64> {
    let now = case.program.now.unwrap_or(i64::MAX);
    if value
        .matures_after
        .is_some_and(|after| case.program.now.is_some_and(|now| i128::from(from) + i128::from(after) > i128::from(now)))
    {
        return None;
    }
    let inside = |at: i64| match value.span.map(|span| case.program.spans[span]) {
        Some(Span::After { delay, length }) => {
            let opens = i128::from(from) + i128::from(delay);
            i128::from(at) >= opens && length.is_none_or(|length| i128::from(at) < opens + i128::from(length))
        }
        Some(Span::Before { lookback }) => i128::from(at) >= i128::from(exposed) - i128::from(lookback) && at < exposed,
        None => true,
    };
    let seen = case
        .events
        .iter()
        .filter(|event| event.unit == Some(unit))
        .filter_map(|event| Some((event, event.at?)))
        .filter(|(event, at)| {
            *at < now && inside(*at) && value.conditions.iter().all(|condition| event.holds[*condition] == Some(true))
        });
    let counted = |event: &&Event| value.counted.is_none_or(|condition| event.holds[condition] == Some(true));
    let mut rows: Vec<(i64, u64)> = seen
        .clone()
        .filter(|(event, _)| counted(event))
        .filter_map(|(event, at)| Some((at, value.argument.map_or(Some(0), |argument| event.arguments[argument])?)))
        .collect();
    if rows.is_empty() {
        let counts = matches!(value.function, Function::Any | Function::Count | Function::CountDistinct);
        return if counts && seen.count() > 0 { Some(0.0) } else { value.when_empty };
    }
    let floats = || rows.iter().map(|(_, word)| f64::from_bits(*word) + 0.0);
    let sum = || match value.argument.map(|argument| case.program.arguments[argument]) {
        Some(Argument::Float) => floats().collect::<ExactSum>().to_f64(),
        Some(Argument::Unsigned) => rows.iter().map(|(_, word)| i128::from(*word)).sum::<i128>() as f64,
        Some(Argument::Decimal { scale }) => {
            let units = rows.iter().map(|(_, word)| i128::from(*word as i64)).sum::<i128>();
            format!("{units}e{}", -i32::from(scale)).parse().expect("a number")
        }
        _ => rows.iter().map(|(_, word)| i128::from(*word as i64)).sum::<i128>() as f64,
    };
    Some(match value.function {
        Function::Any => 1.0,
        Function::Count => rows.len() as f64,
        Function::CountDistinct => rows.iter().map(|(_, word)| word).collect::<BTreeSet<_>>().len() as f64,
        Function::Max => floats().fold(f64::NEG_INFINITY, f64::max),
        Function::Min => floats().fold(f64::INFINITY, f64::min),
        Function::Mean => sum() / rows.len() as f64,
        Function::Sum => sum(),
        Function::First | Function::Last | Function::Row => {
            let number = |word: u64| f64::from_bits(word) + 0.0;
            rows.sort_by(|a, b| a.0.cmp(&b.0).then(number(a.1).total_cmp(&number(b.1))));
            let at = if value.function == Function::Last { rows.len() - 1 } else { 0 };
            f64::from_bits(rows[at].1) + 0.0
        }
    })
}

/// The units that count, in order.
pub(crate) fn of_counted(units: &Units) -> Vec<Counted> {
    let bits = |values: &[Option<f64>]| values.iter().map(|value| value.map(f64::to_bits)).collect();
    let counted = units.values().filter(|(state, ..)| *state == State::Counted);
    let mut counted: Vec<Counted> = counted.map(|(_, arm, values)| (*arm, bits(values))).collect();
    counted.sort();
    counted
}

/// The arm of a unit that counts, and the bits of its values.
pub(crate) type Counted = (Option<u32>, Vec<Option<u64>>);

/// How ids are written.
pub(crate) trait Ids {
    type Column<'a>: KeyColumn<Key = Self::Key>;
    type Key: Key;
    fn array(units: &[Option<usize>]) -> ArrayRef;
    fn column(array: &dyn Array) -> Self::Column<'_>;
}

pub(crate) struct Numbers;

impl Ids for Numbers {
    type Column<'a> = Integers<'a>;
    type Key = i64;
    fn array(units: &[Option<usize>]) -> ArrayRef {
        std::sync::Arc::new(units.iter().map(|unit| unit.map(|unit| unit as i64 * 7 - 3)).collect::<Int64Array>())
    }
    fn column(array: &dyn Array) -> Integers<'_> {
        Integers(array)
    }
}

pub(crate) struct Names;

impl Ids for Names {
    type Column<'a> = Texts<'a>;
    type Key = u128;
    fn array(units: &[Option<usize>]) -> ArrayRef {
        let blank = |unit: &Option<usize>| unit.map_or(Some("  ".to_owned()), |unit| Some(format!("unit {unit}")));
        std::sync::Arc::new(units.iter().map(blank).collect::<StringArray>())
    }
    fn column(array: &dyn Array) -> Texts<'_> {
        Texts(array)
    }
}

/// Grants memory to every third that asks.
struct Narrow(AtomicUsize);

impl Room for Narrow {
    fn grow(&self, bytes: usize) -> bool {
        bytes > 0 && self.0.fetch_add(1, Atomic::Relaxed).is_multiple_of(3)
    }
    fn shrink(&self, _: usize) {}
    fn file(&self) -> io::Result<File> {
        tempfile::tempfile()
    }
}

pub(crate) fn split(rows: usize, rng: &mut ChaCha8Rng) -> Vec<std::ops::Range<usize>> {
    let mut cuts: Vec<usize> = (0..rng.random_range(0..4)).map(|_| rng.random_range(0..=rows)).collect();
    cuts.extend([0, rows]);
    cuts.sort_unstable();
    cuts.windows(2).map(|cut| cut[0]..cut[1]).collect()
}

pub(crate) fn enrolled<I: Ids>(case: &Case, rng: &mut ChaCha8Rng, room: &dyn Room) -> Result<Roster<I::Key>, Error> {
    let enrolling = Enrolling::<I::Key>::new(case.terms.clone())?;
    let order = |_: usize, one: u32, other: u32| one.cmp(&other);
    for part in split(case.assignments.len(), rng) {
        let rows = &case.assignments[part];
        let mut enroller = enrolling.enroller(&order, room);
        let ids = I::array(&rows.iter().map(|row| row.unit).collect::<Vec<_>>());
        let at: Vec<i64> = rows.iter().map(|row| row.at.unwrap_or(5)).collect();
        let valid: NullBuffer = rows.iter().map(|row| row.at.is_some()).collect::<Vec<_>>().into();
        let arms: Vec<u32> = rows.iter().map(|row| row.arm).collect();
        let batch = AssignmentBatch {
            ids: I::column(&ids),
            at: Some((&at, Some(&valid))),
            arms: &arms,
            dimensions: &[],
            kept: None,
        };
        enroller.push(&batch)?;
        enroller.finish()?;
    }
    let mut roster = enrolling.finish(room, rng.random_range(1..4))?;
    if let Some(triggers) = &case.triggers {
        let ids = I::array(&triggers.iter().map(|(unit, _)| Some(*unit)).collect::<Vec<_>>());
        let at: Vec<i64> = triggers.iter().map(|(_, at)| *at).collect();
        roster.trigger(case.program.now, room, |triggering| {
            triggering.push(&TriggerBatch { ids: I::column(&ids), at: (&at, None), kept: None });
            Ok::<(), Error>(())
        })?;
    }
    Ok(roster)
}

pub(crate) fn push_events<I: Ids>(
    case: &Case,
    events: &[Event],
    scatterer: &mut Scatterer<'_, I::Key>,
) -> Result<(), Error> {
    let ids = I::array(&events.iter().map(|row| row.unit).collect::<Vec<_>>());
    let at: Vec<i64> = events.iter().map(|row| row.at.unwrap_or(5)).collect();
    let valid: NullBuffer = events.iter().map(|row| row.at.is_some()).collect::<Vec<_>>().into();
    let truths: Vec<BooleanArray> =
        (0..case.program.conditions).map(|number| events.iter().map(|row| row.holds[number]).collect()).collect();
    // Every third condition comes by code: 0 and 1 for its truth, null for none.
    let codes: Vec<Vec<i32>> =
        truths.iter().map(|truth| truth.iter().map(|one| i32::from(one == Some(true))).collect()).collect();
    let conditions: Vec<Condition<'_>> = truths
        .iter()
        .zip(&codes)
        .enumerate()
        .map(|(number, (truth, codes))| match number % 3 {
            0 => Condition::ByCode { codes, valid: truth.nulls(), truth: &[false, true] },
            _ => Condition::Each(truth),
        })
        .collect();
    let arguments = case.program.arguments.len();
    let words: Vec<Vec<u64>> = (0..arguments)
        .map(|number| {
            let word = |row: &Event| row.arguments[number].unwrap_or(77);
            match case.program.arguments[number] {
                Argument::Wide => events.iter().flat_map(|row| [1, word(row)]).collect(),
                _ => events.iter().map(word).collect(),
            }
        })
        .collect();
    let there: Vec<NullBuffer> = (0..arguments)
        .map(|number| events.iter().map(|row| row.arguments[number].is_some()).collect::<Vec<_>>().into())
        .collect();
    let arguments: Vec<Cells<'_>> =
        words.iter().zip(&there).map(|(words, there)| Cells { words, valid: Some(there) }).collect();
    let batch = EventBatch {
        ids: I::column(&ids),
        at: Some((&at, Some(&valid))),
        conditions: &conditions,
        arguments: &arguments,
    };
    scatterer.push(&batch)
}

fn given<I: Ids>(case: &Case, seed: u64, room: &dyn Room) -> (BTreeMap<State, u64>, Vec<Counted>, bool) {
    let rng = &mut ChaCha8Rng::seed_from_u64(seed);
    let mut roster = enrolled::<I>(case, rng, &NoLimit).expect("memory has no limit");
    let mut states = BTreeMap::new();
    for (entry, (units, _)) in roster.census(rng.random_range(1..4), |_| 0) {
        *states.entry(entry.state).or_default() += units;
    }
    roster.close();
    let rows = [Rows::new(case.program.clone(), &roster).expect("few conditions")];
    let mut scatterer = rows[0].scatterer(&roster, room);
    for part in split(case.events.len(), rng) {
        if rng.random_range(0..3) == 0 {
            scatterer = rows[0].scatterer(&roster, room);
        }
        push_events::<I>(case, &case.events[part], &mut scatterer).expect("a few kinds of rows");
    }
    let spilled = rows[0].is_spilled();
    let units = counted(&roster, &rows, &NoLimit).expect("finite values");
    (states, units, spilled)
}

/// The units that count, in order.
pub(crate) fn counted<K: Key>(roster: &Roster<K>, rows: &[Rows], room: &dyn Room) -> Result<Vec<Counted>, Error> {
    let mut units = Vec::new();
    let mut evaluator = Evaluator::new(roster, rows, room);
    for partition in 0..roster.partitions() {
        let columns = evaluator.partition(partition)?;
        let values = &columns.values;
        for (at, slot) in columns.slots.iter().enumerate() {
            let present =
                |column: &estimand_stats::suffstat::Values<'_>| column.present.is_none_or(|present| present[at]);
            let of =
                |column: &estimand_stats::suffstat::Values<'_>| present(column).then(|| column.values[at].to_bits());
            units.push((roster.arm(*slot as usize), values.iter().map(of).collect()));
        }
    }
    units.sort();
    Ok(units)
}

#[test]
fn every_unit_comes_to_what_a_plain_loop_gives() {
    let mut spills = 0;
    for seed in 0..400 {
        let case = Case::new(seed);
        let units = expected(&case);
        let mut states: BTreeMap<State, u64> = BTreeMap::new();
        units.values().for_each(|(state, ..)| *states.entry(*state).or_default() += 1);
        if case.assignments.iter().any(|one| one.unit.is_none()) {
            states.insert(State::Blank, 1);
        }
        let counted = of_counted(&units);
        let (by_number, by_name) = (given::<Numbers>(&case, seed, &NoLimit), given::<Names>(&case, seed, &NoLimit));
        assert_eq!((&by_number.0, &by_number.1), (&states, &counted), "seed {seed}");
        assert_eq!((&by_name.0, &by_name.1), (&states, &counted), "seed {seed}, ids as text");
        let narrow = given::<Numbers>(&case, seed + 1, &Narrow(AtomicUsize::new(0)));
        assert_eq!((&narrow.0, &narrow.1), (&states, &counted), "seed {seed}, written out");
        spills += usize::from(narrow.2);
    }
    assert!(spills > 100, "only {spills} cases wrote rows out");
}

/// So many bytes, and no more.
struct Budget {
    left: Mutex<usize>,
}

impl Room for Budget {
    fn grow(&self, bytes: usize) -> bool {
        let mut left = self.left.lock().expect("one thread");
        let rest = left.checked_sub(bytes);
        *left = rest.unwrap_or(*left);
        rest.is_some()
    }
    fn shrink(&self, bytes: usize) {
        *self.left.lock().expect("one thread") += bytes;
    }
    fn file(&self) -> io::Result<File> {
        tempfile::tempfile()
    }
}

const WAITING_UNITS: i64 = 2_000;

/// Units with three rows each that wait in memory.
fn waiting() -> (Roster<i64>, [Rows; 1]) {
    const UNITS: i64 = WAITING_UNITS;
    let terms = Terms { arms: 1, timed: false, start: None, end: None, dimensions: 0, rows: None };
    let enrolling = Enrolling::<i64>::new(terms).expect("one arm");
    let order = |_: usize, one: u32, other: u32| one.cmp(&other);
    let ids: Int64Array = (0..UNITS).map(Some).collect();
    let arms = vec![0; UNITS as usize];
    let mut enroller = enrolling.enroller(&order, &NoLimit);
    let batch = AssignmentBatch { ids: Integers(&ids), at: None, arms: &arms, dimensions: &[], kept: None };
    enroller.push(&batch).and_then(|()| enroller.finish()).expect("memory has no limit");
    let mut roster = enrolling.finish(&NoLimit, 1).expect("few units");
    roster.close();
    let value = Value {
        function: Function::Sum,
        conditions: Vec::new(),
        span: None,
        argument: Some(0),
        counted: None,
        when_empty: Some(0.0),
        matures_after: None,
    };
    let program = Program { arguments: vec![Argument::Float], values: vec![value], ..Program::default() };
    let rows = [Rows::new(program, &roster).expect("no conditions")];
    let amounts: Vec<u64> = (0..UNITS).map(|unit| (unit as f64).to_bits()).collect();
    for _ in 0..3 {
        let arguments = [Cells { words: &amounts, valid: None }];
        let batch = EventBatch { ids: Integers(&ids), at: None, conditions: &[], arguments: &arguments };
        rows[0].scatterer(&roster, &NoLimit).push(&batch).expect("memory has no limit");
    }
    (roster, rows)
}

#[test]
fn rows_that_hold_all_memory_make_room_for_their_evaluation() {
    const UNITS: i64 = WAITING_UNITS;
    let (roster, rows) = waiting();
    // All of it is taken by what waits.
    let budget = Budget { left: Mutex::new(0) };
    let sums = |room: &dyn Room| {
        let mut evaluator = Evaluator::new(&roster, &rows, room);
        let mut sum = 0.0;
        for partition in 0..roster.partitions() {
            sum += evaluator.partition(partition).expect("room is made").values[0].values.iter().sum::<f64>();
        }
        sum
    };
    assert!(!rows[0].is_spilled());
    let before = rows[0].bytes();
    assert_eq!(sums(&budget), 3.0 * (UNITS * (UNITS - 1) / 2) as f64);
    assert!(rows[0].is_spilled());
    assert!(rows[0].bytes() < before, "{} of {before} bytes are still in memory", rows[0].bytes());
}

/// No memory, and a disk without room.
#[cfg(target_os = "linux")]
struct Full;

#[cfg(target_os = "linux")]
impl Room for Full {
    fn grow(&self, _: usize) -> bool {
        false
    }
    fn shrink(&self, _: usize) {}
    fn file(&self) -> io::Result<File> {
        File::options().read(true).write(true).open("/dev/full")
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_disk_without_room_is_said() {
    let (roster, rows) = waiting();
    let mut evaluator = Evaluator::new(&roster, &rows, &Full);
    let ended = (0..roster.partitions()).find_map(|partition| evaluator.partition(partition).err());
    let expected = "rows could not be kept on disk: No space left on device (os error 28)";
    assert_eq!(ended.map(|error| error.to_string()).as_deref(), Some(expected));
}
