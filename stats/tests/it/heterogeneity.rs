//! Effects by segment against statsmodels 0.15.0 (the reference cases), an integral for the joint law of segments against
//! the rest (`tests/golden/several_arms.json`), and simulation.

use std::path::Path;

use estimand_stats::Error;
use estimand_stats::dist::{MaximumModulus, MultivariateNormal};
use estimand_stats::heterogeneity::{SegmentEffect, Segments, interaction};
use estimand_stats::least_squares::Robust;
use estimand_stats::suffstat::Compressed;
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

use crate::calibration::{normal, replications};
use crate::oracle::{assert_within, cases};
use crate::samples::{Arm, design, effect, mean_of, row, run, sample};
use crate::shared_data::table;

fn segment(label: &str, estimate: f64, std_error: f64, df: Option<f64>, n: u64) -> SegmentEffect {
    SegmentEffect { label: label.to_owned(), estimate, std_error, df, n }
}

fn segments(effects: &[(f64, f64)]) -> Segments {
    let of = |(at, (estimate, std_error)): (usize, &(f64, f64))| {
        segment(&format!("s{at}"), *estimate, *std_error, None, (1e4 / std_error.powi(2)).round() as u64)
    };
    Segments::new(effects.iter().enumerate().map(of).collect()).unwrap()
}

fn compressed(rows: &[(f64, f64)]) -> Compressed {
    let (x, y): (Vec<f64>, Vec<f64>) = rows.iter().copied().unzip();
    Compressed::of(&[&x], &[&y]).unwrap()
}

#[test]
fn interactions_and_effects_by_segment_agree_with_statsmodels() {
    let Some(cases) = cases("heterogeneity", &["interaction"]) else { return };
    for case in &cases {
        let data = table(case["dataset"].as_str().unwrap());
        let (arms, history) = (data.text("segment"), data.text("history_segment"));
        let (visit, newbie) = (data.numbers("visit"), data.numbers("newbie"));
        let of_arm = |arm: &str, history_segment: Option<&str>| {
            let wanted = |at: &usize| {
                arms[*at].as_deref() == Some(arm)
                    && history_segment.is_none_or(|own| history[*at].as_deref() == Some(own))
            };
            (0..visit.len()).filter(wanted).map(|at| (newbie[at], visit[at])).collect::<Vec<_>>()
        };
        let (control, treated) = (of_arm("No E-Mail", None), of_arm("Mens E-Mail", None));
        let names = ["newbie".to_owned()];
        let fit = interaction("visit", &names, &compressed(&control), &compressed(&treated), Robust::Hc2).unwrap();
        assert_eq!(
            fit.terms.iter().map(|term| term.name.as_str()).collect::<Vec<_>>(),
            ["(intercept)", "arm", "newbie", "arm:newbie"]
        );
        assert_within(case, "coef", &fit.terms.iter().map(|term| term.estimate).collect::<Vec<_>>());
        assert_within(case, "se", &fit.terms.iter().map(|term| term.std_error).collect::<Vec<_>>());
        let expected = case["expected"]["by_history_segment"].as_object().unwrap();
        assert_eq!(expected.len(), 7);
        for label in expected.keys() {
            let column = |arm: &str| of_arm(arm, Some(label)).into_iter().map(|(_, visit)| visit).collect::<Vec<_>>();
            let (control, treated) = (column("No E-Mail"), column("Mens E-Mail"));
            let arms = sample(&[Arm::new("control", &[("y", &control)]), Arm::new("treated", &[("y", &treated)])]);
            let question = effect(mean_of("y"), "treated", "control");
            let rows = run("difference_in_means", &question, &design(&[], &[]), &arms);
            let row = row(&rows, "absolute");
            let mut part = case.clone();
            part["expected"] = case["expected"]["by_history_segment"].clone();
            let n = (control.len() + treated.len()) as f64;
            assert_within(&part, label, &[row.estimate.unwrap(), row.std_error.unwrap(), n]);
        }
    }
    println!("heterogeneity: {} ran and passed", cases.len());
    assert_eq!(cases.len(), 1);
}

