//! The estimand: what is asked, as a typed value that prints as a sentence.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::requirement::Variable;

/// The quantity asked for: a contrast of potential outcomes over a population.
///
/// Two results are comparable only when their estimands are equal. An estimator is a rule for an estimand, so nothing
/// here says how to estimate it. [`fmt::Display`] prints it as one sentence for the report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Estimand {
    /// Name of the metric.
    pub metric: String,
    /// How the outcome is summarised over units.
    pub summary: Summary,
    /// The arm that the effect is of. Every other arm of the sample is left out of this question.
    pub arm: String,
    /// The arm compared against.
    pub baseline_arm: String,
    /// Direction and margin of the test that decides.
    pub hypothesis: Hypothesis,
    /// Which way of the metric is good.
    pub direction: Direction,
    /// What is assigned and counted, such as `user_id`; `row` when each row is a unit.
    pub unit: String,
    /// Who is counted, in words: the population, the trigger, the segment.
    pub population: String,
    /// When the outcome is counted, in words, such as `7 days from exposure`; empty for a unit table without times.
    pub window: String,
}

/// How an outcome is summarised over the units of an arm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Summary {
    /// The mean over units of one variable.
    Mean {
        /// Column of the unit table.
        outcome: Variable,
    },
    /// The share of units with an outcome of 0 or 1.
    Proportion {
        /// Column of the unit table, 0 or 1.
        outcome: Variable,
    },
    /// Sum over sum: the mean of one variable over the mean of another.
    Ratio {
        /// Column of the unit table.
        numerator: Variable,
        /// Column of the unit table.
        denominator: Variable,
    },
    /// The time that units go without an event, some of which have not had it yet.
    ///
    /// More is longer: where the event is bad, as leaving is, `higher` is good; where it is wanted, as a first order
    /// is, `lower` is. Every estimator of it keeps to that, whatever its own scale.
    TimeToEvent {
        /// Column of the unit table: the time from exposure to the event, or to where the unit was last seen without it.
        duration: Variable,
        /// Column of the unit table: 1 where the event was seen, 0 where the unit was only watched so far.
        event: Variable,
    },
}

impl Summary {
    /// Short name, the `kind` of a metric file.
    pub fn kind(&self) -> SummaryKind {
        match self {
            Self::Mean { .. } => SummaryKind::Mean,
            Self::Proportion { .. } => SummaryKind::Proportion,
            Self::Ratio { .. } => SummaryKind::Ratio,
            Self::TimeToEvent { .. } => SummaryKind::TimeToEvent,
        }
    }

    /// The columns of the unit table that the summary reads.
    pub fn variables(&self) -> Vec<Variable> {
        match self {
            Self::Mean { outcome } | Self::Proportion { outcome } => vec![outcome.clone()],
            Self::Ratio { numerator, denominator } => vec![numerator.clone(), denominator.clone()],
            Self::TimeToEvent { duration, event } => vec![duration.clone(), event.clone()],
        }
    }
}

/// The kind of a [`Summary`] without its columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SummaryKind {
    /// [`Summary::Mean`].
    Mean,
    /// [`Summary::Proportion`].
    Proportion,
    /// [`Summary::Ratio`].
    Ratio,
    /// [`Summary::TimeToEvent`].
    TimeToEvent,
}

impl SummaryKind {
    /// The word used in files, tables and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Proportion => "proportion",
            Self::Ratio => "ratio",
            Self::TimeToEvent => "time_to_event",
        }
    }
}

/// Which way of a metric is good.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// More is better.
    #[default]
    Higher,
    /// Less is better.
    Lower,
}

/// The test that decides.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Hypothesis {
    /// The effect is zero, against both sides.
    #[default]
    TwoSided,
    /// The effect is not above zero, against above.
    Greater,
    /// The effect is not below zero, against below.
    Less,
    /// The arm is worse than its baseline by the margin or more, against not: one-sided in the good direction.
    NonInferiority {
        /// Largest tolerated loss relative to the baseline mean, inside (0, 1).
        margin: f64,
    },
}

impl Hypothesis {
    /// The word of the `alternative` column.
    pub fn alternative(&self, direction: Direction) -> &'static str {
        match (self, direction) {
            (Self::TwoSided, _) => "two_sided",
            (Self::Greater, _) | (Self::NonInferiority { .. }, Direction::Higher) => "greater",
            (Self::Less, _) | (Self::NonInferiority { .. }, Direction::Lower) => "less",
        }
    }

    /// The non-inferiority margin, when there is one.
    pub fn margin(&self) -> Option<f64> {
        match self {
            Self::NonInferiority { margin } => Some(*margin),
            _ => None,
        }
    }
}

impl fmt::Display for Estimand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let summary = match &self.summary {
            Summary::Mean { .. } => "difference in mean".to_owned(),
            Summary::Proportion { .. } => "difference in share".to_owned(),
            Summary::Ratio { numerator, denominator } => {
                format!("difference in total {numerator} per total {denominator}")
            }
            Summary::TimeToEvent { .. } => "difference in time to event".to_owned(),
        };
        write!(f, "{summary} of `{}` per {}", self.metric, self.unit)?;
        if !self.window.is_empty() {
            write!(f, ", {}", self.window)?;
        }
        write!(f, ", had {} been in `{}` against all in `{}`", self.population, self.arm, self.baseline_arm)
    }
}
