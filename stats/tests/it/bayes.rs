//! Bayesian estimators: reference packages, double integrals in 30 digits, laws, calibration and refusals.

use std::path::Path;

use estimand_stats::estimand::{Direction, Hypothesis};
use estimand_stats::posterior::{
    Comparison, Component, Credible, NormalMixture, Posterior, Prior, Rate, RateEffect, TwoRates,
};
use estimand_stats::{Design, Estimand, Estimates, Sample, dist::Alternative};
use proptest::prelude::*;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::oracle;
use crate::samples::{Arm, design, effect, mean_of, proportion_of, ratio_of, row, run, sample, summary};
use crate::shared_data::table;

fn near(got: f64, want: f64, rtol: f64) -> bool {
    (got - want).abs() <= rtol * want.abs()
}

/// Two arms of which so many units of so many succeed.
fn shares(control: (u64, u64), treatment: (u64, u64)) -> Sample {
    let arm = |name, (x, n): (u64, u64)| {
        let share = x as f64 / n as f64;
        (name, n, share, share * (1.0 - share) * n as f64 / (n - 1) as f64)
    };
    summary(&[arm("control", control), arm("treatment", treatment)])
}

fn share_question() -> Estimand {
    effect(proportion_of("y"), "treatment", "control")
}

#[test]
fn reference_cases_agree() {
    let Some(cases) = oracle::cases("bayes", &["beta_binomial", "gaussian_effect"]) else { return };
    let mut ran = [0, 0];
    for case in &cases {
        let number = |name: &str| case["inputs"][name].as_str().expect("a word").to_owned();
        if case["method"] == "beta_binomial" {
            let sample = match case["dataset"].as_str() {
                // The counts of the case are the parameters of the posteriors, one of each from the flat prior.
                None => shares((20, 100), (30, 100)),
                Some(path) => {
                    let data = table(path);
                    let (arms, y) = (data.text("test_version"), data.numbers(&number("y")));
                    let arm = |name: &str, level: String| {
                        let units = (0..y.len()).filter(|at| arms[*at].as_deref() == Some(level.as_str()));
                        Arm::new(name, &[("y", &units.map(|at| y[at]).collect::<Vec<f64>>())])
                    };
                    sample(&[arm("control", number("control")), arm("treatment", number("treatment"))])
                }
            };
            let rows = run("beta_binomial", &share_question(), &Design::default(), &sample);
            let absolute = row(&rows, "absolute");
            oracle::assert_within(case, "prob_t_better", &[absolute.prob_beat.unwrap()]);
            oracle::assert_within(case, "expected_loss_choose_t", &[absolute.expected_loss.unwrap()]);
            oracle::assert_within(case, "expected_loss_choose_c", &[absolute.expected_loss_baseline.unwrap()]);
            let posterior: Vec<f64> = serde_json::from_value(case["expected"]["posterior_t"].clone()).unwrap();
            let share = Rate::beta(posterior[0], posterior[1]).unwrap();
            let interval = Credible::EqualTailed.interval(&share, 0.95, Alternative::TwoSided).unwrap();
            oracle::assert_within(case, "ci_t_95", &[interval.low.unwrap(), interval.high.unwrap()]);
            ran[0] += 1;
        } else {
            let data = table(case["dataset"].as_str().unwrap());
            let (arms, y) = (data.text("segment"), data.numbers(&number("y")));
            let arm = |name: &str, level: String| {
                let units = (0..y.len()).filter(|at| arms[*at].as_deref() == Some(level.as_str()));
                Arm::new(name, &[("y", &units.map(|at| y[at]).collect::<Vec<f64>>())])
            };
            let sample = sample(&[arm("control", number("control")), arm("treatment", number("treatment"))]);
            let prior = if number("prior") == "improper" { "flat" } else { "normal:0:0.3" };
            let question = effect(mean_of("y"), "treatment", "control");
            let rows = run("bayes", &question, &design(&[], &[("prior", prior)]), &sample);
            let relative = row(&rows, "relative");
            oracle::assert_within(case, "expected", &[relative.estimate.unwrap()]);
            oracle::assert_within(case, "ci", &[relative.conf_low.unwrap(), relative.conf_high.unwrap()]);
            oracle::assert_within(case, "chance_to_win", &[relative.prob_beat.unwrap()]);
            let risk = [relative.expected_loss_baseline.unwrap(), relative.expected_loss.unwrap()];
            oracle::assert_within(case, "risk", &risk);
            ran[1] += 1;
        }
    }
    println!("bayes: {} ran and passed, 0 wait", ran[0] + ran[1]);
    assert_eq!(ran, [2, 2]);
}

