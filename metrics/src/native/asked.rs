//! What an experiment whose units have ids asks of each source, and what the operator makes of the answers.
//!
//! Everything is decided here before a row is read; [`events`](super::events) carries it out.

use std::collections::BTreeMap;

use arrow::datatypes::DataType;
use estimand_stats::unit_aggregation::{self as kernel, Function, Program, Value};
use sea_query::Expr;

use super::cells::{Form as Lane, Use};
use super::instants::Ticks;
use super::reading::{Wanted, Within};
use super::unit_rows::as_text;
use super::workers::Ended;
use crate::definition::Clock;
use crate::expression::{AggregateFunction, Expression};
use crate::plan::lower::{Form, KeyForm, Schemas, Tick};
use crate::plan::{DimensionColumn, Plan, Span, UnitAggregation, UnitColumn};
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

/// What is to be read, in the order of the sources, and by which conditions rows are of use.
pub(super) struct Questions {
    pub(super) assignments: Vec<Wanted>,
    /// The conditions of assignments.
    pub(super) enrolled: Vec<Expr>,
    pub(super) described: Vec<Vec<Wanted>>,
    pub(super) trigger: Vec<Wanted>,
    /// The conditions of events that trigger.
    pub(super) triggers: Vec<Expr>,
    pub(super) outcomes: Vec<Question>,
}

/// What is to be read of a source, and which of its rows are of use.
type Question = (Vec<Wanted>, Option<Within>);

/// What is asked of the source of assignments.
pub(super) struct AskedAssignments {
    pub(super) id: usize,
    pub(super) at: Option<usize>,
    pub(super) arm: usize,
    pub(super) filter: Option<usize>,
    /// Dimensions by their place in the specification, and where each is read.
    pub(super) dimensions: Vec<(usize, usize)>,
}

/// What is asked of another source of dimensions.
pub(super) struct AskedDimensions {
    pub(super) source: String,
    pub(super) id: usize,
    /// By their place in the specification, and where each is read.
    pub(super) dimensions: Vec<(usize, usize)>,
}

/// What is asked of the source of a trigger.
pub(super) struct AskedTrigger {
    pub(super) source: String,
    pub(super) id: usize,
    pub(super) at: usize,
    pub(super) filter: Option<usize>,
}

/// What is asked of a source of outcomes.
pub(super) struct AskedOutcomes {
    pub(super) source: String,
    pub(super) id: usize,
    pub(super) at: Option<usize>,
    pub(super) conditions: Vec<usize>,
    pub(super) arguments: Vec<(usize, Use)>,
    pub(super) spans: Vec<Span>,
    pub(super) values: Vec<AskedValue>,
}

pub(super) struct AskedValue {
    /// Its place in the specification; none for one that only watches over the rows of a unit.
    pub(super) column: Option<usize>,
    pub(super) function: Function,
    pub(super) conditions: Vec<usize>,
    pub(super) span: Option<usize>,
    pub(super) argument: Option<usize>,
    /// The condition that a row must fulfil to be counted.
    pub(super) counted: Option<usize>,
    pub(super) when_empty: Option<f64>,
    pub(super) matures_after: Option<i64>,
}

/// A specification as the operator reads it.
pub(super) struct Compiled {
    pub(super) specification: UnitAggregation,
    pub(super) key: KeyForm,
    pub(super) tick: Tick,
    pub(super) arms: Vec<String>,
    pub(super) assignments: AskedAssignments,
    pub(super) described: Vec<AskedDimensions>,
    pub(super) trigger: Option<AskedTrigger>,
    pub(super) outcomes: Vec<AskedOutcomes>,
}

/// A specification as the operator reads it, or why it does not.
///
/// # Errors
/// The reason, as words that follow "since".
pub(super) fn compile(plan: &Plan, schemas: &Schemas) -> Result<(Compiled, Questions), String> {
    let specification = &plan.specification;
    let enrolment = &specification.enrolment;
    let Some(unit) = &enrolment.unit_column else { return Err("its rows are units".to_owned()) };
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
    let lowered_filter =
        |filter: &Option<Expression>| filter.iter().map(|filter| lowered(filter, specification)).collect();
    let questions = Questions {
        assignments: asked.wanted,
        enrolled: lowered_filter(&enrolment.filter),
        described: of_described,
        trigger: of_trigger.wanted,
        triggers: enrolment.trigger.as_ref().map_or_else(Vec::new, |trigger| lowered_filter(&trigger.filter)),
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
            counted: None,
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
        let mut counted = None;
        let argument = match (&value.aggregation.argument, function) {
            (None, Function::Any | Function::Count) => None,
            (None, _) => return Err(format!("`{}` aggregates nothing", value.name)),
            (Some(truth), Function::Any) => {
                counted = Some(self.condition(asked, lowered(truth, specification)));
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
            counted,
            when_empty: value.when_empty,
            matures_after: value.matures_after,
        })
    }

    /// The program of the operator, once the types of columns are known; with the form of each of its arguments.
    pub(super) fn program(&self, kinds: &[DataType], ticks: Ticks) -> Result<(Program, Vec<(usize, Lane)>), Ended> {
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
                counted: value.counted,
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
    pub(super) fn places(&self) -> Vec<usize> {
        let described = self.described.iter().flat_map(|asked| &asked.dimensions);
        let order: Vec<usize> = self.assignments.dimensions.iter().chain(described).map(|(at, _)| *at).collect();
        (0..order.len()).map(|at| order.iter().position(|one| *one == at).unwrap_or_default()).collect()
    }
}
