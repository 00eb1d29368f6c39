//! The group-sequential estimator: what a look shows, costs and refuses.

use estimand_stats::estimand::Hypothesis;
use estimand_stats::group_sequential::{Plan, Rule, Spending, Stop};
use estimand_stats::{Error, Estimand, Estimates, Sample, estimator};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::calibration::{normal, replications};
use crate::samples::{design, effect, mean_of, row, run, summary};

fn question() -> Estimand {
    effect(mean_of("y"), "treatment", "control")
}

fn at(options: &[(&str, &str)], sample: &Sample) -> Estimates {
    run("group_sequential", &question(), &design(&[], options), sample)
}

fn two_arms(n: u64, difference: f64) -> Sample {
    summary(&[("control", n, 10.0, 4.0), ("treatment", n, 10.0 + difference, 4.0)])
}

#[test]
fn the_first_of_two_even_looks_has_the_value_of_the_table() {
    let rows = at(&[("planned_units", "4000")], &two_arms(1000, 0.2));
    let absolute = row(&rows, "absolute");
    // 2.962588 by Lan and DeMets at half the information; the standard error is √(4/1000 + 4/1000).
    let half = (absolute.conf_high.unwrap() - absolute.conf_low.unwrap()) / 2.0;
    assert!((half / 0.008_f64.sqrt() - 2.962_588).abs() < 1e-6);
    assert_eq!(absolute.df, None);
    assert_eq!(
        absolute.notes.as_deref(),
        Some("Look 1 at 50.0 % of the planned units; valid at each look of the plan, not between them.")
    );
    assert_eq!(
        absolute.options.as_deref(),
        Some(
            "covariates=columns,gamma=-4,inference=repeated,last_look=false,lift=fieller,lift_over=adjusted,planned_units=4000,rho=3,\
             slope=per_arm,spending=obrien_fleming,units_at_earlier_looks="
        )
    );
}

#[test]
fn the_second_look_pays_for_the_first() {
    let options = [("planned_units", "4000"), ("units_at_earlier_looks", "2000")];
    let rows = at(&options, &two_arms(2000, 0.1));
    let absolute = row(&rows, "absolute");
    let half = (absolute.conf_high.unwrap() - absolute.conf_low.unwrap()) / 2.0;
    assert!((half / 0.004_f64.sqrt() - 1.968_596).abs() < 1e-6);
    let early = [("planned_units", "9000"), ("units_at_earlier_looks", "2000"), ("last_look", "true")];
    assert!(
        row(&at(&early, &two_arms(2000, 0.1)), "absolute").notes.as_deref().unwrap().starts_with("Look 2 at 100.0 %")
    );
}

#[test]
fn looks_in_the_wrong_order_are_refused_by_name() {
    let estimator = estimator::by_name("group_sequential").unwrap();
    let refusal = |taken: &str| {
        let design = design(&[], &[("units_at_earlier_looks", taken), ("planned_units", "4000")]);
        let refused = estimator.estimate(&question(), &design, &two_arms(1000, 0.1)).unwrap_err();
        assert!(matches!(&refused, Error::InvalidOption { option, .. } if option == "units_at_earlier_looks"));
        refused.to_string()
    };
    let said = |value: &str, expected: &str| {
        format!("estimator `group_sequential`: option `units_at_earlier_looks` cannot be `{value}`; {expected}")
    };
    assert_eq!(refusal("900 500"), said("900 500", "each look has more units than the one before"));
    assert_eq!(refusal("500 500"), said("500 500", "each look has more units than the one before"));
    assert_eq!(refusal("500 2000"), said("500 2000", "this look has 2000 units, and earlier looks have fewer"));
    assert_eq!(
        refusal("500 4000"),
        said("500 4000", "the planned 4000 units were reached by then, so that look was the last")
    );
    assert_eq!(refusal("500 many"), said("500 many", "numbers from 1 to 1000000000000000, separated by spaces"));
    let planned = design(&[], &[("units_at_earlier_looks", "900 500")]);
    assert_eq!(
        estimator.requires(&question(), &planned).unwrap_err().to_string(),
        said("900 500", "each look has more units than the one before")
    );
}

#[test]
fn the_set_of_lifts_excludes_zero_exactly_when_the_look_rejects() {
    for difference in [0.05, 0.1, 0.15, 0.2, 0.3, -0.2] {
        for hypothesis in [Hypothesis::TwoSided, Hypothesis::Greater, Hypothesis::Less] {
            let options = design(&[], &[("planned_units", "5000"), ("units_at_earlier_looks", "1500 2500")]);
            let question = Estimand { hypothesis, ..question() };
            let rows = run("group_sequential", &question, &options, &two_arms(2000, difference));
            for scale in ["absolute", "relative"] {
                let row = row(&rows, scale);
                let excludes =
                    row.conf_low.is_some_and(|low| low > 0.0) || row.conf_high.is_some_and(|high| high < 0.0);
                assert_eq!(excludes, row.p_value.unwrap() < 0.05, "{row:?}");
            }
        }
    }
}

