//! What a full reading of a text file found in each column, and the type that follows.

use arrow::datatypes::{DataType, TimeUnit};

use super::value::Class;
use crate::definition::{KeyType, ScalarType};
use crate::fault::{Fault, Place};

/// A column of a source: its type, and what was seen in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// The name, to the letter.
    pub name: String,
    /// The type in which its values are read.
    pub kind: DataType,
    /// What a full reading of text found; `None` for Parquet, which carries its types itself.
    pub seen: Option<Seen>,
}

/// What a full reading of a text file found in a column.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    /// Values that are not missing.
    pub values: u64,
    /// Empty fields, nulls, and the words declared as missing.
    pub missing: u64,
    /// Values made of spaces only, counted among the values.
    pub blank: u64,
    /// Values by class, and where each class was seen first, in the order of the classes. Within a file, what follows
    /// the first text counts as text, whatever it looks like.
    pub classes: Vec<(Class, u64, Sighting)>,
}

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Sighting {
    /// Where the value begins.
    pub place: Place,
    /// The value, shortened to 40 characters, control characters escaped.
    pub value: String,
}

impl Sighting {
    pub(crate) fn new(place: Place, value: &[u8]) -> Self {
        Self { place, value: shortened(value) }
    }
}

/// At most 40 characters of a value, printable.
pub(crate) fn shortened(value: &[u8]) -> String {
    const SHOWN: usize = 40;
    // Four bytes are the longest character, so this prefix holds the characters shown.
    let head = String::from_utf8_lossy(&value[..value.len().min(4 * SHOWN + 4)]);
    let mut text: String = head.chars().take(SHOWN).flat_map(printable).collect();
    if head.chars().nth(SHOWN).is_some() {
        text.push('…');
    }
    text
}

/// Control characters by their escapes, everything else as it is.
pub(crate) fn printable(character: char) -> impl Iterator<Item = char> {
    let escaped = character.is_control();
    character.escape_default().filter(move |_| escaped).chain(std::iter::once(character).filter(move |_| !escaped))
}

impl Seen {
    /// How many values are of a class.
    pub fn count(&self, class: Class) -> u64 {
        self.classes.iter().find(|(seen, ..)| *seen == class).map_or(0, |(_, count, _)| *count)
    }

    /// Where a class was seen first.
    pub fn first(&self, class: Class) -> Option<&Sighting> {
        self.classes.iter().find(|(seen, ..)| *seen == class).map(|(.., sighting)| sighting)
    }

    /// The first value, in the order of the text, whose class is not among those allowed.
    fn first_but(&self, allowed: impl Fn(Class) -> bool) -> Option<(Class, &Sighting)> {
        self.classes
            .iter()
            .filter(|(class, ..)| !allowed(*class))
            .min_by(|(.., a), (.., b)| (&a.place.file, a.place.line).cmp(&(&b.place.file, b.place.line)))
            .map(|(class, _, sighting)| (*class, sighting))
    }

    fn has(&self, class: Class) -> bool {
        self.count(class) > 0
    }

    fn only(&self, allowed: impl Fn(Class) -> bool) -> bool {
        self.values > 0 && self.classes.iter().all(|(class, ..)| allowed(*class))
    }

    /// The type that every value of the column has; text when they have none in common, or when there is no value.
    ///
    /// Integers and decimals together are doubles; days and local times together are times; times with and without an
    /// offset stay text, because they cannot be compared.
    pub fn inferred(&self) -> DataType {
        let is_number = |class| matches!(class, Class::Integer | Class::Float | Class::NonFinite | Class::BigInteger);
        if self.only(|class| class == Class::Integer) {
            DataType::Int64
        } else if self.only(is_number)
            && (self.has(Class::Float) || (self.has(Class::Integer) && self.has(Class::NonFinite)))
        {
            DataType::Float64
        } else if self.only(|class| class == Class::Boolean) {
            DataType::Boolean
        } else if self.only(|class| class == Class::Date) {
            DataType::Date32
        } else if self.only(Class::is_local) || self.only(Class::is_zoned) {
            self.timestamp()
        } else {
            DataType::Utf8View
        }
    }

    /// The timestamp type that holds every time of the column.
    pub(crate) fn timestamp(&self) -> DataType {
        let nano = self.has(Class::LocalNano) || self.has(Class::ZonedNano);
        let zoned = self.has(Class::Zoned) || self.has(Class::ZonedNano);
        let unit = if nano { TimeUnit::Nanosecond } else { TimeUnit::Microsecond };
        DataType::Timestamp(unit, zoned.then(|| "UTC".into()))
    }

    /// The first time with, and the first without an offset, when the column has both.
    pub(crate) fn mixed_zones(&self) -> Option<(&Sighting, &Sighting)> {
        let zoned = self.first_but(|class| !class.is_zoned())?.1;
        let local = self.first_but(|class| !class.is_local())?.1;
        Some((zoned, local))
    }
}

