//! Experiments whose units have ids: assignments, events and tables of units, each source read once.
//!
//! ```text
//! assignments ─▶ roster of units ─▶ trigger ─▶ census
//!                      │
//! each source ─▶ rows by partition ─▶ values of each unit ─▶ derived columns, limits, statistics
//! ```
//!
//! What the data may not hold is refused here without a name; the statements then say where.

use std::collections::{BTreeMap, HashMap};
use std::marker::PhantomData;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arrow::array::{Array, ArrayRef, AsArray, Date32Array, Int64Array, StringArray};
use arrow::buffer::NullBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, TimeUnit};
use estimand_stats::unit_aggregation::finish::{Finish, Finished, UnitBlock, Worker};
use estimand_stats::unit_aggregation::{
    self as kernel, AssignmentBatch, Cells, Condition, Enrolling, Evaluator, EventBatch, Function, Integers, Key,
    KeyColumn, Program, Room, Roster, Rows, State, Terms, Texts, TriggerBatch, Value,
};
use sea_query::Expr;

use crate::collect::{CensusRow, Doing, MISSING_GROUP, MOST_SEGMENTS, Progress};
use crate::definition::{Clock, Zone};
use crate::engine::DataFusion;
use crate::error::Error;
use crate::expression::{AggregateFunction, Expression};
use crate::native::Aggregated;
use crate::native::cells::{Form as Lane, Truth, Use, Words, ticks};
use crate::native::coding::{ArmCodes, MISSING, OwnCodes, TextCodes, UNDECLARED};
use crate::native::finishing;
use crate::native::pool_room::PoolRoom;
use crate::native::reading::{Prepared, Reading, Wanted, Within};
use crate::native::unit_rows::as_text;
use crate::native::workers::{Ended, Stop, share};
use crate::plan::lower::{Form, KeyForm, Schemas, Tick, UnitState};
use crate::plan::{DimensionColumn, Enrolment, Grouping, Plan, Span, UnitAggregation, UnitColumn};
use crate::sql::{cast as cast_to, column, lower};

/// The expressions asked of one source, each once.
#[derive(Default)]
struct Asked {
    wanted: Vec<Wanted>,
}

impl Asked {
    /// The place of an expression among those asked.
    fn place(&mut self, wanted: Wanted) -> usize {
        position_or_push(&mut self.wanted, wanted)
    }

    /// An expression, read without planning when it is a column as it is.
    fn expression(&mut self, expression: Expr, of: &str) -> usize {
        let plain = expression == column(of);
        self.place(if plain { Wanted::Column(of.to_owned()) } else { Wanted::Made(expression) })
    }
}

/// The id column of a source, in a form that the operator compares: blanks are its own affair.
fn id(asked: &mut Asked, key: KeyForm, name: &str, source: &str, schemas: &Schemas) -> usize {
    let kind = schemas.get(source).and_then(|schema| schema.field_with_name(name).ok()).map(|field| field.data_type());
    match (key, kind) {
        (KeyForm::Integer, Some(DataType::Int64))
        | (KeyForm::Text, Some(DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)) => {
            asked.place(Wanted::Column(name.to_owned()))
        }
        (KeyForm::Integer, _) => asked.place(Wanted::Made(cast_to(column(name), "BIGINT"))),
        (KeyForm::Text, _) => asked.place(Wanted::Made(cast_to(column(name), "VARCHAR"))),
    }
}

/// A column as text.
fn text(asked: &mut Asked, name: &str, source: &str, schemas: &Schemas) -> usize {
    asked.place(as_text(source, name, schemas))
}

/// What is to be read, in the order of the sources: expressions do not travel between threads.
pub(super) struct Questions {
    assignments: Vec<Wanted>,
    described: Vec<Vec<Wanted>>,
    trigger: Vec<Wanted>,
    outcomes: Vec<Question>,
}

/// What is to be read of a source, and which of its rows are of use.
type Question = (Vec<Wanted>, Option<Within>);

/// What is asked of the source of assignments.
struct AskedAssignments {
    id: usize,
    at: Option<usize>,
    arm: usize,
    filter: Option<usize>,
    /// Dimensions by their place in the specification, and where each is read.
    dimensions: Vec<(usize, usize)>,
}

/// What is asked of another source of dimensions.
struct AskedDimensions {
    source: String,
    id: usize,
    /// By their place in the specification, and where each is read.
    dimensions: Vec<(usize, usize)>,
}

/// What is asked of the source of a trigger.
struct AskedTrigger {
    source: String,
    id: usize,
    at: usize,
    filter: Option<usize>,
}

/// What is asked of a source of outcomes.
struct AskedOutcomes {
    source: String,
    id: usize,
    at: Option<usize>,
    conditions: Vec<usize>,
    arguments: Vec<(usize, Use)>,
    spans: Vec<Span>,
    values: Vec<AskedValue>,
}

struct AskedValue {
    /// Its place in the specification; none for one that only watches over the rows of a unit.
    column: Option<usize>,
    function: Function,
    conditions: Vec<usize>,
    span: Option<usize>,
    argument: Option<usize>,
    when_empty: Option<f64>,
    matures_after: Option<i64>,
}

