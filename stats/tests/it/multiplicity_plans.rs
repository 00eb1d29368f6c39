//! Weighted procedures, graphs, q-values and simultaneous bounds: their definitions, R qvalue 2.30.0, error rates.

use estimand_stats::dist::{Alternative, Continuous, Normal};
use estimand_stats::multiplicity::{Correction, Graph, NullShare, WeightedCorrection, bonferroni_intervals, q_values};
use proptest::prelude::*;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn family(p: &[f64]) -> Vec<Option<f64>> {
    p.iter().copied().map(Some).collect()
}

fn values(adjusted: Vec<Option<f64>>) -> Vec<f64> {
    adjusted.into_iter().map(|p| p.expect("a p-value for a p-value")).collect()
}

fn near(one: &[f64], other: &[f64]) -> bool {
    one.iter().zip(other).all(|(one, other)| (one - other).abs() <= 1e-12)
}

// Source: qvalue 2.30.0 of Bioconductor in R 4.2.2. Its smoother stops at 3.0003 degrees of freedom, ours at 3.
#[test]
fn q_values_agree_with_the_package() {
    let flat = (1..=200).map(|i| (f64::from(i) - 0.5) / 200.0);
    let small = (1..=100).map(|i| ((f64::from(i) - 0.5) / 100.0).powi(4));
    let p: Vec<f64> = flat.chain(small).collect();
    let cases = [
        (
            NullShare::At(0.5),
            1e-13,
            0.773333333333333,
            [0.024774609375, 0.474545454545455, 1.45e-07, 0.05490679203125, 0.342087277, 0.767474747474747],
        ),
        (
            NullShare::Smoother,
            1e-4,
            0.745877890174474,
            [
                0.0238950431515367,
                0.457697796243427,
                1.39852104407714e-07,
                0.0529574511161862,
                0.329942245376238,
                0.740227300097394,
            ],
        ),
        (
            NullShare::Bootstrap,
            1e-13,
            0.777777777777778,
            [
                0.0249169921875,
                0.477272727272727,
                1.45833333333333e-07,
                0.0552223483072917,
                0.344053295833333,
                0.771885521885522,
            ],
        ),
    ];
    for (method, rtol, share, expected) in cases {
        let q = q_values(&family(&p), method).unwrap();
        assert!((q.null_share / share - 1.0).abs() <= rtol, "{method:?}: {}", q.null_share);
        for (place, want) in [1, 50, 201, 230, 260, 300].into_iter().zip(expected) {
            let got = q.q[place - 1].unwrap();
            assert!((got / want - 1.0).abs() <= rtol, "{method:?}, {place}: {got}");
        }
    }
}

#[test]
fn what_is_no_plan_is_refused_with_its_reason() {
    let p = family(&[0.01, 0.02]);
    let holm =
        |p: &[Option<f64>], weights: &[f64]| WeightedCorrection::Holm.adjust(p, weights).unwrap_err().to_string();
    assert_eq!(holm(&p, &[1.0]), "1 weights for 2 tests; give one to each");
    assert_eq!(holm(&p, &[1.0, -1.0]), "weight number 2 is -1; a weight is 0 or more, and one of them above 0");
    assert_eq!(holm(&p, &[0.0, 0.0]), "weight number 1 is 0; a weight is 0 or more, and one of them above 0");
    assert_eq!(holm(&family(&[0.5, 1.5]), &[1.0, 1.0]), "p-value number 2 is 1.5; a p-value lies between 0 and 1");
    let graph = |weights: &[f64], rows: &[&[f64]]| {
        Graph::new(weights.to_vec(), rows.iter().map(|row| row.to_vec()).collect()).unwrap_err().to_string()
    };
    assert_eq!(
        graph(&[0.7, 0.7], &[&[0.0, 1.0], &[1.0, 0.0]]),
        "the graph is none: the weights sum to 1.4; shares sum to at most 1"
    );
    assert_eq!(graph(&[0.5, 0.5], &[&[0.0, 1.0]]), "the graph is none: 2 weights need 2 rows of 2 transitions");
    assert_eq!(graph(&[0.5, 0.5], &[&[0.5, 0.5], &[1.0, 0.0]]), "the graph is none: test 1 gives to itself");
    assert_eq!(
        graph(&[0.5, 0.5], &[&[0.0, -1.0], &[1.0, 0.0]]),
        "the graph is none: the transitions of test 1 hold -1; a share is 0 or more"
    );
    let q = |p: &[f64], share| q_values(&family(p), share).unwrap_err().to_string();
    assert_eq!(q(&[0.5], NullShare::At(1.0)), "no q-values: lambda is 1; it lies in [0, 1)");
    assert_eq!(
        q(&[0.01, 0.02], NullShare::At(0.5)),
        "no q-values: no p-value is large, so the share of true null hypotheses cannot be estimated"
    );
    let intervals = |effects: &[(f64, f64)], alpha| {
        bonferroni_intervals(effects, alpha, Alternative::TwoSided).unwrap_err().to_string()
    };
    assert_eq!(intervals(&[(1.0, 1.0)], 0.0), "`alpha` is 0; a level of error lies between 0 and 1, such as 0.05");
    assert_eq!(
        intervals(&[(1.0, 1.0), (2.0, 0.0)], 0.05),
        "effect number 2 is 2 with standard error 0; give a finite one and an error above 0"
    );
}

