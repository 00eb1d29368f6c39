//! The result table inside the page, at full precision, for downloads and copies.

use std::collections::BTreeMap;

use estimand_stats::Estimates;
use estimand_stats::estimate::GLOSSARY;
use serde_json::{Map, Value, json};

use super::Error;

/// The table as compact JSON, by column.
///
/// The text is safe inside a script element: it holds no `<`.
pub(super) fn json(estimates: &Estimates) -> String {
    let rows: Vec<Value> = estimates.rows.iter().map(|row| serde_json::to_value(row).unwrap_or_default()).collect();
    let columns: Map<String, Value> = GLOSSARY
        .iter()
        .map(|column| {
            let cells = rows.iter().map(|row| row.get(column.name).unwrap_or(&Value::Null));
            (column.name.to_owned(), packed(cells.collect()))
        })
        .collect();
    embedded(&json!({ "length": rows.len(), "columns": columns }))
}

/// The shortest way to write a column: one value, the distinct values with the place of each row's, or every cell.
fn packed(cells: Vec<&Value>) -> Value {
    let mut distinct: Distinct = Distinct::default();
    let places: Vec<usize> = cells.iter().map(|cell| distinct.place(cell)).collect();
    if distinct.values.len() < 2 {
        return json!({ "same": distinct.values.first() });
    }
    let each = json!({ "cells": cells });
    let once = json!({ "words": distinct.values, "places": places });
    if once.to_string().len() < each.to_string().len() { once } else { each }
}

/// Distinct values in the order of their first appearance.
#[derive(Default)]
struct Distinct {
    values: Vec<Value>,
    places: BTreeMap<String, usize>,
}

impl Distinct {
    fn place(&mut self, value: &Value) -> usize {
        *self.places.entry(value.to_string()).or_insert_with(|| {
            self.values.push(value.clone());
            self.values.len() - 1
        })
    }
}

/// Refuses NaN and infinities, which JSON would silently write as null.
pub(super) fn check(estimates: &Estimates) -> Result<(), Error> {
    for row in &estimates.rows {
        let numbers = [
            ("mean", row.mean),
            ("mean_baseline", row.mean_baseline),
            ("estimate", row.estimate),
            ("std_error", row.std_error),
            ("statistic", row.statistic),
            ("conf_low", row.conf_low),
            ("conf_high", row.conf_high),
            ("p_value", row.p_value),
            ("p_adjusted", row.p_adjusted),
        ];
        if let Some((column, _)) = numbers.iter().find(|(_, number)| number.is_some_and(|number| !number.is_finite())) {
            return Err(Error::NotANumber {
                metric: row.metric.clone().unwrap_or_default(),
                column: (*column).to_owned(),
            });
        }
    }
    Ok(())
}

/// JSON that can stand inside a script element.
pub(super) fn embedded(value: &Value) -> String {
    value.to_string().replace('<', "\\u003c")
}

#[cfg(test)]
mod tests {
    use super::*;
    use estimand_stats::Estimate;

    #[test]
    fn what_all_rows_share_is_written_once() {
        let row = |estimate: f64, arm: &str| Estimate {
            metric: Some("</script>".into()),
            arm: Some(arm.into()),
            estimate: Some(estimate),
            ..Estimate::default()
        };
        let arms = ["no e-mail", "the men's e-mail", "no e-mail", "the men's e-mail", "no e-mail"];
        let rows = arms.iter().zip([0.1, 0.2, 0.3, 0.4, 0.5]).map(|(arm, estimate)| row(estimate, arm));
        let text = json(&rows.collect());
        assert!(!text.contains('<'));
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["length"], json!(5));
        assert_eq!(value["columns"]["estimate"], json!({ "cells": [0.1, 0.2, 0.3, 0.4, 0.5] }));
        let packed = json!({ "words": ["no e-mail", "the men's e-mail"], "places": [0, 1, 0, 1, 0] });
        assert_eq!(value["columns"]["arm"], packed);
        assert_eq!(value["columns"]["metric"], json!({ "same": "</script>" }));
        assert_eq!(value["columns"]["segment"], json!({ "same": null }));
    }

    #[test]
    fn a_value_that_is_no_number_is_refused_by_column() {
        let row = Estimate { metric: Some("revenue".into()), conf_low: Some(f64::NAN), ..Estimate::default() };
        let refusal = check(&[row].into_iter().collect()).unwrap_err().to_string();
        assert_eq!(
            refusal,
            "column `conf_low` of metric `revenue` is not a number; leave it empty and say why in the notes"
        );
    }
}
