//! Steps 3 and 4: one row per counted unit, then caps and indicators.

use sea_query::{Alias, Asterisk, CaseStatement, Expr, ExprTrait, Func, Keyword, Query, TableRef};

use crate::definition::Bound;
use crate::plan::lower::form::Form;
use crate::plan::lower::units::{
    COLUMN_ARM, COLUMN_COUNTED_FROM, COLUMN_DAY, COLUMN_STATE, COLUMN_UNIT, UnitState, word,
};
use crate::plan::lower::{ANALYSED, Caps, Step, UNIT_TABLE, UNITS, per_unit};
use crate::plan::specification::{Derivation, UnitAggregation};
use crate::sql::{cast, column, instant};

pub(super) fn step(specification: &UnitAggregation, form: Form<'_>) -> Step {
    let enrolment = &specification.enrolment;
    let u = Alias::new("u");
    let of_unit = |name: &str| Expr::col((u.clone(), Alias::new(name)));
    let mut select = Query::select();
    if enrolment.unit_column.is_some() {
        select.expr_as(of_unit(COLUMN_UNIT), Alias::new(COLUMN_UNIT));
    }
    select.expr_as(of_unit(COLUMN_ARM), Alias::new(COLUMN_ARM));
    if enrolment.clock.is_some() {
        select.expr_as(of_unit(COLUMN_DAY), Alias::new(COLUMN_DAY));
    }
    for dimension in &enrolment.dimensions {
        select.expr_as(of_unit(&dimension.name), Alias::new(dimension.name.as_str()));
    }
    let mut sources: Vec<&str> = specification
        .values
        .iter()
        .filter(|value| !specification.is_in_enrolment(value))
        .map(|value| value.source.as_str())
        .collect();
    sources.sort_unstable();
    sources.dedup();
    for value in &specification.values {
        let raw = match sources.iter().position(|source| *source == value.source) {
            Some(index) if !specification.is_in_enrolment(value) => {
                Expr::col((Alias::new(source_alias(index)), Alias::new(value.name.as_str())))
            }
            _ => of_unit(&value.name),
        };
        let mut number = cast(raw, "DOUBLE");
        if let Some(empty) = value.when_empty {
            number = Func::coalesce([number, Expr::Constant(empty.into())]).into();
        }
        if let (Some(after), Some(as_of)) = (value.matures_after, enrolment.as_of) {
            let passed = form.tick.moved(of_unit(COLUMN_COUNTED_FROM), after).lte(instant(as_of));
            number = CaseStatement::new().case(passed, number).finally(Expr::Keyword(Keyword::Null)).into();
        }
        select.expr_as(number, Alias::new(value.name.as_str()));
    }
    select.from_as(Alias::new(UNITS), u.clone());
    for (index, source) in sources.iter().enumerate() {
        let alias = Alias::new(source_alias(index));
        let same_unit = Expr::col((alias.clone(), Alias::new(COLUMN_UNIT))).eq(of_unit(COLUMN_UNIT));
        select.left_join(TableRef::from(Alias::new(per_unit(source))).alias(alias), same_unit);
    }
    select.and_where(match (&enrolment.clock, &enrolment.unit_column) {
        // Each row is a unit, and counts by its arm alone.
        (None, None) => form.declared(of_unit(COLUMN_ARM), enrolment),
        _ => of_unit(COLUMN_STATE).eq(word(UnitState::Counted.word())),
    });
    let keep =
        enrolment.unit_column.is_some() || specification.has_percentile_cap() || specification.readouts.len() > 1;
    Step::new(
        UNIT_TABLE,
        "one row per counted unit, one column per value; a unit without rows has its empty value",
        &select,
        keep,
    )
}

fn source_alias(index: usize) -> String {
    format!("s{index}")
}

pub(super) fn analysed(specification: &UnitAggregation, caps: &Caps) -> Step {
    let mut select = Query::select();
    select.column(Asterisk);
    for derived in &specification.derived {
        let of = column(&derived.of);
        let made: Expr = match derived.how {
            Derivation::Filled => Func::coalesce([of, Expr::Constant(0.0_f64.into())]).into(),
            Derivation::Missing => CaseStatement::new()
                .case(of.is_null(), Expr::Constant(1.0_f64.into()))
                .finally(Expr::Constant(0.0_f64.into()))
                .into(),
            Derivation::Capped(cap) => {
                let found = caps.get(&derived.name).copied().unwrap_or((None, None));
                let fixed = |bound: Option<Bound>, found: Option<f64>| match bound {
                    Some(Bound::Value(value)) => Some(value),
                    Some(Bound::Percentile { .. }) => found,
                    None => None,
                };
                let mut cut = CaseStatement::new();
                let (lower, upper) = (fixed(cap.lower, found.0), fixed(cap.upper, found.1));
                if let Some(lower) = lower {
                    cut = cut.case(of.clone().lt(Expr::val(lower)), Expr::val(lower));
                }
                if let Some(upper) = upper {
                    cut = cut.case(of.clone().gt(Expr::val(upper)), Expr::val(upper));
                }
                if lower.is_none() && upper.is_none() { of } else { cut.finally(of).into() }
            }
        };
        select.expr_as(made, Alias::new(derived.name.as_str()));
    }
    select.from(Alias::new(UNIT_TABLE));
    Step::new(ANALYSED, "the unit table with caps and indicators", &select, false)
}