/// A specification as the operator reads it.
pub(super) struct Compiled {
    specification: UnitAggregation,
    key: KeyForm,
    tick: Tick,
    arms: Vec<String>,
    assignments: AskedAssignments,
    described: Vec<AskedDimensions>,
    trigger: Option<AskedTrigger>,
    outcomes: Vec<AskedOutcomes>,
}

impl From<kernel::Error> for Ended {
    fn from(error: kernel::Error) -> Self {
        match error {
            kernel::Error::Cancelled => Self::Stopped,
            kernel::Error::Disk(_) => Self::Failed(Error::Data { step: STEP.to_owned(), message: error.to_string() }),
            kernel::Error::Memory { .. } => {
                Self::Memory(Error::Memory { step: STEP.to_owned(), message: error.to_string() })
            }
            _ => Self::Refused,
        }
    }
}

/// The code of no text, in the operator.
const NO_CODE: u32 = u32::MAX;

/// What errors call the operator's work.
const STEP: &str = "unit aggregation";

/// A value that cannot be read as it must be: a statement will say which.
fn refused(_: arrow::error::ArrowError) -> Ended {
    Ended::Refused
}

/// A specification as the operator reads it, or why it does not.
///
/// # Errors
/// The reason, as words that follow "since".
pub(super) fn compile(plan: &Plan, schemas: &Schemas) -> Result<(Compiled, Questions), String> {
    let specification = &plan.specification;
    let enrolment = &specification.enrolment;
    let Some(unit) = &enrolment.unit_column else { return Err("its rows are units".to_owned()) };
    if !plan.unit_rows.is_empty() {
        return Err("an estimator reads the rows of units".to_owned());
    }
    let own: Vec<usize> = positions(&enrolment.dimensions, |dimension| dimension.source == enrolment.source);
    if own.len() < enrolment.dimensions.len() && enrolment.clock.is_none() {
        return Err("a dimension comes from another source than that of units without times".to_owned());
    }
    let form = Form::of(specification, schemas);
    let key = KeyForm::of(specification, schemas);
    let mut asked = Asked::default();
    let assignments = AskedAssignments {
        id: id(&mut asked, key, unit, &enrolment.source, schemas),
        at: enrolment.clock.as_ref().map(|clock| asked.expression(form.time(clock, &enrolment.source), &clock.column)),
        arm: text(&mut asked, &enrolment.arm_column, &enrolment.source, schemas),
        filter: enrolment.filter.as_ref().map(|filter| asked.expression(lowered(filter, specification), "")),
        dimensions: own
            .iter()
            .map(|at| (*at, text(&mut asked, &enrolment.dimensions[*at].column, &enrolment.source, schemas)))
            .collect(),
    };
    let (described, of_described) = described(&enrolment.dimensions, &enrolment.source, key, schemas);
    let mut of_trigger = Asked::default();
    let trigger = enrolment.trigger.as_ref().map(|trigger| {
        let asked = &mut of_trigger;
        AskedTrigger {
            source: trigger.source.clone(),
            id: id(asked, key, &trigger.unit_column, &trigger.source, schemas),
            at: asked.expression(form.time(&trigger.clock, &trigger.source), &trigger.clock.column),
            filter: trigger.filter.as_ref().map(|filter| asked.expression(lowered(filter, specification), "")),
        }
    });
    let mut groups: BTreeMap<(&str, bool), Vec<usize>> = BTreeMap::new();
    for (at, value) in specification.values.iter().enumerate() {
        groups.entry((&value.source, specification.is_in_enrolment(value))).or_default().push(at);
    }
    let asked_outcomes = groups
        .into_iter()
        .map(|((source, enrolled), values)| outcomes(specification, schemas, (form, key), source, enrolled, &values))
        .collect::<Result<Vec<_>, String>>()?;
    let (outcomes, of_outcomes) = asked_outcomes.into_iter().unzip();
    let mut arms = enrolment.arms.clone();
    if enrolment.clock.is_none() {
        // Without times the first arm of a unit is the least by name.
        arms.sort_unstable();
    }
    let questions = Questions {
        assignments: asked.wanted,
        described: of_described,
        trigger: of_trigger.wanted,
        outcomes: of_outcomes,
    };
    let specification = specification.clone();
    Ok((Compiled { specification, key, tick: form.tick, arms, assignments, described, trigger, outcomes }, questions))
}

/// The places of those of a list for which something holds.
fn positions<T>(list: &[T], holds: impl Fn(&T) -> bool) -> Vec<usize> {
    list.iter().enumerate().filter(|(_, one)| holds(one)).map(|(at, _)| at).collect()
}

/// What is asked of each source of dimensions other than that of assignments.
fn described(
    dimensions: &[DimensionColumn],
    assignments: &str,
    key: KeyForm,
    schemas: &Schemas,
) -> (Vec<AskedDimensions>, Vec<Vec<Wanted>>) {
    let mut sources: Vec<&DimensionColumn> =
        dimensions.iter().filter(|dimension| dimension.source != assignments).collect();
    sources.sort_unstable_by(|a, b| a.source.cmp(&b.source));
    sources.dedup_by(|a, b| a.source == b.source);
    let of = |first: &&DimensionColumn| {
        let mut asked = Asked::default();
        let id = id(&mut asked, key, &first.unit_column, &first.source, schemas);
        let own = positions(dimensions, |dimension| dimension.source == first.source);
        let read = |at: &usize| (*at, text(&mut asked, &dimensions[*at].column, &first.source, schemas));
        let dimensions = own.iter().map(read).collect();
        (AskedDimensions { source: first.source.clone(), id, dimensions }, asked.wanted)
    };
    sources.iter().map(of).unzip()
}

