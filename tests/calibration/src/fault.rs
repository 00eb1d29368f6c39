//! What can go wrong with a run.

/// A reason why a run ends without its page.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// An estimator needs a variable that no scenario draws.
    #[error(
        "an estimator reads `{0}`, which no scenario draws; give a shape that has it, or declare where it is calibrated"
    )]
    NoColumn(String),
    /// An estimator that is in the registry has no declaration.
    #[error("`{0}` has no declaration: say in tests/calibration/src/promise/{0}.rs what theory promises of it")]
    Undeclared(String),
    /// A declaration names options that its estimator refuses, or a shape that does not exist.
    #[error("the declaration of `{estimator}` cannot be asked: {reason}")]
    Refused {
        /// Name of the estimator.
        estimator: String,
        /// Why.
        reason: String,
    },
    /// A statistic could not be made of drawn units.
    #[error(transparent)]
    Statistic(#[from] estimand_stats::suffstat::Error),
    /// Rows could not be made of drawn units.
    #[error(transparent)]
    Rows(#[from] arrow::error::ArrowError),
    /// The page could not be laid out.
    #[error(transparent)]
    Template(#[from] minijinja::Error),
    /// A row could not be written.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// A file could not be written.
    #[error("{path}: {error}")]
    File {
        /// Its path.
        path: String,
        /// Why.
        error: std::io::Error,
    },
}