impl Column {
    /// Whether its values can be counted with: integers, decimals, doubles.
    pub fn is_number(&self) -> bool {
        self.kind.is_numeric()
    }

    /// Why the column of a source is not a number, with the line of the first value that is none.
    ///
    /// `None` when it is a number, or when all that is known is its type.
    pub fn not_a_number(&self, source: &str) -> Option<Fault> {
        let seen = self.seen.as_ref().filter(|_| !self.is_number())?;
        let name = &self.name;
        let is_number = |class| matches!(class, Class::Integer | Class::Float);
        let Some((class, sighting)) = seen.first_but(is_number) else {
            let what = if seen.values == 0 { "holds no value" } else { "is declared as something else than a number" };
            return Some(
                Fault::error("metrics::not_a_number", format!("column `{name}` of source `{source}` {what}"))
                    .with_help("choose another column, or correct the source"),
            );
        };
        let line = sighting.place.line;
        let why = class.instead_of_a_number();
        let what = format!("column `{name}` of source `{source}` {why} at line {line}: `{}`", sighting.value);
        Some(
            Fault::error("metrics::not_a_number", what)
                .with_place(sighting.place.clone())
                .with_help(class.mend(&sighting.value)),
        )
    }

    /// That the column holds values that are not finite: how many, and where the first one stands.
    pub fn not_finite(&self, source: &str) -> Option<Fault> {
        let seen = self.seen.as_ref().filter(|_| self.kind == DataType::Float64)?;
        let sighting = seen.first(Class::NonFinite)?;
        let (name, count, line) = (&self.name, seen.count(Class::NonFinite), sighting.place.line);
        let values = if count == 1 { "1 value that is".to_owned() } else { format!("{count} values that are") };
        let message = format!(
            "column `{name}` of source `{source}` holds {values} not finite, the first at line {line}: `{}`",
            sighting.value
        );
        Some(
            Fault::error("metrics::not_finite", message)
                .with_place(sighting.place.clone())
                .with_help("leave such rows out with `filter`, or correct the file"),
        )
    }
}

/// How a value that breaks a declared type is refused.
fn wrong_value(source: &str, column: &str, declared: &str, class: Class, sighting: &Sighting) -> Fault {
    let (line, value) = (sighting.place.line, &sighting.value);
    let message = format!("column `{column}` of source `{source}` is declared {declared}; line {line} holds `{value}`");
    let help = match (declared, class) {
        ("integer", Class::LeadingZero) => {
            "declare the key as \"text\": read as integers, `007` and `7` would be one unit".to_owned()
        }
        ("float" | "integer", _) => class.mend(value),
        _ => "correct the value, or declare another type".to_owned(),
    };
    Fault::error("metrics::wrong_value", message).with_place(sighting.place.clone()).with_help(help)
}

/// The type of a declared key column, when every value fits it.
pub(crate) fn key(source: &str, column: &str, declared: KeyType, seen: &Seen) -> Result<DataType, Fault> {
    match declared {
        KeyType::Text => Ok(DataType::Utf8View),
        KeyType::Integer => match seen.first_but(|class| class == Class::Integer) {
            None => Ok(DataType::Int64),
            Some((class, sighting)) => Err(wrong_value(source, column, declared.word(), class, sighting)),
        },
        KeyType::Uuid => match seen.first_but(|class| class == Class::Uuid) {
            None => Ok(DataType::Utf8View),
            Some((class, sighting)) => Err(wrong_value(source, column, declared.word(), class, sighting)),
        },
    }
}

/// The type of a declared column, when every value fits it.
pub(crate) fn declared(source: &str, column: &str, declared: ScalarType, seen: &Seen) -> Result<DataType, Fault> {
    let integer = |class| matches!(class, Class::Integer | Class::LeadingZero);
    let number = |class| integer(class) || matches!(class, Class::Float | Class::BigInteger | Class::NonFinite);
    let (fits, kind): (&dyn Fn(Class) -> bool, DataType) = match declared {
        ScalarType::Boolean => (&|class| class == Class::Boolean, DataType::Boolean),
        ScalarType::Date => (&|class| class == Class::Date, DataType::Date32),
        ScalarType::Float => (&number, DataType::Float64),
        ScalarType::Integer => (&integer, DataType::Int64),
        ScalarType::Text => return Ok(DataType::Utf8View),
        ScalarType::Timestamp => (&Class::is_time, seen.timestamp()),
    };
    if let Some((class, sighting)) = seen.first_but(fits) {
        return Err(wrong_value(source, column, declared.word(), class, sighting));
    }
    match (declared, seen.mixed_zones()) {
        (ScalarType::Timestamp, Some((zoned, local))) => Err(mixed_zones(source, column, zoned, local)),
        _ => Ok(kind),
    }
}

