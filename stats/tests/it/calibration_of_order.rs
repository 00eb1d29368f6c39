//! Do tests by ranks, quantiles and resampling keep their level, and their intervals cover? Seeded samples; a rate passes
//! within three of its standard errors, wider only where counts are discrete.

use estimand_stats::bands::{Guarantee, distribution_difference};
use estimand_stats::dist::Alternative;
use estimand_stats::empirical::Empirical;
use estimand_stats::ranks::{ExactRankSum, Pairs, Pairwise, RankSum, Superiority, TrimmedMean};
use estimand_stats::resampling::{
    Bootstrap, IntervalKind, Permutation, QuantileContrast, QuantileLaw, Statistic, Stratum, Weights,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::calibration::normal;
use crate::tallies::Tally;

const TWO_SIDED: Alternative = Alternative::TwoSided;
const ALPHA: f64 = 0.05;

/// A unit of the treated, or of the control arm.
type Unit = fn(&mut ChaCha8Rng, bool) -> f64;

/// The share of `replications` in which `happens` is true of two fresh arms, treated first.
fn rate(replications: u32, n: [usize; 2], unit: Unit, happens: impl Fn(Empirical<'_>, Empirical<'_>) -> bool) -> f64 {
    let mut count = 0;
    for replication in 0..replications {
        let mut random = ChaCha8Rng::seed_from_u64(u64::from(replication));
        let mut arm =
            |n: usize, treated: bool| Tally::of(&(0..n).map(|_| unit(&mut random, treated)).collect::<Vec<f64>>());
        let (treated, control) = (arm(n[0], true), arm(n[1], false));
        count += u32::from(happens(treated.law(), control.law()));
    }
    f64::from(count) / f64::from(replications)
}

fn assert_rate(what: &str, rate: f64, low: f64, high: f64) {
    assert!((low..=high).contains(&rate), "{what}: {rate}");
}

fn exponential(random: &mut ChaCha8Rng) -> f64 {
    -(1.0 - random.random::<f64>()).ln()
}

#[test]
fn mann_whitney_keeps_its_level_with_ties_and_in_small_arms() {
    let counts: Unit = |r, _| (6.0 * r.random::<f64>().powi(2)).floor();
    let normal_rate = rate(2_000, [40, 60], counts, |x, y| {
        RankSum::of(x, y).unwrap().normal_test(TWO_SIDED, true).unwrap().tail.p < ALPHA
    });
    assert_rate("normal, ties", normal_rate, 0.035, 0.065);
    let exact_rate = rate(2_000, [7, 8], counts, |x, y| ExactRankSum::of(x, y).unwrap().p_value(TWO_SIDED).p < ALPHA);
    // Of discrete statistics the level is a bound.
    assert_rate("exact, ties", exact_rate, 0.02, 0.065);
}

#[test]
fn hodges_lehmann_covers_a_shift() {
    let shifted: Unit = |r, treated| exponential(r) + f64::from(u8::from(treated));
    let covered = rate(1_500, [40, 60], shifted, |x, y| {
        let accepted = RankSum::of(x, y).unwrap().acceptance(ALPHA, TWO_SIDED, true).unwrap();
        !Pairs::new(x, y, Pairwise::Difference).unwrap().interval(accepted).excludes(1.0)
    });
    assert_rate("shift", covered, 0.933, 0.968);
}

#[test]
fn only_brunner_munzel_keeps_its_level_when_arms_spread_differently() {
    // The smaller arm spreads four times as wide.
    let spread: Unit = |r, treated| if treated { 4.0 * normal(r) } else { normal(r) };
    let by_placements =
        rate(2_000, [25, 75], spread, |x, y| Superiority::of(x, y).unwrap().test(TWO_SIDED).unwrap().tail.p < ALPHA);
    assert_rate("Brunner–Munzel", by_placements, 0.035, 0.068);
    let by_ranks = rate(2_000, [25, 75], spread, |x, y| {
        RankSum::of(x, y).unwrap().normal_test(TWO_SIDED, false).unwrap().tail.p < ALPHA
    });
    assert!(by_ranks > 0.09, "Mann–Whitney, which does not promise it: {by_ranks}");
}

#[test]
fn trimmed_means_cover_with_outliers() {
    let contaminated: Unit = |r, treated| {
        let scale = if r.random::<f64>() < 0.1 { 10.0 } else { 1.0 };
        scale * normal(r) + f64::from(u8::from(treated))
    };
    let covered = rate(2_000, [60, 40], contaminated, |x, y| {
        let [x, y] = [x, y].map(|arm| TrimmedMean::of(arm, 0.2).unwrap());
        let (v1, v0) = (x.variance.unwrap(), y.variance.unwrap());
        let df = (v1 + v0).powi(2) / (v1.powi(2) / (x.kept - 1) as f64 + v0.powi(2) / (y.kept - 1) as f64);
        let t = estimand_stats::dist::StudentT::new(df).unwrap();
        let critical = estimand_stats::dist::Continuous::isf(&t, 0.025).unwrap();
        (x.mean - y.mean - 1.0).abs() <= critical * (v1 + v0).sqrt()
    });
    assert_rate("trimmed", covered, 0.933, 0.967);
}

#[test]
fn quantile_effects_cover() {
    let lognormal: Unit = |r, treated| (normal(r) + if treated { 0.5 } else { 0.0 }).exp();
    // Medians e^0.5 and 1; the third quartiles are those times e^0.6745.
    for (q, factor) in [(0.5, 1.0), (0.75, 0.674_489_750_196_082_f64.exp())] {
        let truth = factor * (0.5_f64.exp() - 1.0);
        let covered = rate(1_000, [150, 200], lognormal, |x, y| {
            let (x, y) = (QuantileLaw::of(x, q).unwrap(), QuantileLaw::of(y, q).unwrap());
            !QuantileContrast::difference(&x, &y).unwrap().interval(0.025, TWO_SIDED).excludes(truth)
        });
        assert_rate("difference of quantiles", covered, 0.929, 0.975);
        let covered = rate(1_000, [150, 200], lognormal, |x, y| {
            let (x, y) = (QuantileLaw::of(x, q).unwrap(), QuantileLaw::of(y, q).unwrap());
            !QuantileContrast::lift(&x, &y).unwrap().interval(0.025, TWO_SIDED).excludes(0.5_f64.exp_m1())
        });
        assert_rate("lift of quantiles", covered, 0.929, 0.975);
    }
}

#[test]
fn studentised_replicates_cover_the_mean_of_skewed_outcomes() {
    let skewed: Unit = |r, treated| exponential(r) * if treated { 2.0 } else { 1.0 };
    for (kind, low) in [(IntervalKind::Studentised, 0.925), (IntervalKind::Bca, 0.90), (IntervalKind::Percentile, 0.89)]
    {
        let covered = rate(800, [40, 60], skewed, |x, y| {
            let drawn = Bootstrap::draw(x, y, Weights::Poisson, 199, 1).unwrap();
            !drawn.replicates(Statistic::Difference).unwrap().interval(kind, 0.025, TWO_SIDED).excludes(1.0)
        });
        assert_rate(kind.name(), covered, low, 0.975);
    }
}

#[test]
fn studentised_permutations_keep_their_level_when_arms_vary_differently() {
    let uneven: Unit = |r, treated| if treated { 4.0 * normal(r) } else { normal(r) };
    let rejects = |studentised: bool| {
        rate(800, [20, 60], uneven, |treated, control| {
            let test = Permutation::of(&[Stratum { treated, control }], studentised, 199, 1).unwrap();
            test.p_value(TWO_SIDED).unwrap().p <= ALPHA
        })
    };
    assert_rate("studentised", rejects(true), 0.028, 0.08);
    let plain = rejects(false);
    assert!(plain > 0.15, "the difference, which does not promise it: {plain}");
}

#[test]
fn a_simultaneous_band_covers_everywhere_and_a_pointwise_one_does_not() {
    let uniform: Unit = |r, _| r.random::<f64>();
    let values: Vec<f64> = (1..40).map(|i| f64::from(i) / 40.0).collect();
    let missed = |guarantee: Guarantee| {
        rate(800, [120, 90], uniform, |x, y| {
            let band = distribution_difference(x, y, &values, 0.95, guarantee);
            band.iter().any(|point| point.low > Some(0.0) || point.high < Some(0.0))
        })
    };
    assert_rate("simultaneous", missed(Guarantee::Simultaneous), 0.0, 0.05);
    assert_eq!(missed(Guarantee::Anytime), 0.0);
    let pointwise = missed(Guarantee::Pointwise);
    assert!(pointwise > 0.15, "{pointwise}");
}
