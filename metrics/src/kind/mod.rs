//! Kinds of metric: how per-unit values are summarised over an arm.

use crate::definition::UnitValue;

/// The per-unit values of a metric and how an arm summarises them.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The mean over units of one value per unit.
    Mean(UnitValue),
    /// The share of units whose value is true; the value is 0 or 1 per unit.
    Proportion(UnitValue),
    /// The sum over units of one value, by the sum over units of another.
    Ratio {
        /// The value above the line.
        numerator: UnitValue,
        /// The value below the line.
        denominator: UnitValue,
    },
}

impl Outcome {
    /// The word for its kind in files and results.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Mean(_) => "mean",
            Self::Proportion(_) => "proportion",
            Self::Ratio { .. } => "ratio",
        }
    }

    /// Its per-unit values: one, or numerator then denominator.
    pub fn values(&self) -> impl Iterator<Item = &UnitValue> {
        let (first, second) = match self {
            Self::Mean(value) | Self::Proportion(value) => (value, None),
            Self::Ratio { numerator, denominator } => (numerator, Some(denominator)),
        };
        std::iter::once(first).chain(second)
    }
}
