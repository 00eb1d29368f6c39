//! The compressed sample: distinct rows of features, and what the units of each have in common.

use super::{Error, ExactCompressed};

/// One row per distinct combination of features, in their order: how many units, and the mean and spread of each outcome among them.
///
/// Least squares with any robust variance, ranks, quantiles and resampling lose nothing by it: units with the same features
/// have the same prediction, so of their outcomes only the count, the mean and the centred sum of squares enter. An outcome that is a feature itself
/// gives its distinct values with their counts.
///
/// - **Gives** rows sorted by features, the first feature first; every number correctly rounded.
/// - **Source** Wong, Forsell, Lewis, Mao & Wardrop (2021), "You Only Compress Once", §3.
///
/// ```
/// use estimand_stats::suffstat::Compressed;
/// let sample = Compressed::of(&[&[1.0, 0.0, 1.0]], &[&[3.0, 7.0, 5.0]])?;
/// assert_eq!((sample.feature(0), sample.n()), (&[0.0, 1.0][..], &[1, 2][..]));
/// assert_eq!((sample.mean(0), sample.centred(0)), (&[7.0, 4.0][..], &[0.0, 2.0][..]));
/// # Ok::<(), estimand_stats::suffstat::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Compressed {
    /// Per feature: its value in each row.
    pub(super) features: Vec<Vec<f64>>,
    pub(super) n: Vec<u64>,
    /// Per outcome: its mean in each row.
    pub(super) mean: Vec<Vec<f64>>,
    /// Per outcome: what rounding left of its mean in each row.
    pub(super) rest: Vec<Vec<f64>>,
    /// Per outcome: its centred sum of squares in each row.
    pub(super) centred: Vec<Vec<f64>>,
    pub(super) missing: u64,
}

impl Compressed {
    /// The compressed sample of columns of equal length.
    ///
    /// - **Errors** as [`ExactCompressed::observe`](super::SufficientStatistic::observe) and [`finish`](ExactCompressed::finish).
    pub fn of(features: &[&[f64]], outcomes: &[&[f64]]) -> Result<Self, Error> {
        use super::SufficientStatistic;
        let mut exact = ExactCompressed::new(features.len(), outcomes.len());
        exact.observe(&[features, outcomes].concat())?;
        exact.finish()
    }

    /// How many distinct rows.
    pub fn rows(&self) -> usize {
        self.n.len()
    }

    /// How many units are in all rows together.
    pub fn units(&self) -> u64 {
        self.n.iter().sum()
    }

    /// How many units are in none, since a value was missing.
    pub fn missing(&self) -> u64 {
        self.missing
    }

    /// How many units each row stands for.
    pub fn n(&self) -> &[u64] {
        &self.n
    }

    /// The values of feature `k`, a row each; none for a feature that is not there.
    pub fn feature(&self, k: usize) -> &[f64] {
        self.features.get(k).map_or(&[], Vec::as_slice)
    }

    /// The means of outcome `k`, a row each; none for an outcome that is not there.
    pub fn mean(&self, k: usize) -> &[f64] {
        self.mean.get(k).map_or(&[], Vec::as_slice)
    }

    /// What rounding left of each mean of outcome `k`: far from zero it is as large as differences between rows.
    pub fn rest(&self, k: usize) -> &[f64] {
        self.rest.get(k).map_or(&[], Vec::as_slice)
    }

    /// The centred sums of squares `Σ(y − ȳ)²` of outcome `k`, a row each; none for an outcome that is not there.
    pub fn centred(&self, k: usize) -> &[f64] {
        self.centred.get(k).map_or(&[], Vec::as_slice)
    }
}
