//! The time column of a source: always read as a time, whatever the files hold.

use arrow::datatypes::{DataType, TimeUnit};

use super::column::{Seen, mixed_zones};
use super::text::{Range, YEARS};
use super::value::Class;
use crate::definition::{Clock, ClockUnit, Moment, Zone};
use crate::fault::{Fault, Place};

/// Seconds from 1970 to the years in which something can have happened: 1971 to 2999.
pub(crate) const SECONDS: std::ops::Range<i128> = 31_536_000..32_503_680_000;
/// Seconds from 1970 to 1990 and to 2100: times of which a unit is guessed.
const LIKELY_SECONDS: std::ops::Range<i128> = 631_152_000..LIKELY_END as i128;
const LIKELY_END: i64 = 4_102_444_800;

const UNITS: [ClockUnit; 4] =
    [ClockUnit::Second, ClockUnit::Millisecond, ClockUnit::Microsecond, ClockUnit::Nanosecond];

/// How a clock becomes a time.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ClockType {
    /// The types through which its values pass.
    pub(crate) via: Vec<DataType>,
    /// The type in which they are given.
    pub(crate) kind: DataType,
}

impl ClockType {
    /// Values that are read as the times they are.
    pub(crate) fn as_written(kind: DataType) -> Self {
        Self { via: Vec::new(), kind }
    }

    /// Integers that count from 1970 in UTC.
    pub(crate) fn counted(unit: ClockUnit) -> Self {
        let zone = || Some("UTC".into());
        let given = if unit == ClockUnit::Nanosecond { TimeUnit::Nanosecond } else { TimeUnit::Microsecond };
        let via = vec![DataType::Int64, DataType::Timestamp(time_unit(unit), zone())];
        Self { via, kind: DataType::Timestamp(given, zone()) }
    }

    /// The type in which text holds its values.
    pub(crate) fn in_text(&self) -> &DataType {
        self.via.first().unwrap_or(&self.kind)
    }
}

fn time_unit(unit: ClockUnit) -> TimeUnit {
    match unit {
        ClockUnit::Second => TimeUnit::Second,
        ClockUnit::Millisecond => TimeUnit::Millisecond,
        ClockUnit::Microsecond => TimeUnit::Microsecond,
        ClockUnit::Nanosecond => TimeUnit::Nanosecond,
    }
}

/// The type of a clock in text, when every value is a time.
pub(crate) fn of_text(source: &str, clock: &Clock, seen: &Seen, range: &Range) -> Result<ClockType, Fault> {
    let column = &clock.column;
    if let Some(odd) = &range.odd {
        let (line, value) = (odd.place.line, &odd.value);
        let line = if line > 0 { format!(" at line {line}") } else { String::new() };
        let message = format!("clock `{column}` of source `{source}` holds `{value}`{line}");
        return Err(out_of_years(message).with_place(odd.place.clone()));
    }
    if let (Some(unclear), Some(zone)) = (&range.unclear, &clock.zone) {
        let (line, value) = (unclear.place.line, &unclear.value);
        let line = if line > 0 { format!(" at line {line}") } else { String::new() };
        let message = format!(
            "clock `{column}` of source `{source}` holds `{value}`{line}, which the clock in {zone} shows never or twice"
        );
        return Err(Fault::error("metrics::clock_unclear", message)
            .with_place(unclear.place.clone())
            .with_help("write times with their offset, as in 2026-03-29T03:30:00+02:00"));
    }
    if seen.values == 0 || seen.classes.iter().all(|(class, ..)| class.is_time()) {
        if seen.classes.iter().all(|(class, ..)| *class == Class::Date) && seen.values > 0 {
            return Ok(ClockType::as_written(DataType::Date32));
        }
        return match seen.mixed_zones() {
            Some((zoned, local)) => Err(mixed_zones(source, column, zoned, local)),
            None => Ok(ClockType::as_written(seen.timestamp())),
        };
    }
    if seen.classes.iter().all(|(class, ..)| *class == Class::Integer) {
        let bounds = [&range.low, &range.high].into_iter().flatten();
        let bounds: Vec<(i64, Option<Place>)> = bounds.map(|bound| (bound.value, Some(bound.place()))).collect();
        return counted(source, clock, &bounds).map(ClockType::counted);
    }
    // Times and something else: the something else is wrong. No time at all: the first value is.
    let has_times = seen.classes.iter().any(|(class, ..)| class.is_time());
    let wrong = seen.classes.iter().filter(|(class, ..)| !has_times || !class.is_time());
    let Some((_, _, sighting)) = wrong.min_by_key(|(_, _, sighting)| (&sighting.place.file, sighting.place.line))
    else {
        return Ok(ClockType::as_written(seen.timestamp()));
    };
    Err(not_a_time(source, column, &sighting.value, Some(sighting.place.clone())))
}

