//! Estimators of single metrics, and those whose answers stand beside the one that decides.

use estimand_analysis::demo::shop::{self, ShopOptions};

use crate::command::{ABSOLUTE, Desk};

/// The shop with a table `[analysis]`.
fn shop(analysis: &str) -> Desk {
    let desk = Desk::new();
    shop::write(&desk.file("shop"), &ShopOptions { users: 3_000, seed: 7 }).expect("a shop");
    desk.edit("shop/experiments/one_page_checkout.toml", "[plan]\n", &format!("{analysis}\n[plan]\n"));
    desk
}

#[test]
fn a_metric_has_an_estimator_of_its_own_and_others_stand_beside() {
    let desk = shop(
        "[analysis]\nbeside = [\"ols\"]\n[analysis.by_metric.searches]\nestimator = \"difference_in_means\"\noptions = { variance = \"pooled\" }\n",
    );
    let rows = desk.analyze(&["one_page_checkout", "--project", "shop", "--no-save"]).rows();
    let decides = |metric: &str| rows.effect(metric, "one_page", ABSOLUTE);
    assert_eq!(decides("searches").text("estimator"), "difference_in_means");
    assert!(decides("searches").text("options").contains("variance=pooled"));
    assert_eq!(decides("orders").text("estimator"), "regression_adjustment");
    let beside = |metric: &str| {
        let row = rows.0.iter().find(|row| {
            row["metric"] == metric && row["estimator"] == "ols" && row["scale"] == ABSOLUTE && row["term"].is_null()
        });
        row.unwrap_or_else(|| panic!("no row of {metric} by ols")).clone()
    };
    for metric in ["searches", "orders", "conversion"] {
        let row = beside(metric);
        assert_eq!(row["decides"], false, "{row}");
        assert!(row["status"].is_null() && row["p_adjusted"].is_null(), "what does not decide is not judged: {row}");
        let notes = row["notes"].as_str().unwrap_or_default();
        assert!(notes.contains("Shown beside the deciding row: ols."), "{notes}");
    }
    let ratio = rows.0.iter().find(|row| row["metric"] == "revenue_per_order" && row["estimator"] == "ols");
    assert!(ratio.is_none(), "a ratio is none of the questions that ols answers: {ratio:?}");
}

#[test]
fn a_name_that_is_no_metric_and_none_of_the_estimators_is_refused_where_it_stands() {
    for (analysis, what, mend) in [
        (
            "[analysis.by_metric.serches]\nestimator = \"ols\"\n",
            "no metric `serches` in this experiment",
            "did you mean `searches`?",
        ),
        ("[analysis.by_metric.searches]\nestimator = \"olss\"\n", "no estimator `olss`", "did you mean `ols`?"),
        ("[analysis]\nbeside = [\"olss\"]\n", "no estimator `olss`", "did you mean `ols`?"),
    ] {
        let answer = shop(analysis).run(&["check", "--project", "shop"]);
        assert_eq!(answer.code, Some(2), "{}", answer.talk);
        let one_line = answer.text().split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(one_line.contains(what) && one_line.contains(mend), "{}", answer.text());
        assert!(one_line.contains("one_page_checkout.toml:4"), "the place: {one_line}");
    }
}
