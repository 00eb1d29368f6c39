//! Two experiments over the same units.

use nalgebra::{DMatrix, DVector};

use super::johansen::johansen;
use crate::contrast::Interval;
use crate::dist::{Alternative, ChiSquared, Continuous, StudentT, TailProbability};
use crate::error::Error;
use crate::meta::check_level;
use crate::ranks::Test;
use crate::several_arms::FTest;
use crate::suffstat::Moments;

/// The cells of two crossed experiments: of each pair of arms the moments of the outcome.
#[derive(Clone, Debug, PartialEq)]
pub struct Crossed {
    metric: String,
    first: Vec<String>,
    second: Vec<String>,
    cells: Vec<Vec<Moments>>,
}

/// A difference, or a difference of differences, of cells.
#[derive(Clone, Debug, PartialEq)]
pub struct CellContrast {
    /// The arm of the first experiment, against its baseline.
    pub first: String,
    /// The arm of the second.
    pub second: String,
    /// The difference, in the unit of the metric.
    pub difference: f64,
    /// Its standard error: each cell with a variance of its own, which is HC2 of the regression on all cells.
    pub std_error: f64,
    /// Satterthwaite's degrees of freedom; `None` when nothing varies.
    pub df: Option<f64>,
    /// The two-sided test of zero; `None` when nothing varies.
    pub tail: Option<TailProbability>,
    /// The interval of this contrast alone; open when nothing varies.
    pub interval: Interval,
}

/// How the effects of the first experiment depend on the arm of the second.
#[derive(Clone, Debug, PartialEq)]
pub struct Interaction {
    /// The effect of each arm of the first experiment, in each arm of the second.
    pub effects: Vec<CellContrast>,
    /// By how much the effect in an arm of the second experiment exceeds that in its baseline.
    pub contrasts: Vec<CellContrast>,
    /// The test that all contrasts are zero; `None` when they have no joint variance.
    pub test: Option<FTest>,
}

impl Crossed {
    /// The cells, the baseline of each experiment first: a row per arm of the first, in it a cell per arm of the second. A cell
    /// without units has a count of zero.
    ///
    /// - **Errors** with [`Error::OutOfRange`] for fewer than two arms, or cells that do not fit them.
    pub fn new(
        metric: &str,
        first: Vec<String>,
        second: Vec<String>,
        cells: Vec<Vec<Moments>>,
    ) -> Result<Crossed, Error> {
        let refuse = |field: &str, value: String, expected: String| {
            Err(Error::OutOfRange { field: field.to_owned(), value, expected })
        };
        if let Some(few) = [&first, &second].into_iter().find(|arms| arms.len() < 2) {
            return refuse("arms", few.len().to_string(), "each experiment has a baseline and another arm".to_owned());
        }
        if cells.len() != first.len() || cells.iter().any(|row| row.len() != second.len()) {
            let sizes = cells.iter().map(|row| row.len().to_string()).collect::<Vec<_>>().join(" + ");
            return refuse("cells", sizes, format!("{} rows of {} cells are wanted", first.len(), second.len()));
        }
        Ok(Crossed { metric: metric.to_owned(), first, second, cells })
    }

    /// Tests whether the arm in one experiment says something about the arm in the other.
    ///
    /// Pearson's `χ² = Σ(O − E)²/E` with `(a − 1)(b − 1)` degrees of freedom, the expected counts by the margins.
    ///
    /// - **Gives** `None` when an arm has no units.
    /// - **Assumes** units assigned one by one, in both.
    /// - **Source** Pearson (1900); Fisher (1922) for the degrees of freedom.
    pub fn dependence(&self) -> Option<Test> {
        let count = |i: usize, j: usize| self.cells[i][j].n as f64;
        let (a, b) = (self.first.len(), self.second.len());
        let rows: Vec<f64> = (0..a).map(|i| (0..b).map(|j| count(i, j)).sum()).collect();
        let columns: Vec<f64> = (0..b).map(|j| (0..a).map(|i| count(i, j)).sum()).collect();
        let total: f64 = rows.iter().sum();
        if rows.iter().chain(&columns).any(|margin| *margin == 0.0) {
            return None;
        }
        let term = |(i, j): (usize, usize)| {
            let expected = rows[i] * (columns[j] / total);
            (count(i, j) - expected).powi(2) / expected
        };
        let statistic = (0..a).flat_map(|i| (0..b).map(move |j| (i, j))).map(term).sum();
        let tail = TailProbability::upper(&ChiSquared::new(((a - 1) * (b - 1)) as f64)?, statistic)?;
        Some(Test { statistic, tail })
    }