#[test]
fn a_test_without_weight_or_p_value_is_never_rejected() {
    for correction in WeightedCorrection::ALL {
        assert_eq!(WeightedCorrection::from_name(correction.name()), Some(correction));
        let adjusted = correction.adjust(&[Some(0.0), None, Some(0.01)], &[0.0, 1.0, 1.0]).unwrap();
        assert_eq!((adjusted[0], adjusted[1]), (Some(1.0), None), "{}", correction.name());
        assert!(adjusted[2] <= Some(0.02 + 1e-15));
    }
}

#[test]
fn a_gate_opens_when_the_tests_before_it_are_rejected() {
    let gate = Graph::gatekeeper(2, 2, 0.0).unwrap();
    // One primary test fails: nothing passes. Both succeed: the secondary tests have the whole level.
    let shut = values(gate.adjust(&family(&[0.01, 0.2, 1e-4, 1e-4])).unwrap());
    assert!(shut.iter().zip([0.02, 0.2, 0.2, 0.2]).all(|(p, want)| (p / want - 1.0).abs() < 1e-6), "{shut:?}");
    let open = values(gate.adjust(&family(&[0.01, 0.02, 0.001, 0.04])).unwrap());
    assert!(open.iter().zip([0.02, 0.02, 0.02, 0.04]).all(|(p, want)| (p / want - 1.0).abs() < 1e-6), "{open:?}");
    // With half passed on by each, one success opens the gate to a share.
    let half = values(Graph::gatekeeper(2, 2, 0.5).unwrap().adjust(&family(&[0.01, 0.2, 1e-3, 0.5])).unwrap());
    assert!(near(&half, &[0.02, 0.2 / 0.75, 0.02, 0.5]), "{half:?}");
    let chain = values(Graph::fixed_sequence(3).adjust(&family(&[0.01, 0.06, 0.001])).unwrap());
    assert_eq!(chain, [0.01, 0.06, 0.06]);
}

/// Shares of the level of each test of an intersection, by taking the others out one by one (algorithm 1 of the paper).
fn shares(weights: &[f64], transitions: &[Vec<f64>], set: usize) -> Vec<f64> {
    let (mut weights, mut transitions) = (weights.to_vec(), transitions.to_vec());
    let m = weights.len();
    let mut standing: Vec<usize> = (0..m).collect();
    for out in (0..m).rev().filter(|test| set & (1 << test) == 0) {
        standing.retain(|test| *test != out);
        let (before_w, before) = (weights.clone(), transitions.clone());
        for &to in &standing {
            weights[to] = before_w[to] + before_w[out] * before[out][to];
            for &other in standing.iter().filter(|other| **other != to) {
                let loops = before[to][out] * before[out][to];
                transitions[to][other] = if loops < 1.0 {
                    (before[to][other] + before[to][out] * before[out][other]) / (1.0 - loops)
                } else {
                    0.0
                };
            }
        }
        weights[out] = 0.0;
    }
    weights
}

