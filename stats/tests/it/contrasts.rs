//! Differences, lifts and non-inferiority: what they say of means that are known.

use estimand_stats::estimand::{Direction, Hypothesis, SummaryKind};
use estimand_stats::{Design, Estimand, Estimate, Estimates};

use crate::samples::{Arm, design, effect, mean_of, row, run, sample, summary};

/// The example of SEMANTICS: `n`, mean and variance of two arms.
fn example() -> estimand_stats::Sample {
    summary(&[("control", 3407, 0.41, 15.21), ("treatment", 3461, 0.70, 38.44)])
}

fn question() -> Estimand {
    effect(mean_of("y"), "treatment", "control")
}

fn lift(options: &[(&str, &str)]) -> Estimates {
    run("difference_in_means", &question(), &design(&[], options), &example())
}

fn percent(end: Option<f64>) -> f64 {
    (1000.0 * end.unwrap()).round() / 10.0
}

#[test]
fn the_three_intervals_of_one_lift_are_those_of_the_worked_example() {
    let ends = |method: &str| {
        let rows = lift(&[("lift", method)]);
        let relative = row(&rows, "relative");
        (percent(relative.conf_low), percent(relative.conf_high))
    };
    let within = |got: (f64, f64), want: (f64, f64)| (got.0 - want.0).abs() < 0.06 && (got.1 - want.1).abs() < 0.6;
    assert!(within(ends("delta"), (-3.5, 145.0)), "{:?}", ends("delta"));
    assert!(within(ends("log"), (10.5, 164.0)), "{:?}", ends("log"));
    assert!(within(ends("fieller"), (9.4, 171.0)), "{:?}", ends("fieller"));
    let rows = lift(&[]);
    assert!((row(&rows, "absolute").p_value.unwrap() - 0.020).abs() < 5e-4);
}

#[test]
fn a_lift_says_which_other_interval_would_decide_otherwise() {
    let rows = lift(&[]);
    let notes = row(&rows, "relative").notes.clone().unwrap();
    assert_eq!(notes, "The interval by `lift=delta`, −3.5 % to +145 %, includes 0 and would decide otherwise.");
    let rows = lift(&[("lift", "delta")]);
    let notes = row(&rows, "relative").notes.clone().unwrap();
    assert!(notes.contains("`lift=fieller`") && notes.contains("`lift=log`"), "{notes}");
}

#[test]
fn fieller_excludes_zero_exactly_when_the_test_rejects() {
    for step in 0..400 {
        let mean = 0.30 + 0.001 * f64::from(step);
        let sample = summary(&[("control", 40, 0.5, 0.3), ("treatment", 35, mean, 0.8)]);
        let rows = run("difference_in_means", &question(), &Design::default(), &sample);
        let (absolute, relative) = (row(&rows, "absolute"), row(&rows, "relative"));
        let excludes = |row: &Estimate| row.conf_low.unwrap() > 0.0 || row.conf_high.unwrap() < 0.0;
        assert_eq!(absolute.p_value, relative.p_value);
        assert_eq!(excludes(relative), absolute.p_value.unwrap() < 0.05, "at {mean}");
        assert_eq!(excludes(relative), excludes(absolute), "at {mean}");
    }
}

#[test]
fn a_baseline_near_zero_has_an_unbounded_lift_and_says_so() {
    let sample = summary(&[("control", 40, 0.1, 1.0), ("treatment", 40, 2.0, 1.0)]);
    let rows = run("difference_in_means", &question(), &Design::default(), &sample);
    let relative = row(&rows, "relative");
    assert_eq!((relative.conf_low, relative.conf_high), (None, None));
    assert!(relative.p_value.unwrap() < 1e-6, "the test itself stands");
    assert_eq!(
        relative.notes.as_deref(),
        Some(
            "The baseline mean is not distinguishable from zero, so the interval of the relative effect is unbounded."
        )
    );
}

#[test]
fn a_baseline_of_zero_has_no_lift() {
    let sample = summary(&[("control", 40, 0.0, 1.0), ("treatment", 40, 2.0, 1.0)]);
    let rows = run("difference_in_means", &question(), &Design::default(), &sample);
    let relative = row(&rows, "relative");
    assert_eq!((relative.estimate, relative.p_value), (None, None));
    assert_eq!(relative.notes.as_deref(), Some("The baseline mean is zero, so there is no relative effect."));
}

fn guardrail(margin: f64, direction: Direction) -> Estimand {
    Estimand { hypothesis: Hypothesis::NonInferiority { margin }, direction, ..question() }
}

fn margin_row(rows: &Estimates) -> &Estimate {
    rows.rows.iter().find(|row| row.margin.is_some()).unwrap()
}

#[test]
fn the_bound_lies_inside_the_margin_exactly_when_non_inferiority_is_shown() {
    for direction in [Direction::Higher, Direction::Lower] {
        for step in 0..300 {
            let mean = 9.0 + 0.0066 * f64::from(step);
            let sample = summary(&[("control", 60, 10.0, 4.0), ("treatment", 70, mean, 3.0)]);
            let rows = run("difference_in_means", &guardrail(0.05, direction), &Design::default(), &sample);
            let shown = margin_row(&rows);
            let inside = match direction {
                Direction::Higher => shown.conf_low.unwrap() > -0.05,
                Direction::Lower => shown.conf_high.unwrap() < 0.05,
            };
            assert_eq!(inside, shown.p_value.unwrap() < 0.025, "at {mean}");
            assert_eq!(shown.level, Some(0.975));
        }
    }
}

