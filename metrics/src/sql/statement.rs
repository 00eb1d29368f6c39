//! A statement ready for an engine: text with placeholders, and the values bound to them.

use jiff::{Timestamp, civil};
use sea_query::{SelectStatement, Value as SeaValue};

use crate::bindings::Bindings;
use crate::definition::{Piece, Query, Value};
use crate::sql::builder::DataFusionBuilder;

/// A value bound to a placeholder.
#[derive(Clone, Debug, PartialEq)]
pub enum Binding {
    /// True or false.
    Boolean(bool),
    /// A calendar day.
    Date(civil::Date),
    /// A finite double.
    Float(f64),
    /// A 64-bit integer.
    Integer(i64),
    /// Text.
    Text(String),
    /// An instant.
    Timestamp(Timestamp),
}

/// A statement: its text with `$1`, `$2`, …, the values bound to them, and the same text for people.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// Text with placeholders.
    pub text: String,
    /// Values in the order of the placeholders.
    pub bindings: Vec<Binding>,
    /// The same statement with its values written as literals, for reading and pasting.
    pub readable: String,
}

impl Statement {
    /// The statement of a sea-query SELECT.
    pub fn of(select: &SelectStatement) -> Self {
        let (text, values) = select.build(DataFusionBuilder);
        let bindings = values.0.into_iter().map(binding).collect();
        Self { text, bindings, readable: select.to_string(DataFusionBuilder) }
    }

    /// The statement of a source's own SQL under `bindings`.
    ///
    /// A parameter that was not bound writes NULL; the reader of project files has refused such a project before.
    pub fn of_query(query: &Query, bindings: &Bindings) -> Self {
        let mut statement = Self { text: String::new(), bindings: Vec::new(), readable: String::new() };
        for piece in &query.pieces {
            match piece {
                Piece::Sql(sql) => {
                    statement.text.push_str(sql);
                    statement.readable.push_str(sql);
                }
                Piece::Parameter(name) => statement.push(bindings.get(name)),
            }
        }
        statement
    }

    fn push(&mut self, value: Option<&Value>) {
        let values = match value {
            None => {
                self.text.push_str("NULL");
                self.readable.push_str("NULL");
                return;
            }
            Some(Value::List(_, values)) => values.as_slice(),
            Some(value) => std::slice::from_ref(value),
        };
        for (index, binding) in values.iter().filter_map(Binding::of).enumerate() {
            if index > 0 {
                self.text.push_str(", ");
                self.readable.push_str(", ");
            }
            self.readable.push_str(&binding.literal());
            self.bindings.push(binding);
            self.text.push_str(&format!("${}", self.bindings.len()));
        }
    }
}

impl Binding {
    /// The binding of a single value; `None` for a list, which is bound value by value.
    pub fn of(value: &Value) -> Option<Self> {
        Some(match value {
            Value::Boolean(value) => Self::Boolean(*value),
            Value::Date(value) => Self::Date(*value),
            Value::Float(value) => Self::Float(*value),
            Value::Integer(value) => Self::Integer(*value),
            Value::Text(value) => Self::Text(value.clone()),
            Value::Timestamp(value) => Self::Timestamp(*value),
            Value::List(..) => return None,
        })
    }

    /// The value as a SQL literal.
    pub fn literal(&self) -> String {
        match self {
            Self::Boolean(value) => value.to_string().to_uppercase(),
            Self::Date(value) => format!("DATE '{value}'"),
            Self::Float(value) => format!("{value:?}"),
            Self::Integer(value) => value.to_string(),
            Self::Text(value) => format!("'{}'", value.replace('\'', "''")),
            Self::Timestamp(value) => format!("TIMESTAMP '{value}'"),
        }
    }
}

fn binding(value: SeaValue) -> Binding {
    match value {
        SeaValue::Bool(Some(value)) => Binding::Boolean(value),
        SeaValue::BigInt(Some(value)) => Binding::Integer(value),
        // Limits; far below what does not fit.
        SeaValue::BigUnsigned(Some(value)) => Binding::Integer(i64::try_from(value).unwrap_or(i64::MAX)),
        SeaValue::Double(Some(value)) => Binding::Float(value),
        SeaValue::String(Some(value)) => Binding::Text(value.to_string()),
        // The planner writes no other kind of value; nulls are written as the keyword.
        other => Binding::Text(format!("{other:?}")),
    }
}
