//! Laws of planning: what must hold of every plan, and what is refused.

use estimand_stats::Error;
use estimand_stats::estimand::{Direction, Hypothesis};
use estimand_stats::multiplicity::Correction;
use estimand_stats::planning::omnibus::{chi_square_power, sample_ratio_units};
use estimand_stats::planning::{
    Adjustment, Assignment, Clusters, Effect, Goal, Look, MeanTest, Monitoring, Multiplicity, Outcome, Plan, Progress,
    ProportionTest, Question, Several, Size, Spread, Traffic,
};
use estimand_stats::suffstat::{CoMoments, Moments};
use proptest::prelude::*;

/// A mean of standard deviation `sd` tested by Student's test, with these weights of the arms.
pub fn student(sd: f64, arms: [f64; 2]) -> Plan {
    Plan {
        assignment: Assignment::Arms(arms.to_vec()),
        ..Plan::new(Outcome::Mean { mean: None, std_dev: sd, spread: Spread::Same, test: MeanTest::Pooled })
    }
}

pub fn share(share: f64, test: ProportionTest, arms: [f64; 2]) -> Plan {
    Plan { assignment: Assignment::Arms(arms.to_vec()), ..Plan::new(Outcome::Proportion { share, test }) }
}

#[test]
fn covariates_clusters_and_shares_of_units_change_sizes_as_they_should() {
    let plain = Plan::new(Outcome::mean(10.0, 20.0));
    let effect = Effect::Relative(0.01);
    let units = |plan: &Plan| plan.units(effect, 0.8).unwrap();
    let adjusted = Plan { adjustment: Adjustment::Explained { r_squared: 0.4, covariates: 1 }, ..plain.clone() };
    assert!((units(&adjusted) / units(&plain) - 0.6).abs() < 1e-4);
    // Slopes that differ by arm have their price in the population: (√.5 − √.3)²/2 on half of the units each.
    let leaning =
        Plan { adjustment: Adjustment::PerArm { baseline: 0.3, treated: 0.5, covariates: 1 }, ..plain.clone() };
    let price = (0.7 + 0.5 + (0.5_f64.sqrt() - 0.3_f64.sqrt()).powi(2) / 2.0) / 2.0;
    assert!((units(&leaning) / units(&plain) - price).abs() < 1e-4, "{}", units(&leaning) / units(&plain));
    let clusters = Clusters { size: 50.0, correlation: 0.02, size_variation: 0.6 };
    assert!((clusters.design_effect() - (1.0 + (1.36 * 50.0 - 1.0) * 0.02)).abs() < 1e-12);
    let clustered = Plan { clusters: Some(clusters), ..plain.clone() };
    assert!((units(&clustered) / units(&plain) / clusters.design_effect() - 1.0).abs() < 1e-3);
    let tenth = Plan { assignment: Assignment::Arms(vec![9.0, 1.0]), ..plain.clone() };
    assert!((units(&tenth) / units(&plain) - 1.0 / (4.0 * 0.9 * 0.1)).abs() < 1e-3);
    // With a baseline for three treatments, √3 times their size is best.
    let even = Plan { assignment: Assignment::Arms(vec![1.0; 4]), ..plain.clone() };
    let best = Plan { assignment: Assignment::best(1.0, &[1.0; 3]), ..plain };
    assert!(units(&best) < 0.95 * units(&even));
}

#[test]
fn where_a_method_takes_over_from_another_the_powers_meet() {
    // From 20,000 degrees of freedom per arm on, the share of the variance is taken as its mean.
    let outcome = Outcome::Mean { mean: None, std_dev: 1.0, spread: Spread::Given(1.5), test: MeanTest::Welch };
    let power = |units: f64| {
        Plan::new(outcome.clone()).power(units, Effect::Absolute(0.03 * (40_000.0 / units).sqrt())).unwrap()
    };
    assert!((power(39_998.0) - power(40_006.0)).abs() < 1e-8, "{}", power(39_998.0) - power(40_006.0));
    // Beyond ten million units per arm counts are no longer enumerated.
    let counted = Plan::new(Outcome::proportion(0.1));
    let power = |units: f64| counted.power(units, Effect::Absolute(3e-4 * (2e7 / units).sqrt())).unwrap();
    assert!((power(2e7) - power(2e7 + 2.0)).abs() < 1e-6, "{}", power(2e7) - power(2e7 + 2.0));
}

