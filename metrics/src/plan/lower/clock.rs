//! Times of rows, as UTC timestamps without a zone.

use arrow::datatypes::DataType;
use sea_query::{Expr, ExprTrait};

use crate::definition::{Clock, ClockUnit, Zone};
use crate::plan::lower::Schemas;
use crate::sql::{call, cast, column};

/// The time of a row in UTC.
///
/// A column without a zone is read in the zone of its source; a day is its first instant there.
pub(super) fn expression(clock: &Clock, source: &str, schemas: &Schemas) -> Expr {
    let kind = schemas
        .get(source)
        .and_then(|schema| schema.field_with_name(&clock.column).ok().map(|field| field.data_type().clone()));
    let raw = column(&clock.column);
    match (kind, clock.unit) {
        (Some(DataType::Timestamp(_, Some(_))), _) => typed(raw, "Timestamp(Microsecond, None)"),
        (Some(DataType::Timestamp(_, None)), _) => in_utc(raw, clock.zone.as_ref()),
        (Some(kind), unit) if kind.is_integer() => {
            let function = match unit {
                Some(ClockUnit::Second) => "to_timestamp_seconds",
                Some(ClockUnit::Millisecond) => "to_timestamp_millis",
                Some(ClockUnit::Microsecond) | None => "to_timestamp_micros",
                Some(ClockUnit::Nanosecond) => "to_timestamp_nanos",
            };
            call(function, [raw]).into()
        }
        _ => in_utc(cast(raw, "TIMESTAMP"), clock.zone.as_ref()),
    }
}

/// The enrolment day of an instant, in the zone of the experiment.
pub(super) fn day(at: Expr, zone: &Zone) -> Expr {
    let local = if is_utc(zone) {
        at
    } else {
        let aware = typed(at, "Timestamp(Microsecond, Some(\"UTC\"))");
        call("to_local_time", [typed(aware, &format!("Timestamp(Microsecond, Some(\"{}\"))", zone.name()))]).into()
    };
    cast(call("date_trunc", [Expr::Constant("day".into()), local]).into(), "DATE")
}

/// A length of time in microseconds.
pub(super) fn interval(microseconds: i64) -> Expr {
    const UNITS: [(i64, &str); 5] = [
        (86_400_000_000, "days"),
        (3_600_000_000, "hours"),
        (60_000_000, "minutes"),
        (1_000_000, "seconds"),
        (1, "microseconds"),
    ];
    let (scale, unit) = UNITS.into_iter().find(|(scale, _)| microseconds % scale == 0).unwrap_or((1, "microseconds"));
    Expr::cust(format!("INTERVAL '{} {unit}'", microseconds / scale))
}

/// `at` moved by microseconds, forwards or backwards.
pub(super) fn moved(at: Expr, microseconds: i64) -> Expr {
    match microseconds {
        0 => at,
        1.. => at.add(interval(microseconds)),
        _ => at.sub(interval(-microseconds)),
    }
}

fn in_utc(naive: Expr, zone: Option<&Zone>) -> Expr {
    match zone {
        Some(zone) if !is_utc(zone) => {
            let aware = typed(naive, &format!("Timestamp(Microsecond, Some(\"{}\"))", zone.name()));
            typed(aware, "Timestamp(Microsecond, None)")
        }
        _ => naive,
    }
}

fn typed(operand: Expr, to: &str) -> Expr {
    call("arrow_cast", [operand, Expr::Constant(to.into())]).into()
}

fn is_utc(zone: &Zone) -> bool {
    zone.name() == "UTC"
}
