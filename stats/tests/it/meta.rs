//! Meta-analysis, replication and selection: statsmodels, R metafor 3.8-1 (R 4.2.2), definitions and calibration.

use estimand_stats::dist::{Continuous, Normal};
use estimand_stats::meta::{
    Estimator, IntervalMethod, Programme, Replication, Selection, Studies, Study, fisher, stouffer,
};
use estimand_stats::posterior::Prior;
use proptest::prelude::*;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::oracle;

/// Log risk ratios of the 13 trials of the BCG vaccine (Colditz et al. 1994), as `escalc(measure = "RR")` gives them.
const BCG: [(f64, f64); 13] = [
    (-0.8893113339202054, 0.5706003548929507),
    (-1.5853886572014306, 0.4411135017182582),
    (-1.3480731482996933, 0.644490469571091),
    (-1.4415511900213054, 0.1414568199213017),
    (-0.2175473222112956, 0.2262966463950159),
    (-0.786115585818864, 0.0831000508778951),
    (-1.6208982235983918, 0.4722470196542432),
    (0.0119523335238405, 0.0629410779842364),
    (-0.4694176487381494, 0.2375588568402554),
    (-1.3713448034727844, 0.2702310004663213),
    (-0.3393588283383906, 0.1114101161096232),
    (0.4459134005713787, 0.7297299810204818),
    (-0.0173139482168798, 0.2672165033900157),
];

fn studies(pairs: &[(f64, f64)]) -> Studies {
    Studies::new(
        pairs.iter().map(|(estimate, std_error)| Study { estimate: *estimate, std_error: *std_error }).collect(),
    )
    .expect("studies")
}

fn near(got: f64, want: f64, rtol: f64) -> bool {
    (got - want).abs() <= rtol * want.abs()
}

fn assert_near(what: &str, got: f64, want: f64, rtol: f64) {
    assert!(near(got, want, rtol), "{what}: got {got:e}, want {want:e}");
}

#[test]
fn combined_p_values_agree_with_scipy() {
    let Some(cases) = oracle::cases("multiple_testing", &["combine_p"]) else { return };
    assert_eq!(cases.len(), 1);
    for case in &cases {
        let list = |name: &str| serde_json::from_value::<Vec<f64>>(case["inputs"][name].clone()).expect("numbers");
        let (p, weights) = (list("p"), list("weights"));
        for (name, combined) in
            [("fisher", fisher(&p)), ("stouffer", stouffer(&p, &[1.0; 4])), ("stouffer_w", stouffer(&p, &weights))]
        {
            let combined = combined.expect("p-values");
            oracle::assert_within(case, name, &[combined.statistic, combined.tail.p]);
        }
    }
}

