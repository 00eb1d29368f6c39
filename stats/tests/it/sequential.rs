//! Boundaries and e-values that may be looked at at any time: integrals, reference packages, laws.

use estimand_stats::contrast::{Boundary, Test};
use estimand_stats::dist::Alternative;
use estimand_stats::sequential::{
    Bernoulli, EValue, EventSplit, GammaExponential, LinearModel, Look, Multinomial, NormalMixture, Poisson, Sides,
    Stitched,
};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

use crate::estimator_oracles::{Ledger, text, two_arms};
use crate::oracle::{assert_within, assert_within_tolerance, cases};
use crate::samples::{design, effect, mean_of, row, run, summary};
use crate::shared_data::{asos, table};

/// Likelihood ratios integrated over the mixing law with 40 digits, by `golden/sequential.py`.
const GOLDEN: &str = include_str!("../golden/sequential.csv");

#[test]
fn mixtures_are_the_integrals_that_they_stand_for() {
    let mut rows = 0;
    for line in GOLDEN.lines().skip(1) {
        let (mixture, numbers) = line.split_once(',').expect("a name first");
        let numbers: Vec<f64> = numbers.split(',').map(|number| number.parse().expect("a number")).collect();
        let [first, second, opt, alpha, third, want] = numbers[..] else { panic!("{line}") };
        let evidence = match mixture {
            "normal_1" => NormalMixture::tuned(Sides::One, opt, alpha).unwrap().e_value(first, second),
            "normal_2" => NormalMixture::tuned(Sides::Two, opt, alpha).unwrap().e_value(first, second),
            "gamma_exponential" => GammaExponential::tuned(third, opt, alpha).unwrap().e_value(first, second),
            "binomial" => Bernoulli::tuned(opt, alpha).unwrap().e_value(first as u64, second as u64, third),
            "poisson" => Poisson::tuned(opt, alpha).unwrap().e_value(first as u64, second),
            other => panic!("no mixture {other}"),
        };
        let got = evidence.expect("evidence").ln();
        assert!((got - want).abs() <= 2e-13 * want.abs().max(1.0), "{line}: {got}");
        rows += 1;
    }
    assert_eq!(rows, 24);
}

fn numbers(list: &Value) -> Vec<f64> {
    list.as_array().expect("a list").iter().filter_map(Value::as_f64).collect()
}

#[test]
fn anytime_cases_agree_with_confseq_avlm_and_gbstats() {
    let methods = ["cs_normal_mix", "cs_normal_logmix", "cs_stitch", "cs_bern", "avlm", "asymptotic_cs"];
    let Some(cases) = cases("anytime", &methods) else { return };
    let mut ledger = Ledger::new("anytime");
    for case in cases {
        let (expected, inputs) = (&case["expected"], &case["inputs"]);
        match text(&case["id"]).as_str() {
            "cs_normal_mix" => {
                for (key, sides, v_opt) in [
                    ("two_sided_opt100", Sides::Two, 100.0),
                    ("two_sided_opt1000", Sides::Two, 1000.0),
                    ("one_sided_opt100", Sides::One, 100.0),
                    ("one_sided_opt1000", Sides::One, 1000.0),
                ] {
                    let mixture = NormalMixture::tuned(sides, v_opt, 0.05).unwrap();
                    let bounds: Vec<f64> =
                        numbers(&expected["v"]).iter().map(|v| mixture.boundary(*v, 0.05).unwrap()).collect();
                    assert_within(&case, key, &bounds);
                }
            }
            "cs_normal_logmix" => {
                for (key, sides) in [("log_e_two", Sides::Two), ("log_e_one", Sides::One)] {
                    let mixture = NormalMixture::tuned(sides, 100.0, 0.05).unwrap();
                    let logs: Vec<f64> =
                        numbers(&expected["s"]).iter().map(|s| mixture.e_value(*s, 100.0).unwrap().ln()).collect();
                    assert_within(&case, key, &logs);
                }
            }
            "cs_stitch" => {
                for (key, c) in [("bound", 0.0), ("bound_c1", 1.0)] {
                    let stitched = Stitched::new(10.0, c, 1.4, 2.0).unwrap();
                    let bounds: Vec<f64> =
                        numbers(&expected["v"]).iter().map(|v| stitched.boundary(*v, 0.05).unwrap()).collect();
                    assert_within(&case, key, &bounds);
                }
            }
            "cs_bern" => {
                let sequence = Bernoulli::tuned(100.0, 0.05).unwrap();
                let counts = numbers(&expected["ns"]).into_iter().zip(numbers(&expected["nt"]));
                for ((successes, trials), want) in counts.zip(expected["ci"].as_array().unwrap()) {
                    let interval = sequence.interval(successes as u64, trials as u64, 0.05).unwrap();
                    let part = serde_json::json!({"id": case["id"], "expected": want});
                    assert_within_tolerance(&part, "lower", &[interval.low.unwrap()], 1e-6);
                    assert_within_tolerance(&part, "upper", &[interval.high.unwrap()], 1e-6);
                }
            }
            "av_optg" => optimal_g(&case),
            "av_nsw_g1" | "av_nsw_hc0" => linear_model(&case),
            "asympcs_hillstrom_mens" => {
                let sample = two_arms(
                    &table(&text(&case["dataset"])),
                    "segment",
                    &text(&inputs["treatment"]),
                    &text(&inputs["control"]),
                    &["spend"],
                );
                let question = effect(mean_of("spend"), "treatment", "control");
                let rows = run("confidence_sequence", &question, &design(&[], &[]), &sample);
                let absolute = row(&rows, "absolute");
                for (key, got) in [
                    ("est", absolute.estimate),
                    ("ci_low", absolute.conf_low),
                    ("ci_high", absolute.conf_high),
                    ("p", absolute.p_value),
                ] {
                    assert_within(&case, key, &[got.expect(key)]);
                }
                let rho = NormalMixture::tuned(Sides::Two, 5000.0, 0.05).unwrap().rho();
                assert_within(&case, "rho", &[rho.sqrt().recip()]);
            }
            _ => asos_sequence(&case),
        }
        ledger.ran(&case);
    }
    ledger.close(10, 0);
}

