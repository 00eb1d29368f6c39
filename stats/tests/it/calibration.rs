//! Do 95 % intervals cover 95 %? 2,000 seeded samples each; a rate passes within three of its standard errors, 0.935 to 0.965.

use estimand_stats::design::Population;
use estimand_stats::estimand::{Hypothesis, Summary};
use estimand_stats::suffstat::CoMoments;
use estimand_stats::{ArmSample, Design, Estimand, Sample};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::samples::{Arm, design, effect, mean_of, proportion_of, ratio_of, run, sample};

const REPLICATIONS: u32 = 2_000;

/// How often a slower simulation is run: as `ESTIMAND_CALIBRATION_REPLICATES` says, else as often as is quick.
pub fn replications(quick: u32) -> u32 {
    std::env::var("ESTIMAND_CALIBRATION_REPLICATES").ok().and_then(|count| count.parse().ok()).unwrap_or(quick)
}

/// A standard normal number, by the polar method.
pub fn normal(random: &mut impl Rng) -> f64 {
    loop {
        let (u, v) = (2.0 * random.random::<f64>() - 1.0, 2.0 * random.random::<f64>() - 1.0);
        let s: f64 = u * u + v * v;
        if s > 0.0 && s < 1.0 {
            return u * (-2.0 * s.ln() / s).sqrt();
        }
    }
}

/// One unit: outcome, covariate, denominator.
type Unit = fn(&mut ChaCha8Rng, bool) -> [f64; 3];

/// Joint moments of plain doubles: quick, and exact enough to count coverage.
fn moments(units: &[[f64; 3]]) -> CoMoments {
    let n = units.len() as f64;
    let mean: [f64; 3] = std::array::from_fn(|i| units.iter().map(|unit| unit[i]).sum::<f64>() / n);
    let covariance = |i: usize, j: usize| {
        units.iter().map(|unit| (unit[i] - mean[i]) * (unit[j] - mean[j])).sum::<f64>() / (n - 1.0)
    };
    let matrix: Vec<Vec<f64>> = (0..3).map(|i| (0..3).map(|j| covariance(i, j)).collect()).collect();
    CoMoments::from_summary(units.len() as u64, &mean, &matrix).expect("a sample's moments")
}

/// The share of replications in which the interval on `scale` covers the truth.
fn coverage(
    estimator: &str,
    question: &Estimand,
    design: &Design,
    n: [usize; 2],
    unit: Unit,
    truth: f64,
    scale: &str,
) -> f64 {
    let mut covered = 0;
    for replication in 0..REPLICATIONS {
        let mut random = ChaCha8Rng::seed_from_u64(u64::from(replication));
        let mut arm = |name: &str, n: usize, treated: bool| {
            let units: Vec<[f64; 3]> = (0..n).map(|_| unit(&mut random, treated)).collect();
            let names = ["y", "x", "d"].map(str::to_owned).to_vec();
            ArmSample {
                arm: name.to_owned(),
                units: n as u64,
                comoments: vec![(names, Some(moments(&units)))],
                ..ArmSample::default()
            }
        };
        let sample = Sample { arms: vec![arm("control", n[0], false), arm("treatment", n[1], true)] };
        let rows = run(estimator, question, design, &sample);
        let row = crate::samples::row(&rows, scale);
        let inside = row.conf_low.is_none_or(|low| low <= truth) && row.conf_high.is_none_or(|high| truth <= high);
        covered += u32::from(inside);
    }
    f64::from(covered) / f64::from(REPLICATIONS)
}

fn assert_nominal(what: &str, coverage: f64) {
    assert!((0.935..=0.965).contains(&coverage), "{what}: {coverage}");
}

fn question(summary: Summary) -> Estimand {
    effect(summary, "treatment", "control")
}