fn lowered(expression: &Expression, specification: &UnitAggregation) -> Expr {
    lower(expression.node(), &specification.bindings)
}

fn outcomes(
    specification: &UnitAggregation,
    schemas: &Schemas,
    (form, key): (Form<'_>, KeyForm),
    source: &str,
    enrolled: bool,
    places: &[usize],
) -> Result<(AskedOutcomes, Question), String> {
    let values: Vec<(usize, &UnitColumn)> =
        places.iter().map(|place| (*place, &specification.values[*place])).collect();
    let unit = values.iter().find_map(|(_, value)| value.unit_column.as_deref()).unwrap_or_default();
    let clock: Option<&Clock> = values.iter().find_map(|(_, value)| value.clock.as_ref());
    if values.iter().any(|(_, value)| value.clock.is_some() != value.span.is_some() || value.clock.as_ref() != clock) {
        return Err(format!("values of `{source}` differ in what time means"));
    }
    let mut asked = Asked::default();
    let mut out = AskedOutcomes {
        source: source.to_owned(),
        id: id(&mut asked, key, unit, source, schemas),
        at: clock.map(|clock| asked.expression(form.time(clock, source), &clock.column)),
        conditions: Vec::new(),
        arguments: Vec::new(),
        spans: Vec::new(),
        values: Vec::new(),
    };
    let enrolment =
        specification.enrolment.filter.as_ref().filter(|_| enrolled).map(|filter| lowered(filter, specification));
    let enrolment = enrolment.map(|filter| out.condition(&mut asked, filter));
    let within = clock.and_then(|clock| within(specification, &values, form.time(clock, source)));
    for (place, value) in values {
        let value = out.value(&mut asked, place, value, enrolment, specification)?;
        out.values.push(value);
    }
    if out.values.iter().any(|value| value.function == Function::Row) {
        // A table with a row per unit is one for all of its rows, whatever a filter would leave.
        out.values.push(AskedValue {
            column: None,
            function: Function::Row,
            conditions: enrolment.into_iter().collect(),
            span: None,
            argument: None,
            when_empty: None,
            matures_after: None,
        });
    }
    Ok((out, (asked.wanted, within)))
}

/// The rows of use by their time: no unit counts before enrolment, and none longer than its longest window.
fn within(specification: &UnitAggregation, values: &[(usize, &UnitColumn)], time: Expr) -> Option<Within> {
    let enrolment = &specification.enrolment;
    let spans = || values.iter().filter_map(|(_, value)| value.span);
    let lookback = spans().filter_map(|span| match span {
        Span::Before { lookback } => Some(lookback),
        Span::After { .. } => None,
    });
    let lookback = jiff::SignedDuration::from_micros(lookback.max().unwrap_or(0));
    let from = enrolment.start.and_then(|start| start.checked_sub(lookback).ok());
    let ends: Option<Vec<i64>> = spans()
        .map(|span| match span {
            Span::Before { .. } => Some(0),
            Span::After { delay, length } => length.map(|length| delay + length),
        })
        .collect();
    let longest = ends.and_then(|ends| ends.into_iter().max()).filter(|_| enrolment.trigger.is_none());
    let last = longest.and_then(|longest| {
        enrolment.end.and_then(|end| end.checked_add(jiff::SignedDuration::from_micros(longest)).ok())
    });
    let until = [enrolment.as_of, last].into_iter().flatten().min();
    Some(Within { time, from, until })
}

impl AskedOutcomes {
    fn condition(&mut self, asked: &mut Asked, truth: Expr) -> usize {
        let place = asked.expression(truth, "");
        position_or_push(&mut self.conditions, place)
    }

    fn value(
        &mut self,
        asked: &mut Asked,
        place: usize,
        value: &UnitColumn,
        enrolment: Option<usize>,
        specification: &UnitAggregation,
    ) -> Result<AskedValue, String> {
        use AggregateFunction as Aggregate;
        let mut conditions: Vec<usize> = enrolment.into_iter().collect();
        if let Some(filter) = &value.filter {
            conditions.push(self.condition(asked, lowered(filter, specification)));
        }
        let function = match value.aggregation.function {
            Aggregate::Any => Function::Any,
            Aggregate::Avg => Function::Mean,
            Aggregate::Count => Function::Count,
            Aggregate::CountDistinct => Function::CountDistinct,
            Aggregate::First => Function::First,
            Aggregate::Last => Function::Last,
            Aggregate::Max => Function::Max,
            Aggregate::Min => Function::Min,
            Aggregate::Row => Function::Row,
            Aggregate::Sum => Function::Sum,
        };
        let counts = matches!(function, Function::Any | Function::Count | Function::CountDistinct);
        if counts && value.when_empty != Some(0.0) {
            return Err(format!("`{}` counts rows, and a unit without rows is not 0", value.name));
        }
        let argument = match (&value.aggregation.argument, function) {
            (None, Function::Any | Function::Count) => None,
            (None, _) => return Err(format!("`{}` aggregates nothing", value.name)),
            (Some(truth), Function::Any) => {
                conditions.push(self.condition(asked, lowered(truth, specification)));
                None
            }
            (Some(argument), function) => {
                let used = match function {
                    Function::Count => Use::Present,
                    Function::CountDistinct => Use::Distinguished,
                    Function::Sum | Function::Mean => Use::Added,
                    _ => Use::Taken,
                };
                let expression = lowered(argument, specification);
                let of = argument.columns().next().unwrap_or_default();
                let place = asked.expression(expression, of);
                Some(position_or_push(&mut self.arguments, (place, used)))
            }
        };
        let span = value.span.map(|span| position_or_push(&mut self.spans, span));
        Ok(AskedValue {
            column: Some(place),
            function,
            conditions,
            span,
            argument,
            when_empty: value.when_empty,
            matures_after: value.matures_after,
        })
    }

    /// The program of the operator, once the types of columns are known; with the form of each of its arguments.
    fn program(&self, kinds: &[DataType], ticks: Ticks) -> Result<(Program, Vec<(usize, Lane)>), Ended> {
        let mut lanes: Vec<(usize, Lane)> = Vec::new();
        let mut lane_of = Vec::with_capacity(self.arguments.len());
        for (place, used) in &self.arguments {
            let Some(lane) = Lane::of(*used, &kinds[*place]) else {
                return Err(Ended::Refused);
            };
            lane_of.push(position_or_push(&mut lanes, (*place, lane)));
        }
        if self.conditions.iter().any(|place| !is_truth(&kinds[*place])) {
            return Err(Ended::Refused);
        }
        let span = |span: &Span| match *span {
            Span::After { delay, length } => Ok::<_, Ended>(kernel::Span::After {
                delay: ticks.length(delay)?,
                length: length.map(|length| ticks.length(length)).transpose()?,
            }),
            Span::Before { lookback } => Ok(kernel::Span::Before { lookback: ticks.length(lookback)? }),
        };
        let value = |value: &AskedValue| {
            Ok::<_, Ended>(Value {
                function: value.function,
                conditions: value.conditions.clone(),
                span: value.span,
                argument: value.argument.map(|argument| lane_of[argument]),
                when_empty: value.when_empty,
                matures_after: value.matures_after.map(|after| ticks.length(after)).transpose()?,
            })
        };
        let program = Program {
            conditions: self.conditions.len(),
            spans: self.spans.iter().map(span).collect::<Result<_, _>>()?,
            arguments: lanes.iter().map(|(_, lane)| lane.argument()).collect(),
            values: self.values.iter().map(value).collect::<Result<_, _>>()?,
            now: ticks.now,
        };
        Ok((program, lanes))
    }
}

fn is_truth(kind: &DataType) -> bool {
    match kind {
        DataType::Dictionary(_, values) => is_truth(values),
        kind => *kind == DataType::Boolean,
    }
}

fn position_or_push<T: PartialEq>(list: &mut Vec<T>, one: T) -> usize {
    match list.iter().position(|other| *other == one) {
        Some(place) => place,
        None => {
            list.push(one);
            list.len() - 1
        }
    }
}

impl Compiled {
    /// The place of each dimension of the specification among those of the roster: first its own, then those of other sources.
    fn places(&self) -> Vec<usize> {
        let described = self.described.iter().flat_map(|asked| &asked.dimensions);
        let order: Vec<usize> = self.assignments.dimensions.iter().chain(described).map(|(at, _)| *at).collect();
        (0..order.len()).map(|at| order.iter().position(|one| *one == at).unwrap_or_default()).collect()
    }
}

/// Instants and lengths in the tick of a plan.
#[derive(Clone, Copy)]
struct Ticks {
    tick: Tick,
    now: Option<i64>,
}

impl Ticks {
    fn instant(tick: Tick, at: jiff::Timestamp) -> i64 {
        match tick {
            Tick::Microsecond => at.as_microsecond(),
            Tick::Nanosecond => {
                let at = at.as_nanosecond().clamp(i64::MIN.into(), i64::MAX.into());
                i64::try_from(at).unwrap_or(i64::MAX)
            }
        }
    }

    fn length(self, microseconds: i64) -> Result<i64, Ended> {
        let ticks = match self.tick {
            Tick::Microsecond => Some(microseconds),
            Tick::Nanosecond => microseconds.checked_mul(1_000),
        };
        ticks.ok_or(Ended::Refused)
    }
}

/// Days of enrolment, counted from 1970.
struct Days {
    tick: Tick,
    zone: Zone,
    /// Days by quarter of an hour, where a whole quarter lies in one: zones change at no other instants of our times.
    known: Mutex<HashMap<i64, Option<i32>>>,
}

impl Days {
    fn new(tick: Tick, zone: &Zone) -> Self {
        Self { tick, zone: zone.clone(), known: Mutex::default() }
    }

    fn second(&self) -> i64 {
        match self.tick {
            Tick::Microsecond => 1_000_000,
            Tick::Nanosecond => 1_000_000_000,
        }
    }

    fn of(&self, at: i64) -> i32 {
        if self.zone.name() == "UTC" {
            return i32::try_from(at.div_euclid(86_400 * self.second())).unwrap_or(i32::MAX);
        }
        let quarter = 900 * self.second();
        let known = |quarter: i64| self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&quarter).copied();
        let number = at.div_euclid(quarter);
        let day = known(number).unwrap_or_else(|| {
            let (first, last) = (self.local(number * quarter), self.local(number * quarter + quarter - 1));
            let day = (first == last).then_some(first);
            self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(number, day);
            day
        });
        day.unwrap_or_else(|| self.local(at))
    }

    fn local(&self, at: i64) -> i32 {
        let micros = if self.tick == Tick::Nanosecond { at.div_euclid(1_000) } else { at };
        let aware = DataType::Timestamp(TimeUnit::Microsecond, Some(self.zone.name().into()));
        let array: ArrayRef = Arc::new(Int64Array::from(vec![micros]));
        let day = cast(&array, &aware).and_then(|array| cast(&array, &DataType::Date32));
        day.ok().and_then(|day| day.as_primitive_opt::<Date32Type>().map(|day| day.value(0))).unwrap_or(0)
    }

    fn text(day: i32) -> String {
        let text = cast(&Date32Array::from(vec![day]), &DataType::Utf8).ok();
        text.and_then(|text| text.as_any().downcast_ref::<StringArray>().map(|text| text.value(0).to_owned()))
            .unwrap_or_default()
    }
}

