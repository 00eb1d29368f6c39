//! CUPED with one pooled slope: tea-tasting, on means and on a ratio.

use super::{Case, Comparison, hold};
use crate::command::{ABSOLUTE, RELATIVE};

#[test]
fn adjustment_by_one_pooled_slope() {
    hold("cuped", [3, 0], |case| match case.method() {
        "cuped" => mean(case).ran(),
        _ => ratio(case).ran(),
    });
}

const INFERENCE: [(&str, &str); 4] =
    [("diff", "estimate"), ("p", "p_value"), ("ci_low", "conf_low"), ("ci_high", "conf_high")];

fn mean(case: &Case) -> Comparison<'_> {
    let (metric, arm, covariate) =
        (format!("mean({})", case.input("y")), case.input("treatment"), case.input("covariate"));
    let options = ["--covariate", &covariate, "--option", "slope=pooled", "--option", "lift=log"];
    let rows = case.analyze(&metric, &options);
    let mut compared = case.compare();
    let adjusted = rows.effect(&metric, &arm, ABSOLUTE);
    compared
        .row(&adjusted, &[("mean_adj_control", "mean_baseline"), ("mean_adj_treatment", "mean"), ("t", "statistic")]);
    compared.row(&adjusted, &INFERENCE);
    let lift = [("lift", "estimate"), ("lift_ci_low_log", "conf_low"), ("lift_ci_high_log", "conf_high")];
    compared.row(&rows.effect(&metric, &arm, RELATIVE), &lift);
    let plain = rows.beside(&metric, &arm, ABSOLUTE);
    compared.row(&plain, &[("unadjusted_diff", "estimate"), ("unadjusted_t", "statistic")]);
    compared
}

fn ratio(case: &Case) -> Comparison<'_> {
    let metric = format!("ratio({}, {})", case.input("numerator"), case.input("denominator"));
    let covariate = case.input("numer_covariate");
    let options = ["--covariate", &covariate, "--option", "slope=pooled", "--option", "distribution=normal"];
    let row = case.analyze(&metric, &options).effect(&metric, &case.input("treatment"), ABSOLUTE);
    let mut compared = case.compare();
    compared.row(&row, &[("control", "mean_baseline"), ("treatment", "mean"), ("z", "statistic")]);
    compared.row(&row, &INFERENCE);
    compared
}
