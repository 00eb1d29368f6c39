//! Rank tests: SciPy on Cookie Cats and the job training trial, R's `wilcox.test` and exact permutation on Student's sleep data.

use super::{Case, Comparison, Outcome, hold};
use crate::command::{ABSOLUTE, Desk, Row};

#[test]
fn rank_tests() {
    hold("nonparametric", [3, 3], |case| match (case.method(), case.id()) {
        ("rank_tests", _) => two_samples(case).ran(),
        ("wilcoxon_hl", _) => sleep(case).ran(),
        ("permutation_exact", _) => Outcome::Waits("Monte Carlo permutation alone stands on the command line"),
        _ => Outcome::Waits("paired units"),
    });
}

fn two_samples(case: &Case) -> Comparison<'_> {
    let (metric, arm) = (format!("mean({})", case.input("y")), case.input("treatment"));
    let rows = |option: &str| case.analyze(&metric, &["--estimator", "mann_whitney", "--option", option]);
    let by = |option: &str| rows(option).effect(&metric, &arm, ABSOLUTE);
    let superiority = rows("method=brunner_munzel").term(&metric, "superiority");
    let corrected = rows("method=normal").effect(&metric, &arm, ABSOLUTE);
    let mut compared = case.compare();
    compared.number("p_cc", corrected.number("p_value"));
    let plain = case.analyze(
        &metric,
        &["--estimator", "mann_whitney", "--option", "method=normal", "--option", "continuity=false"],
    );
    compared.number("p_nocc", plain.effect(&metric, &arm, ABSOLUTE).number("p_value"));
    compared.number("prob_superiority", superiority.number("estimate"));
    let count = |row: &Row| row.number("n") * row.number("n_baseline");
    compared.number("U", superiority.number("estimate") * count(&superiority));
    compared.number("brunner_munzel_p", by("method=brunner_munzel").number("p_value"));
    compared.wait(&["brunner_munzel"], "the statistic has the other sign: ours is positive when the arm is larger");
    compared.wait(&["ks", "brown_forsythe", "brown_forsythe_p"], "functions of the library without a command");
    compared
}

fn sleep(case: &Case) -> Comparison<'_> {
    let file = case.data();
    let file = file.to_str().expect("a path in UTF-8");
    let arguments = [
        file,
        "--arm",
        "group",
        "--control",
        "2",
        "--metric",
        "mean(extra)",
        "--estimator",
        "mann_whitney",
        "--option",
        "method=normal",
    ];
    let row = Desk::new().analyze(&arguments).rows().effect("mean(extra)", "1", ABSOLUTE);
    let mut compared = case.compare();
    compared.number_within("p", row.number("p_value"), 1e-8);
    compared.wait(&["W"], "the result has no rank sum; it is in the p-value");
    compared.wait(&["hl", "ci"], "R solves both by root finding on a step function; ours are the steps");
    compared
}
