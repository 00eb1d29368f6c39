//! Ratios of rates: against R 4.2.2 (glm, MASS 7.3-58.2) and statsmodels 0.15.0, at their edges, and what is no count.

use estimand_stats::{Design, Estimand, Sample};

use crate::estimator_oracles::{Ledger, text, two_arms};
use crate::oracle::cases;
use crate::samples::{Arm, design, effect, mean_of, ratio_of, row, run, sample};
use crate::shared_data::table;
use crate::time_to_event::{golden, golden_arms, near, numbers};

fn per_unit() -> Estimand {
    effect(mean_of("y"), "treatment", "control")
}

fn per_exposure() -> Estimand {
    effect(ratio_of("y", "exposure"), "treatment", "control")
}

#[test]
fn models_of_counts_are_those_of_glm_and_glm_nb() {
    let golden = golden("time_to_event.json");
    let mut compared = 0;
    for case in golden["counts"].as_array().unwrap() {
        let sample = golden_arms(case, [("y", "y"), ("exposure", "exposure")]);
        let varies = numbers(&case["exposure"]).iter().any(|exposure| *exposure != 1.0);
        let questions = if varies { vec![per_exposure()] } else { vec![per_unit(), per_exposure()] };
        for question in questions {
            for model in ["poisson", "quasi_poisson", "negative_binomial"] {
                let rows = run("rate_ratio", &question, &design(&[], &[("model", model)]), &sample);
                let (absolute, relative) = (row(&rows, "absolute"), row(&rows, "relative"));
                let (want, what) = (&case[model], format!("{}, {model}", case["name"]));
                // The size of the negative binomial is iterated to 1e-8 or so by R.
                let rtol = if model == "negative_binomial" { 1e-6 } else { 1e-9 };
                near(&what, absolute.mean_baseline, &want["rates"][0], rtol);
                near(&what, absolute.mean, &want["rates"][1], rtol);
                near(&what, relative.estimate.map(f64::ln_1p), &want["log_ratio"], rtol);
                // R's errors are of the weights of the step before the last.
                let error = relative.std_error.map(|error| error / (1.0 + relative.estimate.unwrap()));
                near(&what, error, &want["std_error"], 1e-6);
                near(&what, relative.p_value, &want["p"], 1e-5);
                assert_eq!((absolute.p_value, absolute.statistic), (relative.p_value, relative.statistic), "{what}");
                if model == "negative_binomial" {
                    let size = want["theta"].as_f64().unwrap();
                    let said = format!("The size of the negative binomial is {size:.3}.");
                    assert_eq!(relative.notes.as_deref(), Some(said.as_str()), "{what}");
                }
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 15);
}

/// `Σ(y − λd)²/(Σy)²` of an arm, the robust variance of its log rate without a factor, and its units.
fn robust(y: &[f64], d: &[f64]) -> (f64, f64) {
    let total = y.iter().sum::<f64>();
    let rate = total / d.iter().sum::<f64>();
    let squares: f64 = y.iter().zip(d).map(|(y, d)| (y - rate * d).powi(2)).sum();
    (squares / total / total, y.len() as f64)
}

#[test]
fn poisson_regressions_on_an_arm_agree_with_statsmodels() {
    let Some(cases) = cases("glm", &["poisson"]) else { return };
    let mut ledger = Ledger::new("glm, rates of two arms");
    for case in cases {
        if text(&case["id"]) != "poisson_cookie" {
            ledger.waits(&case, "two titles of one test, from a Parquet file");
            continue;
        }
        let data = table(&text(&case["dataset"]));
        let sample = two_arms(&data, "test_version", "gate_40", "gate_30", &["sum_gamerounds"]);
        let question = effect(mean_of("sum_gamerounds"), "treatment", "control");
        let by = |model: &str| run("rate_ratio", &question, &design(&[], &[("model", model)]), &sample);
        let (poisson, free) = (by("poisson"), by("robust"));
        let relative = row(&poisson, "relative");
        let (want, log) = (&case["expected"], relative.estimate.unwrap().ln_1p());
        assert!((log / want["coef"][1].as_f64().unwrap() - 1.0).abs() < 1e-6);
        let error = |rows| {
            let row: &estimand_stats::Estimate = row(rows, "relative");
            row.std_error.unwrap() / (1.0 + row.estimate.unwrap())
        };
        assert!((error(&poisson) / want["se"][1].as_f64().unwrap() - 1.0).abs() < 1e-6);
        assert!(relative.notes.as_deref().unwrap().contains("times as much as Poisson counts do"), "{relative:?}");
        // HC0 has no factor; ours is n/(n − 1) in each arm.
        let arms = [0, 1].map(|at| {
            let rows = sample.arms[at].unit_rows.as_ref().unwrap();
            let y = rows.column(0).as_any().downcast_ref::<arrow::array::Float64Array>().unwrap().values().to_vec();
            robust(&y, &vec![1.0; y.len()])
        });
        let plain: f64 = arms.iter().map(|(variance, _)| variance).sum();
        let corrected: f64 = arms.iter().map(|(variance, n)| variance * n / (n - 1.0)).sum();
        assert!((plain.sqrt() / want["se_hc0"][1].as_f64().unwrap() - 1.0).abs() < 1e-6);
        assert!((error(&free) / corrected.sqrt() - 1.0).abs() < 1e-10);
        assert!((relative.mean_baseline.unwrap().ln() / want["coef"][0].as_f64().unwrap() - 1.0).abs() < 1e-6);
        ledger.ran(&case);
    }
    ledger.close(1, 1);
}

fn counts(control: &[f64], treatment: &[f64]) -> Sample {
    sample(&[Arm::new("control", &[("y", control)]), Arm::new("treatment", &[("y", treatment)])])
}

#[test]
fn a_robust_ratio_has_the_interval_of_the_log_lift_of_two_means() {
    let sample = counts(&[0.0, 1.0, 4.0, 2.0, 0.0, 3.0], &[2.0, 5.0, 1.0, 9.0, 3.0]);
    let rates = run("rate_ratio", &per_unit(), &Design::default(), &sample);
    let means = run("difference_in_means", &per_unit(), &design(&[], &[("lift", "log")]), &sample);
    let (rates, means) = (row(&rates, "relative"), row(&means, "relative"));
    for (one, other) in
        [(rates.estimate, means.estimate), (rates.conf_low, means.conf_low), (rates.conf_high, means.conf_high)]
    {
        assert!((one.unwrap() - other.unwrap()).abs() < 1e-12, "{rates:?} {means:?}");
    }
    assert_eq!((rates.conf_low > Some(0.0)), (rates.p_value < Some(0.05)));
}

#[test]
fn what_has_no_ratio_says_why() {
    let none = "Arm `treatment` has no events, so there is no ratio of rates.";
    let half = "The outcomes of arm `control` hold 0.5, which is no count; this model needs counts, and `model=robust` does not.";
    let sums = "The outcomes of arm `control` sum to 4.5, which is no count; this model needs counts, and `model=robust` does not.";
    let zeros = counts(&[1.0, 2.0, 0.0], &[0.0, 0.0, 0.0]);
    let halves = counts(&[0.5, 3.0, 1.0], &[1.0, 2.0, 4.0]);
    let empty = counts(&[1.0, 2.0, 0.0], &[]);
    let missing = "Arm `treatment` has no units with a value.";
    for (model, sample, why) in [
        ("robust", &zeros, none),
        ("poisson", &zeros, none),
        ("quasi_poisson", &zeros, none),
        ("negative_binomial", &zeros, none),
        ("negative_binomial", &halves, half),
        ("poisson", &halves, sums),
        ("robust", &empty, missing),
        ("negative_binomial", &empty, missing),
    ] {
        let rows = run("rate_ratio", &per_unit(), &design(&[], &[("model", model)]), sample);
        for scale in ["absolute", "relative"] {
            let row = row(&rows, scale);
            assert!(row.p_value.is_none() && row.notes.as_deref().unwrap().contains(why), "{model}: {row:?}");
        }
    }
    let exposures = |control: &[f64]| {
        sample(&[
            Arm::new("control", &[("y", &[1.0, 2.0]), ("exposure", control)]),
            Arm::new("treatment", &[("y", &[1.0, 2.0]), ("exposure", &[1.0, 1.5])]),
        ])
    };
    let rows = run("rate_ratio", &per_exposure(), &design(&[], &[("model", "quasi_poisson")]), &exposures(&[2.0, 0.0]));
    let why =
        "The exposures of arm `control` hold 0; a rate of counts needs each above zero, and `model=robust` does not.";
    assert_eq!(row(&rows, "relative").notes.as_deref(), Some(why));
    let rows = run("rate_ratio", &per_exposure(), &Design::default(), &exposures(&[0.0, 0.0]));
    let why = "The exposure sums to zero in arm `control`, so there is no rate.";
    assert_eq!(row(&rows, "relative").notes.as_deref(), Some(why));
}

#[test]
fn a_guardrail_on_a_rate_is_tested_at_its_margin() {
    use estimand_stats::estimand::{Direction, Hypothesis};
    let many: Vec<f64> = (0..900).map(|unit| f64::from(unit % 4)).collect();
    let sample = counts(&many, &many);
    let hypothesis = Hypothesis::NonInferiority { margin: 0.2 };
    for direction in [Direction::Higher, Direction::Lower] {
        let rows = run("rate_ratio", &Estimand { hypothesis, direction, ..per_unit() }, &Design::default(), &sample);
        let guard = rows.rows.iter().find(|row| row.margin == Some(0.2)).unwrap();
        assert!(guard.p_value < Some(0.025), "{guard:?}");
        let inside = guard.conf_low.is_some_and(|low| low > -0.2) || guard.conf_high.is_some_and(|high| high < 0.2);
        assert!(inside, "{guard:?}");
    }
}
