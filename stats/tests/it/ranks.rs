//! Rank tests against R 4.2.2 (`wilcox.test`, `ks.test`), SciPy 1.17.1 and the reference cases.

use estimand_stats::contrast::Interval;
use estimand_stats::dist::{Alternative, TailProbability};
use estimand_stats::empirical::Empirical;
use estimand_stats::ranks::{
    ExactRankSum, KolmogorovSmirnov, Pairs, Pairwise, RankSum, SignedRank, Superiority, TrimmedMean,
};
use proptest::prelude::*;
use serde_json::Value;

use crate::oracle::{assert_within, cases};
use crate::samples::{Arm, design, effect, mean_of, row, run, sample};
use crate::shared_data::table;
use crate::tallies::{Tally, units};

const TWO_SIDED: Alternative = Alternative::TwoSided;

/// Hollander & Wolfe (1973), page 69: permeability constants of the human chorioamnion at term and earlier.
const TERM: [f64; 10] = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46];
const EARLIER: [f64; 5] = [1.15, 0.88, 0.90, 0.74, 1.21];
/// Two arms with many ties.
const TIED: [f64; 8] = [1.0, 1.0, 2.0, 3.0, 3.0, 3.0, 4.0, 6.0];
const TIED_TOO: [f64; 7] = [2.0, 3.0, 3.0, 5.0, 6.0, 6.0, 7.0];

fn assert_near(got: f64, want: f64, rtol: f64) {
    assert!((got - want).abs() <= rtol * want.abs(), "got {got:e}, want {want:e}");
}

#[test]
fn the_exact_test_and_interval_are_those_of_r() {
    // R 4.2.2: wilcox.test(term, earlier, conf.int = TRUE, exact = TRUE), printed to 15 digits.
    let (x, y) = (Tally::of(&TERM), Tally::of(&EARLIER));
    let exact = ExactRankSum::of(x.law(), y.law()).unwrap();
    let pairs = Pairs::new(x.law(), y.law(), Pairwise::Difference).unwrap();
    assert_eq!(RankSum::of(x.law(), y.law()).unwrap().u(), 35.0);
    assert_near(exact.p_value(TWO_SIDED).p, 0.254412254412254, 1e-13);
    assert_near(pairs.median().unwrap(), 0.305, 1e-13);
    let Interval { low: Some(low), high: Some(high) } = pairs.interval(exact.acceptance(0.05, TWO_SIDED)) else {
        panic!("both ends are bounded");
    };
    assert_near(low, -0.15, 1e-13);
    assert_near(high, 0.76, 1e-13);
    assert_near(exact.p_value(Alternative::Greater).p, 0.127206127206127, 1e-13);
    let one = pairs.interval(exact.acceptance(0.1, Alternative::Greater));
    assert_near(one.low.unwrap(), -0.05, 1e-12);
    assert_eq!(one.high, None);
}

#[test]
fn ties_are_counted_exactly() {
    // Over all 6,435 assignments of the middle ranks, enumerated with NumPy 2.4.6.
    let exact = ExactRankSum::of(Tally::of(&TIED).law(), Tally::of(&TIED_TOO).law()).unwrap();
    let p = |alternative| exact.p_value(alternative).p;
    assert_near(p(TWO_SIDED), 0.12292152292152292, 1e-13);
    assert_near(p(Alternative::Greater), 0.9494949494949495, 1e-13);
    assert_near(p(Alternative::Less), 0.06293706293706294, 1e-13);
}

#[test]
fn the_normal_approximation_is_that_of_r() {
    // R 4.2.2: wilcox.test(exact = FALSE), with and without the continuity correction.
    let ranks = RankSum::of(Tally::of(&TIED).law(), Tally::of(&TIED_TOO).law()).unwrap();
    assert_eq!(ranks.u(), 14.5);
    assert_near(ranks.normal_test(TWO_SIDED, true).unwrap().tail.p, 0.12340253854336257, 1e-13);
    assert_near(ranks.normal_test(Alternative::Less, false).unwrap().tail.p, 0.05481000325381453, 1e-13);
}

