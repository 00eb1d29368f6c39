//! A least-squares fit by cluster, and the variance of sums of its coefficients.

use nalgebra::{DMatrix, DVector, SymmetricEigen};

use super::clusters::Clusters;
use super::correction::{Correction, NOTHING_LEFT};
use crate::least_squares::Fit;
use crate::potential_outcomes::LinearContrast;

/// An ordinary least-squares fit with the sufficient statistics of each cluster.
///
/// With `Q` an orthonormal basis of the design: `V = A'(Σ_g B_g s_g s_g' B_g)A`, `s_g = Q_g'e_g`, where `B_g` is the
/// function of `I − S_g` that the [`Correction`] says and `A` takes scores to coefficients.
///
/// - **Needs** a fit and the cluster of each of its rows; rows can stand for several units of one cluster.
/// - **Assumes** that clusters are independent of each other; nothing within them.
/// - **Source** Bell & McCaffrey (2002); Pustejovsky & Tipton (2018), eqs. (4) to (11).
#[derive(Debug, Clone)]
pub struct ClusteredFit {
    /// Coefficients: the intercept, then one per column.
    pub coefficients: DVector<f64>,
    pub(super) bread: DMatrix<f64>,
    pub(super) clusters: Vec<Cluster>,
    units: f64,
}

/// What a variance needs of one cluster.
#[derive(Debug, Clone)]
pub(super) struct Cluster {
    /// `Q_g'Q_g`.
    pub cross: DMatrix<f64>,
    /// `Q_g'e_g`.
    pub score: DVector<f64>,
    /// Eigenvectors of the cross products, a column each.
    directions: DMatrix<f64>,
    /// One minus each eigenvalue: what other clusters say of that direction.
    left: DVector<f64>,
}

impl ClusteredFit {
    /// The fit with its rows in clusters.
    pub fn of(fit: &Fit, clusters: &Clusters) -> Self {
        let (basis, residuals) = (fit.basis(), fit.residuals());
        let k = basis.ncols();
        let mut cross = vec![DMatrix::<f64>::zeros(k, k); clusters.count()];
        let mut scores = vec![DVector::<f64>::zeros(k); clusters.count()];
        for (row, cluster) in clusters.of_row().iter().enumerate() {
            for i in 0..k {
                scores[*cluster][i] += basis[(row, i)] * residuals[row];
                for j in 0..=i {
                    cross[*cluster][(i, j)] += basis[(row, i)] * basis[(row, j)];
                }
            }
        }
        // Residuals of one cluster that cancel leave rounding, which is no variance.
        let rounding = 64.0 * f64::EPSILON * fit.residual_square().sqrt();
        for score in scores.iter_mut().flat_map(DVector::iter_mut).filter(|score| score.abs() <= rounding) {
            *score = 0.0;
        }
        let clusters = cross.into_iter().zip(scores).map(|(cross, score)| Cluster::of(cross, score)).collect();
        let (coefficients, bread) = (fit.coefficients.clone(), fit.bread().clone());
        Self { coefficients, bread, clusters, units: fit.units() }
    }

    /// How many clusters there are.
    pub fn clusters(&self) -> usize {
        self.clusters.len()
    }

    /// The covariance matrix of the coefficients; `None` with fewer than two clusters, or no unit more than
    /// coefficients.
    ///
    /// Where a coefficient rests on one cluster alone its variance here is too small, as in every sandwich; a
    /// [contrast](Self::contrast) refuses that.
    pub fn covariance(&self, correction: Correction) -> Option<DMatrix<f64>> {
        let k = self.bread.ncols();
        let factor = self.factor(correction)?;
        let mut meat = DMatrix::zeros(k, k);
        for cluster in &self.clusters {
            let score = cluster.corrected(&cluster.score, correction);
            meat.ger(factor, &score, &score, 1.0);
        }
        Some(self.bread.tr_mul(&(meat * &self.bread)))
    }