/// Reads the sources and gives the statistics, on threads of its own.
pub(super) async fn aggregate(
    engine: &DataFusion,
    compiled: Compiled,
    questions: Questions,
    progress: Progress<'_>,
) -> Result<Aggregated, Ended> {
    let enrolment = &compiled.specification.enrolment;
    let assignments = Reading::of(engine, &enrolment.source, &questions.assignments, None).await?;
    let mut described = Vec::with_capacity(compiled.described.len());
    for (asked, wanted) in compiled.described.iter().zip(&questions.described) {
        described.push(Reading::of(engine, &asked.source, wanted, None).await?);
    }
    let trigger = match &compiled.trigger {
        Some(asked) => Some(Reading::of(engine, &asked.source, &questions.trigger, None).await?),
        None => None,
    };
    let mut outcomes = Vec::with_capacity(compiled.outcomes.len());
    for (asked, (wanted, within)) in compiled.outcomes.iter().zip(&questions.outcomes) {
        outcomes.push(Reading::of(engine, &asked.source, wanted, within.as_ref()).await?);
    }
    drop(questions);
    let stop = Stop::default();
    let room = PoolRoom::new(engine.environment(), stop.stopping());
    let (at, rows_read) = (AtomicUsize::new(0), AtomicU64::new(0));
    let sources = Arc::new(Sources { assignments, described, trigger, outcomes, at, rows_read });
    let names: Vec<String> = std::iter::once(&enrolment.source)
        .chain(compiled.described.iter().map(|asked| &asked.source))
        .chain(compiled.trigger.iter().map(|asked| &asked.source))
        .chain(compiled.outcomes.iter().map(|asked| &asked.source))
        .cloned()
        .collect();
    let (threads, read) = (engine.threads(), Arc::clone(&sources));
    let work = tokio::task::spawn_blocking(move || match compiled.key {
        KeyForm::Integer => Operator::<Numbers>::run(&compiled, &read, threads, &room),
        KeyForm::Text => Operator::<Names>::run(&compiled, &read, threads, &room),
    });
    tokio::pin!(work);
    let say = || {
        let at = sources.at.load(Ordering::Relaxed);
        if let (Some(source), Some(reading)) = (names.get(at), sources.each().nth(at)) {
            let rows_read = sources.rows_read.load(Ordering::Relaxed);
            progress(Doing::Reading { source, rows_read, rows: reading.rows() });
        }
    };
    say();
    loop {
        tokio::select! {
            // A task is never aborted, so that what it could not give is a panic: a fault of ours, shown where it would be.
            done = &mut work => break done.unwrap_or_else(|panicked| resume_unwind(panicked.into_panic())),
            () = tokio::time::sleep(Duration::from_secs(1)) => say(),
        }
    }
}

