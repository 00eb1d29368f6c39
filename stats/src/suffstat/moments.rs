//! Moments of one variable.

use serde::{Deserialize, Serialize};

use super::{CoMoments, Error, ExactCoMoments};

/// Count, mean and centred sum of squares of one variable: all that a test of means needs.
///
/// `mean = Σx/n`, `centred = Σ(x − mean)²`, `variance = centred/(n − 1)`.
///
/// - **Gives** the mean in the variable's unit, the centred sum and the variance in its square.
/// - **Errors** there are no moments of no values ([`Error::Empty`]); with one value the variance is `None`.
///
/// ```
/// use estimand_stats::suffstat::Moments;
/// let (a, b) = (Moments::of(&[0.7, -1.6])?, Moments::of(&[1.9, 0.8, 1.1])?);
/// assert_eq!(a.merge(&b).n, 5);
/// # Ok::<(), estimand_stats::suffstat::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    /// How many values.
    pub n: u64,
    /// `Σx/n`.
    pub mean: f64,
    /// `Σ(x − mean)²`.
    pub centred: f64,
}

impl Moments {
    /// Moments of the values of a slice, each correctly rounded.
    ///
    /// - **Errors** with [`Error::Empty`], [`Error::NonFinite`], or [`Error::Overflow`] when the squares leave the range of doubles.
    pub fn of(values: &[f64]) -> Result<Self, Error> {
        let mut exact = ExactCoMoments::new(1);
        exact.push_columns(&[values], super::Rows::All)?;
        Ok(exact.finish()?.moments(0))
    }

    /// Moments from the summary numbers of a report: count, mean and variance with `n − 1`.
    ///
    /// - **Errors** with [`Error::ImpossibleSummary`] when no sample has these numbers.
    pub fn from_summary(n: u64, mean: f64, variance: f64) -> Result<Self, Error> {
        Ok(CoMoments::from_summary(n, &[mean], &[vec![variance]])?.moments(0))
    }

    /// Degrees of freedom of the variance: `n − 1`, or 0.
    pub fn df(&self) -> u64 {
        self.n.saturating_sub(1)
    }

    /// Sample variance with `n − 1`; `None` with fewer than two values.
    pub fn variance(&self) -> Option<f64> {
        (self.n >= 2).then(|| self.centred / (self.n - 1) as f64)
    }

    /// Sample standard deviation; `None` with fewer than two values.
    pub fn std_dev(&self) -> Option<f64> {
        self.variance().map(f64::sqrt)
    }

    /// Estimated variance of the mean, `s²/n`; `None` with fewer than two values.
    pub fn mean_variance(&self) -> Option<f64> {
        self.variance().map(|variance| variance / self.n as f64)
    }

    /// Moments of both samples together.
    ///
    /// Rounds at each merge: pool arms with it, not threads; parts of one sample are merged exactly by [`ExactCoMoments`].
    ///
    /// - **Source** Chan, Golub & LeVeque (1983), eq. (2.1).
    #[must_use]
    pub fn merge(&self, other: &Moments) -> Moments {
        if self.n == 0 {
            return *other;
        }
        if other.n == 0 {
            return *self;
        }
        let (n_a, n_b) = (self.n as f64, other.n as f64);
        let n = n_a + n_b;
        let delta = other.mean - self.mean;
        Moments {
            n: self.n.saturating_add(other.n),
            mean: self.mean + delta * (n_b / n),
            centred: self.centred + other.centred + delta * delta * (n_a * (n_b / n)),
        }
    }
}