/// The rows of `golden/two_rates.csv`, which stands beside the script that made it (mpmath 1.4.1).
fn golden() -> Vec<Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/two_rates.csv");
    let text = std::fs::read_to_string(path).expect("the golden table stands in the repository");
    text.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

fn rates(cells: &[String]) -> TwoRates {
    let number = |at: usize| cells[at].parse::<f64>().expect("a number");
    let law = if cells[0] == "beta" { Rate::beta } else { Rate::gamma };
    let rate = |at: usize| law(number(at), number(at + 1)).expect("positive parameters");
    TwoRates::new(rate(1), rate(3)).expect("two of one kind")
}

#[test]
fn two_rates_match_double_integrals_in_thirty_digits() {
    let (mut probabilities, mut losses, mut worst) = (0, 0, [0.0_f64; 2]);
    for cells in golden() {
        let rates = rates(&cells);
        let comparison = match cells[5].as_str() {
            "difference" => Comparison::Difference,
            "lift" => Comparison::Lift,
            _ => Comparison::OddsRatio,
        };
        let effect = rates.effect(comparison).expect("a comparison of such rates");
        let [value, cdf] = [6, 7].map(|at| cells[at].parse::<f64>().expect("a number"));
        // Of a million million units the shares themselves are rounded by a millionth of a millionth of their spread.
        let tolerance = if cells[1].parse::<f64>().unwrap() > 1e10 { 1e-10 } else { 1e-11 };
        for (got, want) in [(effect.cdf(value), cdf), (effect.sf(value), 1.0 - cdf)] {
            let error = (got - want).abs();
            worst[0] = worst[0].max(error);
            assert!(error <= tolerance, "{cells:?}: got {got:e}");
            probabilities += 1;
        }
        if cells[8].is_empty() {
            continue;
        }
        for (got, at) in [(effect.shortfall(), 8), (effect.excess(), 9)] {
            let (got, want) = (got.expect("a loss"), cells[at].parse::<f64>().expect("a number"));
            // The table is cut where a density is below e^-55 of its peak.
            let error = ((got - want).abs() - 1e-22).max(0.0) / want;
            worst[1] = worst[1].max(error);
            assert!(error <= 1e-9, "{cells:?}: got {got:e}, want {want:e}");
            losses += 1;
        }
    }
    println!(
        "two rates: worst error of {probabilities} probabilities {:.1e}, of {losses} losses {:.1e}",
        worst[0], worst[1]
    );
    assert!(probabilities >= 178 && losses >= 100);
}

fn comparisons(rates: &TwoRates) -> Vec<RateEffect<'_>> {
    [Comparison::Difference, Comparison::Lift, Comparison::OddsRatio]
        .into_iter()
        .filter_map(|comparison| rates.effect(comparison))
        .collect()
}

#[test]
fn the_ends_of_intervals_have_the_probability_outside_that_was_asked() {
    for cells in golden().into_iter().step_by(9) {
        let rates = rates(&cells);
        // Of a million million units the shares themselves are rounded by a millionth of a millionth of their spread.
        let tolerance = if cells[1].parse::<f64>().unwrap() > 1e10 { 1e-8 } else { 1e-10 };
        for effect in comparisons(&rates) {
            for p in [0.005, 0.025, 0.5, 0.975] {
                let (low, high) = (effect.quantile(p).unwrap(), effect.isf(p).unwrap());
                assert!(near(effect.cdf(low), p, tolerance), "{cells:?}, {p}: {low}");
                assert!(near(effect.sf(high), p, tolerance), "{cells:?}, {p}: {high}");
            }
        }
    }
}