#[test]
fn welch_covers_for_several_shapes() {
    let shapes: [(&str, Unit, f64); 4] = [
        ("normal, unequal spread", |r, t| [if t { 5.0 + 3.0 * normal(r) } else { 4.0 + normal(r) }, 0.0, 1.0], 1.0),
        ("uniform", |r, t| [r.random::<f64>() + f64::from(u8::from(t)), 0.0, 1.0], 1.0),
        ("exponential", |r, t| [-(1.0 - r.random::<f64>()).ln() + f64::from(u8::from(t)), 0.0, 1.0], 1.0),
        ("share of one in five", |r, _| [f64::from(u8::from(r.random::<f64>() < 0.2)), 0.0, 1.0], 0.0),
    ];
    for (shape, unit, truth) in shapes {
        let rate = coverage(
            "difference_in_means",
            &question(mean_of("y")),
            &Design::default(),
            [80, 120],
            unit,
            truth,
            "absolute",
        );
        assert_nominal(shape, rate);
    }
    let small = coverage(
        "difference_in_means",
        &question(mean_of("y")),
        &Design::default(),
        [5, 12],
        |r, t| [if t { 3.0 * normal(r) } else { normal(r) }, 0.0, 1.0],
        0.0,
        "absolute",
    );
    assert_nominal("five and twelve normal units", small);
}

#[test]
fn lifts_cover_by_each_method() {
    let unit: Unit = |r, t| [10.0 + f64::from(u8::from(t)) + 4.0 * normal(r), 0.0, 1.0];
    for lift in ["fieller", "delta", "log"] {
        let rate = coverage(
            "difference_in_means",
            &question(mean_of("y")),
            &design(&[], &[("lift", lift)]),
            [100, 100],
            unit,
            0.1,
            "relative",
        );
        assert_nominal(lift, rate);
    }
    // A baseline only six standard errors from zero: Fieller's set still covers.
    let weak: Unit = |r, t| [1.2 + 0.3 * f64::from(u8::from(t)) + 2.0 * normal(r), 0.0, 1.0];
    let rate = coverage(
        "difference_in_means",
        &question(mean_of("y")),
        &Design::default(),
        [100, 100],
        weak,
        0.25,
        "relative",
    );
    assert_nominal("fieller on a weak baseline", rate);
}

/// Slopes that differ by arm, on a covariate that is itself sampled: the case for the terms in `Σₓ/N`.
fn leaning(random: &mut ChaCha8Rng, treated: bool) -> [f64; 3] {
    let x = 2.0 + 2.0 * normal(random);
    let y = if treated { 1.0 + 3.0 * x } else { 2.0 + x };
    [y + normal(random), x, 1.0]
}

#[test]
fn adjustment_covers_the_effect_on_the_population() {
    // E[y₁ − y₀] = (1 + 3·2) − (2 + 2) = 3; the lift over 4 is 0.75.
    let design_sampled = design(&["x"], &[]);
    let absolute =
        coverage("regression_adjustment", &question(mean_of("y")), &design_sampled, [60, 90], leaning, 3.0, "absolute");
    assert_nominal("per arm, population", absolute);
    let relative = coverage(
        "regression_adjustment",
        &question(mean_of("y")),
        &design_sampled,
        [150, 150],
        leaning,
        0.75,
        "relative",
    );
    assert_nominal("per arm, lift", relative);
    // Taking the enrolled for the population drops a real part of the variance here.
    let enrolled = Design { population: Population::Enrolled, ..design(&["x"], &[]) };
    let rate =
        coverage("regression_adjustment", &question(mean_of("y")), &enrolled, [60, 90], leaning, 3.0, "absolute");
    assert!(rate < 0.85, "enrolled units only: {rate}");
}

#[test]
fn a_pooled_slope_covers_when_arms_lean_alike() {
    let alike: Unit = |r, t| {
        let x = normal(r);
        [2.0 * x + f64::from(u8::from(t)) + normal(r), x, 1.0]
    };
    let rate = coverage(
        "regression_adjustment",
        &question(mean_of("y")),
        &design(&["x"], &[("slope", "pooled")]),
        [80, 80],
        alike,
        1.0,
        "absolute",
    );
    assert_nominal("pooled slope", rate);
}

