//! Assignments within strata: against R's estimatr and t.test (golden/blocked.R, R 4.2.2, estimatr 1.0.0; printed to 15
//! digits, compared to 1e-10), and as a design for the randomisation test.

use estimand_stats::design::Population;
use estimand_stats::{Design, Error, Estimate, Estimates, estimator};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

use crate::calibration::{normal, replications};
use crate::estimator_oracles::text;
use crate::oracle::assert_within;
use crate::samples::{Arm, answer, design, effect, mean_of, row, run, sample};
use crate::shared_data::table;

fn within(options: &[(&str, &str)], population: Population) -> Design {
    Design { stratum: Some("b".to_owned()), population, ..design(&[], options) }
}

/// The two arms of units with a stratum each.
fn arms(units: &[(bool, f64, f64)]) -> estimand_stats::Sample {
    let arm = |name: &str, treated: bool| {
        let own = units.iter().filter(|(is_treated, _, _)| *is_treated == treated);
        let (b, y): (Vec<f64>, Vec<f64>) = own.map(|(_, b, y)| (*b, *y)).unzip();
        Arm::new(name, &[("y", &y), ("b", &b)])
    };
    sample(&[arm("control", false), arm("treatment", true)])
}

fn question() -> estimand_stats::Estimand {
    effect(mean_of("y"), "treatment", "control")
}

fn check(name: &str, want: &Value, got: Option<f64>) {
    if let Some(want) = want.as_f64() {
        let got = got.unwrap_or_else(|| panic!("{name} is null"));
        assert!((got - want).abs() <= 1e-10 * want.abs(), "{name}: got {got}, want {want}");
    }
}

#[test]
fn blocks_pairs_and_small_strata_agree_with_r() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/blocked.json");
    let cases: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(cases.len(), 4);
    for case in cases {
        let column = |name: &str| case[name].as_array().unwrap().iter().map(|value| value.as_f64().unwrap());
        let units: Vec<(bool, f64, f64)> = column("treated")
            .zip(column("stratum").zip(column("y")))
            .map(|(treated, (b, y))| (treated > 0.0, b, y))
            .collect();
        let design = within(&[("df", "residual")], Population::Enrolled);
        let rows = run("stratified", &question(), &design, &arms(&units));
        let (row, want) = (row(&rows, "absolute"), &case["value"]);
        for (name, got) in [
            ("estimate", row.estimate),
            ("se", row.std_error),
            ("df", row.df),
            ("low", row.conf_low),
            ("high", row.conf_high),
            ("p", row.p_value),
        ] {
            check(&format!("{}, {name}", case["name"]), &want[name], got);
        }
    }
}

/// The paired t-test of a case, the pairs as strata.
pub fn check_pairs(case: &Value) {
    let data = table(&text(&case["dataset"]));
    let (group, id, extra) = (data.numbers("group"), data.numbers("ID"), data.numbers("extra"));
    let units: Vec<(bool, f64, f64)> =
        group.iter().zip(id.iter().zip(&extra)).map(|(group, (id, extra))| (*group == 1.0, *id, *extra)).collect();
    let rows = run("stratified", &question(), &within(&[], Population::Sampled), &arms(&units));
    let pairs = row(&rows, "absolute");
    for (name, got) in [("t", pairs.statistic), ("df", pairs.df), ("p", pairs.p_value)] {
        assert_within(case, name, &[got.expect("a number")]);
    }
    assert_within(case, "ci", &[pairs.conf_low.unwrap(), pairs.conf_high.unwrap()]);
    assert_eq!(
        pairs.notes.as_deref(),
        Some("10 strata, 10 with one unit in an arm: the variance of these is that between them.")
    );
}

#[test]
fn pairs_are_drawn_anew_by_a_coin_each() {
    // Nine pairs lean one way and the tenth is a tie: 4 of 1,024 assignments are as extreme.
    let gains = [1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4];
    let both = |(pair, gain): (usize, &f64)| [(true, pair as f64, *gain), (false, pair as f64, 0.0)];
    let units: Vec<(bool, f64, f64)> = gains.iter().enumerate().flat_map(both).collect();
    let design = within(&[("replicates", "4999")], Population::Sampled);
    let rows = run("permutation", &question(), &design, &arms(&units));
    let drawn = row(&rows, "absolute");
    assert!((drawn.p_value.unwrap() - 4.0 / 1_024.0).abs() < 0.003, "{drawn:?}");
    assert_eq!(
        drawn.notes.as_deref(),
        Some(
            "Units are drawn anew within 10 strata. A stratum has one place in an arm, so that no assignment has a standard error of its own: the difference itself is compared."
        )
    );
}