#[test]
fn the_highest_density_interval_is_shortest_and_ends_at_equal_densities() {
    for (arm, baseline) in [((31.0, 71.0), (21.0, 81.0)), ((3.0, 400.0), (9.0, 395.0)), ((2.0, 2.0), (5.0, 1.5))] {
        let rates =
            TwoRates::new(Rate::beta(arm.0, arm.1).unwrap(), Rate::beta(baseline.0, baseline.1).unwrap()).unwrap();
        for effect in comparisons(&rates) {
            let ends = |kind: Credible| {
                let interval = kind.interval(&effect, 0.9, Alternative::TwoSided).unwrap();
                (interval.low.unwrap(), interval.high.unwrap())
            };
            let (shortest, tailed) = (ends(Credible::HighestDensity), ends(Credible::EqualTailed));
            assert!(near(effect.between(shortest.0, shortest.1), 0.9, 1e-10), "{shortest:?}");
            assert!(shortest.1 - shortest.0 <= tailed.1 - tailed.0);
            assert!(near(effect.pdf(shortest.0), effect.pdf(shortest.1), 1e-9), "{shortest:?}");
        }
    }
}

#[test]
fn the_density_is_the_slope_of_the_distribution() {
    for cells in golden().into_iter().step_by(9) {
        let rates = rates(&cells);
        for effect in comparisons(&rates) {
            let (low, x, high) =
                (effect.quantile(0.1).unwrap(), effect.quantile(0.3).unwrap(), effect.quantile(0.7).unwrap());
            let step = 1e-4 * (high - low);
            let slope = (effect.cdf(x + step) - effect.cdf(x - step)) / ((x + step) - (x - step));
            assert!(near(effect.pdf(x), slope, 1e-5), "{cells:?}: {} and {slope}", effect.pdf(x));
        }
    }
}

#[test]
fn few_successes_in_the_baseline_give_the_median_and_a_note() {
    let rows = run("beta_binomial", &share_question(), &Design::default(), &shares((0, 50), (3, 50)));
    let relative = row(&rows, "relative");
    assert_eq!((relative.std_error, relative.expected_loss, relative.expected_loss_baseline), (None, None, None));
    assert!(relative.estimate.is_some() && relative.conf_low.is_some() && relative.prob_beat.is_some());
    let note = "With so few events in the baseline the posterior has no variance: the estimate is its median.";
    assert_eq!(relative.notes.as_deref(), Some(note));
    let odds = rows.rows.last().unwrap();
    assert_eq!((odds.estimand.as_deref(), odds.scale.as_deref()), (Some("odds_ratio"), None));
}

#[test]
fn less_is_better_when_the_metric_says_so() {
    let sample = shares((200, 1000), (230, 1000));
    let lower = Estimand { direction: Direction::Lower, ..share_question() };
    for name in ["bayes", "beta_binomial"] {
        let [up, down] = [&share_question(), &lower].map(|question| run(name, question, &Design::default(), &sample));
        let (up, down) = (row(&up, "absolute"), row(&down, "absolute"));
        assert!(near(up.prob_beat.unwrap() + down.prob_beat.unwrap(), 1.0, 1e-12), "{name}");
        assert_eq!(up.expected_loss, down.expected_loss_baseline, "{name}");
        assert_eq!(up.expected_loss_baseline, down.expected_loss, "{name}");
        let gained = up.expected_loss_baseline.unwrap() - up.expected_loss.unwrap();
        assert!(near(gained, up.estimate.unwrap(), 1e-10), "{name}: what is won less what is lost is the mean");
    }
}