    /// A weighted sum of the coefficients with its variance and Satterthwaite's degrees of freedom.
    ///
    /// The variance is a sum of squares of linear functions `p_g'y` of the outcomes. Were these independent with one
    /// variance, its mean would be `Σ p_g'p_g` and its variance `2·Σ (p_g'p_h)²`, so that
    /// `df = (Σ p_g'p_g)²/Σ (p_g'p_h)²`. With `w_g = B_g u`, `b_g = w_g'S_g w_g` and `a_g = S_g w_g` the products are
    /// `p_g'p_h = [g = h]·b_g − a_g'a_h`, so that no pair of clusters is looked at.
    ///
    /// - **Needs** a weight per coefficient.
    /// - **Gives** `None` with fewer than two clusters, or when the sum rests on one cluster alone, of whose variance
    ///   the others say nothing.
    /// - **Source** Bell & McCaffrey (2002); Pustejovsky & Tipton (2018), eq. (11), with independence as the working
    ///   model: `coef_test(test = "Satterthwaite")` of R's clubSandwich.
    pub fn contrast(&self, weights: &[f64], correction: Correction) -> Option<LinearContrast> {
        let weights = DVector::from_column_slice(weights);
        let along = &self.bread * &weights;
        if self.rests_on_one_cluster(&along) {
            return None;
        }
        let factor = self.factor(correction)?;
        let (mut variance, mut expected, mut squares) = (0.0, 0.0, 0.0);
        let mut products = DMatrix::zeros(along.len(), along.len());
        for cluster in &self.clusters {
            let w = cluster.corrected(&along, correction);
            variance += factor * w.dot(&cluster.score).powi(2);
            let a = &cluster.cross * &w;
            let (b, a_squared) = (w.dot(&a), a.norm_squared());
            expected += b - a_squared;
            squares += b * (b - 2.0 * a_squared);
            products.ger(1.0, &a, &a, 1.0);
        }
        squares += products.norm_squared();
        let df = (expected > 0.0 && squares > 0.0).then(|| expected * expected / squares);
        variance.is_finite().then(|| LinearContrast { estimate: weights.dot(&self.coefficients), variance, df })
    }

    /// The score of each cluster in weighted sums of the coefficients, clusters × sums: their products sum to the
    /// covariance.
    pub(crate) fn scores(&self, weights: &[DVector<f64>], correction: Correction) -> Option<DMatrix<f64>> {
        let root = self.factor(correction)?.sqrt();
        let along: Vec<DVector<f64>> = weights.iter().map(|weights| &self.bread * weights).collect();
        Some(DMatrix::from_fn(self.clusters.len(), along.len(), |g, at| {
            let cluster = &self.clusters[g];
            root * along[at].dot(&cluster.corrected(&cluster.score, correction))
        }))
    }

    /// Whether part of this direction is seen in one cluster only.
    pub(super) fn rests_on_one_cluster(&self, along: &DVector<f64>) -> bool {
        let size = along.norm_squared();
        self.clusters.iter().any(|cluster| {
            let alone = cluster.left.iter().enumerate().filter(|(_, left)| **left <= NOTHING_LEFT);
            alone.map(|(at, _)| cluster.directions.column(at).dot(along).powi(2)).sum::<f64>() > 1e-12 * size
        })
    }

    pub(super) fn factor(&self, correction: Correction) -> Option<f64> {
        let (clusters, columns) = (self.clusters.len(), self.bread.ncols());
        (clusters > 1 && self.units > columns as f64).then(|| correction.factor(clusters, self.units, columns))
    }
}

impl Cluster {
    /// Of the lower triangle of the cross products.
    fn of(mut cross: DMatrix<f64>, score: DVector<f64>) -> Self {
        cross.fill_upper_triangle_with_lower_triangle();
        let SymmetricEigen { eigenvectors, eigenvalues } = cross.clone().symmetric_eigen();
        Self { cross, score, directions: eigenvectors, left: eigenvalues.map(|value| 1.0 - value) }
    }

    /// `B_g v`.
    fn corrected(&self, v: &DVector<f64>, correction: Correction) -> DVector<f64> {
        if matches!(correction, Correction::Cr0 | Correction::Cr1 | Correction::Cr1s) {
            return v.clone();
        }
        let mut turned = self.directions.tr_mul(v);
        turned.zip_apply(&self.left, |entry, left| *entry *= correction.of_direction(left));
        &self.directions * turned
    }
}
