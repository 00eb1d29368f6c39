//! Dates, times and zones as files write them.

use std::fmt;

use jiff::{Timestamp, civil, tz::TimeZone};

/// A time zone, by its IANA name (`Europe/Berlin`), `UTC`, or an offset (`+02:00`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    name: String,
    zone: TimeZone,
}

impl Zone {
    /// Coordinated universal time.
    pub fn utc() -> Self {
        Self { name: "UTC".to_owned(), zone: TimeZone::UTC }
    }

    /// Reads a zone.
    ///
    /// # Errors
    /// Says in one clause that the name is not a zone.
    pub fn parse(name: &str) -> Result<Self, String> {
        if name.eq_ignore_ascii_case("UTC") || name == "Z" {
            return Ok(Self::utc());
        }
        let zone = if name.starts_with(['+', '-']) { offset(name) } else { TimeZone::get(name).ok() };
        zone.map(|zone| Self { name: name.to_owned(), zone })
            .ok_or_else(|| format!("`{}` is not a time zone", name.chars().take(40).collect::<String>()))
    }

    /// The name as it was written.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The rules of the zone.
    pub fn rules(&self) -> &TimeZone {
        &self.zone
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// The fixed zone of `+HH:MM`.
fn offset(text: &str) -> Option<TimeZone> {
    let (sign, rest) = text.split_at_checked(1)?;
    let (hours, minutes) = rest.split_once(':')?;
    if hours.len() != 2 || minutes.len() != 2 {
        return None;
    }
    let (hours, minutes) = (hours.parse::<u8>().ok()?, minutes.parse::<u8>().ok()?);
    if hours > 14 || minutes > 59 {
        return None;
    }
    let seconds = i32::from(hours) * 3_600 + i32::from(minutes) * 60;
    let seconds = if sign == "-" { -seconds } else { seconds };
    Some(TimeZone::fixed(jiff::tz::Offset::from_seconds(seconds).ok()?))
}

/// A date or a time, before a zone is applied to it.
#[derive(Clone, Debug, PartialEq)]
pub enum Moment {
    /// A calendar day: its first instant in the zone that applies.
    Date(civil::Date),
    /// A day and a time of day, in the zone that applies.
    Local(civil::DateTime),
    /// An instant: it was written with its offset.
    Instant(Timestamp),
}

impl Moment {
    /// Reads `2026-03-01`, `2026-03-01T09:30:00`, or `2026-03-01T09:30:00+01:00` (a space may stand for the `T`).
    ///
    /// # Errors
    /// Says in one clause what is wrong: not a date, a day that does not exist, or a year outside 1900–2999.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{}` is not a date or a time", text.chars().take(40).collect::<String>());
        let bytes = text.as_bytes();
        let date_like = bytes.len() >= 10 && bytes[4] == b'-' && bytes[7] == b'-' && text.is_char_boundary(10);
        if !date_like {
            return Err(wrong());
        }
        let (day, rest) = text.split_at(10);
        let date: civil::Date = match day.parse() {
            Ok(date) => date,
            Err(_) if day.bytes().all(|b| b.is_ascii_digit() || b == b'-') => {
                return Err(format!("there is no day {day}"));
            }
            Err(_) => return Err(wrong()),
        };
        if !(1900..=2999).contains(&date.year()) {
            return Err(format!("the year {} is outside 1900–2999", date.year()));
        }
        if rest.is_empty() {
            return Ok(Self::Date(date));
        }
        if !rest.starts_with(['T', 't', ' ']) || rest.contains('[') {
            return Err(wrong());
        }
        let has_offset = rest.ends_with(['Z', 'z']) || rest[1..].contains(['+', '-']);
        if has_offset {
            text.parse().map(Self::Instant).map_err(|_| wrong())
        } else {
            text.parse().map(Self::Local).map_err(|_| wrong())
        }
    }

    /// Whether a zone is needed to know the instant.
    pub fn needs_zone(&self) -> bool {
        !matches!(self, Self::Instant(_))
    }

    /// The instant, in a zone.
    ///
    /// # Errors
    /// Says in one clause that the clock of the zone shows the time never, or twice, on that day (a change of clocks).
    pub fn at(&self, zone: &Zone) -> Result<Timestamp, String> {
        match self {
            Self::Instant(timestamp) => Ok(*timestamp),
            // The first instant of a day is well defined even where a change of clocks skips midnight.
            Self::Date(date) => zone
                .rules()
                .to_zoned(date.at(0, 0, 0, 0))
                .and_then(|zoned| zoned.start_of_day())
                .map(|zoned| zoned.timestamp())
                .map_err(|_| format!("`{date}` is outside the calendar")),
            Self::Local(local) => {
                let ambiguous = zone.rules().to_ambiguous_timestamp(*local);
                if ambiguous.is_ambiguous() {
                    return Err(format!("the clock in {zone} shows {local} never or twice"));
                }
                ambiguous.unambiguous().map_err(|_| format!("`{local}` is outside the calendar"))
            }
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Date(date) => write!(f, "{date}"),
            Self::Local(local) => write!(f, "{local}"),
            Self::Instant(timestamp) => write!(f, "{timestamp}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str, zone: &str) -> String {
        match Moment::parse(text).and_then(|moment| moment.at(&Zone::parse(zone)?)) {
            Ok(timestamp) => timestamp.to_string(),
            Err(why) => why,
        }
    }

    #[test]
    fn a_date_is_its_first_instant_in_the_zone() {
        assert_eq!(at("2026-03-01", "UTC"), "2026-03-01T00:00:00Z");
        assert_eq!(at("2026-03-01", "Europe/Berlin"), "2026-02-28T23:00:00Z");
        assert_eq!(at("2026-03-01", "+05:30"), "2026-02-28T18:30:00Z");
    }

    #[test]
    fn a_written_offset_wins_over_the_zone() {
        assert_eq!(at("2026-03-01T09:30:00+01:00", "Asia/Tokyo"), "2026-03-01T08:30:00Z");
        assert_eq!(at("2026-03-01 09:30:00Z", "Asia/Tokyo"), "2026-03-01T09:30:00Z");
    }

    #[test]
    fn times_the_clock_skips_or_repeats_are_refused() {
        let gap = "the clock in Europe/Berlin shows 2026-03-29T02:30:00 never or twice";
        let fold = "the clock in Europe/Berlin shows 2026-10-25T02:30:00 never or twice";
        assert_eq!(at("2026-03-29T02:30:00", "Europe/Berlin"), gap);
        assert_eq!(at("2026-10-25T02:30:00", "Europe/Berlin"), fold);
    }

    #[test]
    fn what_is_no_date_is_said() {
        for (text, why) in [
            ("2026-02-30", "there is no day 2026-02-30"),
            ("9999999-01-01", "`9999999-01-01` is not a date or a time"),
            ("9999-01-01", "the year 9999 is outside 1900–2999"),
            ("yesterday", "`yesterday` is not a date or a time"),
            ("2026-03-01T25:00:00", "`2026-03-01T25:00:00` is not a date or a time"),
            ("2026-03-0é", "`2026-03-0é` is not a date or a time"),
        ] {
            assert_eq!(Moment::parse(text).err().unwrap_or_default(), why);
        }
        assert_eq!(Zone::parse("Mars/Olympus").unwrap_err(), "`Mars/Olympus` is not a time zone");
        assert_eq!(Zone::parse("+99:00").unwrap_err(), "`+99:00` is not a time zone");
    }
}
