//! Noncentral laws, the studentised range and boxes of normals, against tables of 60-digit arithmetic, published tables
//! and their own laws.

use estimand_stats::dist::{
    ChiSquared, Continuous, FisherF, MultivariateNormal, NoncentralChiSquared, NoncentralF, NoncentralT, Normal,
    StudentT, StudentizedRange, bivariate_upper,
};
use nalgebra::DMatrix;
use proptest::prelude::*;

use crate::golden::Golden;

fn t(df: f64, noncentrality: f64) -> NoncentralT {
    NoncentralT::new(df, noncentrality).expect("in range")
}

fn chi(df: f64, noncentrality: f64) -> NoncentralChiSquared {
    NoncentralChiSquared::new(df, noncentrality).expect("in range")
}

fn f(d1: f64, d2: f64, noncentrality: f64) -> NoncentralF {
    NoncentralF::new(d1, d2, noncentrality).expect("in range")
}

fn range(k: f64, df: f64) -> StudentizedRange {
    StudentizedRange::new(k as u32, df).expect("in range")
}

#[test]
fn noncentral_laws_match_their_golden_tables() {
    let table = Golden::read("noncentral_t.csv");
    table.compare("cdf", 1e-12, |row| Some(t(row[0], row[1]).cdf(row[2])));
    table.compare("sf", 1e-12, |row| Some(t(row[0], row[1]).sf(row[2])));
    table.compare("ln_cdf", 1e-12, |row| Some(t(row[0], row[1]).ln_cdf(row[2])));
    table.compare("ln_sf", 1e-12, |row| Some(t(row[0], row[1]).ln_sf(row[2])));
    let table = Golden::read("noncentral_chi_squared.csv");
    table.compare("cdf", 1e-12, |row| Some(chi(row[0], row[1]).cdf(row[2])));
    table.compare("sf", 1e-12, |row| Some(chi(row[0], row[1]).sf(row[2])));
    table.compare("ln_cdf", 1e-12, |row| Some(chi(row[0], row[1]).ln_cdf(row[2])));
    table.compare("ln_sf", 1e-12, |row| Some(chi(row[0], row[1]).ln_sf(row[2])));
    let table = Golden::read("noncentral_f.csv");
    table.compare("cdf", 1e-12, |row| Some(f(row[0], row[1], row[2]).cdf(row[3])));
    table.compare("sf", 1e-12, |row| Some(f(row[0], row[1], row[2]).sf(row[3])));
    table.compare("ln_sf", 1e-12, |row| Some(f(row[0], row[1], row[2]).ln_sf(row[3])));
}

#[test]
fn the_studentised_range_matches_its_golden_and_published_tables() {
    let table = Golden::read("studentized_range.csv");
    table.compare("sf", 1e-11, |row| Some(range(row[0], row[1]).sf(row[2])));
    table.compare("cdf", 1e-11, |row| Some(range(row[0], row[1]).cdf(row[2])));
    // Pearson & Hartley (1976), Biometrika Tables for Statisticians 1, table 29: upper 5 % and 1 % points, two decimals.
    for (k, df, p, want) in [
        (2.0, 5.0, 0.05, 3.64),
        (4.0, 12.0, 0.05, 4.20),
        (10.0, 20.0, 0.05, 5.01),
        (3.0, 10.0, 0.01, 5.27),
        (20.0, f64::INFINITY, 0.05, 5.01),
    ] {
        let got = range(k, df).isf(p).expect("a tail");
        assert!((got - want).abs() <= 0.0051, "{k} groups, {df} degrees of freedom: {got}");
    }
}

#[test]
fn two_normals_match_their_golden_table() {
    let table = Golden::read("bivariate_normal.csv");
    // Absolute accuracy is what is promised: tails below it are compared as such.
    table.compare("upper", 1e-14, |row| {
        let got = bivariate_upper(row[1], row[2], row[0]).expect("a correlation");
        Some(if (got - row[3]).abs() <= 1e-15 { row[3] } else { got })
    });
    assert_eq!(bivariate_upper(0.0, 0.0, 1.5), None);
    assert_eq!(bivariate_upper(0.3, f64::NEG_INFINITY, 0.2), Some(Normal.sf(0.3)));
    assert_eq!(bivariate_upper(0.3, 0.1, 1.0), Some(Normal.sf(0.3)));
    assert!(
        (bivariate_upper(0.3, -0.8, -1.0).expect("a correlation") - (Normal.cdf(0.8) - Normal.cdf(0.3))).abs() < 1e-15
    );
}

#[test]
fn boxes_of_several_normals_are_known_in_closed_form() {
    let everything = [f64::INFINITY; 4];
    for r in [-0.3, 0.0, 0.2, 0.5, 0.9] {
        // All three positive: 1/8 + 3·asin(r)/(4π).
        let law = MultivariateNormal::equicorrelated(3, r).expect("a correlation");
        let got = law.box_probability(&[0.0; 3], &everything[..3]).expect("three sides");
        let want = 0.125 + 0.75 * f64::asin(r) / std::f64::consts::PI;
        assert!((got.value - want).abs() <= got.error, "r = {r}: {got:?} is not {want}");
    }
    // r = ½: k + 1 exchangeable normals in order, 1/(k + 1).
    for k in [4, 10, 50] {
        let law = MultivariateNormal::equicorrelated(k, 0.5).expect("a correlation");
        let got = law.box_probability(&vec![0.0; k], &vec![f64::INFINITY; k]).expect("k sides");
        assert!((got.value - 1.0 / (k as f64 + 1.0)).abs() <= got.error && got.error < 1e-12, "{got:?}");
    }
    // A negative correlation beside two positive ones is no single factor: 1/8 + (asin r₁₂ + asin r₁₃ + asin r₂₃)/(4π).
    let law = MultivariateNormal::new(DMatrix::from_fn(3, 3, |i, j| [1.0, 0.6, -0.2][i.abs_diff(j)]));
    let got = law.expect("a correlation").box_probability(&[0.0; 3], &everything[..3]).expect("three sides");
    let want = 0.125 + (2.0 * 0.6_f64.asin() - 0.2_f64.asin()) / (4.0 * std::f64::consts::PI);
    assert!((got.value - want).abs() <= got.error && got.error < 1e-4, "{got:?} is not {want}");
}

