//! Step 1: one row per unit, its arm, its exposure, and whether it counts.

use sea_query::{Alias, CaseStatement, Expr, ExprTrait, Func, Keyword, Query, SelectStatement};

use crate::plan::lower::form::Form;
use crate::plan::lower::readouts::READ_UNITS;
use crate::plan::lower::{Step, UNITS, clock, outcomes};
use crate::plan::specification::{Enrolment, TriggerEvent, UnitAggregation};
use crate::sql::{cast, column, instant, lower};

/// The unit's id; null for rows without one.
pub const COLUMN_UNIT: &str = "unit";
/// The arm of the unit's first assignment.
pub const COLUMN_ARM: &str = "arm";
/// The instant of its first assignment.
pub const COLUMN_EXPOSED_AT: &str = "exposed_at";
/// The instant from which its outcome is counted: its exposure, or its trigger.
pub const COLUMN_COUNTED_FROM: &str = "counted_from";
/// Its day of enrolment.
pub const COLUMN_DAY: &str = "day";
/// Whether it counts: a [`UnitState`].
pub const COLUMN_STATE: &str = "state";
/// Its rows in the assignment source.
pub const COLUMN_ROWS: &str = "assignment_rows";
/// An arm of the unit that the experiment does not declare; null when there is none.
pub const COLUMN_UNDECLARED: &str = "undeclared_arm";

/// Whether a unit counts, and if not, why not; the first that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UnitState {
    /// Rows without an id, together.
    Blank,
    /// A row names an arm that the experiment does not declare, or none.
    Undeclared,
    /// Without a time of exposure.
    NoTime,
    /// Exposed before enrolment began: its history is already treated.
    BeforeStart,
    /// Exposed after enrolment ended.
    AfterEnd,
    /// Seen in more than one arm.
    TwoArms,
    /// Never met the trigger.
    Untriggered,
    /// Counts.
    Counted,
}

impl UnitState {
    /// Every state, in the order in which they are decided.
    pub const ALL: [Self; 8] = [
        Self::Blank,
        Self::Undeclared,
        Self::NoTime,
        Self::BeforeStart,
        Self::AfterEnd,
        Self::TwoArms,
        Self::Untriggered,
        Self::Counted,
    ];

    /// The word for it in statements and tables.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Blank => "blank",
            Self::Undeclared => "undeclared",
            Self::NoTime => "no_time",
            Self::BeforeStart => "before_start",
            Self::AfterEnd => "after_end",
            Self::TwoArms => "two_arms",
            Self::Untriggered => "untriggered",
            Self::Counted => "counted",
        }
    }
}

/// A text of our own as a literal: a word of the plan, not a value of a user.
pub(super) fn word(text: &'static str) -> Expr {
    Expr::Constant(text.into())
}

const FIRST_AT: &str = "first_at";
const SEEN_IN: &str = "arms_seen";
pub(super) const TRIGGERED: &str = "triggered";
pub(crate) const ASSIGNED: &str = "assigned";

pub(super) fn steps(specification: &UnitAggregation, form: Form<'_>) -> Vec<Step> {
    let enrolment = &specification.enrolment;
    match (&enrolment.clock, &enrolment.trigger) {
        (None, _) => {
            let select = match &enrolment.unit_column {
                None => rows_as_units(specification, form),
                Some(unit) => grouped_table(specification, unit, form),
            };
            vec![Step::new(UNITS, "one row per unit: its arm and its values", &select, enrolment.unit_column.is_some())]
        }
        (Some(_), trigger) => {
            let assigned = first_exposures(specification, form);
            let outside = outside_sources(enrolment);
            if trigger.is_none() && outside.is_empty() {
                let purpose = "one row per unit: arm and time of its first assignment, and whether it counts";
                return vec![Step::new(UNITS, purpose, &assigned, true)];
            }
            let mut steps =
                vec![Step::new(ASSIGNED, "one row per unit: arm and time of its first assignment", &assigned, true)];
            if let Some(trigger) = trigger {
                let select = triggered(specification, trigger, form);
                steps.push(Step::new(
                    TRIGGERED,
                    "when each unit first met the trigger after its exposure",
                    &select,
                    true,
                ));
            }
            for source in &outside {
                let select = dimensions_of(enrolment, source, form);
                let purpose = format!("one row per unit of `{source}`: the columns by which effects are cut");
                steps.push(Step::new(dimensions_step(source), purpose, &select, true));
            }
            let purpose = "one row per unit, with what it was joined to and whether it counts";
            steps.push(Step::new(UNITS, purpose, &joined(enrolment, &outside), true));
            steps
        }
    }
}

