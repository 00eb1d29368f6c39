//! What can go wrong with a sufficient statistic.

/// Why a statistic could not be fed, merged, finished or read back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Values that are infinite or not a number were met.
    #[error(
        "variable {variable} holds {count} values that are infinite or not a number; filter them out or mend them at the source"
    )]
    NonFinite {
        /// Position of the variable, counted from 0.
        variable: usize,
        /// How many such values were met.
        count: u64,
    },
    /// A result lies beyond the largest double, although every value was finite.
    #[error("{what} is larger than a double can hold; rescale the variable")]
    Overflow {
        /// The result concerned, such as `sum of group 3`.
        what: String,
    },
    /// No unit was counted, so there is no mean.
    #[error("no rows were counted; a mean needs at least 1")]
    Empty,
    /// Columns or statistics of different shape were brought together.
    #[error("{what}: expected {expected}, got {got}")]
    Shape {
        /// What is counted, such as `columns` or `rows of column 1`.
        what: &'static str,
        /// The number that was needed.
        expected: usize,
        /// The number that was given.
        got: usize,
    },
    /// Summary numbers that no sample can have.
    #[error("impossible summary: {reason}")]
    ImpossibleSummary {
        /// What contradicts what.
        reason: String,
    },
    /// Bytes that are no encoding of this statistic.
    #[error("these bytes are no encoded {statistic}: {reason}")]
    Encoding {
        /// The statistic that was to be read.
        statistic: &'static str,
        /// What is wrong with the bytes.
        reason: String,
    },
}
