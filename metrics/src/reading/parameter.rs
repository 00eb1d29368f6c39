//! Reading the `[parameters]` of a metric or a source.

use std::collections::BTreeMap;

use crate::definition::{Moment, Parameter, ParameterType, ScalarType, Value, Zone};
use crate::fault::Fault;
use crate::reading::document::{Content, Item};
use crate::reading::fields::Fields;
use crate::reading::key::{Key, NAME_HELP, Shape, check_name, optional, required, shown};

/// The key that holds parameters.
pub const KEY: Key = optional(
    "parameters",
    Shape::Map(&Shape::Table(KEYS)),
    "Values to be given with `-p NAME=VALUE`, written `$NAME`.",
);

/// The keys of one parameter.
pub const KEYS: &[Key] = &[
    required("type", Shape::Word(TYPES), "The type of its value; `[]` makes it a list."),
    optional(
        "default",
        Shape::OneOf(&[Shape::Scalar, Shape::List(1, &Shape::Scalar)]),
        "The value when none is given.",
    ),
    optional("description", Shape::Text, "What it is for."),
    optional("allowed", Shape::List(1, &Shape::Scalar), "The values it may take."),
];

const TYPES: &[&str] = &[
    "boolean",
    "date",
    "float",
    "integer",
    "text",
    "timestamp",
    "boolean[]",
    "date[]",
    "float[]",
    "integer[]",
    "text[]",
    "timestamp[]",
];

/// Most values of a list.
pub(crate) const MOST_VALUES: usize = 10_000;

/// Longest value as text, in bytes.
pub(crate) const LONGEST_VALUE: usize = 1 << 20;

/// Reads the parameters of a file.
pub fn read(fields: &Fields<'_>, zone: Option<&Zone>, faults: &mut Vec<Fault>) -> BTreeMap<String, Parameter> {
    let Some(table) = fields.table("parameters") else { return BTreeMap::new() };
    let mut parameters = BTreeMap::new();
    for (name, item) in table.entries() {
        if let Err(why) = check_name(name) {
            let fault = table.fault(name, "metrics::bad_name", why).with_help(NAME_HELP);
            faults.push(fault.with_place(table.key_place(name)));
            continue;
        }
        let Some(fields) = table.within(item, table.path(name)) else { continue };
        let Some(kind) = fields.text("type").and_then(parse_type) else { continue };
        let before = faults.len();
        let default = fields.item("default").and_then(|item| typed(&fields, "default", item, kind, zone, faults));
        let allowed = fields
            .list("allowed")
            .into_iter()
            .filter_map(|(path, item)| match scalar(item, kind.scalar, zone) {
                Ok(value) => Some(value),
                Err(why) => {
                    faults.push(fields.fault_at(item, &path, "metrics::bad_value", why));
                    None
                }
            })
            .collect();
        let parameter =
            Parameter { name: name.to_owned(), kind, default, description: fields.string("description"), allowed };
        if let Some(default) = &parameter.default
            && let Err(why) = parameter.check_allowed(default)
        {
            let valid = parameter.allowed.iter().map(ToString::to_string).collect();
            faults.push(fields.fault("default", "metrics::bad_value", why).with_valid("allowed", valid));
        }
        if faults.len() == before {
            parameters.insert(name.to_owned(), parameter);
        }
    }
    parameters
}

fn parse_type(text: &str) -> Option<ParameterType> {
    let (word, list) = text.strip_suffix("[]").map_or((text, false), |word| (word, true));
    ScalarType::ALL.into_iter().find(|scalar| scalar.word() == word).map(|scalar| ParameterType { scalar, list })
}

fn typed(
    fields: &Fields<'_>,
    key: &str,
    item: &Item,
    kind: ParameterType,
    zone: Option<&Zone>,
    faults: &mut Vec<Fault>,
) -> Option<Value> {
    let wrong = |item: &Item, why: String| {
        fields
            .fault_at(item, &fields.path(key), "metrics::bad_value", why)
            .with_help(format!("give a value of type {kind}"))
    };
    match (&item.content, kind.list) {
        (Content::List(items), true) => {
            let mut values = Vec::with_capacity(items.len());
            for item in items {
                match scalar(item, kind.scalar, zone) {
                    Ok(value) => values.push(value),
                    Err(why) => faults.push(wrong(item, why)),
                }
            }
            (values.len() == items.len()).then_some(Value::List(kind.scalar, values))
        }
        (Content::List(_), false) => {
            faults.push(wrong(item, format!("`{key}` is a list, and the type is {kind}")));
            None
        }
        (_, true) => {
            faults.push(wrong(item, format!("`{key}` is no list, and the type is {kind}")));
            None
        }
        (_, false) => match scalar(item, kind.scalar, zone) {
            Ok(value) => Some(value),
            Err(why) => {
                faults.push(wrong(item, why));
                None
            }
        },
    }
}