/// Sessions that differ by user, spend per session that differs by arm, and the user's earlier spend.
fn sessions(random: &mut ChaCha8Rng, treated: bool) -> [f64; 3] {
    let x = random.random::<f64>();
    let count = 1.0 + (6.0 * random.random::<f64>() * (0.5 + x)).floor();
    let spend = count * (2.0 + f64::from(u8::from(treated)) + x) + count.sqrt() * normal(random);
    [spend, x, count]
}

#[test]
fn ratios_cover_with_and_without_a_covariate() {
    // E[spend]/E[count] = 2 + treated + E[count·x]/E[count], the last alike in both arms: the difference is 1.
    let question = question(ratio_of("y", "d"));
    assert_nominal("ratio", coverage("ratio", &question, &Design::default(), [150, 150], sessions, 1.0, "absolute"));
    assert_nominal(
        "adjusted ratio",
        coverage("ratio", &question, &design(&["x"], &[]), [150, 150], sessions, 1.0, "absolute"),
    );
}

#[test]
fn small_shares_cover_by_the_score_interval() {
    let unit: Unit = |r, t| [f64::from(u8::from(r.random::<f64>() < if t { 0.10 } else { 0.05 })), 0.0, 1.0];
    let rate =
        coverage("proportion", &question(proportion_of("y")), &Design::default(), [90, 90], unit, 0.05, "absolute");
    // Counts are discrete: the score interval covers near the level, above more often than below.
    assert!((0.935..=0.98).contains(&rate), "{rate}");
}

#[test]
fn a_guardrail_at_its_margin_is_called_safe_once_in_forty() {
    let estimand = Estimand { hypothesis: Hypothesis::NonInferiority { margin: 0.1 }, ..question(mean_of("y")) };
    let mut shown = 0;
    for replication in 0..REPLICATIONS {
        let mut random = ChaCha8Rng::seed_from_u64(u64::from(replication));
        let mut arm = |name: &str, mean: f64| {
            let y: Vec<f64> = (0..60).map(|_| mean + 3.0 * normal(&mut random)).collect();
            Arm::new(name, &[("y", &y)])
        };
        let rows = run(
            "difference_in_means",
            &estimand,
            &Design::default(),
            &sample(&[arm("control", 10.0), arm("treatment", 9.0)]),
        );
        let margin = rows.rows.iter().find(|row| row.margin.is_some()).unwrap();
        shown += u32::from(margin.p_value.unwrap() < 0.025);
    }
    let rate = f64::from(shown) / f64::from(REPLICATIONS);
    assert!((rate - 0.025).abs() < 3.0 * (0.025_f64 * 0.975 / f64::from(REPLICATIONS)).sqrt(), "{rate}");
}

#[test]
fn least_squares_on_rows_covers_with_unequal_spread() {
    let mut covered = 0;
    for replication in 0..REPLICATIONS {
        let mut random = ChaCha8Rng::seed_from_u64(u64::from(replication));
        let mut arm = |name: &str, n: usize, treated: bool| {
            let units: Vec<[f64; 3]> = (0..n).map(|_| leaning(&mut random, treated)).collect();
            let column = |i: usize| units.iter().map(|unit| unit[i]).collect::<Vec<f64>>();
            Arm::new(name, &[("y", &column(0)), ("x", &column(1))])
        };
        let sample = sample(&[arm("control", 40, false), arm("treatment", 40, true)]);
        let rows = run("ols", &question(mean_of("y")), &design(&["x"], &[]), &sample);
        let row = crate::samples::row(&rows, "absolute");
        covered += u32::from(row.conf_low.unwrap() <= 3.0 && 3.0 <= row.conf_high.unwrap());
    }
    assert_nominal("ols, HC2", f64::from(covered) / f64::from(REPLICATIONS));
}
