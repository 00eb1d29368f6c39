//! Relative lifts: GrowthBook's delta method and tea-tasting's logarithm, each by its option.

use super::{Case, Comparison, hold};
use crate::command::RELATIVE;

#[test]
fn relative_lifts() {
    hold("relative_lift", [8, 0], |case| match case.method() {
        "relative_lift_log" => logarithm(case).ran(),
        _ => delta(case).ran(),
    });
}

fn logarithm(case: &Case) -> Comparison<'_> {
    let (metric, arm) = (format!("mean({})", case.input("y")), case.input("treatment"));
    let by = |options: &[&str]| case.analyze(&metric, options).effect(&metric, &arm, RELATIVE);
    let mut compared = case.compare();
    let columns = [("lift", "estimate"), ("ci_low_t", "conf_low"), ("ci_high_t", "conf_high"), ("p_abs_t", "p_value")];
    compared.row(&by(&["--option", "lift=log"]), &columns);
    let normal = by(&["--option", "lift=log", "--option", "distribution=normal"]);
    compared.row(&normal, &[("ci_low_z", "conf_low"), ("ci_high_z", "conf_high")]);
    compared
}

fn delta(case: &Case) -> Comparison<'_> {
    let (metric, arm) = (format!("mean({})", case.input("y")), case.input("treatment"));
    let row = case.analyze(&metric, &["--option", "lift=delta"]).effect(&metric, &arm, RELATIVE);
    let mut compared = case.compare();
    compared.row(&row, &[("lift", "estimate"), ("se", "std_error"), ("df", "df"), ("p", "p_value")]);
    compared.row(&row, &[("ci_low", "conf_low"), ("ci_high", "conf_high")]);
    compared
}