#[test]
fn a_region_of_practical_equivalence_splits_the_posterior() {
    let sample = shares((200, 1000), (230, 1000));
    for name in ["bayes", "beta_binomial"] {
        for (scale, rope) in [("relative", "0.1"), ("absolute", "0.02")] {
            let design = design(&[], &[("rope", rope), ("rope_scale", scale)]);
            let up = run(name, &share_question(), &design, &sample);
            let down = run(name, &Estimand { direction: Direction::Lower, ..share_question() }, &design, &sample);
            let (up, down) = (row(&up, scale), row(&down, scale));
            let parts = up.prob_equivalent.unwrap() + up.prob_superior.unwrap() + down.prob_superior.unwrap();
            assert!(near(parts, 1.0, 1e-10), "{name}, {scale}: {parts}");
        }
        let none = run(name, &share_question(), &Design::default(), &sample);
        assert_eq!(row(&none, "relative").prob_equivalent, None);
    }
}

#[test]
fn a_guardrail_has_the_probability_of_not_being_worse_by_its_margin() {
    let sample = shares((2000, 10_000), (1990, 10_000));
    let question = Estimand { hypothesis: Hypothesis::NonInferiority { margin: 0.05 }, ..share_question() };
    for name in ["bayes", "beta_binomial"] {
        let rows = run(name, &question, &Design::default(), &sample);
        let margin = rows.rows.iter().find(|row| row.margin.is_some()).unwrap();
        assert_eq!((margin.alternative.as_deref(), margin.level), (Some("greater"), Some(0.975)), "{name}");
        assert!(margin.prob_beat > row(&rows, "relative").prob_beat && margin.conf_high.is_none(), "{name}");
        // The bound lies at the margin exactly when the probability is the level.
        let safe = margin.prob_beat.unwrap() > 0.975;
        assert_eq!(margin.conf_low.unwrap() > -0.05, safe, "{name}");
    }
}

#[test]
fn shares_of_many_units_have_the_posterior_of_the_normal_model() {
    let sample = shares((1_000_000, 10_000_000), (1_000_900, 10_000_000));
    let normal = run("bayes", &share_question(), &Design::default(), &sample);
    let exact = run("beta_binomial", &share_question(), &Design::default(), &sample);
    let (normal, exact) = (row(&normal, "absolute"), row(&exact, "absolute"));
    assert!(near(normal.prob_beat.unwrap(), exact.prob_beat.unwrap(), 1e-4));
    assert!(near(normal.conf_low.unwrap(), exact.conf_low.unwrap(), 1e-3));
    assert!(near(normal.expected_loss.unwrap(), exact.expected_loss.unwrap(), 1e-3));
}

#[test]
fn counts_by_unit_and_by_exposure_have_the_posterior_of_their_totals() {
    let y = [2.0, 0.0, 1.0, 3.0, 1.0, 0.0, 2.0, 1.0];
    let hours = [1.5, 0.5, 1.0, 2.0, 1.0, 1.0, 0.5, 0.5];
    let arm = |name: &str, shift: f64| {
        let y: Vec<f64> = y.iter().map(|y| y + shift).collect();
        Arm::new(name, &[("y", &y), ("hours", &hours)])
    };
    let sample = sample(&[arm("control", 0.0), arm("treatment", 1.0)]);
    for (summary, exposure) in [(mean_of("y"), 8.0), (ratio_of("y", "hours"), 8.0)] {
        let rows = run("gamma_poisson", &effect(summary, "treatment", "control"), &Design::default(), &sample);
        let rates = TwoRates::new(Rate::gamma(18.5, exposure).unwrap(), Rate::gamma(10.5, exposure).unwrap()).unwrap();
        let difference = rates.effect(Comparison::Difference).unwrap();
        let absolute = row(&rows, "absolute");
        assert_eq!(absolute.estimate, Some(1.0));
        assert!(near(absolute.prob_beat.unwrap(), difference.sf(0.0), 1e-13));
    }
}