#[test]
fn brunner_munzel_and_yuen_are_those_of_scipy() {
    // SciPy 1.17.1: brunnermunzel(x, y), whose statistic has the sign of y − x; ttest_ind(trim = 0.2).
    let (x, y) = (Tally::of(&TIED), Tally::of(&TIED_TOO));
    let superiority = Superiority::of(x.law(), y.law()).unwrap();
    let test = superiority.test(TWO_SIDED).unwrap();
    assert_near(test.statistic, -1.8473269961656413, 1e-13);
    assert_near(test.tail.p, 0.08871823060186419, 1e-12);
    let [one, other] = [&x, &y].map(|tally| TrimmedMean::of(tally.law(), 0.2).unwrap());
    let error = (one.variance.unwrap() + other.variance.unwrap()).sqrt();
    assert_near((one.mean - other.mean) / error, -1.9191069933705909, 1e-13);
}

#[test]
fn kolmogorov_smirnov_is_that_of_r() {
    // R 4.2.2: ks.test(exact = TRUE), with ties too; exact = FALSE.
    let (x, y) = (Tally::of(&TERM), Tally::of(&EARLIER));
    let free = KolmogorovSmirnov::of(x.law(), y.law()).unwrap();
    assert_near(free.distance(), 0.6, 1e-13);
    assert_near(free.exact_p().unwrap().p, 0.16583416583416366, 1e-12);
    assert_near(free.asymptotic_p().p, 0.18130044993812267, 1e-6);
    let (x, y) = (Tally::of(&TIED), Tally::of(&TIED_TOO));
    let tied = KolmogorovSmirnov::of(x.law(), y.law()).unwrap();
    assert_near(tied.distance(), 0.44642857142857145, 1e-13);
    assert_near(tied.exact_p().unwrap().p, 0.2509712509712506, 1e-12);
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[test]
fn rank_tests_agree_with_the_reference_cases() {
    let methods = ["rank_tests", "wilcoxon_hl", "permutation_exact", "signed_rank"];
    let Some(cases) = cases("nonparametric", &methods) else { return };
    let (mut ran, mut elsewhere) = (0, 0);
    for case in cases {
        match text(&case["method"]).as_str() {
            "rank_tests" => rank_tests(&case),
            "wilcoxon_hl" => wilcoxon(&case),
            "signed_rank" => signed_rank(&case),
            // In `resampling`.
            _ => {
                elsewhere += 1;
                continue;
            }
        }
        ran += 1;
    }
    println!("nonparametric: {ran} ran and passed here, {elsewhere} run in `resampling`");
    assert_eq!((ran, elsewhere), (4, 2));
}

fn rank_tests(case: &Value) {
    let inputs = &case["inputs"];
    let data = table(&text(&case["dataset"]));
    let arm =
        |level: &str| Tally::of(&units(&data, &text(&inputs["y"]), &text(&inputs["group"]), &text(&inputs[level])));
    let (treated, control) = (arm("treatment"), arm("control"));
    let (x, y) = (treated.law(), control.law());
    let ranks = RankSum::of(x, y).unwrap();
    assert_within(case, "U", &[ranks.u()]);
    assert_within(case, "p_cc", &[ranks.normal_test(TWO_SIDED, true).unwrap().tail.p]);
    assert_within(case, "p_nocc", &[ranks.normal_test(TWO_SIDED, false).unwrap().tail.p]);
    let superiority = Superiority::of(x, y).unwrap();
    let test = superiority.test(TWO_SIDED).unwrap();
    assert_within(case, "prob_superiority", &[superiority.probability]);
    // The reference has the sign of control − treated.
    assert_within(case, "brunner_munzel", &[-test.statistic]);
    assert_within(case, "brunner_munzel_p", &[test.tail.p]);
    assert_within(case, "ks", &[KolmogorovSmirnov::of(x, y).unwrap().distance()]);
    // By the estimator, as the command line would.
    let estimate = |options: &[(&str, &str)]| {
        let sample = sample_of(&data, inputs);
        run("mann_whitney", &effect(mean_of("y"), "treatment", "control"), &design(&[], options), &sample)
    };
    let rows = estimate(&[("method", "normal"), ("continuity", "false")]);
    assert_within(case, "p_nocc", &[row(&rows, "absolute").p_value.unwrap()]);
    let rows = estimate(&[]);
    assert_within(case, "p_cc", &[row(&rows, "absolute").p_value.unwrap()]);
    let superiority = rows.rows.iter().find(|row| row.term.as_deref() == Some("superiority")).unwrap();
    assert_within(case, "prob_superiority", &[superiority.estimate.unwrap()]);
    assert_within(case, "brunner_munzel_p", &[superiority.p_value.unwrap()]);
}

fn sample_of(data: &crate::shared_data::Table, inputs: &Value) -> estimand_stats::Sample {
    let arm = |name: &str, level: &str| {
        Arm::new(name, &[("y", &units(data, &text(&inputs["y"]), &text(&inputs["group"]), &text(&inputs[level])))])
    };
    sample(&[arm("control", "control"), arm("treatment", "treatment")])
}

/// R finds its estimate and interval by a root finder that stops within 1e-4 of where a step function turns: the ends
/// are compared to that. Its estimate is whatever point the finder hits between the two middle differences, and is
/// compared with these; ours is their middle.
fn wilcoxon(case: &Value) {
    let data = table(&text(&case["dataset"]));
    let (one, other) =
        (Tally::of(&units(&data, "extra", "group", "1")), Tally::of(&units(&data, "extra", "group", "2")));
    let ranks = RankSum::of(one.law(), other.law()).unwrap();
    let expected = &case["expected"];
    assert_near(ranks.u(), expected["W"].as_f64().unwrap(), 1e-8);
    assert_near(ranks.normal_test(TWO_SIDED, true).unwrap().tail.p, expected["p"].as_f64().unwrap(), 1e-8);
    let pairs = Pairs::new(one.law(), other.law(), Pairwise::Difference).unwrap();
    let (low, high) = (pairs.entry(pairs.count() / 2).unwrap(), pairs.entry(pairs.count() / 2 + 1).unwrap());
    let found = expected["hl"].as_f64().unwrap();
    assert!(low <= found && found <= high, "{low} {found} {high}");
    assert_eq!(pairs.median(), Some(low + (high - low) / 2.0));
    let interval = pairs.interval(ranks.acceptance(0.05, TWO_SIDED, true).unwrap());
    for (got, want) in [interval.low, interval.high].into_iter().zip(expected["ci"].as_array().unwrap()) {
        assert!((got.unwrap() - want.as_f64().unwrap()).abs() < 1e-4, "{got:?} {want}");
    }
}

fn signed_rank(case: &Value) {
    let differences: Vec<f64> = case["inputs"]["d"].as_array().unwrap().iter().filter_map(Value::as_f64).collect();
    let test = SignedRank::of(Tally::of(&differences).law()).unwrap();
    assert_within(case, "W", &[test.positive().min(test.negative())]);
    assert_within(case, "p", &[test.exact_p(TWO_SIDED).unwrap().p]);
}

#[test]
fn trimmed_means_agree_with_scipy() {
    let Some(cases) = cases("means", &["yuen"]) else { return };
    for case in &cases {
        let inputs = &case["inputs"];
        let data = table(&text(&case["dataset"]));
        let arm = |name: &str, level: &str| {
            Arm::new(name, &[("y", &units(&data, &text(&inputs["y"]), &text(&inputs["group"]), level))])
        };
        let sample = sample(&[arm("control", "0"), arm("treatment", "1")]);
        let trim = inputs["trim"].to_string();
        let question = effect(mean_of("y"), "treatment", "control");
        let rows = run("trimmed_mean", &question, &design(&[], &[("trim", &trim)]), &sample);
        let yuen = row(&rows, "absolute");
        assert_within(case, "t", &[yuen.statistic.unwrap()]);
        assert_within(case, "df", &[yuen.df.unwrap()]);
        assert_within(case, "p", &[yuen.p_value.unwrap()]);
    }
    assert_eq!(cases.len(), 1);
}

fn small_arm() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec((-6_i8..9).prop_map(|value| f64::from(value) / 2.0), 2..9)
}

