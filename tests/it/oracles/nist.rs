//! NIST's univariate reference data: each set as both arms of a file, so that the mean stands in the result and the
//! standard deviation in the standard error of a difference of nothing, `√(2s²/n)`.

use super::{Case, Comparison, Outcome, hold};
use crate::command::{ABSOLUTE, Desk};

#[test]
fn univariate_reference_data() {
    hold("nist", [6, 15], |case| match case.method() {
        "summary_stats" => univariate(case).ran(),
        "ols" => Outcome::Waits("regression without an arm"),
        _ => Outcome::Waits("analysis of variance"),
    });
}

fn univariate(case: &Case) -> Comparison<'_> {
    let text = std::fs::read_to_string(case.data()).expect("the data set");
    // The digits as they are printed, once in each arm.
    let rows = |arm: &str| text.lines().skip(1).map(|value| format!("{arm},{value}\n")).collect::<String>();
    let desk = Desk::with(&[("twice.csv", &format!("arm,y\n{}{}", rows("A"), rows("B")))]);
    let answer = desk.analyze(&["twice.csv", "--arm", "arm", "--control", "A", "--metric", "mean(y)"]);
    let row = answer.rows().effect("mean(y)", "B", ABSOLUTE);
    assert_eq!(row.number("estimate"), 0.0, "{}: the same values have one mean", case.id());
    let mut compared = case.compare();
    compared.row(&row, &[("n", "n"), ("mean", "mean"), ("mean", "mean_baseline")]);
    compared.number("sd", row.number("std_error") * (row.number("n") / 2.0).sqrt());
    compared.wait(&["autocorr1"], "values of the row before");
    compared
}
