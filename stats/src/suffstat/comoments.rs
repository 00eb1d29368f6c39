//! Co-moments: count, means and centred cross products of several variables.

use serde::{Deserialize, Serialize};

use super::{Error, Moments};

/// How many pairs `i ≤ j` there are among `k` variables.
pub(super) const fn pairs(k: usize) -> usize {
    k * (k + 1) / 2
}

/// Place of the pair `(i, j)` in the packed lower triangle, row by row.
pub(super) fn pair(i: usize, j: usize) -> usize {
    let (low, high) = if i < j { (i, j) } else { (j, i) };
    pairs(high) + low
}

/// Refuses a count that does not fit.
pub(super) fn expect(what: &'static str, expected: usize, got: usize) -> Result<(), Error> {
    if expected == got { Ok(()) } else { Err(Error::Shape { what, expected, got }) }
}

/// Count, means and centred cross products of k variables over the same rows: all that least squares and ratios of means need.
///
/// `mean(i) = Σxᵢ/n`, `centred(i, j) = Σ(xᵢ − x̄ᵢ)(xⱼ − x̄ⱼ)`, `covariance(i, j) = centred(i, j)/(n − 1)`.
///
/// - **Gives** means in each variable's unit, cross products in the product of two units.
/// - **Errors** with one row every centred product is 0 and covariances are `None`; there are no co-moments of no rows.
///   Asking for a variable that is not there panics, as indexing does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct CoMoments {
    pub(super) n: u64,
    pub(super) mean: Vec<f64>,
    /// What rounding left of each mean.
    pub(super) rest: Vec<f64>,
    pub(super) cross: Vec<f64>,
}

impl CoMoments {
    /// Co-moments of the rows of k columns of equal length.
    ///
    /// - **Errors** as [`ExactCoMoments::push_columns`](super::ExactCoMoments::push_columns) and [`finish`](super::ExactCoMoments::finish).
    pub fn of(columns: &[&[f64]]) -> Result<Self, Error> {
        let mut exact = super::ExactCoMoments::new(columns.len());
        exact.push_columns(columns, super::Rows::All)?;
        exact.finish()
    }

    /// Co-moments from the summary numbers of a report: count, means, and the covariance matrix with `n − 1`.
    ///
    /// - **Needs** a symmetric k × k matrix, row by row.
    /// - **Errors** with [`Error::Shape`] when the matrix does not fit the means; with [`Error::ImpossibleSummary`] when a number is
    ///   not finite, `n` is 0, a variance is negative, the matrix is not symmetric, a correlation exceeds 1, or `n` is 1 with a variance.
    pub fn from_summary(n: u64, means: &[f64], covariance: &[Vec<f64>]) -> Result<Self, Error> {
        let k = means.len();
        expect("rows of the covariance matrix", k, covariance.len())?;
        for row in covariance {
            expect("columns of the covariance matrix", k, row.len())?;
        }
        let df = n.saturating_sub(1) as f64;
        let mut cross = Vec::with_capacity(pairs(k));
        for (j, row) in covariance.iter().enumerate() {
            for (i, value) in row[..=j].iter().enumerate() {
                let mirrored = covariance[i][j];
                // Reports print rounded digits, so the two halves may differ in the last of them.
                if (value - mirrored).abs() > 1e-9 * (value.abs() + mirrored.abs()) {
                    let reason = format!("covariance ({j}, {i}) is {value} but ({i}, {j}) is {mirrored}");
                    return Err(Error::ImpossibleSummary { reason });
                }
                cross.push(value * df);
            }
        }
        let impossible = covariance.iter().flatten().find(|value| n == 1 && **value != 0.0);
        if let Some(value) = impossible {
            return Err(Error::ImpossibleSummary { reason: format!("one unit has no variance, but {value} is given") });
        }
        CoMoments::try_from(Unchecked { n, mean: means.to_vec(), rest: Vec::new(), cross })
    }

    /// How many rows.
    pub fn n(&self) -> u64 {
        self.n
    }

    /// How many variables.
    pub fn k(&self) -> usize {
        self.mean.len()
    }

    /// Degrees of freedom of a covariance: `n − 1`.
    pub fn df(&self) -> u64 {
        self.n.saturating_sub(1)
    }

    /// Mean of variable `i`.
    pub fn mean(&self, i: usize) -> f64 {
        self.mean[i]
    }

    /// What rounding left of the mean of variable `i`: far from zero, two means differ by less than their own rounding, and
    /// `(mean − mean′) + (rest − rest′)` keeps the digits of their difference.
    pub fn mean_rest(&self, i: usize) -> f64 {
        self.rest[i]
    }

    /// Centred cross product `Σ(xᵢ − x̄ᵢ)(xⱼ − x̄ⱼ)`; with `i = j` the centred sum of squares.
    pub fn centred(&self, i: usize, j: usize) -> f64 {
        self.cross[pair(i, j)]
    }