/// Every way to choose the treated units, as masks.
fn assignments(units: usize, treated: usize) -> impl Iterator<Item = u32> {
    (0..1_u32 << units).filter(move |mask| mask.count_ones() as usize == treated)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn exact_tests_are_shares_of_all_assignments(x in small_arm(), y in small_arm()) {
        let (tally_x, tally_y) = (Tally::of(&x), Tally::of(&y));
        let u = |x: &[f64], y: &[f64]| -> i64 {
            x.iter().flat_map(|x| y.iter().map(move |y| if x > y { 2 } else { i64::from(x == y) })).sum()
        };
        let distance = |x: &[f64], y: &[f64]| {
            let below = |units: &[f64], limit: f64| units.iter().filter(|unit| **unit <= limit).count();
            let at = |limit: &f64| (below(x, *limit) * y.len()).abs_diff(below(y, *limit) * x.len());
            x.iter().chain(y).map(at).max().unwrap()
        };
        let all: Vec<f64> = x.iter().chain(&y).copied().collect();
        let middle = (x.len() * y.len()) as i64;
        let (mut total, mut extreme, mut apart) = (0.0, 0.0, 0.0);
        for mask in assignments(all.len(), x.len()) {
            let (mut one, mut other) = (Vec::new(), Vec::new());
            all.iter().enumerate().for_each(|(at, unit)| if mask >> at & 1 == 1 { one.push(*unit) } else { other.push(*unit) });
            total += 1.0;
            extreme += f64::from(u8::from((u(&one, &other) - middle).abs() >= (u(&x, &y) - middle).abs()));
            apart += f64::from(u8::from(distance(&one, &other) >= distance(&x, &y)));
        }
        let exact = ExactRankSum::of(tally_x.law(), tally_y.law()).unwrap().p_value(TWO_SIDED).p;
        prop_assert!((exact - extreme / total).abs() < 1e-12, "{exact} {}", extreme / total);
        let exact = KolmogorovSmirnov::of(tally_x.law(), tally_y.law()).unwrap().exact_p().unwrap().p;
        prop_assert!((exact - apart / total).abs() < 1e-12, "{exact} {}", apart / total);
    }

    #[test]
    fn an_interval_excludes_zero_only_when_its_test_rejects(x in small_arm(), y in small_arm(), exact in any::<bool>()) {
        let (x, y) = (Tally::of(&x), Tally::of(&y));
        let pairs = Pairs::new(x.law(), y.law(), Pairwise::Difference).unwrap();
        let ranks = RankSum::of(x.law(), y.law()).unwrap();
        let Some((p, accepted)) = (if exact {
            let law = ExactRankSum::of(x.law(), y.law()).unwrap();
            Some((law.p_value(TWO_SIDED).p, law.acceptance(0.1, TWO_SIDED)))
        } else {
            ranks.normal_test(TWO_SIDED, true).zip(ranks.acceptance(0.1, TWO_SIDED, true)).map(|(test, a)| (test.tail.p, a))
        }) else { return Ok(()) };
        let interval = pairs.interval(accepted);
        prop_assert!(!interval.excludes(0.0) || p < 0.1, "{interval:?} {p}");
        // Without a tie between the arms the shift moves past no pair at zero, and both say the same.
        let tie = x.law().values().iter().any(|value| y.law().values().contains(value));
        prop_assert!(tie || interval.excludes(0.0) == (p < 0.1), "{interval:?} {p}");
    }

    #[test]
    fn ranks_see_the_order_alone(x in small_arm(), y in small_arm()) {
        let bent = |units: &[f64]| units.iter().map(|unit| (unit / 3.0).exp()).collect::<Vec<f64>>();
        let plain = RankSum::of(Tally::of(&x).law(), Tally::of(&y).law());
        prop_assert_eq!(plain, RankSum::of(Tally::of(&bent(&x)).law(), Tally::of(&bent(&y)).law()));
    }
}

