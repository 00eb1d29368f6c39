//! Experiments: who was assigned to what, which metrics decide, and the plan.

use std::collections::BTreeMap;

use estimand_stats::family::Corrections;
use jiff::Timestamp;

use crate::definition::{Covariate, Zone};
use crate::expression::Expression;

/// An experiment: the design, the metrics by role, the analysis and the plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Experiment {
    /// The name by which the command line calls it.
    pub name: String,
    /// The name people read.
    pub label: String,
    /// What is expected to happen, and why.
    pub hypothesis: Option<String>,
    /// What is compared.
    pub description: Option<String>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// The name of the unit of assignment and analysis, such as `user_id`.
    pub unit: String,
    /// First instant; `None` only when the assignment source is a unit table.
    pub start: Option<Timestamp>,
    /// First instant after the experiment; `None` when the plan's number of units ends it, or for a unit table.
    pub end: Option<Timestamp>,
    /// The zone of its days: its own, or the project's default; `None` when neither says.
    pub timezone: Option<Zone>,
    /// Where assignments are.
    pub assignment: Assignment,
    /// The condition that makes a unit count.
    pub trigger: Option<Trigger>,
    /// The arms in the order written; at least two, one of them the control.
    pub arms: Vec<Arm>,
    /// The name of the arm compared against.
    pub control: String,
    /// The metrics in the order primary, secondary, guardrail, informational; each metric once.
    pub metrics: Vec<ExperimentMetric>,
    /// The cuts shown beside the whole.
    pub dimensions: Vec<Dimension>,
    /// How effects are estimated.
    pub analysis: Analysis,
    /// When it ends and what counts as an effect.
    pub plan: Plan,
}

/// The unit of a table without ids: each row.
pub const ROW: &str = "row";

impl Experiment {
    /// Whether each row of the assignment source is a unit.
    pub fn rows_are_units(&self) -> bool {
        self.unit == ROW
    }

    /// The arms other than the control, in the order written.
    pub fn treatments(&self) -> impl Iterator<Item = &Arm> {
        self.arms.iter().filter(|arm| arm.name != self.control)
    }

    /// The metrics of one kind of role.
    pub fn metrics_of(&self, role: RoleKind) -> impl Iterator<Item = &ExperimentMetric> {
        self.metrics.iter().filter(move |metric| metric.role.kind() == role)
    }
}

/// Where assignments are. Exposure is the source's time column.
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment {
    /// The source, one row per assignment.
    pub source: String,
    /// The column that holds the arm.
    pub arm: String,
    /// The column that holds the unit's id.
    pub unit_column: String,
    /// Which rows are assignments to this experiment.
    pub filter: Option<Expression>,
    /// The column of the cluster that a unit was assigned with; `None` when each unit was assigned by itself.
    pub cluster: Option<String>,
    /// The column of the block within which units were assigned; `None` when they were assigned among all.
    pub stratum: Option<String>,
}

/// The condition that makes a unit count, the same in every arm.
#[derive(Clone, Debug, PartialEq)]
pub struct Trigger {
    /// The source of triggering rows; it has a time.
    pub source: String,
    /// The column that holds the unit's id.
    pub unit_column: String,
    /// Which rows trigger.
    pub filter: Option<Expression>,
}

/// One of the experiences compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Arm {
    /// The value of the arm column, to the letter.
    pub name: String,
    /// The name people read.
    pub label: String,
    /// The planned share of units; the shares of all arms sum to 1.
    pub allocation: f64,
}

/// A metric of an experiment and the part it plays.
#[derive(Clone, Debug, PartialEq)]
pub struct ExperimentMetric {
    /// The metric's name.
    pub metric: String,
    /// Its role.
    pub role: Role,
}

/// The part a metric plays in the decision.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Role {
    /// Decides; corrected within one family.
    Primary,
    /// Explains; corrected within its own family.
    Secondary,
    /// Must not get worse than the margin.
    Guardrail {
        /// The relative margin, strictly between 0 and 1.
        margin: f64,
    },
    /// Shown, not tested.
    Informational,
}

