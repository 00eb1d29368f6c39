//! Means of two arms: SciPy and statsmodels on unit tables, R's `t.test` on Student's sleep data.

use super::{Case, Comparison, Outcome, hold};
use crate::command::{ABSOLUTE, Desk, Row};

#[test]
fn means() {
    hold("means", [6, 2], |case| match (case.method(), case.id()) {
        ("two_sample_mean", _) => two_samples(case).ran(),
        (_, "t_sleep_welch") => sleep(case).ran(),
        ("t_test", _) => Outcome::Waits("paired units"),
        ("yuen", _) => trimmed(case).ran(),
        _ => Outcome::Waits("tests of equivalence"),
    });
}

fn two_samples(case: &Case) -> Comparison<'_> {
    let (metric, arm) = (format!("mean({})", case.input("y")), case.input("treatment"));
    let by = |option: &[&str]| case.analyze(&metric, option).effect(&metric, &arm, ABSOLUTE);
    let mut compared = case.compare();
    let welch = by(&[]);
    let counts = [("n_t", "n"), ("n_c", "n_baseline")];
    let means = [("mean_t", "mean"), ("mean_c", "mean_baseline"), ("diff", "estimate")];
    compared.row(&welch, &[counts.as_slice(), &means].concat());
    t_test(&mut compared, "welch", &welch);
    t_test(&mut compared, "pooled", &by(&["--option", "variance=pooled"]));
    let z = by(&["--option", "distribution=normal"]);
    compared.row(&z, &[("z/z", "statistic"), ("z/p", "p_value")]);
    compared.wait(&["var_t", "var_c"], "the result has no variance per arm; both are in the standard errors compared");
    compared.wait(&["welch/p_greater"], "one-sided tests outside guardrails");
    compared
}

fn t_test(compared: &mut Comparison<'_>, part: &str, row: &Row) {
    for (key, column) in
        [("t", "statistic"), ("df", "df"), ("p", "p_value"), ("ci_low", "conf_low"), ("ci_high", "conf_high")]
    {
        compared.number(&format!("{part}/{key}"), row.number(column));
    }
}

fn trimmed(case: &Case) -> Comparison<'_> {
    let (file, trim) = (case.data(), format!("trim={}", case.input("trim")));
    let file = file.to_str().expect("a path in UTF-8");
    let metric = format!("mean({})", case.input("y"));
    let arguments =
        [file, "--arm", &case.input("group"), "--control", "0", "--metric", &metric, "--estimator", "trimmed_mean"];
    let row =
        Desk::new().analyze(&[&arguments[..], &["--option", &trim]].concat()).rows().effect(&metric, "1", ABSOLUTE);
    let mut compared = case.compare();
    compared.row(&row, &[("t", "statistic"), ("df", "df"), ("p", "p_value")]);
    compared
}

fn sleep(case: &Case) -> Comparison<'_> {
    let file = case.data();
    let file = file.to_str().expect("a path in UTF-8");
    let rows = Desk::new().analyze(&[file, "--arm", "group", "--control", "2", "--metric", "mean(extra)"]).rows();
    let row = rows.effect("mean(extra)", "1", ABSOLUTE);
    let mut compared = case.compare();
    compared.row(&row, &[("t", "statistic"), ("df", "df"), ("p", "p_value")]);
    compared.list("ci", &row.interval());
    compared
}
