//! What the checks look at.

use crate::check::SampleRatioMethod;
use crate::suffstat::Moments;

/// All that was collected for the checks. An empty list or `None` is evidence that was not collected.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Evidence {
    /// The arms, in the order of the experiment.
    pub arms: Vec<ArmCounts>,
    /// Which test compares the counts with the allocation.
    pub sample_ratio: SampleRatioMethod,
    /// Units that were seen in two arms and set apart.
    pub two_arm_units: Option<u64>,
    /// What else was set apart, by reason; `None` when each row is a unit.
    pub set_apart: Option<Vec<UnitsApart>>,
    /// First arms by value of a dimension.
    pub dimensions: Vec<DimensionCounts>,
    /// Covariates from before exposure, for the balance of the arms.
    pub covariates: Vec<CovariateMoments>,
    /// Values that metrics lack.
    pub missing: Vec<Missing>,
    /// What the deciding rows could have seen.
    pub effects: Vec<SmallestEffect>,
}

/// Units of one arm.
#[derive(Debug, Clone, PartialEq)]
pub struct ArmCounts {
    /// Name of the arm.
    pub arm: String,
    /// Planned weight, on any scale; zero for an arm that should get nobody.
    pub weight: f64,
    /// Units whose *first* arm this is, before any is set apart.
    pub assigned: u64,
    /// Units that enter the analysis.
    pub counted: u64,
}

/// What was set apart for one reason.
#[derive(Debug, Clone, PartialEq)]
pub struct UnitsApart {
    /// Why, to follow a count: `rows without an id`.
    pub reason: String,
    /// How many.
    pub units: u64,
    /// Whether the data are at fault, and not the plan.
    pub is_fault: bool,
}

/// Units of one value of a dimension by first arm.
#[derive(Debug, Clone, PartialEq)]
pub struct DimensionCounts {
    /// Name of the dimension.
    pub dimension: String,
    /// The value.
    pub value: String,
    /// Units by first arm, in the order of [`Evidence::arms`].
    pub assigned: Vec<u64>,
}

/// A covariate from before exposure in every arm.
#[derive(Debug, Clone, PartialEq)]
pub struct CovariateMoments {
    /// Name of the covariate.
    pub covariate: String,
    /// Moments in the order of [`Evidence::arms`]; `None` for an arm without values.
    pub arms: Vec<Option<Moments>>,
}

/// Units without a value of a metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Missing {
    /// Name of the metric.
    pub metric: String,
    /// Units without a value, in the order of [`Evidence::arms`]; of [`ArmCounts::counted`].
    pub missing: Vec<u64>,
}

/// What a deciding row can see, against what matters.
#[derive(Debug, Clone, PartialEq)]
pub struct SmallestEffect {
    /// Name of the metric.
    pub metric: String,
    /// Name of the arm.
    pub arm: String,
    /// Standard error of the relative effect.
    pub std_error: f64,
    /// Degrees of freedom; `None` for the normal.
    pub df: Option<f64>,
    /// Confidence level of the test.
    pub level: f64,
    /// Smallest relative effect that matters; `None` when the plan names none.
    pub minimum: Option<f64>,
}
