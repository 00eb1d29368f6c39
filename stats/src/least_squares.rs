//! Least squares: from rows or compressed rows by QR, and from centred co-moments by Cholesky.
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

/// The outcomes of units that share their features, a row for each such group of units; or a row per unit.
#[derive(Debug, Clone, Default)]
pub struct Outcomes {
    /// How many units a row stands for, at least 1.
    pub n: Vec<f64>,
    /// Their mean.
    pub mean: Vec<f64>,
    /// What rounding left of it.
    pub rest: Vec<f64>,
    /// Their centred sum of squares.
    pub centred: Vec<f64>,
}

impl Outcomes {
    /// One unit a row.
    pub fn of_units(values: &[f64]) -> Self {
        let zeros = vec![0.0; values.len()];
        Self { n: vec![1.0; values.len()], mean: values.to_vec(), rest: zeros.clone(), centred: zeros }
    }

    /// How many units there are.
    pub fn units(&self) -> f64 {
        self.n.iter().sum()
    }
}

/// An ordinary least-squares fit, and what a variance of any kind needs of it.
///
/// Units with the same features have the same prediction `x'β`, so of theirs only the count, the mean and the centred sum of
/// squares enter: `Σ(y − x'β)² = Σ(y − ȳ)² + n·(ȳ − x'β)²`. All is as if there were a row per unit.
#[derive(Debug, Clone)]
pub struct Fit {
    /// Coefficients: the intercept, then one per column.
    pub coefficients: DVector<f64>,
    /// Units that each row stands for.
    n: DVector<f64>,
    /// Sum over the units of a row of the squared outcome minus fitted value.
    squared_residuals: DVector<f64>,
    /// Diagonal of the hat matrix, that of one unit of each row.
    leverages: DVector<f64>,
    /// `A` with `β̂ = A'·(Q'y)`: columns × columns, so that `(X'X)⁻¹ = A'A`.
    bread: DMatrix<f64>,
    /// Orthonormal columns that span the design, rows × columns, each row times the root of its count.
    basis: DMatrix<f64>,
    /// Mean outcome minus fitted value, each row times the root of its count.
    residuals: DVector<f64>,
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
    /// The fit of the outcomes on a constant and the columns.
    ///
    /// Householder QR of the centred columns, each scaled to length one; the coefficients are then carried back to the
    /// columns as given. A column is redundant by a small share of its centred sum of squares.
    ///
    /// - **Needs** columns as long as the outcomes, no value missing.
    /// - **Errors** with the positions of the redundant columns, counted without the intercept.
    /// - **Source** Golub & Van Loan (2013), algorithm 5.2.1; of groups of units, Wong et al. (2021), "You Only Compress Once", §4.
    pub fn of(outcomes: &Outcomes, columns: &[Vec<f64>]) -> Result<Self, Vec<usize>> {
        let (rows, k, units) = (outcomes.n.len(), columns.len(), outcomes.units());
        let n = DVector::from_column_slice(&outcomes.n);
        let root = n.map(f64::sqrt);
        let (centre, centred): (Vec<f64>, Vec<Vec<f64>>) =
            columns.iter().map(|column| centred(column, &outcomes.n)).unzip();
        let weighted = |column: &[f64]| root.component_mul(&DVector::from_column_slice(column));
        let scaled: Vec<DVector<f64>> = centred.iter().map(|column| weighted(column)).collect();
        let length: Vec<f64> = scaled.iter().map(|column| column.norm()).collect();
        let constant: Vec<usize> = (0..k).filter(|j| length[*j] <= negligible(units, centre[*j])).collect();
        if !constant.is_empty() {
            return Err(constant);
        }
        // Rows of zeros change nothing, and let a design of too few rows show which columns are redundant.
        let design = DMatrix::from_fn(rows.max(k), k, |i, j| if i < rows { scaled[j][i] / length[j] } else { 0.0 });
        let (slopes_basis, upper) = design.qr().unpack();
        let redundant: Vec<usize> = (0..k).filter(|j| upper[(*j, *j)].powi(2) <= LEFT).collect();
        if !redundant.is_empty() {
            return Err(redundant);
        }
        // The constant is orthogonal to centred columns, so it joins the basis as it stands.
        let whole = units.sqrt();
        let basis =
            DMatrix::from_fn(rows, k + 1, |i, j| if j == 0 { root[i] / whole } else { slopes_basis[(i, j - 1)] });
        let mut bread = DMatrix::zeros(k + 1, k + 1);
        bread[(0, 0)] = 1.0 / whole;
        let identity = DMatrix::identity(k, k);
        let inverse = upper.solve_upper_triangular(&identity).ok_or_else(|| (0..k).collect::<Vec<_>>())?;
        for (i, own) in length.iter().enumerate() {
            for j in i..k {
                let slope = inverse[(i, j)] / own;
                bread[(j + 1, i + 1)] = slope;
                bread[(j + 1, 0)] -= slope * centre[i];
            }
        }
        let (y_mean, y_centred) = self::centred(&outcomes.mean, &outcomes.n);
        let (rest_mean, rest_centred) = self::centred(&outcomes.rest, &outcomes.n);
        let mut y_centred = weighted(&y_centred) + weighted(&rest_centred);
        if y_centred.norm() <= negligible(units, y_mean) {
            y_centred.fill(0.0);
        }
        let within = DVector::from_column_slice(&outcomes.centred);
        let scores = basis.tr_mul(&y_centred);
        let mut residuals = &y_centred - &basis * &scores;
        // What rounding leaves of an exact fit is no variance.
        if residuals.norm() <= 1e-13 * (y_centred.norm_squared() + within.sum()).sqrt() {
            residuals.fill(0.0);
        }
        let mut coefficients = bread.tr_mul(&scores);
        coefficients[0] += y_mean + rest_mean;
        let leverages = DVector::from_fn(rows, |i, _| basis.row(i).norm_squared() / n[i]);
        let squared_residuals = within + residuals.component_mul(&residuals);
        Ok(Self { coefficients, n, squared_residuals, leverages, bread, basis, residuals })
    }