/// The days on which the clock of a zone is turned, so that some local times on them never happen, or happen twice.
#[derive(Debug)]
pub(crate) struct Turns {
    zone: Zone,
    /// The days as files write them, in order.
    days: Vec<String>,
}

impl Turns {
    /// The turns of the zone that a clock without offsets is read in; `None` when its clock is never turned.
    pub(crate) fn of(clock: &Clock) -> Option<Self> {
        let zone = clock.zone.clone()?;
        let (from, to) =
            (jiff::Timestamp::from_second(31_536_000).ok()?, jiff::Timestamp::from_second(LIKELY_END).ok()?);
        let mut days: Vec<String> = Vec::new();
        for turn in zone.rules().following(from).take_while(|turn| turn.timestamp() < to) {
            // The day before and the day after cover what either offset makes of the turn.
            for hours in [-24, 0, 24] {
                let near = turn.timestamp().checked_add(jiff::SignedDuration::from_hours(hours)).ok()?;
                days.push(jiff::tz::Offset::UTC.to_datetime(near).date().to_string());
            }
        }
        days.sort();
        days.dedup();
        (!days.is_empty()).then_some(Self { zone, days })
    }

    /// Whether the clock of the zone shows a local time never, or twice.
    pub(crate) fn is_unclear(&self, local: &[u8]) -> bool {
        let on_a_turn = |local: &[u8]| self.days.binary_search_by(|day| day.as_bytes().cmp(local)).is_ok();
        local.get(..10).is_some_and(on_a_turn)
            && std::str::from_utf8(local)
                .is_ok_and(|text| Moment::parse(text).is_ok_and(|moment| moment.at(&self.zone).is_err()))
    }
}

/// The refusal of a value that is not a time.
pub(crate) fn not_a_time(source: &str, column: &str, value: &str, place: Option<Place>) -> Fault {
    let line =
        place.as_ref().filter(|place| place.line > 0).map_or(String::new(), |place| format!(" at line {}", place.line));
    let message = format!("clock `{column}` of source `{source}` holds `{value}`{line}, which is not a time");
    let fault = Fault::error("metrics::not_a_clock", message).with_help(
        "write times as 2026-03-01T09:30:00Z or 2026-03-01 09:30:00; leave the field empty where there is none",
    );
    match place {
        Some(place) => fault.with_place(place),
        None => fault,
    }
}

