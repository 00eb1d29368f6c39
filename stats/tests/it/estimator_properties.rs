//! Laws of the estimators on random samples.

use estimand_stats::design::Population;
use estimand_stats::estimand::{Direction, Hypothesis};
use estimand_stats::{Design, Estimand, Estimate, Estimates, Sample, estimator};
use proptest::prelude::*;

use crate::samples::{Arm, answer, design, effect, mean_of, ratio_of, row, run, sample};

/// An arm with an outcome that leans on two covariates, and a positive count.
fn arm(name: &'static str) -> impl Strategy<Value = Arm> {
    prop::collection::vec((-5.0..5.0_f64, -3.0..3.0_f64, -2.0..2.0_f64, 1_u8..6), 12..40).prop_map(move |units| {
        let y: Vec<f64> = units.iter().map(|(x, z, noise, _)| 20.0 + 1.5 * x - 0.7 * z + noise).collect();
        let x: Vec<f64> = units.iter().map(|unit| unit.0).collect();
        let z: Vec<f64> = units.iter().map(|unit| unit.1).collect();
        let count: Vec<f64> = units.iter().map(|unit| f64::from(unit.3)).collect();
        Arm::new(name, &[("y", &y), ("x", &x), ("z", &z), ("count", &count)])
    })
}

fn arms() -> impl Strategy<Value = [Arm; 2]> {
    (arm("control"), arm("treatment")).prop_map(|(control, treatment)| [control, treatment])
}

fn mean() -> Estimand {
    effect(mean_of("y"), "treatment", "control")
}

fn change(arms: &[Arm; 2], column: usize, with: impl Fn(f64) -> f64) -> [Arm; 2] {
    arms.clone().map(|mut arm| {
        arm.columns[column].1.iter_mut().for_each(|value| *value = with(*value));
        arm
    })
}

fn near(a: Option<f64>, b: Option<f64>, rtol: f64) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() <= rtol * a.abs().max(b.abs()).max(1e-8),
        (a, b) => a == b,
    }
}

fn same(one: &Estimate, other: &Estimate, rtol: f64) -> bool {
    let columns = |row: &Estimate| [row.estimate, row.std_error, row.df, row.conf_low, row.conf_high, row.p_value];
    columns(one).into_iter().zip(columns(other)).all(|(one, other)| near(one, other, rtol))
}

