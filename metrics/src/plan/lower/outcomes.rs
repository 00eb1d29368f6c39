//! Step 2: the values of every unit, one scan per source.

use sea_query::{Alias, CaseStatement, Expr, ExprTrait, Func, FunctionCall, Keyword, Query, SelectStatement, TableRef};

use crate::bindings::Bindings;
use crate::expression::{AggregateFunction, Expression};
use crate::plan::lower::clock::Tick;
use crate::plan::lower::form::Form;
use crate::plan::lower::units::{COLUMN_COUNTED_FROM, COLUMN_EXPOSED_AT, COLUMN_STATE, COLUMN_UNIT, UnitState, word};
use crate::plan::lower::{Step, UNITS, per_unit};
use crate::plan::specification::{Span, UnitAggregation, UnitColumn};
use crate::sql::{call, cast, column, instant, lower};

/// Name of the column that counts a unit's rows in a unit table of its own.
pub(crate) const COLUMN_SOURCE_ROWS: &str = "source_rows";

/// One step per source that is not read with the enrolment.
pub(super) fn steps(specification: &UnitAggregation, form: Form<'_>) -> Vec<Step> {
    let outside: Vec<&UnitColumn> =
        specification.values.iter().filter(|value| !specification.is_in_enrolment(value)).collect();
    let mut sources: Vec<&str> = outside.iter().map(|value| value.source.as_str()).collect();
    sources.sort_unstable();
    sources.dedup();
    sources
        .into_iter()
        .map(|source| {
            let values: Vec<&UnitColumn> = outside.iter().copied().filter(|value| value.source == source).collect();
            let select = statement(specification, source, &values, form);
            let purpose = format!("one row per unit: every window, filter and lookback over `{source}` in one scan");
            // A unit table of its own is looked at for repeated units; all else is read once, by the unit table.
            Step::new(per_unit(source), purpose, &select, values.iter().any(|value| value.clock.is_none()))
        })
        .collect()
}

fn statement(specification: &UnitAggregation, source: &str, values: &[&UnitColumn], form: Form<'_>) -> SelectStatement {
    let unit = values.iter().find_map(|value| value.unit_column.as_deref()).unwrap_or(COLUMN_UNIT);
    let timed = values.iter().find_map(|value| value.clock.as_ref());
    // The rows of the source: id, time, and each distinct condition and argument once, so that text does not travel
    // through the join.
    let mut rows = Query::select();
    rows.expr_as(form.id(unit, source), Alias::new(COLUMN_UNIT));
    if let Some(clock) = timed {
        rows.expr_as(form.time(clock, source), Alias::new("at"));
    }
    arguments(&mut rows, values, &specification.bindings);
    rows.from(Alias::new(source));
    let (e, u) = (Alias::new("e"), Alias::new("u"));
    let of_event = |name: &str| Expr::col((e.clone(), Alias::new(name)));
    let of_unit = |name: &str| Expr::col((u.clone(), Alias::new(name)));
    let mut joined = Query::select();
    joined.expr_as(of_unit(COLUMN_UNIT), Alias::new(COLUMN_UNIT));
    for name in carried(values) {
        joined.expr_as(of_event(&name), Alias::new(name.as_str()));
    }
    if timed.is_some() {
        joined.expr_as(of_event("at"), Alias::new("at"));
    }
    let spans = spans(values);
    for (index, span) in spans.iter().enumerate() {
        joined.expr_as(inside(*span, &of_event("at"), &of_unit, form.tick), Alias::new(window(index)));
    }
    joined
        .from_subquery(rows, e.clone())
        .inner_join(TableRef::from(Alias::new(UNITS)).alias(u.clone()), of_event(COLUMN_UNIT).eq(of_unit(COLUMN_UNIT)))
        .and_where(of_unit(COLUMN_STATE).eq(word(UnitState::Counted.word())));
    if timed.is_some() {
        bound_in_time(&mut joined, specification, &spans, &of_event("at"), &of_unit, form.tick);
    }
    let mut grouped = Query::select();
    grouped.column(Alias::new(COLUMN_UNIT));
    if timed.is_none() {
        grouped.expr_as(Func::count(Expr::Constant(1_i64.into())), Alias::new(COLUMN_SOURCE_ROWS));
    }
    aggregates(&mut grouped, values, Some(&spans));
    grouped.from_subquery(joined, Alias::new("counted")).group_by_col(Alias::new(COLUMN_UNIT));
    grouped
}