#[test]
fn what_is_no_count_has_no_posterior_and_says_why() {
    let note = |y: &[f64], hours: &[f64]| {
        let arm = |name: &str| Arm::new(name, &[("y", y), ("hours", hours)]);
        let sample = sample(&[arm("control"), arm("treatment")]);
        let question = effect(ratio_of("y", "hours"), "treatment", "control");
        let rows = run("gamma_poisson", &question, &Design::default(), &sample);
        let relative = row(&rows, "relative").clone();
        assert_eq!((relative.estimate, relative.prob_beat), (None, None));
        relative.notes.unwrap()
    };
    assert_eq!(
        note(&[0.5, 1.0], &[1.0, 1.0]),
        "The outcomes of arm `control` sum to 1.5, which is no count; a rate of events needs whole numbers."
    );
    assert_eq!(
        note(&[-2.0, 1.0], &[1.0, 1.0]),
        "The outcomes of arm `control` sum to -1, which is no count; a rate of events needs whole numbers."
    );
    assert_eq!(note(&[2.0, 1.0], &[0.0, 0.0]), "The exposure of arm `control` sums to 0; a rate needs a positive one.");
}

#[test]
fn counts_that_vary_more_than_poisson_counts_are_pointed_out() {
    let y: Vec<f64> = (0..200).map(|unit| if unit % 10 == 0 { 20.0 } else { 0.0 }).collect();
    let sample = sample(&[Arm::new("control", &[("y", &y)]), Arm::new("treatment", &[("y", &y)])]);
    let rows = run("gamma_poisson", &effect(mean_of("y"), "treatment", "control"), &Design::default(), &sample);
    let notes = row(&rows, "absolute").notes.clone().unwrap();
    let expected = "Counts of arm `control` vary 18.1 times as much as Poisson counts do: intervals are too narrow, and `bayes` takes the variance from the data.";
    assert!(notes.starts_with(expected), "{notes}");
}

#[test]
fn a_prior_that_is_none_is_refused_with_its_forms() {
    for text in ["gauss", "normal:0", "normal:0:-1", "t:0:1:0.1", "mixture", "mixture:1:0", "normal:0:nan", "flat:1"] {
        let refusal = text.parse::<Prior>().unwrap_err().to_string();
        assert_eq!(refusal, format!("`{text}` is no prior; expected {}", Prior::FORMS));
        let estimator = estimand_stats::estimator::by_name("bayes").unwrap();
        let question = effect(mean_of("y"), "treatment", "control");
        let refusal = estimator.requires(&question, &design(&[], &[("prior", text)])).unwrap_err().to_string();
        assert_eq!(refusal, format!("estimator `bayes`: option `prior` cannot be `{text}`; {}", Prior::FORMS));
    }
}

#[test]
fn a_posterior_that_does_not_exist_says_why() {
    let question = effect(mean_of("y"), "treatment", "control");
    let answer = |prior: &str, arms: &[(&str, u64, f64, f64)]| {
        let rows = run("bayes", &question, &design(&[], &[("prior", prior)]), &summary(arms));
        let cells = |scale: &str| (row(&rows, scale).estimate, row(&rows, scale).notes.clone().unwrap_or_default());
        (cells("absolute"), cells("relative"))
    };
    let constant = answer("flat", &[("control", 9, 2.0, 0.0), ("treatment", 9, 3.0, 0.0)]);
    let note = "The estimated variance is zero, so there is no posterior.";
    assert_eq!(constant, ((None, note.to_owned()), (None, note.to_owned())));
    let zero = answer("normal:0:0.3", &[("control", 90, 0.0, 1.0), ("treatment", 90, 0.1, 1.0)]);
    let no_scale = "The baseline mean is zero, so a prior for the relative effect says nothing of the absolute one.";
    let no_lift = "The baseline mean is zero, so there is no relative effect.";
    assert_eq!(zero, ((None, no_scale.to_owned()), (None, no_lift.to_owned())));
    let (few, _) = answer("flat", &[("control", 5, 2.0, 1.0), ("treatment", 5, 3.0, 1.0)]);
    assert_eq!(few.1, "The standard error is taken as known, but has 8.0 degrees of freedom: too narrow.");
    let (_, weak) = answer("flat", &[("control", 50, 0.1, 1.0), ("treatment", 50, 3.0, 1.0)]);
    assert_eq!(weak.1, "The baseline mean is not distinguishable from zero, so the lift is not near normal.");
}

