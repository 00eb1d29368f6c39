//! `first_by(value, time)`: the value at the earliest time.

use arrow::datatypes::DataType;
use datafusion::common::Result;

use super::by_time::{ByTime, End};
use super::order_free::{Arguments, Groups, OrderFree};

/// The value at the earliest time; of several at that time, the smallest.
///
/// - **Needs** a number and a time (timestamp, date or integer).
/// - **Gives** the value as a double, null when no row has both.
/// - **Errors** with a [`Refusal`](super::Refusal) when a value is not finite.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct FirstBy;

impl OrderFree for FirstBy {
    const NAME: &'static str = "first_by";

    fn coerce(arguments: &[DataType]) -> Result<Vec<DataType>> {
        ByTime::coerce(Self::NAME, arguments)
    }

    fn result() -> DataType {
        DataType::Float64
    }

    fn state(_arguments: &[DataType]) -> Vec<(&'static str, DataType)> {
        ByTime::state_columns()
    }

    fn groups(_arguments: &Arguments) -> Result<Groups> {
        Ok(Box::new(ByTime::new(Self::NAME, End::First)))
    }
}
