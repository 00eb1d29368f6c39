//! Lengths of time as files write them: `14d`, `12h`, `30m`.

use std::fmt;

/// A positive length of time, such as a conversion window.
///
/// Written as a whole number and one unit: `w` (7 days), `d` (24 hours), `h`, `m`, `s`, `ms`. A day is 24 hours; windows
/// are counted from the instant of exposure, so calendars and clock changes do not matter to them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration {
    milliseconds: i64,
}

/// Longest duration: 100 years of 365 days.
const LONGEST: i64 = 100 * 365 * 86_400_000;

impl Duration {
    /// Zero.
    pub const ZERO: Self = Self { milliseconds: 0 };

    /// Whole days of 24 hours.
    pub const fn days(days: u32) -> Self {
        Self { milliseconds: days as i64 * 86_400_000 }
    }

    /// The length in milliseconds.
    pub const fn milliseconds(self) -> i64 {
        self.milliseconds
    }

    /// The length in microseconds.
    pub const fn microseconds(self) -> i64 {
        self.milliseconds * 1_000
    }

    /// Reads a duration.
    ///
    /// # Errors
    /// Says in one clause what is wrong: no number, no unit, another unit, negative, or longer than 100 years.
    pub fn parse(text: &str) -> Result<Self, String> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        if text.starts_with('-') {
            return Err("a duration is not negative".to_owned());
        }
        if number.is_empty() {
            return Err("a duration starts with a whole number".to_owned());
        }
        let scale = match unit {
            "w" => 7 * 86_400_000,
            "d" => 86_400_000,
            "h" => 3_600_000,
            "m" => 60_000,
            "s" => 1_000,
            "ms" => 1,
            "" => return Err("the unit is missing".to_owned()),
            _ => {
                return Err(format!("`{}` is not a unit", unit.chars().take(20).collect::<String>()));
            }
        };
        number
            .parse::<i64>()
            .ok()
            .and_then(|number| number.checked_mul(scale))
            .filter(|milliseconds| *milliseconds <= LONGEST)
            .map(|milliseconds| Self { milliseconds })
            .ok_or_else(|| "a duration is at most 100 years".to_owned())
    }
}

impl fmt::Display for Duration {
    /// Writes the length in the largest unit that divides it, days at most.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(i64, &str); 4] = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s")];
        for (scale, unit) in UNITS {
            if self.milliseconds % scale == 0 && (self.milliseconds > 0 || unit == "d") {
                return write!(f, "{}{unit}", self.milliseconds / scale);
            }
        }
        write!(f, "{}ms", self.milliseconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_written_alike() {
        for (text, milliseconds, written) in [
            ("14d", 14 * 86_400_000, "14d"),
            ("2w", 14 * 86_400_000, "14d"),
            ("36h", 36 * 3_600_000, "36h"),
            ("90s", 90_000, "90s"),
            ("120s", 120_000, "2m"),
            ("5ms", 5, "5ms"),
            ("0d", 0, "0d"),
        ] {
            let duration = Duration::parse(text).unwrap();
            assert_eq!((duration.milliseconds(), duration.to_string().as_str()), (milliseconds, written));
        }
    }

    #[test]
    fn what_is_no_duration_is_said() {
        for (text, why) in [
            ("-7d", "a duration is not negative"),
            ("d", "a duration starts with a whole number"),
            ("", "a duration starts with a whole number"),
            ("7", "the unit is missing"),
            ("7 days", "` days` is not a unit"),
            ("1.5d", "`.5d` is not a unit"),
            ("99999999999999999999d", "a duration is at most 100 years"),
            ("101w", ""),
        ] {
            assert_eq!(Duration::parse(text).err().unwrap_or_default(), why, "{text}");
        }
    }
}
