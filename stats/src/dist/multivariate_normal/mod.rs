//! Probabilities of boxes under the multivariate normal.
//!
//! | file | when | error |
//! |---|---|---|
//! | `bivariate` | two variables | 1e-14 |
//! | `one_factor` | correlations `λᵢλⱼ`: equal ones, arms against one control | 1e-13 |
//! | `lattice` | any other | stated with the answer |
//!
//! All are deterministic: the lattice rule's shifts are fixed, so that the same box has the same bytes everywhere.

mod bivariate;
mod lattice;
pub(super) mod one_factor;

pub use bivariate::bivariate_upper;

use nalgebra::DMatrix;

use super::{Continuous, Normal};

/// A multivariate normal with means zero and variances one.
///
/// ```
/// use estimand_stats::dist::MultivariateNormal;
///
/// // Three tests with correlations of one half: the chance that none is significant.
/// let tests = MultivariateNormal::equicorrelated(3, 0.5).ok_or("a correlation")?;
/// let none = tests.box_probability(&[-1.96; 3], &[1.96; 3]).ok_or("three sides")?;
/// assert!((none.value - 0.874_567).abs() < 1e-6 && none.error < 1e-12);
/// # Ok::<(), &'static str>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct MultivariateNormal {
    correlation: DMatrix<f64>,
}

/// A probability and a bound on its error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoxProbability {
    /// The probability.
    pub value: f64,
    /// Its absolute error: a bound for up to two variables and one factor, else three standard errors over the shifts of
    /// the lattice.
    pub error: f64,
}

impl MultivariateNormal {
    /// The most variables of a law.
    pub const MOST: usize = 200;

    /// The law with these correlations; `None` unless the matrix is square, of 1 to 200 rows, symmetric, with a diagonal of
    /// ones and no negative eigenvalue.
    pub fn new(correlation: DMatrix<f64>) -> Option<MultivariateNormal> {
        let k = correlation.nrows();
        let shaped = correlation.is_square() && (1..=Self::MOST).contains(&k);
        let sound = |i: usize, j: usize| {
            let r = correlation[(i, j)];
            if i == j { r == 1.0 } else { r.abs() <= 1.0 && r == correlation[(j, i)] }
        };
        if !shaped || !(0..k).all(|i| (0..k).all(|j| sound(i, j))) {
            return None;
        }
        let smallest = correlation.symmetric_eigenvalues().min();
        (smallest >= -1e-10).then_some(MultivariateNormal { correlation })
    }

    /// The law of `k` variables with one correlation between any two; `None` unless it is possible: `−1/(k−1) ≤ r ≤ 1`.
    pub fn equicorrelated(k: usize, r: f64) -> Option<MultivariateNormal> {
        MultivariateNormal::new(DMatrix::from_fn(k, k, |i, j| if i == j { 1.0 } else { r }))
    }

    /// The correlations.
    pub(super) fn correlation(&self) -> &DMatrix<f64> {
        &self.correlation
    }

    /// How many variables.
    pub fn k(&self) -> usize {
        self.correlation.nrows()
    }

    /// `P(lowᵢ < Xᵢ ≤ highᵢ for every i)`; a side may be infinite. `None` when the sides are not as many as the variables, or
    /// one is not a number. A box whose low side is not below its high side has probability zero.
    ///
    /// - **Source** Genz (2004) for two variables; Dunnett & Sobel (1955) for one factor; Genz & Bretz (2009), chapter 4, for
    ///   the lattice rule.
    pub fn box_probability(&self, low: &[f64], high: &[f64]) -> Option<BoxProbability> {
        if low.len() != self.k() || high.len() != self.k() || low.iter().chain(high).any(|side| side.is_nan()) {
            return None;
        }
        if low.iter().zip(high).any(|(low, high)| low >= high) {
            return Some(BoxProbability { value: 0.0, error: 0.0 });
        }
        let exact = |value: f64, error: f64| Some(BoxProbability { value: value.clamp(0.0, 1.0), error });
        if self.k() == 1 {
            return exact(between(low[0], high[0]), 1e-15);
        }
        if self.k() == 2 {
            return exact(bivariate::rectangle(low, high, self.correlation[(0, 1)]), 1e-14);
        }
        match one_factor::loadings(&self.correlation) {
            Some(loadings) => exact(one_factor::probability(&loadings, low, high), 1e-13),
            None => Some(lattice::probability(&self.correlation, low, high)),
        }
    }
}

/// `Φ(high) − Φ(low)`, from the side where both tails are small; zero unless `low < high`.
fn between(low: f64, high: f64) -> f64 {
    if low >= high {
        0.0
    } else if low + high > 0.0 {
        Normal.sf(low) - Normal.sf(high)
    } else {
        Normal.cdf(high) - Normal.cdf(low)
    }
}