#[test]
fn on_a_negative_baseline_a_fall_of_the_lift_is_a_rise() {
    let question = effect(mean_of("y"), "treatment", "control");
    let sample = summary(&[("control", 400, -10.0, 4.0), ("treatment", 400, -9.7, 4.0)]);
    let rows = run("bayes", &question, &Design::default(), &sample);
    let (absolute, relative) = (row(&rows, "absolute"), row(&rows, "relative"));
    assert!(absolute.estimate > Some(0.0) && relative.estimate < Some(0.0));
    assert!(absolute.prob_beat > Some(0.9) && relative.prob_beat > Some(0.9));
}

#[test]
fn a_mixture_of_one_normal_is_that_normal_and_a_wide_prior_is_flat() {
    let question = effect(mean_of("y"), "treatment", "control");
    let sample = summary(&[("control", 400, 10.0, 4.0), ("treatment", 400, 10.3, 4.0)]);
    let answer = |prior: &str| run("bayes", &question, &design(&[], &[("prior", prior)]), &sample);
    let alike = |one: &Estimates, other: &Estimates, rtol: f64| {
        for (one, other) in one.rows.iter().zip(&other.rows) {
            for (one, other) in [
                (one.estimate, other.estimate),
                (one.std_error, other.std_error),
                (one.conf_low, other.conf_low),
                (one.prob_beat, other.prob_beat),
                (one.expected_loss, other.expected_loss),
            ] {
                assert!(near(one.unwrap(), other.unwrap(), rtol), "{one:?} and {other:?}");
            }
        }
    };
    alike(&answer("mixture:2:0:0.3"), &answer("normal:0:0.3"), 1e-12);
    alike(&answer("normal:5:1e9"), &answer("flat"), 1e-9);
    alike(&answer("t:0:0.3:1e7"), &answer("normal:0:0.3"), 1e-5);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_probability_to_beat_turns_with_the_arms(x in 0_u64..60, y in 0_u64..60) {
        let swapped = Estimand { arm: "control".into(), baseline_arm: "treatment".into(), ..share_question() };
        let sample = shares((x, 60), (y, 60));
        let one = run("beta_binomial", &share_question(), &Design::default(), &sample);
        let other = run("beta_binomial", &swapped, &Design::default(), &sample);
        for (one, other) in [(row(&one, "absolute"), row(&other, "absolute")), (one.rows.last().unwrap(), other.rows.last().unwrap())] {
            prop_assert!((one.prob_beat.unwrap() + other.prob_beat.unwrap() - 1.0).abs() < 1e-12);
        }
        let (one, other) = (row(&one, "absolute"), row(&other, "absolute"));
        prop_assert!(near(one.expected_loss.unwrap(), other.expected_loss_baseline.unwrap(), 1e-10));
        prop_assert!((one.conf_low.unwrap() + other.conf_high.unwrap()).abs() < 1e-10);
    }

    #[test]
    fn a_prior_pulls_towards_its_mean_and_narrows(estimate in -3.0..3.0_f64, sd in 0.1..5.0_f64) {
        for prior in [Prior::Normal { mean: 0.5, sd }, Prior::StudentT { mean: 0.5, scale: sd, df: 4.0 }] {
            let posterior = prior.posterior(estimate, 1.0).unwrap();
            let mean = posterior.mean().unwrap();
            prop_assert!((mean - 0.5) * (mean - estimate) <= 1e-12, "{mean}");
            if matches!(prior, Prior::Normal { .. }) {
                prop_assert!(posterior.sd().unwrap() < 1.0);
            }
        }
    }

    #[test]
    fn a_posterior_of_two_halves_is_that_of_the_whole(halves in prop::array::uniform2(-2.0..2.0_f64), weight in 0.1..0.9_f64) {
        let part = |weight, sd| Component { weight, mean: 0.0, sd };
        let prior = NormalMixture::new([part(weight, 0.2), part(1.0 - weight, 2.0)]).unwrap();
        let stepwise = prior.update(halves[0], 1.0).and_then(|prior| prior.update(halves[1], 1.0)).unwrap();
        let whole = prior.update((halves[0] + halves[1]) / 2.0, 0.5_f64.sqrt()).unwrap();
        for x in [-1.0, 0.0, 0.5] {
            prop_assert!((stepwise.cdf(x) - whole.cdf(x)).abs() < 1e-13);
        }
    }

    #[test]
    fn priors_are_read_as_they_are_written(mean in -1e3..1e3_f64, sd in 1e-6..1e6_f64, df in 0.5..1e3_f64, weight in 0.01..0.99_f64) {
        let part = |weight, sd| Component { weight, mean, sd };
        let mixture = NormalMixture::new([part(weight, sd), part(1.0 - weight, 2.0 * sd)]).unwrap();
        for prior in [Prior::Flat, Prior::Normal { mean, sd }, Prior::StudentT { mean, scale: sd, df }] {
            prop_assert_eq!(prior.to_string().parse::<Prior>(), Ok(prior));
        }
        let read: Prior = Prior::Mixture(mixture.clone()).to_string().parse().unwrap();
        for (read, written) in read.mixture().unwrap().components().iter().zip(mixture.components()) {
            prop_assert!(near(read.weight, written.weight, 1e-15) && read.sd == written.sd);
        }
    }
}