/// The refusal of a column of times of which only some have an offset.
pub(crate) fn mixed_zones(source: &str, column: &str, zoned: &Sighting, local: &Sighting) -> Fault {
    let message = format!(
        "column `{column}` of source `{source}` mixes times with and without an offset: line {} holds `{}`, line {} holds `{}`",
        zoned.place.line, zoned.value, local.place.line, local.value
    );
    Fault::error("metrics::mixed_zones", message)
        .with_place(local.place.clone())
        .with_related("with an offset", zoned.place.clone())
        .with_help("write every time with its offset, or none")
}

/// Counts the classes of a column's values while they are read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) missing: u64,
    pub(crate) blank: u64,
    counts: [u64; Class::COUNT],
    first: [Option<Box<Sighting>>; Class::COUNT],
}

impl Tally {
    /// Counts a value; `sighting` is asked only for the first of its class.
    #[inline]
    pub(crate) fn add(&mut self, class: Class, sighting: impl FnOnce() -> Sighting) {
        let index = class.index();
        self.counts[index] += 1;
        if self.counts[index] == 1 {
            self.first[index] = Some(Box::new(sighting()));
        }
    }

    /// Whether a value was text.
    #[inline]
    pub(crate) fn has_text(&self) -> bool {
        self.counts[Class::Text.index()] > 0
    }

    /// How many values and missing values were counted.
    pub(crate) fn total(&self) -> u64 {
        self.missing + self.counts.iter().sum::<u64>()
    }

    /// Adds what was found in a later file.
    pub(crate) fn append(&mut self, later: Self) {
        self.missing += later.missing;
        self.blank += later.blank;
        for (index, (count, first)) in later.counts.into_iter().zip(later.first).enumerate() {
            self.counts[index] += count;
            if self.first[index].is_none() {
                self.first[index] = first;
            }
        }
    }

    /// What was found.
    pub(crate) fn finish(self) -> Seen {
        let classes: Vec<_> = Class::ALL
            .into_iter()
            .zip(self.counts)
            .zip(self.first)
            .filter_map(|((class, count), first)| first.map(|first| (class, count, *first)))
            .collect();
        Seen { values: self.counts.iter().sum(), missing: self.missing, blank: self.blank, classes }
    }
}

#[cfg(test)]
mod tests {
    use super::super::value::classify;
    use super::*;

    fn seen(values: &[&str]) -> Seen {
        let mut tally = Tally::default();
        for (line, value) in (2..).zip(values) {
            match value.is_empty() {
                true => tally.missing += 1,
                false => tally.add(classify(value.as_bytes()), || {
                    Sighting::new(Place { line, column: 1, ..Place::file("f.csv") }, value.as_bytes())
                }),
            }
        }
        tally.finish()
    }

    #[test]
    fn the_type_is_what_all_values_have_in_common() {
        let utc = Some("UTC".into());
        for (values, kind) in [
            (&["1", "", "2"][..], DataType::Int64),
            (&["1", "2.5"], DataType::Float64),
            (&["1", "NaN"], DataType::Float64),
            (&["1", "007"], DataType::Utf8View),
            (&["1", "9223372036854775808"], DataType::Utf8View),
            (&["1.5", "9223372036854775808"], DataType::Float64),
            (&["NaN"], DataType::Utf8View),
            (&["true", "FALSE"], DataType::Boolean),
            (&["2026-03-01"], DataType::Date32),
            (&["2026-03-01", "2026-03-01 10:00:00"], DataType::Timestamp(TimeUnit::Microsecond, None)),
            (&["2026-03-01T10:00:00Z"], DataType::Timestamp(TimeUnit::Microsecond, utc.clone())),
            (&["2026-03-01T10:00:00.123456789Z"], DataType::Timestamp(TimeUnit::Nanosecond, utc)),
            (&["2026-03-01T10:00:00Z", "2026-03-01"], DataType::Utf8View),
            (&["1", "2026-03-01"], DataType::Utf8View),
            (&["", ""], DataType::Utf8View),
        ] {
            assert_eq!(seen(values).inferred(), kind, "{values:?}");
        }
    }

    #[test]
    fn what_broke_a_numeric_column_is_named_with_its_line() {
        let column =
            Column { name: "spend".into(), kind: DataType::Utf8View, seen: Some(seen(&["1", "2.5", "abc", "x"])) };
        assert_eq!(
            column.not_a_number("orders").map(|fault| fault.line()).unwrap_or_default(),
            "f.csv:4:1: column `spend` of source `orders` holds text at line 4: `abc`; correct the value in the file, or leave the field empty"
        );
    }

    #[test]
    fn values_are_shortened_and_printable() {
        assert_eq!(shortened(b"a\nb"), "a\\nb");
        assert_eq!(shortened("é".repeat(50).as_bytes()), format!("{}…", "é".repeat(40)));
        assert_eq!(shortened("é".repeat(40).as_bytes()), "é".repeat(40));
    }
}