/// The width-optimal precision. Each is the optimum to 14 digits; the reference searches for it, and where a radius of
/// 100,000 units is flat its search stops 2e-6 away, so that one part has a tolerance of its own. Its level is 0.1,
/// which its name does not say.
fn optimal_g(case: &Value) {
    let at = |n: f64, k: f64, alpha: f64| LinearModel::tuned(n, n - k, alpha).unwrap();
    assert_within(case, "g_445_2", &[at(445.0, 2.0, 0.05).g()]);
    assert_within(case, "g_1000_5", &[at(1000.0, 5.0, 0.05).g()]);
    let found = at(1e5, 8.0, 0.1);
    assert_within_tolerance(case, "g_1e5_8", &[found.g()], 3e-6);
    // By the stationarity of the radius with 40 digits (mpmath 1.3.0).
    assert!((found.g() / OPTIMAL_G - 1.0).abs() < 1e-12, "{}", found.g());
}

const OPTIMAL_G: f64 = 15_063.404_225_190_009;

/// Least squares of the shared data, each coefficient tested by the anytime-valid t-test.
fn linear_model(case: &Value) {
    let robust = case["id"] == "av_nsw_hc0";
    let covariates: &[&str] = if robust { &["re75", "age"] } else { &[] };
    let columns: Vec<&str> = ["re78"].into_iter().chain(covariates.iter().copied()).collect();
    let sample = two_arms(&table(&text(&case["dataset"])), "treat", "1", "0", &columns);
    let options = [("se", if robust { "HC0" } else { "classical" }), ("slope", "shared")];
    let question = effect(mean_of("re78"), "treatment", "control");
    let rows = run("ols", &question, &design(covariates, &options), &sample);
    let (n, df) = (445.0, 445.0 - 2.0 - covariates.len() as f64);
    let model = if robust { LinearModel::tuned(n, df, 0.05) } else { LinearModel::new(1.0) }.unwrap();
    let radius = model.radius(df, n, 0.05).unwrap();
    let terms: Vec<[f64; 4]> = ["(intercept)", "arm"]
        .iter()
        .chain(covariates)
        .map(|name| {
            let term = rows.rows.iter().find(|row| row.term.as_deref() == Some(name)).expect("a row per term");
            let (coefficient, error) = (term.estimate.unwrap(), term.std_error.unwrap());
            let p = model.e_value(coefficient / error, df, n).unwrap().p_value().p;
            [coefficient, p, coefficient - radius * error, coefficient + radius * error]
        })
        .collect();
    for (at, key) in ["coef", "p", "ci_low", "ci_high"].into_iter().enumerate() {
        assert_within(case, key, &terms.iter().map(|term| term[at]).collect::<Vec<f64>>());
    }
    assert_within(case, "g", &[model.g()]);
}

