//! Heterogeneity: effects by segment, and the interaction with a covariate, of statsmodels.

use super::{Case, Comparison, Outcome, hold};
use crate::command::{ABSOLUTE, Desk};

#[test]
fn heterogeneity() {
    hold("heterogeneity", [1, 0], |case| match case.method() {
        "interaction" => by_segment(case).ran(),
        _ => Outcome::Waits("no such method is known here"),
    });
}

fn by_segment(case: &Case) -> Comparison<'_> {
    let file = case.data();
    let file = file.to_str().expect("a path in UTF-8");
    let asked = [
        file,
        "--arm",
        "segment",
        "--control",
        "No E-Mail",
        "--metric",
        "mean(visit)",
        "--filter",
        "segment <> 'Womens E-Mail'",
    ];
    let more = ["--by", "history_segment"];
    let rows = Desk::new().analyze(&[&asked[..], &more].concat()).rows();
    let mut compared = case.compare();
    let segments = case.0["expected"]["by_history_segment"].as_object().expect("segments by name");
    for name in segments.keys() {
        // Of two groups HC2 is Welch's.
        let row = rows.segment("mean(visit)", &format!("history_segment={name}"), ABSOLUTE);
        let n = row.number("n") + row.number("n_baseline");
        compared.list_below("by_history_segment", name, &[row.number("estimate"), row.number("std_error"), n]);
    }
    let more = ["--covariate", "newbie", "--estimator", "ols", "--option", "se=HC2"];
    let rows = Desk::new().analyze(&[&asked[..], &more].concat()).rows();
    let main = rows.term("mean(visit)", "newbie.filled");
    let interaction = rows.term("mean(visit)", "arm:newbie.filled");
    for (at, row) in [(2, &main), (3, &interaction)] {
        compared.number(&format!("coef/{at}"), row.number("estimate"));
        compared.number(&format!("se/{at}"), row.number("std_error"));
    }
    compared.wait(
        &["coef/0", "coef/1", "se/0", "se/1"],
        "covariates are centred here, so that the term of the arm is the mean effect",
    );
    compared
}
