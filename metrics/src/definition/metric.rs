//! Metrics: a unit-level outcome and how it is summarised.

use std::collections::{BTreeMap, BTreeSet};

use crate::definition::{Duration, Parameter};
use crate::expression::{Aggregation, Expression};
use crate::kind::Outcome;

/// A named, unit-level outcome and how it is summarised.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// The name by which experiments call it.
    pub name: String,
    /// The name people read.
    pub label: String,
    /// What it measures.
    pub description: Option<String>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// The per-unit values and their summary.
    pub outcome: Outcome,
    /// Which rows count, by their time since exposure. Has no meaning for a value whose source is a unit table.
    pub window: Window,
    /// The pre-period of the metric's own covariate, `[exposure − lookback, exposure)`. Present: the same value over the pre-period
    /// is a covariate of the metric.
    pub lookback: Option<Duration>,
    /// Other covariates, in the order written.
    pub covariates: Vec<Covariate>,
    /// Which way is good.
    pub direction: Direction,
    /// The unit of measurement printed beside every number, such as `EUR`.
    pub measured_in: Option<String>,
    /// How its numbers are written.
    pub format: NumberFormat,
    /// The parameters it declares, by name.
    pub parameters: BTreeMap<String, Parameter>,
}

impl Metric {
    /// The sources its values read.
    pub fn sources(&self) -> BTreeSet<&str> {
        self.outcome.values().map(|value| value.source.as_str()).collect()
    }

    /// The parameters its values and filters use.
    pub fn parameters_used(&self) -> BTreeSet<&str> {
        self.outcome.values().flat_map(UnitValue::parameters).collect()
    }
}

/// The rows of a unit that count: `[exposure + delay, exposure + delay + length)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    /// Time after exposure at which the window opens.
    pub delay: Duration,
    /// Length; `None` reaches to the end of the experiment.
    pub length: Option<Duration>,
    /// Whether only units count whose whole window has passed. True for a fixed length unless the file says otherwise.
    pub matured: bool,
}

/// One number per unit: the rows that count, reduced by an aggregation.
#[derive(Clone, Debug, PartialEq)]
pub struct UnitValue {
    /// The source of the rows.
    pub source: String,
    /// How the rows of a unit become one number.
    pub aggregation: Aggregation,
    /// Which rows count; a row counts when it is true.
    pub filter: Option<Expression>,
    /// Bounds to which values are cut.
    pub cap: Option<Cap>,
    /// The value of a unit without rows.
    pub when_empty: WhenEmpty,
}

impl UnitValue {
    /// The expressions it holds: the argument of its aggregation and its filter.
    pub fn expressions(&self) -> impl Iterator<Item = &Expression> {
        self.aggregation.argument.iter().chain(&self.filter)
    }

    /// The columns of its source that it reads, without the unit and the time.
    pub fn columns(&self) -> BTreeSet<&str> {
        self.expressions().flat_map(Expression::columns).collect()
    }

    /// The parameters it uses.
    pub fn parameters(&self) -> BTreeSet<&str> {
        self.expressions().flat_map(Expression::parameters).collect()
    }
}

/// The value of a unit without rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum WhenEmpty {
    /// Missing: the unit does not count in this metric.
    Null,
    /// This number; 0 for sum, count, conversion and count distinct unless the file says otherwise.
    Value(f64),
}

/// Bounds to which per-unit values are cut; at least one is present.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cap {
    /// Values above it become it.
    pub upper: Option<Bound>,
    /// Values below it become it.
    pub lower: Option<Bound>,
}

/// One bound of a cap.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// A number in the metric's own unit, finite.
    Value(f64),
    /// A quantile of the per-unit values over all arms, after exclusions.
    Percentile {
        /// The rank, strictly between 0 and 1.
        rank: f64,
        /// Over which values.
        of: CapOf,
    },
}

/// Over which per-unit values a percentile cap is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CapOf {
    /// All values, zeros included.
    All,
    /// Values other than zero.
    Nonzero,
}

/// A covariate of a metric or of an experiment's analysis, fixed before exposure.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Covariate {
    /// Another metric, over its own lookback, or over a unit table.
    Metric(String),
    /// A column of the assignment source.
    Column(String),
}

/// Which way is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Higher is better.
    Higher,
    /// Lower is better.
    Lower,
}

/// How numbers of a metric are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NumberFormat {
    /// The style.
    pub style: NumberStyle,
    /// Decimals; chosen by size unless given.
    pub decimals: Option<u8>,
}

/// The styles of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NumberStyle {
    /// With the unit of measurement beside it, two decimals unless given.
    Currency,
    /// No decimals.
    Integer,
    /// As a number.
    Number,
    /// Times 100, with a percent sign.
    Percent,
}