#[test]
fn one_stratum_is_the_difference_in_means() {
    let units: Vec<(bool, f64, f64)> = (0..30).map(|i| (i % 3 == 0, 4.0, f64::from(i * i % 17))).collect();
    let sample = arms(&units);
    let [strata, welch] = ["stratified", "difference_in_means"].map(|name| {
        let rows = run(name, &question(), &within(&[], Population::Enrolled), &sample);
        rows.rows.into_iter().map(|row| (row.estimate, row.std_error, row.df, row.p_value, row.conf_low))
    });
    for (one, other) in strata.zip(welch) {
        let pairs = [(one.0, other.0), (one.1, other.1), (one.2, other.2), (one.3, other.3), (one.4, other.4)];
        assert!(pairs.iter().all(|(a, b)| (a.unwrap() - b.unwrap()).abs() < 1e-12), "{pairs:?}");
    }
}

fn note(rows: &Estimates) -> &str {
    row(rows, "absolute").notes.as_deref().unwrap_or_default()
}

#[test]
fn strata_that_say_nothing_are_left_out_and_counted() {
    let mut units: Vec<(bool, f64, f64)> = (0..24).map(|i| (i % 2 == 0, f64::from(i / 8), f64::from(i % 5))).collect();
    units.extend([(true, 9.0, 1e6), (true, 9.0, 2e6), (false, 10.0, 0.0)]);
    let rows = run("stratified", &question(), &within(&[], Population::Sampled), &arms(&units));
    assert_eq!(note(&rows), "2 strata with 3 units of one arm only: left out. 3 strata.");
    assert_eq!((rows.rows[0].n, rows.rows[0].n_baseline), (Some(12), Some(12)));
    let apart = arms(&[(true, 1.0, 3.0), (true, 1.0, 4.0), (false, 2.0, 3.0)]);
    let rows = run("stratified", &question(), &within(&[], Population::Sampled), &apart);
    assert_eq!(note(&rows), "2 strata with 3 units of one arm only: left out. No stratum has units in both arms.");
    assert_eq!((rows.rows[0].estimate, rows.rows[0].p_value), (None, None));
    let rows = run("permutation", &question(), &within(&[], Population::Sampled), &apart);
    assert_eq!(note(&rows), "2 strata with 3 units of one arm only: left out. No stratum has units in both arms.");
    let single = arms(&[(true, 1.0, 3.0), (false, 1.0, 1.0)]);
    let rows = run("stratified", &question(), &within(&[], Population::Sampled), &single);
    assert!(
        note(&rows)
            .ends_with("One stratum alone has one unit in an arm; a standard error needs at least 2 such strata.")
    );
    assert_eq!((rows.rows[0].estimate, rows.rows[0].std_error), (Some(2.0), None));
}

#[test]
fn without_strata_the_key_is_named() {
    let stratified = estimator::by_name("stratified").unwrap();
    let error = answer(stratified, &question(), &Design::default(), &arms(&[])).unwrap_err();
    assert!(matches!(error, Error::NotInDesign { key: "stratum", .. }));
    assert_eq!(
        error.to_string(),
        "estimator `stratified` needs the stratum of each unit; name its column in the experiment file, as `[assignment] stratum = \"column\"`"
    );
}

/// How often the interval covers an effect of one on units of strata whose levels differ widely.
fn coverage(estimator: &str, sizes: &[(u32, u32)], population: Population, spread: f64, replicates: u32) -> f64 {
    let covers =
        |row: &Estimate| row.conf_low.is_some_and(|low| low <= 1.0) && row.conf_high.is_some_and(|high| high >= 1.0);
    let mut covered = 0;
    for replicate in 0..replicates {
        let mut random = ChaCha8Rng::seed_from_u64(u64::from(replicate));
        let mut units = Vec::new();
        for (b, (treated, control)) in sizes.iter().enumerate() {
            let level = 5.0 * random.random::<f64>();
            let mut push = |treated: bool, n: u32| {
                for _ in 0..n {
                    let own = if treated { spread } else { 0.5 };
                    units.push((treated, b as f64, level + f64::from(u8::from(treated)) + own * normal(&mut random)));
                }
            };
            push(true, *treated);
            push(false, *control);
        }
        let rows = run(estimator, &question(), &within(&[], population), &arms(&units));
        covered += u32::from(covers(row(&rows, "absolute")));
    }
    f64::from(covered) / f64::from(replicates)
}

#[test]
fn intervals_of_strata_cover() {
    let (quick, band) = (replications(600), |rate: f64| (0.92..=0.975).contains(&rate));
    let blocks = coverage("stratified", &[(4, 8), (6, 6), (3, 9), (10, 5)], Population::Enrolled, 1.0, quick);
    let pairs = coverage("stratified", &[(1, 1); 15], Population::Sampled, 1.0, quick);
    let small = coverage(
        "stratified",
        &[(1, 2), (2, 1), (1, 1), (3, 1), (1, 2), (1, 1), (2, 1), (1, 1)],
        Population::Sampled,
        1.0,
        quick,
    );
    println!("strata: blocks {blocks}, pairs {pairs}, small strata {small}");
    assert!([blocks, pairs, small].into_iter().all(band), "{blocks} {pairs} {small}");
}

#[test]
fn the_randomisation_test_is_drawn_within_strata() {
    let rate = coverage("permutation", &[(4, 8), (6, 6), (3, 9)], Population::Sampled, 0.5, replications(200));
    assert!(rate >= 0.9, "{rate}");
}