/// What is read, one source after another, and how far that is.
struct Sources {
    assignments: Reading,
    described: Vec<Reading>,
    trigger: Option<Reading>,
    outcomes: Vec<Reading>,
    at: AtomicUsize,
    rows_read: AtomicU64,
}

impl Sources {
    /// In the order of reading.
    fn each(&self) -> impl Iterator<Item = &Reading> {
        std::iter::once(&self.assignments).chain(&self.described).chain(&self.trigger).chain(&self.outcomes)
    }
}

/// How ids are written.
trait Ids: Send + Sync {
    type Key: Key;
    type Column<'a>: KeyColumn<Key = Self::Key>;

    fn of(column: &ArrayRef) -> Self::Column<'_>;
}

struct Numbers;

impl Ids for Numbers {
    type Key = i64;
    type Column<'a> = Integers<'a>;

    fn of(column: &ArrayRef) -> Integers<'_> {
        Integers(column.as_ref())
    }
}

struct Names;

impl Ids for Names {
    type Key = u128;
    type Column<'a> = Texts<'a>;

    fn of(column: &ArrayRef) -> Texts<'_> {
        Texts(column.as_ref())
    }
}

struct Operator<'a, I> {
    compiled: &'a Compiled,
    sources: &'a Sources,
    threads: usize,
    room: &'a dyn Room,
    ticks: Ticks,
    days: Days,
    /// The texts of each dimension, in the order of the specification.
    dimensions: Vec<TextCodes>,
    /// The place of each dimension of the specification among those of the roster.
    places: Vec<usize>,
    ids: PhantomData<I>,
}

