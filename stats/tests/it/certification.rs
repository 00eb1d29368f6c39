//! Certification by re-randomisation: what it must find, and what it must not.

use estimand_stats::certification::{Certificate, Certification, Units};
use estimand_stats::estimand::{Hypothesis, Summary, SummaryKind};
use estimand_stats::estimator::{ALL, by_name};
use estimand_stats::{Design, Estimand, Estimator};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::calibration::{normal, replications};
use crate::samples::{Arm, design, effect, mean_of, proportion_of, ratio_of, sample};

/// Skewed amounts, whether anything was bought, visits, and amounts of the time before.
fn units(n: usize) -> Units {
    let mut random = ChaCha8Rng::seed_from_u64(17);
    let mut columns = [const { Vec::new() }; 4];
    for _ in 0..n {
        let habit = normal(&mut random);
        let bought = f64::from(u8::from(random.random::<f64>() < 0.3));
        let row = [
            (1.0 + 0.5 * habit + 0.5 * normal(&mut random)).exp(),
            bought,
            1.0 + (3.0 * random.random::<f64>()).floor(),
            (1.0 + 0.5 * habit).exp(),
        ];
        columns.iter_mut().zip(row).for_each(|(column, value)| column.push(value));
    }
    let names = ["amount", "bought", "visits", "amount.pre"];
    Units::new("metric", names.map(str::to_owned).into_iter().zip(columns).collect()).unwrap()
}

fn certify(estimator: &str, question: &Estimand, design: &Design, units: &Units, lift: f64) -> Certificate {
    let estimator = by_name(estimator).unwrap();
    let replicates = replications(400);
    let certification = Certification { lift, replicates, seed: 5, ..Certification::new(estimator, question, design) };
    certification.run(units).unwrap()
}

fn amount() -> Estimand {
    effect(mean_of("amount"), "treated", "control")
}

#[test]
fn an_honest_test_is_certified() {
    let (units, adjusted) = (units(600), design(&["amount.pre"], &[]));
    for (estimator, question, design) in [
        ("difference_in_means", amount(), Design::default()),
        ("regression_adjustment", amount(), adjusted),
        ("proportion", effect(proportion_of("bought"), "treated", "control"), Design::default()),
        ("ratio", effect(ratio_of("amount", "visits"), "treated", "control"), Design::default()),
    ] {
        let certificate = certify(estimator, &question, &design, &units, 0.0);
        let absolute = certificate.scale("absolute").unwrap();
        let runs = f64::from(certificate.replicates);
        let rate = absolute.rejected.rate.unwrap();
        println!("{estimator}: {rate:.4} rejected, error ratio {:.3}", absolute.std_error_ratio.unwrap());
        assert!((rate - 0.05).abs() < 3.3 * (0.05 * 0.95 / runs).sqrt(), "{estimator}: {rate}");
        assert!(absolute.rejected.low < rate && rate < absolute.rejected.high);
        assert_eq!(absolute.covered.count + absolute.rejected.count, u64::from(certificate.replicates));
        assert!((absolute.std_error_ratio.unwrap() - 1.0).abs() < 3.3 / (2.0 * runs).sqrt() + 0.01);
        let error = absolute.spread.unwrap() / runs.sqrt();
        assert!(absolute.mean_estimate.unwrap().abs() < 3.5 * error);
        assert_eq!(absolute.p_values.iter().sum::<u64>(), u64::from(certificate.replicates));
        // A share of 600 units has few different p-values.
        if estimator != "proportion" {
            assert!(absolute.uniformity.unwrap().p_value > 0.001, "{estimator}: {:?}", absolute.uniformity);
        }
        assert_eq!((certificate.n, certificate.n_baseline, certificate.lift), (300, 300, 0.0));
    }
}

#[test]
fn a_test_that_is_too_sure_is_found_out() {
    // Ten units by a z test: two tails of t with some eight degrees of freedom lie beyond 1.96 too often.
    let few = Units::new("metric", vec![("amount".into(), (0..10).map(|at| f64::from(at * at)).collect())]).unwrap();
    let certificate = certify("difference_in_means", &amount(), &design(&[], &[("distribution", "normal")]), &few, 0.0);
    let absolute = certificate.scale("absolute").unwrap();
    assert!(absolute.rejected.low > 0.05, "{:?}", absolute.rejected);
    assert!(absolute.uniformity.unwrap().p_value < 0.05);
}

