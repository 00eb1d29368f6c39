//! The unit aggregation on what nobody should ask: the plain loop's answer, or a refusal that has a name.
//!
//! A case is drawn from its seed; `ESTIMAND_CASES=100000` asks for more of them than the test command does.

use std::fs::File;
use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use estimand_stats::unit_aggregation::{Argument, Error, Function, Program, Room, Rows, Span, Terms, Value};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::unit_aggregation::{
    Assignment, Case, Counted, Event, FUNCTIONS, Ids, Names, Numbers, counted, enrolled, expected, maybe, of_counted,
    push_events, split,
};

/// Cases of the test command.
const CASES: u64 = 600;

/// Instants and lengths at which differences go wrong first; the very ends are no instants.
const TIMES: [i64; 8] = [i64::MIN + 1, i64::MIN / 2, -1, 0, 1, 1 << 61, i64::MAX / 2 + 1, i64::MAX - 1];

/// Doubles at which sums and comparisons go wrong first.
const DOUBLES: [f64; 10] =
    [0.0, -0.0, 5e-324, f64::MAX, -f64::MAX, 0.1, 16_777_217.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];

/// In one case of so many.
fn seldom(cases: u32, rng: &mut ChaCha8Rng) -> bool {
    rng.random_range(0..cases) == 0
}

fn one_of<T: Copy>(list: &[T], rng: &mut ChaCha8Rng) -> T {
    list[rng.random_range(0..list.len())]
}

/// How times are drawn: a few close to each other, all the same, or the ends of what there is.
fn time(rng: &mut ChaCha8Rng, manner: u8) -> i64 {
    match manner {
        0 => rng.random_range(0..40),
        1 => 7,
        _ => one_of(&TIMES, rng),
    }
}

fn length(rng: &mut ChaCha8Rng, manner: u8) -> i64 {
    match manner {
        0 | 1 => rng.random_range(0..30),
        _ => one_of(&[0, 1, 1 << 61, i64::MAX / 2, i64::MAX - 1, i64::MAX], rng),
    }
}

fn word(argument: Argument, finite: bool, rng: &mut ChaCha8Rng) -> u64 {
    match argument {
        Argument::Float if finite => rng.random_range(-3_i8..9).into(),
        Argument::Float => one_of(&DOUBLES, rng),
        _ => {
            return one_of(
                &[0, 1, 77, u64::MAX, i64::MAX as u64, i64::MIN as u64, 1 << 40, 3 << 50, rng.random()],
                rng,
            );
        }
    }
    .to_bits()
}

fn value(program: &Program, rng: &mut ChaCha8Rng) -> Value {
    let is_float = |number: &usize| program.arguments[*number] == Argument::Float;
    let of = |fits: &dyn Fn(&usize) -> bool, rng: &mut ChaCha8Rng| {
        let fit: Vec<usize> = (0..program.arguments.len()).filter(fits).collect();
        (!fit.is_empty()).then(|| one_of(&fit, rng))
    };
    let function = if rng.random_range(0..12) == 0 { Function::Row } else { one_of(&FUNCTIONS, rng) };
    let argument = match function {
        Function::Any | Function::Count => maybe(0.5, (), rng).and_then(|()| of(&|_| true, rng)),
        Function::CountDistinct => of(&|number| !is_float(number), rng),
        Function::Sum | Function::Mean => of(&|number| program.arguments[*number] != Argument::Wide, rng),
        _ => of(&is_float, rng),
    };
    let counts = matches!(function, Function::Any | Function::Count);
    // What cannot be read without an argument of its kind becomes a count.
    let function = if argument.is_none() && !counts { Function::Count } else { function };
    let condition = |rng: &mut ChaCha8Rng| (program.conditions > 0).then(|| rng.random_range(0..program.conditions));
    Value {
        function,
        conditions: (0..rng.random_range(0..3)).filter_map(|_| condition(rng)).collect(),
        // Rows that lie in no span of a source with times are nobody's.
        span: Some(rng.random_range(0..program.spans.len())),
        argument,
        counted: maybe(0.7, (), rng)
            .filter(|()| matches!(function, Function::Any | Function::Count))
            .and_then(|()| condition(rng)),
        when_empty: one_of(&[None, Some(0.0), Some(-0.0), Some(-1.5)], rng),
        matures_after: maybe(0.7, (), rng).map(|()| length(rng, 2)),
    }
}

