//! The distributions against tables of 60-digit arithmetic, and against their own laws.
//!
//! The tables stand in `tests/golden`, beside the script that made them (mpmath 1.3.0). Each test prints the worst
//! relative error it met.

use std::time::{Duration, Instant};

use estimand_stats::dist::{ChiSquared, Continuous, Normal, StudentT, TailProbability};
use proptest::prelude::*;

use crate::golden::Golden;

fn t(df: f64) -> StudentT {
    StudentT::new(df).expect("positive degrees of freedom")
}

fn chi(df: f64) -> ChiSquared {
    ChiSquared::new(df).expect("positive degrees of freedom")
}

#[test]
fn the_normal_matches_its_golden_table() {
    let table = Golden::read("normal.csv");
    table.compare("pdf", 1e-15, |row| Some(Normal.pdf(row[0])));
    table.compare("sf", 2e-15, |row| Some(Normal.sf(row[0])));
    table.compare("sf", 2e-15, |row| Some(Normal.cdf(-row[0])));
    table.compare("ln_sf", 2e-15, |row| Some(Normal.ln_sf(row[0])));
    table.compare("ln_sf", 2e-15, |row| Some(Normal.ln_cdf(-row[0])));
    let table = Golden::read("normal_isf.csv");
    table.compare("isf", 2e-15, |row| Normal.isf(row[0]));
    table.compare("isf", 2e-15, |row| Normal.quantile(row[0]).map(|x| -x));
}

#[test]
fn student_t_matches_its_golden_table() {
    let table = Golden::read("student_t.csv");
    table.compare("pdf", 1e-14, |row| Some(t(row[0]).pdf(row[1])));
    table.compare("sf", 1e-14, |row| Some(t(row[0]).sf(row[1])));
    table.compare("sf", 1e-14, |row| Some(t(row[0]).cdf(-row[1])));
    table.compare("ln_sf", 1e-14, |row| Some(t(row[0]).ln_sf(row[1])));
    table.compare("ln_sf", 1e-14, |row| Some(t(row[0]).ln_cdf(-row[1])));
    Golden::read("student_t_isf.csv").compare("isf", 1e-14, |row| t(row[1]).isf(row[0]));
}

#[test]
fn chi_squared_matches_its_golden_table() {
    let table = Golden::read("chi_squared.csv");
    table.compare("pdf", 1e-14, |row| Some(chi(row[0]).pdf(row[1])));
    table.compare("cdf", 1e-14, |row| Some(chi(row[0]).cdf(row[1])));
    table.compare("sf", 1e-14, |row| Some(chi(row[0]).sf(row[1])));
    table.compare("ln_cdf", 1e-14, |row| Some(chi(row[0]).ln_cdf(row[1])));
    table.compare("ln_sf", 1e-14, |row| Some(chi(row[0]).ln_sf(row[1])));
    let table = Golden::read("chi_squared_quantile.csv");
    // A quantile below the normal doubles is zero: a promise of its own, tested below. With a hundredth of a degree of
    // freedom a quantile feels the last digit of its probability a hundredfold.
    table.compare("quantile", 1e-13, |row| chi(row[1]).quantile(row[0]).filter(|_| row[2] >= f64::MIN_POSITIVE));
    table.compare("isf", 1e-13, |row| chi(row[1]).isf(row[0]).filter(|_| row[3] >= f64::MIN_POSITIVE));
}

#[test]
fn large_degrees_of_freedom_answer_at_once() {
    let start = Instant::now();
    for k in 0..1_000 {
        let df = 10f64.powf(f64::from(k) * 0.05 - 20.0);
        std::hint::black_box((
            t(df).isf(0.025),
            t(df).isf(1e-200),
            t(df).sf(1.7),
            chi(df).isf(1e-9),
            chi(df).quantile(1e-9),
        ));
    }
    // A thousand of each take some 20 ms optimised: the bound only tells an answer from a hang.
    assert!(start.elapsed() < Duration::from_secs(10), "took {:?}", start.elapsed());
}

#[test]
fn infinite_degrees_of_freedom_are_the_normal() {
    let limit = t(f64::INFINITY);
    for x in [-3.0, 0.0, 1.96, 45.0] {
        assert_eq!((limit.pdf(x), limit.sf(x), limit.ln_sf(x)), (Normal.pdf(x), Normal.sf(x), Normal.ln_sf(x)));
        let near = t(1e300);
        assert!((near.ln_sf(x) / limit.ln_sf(x) - 1.0).abs() < 1e-14);
    }
    assert_eq!(limit.isf(1e-300), Normal.isf(1e-300));
}

