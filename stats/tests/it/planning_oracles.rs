//! Planning against R, statsmodels, scipy, brute force and published tables.
//!
//! `tests/golden/power_r.json` and `power_scipy.json` stand beside the scripts that made them.

use std::path::Path;

use estimand_stats::dist::Alternative;
use estimand_stats::estimand::Hypothesis;
use estimand_stats::planning::omnibus::{anova_power, chi_square_power, chi_square_units};
use estimand_stats::planning::{
    Assignment, Effect, Look, MeanTest, Monitoring, NullVariance, Outcome, Plan, ProportionTest, Question, Spread,
    crossing,
};
use estimand_stats::suffstat::Moments;
use serde_json::Value;

use crate::oracle::{assert_within, assert_within_tolerance, cases};
use crate::planning::{share, student};
use crate::shared_data::table;

fn golden(name: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    let text = std::fs::read_to_string(path).expect("the golden tables stand in the repository");
    serde_json::from_str(&text).expect("a list of cases")
}

fn close(case: &Value, got: f64, tolerance: f64) {
    let want = case["value"].as_f64().expect("a number");
    assert!((got / want - 1.0).abs() <= tolerance, "{case}: got {got:e}");
}

#[test]
fn powers_and_sizes_agree_with_r() {
    let mut ran = 0;
    for case in golden("power_r.json") {
        let input = |name: &str| case["inputs"][name].as_f64().unwrap_or_else(|| panic!("{case}: {name}"));
        let even = [1.0, 1.0];
        // R's own noncentral t stops at 1e-12 absolute, its root finder at the tolerance the script asks for.
        let (got, tolerance) = match case["kind"].as_str().expect("a kind") {
            "t_two_sided" => {
                let plan = Plan { level: input("level"), ..student(input("sd"), even) };
                (plan.power(2.0 * input("n"), Effect::Absolute(input("delta"))).unwrap(), 1e-8)
            }
            "t_one_sided" => {
                let plan =
                    Plan { level: input("level"), hypothesis: Hypothesis::Greater, ..student(input("sd"), even) };
                (plan.power(2.0 * input("n"), Effect::Absolute(input("delta"))).unwrap(), 1e-8)
            }
            "t_paired" => {
                let plan = Plan { assignment: Assignment::Pairs { correlation: 0.5 }, ..student(input("sd"), even) };
                (plan.power(2.0 * input("n"), Effect::Absolute(input("delta"))).unwrap(), 1e-8)
            }
            "t_size" => {
                let plan = student(input("sd"), even);
                (plan.units(Effect::Absolute(input("delta")), input("power")).unwrap() / 2.0, 1e-7)
            }
            "t_effect" => (student(input("sd"), even).effect(2.0 * input("n"), input("power")).unwrap(), 1e-7),
            "t_unequal" => {
                let arms = [input("n1"), input("n2")];
                let total = arms[0] + arms[1];
                (student(1.0, arms).power(total, Effect::Absolute(input("d"))).unwrap(), 1e-8)
            }
            "prop_formula" => {
                let plan = share(input("p1"), ProportionTest::Formula(NullVariance::Mean), even);
                (plan.power(2.0 * input("n"), Effect::Absolute(input("p2") - input("p1"))).unwrap(), 1e-9)
            }
            "prop_arcsine" => {
                let arms = [input("n1"), input("n2")];
                let plan = share(input("p1"), ProportionTest::Arcsine, arms);
                (plan.power(arms[0] + arms[1], Effect::Absolute(input("p2") - input("p1"))).unwrap(), 1e-9)
            }
            // R sums the noncentral beta to 1e-9 absolute; ours is held to 1e-12 by the golden table.
            "anova" => (anova_power(input("k") as u32, input("n"), input("f"), 0.95).unwrap(), 1e-7),
            "chi_square" => (chi_square_power(input("n"), input("w"), input("df"), 0.95).unwrap(), 1e-9),
            other => panic!("no test for {other}"),
        };
        close(&case, got, tolerance);
        ran += 1;
    }
    assert_eq!(ran, 117);
}

