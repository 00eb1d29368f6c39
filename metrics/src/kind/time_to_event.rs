//! The time to an event.

use crate::definition::{NumberStyle, UnitValue};
use crate::kind::{MetricKind, Outcome};
use crate::reading::fields::Fields;
use crate::reading::key::{Key, Shape, required};
use crate::reading::metric::{CAP, FILTER, MetricReader, SOURCE, VALUE, WHEN_EMPTY};

/// The time to an event that has not come for every unit: days to the first purchase, days to leaving.
pub struct TimeToEvent;

const PART: &[Key] = &[SOURCE, VALUE, FILTER, CAP, WHEN_EMPTY];

const KEYS: &[Key] = &[
    required(
        "duration",
        Shape::Table(PART),
        "How long a unit was watched: to its event, or to the end of what is known; above 0.",
    ),
    required(
        "event",
        Shape::Table(PART),
        "1 where the event came, 0 where the unit was watched to the end without it.",
    ),
];

impl MetricKind for TimeToEvent {
    fn name(&self) -> &'static str {
        "time_to_event"
    }

    fn doc(&self) -> &'static str {
        "The time to an event that has not come for every unit."
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn style(&self) -> NumberStyle {
        NumberStyle::Number
    }

    fn read(&self, fields: &Fields<'_>, reader: &mut MetricReader<'_>) -> Option<Outcome> {
        let mut part = |key: &str| -> Option<UnitValue> { reader.number(&fields.table(key)?) };
        let (duration, event) = (part("duration"), part("event"));
        Some(Outcome::TimeToEvent { duration: duration?, event: event? })
    }
}