#[test]
fn ten_million_units_are_as_quick_as_their_values() {
    let values: Vec<f64> = (0..1_000).map(f64::from).collect();
    let counts: Vec<u64> = (0..1_000).map(|i| 10_000 - 5 * i).collect();
    let reversed: Vec<u64> = counts.iter().rev().copied().collect();
    let (x, y) = (Empirical::new(&values, &reversed).unwrap(), Empirical::new(&values, &counts).unwrap());
    let test = RankSum::of(x, y).unwrap().normal_test(TWO_SIDED, true).unwrap();
    assert_eq!(test.tail.p, f64::from_bits(1));
    assert!(test.tail.log10_p < -10_000.0);
    let pairs = Pairs::new(x, y, Pairwise::Difference).unwrap();
    assert!(pairs.median().unwrap() > 100.0);
}

#[test]
fn what_stands_when_nothing_can_be_tested_is_said() {
    let question = effect(mean_of("y"), "treatment", "control");
    let rows = |x: &[f64], y: &[f64]| {
        let sample = sample(&[Arm::new("control", &[("y", y)]), Arm::new("treatment", &[("y", x)])]);
        run("mann_whitney", &question, &design(&[], &[]), &sample)
    };
    let tied = rows(&[0.0; 5], &[0.0; 4]);
    let absolute = row(&tied, "absolute");
    assert_eq!((absolute.estimate, absolute.p_value, absolute.conf_low), (Some(0.0), None, None));
    assert_eq!(absolute.notes.as_deref(), Some("All units have the same value, so the test is undefined."));
    let relative = row(&tied, "relative");
    let note = "The relative effect is the median ratio of two units, which needs values above zero in both arms.";
    assert_eq!((relative.estimate, relative.notes.as_deref()), (None, Some(note)));
    let few = rows(&[2.0, 3.0], &[1.0, 0.5]);
    let absolute = row(&few, "absolute");
    assert_eq!((absolute.p_value, absolute.conf_low, absolute.conf_high), (Some(1.0 / 3.0), None, None));
    assert_eq!(absolute.notes.as_deref(), Some("So few units bound the effect on no side at this level."));
    let zeros: Vec<f64> = (0..60).map(|unit| if unit < 45 { 0.0 } else { 1.0 + f64::from(unit) }).collect();
    let more: Vec<f64> = (0..60).map(|unit| if unit < 25 { 0.0 } else { 1.0 + f64::from(unit) }).collect();
    let heaped = rows(&more, &zeros);
    let absolute = row(&heaped, "absolute");
    assert!(absolute.p_value.unwrap() < 0.05 && absolute.conf_low == Some(0.0), "{absolute:?}");
    let note = "With so many tied units the shift can be 0 where the test rejects: see the probability of superiority.";
    assert_eq!(absolute.notes.as_deref(), Some(note));
}

#[test]
fn a_test_of_equal_arms_is_certain() {
    let x = Tally::of(&TERM);
    assert_eq!(ExactRankSum::of(x.law(), x.law()).unwrap().p_value(TWO_SIDED), TailProbability::CERTAIN);
}