#[test]
fn powers_agree_with_brute_force() {
    let mut ran = 0;
    for case in golden("power_scipy.json") {
        let input = |name: &str| case["inputs"][name].as_f64().unwrap_or_else(|| panic!("{case}: {name}"));
        match case["kind"].as_str().expect("a kind") {
            "welch" => {
                let arms = [input("n0"), input("n1")];
                let outcome = Outcome::Mean {
                    mean: None,
                    std_dev: input("sd0"),
                    spread: Spread::Given(input("sd1")),
                    test: MeanTest::Welch,
                };
                let plan = Plan { assignment: Assignment::Arms(arms.to_vec()), ..Plan::new(outcome) };
                // The grid of the brute force leaves out 1e-14 on each side and smooths the edges of its rule.
                close(&case, plan.power(arms[0] + arms[1], Effect::Absolute(input("delta"))).unwrap(), 1e-8);
            }
            "counts" => {
                let test = match case["inputs"]["method"].as_str().expect("a method") {
                    "boschloo" => ProportionTest::Boschloo,
                    "fisher" => ProportionTest::Fisher,
                    "mean" => ProportionTest::Mean,
                    "pooled_z" => ProportionTest::PooledZ,
                    "score" => ProportionTest::Score,
                    other => panic!("no test for {other}"),
                };
                let arms = [input("n0"), input("n1")];
                let plan = share(input("p0"), test, arms);
                close(
                    &case,
                    plan.power(arms[0] + arms[1], Effect::Absolute(input("p1") - input("p0"))).unwrap(),
                    1e-11,
                );
            }
            kind @ ("t_size" | "z_size") => {
                let arms = [1.0, input("ratio")];
                let outcome = Outcome::Mean {
                    mean: None,
                    std_dev: 1.0,
                    spread: Spread::Same,
                    test: if kind == "t_size" { MeanTest::Pooled } else { MeanTest::Normal },
                };
                let plan = Plan { assignment: Assignment::Arms(arms.to_vec()), ..Plan::new(outcome) };
                let units = plan.units(Effect::Absolute(input("effect")), input("power")).unwrap();
                // statsmodels solves to 1e-8 or so.
                close(&case, units / (1.0 + input("ratio")), 1e-7);
            }
            other => panic!("no test for {other}"),
        }
        ran += 1;
    }
    assert_eq!(ran, 75);
}

#[test]
fn the_reference_cases_of_power_pass() {
    let methods = ["power_t", "power_prop", "power_misc", "sample_size"];
    let Some(cases) = cases("power", &methods) else { return };
    let (mut ran, mut differ) = (0, 0);
    for case in &cases {
        let even = [1.0, 1.0];
        let check = |name: &str, got: f64| assert_within(case, name, &[got]);
        match case["id"].as_str().expect("an id") {
            "power_t_basic" => {
                let plan = student(1.0, even);
                check("n80_d02", plan.units(Effect::Absolute(0.2), 0.8).unwrap() / 2.0);
                check("n90_d05", plan.units(Effect::Absolute(0.5), 0.9).unwrap() / 2.0);
                check("power_n20_d1", plan.power(40.0, Effect::Absolute(1.0)).unwrap());
                check("delta_n100_p90", student(2.0, even).effect(200.0, 0.9).unwrap());
            }
            "power_t_one" => {
                // One sample is a pair whose members correlate by one half.
                let plan = Plan {
                    assignment: Assignment::Pairs { correlation: 0.5 },
                    hypothesis: Hypothesis::Greater,
                    ..student(2.0, even)
                };
                check("n", plan.units(Effect::Absolute(0.5), 0.9).unwrap() / 2.0);
            }
            "power_prop" => {
                let plan = share(0.5, ProportionTest::Formula(NullVariance::Mean), even);
                check("n_50_75_p90", plan.units(Effect::Absolute(0.25), 0.9).unwrap() / 2.0);
                check("power_n50", plan.power(100.0, Effect::Absolute(0.25)).unwrap());
            }
            "power_prop_small_effect" => {
                let plan = share(0.1, ProportionTest::Formula(NullVariance::Mean), even);
                check("n_10_11_p80", plan.units(Effect::Absolute(0.01), 0.8).unwrap() / 2.0);
                let plan = share(0.05, ProportionTest::Formula(NullVariance::Mean), even);
                // R's root finder stops at 1.2e-4 by default: with `tol = 1e-13` the same call gives 0.056284241654531.
                let found = 0.05 + plan.effect(40_000.0, 0.8).unwrap();
                assert_within_tolerance(case, "p2_n20000", &[found], 3e-5);
                assert!((found / 0.056_284_241_654_531 - 1.0).abs() < 1e-6);
                differ += 1;
            }
            "power_pwr" => {
                // h = 0.3 from a share of one half.
                let baseline = 0.5_f64;
                let treated = (baseline.sqrt().asin() + 0.15).sin().powi(2);
                let plan = |arms| share(baseline, ProportionTest::Arcsine, arms);
                let effect = Effect::Absolute(treated - baseline);
                check("n_2p_h03", plan(even).units(effect, 0.8).unwrap() / 2.0);
                check("power_2p2n", plan([80.0, 245.0]).power(325.0, effect).unwrap());
                // The other arm's units for a hundred in this one: the weight at which the power is 0.8.
                let power = |n: f64| student(1.0, [100.0, n]).power(100.0 + n, Effect::Absolute(0.3)).unwrap();
                let want = case["expected"]["n_t2n"].as_f64().expect("a number");
                assert!(power(want * 0.999) < 0.8 && power(want * 1.001) > 0.8 || (power(want) - 0.8).abs() < 1e-7);
                check("power_anova", anova_power(4, 20.0, 0.28, 0.95).unwrap());
                check("n_chisq", chi_square_units(0.1, 3.0, 0.95, 0.8).unwrap());
            }
            "power_sm_ratio2" => {
                let plan = student(1.0, [1.0, 2.0]);
                check("n1_t", plan.units(Effect::Absolute(0.1), 0.8).unwrap() / 3.0);
                // The powers of the case are those of statsmodels' z test.
                let outcome = Outcome::Mean { mean: None, std_dev: 1.0, spread: Spread::Same, test: MeanTest::Normal };
                let plan = Plan { outcome, ..plan };
                check("n1_z", plan.units(Effect::Absolute(0.1), 0.8).unwrap() / 3.0);
                check("power_n1_1000", plan.power(3_000.0, Effect::Absolute(0.1)).unwrap());
                let larger = Plan { hypothesis: Hypothesis::Greater, ..plan };
                check("power_larger_n1_1000", larger.power(3_000.0, Effect::Absolute(0.1)).unwrap());
            }
            "power_mde_tt" => {
                let data = table(case["dataset"].as_str().expect("a path"));
                let spend = data.numbers("spend");
                let control: Vec<f64> = data
                    .text("segment")
                    .iter()
                    .zip(spend)
                    .filter(|(segment, _)| segment.as_deref() == Some("No E-Mail"))
                    .map(|(_, spend)| spend)
                    .collect();
                let history = Moments::of(&control).unwrap();
                let plan = Plan::new(Outcome::of_history(&history).unwrap());
                let answer = plan.answer(&Question::Size { effect: Effect::Relative(0.1), power: 0.8 }).unwrap();
                check("n_obs", answer.units as f64);
                check("effect_size", answer.effect);
            }
            other => panic!("no test for {other}"),
        }
        ran += 1;
    }
    println!("power: {ran} ran, {differ} of them differs in one number: R's root finder stops early");
    assert_eq!((ran, differ, cases.len()), (7, 1, 7));
}

