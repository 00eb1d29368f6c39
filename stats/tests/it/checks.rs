//! Trust checks: what passes, warns and fails, and what they say.

use estimand_stats::check::{
    self, ArmCounts, CheckResult, CovariateMoments, DimensionCounts, Evidence, Missing, Outcome, SampleRatioMethod,
    SmallestEffect, sample_ratio_test,
};
use estimand_stats::suffstat::Moments;

fn arms(counts: &[(&str, f64, u64)]) -> Vec<ArmCounts> {
    let arm = |(arm, weight, units): &(&str, f64, u64)| ArmCounts {
        arm: (*arm).to_owned(),
        weight: *weight,
        assigned: *units,
        counted: *units,
    };
    counts.iter().map(arm).collect()
}

fn even(a: u64, b: u64) -> Evidence {
    Evidence { arms: arms(&[("A", 1.0, a), ("B", 1.0, b)]), ..Evidence::default() }
}

fn result(evidence: &Evidence, name: &str) -> CheckResult {
    check::run(evidence).into_iter().find(|result| result.name == name).expect("a check of this name")
}

#[test]
fn checks_are_listed_by_name_and_described() {
    let names: Vec<&str> = check::ALL.iter().map(|check| check.name()).collect();
    assert!(names.is_sorted());
    assert!(check::ALL.iter().all(|check| check.summary().ends_with('.')));
}

#[test]
fn without_evidence_no_check_applies() {
    for result in check::run(&Evidence::default()) {
        assert_eq!(result.outcome, Outcome::NotApplicable, "{}", result.name);
        assert!(result.message.ends_with('.'), "{}", result.message);
    }
}

#[test]
fn the_sample_ratio_warns_below_one_in_a_hundred_and_fails_below_one_in_a_thousand() {
    assert_eq!(result(&even(44_700, 45_489), "sample_ratio").outcome, Outcome::Warn);
    assert_eq!(result(&even(44_700, 45_000), "sample_ratio").outcome, Outcome::Pass);
    let failed = result(&even(44_000, 46_000), "sample_ratio");
    assert_eq!(failed.outcome, Outcome::Fail);
    assert_eq!(
        failed.message,
        "Units per arm do not match the allocation: `A` 44000 of 45000.0 expected, `B` 46000 of 45000.0 expected (p < 0.001)."
    );
}

#[test]
fn an_arm_without_weight_is_left_out_and_reported() {
    let evidence =
        Evidence { arms: arms(&[("A", 1.0, 500), ("B", 1.0, 510), ("holdout", 0.0, 40)]), ..Evidence::default() };
    let found = result(&evidence, "sample_ratio");
    assert_eq!((found.outcome, found.details[2].expected), (Outcome::Pass, None));
    assert!(found.message.ends_with("Arm `holdout` has no planned weight but 40 units."), "{}", found.message);
}

#[test]
fn weights_that_make_no_sense_have_no_test() {
    assert_eq!(sample_ratio_test(&[10, 10], &[1.0, -1.0]), None);
    assert_eq!(sample_ratio_test(&[10, 10], &[1.0, f64::NAN]), None);
    assert_eq!(sample_ratio_test(&[10, 10], &[1.0, 0.0]), None);
    assert_eq!(sample_ratio_test(&[0, 0], &[1.0, 1.0]), None);
    assert_eq!(sample_ratio_test(&[10], &[1.0, 1.0]), None);
}

#[test]
fn a_plan_that_looks_again_and_again_has_the_test_that_is_valid_at_every_look() {
    let sequential = |a, b| Evidence { sample_ratio: SampleRatioMethod::SEQUENTIAL, ..even(a, b) };
    // Pearson's p is 0.0027 here: one look would warn, the first of many need not.
    let passed = result(&sequential(44_700, 45_600), "sample_ratio");
    assert_eq!(passed.outcome, Outcome::Pass);
    assert_eq!(
        passed.message,
        format!(
            "Units per arm match the allocation: `A` 44700 of 45150.0 expected, `B` 45600 of 45150.0 expected (p = {:.3}). \
             The test is valid at every look; its Dirichlet concentration is 10000.",
            passed.p_value.unwrap()
        )
    );
    assert_eq!(result(&even(44_700, 45_600), "sample_ratio").outcome, Outcome::Warn);
    assert_eq!(result(&sequential(44_000, 46_000), "sample_ratio").outcome, Outcome::Fail);
    // By Lindon & Malek's equation 5 with 40 digits (mpmath 1.3.0): ln E of 44,000 and 46,000.
    let test = SampleRatioMethod::SEQUENTIAL.test(&[44_000, 46_000], &[1.0, 1.0]).unwrap();
    assert!((test.statistic - LN_E).abs() < 1e-11 * LN_E, "{}", test.statistic);
    assert!((test.log10_p + test.statistic / std::f64::consts::LN_10).abs() < 1e-12);
    // An arm without weight plays no part.
    let third = SampleRatioMethod::SEQUENTIAL.test(&[44_000, 7, 46_000], &[1.0, 0.0, 1.0]).unwrap();
    assert_eq!((third.statistic, &third.expected[..]), (test.statistic, &[45_000.0, 0.0, 45_000.0][..]));
    for concentration in [0.0, -1.0, f64::NAN] {
        assert_eq!(SampleRatioMethod::Sequential { concentration }.test(&[10, 10], &[1.0, 1.0]), None);
    }
    assert_eq!(SampleRatioMethod::SEQUENTIAL.test(&[0, 0], &[1.0, 1.0]), None);
}

const LN_E: f64 = 18.850_218_541_559_947;