/// How many draws of the truth a calibration makes; the environment variable asks for more than the quick setting.
fn draws() -> u64 {
    std::env::var("ESTIMAND_CALIBRATION_REPLICATES").ok().and_then(|text| text.parse().ok()).unwrap_or(2_000)
}

/// A standard normal number, by the polar method.
fn normal(random: &mut impl Rng) -> f64 {
    loop {
        let (u, v) = (2.0 * random.random::<f64>() - 1.0, 2.0 * random.random::<f64>() - 1.0);
        let s: f64 = u * u + v * v;
        if s > 0.0 && s < 1.0 {
            return u * (-2.0 * s.ln() / s).sqrt();
        }
    }
}

/// Ranks of the truth in its posterior must be uniform when the truth is drawn from the prior: 20 bins, chi-square with
/// 19 degrees of freedom below its 99.9 % point.
fn assert_uniform(what: &str, ranks: &[f64]) {
    let mut bins = [0.0_f64; 20];
    for rank in ranks {
        bins[((rank * 20.0) as usize).min(19)] += 1.0;
    }
    let expected = ranks.len() as f64 / 20.0;
    let statistic: f64 = bins.iter().map(|count| (count - expected).powi(2) / expected).sum();
    assert!(statistic < 43.82, "{what}: {statistic} of {bins:?}");
}

// Source: Talts et al. (2018), simulation-based calibration.
#[test]
fn the_truth_ranks_uniformly_in_its_posterior() {
    let mut random = ChaCha8Rng::seed_from_u64(11);
    let priors = [
        Prior::Normal { mean: 0.02, sd: 0.05 },
        Prior::StudentT { mean: 0.0, scale: 0.03, df: 3.0 },
        "mixture:0.8:0:0.01:0.2:0.05:0.1".parse().unwrap(),
    ];
    for prior in &priors {
        let draw = |random: &mut ChaCha8Rng| match prior {
            Prior::Normal { mean, sd } => mean + sd * normal(random),
            Prior::StudentT { scale, .. } => {
                let square: f64 = (0..3).map(|_| normal(random).powi(2)).sum();
                scale * normal(random) / (square / 3.0).sqrt()
            }
            _ if random.random::<f64>() < 0.8 => 0.01 * normal(random),
            _ => 0.05 + 0.1 * normal(random),
        };
        let (mut ranks, mut covered) = (Vec::new(), 0_u32);
        for _ in 0..draws() / 2 {
            let truth = draw(&mut random);
            let std_error = 0.02 + 0.03 * random.random::<f64>();
            let posterior = prior.posterior(truth + std_error * normal(&mut random), std_error).unwrap();
            ranks.push(posterior.cdf(truth));
            let interval = Credible::HighestDensity.interval(&posterior, 0.9, Alternative::TwoSided).unwrap();
            covered += u32::from(!interval.excludes(truth));
        }
        assert_uniform(&prior.to_string(), &ranks);
        let (rate, n) = (f64::from(covered) / ranks.len() as f64, ranks.len() as f64);
        assert!((rate - 0.9).abs() < 3.3 * (0.09 / n).sqrt(), "{prior}: {rate}");
    }
}

