//! Experiment files: 64 to 69 and 71 to 73.

use std::fmt::Write;

use super::{EXPERIMENT, Edit, REVENUE, analysed, edited, faults, refused, shop};
use crate::command::{ABSOLUTE, Desk};

const WEIGHTS: &str = "allocation = 1\n\n[[arms]]\nname = \"B\"\nallocation = 1";

/// Number, edits, and what `check` says.
const FAULTS: &[(&str, &[Edit], &[&str])] = &[
    (
        "64, end before start",
        &[(EXPERIMENT, "start = 2026-03-01", "start = 2026-04-01")],
        &[
            "experiments/checkout.toml:3:7: end: the experiment ends before it starts (its start: experiments/checkout.toml:2:9); give the first instant after it: for one day, the next date",
        ],
    ),
    (
        "64, no days",
        &[(EXPERIMENT, "end = 2026-03-08", "end = 2026-03-01")],
        &[
            "experiments/checkout.toml:3:7: end: the experiment has no length (its start: experiments/checkout.toml:2:9); give the first instant after it: for one day, the next date",
        ],
    ),
    (
        "65, sum of nothing",
        &[(EXPERIMENT, WEIGHTS, "allocation = 0\n\n[[arms]]\nname = \"B\"\nallocation = 0")],
        &[
            "experiments/checkout.toml:12:14: arms[0].allocation: the allocations sum to 0; give shares that sum to 1, or whole numbers as weights: 1, 1, 2",
        ],
    ),
    (
        "65, negative",
        &[(EXPERIMENT, WEIGHTS, "allocation = -1\n\n[[arms]]\nname = \"B\"\nallocation = 1")],
        &[
            "experiments/checkout.toml:12:14: arms[0].allocation: the allocation -1 is negative; give a share of 0 or more",
        ],
    ),
    (
        "65, sum of 1.0001",
        &[(EXPERIMENT, WEIGHTS, "allocation = 0.5\n\n[[arms]]\nname = \"B\"\nallocation = 0.5001")],
        &[
            "experiments/checkout.toml:12:14: arms[0].allocation: the allocations sum to 1.0001, not to 1; give shares that sum to 1, or whole numbers as weights: 1, 1, 2",
        ],
    ),
    (
        "66, 0",
        &[(EXPERIMENT, "[metrics]", "[analysis]\nalpha = 0\n\n[metrics]")],
        &["experiments/checkout.toml:19:9: analysis.alpha: 0 is out of range; give a number above 0 and below 0.5"],
    ),
    (
        "66, 1",
        &[(EXPERIMENT, "[metrics]", "[analysis]\nalpha = 1\n\n[metrics]")],
        &["experiments/checkout.toml:19:9: analysis.alpha: 1 is out of range; give a number above 0 and below 0.5"],
    ),
    (
        "66, negative",
        &[(EXPERIMENT, "[metrics]", "[analysis]\nalpha = -0.05\n\n[metrics]")],
        &["experiments/checkout.toml:19:9: analysis.alpha: -0.05 is out of range; give a number above 0 and below 0.5"],
    ),
    (
        "66, text",
        &[(EXPERIMENT, "[metrics]", "[analysis]\nalpha = \"5%\"\n\n[metrics]")],
        &["experiments/checkout.toml:19:9: analysis.alpha: `alpha` is a number, not text; write a number"],
    ),
    (
        "67, unknown",
        &[(EXPERIMENT, "[\"revenue\"]", "[\"revenu\"]")],
        &["experiments/checkout.toml:19:12: metrics.primary[0]: no metric `revenu`; did you mean `revenue`?"],
    ),
    (
        "67, twice",
        &[(EXPERIMENT, "[\"revenue\"]", "[\"revenue\", \"revenue\"]")],
        &[
            "experiments/checkout.toml:19:23: metrics.primary[1]: metric `revenue` is given twice (first given here: experiments/checkout.toml:19:12); give each metric one role",
        ],
    ),
    (
        "67, no primary",
        &[(EXPERIMENT, "primary = [\"revenue\"]\n", "")],
        &[
            "experiments/checkout.toml:18:1: metrics.primary: the key `primary` is missing; add `primary = …`: metrics that decide",
        ],
    ),
    (
        "69, control",
        &[(EXPERIMENT, "control = \"A\"", "control = \"Z\"")],
        &["experiments/checkout.toml:4:11: control: no arm `Z`; did you mean `A`?"],
    ),
    (
        "69, one arm",
        &[(EXPERIMENT, "\n[[arms]]\nname = \"B\"\nallocation = 1\n", "")],
        &["experiments/checkout.toml:10:1: arms: `arms` has 1 entry; give at least 2"],
    ),
    (
        "71, lookback",
        &[(REVENUE, "window", "lookback = \"-7d\"\nwindow")],
        &[
            "metrics/revenue.toml:5:12: lookback: a duration is not negative; write a number and one of w, d, h, m, s, ms: \"14d\"",
        ],
    ),
];

