//! Least squares: from rows by QR, and from centred co-moments by Cholesky.
//!
//! Both work on centred, scaled columns, so that a covariate far from zero or in odd units loses no digits, and both
//! say which column is a linear combination of those before it instead of dividing by what rounding left of it.

use nalgebra::{Cholesky, DMatrix, DVector, Dyn};

/// A column counts as a combination of those before it when less than this share of its own sum of squares is left.
const LEFT: f64 = 1e-10;

/// Cross products of centred variables, ready to be solved.
///
/// - **Source** Higham (2002), chapter 10, on the matrix scaled to a unit diagonal.
#[derive(Debug, Clone)]
pub struct CrossProducts {
    scale: DVector<f64>,
    cholesky: Cholesky<f64, Dyn>,
}

impl CrossProducts {
    /// Which columns of a centred cross-product matrix are constant or a combination of earlier ones.
    ///
    /// - **Needs** a symmetric matrix of centred cross products.
    /// - **Gives** positions, ascending.
    pub fn redundant(cross: &DMatrix<f64>) -> Vec<usize> {
        let mut kept: Vec<usize> = Vec::new();
        let mut factor: Vec<Vec<f64>> = Vec::new();
        let mut redundant = Vec::new();
        for column in 0..cross.ncols() {
            let own = cross[(column, column)];
            let mut row: Vec<f64> = Vec::with_capacity(kept.len() + 1);
            for (place, other) in kept.iter().enumerate() {
                let done: f64 = (0..place).map(|k| row[k] * factor[place][k]).sum();
                row.push((cross[(column, *other)] - done) / factor[place][place]);
            }
            let left = own - row.iter().map(|entry| entry * entry).sum::<f64>();
            if own > 0.0 && left > LEFT * own {
                row.push(left.sqrt());
                factor.push(row);
                kept.push(column);
            } else {
                redundant.push(column);
            }
        }
        redundant
    }

    /// The factor of a matrix of full rank; `None` when it has none.
    pub fn new(cross: &DMatrix<f64>) -> Option<Self> {
        let scale = cross.diagonal().map(f64::sqrt);
        let scaled = DMatrix::from_fn(cross.nrows(), cross.ncols(), |i, j| cross[(i, j)] / scale[i] / scale[j]);
        scaled
            .iter()
            .all(|entry| entry.is_finite())
            .then(|| Cholesky::new(scaled))?
            .map(|cholesky| Self { scale, cholesky })
    }

    /// `S⁻¹v`: the slopes, when `v` holds the cross products with an outcome.
    pub fn solve(&self, v: &DVector<f64>) -> DVector<f64> {
        self.cholesky.solve(&v.component_div(&self.scale)).component_div(&self.scale)
    }
}

/// An ordinary least-squares fit of rows, and what a variance of any kind needs of it.
#[derive(Debug, Clone)]
pub struct Fit {
    /// Coefficients: the intercept, then one per column.
    pub coefficients: DVector<f64>,
    /// Outcome minus fitted value, per row.
    pub residuals: DVector<f64>,
    /// Diagonal of the hat matrix, per row.
    pub leverages: DVector<f64>,
    /// `A` with `β̂ = A'·(Q'y)`: columns × columns, so that `(X'X)⁻¹ = A'A`.
    bread: DMatrix<f64>,
    /// Orthonormal columns that span the design, rows × columns.
    basis: DMatrix<f64>,
}

/// How the variance of the coefficients is estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Robust {
    /// One variance for all units.
    Classical,
    /// Squared residuals as they are (White 1980).
    Hc0,
    /// `HC0·n/(n − k)` (Hinkley 1977).
    Hc1,
    /// Each squared residual over `1 − h` (MacKinnon & White 1985).
    Hc2,
    /// Each squared residual over `(1 − h)²` (MacKinnon & White 1985).
    Hc3,
}