#[test]
fn history_becomes_a_plan() {
    let y = [1.0, 4.0, 2.0, 8.0, 5.0, 7.0];
    let x = [0.0, 2.0, 1.0, 4.0, 3.0, 3.0];
    let d = [1.0, 2.0, 1.0, 3.0, 2.0, 3.0];
    let adjustment = Adjustment::of_history(&CoMoments::of(&[&y, &x]).unwrap()).unwrap();
    let Adjustment::Explained { r_squared, covariates: 1 } = adjustment else { panic!("{adjustment:?}") };
    assert!((r_squared - 0.936).abs() < 1e-12, "{r_squared}");
    // The spread of the ratio is that of the linearised units.
    let ratio = Outcome::ratio_of_history(&CoMoments::of(&[&y, &d]).unwrap()).unwrap();
    let z: Vec<f64> = y.iter().zip(&d).map(|(y, d)| (y - 27.0 / 12.0 * d) / 2.0).collect();
    let spread = Moments::of(&z).unwrap().std_dev().unwrap();
    let mean = Outcome::Mean { mean: Some(2.25), std_dev: spread, spread: Spread::Same, test: MeanTest::Welch };
    let (a, b) =
        (Plan::new(ratio).power(400.0, Effect::Absolute(0.0)), Plan::new(mean).power(400.0, Effect::Absolute(0.0)));
    assert!((a.unwrap() - b.unwrap()).abs() < 1e-12);
}

#[test]
fn days_are_counted_from_those_who_come_new() {
    let falling =
        Traffic { window: 7, ..Traffic::of_history(vec![1_000.0, 700.0, 500.0, 400.0, 300.0, 300.0, 300.0, 300.0]) };
    assert_eq!((falling.units(7), falling.units(8), falling.units(10)), (0.0, 1_000.0, 2_200.0));
    // 3,800 in the first eight days, then 400 a day, the mean of the last week; a week later they are complete.
    assert_eq!(falling.days(4_600.0), Some(17));
    assert_eq!(Traffic { whole_weeks: true, ..falling.clone() }.days(4_600.0), Some(21));
    assert_eq!(Traffic::per_day(1.0).days(1e9), None);
    let plan = Plan { traffic: Some(falling), ..Plan::new(Outcome::mean(5.0, 9.0)) };
    let curve = plan.effect_by_days(0.8, 30).unwrap();
    assert_eq!(curve.points.len(), 30);
    assert!(curve.points[..7].iter().all(|point| point.y.is_none()));
    let shown: Vec<f64> = curve.points[7..].iter().map(|point| point.y.unwrap()).collect();
    assert!(shown.windows(2).all(|two| two[1] < two[0]));
    let at = plan.answer(&Question::Effect { size: Size::Days(20), power: 0.8 }).unwrap();
    assert!((at.lift.unwrap() - shown[12]).abs() < 1e-9);
}

