//! Confidence sequences of means, shares, ratios and lifts: what they promise at every look, and what they refuse.

use estimand_stats::contrast::{Boundary, Test};
use estimand_stats::dist::Alternative;
use estimand_stats::estimand::{Direction, Hypothesis};
use estimand_stats::sequential::{EventSplit, Look};
use estimand_stats::suffstat::CoMoments;
use estimand_stats::{ArmSample, Design, Error, Estimand, Estimate, Estimates, Sample, estimator};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::calibration::{normal, replications};
use crate::samples::{Arm, design, effect, mean_of, proportion_of, ratio_of, row, run, sample, summary};

fn question() -> Estimand {
    effect(mean_of("y"), "treatment", "control")
}

fn sequence(question: &Estimand, options: &[(&str, &str)], sample: &Sample) -> Estimates {
    run("confidence_sequence", question, &design(&[], options), sample)
}

/// Two arms of 4,000 and 3,000 units.
fn two_arms(lift: f64) -> Sample {
    summary(&[("control", 4_000, 10.0, 9.0), ("treatment", 3_000, 10.0 * (1.0 + lift), 16.0)])
}

#[test]
fn before_the_first_look_there_is_an_estimate_and_nothing_to_decide_on() {
    let few = summary(&[("control", 400, 10.0, 9.0), ("treatment", 99, 12.0, 16.0)]);
    for scale in ["absolute", "relative"] {
        let rows = sequence(&question(), &[], &few);
        let row = row(&rows, scale);
        assert!(row.estimate.is_some() && row.std_error.is_some());
        assert_eq!((row.conf_low, row.conf_high, row.p_value, row.statistic), (None, None, None, None));
        assert_eq!(
            row.notes.as_deref(),
            Some(
                "Arm `treatment` has 99 of the 100 units before the first look. \
                 There is no boundary at this look, so a test and an interval are undefined."
            )
        );
    }
    let rows = sequence(&question(), &[("min_units", "50")], &few);
    let absolute = row(&rows, "absolute");
    assert!(absolute.p_value.is_some() && absolute.conf_low.is_some());
    assert_eq!(absolute.notes.as_deref(), Some("Valid at every look, however often and whenever the experiment ends."));
    assert_eq!(
        absolute.options.as_deref(),
        Some(
            "covariates=columns,lift=fieller,lift_over=adjusted,method=asymptotic,min_units=50,mixing_variance=0,\
             planned_units=5000,slope=per_arm"
        )
    );
}

#[test]
fn a_mixture_over_effects_of_no_stated_size_is_refused() {
    let estimator = estimator::by_name("confidence_sequence").unwrap();
    let refusal = |options: &[(&str, &str)]| {
        let design = design(&[], options);
        let refused = estimator.requires(&question(), &design).unwrap_err();
        assert_eq!(estimator.estimate(&question(), &design, &two_arms(0.1)).unwrap_err(), refused);
        refused.to_string()
    };
    assert_eq!(
        refusal(&[("method", "msprt")]),
        "estimator `confidence_sequence`: option `method` cannot be `msprt`; with `mixing_variance`, the square of an \
         effect that is likely, in the unit of the metric"
    );
    assert_eq!(
        refusal(&[("planned_units", "0")]),
        "estimator `confidence_sequence`: option `planned_units` cannot be `0`; a number from 1 to 1000000000000000"
    );
    assert_eq!(
        refusal(&[("min_units", "1")]),
        "estimator `confidence_sequence`: option `min_units` cannot be `1`; a number from 2 to 1000000000000000"
    );
    let ratio = effect(ratio_of("y", "d"), "treatment", "control");
    let earlier = estimator.requires(&ratio, &design(&["x"], &[("covariates", "ratio")])).unwrap_err();
    assert!(matches!(earlier, Error::InvalidOption { ref value, .. } if value == "ratio"), "{earlier}");
}

#[test]
fn without_variance_there_is_no_sequence() {
    for method in [&[][..], &[("method", "msprt"), ("mixing_variance", "0.1")]] {
        let constant = summary(&[("control", 4_000, 10.0, 0.0), ("treatment", 3_000, 11.0, 0.0)]);
        let rows = sequence(&question(), method, &constant);
        let row = row(&rows, "absolute");
        assert_eq!((row.estimate, row.std_error, row.p_value, row.conf_low), (Some(1.0), Some(0.0), None, None));
        let note = "The estimated variance is zero, so a test and an interval are undefined.";
        assert!(row.notes.as_deref().unwrap().ends_with(note), "{:?}", row.notes);
    }
}

