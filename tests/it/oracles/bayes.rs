//! Posteriors: beta-binomial by integration and GrowthBook's Gaussian effect.

use super::{Case, Comparison, Outcome, hold};
use crate::command::{ABSOLUTE, Desk, RELATIVE};

#[test]
fn posteriors() {
    hold("bayes", [3, 1], |case| match (case.method(), case.id()) {
        ("beta_binomial", "bb_small") => Outcome::Waits("counts with a prior in them, which no data give"),
        ("beta_binomial", _) => shares(case).ran(),
        _ => gaussian(case).ran(),
    });
}

fn shares(case: &Case) -> Comparison<'_> {
    let (metric, arm) = (format!("proportion({})", case.input("y")), case.input("treatment"));
    let file = case.data();
    let control = case.input("control");
    let arguments = [
        file.to_str().expect("a path in UTF-8"),
        "--arm",
        "test_version",
        "--control",
        &control,
        "--metric",
        &metric,
        "--estimator",
        "beta_binomial",
    ];
    let row = Desk::new().analyze(&arguments).rows().effect(&metric, &arm, ABSOLUTE);
    let mut compared = case.compare();
    compared.row(
        &row,
        &[
            ("prob_t_better", "prob_beat"),
            ("expected_loss_choose_t", "expected_loss"),
            ("expected_loss_choose_c", "expected_loss_baseline"),
        ],
    );
    compared.wait(&["posterior_t", "posterior_c", "ci_t_95"], "of one arm, where the result is of the effect");
    compared
}

fn gaussian(case: &Case) -> Comparison<'_> {
    let (metric, arm) = (format!("mean({})", case.input("y")), case.input("treatment"));
    let prior = if case.input("prior") == "improper" { "prior=flat" } else { "prior=normal:0:0.3" };
    let file = case.data();
    let control = case.input("control");
    let arguments = [
        file.to_str().expect("a path in UTF-8"),
        "--arm",
        "segment",
        "--control",
        &control,
        "--metric",
        &metric,
        "--estimator",
        "bayes",
        "--option",
        prior,
    ];
    let row = Desk::new().analyze(&arguments).rows().effect(&metric, &arm, RELATIVE);
    let mut compared = case.compare();
    compared.row(&row, &[("expected", "estimate"), ("chance_to_win", "prob_beat")]);
    compared.list("ci", &row.interval());
    compared.list("risk", &[row.number("expected_loss_baseline"), row.number("expected_loss")]);
    compared
}