// Source: metafor 3.8-1, rma() with test = "z" and "knha" and thresholds of 1e-14, confint(), leave1out(). The prediction
// interval by t(k - 2), as Higgins, Thompson & Spiegelhalter (2009) have it, from the same tau² and standard error.
#[test]
fn the_trials_of_the_bcg_vaccine_pool_as_in_metafor() {
    let trials = studies(&BCG);
    let fixed = trials.fixed_effect(0.95).unwrap();
    for (got, want) in [
        (fixed.estimate, -0.430285163654091),
        (fixed.std_error, 0.0404987517108638),
        (fixed.statistic, -10.6246525010465),
        (fixed.tail.p, 2.2886293069732e-26),
        (fixed.interval.low.unwrap(), -0.509661258426214),
        (fixed.interval.high.unwrap(), -0.350909068881968),
    ] {
        assert_near("fixed", got, want, 1e-12);
    }
    let expected = [
        (
            Estimator::DerSimonianLaird,
            [0.308760262862376, -0.714117222073227, 0.178742089535403, 6.46292430470399e-05],
            [0.180696628335547, 0.00192076676704736, -1.10782135416833, -0.320413089978125],
            [-1.99883849575212, 0.570604051605664],
            0.921173468545621,
        ),
        (
            Estimator::PauleMandel,
            [0.318068452205024, -0.714968153493444, 0.180892191537623, 7.7353646079027e-05],
            [0.180892191537623, 0.00191927183127799, -1.10909838120224, -0.320837925784648],
            [-2.01855805418466, 0.588621747197768],
            0.923303379541533,
        ),
        (
            Estimator::MaximumLikelihood,
            [0.280028137268644, -0.711199135474181, 0.17189680877689, 3.51323296903271e-05],
            [0.180042222144362, 0.00192716565913342, -1.10347743896412, -0.318920831984247],
            [-1.93581875412518, 0.513420483176821],
            0.913782837894461,
        ),
        (
            Estimator::RestrictedMaximumLikelihood,
            [0.313243258136481, -0.714532342158139, 0.179781516105206, 7.05425810164165e-05],
            [0.180791744092848, 0.0019200150960573, -1.10844371368555, -0.320620970630728],
            [-2.00837590692258, 0.579311222606299],
            0.92221384521269,
        ),
    ];
    for (estimator, normal, hartung_knapp, prediction, i_squared) in expected {
        let name = estimator.name();
        let random = trials.random_effects(estimator, IntervalMethod::Normal, 0.95).unwrap();
        let heterogeneity = random.heterogeneity;
        // metafor's iterations stop near 1e-9 of tau².
        let got = [heterogeneity.tau2, random.pooled.estimate, random.pooled.std_error, random.pooled.tail.p];
        got.into_iter().zip(normal).for_each(|(got, want)| assert_near(name, got, want, 1e-8));
        let ends = random.prediction.unwrap();
        assert_near(name, ends.low.unwrap(), prediction[0], 1e-8);
        assert_near(name, ends.high.unwrap(), prediction[1], 1e-8);
        assert_near(name, heterogeneity.i_squared, i_squared, 1e-9);
        assert_near("Q", heterogeneity.q, 152.233008082373, 1e-12);
        assert_near("p of Q", heterogeneity.tail.p, 1.996764590846e-26, 1e-10);
        let (tau2, share) = (heterogeneity.tau2_interval, heterogeneity.i_squared_interval);
        assert_near("tau² low", tau2.low.unwrap(), 0.119718361141261, 1e-10);
        assert_near("tau² high", tau2.high.unwrap(), 1.11147908406093, 1e-10);
        assert_near("I² low", share.low.unwrap(), 0.819205745585966, 1e-10);
        assert_near("I² high", share.high.unwrap(), 0.9767807495788742, 1e-10);
        let spread = trials.random_effects(estimator, IntervalMethod::HartungKnapp, 0.95).unwrap().pooled;
        let ends = (spread.interval.low.unwrap(), spread.interval.high.unwrap());
        let got = [spread.std_error, spread.tail.p, ends.0, ends.1];
        got.into_iter().zip(hartung_knapp).for_each(|(got, want)| assert_near(name, got, want, 1e-8));
    }
    let means = [
        -0.705125198417451,
        -0.654515875087971,
        -0.684841748704595,
        -0.618696870715275,
        -0.764035701741509,
        -0.712727336606213,
        -0.655693949355322,
        -0.7900865998537,
        -0.739263356536315,
        -0.652585204582533,
        -0.760694174161192,
        -0.760012818299681,
        -0.778923740057072,
    ];
    let others = trials.leave_one_out(Estimator::DerSimonianLaird, IntervalMethod::Normal, 0.95).unwrap();
    for (left_out, mean) in others.iter().zip(means) {
        assert_near("leave one out", left_out.others.pooled.estimate, mean, 1e-12);
        assert!(!left_out.decides);
    }
}

#[test]
fn equal_effects_leave_no_variance_between_them() {
    let alike = studies(&[(0.10, 0.05), (0.12, 0.06), (0.11, 0.04)]);
    for estimator in Estimator::ALL {
        let at_least = alike.random_effects(estimator, IntervalMethod::HartungKnappAtLeastNormal, 0.95).unwrap();
        assert_eq!(at_least.heterogeneity.tau2, 0.0, "{}", estimator.name());
        assert_near("mean", at_least.pooled.estimate, 0.109061833688699, 1e-12);
        assert_near("error", at_least.pooled.std_error, 0.0277054257923766, 1e-12);
        assert_near("low", at_least.pooled.interval.low.unwrap(), -0.010144992225741, 1e-10);
        let plain = alike.random_effects(estimator, IntervalMethod::HartungKnapp, 0.95).unwrap();
        assert!(plain.pooled.std_error < 0.01, "the estimates lie closer together than their errors");
    }
}

#[test]
fn one_study_that_decides_is_named() {
    let studies = studies(&[(0.08, 0.03), (0.02, 0.03), (0.03, 0.03), (0.025, 0.03)]);
    let left_out = studies.leave_one_out(Estimator::PauleMandel, IntervalMethod::Normal, 0.95).unwrap();
    assert_eq!(left_out.iter().map(|left_out| left_out.decides).collect::<Vec<_>>(), [true, false, false, false]);
}

