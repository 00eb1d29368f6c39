//! The reference distribution: what a statistic is compared with.

use crate::dist::{Alternative, Continuous, Normal, StudentT, TailProbability};

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

/// What a statistic is compared with under the null hypothesis.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reference {
    /// Student's t with the degrees of freedom of the contrast; the normal where these are infinite.
    #[default]
    T,
    /// The normal, whatever the degrees of freedom.
    Normal,
}

impl Reference {
    /// The degrees of freedom that are used: none for the normal.
    pub fn df(self, df: Option<f64>) -> Option<f64> {
        df.filter(|_| self == Self::T)
    }

    /// The statistic that is exceeded with probability `tail`; `None` when the degrees of freedom or the tail make no
    /// sense.
    pub fn critical(self, tail: f64, df: Option<f64>) -> Option<f64> {
        match self.df(df) {
            Some(df) => StudentT::new(df)?.isf(tail),
            None => Normal.isf(tail),
        }
        .filter(|value| value.is_finite())
    }

    /// The p-value of a statistic, never 0; `None` when the statistic is not finite.
    pub fn p_value(self, statistic: f64, df: Option<f64>, alternative: Alternative) -> Option<TailProbability> {
        match self.df(df) {
            Some(df) => TailProbability::of(&StudentT::new(df)?, statistic, alternative),
            None => TailProbability::of(&Normal, statistic, alternative),
        }
    }
}