/// Name of the step that holds the dimensions of a source other than that of assignments.
pub(crate) fn dimensions_step(source: &str) -> String {
    format!("dimensions_of_{source}")
}

/// Sources of dimensions other than that of assignments, each once.
fn outside_sources(enrolment: &Enrolment) -> Vec<&str> {
    let mut sources: Vec<&str> = enrolment
        .dimensions
        .iter()
        .map(|dimension| dimension.source.as_str())
        .filter(|source| *source != enrolment.source)
        .collect();
    sources.sort_unstable();
    sources.dedup();
    sources
}

/// The dimensions of one source by unit, each with its least and its greatest value: where they differ the join would be a guess.
fn dimensions_of(enrolment: &Enrolment, source: &str, form: Form<'_>) -> SelectStatement {
    let dimensions: Vec<_> = enrolment.dimensions.iter().filter(|dimension| dimension.source == source).collect();
    let unit = dimensions.first().map_or(COLUMN_UNIT, |dimension| dimension.unit_column.as_str());
    let mut rows = Query::select();
    rows.expr_as(form.id(unit, source), Alias::new(COLUMN_UNIT));
    for dimension in &dimensions {
        rows.expr_as(cast(column(&dimension.column), "VARCHAR"), Alias::new(dimension.name.as_str()));
    }
    rows.from(Alias::new(source));
    let mut grouped = Query::select();
    grouped.column(Alias::new(COLUMN_UNIT));
    for dimension in &dimensions {
        grouped
            .expr_as(Func::min(column(&dimension.name)), Alias::new(dimension.name.as_str()))
            .expr_as(Func::max(column(&dimension.name)), Alias::new(greatest(&dimension.name)));
    }
    grouped
        .from_subquery(rows, Alias::new("rows"))
        .and_where(column(COLUMN_UNIT).is_not_null())
        .group_by_col(Alias::new(COLUMN_UNIT));
    grouped
}

/// Column of the greatest value of a dimension within a unit.
pub(crate) fn greatest(dimension: &str) -> String {
    format!("{dimension}.greatest")
}

fn triggered(specification: &UnitAggregation, trigger: &TriggerEvent, form: Form<'_>) -> SelectStatement {
    let mut rows = Query::select();
    rows.expr_as(form.id(&trigger.unit_column, &trigger.source), Alias::new(COLUMN_UNIT))
        .expr_as(form.time(&trigger.clock, &trigger.source), Alias::new("at"))
        .from(Alias::new(trigger.source.as_str()));
    if let Some(filter) = &trigger.filter {
        rows.and_where(lower(filter.node(), &specification.bindings));
    }
    let (t, u) = (Alias::new("t"), Alias::new("u"));
    let mut triggered = Query::select();
    triggered
        .expr_as(Expr::col((u.clone(), Alias::new(COLUMN_UNIT))), Alias::new(COLUMN_UNIT))
        .expr_as(Func::min(Expr::col((t.clone(), Alias::new("at")))), Alias::new(COLUMN_COUNTED_FROM))
        .from_subquery(rows, t.clone())
        .inner_join(
            sea_query::TableRef::from(Alias::new(ASSIGNED)).alias(u.clone()),
            Expr::col((t.clone(), Alias::new(COLUMN_UNIT))).equals((u.clone(), Alias::new(COLUMN_UNIT))),
        )
        .and_where(Expr::col((t.clone(), Alias::new("at"))).gte(Expr::col((u.clone(), Alias::new(COLUMN_EXPOSED_AT)))))
        .group_by_col((u, Alias::new(COLUMN_UNIT)));
    if let Some(as_of) = specification.enrolment.as_of {
        triggered.and_where(Expr::col((t, Alias::new("at"))).lt(instant(as_of)));
    }
    triggered
}

/// A unit table without ids: each row is a unit, and the statement is read through, not kept.
fn rows_as_units(specification: &UnitAggregation, form: Form<'_>) -> SelectStatement {
    let enrolment = &specification.enrolment;
    let arm = form.arm(enrolment);
    let mut select = Query::select();
    select
        .expr_as(arm.clone(), Alias::new(COLUMN_ARM))
        .expr_as(state_of_row(&arm, enrolment, form), Alias::new(COLUMN_STATE))
        .expr_as(undeclared_of_row(arm, enrolment, form), Alias::new(COLUMN_UNDECLARED))
        .expr_as(Expr::Constant(1_i64.into()), Alias::new(COLUMN_ROWS));
    for dimension in &enrolment.dimensions {
        select.expr_as(cast(column(&dimension.column), "VARCHAR"), Alias::new(dimension.name.as_str()));
    }
    for value in specification.values.iter().filter(|value| specification.is_in_enrolment(value)) {
        select.expr_as(outcomes::of_one_row(value, &specification.bindings), Alias::new(value.name.as_str()));
    }
    select.from(Alias::new(enrolment.source.as_str()));
    if let Some(filter) = &enrolment.filter {
        select.and_where(lower(filter.node(), &specification.bindings));
    }
    select
}

