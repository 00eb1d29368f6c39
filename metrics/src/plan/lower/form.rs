//! The one form in which ids and times of all sources are compared.

use sea_query::Expr;

use crate::definition::Clock;
use crate::plan::lower::Schemas;
use crate::plan::lower::clock::Tick;
use crate::plan::lower::key::KeyForm;
use crate::plan::specification::UnitAggregation;

/// How the ids and times of a plan are written, whatever its sources hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form<'a> {
    schemas: &'a Schemas,
    key: KeyForm,
    /// The tick of every time.
    pub(super) tick: Tick,
}

impl<'a> Form<'a> {
    pub(super) fn of(specification: &UnitAggregation, schemas: &'a Schemas) -> Self {
        Self { schemas, key: KeyForm::of(specification, schemas), tick: Tick::of(specification, schemas) }
    }

    /// The id in a column of a source, null when it is blank.
    pub(super) fn id(&self, name: &str, source: &str) -> Expr {
        self.key.expression(name, source, self.schemas)
    }

    /// The time of a row of a source.
    pub(super) fn time(&self, clock: &Clock, source: &str) -> Expr {
        self.tick.time(clock, source, self.schemas)
    }
}
