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

/// Forty classes of four pupils, assigned as wholes within two towns.
fn classes() -> Desk {
    let mut pupils = "pupil,class,town,arm,mark\n".to_owned();
    for pupil in 0..160 {
        let class = pupil / 4;
        let arm = if class % 2 == 0 { "A" } else { "B" };
        let town = if class < 16 { "north" } else { "south" };
        let mark = f64::from((class * 37) % 11) + 0.1 * f64::from((pupil * 7) % 5);
        pupils.push_str(&format!("p{pupil:03},class {class},{town},{arm},{mark:.1}\n"));
    }
    Desk::with(&[("pupils.csv", &pupils)])
}

#[test]
fn units_assigned_in_clusters_or_within_strata_are_analysed_as_such() {
    let desk = classes();
    let asked = ["pupils.csv", "--unit", "pupil", "--arm", "arm", "--control", "A", "--metric", "mean(mark)"];
    let row = |more: &[&str]| {
        let rows = desk.analyze(&[&asked[..], more].concat()).rows();
        rows.effect("mean(mark)", "B", ABSOLUTE)
    };
    let (alone, clustered) = (row(&[]), row(&["--cluster", "class"]));
    assert_eq!(clustered.text("estimator"), "cluster_robust");
    assert!((clustered.number("estimate") - alone.number("estimate")).abs() < 1e-9);
    // Marks of a class are nearly one, so that a class counts as one unit and not as four.
    let ratio = clustered.number("std_error") / alone.number("std_error");
    assert!((1.8..2.2).contains(&ratio), "{ratio}");
    assert!(clustered.number("df") < 40.0, "{}", clustered.number("df"));
    let (sql, native) =
        (row(&["--cluster", "class", "--engine-path", "sql"]), row(&["--cluster", "class", "--engine-path", "native"]));
    for column in ["estimate", "std_error", "df", "p_value", "conf_low", "conf_high"] {
        assert_eq!(sql.number(column).to_bits(), native.number(column).to_bits(), "{column}");
    }
    assert_eq!(row(&["--stratum", "town"]).text("estimator"), "stratified");
    let blind = row(&["--cluster", "class", "--estimator", "difference_in_means"]);
    assert_eq!(blind.number("std_error").to_bits(), alone.number("std_error").to_bits());
    assert!(
        blind.text("notes").contains("Units were assigned in clusters, of which difference_in_means knows nothing."),
        "{}",
        blind.text("notes")
    );
    let unknown = desk.analyze(&[&asked[..], &["--cluster", "klass"]].concat());
    assert_eq!(unknown.code, Some(2), "{}", unknown.talk);
    assert!(unknown.talk.contains("klass"), "{}", unknown.talk);
}

#[test]
fn an_estimator_that_does_not_exist_is_refused_and_not_passed_over() {
    let answer = shop("").analyze(&["one_page_checkout", "--project", "shop", "--no-save", "--estimator", "olss"]);
    assert_eq!(answer.code, Some(2), "{}", answer.talk);
    assert!(answer.talk.contains("`olss`") && answer.talk.contains("ols"), "{}", answer.talk);
}

#[test]
fn counts_can_be_tested_at_every_look() {
    let desk = Desk::new();
    let once = desk.run(&["srm", "50600", "49400", "--format", "json"]).document();
    let always = desk.run(&["srm", "50600", "49400", "--sequential", "--format", "json"]).document();
    let p = |document: &serde_json::Value| document["p_value"].as_f64().expect("a p-value");
    // What may be looked at again and again asks for more.
    assert!(p(&once) < 0.001 && p(&always) > p(&once), "{once} {always}");
    assert!(always["ln_e"].is_number() && always["chi2"].is_null());
    let text = desk.run(&["srm", "60000", "40000", "--sequential"]).text();
    assert!(text.contains("valid at every look") && text.contains("do not match"), "{text}");
}
