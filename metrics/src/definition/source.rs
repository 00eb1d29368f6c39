//! Sources: where rows are, and what their columns mean.

use std::collections::{BTreeMap, BTreeSet};

use crate::definition::{Parameter, ScalarType, Zone};

/// A table or view that metrics and experiments read.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// The name by which metrics and experiments call it.
    pub name: String,
    /// The name people read.
    pub label: String,
    /// What a row is.
    pub description: Option<String>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// Where the rows are.
    pub rows: Rows,
    /// Declared types of id columns: read as declared, never inferred. An id column that is not listed is text.
    pub keys: BTreeMap<String, KeyType>,
    /// Declared types of other columns; the rest have the file's own types.
    pub columns: BTreeMap<String, ScalarType>,
    /// Which column of this source holds a unit's id, by the unit's name; a unit that is not listed has a column of its own name.
    pub units: BTreeMap<String, String>,
    /// When a row happened. `None` makes the source a unit table: no windows, no lookback.
    pub clock: Option<Clock>,
    /// The parameters of its SQL.
    pub parameters: BTreeMap<String, Parameter>,
}

impl Source {
    /// The column that holds the ids of a unit.
    pub fn unit_column<'a>(&'a self, unit: &'a str) -> &'a str {
        self.units.get(unit).map_or(unit, String::as_str)
    }

    /// The declared type of an id column; text unless declared.
    pub fn key_type(&self, column: &str) -> KeyType {
        self.keys.get(column).copied().unwrap_or(KeyType::Text)
    }

    /// Whether rows have no time, so that no window applies.
    pub fn is_unit_table(&self) -> bool {
        self.clock.is_none()
    }
}

/// Where the rows of a source are.
#[derive(Clone, Debug, PartialEq)]
pub enum Rows {
    /// In files.
    Files(Files),
    /// In the answer of one SELECT over other sources.
    Query(Query),
}

/// Files of one format.
#[derive(Clone, Debug, PartialEq)]
pub struct Files {
    /// A file, a folder, or a glob, as written: relative to the project's folder unless absolute.
    pub path: String,
    /// The format, given or told by the suffix.
    pub format: Format,
    /// How delimited text is read; used for CSV only.
    pub csv: Csv,
}

/// The formats of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Comma-separated (or otherwise delimited) text with a header line.
    Csv,
    /// One JSON object a line.
    Ndjson,
    /// Apache Parquet.
    Parquet,
}

impl Format {
    /// The word for it in files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
            Self::Parquet => "parquet",
        }
    }
}

/// How delimited text is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Csv {
    /// The delimiter, one ASCII character; a comma unless given.
    pub delimiter: u8,
    /// Words that mean "missing", besides the empty field.
    pub null_values: Vec<String>,
}

impl Default for Csv {
    fn default() -> Self {
        Self { delimiter: b',', null_values: Vec::new() }
    }
}

/// One SELECT over other sources, checked: no other statement, no table function, only allowed functions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// The statement as it was written.
    pub text: String,
    /// The statement as parsed and written anew, without comments, cut at its parameters.
    pub pieces: Vec<Piece>,
    /// The sources it reads.
    pub sources: BTreeSet<String>,
    /// The parameters it uses.
    pub parameters: BTreeSet<String>,
    /// The sources it joins by equal columns alone: each must have one row per key, so that no join repeats rows.
    pub joined: BTreeSet<JoinedSource>,
}

/// A source that adds columns to rows, found by its key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct JoinedSource {
    /// Name of the source.
    pub source: String,
    /// The columns of its key.
    pub key: BTreeSet<String>,
}

/// A piece of a checked statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// SQL text.
    Sql(String),
    /// The place of a bound parameter. A list stands alone in the brackets of an `IN`: write one placeholder per value there.
    Parameter(String),
}

/// The declared type of an id column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyType {
    /// A 64-bit integer.
    Integer,
    /// Text, kept to the letter: `007` is not `7`.
    Text,
    /// A UUID, compared as text.
    Uuid,
}

impl KeyType {
    /// The word for it in files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Integer => "integer",
            Self::Text => "text",
            Self::Uuid => "uuid",
        }
    }
}

/// The time column of a source.
#[derive(Clone, Debug, PartialEq)]
pub struct Clock {
    /// The column.
    pub column: String,
    /// The zone of a column that has none itself, from the source or the project's defaults; `None` when neither says.
    pub zone: Option<Zone>,
    /// The unit of an integer clock, counted from 1970-01-01T00:00:00Z.
    pub unit: Option<ClockUnit>,
}

/// The unit of an integer clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClockUnit {
    /// Seconds.
    Second,
    /// Milliseconds.
    Millisecond,
    /// Microseconds.
    Microsecond,
    /// Nanoseconds.
    Nanosecond,
}

impl ClockUnit {
    /// The word for it in files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Second => "s",
            Self::Millisecond => "ms",
            Self::Microsecond => "us",
            Self::Nanosecond => "ns",
        }
    }
}