fn with_covariates(estimand: &Estimand, covariates: &[&str], sample: &Sample) -> Estimates {
    run("regression_adjustment", estimand, &design(covariates, &[]), sample)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn without_covariates_adjustment_is_the_difference_in_means(arms in arms()) {
        let sample = sample(&arms);
        let plain = run("difference_in_means", &mean(), &Design::default(), &sample);
        let adjusted = with_covariates(&mean(), &[], &sample);
        for scale in ["absolute", "relative"] {
            prop_assert!(same(row(&plain, scale), row(&adjusted, scale), 1e-11));
        }
    }

    #[test]
    fn two_arms_by_least_squares_with_hc2_have_welchs_standard_error(arms in arms()) {
        let sample = sample(&arms);
        let welch = run("difference_in_means", &mean(), &Design::default(), &sample);
        let ols = run("ols", &mean(), &Design::default(), &sample);
        prop_assert!(near(row(&welch, "absolute").estimate, row(&ols, "absolute").estimate, 1e-10));
        prop_assert!(near(row(&welch, "absolute").std_error, row(&ols, "absolute").std_error, 1e-10));
    }

    #[test]
    fn compressed_rows_lose_nothing_of_a_regression(arms in arms(), classes in 1_usize..6) {
        // Covariates of few values, so that many units share a row.
        let classed = change(&change(&arms, 1, |x| (x * classes as f64).floor()), 2, |z| z.signum());
        let sample = sample(&classed);
        for se in ["HC0", "HC1", "HC2", "HC3", "classical"] {
            for slope in ["per_arm", "shared"] {
                let of = |rows| {
                    let design = design(&["x", "z"], &[("rows", rows), ("se", se), ("slope", slope)]);
                    answer(estimator::by_name("ols").unwrap(), &mean(), &design, &sample)
                };
                match (of("compressed"), of("units")) {
                    (Ok(compressed), Ok(units)) => {
                        prop_assert_eq!(compressed.rows.len(), units.rows.len());
                        for (one, other) in compressed.rows.iter().zip(&units.rows) {
                            prop_assert!(same(one, other, 1e-8), "{:?} {:?}", one, other);
                            prop_assert_eq!((&one.n, &one.notes), (&other.n, &other.notes));
                        }
                    }
                    (one, other) => prop_assert_eq!(one.map_err(|e| e.to_string()), other.map_err(|e| e.to_string())),
                }
            }
        }
    }

    #[test]
    fn moments_and_rows_give_one_adjusted_effect(arms in arms()) {
        let sample = sample(&arms);
        for population in [Population::Sampled, Population::Enrolled] {
            let design = Design { population, ..design(&["x", "z"], &[]) };
            let moments = run("regression_adjustment", &mean(), &design, &sample);
            let rows = run("ols", &mean(), &Design { options: [("se".to_owned(), "classical".to_owned())].into(), ..design }, &sample);
            let (moments, rows) = (row(&moments, "absolute"), row(&rows, "absolute"));
            prop_assert!(near(moments.estimate, rows.estimate, 1e-8));
            prop_assert!(near(moments.mean, rows.mean, 1e-9) && near(moments.mean_baseline, rows.mean_baseline, 1e-9));
        }
    }

    #[test]
    fn the_order_of_covariates_does_not_matter(arms in arms()) {
        let sample = sample(&arms);
        let (one, other) = (with_covariates(&mean(), &["x", "z"], &sample), with_covariates(&mean(), &["z", "x"], &sample));
        for scale in ["absolute", "relative"] {
            prop_assert!(same(row(&one, scale), row(&other, scale), 1e-9));
        }
    }

    #[test]
    fn covariates_in_other_units_and_from_another_zero_change_nothing(arms in arms(), scale in 1e-6..1e6_f64, shift in -1e4..1e4_f64) {
        let one = with_covariates(&mean(), &["x", "z"], &sample(&arms));
        let other = with_covariates(&mean(), &["x", "z"], &sample(&change(&arms, 1, |x| scale * x + shift * scale)));
        prop_assert!(same(row(&one, "absolute"), row(&other, "absolute"), 1e-6));
    }

    #[test]
    fn shifting_the_outcome_moves_the_means_and_not_the_difference(arms in arms(), shift in -100.0..100.0_f64) {
        for name in ["difference_in_means", "regression_adjustment", "ols"] {
            let design = design(&["x"], &[]);
            let one = run(name, &mean(), &design, &sample(&arms));
            let other = run(name, &mean(), &design, &sample(&change(&arms, 0, |y| y + shift)));
            let (one, other) = (row(&one, "absolute"), row(&other, "absolute"));
            prop_assert!(same(one, other, 1e-7), "{name}");
            prop_assert!(near(one.mean.map(|mean| mean + shift), other.mean, 1e-9), "{name}");
        }
    }

    #[test]
    fn a_covariate_said_twice_is_left_out_and_named(arms in arms()) {
        let mut twice = arms.clone();
        for arm in &mut twice {
            let copy = arm.columns[1].1.iter().map(|x| 3.0 * x - 1.0).collect();
            arm.columns.push(("copy".to_owned(), copy));
            let units = arm.columns[0].1.len();
            arm.columns.push(("x.missing".to_owned(), vec![0.0; units]));
        }
        let one = with_covariates(&mean(), &["x"], &sample(&arms));
        let other = with_covariates(&mean(), &["x", "copy", "x.missing"], &sample(&twice));
        prop_assert!(same(row(&one, "absolute"), row(&other, "absolute"), 1e-12));
        let notes = row(&other, "absolute").notes.clone().unwrap();
        prop_assert!(notes.contains("Covariate `copy` is a linear combination of those before it and was left out."), "{notes}");
        prop_assert!(!notes.contains("x.missing"), "nothing is missing, so there is nothing to say: {notes}");
    }

    #[test]
    fn the_joint_covariance_of_the_means_is_that_of_the_formula(arms in arms()) {
        // Var(μ̂₁ − μ̂₀) = Σₐ s²ₑₐ(1/nₐ + (x̄−x̄ₐ)²/Sₐ) + (β₁−β₀)²σ²ₓ/N, written out for one covariate.
        let rows = with_covariates(&mean(), &["x"], &sample(&arms));
        let average = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let products = |a: &[f64], b: &[f64]| {
            let (mean_a, mean_b) = (average(a), average(b));
            a.iter().zip(b).map(|(a, b)| (a - mean_a) * (b - mean_b)).sum::<f64>()
        };
        let all: Vec<f64> = arms.iter().flat_map(|arm| arm.columns[1].1.clone()).collect();
        let total = all.len() as f64;
        let mut variance = 0.0;
        let mut slopes = Vec::new();
        let mut means = Vec::new();
        for arm in &arms {
            let (y, x) = (&arm.columns[0].1, &arm.columns[1].1);
            let n = y.len() as f64;
            let slope = products(x, y) / products(x, x);
            let residual = (products(y, y) - slope * products(x, y)) / (n - 2.0);
            let distance = average(&all) - average(x);
            variance += residual * (1.0 / n + distance * distance / products(x, x));
            means.push(average(y) + slope * distance);
            slopes.push(slope);
        }
        variance += (slopes[1] - slopes[0]).powi(2) * products(&all, &all) / (total - 1.0) / total;
        let absolute = row(&rows, "absolute");
        prop_assert!(near(absolute.std_error, Some(variance.sqrt()), 1e-9));
        prop_assert!(near(absolute.estimate, Some(means[1] - means[0]), 1e-9));
    }

    #[test]
    fn a_ratio_over_a_constant_is_a_mean(arms in arms()) {
        let counted = change(&arms, 3, |_| 4.0);
        let scaled = change(&arms, 0, |y| y / 4.0);
        let ratio = run("ratio", &effect(ratio_of("y", "count"), "treatment", "control"), &design(&["x"], &[]), &sample(&counted));
        let means = with_covariates(&mean(), &["x"], &sample(&scaled));
        for scale in ["absolute", "relative"] {
            prop_assert!(same(row(&ratio, scale), row(&means, scale), 1e-9));
        }
    }

    #[test]
    fn a_wider_margin_is_easier_to_show(arms in arms(), direction in prop::sample::select(vec![Direction::Higher, Direction::Lower])) {
        let p = |margin: f64| {
            let estimand = Estimand { hypothesis: Hypothesis::NonInferiority { margin }, direction, ..mean() };
            let rows = run("difference_in_means", &estimand, &Design::default(), &sample(&arms));
            rows.rows.iter().find(|row| row.margin.is_some()).and_then(|row| row.p_value).unwrap()
        };
        prop_assert!(p(0.02) >= p(0.10));
    }

    #[test]
    fn a_higher_level_gives_a_wider_interval(arms in arms()) {
        let width = |level: f64| {
            let rows = run("difference_in_means", &mean(), &Design { level, ..Design::default() }, &sample(&arms));
            let row = row(&rows, "absolute");
            row.conf_high.unwrap() - row.conf_low.unwrap()
        };
        prop_assert!(width(0.9) < width(0.95) && width(0.95) < width(0.999));
    }
}

