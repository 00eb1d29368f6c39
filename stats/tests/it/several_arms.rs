//! Comparisons of several arms against R 4.2.2, SciPy 1.17.1 and statsmodels 0.15.0: the reference cases, and
//! `tests/golden/several_arms.json`, which stands beside the script that made it.

use std::path::Path;

use estimand_stats::several_arms::{Centre, Pair, anova, brown_forsythe, dunnett, kruskal_wallis, tukey, welch_anova};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

use crate::calibration::{normal, replications};
use crate::oracle::{assert_within, cases};
use crate::shared_data::table;
use crate::tallies::{Tally, units};

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A case with a part of its expectation in its place.
fn part(case: &Value, name: &str) -> Value {
    let mut part = case.clone();
    part["expected"] = case["expected"][name].clone();
    part
}

#[test]
fn analyses_of_variance_agree_with_r() {
    let Some(cases) = cases("anova", &["anova_oneway", "dunnett"]) else { return };
    for case in &cases {
        let data = table(&text(&case["dataset"]));
        let arms = ["ctrl", "trt1", "trt2"].map(|level| Tally::of(&units(&data, "weight", "group", level)));
        let laws: Vec<_> = arms.iter().map(Tally::law).collect();
        if case["method"] == "dunnett" {
            let pairs = dunnett(&laws, 0, 0.95).unwrap();
            assert_within(case, "t", &pairs.iter().map(|pair| pair.difference / pair.std_error).collect::<Vec<_>>());
            assert_within(case, "p", &pairs.iter().map(|pair| pair.tail.p).collect::<Vec<_>>());
            continue;
        }
        let classic = anova(&laws).unwrap();
        let expected = part(case, "anova");
        assert_within(&expected, "F", &[classic.test.statistic]);
        assert_within(&expected, "p", &[classic.test.tail.p]);
        assert_within(&expected, "ss_between", &[classic.between]);
        assert_within(&expected, "ss_within", &[classic.within]);
        let welch = welch_anova(&laws).unwrap();
        let expected = part(case, "welch_anova");
        assert_within(&expected, "statistic", &[welch.statistic]);
        assert_within(&expected, "parameter", &[welch.numerator_df, welch.denominator_df]);
        assert_within(&expected, "p", &[welch.tail.p]);
        let ranks = kruskal_wallis(&laws).unwrap();
        let expected = part(case, "kruskal");
        assert_within(&expected, "statistic", &[ranks.statistic]);
        assert_within(&expected, "p", &[ranks.tail.p]);
        let names = ["ctrl", "trt1", "trt2"];
        for pair in tukey(&laws, 0.95).unwrap() {
            let expected = part(&part(case, "tukey"), &format!("{}-{}", names[pair.arms.0], names[pair.arms.1]));
            assert_within(&expected, "diff", &[pair.difference]);
            assert_within(&expected, "lwr", &[pair.interval.low.unwrap()]);
            assert_within(&expected, "upr", &[pair.interval.high.unwrap()]);
            assert_within(&expected, "p adj", &[pair.tail.p]);
        }
    }
    println!("anova: {} ran and passed", cases.len());
    assert_eq!(cases.len(), 2);
}

#[test]
fn equal_spread_is_tested_as_by_scipy() {
    let Some(cases) = cases("nonparametric", &["rank_tests"]) else { return };
    for case in &cases {
        let inputs = &case["inputs"];
        let data = table(&text(&case["dataset"]));
        let arm =
            |level: &str| Tally::of(&units(&data, &text(&inputs["y"]), &text(&inputs["group"]), &text(&inputs[level])));
        let arms = [arm("treatment"), arm("control")];
        let test = brown_forsythe(&arms.each_ref().map(Tally::law), Centre::Median).unwrap();
        assert_within(case, "brown_forsythe", &[test.statistic]);
        assert_within(case, "brown_forsythe_p", &[test.tail.p]);
    }
    assert_eq!(cases.len(), 2);
}

