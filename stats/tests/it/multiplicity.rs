//! Adjusted p-values against published numbers, a second implementation, and the definitions of the procedures.

use estimand_stats::multiplicity::{Correction, NotAProbability};
use proptest::prelude::*;

use crate::oracle;

/// The fifteen p-values of Benjamini & Hochberg (1995), section 4.
const BENJAMINI_HOCHBERG_1995: [f64; 15] = [
    0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0,
];

fn adjust(correction: Correction, p: &[f64]) -> Vec<f64> {
    let family: Vec<Option<f64>> = p.iter().copied().map(Some).collect();
    let adjusted = correction.adjust(&family).expect("probabilities");
    adjusted.into_iter().map(|p| p.expect("a p-value for a p-value")).collect()
}

fn rejected(correction: Correction, p: &[f64]) -> usize {
    adjust(correction, p).into_iter().filter(|p| *p <= 0.05).count()
}

// Source: Benjamini & Hochberg (1995), section 4: at 0.05 their procedure rejects four, Bonferroni's and Hochberg's
// three.
#[test]
fn the_example_of_benjamini_and_hochberg_rejects_as_printed() {
    let p = BENJAMINI_HOCHBERG_1995;
    assert_eq!(rejected(Correction::BenjaminiHochberg, &p), 4);
    assert_eq!(rejected(Correction::Bonferroni, &p), 3);
    assert_eq!(rejected(Correction::Hochberg, &p), 3);
    // 4/15 · 0.05 = 0.0133 is the threshold at which 0.0095 is rejected.
    assert!((adjust(Correction::BenjaminiHochberg, &p)[3] - 0.0095 * 15.0 / 4.0).abs() < 1e-15);
}

#[test]
fn reference_cases_agree() {
    let Some(cases) = oracle::cases("multiple_testing", &["p_adjust"]) else { return };
    assert_eq!(cases.len(), 1);
    for case in &cases {
        let p: Vec<f64> = serde_json::from_value(case["inputs"]["p"].clone()).expect("numbers");
        for (name, correction) in [
            ("BH", Correction::BenjaminiHochberg),
            ("BY", Correction::BenjaminiYekutieli),
            ("bonferroni", Correction::Bonferroni),
            ("hochberg", Correction::Hochberg),
            ("holm", Correction::Holm),
            ("holm_sidak", Correction::HolmSidak),
            ("hommel", Correction::Hommel),
            ("sidak", Correction::Sidak),
        ] {
            oracle::assert_within(case, name, &adjust(correction, &p));
        }
    }
}

#[test]
fn names_lead_back_and_are_sorted() {
    let names: Vec<&str> = Correction::ALL.iter().map(|correction| correction.name()).collect();
    assert!(names.is_sorted());
    for correction in Correction::ALL {
        assert_eq!(Correction::from_name(correction.name()), Some(correction));
    }
    assert_eq!(Correction::from_name("bonferoni"), None);
}

#[test]
fn a_missing_p_value_does_not_count() {
    for correction in Correction::ALL {
        let with = correction.adjust(&[None, Some(0.04), None, Some(0.01), Some(0.2)]).expect("probabilities");
        let without = adjust(correction, &[0.04, 0.01, 0.2]);
        assert_eq!(with, [None, Some(without[0]), None, Some(without[1]), Some(without[2])]);
        assert_eq!(correction.adjust(&[None, None]), Ok(vec![None, None]));
        assert_eq!(correction.adjust(&[]), Ok(vec![]));
    }
}

#[test]
fn one_test_alone_is_not_adjusted() {
    for correction in Correction::ALL {
        assert!((adjust(correction, &[0.03])[0] - 0.03).abs() < 1e-17);
    }
}

#[test]
fn a_number_that_is_no_probability_is_refused_by_its_place() {
    for value in [1.2, -0.1, f64::INFINITY] {
        let refusal = Correction::Holm.adjust(&[Some(0.5), None, Some(value)]);
        assert_eq!(refusal, Err(NotAProbability { position: 3, value }));
    }
    let refusal = Correction::Holm.adjust(&[Some(f64::NAN)]).expect_err("not a number");
    assert_eq!(refusal.to_string(), "p-value number 1 is NaN; a p-value lies between 0 and 1");
}

#[test]
fn tiny_p_values_keep_their_digits_under_sidak() {
    let adjusted = adjust(Correction::Sidak, &[1e-200, 0.5]);
    assert!((adjusted[0] / 2e-200 - 1.0).abs() < 1e-14);
}

/// A family of p-values with ties among them.
fn family() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(prop_oneof![0.0..1.0f64, 0.0..0.02f64, Just(0.013), Just(1.0)], 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn adjusting_keeps_order_and_ties_and_never_helps(p in family()) {
        for correction in Correction::ALL {
            let adjusted = adjust(correction, &p);
            for (i, j) in (0..p.len()).flat_map(|i| (0..p.len()).map(move |j| (i, j))) {
                prop_assert!(p[i] > p[j] || adjusted[i] <= adjusted[j], "{}", correction.name());
            }
            prop_assert!(adjusted.iter().zip(&p).all(|(adjusted, p)| adjusted >= p && *adjusted <= 1.0));
        }
    }

    #[test]
    fn stronger_procedures_give_smaller_values(p in family()) {
        // Each is at least as powerful as the one before it.
        for pair in [
            [Correction::Bonferroni, Correction::Holm],
            [Correction::Holm, Correction::Hochberg],
            [Correction::Hochberg, Correction::Hommel],
            [Correction::Hommel, Correction::BenjaminiHochberg],
            [Correction::BenjaminiYekutieli, Correction::BenjaminiHochberg],
            [Correction::Bonferroni, Correction::Sidak],
            [Correction::Holm, Correction::HolmSidak],
        ] {
            for (weak, strong) in adjust(pair[0], &p).into_iter().zip(adjust(pair[1], &p)) {
                prop_assert!(strong <= weak * (1.0 + 1e-14), "{} exceeds {}", pair[1].name(), pair[0].name());
            }
        }
    }

    #[test]
    fn hommel_is_the_closed_test_of_simes(p in prop::collection::vec(0.0..0.2f64, 1..7)) {
        // The definition: the largest Simes p-value over all intersections that hold the hypothesis.
        for (i, adjusted) in adjust(Correction::Hommel, &p).into_iter().enumerate() {
            let closed = (0..1_usize << p.len())
                .filter(|set| set & (1 << i) != 0)
                .map(|set| {
                    let mut members: Vec<f64> = (0..p.len()).filter(|j| set & (1 << j) != 0).map(|j| p[j]).collect();
                    members.sort_by(f64::total_cmp);
                    let size = members.len() as f64;
                    members.iter().zip(1..).map(|(p, rank)| size * p / f64::from(rank)).fold(f64::INFINITY, f64::min)
                })
                .fold(0.0, f64::max);
            prop_assert!((adjusted - closed.min(1.0)).abs() < 1e-14);
        }
    }
}
