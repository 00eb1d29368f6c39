//! The reference distribution: what a statistic is compared with.

use std::fmt::Debug;
use std::sync::Arc;

use crate::dist::{Alternative, Continuous, Normal, StudentT, TailProbability};
use crate::sequential::EValue;

/// The word of the `alternative` column.
pub(crate) fn word(alternative: Alternative) -> &'static str {
    match alternative {
        Alternative::TwoSided => "two_sided",
        Alternative::Greater => "greater",
        Alternative::Less => "less",
    }
}

/// The side seen in a mirror: what an alternative on a quantity says of its negative.
pub(crate) fn mirrored(alternative: Alternative) -> Alternative {
    match alternative {
        Alternative::TwoSided => Alternative::TwoSided,
        Alternative::Greater => Alternative::Less,
        Alternative::Less => Alternative::Greater,
    }
}

/// What a row tests: its side of the null value, and how much may lie outside.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Test {
    /// The side to which the test looks.
    pub alternative: Alternative,
    /// Probability outside the interval on each side that it has: half the level of error when there are two.
    pub tail: f64,
}

impl Test {
    /// The test of a level of error, shared by the two sides when there are two.
    pub fn of(alternative: Alternative, alpha: f64) -> Self {
        Self { alternative, tail: if alternative == Alternative::TwoSided { alpha / 2.0 } else { alpha } }
    }

    /// The level of error: of both sides together when there are two.
    pub fn alpha(self) -> f64 {
        if self.alternative == Alternative::TwoSided { 2.0 * self.tail } else { self.tail }
    }

    /// The same test, looking to another side.
    #[must_use]
    pub fn facing(self, alternative: Alternative) -> Self {
        Self { alternative, ..self }
    }
}

/// A boundary for a statistic that is looked at more than once.
///
/// Both answers depend on the look that the boundary stands at. They agree: the p-value is below the level of error
/// exactly when the statistic lies beyond the critical value.
pub trait Boundary: Debug + Send + Sync {
    /// The distance from the null value, in standard errors, that decides; `None` when there is none at this look.
    fn critical(&self, test: Test) -> Option<f64>;

    /// The p-value of a statistic, valid at this look whatever the earlier ones showed; `None` when the statistic is
    /// not finite or there is no test at this look.
    fn p_value(&self, statistic: f64, test: Test) -> Option<TailProbability>;

    /// The e-value of a statistic, where the boundary is one of evidence that any look may read.
    fn e_value(&self, _statistic: f64, _test: Test) -> Option<EValue> {
        None
    }
}

/// Without a boundary there is no test, as before the first look.
impl<B: Boundary> Boundary for Option<B> {
    fn critical(&self, test: Test) -> Option<f64> {
        self.as_ref()?.critical(test)
    }

    fn p_value(&self, statistic: f64, test: Test) -> Option<TailProbability> {
        self.as_ref()?.p_value(statistic, test)
    }

    fn e_value(&self, statistic: f64, test: Test) -> Option<EValue> {
        self.as_ref()?.e_value(statistic, test)
    }
}

/// What a statistic is compared with under the null hypothesis.
#[derive(Debug, Clone, Default)]
pub enum Reference {
    /// Student's t with the degrees of freedom of the contrast; the normal where these are infinite.
    #[default]
    T,
    /// The normal, whatever the degrees of freedom.
    Normal,
    /// A boundary for repeated looks, on the normal's scale.
    Boundary(Arc<dyn Boundary>),
}

impl Reference {
    /// The degrees of freedom that are used: none but for Student's t.
    pub fn df(&self, df: Option<f64>) -> Option<f64> {
        df.filter(|_| matches!(self, Self::T))
    }

    /// The statistic that decides a test; `None` when the degrees of freedom or the tail make no sense.
    pub fn critical(&self, test: Test, df: Option<f64>) -> Option<f64> {
        match (self, self.df(df)) {
            (Self::Boundary(boundary), _) => boundary.critical(test),
            (_, Some(df)) => StudentT::new(df)?.isf(test.tail),
            (_, None) => Normal.isf(test.tail),
        }
        .filter(|value| value.is_finite())
    }

    /// The p-value of a statistic, never 0; `None` when the statistic is not finite.
    pub fn p_value(&self, statistic: f64, df: Option<f64>, test: Test) -> Option<TailProbability> {
        match (self, self.df(df)) {
            (Self::Boundary(boundary), _) => boundary.p_value(statistic, test),
            (_, Some(df)) => TailProbability::of(&StudentT::new(df)?, statistic, test.alternative),
            (_, None) => TailProbability::of(&Normal, statistic, test.alternative),
        }
    }

    /// The e-value of a statistic; `None` but for a boundary of evidence.
    pub fn e_value(&self, statistic: f64, test: Test) -> Option<EValue> {
        match self {
            Self::Boundary(boundary) => boundary.e_value(statistic, test),
            Self::T | Self::Normal => None,
        }
    }
}