#[test]
fn a_perfect_fit_leaves_no_variance_and_no_p_value() {
    let x: Vec<f64> = (0..30).map(f64::from).collect();
    let arm = |name: &str| Arm::new(name, &[("y", &x), ("x", &x)]);
    for name in ["ols", "regression_adjustment"] {
        for population in [Population::Sampled, Population::Enrolled] {
            let design = Design { population, ..design(&["x"], &[]) };
            let rows = run(name, &mean(), &design, &sample(&[arm("control"), arm("treatment")]));
            let row = row(&rows, "absolute");
            assert_eq!((row.std_error, row.p_value), (Some(0.0), None), "{name} {population:?}");
            let note = "The estimated variance is zero, so a test and an interval are undefined.";
            assert!(row.notes.as_deref().unwrap().contains(note), "{name}: {:?}", row.notes);
        }
    }
}

#[test]
fn arms_too_small_for_their_covariates_keep_their_means_and_say_why() {
    let arm = |name: &str, y: &[f64]| {
        let x: Vec<f64> = (0..y.len()).map(|unit| unit as f64).collect();
        Arm::new(name, &[("y", y), ("x", &x)])
    };
    let sample = sample(&[arm("control", &[1.0, 2.0, 4.0, 3.0]), arm("treatment", &[5.0, 6.0])]);
    let rows = with_covariates(&mean(), &["x"], &sample);
    let row = row(&rows, "absolute");
    assert_eq!((row.mean_baseline, row.mean, row.std_error), (Some(2.5), Some(5.5), None));
    assert_eq!(row.notes.as_deref(), Some("Arm `treatment` has 2 units; adjustment by 1 covariate needs at least 3."));
}