#[test]
fn what_cannot_be_pooled_is_refused_by_place() {
    let refusal = |pairs: &[(f64, f64)]| {
        let list = pairs.iter().map(|(estimate, std_error)| Study { estimate: *estimate, std_error: *std_error });
        Studies::new(list.collect()).unwrap_err().to_string()
    };
    assert_eq!(refusal(&[]), "`studies` is empty; give at least one estimate");
    assert_eq!(refusal(&[(0.1, 1.0), (f64::NAN, 1.0)]), "`estimate of study 2` is NaN; an estimate is a finite number");
    assert_eq!(
        refusal(&[(0.1, 0.0)]),
        "`standard error of study 1` is 0; a standard error is above 0; leave a study without one out"
    );
    let one = studies(&[(0.1, 0.1)]);
    let random = |studies: &Studies, method| studies.random_effects(Estimator::default(), method, 0.95);
    let refusal = random(&one, IntervalMethod::Normal).unwrap_err();
    assert_eq!(refusal.to_string(), "`studies` is 1; the variance between effects needs at least 2");
    let two = studies(&[(0.1, 0.1), (0.2, 0.1)]);
    assert_eq!(random(&two, IntervalMethod::Normal).unwrap().prediction, None);
    let refusal = two.leave_one_out(Estimator::default(), IntervalMethod::Normal, 0.95).unwrap_err();
    assert_eq!(refusal.to_string(), "`studies` is 2; leaving one out needs at least 3");
    let equal = studies(&[(0.1, 0.1), (0.1, 0.2)]);
    assert_eq!(
        random(&equal, IntervalMethod::HartungKnapp).unwrap_err().to_string(),
        "`standard error of the pooled effect` is 0; all estimates are equal, so their spread says nothing; take the normal interval"
    );
    let refusal = one.fixed_effect(1.0).unwrap_err().to_string();
    assert_eq!(refusal, "`level` is 1; a confidence level lies between 0 and 1, such as 0.95");
    let refusal = |combined: Result<_, estimand_stats::Error>| combined.unwrap_err().to_string();
    assert_eq!(refusal(fisher(&[])), "`p-values` is empty; give at least one");
    assert_eq!(refusal(fisher(&[0.5, 0.0])), "`p-value number 2` is 0; a p-value is above 0 and at most 1");
    assert_eq!(refusal(stouffer(&[0.5], &[])), "`weights` is 0 numbers; give one weight to each p-value");
    assert_eq!(refusal(stouffer(&[0.5], &[-1.0])), "`weights` is -1; a weight is 0 or more");
    assert_eq!(refusal(stouffer(&[0.5], &[0.0])), "`weights` is all 0; one weight at least is above 0");
    assert_eq!(stouffer(&[1.0, 1.0], &[1.0, 1.0]).unwrap().tail.p, 1.0);
}

#[test]
fn a_replication_is_held_against_what_the_original_predicts() {
    let original = Study { estimate: 0.30, std_error: 0.10 };
    let agrees = Replication::of(original, Study { estimate: 0.25, std_error: 0.08 }, 0.95).unwrap();
    assert!(agrees.consistent && agrees.replicated);
    assert!(near(agrees.consistency.p, 2.0 * Normal.sf(0.05 / 0.1_f64.hypot(0.08)), 1e-13));
    // Cochran's Q of the two is the same test.
    let q = studies(&[(0.30, 0.10), (0.25, 0.08)]).heterogeneity(Estimator::DerSimonianLaird, 0.95).unwrap();
    assert!(near(agrees.consistency.p, q.tail.p, 1e-12));
    let fails = Replication::of(original, Study { estimate: -0.02, std_error: 0.08 }, 0.95).unwrap();
    assert!(!fails.consistent && !fails.replicated);
    assert!(fails.combined.tail.p > agrees.combined.tail.p);
    // A fall that is found again as a fall counts as one.
    let mirrored = |study: Study| Study { estimate: -study.estimate, ..study };
    let turned = Replication::of(mirrored(original), Study { estimate: -0.25, std_error: 0.08 }, 0.95).unwrap();
    assert!(turned.replicated && turned.combined == agrees.combined);
}

#[test]
fn selection_is_refused_for_what_was_not_selected() {
    let study = Study { estimate: 1.0, std_error: 1.0 };
    assert_eq!(
        study.given_selection(Selection::Beyond(1.96), 0.95).unwrap_err().to_string(),
        "`estimate over its standard error` is 1; this selection takes what is beyond ±1.96; an effect that was not selected needs no correction"
    );
    assert_eq!(
        study.given_selection(Selection::Above(-1.0), 0.95).unwrap_err().to_string(),
        "`threshold` is -1; a threshold is 0 or more standard errors"
    );
}