impl Fit {
    /// The fit of `y` on a constant and the columns.
    ///
    /// Householder QR of the centred columns, each scaled to length one; the coefficients are then carried back to the
    /// columns as given. A column is redundant by a small share of its centred sum of squares.
    ///
    /// - **Needs** columns as long as `y`, no value missing.
    /// - **Errors** with the positions of the redundant columns, counted without the intercept.
    /// - **Source** Golub & Van Loan (2013), algorithm 5.2.1.
    pub fn of(y: &[f64], columns: &[Vec<f64>]) -> Result<Self, Vec<usize>> {
        let (n, k) = (y.len(), columns.len());
        let (centre, centred): (Vec<f64>, Vec<Vec<f64>>) = columns.iter().map(|column| centred(column)).unzip();
        let length: Vec<f64> = centred.iter().map(|column| norm(column)).collect();
        let constant: Vec<usize> = (0..k).filter(|j| length[*j] <= negligible(n, centre[*j])).collect();
        if !constant.is_empty() || n <= k {
            return Err(if constant.is_empty() { (n.saturating_sub(1)..k).collect() } else { constant });
        }
        let design = DMatrix::from_fn(n, k, |i, j| centred[j][i] / length[j]);
        let (slopes_basis, upper) = design.qr().unpack();
        let redundant: Vec<usize> = (0..k).filter(|j| upper[(*j, *j)].powi(2) <= LEFT).collect();
        if !redundant.is_empty() {
            return Err(redundant);
        }
        // The constant is orthogonal to centred columns, so it joins the basis as it stands.
        let root = (n as f64).sqrt();
        let basis = DMatrix::from_fn(n, k + 1, |i, j| if j == 0 { 1.0 / root } else { slopes_basis[(i, j - 1)] });
        let mut bread = DMatrix::zeros(k + 1, k + 1);
        bread[(0, 0)] = 1.0 / root;
        let identity = DMatrix::identity(k, k);
        let inverse = upper.solve_upper_triangular(&identity).ok_or_else(|| (0..k).collect::<Vec<_>>())?;
        for (i, own) in length.iter().enumerate() {
            for j in i..k {
                let slope = inverse[(i, j)] / own;
                bread[(j + 1, i + 1)] = slope;
                bread[(j + 1, 0)] -= slope * centre[i];
            }
        }
        let (y_mean, y_centred) = self::centred(y);
        let mut y_centred = DVector::from_vec(y_centred);
        if y_centred.norm() <= negligible(n, y_mean) {
            y_centred.fill(0.0);
        }
        let scores = basis.tr_mul(&y_centred);
        let mut residuals = &y_centred - &basis * &scores;
        // What rounding leaves of an exact fit is no variance.
        if residuals.norm() <= 1e-13 * y_centred.norm() {
            residuals.fill(0.0);
        }
        let mut coefficients = bread.tr_mul(&scores);
        coefficients[0] += y_mean;
        let leverages = DVector::from_iterator(n, basis.row_iter().map(|row| row.norm_squared()));
        Ok(Self { coefficients, residuals, leverages, bread, basis })
    }

    /// Rows minus coefficients.
    pub fn df(&self) -> usize {
        self.residuals.len() - self.coefficients.len()
    }