#[test]
fn arms_that_cannot_be_compared_have_no_test() {
    let (one, flat, none) = (Tally::of(&[1.0, 2.0, 4.0]), Tally::of(&[3.0; 4]), Tally::of(&[]));
    for arms in [vec![one.law()], vec![one.law(), none.law()], vec![flat.law(), flat.law()]] {
        assert_eq!(anova(&arms), None);
        assert_eq!(welch_anova(&arms), None);
        assert_eq!(kruskal_wallis(&arms), None);
        assert_eq!(tukey(&arms, 0.95), None);
        assert_eq!(dunnett(&arms, 0, 0.95), None);
        assert_eq!(brown_forsythe(&arms, Centre::Mean), None);
    }
}

#[test]
fn comparisons_of_four_arms_agree_with_scipy_and_statsmodels() {
    let table = golden();
    let numbers = |value: &Value| value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect::<Vec<_>>();
    let near = |name: &str, got: &[f64]| {
        for (got, want) in got.iter().zip(numbers(&table[name])) {
            assert!((got - want).abs() <= 1e-9 * want.abs(), "{name}: got {got}, want {want}");
        }
    };
    let arms: Vec<Tally> = table["arms"].as_array().unwrap().iter().map(|arm| Tally::of(&numbers(arm))).collect();
    let laws: Vec<_> = arms.iter().map(Tally::law).collect();
    let test = anova(&laws).unwrap().test;
    near("anova", &[test.statistic, test.tail.p]);
    let test = welch_anova(&laws).unwrap();
    near("welch", &[test.statistic, test.numerator_df, test.denominator_df, test.tail.p]);
    let test = kruskal_wallis(&laws).unwrap();
    near("kruskal", &[test.statistic, test.tail.p]);
    for (name, centre) in [("levene_mean", Centre::Mean), ("levene_median", Centre::Median)] {
        let test = brown_forsythe(&laws, centre).unwrap();
        near(name, &[test.statistic, test.tail.p]);
    }
    let pairs = tukey(&laws, 0.95).unwrap();
    assert_eq!(pairs.len(), 6);
    for (pair, want) in pairs.iter().zip(table["tukey"].as_array().unwrap()) {
        let got = [pair.difference, pair.interval.low.unwrap(), pair.interval.high.unwrap(), pair.tail.p];
        // The quantile of the range in SciPy ends at 1e-9 or so.
        for (got, want) in got.iter().zip(&numbers(want)[2..]) {
            assert!((got - want).abs() <= 1e-7 * want.abs(), "tukey: got {got}, want {want}");
        }
    }
    let pairs = dunnett(&laws, 0, 0.95).unwrap();
    let critical = table["dunnett_critical"].as_f64().unwrap();
    for (pair, want) in pairs.iter().zip(table["dunnett"].as_array().unwrap()) {
        let half = (pair.interval.high.unwrap() - pair.interval.low.unwrap()) / 2.0 / pair.std_error;
        assert!((half - critical).abs() < 1e-8, "dunnett: got {half}, want {critical}");
        for (got, want) in [pair.difference / pair.std_error, pair.tail.p].iter().zip(numbers(want)) {
            assert!((got - want).abs() <= 1e-8 * want.abs(), "dunnett: got {got}, want {want}");
        }
    }
}

fn golden() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/several_arms.json");
    serde_json::from_str(&std::fs::read_to_string(path).expect("the golden table")).expect("a table")
}

#[test]
fn two_values_about_their_median_have_one_distance() {
    // 0.3 − 0.2 and 0.2 − 0.1 differ in the last bit; the spread within each arm is zero.
    let arms = [Tally::of(&[0.1, 0.3]), Tally::of(&[0.1, 0.5])];
    for centre in [Centre::Mean, Centre::Median] {
        assert_eq!(brown_forsythe(&arms.each_ref().map(Tally::law), centre), None);
    }
}