/// The sequence at every snapshot of a real experiment, from counts, means and variances.
fn asos_sequence(case: &Value) {
    let id = text(&case["id"]);
    let [experiment, variant, metric] = id.trim_start_matches("asympcs_asos_").split('_').collect::<Vec<_>>()[..]
    else {
        panic!("{id}")
    };
    let snapshots = asos(experiment, variant.parse().unwrap(), metric.parse().unwrap());
    let question = effect(mean_of("y"), "treatment", "control");
    let found: Vec<[f64; 5]> = snapshots
        .iter()
        .map(|snapshot| {
            let arm = |name, at: usize| (name, snapshot.count[at] as u64, snapshot.mean[at], snapshot.variance[at]);
            let sample = summary(&[arm("control", 0), arm("treatment", 1)]);
            let rows = run("confidence_sequence", &question, &design(&[], &[]), &sample);
            let row = row(&rows, "absolute");
            let cells = [row.estimate, row.conf_low, row.conf_high, row.p_value];
            let [estimate, low, high, p] = cells.map(|cell| cell.expect("a number"));
            [snapshot.time, estimate, low, high, p]
        })
        .collect();
    for (at, key) in ["time", "lift", "ci_low", "ci_high", "p"].into_iter().enumerate() {
        let column: Vec<f64> = found.iter().map(|row| row[at]).collect();
        assert_within(case, key, &column);
    }
}

#[test]
fn what_makes_no_sense_has_no_boundary() {
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(NormalMixture::new(Sides::Two, bad), None);
        assert_eq!(NormalMixture::tuned(Sides::One, bad, 0.05), None);
        assert_eq!(GammaExponential::tuned(bad, 100.0, 0.05), None);
        assert_eq!(Bernoulli::new(bad), None);
        assert_eq!(Poisson::tuned(bad, 0.05), None);
        assert_eq!(LinearModel::new(bad), None);
        assert_eq!(Multinomial::new(&[1.0, 1.0], bad), None);
        assert_eq!(Multinomial::new(&[1.0, bad], 100.0), None);
        assert_eq!(Stitched::new(bad, 0.0, 1.4, 2.0), None);
    }
    for alpha in [0.0, 1.0, -0.1, f64::NAN] {
        let mixture = NormalMixture::new(Sides::One, 1.0).unwrap();
        assert_eq!(mixture.boundary(1.0, alpha), None);
        assert_eq!(Bernoulli::new(1.0).unwrap().interval(1, 2, alpha), None);
        assert_eq!(LinearModel::new(1.0).unwrap().radius(10.0, 12.0, alpha), None);
        assert_eq!(Stitched::new(1.0, 0.0, 1.4, 2.0).unwrap().boundary(1.0, alpha), None);
    }
    let even = Multinomial::new(&[1.0, 1.0], 10.0).unwrap();
    assert_eq!(even.e_value(&[1, 2, 3]), None);
    assert_eq!(Multinomial::new(&[1.0], 10.0), None);
    let share = Bernoulli::new(10.0).unwrap();
    assert_eq!(share.e_value(3, 2, 0.5), None);
    assert_eq!(share.e_value(1, 2, 1.0), None);
    assert_eq!(EventSplit::tuned(1.0, 100.0, 0.05), None);
    assert_eq!(Poisson::tuned(10.0, 0.05).unwrap().interval(3, 0.0, 0.05), None);
    assert_eq!(EValue::from_ln(f64::NAN), None);
}

#[test]
fn evidence_beyond_the_doubles_keeps_its_logarithm() {
    let mixture = NormalMixture::new(Sides::Two, 100.0).unwrap();
    let tail = mixture.e_value(1e5, 1e4).unwrap().p_value();
    assert_eq!(tail.p, f64::from_bits(1));
    assert!((tail.log10_p / -215_024.0 - 1.0).abs() < 1e-3, "{}", tail.log10_p);
    let one = mixture.e_value(0.0, 1e4).unwrap();
    assert!(one.value() < 1.0);
    assert_eq!((one.p_value().p, one.p_value().log10_p), (1.0, 0.0));
}

