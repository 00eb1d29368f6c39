//! What one written value looks like: a number, a time, a word.

/// What a written value can be read as.
///
/// The classes are disjoint. A column's type follows from the classes of all its values, never from a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Class {
    /// An integer that does not fit 64 bits.
    BigInteger,
    /// `true` or `false`, in any case.
    Boolean,
    /// A day that exists: `2026-03-01`.
    Date,
    /// A number with a comma for its decimals: `1,5`.
    DecimalComma,
    /// A finite number with decimals or an exponent.
    Float,
    /// A 64-bit integer without leading zeros or plus.
    Integer,
    /// Digits after a leading zero: `007`. More likely a name than a number.
    LeadingZero,
    /// A day and a time of day without a zone, to the microsecond at most.
    Local,
    /// The same with more digits.
    LocalNano,
    /// A word that usually stands for a missing value: `NA`, `null`.
    MissingWord,
    /// `NaN`, `inf`, or a number too large for a double: `1e400`.
    NonFinite,
    /// A number with spaces before or after it.
    Spaced,
    /// Anything else.
    Text,
    /// A number with separators between its thousands: `1,234`.
    Thousands,
    /// A UUID, told from text only where UUIDs were asked for.
    Uuid,
    /// A day and a time of day with an offset, to the microsecond at most.
    Zoned,
    /// The same with more digits.
    ZonedNano,
}

impl Class {
    /// Number of classes.
    pub(crate) const COUNT: usize = 17;

    /// Every class, in the order of its index.
    pub(crate) const ALL: [Self; Self::COUNT] = [
        Self::BigInteger,
        Self::Boolean,
        Self::Date,
        Self::DecimalComma,
        Self::Float,
        Self::Integer,
        Self::LeadingZero,
        Self::Local,
        Self::LocalNano,
        Self::MissingWord,
        Self::NonFinite,
        Self::Spaced,
        Self::Text,
        Self::Thousands,
        Self::Uuid,
        Self::Zoned,
        Self::ZonedNano,
    ];

    /// Its place in [`Class::ALL`].
    pub(crate) const fn index(self) -> usize {
        self as usize
    }

    /// Whether it is a time with an offset, and so an instant.
    pub(crate) const fn is_zoned(self) -> bool {
        matches!(self, Self::Zoned | Self::ZonedNano)
    }

    /// Whether it is a day or a time without an offset.
    pub(crate) const fn is_local(self) -> bool {
        matches!(self, Self::Date | Self::Local | Self::LocalNano)
    }

    /// Whether it is a day or a time of any kind.
    pub(crate) const fn is_time(self) -> bool {
        self.is_zoned() || self.is_local()
    }

    /// What is wrong with a value of this class where a number is wanted, as in "column `x` …: `value`".
    pub(crate) const fn instead_of_a_number(self) -> &'static str {
        match self {
            Self::BigInteger => "holds an integer too large for 64 bits",
            Self::Boolean => "holds a truth value",
            Self::Date | Self::Local | Self::LocalNano | Self::Zoned | Self::ZonedNano => "holds a date or time",
            Self::DecimalComma => "writes decimals with a comma",
            Self::Float | Self::Integer => "holds a number",
            Self::LeadingZero => "holds digits with a leading zero",
            Self::MissingWord => "holds a word for a missing value",
            Self::NonFinite => "holds a number that is not finite",
            Self::Spaced => "holds a number with spaces around it",
            Self::Text | Self::Uuid => "holds text",
            Self::Thousands => "writes numbers with thousands separators",
        }
    }

    /// How to mend a value of this class where a number is wanted.
    pub(crate) fn mend(self, value: &str) -> String {
        match self {
            Self::DecimalComma | Self::Thousands => {
                "export the numbers with a decimal point and without separators".to_owned()
            }
            Self::MissingWord => {
                format!("add `null_values = [\"{value}\"]` under `[csv]` of the source, or leave the field empty")
            }
            Self::Spaced => "export the numbers without spaces".to_owned(),
            Self::BigInteger => "declare the column in `columns` as \"float\" to round it, or as \"text\"".to_owned(),
            Self::LeadingZero => {
                "declare the column in `columns` as \"float\" or \"integer\" if it is a number".to_owned()
            }
            _ => "correct the value in the file, or leave the field empty".to_owned(),
        }
    }
}

