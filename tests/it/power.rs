//! `estimand power`: of effect, power and size the one that was left open.

use estimand_analysis::demo::shop::{self, ShopOptions};

use crate::command::Desk;

fn told(arguments: &[&str]) -> String {
    let answer = Desk::new().run(&[&["power"], arguments].concat());
    assert_eq!(answer.code, Some(0), "{}", answer.talk);
    answer.text()
}

#[test]
fn a_share_a_lift_and_the_traffic_give_units_and_days() {
    insta::assert_snapshot!(told(&["--share", "0.1", "--lift", "0.05", "--per-day", "8000"]));
}

#[test]
fn a_size_gives_the_smallest_effect() {
    insta::assert_snapshot!(told(&["--mean", "12", "--std-dev", "30", "--units", "100000", "--explained", "0.4"]));
}

#[test]
fn a_margin_is_shown_by_clusters_in_a_family() {
    insta::assert_snapshot!(told(&[
        "--mean",
        "300",
        "--std-dev",
        "120",
        "--margin",
        "0.02",
        "--lower-is-better",
        "--cluster-size",
        "4",
        "--cluster-correlation",
        "0.2",
        "--tests",
        "3",
    ]));
}

#[test]
fn what_cannot_be_planned_is_refused_with_its_mend() {
    for (arguments, says) in [
        (vec!["--share", "0.1"], "give an effect (`--lift 0.05` or `--effect`), to learn how many units it takes"),
        (vec!["--share", "0.1", "--lift", "0.1", "--units", "100", "--power", "0.8"], "leave one of them out"),
        (vec!["--share", "1.1", "--lift", "0.1"], "`share` is 1.1;"),
        (vec!["--share", "0.1", "--lift", "0.1", "--power", "1.5"], "`power` is 1.5; the power lies between"),
        (
            vec!["--share", "0.1", "--lift", "0.1", "--correction", "holms", "--tests", "2"],
            "no correction `holms`; known: ",
        ),
    ] {
        let answer = Desk::new().run(&[&["power"], arguments.as_slice()].concat());
        assert_eq!(answer.code, Some(2), "{arguments:?}: {}", answer.talk);
        assert!(answer.talk.contains(says), "{arguments:?}: {}", answer.talk);
        assert_eq!(answer.text(), "");
    }
}

#[test]
fn the_history_of_a_metric_plans_the_next_experiment_and_says_what_is_left_of_this_one() {
    let desk = Desk::new();
    shop::write(&desk.file("shop"), &ShopOptions { users: 3_000, seed: 7 }).expect("a shop");
    let of = ["power", "--project", "shop", "--of", "one_page_checkout", "--metric", "revenue", "--format", "json"];
    let told = |more: &[&str]| desk.run(&[&of[..], more].concat()).document();
    let planned = told(&["--lift", "0.05"]);
    let number = |document: &serde_json::Value, path: &str| {
        document.pointer(path).and_then(serde_json::Value::as_f64).unwrap_or_else(|| panic!("{path} of {document:#}"))
    };
    let explained = number(&planned, "/plan/adjustment/explained/r_squared");
    assert!(explained > 0.05 && explained < 0.9, "what the lookback explains: {explained}");
    assert!(number(&planned, "/plan/multiplicity/tests") >= 2.0, "the family of the experiment");
    assert!(number(&planned, "/answer/days") > 1.0);
    let units = number(&planned, "/answer/units");
    let alone = number(&told(&["--lift", "0.05", "--tests", "1"]), "/answer/units");
    assert!(alone < units, "a test alone needs fewer than one of a family: {alone} and {units}");
    let larger = number(&told(&["--lift", "0.1"]), "/answer/units");
    assert!(
        (units / larger / 4.0 - 1.0).abs() < 0.1,
        "half the effect needs four times the units: {units} and {larger}"
    );
    let left = told(&["--remaining", "--lift", "0.05"]);
    let so_far = number(&left, "/remaining/units");
    assert!(
        (so_far + number(&left, "/remaining/units_left") - number(&left, "/remaining/planned/units")).abs()
            < 0.02 * units
    );
    for (more, says) in [
        (vec!["--remaining", "--units", "1000"], "--remaining: give an effect"),
        (vec!["--share", "0.1", "--lift", "0.1"], "cannot be used with"),
    ] {
        let answer = desk.run(&[&of[..], more.as_slice()].concat());
        assert_eq!((answer.code, answer.text().as_str()), (Some(2), ""), "{more:?}: {}", answer.talk);
        assert!(answer.talk.contains(says), "{more:?}: {}", answer.talk);
    }
    let unknown =
        desk.run(&["power", "--project", "shop", "--of", "one_page_checkout", "--metric", "clicks", "--lift", "0.1"]);
    assert_eq!(unknown.code, Some(2), "{}", unknown.talk);
    assert!(unknown.talk.contains("has no metric `clicks`"), "{}", unknown.talk);
}