impl Role {
    /// The role without its settings.
    pub const fn kind(self) -> RoleKind {
        match self {
            Self::Primary => RoleKind::Primary,
            Self::Secondary => RoleKind::Secondary,
            Self::Guardrail { .. } => RoleKind::Guardrail,
            Self::Informational => RoleKind::Informational,
        }
    }
}

/// A role without its settings, in the order of reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RoleKind {
    /// Decides.
    Primary,
    /// Explains.
    Secondary,
    /// Must not get worse.
    Guardrail,
    /// Shown.
    Informational,
}

impl RoleKind {
    /// The word for it in files and results.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Secondary => "secondary",
            Self::Guardrail => "guardrail",
            Self::Informational => "informational",
        }
    }
}

/// A column by which effects are cut, one value per unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dimension {
    /// The name shown.
    pub name: String,
    /// The source of the column: the assignment source, or another with one row per unit.
    pub source: String,
    /// The column.
    pub column: String,
    /// The column of that source that holds the unit's id.
    pub unit_column: String,
}

/// How effects are estimated.
#[derive(Clone, Debug, PartialEq)]
pub struct Analysis {
    /// Confidence level of two-sided intervals; tests have size 1 − level. From the project's defaults unless given.
    pub level: f64,
    /// Size of the one-sided tests of guardrails; (1 − level) / 2 unless given.
    pub alpha: f64,
    /// The estimator that decides, by name; chosen by the metric and its covariates unless given.
    pub estimator: Option<String>,
    /// Covariates of every metric, besides each metric's own.
    pub covariates: Vec<Covariate>,
    /// For whom effects are stated.
    pub population: Population,
    /// The corrections for multiplicity.
    pub correction: Corrections,
    /// Options of the estimator, checked by the estimator.
    pub options: BTreeMap<String, OptionValue>,
    /// The estimator and options of single metrics, in place of those of all.
    pub by_metric: BTreeMap<String, MetricAnalysis>,
    /// Estimators whose answers are shown beside the one that decides, by name.
    pub beside: Vec<String>,
}

/// How the effect on one metric is estimated.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MetricAnalysis {
    /// The estimator that decides, by name; chosen by the metric and its covariates unless given.
    pub estimator: Option<String>,
    /// Options of the estimator.
    pub options: BTreeMap<String, OptionValue>,
}

/// For whom effects are stated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Population {
    /// For those enrolled.
    Enrolled,
    /// For the population from which they came.
    Superpopulation,
}

/// The value of an estimator's option.
#[derive(Clone, Debug, PartialEq)]
pub enum OptionValue {
    /// True or false.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A finite double.
    Float(f64),
    /// A word.
    Text(String),
}

/// When the experiment ends and what counts as an effect.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// When to look.
    pub kind: PlanKind,
    /// Units over all arms at which it ends; by date alone unless given. Looks that go on are tuned to them.
    pub units: Option<u64>,
    /// Units over all arms at each look that was taken before, for a plan of a few looks.
    pub looks_taken: Vec<u64>,
    /// Fewest units over all arms for a verdict.
    pub minimum_units: Option<u64>,
    /// Relative effects below which a metric's effect is too small to matter, by metric.
    pub minimum_effect: BTreeMap<String, f64>,
}

/// When to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PlanKind {
    /// Once, at the end.
    Fixed,
    /// At a few looks that spend the level between them.
    GroupSequential,
    /// At any time, as often as anybody likes.
    Sequential,
}

impl PlanKind {
    /// Every kind, by its word.
    pub const ALL: [Self; 3] = [Self::Fixed, Self::GroupSequential, Self::Sequential];

    /// The word for it in files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::GroupSequential => "group_sequential",
            Self::Sequential => "sequential",
        }
    }

    /// The estimator that decides unless a file names one; `None` where the metric chooses.
    pub const fn estimator(self) -> Option<&'static str> {
        match self {
            Self::Fixed => None,
            Self::GroupSequential => Some("group_sequential"),
            Self::Sequential => Some("confidence_sequence"),
        }
    }
}
