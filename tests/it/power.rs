//! `estimand power`: of effect, power and size the one that was left open.

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