impl<'a, I: Ids> Operator<'a, I> {
    fn run(
        compiled: &'a Compiled,
        sources: &'a Sources,
        threads: usize,
        room: &'a dyn Room,
    ) -> Result<Aggregated, Ended> {
        let enrolment = &compiled.specification.enrolment;
        let operator = Self {
            compiled,
            sources,
            threads,
            room,
            ticks: Ticks { tick: compiled.tick, now: enrolment.as_of.map(|at| Ticks::instant(compiled.tick, at)) },
            days: Days::new(compiled.tick, &enrolment.zone),
            dimensions: enrolment.dimensions.iter().map(|_| TextCodes::default()).collect(),
            places: compiled.places(),
            ids: PhantomData,
        };
        let mut roster = operator.enrol()?;
        for (asked, reading) in compiled.described.iter().zip(&sources.described) {
            operator.describe(asked, reading, &mut roster)?;
        }
        if let (Some(asked), Some(reading)) = (&compiled.trigger, &sources.trigger) {
            operator.trigger(asked, reading, &mut roster)?;
        }
        let (census, first_day) = operator.census(&roster);
        let census_by = operator.census_by(&roster);
        roster.close();
        let rows = operator.scatter(&roster)?;
        let finish = Finish::new(finishing::finishing(&compiled.specification), compiled.arms.len())?;
        let workers = operator.evaluate(&roster, &rows, &finish, first_day)?;
        drop(rows);
        let finished = finish.conclude(workers)?;
        Ok(operator.aggregated(census, census_by, &finished, first_day))
    }

    /// Reads a source on all threads.
    fn read<S: Send>(
        &self,
        reading: &Reading,
        begin: impl Fn() -> S + Sync,
        work: impl Fn(&mut S, &Prepared) -> Result<(), Ended> + Sync,
    ) -> Result<Vec<S>, Ended> {
        self.sources.rows_read.store(0, Ordering::Relaxed);
        let read = share(self.threads, reading.pieces(), begin, |state, piece| {
            reading.read(piece, &mut |prepared| {
                if self.room.cancelled() {
                    return Err(Ended::Stopped);
                }
                self.sources.rows_read.fetch_add(prepared.rows as u64, Ordering::Relaxed);
                work(state, prepared)
            })
        });
        self.sources.at.fetch_add(1, Ordering::Relaxed);
        read
    }

    fn enrol(&self) -> Result<Roster<I::Key>, Ended> {
        let enrolment = &self.compiled.specification.enrolment;
        let asked = &self.compiled.assignments;
        let instant = |at: jiff::Timestamp| Ticks::instant(self.compiled.tick, at);
        let enrolling = Enrolling::<I::Key>::new(Terms {
            arms: self.compiled.arms.len(),
            timed: asked.at.is_some(),
            start: enrolment.start.filter(|_| asked.at.is_some()).map(instant),
            end: enrolment.end.filter(|_| asked.at.is_some()).map(instant),
            dimensions: asked.dimensions.len(),
        })?;
        let arms = ArmCodes::of(&Enrolment { arms: self.compiled.arms.clone(), ..enrolment.clone() });
        let order = |own: usize, one: u32, other: u32| self.dimensions[asked.dimensions[own].0].compare(one, other);
        let begin = || (enrolling.enroller(&order, self.room), own_codes(&asked.dimensions));
        let hands = self.read(&self.sources.assignments, begin, |(enroller, own_codes), prepared| {
            let at = asked.at.map(|place| ticks(&prepared.columns[place])).transpose().map_err(refused)?;
            let at = at.as_ref().map(|(at, nulls)| (&at[..], nulls.as_ref()));
            let kept = self.kept(prepared, asked.filter, at)?;
            let mut numbers = Vec::new();
            arms.codes(&prepared.columns[asked.arm], &mut numbers).map_err(refused)?;
            let counts = |row: usize| kept.as_ref().is_none_or(|kept| kept[row]);
            if numbers.iter().enumerate().any(|(row, arm)| *arm == UNDECLARED && counts(row)) {
                return Err(Ended::Refused);
            }
            let dimensions = self.codes(&asked.dimensions, own_codes, prepared)?;
            enroller.push(&AssignmentBatch {
                ids: I::of(&prepared.columns[asked.id]),
                at,
                arms: &numbers,
                dimensions: &dimensions,
                kept: kept.as_deref(),
            })?;
            Ok(())
        })?;
        hands.into_iter().try_for_each(|(enroller, _)| enroller.finish())?;
        let roster = enrolling.finish(self.room, self.threads)?;
        let as_it_is = |value: &UnitColumn| {
            self.compiled.specification.is_in_enrolment(value) && value.aggregation.function == AggregateFunction::Row
        };
        if self.compiled.specification.values.iter().any(as_it_is) && roster.has_repeated() {
            return Err(Ended::Refused);
        }
        Ok(roster)
    }