#[test]
fn a_running_experiment_knows_what_is_left() {
    let plan = Plan { traffic: Some(Traffic::per_day(500.0)), ..Plan::new(Outcome::mean(10.0, 20.0)) };
    let arm = |n, mean| Moments::from_summary(n, mean, 900.0).unwrap();
    let progress = Progress::of_moments(&plan.outcome, &[arm(2_500, 9.0), arm(2_500, 12.0)], 10).unwrap();
    let left = plan.remaining(&progress, Effect::Absolute(1.0), 0.8).unwrap();
    // The spread turned out to be 30 and not 20; the effect so far plays no part.
    let renewed = Plan { outcome: Outcome::mean(9.0, 30.0), ..plan.clone() };
    let needed = renewed.answer(&Question::Size { effect: Effect::Absolute(1.0), power: 0.8 }).unwrap();
    assert_eq!(left.planned, needed);
    assert_eq!((left.units, left.units_left), (5_000, needed.units - 5_000));
    assert_eq!(left.days_left, Some((needed.units - 5_000).div_ceil(500) as u32));
    assert!((left.effect_now.unwrap() - renewed.effect(5_000.0, 0.8).unwrap()).abs() < 1e-9);
    let done = Progress { units_per_arm: vec![50_000, 50_000], ..progress.clone() };
    let done = plan.remaining(&done, Effect::Absolute(1.0), 0.8).unwrap();
    assert_eq!((done.units_left, done.days_left, done.done), (0, Some(0), 1.0));
    let wrong = Progress { units_per_arm: vec![10], ..progress };
    let error = plan.remaining(&wrong, Effect::Absolute(1.0), 0.8).unwrap_err();
    assert_eq!(error.to_string(), "`units_per_arm` is 1; one count for each of 2 arms");
}

#[test]
fn several_tests_have_closed_forms() {
    let plan = Plan::new(Outcome::mean(1.0, 1.0));
    let tests = |count: usize| vec![(plan.clone(), Effect::Absolute(0.1)); count];
    let independent =
        |correction| Several { tests: tests(3), correlation: Several::equal(3, 0.0), correction, seed: 1 };
    let bonferroni = independent(Correction::Bonferroni).power(4_000.0).unwrap();
    let one = Plan { multiplicity: Multiplicity { tests: 3, correction: Correction::Bonferroni }, ..plan.clone() };
    let p = one.power(4_000.0, Effect::Absolute(0.1)).unwrap();
    assert!((bonferroni.each[0] - p).abs() < 1e-4);
    assert!((bonferroni.any - (1.0 - (1.0 - p).powi(3))).abs() < 1e-4 && (bonferroni.all - p.powi(3)).abs() < 1e-4);
    assert!((bonferroni.expected - 3.0 * p).abs() < 1e-3);
    // Holm finds something exactly when Bonferroni does, and everything more often.
    let holm = independent(Correction::Holm).power(4_000.0).unwrap();
    assert!((holm.any - bonferroni.any).abs() < holm.error && holm.all > bonferroni.all + 0.02, "{holm:?}");
    assert!(holm.each.iter().all(|each| *each > bonferroni.each[0]));
    // Hochberg rejects all at the uncorrected level when all are below it.
    let hochberg = independent(Correction::Hochberg).power(4_000.0).unwrap();
    let raw = plan.power(4_000.0, Effect::Absolute(0.1)).unwrap();
    assert!(hochberg.all >= raw.powi(3) - hochberg.error);
    // Perfectly alike metrics are one metric at the corrected level.
    let alike = Several { correlation: Several::equal(3, 1.0), ..independent(Correction::Bonferroni) };
    let alike = alike.power(4_000.0).unwrap();
    assert!((alike.any - p).abs() <= 1e-4 + alike.error && (alike.all - p).abs() <= 1e-4 + alike.error, "{alike:?}");
    // A metric without effect costs level and is not waited for.
    let with_null = Several {
        tests: vec![(plan.clone(), Effect::Absolute(0.1)), (plan.clone(), Effect::Absolute(0.0))],
        correlation: Several::equal(2, 0.3),
        correction: Correction::Bonferroni,
        seed: 0,
    };
    let mixed = with_null.power(4_000.0).unwrap();
    assert_eq!(mixed.any, mixed.all);
    assert!((mixed.each[1] - 0.025).abs() < 1e-9);
    let units = independent(Correction::Bonferroni).units(Goal::All, 0.8).unwrap();
    assert!((independent(Correction::Bonferroni).power(units).unwrap().all - 0.8).abs() < 1e-9);
}