/// Drops the rows that no span of any unit can reach: first by constants, which the reader of files can use, then per unit.
fn bound_in_time(
    joined: &mut SelectStatement,
    specification: &UnitAggregation,
    spans: &[Span],
    at: &Expr,
    of_unit: &impl Fn(&str) -> Expr,
    tick: Tick,
) {
    let enrolment = &specification.enrolment;
    let lookback = spans.iter().filter_map(|span| match span {
        Span::Before { lookback } => Some(*lookback),
        Span::After { .. } => None,
    });
    let lookback = lookback.max().unwrap_or(0);
    if let Some(start) = enrolment.start {
        let earliest = jiff::SignedDuration::from_micros(lookback);
        if let Ok(from) = start.checked_sub(earliest) {
            joined.and_where(at.clone().gte(instant(from)));
        }
    }
    if let Some(as_of) = enrolment.as_of {
        joined.and_where(at.clone().lt(instant(as_of)));
    }
    joined.and_where(not_before(at, of_unit(COLUMN_EXPOSED_AT), lookback, tick));
    let ends: Option<Vec<i64>> = spans
        .iter()
        .map(|span| match span {
            Span::Before { .. } => Some(0),
            Span::After { delay, length } => length.map(|length| delay + length),
        })
        .collect();
    if let Some(longest) = ends.and_then(|ends| ends.into_iter().max()) {
        joined.and_where(at.clone().sub(of_unit(COLUMN_COUNTED_FROM)).lt(tick.length(longest)));
    }
}

/// The condition that a row at `at` lies in a span of its unit.
///
/// Written as lengths of time since, so that all conditions on a row share one subtraction.
fn inside(span: Span, at: &Expr, of_unit: &impl Fn(&str) -> Expr, tick: Tick) -> Expr {
    match span {
        Span::After { delay, length } => {
            let from = of_unit(COLUMN_COUNTED_FROM);
            let since = at.clone().sub(from.clone());
            let opened = if delay == 0 { at.clone().gte(from) } else { since.clone().gte(tick.length(delay)) };
            match length {
                Some(length) => opened.and(since.lt(tick.length(delay + length))),
                None => opened,
            }
        }
        Span::Before { lookback } => {
            let exposed = of_unit(COLUMN_EXPOSED_AT);
            not_before(at, exposed.clone(), lookback, tick).and(at.clone().lt(exposed))
        }
    }
}

/// The condition that `at` lies at most a lookback before `from`.
fn not_before(at: &Expr, from: Expr, lookback: i64, tick: Tick) -> Expr {
    if lookback == 0 { at.clone().gte(from) } else { from.sub(at.clone()).lte(tick.length(lookback)) }
}

/// Each distinct span once, in order.
fn spans(values: &[&UnitColumn]) -> Vec<Span> {
    let mut spans: Vec<Span> = values.iter().filter_map(|value| value.span).collect();
    spans.sort_unstable();
    spans.dedup();
    spans
}

/// Distinct expressions of the values: filters as `filter_N`, arguments as `value_N`.
fn expressions<'a>(values: &[&'a UnitColumn]) -> (Vec<&'a Expression>, Vec<&'a Expression>) {
    let mut filters: Vec<&Expression> = Vec::new();
    let mut arguments: Vec<&Expression> = Vec::new();
    for value in values {
        if let Some(filter) = &value.filter
            && !filters.contains(&filter)
        {
            filters.push(filter);
        }
        if let Some(argument) = &value.aggregation.argument
            && !arguments.contains(&argument)
        {
            arguments.push(argument);
        }
    }
    (filters, arguments)
}

fn carried(values: &[&UnitColumn]) -> Vec<String> {
    let (filters, arguments) = expressions(values);
    (0..filters.len()).map(filter).chain((0..arguments.len()).map(argument)).collect()
}

fn filter(index: usize) -> String {
    format!("filter_{index}")
}

fn argument(index: usize) -> String {
    format!("value_{index}")
}

fn window(index: usize) -> String {
    format!("window_{index}")
}

/// Adds each distinct filter and argument of `values` to a select over the source.
pub(super) fn arguments(select: &mut SelectStatement, values: &[&UnitColumn], bindings: &Bindings) {
    let (filters, arguments) = expressions(values);
    for (index, expression) in filters.iter().enumerate() {
        select.expr_as(lower(expression.node(), bindings), Alias::new(filter(index)));
    }
    for (index, expression) in arguments.iter().enumerate() {
        select.expr_as(lower(expression.node(), bindings), Alias::new(argument(index)));
    }
}