/// The class of a value that is not empty.
pub(crate) fn classify(value: &[u8]) -> Class {
    match value.first() {
        Some(b'0'..=b'9' | b'-' | b'.' | b'+') => numeric(value),
        Some(b't' | b'T' | b'f' | b'F') if is_boolean(value) => Class::Boolean,
        Some(b'i' | b'I' | b'n' | b'N') if is_non_finite_word(value) => Class::NonFinite,
        _ => word(value),
    }
}

/// The class of a value that is text in its own format, where only days and times can be read from it.
pub(crate) fn classify_text(value: &[u8]) -> Class {
    if value.first().is_some_and(u8::is_ascii_digit) { time(value).unwrap_or(Class::Text) } else { Class::Text }
}

/// Whether a value is 8-4-4-4-12 hexadecimal digits.
pub(crate) fn is_uuid(value: &[u8]) -> bool {
    value.len() == 36
        && value.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// The year of a value that [`classify`] found to be a day or a time.
pub(crate) fn year(value: &[u8]) -> u32 {
    value.iter().take(4).fold(0, |year, byte| year * 10 + u32::from(byte.wrapping_sub(b'0')))
}

fn is_boolean(value: &[u8]) -> bool {
    value.eq_ignore_ascii_case(b"true") || value.eq_ignore_ascii_case(b"false")
}

fn is_non_finite_word(value: &[u8]) -> bool {
    [&b"nan"[..], b"inf", b"infinity"].iter().any(|word| value.eq_ignore_ascii_case(word))
}

/// A value that starts with a digit, a sign or a point.
fn numeric(value: &[u8]) -> Class {
    let unsigned = match value {
        [b'-', rest @ ..] => rest,
        _ => value,
    };
    let digits = count_digits(unsigned);
    if digits == unsigned.len() && digits > 0 {
        return integer(value, unsigned);
    }
    match unsigned.get(digits) {
        Some(b'-') if digits == 4 && unsigned.len() == value.len() => time(value).unwrap_or(Class::Text),
        Some(b'.' | b'e' | b'E') => float(value, unsigned).unwrap_or_else(|| word(value)),
        _ => {
            let signless = value.strip_prefix(b"-").or_else(|| value.strip_prefix(b"+")).unwrap_or(value);
            if is_non_finite_word(signless) { Class::NonFinite } else { word(value) }
        }
    }
}

fn count_digits(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

fn integer(value: &[u8], digits: &[u8]) -> Class {
    /// So many digits always fit 64 bits.
    const ALWAYS_FITS: usize = 18;
    if digits.len() > 1 && digits[0] == b'0' {
        Class::LeadingZero
    } else if digits.len() <= ALWAYS_FITS || std::str::from_utf8(value).is_ok_and(|text| text.parse::<i64>().is_ok()) {
        Class::Integer
    } else {
        Class::BigInteger
    }
}

/// `digits[.digits][e[+-]digits]`, with digits on at least one side of the point.
fn float(value: &[u8], unsigned: &[u8]) -> Option<Class> {
    /// A number of at most so many characters without an exponent is always finite.
    const ALWAYS_FINITE: usize = 300;
    let whole = count_digits(unsigned);
    let mut rest = &unsigned[whole..];
    let mut decimals = 0;
    if let [b'.', after @ ..] = rest {
        decimals = count_digits(after);
        rest = &after[decimals..];
    }
    if whole + decimals == 0 {
        return None;
    }
    let has_exponent = match rest {
        [] => false,
        [b'e' | b'E', exponent @ ..] => {
            let exponent = exponent.strip_prefix(b"-").or_else(|| exponent.strip_prefix(b"+")).unwrap_or(exponent);
            if exponent.is_empty() || count_digits(exponent) != exponent.len() {
                return None;
            }
            true
        }
        _ => return None,
    };
    if whole > 1 && unsigned[0] == b'0' {
        return Some(Class::LeadingZero);
    }
    if has_exponent || unsigned.len() > ALWAYS_FINITE {
        let finite = std::str::from_utf8(value).ok()?.parse::<f64>().is_ok_and(f64::is_finite);
        return Some(if finite { Class::Float } else { Class::NonFinite });
    }
    Some(Class::Float)
}

/// `YYYY-MM-DD`, alone or with `THH:MM:SS[.f…][Z|±HH[[:]MM]]`; a space may stand for the `T`.
fn time(value: &[u8]) -> Option<Class> {
    let two = |at: usize| match value.get(at..at + 2) {
        Some([tens @ b'0'..=b'9', ones @ b'0'..=b'9']) => Some(u32::from(tens - b'0') * 10 + u32::from(ones - b'0')),
        _ => None,
    };
    let is = |at: usize, byte: u8| value.get(at) == Some(&byte);
    let (century, year_of_century, month, day) = (two(0)?, two(2)?, two(5)?, two(8)?);
    let year = century * 100 + year_of_century;
    if !is(4, b'-') || !is(7, b'-') || year == 0 || !(1..=days_in(year, month)).contains(&day) {
        return None;
    }
    if value.len() == 10 {
        return Some(Class::Date);
    }
    if !matches!(value[10], b'T' | b't' | b' ') || !is(13, b':') || !is(16, b':') {
        return None;
    }
    if two(11)? > 23 || two(14)? > 59 || two(17)? > 59 {
        return None;
    }
    let (mut rest, mut decimals) = (&value[19..], 0);
    if let [b'.', after @ ..] = rest {
        decimals = count_digits(after);
        rest = &after[decimals..];
        if decimals == 0 || decimals > 9 {
            return None;
        }
    }
    // Nanoseconds since 1970 in 64 bits reach from 1677 to 2262.
    if decimals > 6 && !(1678..=2261).contains(&year) {
        return None;
    }
    let nano = decimals > 6;
    match rest {
        [] if nano => Some(Class::LocalNano),
        [] => Some(Class::Local),
        _ if !is_offset(rest) => None,
        _ if nano => Some(Class::ZonedNano),
        _ => Some(Class::Zoned),
    }
}

fn is_offset(text: &[u8]) -> bool {
    let (hours, minutes) = match text {
        [b'Z' | b'z'] => return true,
        [b'+' | b'-', hours @ ..] if hours.len() == 2 => (hours, &b"00"[..]),
        [b'+' | b'-', h1, h2, minutes @ ..] if minutes.len() == 2 => (&[*h1, *h2][..], minutes),
        [b'+' | b'-', h1, h2, b':', minutes @ ..] if minutes.len() == 2 => (&[*h1, *h2][..], minutes),
        _ => return false,
    };
    let digits = |pair: &[u8]| pair.iter().all(u8::is_ascii_digit);
    digits(hours) && digits(minutes) && hours <= &b"14"[..] && minutes <= &b"59"[..]
}

fn days_in(year: u32, month: u32) -> u32 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 0,
    }
}