#[test]
fn the_detectable_effect_is_detected_four_times_in_five() {
    let units = units(800);
    let share = effect(proportion_of("bought"), "treated", "control");
    for (estimator, question) in [("difference_in_means", amount()), ("difference_in_means", share)] {
        let of = |lift| certify(estimator, &question, &Design::default(), &units, lift);
        let null = of(0.0);
        let lift = null.scale("relative").unwrap().minimum_detectable_effect.unwrap();
        let found = of(lift);
        let power = found.scale("absolute").unwrap().rejected.rate.unwrap();
        println!("{}: lift {lift:.4}, power {power:.3}", question.summary.kind().name());
        assert!((0.70..0.88).contains(&power), "{power} at {lift}");
        let relative = found.scale("relative").unwrap();
        assert_eq!(relative.truth, Some(lift));
        assert!(relative.covered.rate.unwrap() > 0.9 && (relative.mean_estimate.unwrap() / lift - 1.0).abs() < 0.1);
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let (units, question, design) = (units(300), amount(), Design::default());
    for (estimator, lift) in [("difference_in_means", 0.0), ("mann_whitney", 0.0), ("difference_in_means", 0.1)] {
        let estimator = by_name(estimator).unwrap();
        let certification = Certification {
            lift,
            replicates: 60,
            allocation: [3.0, 1.0],
            ..Certification::new(estimator, &question, &design)
        };
        let one = certification.run_on(&units, 1).unwrap();
        assert_eq!((one.n_baseline, one.n), (225, 75));
        for threads in [2, 3, 8] {
            assert_eq!(certification.run_on(&units, threads).unwrap(), one);
        }
    }
}

#[test]
fn sums_over_columns_are_the_moments_of_the_arms() {
    let (units, question) = (units(500), amount());
    let sums = certify("difference_in_means", &question, &Design::default(), &units, 0.0);
    let rows = certify("ols", &question, &Design::default(), &units, 0.0);
    for scale in ["absolute", "relative"] {
        let (sums, rows) = (sums.scale(scale).unwrap(), rows.scale(scale).unwrap());
        for (a, b) in [
            (sums.mean_estimate, rows.mean_estimate),
            (sums.spread, rows.spread),
            (sums.mean_std_error, rows.mean_std_error),
        ] {
            assert!((a.unwrap() - b.unwrap()).abs() < 1e-9 * sums.spread.unwrap(), "{scale}: {a:?} and {b:?}");
        }
    }
}

#[test]
fn amounts_far_from_zero_are_certified_like_others() {
    let values: Vec<f64> = (0..200).map(|at| f64::from(at * at % 31)).collect();
    let of = |offset: f64| {
        let moved = values.iter().map(|value| value + offset).collect();
        let units = Units::new("metric", vec![("amount".into(), moved)]).unwrap();
        certify("difference_in_means", &amount(), &Design::default(), &units, 0.0)
    };
    let (near, far) = (of(0.0), of(1e9));
    let (near, far) = (near.scale("absolute").unwrap(), far.scale("absolute").unwrap());
    assert_eq!(near.rejected, far.rejected);
    assert!((near.mean_std_error.unwrap() / far.mean_std_error.unwrap() - 1.0).abs() < 1e-9);
}

#[test]
fn every_estimator_can_be_certified() {
    let (units, mut ran) = (units(80), 0);
    for estimator in ALL {
        for kind in estimator.serves() {
            let summary: Summary = match kind {
                SummaryKind::Mean => mean_of("amount"),
                SummaryKind::Proportion => proportion_of("bought"),
                _ => ratio_of("amount", "visits"),
            };
            let (question, design) = (effect(summary, "treated", "control"), Design::default());
            let certification = Certification { replicates: 4, ..Certification::new(*estimator, &question, &design) };
            let certificate = match certification.run(&units) {
                Ok(certificate) => certificate,
                Err(refused) => {
                    println!("{} of a {}: {refused}", estimator.name(), kind.name());
                    continue;
                }
            };
            assert!(!certificate.scales.is_empty(), "{}", estimator.name());
            assert!(certificate.scales.iter().all(|scale| scale.estimates <= 4 && scale.rejected.of <= 4));
            ran += 1;
        }
    }
    assert!(ran >= ALL.len() - 2, "{ran} of {}", ALL.len());
}

#[test]
fn what_cannot_be_certified_is_refused_by_name() {
    let (units, question, design) = (units(20), amount(), Design::default());
    let welch: &dyn Estimator = by_name("difference_in_means").unwrap();
    let sound = Certification { replicates: 2, ..Certification::new(welch, &question, &design) };
    let said = |certification: Certification<'_>, units: &Units| certification.run(units).unwrap_err().to_string();
    assert_eq!(
        said(Certification { allocation: [1.0, 0.0], ..sound.clone() }, &units),
        "`allocation` is 1:0; the weights of both arms are above 0 and finite"
    );
    assert_eq!(
        said(Certification { replicates: 0, ..sound.clone() }, &units),
        "`replicates` is 0; there are 1 to 10,000,000"
    );
    assert_eq!(
        said(Certification { lift: -1.0, ..sound.clone() }, &units),
        "`lift` is -1; a relative effect is above -1 and finite, such as 0.02"
    );
    let three = Units::new("metric", vec![("amount".into(), vec![1.0, 2.0, f64::NAN, 4.0])]).unwrap();
    assert_eq!((three.n(), three.left_out()), (3, 1));
    assert_eq!(said(sound.clone(), &three), "`units` is 3; two arms of two units need at least 4");
    let other = effect(mean_of("revenue"), "treated", "control");
    assert_eq!(
        said(Certification { estimand: &other, ..sound.clone() }, &units),
        "metric `metric`: the sample holds no column of `revenue`; please report this"
    );
    let share = effect(proportion_of("all"), "treated", "control");
    let all = Units::new("metric", vec![("all".into(), vec![1.0, 1.0, 1.0, 1.0, 0.0])]).unwrap();
    assert_eq!(
        said(Certification { estimand: &share, lift: 0.5, ..sound.clone() }, &all),
        "`lift` is 0.5; a share of 0.8 does not rise by so much"
    );
    assert_eq!(
        Units::new("metric", vec![("amount".into(), vec![1.0, f64::INFINITY])]).unwrap_err().to_string(),
        "metric `metric`: `amount` has 1 values that are not finite; filter them in the metric or mend the source"
    );
}

#[test]
fn outcomes_that_never_vary_have_a_certificate_without_tests() {
    let flat = Units::new("metric", vec![("amount".into(), vec![3.0; 12])]).unwrap();
    let certificate = certify("difference_in_means", &amount(), &Design::default(), &flat, 0.0);
    let absolute = certificate.scale("absolute").unwrap();
    assert_eq!((absolute.rejected.of, absolute.rejected.rate, absolute.uniformity), (0, None, None));
    assert_eq!(
        (absolute.spread, absolute.std_error_ratio, absolute.minimum_detectable_effect),
        (Some(0.0), None, None)
    );
}

#[test]
fn units_come_out_of_the_rows_of_a_sample() {
    let arms = sample(&[Arm::new("control", &[("y", &[1.0, 2.0])]), Arm::new("treated", &[("y", &[3.0, 4.0, 5.0])])]);
    let units = Units::of("metric", &arms, &["y".to_owned()]).unwrap();
    assert_eq!((units.n(), units.left_out()), (5, 0));
    assert_eq!(
        Units::of("metric", &arms, &["z".to_owned()]).unwrap_err().to_string(),
        "metric `metric`: the sample holds no unit rows of `z`; please report this"
    );
}

#[test]
fn guardrails_and_one_sided_questions_are_certified_on_their_own_side() {
    let units = units(400);
    for hypothesis in [Hypothesis::Greater, Hypothesis::NonInferiority { margin: 0.05 }] {
        let question = Estimand { hypothesis, ..amount() };
        let certificate = certify("difference_in_means", &question, &Design::default(), &units, 0.0);
        let rate = certificate.scale("absolute").unwrap().rejected.rate.unwrap();
        let runs = f64::from(certificate.replicates);
        assert!((rate - 0.05).abs() < 3.3 * (0.05 * 0.95 / runs).sqrt() + 0.01, "{hypothesis:?}: {rate}");
    }
}