/// Adds the aggregate of each value to a grouped select whose input has the columns of [`arguments`].
pub(super) fn aggregates(select: &mut SelectStatement, values: &[&UnitColumn], spans: Option<&[Span]>) {
    let (filters, arguments) = expressions(values);
    for value in values {
        let mut conditions: Vec<Expr> = Vec::new();
        if let (Some(span), Some(spans)) = (&value.span, spans)
            && let Some(index) = spans.iter().position(|one| one == span)
        {
            conditions.push(column(&window(index)));
        }
        if let Some(one) = &value.filter
            && let Some(index) = filters.iter().position(|other| *other == one)
        {
            conditions.push(column(&filter(index)));
        }
        let operand = value
            .aggregation
            .argument
            .as_ref()
            .and_then(|one| arguments.iter().position(|other| *other == one))
            .map(|index| column(&argument(index)));
        let mut number = aggregate(value.aggregation.function, operand, conditions.clone());
        if value.aggregation.function.counts() && value.when_empty != Some(0.0) {
            // A count of no rows is 0, as that of rows that do not count: only rows tell them apart.
            let rows = filtered(Func::count(Expr::Constant(1_i64.into())), &conditions);
            number = CaseStatement::new().case(rows.gt(Expr::Constant(0_i64.into())), number).into();
        }
        select.expr_as(number, Alias::new(value.name.as_str()));
    }
}

/// An aggregate of the rows for which all conditions hold.
fn filtered(call: FunctionCall, conditions: &[Expr]) -> Expr {
    match conditions.iter().cloned().reduce(ExprTrait::and) {
        Some(condition) => call.filter(condition).into(),
        None => call.into(),
    }
}

fn aggregate(function: AggregateFunction, operand: Option<Expr>, conditions: Vec<Expr>) -> Expr {
    let filtered = |call: FunctionCall| filtered(call, &conditions);
    let one = || Expr::Constant(1_i64.into());
    let operand_or_one = operand.clone().unwrap_or_else(one);
    let number = || cast(operand_or_one.clone(), "DOUBLE");
    match function {
        AggregateFunction::Any => {
            let hits = match operand {
                Some(operand) => {
                    Func::count(CaseStatement::new().case(operand, one()).finally(Expr::Keyword(Keyword::Null)))
                }
                None => Func::count(one()),
            };
            CaseStatement::new()
                .case(filtered(hits).gt(Expr::Constant(0_i64.into())), one())
                .finally(Expr::Constant(0_i64.into()))
                .into()
        }
        AggregateFunction::Avg => filtered(call("exact_sum", [operand_or_one.clone()]))
            .div(cast(filtered(Func::count(operand_or_one.clone())), "DOUBLE")),
        AggregateFunction::Count => filtered(Func::count(operand_or_one)),
        AggregateFunction::CountDistinct => filtered(call("count_distinct", [operand_or_one])),
        AggregateFunction::First => filtered(call("first_by", [number(), column("at")])),
        AggregateFunction::Last => filtered(call("last_by", [number(), column("at")])),
        AggregateFunction::Max | AggregateFunction::Row => filtered(Func::max(number())),
        AggregateFunction::Min => filtered(Func::min(number())),
        AggregateFunction::Sum => filtered(call("exact_sum", [operand_or_one])),
    }
}

/// The value of a table in which each row is a unit.
pub(crate) fn of_one_row(value: &UnitColumn, bindings: &Bindings) -> Expr {
    let one = || Expr::Constant(1.0_f64.into());
    let zero = || Expr::Constant(0.0_f64.into());
    let operand = value.aggregation.argument.as_ref().map(|argument| lower(argument.node(), bindings));
    let number = match (value.aggregation.function, operand) {
        (AggregateFunction::Any, Some(operand)) => CaseStatement::new()
            .case(operand.clone(), one())
            .case(operand.is_null(), Expr::Keyword(Keyword::Null))
            .finally(zero())
            .into(),
        (AggregateFunction::Count | AggregateFunction::CountDistinct, Some(operand)) => {
            CaseStatement::new().case(operand.is_null(), zero()).finally(one()).into()
        }
        (_, Some(operand)) => cast(operand, "DOUBLE"),
        (_, None) => one(),
    };
    let number = match &value.filter {
        Some(filter) => CaseStatement::new().case(lower(filter.node(), bindings), number).into(),
        None => number,
    };
    match value.when_empty {
        Some(empty) => Func::coalesce([number, Expr::Constant(empty.into())]).into(),
        None => number,
    }
}