/// A value of a file as a value of a type.
fn scalar(item: &Item, kind: ScalarType, zone: Option<&Zone>) -> Result<Value, String> {
    match (kind, &item.content) {
        (ScalarType::Boolean, Content::Boolean(value)) => Ok(Value::Boolean(*value)),
        (ScalarType::Integer, Content::Integer(value)) => Ok(Value::Integer(*value)),
        (ScalarType::Float, content @ (Content::Integer(_) | Content::Float(_))) => {
            content.number().filter(|value| value.is_finite()).map(Value::Float).ok_or("not a finite number".to_owned())
        }
        (ScalarType::Text, Content::Text(text)) => Ok(Value::Text(text.clone())),
        (ScalarType::Date | ScalarType::Timestamp, Content::Text(text) | Content::Moment(text)) => {
            parse_scalar(text, kind, zone)
        }
        (_, content) => Err(format!("this is {}, and the type is {kind}", content.type_name())),
    }
}

/// Text, of a file or of the command line, as a value of a type.
///
/// # Errors
/// Says in one clause why the text is no value of the type.
pub(crate) fn parse_scalar(text: &str, kind: ScalarType, zone: Option<&Zone>) -> Result<Value, String> {
    let no = || format!("`{}` is no {kind}", shown(text));
    match kind {
        ScalarType::Text if text.contains('\0') => Err("the text holds a NUL character".to_owned()),
        ScalarType::Text => Ok(Value::Text(text.to_owned())),
        ScalarType::Boolean => text.parse().map(Value::Boolean).map_err(|_| format!("{}; give true or false", no())),
        ScalarType::Integer => text.parse().map(Value::Integer).map_err(|_| no()),
        ScalarType::Float => match text.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Value::Float(value)),
            Ok(_) => Err(format!("`{}` is not a finite number", shown(text))),
            Err(_) => Err(no()),
        },
        ScalarType::Date => match Moment::parse(text)? {
            Moment::Date(date) => Ok(Value::Date(date)),
            _ => Err(format!("`{}` has a time; a date is written 2026-03-01", shown(text))),
        },
        ScalarType::Timestamp => {
            let moment = Moment::parse(text)?;
            if moment.needs_zone() && zone.is_none() {
                return Err(format!(
                    "`{}` has no zone; write Z or an offset at its end, or set defaults.timezone",
                    shown(text)
                ));
            }
            moment.at(zone.unwrap_or(&Zone::utc())).map(Value::Timestamp)
        }
    }
}

impl Parameter {
    /// Reads a value of the command line: `DE`, or `DE,AT` for a list.
    ///
    /// # Errors
    /// Says in one clause what is wrong: too long, no value of the type, an empty list, too many values, or a value that is not allowed.
    pub fn parse(&self, text: &str, zone: Option<&Zone>) -> Result<Value, String> {
        if text.len() > LONGEST_VALUE {
            return Err(format!("the value has {} bytes, more than 1 MiB", text.len()));
        }
        let value = if self.kind.list {
            if text.trim().is_empty() {
                return Err("the list is empty; give at least one value".to_owned());
            }
            let count = text.split(',').count();
            if count > MOST_VALUES {
                return Err(format!("the list has {count} values, more than {MOST_VALUES}"));
            }
            let values = text
                .split(',')
                .map(|part| parse_scalar(part.trim(), self.kind.scalar, zone))
                .collect::<Result<Vec<_>, _>>()?;
            Value::List(self.kind.scalar, values)
        } else {
            parse_scalar(text, self.kind.scalar, zone)?
        };
        self.check_allowed(&value)?;
        Ok(value)
    }

    /// Whether the value, or every value of the list, is allowed.
    pub(crate) fn check_allowed(&self, value: &Value) -> Result<(), String> {
        let values = match value {
            Value::List(_, values) => values.as_slice(),
            single => std::slice::from_ref(single),
        };
        match values.iter().find(|value| !self.allowed.is_empty() && !self.allowed.contains(value)) {
            Some(value) => {
                let allowed = self.allowed.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                Err(format!("`{}` is not allowed; allowed: {}", shown(&value.to_string()), shown(&allowed)))
            }
            None => Ok(()),
        }
    }
}