#[test]
fn a_denominator_of_zero_is_named() {
    let sample = sample(&[
        Arm::new("control", &[("y", &[1.0, 2.0, 3.0]), ("d", &[1.0, 0.0, 2.0])]),
        Arm::new("treatment", &[("y", &[1.0, 2.0, 3.0]), ("d", &[0.0, 0.0, 0.0])]),
    ]);
    let rows = run("ratio", &effect(ratio_of("y", "d"), "treatment", "control"), &Design::default(), &sample);
    for scale in ["absolute", "relative"] {
        let row = row(&rows, scale);
        assert_eq!((row.estimate, row.p_value), (None, None));
        assert_eq!(
            row.notes.as_deref(),
            Some("The denominator sums to zero in arm `treatment`, so there is no ratio.")
        );
    }
}

#[test]
fn adjustment_says_how_much_variance_is_left() {
    let x: Vec<f64> = (0..40).map(|unit| f64::from(unit % 10)).collect();
    let y: Vec<f64> = x.iter().zip(0..).map(|(x, unit)| 2.0 * x + f64::from(unit % 3)).collect();
    let arm = |name: &str| Arm::new(name, &[("y", &y), ("x", &x)]);
    let rows = with_covariates(&mean(), &["x"], &sample(&[arm("control"), arm("treatment")]));
    let notes = row(&rows, "absolute").notes.clone().unwrap();
    assert!(
        notes.starts_with("Adjustment leaves ") && notes.ends_with(" % of the variance of the plain difference."),
        "{notes}"
    );
}

#[test]
fn few_expected_counts_are_tested_by_the_score_test_and_it_says_so() {
    let arm = |name: &str, successes: usize| {
        let y: Vec<f64> = (0..15).map(|unit| f64::from(u8::from(unit < successes))).collect();
        Arm::new(name, &[("y", &y)])
    };
    let sample = sample(&[arm("control", 1), arm("treatment", 7)]);
    let question = effect(crate::samples::proportion_of("y"), "treatment", "control");
    let rows = run("proportion", &question, &Design::default(), &sample);
    let absolute = row(&rows, "absolute");
    let note = "The smallest expected count is 4.0, under 10: score test with Miettinen–Nurminen interval.";
    assert_eq!(absolute.notes.as_deref(), Some(note));
    // 2.477168 is the pooled z of these counts; the score test's variance is larger by N/(N − 1).
    assert!((absolute.statistic.unwrap() - 2.477_168_471_534_311_4 * (29.0_f64 / 30.0).sqrt()).abs() < 1e-9);
    let plenty = run("proportion", &question, &design(&[], &[("method", "mean")]), &sample);
    assert!(row(&plenty, "absolute").df.is_some() && row(&plenty, "absolute").notes.is_none());
}

#[test]
fn a_proportion_of_other_values_is_refused() {
    let arm = |name: &str| Arm::new(name, &[("y", &[0.1, 0.4, 0.5, 0.6])]);
    let question = effect(crate::samples::proportion_of("y"), "treatment", "control");
    let estimator = estimator::by_name("proportion").unwrap();
    let error =
        estimator.estimate(&question, &Design::default(), &sample(&[arm("control"), arm("treatment")])).unwrap_err();
    let message = error.to_string();
    assert!(message.ends_with("the outcome of a proportion is 0 or 1; use `mean` for other values"), "{message}");
}