    /// Which rows pass a filter and lie before the as-of instant; all when neither leaves one out.
    fn kept(
        &self,
        prepared: &Prepared,
        filter: Option<usize>,
        at: Option<(&[i64], Option<&NullBuffer>)>,
    ) -> Result<Option<Vec<bool>>, Ended> {
        let truth = |place: usize| Truth::of(&prepared.columns[place]).ok_or(Ended::Refused);
        let mut kept = filter.map(truth).transpose()?.map(|truth| truth.each());
        if let (Some((at, nulls)), Some(now)) = (at, self.ticks.now) {
            let kept = kept.get_or_insert_with(|| vec![true; prepared.rows]);
            for (row, kept) in kept.iter_mut().enumerate() {
                *kept &= at[row] < now || nulls.is_some_and(|nulls| nulls.is_null(row));
            }
        }
        Ok(kept)
    }

    /// The codes of the dimensions that a source gives.
    fn codes(
        &self,
        dimensions: &[(usize, usize)],
        own_codes: &mut [OwnCodes],
        prepared: &Prepared,
    ) -> Result<Vec<Vec<u32>>, Ended> {
        let of = |((at, place), own): (&(usize, usize), &mut OwnCodes)| {
            let (all, mut codes) = (&self.dimensions[*at], Vec::new());
            own.codes(all, &prepared.columns[*place], &mut codes).map_err(refused)?;
            if all.len() > MOST_SEGMENTS {
                return Err(Ended::Refused);
            }
            codes.iter_mut().filter(|code| **code == MISSING).for_each(|code| *code = NO_CODE);
            Ok(codes)
        };
        dimensions.iter().zip(own_codes).map(of).collect()
    }

    fn describe(&self, asked: &AskedDimensions, reading: &Reading, roster: &mut Roster<I::Key>) -> Result<(), Ended> {
        roster.describe(asked.dimensions.len(), self.room, |describing| {
            let begin = || own_codes(&asked.dimensions);
            let take = |own: &mut Vec<OwnCodes>, prepared: &Prepared| {
                let codes = self.codes(&asked.dimensions, own, prepared)?;
                Ok(describing.push(&I::of(&prepared.columns[asked.id]), &codes)?)
            };
            self.read(reading, begin, take).map(|_| ())
        })
    }

    fn trigger(&self, asked: &AskedTrigger, reading: &Reading, roster: &mut Roster<I::Key>) -> Result<(), Ended> {
        roster.trigger(self.ticks.now, self.room, |triggering| {
            let take = |_: &mut (), prepared: &Prepared| {
                let (at, nulls) = ticks(&prepared.columns[asked.at]).map_err(refused)?;
                let kept = self.kept(prepared, asked.filter, None)?;
                triggering.push(&TriggerBatch {
                    ids: I::of(&prepared.columns[asked.id]),
                    at: (&at, nulls.as_ref()),
                    kept: kept.as_deref(),
                });
                Ok(())
            };
            self.read(reading, || (), take).map(|_| ())
        })
    }

    /// Units by kind, and the first day on which one was exposed.
    fn census(&self, roster: &Roster<I::Key>) -> (Vec<CensusRow>, i32) {
        let timed = self.compiled.assignments.at.is_some();
        let counted = roster.census(self.threads, |first| if timed { i64::from(self.days.of(first)) } else { 0 });
        let first_day = counted.keys().filter_map(|entry| entry.period).min().unwrap_or(0);
        let row = |(entry, (units, rows)): (kernel::CensusEntry, (u64, u64))| CensusRow {
            arm: entry.arm.map(|arm| self.compiled.arms[arm as usize].clone()),
            state: state(entry.state).word().to_owned(),
            undeclared: None,
            day: entry.period.filter(|_| timed).map(|day| Days::text(day as i32)),
            units,
            rows,
        };
        let mut census: Vec<CensusRow> = counted.into_iter().map(row).collect();
        census.sort_by(|a, b| (&a.day, &a.arm, &a.state).cmp(&(&b.day, &b.arm, &b.state)));
        (census, first_day as i32)
    }

    fn census_by(&self, roster: &Roster<I::Key>) -> BTreeMap<String, Vec<(String, String, u64)>> {
        let of = |(at, texts): (usize, &TextCodes)| {
            let texts = texts.texts();
            let row = |((arm, code), units): ((u32, u32), u64)| {
                let arm = self.compiled.arms[arm as usize].clone();
                let text = texts.get(code as usize).cloned().flatten();
                (arm, text.unwrap_or_else(|| MISSING_GROUP.to_owned()), units)
            };
            let mut rows: Vec<_> = roster.census_by(self.places[at]).into_iter().map(row).collect();
            rows.sort();
            (self.compiled.specification.enrolment.dimensions[at].name.clone(), rows)
        };
        self.dimensions.iter().enumerate().map(of).collect()
    }