    /// Tests whether the effects of the first experiment depend on the arm of the second.
    ///
    /// `(ȳᵢⱼ − ȳ₀ⱼ) − (ȳᵢ₀ − ȳ₀₀)` for every arm `i` and `j` but the baselines, each cell with a variance of its own; together
    /// by Johansen's approximation. It is the same whichever experiment comes first.
    ///
    /// - **Errors** with [`Error::TooFewUnits`] naming a cell of fewer than two units; [`Error::OutOfRange`] for a level outside
    ///   (0, 1).
    /// - **Assumes** independent units, and means of cells that are near normal.
    /// - **Source** Johansen (1980); of one contrast Welch (1947).
    pub fn interaction(&self, level: f64) -> Result<Interaction, Error> {
        check_level(level)?;
        for (first, row) in self.first.iter().zip(&self.cells) {
            for (second, cell) in self.second.iter().zip(row) {
                if cell.n < 2 {
                    let arm = format!("{first} × {second}");
                    return Err(Error::TooFewUnits { metric: self.metric.clone(), arm, n: cell.n, needed: 2 });
                }
            }
        }
        let (a, b) = (self.first.len(), self.second.len());
        let pairs = |from: usize| (1..a).flat_map(move |i| (from..b).map(move |j| (i, j)));
        let effect = |(i, j)| self.contrast(i, j, &[(i, j, 1.0), (0, j, -1.0)], level);
        let difference = |(i, j)| self.contrast(i, j, &[(i, j, 1.0), (0, j, -1.0), (i, 0, -1.0), (0, 0, 1.0)], level);
        Ok(Interaction {
            effects: pairs(0).map(effect).collect(),
            contrasts: pairs(1).map(difference).collect(),
            test: self.joint(&pairs(1).collect::<Vec<_>>()),
        })
    }

    /// A weighted sum of cells.
    fn contrast(&self, i: usize, j: usize, terms: &[(usize, usize, f64)], level: f64) -> CellContrast {
        let pivot = self.cells[0][0].mean;
        let (mut difference, mut variance, mut inverse) = (0.0, 0.0, 0.0);
        for (i, j, weight) in terms {
            let cell = &self.cells[*i][*j];
            difference += weight * (cell.mean - pivot);
            let part = weight * weight * cell.mean_variance().unwrap_or(0.0);
            variance += part;
            inverse += part * part / cell.df() as f64;
        }
        let std_error = variance.sqrt();
        let df = Some(variance * variance / inverse).filter(|df| df.is_finite() && *df > 0.0);
        let law = df.and_then(StudentT::new);
        let tail = law.as_ref().and_then(|law| TailProbability::two_sided(law, difference / std_error));
        let critical = law.as_ref().and_then(|law| law.isf((1.0 - level) / 2.0));
        let around = |critical: f64| Interval::around(difference, critical * std_error, Alternative::TwoSided);
        let interval = critical.map(around).unwrap_or_default();
        CellContrast {
            first: self.first[i].clone(),
            second: self.second[j].clone(),
            difference,
            std_error,
            df,
            tail,
            interval,
        }
    }

    fn joint(&self, pairs: &[(usize, usize)]) -> Option<FTest> {
        let b = self.second.len();
        let cells: Vec<&Moments> = self.cells.iter().flatten().collect();
        let pivot = self.cells[0][0].mean;
        let means = DVector::from_iterator(cells.len(), cells.iter().map(|cell| cell.mean - pivot));
        let variances: Vec<f64> = cells.iter().map(|cell| cell.mean_variance()).collect::<Option<_>>()?;
        let df: Vec<f64> = cells.iter().map(|cell| cell.df() as f64).collect();
        let mut contrasts = DMatrix::zeros(pairs.len(), cells.len());
        for (row, (i, j)) in pairs.iter().enumerate() {
            for (cell, weight) in [(i * b + j, 1.0), (*j, -1.0), (i * b, -1.0), (0, 1.0)] {
                contrasts[(row, cell)] = weight;
            }
        }
        johansen(&contrasts, &means, &variances, &df)
    }
}