#[test]
fn an_empty_arm_is_named() {
    let empty = sample(&[Arm::new("control", &[("y", &[1.0, 2.0])]), Arm::new("treatment", &[("y", &[])])]);
    let rows = sequence(&question(), &[("min_units", "2")], &empty);
    let row = row(&rows, "absolute");
    assert_eq!((row.estimate, row.p_value, row.n), (None, None, Some(0)));
    assert!(row.notes.as_deref().unwrap().contains("Arm `treatment` has no units with a value."), "{:?}", row.notes);
}

/// The model's own row, and that of the sequence.
fn beside(model: &str, question: &Estimand, design: &Design, sample: &Sample) -> [Estimate; 2] {
    ["confidence_sequence", model].map(|name| row(&run(name, question, design, sample), "absolute").clone())
}

#[test]
fn the_sequence_stands_around_the_estimate_of_each_model() {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut arm = |name: &str, n: usize| {
        let mut columns = [const { Vec::new() }; 4];
        for _ in 0..n {
            let x: f64 = random.random();
            let count = 1.0 + (4.0 * random.random::<f64>()).floor();
            let values = [x + random.random::<f64>(), f64::from(u8::from(random.random::<f64>() < 0.4)), count, x];
            columns.iter_mut().zip(values).for_each(|(column, value)| column.push(value));
        }
        let [y, share, count, x] = &columns;
        Arm::new(name, &[("y", y), ("share", share), ("count", count), ("x", x)])
    };
    let sample = sample(&[arm("control", 300), arm("treatment", 200)]);
    let critical =
        Look::Units { seen: 500.0, planned: 5000.0 }.critical(Test::of(Alternative::TwoSided, 0.05)).unwrap();
    let ask = |summary| effect(summary, "treatment", "control");
    for (model, question, covariates) in [
        ("difference_in_means", ask(mean_of("y")), &[][..]),
        ("difference_in_means", ask(proportion_of("share")), &[]),
        ("regression_adjustment", ask(mean_of("y")), &["x"]),
        ("ratio", ask(ratio_of("y", "count")), &[]),
        ("ratio", ask(ratio_of("y", "count")), &["x"]),
    ] {
        let [sequence, model] = beside(model, &question, &design(covariates, &[]), &sample);
        let near = |a: Option<f64>, b: f64| assert!((a.unwrap() - b).abs() <= 1e-12 * b.abs(), "{a:?} {b}");
        near(sequence.estimate, model.estimate.unwrap());
        near(sequence.std_error, model.std_error.unwrap());
        near(sequence.statistic, model.statistic.unwrap());
        near(sequence.conf_low, model.estimate.unwrap() - critical * model.std_error.unwrap());
        near(sequence.conf_high, model.estimate.unwrap() + critical * model.std_error.unwrap());
        assert_eq!(sequence.df, None);
        assert!(critical > 2.7 && sequence.p_value > model.p_value);
    }
}

#[test]
fn the_mixture_over_effects_is_johari_s() {
    let sample = two_arms(0.02);
    let rows = sequence(&question(), &[("method", "msprt"), ("mixing_variance", "0.01")], &sample);
    let absolute = row(&rows, "absolute");
    // √(V/(V+τ²))·exp(τ²θ̂²/(2V(V+τ²))), with V the squared standard error.
    let (effect, variance) = (0.2, 9.0 / 4_000.0 + 16.0 / 3_000.0);
    let ratio: f64 = (variance / (variance + 0.01_f64)).sqrt();
    let evidence = ratio * (0.01 * effect * effect / (2.0 * variance * (variance + 0.01))).exp();
    assert!((absolute.p_value.unwrap() * evidence - 1.0).abs() < 1e-12);
    assert!((absolute.log10_p.unwrap() + evidence.log10()).abs() < 1e-12);
    assert!((absolute.log10_e.unwrap() - evidence.log10()).abs() < 1e-12);
}

#[test]
fn one_sided_sequences_are_narrower_and_open() {
    let ask = |hypothesis| Estimand { hypothesis, ..question() };
    let rows = |hypothesis| sequence(&ask(hypothesis), &[], &two_arms(0.02));
    let (both, above, below) = (rows(Hypothesis::TwoSided), rows(Hypothesis::Greater), rows(Hypothesis::Less));
    let [both, above, below] = [&both, &above, &below].map(|rows| row(rows, "absolute"));
    assert!(above.conf_low > both.conf_low && above.conf_high.is_none() && below.conf_low.is_none());
    assert!(above.p_value < both.p_value && below.p_value == Some(1.0));
}