#[test]
fn final_inference_is_that_of_the_design() {
    let plan = [("planned_units", "4000"), ("units_at_earlier_looks", "1000"), ("inference", "final")];
    let sample = two_arms(1000, 0.3);
    let design_of = |plan: Plan| plan.design().unwrap();
    let (looks, rule) = ([0.25, 0.5], Rule::Spending(Spending::ObrienFleming));
    let (error, statistic) = (0.008_f64.sqrt(), 0.3 / 0.008_f64.sqrt());
    for (hypothesis, stopped) in [
        (Hypothesis::TwoSided, design_of(Plan::two_sided(&looks, rule, 0.05)).stopped(Stop { look: 2, statistic })),
        (Hypothesis::Greater, design_of(Plan::one_sided(&looks, rule, 0.05)).stopped(Stop { look: 2, statistic })),
    ] {
        let stopped = stopped.unwrap();
        let rows = run("group_sequential", &Estimand { hypothesis, ..question() }, &design(&[], &plan), &sample);
        let absolute = row(&rows, "absolute");
        let near = |got: f64, want: f64| assert!((got - want).abs() <= 1e-9 * want.abs(), "{got} {want}");
        let effect = |drift: f64| drift * 0.5_f64.sqrt() * error;
        near(absolute.p_value.unwrap(), stopped.p_value.p);
        near(absolute.conf_low.unwrap(), effect(stopped.interval.low.unwrap()));
        assert_eq!(absolute.conf_high.is_some(), hypothesis == Hypothesis::TwoSided);
        let (sentence, median) = absolute.notes.as_deref().unwrap().rsplit_once(' ').unwrap();
        assert!(sentence.ends_with("Final, in the stage-wise order; the median-unbiased estimate is"), "{sentence}");
        let median: f64 = median.trim_end_matches('.').parse().unwrap();
        assert!((median - effect(stopped.median_unbiased)).abs() <= 0.0005 && median < 0.3, "{median}");
        let kept = "The plan stopped by the difference, so this row keeps what holds at every look.";
        assert!(row(&rows, "relative").notes.as_deref().unwrap().ends_with(kept));
    }
    // Seen in a mirror: the arms changed over, and the other side asked.
    let mirrored = Estimand { hypothesis: Hypothesis::Less, ..effect(mean_of("y"), "control", "treatment") };
    let one = run(
        "group_sequential",
        &Estimand { hypothesis: Hypothesis::Greater, ..question() },
        &design(&[], &plan),
        &sample,
    );
    let other = run("group_sequential", &mirrored, &design(&[], &plan), &sample);
    assert_eq!(row(&one, "absolute").conf_low.map(|low| -low), row(&other, "absolute").conf_high);
    assert_eq!(row(&one, "absolute").p_value, row(&other, "absolute").p_value);
}

#[test]
fn planned_looks_at_nothing_are_wrong_once_in_twenty() {
    let replications = replications(500);
    let mut wrong = 0_u32;
    for seed in 0..replications {
        let mut random = ChaCha8Rng::seed_from_u64(u64::from(seed));
        let mut sums = [[0.0_f64; 3]; 2];
        let mut taken = String::new();
        for look in 1..=3_u64 {
            for sum in &mut sums {
                for _ in 0..200 {
                    let value = 10.0 + 2.0 * normal(&mut random);
                    sum.iter_mut().zip([1.0, value, value * value]).for_each(|(sum, term)| *sum += term);
                }
            }
            let [control, treatment] = sums.map(|[n, y, square]| {
                let mean = y / n;
                (n as u64, mean, (square - n * mean * mean) / (n - 1.0))
            });
            let sample = summary(&[
                ("control", control.0, control.1, control.2),
                ("treatment", treatment.0, treatment.1, treatment.2),
            ]);
            let options = [("planned_units", "1200"), ("units_at_earlier_looks", taken.trim()), ("spending", "pocock")];
            let rows = at(&options, &sample);
            let absolute = row(&rows, "absolute");
            if absolute.conf_low.unwrap() > 0.0 || absolute.conf_high.unwrap() < 0.0 {
                wrong += 1;
                break;
            }
            taken = format!("{taken} {}", 400 * look);
        }
    }
    let rate = f64::from(wrong) / f64::from(replications);
    let error = (0.05_f64 * 0.95 / f64::from(replications)).sqrt();
    assert!((rate - 0.05).abs() <= 3.3 * error, "{rate}");
}