#[test]
fn a_selected_effect_shrinks_near_the_threshold_and_not_far_from_it() {
    for selection in [Selection::Above(1.96), Selection::Beyond(1.96)] {
        let at = |z: f64| Study { estimate: 0.1 * z, std_error: 0.1 }.given_selection(selection, 0.95).unwrap();
        let (close, far) = (at(2.2), at(8.0));
        assert!(close.estimate < 0.12 && close.median_unbiased < 0.22, "{close:?}");
        assert!(near(far.estimate, 0.8, 1e-6) && near(far.median_unbiased, 0.8, 1e-6), "{far:?}");
        assert!(near(far.interval.low.unwrap(), 0.8 - 0.1959963984540054, 1e-4), "{far:?}");
        let mirrored = Study { estimate: -0.22, std_error: 0.1 };
        if matches!(selection, Selection::Beyond(_)) {
            let mirrored = mirrored.given_selection(selection, 0.95).unwrap();
            assert_eq!(
                (mirrored.estimate, mirrored.interval.high),
                (-close.estimate, close.interval.low.map(|low| -low))
            );
        }
    }
}

/// How many samples a calibration draws; the environment variable asks for more than the quick setting.
fn replicates() -> u64 {
    std::env::var("ESTIMAND_CALIBRATION_REPLICATES").ok().and_then(|text| text.parse().ok()).unwrap_or(2_000)
}

/// A standard normal number, by the polar method.
fn normal(random: &mut impl Rng) -> f64 {
    loop {
        let (u, v) = (2.0 * random.random::<f64>() - 1.0, 2.0 * random.random::<f64>() - 1.0);
        let s: f64 = u * u + v * v;
        if s > 0.0 && s < 1.0 {
            return u * (-2.0 * s.ln() / s).sqrt();
        }
    }
}

fn assert_rate(what: &str, count: u64, trials: u64, nominal: f64) {
    let (rate, n) = (count as f64 / trials as f64, trials as f64);
    println!("{what}: {rate:.4} of {trials}");
    assert!((rate - nominal).abs() < 3.3 * (nominal * (1.0 - nominal) / n).sqrt(), "{what}: {rate}");
}

#[test]
fn hartung_and_knapp_cover_with_few_studies_where_the_normal_does_not() {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let [mut mean, mut by_normal, mut tau2, mut new] = [0_u64; 4];
    for _ in 0..replicates() {
        let draws = (0..7).map(|_| {
            let std_error = 0.5 + 0.2 * random.random::<f64>();
            Study { estimate: 1.0 + 0.8 * normal(&mut random) + std_error * normal(&mut random), std_error }
        });
        let studies = Studies::new(draws.collect()).unwrap();
        let analysis = |method| studies.random_effects(Estimator::RestrictedMaximumLikelihood, method, 0.95).unwrap();
        let spread = analysis(IntervalMethod::HartungKnapp);
        mean += u64::from(!spread.pooled.interval.excludes(1.0));
        by_normal += u64::from(!analysis(IntervalMethod::Normal).pooled.interval.excludes(1.0));
        tau2 += u64::from(!spread.heterogeneity.tau2_interval.excludes(0.64));
        new += u64::from(!spread.prediction.unwrap().excludes(1.0 + 0.8 * normal(&mut random)));
    }
    assert_rate("mean, Hartung-Knapp", mean, replicates(), 0.95);
    assert_rate("tau², Q-profile", tau2, replicates(), 0.95);
    let rate = |count: u64| count as f64 / replicates() as f64;
    println!("mean, normal: {:.4}; new study: {:.4}", rate(by_normal), rate(new));
    assert!(rate(by_normal) < 0.93 && rate(new) > 0.87);
}

#[test]
fn selected_effects_are_covered_and_the_median_is_right() {
    let mut random = ChaCha8Rng::seed_from_u64(8);
    for truth in [0.0, 1.5, 3.0] {
        for selection in [Selection::Above(1.645), Selection::Beyond(1.96)] {
            let [mut covered, mut above, mut plain, mut count] = [0_u64; 4];
            while count < replicates() / 2 {
                let study = Study { estimate: truth + normal(&mut random), std_error: 1.0 };
                let Ok(selected) = study.given_selection(selection, 0.9) else { continue };
                count += 1;
                covered += u64::from(!selected.interval.excludes(truth));
                above += u64::from(selected.median_unbiased > truth);
                plain += u64::from((study.estimate - truth).abs() < 1.6448536269514722);
            }
            assert_rate("selected, 90 %", covered, count, 0.9);
            if matches!(selection, Selection::Above(_)) {
                assert_rate("median", above, count, 0.5);
            }
            if truth == 0.0 {
                assert!(plain < count / 4, "the plain interval: {plain} of {count}");
            }
        }
    }
}