#[test]
fn a_guardrail_has_a_bound_that_agrees_with_its_test() {
    for (lift, direction) in [(0.0, Direction::Higher), (-0.09, Direction::Higher), (0.09, Direction::Lower)] {
        let estimand = Estimand { hypothesis: Hypothesis::NonInferiority { margin: 0.05 }, direction, ..question() };
        let rows = sequence(&estimand, &[], &two_arms(lift));
        let margin = rows.rows.iter().find(|row| row.margin.is_some()).unwrap();
        let inside = match direction {
            Direction::Higher => margin.conf_low.unwrap() > -0.05,
            Direction::Lower => margin.conf_high.unwrap() < 0.05,
        };
        assert_eq!(inside, margin.p_value.unwrap() < 0.025);
        assert_eq!(inside, lift == 0.0);
    }
}

proptest! {
    #[test]
    fn the_set_of_lifts_excludes_zero_exactly_when_the_test_rejects(lift in -0.1..0.1_f64, noise in 1.0..400.0_f64, planned in 10.0..1e6_f64) {
        let sample = summary(&[("control", 4_000, 10.0, noise), ("treatment", 3_000, 10.0 * (1.0 + lift), 2.0 * noise)]);
        for options in [
            &[("planned_units", planned.to_string())][..],
            &[("method", "msprt".to_owned()), ("mixing_variance", (planned * 1e-5).to_string())],
        ] {
            for hypothesis in [Hypothesis::TwoSided, Hypothesis::Greater, Hypothesis::Less] {
                let options: Vec<(&str, &str)> = options.iter().map(|(name, value)| (*name, value.as_str())).collect();
                let rows = sequence(&Estimand { hypothesis, ..question() }, &options, &sample);
                for scale in ["absolute", "relative"] {
                    let row = row(&rows, scale);
                    let excludes = row.conf_low.is_some_and(|low| low > 0.0) || row.conf_high.is_some_and(|high| high < 0.0);
                    prop_assert_eq!(excludes, row.p_value.unwrap() < 0.05, "{:?}", row);
                }
            }
        }
    }

    #[test]
    fn changing_the_arms_over_mirrors_the_sequence(lift in -0.3..0.3_f64, noise in 1.0..100.0_f64) {
        let sample = summary(&[("control", 700, 10.0, noise), ("treatment", 300, 10.0 * (1.0 + lift), 2.0 * noise)]);
        let swapped = Estimand { arm: "control".into(), baseline_arm: "treatment".into(), ..question() };
        let (one, other) = (sequence(&question(), &[], &sample), sequence(&swapped, &[], &sample));
        let (one, other) = (row(&one, "absolute"), row(&other, "absolute"));
        prop_assert_eq!(one.conf_low.map(|low| -low), other.conf_high);
        prop_assert_eq!(one.p_value, other.p_value);
    }
}

/// Moments of one arm as its units come in.
#[derive(Default)]
struct Running {
    n: u64,
    mean: f64,
    square: f64,
}

impl Running {
    fn push(&mut self, value: f64) {
        self.n += 1;
        let step = value - self.mean;
        self.mean += step / self.n as f64;
        self.square += step * (value - self.mean);
    }

    fn sample(&self, name: &str) -> ArmSample {
        let variance = self.square / (self.n - 1) as f64;
        let moments = CoMoments::from_summary(self.n, &[self.mean], &[vec![variance]]).expect("possible moments");
        ArmSample {
            arm: name.to_owned(),
            units: self.n,
            comoments: vec![(vec!["y".to_owned()], Some(moments))],
            ..ArmSample::default()
        }
    }
}

/// What happened in the looks of many experiments.
struct Peeking {
    /// Share in which the fixed test rejected at some look.
    fixed: f64,
    /// Share in which the sequence excluded the truth at some look, by scale.
    missed: [f64; 2],
    replications: u32,
}

