//! Estimators of time to event: against R 4.2.2 (survival 3.5-3) and lifelines 0.30.3, at their edges, and refusals by
//! content.

use std::path::Path;

use estimand_stats::estimand::{Direction, Hypothesis};
use estimand_stats::{Design, Estimand, Estimate, Estimates, Sample, estimator};
use serde_json::Value;

use crate::estimator_oracles::{Ledger, text, two_arms};
use crate::oracle::{assert_within, cases};
use crate::samples::{Arm, answer, design, effect, row, run, sample, time_to};
use crate::shared_data::table;

fn question() -> Estimand {
    effect(time_to("event", "duration"), "treatment", "control")
}

/// An arm of units given as time, whether the event was seen, and how many.
fn arm(name: &str, units: &[(f64, bool, usize)]) -> Arm {
    let column = |of: &dyn Fn(&(f64, bool, usize)) -> f64| -> Vec<f64> {
        units.iter().flat_map(|unit| std::iter::repeat_n(of(unit), unit.2)).collect()
    };
    Arm::new(name, &[("duration", &column(&|unit| unit.0)), ("event", &column(&|unit| f64::from(u8::from(unit.1))))])
}

pub fn golden(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    serde_json::from_str(&std::fs::read_to_string(path).expect("a golden file")).expect("JSON")
}

pub fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("a list").iter().map(|cell| cell.as_f64().expect("a number")).collect()
}

/// The columns of a golden case by its column `arm` of 0 and 1.
pub fn golden_arms(case: &Value, columns: [(&str, &str); 2]) -> Sample {
    let arms = numbers(&case["arm"]);
    let of_arm = |name: &str, level: f64| {
        let column = |key: &str| -> Vec<f64> {
            numbers(&case[key]).into_iter().zip(&arms).filter(|(_, arm)| **arm == level).map(|(cell, _)| cell).collect()
        };
        Arm { name: name.to_owned(), columns: columns.map(|(name, key)| (name.to_owned(), column(key))).to_vec() }
    };
    sample(&[of_arm("control", 0.0), of_arm("treatment", 1.0)])
}

pub fn near(what: &str, got: Option<f64>, want: &Value, rtol: f64) {
    let want = want.as_f64().expect("a number");
    let got = got.unwrap_or_else(|| panic!("{what} is null"));
    assert!((got - want).abs() <= rtol * want.abs(), "{what}: got {got}, want {want}");
}

fn term<'a>(rows: &'a Estimates, name: &str) -> &'a Estimate {
    rows.rows.iter().find(|row| row.term.as_deref() == Some(name)).expect("a row of this term")
}

fn squared(statistic: Option<f64>) -> Option<f64> {
    statistic.map(|statistic| statistic * statistic)
}

#[test]
fn hazard_ratios_are_those_of_coxph() {
    let golden = golden("time_to_event.json");
    let mut compared = 0;
    for case in golden["survival"].as_array().unwrap() {
        let sample = golden_arms(case, [("duration", "time"), ("event", "event")]);
        for fit in case["cox"].as_array().unwrap() {
            let ties = text(&fit["ties"]);
            let by = |test: &str| {
                run("hazard_ratio", &question(), &design(&[], &[("ties", &ties), ("test", test)]), &sample)
            };
            let what = format!("{}, {ties}", case["name"]);
            let wald = by("wald");
            let usual = term(&wald, "hazard_ratio");
            // R stops when the likelihood gains less than 1e-14; where the ratio is near 1 that leaves nine digits of it.
            near(&what, usual.estimate.map(f64::ln), &fit["log_ratio"], 1e-7);
            near(&what, row(&wald, "absolute").std_error, &fit["std_error"], 1e-8);
            near(&what, squared(usual.statistic), &fit["wald"], 1e-7);
            near(&what, usual.conf_low.map(f64::ln), &fit["interval"][0], 1e-7);
            near(&what, usual.conf_high.map(f64::ln), &fit["interval"][1], 1e-7);
            near(&what, squared(row(&by("score"), "absolute").statistic), &fit["score"], 1e-9);
            near(&what, squared(row(&by("likelihood_ratio"), "absolute").statistic), &fit["likelihood_ratio"], 1e-9);
            let relative = row(&wald, "relative");
            assert!((relative.estimate.unwrap() - (1.0 / usual.estimate.unwrap() - 1.0)).abs() < 1e-12, "{what}");
            compared += 1;
        }
    }
    assert_eq!(compared, 9);
}