#[test]
fn faults_of_experiments_name_their_place_and_mend() {
    for (number, edits, lines) in FAULTS {
        assert_eq!(faults(&edited(edits)), *lines, "{number}");
    }
}

#[test]
fn n64_dates_without_rows_name_the_fields() {
    for (start, end) in [("2036-03-01", "2036-03-08"), ("2026-05-01", "2026-05-08")] {
        let shop = shop();
        shop.edit(EXPERIMENT, "start = 2026-03-01", &format!("start = {start}"));
        shop.edit(EXPERIMENT, "end = 2026-03-08", &format!("end = {end}"));
        assert_eq!(
            refused(&shop, &["analyze", "checkout"], 4),
            "experiment `checkout`: no unit is counted: 200 before start; correct its `start` and `end`, its `assignment.filter`, or the source"
        );
    }
}

#[test]
fn n65_users_of_an_arm_without_weight_are_told() {
    let third = "allocation = 1\n\n[[arms]]\nname = \"C\"\nallocation = 1\n\n[[arms]]\nname = \"B\"\nallocation = 0";
    let answer = analysed(&edited(&[(EXPERIMENT, WEIGHTS, third)]));
    let (outcome, message) = answer.check("sample_ratio");
    assert_eq!(outcome, "fail");
    assert!(message.ends_with("Arm `B` has no planned weight but 100 units."), "{message}");
    assert_eq!(answer.rows().effect("revenue", "B", ABSOLUTE).text("status"), "check data");
}

#[test]
fn n66_levels_out_of_range_are_refused_by_flag() {
    for level in ["0", "1", "-0.05", "5%", "NaN"] {
        let talk = refused(&shop(), &["analyze", "checkout", "--level", level], 2);
        let line = format!(
            "error: invalid value '{level}' for '--level <LEVEL>': write a share between 0 and 1, such as 0.95"
        );
        assert_eq!(talk.lines().next(), Some(line.as_str()));
    }
}

#[test]
fn n68_seeds_that_are_no_whole_number_are_refused_by_flag() {
    let desk = Desk::new();
    for (seed, reason) in [
        ("-1", "error: invalid value '-1' for '--seed <SEED>': write a whole number from 0 to 18446744073709551615"),
        ("1.5", "error: invalid value '1.5' for '--seed <SEED>': write a whole number from 0 to 18446744073709551615"),
        (
            "18446744073709551616",
            "error: invalid value '18446744073709551616' for '--seed <SEED>': write a whole number from 0 to 18446744073709551615",
        ),
    ] {
        let talk = refused(&desk, &["demo", "shop", "--seed", seed], 2);
        assert_eq!(talk.lines().next(), Some(reason));
    }
    assert!(!desk.file("shop").exists(), "nothing is written");
}

#[test]
fn n71_and_n72_covariates_from_after_exposure_are_refused() {
    let late = "kind = \"mean\"\nsource = \"events\"\nvalue = \"last(amount)\"\ndirection = \"higher\"\n";
    let shop = edited(&[(EXPERIMENT, "[metrics]", "[analysis]\ncovariates = [\"late\"]\n\n[metrics]")]);
    shop.write("metrics/late.toml", late);
    assert_eq!(
        faults(&shop),
        [
            "experiments/checkout.toml:19:15: analysis.covariates[0]: metric `late` reads rows after exposure, and a covariate is fixed before it; add `lookback = \"14d\"` to the metric `late`"
        ]
    );
    // With a lookback the same metric reads what was before exposure, which here is nothing.
    shop.write("metrics/late.toml", format!("{late}lookback = \"7d\"\n"));
    let notes = analysed(&shop).rows().effect("revenue", "B", ABSOLUTE).text("notes").to_owned();
    assert!(notes.contains("Covariate `late.pre` is constant in arm `A` and was left out."), "{notes}");
}

#[test]
fn n73_a_segment_of_few_users_is_not_shown() {
    let shop = edited(&[(
        EXPERIMENT,
        "control = \"A\"",
        "control = \"A\"\ndimensions = [{ name = \"country\", source = \"users\", column = \"country\" }]",
    )]);
    let mut users = String::from("user_id,country\n");
    for user in 0..200 {
        let country = if user == 0 { "VA" } else { ["DE", "FR"][user % 7 / 4] };
        writeln!(users, "u{user},{country}").expect("text");
    }
    shop.write("data/users.csv", users);
    shop.write("sources/users.toml", "path = \"data/users.csv\"\n\n[keys]\nuser_id = \"text\"\n");
    let rows = analysed(&shop).rows();
    assert!(rows.segment("revenue", "country=DE", ABSOLUTE).number("n") > 40.0);
    let alone = rows.segment("revenue", "country=VA", ABSOLUTE);
    for column in ["n", "n_baseline", "mean", "mean_baseline", "estimate", "p_value"] {
        assert_eq!(alone.maybe(column), None, "{column}");
    }
    assert_eq!(alone.text("notes"), "Not shown: an arm of the segment has fewer than 5 units.");
}