    /// Sample variance of variable `i` with `n − 1`; `None` with fewer than two rows.
    pub fn variance(&self, i: usize) -> Option<f64> {
        self.covariance(i, i)
    }

    /// Sample covariance of variables `i` and `j` with `n − 1`; `None` with fewer than two rows.
    pub fn covariance(&self, i: usize, j: usize) -> Option<f64> {
        (self.n >= 2).then(|| self.centred(i, j) / (self.n - 1) as f64)
    }

    /// Moments of variable `i` alone.
    pub fn moments(&self, i: usize) -> Moments {
        Moments { n: self.n, mean: self.mean(i), centred: self.centred(i, i) }
    }

    /// Co-moments of some of the variables, in the order asked for.
    #[must_use]
    pub fn select(&self, variables: &[usize]) -> CoMoments {
        let mean = variables.iter().map(|variable| self.mean[*variable]).collect();
        let rest = variables.iter().map(|variable| self.rest[*variable]).collect();
        let rows = variables.iter().enumerate();
        let cross = rows.flat_map(|(row, j)| variables[..=row].iter().map(|i| self.centred(*i, *j))).collect();
        CoMoments { n: self.n, mean, rest, cross }
    }

    /// Co-moments of both samples together.
    ///
    /// `Cᵢⱼ = Cᵢⱼᵃ + Cᵢⱼᵇ + δᵢδⱼ·nᵃnᵇ/n` with `δ = x̄ᵇ − x̄ᵃ`. Rounds at each merge: pool arms with it, not threads; the parts of one sample
    /// are merged exactly by [`ExactCoMoments`](super::ExactCoMoments).
    ///
    /// - **Errors** with [`Error::Shape`] when the variables differ in number, [`Error::Overflow`] past the range of counts or doubles.
    /// - **Source** Chan, Golub & LeVeque (1983), eq. (2.1); Pébay (2008), eq. (3.9).
    pub fn merge(&self, other: &CoMoments) -> Result<CoMoments, Error> {
        expect("variables", self.k(), other.k())?;
        let overflow = |what: &str| Error::Overflow { what: what.to_owned() };
        let n = self.n.checked_add(other.n).ok_or_else(|| overflow("the count of rows"))?;
        let (n_a, n_b) = (self.n as f64, other.n as f64);
        let share = n_b / n as f64;
        let delta: Vec<f64> =
            (0..self.k()).map(|i| (other.mean[i] - self.mean[i]) + (other.rest[i] - self.rest[i])).collect();
        let moved = |i: usize| two_sum(self.mean[i], self.rest[i] + delta[i] * share);
        let (mean, rest): (Vec<f64>, Vec<f64>) = (0..self.k()).map(moved).unzip();
        let mut cross = Vec::with_capacity(self.cross.len());
        for j in 0..self.k() {
            for i in 0..=j {
                cross.push(self.centred(i, j) + other.centred(i, j) + delta[i] * delta[j] * (n_a * share));
            }
        }
        if mean.iter().chain(&cross).any(|value| !value.is_finite()) {
            return Err(overflow("a pooled moment"));
        }
        Ok(CoMoments { n, mean, rest, cross })
    }
}

/// A sum and what rounding left of it (Knuth 1969, section 4.2.2).
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let of_b = sum - a;
    (sum, (a - (sum - of_b)) + (b - of_b))
}

/// Co-moments as read from outside, before their numbers are checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    n: u64,
    mean: Vec<f64>,
    #[serde(default)]
    rest: Vec<f64>,
    cross: Vec<f64>,
}

impl TryFrom<Unchecked> for CoMoments {
    type Error = Error;

    fn try_from(Unchecked { n, mean, rest, cross }: Unchecked) -> Result<Self, Error> {
        let impossible = |reason: String| Err(Error::ImpossibleSummary { reason });
        expect("cross products", pairs(mean.len()), cross.len())?;
        let rest = if rest.is_empty() { vec![0.0; mean.len()] } else { rest };
        expect("rests of the means", mean.len(), rest.len())?;
        if n == 0 {
            return Err(Error::Empty);
        }
        if let Some(value) = mean.iter().chain(&rest).chain(&cross).find(|value| !value.is_finite()) {
            return impossible(format!("{value} is no mean and no covariance"));
        }
        for j in 0..mean.len() {
            if cross[pair(j, j)] < 0.0 {
                return impossible(format!("the variance of variable {j} is negative"));
            }
            for i in 0..j {
                let bound = cross[pair(i, i)].sqrt() * cross[pair(j, j)].sqrt();
                if cross[pair(i, j)].abs() > bound * (1.0 + 1e-9) {
                    return impossible(format!("the correlation of variables {i} and {j} is beyond 1"));
                }
            }
        }
        Ok(CoMoments { n, mean, rest, cross })
    }
}
