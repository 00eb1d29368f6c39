//! The schema and the reader agree.

use estimand_metrics::project::Project;
use estimand_metrics::schema::{KINDS, schema};
use serde_json::Value;

use crate::shop::{self, Shop};

fn kind_of(path: &str) -> &'static str {
    match path.split('/').next() {
        Some("sources") => "source",
        Some("metrics") => "metric",
        Some("experiments") => "experiment",
        _ => "project",
    }
}

/// A TOML file as JSON, dates as text.
fn as_json(text: &str) -> Value {
    fn convert(value: toml::Value) -> Value {
        match value {
            toml::Value::Datetime(moment) => Value::String(moment.to_string()),
            toml::Value::Array(items) => items.into_iter().map(convert).collect(),
            toml::Value::Table(table) => table.into_iter().map(|(key, value)| (key, convert(value))).collect(),
            other => serde_json::to_value(other).unwrap(),
        }
    }
    convert(toml::Value::Table(text.parse().unwrap()))
}

fn errors(path: &str, text: &str) -> Vec<String> {
    let schema = schema(kind_of(path)).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    validator.iter_errors(&as_json(text)).map(|error| error.to_string()).collect()
}

#[test]
fn the_example_project_is_whole_for_the_reader() {
    let project = Project::load(&shop::folder()).unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(project.sources().len(), 5);
    assert_eq!(project.metrics().len(), 6);
    assert_eq!(project.experiments().len(), 2);
    assert_eq!(project.files().len(), 14);
    let (_, faults) = Project::load_all(&shop::folder());
    assert_eq!(faults.to_string(), "");
}

#[test]
fn the_example_project_is_valid_for_the_schema() {
    for (path, text) in shop::files() {
        assert_eq!(errors(&path, &text), Vec::<String>::new(), "{path}");
    }
}

#[test]
fn every_schema_is_itself_valid() {
    for kind in KINDS {
        let schema = schema(kind).unwrap();
        assert!(jsonschema::meta::is_valid(&schema), "{kind}");
        jsonschema::validator_for(&schema).unwrap();
    }
    assert_eq!(schema("dashboard"), None);
}

#[test]
fn what_one_refuses_by_shape_the_other_refuses_too() {
    for (path, from, to) in [
        ("estimand.toml", "level = 0.95", "level = 1.5"),
        ("estimand.toml", "level = 0.95", "level = \"95%\""),
        ("estimand.toml", "threads = 2", "threads = 0"),
        ("estimand.toml", "memory_limit = \"2GiB\"", "memory_limit = \"much\""),
        ("estimand.toml", "name = \"Corner shop\"", ""),
        ("sources/users.toml", "user_id = \"text\"", "user_id = \"varchar\""),
        ("sources/users.toml", "path = ", "paht = "),
        ("sources/events.toml", "timestamp_unit = \"ms\"", "timestamp_unit = \"days\""),
        ("metrics/conversion.toml", "window = \"7d\"", "window = \"7 days\""),
        ("metrics/conversion.toml", "window = \"7d\"", "window = 7"),
        ("metrics/conversion.toml", "kind = \"proportion\"", "kind = \"share\""),
        ("metrics/conversion.toml", "direction = \"higher\"", "direction = \"up\""),
        ("metrics/conversion.toml", "source = \"orders\"", "source = \"orders\"\ncap = 3"),
        ("metrics/revenue_per_user.toml", "percentile = 0.999", "percentile = 1.5"),
        ("metrics/revenue_per_user.toml", "decimals = 2", "decimals = 99"),
        ("metrics/slowest_page.toml", "when_empty = \"null\"", "when_empty = \"nil\""),
        ("experiments/checkout.toml", "margin = 0.02", ""),
        ("experiments/checkout.toml", "margin = 0.02", "margin = 0.0"),
        ("experiments/checkout.toml", "alpha = 0.025", "alpha = 0"),
        ("experiments/checkout.toml", "alpha = 0.025", "alpha = -0.05"),
        ("experiments/checkout.toml", "alpha = 0.025", "alpha = \"5%\""),
        ("experiments/checkout.toml", "primary = [\"conversion\"]", "primary = []"),
        ("experiments/checkout.toml", "units = 20000", "units = 1"),
    ] {
        let text = shop::files().into_iter().find(|(file, _)| file == path).unwrap().1;
        assert!(text.contains(from), "`{from}` in {path}");
        assert!(!errors(path, &text.replacen(from, to, 1)).is_empty(), "the schema takes {to} in {path}");
        let shop = Shop::new();
        shop.edit(path, from, to);
        assert!(shop.faults().iter().any(|fault| fault.is_error()), "the reader takes {to} in {path}");
    }
}
