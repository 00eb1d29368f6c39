//! Beta, F, gamma and the laws of counts, against tables of 60-digit arithmetic and their own laws.

use estimand_stats::dist::{Beta, Binomial, Continuous, Discrete, FisherF, Gamma, NegativeBinomial, Poisson, StudentT};
use proptest::prelude::*;

use crate::golden::Golden;

fn beta(a: f64, b: f64) -> Beta {
    Beta::new(a, b).expect("positive parameters")
}

fn f(d1: f64, d2: f64) -> FisherF {
    FisherF::new(d1, d2).expect("positive degrees of freedom")
}

#[test]
fn beta_and_f_match_their_golden_table() {
    let table = Golden::read("beta.csv");
    table.compare("pdf", 1e-14, |row| Some(beta(row[0], row[1]).pdf(row[2])));
    table.compare("cdf", 1e-14, |row| Some(beta(row[0], row[1]).cdf(row[2])));
    table.compare("sf", 1e-14, |row| Some(beta(row[0], row[1]).sf(row[2])));
    table.compare("ln_cdf", 1e-14, |row| Some(beta(row[0], row[1]).ln_cdf(row[2])));
    table.compare("ln_sf", 1e-14, |row| Some(beta(row[0], row[1]).ln_sf(row[2])));
    let table = Golden::read("beta_quantile.csv");
    table.compare("quantile", 1e-14, |row| beta(row[1], row[2]).quantile(row[0]).filter(|_| row[3] >= 1e-307));
    table.compare("isf", 1e-14, |row| beta(row[1], row[2]).isf(row[0]));
    table.compare("f_quantile", 1e-14, |row| {
        f(2.0 * row[1], 2.0 * row[2]).quantile(row[0]).filter(|_| row[5] >= 1e-307)
    });
    table.compare("f_isf", 1e-14, |row| f(2.0 * row[1], 2.0 * row[2]).isf(row[0]).filter(|_| row[6] < 1e307));
}

#[test]
fn counts_match_their_golden_tables() {
    let poisson = |row: &[f64]| Poisson::new(row[0]).expect("a mean");
    let table = Golden::read("poisson.csv");
    table.compare("pmf", 1e-14, |row| Some(poisson(row).pmf(row[1] as u64)));
    table.compare("cdf", 1e-14, |row| Some(poisson(row).cdf(row[1] as u64)));
    table.compare("sf", 1e-14, |row| Some(poisson(row).sf(row[1] as u64)));
    table.compare("ln_cdf", 1e-14, |row| Some(poisson(row).ln_cdf(row[1] as u64)));
    table.compare("ln_sf", 1e-14, |row| Some(poisson(row).ln_sf(row[1] as u64)));
    let binomial = |row: &[f64]| NegativeBinomial::new(row[0], row[1]).expect("a size and a mean");
    let table = Golden::read("negative_binomial.csv");
    table.compare("pmf", 1e-13, |row| Some(binomial(row).pmf(row[2] as u64)));
    table.compare("cdf", 1e-13, |row| Some(binomial(row).cdf(row[2] as u64)));
    table.compare("sf", 1e-13, |row| Some(binomial(row).sf(row[2] as u64)));
    table.compare("ln_sf", 1e-13, |row| Some(binomial(row).ln_sf(row[2] as u64)));
    let binomial = |row: &[f64]| Binomial::new(row[0] as u64, row[1]).expect("a probability");
    let table = Golden::read("binomial.csv");
    table.compare("cdf", 1e-13, |row| Some(binomial(row).cdf(row[2] as u64)));
    table.compare("sf", 1e-13, |row| Some(binomial(row).sf(row[2] as u64)));
    table.compare("ln_cdf", 1e-13, |row| Some(binomial(row).ln_cdf(row[2] as u64)));
    table.compare("ln_sf", 1e-13, |row| Some(binomial(row).ln_sf(row[2] as u64)));
}