fn draw(seed: u64) -> Case {
    let rng = &mut ChaCha8Rng::seed_from_u64(seed);
    let manner = rng.random_range(0..4);
    let units = one_of(&[1, 2, 40], rng);
    let arms = if seldom(20, rng) { 65 } else { one_of(&[1, 2, 64], rng) };
    let conditions = if seldom(20, rng) { 256 } else { one_of(&[0, 1, 60, 180], rng) };
    let arguments = (0..rng.random_range(0..6)).map(|_| match rng.random_range(0..6) {
        0 => Argument::Integer,
        1 => Argument::Decimal { scale: one_of(&[0, 2, 18, i8::MAX, i8::MIN], rng) },
        2 => Argument::Unsigned,
        3 => Argument::Wide,
        _ => Argument::Float,
    });
    let arguments: Vec<Argument> = arguments.collect();
    let spans =
        (0..if seldom(20, rng) { 65 } else { one_of(&[1, 2, 5, 64], rng) }).map(|_| match rng.random_range(0..3) {
            0 => Span::Before { lookback: length(rng, manner) },
            _ => Span::After { delay: length(rng, manner), length: maybe(0.3, length(rng, manner), rng) },
        });
    let mut program = Program { conditions, spans: spans.collect(), arguments, values: Vec::new(), now: None };
    program.values = (0..rng.random_range(0..12)).map(|_| value(&program, rng)).collect();
    program.now = maybe(0.5, time(rng, manner), rng);
    let finite = rng.random_range(0..3) > 0;
    // Mostly the same truths again, so that kinds of rows do not outnumber the rows.
    let truths: Vec<Vec<Option<bool>>> = (0..4)
        .map(|_| (0..conditions).map(|_| one_of(&[Some(true), Some(true), Some(false), None], rng)).collect())
        .collect();
    let assignments = (0..one_of(&[0, 1, 60], rng)).map(|_| Assignment {
        unit: maybe(0.1, rng.random_range(0..units), rng),
        at: maybe(0.1, time(rng, manner), rng),
        arm: rng.random_range(0..arms),
    });
    let assignments: Vec<Assignment> = assignments.collect();
    let events = (0..one_of(&[0, 1, 30, 400], rng)).map(|_| Event {
        unit: maybe(0.1, rng.random_range(0..units), rng),
        at: maybe(0.1, time(rng, manner), rng),
        holds: truths[rng.random_range(0..truths.len())].clone(),
        arguments: program.arguments.iter().map(|argument| maybe(0.3, word(*argument, finite, rng), rng)).collect(),
    });
    let events: Vec<Event> = events.collect();
    let triggers = (0..rng.random_range(0..30)).map(|_| (rng.random_range(0..units), time(rng, manner)));
    let triggers: Vec<(usize, i64)> = triggers.collect();
    let terms = Terms {
        arms: arms as usize,
        timed: true,
        start: maybe(0.7, time(rng, manner), rng),
        end: maybe(0.7, time(rng, manner), rng),
        dimensions: 0,
        rows: maybe(0.5, one_of(&[0, 1, u64::MAX], rng), rng),
    };
    Case { assignments, triggers: maybe(0.6, triggers, rng), events, program, terms }
}

/// Grants until it refuses once, and is called off at some time.
struct Moody {
    grants: AtomicUsize,
    looks: AtomicUsize,
    /// How many bytes are granted in all.
    left: Mutex<usize>,
}

impl Moody {
    fn draw(rng: &mut ChaCha8Rng) -> Self {
        let once = |rng: &mut ChaCha8Rng| if seldom(4, rng) { rng.random_range(0..90) } else { usize::MAX };
        // The table of a few units takes some 12 MB.
        let left = if seldom(3, rng) { rng.random_range(11_000_000..15_000_000) } else { usize::MAX / 2 };
        let all = AtomicUsize::new(once(rng));
        Self { grants: all, looks: AtomicUsize::new(once(rng)), left: Mutex::new(left) }
    }

