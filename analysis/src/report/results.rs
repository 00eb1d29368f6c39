//! The result table inside the page, at full precision, for downloads and copies.

use std::collections::HashMap;

use estimand_stats::Estimates;
use estimand_stats::estimate::GLOSSARY;
use serde_json::Value;

use super::Error;

/// The table as compact JSON, by column.
///
/// The text is safe inside a script element: it holds no `<`.
pub(super) fn json(estimates: &Estimates) -> String {
    let rows: Vec<Value> = estimates.rows.iter().map(|row| serde_json::to_value(row).unwrap_or_default()).collect();
    let columns = GLOSSARY.iter().map(|column| {
        let cells = rows.iter().map(|row| row.get(column.name).unwrap_or(&Value::Null).to_string());
        format!("{}:{}", Value::from(column.name), packed(cells.collect()))
    });
    let columns: Vec<String> = columns.collect();
    embedded(&format!(r#"{{"length":{},"columns":{{{}}}}}"#, rows.len(), columns.join(",")))
}

/// The shortest way to write a column: one value, the distinct values with the place of each row's, or every cell.
fn packed(cells: Vec<String>) -> String {
    let mut words: Vec<&str> = Vec::new();
    let mut place_of: HashMap<&str, usize> = HashMap::new();
    let places = cells.iter().map(|cell| {
        *place_of.entry(cell).or_insert_with(|| {
            words.push(cell);
            words.len() - 1
        })
    });
    let places: Vec<String> = places.map(|place| place.to_string()).collect();
    if words.len() < 2 {
        return format!(r#"{{"same":{}}}"#, words.first().unwrap_or(&"null"));
    }
    let once = format!(r#"{{"words":[{}],"places":[{}]}}"#, words.join(","), places.join(","));
    let each = format!(r#"{{"cells":[{}]}}"#, cells.join(","));
    if once.len() < each.len() { once } else { each }
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
fn embedded(json: &str) -> String {
    json.replace('<', "\\u003c")
}

#[cfg(test)]
mod tests {
    use super::*;
    use estimand_stats::Estimate;
    use serde_json::json;

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
