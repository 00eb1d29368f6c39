//! JSON Schemas of a project's files, for editors.
//!
//! Made from the same lists of keys that the reader checks against ([`crate::reading::key`]).

use serde_json::{Map, Value, json};

use crate::kind;
use crate::reading::key::{Key, Shape};
use crate::reading::{experiment, manifest, metric, source};

/// The kinds of files that have a schema, in alphabetical order.
pub const KINDS: &[&str] = &["experiment", "metric", "project", "source"];

/// The JSON Schema (draft 2020-12) of a kind of file; `None` when there is no such kind.
///
/// ```
/// let schema = estimand_metrics::schema::schema("source").unwrap();
/// assert_eq!(schema["properties"]["path"]["type"], "string");
/// ```
pub fn schema(kind: &str) -> Option<Value> {
    let (title, body) = match kind {
        "experiment" => ("An experiment of an estimand project", object(&experiment::keys())),
        "metric" => ("A metric of an estimand project", metrics()),
        "project" => ("The manifest of an estimand project", object(&manifest::KEYS.iter().collect::<Vec<_>>())),
        "source" => ("A source of an estimand project", object(&source::keys())),
        _ => return None,
    };
    let mut schema = Map::new();
    schema.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    schema.insert("title".to_owned(), json!(title));
    if let Value::Object(body) = body {
        schema.extend(body);
    }
    Some(Value::Object(schema))
}

/// One alternative per kind of metric, told apart by `kind`.
fn metrics() -> Value {
    let alternatives = kind::ALL.iter().map(|kind| {
        let mut schema = object(&metric::keys(*kind));
        schema["description"] = json!(kind.doc());
        schema["properties"]["kind"]["enum"] = json!([kind.name()]);
        schema
    });
    json!({ "oneOf": alternatives.collect::<Vec<_>>() })
}

fn object(keys: &[&Key]) -> Value {
    let properties: Map<String, Value> = keys
        .iter()
        .map(|key| {
            let mut schema = of(&key.shape);
            schema["description"] = json!(key.doc);
            (key.name.to_owned(), schema)
        })
        .collect();
    let required: Vec<&str> = keys.iter().filter(|key| key.required).map(|key| key.name).collect();
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

fn of(shape: &Shape) -> Value {
    match shape {
        Shape::Between(low, high) => json!({ "type": "number", "exclusiveMinimum": low, "exclusiveMaximum": high }),
        Shape::Boolean => json!({ "type": "boolean" }),
        Shape::Bytes => json!({ "anyOf": [
            { "type": "string", "pattern": "^[0-9]+ *(KiB|MiB|GiB|TiB|M|G)$" },
            { "type": "integer", "minimum": 16 << 20 },
        ] }),
        Shape::Duration => json!({ "type": "string", "pattern": "^[0-9]+(w|d|h|m|s|ms)$" }),
        Shape::Integer(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Shape::List(least, entry) => json!({ "type": "array", "items": of(entry), "minItems": least }),
        Shape::Map(entry) => json!({ "type": "object", "additionalProperties": of(entry) }),
        Shape::Moment => json!({ "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}" }),
        Shape::Name => json!({ "type": "string", "pattern": "^[A-Za-z][A-Za-z0-9_-]{0,63}$" }),
        Shape::Number => json!({ "type": "number" }),
        Shape::OneOf(shapes) => json!({ "anyOf": shapes.iter().map(of).collect::<Vec<_>>() }),
        Shape::Scalar => json!({ "type": ["string", "number", "boolean"] }),
        Shape::Table(keys) => object(&keys.iter().collect::<Vec<_>>()),
        Shape::Text | Shape::Zone => json!({ "type": "string", "pattern": "\\S" }),
        Shape::Word(words) => json!({ "type": "string", "enum": words }),
    }
}