#[test]
fn weighted_log_rank_tests_are_those_of_lifelines_and_survdiff() {
    let (drawn, weighted) = (golden("time_to_event.json"), golden("log_rank.json"));
    let mut compared = 0;
    for case in drawn["survival"].as_array().unwrap() {
        let sample = golden_arms(case, [("duration", "time"), ("event", "event")]);
        let by = |options: &[(&str, &str)]| run("log_rank", &question(), &design(&[], options), &sample);
        for want in weighted.as_array().unwrap().iter().filter(|want| want["case"] == case["name"]) {
            let said = text(&want["weights"]);
            let words: Vec<&str> = said.split(' ').collect();
            let rows = match words[..] {
                [weights, rho, gamma] => by(&[("weights", weights), ("rho", rho), ("gamma", gamma)]),
                _ => by(&[("weights", words[0])]),
            };
            let what = format!("{}, {said}", case["name"]);
            near(&what, squared(row(&rows, "absolute").statistic), &want["statistic"], 1e-9);
            near(&what, row(&rows, "relative").p_value, &want["p"], 1e-9);
            compared += 1;
        }
        for want in case["log_rank"].as_array().unwrap() {
            let rho = want["rho"].to_string();
            let rows = by(&[("weights", "fleming_harrington"), ("rho", &rho)]);
            let beyond = term(&rows, "observed_minus_expected");
            near(&rho, squared(beyond.statistic), &want["statistic"], 1e-9);
            let difference = want["observed"].as_f64().unwrap() - want["expected"].as_f64().unwrap();
            assert!((beyond.estimate.unwrap() - difference).abs() < 1e-9, "{rho}: {beyond:?}");
            compared += 1;
        }
    }
    assert_eq!(compared, 30);
}