#[test]
fn non_inferiority_is_the_test_of_the_shrunken_baseline() {
    let sample = summary(&[("control", 60, 10.0, 4.0), ("treatment", 70, 9.9, 3.0)]);
    let rows = run("difference_in_means", &guardrail(0.05, Direction::Higher), &Design::default(), &sample);
    let shown = margin_row(&rows);
    let variance: f64 = 3.0 / 70.0 + 0.95 * 0.95 * 4.0 / 60.0;
    assert!((shown.statistic.unwrap() - (9.9 - 9.5) / variance.sqrt()).abs() < 1e-12);
    assert_eq!((shown.alternative.as_deref(), shown.scale.as_deref()), (Some("greater"), Some("relative")));
    assert_eq!(rows.rows.len(), 3, "two-sided rows stand beside it");
}

#[test]
fn a_margin_of_a_negative_baseline_is_a_share_of_its_size() {
    let sample = |mean: f64| summary(&[("control", 400, -10.0, 1.0), ("treatment", 400, mean, 1.0)]);
    let p = |mean: f64| {
        let rows = run("difference_in_means", &guardrail(0.05, Direction::Higher), &Design::default(), &sample(mean));
        margin_row(&rows).p_value.unwrap()
    };
    assert!(p(-10.2) < 0.025, "a loss of 2 % is tolerated");
    assert!(p(-10.8) > 0.975, "a loss of 8 % is not");
}

#[test]
fn one_sided_rows_are_open_on_the_other_side() {
    let estimand = Estimand { hypothesis: Hypothesis::Greater, ..question() };
    let rows = run("difference_in_means", &estimand, &Design::default(), &example());
    for scale in ["absolute", "relative"] {
        let row = row(&rows, scale);
        assert_eq!((row.conf_high, row.alternative.as_deref()), (None, Some("greater")));
        assert!(row.conf_low.unwrap() > 0.0 && row.p_value.unwrap() < 0.05, "{scale}");
    }
}

#[test]
fn p_values_far_out_keep_their_logarithm() {
    let sample = summary(&[("control", 1_000_000, 1.0, 1.0), ("treatment", 1_000_000, 2.0, 1.0)]);
    let rows = run("difference_in_means", &question(), &Design::default(), &sample);
    let far = row(&rows, "absolute");
    assert!(far.p_value.unwrap() > 0.0 && far.log10_p.unwrap() < -90_000.0, "{:?}", far.log10_p);
}

#[test]
fn an_adjusted_lift_over_the_plain_mean_is_that_of_growthbook() {
    let units = |shift: f64| -> (Vec<f64>, Vec<f64>) {
        (0..50_u32).map(|unit| (f64::from(unit * unit % 17) + shift + f64::from(unit % 5), f64::from(unit % 5))).unzip()
    };
    let arm = |name: &str, shift: f64| {
        let (y, x) = units(shift);
        Arm::new(name, &[("y", &y), ("x", &x)])
    };
    let sample = sample(&[arm("control", 10.0), arm("treatment", 12.0)]);
    let options = [("slope", "pooled"), ("lift", "delta"), ("lift_over", "unadjusted")];
    let rows = run("regression_adjustment", &question(), &design(&["x"], &options), &sample);
    let (absolute, relative) = (row(&rows, "absolute"), row(&rows, "relative"));
    let average = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (control, treatment) = (average(&units(10.0).0), average(&units(12.0).0));
    assert!((relative.estimate.unwrap() - absolute.estimate.unwrap() / control).abs() < 1e-12);
    // v₁/ȳ₀² + v₀ȳ₁²/ȳ₀⁴, where both arms have the same adjusted variance by construction.
    let half = absolute.std_error.unwrap().powi(2) / 2.0;
    let variance = half / control.powi(2) + half * treatment.powi(2) / control.powi(4);
    assert!((relative.std_error.unwrap() - variance.sqrt()).abs() < 1e-12);
}

#[test]
fn only_the_delta_method_speaks_of_the_plain_mean() {
    let estimator = estimand_stats::estimator::by_name("regression_adjustment").unwrap();
    let design = design(&[], &[("lift_over", "unadjusted")]);
    let error = estimator.estimate(&question(), &design, &example()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "estimator `regression_adjustment`: option `lift_over` cannot be `unadjusted`; with `lift=delta` only: the other \
         intervals are of the ratio of the adjusted means"
    );
}

#[test]
fn each_kind_of_summary_has_a_usual_estimator_that_serves_it() {
    for kind in [SummaryKind::Mean, SummaryKind::Proportion, SummaryKind::Ratio, SummaryKind::TimeToEvent] {
        for assigned in [(None, None), (Some("cluster"), None), (None, Some("stratum"))] {
            for covariates in [vec![], vec!["x".to_owned()]] {
                let (cluster, stratum) = (assigned.0.map(str::to_owned), assigned.1.map(str::to_owned));
                let design = Design { covariates, cluster, stratum, ..Design::default() };
                let usual = estimand_stats::estimator::usual(kind, &design);
                assert!(estimand_stats::estimator::by_name(usual).unwrap().serves().contains(&kind), "{usual}");
            }
        }
    }
}
