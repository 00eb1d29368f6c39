//! What can go wrong between a sample and an estimate.

/// A reason why an estimate cannot be given, in the words of whoever can mend it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An arm that the estimand names is not in the sample.
    #[error("metric `{metric}`: no arm `{arm}` in the sample; it has {found}")]
    UnknownArm {
        /// Name of the metric.
        metric: String,
        /// The arm that was asked for.
        arm: String,
        /// The arms that are there, as a list in words.
        found: String,
    },
    /// An arm has fewer units than the estimator needs.
    #[error(
        "metric `{metric}`: arm `{arm}` has {n} units and {needed} are needed; lengthen the experiment or merge the arm with another"
    )]
    TooFewUnits {
        /// Name of the metric.
        metric: String,
        /// The arm that is too small.
        arm: String,
        /// Units found.
        n: u64,
        /// Units needed.
        needed: u64,
    },
    /// The sample was not asked for something that the estimator reads: a fault of the planner, not of the user.
    #[error("metric `{metric}`: the sample holds no {what} of {variables}; please report this")]
    Missing {
        /// Name of the metric.
        metric: String,
        /// Kind of statistic.
        what: &'static str,
        /// The variables asked for, as a list in words.
        variables: String,
    },
    /// No estimator of this name.
    #[error("no estimator `{name}`; known: {known}{}", crate::error::suggestion(.nearest))]
    UnknownEstimator {
        /// The name that was asked for.
        name: String,
        /// Every known name, comma separated.
        known: String,
        /// The nearest known name, when one is near.
        nearest: Option<String>,
    },
    /// The estimator has no such option.
    #[error("estimator `{estimator}` has no option `{option}`; it has {known}")]
    UnknownOption {
        /// Name of the estimator.
        estimator: String,
        /// The option that was given.
        option: String,
        /// The options it has, comma separated.
        known: String,
    },
    /// The value of an option is not one that it takes.
    #[error("estimator `{estimator}`: option `{option}` cannot be `{value}`; {expected}")]
    InvalidOption {
        /// Name of the estimator.
        estimator: String,
        /// Name of the option.
        option: String,
        /// The value that was given.
        value: String,
        /// What it takes.
        expected: String,
    },
    /// The estimator does not answer this kind of estimand.
    #[error("estimator `{estimator}` does not answer a {summary}; it serves {served}")]
    NotServed {
        /// Name of the estimator.
        estimator: String,
        /// The summary that was asked for.
        summary: String,
        /// The summaries it serves.
        served: String,
    },
    /// A column holds values that are not finite.
    #[error(
        "metric `{metric}`: `{variable}` has {count} values that are not finite; filter them in the metric or mend the source"
    )]
    NotFinite {
        /// Name of the metric.
        metric: String,
        /// The variable.
        variable: String,
        /// How many.
        count: u64,
    },
    /// A number given by the caller is outside its range.
    #[error("`{field}` is {value}; {expected}")]
    OutOfRange {
        /// The field.
        field: String,
        /// The value given.
        value: String,
        /// What it takes.
        expected: String,
    },
    /// A sufficient statistic could not be fed, merged or finished.
    #[error(transparent)]
    Statistic(#[from] crate::suffstat::Error),
    /// The estimator rests on a part of the assignment that the design does not name.
    #[error(
        "estimator `{estimator}` needs the {what} of each unit; name its column in the experiment file, as `[assignment] {key} = \"column\"`"
    )]
    NotInDesign {
        /// Name of the estimator.
        estimator: String,
        /// What is missing, in words.
        what: &'static str,
        /// The key that names it.
        key: &'static str,
    },
    /// Columns of a design are linear combinations of others.
    #[error("metric `{metric}`: columns {columns} are linear combinations of the others; leave them out")]
    RankDeficient {
        /// Name of the metric.
        metric: String,
        /// The redundant columns, comma separated.
        columns: String,
    },
    /// A question of planning that no experiment answers.
    #[error("no experiment answers `{question}`: {reason}; {mend}")]
    Unattainable {
        /// What was asked for.
        question: String,
        /// Why there is no answer.
        reason: String,
        /// What to change.
        mend: String,
    },
}

fn suggestion(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}
