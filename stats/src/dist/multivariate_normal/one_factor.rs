//! Correlations of one common factor: `rᵢⱼ = λᵢλⱼ`.

use nalgebra::DMatrix;

use super::between;
use crate::dist::{Continuous, Normal};

/// Correlations that differ less than this from a product are taken as it.
const SLACK: f64 = 1e-14;

/// A factor next to a variable makes steps: the rules below are for smooth integrands.
const SMOOTH: f64 = 0.9999;

/// The loadings `λ` with `rᵢⱼ = λᵢλⱼ` for `i ≠ j`; `None` when there are none below one in size.
pub(in crate::dist) fn loadings(correlation: &DMatrix<f64>) -> Option<Vec<f64>> {
    let k = correlation.nrows();
    let r = |i: usize, j: usize| correlation[(i, j)];
    if k == 2 {
        let size = r(0, 1).abs().sqrt();
        return (size < SMOOTH).then(|| vec![size, size.copysign(r(0, 1))]);
    }
    // λᵢ² = rᵢⱼrᵢₗ/rⱼₗ, from the pair that the division hurts least.
    let square = |i: usize| {
        let pairs = (0..k).flat_map(|j| (j + 1..k).map(move |l| (j, l))).filter(|(j, l)| *j != i && *l != i);
        let (j, l) = pairs.max_by(|a, b| r(a.0, a.1).abs().total_cmp(&r(b.0, b.1).abs()))?;
        Some(if r(j, l) == 0.0 { 0.0 } else { r(i, j) * r(i, l) / r(j, l) })
    };
    let sizes: Vec<f64> =
        (0..k).map(|i| square(i).filter(|s| (0.0..1.0).contains(s)).map(f64::sqrt)).collect::<Option<_>>()?;
    let anchor = (0..k).max_by(|a, b| sizes[*a].total_cmp(&sizes[*b]))?;
    let signed: Vec<f64> =
        (0..k).map(|i| if i != anchor && r(i, anchor) < 0.0 { -sizes[i] } else { sizes[i] }).collect();
    let holds = |i: usize, j: usize| i == j || (signed[i] * signed[j] - r(i, j)).abs() <= SLACK;
    let smooth = signed.iter().all(|loading| loading.abs() < SMOOTH);
    (smooth && (0..k).all(|i| (0..k).all(|j| holds(i, j)))).then_some(signed)
}

/// `∫φ(z)·Πᵢ[Φ((highᵢ − λᵢz)/√(1−λᵢ²)) − Φ((lowᵢ − λᵢz)/√(1−λᵢ²))]dz` by the trapezoidal rule, which converges
/// geometrically on so smooth an integrand.
pub(super) fn probability(loadings: &[f64], low: &[f64], high: &[f64]) -> f64 {
    let (rest, step) = (rests(loadings), step(loadings));
    let points = (9.0 / step).ceil() as i64;
    let integrand = |z: f64| {
        let within = |i: usize| between((low[i] - loadings[i] * z) / rest[i], (high[i] - loadings[i] * z) / rest[i]);
        Normal.pdf(z) * (0..loadings.len()).map(within).product::<f64>()
    };
    step * (-points..=points).map(|point| integrand(point as f64 * step)).sum::<f64>()
}

/// Tails of the normal beyond it are no doubles.
const FAR: f64 = 39.0;

/// The probability that any variable is further than `bound` from zero, as an integral of positive terms.
pub(in crate::dist) fn outside(loadings: &[f64], bound: f64) -> f64 {
    if bound > FAR {
        return 0.0;
    }
    let (rest, step) = (rests(loadings), step(loadings));
    let largest = loadings.iter().fold(0.0_f64, |largest, loading| largest.max(loading.abs()));
    // The factor that carries its variables beyond the bound lies about the bound itself.
    let points = ((9.0 + largest * bound) / step).ceil() as i64;
    let integrand = |z: f64| {
        let beyond =
            |i: usize| Normal.sf((bound - loadings[i] * z) / rest[i]) + Normal.sf((bound + loadings[i] * z) / rest[i]);
        let within: f64 = (0..loadings.len()).map(|i| (-beyond(i).min(1.0)).ln_1p()).sum();
        -Normal.pdf(z) * within.exp_m1()
    };
    // The integrand is even.
    step * (integrand(0.0) + 2.0 * (1..=points).map(|point| integrand(point as f64 * step)).sum::<f64>())
}

/// What the factor leaves of each variable's spread.
fn rests(loadings: &[f64]) -> Vec<f64> {
    loadings.iter().map(|loading| ((1.0 - loading) * (1.0 + loading)).sqrt()).collect()
}

/// Step of the trapezoidal rule: fine enough for the sharpest of the integrands.
fn step(loadings: &[f64]) -> f64 {
    let sharpness: f64 =
        1.0 + loadings.iter().zip(rests(loadings)).map(|(loading, rest)| (loading / rest).powi(2)).sum::<f64>();
    0.7 / sharpness.sqrt()
}
