//! Stein's estimator: many means at once, each pulled towards all.

use crate::error::Error;
use crate::meta::Studies;

/// The effects by the positive-part James–Stein estimator about the weighted mean of all.
///
/// `θ̂ᵢ = ȳ + (1 − (k − 3)/Q)₊·(yᵢ − ȳ)` with `Q = Σ(yᵢ − ȳ)²/σᵢ²`. With equal standard errors the sum of squared errors
/// is smaller on average than that of the estimates themselves, whatever the effects are; it is the empirical Bayes
/// estimate under a normal prior.
///
/// - **Errors** with [`Error::OutOfRange`] for fewer than four studies.
/// - **Source** Efron & Morris (1973), eq. (7.1), on the mean; James & Stein (1961).
pub fn james_stein(studies: &Studies) -> Result<Vec<f64>, Error> {
    studies.at_least(4, "James–Stein about the mean")?;
    let (mean, _) = studies.weighted_mean(0.0);
    let q = studies.q(0.0);
    let kept = if q > 0.0 { (1.0 - (studies.count() - 3) as f64 / q).max(0.0) } else { 0.0 };
    Ok(studies.iter().map(|study| mean + kept * (study.estimate - mean)).collect())
}