fn p_values() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(prop_oneof![0.0..1.0_f64, 0.0..0.03_f64], 4)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn equal_weights_are_no_weights(p in p_values(), weight in 0.1..10.0_f64) {
        let weights = vec![weight; p.len()];
        for (weighted, plain) in [
            (WeightedCorrection::BenjaminiHochberg, Correction::BenjaminiHochberg),
            (WeightedCorrection::Bonferroni, Correction::Bonferroni),
            (WeightedCorrection::Holm, Correction::Holm),
        ] {
            let (weighted, plain) = (weighted.adjust(&family(&p), &weights).unwrap(), plain.adjust(&family(&p)).unwrap());
            prop_assert!(near(&values(weighted), &values(plain)));
        }
        prop_assert!(near(&values(Graph::holm(4).adjust(&family(&p)).unwrap()), &values(Correction::Holm.adjust(&family(&p)).unwrap())));
    }

    #[test]
    fn weighted_holm_is_the_closed_test_of_weighted_bonferroni(p in p_values(), weights in prop::collection::vec(0.1..5.0_f64, 4)) {
        let adjusted = values(WeightedCorrection::Holm.adjust(&family(&p), &weights).unwrap());
        for (test, adjusted) in adjusted.into_iter().enumerate() {
            let closed = (1..16_usize).filter(|set| set & (1 << test) != 0).map(|set| {
                let members: Vec<usize> = (0..4).filter(|j| set & (1 << j) != 0).collect();
                let whole: f64 = members.iter().map(|j| weights[*j]).sum();
                members.iter().map(|j| p[*j] * whole / weights[*j]).fold(f64::INFINITY, f64::min).min(1.0)
            }).fold(0.0, f64::max);
            prop_assert!((adjusted - closed).abs() < 1e-12);
        }
    }

    #[test]
    fn a_graph_is_the_closed_test_that_it_draws(p in p_values(), raw in prop::collection::vec(0.01..1.0_f64, 20), passed in 0.3..1.0_f64) {
        let total: f64 = raw[..4].iter().sum();
        let weights: Vec<f64> = raw[..4].iter().map(|share| share / total).collect();
        let transitions: Vec<Vec<f64>> = (0..4).map(|from| {
            let row: Vec<f64> = (0..4).map(|to| if from == to { 0.0 } else { raw[4 + 4 * from + to] }).collect();
            let sum: f64 = row.iter().sum();
            row.into_iter().map(|part| passed * part / sum).collect()
        }).collect();
        let adjusted = values(Graph::new(weights.clone(), transitions.clone()).unwrap().adjust(&family(&p)).unwrap());
        for (test, adjusted) in adjusted.into_iter().enumerate() {
            let closed = (1..16_usize).filter(|set| set & (1 << test) != 0).map(|set| {
                let shares = shares(&weights, &transitions, set);
                (0..4).filter(|j| set & (1 << j) != 0).map(|j| p[j] / shares[j]).fold(f64::INFINITY, f64::min).min(1.0)
            }).fold(0.0, f64::max);
            prop_assert!((adjusted - closed).abs() < 1e-10, "{adjusted} and {closed}");
        }
    }

    #[test]
    fn bounds_agree_with_the_adjusted_tests(z in prop::collection::vec(-1.0..5.0_f64, 4), alpha in 0.01..0.1_f64) {
        let effects: Vec<(f64, f64)> = z.iter().map(|z| (0.1 * z, 0.1)).collect();
        let p: Vec<f64> = z.iter().map(|z| Normal.sf(*z)).collect();
        for graph in [Graph::holm(4), Graph::fixed_sequence(4), Graph::gatekeeper(2, 2, 0.5).unwrap(), Graph::fallback(vec![0.25; 4]).unwrap()] {
            let adjusted = values(graph.adjust(&family(&p)).unwrap());
            for (bound, adjusted) in graph.lower_bounds(&effects, alpha).unwrap().into_iter().zip(adjusted) {
                prop_assert_eq!(bound.is_some_and(|bound| bound >= 0.0), adjusted <= alpha);
            }
        }
        let adjusted = values(Correction::Bonferroni.adjust(&family(&p.iter().map(|p| 2.0 * p.min(1.0 - p)).collect::<Vec<_>>())).unwrap());
        for (interval, adjusted) in bonferroni_intervals(&effects, alpha, Alternative::TwoSided).unwrap().into_iter().zip(adjusted) {
            prop_assert_eq!(interval.excludes(0.0), adjusted < alpha);
        }
    }
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