#[test]
fn the_search_has_the_joint_law_of_an_integral() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/several_arms.json");
    let golden: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut compared = 0;
    for case in golden["against_rest"].as_array().unwrap() {
        let variances: Vec<f64> = case["variances"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
        let total: f64 = variances.iter().map(|variance| 1.0 / variance).sum();
        for tail in case["tails"].as_array().unwrap() {
            let (t, want) = (tail[0].as_f64().unwrap(), tail[1].as_f64().unwrap());
            // The first segment alone departs from the rest, by t of its standard errors.
            let spread = (variances[0] + 1.0 / (total - 1.0 / variances[0])).sqrt();
            let effects: Vec<(f64, f64)> = variances
                .iter()
                .enumerate()
                .map(|(at, variance)| (if at == 0 { t * spread } else { 0.0 }, variance.sqrt()))
                .collect();
            let found = segments(&effects).against_rest(0.95).unwrap()[0];
            assert!((found.statistic - t).abs() < 1e-3 * t);
            let relative = found.tail.p / want - 1.0;
            assert!(relative.abs() < 0.03, "{variances:?} at {t}: got {}, want {want}", found.tail.p);
            compared += 1;
        }
    }
    assert_eq!(compared, 16);
    // Nelson (1983), table of the analysis of means at 5 % with known spread.
    for (k, h) in [(3, 2.34), (5, 2.56), (10, 2.80)] {
        let law = MultivariateNormal::equicorrelated(k, -1.0 / (k as f64 - 1.0)).unwrap();
        let got = MaximumModulus::new(law, None).unwrap().isf(0.05).unwrap();
        assert!((got - h).abs() < 0.012, "{k}: got {got}, want {h}");
    }
}

#[test]
fn two_segments_are_one_comparison() {
    let found = segments(&[(1.0, 0.3), (0.2, 0.4)]).against_rest(0.95).unwrap();
    for one in &found {
        assert!((one.std_error - 0.5).abs() < 1e-15 && (one.statistic.abs() - 1.6).abs() < 1e-12);
        assert!((one.tail.p / one.raw.p - 1.0).abs() < 1e-12);
    }
    assert_eq!(found[0].difference, -found[1].difference);
    let q = segments(&[(1.0, 0.3), (0.2, 0.4)]).equality(0.95).unwrap();
    assert!((q.spread.q - 1.6_f64.powi(2)).abs() < 1e-12 && (q.test().p / found[0].raw.p - 1.0).abs() < 1e-10);
}

#[test]
fn equality_of_two_small_segments_is_welchs_test() {
    let two = vec![segment("a", 1.0, 0.3, Some(7.0), 9), segment("b", 0.2, 0.4, Some(12.0), 14)];
    let two = Segments::new(two).unwrap();
    let (equality, found) = (two.equality(0.95).unwrap(), two.against_rest(0.95).unwrap());
    let df = 0.25_f64.powi(2) / (0.09_f64.powi(2) / 7.0 + 0.16_f64.powi(2) / 12.0);
    assert!((equality.welch.unwrap().denominator_df / df - 1.0).abs() < 1e-12);
    assert!((found[0].df.unwrap() / df - 1.0).abs() < 1e-12);
    assert!((equality.test().p / found[0].raw.p - 1.0).abs() < 1e-10);
    assert!((found[0].tail.p / found[0].raw.p - 1.0).abs() < 1e-9);
}

