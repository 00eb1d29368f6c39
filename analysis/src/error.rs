//! What can go wrong in an analysis, told apart by whose it is to mend.

use estimand_metrics::fault::Fault;
use miette::Diagnostic as _;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Files of the project, or values on the command line, are wrong.
    #[error("{}", .0.iter().map(Fault::line).collect::<Vec<_>>().join("\n"))]
    Files(Vec<Fault>),
    /// The data cannot answer, or cannot be read.
    #[error(transparent)]
    Data(#[from] estimand_metrics::Error),
    /// An estimator refused.
    #[error(transparent)]
    Estimator(#[from] estimand_stats::Error),
    /// A statistic could not be made.
    #[error(transparent)]
    Statistics(#[from] estimand_stats::suffstat::Error),
    /// A figure could not be drawn.
    #[error(transparent)]
    Figure(#[from] estimand_viz::Error),
    /// The control named for a file is not among its arms.
    #[error(
        "column `{column}` holds no arm `{control}`; it holds {found}; name the arm compared against with `--control`"
    )]
    Control {
        /// The name given; empty when none was.
        control: String,
        /// The column of arms.
        column: String,
        /// The arms with their rows.
        found: String,
    },
    /// A file with one arm compares nothing.
    #[error("column `{column}` holds one arm, {found}; a comparison needs two: name another column with `--arm`")]
    OneArm {
        /// The column of arms.
        column: String,
        /// The arm with its rows.
        found: String,
    },
    /// The experiment has no such metric or dimension.
    #[error("experiment `{experiment}` has no {what} `{name}`; it has {known}")]
    NotInExperiment {
        /// `metric` or `dimension`.
        what: &'static str,
        /// The name asked for.
        name: String,
        /// The experiment.
        experiment: String,
        /// What it has.
        known: String,
    },
    /// The record of runs refused.
    #[error("{}{}", .0, mend(.0))]
    Run(#[from] crate::run::Error),
    /// The files that a run read are not what they were.
    #[error(
        "run `{id}` cannot be replayed, since what it read is gone or was changed: {}; put these files back as they were, or analyse anew",
        changed.join(", ")
    )]
    Changed {
        /// The run, short.
        id: String,
        /// The files.
        changed: Vec<String>,
    },
    /// The page could not be made: a fault of ours.
    #[error(transparent)]
    Report(#[from] crate::report::Error),
    /// The file of true effects of a simulated project is wrong.
    #[error(transparent)]
    Truth(#[from] crate::demo::Error),
    /// A summary file is wrong.
    #[error(transparent)]
    Summary(#[from] crate::summary::Error),
    /// A row of a table of summaries is wrong.
    #[error("{}{source}", if place.is_empty() { String::new() } else { format!("{place}: ") })]
    SummaryRow {
        /// Experiment and look.
        place: String,
        /// What is wrong.
        source: crate::summary::Error,
    },
    /// A p-value of a programme is none.
    #[error("metric `{metric}`: {source}; mend the column `p_value`, or leave it out")]
    NotAPValue {
        /// The metric.
        metric: String,
        /// What it is.
        source: estimand_stats::multiplicity::NotAProbability,
    },
    /// A programme without effects.
    #[error(
        "{of}: no effect with an estimate and a standard error on the {scale} scale; name another `--scale`, or metrics that are there"
    )]
    NoEffects {
        /// Where effects were looked for.
        of: String,
        /// The scale.
        scale: &'static str,
    },
    /// A metric without a history to plan from.
    #[error("experiment `{experiment}` gives no history: {why}; name another with `--of`, or say the outcome yourself")]
    NoHistory {
        /// The experiment.
        experiment: String,
        /// Why.
        why: String,
    },
    /// An assignment by clusters cannot be drawn anew unit by unit.
    #[error("units were assigned in clusters, and to assign them one by one would not show what that does")]
    AssignedInClusters,
    /// No experiment of this name.
    #[error("no experiment `{name}`; the project has {known}")]
    UnknownExperiment {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: String,
    },
}

/// How to mend it, as a sentence goes on.
fn mend(error: &crate::run::Error) -> String {
    error.help().map(|help| format!("; {help}")).unwrap_or_default()
}
