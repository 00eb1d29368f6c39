//! Planning: how many units, how long, how small an effect.
//!
//! A [`Plan`] says what is measured and how it will be analysed; it is plain data, the same in a file, a request and a
//! program. A [`Question`] is asked of it, and one kind of [`Answer`] comes back. The power is that of the test that our
//! estimators run: the noncentral t for t-tests, integrated over the estimated variances where they differ; enumeration of
//! counts for shares; and [simulation] where no formula is honest.
//!
//! | question | ask |
//! |---|---|
//! | How many units for this effect? | [`Question::Size`] |
//! | How small an effect can so many units, or days, show? | [`Question::Effect`] |
//! | How likely is it found? | [`Question::Power`] |
//! | How many units for an interval this narrow? | [`Question::Precision`] |
//! | Which margin of non-inferiority can be shown? | [`Question::Margin`] |
//! | How much longer must a running experiment go on? | [`Plan::remaining`] |
//! | What do several metrics or arms find together? | [`Several`] |
//! | Does any of several arms differ, or does the split? | [`omnibus`] |
//! | What does it look like over sizes, days or effects? | [`curve`] |
//!
//! ```
//! use estimand_stats::planning::{Effect, Outcome, Plan, Question, Traffic};
//!
//! let plan = Plan { traffic: Some(Traffic::per_day(4_000.0)), ..Plan::new(Outcome::mean(12.0, 30.0)) };
//! let answer = plan.answer(&Question::Size { effect: Effect::Relative(0.05), power: 0.8 })?;
//! assert_eq!((answer.units, answer.days), (78_492, Some(20)));
//! assert_eq!(answer.units_per_arm, [39_246, 39_246]);
//! # Ok::<(), estimand_stats::Error>(())
//! ```

mod adjustment;
mod answer;
mod assignment;
mod chance;
mod clusters;
mod counts;
pub mod curve;
mod looks;
mod multiplicity;
pub mod omnibus;
mod outcome;
mod remaining;
mod several;
pub mod simulation;
mod solve;
mod t_test;
mod traffic;

pub use adjustment::Adjustment;
pub use answer::{Answer, Question, Size};
pub use assignment::Assignment;
pub use clusters::Clusters;
pub use curve::{Curve, Point};
pub use looks::{Crossing, Look, Monitoring, crossing};
pub use multiplicity::Multiplicity;
pub use outcome::{MeanTest, NullVariance, Outcome, ProportionTest, Spread};
pub use remaining::{Progress, Remaining};
pub use several::{Goal, Several, Together};
pub use t_test::Rejection;
pub use traffic::Traffic;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::estimand::{Direction, Hypothesis};

/// What is measured, and how it will be assigned, analysed and looked at.
///
/// - **Assumes** what the planned test assumes: independent units (or clusters, or pairs), and, for means, enough of them
///   that their mean is near normal. [`simulation`] tells when they are not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The outcome in the baseline arm, and its test.
    pub outcome: Outcome,
    /// The test that decides; non-inferiority is one-sided at half of what the level leaves.
    #[serde(default)]
    pub hypothesis: Hypothesis,
    /// Which way is good: the sign of an effect that is asked for.
    #[serde(default)]
    pub direction: Direction,
    /// Confidence level of the intervals; the tests are at one minus this.
    #[serde(default = "usual_level")]
    pub level: f64,
    /// How units come to their arms.
    #[serde(default)]
    pub assignment: Assignment,
    /// What covariates take from the variance.
    #[serde(default)]
    pub adjustment: Adjustment,
    /// The groups in which units come, if they do.
    #[serde(default)]
    pub clusters: Option<Clusters>,
    /// The family that the test belongs to.
    #[serde(default)]
    pub multiplicity: Multiplicity,
    /// How often it is looked at. Looks carry their own critical values, and so the level of the plan.
    #[serde(default)]
    pub monitoring: Monitoring,
    /// Units that come by day, for answers in days.
    #[serde(default)]
    pub traffic: Option<Traffic>,
}

fn usual_level() -> f64 {
    0.95
}

/// A true effect, or one asked for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// In the unit of the metric; of a share, in shares: 0.01 is one percentage point.
    Absolute(f64),
    /// As a share of the baseline: the lift.
    Relative(f64),
}