/// A value that is none of the plain classes: what might have been meant by it.
fn word(value: &[u8]) -> Class {
    const MISSING: [&[u8]; 9] = [b"-", b"#N/A", b"N/A", b"NA", b"NIL", b"NONE", b"NULL", b"<NA>", b"\\N"];
    let trimmed = value.trim_ascii();
    if trimmed.len() != value.len() && !trimmed.is_empty() {
        return match classify(trimmed) {
            Class::Float | Class::Integer | Class::BigInteger => Class::Spaced,
            Class::DecimalComma => Class::DecimalComma,
            Class::Thousands => Class::Thousands,
            _ => Class::Text,
        };
    }
    if MISSING.iter().any(|missing| value.eq_ignore_ascii_case(missing)) {
        return Class::MissingWord;
    }
    grouped(value).unwrap_or(Class::Text)
}

/// Numbers with a decimal comma (`1,5`, `1.234,56`) or with separated thousands (`1,234`, `1 234.5`, `1'234`,
/// `1.234.567`).
fn grouped(value: &[u8]) -> Option<Class> {
    let unsigned = value.strip_prefix(b"-").or_else(|| value.strip_prefix(b"+")).unwrap_or(value);
    let starts_with_digit = unsigned.first().is_some_and(u8::is_ascii_digit);
    if !starts_with_digit || unsigned.len() > 40 || !unsigned.iter().all(|b| b.is_ascii_digit() || b",.' ".contains(b))
    {
        return None;
    }
    let separators: Vec<u8> = unsigned.iter().copied().filter(|byte| !byte.is_ascii_digit()).collect();
    let parts: Vec<&[u8]> = unsigned.split(|byte| !byte.is_ascii_digit()).collect();
    let (last, marks) = separators.split_last()?;
    // All but the last part are thousands when every mark before the last is the same.
    let thousands = |parts: &[&[u8]]| {
        parts.first().is_some_and(|first| (1..=3).contains(&first.len()))
            && parts[1..].iter().all(|part| part.len() == 3)
    };
    let same = marks.windows(2).all(|pair| pair[0] == pair[1]);
    let (body, tail) = (&parts[..parts.len() - 1], parts[parts.len() - 1]);
    let could_be_thousands = marks.is_empty() && tail.len() == 3 && thousands(&parts);
    let whole_part = same && !marks.contains(&b',') && (marks.is_empty() || thousands(body));
    if *last == b',' && whole_part && !could_be_thousands {
        return (!tail.is_empty()).then_some(Class::DecimalComma);
    }
    let all_same = same && marks.first().is_none_or(|mark| mark == last);
    if all_same && thousands(&parts) {
        return Some(Class::Thousands);
    }
    let decimals_after = *last == b'.' && same && !marks.is_empty() && !marks.contains(&b'.') && thousands(body);
    (decimals_after && !tail.is_empty()).then_some(Class::Thousands)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_class(class: Class, values: &[&str]) {
        for value in values {
            assert_eq!(classify(value.as_bytes()), class, "{value}");
        }
    }

    #[test]
    fn classes_stand_at_their_index() {
        for (index, class) in Class::ALL.into_iter().enumerate() {
            assert_eq!(class.index(), index);
        }
    }

    #[test]
    fn numbers_are_told_from_what_only_looks_like_one() {
        assert_class(Class::Integer, &["0", "-0", "7", "-12", "9223372036854775807", "-9223372036854775808"]);
        assert_class(Class::BigInteger, &["9223372036854775808", "-9223372036854775809", "18446744073709551616"]);
        assert_class(Class::LeadingZero, &["007", "00", "-01", "00.5"]);
        assert_class(Class::Float, &["0.5", "-1.25", "1e5", "1E+5", "2.5e-3", ".5", "5.", "1e308"]);
        assert_class(Class::NonFinite, &["NaN", "nan", "inf", "-inf", "+Infinity", "1e400", "-1e999"]);
        assert_class(Class::Spaced, &[" 5", "5 ", "\t-1.5"]);
        assert_class(Class::Text, &["+5", "1e", "e5", ".", "-.", "1.2.3", "0x10", "1_000", "12abc", "--1", " ", "$5"]);
        assert_class(Class::MissingWord, &["NA", "n/a", "NULL", "None", "-", "\\N"]);
    }

    #[test]
    fn commas_in_numbers_are_recognised() {
        assert_class(
            Class::DecimalComma,
            &["1,5", "-0,25", "1234,5", "1.234,56", "1.234.567,8", "1 234,5", "1234,567", "1.234,567"],
        );
        assert_class(
            Class::Thousands,
            &["1,234", "1,234,567", "1,234.5", "1 234", "1'234'567", "1.234.567", "1 234.5"],
        );
        assert_class(Class::Text, &["1,", ",5", "1,,5", "12,34,5", "1.2.3", "10.1.2.3"]);
    }

    #[test]
    fn days_and_times_exist_or_are_text() {
        assert_class(Class::Date, &["2026-03-01", "2024-02-29", "0001-01-01", "9999-12-31"]);
        assert_class(Class::Local, &["2026-03-01T09:30:00", "2026-03-01 09:30:00", "2026-03-01 09:30:00.123456"]);
        assert_class(Class::LocalNano, &["2026-03-01T09:30:00.1234567"]);
        assert_class(
            Class::Zoned,
            &["2026-03-01T09:30:00Z", "2026-03-01 09:30:00+01:00", "2026-03-01T09:30:00.5-0530"],
        );
        assert_class(Class::ZonedNano, &["2026-03-01T09:30:00.123456789Z"]);
        assert_class(
            Class::Text,
            &[
                "2026-02-30",
                "2025-02-29",
                "2026-13-01",
                "2026-03-01T24:00:00",
                "2026-03-01T09:30",
                "2026-03-01X09:30:00",
                "2026-03-01T09:30:00.",
                "2026-03-01T09:30:00+25:00",
                "2026-03-01T09:30:00.1234567890",
                "2026-3-1",
                "3000-01-01T00:00:00.1234567",
            ],
        );
    }

    #[test]
    fn truth_values_are_two_words() {
        assert_class(Class::Boolean, &["true", "FALSE", "True"]);
        assert_class(Class::Text, &["t", "yes", "truely"]);
    }

    #[test]
    fn in_text_only_times_are_read() {
        assert_eq!(classify_text(b"5"), Class::Text);
        assert_eq!(classify_text(b"2026-03-01"), Class::Date);
        assert_eq!(classify_text(b"true"), Class::Text);
    }

    #[test]
    fn a_uuid_has_36_characters() {
        assert!(is_uuid(b"123e4567-e89b-12d3-a456-426614174000"));
        assert!(!is_uuid(b"123e4567e89b12d3a456426614174000"));
        assert!(!is_uuid(b"123e4567-e89b-12d3-a456-42661417400g"));
    }
}
