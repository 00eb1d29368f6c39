//! Priors fitted to past experiments: known answers, definitions, simulation.

use estimand_stats::empirical_bayes::{Shape, james_stein, shrink};
use estimand_stats::meta::{Studies, Study};
use estimand_stats::posterior::{Component, NormalMixture, Prior};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn studies(pairs: impl IntoIterator<Item = (f64, f64)>) -> Studies {
    Studies::new(pairs.into_iter().map(|(estimate, std_error)| Study { estimate, std_error }).collect())
        .expect("studies")
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

// Source: Efron & Morris (1977), "Stein's paradox in statistics", the batting averages of 18 players of 1970 after 45 at
// bats, with the variance of the grand mean, 0.265·0.735/45, for all.
#[test]
fn the_batting_averages_shrink_as_printed() {
    let hits = [18, 17, 16, 15, 14, 14, 13, 12, 11, 11, 10, 10, 10, 10, 10, 9, 8, 7];
    let averages: Vec<f64> = hits.iter().map(|hits| f64::from(*hits) / 45.0).collect();
    let grand = averages.iter().sum::<f64>() / 18.0;
    let std_error = (grand * (1.0 - grand) / 45.0).sqrt();
    let shrunken = james_stein(&studies(averages.iter().map(|average| (*average, std_error)))).unwrap();
    let printed = |value: f64| (value * 1000.0).round() / 1000.0;
    assert_eq!(printed(grand), 0.265);
    assert_eq!(printed(shrunken[0]), 0.294);
    // The article rounds its factor to 0.212; to all digits it is 0.2104.
    for (at, table) in
        [(1, 0.289), (2, 0.284), (3, 0.280), (4, 0.275), (6, 0.270), (7, 0.266), (15, 0.252), (17, 0.242)]
    {
        assert!((shrunken[at] - table).abs() < 1.1e-3, "{at}: {}", shrunken[at]);
    }
}

#[test]
fn a_normal_prior_is_the_random_effects_model() {
    let past = studies([0.02, -0.01, 0.00, 0.03, -0.02, 0.01, 0.04, -0.03].map(|estimate| (estimate, 0.01)));
    let fitted = Shape::Normal.fit(&past).unwrap();
    // With equal errors the likelihood has its maximum at the variance of the estimates less that of the errors.
    let Prior::Normal { mean, sd } = fitted.prior else { panic!("{:?}", fitted.prior) };
    assert!((mean - 0.005).abs() < 1e-15 && (sd - 0.000425_f64.sqrt()).abs() < 1e-9, "{mean}, {sd}");
    assert!(!fitted.no_spread);
}

#[test]
fn estimates_that_differ_no_more_than_chance_say_so() {
    let alike = studies([0.010, 0.011, 0.009, 0.010].map(|estimate| (estimate, 0.02)));
    let fitted = Shape::Normal.fit(&alike).unwrap();
    assert!(fitted.no_spread);
    assert_eq!(fitted.prior.to_string(), Prior::Normal { mean: 0.01, sd: 2e-5 }.to_string());
    for shape in [Shape::ScaleMixture, Shape::StudentT] {
        let fitted = shape.fit(&alike).unwrap();
        assert_eq!((fitted.no_spread, fitted.prior), (true, Prior::Normal { mean: 0.0, sd: 2e-5 }), "{}", shape.name());
    }
    let refusal = Shape::Normal.fit(&studies([(0.1, 0.1)])).unwrap_err();
    assert_eq!(refusal.to_string(), "`studies` is 1; a prior needs at least 3");
    let refusal = james_stein(&studies([(0.1, 0.1)])).unwrap_err();
    assert_eq!(refusal.to_string(), "`studies` is 1; James–Stein about the mean needs at least 4");
}

/// Experiments of which one in five has a large effect, each with its own standard error.
fn programme(random: &mut ChaCha8Rng, experiments: usize) -> (Vec<f64>, Studies) {
    let effects: Vec<f64> = (0..experiments)
        .map(|_| if random.random::<f64>() < 0.2 { 3.0 * normal(random) } else { 0.3 * normal(random) })
        .collect();
    let pairs = effects.iter().map(|effect| {
        let std_error = 0.5 + random.random::<f64>();
        (effect + std_error * normal(random), std_error)
    });
    let studies = studies(pairs.collect::<Vec<_>>());
    (effects, studies)
}

#[test]
fn the_mixture_is_the_most_likely_one() {
    // At the maximum of a concave function of weights no spread gains by more weight: for each of a fine grid,
    // the mean over studies of its likelihood ratio to the mixture is at most one.
    let (_, studies) = programme(&mut ChaCha8Rng::seed_from_u64(2), 150);
    let fitted = Shape::ScaleMixture.fit(&studies).unwrap();
    let mixture = fitted.prior.mixture().unwrap();
    for part in mixture.components() {
        for spread in [part.sd, part.sd * 2_f64.sqrt(), part.sd / 2_f64.sqrt()] {
            let alone = NormalMixture::new([Component { weight: 1.0, mean: 0.0, sd: spread }]).unwrap();
            let ratio = |study: &Study| {
                (alone.ln_marginal(study.estimate, study.std_error)
                    - mixture.ln_marginal(study.estimate, study.std_error))
                .exp()
            };
            let gain = studies.iter().map(ratio).sum::<f64>() / studies.count() as f64;
            assert!(gain <= 1.0 + 1e-3, "{spread}: {gain}");
        }
    }
    // A richer family is never less likely; the normal cannot bend to two kinds of effects.
    let normal = Shape::Normal.fit(&studies).unwrap();
    let t = Shape::StudentT.fit(&studies).unwrap();
    assert!(fitted.ln_likelihood > t.ln_likelihood - 1.0 && t.ln_likelihood > normal.ln_likelihood + 3.0);
}

#[test]
fn students_t_is_found_again_in_its_own_draws() {
    let mut random = ChaCha8Rng::seed_from_u64(14);
    let pairs: Vec<(f64, f64)> = (0..300)
        .map(|_| {
            let square: f64 = (0..3).map(|_| normal(&mut random).powi(2)).sum();
            let effect = 0.05 * normal(&mut random) / (square / 3.0).sqrt();
            (effect + 0.02 * normal(&mut random), 0.02)
        })
        .collect();
    let fitted = Shape::StudentT.fit(&studies(pairs)).unwrap();
    let Prior::StudentT { scale, df, .. } = fitted.prior else { panic!("{:?}", fitted.prior) };
    assert!((0.042..0.060).contains(&scale) && (2.0..5.5).contains(&df), "scale {scale}, {df} degrees of freedom");
}

#[test]
fn shrunken_effects_are_covered_and_their_signs_are_as_sure_as_said() {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let truth: Prior = "mixture:0.8:0:0.3:0.2:0:3".parse().unwrap();
    let [mut covered, mut by_fit, mut count, mut wrong] = [0_u32; 4];
    let (mut errors, mut errors_by_fit, mut plain_errors, mut expected) = (0.0, 0.0, 0.0, 0.0);
    for _ in 0..4 {
        let (effects, studies) = programme(&mut random, 300);
        let fitted = Shape::ScaleMixture.fit(&studies).unwrap().prior;
        let [known, fitted] = [&truth, &fitted].map(|prior| shrink(&studies, prior, 0.9).unwrap());
        for (at, (effect, study)) in effects.iter().zip(studies.iter()).enumerate() {
            count += 1;
            covered += u32::from(!known[at].interval.excludes(*effect));
            by_fit += u32::from(!fitted[at].interval.excludes(*effect));
            errors += (known[at].estimate - effect).powi(2);
            errors_by_fit += (fitted[at].estimate - effect).powi(2);
            plain_errors += (study.estimate - effect).powi(2);
            wrong += u32::from(effect * known[at].estimate < 0.0);
            expected += known[at].false_sign_rate;
        }
    }
    let rate = |part: u32| f64::from(part) / f64::from(count);
    println!("covered under the true prior {:.3}, under the fitted one {:.3}", rate(covered), rate(by_fit));
    println!("squared error of the plain one: {:.3}, {:.3}", errors / plain_errors, errors_by_fit / plain_errors);
    assert!((rate(covered) - 0.9).abs() < 3.3 * (0.09 / f64::from(count)).sqrt());
    assert!(rate(by_fit) > 0.75 && errors < 0.6 * plain_errors && errors_by_fit < 1.1 * errors);
    // The sign of the posterior mean of a symmetric prior is the likelier one.
    assert!((f64::from(wrong) - expected).abs() < 3.3 * expected.sqrt(), "{wrong} wrong signs, {expected} expected");
}

#[test]
fn s_values_rise_with_false_sign_rates_and_never_exceed_them() {
    let (_, studies) = programme(&mut ChaCha8Rng::seed_from_u64(9), 50);
    let mut shrunken = shrink(&studies, &Prior::Normal { mean: 0.0, sd: 1.0 }, 0.95).unwrap();
    shrunken.sort_by(|a, b| a.false_sign_rate.total_cmp(&b.false_sign_rate));
    assert!(shrunken.windows(2).all(|pair| pair[0].s_value <= pair[1].s_value));
    assert!(shrunken.iter().all(|effect| effect.s_value <= effect.false_sign_rate));
    let refusal = shrink(&studies, &Prior::Normal { mean: 0.0, sd: -1.0 }, 0.95).unwrap_err();
    assert_eq!(refusal.to_string(), format!("`prior` is normal:0:-1; {}", Prior::FORMS));
    assert!(
        shrink(&studies, &Prior::Flat, 0.95)
            .unwrap()
            .iter()
            .zip(studies.iter())
            .all(|(flat, study)| flat.estimate == study.estimate)
    );
}
