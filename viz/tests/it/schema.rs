//! Every figure is valid by Plotly's own schema: no unknown attribute, no value outside its type.

use estimand_viz::chart::ALL;
use estimand_viz::theme::{Palette, Theme};
use serde_json::{Value, json};

const SCHEMA: &str = include_str!("../schema/plot-schema.json");

fn schema() -> Value {
    serde_json::from_str(SCHEMA).expect("the reduced schema is JSON")
}

/// The faults of a whole figure, each with the path of the attribute.
fn faults(figure: &Value) -> Vec<String> {
    let (schema, mut faults) = (schema(), Vec::new());
    for key in figure.as_object().expect("a figure is an object").keys() {
        if !["data", "layout", "config"].contains(&key.as_str()) {
            faults.push(format!("{key}: not a part of a figure"));
        }
    }
    for (place, trace) in figure["data"].as_array().into_iter().flatten().enumerate() {
        let path = format!("data[{place}]");
        match trace["type"].as_str().and_then(|kind| schema["traces"].get(kind)) {
            Some(attributes) => {
                let mut rest = trace.clone();
                rest.as_object_mut().expect("a trace is an object").remove("type");
                walk(&rest, attributes, &path, &mut faults);
            }
            None => faults.push(format!("{path}.type: {} is not a trace of the schema", trace["type"])),
        }
    }
    walk(&figure["layout"], &schema["layout"], "layout", &mut faults);
    walk(&figure["config"], &schema["config"], "config", &mut faults);
    faults
}

/// Compares a value with the part of the schema that describes it.
fn walk(value: &Value, schema: &Value, path: &str, faults: &mut Vec<String>) {
    if schema["valType"].is_string() {
        if let Err(expected) = check(value, schema) {
            let mut shown = value.to_string();
            shown.truncate(60);
            faults.push(format!("{path}: {shown} is not {expected}"));
        }
        return;
    }
    if let (Some(items), Some(values)) = (schema["items"].as_object(), value.as_array()) {
        let item = items.values().next().unwrap_or(&Value::Null);
        for (place, value) in values.iter().enumerate() {
            walk(value, item, &format!("{path}[{place}]"), faults);
        }
        return;
    }
    let (Some(described), Some(given)) = (schema.as_object(), value.as_object()) else {
        faults.push(format!("{path}: {value} is not an object"));
        return;
    };
    for (key, value) in given {
        match described.get(key).or_else(|| described.get(unnumbered(key))) {
            Some(attribute) => walk(value, attribute, &format!("{path}.{key}"), faults),
            None => faults.push(format!("{path}.{key}: unknown attribute")),
        }
    }
}

/// `xaxis` of `xaxis2`: the layout describes the first of each.
fn unnumbered(key: &str) -> &str {
    let base = key.trim_end_matches(|digit: char| digit.is_ascii_digit());
    if base == "xaxis" || base == "yaxis" { base } else { key }
}

/// What was expected, when the value is not of the attribute's type.
fn check(value: &Value, attribute: &Value) -> Result<(), String> {
    if attribute["arrayOk"] == json!(true)
        && let Some(values) = value.as_array()
    {
        return values.iter().try_for_each(|value| check_one(value, attribute));
    }
    check_one(value, attribute)
}

fn check_one(value: &Value, attribute: &Value) -> Result<(), String> {
    let kind = attribute["valType"].as_str().unwrap_or_default();
    let within = |number: f64| {
        let least = attribute["min"].as_f64().unwrap_or(f64::NEG_INFINITY);
        let most = attribute["max"].as_f64().unwrap_or(f64::INFINITY);
        (least..=most).contains(&number)
    };
    let is_extra = || attribute["extras"].as_array().is_some_and(|extras| extras.contains(value));
    let valid = match kind {
        "any" => true,
        "boolean" => value.is_boolean(),
        "number" => value.as_f64().is_some_and(within),
        "integer" => is_extra() || value.as_f64().is_some_and(|number| number.fract() == 0.0 && within(number)),
        "angle" => value == "auto" || value.as_f64().is_some_and(|degrees| (-180.0..=180.0).contains(&degrees)),
        "string" => value.as_str().is_some_and(|text| !(attribute["noBlank"] == json!(true) && text.is_empty())),
        "color" => value.as_str().is_some_and(is_colour),
        "data_array" => value.is_array(),
        "enumerated" => {
            attribute["values"].as_array().is_some_and(|values| values.iter().any(|one| matches(value, one)))
        }
        "flaglist" => {
            is_extra() || value.as_str().is_some_and(|flags| flags.split('+').all(|flag| has(attribute, flag)))
        }
        "subplotid" => {
            value.as_str().is_some_and(|id| is_reference(id, attribute["dflt"].as_str().unwrap_or_default(), false))
        }
        "info_array" => return check_items(value, attribute),
        other => return Err(format!("of the type `{other}`, which the walker does not know")),
    };
    valid.then_some(()).ok_or_else(|| format!("{kind} {}", attribute["values"]))
}

/// A short array whose items have types of their own.
fn check_items(value: &Value, attribute: &Value) -> Result<(), String> {
    let values = value.as_array().ok_or("an array")?;
    let items = &attribute["items"];
    match items.as_array() {
        Some(items) if attribute["freeLength"] != json!(true) && values.len() != items.len() => {
            Err(format!("{} items", items.len()))
        }
        Some(items) => values.iter().zip(items).try_for_each(|(value, item)| check_one(value, item)),
        None => values.iter().try_for_each(|value| check_one(value, items)),
    }
}