    /// Counts down; whether it had come to the end.
    fn is_over(count: &AtomicUsize) -> bool {
        count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_err()
    }
}

impl Room for Moody {
    fn grow(&self, bytes: usize) -> bool {
        let before = self.grants.fetch_sub(1, Ordering::Relaxed);
        let mut left = self.left.lock().expect("nobody panics");
        let rest = left.checked_sub(bytes).filter(|_| before != 0);
        *left = rest.unwrap_or(*left);
        rest.is_some()
    }

    fn shrink(&self, bytes: usize) {
        *self.left.lock().expect("nobody panics") += bytes;
    }

    fn file(&self) -> io::Result<File> {
        tempfile::tempfile()
    }

    fn cancelled(&self) -> bool {
        Self::is_over(&self.looks)
    }
}

fn given<I: Ids>(case: &Case, rng: &mut ChaCha8Rng, room: &Moody) -> Result<Vec<Counted>, Error> {
    let mut roster = enrolled::<I>(case, rng, room)?;
    roster.close();
    let rows = [Rows::new(case.program.clone(), &roster)?];
    let parts = split(case.events.len(), rng);
    let scatter = |parts: &[std::ops::Range<usize>]| {
        let mut scatterer = rows[0].scatterer(&roster, room);
        parts.iter().try_for_each(|part| push_events::<I>(case, &case.events[part.clone()], &mut scatterer))
    };
    let (some, others) = parts.split_at(parts.len() / 2);
    std::thread::scope(|scope| {
        let other = scope.spawn(|| scatter(others));
        scatter(some).and(other.join().expect("no panic"))
    })?;
    counted(&roster, &rows, room)
}

/// What the operator may refuse in this case.
fn is_refused(case: &Case, units: &[Counted]) -> bool {
    let not_finite = |words: &Event| {
        let floats = case.program.arguments.iter().zip(&words.arguments);
        floats.into_iter().any(|(argument, word)| {
            *argument == Argument::Float && word.is_some_and(|word| !f64::from_bits(word).is_finite())
        })
    };
    let values = || units.iter().flat_map(|(_, values)| values).flatten();
    case.program.values.iter().any(|value| value.function == Function::Row)
        || case.events.iter().any(not_finite)
        || values().any(|value| !f64::from_bits(*value).is_finite())
}

#[test]
fn hostile_cases_come_to_what_a_plain_loop_gives_or_are_refused_by_name() {
    let cases = std::env::var("ESTIMAND_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(CASES);
    let (mut answered, mut refused) = (0, 0);
    for seed in 0..cases {
        let case = draw(seed);
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let room = Moody::draw(rng);
        let (is_cancelled, is_narrow) = (
            room.looks.load(Ordering::Relaxed) < usize::MAX,
            room.grants.load(Ordering::Relaxed) < usize::MAX || *room.left.lock().expect("one thread") < usize::MAX / 2,
        );
        let given = match seed % 2 {
            0 => given::<Numbers>(&case, rng, &room),
            _ => given::<Names>(&case, rng, &room),
        };
        let marks = case.program.spans.len() + case.program.conditions + case.program.arguments.len();
        match given {
            Ok(units) => {
                assert_eq!(units, of_counted(&expected(&case)), "seed {seed}");
                answered += 1;
            }
            Err(Error::Cancelled) => assert!(is_cancelled, "seed {seed}"),
            Err(Error::Memory { .. }) => assert!(is_narrow, "seed {seed}"),
            Err(Error::Beyond { .. }) => {
                assert!(case.terms.arms > 64 || case.program.spans.len() > 64 || marks > 256, "seed {seed}");
            }
            Err(Error::Refused(what)) => {
                refused += 1;
                assert!(is_refused(&case, &of_counted(&expected(&case))), "seed {seed}: {what}");
            }
            Err(other) => panic!("seed {seed}: {other}"),
        }
    }
    assert!(answered * 4 > cases, "only {answered} of {cases} cases were answered");
    assert!(refused > 0, "none of {cases} cases was refused");
}