/// A gamma number with a whole shape: a sum of exponentials.
fn gamma(random: &mut impl Rng, shape: u32) -> f64 {
    (0..shape).map(|_| -(1.0 - random.random::<f64>()).ln()).sum()
}

#[test]
fn shares_and_rates_drawn_from_their_priors_are_covered() {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let draws = draws() / 16;
    let mut ranks: [Vec<f64>; 4] = Default::default();
    let mut covered = 0_u32;
    for _ in 0..draws {
        // Two shares from Beta(2, 6), 40 and 60 units; two rates from Gamma(3, 2), 5 and 8 hours.
        let mut share = || {
            let (a, b) = (gamma(&mut random, 2), gamma(&mut random, 6));
            a / (a + b)
        };
        let truth = [share(), share()];
        let mut successes = |p: f64, n: u64| (0..n).filter(|_| random.random::<f64>() < p).count() as u64;
        let sample = shares((successes(truth[1], 40), 40), (successes(truth[0], 60), 60));
        let design = design(&[], &[("prior_alpha", "2"), ("prior_beta", "6"), ("interval", "equal_tailed")]);
        let rows = run("beta_binomial", &share_question(), &design, &sample);
        let absolute = row(&rows, "absolute");
        let difference = truth[0] - truth[1];
        covered += u32::from(absolute.conf_low < Some(difference) && Some(difference) < absolute.conf_high);
        let counts = |arm: usize| {
            let (n, p) = (sample.arms[arm].units as f64, sample.arms[arm].comoments[0].1.as_ref().unwrap().mean(0));
            Rate::beta(2.0 + (n * p).round(), 6.0 + n - (n * p).round()).unwrap()
        };
        let rates = TwoRates::new(counts(1), counts(0)).unwrap();
        ranks[0].push(rates.effect(Comparison::Difference).unwrap().cdf(difference));
        ranks[1].push(rates.effect(Comparison::Lift).unwrap().cdf(truth[0] / truth[1] - 1.0));
        let odds = |p: f64| p / (1.0 - p);
        ranks[2].push(rates.effect(Comparison::OddsRatio).unwrap().cdf(odds(truth[0]) / odds(truth[1])));
        let rate = |random: &mut ChaCha8Rng, hours: f64| {
            let truth = gamma(random, 3) / 2.0;
            let (mut events, mut time) = (0.0, 0.0);
            loop {
                time += gamma(random, 1) / truth;
                if time > hours {
                    return (truth, Rate::gamma(3.0 + events, 2.0 + hours).unwrap());
                }
                events += 1.0;
            }
        };
        let ((one, of_one), (other, of_other)) = (rate(&mut random, 8.0), rate(&mut random, 5.0));
        let rates = TwoRates::new(of_one, of_other).unwrap();
        ranks[3].push(rates.effect(Comparison::Difference).unwrap().cdf(one - other));
    }
    for (what, ranks) in ["difference", "lift", "odds ratio", "rates"].into_iter().zip(&ranks) {
        assert_uniform(what, ranks);
    }
    let (rate, n) = (f64::from(covered) / draws as f64, draws as f64);
    assert!((rate - 0.95).abs() < 3.3 * (0.95 * 0.05 / n).sqrt(), "{rate}");
}