#[test]
fn arguments_outside_their_range_have_defined_answers() {
    assert!(StudentT::new(0.0).is_none() && StudentT::new(-1.0).is_none() && StudentT::new(f64::NAN).is_none());
    assert!(
        ChiSquared::new(0.0).is_none()
            && ChiSquared::new(f64::INFINITY).is_none()
            && ChiSquared::new(f64::NAN).is_none()
    );
    fn check(law: &dyn Continuous, low: f64) {
        for p in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert_eq!((law.quantile(p), law.isf(p)), (None, None));
        }
        assert_eq!((law.quantile(0.0), law.quantile(1.0)), (Some(low), Some(f64::INFINITY)));
        assert_eq!((law.isf(0.0), law.isf(1.0)), (Some(f64::INFINITY), Some(low)));
        for (x, cdf) in [(f64::NEG_INFINITY, 0.0), (f64::INFINITY, 1.0)] {
            assert_eq!((law.pdf(x), law.cdf(x), law.sf(x)), (0.0, cdf, 1.0 - cdf));
            assert_eq!((law.ln_cdf(x), law.ln_sf(x)), (cdf.ln(), (1.0 - cdf).ln()));
        }
        for function in [Continuous::pdf, Continuous::cdf, Continuous::sf, Continuous::ln_cdf, Continuous::ln_sf] {
            assert!(function(law, f64::NAN).is_nan());
        }
        for x in [f64::MIN, -1e200, -1e-320, 0.0, 5e-324, 1e-200, 1e200, f64::MAX] {
            let answers = [law.pdf(x), law.cdf(x), law.sf(x), law.ln_cdf(x), law.ln_sf(x)];
            assert!(answers.iter().all(|value| !value.is_nan()), "{answers:?} at {x}");
        }
    }
    check(&Normal, f64::NEG_INFINITY);
    for df in [f64::MIN_POSITIVE, 1e-10, 0.5, 1.0, 30.0, 1e9, 1e300, f64::MAX, f64::INFINITY] {
        check(&t(df), f64::NEG_INFINITY);
    }
    for df in [1e-300, 0.5, 2.0, 30.0, 1e9, 1e300] {
        check(&chi(df), 0.0);
    }
}

#[test]
fn quantiles_beyond_the_doubles_are_infinite_or_zero() {
    assert_eq!(t(0.5).isf(1e-300), Some(f64::INFINITY));
    assert_eq!(chi(0.5).quantile(1e-300), Some(0.0));
}

#[test]
fn a_p_value_is_never_zero_and_its_logarithm_always_finite() {
    let below_the_doubles = TailProbability::two_sided(&Normal, 50.5).expect("a finite statistic");
    assert_eq!(below_the_doubles.p, f64::from_bits(1));
    // log10(2 · 1.31128569232513425692853112912e-556), from the golden table.
    assert!((below_the_doubles.log10_p - (2.622_571_384_650_268_5_f64.log10() - 556.0)).abs() < 1e-12);
    let farther = TailProbability::upper(&Normal, 1e200).expect("a finite statistic");
    assert_eq!((farther.p, farther.log10_p), (f64::from_bits(1), f64::MIN));
    let nothing = TailProbability::two_sided(&Normal, 0.0).expect("a finite statistic");
    assert_eq!((nothing.p, nothing.log10_p), (1.0, 0.0));
    let lower = TailProbability::lower(&t(10.0), -2.0).expect("a finite statistic");
    assert_eq!(lower, TailProbability::upper(&t(10.0), 2.0).expect("a finite statistic"));
    for statistic in [f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
        assert_eq!(TailProbability::two_sided(&Normal, statistic), None);
    }
    assert_eq!(TailProbability::from_ln(f64::NAN), None);
}

/// Degrees of freedom from one half to 1e12, evenly in their logarithm.
fn degrees_of_freedom() -> impl Strategy<Value = f64> {
    (-0.3..12.0).prop_map(|exponent| 10f64.powf(exponent))
}