#[test]
fn arguments_outside_their_range_have_no_law() {
    assert!(
        Beta::new(0.0, 1.0).is_none() && Beta::new(1.0, f64::NAN).is_none() && Beta::new(1.0, f64::INFINITY).is_none()
    );
    assert!(FisherF::new(-1.0, 1.0).is_none() && FisherF::new(1.0, 0.0).is_none());
    assert!(Gamma::new(0.0, 1.0).is_none() && Gamma::new(1.0, 0.0).is_none() && Gamma::new(1.0, f64::NAN).is_none());
    assert!(Poisson::new(-1.0).is_none() && Poisson::new(f64::NAN).is_none());
    assert!(NegativeBinomial::new(0.0, 1.0).is_none() && NegativeBinomial::new(1.0, f64::NAN).is_none());
    let law = beta(2.0, 3.0);
    for function in [Continuous::pdf, Continuous::cdf, Continuous::sf, Continuous::ln_cdf, Continuous::ln_sf] {
        assert!(function(&law, f64::NAN).is_nan());
    }
    assert_eq!((law.quantile(0.0), law.quantile(1.0), law.quantile(1.5)), (Some(0.0), Some(1.0), None));
    assert_eq!((law.cdf(-1.0), law.cdf(2.0), law.pdf(2.0)), (0.0, 1.0, 0.0));
}

#[test]
fn certain_counts_are_certain() {
    let never = Poisson::new(0.0).expect("a mean");
    assert_eq!((never.pmf(0), never.cdf(0), never.sf(0), never.ln_sf(3)), (1.0, 1.0, 0.0, f64::NEG_INFINITY));
    let always = Binomial::new(4, 1.0).expect("a probability");
    assert_eq!((always.cdf(3), always.cdf(4), always.sf(3), always.quantile(0.2)), (0.0, 1.0, 1.0, Some(4)));
    assert_eq!(Binomial::new(4, 0.5).expect("a probability").quantile(1.0), Some(4));
    assert_eq!(never.quantile(f64::NAN), None);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_tail_at_a_quantile_is_the_probability(ln_a in -0.5..12.0f64, ln_b in -0.5..12.0f64, exponent in -250.0..-0.31f64) {
        let (a, b, p) = (ln_a.exp(), ln_b.exp(), 10f64.powf(exponent));
        let law = f(2.0 * a, 2.0 * b);
        for (x, tail) in [(law.isf(p), law.isf(p).map(|x| law.sf(x))), (law.quantile(p), law.quantile(p).map(|x| law.cdf(x)))] {
            let (x, tail) = (x.expect("a probability"), tail.expect("a probability"));
            if x > 1e-300 && x < 1e300 {
                let rounding = 8.0 * f64::EPSILON * law.pdf(x) * x / p;
                prop_assert!((tail / p - 1.0).abs() < 1e-12 + rounding, "{a} {b} {p:e} at {x}: {tail:e}");
            }
        }
    }

    #[test]
    fn the_square_of_a_t_is_an_f(df in 0.5..1e5f64, t in 0.01..30.0f64) {
        let squared = f(1.0, df).ln_sf(t * t);
        let doubled = (2.0 * StudentT::new(df).expect("positive").sf(t)).ln();
        prop_assert!((squared - doubled).abs() <= 1e-12 * (1.0 + doubled.abs()), "{squared} is not {doubled}");
    }

    #[test]
    fn reflection_changes_the_tails_over(a in 0.5..2e4f64, b in 0.5..2e4f64, eighths in 1..64u32) {
        let x = f64::from(eighths) / 64.0;
        prop_assert!((beta(a, b).ln_cdf(x) - beta(b, a).ln_sf(1.0 - x)).abs() <= 1e-12 * (1.0 + beta(a, b).ln_cdf(x).abs()));
    }

    #[test]
    fn a_count_quantile_is_the_first_that_reaches(mean in 0.01..1e5f64, p in 1e-9..0.999999f64) {
        let law = Poisson::new(mean).expect("a mean");
        let k = law.quantile(p).expect("a probability");
        prop_assert!(law.cdf(k) >= p * (1.0 - 1e-12));
        prop_assert!(k == 0 || law.cdf(k - 1) < p * (1.0 + 1e-12));
    }
}
