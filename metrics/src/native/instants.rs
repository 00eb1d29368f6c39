//! Instants as the operator counts them, and the days in which they lie.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Date32Array, Int64Array, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, TimeUnit};
use parking_lot::Mutex;

use super::workers::Ended;
use crate::definition::Zone;
use crate::plan::lower::Tick;

/// Instants and lengths in the tick of a plan.
#[derive(Clone, Copy)]
pub(super) struct Ticks {
    pub(super) tick: Tick,
    /// The instant up to which is read.
    pub(super) now: Option<i64>,
}

impl Ticks {
    pub(super) fn instant(tick: Tick, at: jiff::Timestamp) -> i64 {
        match tick {
            Tick::Microsecond => at.as_microsecond(),
            Tick::Nanosecond => {
                let at = at.as_nanosecond().clamp(i64::MIN.into(), i64::MAX.into());
                i64::try_from(at).unwrap_or(i64::MAX)
            }
        }
    }

    pub(super) fn length(self, microseconds: i64) -> Result<i64, Ended> {
        let ticks = match self.tick {
            Tick::Microsecond => Some(microseconds),
            Tick::Nanosecond => microseconds.checked_mul(1_000),
        };
        ticks.ok_or(Ended::Refused)
    }
}

/// Days of enrolment, counted from 1970.
pub(super) struct Days {
    tick: Tick,
    zone: Zone,
    /// Days by quarter of an hour, where a whole quarter lies in one: zones change at no other instants of our times.
    known: Mutex<HashMap<i64, Option<i32>>>,
}

impl Days {
    pub(super) fn new(tick: Tick, zone: &Zone) -> Self {
        Self { tick, zone: zone.clone(), known: Mutex::default() }
    }

    fn second(&self) -> i64 {
        match self.tick {
            Tick::Microsecond => 1_000_000,
            Tick::Nanosecond => 1_000_000_000,
        }
    }

    pub(super) fn of(&self, at: i64) -> i32 {
        if self.zone.name() == "UTC" {
            return i32::try_from(at.div_euclid(86_400 * self.second())).unwrap_or(i32::MAX);
        }
        let quarter = 900 * self.second();
        let known = |quarter: i64| self.known.lock().get(&quarter).copied();
        let number = at.div_euclid(quarter);
        let day = known(number).unwrap_or_else(|| {
            let (first, last) = (self.local(number * quarter), self.local(number * quarter + quarter - 1));
            let day = (first == last).then_some(first);
            self.known.lock().insert(number, day);
            day
        });
        day.unwrap_or_else(|| self.local(at))
    }

    fn local(&self, at: i64) -> i32 {
        let micros = if self.tick == Tick::Nanosecond { at.div_euclid(1_000) } else { at };
        let aware = DataType::Timestamp(TimeUnit::Microsecond, Some(self.zone.name().into()));
        let array: ArrayRef = Arc::new(Int64Array::from(vec![micros]));
        let day = cast(&array, &aware).and_then(|array| cast(&array, &DataType::Date32));
        day.ok().and_then(|day| day.as_primitive_opt::<Date32Type>().map(|day| day.value(0))).unwrap_or(0)
    }

    pub(super) fn text(day: i32) -> String {
        let text = cast(&Date32Array::from(vec![day]), &DataType::Utf8).ok();
        text.and_then(|text| text.as_any().downcast_ref::<StringArray>().map(|text| text.value(0).to_owned()))
            .unwrap_or_default()
    }
}