/// The census of a unit table without ids: whether a row counts follows from its arm, so arms are counted first.
pub(super) fn census_of_rows(specification: &UnitAggregation, form: Form<'_>) -> SelectStatement {
    let enrolment = &specification.enrolment;
    let mut rows = Query::select();
    rows.expr_as(form.arm(enrolment), Alias::new(COLUMN_ARM)).from(Alias::new(enrolment.source.as_str()));
    if let Some(filter) = &enrolment.filter {
        rows.and_where(lower(filter.node(), &specification.bindings));
    }
    let mut arms = Query::select();
    arms.column(Alias::new(COLUMN_ARM))
        .expr_as(Func::count(Expr::Constant(1_i64.into())), Alias::new(COLUMN_ROWS))
        .from_subquery(rows, Alias::new("rows"))
        .group_by_col(Alias::new(COLUMN_ARM));
    let arm = column(COLUMN_ARM);
    let mut select = Query::select();
    select
        .expr_as(cast(arm.clone(), "VARCHAR"), Alias::new(COLUMN_ARM))
        .expr_as(state_of_row(&arm, enrolment, form), Alias::new(COLUMN_STATE))
        .expr_as(undeclared_of_row(arm, enrolment, form), Alias::new(COLUMN_UNDECLARED))
        .expr_as(column(COLUMN_ROWS), Alias::new(READ_UNITS))
        .column(Alias::new(COLUMN_ROWS))
        .from_subquery(arms, Alias::new("arms"));
    select
}

fn state_of_row(arm: &Expr, enrolment: &Enrolment, form: Form<'_>) -> Expr {
    CaseStatement::new()
        .case(form.declared(arm.clone(), enrolment), word(UnitState::Counted.word()))
        .finally(word(UnitState::Undeclared.word()))
        .into()
}

fn undeclared_of_row(arm: Expr, enrolment: &Enrolment, form: Form<'_>) -> Expr {
    CaseStatement::new()
        .case(arm.clone().is_null(), word("(none)"))
        .case(form.declared(arm.clone(), enrolment), Expr::Keyword(Keyword::Null))
        .finally(cast(arm, "VARCHAR"))
        .into()
}

/// A unit table with ids: one row per id, so that a repeated id is seen and not counted twice.
fn grouped_table(specification: &UnitAggregation, unit: &str, form: Form<'_>) -> SelectStatement {
    let enrolment = &specification.enrolment;
    let values: Vec<_> = specification.values.iter().filter(|value| specification.is_in_enrolment(value)).collect();
    let mut rows = Query::select();
    rows.expr_as(form.id(unit, &enrolment.source), Alias::new(COLUMN_UNIT))
        .expr_as(cast(column(&enrolment.arm_column), "VARCHAR"), Alias::new(COLUMN_ARM))
        .from(Alias::new(enrolment.source.as_str()));
    for dimension in &enrolment.dimensions {
        rows.expr_as(cast(column(&dimension.column), "VARCHAR"), Alias::new(dimension.name.as_str()));
    }
    outcomes::arguments(&mut rows, &values, &specification.bindings);
    if let Some(filter) = &enrolment.filter {
        rows.and_where(lower(filter.node(), &specification.bindings));
    }
    let mut grouped = Query::select();
    grouped
        .column(Alias::new(COLUMN_UNIT))
        .expr_as(Func::min(column(COLUMN_ARM)), Alias::new(COLUMN_ARM))
        .expr_as(Func::max(column(COLUMN_ARM)), Alias::new(SEEN_IN))
        .expr_as(Func::max(undeclared(column(COLUMN_ARM), enrolment)), Alias::new(COLUMN_UNDECLARED))
        .expr_as(Func::count(Expr::Constant(1_i64.into())), Alias::new(COLUMN_ROWS))
        .from_subquery(rows, Alias::new("rows"))
        .group_by_col(Alias::new(COLUMN_UNIT));
    for dimension in &enrolment.dimensions {
        grouped.expr_as(Func::min(column(&dimension.name)), Alias::new(dimension.name.as_str()));
    }
    outcomes::aggregates(&mut grouped, &values, None);
    let state = CaseStatement::new()
        .case(column(COLUMN_UNIT).is_null(), word(UnitState::Blank.word()))
        .case(column(COLUMN_UNDECLARED).is_not_null(), word(UnitState::Undeclared.word()))
        .case(column(COLUMN_ARM).is_null(), word(UnitState::Undeclared.word()))
        .case(column(COLUMN_ARM).ne(column(SEEN_IN)), word(UnitState::TwoArms.word()))
        .finally(word(UnitState::Counted.word()));
    let mut select = Query::select();
    for name in [COLUMN_UNIT, COLUMN_ARM, COLUMN_UNDECLARED, COLUMN_ROWS] {
        select.column(Alias::new(name));
    }
    select.expr_as(state, Alias::new(COLUMN_STATE));
    for dimension in &enrolment.dimensions {
        select.column(Alias::new(dimension.name.as_str()));
    }
    for value in values {
        select.column(Alias::new(value.name.as_str()));
    }
    select.from_subquery(grouped, Alias::new("grouped"));
    select
}

