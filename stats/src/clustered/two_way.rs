//! Two groupings at once, such as firms and years.

use nalgebra::{DMatrix, DVector};

use super::clusters::Clusters;
use super::correction::Correction;
use super::fit::ClusteredFit;
use crate::least_squares::Fit;
use crate::potential_outcomes::LinearContrast;

/// A least-squares fit whose units are dependent when they share one of two clusters.
///
/// `V = V₁ + V₂ − V₁₂`, where `V₁₂` is clustered by the crossing of both, each with the factor of its own clusters. The
/// difference need not be a covariance matrix; where it is none, its negative eigenvalues are taken as zero.
///
/// - **Needs** a fit and two groupings of its rows.
/// - **Assumes** that units which share neither cluster are independent, and many clusters of both kinds.
/// - **Source** Cameron, Gelbach & Miller (2011), eq. (2.11), and §2.3 for the repair.
#[derive(Debug, Clone)]
pub struct TwoWay {
    first: ClusteredFit,
    second: ClusteredFit,
    crossed: ClusteredFit,
}

impl TwoWay {
    /// The fit with its rows in two groupings.
    pub fn of(fit: &Fit, first: &Clusters, second: &Clusters) -> Self {
        let of = |clusters: &Clusters| ClusteredFit::of(fit, clusters);
        Self { first: of(first), second: of(second), crossed: of(&first.crossed(second)) }
    }

    /// The covariance matrix of the coefficients, and whether it had to be repaired; `None` with fewer than two
    /// clusters of a kind.
    pub fn covariance(&self, correction: Correction) -> Option<(DMatrix<f64>, bool)> {
        let [first, second, crossed] = [&self.first, &self.second, &self.crossed].map(|fit| fit.covariance(correction));
        Some(positive(first? + second? - crossed?))
    }

    /// A weighted sum of the coefficients; its degrees of freedom are one less than the clusters of the rarer kind.
    pub fn contrast(&self, weights: &[f64], correction: Correction) -> Option<LinearContrast> {
        let (covariance, _) = self.covariance(correction)?;
        let weights = DVector::from_column_slice(weights);
        let variance = weights.dot(&(&covariance * &weights)).max(0.0);
        let df = self.first.clusters().min(self.second.clusters()) as f64 - 1.0;
        Some(LinearContrast { estimate: weights.dot(&self.first.coefficients), variance, df: Some(df) })
    }
}

/// The nearest matrix without negative eigenvalues, on the scale of its diagonal; and whether it is another one.
fn positive(covariance: DMatrix<f64>) -> (DMatrix<f64>, bool) {
    let k = covariance.nrows();
    // Coefficients in odd units would hide each other's eigenvalues.
    let scale = covariance.diagonal().map(|variance| if variance > 0.0 { variance.sqrt() } else { 1.0 });
    let scaled = DMatrix::from_fn(k, k, |i, j| covariance[(i, j)] / scale[i] / scale[j]);
    let mut eigen = scaled.symmetric_eigen();
    if eigen.eigenvalues.iter().all(|value| *value >= -1e-12) {
        return (covariance, false);
    }
    eigen.eigenvalues.apply(|value| *value = value.max(0.0));
    let repaired = eigen.recompose();
    (DMatrix::from_fn(k, k, |i, j| repaired[(i, j)] * scale[i] * scale[j]), true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_that_is_no_covariance_is_repaired_and_said() {
        let (repaired, was_repaired) = positive(DMatrix::from_row_slice(2, 2, &[1.0, 2.0, 2.0, 1.0]));
        assert!(was_repaired && (repaired - DMatrix::from_element(2, 2, 1.5)).norm() < 1e-13);
        let whole = DMatrix::from_row_slice(2, 2, &[4.0, 1e-4, 1e-4, 1e-8]);
        assert_eq!(positive(whole.clone()), (whole, false));
    }
}