#[test]
fn without_data_there_is_no_evidence() {
    let nothing = |evidence: Option<EValue>| assert!(evidence.unwrap().ln().abs() < 1e-14);
    nothing(NormalMixture::new(Sides::One, 7.0).unwrap().e_value(0.0, 0.0));
    nothing(NormalMixture::new(Sides::Two, 7.0).unwrap().e_value(0.0, 0.0));
    nothing(GammaExponential::tuned(0.5, 100.0, 0.05).unwrap().e_value(0.0, 0.0));
    nothing(Multinomial::new(&[1.0, 2.0, 3.0], 1e4).unwrap().e_value(&[0, 0, 0]));
    nothing(Bernoulli::new(11.6).unwrap().e_value(0, 0, 0.3));
}

#[test]
fn shares_of_all_or_none_have_an_end_of_their_own() {
    let sequence = Bernoulli::tuned(100.0, 0.05).unwrap();
    let none = sequence.interval(0, 40, 0.05).unwrap();
    let all = sequence.interval(40, 40, 0.05).unwrap();
    assert_eq!((none.low, all.high), (Some(0.0), Some(1.0)));
    assert!((none.high.unwrap() + all.low.unwrap() - 1.0).abs() < 1e-15);
    assert!(none.high.unwrap() > 0.05 && none.high.unwrap() < 0.5);
    assert_eq!(
        sequence.interval(0, 0, 0.05).unwrap(),
        estimand_stats::contrast::Interval { low: Some(0.0), high: Some(1.0) }
    );
    // So many failures that a linear scale would round the end away.
    let rare = sequence.interval(3, 10_000_000_000, 0.05).unwrap();
    assert!(rare.low.unwrap() > 0.0 && rare.high.unwrap() < 1e-7, "{rare:?}");
}

#[test]
fn the_event_split_is_the_multinomial_test_of_the_planned_share() {
    let split = EventSplit::tuned(0.25, 500.0, 0.05).unwrap();
    let concentration = Bernoulli::tuned(500.0, 0.05).unwrap().concentration();
    let counts = Multinomial::new(&[0.25, 0.75], concentration).unwrap();
    let (one, other) = (split.e_value(150, 350, 1.0).unwrap(), counts.e_value(&[150, 350]).unwrap());
    assert!((one.ln() - other.ln()).abs() < 1e-12);
    let interval = split.interval(150, 350, 0.05).unwrap();
    for end in [interval.low.unwrap(), interval.high.unwrap()] {
        assert!((split.e_value(150, 350, end).unwrap().value() / 20.0 - 1.0).abs() < 1e-9);
    }
    assert_eq!(split.interval(5, 0, 0.05).unwrap().high, None);
}

#[test]
fn sample_ratios_of_a_billion_units_keep_their_digits() {
    // Against the same sum with 40 digits (mpmath 1.3.0): loggamma of each term, added.
    let even = Multinomial::new(&[1.0, 1.0], 10_000.0).unwrap();
    let got = even.e_value(&[500_100_000, 499_900_000]).unwrap().ln();
    assert!((got - SPLIT_OF_A_BILLION).abs() < 1e-9 * SPLIT_OF_A_BILLION.abs(), "{got}");
}

const SPLIT_OF_A_BILLION: f64 = 14.243_307_423_118_84;

fn tests() -> impl Strategy<Value = Test> {
    let sides = prop_oneof![Just(Alternative::TwoSided), Just(Alternative::Greater), Just(Alternative::Less)];
    (sides, 1e-6..0.4_f64).prop_map(|(alternative, alpha)| Test::of(alternative, alpha))
}