/// The unit of an integer clock, when its smallest and largest values are times in that unit.
pub(crate) fn counted(source: &str, clock: &Clock, bounds: &[(i64, Option<Place>)]) -> Result<ClockUnit, Fault> {
    let column = &clock.column;
    let likely = UNITS.into_iter().find(|unit| {
        let scale = per_second(*unit);
        let range = LIKELY_SECONDS.start * scale..LIKELY_SECONDS.end * scale;
        !bounds.is_empty() && bounds.iter().all(|(value, _)| range.contains(&i128::from(*value)))
    });
    let declare = |unit: ClockUnit| format!("declare what it counts: `timestamp_unit = \"{}\"`", unit.word());
    let Some(unit) = clock.unit else {
        let message = format!(
            "clock `{column}` of source `{source}` holds integers, and the source does not say what they count"
        );
        let help = likely
            .map_or("declare what it counts: `timestamp_unit = \"s\"`, \"ms\", \"us\" or \"ns\"".to_owned(), declare);
        return Err(Fault::error("metrics::clock_unit", message).with_help(help));
    };
    let scale = per_second(unit);
    let Some((value, place)) =
        bounds.iter().find(|(value, _)| !(SECONDS.start * scale..SECONDS.end * scale).contains(&i128::from(*value)))
    else {
        return Ok(unit);
    };
    let line =
        place.as_ref().filter(|place| place.line > 0).map_or(String::new(), |place| format!(" at line {}", place.line));
    // 31,556,952 seconds are a mean year.
    let year = 1970 + i128::from(*value).div_euclid(scale * 31_556_952);
    let word = unit.word();
    let message = format!(
        "clock `{column}` of source `{source}` holds {value}{line}: counted in {word} from 1970, that is the year {year}"
    );
    let fault = match likely {
        Some(other) => Fault::error("metrics::clock_unit", message).with_help(declare(other)),
        None => out_of_years(message),
    };
    Err(match place {
        Some(place) => fault.with_place(place.clone()),
        None => fault,
    })
}

/// The refusal of times in years in which nothing can have happened.
pub(crate) fn out_of_years(message: String) -> Fault {
    let message = format!("{message}; times lie in {}–{}", YEARS.start(), YEARS.end());
    Fault::error("metrics::clock_range", message)
        .with_help("leave the field empty where the time is missing, or correct it")
}

const fn per_second(unit: ClockUnit) -> i128 {
    match unit {
        ClockUnit::Second => 1,
        ClockUnit::Millisecond => 1_000,
        ClockUnit::Microsecond => 1_000_000,
        ClockUnit::Nanosecond => 1_000_000_000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_a_turned_clock_are_found_by_their_day() {
        let clock = |zone| Clock { column: "at".into(), zone: Zone::parse(zone).ok(), unit: None };
        let berlin = Turns::of(&clock("Europe/Berlin")).unwrap();
        for (local, unclear) in [
            ("2026-03-29 02:30:00", true),
            ("2026-03-29T03:00:00", false),
            ("2026-10-25 02:00:00.5", true),
            ("2026-10-25 03:00:00", false),
            ("2026-07-01 02:30:00", false),
            ("2026-03-29", false),
        ] {
            assert_eq!(berlin.is_unclear(local.as_bytes()), unclear, "{local}");
        }
        assert!(Turns::of(&clock("UTC")).is_none());
        assert!(Turns::of(&clock("+02:00")).is_none());
    }

    fn ask(unit: Option<ClockUnit>, values: &[i64]) -> Result<ClockUnit, String> {
        let clock = Clock { column: "at".into(), zone: None, unit };
        let bounds: Vec<_> = values.iter().map(|value| (*value, None)).collect();
        counted("events", &clock, &bounds).map_err(|fault| fault.line())
    }

    #[test]
    fn a_unit_that_gives_no_possible_year_is_refused_with_the_one_that_does() {
        use ClockUnit::{Millisecond, Second};
        assert_eq!(ask(Some(Second), &[1_700_000_000]), Ok(Second));
        assert_eq!(
            ask(Some(Second), &[1_700_000_000_000]).unwrap_err(),
            "clock `at` of source `events` holds 1700000000000: counted in s from 1970, that is the year 55840; declare what it counts: `timestamp_unit = \"ms\"`"
        );
        assert_eq!(
            ask(Some(Millisecond), &[1_700_000_000]).unwrap_err(),
            "clock `at` of source `events` holds 1700000000: counted in ms from 1970, that is the year 1970; declare what it counts: `timestamp_unit = \"s\"`"
        );
        assert_eq!(
            ask(None, &[1_700_000_000_000, 1_700_000_500_000]).unwrap_err(),
            "clock `at` of source `events` holds integers, and the source does not say what they count; declare what it counts: `timestamp_unit = \"ms\"`"
        );
        assert_eq!(
            ask(Some(Second), &[0, 1_700_000_000]).unwrap_err(),
            "clock `at` of source `events` holds 0: counted in s from 1970, that is the year 1970; times lie in 1971–2999; leave the field empty where the time is missing, or correct it"
        );
    }
}