#[test]
fn a_control_or_a_level_that_is_none_has_no_comparison() {
    let arms = [Tally::of(&[1.0, 2.0, 4.0]), Tally::of(&[2.0, 3.0, 7.0])];
    let laws = arms.each_ref().map(Tally::law);
    assert_eq!((dunnett(&laws, 2, 0.95), dunnett(&laws, 0, 1.0), tukey(&laws, 0.0)), (None, None, None));
}

#[test]
fn arms_far_from_zero_keep_their_digits() {
    let near = [[1.0, 2.0, 4.0], [2.0, 3.0, 5.0], [6.0, 8.0, 9.0]];
    let moved = |offset: f64| near.map(|arm| Tally::of(&arm.map(|value| value + offset)));
    let (here, far) = (moved(0.0), moved(1e12));
    let (here, far) = (here.each_ref().map(Tally::law), far.each_ref().map(Tally::law));
    let near = |a: f64, b: f64| assert!((a / b - 1.0).abs() < 1e-13, "{a} and {b}");
    near(anova(&here).unwrap().test.statistic, anova(&far).unwrap().test.statistic);
    near(welch_anova(&here).unwrap().statistic, welch_anova(&far).unwrap().statistic);
    near(tukey(&here, 0.9).unwrap()[0].std_error, tukey(&far, 0.9).unwrap()[0].std_error);
}

#[test]
fn two_arms_compared_with_each_other_are_students_test() {
    let arms = [Tally::of(&[1.0, 2.0, 4.0, 9.0]), Tally::of(&[2.0, 3.0, 11.0])];
    let laws = arms.each_ref().map(Tally::law);
    let student = anova(&laws).unwrap().test.tail.p;
    let (tukey, dunnett) = (tukey(&laws, 0.95).unwrap()[0], dunnett(&laws, 0, 0.95).unwrap()[0]);
    assert!((tukey.tail.p / student - 1.0).abs() < 1e-9 && (dunnett.tail.p / student - 1.0).abs() < 1e-11);
    assert_eq!((tukey.arms, dunnett.arms), ((1, 0), (1, 0)));
}

#[test]
fn no_arm_differs_in_one_experiment_of_twenty() {
    let runs = u64::from(replications(1_000));
    let mut random = ChaCha8Rng::seed_from_u64(4);
    let mut rejected = [0_u64; 6];
    for _ in 0..runs {
        let arms = [6, 9, 14].map(|n| Tally::of(&(0..n).map(|_| normal(&mut random)).collect::<Vec<_>>()));
        let laws = arms.each_ref().map(Tally::law);
        let least = |pairs: Vec<Pair>| pairs.iter().map(|pair| pair.tail.p).fold(1.0, f64::min);
        let p = [
            anova(&laws).unwrap().test.tail.p,
            welch_anova(&laws).unwrap().tail.p,
            kruskal_wallis(&laws).unwrap().tail.p,
            brown_forsythe(&laws, Centre::Median).unwrap().tail.p,
            least(tukey(&laws, 0.95).unwrap()),
            least(dunnett(&laws, 0, 0.95).unwrap()),
        ];
        rejected.iter_mut().zip(p).for_each(|(count, p)| *count += u64::from(p < 0.05));
    }
    let rates = rejected.map(|count| count as f64 / runs as f64);
    println!("anova, Welch, Kruskal-Wallis, Brown-Forsythe, Tukey, Dunnett: {rates:.4?} of {runs}");
    let band = 3.3 * (0.05 * 0.95 / runs as f64).sqrt();
    for exact in [rates[0], rates[5]] {
        assert!((exact - 0.05).abs() < band, "{rates:?}");
    }
    // Welch's F and the ranks are approximate, the median and unequal arms conservative.
    assert!(rates.iter().all(|rate| *rate > 0.02 && *rate < 0.055 + band), "{rates:?}");
}