impl Plan {
    /// A two-sided test at 95 %, half of the units in each of two arms, unadjusted, looked at once.
    pub fn new(outcome: Outcome) -> Self {
        Self {
            outcome,
            hypothesis: Hypothesis::default(),
            direction: Direction::default(),
            level: usual_level(),
            assignment: Assignment::default(),
            adjustment: Adjustment::default(),
            clusters: None,
            multiplicity: Multiplicity::default(),
            monitoring: Monitoring::default(),
            traffic: None,
        }
    }

    /// An effect in the unit of the metric.
    ///
    /// - **Errors** with [`Error::OutOfRange`] for one that is not finite, or a relative one without a baseline other than 0.
    pub fn absolute(&self, effect: Effect) -> Result<f64, Error> {
        let value = match (effect, self.outcome.baseline()) {
            (Effect::Absolute(value), _) => value,
            (Effect::Relative(lift), Some(baseline)) if baseline != 0.0 => lift * baseline,
            (Effect::Relative(_), _) => return Err(outcome::no_mean("effect")),
        };
        if value.is_finite() { Ok(value) } else { Err(refuse("effect", value, "an effect is a finite number")) }
    }

    /// An effect as a share of the baseline; `None` where there is no baseline, or it is 0.
    pub fn lift(&self, absolute: f64) -> Option<f64> {
        self.outcome.baseline().map(|baseline| absolute / baseline).filter(|lift| lift.is_finite())
    }

    /// Refuses a plan that cannot be, naming the field.
    ///
    /// - **Errors** with [`Error::OutOfRange`].
    pub fn check(&self) -> Result<(), Error> {
        self.outcome.check()?;
        if !(self.level > 0.0 && self.level < 1.0) {
            return Err(refuse("level", self.level, "a confidence level lies between 0 and 1, such as 0.95"));
        }
        if let Some(margin) = self.hypothesis.margin() {
            if !(margin > 0.0 && margin < 1.0) {
                return Err(refuse("margin", margin, "a margin is a share between 0 and 1, such as 0.02"));
            }
            match self.outcome.baseline() {
                Some(baseline) if baseline > 0.0 => {}
                Some(baseline) => {
                    return Err(refuse("mean", baseline, "a relative margin needs a baseline above 0"));
                }
                None => return Err(refuse("mean", "missing", "a relative margin needs the baseline mean")),
            }
        }
        self.assignment.check()?;
        self.adjustment.check()?;
        if let Some(clusters) = &self.clusters {
            clusters.check()?;
        }
        if let Assignment::Pairs { .. } = self.assignment
            && (self.clusters.is_some() || self.adjustment != Adjustment::None || self.hypothesis.margin().is_some())
        {
            let expected =
                "pairs are planned without clusters, covariates or a margin; give the correlation after adjustment";
            return Err(refuse("pairs", "combined", expected));
        }
        if let Outcome::Proportion { test, .. } = &self.outcome
            && !matches!(test, ProportionTest::Auto | ProportionTest::Mean)
        {
            let plain = matches!(self.assignment, Assignment::Arms(_)) && self.adjustment == Adjustment::None;
            if !plain || self.clusters.is_some() {
                let expected =
                    "pairs, covariates and clusters make a share a mean: only `auto` and `mean` go with them";
                return Err(refuse("test", test.name(), expected));
            }
            if self.hypothesis.margin().is_some()
                && matches!(test, ProportionTest::Formula(_) | ProportionTest::Arcsine)
            {
                return Err(refuse(
                    "test",
                    test.name(),
                    "the formulas of other calculators know no margin; take `auto`",
                ));
            }
        }
        self.multiplicity.check()?;
        self.monitoring.check()?;
        self.traffic.as_ref().map_or(Ok(()), Traffic::check)
    }
}

/// The refusal of days without traffic.
fn no_traffic() -> Error {
    refuse("traffic", "missing", "days need the units that come per day")
}

/// The refusal of a value.
fn refuse(field: &str, value: impl ToString, expected: &str) -> Error {
    Error::OutOfRange { field: field.to_owned(), value: value.to_string(), expected: expected.to_owned() }
}
