//! A mixture of normals about zero, its shape by maximum likelihood.

use crate::meta::Studies;
use crate::posterior::{Component, NormalMixture, Prior};

/// How far the likelihood may still rise per study, by the bound of its gradient, when the search ends.
const SETTLED: f64 = 1e-5;

/// Steps after which it ends anyway.
const MAX_STEPS: usize = 20_000;

/// Shares below this, of a spread that the likelihood has no use for, are left out.
const NEGLIGIBLE: f64 = 1e-6;

/// The weights on a grid of spreads that make the estimates most likely.
///
/// The grid goes from a tenth of the smallest standard error to twice what the largest estimate shows, by factors of
/// √2. The likelihood is concave in the weights: steps of expectation-maximisation climb it, and at the top no
/// spread has a gradient above one.
///
/// - **Source** Stephens (2017), supplementary section S.3, and the grid of his package `ashr`.
pub(super) fn fit(studies: &Studies) -> Option<Prior> {
    let least = studies.iter().map(|study| study.std_error).fold(f64::INFINITY, f64::min) / 10.0;
    let excess = studies.iter().map(|study| study.estimate.powi(2) - study.std_error.powi(2)).fold(0.0, f64::max);
    let most = if excess > 0.0 { (2.0 * excess.sqrt()).max(8.0 * least) } else { return None };
    let points = (2.0 * (most / least).log2()).ceil() as i32;
    let spreads: Vec<f64> = (-points..=0).map(|step| most * 2_f64.powf(f64::from(step) / 2.0)).collect();
    let likelihoods: Vec<Vec<f64>> = studies
        .iter()
        .map(|study| {
            let logs: Vec<f64> = spreads
                .iter()
                .map(|spread| {
                    let sd = spread.hypot(study.std_error);
                    -0.5 * (study.estimate / sd).powi(2) - sd.ln()
                })
                .collect();
            let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            logs.into_iter().map(|log| (log - largest).exp()).collect()
        })
        .collect();
    let weights = most_likely_weights(&likelihoods, spreads.len());
    let kept = spreads.iter().zip(&weights).filter(|(_, weight)| **weight > NEGLIGIBLE);
    let mixture = NormalMixture::new(kept.map(|(sd, weight)| Component { weight: *weight, mean: 0.0, sd: *sd }))?;
    Some(Prior::Mixture(mixture))
}

/// The weights that maximise `Σ ln Σ wₖLᵢₖ`.
fn most_likely_weights(likelihoods: &[Vec<f64>], spreads: usize) -> Vec<f64> {
    let mut weights = vec![1.0 / spreads as f64; spreads];
    for _ in 0..MAX_STEPS {
        let mut gradient = vec![0.0; spreads];
        for row in likelihoods {
            let whole: f64 = row.iter().zip(&weights).map(|(likelihood, weight)| likelihood * weight).sum();
            gradient.iter_mut().zip(row).for_each(|(sum, likelihood)| *sum += likelihood / whole);
        }
        let n = likelihoods.len() as f64;
        weights.iter_mut().zip(&gradient).for_each(|(weight, sum)| *weight *= sum / n);
        if gradient.iter().all(|sum| sum / n <= 1.0 + SETTLED) {
            break;
        }
    }
    weights
}
