//! What can go wrong between a plan and its statistics.

use crate::fault::Fault;

/// A reason why the data cannot answer, or the engine could not.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A source cannot be read as declared.
    #[error("{}", .0.iter().map(Fault::line).collect::<Vec<_>>().join("\n"))]
    Sources(Vec<Fault>),
    /// Rows name arms that the experiment does not declare.
    #[error(
        "experiment `{experiment}`: rows of `{source_name}` name arms that it does not declare: {found}; declared are {declared}; declare the arm, or leave its rows out with `assignment.filter`"
    )]
    UndeclaredArms {
        /// The experiment.
        experiment: String,
        /// The assignment source.
        source_name: String,
        /// The arms found, each with its count of units.
        found: String,
        /// The arms declared.
        declared: String,
    },
    /// A unit has several rows where one is promised.
    #[error(
        "source `{source_name}`: unit `{unit}` has {rows} rows and {units} units have more than one; a unit table has one row per unit: aggregate the value, as in `sum({column})`, or mend the source"
    )]
    RepeatedUnit {
        /// The source.
        source_name: String,
        /// One such unit, the first in order.
        unit: String,
        /// Its rows.
        rows: i64,
        /// How many units there are like it.
        units: u64,
        /// A value that reads the rows as they are.
        column: String,
    },
    /// A unit has several values of a dimension.
    #[error(
        "dimension `{dimension}`: unit `{unit}` of source `{source_name}` is both `{}` and `{}`, and {units} units differ like it; a join would have to choose: give the source one row per unit", .values[0], .values[1]
    )]
    DifferingDimension {
        /// The dimension.
        dimension: String,
        /// The source.
        source_name: String,
        /// One such unit, the first in order.
        unit: String,
        /// Two of its values.
        values: [String; 2],
        /// How many units there are like it.
        units: u64,
    },
    /// A column holds values that are not finite.
    #[error(
        "column `{column}` has {count} values that are not finite; leave them out with `filter`, or mend the source"
    )]
    NotFinite {
        /// The column of the unit table.
        column: String,
        /// How many.
        count: u64,
    },
    /// No unit is counted.
    #[error(
        "experiment `{experiment}`: no unit is counted: {why}; correct its `start` and `end`, its `assignment.filter`, or the source"
    )]
    NoUnits {
        /// The experiment.
        experiment: String,
        /// How many units were set apart for which reason.
        why: String,
    },
    /// More groups than a report can hold.
    #[error("{what} has {found} values and {limit} are the most; {help}")]
    TooMany {
        /// What is too many.
        what: String,
        /// How many there are.
        found: u64,
        /// The limit.
        limit: u64,
        /// How to mend it.
        help: String,
    },
    /// The engine ran out of the memory it was given.
    #[error(
        "step `{step}` needs more memory than the limit: {message}; raise `--memory-limit`, or free space for spilling"
    )]
    Memory {
        /// The step.
        step: String,
        /// What the engine says.
        message: String,
    },
    /// The native operator was asked for, and cannot carry an experiment.
    #[error(
        "the native operator cannot carry experiment `{experiment}`: {why}; leave out `--engine-path`, or give `--engine-path sql`"
    )]
    NotNative {
        /// The experiment.
        experiment: String,
        /// Why.
        why: String,
    },
    /// A value of the data does not fit what is asked of it.
    #[error("step `{step}`: {message}")]
    Data {
        /// The step.
        step: String,
        /// What the engine says.
        message: String,
    },
    /// An aggregate refuses a value of the data.
    #[error("step `{step}`: {reason}")]
    Refused {
        /// The step.
        step: String,
        /// What was met.
        reason: estimand_stats::suffstat::Error,
    },
    /// The SQL of a source does not fit the sources it reads.
    #[error("{}", .0.iter().map(Fault::line).collect::<Vec<_>>().join("\n"))]
    Statements(Vec<Fault>),
    /// A statement of the user cannot be answered from the table of units.
    #[error(
        "the statement cannot be answered: {message}; it reads one table, `units`: see its columns with `SELECT * FROM units LIMIT 1`"
    )]
    Query {
        /// What the engine says.
        message: String,
    },
    /// The engine could not run a statement: a fault of ours.
    #[error("step `{step}` failed in the engine: {message}; please report this with `estimand plan`")]
    Engine {
        /// The step.
        step: String,
        /// What the engine says.
        message: String,
    },
    /// A statistic could not be made or read.
    #[error(transparent)]
    Statistics(#[from] estimand_stats::suffstat::Error),
    /// An estimator refused what it was asked.
    #[error(transparent)]
    Estimator(#[from] estimand_stats::Error),
    /// A parameter or its value is wrong.
    #[error("{}", .0.iter().map(Fault::line).collect::<Vec<_>>().join("\n"))]
    Parameters(Vec<Fault>),
}