/// Assignments with times: the first row of a unit ever counts.
fn first_exposures(specification: &UnitAggregation, form: Form<'_>) -> SelectStatement {
    let enrolment = &specification.enrolment;
    let mut rows = Query::select();
    if let (Some(unit), Some(clock)) = (&enrolment.unit_column, &enrolment.clock) {
        rows.expr_as(form.id(unit, &enrolment.source), Alias::new(COLUMN_UNIT));
        rows.expr_as(form.time(clock, &enrolment.source), Alias::new("at"));
    }
    rows.expr_as(cast(column(&enrolment.arm_column), "VARCHAR"), Alias::new(COLUMN_ARM))
        .from(Alias::new(enrolment.source.as_str()));
    let own = |name: &String| *name == enrolment.source;
    for dimension in enrolment.dimensions.iter().filter(|dimension| own(&dimension.source)) {
        rows.expr_as(cast(column(&dimension.column), "VARCHAR"), Alias::new(dimension.name.as_str()));
    }
    if let Some(filter) = &enrolment.filter {
        rows.and_where(lower(filter.node(), &specification.bindings));
    }
    let mut read = Query::select();
    read.column(sea_query::Asterisk).from_subquery(rows, Alias::new("read"));
    if let Some(as_of) = enrolment.as_of {
        read.cond_where(column("at").lt(instant(as_of)).or(column("at").is_null()));
    }
    let mut grouped = Query::select();
    grouped
        .column(Alias::new(COLUMN_UNIT))
        .expr_as(Func::min(column("at")), Alias::new(FIRST_AT))
        .expr_as(Func::max(undeclared(column(COLUMN_ARM), enrolment)), Alias::new(COLUMN_UNDECLARED))
        .expr_as(Func::count(Expr::Constant(1_i64.into())), Alias::new(COLUMN_ROWS))
        .from_subquery(read, Alias::new("rows"))
        .group_by_col(Alias::new(COLUMN_UNIT));
    for (index, arm) in enrolment.arms.iter().enumerate() {
        let first = Func::min(column("at")).filter(column(COLUMN_ARM).eq(Expr::val(arm.as_str())));
        grouped.expr_as(first, Alias::new(at_of(index)));
    }
    for dimension in enrolment.dimensions.iter().filter(|dimension| own(&dimension.source)) {
        let first = Expr::cust_with_exprs(
            "first_value($1 ORDER BY $2, $3)",
            [column(&dimension.name), column("at"), column(&dimension.name)],
        );
        grouped.expr_as(first, Alias::new(dimension.name.as_str()));
    }
    let mut select = Query::select();
    let mut first_arm = CaseStatement::new();
    for (index, arm) in enrolment.arms.iter().enumerate() {
        first_arm = first_arm.case(column(&at_of(index)).eq(column(FIRST_AT)), Expr::val(arm.as_str()));
    }
    select
        .column(Alias::new(COLUMN_UNIT))
        .expr_as(first_arm, Alias::new(COLUMN_ARM))
        .expr_as(column(FIRST_AT), Alias::new(COLUMN_EXPOSED_AT))
        .expr_as(column(FIRST_AT), Alias::new(COLUMN_COUNTED_FROM))
        .expr_as(clock::day(column(FIRST_AT), &enrolment.zone), Alias::new(COLUMN_DAY))
        .expr_as(exposed_state(enrolment), Alias::new(COLUMN_STATE))
        .column(Alias::new(COLUMN_UNDECLARED))
        .column(Alias::new(COLUMN_ROWS));
    for dimension in enrolment.dimensions.iter().filter(|dimension| own(&dimension.source)) {
        select.column(Alias::new(dimension.name.as_str()));
    }
    select.from_subquery(grouped, Alias::new("grouped"));
    select
}