proptest! {
    #[test]
    fn a_boundary_has_the_evidence_of_its_level(v in 1e-3..1e7_f64, opt in 1e-2..1e6_f64, alpha in 1e-9..0.6_f64) {
        for sides in [Sides::One, Sides::Two] {
            let mixture = NormalMixture::tuned(sides, opt, 0.05).unwrap();
            let evidence = mixture.e_value(mixture.boundary(v, alpha).unwrap(), v).unwrap();
            prop_assert!((evidence.ln() + alpha.ln()).abs() < 1e-10 * (1.0 - alpha.ln()), "{:?}", evidence);
        }
        let mixture = GammaExponential::tuned(0.5, opt, 0.05).unwrap();
        if let Some(bound) = mixture.boundary(v, alpha) {
            let evidence = mixture.e_value(bound, v).unwrap();
            prop_assert!((evidence.ln() + alpha.ln()).abs() < 1e-8 * (1.0 - alpha.ln()), "{:?}", evidence);
        }
    }

    #[test]
    fn a_look_rejects_exactly_beyond_its_critical_value(test in tests(), seen in 10.0..1e6_f64, planned in 10.0..1e6_f64) {
        for look in [Look::Units { seen, planned }, Look::Mixing { ratio: seen / planned }] {
            let critical = look.critical(test).unwrap();
            let side = if test.alternative == Alternative::Less { -1.0 } else { 1.0 };
            let p = |statistic: f64| look.p_value(side * statistic, test).unwrap().p;
            prop_assert!(p(critical * 1.000_001 + 1e-9) < test.alpha());
            prop_assert!(p(critical * 0.999_999 - 1e-9) > test.alpha());
        }
    }

    #[test]
    fn an_interval_ends_where_its_evidence_is_that_of_the_level(successes in 1_u64..5_000, failures in 1_u64..5_000, alpha in 1e-6..0.5_f64) {
        let trials = successes + failures;
        let sequence = Bernoulli::tuned(1000.0, 0.05).unwrap();
        let interval = sequence.interval(successes, trials, alpha).unwrap();
        let (low, high) = (interval.low.unwrap(), interval.high.unwrap());
        let observed = successes as f64 / trials as f64;
        prop_assert!(low < observed && observed < high);
        for end in [low, high].into_iter().filter(|end| *end > 1e-9 && *end < 1.0 - 1e-9) {
            let evidence = sequence.e_value(successes, trials, end).unwrap();
            prop_assert!((evidence.ln() + alpha.ln()).abs() < 1e-7, "{end}: {:?}", evidence);
        }
        let rates = Poisson::tuned(1000.0, 0.05).unwrap();
        let interval = rates.interval(successes, 2.0, alpha).unwrap();
        for end in [interval.low.unwrap(), interval.high.unwrap()].into_iter().filter(|end| *end > 0.0) {
            let evidence = rates.e_value(successes, 2.0 * end).unwrap();
            prop_assert!((evidence.ln() + alpha.ln()).abs() < 1e-9 * (1.0 + successes as f64), "{end}: {:?}", evidence);
        }
    }

    #[test]
    fn the_tuned_linear_model_is_the_narrowest(n in 20.0..1e6_f64, k in 1.0..9.0_f64, alpha in 0.001..0.3_f64, factor in 0.5..2.0_f64) {
        let df = n - k;
        let model = LinearModel::tuned(n, df, alpha).unwrap();
        let radius = model.radius(df, n, alpha).unwrap();
        let other = LinearModel::new(model.g() * factor).unwrap().radius(df, n, alpha).unwrap_or(f64::INFINITY);
        prop_assert!(radius <= other * (1.0 + 1e-12));
        prop_assert!((model.e_value(radius, df, n).unwrap().ln() + alpha.ln()).abs() < 1e-6);
    }
}

/// How often a process passes `1/α` at any of its steps.
fn ever_rejected(replications: u64, mut step: impl FnMut(&mut ChaCha8Rng) -> bool) -> f64 {
    let rejected = (0..replications).filter(|seed| step(&mut ChaCha8Rng::seed_from_u64(*seed))).count();
    rejected as f64 / replications as f64
}

/// At most α, with three standard errors of the simulation.
fn assert_at_most(what: &str, rate: f64, alpha: f64, replications: u64) {
    let allowed = alpha + 3.0 * (alpha * (1.0 - alpha) / replications as f64).sqrt();
    assert!(rate <= allowed, "{what}: {rate}");
}

#[test]
fn counts_looked_at_after_every_unit_are_called_wrong_at_most_at_the_level() {
    const REPLICATIONS: u64 = 400;
    let even = Multinomial::new(&[3.0, 1.0], 50.0).unwrap();
    let rate = ever_rejected(REPLICATIONS, |random| {
        let mut counts = [0, 0];
        (0..1000).any(|_| {
            counts[usize::from(random.random::<f64>() < 0.25)] += 1;
            even.e_value(&counts).unwrap().p_value().p <= 0.05
        })
    });
    assert_at_most("sample ratio", rate, 0.05, REPLICATIONS);
    let rates = Poisson::tuned(100.0, 0.05).unwrap();
    let rate = ever_rejected(REPLICATIONS, |random| {
        let mut exposure = 0.0;
        (1..500).any(|events| {
            exposure -= (1.0 - random.random::<f64>()).ln();
            rates.e_value(events, exposure).unwrap().p_value().p <= 0.05
        })
    });
    assert_at_most("Poisson rate", rate, 0.05, REPLICATIONS);
}