#[test]
fn redundant_columns_of_a_regression_are_refused_by_name() {
    let x: Vec<f64> = (0..12).map(f64::from).collect();
    let twice: Vec<f64> = x.iter().map(|x| 2.0 * x).collect();
    let arm = |name: &str| Arm::new(name, &[("y", &x), ("x", &x), ("twice", &twice)]);
    let estimator = estimator::by_name("ols").unwrap();
    let sample = sample(&[arm("control"), arm("treatment")]);
    let error = answer(estimator, &mean(), &design(&["x", "twice"], &[]), &sample).unwrap_err();
    assert_eq!(
        error.to_string(),
        "metric `metric`: columns `twice`, `arm:twice` are linear combinations of the others; leave them out"
    );
}

#[test]
fn covariates_that_say_nothing_are_left_out_of_a_regression_and_named() {
    let x: Vec<f64> = (0..12).map(|unit| f64::from(unit * unit % 7)).collect();
    let late: Vec<f64> = (0..12).map(|unit| f64::from(u8::from(unit < 3))).collect();
    let (never, y) = (vec![0.0; 12], (0..12).map(f64::from).collect::<Vec<f64>>());
    let arm = |name: &str, late: &[f64]| {
        Arm::new(name, &[("y", &y), ("x", &x), ("x.missing", &never), ("a.missing", late), ("b.missing", late)])
    };
    let notes_and_estimate = |treated: &[f64], options: &[(&str, &str)]| {
        let sample = sample(&[arm("control", &late), arm("treatment", treated)]);
        let design = design(&["x", "x.missing", "a.missing", "b.missing"], options);
        let rows = run("ols", &mean(), &design, &sample);
        (row(&rows, "absolute").notes.clone().unwrap_or_default(), row(&rows, "absolute").std_error)
    };
    let (notes, std_error) = notes_and_estimate(&late, &[]);
    assert!(std_error.is_some(), "{notes}");
    assert_eq!(notes, "Covariate `b.missing` is equal to `a.missing` and was left out.");
    let (notes, _) = notes_and_estimate(&never, &[]);
    assert!(notes.contains("Covariate `a.missing` is constant in arm `treatment` and was left out."), "{notes}");
    let (notes, std_error) = notes_and_estimate(&never, &[("slope", "shared")]);
    assert!(std_error.is_some() && !notes.contains("`a.missing` is constant"), "{notes}");
    assert!(!notes.contains("`x.missing`"), "no unit misses `x`: {notes}");
}

#[test]
fn differences_far_from_zero_keep_their_digits() {
    let near: [Vec<f64>; 2] = [
        (0..101).map(|unit| f64::from(unit * unit % 23)).collect(),
        (0..77).map(|unit| f64::from(unit * 7 % 19 + 3)).collect(),
    ];
    let covariate = |y: &[f64]| -> Vec<f64> { y.iter().enumerate().map(|(unit, y)| y + (unit % 4) as f64).collect() };
    let arms = |offset: f64| {
        let arm = |name: &str, y: &[f64]| {
            let moved = |values: &[f64]| values.iter().map(|value| value + offset).collect::<Vec<f64>>();
            Arm::new(name, &[("y", &moved(y)), ("x", &moved(&covariate(y)))])
        };
        [arm("control", &near[0]), arm("treatment", &near[1])]
    };
    for (name, covariates) in [
        ("difference_in_means", [].as_slice()),
        ("regression_adjustment", &["x"]),
        ("regression_adjustment", &[]),
        ("ols", &["x"]),
    ] {
        let at = |offset: f64| run(name, &mean(), &design(covariates, &[]), &sample(&arms(offset)));
        let (want, got) = (at(0.0), at(1.7e15));
        let (want, got) = (row(&want, "absolute"), row(&got, "absolute"));
        assert!(near_to(got.estimate, want.estimate, 1e-13), "{name}: {:?} {:?}", got.estimate, want.estimate);
        assert!(near_to(got.statistic, want.statistic, 1e-12), "{name}: {:?} {:?}", got.statistic, want.statistic);
        assert!(near_to(got.p_value, want.p_value, 1e-10), "{name}: {:?} {:?}", got.p_value, want.p_value);
    }
}

fn near_to(got: Option<f64>, want: Option<f64>, rtol: f64) -> bool {
    got.zip(want).is_some_and(|(got, want)| (got - want).abs() <= rtol * want.abs())
}
