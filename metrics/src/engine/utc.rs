//! Times of one form from times of another, by functions that the optimizer of the engine does not look into.
//!
//! Its rule for comparisons with a constant takes every cast between times for one that keeps their order and their numbers: it
//! moves the cast to the constant, and a zone on the way is lost, or the last nanoseconds. A function stays what it is.

use std::sync::Arc;

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::{ColumnarValue, Volatility, create_udf};
use datafusion::prelude::SessionContext;

/// `local_in_utc(time, zone)`: what a clock on a wall in the zone shows, as the time in UTC, in microseconds.
pub(crate) const LOCAL_IN_UTC: &str = "local_in_utc";
/// `in_nanoseconds(time)`: a time in microseconds, counted in nanoseconds.
pub(crate) const IN_NANOSECONDS: &str = "in_nanoseconds";

/// Makes the functions known to a session.
pub(super) fn register(session: &SessionContext) {
    let (micros, nanos) = (naive(TimeUnit::Microsecond), naive(TimeUnit::Nanosecond));
    for (name, inputs, gives, make) in [
        (LOCAL_IN_UTC, vec![micros.clone(), DataType::Utf8], micros.clone(), local_in_utc as fn(&[ColumnarValue]) -> _),
        (IN_NANOSECONDS, vec![micros], nanos, in_nanoseconds),
    ] {
        session.register_udf(create_udf(name, inputs, gives, Volatility::Immutable, Arc::new(make)));
    }
}

fn naive(unit: TimeUnit) -> DataType {
    DataType::Timestamp(unit, None)
}

fn local_in_utc(arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    let [local, ColumnarValue::Scalar(zone)] = arguments else {
        return plan_err!("{LOCAL_IN_UTC} takes a time and a zone");
    };
    let zone = zone.try_as_str().flatten().map(Into::into);
    let aware = local.cast_to(&DataType::Timestamp(TimeUnit::Microsecond, zone), None)?;
    aware.cast_to(&naive(TimeUnit::Microsecond), None)
}

fn in_nanoseconds(arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    let [micros] = arguments else { return plan_err!("{IN_NANOSECONDS} takes a time") };
    micros.cast_to(&naive(TimeUnit::Nanosecond), None)
}
