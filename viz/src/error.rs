//! What can go wrong between estimates and a figure.

/// Why no figure could be made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The chart does not draw this kind of input, or there is nothing in it.
    #[error("chart `{chart}` cannot draw this: it needs {needs}")]
    Unfit {
        /// Name of the chart.
        chart: &'static str,
        /// What the chart needs, in words.
        needs: &'static str,
    },
    /// A row has a status that is not in the status table.
    #[error("row of metric `{metric}` has the status `{status}`; the statuses are {known}")]
    UnknownStatus {
        /// Metric of the row.
        metric: String,
        /// The word found.
        status: String,
        /// The valid words.
        known: String,
    },
    /// Rows on different scales cannot share an axis.
    #[error(
        "row of metric `{metric}` is on the scale `{found}`, the rows before it on `{expected}`; draw each scale by itself"
    )]
    MixedScales {
        /// Metric of the row.
        metric: String,
        /// Scale of the row.
        found: String,
        /// Scale of the rows before it.
        expected: String,
    },
    /// A row lacks a column without which it cannot be drawn.
    #[error("a row of the result table has no `{column}`, which a figure needs")]
    MissingColumn {
        /// The column.
        column: &'static str,
    },
    /// A metric has no label and format.
    #[error("metric `{metric}` has no measure; the measures are {known}")]
    UnknownMetric {
        /// The metric.
        metric: String,
        /// The metrics that have one.
        known: String,
    },
    /// A period that is not a day.
    #[error("period `{period}` of metric `{metric}` is not a day; write it as 2026-11-22")]
    NotADay {
        /// Metric of the row.
        metric: String,
        /// The text found.
        period: String,
    },
}