#[test]
fn a_programmes_total_loses_its_bias() {
    let mut random = ChaCha8Rng::seed_from_u64(21);
    let [mut naive, mut corrected, mut shrunken] = [0.0; 3];
    let [mut covered, mut believed] = [0_u64; 2];
    let programmes = replicates() / 4;
    for _ in 0..programmes {
        let effects: Vec<f64> = (0..150).map(|_| 0.1 + 1.5 * normal(&mut random)).collect();
        let estimates = effects.iter().map(|effect| Study { estimate: effect + normal(&mut random), std_error: 1.0 });
        let programme = Programme::new(Studies::new(estimates.collect()).unwrap(), 1.96).unwrap();
        let truth: f64 = programme
            .launched()
            .map(|launched| launched.estimate)
            .map(|estimate| {
                effects.iter().copied().zip(all(&programme)).find(|(_, x)| *x == estimate).map_or(0.0, |(a, _)| a)
            })
            .sum();
        naive += programme.naive_total(0.95).unwrap().estimate - truth;
        let total = programme.corrected_total(0.95).unwrap();
        corrected += total.estimate - truth;
        covered += u64::from(!total.interval.excludes(truth));
        let total = programme.shrunken_total(&Prior::Normal { mean: 0.1, sd: 1.5 }, 0.95).unwrap();
        shrunken += total.estimate - truth;
        believed += u64::from(!total.interval.excludes(truth));
    }
    let mean = |sum: f64| sum / programmes as f64;
    println!("bias: plain {:.2}, corrected {:.2}, shrunken {:.2}", mean(naive), mean(corrected), mean(shrunken));
    assert!(mean(naive) > 10.0);
    assert!(mean(corrected).abs() < 0.1 * mean(naive) && mean(shrunken).abs() < 0.06 * mean(naive));
    assert_rate("shrunken total", believed, programmes, 0.95);
    assert!(covered as f64 > 0.92 * programmes as f64, "corrected total: {covered} of {programmes}");
}

/// Every estimate of a programme, launched or not.
fn all(programme: &Programme) -> Vec<f64> {
    programme.studies().iter().map(|study| study.estimate).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pooling_follows_units_and_order(pairs in prop::collection::vec((-2.0..2.0_f64, 0.1..1.0_f64), 3..9), scale in 0.01..100.0_f64, shift in -5.0..5.0_f64) {
        let mut moved: Vec<(f64, f64)> = pairs.iter().map(|(y, s)| (scale * y + shift, scale * s)).collect();
        moved.reverse();
        for estimator in Estimator::ALL {
            let analysis = |pairs: &[(f64, f64)]| studies(pairs).random_effects(estimator, IntervalMethod::Normal, 0.9).unwrap();
            let (one, other) = (analysis(&pairs), analysis(&moved));
            let tolerance = 1e-7 * (1.0 + shift.abs() / scale);
            prop_assert!((scale * one.pooled.estimate + shift - other.pooled.estimate).abs() < tolerance * scale, "{}", estimator.name());
            prop_assert!((scale * scale * one.heterogeneity.tau2 - other.heterogeneity.tau2).abs() < tolerance * scale * scale, "{}", estimator.name());
        }
    }

    #[test]
    fn tau2_is_where_its_definition_puts_it(pairs in prop::collection::vec((-2.0..2.0_f64, 0.1..0.5_f64), 3..9)) {
        // Paule and Mandel's by the expectation of Q; the most likely one by a search over a fine grid.
        let set = studies(&pairs);
        let moved = |tau2: f64| studies(&pairs.iter().map(|(y, s)| (*y, (s * s + tau2).sqrt())).collect::<Vec<_>>());
        let tau2 = set.heterogeneity(Estimator::PauleMandel, 0.95).unwrap().tau2;
        let q = moved(tau2).heterogeneity(Estimator::PauleMandel, 0.95).unwrap().q;
        let df = (pairs.len() - 1) as f64;
        prop_assert!(near(q, df, 1e-9) || (tau2 == 0.0 && q <= df), "{}", q);
        let likelihood = |tau2: f64| {
            let mean = moved(tau2).fixed_effect(0.95).unwrap().estimate;
            pairs.iter().map(|(y, s)| { let v = s * s + tau2; -0.5 * (v.ln() + (y - mean).powi(2) / v) }).sum::<f64>()
        };
        let best = likelihood(set.heterogeneity(Estimator::MaximumLikelihood, 0.95).unwrap().tau2);
        prop_assert!((0..400).map(|step| f64::from(step) * 0.02).all(|tau2| likelihood(tau2) <= best + 1e-9));
    }
}