#[test]
fn what_is_no_segment_is_refused_by_name() {
    let sound = segment("de", 0.1, 0.1, None, 10);
    let said = |other: SegmentEffect| Segments::new(vec![sound.clone(), other]).unwrap_err().to_string();
    assert_eq!(
        said(segment("fr", f64::NAN, 0.1, None, 1)),
        "`estimate of segment `fr`` is NaN; an estimate is a finite number"
    );
    assert_eq!(
        said(segment("fr", 0.1, 0.0, None, 1)),
        "`standard error of segment `fr`` is 0; a standard error is above 0; leave a segment without one out"
    );
    assert_eq!(
        said(segment("fr", 0.1, 0.1, Some(0.0), 1)),
        "`degrees of freedom of segment `fr`` is 0; degrees of freedom are above 0"
    );
    assert_eq!(
        said(segment("fr", 0.1, 0.1, None, 0)),
        "`units of segment `fr`` is 0; leave a segment without units out"
    );
    assert_eq!(
        Segments::new(vec![sound.clone()]).unwrap_err().to_string(),
        "`segments` is 1; effects are compared between at least two segments"
    );
    let two = Segments::new(vec![sound.clone(), sound]).unwrap();
    assert_eq!(
        two.shrunken(0.95).unwrap_err().to_string(),
        "`studies` is 2; shrinking towards the mean of all needs at least 3"
    );
    for refused in
        [two.equality(1.0).unwrap_err(), two.against_rest(0.0).unwrap_err(), two.shrunken(f64::NAN).unwrap_err()]
    {
        assert!(matches!(refused, Error::OutOfRange { field, .. } if field == "level"));
    }
    let (equal, alike) = (two.equality(0.95).unwrap().test().p, two.against_rest(0.95).unwrap()[0].tail.p);
    assert!(equal > 1.0 - 1e-12 && alike == 1.0);
}

#[test]
fn an_interaction_that_cannot_be_told_is_refused_by_name() {
    let varied = compressed(&[(0.0, 1.0), (1.0, 2.0), (1.0, 4.0), (0.0, 2.0)]);
    let flat = compressed(&[(1.0, 1.0), (1.0, 2.0)]);
    let none = Compressed::default();
    let of = |control: &Compressed, treated: &Compressed| {
        interaction("visits", &["new".to_owned()], control, treated, Robust::Hc2).unwrap_err().to_string()
    };
    assert_eq!(
        of(&varied, &flat),
        "metric `visits`: columns `arm:new` are linear combinations of the others; leave them out"
    );
    assert_eq!(
        of(&varied, &none),
        "metric `visits`: arm `treated` has 0 units and 1 are needed; lengthen the experiment or merge the arm with another"
    );
    let four = compressed(&[(0.0, 1.0), (1.0, 2.0)]);
    assert_eq!(
        of(&four, &four),
        "metric `visits`: arm `both arms together` has 4 units and 5 are needed; lengthen the experiment or merge the arm with another"
    );
}

#[test]
fn a_segment_beyond_two_hundred_is_searched_for_by_sidaks_bound() {
    let mut effects = vec![(0.0, 1.0); 250];
    effects[7].0 = 5.0;
    let found = segments(&effects).against_rest(0.95).unwrap();
    let raw = found[7].raw.p;
    assert!((found[7].tail.p / (1.0 - (1.0 - raw).powi(250)) - 1.0).abs() < 1e-9);
    effects[7].0 = 60.0;
    let found = segments(&effects).against_rest(0.95).unwrap();
    assert!((found[7].tail.log10_p - found[7].raw.log10_p - 250_f64.log10()).abs() < 1e-9);
}