#[test]
fn the_calculator_of_evan_miller_is_reached_by_its_formula() {
    // evanmiller.org/ab-testing/sample-size.html, baseline 20 %, 5 points absolute, 80 %, 5 %: 1,030 per arm.
    let plan = share(0.2, ProportionTest::Formula(NullVariance::Baseline), [1.0, 1.0]);
    let units = plan.units(Effect::Absolute(0.05), 0.8).unwrap() / 2.0;
    assert_eq!(units.round(), 1_030.0);
}

#[test]
fn looks_reproduce_published_designs() {
    // Jennison & Turnbull (2000), tables 2.1 and 2.3: constants of Pocock and O'Brien–Fleming for 5 looks, two-sided 5 %.
    let looks = |reject: &dyn Fn(f64) -> f64| -> Vec<Look> {
        (1..=5)
            .map(|k| f64::from(k) / 5.0)
            .map(|information| Look { information, reject: reject(information), futility: None })
            .collect()
    };
    let pocock = looks(&|_| 2.413);
    let fleming = looks(&|t| 2.040 / t.sqrt());
    for design in [&pocock, &fleming] {
        let null = crossing(design, 0.0, Alternative::TwoSided);
        assert!((null.rejection.above + null.rejection.below - 0.05).abs() < 1e-4);
        assert!((null.stops.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }
    // The same, tables 2.2 and 2.4: maximal sizes over fixed ones for a power of 0.8, and expected sizes of Pocock's test.
    for (design, inflation) in [(pocock, 1.229), (fleming, 1.028)] {
        let plan = Plan { monitoring: Monitoring::Looks(design), ..Plan::new(Outcome::mean(1.0, 1.0)) };
        let answer = plan.answer(&Question::Size { effect: Effect::Absolute(0.02), power: 0.8 }).unwrap();
        assert!((answer.inflation - inflation).abs() < 1e-3, "{}", answer.inflation);
        let fixed = Plan::new(Outcome::mean(1.0, 1.0)).units(Effect::Absolute(0.02), 0.8).unwrap();
        assert!((answer.units as f64 / fixed - inflation).abs() < 1e-3);
        assert!(answer.expected_units < 0.9 * answer.units as f64);
    }
    // One look is the fixed test.
    let once = Monitoring::Looks(vec![Look { information: 1.0, reject: 1.959_963_984_540_054, futility: None }]);
    let (fixed, looked) =
        (Plan::new(Outcome::mean(1.0, 1.0)), Plan { monitoring: once, ..Plan::new(Outcome::mean(1.0, 1.0)) });
    let (a, b) =
        (fixed.power(60.0, Effect::Absolute(0.5)).unwrap(), looked.power(60.0, Effect::Absolute(0.5)).unwrap());
    assert!((a - b).abs() < 1e-5, "{a} is not {b}");
}
