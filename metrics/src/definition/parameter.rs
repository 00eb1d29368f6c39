//! Parameters: declared, typed values that are bound and never pasted.

use std::fmt;

use jiff::{Timestamp, civil};

/// The type of one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ScalarType {
    /// True or false.
    Boolean,
    /// A calendar day.
    Date,
    /// A finite double.
    Float,
    /// A 64-bit integer.
    Integer,
    /// Text.
    Text,
    /// An instant.
    Timestamp,
}

impl ScalarType {
    /// Every scalar type.
    pub const ALL: [Self; 6] = [Self::Boolean, Self::Date, Self::Float, Self::Integer, Self::Text, Self::Timestamp];

    /// The word for it in files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::Float => "float",
            Self::Integer => "integer",
            Self::Text => "text",
            Self::Timestamp => "timestamp",
        }
    }
}

impl fmt::Display for ScalarType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// The type of a parameter: one value, or a list of values of one type (`text[]`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ParameterType {
    /// The type of a value.
    pub scalar: ScalarType,
    /// Whether the parameter is a list. A list stands only as the whole of `x IN ($list)`.
    pub list: bool,
}

impl fmt::Display for ParameterType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.scalar, if self.list { "[]" } else { "" })
    }
}

/// A checked value: dates exist, floats are finite, lists are of one type and hold 1 to 10,000 values.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// True or false.
    Boolean(bool),
    /// A calendar day.
    Date(civil::Date),
    /// A finite double.
    Float(f64),
    /// A 64-bit integer.
    Integer(i64),
    /// Text of at most 1 MiB.
    Text(String),
    /// An instant.
    Timestamp(Timestamp),
    /// Values of one type, never empty, never nested.
    List(ScalarType, Vec<Value>),
}

impl fmt::Display for Value {
    /// Writes the value as the command line takes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Date(value) => write!(f, "{value}"),
            Self::Float(value) => write!(f, "{value:?}"),
            Self::Integer(value) => write!(f, "{value}"),
            Self::Text(value) => f.write_str(value),
            Self::Timestamp(value) => write!(f, "{value}"),
            Self::List(_, values) => {
                for (index, value) in values.iter().enumerate() {
                    write!(f, "{}{value}", if index == 0 { "" } else { "," })?;
                }
                Ok(())
            }
        }
    }
}

/// A parameter as a metric or a source declares it.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// The name, written `$name` in expressions and SQL.
    pub name: String,
    /// The type of its value.
    pub kind: ParameterType,
    /// The value when none is given; without it the parameter must be given.
    pub default: Option<Value>,
    /// What it is for.
    pub description: Option<String>,
    /// The values it may take; every value when empty.
    pub allowed: Vec<Value>,
}