    /// The covariance matrix of the coefficients.
    ///
    /// `(X'X)⁻¹·X'ΩX·(X'X)⁻¹` with `Ω` the squared residuals, corrected as the kind says.
    ///
    /// - **Gives** `None` without a degree of freedom, or when a row has all the leverage and the kind divides by what
    ///   is left.
    /// - **Source** MacKinnon & White (1985).
    pub fn covariance(&self, kind: Robust) -> Option<DMatrix<f64>> {
        let (n, df) = (self.residuals.len() as f64, self.df() as f64);
        if df == 0.0 {
            return None;
        }
        if kind == Robust::Classical {
            return Some(self.bread.tr_mul(&self.bread) * (self.residuals.norm_squared() / df));
        }
        let whole = self.leverages.iter().any(|h| 1.0 - h <= 1e-10);
        if whole && matches!(kind, Robust::Hc2 | Robust::Hc3) {
            return None;
        }
        let weight = |residual: f64, leverage: f64| match kind {
            Robust::Hc2 => residual / (1.0 - leverage).sqrt(),
            Robust::Hc3 => residual / (1.0 - leverage),
            _ => residual,
        };
        let mut weighted = self.basis.clone();
        for (i, mut row) in weighted.row_iter_mut().enumerate() {
            row *= weight(self.residuals[i], self.leverages[i]);
        }
        let meat = weighted.tr_mul(&weighted);
        let factor = if kind == Robust::Hc1 { n / df } else { 1.0 };
        Some(self.bread.tr_mul(&(meat * &self.bread)) * factor)
    }
}

/// The mean of a column, and the column minus its mean.
///
/// In two steps: far from zero the mean itself is rounded by more than the column's spread can bear.
pub(crate) fn centred(values: &[f64]) -> (f64, Vec<f64>) {
    let n = values.len().max(1) as f64;
    let rough = values.iter().sum::<f64>() / n;
    let mut centred: Vec<f64> = values.iter().map(|value| value - rough).collect();
    let rest = centred.iter().sum::<f64>() / n;
    centred.iter_mut().for_each(|value| *value -= rest);
    (rough + rest, centred)
}

fn norm(values: &[f64]) -> f64 {
    values.iter().map(|value| value * value).sum::<f64>().sqrt()
}

/// The length that rounding alone gives a centred constant column.
fn negligible(n: usize, centre: f64) -> f64 {
    4.0 * f64::EPSILON * centre.abs() * (n as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_through_three_points_is_found() {
        let fit = Fit::of(&[1.0, 3.0, 5.0], &[vec![10.0, 11.0, 12.0]]).unwrap();
        assert!((fit.coefficients[0] + 19.0).abs() < 1e-12 && (fit.coefficients[1] - 2.0).abs() < 1e-13);
        assert_eq!(fit.df(), 1);
    }

    #[test]
    fn redundant_columns_are_named_by_position() {
        let x = vec![1.0, 2.0, 4.0, 8.0];
        let twice: Vec<f64> = x.iter().map(|x| 2.0 * x + 1.0).collect();
        let y = [1.0, 0.0, 2.0, 1.0];
        assert_eq!(Fit::of(&y, &[x.clone(), twice]).unwrap_err(), [1]);
        assert_eq!(Fit::of(&y, &[vec![7.1; 4], x]).unwrap_err(), [0]);
    }

    #[test]
    fn a_combination_is_found_in_cross_products() {
        let cross = DMatrix::from_row_slice(3, 3, &[2.0, 1.0, 3.0, 1.0, 5.0, 6.0, 3.0, 6.0, 9.0]);
        assert_eq!(CrossProducts::redundant(&cross), [2]);
        assert_eq!(CrossProducts::redundant(&DMatrix::zeros(1, 1)), [0]);
    }

    #[test]
    fn a_far_covariate_costs_no_digits() {
        let near: Vec<f64> = (0..20).map(|i| f64::from(i * i % 7)).collect();
        let far: Vec<f64> = near.iter().map(|x| x + 1e12).collect();
        let y: Vec<f64> = (0..20).map(|i| f64::from(i % 3)).collect();
        let slope = |x: &Vec<f64>| Fit::of(&y, std::slice::from_ref(x)).unwrap().coefficients[1];
        assert!((slope(&near) - slope(&far)).abs() < 1e-14);
    }

    #[test]
    fn all_leverage_on_one_row_leaves_no_hc2() {
        let fit = Fit::of(&[1.0, 2.0, 4.0], &[vec![0.0, 0.0, 1.0]]).unwrap();
        assert_eq!(fit.covariance(Robust::Hc2), None);
        assert!(fit.covariance(Robust::Hc1).is_some());
    }
}