    /// Orthonormal columns that span the design, rows × columns, each row times the root of its count.
    pub(crate) fn basis(&self) -> &DMatrix<f64> {
        &self.basis
    }

    /// Mean outcome minus fitted value, each row times the root of its count.
    pub(crate) fn residuals(&self) -> &DVector<f64> {
        &self.residuals
    }

    /// `A` with `β̂ = A'·(Q'y)`, where `Q` is the [basis](Self::basis).
    pub(crate) fn bread(&self) -> &DMatrix<f64> {
        &self.bread
    }

    /// Units.
    pub(crate) fn units(&self) -> f64 {
        self.n.sum()
    }

    /// Sum over all units of the squared outcome minus fitted value.
    pub(crate) fn residual_square(&self) -> f64 {
        self.squared_residuals.sum()
    }

    /// Units minus coefficients.
    pub fn df(&self) -> f64 {
        (self.n.sum() - self.coefficients.len() as f64).max(0.0)
    }

    /// The covariance matrix of the coefficients.
    ///
    /// `(X'X)⁻¹·X'ΩX·(X'X)⁻¹` with `Ω` the squared residuals, corrected as the kind says.
    ///
    /// - **Gives** `None` without a degree of freedom, or when a row has all the leverage and the kind divides by what
    ///   is left.
    /// - **Source** MacKinnon & White (1985).
    pub fn covariance(&self, kind: Robust) -> Option<DMatrix<f64>> {
        let (n, df) = (self.n.sum(), self.df());
        if df == 0.0 {
            return None;
        }
        if kind == Robust::Classical {
            return Some(self.bread.tr_mul(&self.bread) * (self.squared_residuals.sum() / df));
        }
        let whole = self.leverages.iter().any(|h| 1.0 - h <= 1e-10);
        if whole && matches!(kind, Robust::Hc2 | Robust::Hc3) {
            return None;
        }
        let correction = |leverage: f64| match kind {
            Robust::Hc2 => 1.0 / (1.0 - leverage).sqrt(),
            Robust::Hc3 => 1.0 / (1.0 - leverage),
            _ => 1.0,
        };
        let mut weighted = self.basis.clone();
        for (i, mut row) in weighted.row_iter_mut().enumerate() {
            row *= (self.squared_residuals[i] / self.n[i]).sqrt() * correction(self.leverages[i]);
        }
        let meat = weighted.tr_mul(&weighted);
        let factor = if kind == Robust::Hc1 { n / df } else { 1.0 };
        Some(self.bread.tr_mul(&(meat * &self.bread)) * factor)
    }
}

