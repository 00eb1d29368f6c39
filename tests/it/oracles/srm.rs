//! Sample ratios: SciPy's chi-square.

use super::{Case, Comparison, hold};
use crate::command::Desk;

#[test]
fn sample_ratios() {
    hold("srm", [4, 0], |case| counts(case).ran());
}

fn counts(case: &Case) -> Comparison<'_> {
    let (mut arguments, weights) = (case.inputs("observed"), case.inputs("weights").join(","));
    arguments.insert(0, "srm".to_owned());
    arguments.extend(["--weights".to_owned(), weights, "--format".to_owned(), "json".to_owned()]);
    let test = Desk::new().run(&arguments).document();
    let mut compared = case.compare();
    for (key, ours) in [("chi2", "chi2"), ("df", "df"), ("p", "p_value")] {
        compared.number(key, test[ours].as_f64().expect("a number"));
    }
    let expected: Vec<f64> = test["expected"].as_array().expect("a list").iter().filter_map(|n| n.as_f64()).collect();
    compared.list("expected_counts", &expected);
    compared
}
