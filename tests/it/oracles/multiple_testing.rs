//! Adjusted p-values: R's `p.adjust` and statsmodels on the fifteen p-values of Benjamini & Hochberg (1995).

use super::{Case, Comparison, Outcome, hold};
use crate::command::Desk;

/// Names in the case, and ours.
const CORRECTIONS: [(&str, &str); 8] = [
    ("BH", "benjamini_hochberg"),
    ("BY", "benjamini_yekutieli"),
    ("bonferroni", "bonferroni"),
    ("hochberg", "hochberg"),
    ("holm", "holm"),
    ("holm_sidak", "holm_sidak"),
    ("hommel", "hommel"),
    ("sidak", "sidak"),
];

#[test]
fn adjusted_p_values() {
    hold("multiple_testing", [1, 1], |case| match case.method() {
        "p_adjust" => adjusted(case).ran(),
        _ => Outcome::Waits("combination of p-values"),
    });
}

fn adjusted(case: &Case) -> Comparison<'_> {
    let mut compared = case.compare();
    for (key, method) in CORRECTIONS {
        let mut arguments = case.inputs("p");
        arguments.insert(0, "adjust".to_owned());
        arguments.extend(["--method", method, "--format", "json"].map(str::to_owned));
        let document = Desk::new().run(&arguments).document();
        let adjusted = document["adjusted"].as_array().expect("a list").iter().filter_map(|p| p.as_f64());
        compared.list(key, &adjusted.collect::<Vec<_>>());
    }
    compared.wait(&["tsbh_reject_05"], "the two-stage procedure");
    compared
}
