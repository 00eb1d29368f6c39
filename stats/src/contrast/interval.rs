//! An interval that may be open on a side, or not exist at all.

use crate::dist::Alternative;

/// A confidence interval; a side is `None` when it is open.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
}

impl Interval {
    /// `centre ± half`, or the one side that the alternative asks for.
    pub fn around(centre: f64, half: f64, alternative: Alternative) -> Self {
        Self { low: Some(centre - half), high: Some(centre + half) }.facing(alternative)
    }

    /// The two-sided interval with the side that the alternative does not ask for opened.
    #[must_use]
    pub fn facing(self, alternative: Alternative) -> Self {
        match alternative {
            Alternative::TwoSided => self,
            Alternative::Greater => Self { high: None, ..self },
            Alternative::Less => Self { low: None, ..self },
        }
    }

    /// Whether the value lies outside; an interval without ends excludes nothing.
    pub fn excludes(&self, value: f64) -> bool {
        self.low.is_some_and(|low| low > value) || self.high.is_some_and(|high| high < value)
    }
}
