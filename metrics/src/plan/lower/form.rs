//! The one form in which ids and times of all sources are compared.

use sea_query::{Expr, ExprTrait};

use crate::definition::Clock;
use crate::plan::lower::Schemas;
use crate::plan::lower::clock::Tick;
use crate::plan::lower::key::KeyForm;
use crate::plan::specification::{Enrolment, UnitAggregation};
use crate::sql::{cast, column};

/// How the ids and times of a plan are written, whatever its sources hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Form<'a> {
    schemas: &'a Schemas,
    key: KeyForm,
    /// The tick of every time.
    pub(crate) tick: Tick,
}

impl<'a> Form<'a> {
    pub(crate) fn of(specification: &UnitAggregation, schemas: &'a Schemas) -> Self {
        Self { schemas, key: KeyForm::of(specification, schemas), tick: Tick::of(specification, schemas) }
    }

    /// The id in a column of a source, null when it is blank.
    pub(super) fn id(&self, name: &str, source: &str) -> Expr {
        self.key.expression(name, source, self.schemas)
    }

    /// The arm of a row of a table in which each row is a unit: an integer as it is, since writing it out for every row costs
    /// more than all sums; everything else as text.
    pub(super) fn arm(&self, enrolment: &Enrolment) -> Expr {
        let raw = column(&enrolment.arm_column);
        if self.arm_is_integer(enrolment) { raw } else { cast(raw, "VARCHAR") }
    }

    /// The condition that what [`Form::arm`] gave is a declared arm.
    pub(super) fn declared(&self, arm: Expr, enrolment: &Enrolment) -> Expr {
        if !self.arm_is_integer(enrolment) {
            return arm.is_in(enrolment.arms.iter().map(|name| Expr::val(name.as_str())));
        }
        // An integer is written in one way only: no other name can be that of an arm.
        let integer = |name: &String| name.parse::<i64>().ok().filter(|number| number.to_string() == *name);
        arm.is_in(enrolment.arms.iter().filter_map(integer).map(|number| Expr::Constant(number.into())))
    }

    fn arm_is_integer(&self, enrolment: &Enrolment) -> bool {
        let field =
            self.schemas.get(&enrolment.source).and_then(|schema| schema.field_with_name(&enrolment.arm_column).ok());
        field.is_some_and(|field| field.data_type().is_integer())
    }

    /// The time of a row of a source.
    pub(crate) fn time(&self, clock: &Clock, source: &str) -> Expr {
        self.tick.time(clock, source, self.schemas)
    }
}