/// The mean of a column, each row counting as often as it stands for units, and the column minus its mean.
///
/// In two steps: far from zero the mean itself is rounded by more than the column's spread can bear.
pub(crate) fn centred(values: &[f64], n: &[f64]) -> (f64, Vec<f64>) {
    let units = n.iter().sum::<f64>().max(1.0);
    let mean = |values: &[f64]| values.iter().zip(n).map(|(value, n)| value * n).sum::<f64>() / units;
    let rough = mean(values);
    let mut centred: Vec<f64> = values.iter().map(|value| value - rough).collect();
    let rest = mean(&centred);
    centred.iter_mut().for_each(|value| *value -= rest);
    (rough + rest, centred)
}

/// The length that rounding alone gives a centred constant column.
fn negligible(units: f64, centre: f64) -> f64 {
    4.0 * f64::EPSILON * centre.abs() * units.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_through_three_points_is_found() {
        let fit = Fit::of(&Outcomes::of_units(&[1.0, 3.0, 5.0]), &[vec![10.0, 11.0, 12.0]]).unwrap();
        assert!((fit.coefficients[0] + 19.0).abs() < 1e-12 && (fit.coefficients[1] - 2.0).abs() < 1e-13);
        assert_eq!(fit.df(), 1.0);
    }

    #[test]
    fn redundant_columns_are_named_by_position() {
        let x = vec![1.0, 2.0, 4.0, 8.0];
        let twice: Vec<f64> = x.iter().map(|x| 2.0 * x + 1.0).collect();
        let y = Outcomes::of_units(&[1.0, 0.0, 2.0, 1.0]);
        assert_eq!(Fit::of(&y, &[x.clone(), twice]).unwrap_err(), [1]);
        assert_eq!(Fit::of(&y, &[vec![7.1; 4], x.clone()]).unwrap_err(), [0]);
        // Three rows bear an intercept and two slopes, whichever they are.
        let y = Outcomes::of_units(&[1.0, 0.0, 2.0]);
        let [first, second] = [vec![1.0, 2.0, 4.0], vec![1.0, 0.0, 0.0]];
        assert_eq!(Fit::of(&y, &[first.clone(), first.clone(), second]).unwrap_err(), [1]);
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
        let y = Outcomes::of_units(&(0..20).map(|i| f64::from(i % 3)).collect::<Vec<_>>());
        let slope = |x: &Vec<f64>| Fit::of(&y, std::slice::from_ref(x)).unwrap().coefficients[1];
        assert!((slope(&near) - slope(&far)).abs() < 1e-14);
    }

    #[test]
    fn all_leverage_on_one_row_leaves_no_hc2() {
        let fit = Fit::of(&Outcomes::of_units(&[1.0, 2.0, 4.0]), &[vec![0.0, 0.0, 1.0]]).unwrap();
        assert_eq!(fit.covariance(Robust::Hc2), None);
        assert!(fit.covariance(Robust::Hc1).is_some());
    }
}
