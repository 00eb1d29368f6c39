//! What an estimator gets to see of each arm.

use arrow::record_batch::RecordBatch;

use crate::error::Error;
use crate::requirement::Variable;
use crate::suffstat::{self, CoMoments, ExactCoMoments, Histogram};

/// The data of one metric, arm by arm: the answer to the union of the requirements.
#[derive(Debug, Clone, Default)]
pub struct Sample {
    /// One entry per arm, in the order of the experiment.
    pub arms: Vec<ArmSample>,
}

/// What was asked of one arm.
#[derive(Debug, Clone, Default)]
pub struct ArmSample {
    /// Name of the arm.
    pub arm: String,
    /// Units assigned to the arm and counted, whether or not the metric has a value for them.
    pub units: u64,
    /// Joint moments, each with the variables it is of; `None` where no unit has a value of all of them, since there
    /// are no moments of no units.
    pub comoments: Vec<(Vec<Variable>, Option<CoMoments>)>,
    /// Distributions by variable.
    pub histograms: Vec<(Variable, Histogram)>,
    /// One row per unit, `Float64` columns named by variable, when an estimator asked for rows.
    pub unit_rows: Option<RecordBatch>,
}

impl Sample {
    /// The arm of this name.
    ///
    /// # Errors
    /// [`Error::UnknownArm`] when there is none.
    pub fn arm(&self, metric: &str, arm: &str) -> Result<&ArmSample, Error> {
        self.arms.iter().find(|sample| sample.arm == arm).ok_or_else(|| Error::UnknownArm {
            metric: metric.to_owned(),
            arm: arm.to_owned(),
            found: list(self.arms.iter().map(|sample| sample.arm.as_str())),
        })
    }
}

impl ArmSample {
    /// Joint moments of `variables`, in that order; `None` when no unit has a value of all of them.
    ///
    /// Taken from the block of exactly these variables, else selected from a larger block that lost no unit.
    ///
    /// # Errors
    /// [`Error::Missing`] when no block holds them.
    pub fn comoments(&self, metric: &str, variables: &[Variable]) -> Result<Option<CoMoments>, Error> {
        if self.units == 0 {
            return Ok(None);
        }
        if let Some((_, block)) = self.comoments.iter().find(|(names, _)| names == variables) {
            return Ok(block.clone());
        }
        self.comoments
            .iter()
            .filter_map(|(names, block)| {
                block.as_ref().filter(|block| block.n() == self.units).map(|block| (names, block))
            })
            .find_map(|(names, block)| {
                let positions: Option<Vec<usize>> =
                    variables.iter().map(|variable| names.iter().position(|name| name == variable)).collect();
                positions.map(|positions| block.select(&positions))
            })
            .map(Some)
            .ok_or_else(|| Error::Missing {
                metric: metric.to_owned(),
                what: "joint moments",
                variables: list(variables.iter().map(String::as_str)),
            })
    }

    /// One row per unit.
    ///
    /// # Errors
    /// [`Error::Missing`] when no rows were asked for.
    pub fn unit_rows(&self, metric: &str, variables: &[Variable]) -> Result<&RecordBatch, Error> {
        self.unit_rows.as_ref().ok_or_else(|| Error::Missing {
            metric: metric.to_owned(),
            what: "unit rows",
            variables: list(variables.iter().map(String::as_str)),
        })
    }
}

/// The moments of what was counted; `None` of nothing.
///
/// # Errors
/// Those of [`ExactCoMoments::finish`], an empty one excepted.
pub fn moments_of(sums: &ExactCoMoments) -> Result<Option<CoMoments>, suffstat::Error> {
    match sums.finish() {
        Err(suffstat::Error::Empty) => Ok(None),
        moments => moments.map(Some),
    }
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