#[test]
fn impossible_correlations_have_no_law() {
    assert!(
        MultivariateNormal::equicorrelated(3, -0.6).is_none() && MultivariateNormal::equicorrelated(2, 1.1).is_none()
    );
    assert!(MultivariateNormal::new(DMatrix::from_row_slice(2, 2, &[1.0, 0.2, 0.3, 1.0])).is_none());
    assert!(MultivariateNormal::new(DMatrix::from_row_slice(2, 2, &[1.0, f64::NAN, f64::NAN, 1.0])).is_none());
    assert!(MultivariateNormal::new(DMatrix::zeros(0, 0)).is_none());
    let pair = MultivariateNormal::equicorrelated(2, 0.5).expect("a correlation");
    assert_eq!(pair.box_probability(&[0.0], &[1.0]), None);
    assert_eq!(pair.box_probability(&[0.0, f64::NAN], &[1.0, 1.0]), None);
    assert_eq!(pair.box_probability(&[2.0, 0.0], &[1.0, 1.0]).map(|none| none.value), Some(0.0));
}

#[test]
fn parameters_outside_their_range_have_no_law() {
    assert!(
        NoncentralT::new(0.1, 0.0).is_none()
            && NoncentralT::new(5.0, 2e4).is_none()
            && NoncentralT::new(5.0, f64::NAN).is_none()
    );
    assert!(NoncentralChiSquared::new(0.0, 1.0).is_none() && NoncentralChiSquared::new(1.0, -1.0).is_none());
    assert!(NoncentralF::new(1.0, f64::INFINITY, 1.0).is_none());
    assert!(StudentizedRange::new(1, 10.0).is_none() && StudentizedRange::new(3, f64::NAN).is_none());
    for law in [t(5.0, 2.0), t(f64::INFINITY, 2.0)] {
        assert_eq!((law.cdf(f64::NEG_INFINITY), law.sf(f64::NEG_INFINITY), law.pdf(f64::INFINITY)), (0.0, 1.0, 0.0));
        assert!(law.cdf(f64::NAN).is_nan() && law.pdf(f64::NAN).is_nan());
        assert_eq!(
            (law.quantile(-0.1), law.quantile(0.0), law.isf(0.0)),
            (None, Some(f64::NEG_INFINITY), Some(f64::INFINITY))
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn without_effect_the_laws_are_the_central_ones(df in 0.5..1e4f64, x in 0.01..20.0f64) {
        prop_assert!((t(df, 0.0).ln_sf(x) / StudentT::new(df).expect("positive").ln_sf(x) - 1.0).abs() < 1e-12);
        prop_assert!((chi(df, 0.0).ln_sf(x * df) - ChiSquared::new(df).expect("positive").ln_sf(x * df)).abs() < 1e-11);
        prop_assert!((f(3.0, df, 0.0).ln_sf(x) - FisherF::new(3.0, df).expect("positive").ln_sf(x)).abs() < 1e-11);
    }

    #[test]
    fn a_squared_noncentral_t_is_a_noncentral_f(df in 1.0..200.0f64, delta in 0.0..8.0f64, x in 0.1..10.0f64) {
        let both = t(df, delta).sf(x) + t(df, delta).cdf(-x);
        prop_assert!((f(1.0, df, delta * delta).sf(x * x) / both - 1.0).abs() < 1e-11);
    }

    #[test]
    fn the_tail_at_a_quantile_is_the_probability(df in 1.0..1e4f64, delta in -20.0..20.0f64, exponent in -60.0..-0.31f64) {
        let p = 10f64.powf(exponent);
        let law = t(df, delta);
        let (high, low) = (law.isf(p).expect("a probability"), law.quantile(p).expect("a probability"));
        for (tail, x) in [(law.sf(high), high), (law.cdf(low), low)] {
            let rounding = 8.0 * f64::EPSILON * law.pdf(x) * x.abs() / p;
            prop_assert!((tail / p - 1.0).abs() < 1e-11 + rounding, "at {x}: {tail:e} is not {p:e}");
        }
        let squared = chi(df, delta * delta);
        let x = squared.isf(p).expect("a probability");
        prop_assert!((squared.sf(x) / p - 1.0).abs() < 1e-11 + 8.0 * f64::EPSILON * squared.pdf(x) * x / p);
    }

    #[test]
    fn two_groups_range_as_a_t(df in 1.0..1e4f64, q in 0.2..12.0f64) {
        let doubled = 2.0 * StudentT::new(df).expect("positive").sf(q / std::f64::consts::SQRT_2);
        prop_assert!((range(2.0, df).sf(q) / doubled - 1.0).abs() < 1e-10);
    }

    #[test]
    fn corners_of_two_normals_add_up(h in -4.0..4.0f64, k in -4.0..4.0f64, r in -0.999..0.999f64) {
        let upper = |h: f64, k: f64, r: f64| bivariate_upper(h, k, r).expect("a correlation");
        prop_assert!((upper(h, k, r) + upper(h, -k, -r) - Normal.sf(h)).abs() < 2e-15);
        prop_assert!((upper(h, k, r) - upper(k, h, r)).abs() < 2e-15);
    }
}