/// Assigned units with their trigger and the dimensions of other sources.
fn joined(enrolment: &Enrolment, outside: &[&str]) -> SelectStatement {
    let (a, t) = (Alias::new("a"), Alias::new("t"));
    let of = |table: &Alias, name: &str| Expr::col((table.clone(), Alias::new(name)));
    let mut select = Query::select();
    for name in [COLUMN_UNIT, COLUMN_ARM, COLUMN_EXPOSED_AT, COLUMN_DAY, COLUMN_UNDECLARED, COLUMN_ROWS] {
        select.expr_as(of(&a, name), Alias::new(name));
    }
    for dimension in &enrolment.dimensions {
        let table = match outside.iter().position(|source| *source == dimension.source) {
            Some(at) => Alias::new(format!("d{at}")),
            None => a.clone(),
        };
        select.expr_as(of(&table, &dimension.name), Alias::new(dimension.name.as_str()));
    }
    select.from_as(Alias::new(ASSIGNED), a.clone());
    for (at, source) in outside.iter().enumerate() {
        let table = Alias::new(format!("d{at}"));
        select.left_join(
            sea_query::TableRef::from(Alias::new(dimensions_step(source))).alias(table.clone()),
            of(&a, COLUMN_UNIT).eq(of(&table, COLUMN_UNIT)),
        );
    }
    if enrolment.trigger.is_none() {
        select.expr_as(of(&a, COLUMN_COUNTED_FROM), Alias::new(COLUMN_COUNTED_FROM));
        select.expr_as(of(&a, COLUMN_STATE), Alias::new(COLUMN_STATE));
        return select;
    }
    let never = of(&a, COLUMN_STATE).eq(word(UnitState::Counted.word())).and(of(&t, COLUMN_COUNTED_FROM).is_null());
    let state = CaseStatement::new().case(never, word(UnitState::Untriggered.word())).finally(of(&a, COLUMN_STATE));
    select.expr_as(of(&t, COLUMN_COUNTED_FROM), Alias::new(COLUMN_COUNTED_FROM));
    select.expr_as(state, Alias::new(COLUMN_STATE));
    select.left_join(
        sea_query::TableRef::from(Alias::new(TRIGGERED)).alias(t.clone()),
        of(&a, COLUMN_UNIT).eq(of(&t, COLUMN_UNIT)),
    );
    select
}

fn at_of(arm: usize) -> String {
    format!("first_at_{arm}")
}

fn declared(arm: Expr, enrolment: &Enrolment) -> Expr {
    arm.is_in(enrolment.arms.iter().map(|name| Expr::val(name.as_str())))
}

/// The arm when it is not one of the declared, else null; `(none)` for a row without one.
fn undeclared(arm: Expr, enrolment: &Enrolment) -> Expr {
    CaseStatement::new()
        .case(arm.clone().is_null(), word("(none)"))
        .case(declared(arm.clone(), enrolment), Expr::Keyword(Keyword::Null))
        .finally(arm)
        .into()
}

fn exposed_state(enrolment: &Enrolment) -> Expr {
    let mut state = CaseStatement::new()
        .case(column(COLUMN_UNIT).is_null(), word(UnitState::Blank.word()))
        .case(column(COLUMN_UNDECLARED).is_not_null(), word(UnitState::Undeclared.word()))
        .case(column(FIRST_AT).is_null(), word(UnitState::NoTime.word()));
    if let Some(start) = enrolment.start {
        state = state.case(column(FIRST_AT).lt(instant(start)), word(UnitState::BeforeStart.word()));
    }
    if let Some(end) = enrolment.end {
        state = state.case(column(FIRST_AT).gte(instant(end)), word(UnitState::AfterEnd.word()));
    }
    let seen = (0..enrolment.arms.len())
        .map(|index| {
            let seen = CaseStatement::new()
                .case(column(&at_of(index)).is_not_null(), Expr::Constant(1_i64.into()))
                .finally(Expr::Constant(0_i64.into()));
            <CaseStatement as Into<Expr>>::into(seen)
        })
        .reduce(ExprTrait::add);
    if let Some(seen) = seen {
        state = state.case(seen.gt(Expr::Constant(1_i64.into())), word(UnitState::TwoArms.word()));
    }
    state.finally(word(UnitState::Counted.word())).into()
}
