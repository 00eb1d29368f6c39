//! The ratio of two sums over units.

use crate::definition::{NumberStyle, UnitValue};
use crate::kind::{MetricKind, Outcome};
use crate::reading::fields::Fields;
use crate::reading::key::{Key, Shape, required};
use crate::reading::metric::{CAP, FILTER, MetricReader, SOURCE, VALUE, WHEN_EMPTY};

/// The sum of one number over units by the sum of another: revenue per order, clicks per page.
pub struct Ratio;

const PART: &[Key] = &[SOURCE, VALUE, FILTER, CAP, WHEN_EMPTY];

const EITHER: &[Shape] = &[Shape::Name, Shape::Table(PART)];

const KEYS: &[Key] = &[
    required("numerator", Shape::OneOf(EITHER), "The number above the line: a table, or the name of a metric."),
    required("denominator", Shape::OneOf(EITHER), "The number below the line: a table, or the name of a metric."),
];

impl MetricKind for Ratio {
    fn name(&self) -> &'static str {
        "ratio"
    }

    fn doc(&self) -> &'static str {
        "The sum over units of one number, by the sum over units of another."
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn style(&self) -> NumberStyle {
        NumberStyle::Number
    }

    fn read(&self, fields: &Fields<'_>, reader: &mut MetricReader<'_>) -> Option<Outcome> {
        let numerator = part(fields, "numerator", reader);
        let denominator = part(fields, "denominator", reader);
        Some(Outcome::Ratio { numerator: numerator?, denominator: denominator? })
    }
}

fn part(fields: &Fields<'_>, key: &str, reader: &mut MetricReader<'_>) -> Option<UnitValue> {
    if let Some(table) = fields.table(key) {
        return reader.number(&table);
    }
    let name = fields.text(key)?;
    let metric = reader.borrow(fields, key, name)?;
    let mut fault = |message: String, help: String| {
        reader.faults.push(fields.fault(key, "metrics::bad_part", message).with_help(help));
    };
    let kind = metric.outcome.kind();
    let (Outcome::Mean(value) | Outcome::Proportion(value)) = metric.outcome else {
        fault(
            format!("metric `{name}` is of kind {kind}, and a ratio has parts of kind mean or proportion"),
            "write the part as a table".to_owned(),
        );
        return None;
    };
    // Both parts share the ratio's window; taking a metric out of its own window would silently change what it means.
    let own = (fields.duration("window"), fields.duration("delay").unwrap_or_default());
    let named = (metric.window.length, metric.window.delay);
    if own != named {
        let (length, delay) = named;
        let mut keys = vec![length.map_or("no `window`".to_owned(), |length| format!("window = \"{length}\""))];
        if delay != crate::definition::Duration::ZERO {
            keys.push(format!("delay = \"{delay}\""));
        }
        fault(
            format!("metric `{name}` has another window than the ratio"),
            format!("give the ratio {}, or write the part as a table", keys.join(" and ")),
        );
    }
    Some(value)
}
