//! Why a report cannot be rendered.

/// Why a report cannot be rendered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A row has a status that is not in the status table.
    #[error("row of metric `{metric}` has the status `{status}`; the statuses are {known}")]
    UnknownStatus {
        /// The metric.
        metric: String,
        /// The word found.
        status: String,
        /// The valid words.
        known: String,
    },
    /// A row holds a value that is neither a number nor missing.
    #[error("column `{column}` of metric `{metric}` is not a number; leave it empty and say why in the notes")]
    NotANumber {
        /// The metric.
        metric: String,
        /// The column.
        column: String,
    },
    /// A figure could not be drawn.
    #[error(transparent)]
    Figure(#[from] estimand_viz::Error),
    /// A template of ours is wrong.
    #[error("the report's own template failed, which is a fault of this program: {0}")]
    Template(#[from] minijinja::Error),
}