#[test]
fn a_mismatch_is_traced_to_its_dimension() {
    let cell = |value: &str, a: u64, b: u64| DimensionCounts {
        dimension: "browser".into(),
        value: value.into(),
        assigned: vec![a, b],
    };
    let evidence = Evidence {
        dimensions: vec![cell("firefox", 5_000, 5_050), cell("safari", 5_000, 4_000)],
        ..even(10_000, 9_050)
    };
    let found = result(&evidence, "sample_ratio_by_dimension");
    assert_eq!((found.outcome, found.details[0].what.as_str()), (Outcome::Warn, "browser=safari"));
    let alone = sample_ratio_test(&[5_000, 5_050], &[1.0, 1.0]).unwrap().p_value;
    assert_eq!(found.details[1].p_value, Some((2.0 * alone).min(1.0)), "Bonferroni over both values");
}

#[test]
fn units_in_two_arms_warn_from_a_thousandth_and_fail_from_a_hundredth() {
    let with =
        |crossed| result(&Evidence { two_arm_units: Some(crossed), ..even(5_000, 5_000) }, "two_arm_units").outcome;
    assert_eq!(
        [with(0), with(9), with(10), with(99), with(100)],
        [Outcome::Pass, Outcome::Pass, Outcome::Warn, Outcome::Warn, Outcome::Fail]
    );
    let one = result(&Evidence { two_arm_units: Some(1), ..even(5_000, 5_000) }, "two_arm_units");
    assert_eq!(one.message, "1 unit of 10000 was seen in two arms and is left out.");
}

#[test]
fn what_is_set_apart_is_counted_and_faults_of_the_data_warn() {
    use estimand_stats::check::UnitsApart;
    let apart = |blank: u64, early: u64| {
        let of = |reason: &str, units, is_fault| UnitsApart { reason: reason.to_owned(), units, is_fault };
        let set_apart = vec![of("rows without an id", blank, true), of("units exposed before the start", early, false)];
        result(&Evidence { set_apart: Some(set_apart), ..even(5_000, 5_000) }, "set_apart")
    };
    assert_eq!(apart(0, 0).message, "Nothing was set apart.");
    assert_eq!(
        [apart(9, 0), apart(11, 0), apart(0, 900)].map(|found| found.outcome),
        [Outcome::Pass, Outcome::Warn, Outcome::Pass]
    );
    assert_eq!(apart(2, 900).message, "Left out: 2 rows without an id, 900 units exposed before the start.");
}

#[test]
fn an_empty_arm_fails_unless_it_was_planned_to_be() {
    let found = result(&even(10, 0), "empty_arm");
    assert_eq!((found.outcome, found.message.as_str()), (Outcome::Fail, "Arm `B` has no units."));
    let planned = Evidence { arms: arms(&[("A", 1.0, 10), ("B", 1.0, 12), ("C", 0.0, 0)]), ..Evidence::default() };
    assert_eq!(result(&planned, "empty_arm").outcome, Outcome::Pass);
}

#[test]
fn arms_that_differed_before_exposure_warn_after_correction() {
    let covariate = |name: &str, mean: f64| CovariateMoments {
        covariate: name.into(),
        arms: vec![Moments::from_summary(400, 10.0, 4.0).ok(), Moments::from_summary(400, mean, 4.0).ok()],
    };
    let evidence =
        |mean: f64| Evidence { covariates: vec![covariate("age", 10.1), covariate("spend", mean)], ..even(400, 400) };
    assert_eq!(result(&evidence(10.1), "pre_period_balance").outcome, Outcome::Pass);
    let found = result(&evidence(10.8), "pre_period_balance");
    assert_eq!(found.outcome, Outcome::Warn);
    assert_eq!(found.message, "Arms differed before exposure in `spend` (p < 0.001).");
}

#[test]
fn values_missing_in_one_arm_warn() {
    let evidence = |missing: [u64; 2]| Evidence {
        missing: vec![Missing { metric: "rating".into(), missing: missing.to_vec() }],
        ..even(1_000, 1_000)
    };
    assert_eq!(result(&evidence([0, 0]), "missing_data").message, "Every metric has a value for every unit.");
    assert_eq!(result(&evidence([10, 12]), "missing_data").outcome, Outcome::Pass);
    let unlike = result(&evidence([2, 30]), "missing_data");
    assert_eq!(unlike.outcome, Outcome::Warn);
    assert_eq!(unlike.message, "`rating` lacks values in one arm more than in another (p < 0.001).");
    let many = result(&evidence([100, 101]), "missing_data");
    assert_eq!(many.message, "`rating` lacks a value for 10.1 % of the units.");
}

#[test]
fn low_power_speaks_of_what_could_be_seen_and_not_of_what_was() {
    let effect = |std_error: f64, minimum: Option<f64>| SmallestEffect {
        metric: "revenue".into(),
        arm: "B".into(),
        std_error,
        df: None,
        level: 0.95,
        minimum,
    };
    // 1.959964 + 0.841621 standard errors.
    assert!((effect(0.01, None).detectable().unwrap() - 0.028_015_85).abs() < 1e-8);
    let found = |minimum| result(&Evidence { effects: vec![effect(0.01, minimum)], ..even(10, 10) }, "low_power");
    assert_eq!(found(None).message, "The smallest effects that the data can show are up to 2.8 % (`revenue`).");
    assert_eq!(found(Some(0.03)).outcome, Outcome::Pass);
    let blind = found(Some(0.02));
    assert_eq!(blind.outcome, Outcome::Warn);
    assert_eq!(
        blind.message,
        "In `revenue` the data can show effects of 2.8 % or more; the smallest that matters is 2.0 %."
    );
}

#[test]
fn a_result_survives_json() {
    for found in check::run(&even(45_000, 45_000)) {
        let json = serde_json::to_string(&found).unwrap();
        assert_eq!(serde_json::from_str::<CheckResult>(&json).unwrap(), found);
    }
}