#[test]
fn searches_err_and_shrunken_intervals_cover_as_they_say() {
    let runs = u64::from(replications(400));
    let mut random = ChaCha8Rng::seed_from_u64(11);
    let [mut any, mut equal, mut chi_square] = [0_u64; 3];
    for _ in 0..runs {
        // Six small segments without a difference, each with a standard error from few units.
        let effects = (0..6).map(|at| {
            let df = 8.0 + f64::from(at) * 3.0;
            let units: Vec<f64> = (0..=df as usize).map(|_| normal(&mut random)).collect();
            let mean = units.iter().sum::<f64>() / (df + 1.0);
            let variance = units.iter().map(|unit| (unit - mean).powi(2)).sum::<f64>() / df;
            segment("s", mean, (variance / (df + 1.0)).sqrt(), Some(df), df as u64 + 1)
        });
        let segments = Segments::new(effects.collect()).unwrap();
        any += u64::from(segments.against_rest(0.95).unwrap().iter().any(|found| found.tail.p < 0.05));
        let equality = segments.equality(0.95).unwrap();
        equal += u64::from(equality.test().p < 0.05);
        chi_square += u64::from(equality.spread.tail.p < 0.05);
    }
    let rate = |count: u64| count as f64 / runs as f64;
    println!("search {:.4}, Welch {:.4}, Q {:.4} of {runs}", rate(any), rate(equal), rate(chi_square));
    let band = 3.3 * (0.05 * 0.95 / runs as f64).sqrt();
    assert!((rate(any) - 0.05).abs() < band + 0.005 && (rate(equal) - 0.05).abs() < band + 0.005);
    assert!(rate(chi_square) > 0.07);

    for (spread, k) in [(0.0, 6), (0.7, 8), (2.0, 5)] {
        let (mut covered, mut nearer, mut total) = (0_u64, [0.0; 2], 0_u64);
        for _ in 0..runs {
            let truths: Vec<f64> = (0..k).map(|_| 1.0 + spread * normal(&mut random)).collect();
            let effects = truths.iter().map(|truth| {
                let std_error = 0.5 + random.random::<f64>();
                (truth + std_error * normal(&mut random), std_error)
            });
            let effects: Vec<(f64, f64)> = effects.collect();
            for ((shrunken, truth), (raw, _)) in
                segments(&effects).shrunken(0.95).unwrap().iter().zip(&truths).zip(&effects)
            {
                covered += u64::from(!shrunken.interval.excludes(*truth));
                nearer[0] += (shrunken.estimate - truth).powi(2);
                nearer[1] += (raw - truth).powi(2);
                total += 1;
            }
        }
        let coverage = covered as f64 / total as f64;
        println!("spread {spread}, {k} segments: {coverage:.4} covered, error {:.3} of the raw", nearer[0] / nearer[1]);
        // Where effects do not differ at all, a spread that must be estimated makes the intervals wider than they need be.
        let most = if spread == 0.0 { 1.0 } else { 0.99 };
        assert!((0.925..most).contains(&coverage) && nearer[0] < nearer[1], "{coverage}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn answers_follow_the_unit_and_the_intervals_the_tests(pairs in prop::collection::vec((-2.0..2.0_f64, 0.3..1.0_f64), 3..7), scale in 0.01..100.0_f64, shift in -5.0..5.0_f64) {
        let moved: Vec<(f64, f64)> = pairs.iter().map(|(y, s)| (scale * y + shift, scale * s)).collect();
        let with_units = |pairs: &[(f64, f64)]| {
            let of = |(at, (y, s)): (usize, &(f64, f64))| segment("s", *y, *s, Some(20.0), 10 + at as u64);
            Segments::new(pairs.iter().enumerate().map(of).collect()).unwrap()
        };
        let (one, other) = (with_units(&pairs), with_units(&moved));
        let (found, found_moved) = (one.against_rest(0.9).unwrap(), other.against_rest(0.9).unwrap());
        for (a, b) in found.iter().zip(&found_moved) {
            prop_assert!((a.difference * scale - b.difference).abs() < 1e-9 * scale * (1.0 + shift.abs() / scale));
            prop_assert!((a.tail.p - b.tail.p).abs() < 1e-6);
            prop_assert!(a.tail.p >= a.raw.p * (1.0 - 1e-9));
            prop_assert!(a.interval.excludes(0.0) == (a.tail.p < 0.1) || (a.tail.p - 0.1).abs() < 1e-6);
        }
        for (a, (y, _)) in one.shrunken(0.9).unwrap().iter().zip(&pairs) {
            prop_assert!((0.0..=1.0).contains(&a.weight_of_mean) && a.estimate.abs() <= y.abs().max(2.0));
        }
    }
}
