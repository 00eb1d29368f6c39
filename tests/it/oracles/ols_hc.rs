//! Least squares over unit rows with HC0 to HC3: R's estimatr, term by term, on a file without a project.

use super::{Case, Comparison, Outcome, hold};
use crate::command::{Desk, Rows};

#[test]
fn robust_standard_errors() {
    hold("ols_hc", [9, 2], |case| match case.method() {
        "newey_west" => Outcome::Waits("time series"),
        _ if case.id() == "ols_card_full" => Outcome::Waits("regression without an arm, Wald and specification tests"),
        _ => regression(case).ran(),
    });
}

fn regression(case: &Case) -> Comparison<'_> {
    let (file, se) = (case.data(), format!("se={}", case.input("se")));
    let mut arguments = vec![file.to_str().expect("a path in UTF-8"), "--arm", "treat", "--control", "0"];
    arguments.extend(["--metric", "re78", "--estimator", "ols", "--option", "slope=shared", "--option", &se]);
    let terms = case.inputs("x");
    for term in terms.iter().filter(|term| !matches!(term.as_str(), "1" | "treat")) {
        arguments.extend(["--covariate", term]);
    }
    let mut compared = case.compare();
    compare_terms(case, &mut compared, &Desk::new().analyze(&arguments).rows(), "re78");
    compared
}

/// Compares coefficients and their inference by name of the term.
pub(super) fn compare_terms(case: &Case, compared: &mut Comparison<'_>, rows: &Rows, metric: &str) {
    for name in case.0["expected"]["coef"].as_object().expect("coefficients by name").keys() {
        let row = match name.as_str() {
            "(Intercept)" => rows.term(metric, "(intercept)"),
            "treat" | "z" => rows.term(metric, "arm"),
            // What is missing of a covariate is filled; here nothing is.
            covariate => rows.term(metric, &format!("{covariate}.filled")),
        };
        for (key, column) in [
            ("coef", "estimate"),
            ("se", "std_error"),
            ("df", "df"),
            ("p", "p_value"),
            ("ci_low", "conf_low"),
            ("ci_high", "conf_high"),
        ] {
            compared.number(&format!("{key}/{name}"), row.number(column));
        }
    }
}