#[test]
fn arms_that_share_a_baseline_correlate_by_one_half() {
    let correlation = Several::shared_baseline(1.0, &[1.0, 1.0]);
    assert!((correlation[0][1] - 0.5).abs() < 1e-15 && correlation[0][0] == 1.0);
}

#[test]
fn the_split_is_checked_with_a_known_power() {
    // 50.3 against 49.7 is found in two million units with more than 99 %.
    let units = sample_ratio_units(&[1.0, 1.0], &[50.3, 49.7], 0.999, 0.99).unwrap();
    assert!(units < 2e6 && chi_square_power(2e6, 0.006, 1.0, 0.999).unwrap() > 0.99);
    let error = sample_ratio_units(&[1.0, 1.0], &[1.0, 1.0], 0.999, 0.99).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no experiment answers `size for a power of 0.99`: there is no difference to find; name one above 0"
    );
}

#[test]
fn a_guardrail_is_planned_at_its_margin() {
    let plan = Plan { hypothesis: Hypothesis::NonInferiority { margin: 0.02 }, ..Plan::new(Outcome::mean(10.0, 20.0)) };
    let answer = plan.answer(&Question::Size { effect: Effect::Absolute(0.0), power: 0.9 }).unwrap();
    // (z.975 + z.9)²·σ²·(1 + 0.98²)/(0.02·10)² per arm.
    let want = 2.0 * 10.507_415 * 400.0 * (1.0 + 0.98 * 0.98) / 0.04;
    assert!((answer.units as f64 / want - 1.0).abs() < 1e-3, "{} is not {want}", answer.units);
    assert_eq!((answer.margin, answer.tail), (Some(0.02), 0.025_000_000_000_000_022));
    // What is shown with those units is that margin, and a guardrail for which less is good is its mirror image.
    let shown = Plan { hypothesis: Hypothesis::TwoSided, ..plan.clone() }
        .answer(&Question::Margin { size: Size::Units(answer.units), effect: Effect::Absolute(0.0), power: 0.9 })
        .unwrap();
    assert!((shown.margin.unwrap() / 0.02 - 1.0).abs() < 1e-4);
    let lower = Plan { direction: Direction::Lower, ..plan.clone() };
    let lower = lower.answer(&Question::Size { effect: Effect::Absolute(0.0), power: 0.9 }).unwrap();
    let want = 2.0 * 10.507_415 * 400.0 * (1.0 + 1.02 * 1.02) / 0.04;
    assert!((lower.units as f64 / want - 1.0).abs() < 1e-3);
    // A true gain makes it easier, a true loss of the margin impossible.
    let gain = plan.answer(&Question::Size { effect: Effect::Relative(0.01), power: 0.9 }).unwrap();
    assert!(gain.units < answer.units / 2);
    let error = plan.answer(&Question::Size { effect: Effect::Relative(-0.02), power: 0.9 }).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no experiment answers `size for a power of 0.9`: the effect is not on the side that the test looks to, so more \
         units make it less likely to reject; name an effect inside the margin, or on the tested side"
    );
}

#[test]
fn a_small_study_overstates_what_it_finds() {
    // A z test with a drift of 0.337: Φ(0.337 − 1.96) + Φ(−0.337 − 1.96), and the closed form of Lu, Qiu & Deng (2019).
    let outcome = Outcome::Mean { mean: None, std_dev: 1.0, spread: Spread::Same, test: MeanTest::Normal };
    let plan = Plan::new(outcome);
    let answer = plan.answer(&Question::Power { size: Size::Units(400), effect: Effect::Absolute(0.0337) }).unwrap();
    assert!((answer.power - 0.063_113).abs() < 1e-5 && (answer.wrong_side - 0.010_813).abs() < 1e-5, "{answer:?}");
    assert!((answer.exaggeration.unwrap() - 7.03).abs() < 0.01, "{answer:?}");
    let large = plan.answer(&Question::Power { size: Size::Units(100_000), effect: Effect::Absolute(0.1) }).unwrap();
    assert!((large.exaggeration.unwrap() - 1.0).abs() < 1e-6 && large.wrong_side < 1e-60);
}