/// Looks at many experiments after each of 40 batches: `draw` gives an outcome by arm, `truth` the effects by scale.
fn peek(options: &[(&str, &str)], draw: impl Fn(&mut ChaCha8Rng, bool) -> f64, truth: [f64; 2]) -> Peeking {
    let replications = replications(300);
    let (mut fixed, mut missed) = (0_u32, [0_u32; 2]);
    for seed in 0..replications {
        let mut random = ChaCha8Rng::seed_from_u64(u64::from(seed));
        let mut arms = [Running::default(), Running::default()];
        let (mut fixed_now, mut missed_now) = (false, [false; 2]);
        for _ in 0..40 {
            for (at, arm) in arms.iter_mut().enumerate() {
                (0..100).for_each(|_| arm.push(draw(&mut random, at == 1)));
            }
            let sample = Sample { arms: vec![arms[0].sample("control"), arms[1].sample("treatment")] };
            let rows = run("difference_in_means", &question(), &Design::default(), &sample);
            let outside = |row: &Estimate, truth: f64| {
                row.conf_low.is_some_and(|low| low > truth) || row.conf_high.is_some_and(|high| high < truth)
            };
            fixed_now |= outside(row(&rows, "absolute"), truth[0]);
            let rows = sequence(&question(), options, &sample);
            for (at, scale) in ["absolute", "relative"].into_iter().enumerate() {
                missed_now[at] |= outside(row(&rows, scale), truth[at]);
            }
        }
        fixed += u32::from(fixed_now);
        missed.iter_mut().zip(missed_now).for_each(|(count, now)| *count += u32::from(now));
    }
    let share = |count: u32| f64::from(count) / f64::from(replications);
    Peeking { fixed: share(fixed), missed: missed.map(share), replications }
}

impl Peeking {
    /// The sequence misses at most once in twenty, with three standard errors; the fixed test far more often.
    fn assert_valid(&self, what: &str) {
        let allowed = 0.05 + 3.0 * (0.05_f64 * 0.95 / f64::from(self.replications)).sqrt();
        println!("{what}: fixed {:.3}, sequence {:?}", self.fixed, self.missed);
        assert!(self.missed.iter().all(|missed| *missed <= allowed), "{what}: {:?}", self.missed);
        assert!(self.fixed > 0.15, "{what}: the fixed test under the same looks: {}", self.fixed);
    }
}

fn exponential(random: &mut ChaCha8Rng) -> f64 {
    -(1.0 - random.random::<f64>()).ln()
}

#[test]
fn forty_looks_at_nothing_are_wrong_at_most_once_in_twenty() {
    peek(&[], |random, _| 5.0 + normal(random), [0.0, 0.0]).assert_valid("normal");
}

#[test]
fn forty_looks_at_skewed_outcomes_are_wrong_at_most_once_in_twenty() {
    let spend =
        |random: &mut ChaCha8Rng, _| if random.random::<f64>() < 0.1 { exponential(random).powi(2) } else { 0.0 };
    peek(&[], spend, [0.0, 0.0]).assert_valid("spend of one in ten");
    let share = |random: &mut ChaCha8Rng, _| f64::from(u8::from(random.random::<f64>() < 0.05));
    peek(&[], share, [0.0, 0.0]).assert_valid("share of one in twenty");
}

#[test]
fn forty_looks_cover_the_effect_and_the_lift() {
    let unit = |random: &mut ChaCha8Rng, treated| (1.0 + 0.2 * f64::from(u8::from(treated))) * exponential(random);
    peek(&[], unit, [0.2, 0.2]).assert_valid("exponential, lift 20 %");
    peek(&[("method", "msprt"), ("mixing_variance", "0.01")], unit, [0.2, 0.2]).assert_valid("exponential, mSPRT");
}

/// Two arms with these successes among these units.
fn shares(control: (u64, u64), treatment: (u64, u64)) -> Sample {
    let arm = |name: &'static str, (successes, n): (u64, u64)| {
        let share = successes as f64 / n as f64;
        (name, n, share, share * (1.0 - share) * n as f64 / (n - 1) as f64)
    };
    summary(&[arm("control", control), arm("treatment", treatment)])
}

fn exact(hypothesis: Hypothesis, options: &[(&str, &str)], sample: &Sample) -> Estimates {
    let question = Estimand { hypothesis, ..effect(proportion_of("y"), "treatment", "control") };
    run("confidence_sequence_exact", &question, &design(&[], options), sample)
}