    fn scatter(&self, roster: &Roster<I::Key>) -> Result<Vec<Rows>, Ended> {
        let mut all = Vec::with_capacity(self.sources.outcomes.len());
        for (asked, reading) in self.compiled.outcomes.iter().zip(&self.sources.outcomes) {
            let (program, lanes) = asked.program(reading.kinds(), self.ticks)?;
            let rows = Rows::new(program, roster)?;
            let seed = roster.seed();
            self.read(
                reading,
                || rows.scatterer(roster, self.room),
                |scatterer, prepared| {
                    let at = asked.at.map(|place| ticks(&prepared.columns[place])).transpose().map_err(refused)?;
                    let truth = |place: &usize| Truth::of(&prepared.columns[*place]);
                    let Some(truths) = asked.conditions.iter().map(truth).collect::<Option<Vec<Truth>>>() else {
                        return Err(Ended::Refused);
                    };
                    let words = |(place, lane): &(usize, Lane)| lane.words(&prepared.columns[*place], seed);
                    let words: Vec<Words> = lanes.iter().map(words).collect::<Result<_, _>>().map_err(refused)?;
                    let conditions: Vec<Condition<'_>> = truths.iter().map(Truth::condition).collect();
                    let arguments: Vec<Cells<'_>> = words.iter().map(Words::cells).collect();
                    scatterer.push(&EventBatch {
                        ids: I::of(&prepared.columns[asked.id]),
                        at: at.as_ref().map(|(at, nulls)| (&at[..], nulls.as_ref())),
                        conditions: &conditions,
                        arguments: &arguments,
                    })?;
                    Ok(())
                },
            )?;
            all.push(rows);
        }
        Ok(all)
    }

    fn evaluate(
        &self,
        roster: &Roster<I::Key>,
        rows: &[Rows],
        finish: &Finish,
        first_day: i32,
    ) -> Result<Vec<Worker>, Ended> {
        let specification = &self.compiled.specification;
        // The column of the operator that holds each value.
        let mut columns = vec![0; specification.values.len()];
        let asked = self.compiled.outcomes.iter().flat_map(|asked| &asked.values).enumerate();
        asked.for_each(|(at, value)| value.column.into_iter().for_each(|column| columns[column] = at));
        // Statistics number the arms as the experiment declares them.
        let place = |name: &String| specification.enrolment.arms.iter().position(|arm| arm == name);
        let declared: Vec<u32> = self.compiled.arms.iter().map(|name| place(name).unwrap_or_default() as u32).collect();
        let by_day = asks_by_day(specification);
        let begin = || Hand { evaluator: Evaluator::new(roster, rows, self.room), worker: finish.worker(), held: 0 };
        let hands = share(self.threads, roster.partitions(), begin, |hand, partition| {
            let units = hand.evaluator.partition(partition)?;
            if units.slots.is_empty() {
                return Ok(());
            }
            let arm = |slot: &u32| roster.arm(*slot as usize).map_or(0, |arm| declared[arm as usize]);
            let arms: Vec<u32> = units.slots.iter().map(arm).collect();
            let mut groups: Vec<Vec<u32>> = Vec::with_capacity(self.dimensions.len() + 1);
            for dimension in &self.places {
                let code = |slot: &u32| match roster.code(*dimension, *slot as usize) {
                    NO_CODE => MISSING,
                    code => code,
                };
                groups.push(units.slots.iter().map(code).collect());
            }
            if by_day {
                groups.push(units.exposed.iter().map(|at| (self.days.of(*at) - first_day) as u32).collect());
            }
            let values: Vec<_> = columns.iter().map(|column| units.values[*column]).collect();
            let groups: Vec<&[u32]> = groups.iter().map(Vec::as_slice).collect();
            hand.worker.push(&UnitBlock { arms: &arms, groups: &groups, values: &values })?;
            let held = hand.worker.heap_bytes();
            if held > hand.held && !self.room.grow(held - hand.held) {
                let bytes = held - hand.held;
                return Err(kernel::Error::Memory { what: "the statistics of units", bytes }.into());
            }
            hand.held = hand.held.max(held);
            Ok(())
        })?;
        Ok(hands.into_iter().map(|hand| hand.worker).collect())
    }

    fn aggregated(
        &self,
        census: Vec<CensusRow>,
        census_by: BTreeMap<String, Vec<(String, String, u64)>>,
        finished: &Finished,
        first_day: i32,
    ) -> Aggregated {
        let specification = &self.compiled.specification;
        let texts: Vec<Vec<Option<String>>> = self.dimensions.iter().map(TextCodes::texts).collect();
        let text = |grouping: usize, code: u32| match texts.get(grouping) {
            Some(texts) => texts.get(code as usize).cloned().flatten(),
            None => Some(Days::text(first_day + code as i32)),
        };
        Aggregated {
            census,
            census_by,
            caps: finishing::caps(specification, finished),
            readouts: finishing::readouts(specification, finished, &text),
        }
    }
}

/// What a thread knows of the dimensions that a source gives.
fn own_codes(dimensions: &[(usize, usize)]) -> Vec<OwnCodes> {
    dimensions.iter().map(|_| OwnCodes::default()).collect()
}

/// One thread's hand in making statistics of units.
struct Hand<'a, K> {
    evaluator: Evaluator<'a, K>,
    worker: Worker,
    /// Bytes of the worker that are accounted for.
    held: usize,
}

fn asks_by_day(specification: &UnitAggregation) -> bool {
    specification.readouts.iter().any(|readout| readout.by == Grouping::Day)
}

fn state(state: State) -> UnitState {
    match state {
        State::Blank => UnitState::Blank,
        State::NoTime => UnitState::NoTime,
        State::BeforeStart => UnitState::BeforeStart,
        State::AfterEnd => UnitState::AfterEnd,
        State::TwoArms => UnitState::TwoArms,
        State::Untriggered => UnitState::Untriggered,
        State::Counted => UnitState::Counted,
    }
}