#[test]
fn error_rates_hold_for_correlated_tests_of_which_some_are_real() {
    let mut random = ChaCha8Rng::seed_from_u64(17);
    let replicates =
        std::env::var("ESTIMAND_CALIBRATION_REPLICATES").ok().and_then(|text| text.parse().ok()).unwrap_or(2_000_u32);
    let weights: Vec<f64> = (0..20).map(|test| f64::from(1 + test % 4)).collect();
    let gate = Graph::gatekeeper(5, 15, 0.5).unwrap();
    let [mut holm, mut graph, mut bounds] = [0_u32; 3];
    let [mut storey, mut q, mut weighted] = [0.0; 3];
    for _ in 0..replicates {
        let shared = normal(&mut random);
        // Half the variance is shared; the first of each four tests is real.
        let truth = |test: usize| if test.is_multiple_of(4) { 3.0 } else { 0.0 };
        let z: Vec<f64> = (0..20).map(|test| truth(test) + 0.5_f64.sqrt() * (shared + normal(&mut random))).collect();
        let p: Vec<f64> = z.iter().map(|z| Normal.sf(*z)).collect();
        let false_ones =
            |adjusted: &[f64]| (0..20).filter(|test| truth(*test) == 0.0 && adjusted[*test] <= 0.05).count();
        holm += u32::from(false_ones(&values(WeightedCorrection::Holm.adjust(&family(&p), &weights).unwrap())) > 0);
        graph += u32::from(false_ones(&values(gate.adjust(&family(&p)).unwrap())) > 0);
        let effects: Vec<(f64, f64)> = z.iter().map(|z| (*z, 1.0)).collect();
        let below = Graph::holm(20).lower_bounds(&effects, 0.05).unwrap();
        bounds +=
            u32::from(below.iter().enumerate().any(|(test, bound)| bound.is_some_and(|bound| bound > truth(test))));
        // Storey's needs independent tests.
        let p: Vec<f64> = (0..20).map(|test| Normal.sf(truth(test) + normal(&mut random))).collect();
        let share = |adjusted: &[f64]| {
            let all = adjusted.iter().filter(|p| **p <= 0.05).count();
            false_ones(adjusted) as f64 / all.max(1) as f64
        };
        storey += share(&values(Correction::Storey.adjust(&family(&p)).unwrap()));
        weighted += share(&values(WeightedCorrection::BenjaminiHochberg.adjust(&family(&p), &weights).unwrap()));
        q += q_values(&family(&p), NullShare::At(0.5)).map_or(0.0, |q| share(&values(q.q)));
    }
    let n = f64::from(replicates);
    let limit = 0.05 + 3.3 * (0.05 * 0.95 / n).sqrt();
    println!(
        "family-wise: Holm {:.4}, graph {:.4}, bounds {:.4}",
        f64::from(holm) / n,
        f64::from(graph) / n,
        f64::from(bounds) / n
    );
    println!("false discoveries: Storey {:.4}, weighted {:.4}, q-values {:.4}", storey / n, weighted / n, q / n);
    for count in [holm, graph, bounds] {
        assert!(f64::from(count) / n <= limit);
    }
    // The q-value's estimate of the share has no allowance for chance: it is shown, not promised.
    assert!(storey / n <= limit && weighted / n <= limit && q / n < 0.08);
}
