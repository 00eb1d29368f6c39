//! One p-value from many independent ones.

use crate::dist::{ChiSquared, Continuous, Normal, TailProbability};
use crate::error::Error;

/// A combination of p-values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Combined {
    /// Fisher's chi-square, or Stouffer's z.
    pub statistic: f64,
    /// Its p-value.
    pub tail: TailProbability,
}

/// Fisher's combination: `−2Σ ln pᵢ` is chi-squared with `2k` degrees of freedom. Strong when one p-value is tiny.
///
/// - **Needs** independent p-values, one-sided ones when a sign counts.
/// - **Errors** with [`Error::OutOfRange`] when there is none, or at the first that is not in (0, 1].
/// - **Source** Fisher (1932), section 21.1.
pub fn fisher(p_values: &[f64]) -> Result<Combined, Error> {
    check(p_values)?;
    let statistic = -2.0 * p_values.iter().map(|p| p.ln()).sum::<f64>();
    let law = ChiSquared::new(2.0 * p_values.len() as f64);
    let tail = law.and_then(|law| TailProbability::upper(&law, statistic)).unwrap_or(TailProbability::CERTAIN);
    Ok(Combined { statistic, tail })
}

/// Stouffer's combination: `Σwᵢzᵢ/√Σwᵢ²` is standard normal, with `zᵢ` the upper quantile of `pᵢ`. Strong when all speak
/// alike; weights in proportion to the inverse standard errors are best.
///
/// - **Needs** independent one-sided p-values, and a weight of each; a p-value of 1 counts as the largest double below.
/// - **Errors** with [`Error::OutOfRange`] when there is no p-value, at the first that is not in (0, 1], when the weights
///   are not as many, or one is negative or not finite, or all are zero.
/// - **Source** Stouffer et al. (1949), page 45; weights: Lipták (1958).
pub fn stouffer(p_values: &[f64], weights: &[f64]) -> Result<Combined, Error> {
    check(p_values)?;
    let out_of_range = |value: String, expected: &str| {
        Err(Error::OutOfRange { field: "weights".to_owned(), value, expected: expected.to_owned() })
    };
    if weights.len() != p_values.len() {
        return out_of_range(format!("{} numbers", weights.len()), "give one weight to each p-value");
    }
    if let Some(weight) = weights.iter().find(|weight| !(**weight >= 0.0 && weight.is_finite())) {
        return out_of_range(weight.to_string(), "a weight is 0 or more");
    }
    let largest = weights.iter().copied().fold(0.0, f64::max);
    if largest == 0.0 {
        return out_of_range("all 0".to_owned(), "one weight at least is above 0");
    }
    let z = |p: f64| Normal.isf(p.min(1.0 - f64::EPSILON / 2.0)).unwrap_or(0.0);
    let sum: f64 = p_values.iter().zip(weights).map(|(p, weight)| weight / largest * z(*p)).sum();
    let length = weights.iter().map(|weight| (weight / largest).powi(2)).sum::<f64>().sqrt();
    let statistic = sum / length;
    let tail = TailProbability::upper(&Normal, statistic).unwrap_or(TailProbability::CERTAIN);
    Ok(Combined { statistic, tail })
}

fn check(p_values: &[f64]) -> Result<(), Error> {
    let out_of_range = |field: String, value: String, expected: &str| {
        Err(Error::OutOfRange { field, value, expected: expected.to_owned() })
    };
    if p_values.is_empty() {
        return out_of_range("p-values".to_owned(), "empty".to_owned(), "give at least one");
    }
    match p_values.iter().position(|p| !(*p > 0.0 && *p <= 1.0)) {
        None => Ok(()),
        Some(place) => out_of_range(
            format!("p-value number {}", place + 1),
            p_values[place].to_string(),
            "a p-value is above 0 and at most 1",
        ),
    }
}
