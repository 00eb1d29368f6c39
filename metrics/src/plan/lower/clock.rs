//! Times of rows, as UTC timestamps without a zone.

use arrow::datatypes::{DataType, TimeUnit};
use sea_query::{Expr, ExprTrait};

use crate::definition::{Clock, ClockUnit, Zone};
use crate::engine::{IN_NANOSECONDS, LOCAL_IN_UTC};
use crate::plan::lower::Schemas;
use crate::plan::specification::UnitAggregation;
use crate::sql::{call, cast, column};

const MICROSECONDS: &str = "Timestamp(Microsecond, None)";

/// The tick in which all times of a plan are counted, so that the difference of two is one subtraction of integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tick {
    /// What nearly all sources hold, or hold exactly.
    Microsecond,
    /// Some source tells times closer than a microsecond apart.
    Nanosecond,
}

impl Tick {
    /// The tick that keeps every time of every source apart.
    pub(super) fn of(specification: &UnitAggregation, schemas: &Schemas) -> Self {
        let enrolment = &specification.enrolment;
        let mut clocks: Vec<(&str, &Clock)> = Vec::new();
        clocks.extend(enrolment.clock.iter().map(|clock| (enrolment.source.as_str(), clock)));
        clocks.extend(enrolment.trigger.iter().map(|trigger| (trigger.source.as_str(), &trigger.clock)));
        clocks.extend(
            specification.values.iter().filter_map(|value| Some((value.source.as_str(), value.clock.as_ref()?))),
        );
        let fine = |(source, clock): (&str, &Clock)| match kind(clock, source, schemas) {
            Some(DataType::Timestamp(unit, None)) => unit == TimeUnit::Nanosecond && is_utc(clock.zone.as_ref()),
            Some(DataType::Timestamp(_, Some(_)) | DataType::Date32 | DataType::Date64) => false,
            Some(kind) if kind.is_integer() => clock.unit == Some(ClockUnit::Nanosecond),
            _ => is_utc(clock.zone.as_ref()),
        };
        if clocks.into_iter().any(fine) { Self::Nanosecond } else { Self::Microsecond }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Microsecond => "Microsecond",
            Self::Nanosecond => "Nanosecond",
        }
    }

    /// The time of a row in UTC, in this tick.
    ///
    /// A column without a zone is read in the zone of its source; a day is its first instant there.
    pub(super) fn time(self, clock: &Clock, source: &str, schemas: &Schemas) -> Expr {
        let raw = column(&clock.column);
        let wanted = format!("Timestamp({}, None)", self.word());
        match (kind(clock, source, schemas), clock.unit) {
            (Some(DataType::Timestamp(_, Some(_))), _) => self.of_micros(typed(raw, MICROSECONDS)),
            (Some(DataType::Timestamp(unit, None)), _) if is_utc(clock.zone.as_ref()) => match (self, unit) {
                (Self::Microsecond, TimeUnit::Microsecond) | (Self::Nanosecond, TimeUnit::Nanosecond) => raw,
                (_, TimeUnit::Microsecond) => self.of_micros(raw),
                _ => typed(raw, &wanted),
            },
            (Some(kind), unit) if kind.is_integer() => {
                let function = match unit {
                    Some(ClockUnit::Second) => "to_timestamp_seconds",
                    Some(ClockUnit::Millisecond) => "to_timestamp_millis",
                    Some(ClockUnit::Microsecond) | None => "to_timestamp_micros",
                    Some(ClockUnit::Nanosecond) => "to_timestamp_nanos",
                };
                typed(call(function, [raw]).into(), &wanted)
            }
            (Some(DataType::Date32 | DataType::Date64), _) => {
                self.of_micros(in_utc(typed(raw, MICROSECONDS), clock.zone.as_ref()))
            }
            (Some(DataType::Timestamp(..)), _) => self.of_micros(in_utc(raw, clock.zone.as_ref())),
            _ if is_utc(clock.zone.as_ref()) => typed(cast(raw, "TIMESTAMP"), &wanted),
            _ => self.of_micros(in_utc(cast(raw, "TIMESTAMP"), clock.zone.as_ref())),
        }
    }

    fn of_micros(self, at: Expr) -> Expr {
        match self {
            Self::Microsecond => at,
            Self::Nanosecond => call(IN_NANOSECONDS, [at]).into(),
        }
    }

    /// A length of time.
    ///
    /// Intervals of the engine know months, so that adding one goes through the calendar; a duration is a number of ticks.
    pub(super) fn length(self, microseconds: i64) -> Expr {
        const UNITS: [(i64, &str); 4] =
            [(3_600_000_000, "hours"), (60_000_000, "minutes"), (1_000_000, "seconds"), (1, "microseconds")];
        let (scale, unit) =
            UNITS.into_iter().find(|(scale, _)| microseconds % scale == 0).unwrap_or((1, "microseconds"));
        let interval = Expr::cust(format!("INTERVAL '{} {unit}'", microseconds / scale));
        typed(interval, &format!("Duration({})", self.word()))
    }

    /// `at` moved by microseconds, forwards or backwards.
    pub(super) fn moved(self, at: Expr, microseconds: i64) -> Expr {
        match microseconds {
            0 => at,
            1.. => at.add(self.length(microseconds)),
            _ => at.sub(self.length(-microseconds)),
        }
    }
}

fn kind(clock: &Clock, source: &str, schemas: &Schemas) -> Option<DataType> {
    let field = schemas.get(source)?.field_with_name(&clock.column).ok()?;
    Some(field.data_type().clone())
}

/// The enrolment day of an instant, in the zone of the experiment.
pub(super) fn day(at: Expr, zone: &Zone) -> Expr {
    let local = if is_utc(Some(zone)) {
        at
    } else {
        let aware = typed(at, "Timestamp(Microsecond, Some(\"UTC\"))");
        call("to_local_time", [typed(aware, &format!("Timestamp(Microsecond, Some(\"{}\"))", zone.name()))]).into()
    };
    cast(call("date_trunc", [Expr::Constant("day".into()), local]).into(), "DATE")
}

/// A time without a zone that was read in the zone of its source.
fn in_utc(naive: Expr, zone: Option<&Zone>) -> Expr {
    match zone {
        Some(zone) if !is_utc(Some(zone)) => {
            call(LOCAL_IN_UTC, [typed(naive, MICROSECONDS), Expr::Constant(zone.name().into())]).into()
        }
        _ => naive,
    }
}

fn typed(operand: Expr, to: &str) -> Expr {
    call("arrow_cast", [operand, Expr::Constant(to.into())]).into()
}

fn is_utc(zone: Option<&Zone>) -> bool {
    zone.is_none_or(|zone| zone.name() == "UTC")
}