#[test]
fn intervals_become_as_narrow_as_asked() {
    let plan = Plan::new(Outcome::mean(10.0, 20.0));
    let answer = plan.answer(&Question::Precision { half_width: Effect::Relative(0.02) }).unwrap();
    assert!((answer.half_width - 0.2).abs() < 1e-5, "{}", answer.half_width);
    assert!((answer.half_width_of_baseline.unwrap() - 0.02).abs() < 1e-6);
    assert!((answer.units as f64 / (4.0 * 3.841_459 * 400.0 / 0.04) - 1.0).abs() < 1e-4);
}

#[test]
fn a_plan_survives_a_file() {
    let plan = Plan {
        hypothesis: Hypothesis::NonInferiority { margin: 0.02 },
        clusters: Some(Clusters { size: 20.0, correlation: 0.01, size_variation: 0.0 }),
        multiplicity: Multiplicity { tests: 4, correction: Correction::Holm },
        traffic: Some(Traffic::per_day(50.0)),
        ..Plan::new(Outcome::proportion(0.1))
    };
    let text = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
    let short: Plan = serde_json::from_str(r#"{"outcome": {"mean": {"mean": 3, "std_dev": 2}}}"#).unwrap();
    assert_eq!(short, Plan::new(Outcome::mean(3.0, 2.0)));
    let error =
        serde_json::from_str::<Plan>(r#"{"outcome": {"mean": {"mean": 3, "std_dev": 2}}, "levl": 0.9}"#).unwrap_err();
    assert!(error.to_string().starts_with("unknown field `levl`, expected one of"), "{error}");
}

#[test]
fn impossible_plans_are_refused_by_field() {
    let mean = Plan::new(Outcome::mean(10.0, 20.0));
    let size = |effect| Question::Size { effect, power: 0.8 };
    let refused = |plan: &Plan, question: Question, want: &str| {
        let error = plan.answer(&question).expect_err(want);
        assert_eq!(error.to_string(), want);
    };
    let some = Effect::Absolute(1.0);
    refused(
        &Plan::new(Outcome::mean(10.0, 0.0)),
        size(some),
        "`std_dev` is 0; a standard deviation is positive: what does not vary needs no plan",
    );
    refused(&Plan::new(Outcome::mean(f64::NAN, 1.0)), size(some), "`mean` is NaN; a finite number");
    refused(
        &Plan::new(Outcome::mean(0.0, 1.0)),
        size(Effect::Relative(0.1)),
        "`effect` is relative; a relative effect needs the baseline mean, and one that is not 0; give `mean`, or an absolute \
         effect",
    );
    refused(
        &Plan::new(Outcome::proportion(1.0)),
        size(some),
        "`share` is 1; a share lies between 0 and 1, such as 0.04",
    );
    refused(
        &Plan::new(Outcome::proportion(0.5)),
        size(Effect::Relative(1.5)),
        "`effect` is 0.75; with it the treated share lies between 0 and 1",
    );
    refused(
        &Plan { level: 1.0, ..mean.clone() },
        size(some),
        "`level` is 1; a confidence level lies between 0 and 1, such as 0.95",
    );
    refused(
        &Plan { assignment: Assignment::Arms(vec![1.0]), ..mean.clone() },
        size(some),
        "`arms` is 1; an experiment has a baseline and at least one other arm",
    );
    refused(
        &Plan { assignment: Assignment::Arms(vec![1.0, 0.0]), ..mean.clone() },
        size(some),
        "`arms` is 0; a weight is positive, such as 1",
    );
    refused(
        &Plan { adjustment: Adjustment::Explained { r_squared: 1.0, covariates: 1 }, ..mean.clone() },
        size(some),
        "`r_squared` is 1; a share of variance explained is at least 0 and below 1, such as 0.3",
    );
    refused(
        &Plan { clusters: Some(Clusters { size: 0.5, correlation: 0.0, size_variation: 0.0 }), ..mean.clone() },
        size(some),
        "`size` is 0.5; a cluster has at least one unit",
    );
    refused(
        &mean,
        Question::Size { effect: some, power: 0.05 },
        "`power` is 0.05; the power lies between the level of the test, 0.050000000000000044, and 1; 0.8 is usual",
    );
    refused(
        &mean,
        Question::Power { size: Size::Units(3), effect: some },
        "`units` is 3; this plan takes from 4 to 1e15 units",
    );
    refused(
        &mean,
        Question::Power { size: Size::Days(3), effect: some },
        "`traffic` is missing; days need the units that come per day",
    );
    refused(
        &mean,
        size(Effect::Absolute(0.0)),
        "no experiment answers `size for a power of 0.8`: the effect is not on the side that the test looks to, so more units \
         make it less likely to reject; name an effect inside the margin, or on the tested side",
    );
    refused(
        &Plan {
            adjustment: Adjustment::Explained { r_squared: 0.3, covariates: 1 },
            ..share(0.1, ProportionTest::Fisher, [1.0, 1.0])
        },
        size(Effect::Absolute(0.1)),
        "`test` is fisher; pairs, covariates and clusters make a share a mean: only `auto` and `mean` go with them",
    );
    refused(
        &Plan {
            hypothesis: Hypothesis::NonInferiority { margin: 0.1 },
            ..share(0.1, ProportionTest::Arcsine, [1.0, 1.0])
        },
        size(Effect::Absolute(0.1)),
        "`test` is arcsine; the formulas of other calculators know no margin; take `auto`",
    );
    let looks = |looks: &[(f64, f64)]| {
        let looks = looks.iter().map(|(information, reject)| Look {
            information: *information,
            reject: *reject,
            futility: None,
        });
        Plan { monitoring: Monitoring::Looks(looks.collect()), ..mean.clone() }
    };
    refused(&looks(&[]), size(some), "`looks` is 0; a sequential plan has 1 to 1,000 looks");
    refused(
        &looks(&[(0.5, 2.0), (0.4, 2.0)]),
        size(some),
        "`information` is 0.4; shares of the information rise from above 0 to 1",
    );
    refused(&looks(&[(0.5, 2.0)]), size(some), "`information` is 0.5; the last look is at all of the information, 1");
    let empty = Several { tests: vec![], correlation: vec![], correction: Correction::Holm, seed: 0 };
    assert_eq!(empty.power(100.0).unwrap_err().to_string(), "`tests` is 0; there is at least one test");
    let apart = Several {
        tests: vec![(mean.clone(), some), (mean.clone(), some)],
        correlation: vec![vec![1.0, 2.0], vec![2.0, 1.0]],
        correction: Correction::Holm,
        seed: 0,
    };
    assert_eq!(
        apart.power(100.0).unwrap_err().to_string(),
        "`correlation` is impossible; a 2 × 2 correlation matrix: symmetric, ones on the diagonal, no negative eigenvalue"
    );
    let boschloo = share(0.1, ProportionTest::Boschloo, [1.0, 1.0]);
    assert!(
        matches!(boschloo.power(1_000.0, Effect::Absolute(0.1)), Err(Error::OutOfRange { field, .. }) if field == "units")
    );
}

/// Plans of every kind, for laws that hold for all.
fn plans() -> impl Strategy<Value = Plan> {
    let outcome = prop_oneof![
        (0.5..50.0f64, 0.1..3.0f64).prop_map(|(mean, cv)| Outcome::mean(mean, mean * cv)),
        (0.5..50.0f64, 0.1..3.0f64, 0.3..3.0f64).prop_map(|(mean, cv, more)| Outcome::Mean {
            mean: Some(mean),
            std_dev: mean * cv,
            spread: Spread::Given(mean * cv * more),
            test: MeanTest::Welch
        }),
        (0.02..0.6f64).prop_map(Outcome::proportion),
        (0.5..9.0f64, 1.0..9.0f64, 0.2..0.8f64).prop_map(|(y, d, correlation)| Outcome::Ratio {
            numerator: y,
            denominator: d,
            numerator_std_dev: 1.3 * y,
            denominator_std_dev: 0.8 * d,
            correlation
        }),
    ];
    let adjustment = prop_oneof![
        Just(Adjustment::None),
        (0.0..0.8f64).prop_map(|r_squared| Adjustment::Explained { r_squared, covariates: 1 })
    ];
    let hypothesis = prop_oneof![Just(Hypothesis::TwoSided), Just(Hypothesis::Greater)];
    (outcome, adjustment, hypothesis, 0.2..0.8f64, 0.8..0.99f64).prop_map(
        |(outcome, adjustment, hypothesis, share, level)| Plan {
            adjustment,
            hypothesis,
            level,
            assignment: Assignment::Arms(vec![1.0 - share, share]),
            ..Plan::new(outcome)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn the_size_has_the_power_and_the_effect_is_found(plan in plans(), lift in 0.03..0.5f64, power in 0.3..0.97f64) {
        let effect = Effect::Relative(lift);
        prop_assume!(power > 1.0 - plan.level + 0.05);
        let answer = plan.answer(&Question::Size { effect, power }).unwrap();
        prop_assert!(answer.power >= power - 1e-9, "{answer:?}");
        let units = plan.units(effect, power).unwrap();
        // At the exact size the smallest effect found is the one that was asked about; counts are whole.
        let counted = answer.notes.iter().any(|note| note.starts_with("By enumeration"));
        let found = plan.effect(units, power).unwrap();
        // Unless the fewest units that the test takes are more than enough.
        let ample = plan.power(units, effect).unwrap() > power + 1e-6;
        prop_assert!(ample || (found / answer.effect - 1.0).abs() < if counted { 0.05 } else { 1e-6 }, "{found} is not {}", answer.effect);
    }

    #[test]
    fn more_units_and_larger_effects_are_found_more_often(plan in plans(), lift in 0.01..0.3f64) {
        let power = |units: f64, lift: f64| plan.power(units, Effect::Relative(lift)).unwrap();
        // Counts have teeth; the spread of a treated ratio or share grows with the effect, but slower than the effect.
        prop_assert!(power(4_000.0, lift) >= power(1_000.0, lift) - 0.01);
        prop_assert!(power(2_000.0, 1.5 * lift) >= power(2_000.0, lift) - 0.01);
    }

    #[test]
    fn without_effect_the_power_is_the_level(plan in plans()) {
        let power = plan.power(5_000.0, Effect::Absolute(0.0)).unwrap();
        let nominal = 1.0 - plan.level;
        // Welch's test under unequal spread is near its level, not at it. A share's test is further away on one side: twenty
        // successes in the smaller arm are discrete and skewed.
        let near = if matches!(plan.outcome, Outcome::Proportion { .. }) { 0.03 } else { 0.004 };
        prop_assert!((power - nominal).abs() < near, "{power} is not {nominal}");
    }

    #[test]
    fn the_unit_of_the_metric_does_not_matter(mean in 0.5..50.0f64, cv in 0.1..3.0f64, scale in 1e-6..1e6f64) {
        let units = |factor: f64| Plan::new(Outcome::mean(mean * factor, mean * cv * factor)).units(Effect::Relative(0.07), 0.8).unwrap();
        prop_assert!((units(scale) / units(1.0) - 1.0).abs() < 1e-9);
    }
}