/// Probabilities from 1e-300 to one half, evenly in their logarithm.
fn small_probability() -> impl Strategy<Value = f64> {
    (-300.0..-0.302).prop_map(|exponent| 10f64.powf(exponent))
}

/// How far rounding `x` to a double moves the logarithm of a tail, plus some units of its own.
fn tolerance(density: f64, x: f64, tail: f64) -> f64 {
    2e-14 + 4.0 * f64::EPSILON * density * x.abs() / tail
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_tail_at_a_quantile_is_the_probability(df in degrees_of_freedom(), p in small_probability()) {
        fn check(law: &impl Continuous, p: f64) -> Result<(), TestCaseError> {
            let (high, low) = (law.isf(p).expect("a probability"), law.quantile(p).expect("a probability"));
            if high < 1e300 {
                let error = (law.sf(high) / p - 1.0).abs();
                prop_assert!(error <= tolerance(law.pdf(high), high, p), "sf(isf({p:e})) is off by {error:e}");
            }
            if low.abs() < 1e300 && low.abs() > 1e-300 {
                let error = (law.cdf(low) / p - 1.0).abs();
                prop_assert!(error <= tolerance(law.pdf(low), low, p), "cdf(quantile({p:e})) is off by {error:e}");
            }
            Ok(())
        }
        check(&Normal, p)?;
        check(&t(df), p)?;
        check(&chi(df), p)?;
    }

    #[test]
    fn the_two_tails_add_to_one(df in degrees_of_freedom(), z in -40.0..40.0f64) {
        let x = (df + z * (2.0 * df).sqrt()).max(1e-3);
        for (cdf, sf) in [(Normal.cdf(z), Normal.sf(z)), (t(df).cdf(z), t(df).sf(z)), (chi(df).cdf(x), chi(df).sf(x))] {
            prop_assert!((0.0..=1.0).contains(&cdf) && (0.0..=1.0).contains(&sf));
            prop_assert!((cdf + sf - 1.0).abs() <= 2.0 * f64::EPSILON);
        }
    }

    #[test]
    fn symmetric_laws_are_symmetric(df in degrees_of_freedom(), z in -1e3..1e3f64, p in small_probability()) {
        let law = t(df);
        prop_assert_eq!(law.cdf(z), law.sf(-z));
        prop_assert_eq!(law.ln_cdf(z), law.ln_sf(-z));
        prop_assert_eq!(law.pdf(z), law.pdf(-z));
        prop_assert_eq!(law.quantile(p), law.isf(p).map(|x| -x));
    }

    #[test]
    fn survival_falls(df in degrees_of_freedom(), z in -45.0..45.0f64, step in 1e-6..5.0f64) {
        let x = df + z * (2.0 * df).sqrt();
        let farther = x + step * (2.0 * df).sqrt();
        // Neighbours may differ by rounding: of the tail itself, and of the point where it is taken.
        let falls = |near: f64, far: f64| far <= near + 1e-14 * near.abs();
        prop_assert!(falls(Normal.sf(z), Normal.sf(z + step)) && falls(Normal.ln_sf(z), Normal.ln_sf(z + step)));
        prop_assert!(falls(t(df).sf(z), t(df).sf(z + step)) && falls(t(df).ln_sf(z), t(df).ln_sf(z + step)));
        prop_assert!(falls(chi(df).sf(x), chi(df).sf(farther)) && falls(chi(df).ln_sf(x), chi(df).ln_sf(farther)));
    }

    #[test]
    fn quantiles_rise(df in degrees_of_freedom(), p in small_probability(), factor in 1.001..1e3f64) {
        let larger = (p * factor).min(1.0);
        for (low, high) in [
            (Normal.quantile(p), Normal.quantile(larger)),
            (t(df).quantile(p), t(df).quantile(larger)),
            (chi(df).quantile(p), chi(df).quantile(larger)),
        ] {
            prop_assert!(low <= high);
        }
    }

    #[test]
    fn one_degree_of_freedom_is_the_square_of_a_normal(z in 1e-3..37.0f64) {
        let squared = chi(1.0).ln_sf(z * z);
        let doubled = std::f64::consts::LN_2 + Normal.ln_sf(z);
        // The square is rounded, which the tail feels as z²/2 units.
        prop_assert!((squared - doubled).abs() <= 1e-14 + z * z * f64::EPSILON);
    }
}