#[test]
fn the_exact_sequence_is_the_split_of_the_successes() {
    let sample = shares((300, 6_000), (420, 6_100));
    let rows = exact(Hypothesis::TwoSided, &[], &sample);
    let split = EventSplit::tuned(0.5, 1000.0, 0.05).unwrap();
    let (ends, evidence) = (split.interval(420, 300, 0.05).unwrap(), split.e_value(420, 300, 1.0).unwrap());
    let relative = row(&rows, "relative");
    assert!((relative.estimate.unwrap() - 0.4).abs() < 1e-15);
    for (got, end) in [(relative.conf_low, ends.low), (relative.conf_high, ends.high)] {
        assert!((got.unwrap() - (end.unwrap() - 1.0)).abs() < 1e-12);
    }
    let absolute = row(&rows, "absolute");
    assert!((absolute.p_value.unwrap() / evidence.p_value().p - 1.0).abs() < 1e-12);
    assert_eq!((absolute.p_value, absolute.log10_p), (relative.p_value, relative.log10_p));
    assert_eq!((absolute.conf_low, absolute.conf_high), (None, None));
    assert_eq!(
        absolute.notes.as_deref(),
        Some(
            "Exact at every look, from the arm of each success and the planned allocation. The exact sequence is of \
             the lift, so the difference has no interval."
        )
    );
    // The other side has nothing to say, and one side errs no more often than both.
    let (above, below) = (exact(Hypothesis::Greater, &[], &sample), exact(Hypothesis::Less, &[], &sample));
    assert_eq!(row(&above, "relative").p_value, relative.p_value);
    assert_eq!((row(&above, "relative").conf_low, row(&above, "relative").conf_high), (relative.conf_low, None));
    assert_eq!(row(&below, "relative").p_value, Some(1.0));
    assert!((relative.log10_e.unwrap() - evidence.log10()).abs() < 1e-12);
    assert_eq!((row(&above, "relative").log10_e, row(&below, "relative").log10_e), (None, None));
}

#[test]
fn an_allocation_that_the_units_do_not_have_leaves_no_exact_test() {
    let sample = shares((300, 6_000), (105, 2_000));
    let rows = exact(Hypothesis::TwoSided, &[], &sample);
    let relative = row(&rows, "relative");
    assert_eq!((relative.p_value, relative.conf_low, relative.conf_high), (None, None, None));
    let note = "The units per arm do not match `allocation`, so the arm of a success says nothing: there is no test.";
    assert_eq!(relative.notes.as_deref(), Some(note));
    let rows = exact(Hypothesis::TwoSided, &[("allocation", "0.25")], &sample);
    assert!((row(&rows, "relative").estimate.unwrap() - 0.05).abs() < 1e-15);
    assert_eq!(row(&rows, "relative").p_value, Some(1.0));
}

#[test]
fn an_exact_guardrail_has_a_bound_that_agrees_with_its_test() {
    for treated in [2_000, 2_150, 2_300] {
        let hypothesis = Hypothesis::NonInferiority { margin: 0.1 };
        let rows = exact(hypothesis, &[("planned_successes", "4000")], &shares((2_100, 9_000), (treated, 9_000)));
        let margin = rows.rows.iter().find(|row| row.margin.is_some()).unwrap();
        assert_eq!(margin.conf_low.unwrap() > -0.1, margin.p_value.unwrap() < 0.025);
    }
}

#[test]
fn without_successes_there_is_nothing_exact_to_say() {
    let rows = exact(Hypothesis::TwoSided, &[], &shares((0, 500), (0, 500)));
    assert_eq!(row(&rows, "absolute").p_value, Some(1.0));
    let relative = row(&rows, "relative");
    assert_eq!((relative.estimate, relative.p_value), (None, None));
    assert_eq!(relative.notes.as_deref(), Some("The baseline share is zero, so there is no relative effect."));
}

#[test]
fn looks_at_a_handful_of_successes_are_wrong_at_most_once_in_twenty() {
    let replications = replications(300);
    for (lift, level) in [(0.0, 0.02), (0.5, 0.2)] {
        let mut missed = 0_u32;
        for seed in 0..replications {
            let mut random = ChaCha8Rng::seed_from_u64(u64::from(seed));
            let mut arms = [(0, 2_u64), (0, 2_u64)];
            missed += u32::from((0..40).any(|_| {
                for _ in 0..25 {
                    let treated = random.random::<f64>() < 0.5;
                    let chance = if treated { level * (1.0 + lift) } else { level };
                    let arm = &mut arms[usize::from(treated)];
                    arm.0 += u64::from(random.random::<f64>() < chance);
                    arm.1 += 1;
                }
                let rows = exact(Hypothesis::TwoSided, &[("planned_successes", "50")], &shares(arms[0], arms[1]));
                let row = row(&rows, "relative");
                row.conf_low.is_some_and(|low| low > lift) || row.conf_high.is_some_and(|high| high < lift)
            }));
        }
        let rate = f64::from(missed) / f64::from(replications);
        let allowed = 0.05 + 3.0 * (0.05_f64 * 0.95 / f64::from(replications)).sqrt();
        assert!(rate <= allowed, "lift {lift}: {rate}");
    }
}