fn has(attribute: &Value, flag: &str) -> bool {
    attribute["flags"].as_array().is_some_and(|flags| flags.iter().any(|one| one == flag))
}

/// A value of an enumeration: itself, or a pattern of axis names such as `/^x([2-9]|[1-9][0-9]+)?( domain)?$/`.
fn matches(value: &Value, one: &Value) -> bool {
    let pattern = one.as_str().and_then(|one| one.strip_prefix("/^"));
    match (pattern, value.as_str()) {
        (Some(pattern), Some(text)) => {
            let letter = &pattern[..pattern.find('(').unwrap_or(pattern.len())];
            is_reference(text, letter, pattern.contains("( domain)?"))
        }
        _ => value == one,
    }
}

/// `x`, `x2` … `x10` …, and `x2 domain` where that is allowed.
fn is_reference(text: &str, letter: &str, domain: bool) -> bool {
    let text = if domain { text.strip_suffix(" domain").unwrap_or(text) } else { text };
    let number = text.strip_prefix(letter);
    number.is_some_and(|number| {
        number.is_empty() || (!number.starts_with('0') && number.parse::<u32>().is_ok_and(|number| number > 1))
    })
}

fn is_colour(text: &str) -> bool {
    let hex = text.strip_prefix('#').unwrap_or_default();
    [3, 4, 6, 8].contains(&hex.len()) && hex.chars().all(|digit| digit.is_ascii_hexdigit())
}

fn spec(theme: &Theme, width: f64) -> impl Iterator<Item = (String, Value)> {
    ALL.iter().flat_map(|chart| chart.examples().into_iter().map(move |input| (chart, input))).map(
        move |(chart, input)| {
            let figure = chart.figure(&input).expect("a chart draws its own example");
            let json = figure.plotly_json(theme, width);
            (chart.name().to_owned(), serde_json::from_str(&json).expect("JSON"))
        },
    )
}

#[test]
fn every_figure_is_valid_by_plotlys_schema() {
    let themes = [Theme::LIGHT, Theme::DARK, Theme::LIGHT.with_palette(Palette::Classic).standalone()];
    for theme in themes {
        for width in [320.0, 760.0, 1280.0] {
            for (name, figure) in spec(&theme, width) {
                assert_eq!(faults(&figure), Vec::<String>::new(), "{name} at {width}");
                assert!(!figure["data"].as_array().expect("traces").is_empty());
            }
        }
    }
}

#[test]
fn no_figure_calls_home() {
    for (name, figure) in spec(&Theme::LIGHT, 760.0) {
        assert_eq!(figure["config"]["plotlyServerURL"], "", "{name}");
        assert_eq!(figure["config"]["showSendToCloud"], false);
        assert_eq!(figure["config"]["displaylogo"], false);
        assert!(!figure.to_string().contains("http"), "{name}");
    }
}

#[test]
fn the_walker_finds_each_kind_of_fault() {
    let (_, good) = spec(&Theme::LIGHT, 760.0).next().expect("a figure");
    assert_eq!(faults(&good), Vec::<String>::new());
    let broken: [(&str, Value, &str); 14] = [
        ("/data/0/type", json!("violin"), r#"data[0].type: "violin" is not a trace of the schema"#),
        ("/data/0/colour", json!("#000000"), "data[0].colour: unknown attribute"),
        ("/data/0/mode", json!("lines+crosses"), r#"data[0].mode: "lines+crosses" is not flaglist null"#),
        ("/data/0/x", json!("1, 2"), r#"data[0].x: "1, 2" is not data_array null"#),
        ("/data/0/line/width", json!(-1), "data[0].line.width: -1 is not number null"),
        ("/data/0/line/color", json!("reddish"), r#"data[0].line.color: "reddish" is not color null"#),
        ("/data/0/showlegend", json!("no"), r#"data[0].showlegend: "no" is not boolean null"#),
        ("/data/0/xaxis", json!("x1"), r#"data[0].xaxis: "x1" is not subplotid null"#),
        ("/data/0/hoverinfo", json!("everything"), r#"data[0].hoverinfo: "everything" is not flaglist null"#),
        ("/layout/height", json!(1), "layout.height: 1 is not number null"),
        (
            "/layout/barmode",
            json!("pile"),
            r#"layout.barmode: "pile" is not enumerated ["stack","group","overlay","relative"]"#,
        ),
        ("/layout/xaxis/range", json!([1]), "layout.xaxis.range: [1] is not 2 items"),
        ("/layout/zaxis", json!({}), "layout.zaxis: unknown attribute"),
        ("/config/sendToCloud", json!(true), "config.sendToCloud: unknown attribute"),
    ];
    for (pointer, value, expected) in broken {
        let mut figure = good.clone();
        let (parent, key) = pointer.rsplit_once('/').expect("a path");
        let parent = figure.pointer_mut(parent).expect("a parent that exists");
        parent.as_object_mut().expect("an object").insert(key.to_owned(), value);
        assert_eq!(faults(&figure), [expected], "{pointer}");
    }
}