#[test]
fn restricted_means_and_shares_are_those_of_survfit() {
    let golden = golden("time_to_event.json");
    let mut compared = 0;
    for case in golden["survival"].as_array().unwrap() {
        let sample = golden_arms(case, [("duration", "time"), ("event", "event")]);
        let families = [("restricted_mean", "horizon", "mean"), ("survival_difference", "at", "survival")];
        for (estimator, option, values) in families {
            let key = if estimator == "restricted_mean" { "restricted_mean" } else { "survival" };
            for want in case[key].as_array().unwrap() {
                let time = want[option].to_string();
                let rows = run(estimator, &question(), &design(&[], &[(option, &time), ("lift", "log")]), &sample);
                let absolute = row(&rows, "absolute");
                let what = format!("{}, {estimator} at {time}", case["name"]);
                near(&what, absolute.mean_baseline, &want[values][0], 1e-12);
                near(&what, absolute.mean, &want[values][1], 1e-12);
                let (means, errors) = (numbers(&want[values]), numbers(&want["std_error"]));
                let error = (errors[0] * errors[0] + errors[1] * errors[1]).sqrt();
                assert!((absolute.std_error.unwrap() / error - 1.0).abs() < 1e-10, "{what}");
                // As `survRM2` has the ratio: on the log scale, by the delta method.
                let log = (means[1] / means[0]).ln();
                let half = 1.959963984540054 * ((errors[0] / means[0]).powi(2) + (errors[1] / means[1]).powi(2)).sqrt();
                let relative = row(&rows, "relative");
                assert!((relative.conf_low.unwrap() - (log - half).exp_m1()).abs() < 1e-9, "{what}");
                assert!((relative.conf_high.unwrap() - (log + half).exp_m1()).abs() < 1e-9, "{what}");
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 12);
}

/// The sample of a reference case whose groups are two arms; the second level is the treatment.
fn two_groups(case: &Value, [control, treatment]: [&str; 2]) -> Sample {
    let inputs = &case["inputs"];
    let (group, said) = (text(&inputs["group"]), text(&inputs["event"]));
    let group = group.split(' ').next().expect("a column");
    let (column, seen) = said.split_once(" = ").unwrap_or((&said, "1"));
    let seen: f64 = seen.parse().expect("a code");
    let mut sample = two_arms(&table(&text(&case["dataset"])), group, treatment, control, &["time", column]);
    for arm in &mut sample.arms {
        let rows = arm.unit_rows.take().expect("rows");
        let column = |at: usize| {
            rows.column(at).as_any().downcast_ref::<arrow::array::Float64Array>().expect("numbers").values().to_vec()
        };
        let event: Vec<f64> = column(1).into_iter().map(|code| f64::from(u8::from(code == seen))).collect();
        let own = Arm::new(&arm.arm, &[("duration", &column(0)), ("event", &event)]);
        *arm = crate::samples::sample(&[own]).arms.remove(0);
    }
    sample
}

#[test]
fn rows_agree_with_the_reference_cases_of_two_arms() {
    let Some(cases) = cases("survival", &["rmst", "logrank"]) else { return };
    let mut ledger = Ledger::new("survival, as rows");
    for case in cases {
        let id = text(&case["id"]);
        let sample = match id.as_str() {
            "lung_rmst365" | "lung_lr" | "vet_lr" => two_groups(&case, ["1", "2"]),
            _ => {
                ledger.waits(&case, "strata, or more than two arms: see the library's own tests");
                continue;
            }
        };
        if id == "lung_rmst365" {
            let rows = run("restricted_mean", &question(), &design(&[], &[("horizon", "365")]), &sample);
            let absolute = row(&rows, "absolute");
            assert_within(&case, "rmean", &[absolute.mean_baseline.unwrap(), absolute.mean.unwrap()]);
            let errors = numbers(&case["expected"]["se"]);
            let error = (errors[0] * errors[0] + errors[1] * errors[1]).sqrt();
            assert!((absolute.std_error.unwrap() / error - 1.0).abs() < 1e-6);
        } else {
            let rows = run("log_rank", &question(), &Design::default(), &sample);
            let absolute = row(&rows, "absolute");
            assert_within(&case, "chisq", &[squared(absolute.statistic).unwrap()]);
            assert_within(&case, "p", &[absolute.p_value.unwrap()]);
            let (observed, expected) = (numbers(&case["expected"]["obs"]), numbers(&case["expected"]["exp"]));
            let beyond = term(&rows, "observed_minus_expected").estimate.unwrap();
            assert!((beyond - (observed[1] - expected[1])).abs() < 1e-6 * expected[1]);
            let exact = design(&[], &[("ties", "exact"), ("test", "score")]);
            let rows = run("hazard_ratio", &question(), &exact, &sample);
            assert_within(&case, "chisq", &[squared(row(&rows, "absolute").statistic).unwrap()]);
        }
        ledger.ran(&case);
    }
    ledger.close(3, 2);
}

/// Leaving is bad and the arm leaves later; or a first order is wanted and the arm orders sooner.
#[test]
fn every_estimator_has_the_sign_of_the_time() {
    let sample = sample(&[
        arm("control", &[(1.0, true, 20), (2.0, true, 15), (3.0, true, 10), (4.0, false, 5)]),
        arm("treatment", &[(1.0, true, 8), (2.0, true, 9), (3.0, true, 10), (4.0, false, 23)]),
    ]);
    for name in ["hazard_ratio", "log_rank", "restricted_mean", "survival_difference"] {
        for (hypothesis, small) in [(Hypothesis::Greater, true), (Hypothesis::Less, false)] {
            let rows = run(name, &Estimand { hypothesis, ..question() }, &Design::default(), &sample);
            for scale in ["absolute", "relative"] {
                let row = row(&rows, scale);
                assert!(row.estimate > Some(0.0), "{name}: {row:?}");
                assert!((row.p_value < Some(0.01)) == small, "{name}: {row:?}");
                assert!((row.conf_low > Some(0.0)) == small, "{name}: {row:?}");
            }
        }
        for (direction, safe) in [(Direction::Higher, true), (Direction::Lower, false)] {
            let hypothesis = Hypothesis::NonInferiority { margin: 0.05 };
            let rows = run(name, &Estimand { hypothesis, direction, ..question() }, &Design::default(), &sample);
            let guard = rows.rows.iter().find(|row| row.margin.is_some()).unwrap();
            assert!((guard.p_value < Some(0.025)) == safe, "{name}: {guard:?}");
            let inside =
                guard.conf_low.is_some_and(|low| low > -0.05) || guard.conf_high.is_some_and(|high| high < 0.05);
            assert_eq!(inside, safe, "{name}: {guard:?}");
        }
    }
    let rows = run("hazard_ratio", &question(), &Design::default(), &sample);
    let usual = term(&rows, "hazard_ratio");
    assert!(usual.estimate < Some(0.6) && usual.conf_high < Some(1.0) && usual.conf_low > Some(0.0), "{usual:?}");
}

#[test]
fn test_and_interval_of_a_hazard_ratio_agree() {
    // A difference that is just so large: whichever test, zero lies inside exactly when the test does not reject.
    for late in 0..8 {
        let sample = sample(&[
            arm("control", &[(1.0, true, 9), (2.0, true, 8), (3.0, false, 6)]),
            arm("treatment", &[(1.0, true, 3), (2.0, true, 3 + late), (3.0, false, 14 - late)]),
        ]);
        for test in ["likelihood_ratio", "score", "wald"] {
            for ties in ["breslow", "efron", "exact"] {
                let rows = run("hazard_ratio", &question(), &design(&[], &[("test", test), ("ties", ties)]), &sample);
                for scale in ["absolute", "relative"] {
                    let row = row(&rows, scale);
                    let excluded = row.conf_low > Some(0.0) || row.conf_high < Some(0.0);
                    assert_eq!(excluded, row.p_value < Some(0.05), "{test} {ties}: {row:?}");
                }
            }
        }
    }
}

fn notes(row: &Estimate) -> &str {
    row.notes.as_deref().unwrap_or_default()
}

#[test]
fn an_arm_without_events_has_a_bound_and_says_why() {
    let sample = sample(&[
        arm("control", &[(1.0, true, 6), (2.0, true, 5), (5.0, false, 30)]),
        arm("treatment", &[(5.0, false, 40)]),
    ]);
    let rows = run("hazard_ratio", &question(), &Design::default(), &sample);
    let absolute = row(&rows, "absolute");
    assert_eq!((absolute.estimate, absolute.std_error, absolute.conf_high), (None, None, None));
    assert!(absolute.conf_low > Some(0.0) && absolute.p_value < Some(0.01), "{absolute:?}");
    let why = "Arm `treatment` has no event while units of arm `control` are at risk: the ratio has no estimate.";
    assert_eq!(notes(absolute), why);
    let rows = run("hazard_ratio", &question(), &design(&[], &[("test", "wald")]), &sample);
    let absolute = row(&rows, "absolute");
    assert_eq!((absolute.p_value, absolute.conf_low), (None, None));
    let said = format!(
        "The data set no bound on the asked side. {why} This test needs events in both arms: `test=likelihood_ratio` and \
         `test=score` do not."
    );
    assert_eq!(notes(absolute), said);
    let rows = run("restricted_mean", &question(), &design(&[], &[("horizon", "5")]), &sample);
    assert_eq!(
        notes(row(&rows, "absolute")),
        "In arm `treatment` all units or none had the event by then: its variance counts as zero, and the interval is too \
         narrow."
    );
}

#[test]
fn without_any_event_there_is_nothing_to_compare() {
    let sample = sample(&[arm("control", &[(5.0, false, 30)]), arm("treatment", &[(4.0, false, 20)])]);
    for name in ["hazard_ratio", "log_rank"] {
        let rows = run(name, &question(), &Design::default(), &sample);
        for scale in ["absolute", "relative"] {
            let row = row(&rows, scale);
            assert_eq!((row.estimate, row.p_value, row.n, row.n_baseline), (None, None, Some(20), Some(30)), "{name}");
            let why = "No event was seen while units of both arms were at risk, so their hazards cannot be compared.";
            assert_eq!(notes(row), why, "{name}");
        }
    }
    let rows = run("restricted_mean", &question(), &Design::default(), &sample);
    let absolute = row(&rows, "absolute");
    assert_eq!((absolute.mean, absolute.estimate, absolute.p_value), (Some(4.0), Some(0.0), None));
}

#[test]
fn an_empty_arm_leaves_what_the_other_says() {
    let sample = sample(&[arm("control", &[(1.0, true, 3), (2.0, false, 3)]), arm("treatment", &[])]);
    for (name, mean) in
        [("hazard_ratio", None), ("log_rank", None), ("restricted_mean", Some(1.5)), ("survival_difference", Some(0.5))]
    {
        let rows = run(name, &question(), &Design::default(), &sample);
        let absolute = row(&rows, "absolute");
        assert_eq!((absolute.mean_baseline, absolute.mean, absolute.estimate), (mean, None, None), "{name}");
        assert_eq!(notes(absolute), "Arm `treatment` has no units with a value.", "{name}");
    }
}

#[test]
fn past_what_was_watched_nothing_is_said() {
    let sample = sample(&[
        arm("control", &[(1.0, true, 3), (9.0, false, 3)]),
        arm("treatment", &[(2.0, true, 4), (7.0, false, 2)]),
    ]);
    let rows = run("restricted_mean", &question(), &design(&[], &[("horizon", "8")]), &sample);
    let absolute = row(&rows, "absolute");
    assert_eq!((absolute.mean_baseline, absolute.mean, absolute.estimate), (Some(4.5), None, None));
    assert_eq!(notes(absolute), "Units of arm `treatment` were watched up to 7 and not up to the horizon 8.");
    let rows = run("survival_difference", &question(), &design(&[], &[("at", "8")]), &sample);
    assert_eq!(notes(row(&rows, "relative")), "Units of arm `treatment` were watched up to 7 and not up to 8.");
    // Nobody is left of an arm of which all had the event: past its last time its curve is known.
    let ended = crate::samples::sample(&[
        arm("control", &[(1.0, true, 3), (9.0, false, 3)]),
        arm("treatment", &[(2.0, true, 4)]),
    ]);
    let rows = run("survival_difference", &question(), &design(&[], &[("at", "8")]), &ended);
    assert_eq!(row(&rows, "absolute").mean, Some(0.0));
    let rows = run("restricted_mean", &question(), &design(&[], &[("horizon", "8")]), &ended);
    assert_eq!(row(&rows, "absolute").mean, Some(2.0));
}

#[test]
fn the_default_horizon_is_named() {
    let sample = sample(&[
        arm("control", &[(1.0, true, 3), (9.0, false, 3)]),
        arm("treatment", &[(2.0, true, 4), (7.0, false, 2)]),
    ]);
    for (name, option) in [("restricted_mean", "horizon"), ("survival_difference", "at")] {
        let rows = run(name, &question(), &Design::default(), &sample);
        let named = format!("`{option}` is 7, the smaller of the arms' largest times.");
        assert_eq!(notes(row(&rows, "absolute")), named);
        let given = run(name, &question(), &design(&[], &[(option, "7")]), &sample);
        assert_eq!(row(&given, "absolute").estimate, row(&rows, "absolute").estimate);
        assert_eq!(row(&given, "absolute").notes, None);
    }
}

#[test]
fn values_that_are_no_times_or_events_are_refused() {
    let refused = |duration: f64, event: f64| {
        let arm = |name: &str| Arm::new(name, &[("duration", &[1.0, duration]), ("event", &[1.0, event])]);
        let estimator = estimator::by_name("restricted_mean").unwrap();
        answer(estimator, &question(), &Design::default(), &sample(&[arm("control"), arm("treatment")]))
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        refused(-2.0, 1.0),
        "`duration` is -2 in arm `control`; times to an event are counted from exposure, finite and not below zero"
    );
    assert_eq!(
        refused(2.0, 0.5),
        "`event` is 0.5 in arm `control`; an event is 1 where it was seen, and 0 where the unit was only watched so far"
    );
}

#[test]
fn times_that_do_not_pass_have_no_mean() {
    let arm = |name: &str| arm(name, &[(0.0, true, 2), (0.0, false, 3)]);
    let rows = run("restricted_mean", &question(), &Design::default(), &sample(&[arm("control"), arm("treatment")]));
    let absolute = row(&rows, "absolute");
    assert_eq!((absolute.mean, absolute.estimate), (None, None));
    assert!(notes(absolute).contains("No time passes in arm `control`, so there is no mean time."), "{absolute:?}");
}

#[test]
fn the_question_is_a_sentence() {
    assert_eq!(
        question().to_string(),
        "difference in time to event of `metric` per user, had all users been in `treatment` against all in `control`"
    );
}
