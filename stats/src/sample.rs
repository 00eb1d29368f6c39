//! What an estimator gets to see of each arm.

use arrow::record_batch::RecordBatch;

use crate::error::Error;
use crate::requirement::{Compression, Variable};
use crate::suffstat::{self, CoMoments, Compressed, ExactCoMoments, ExactCompressed, Histogram};

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
    /// Compressed samples, each with the variables it is of.
    pub compressed: Vec<(Compression, Compressed)>,
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

    /// The distinct rows of `features`, with what was kept of `outcomes`.
    ///
    /// # Errors
    /// [`Error::Missing`] when it was not asked for.
    pub fn compressed(&self, metric: &str, features: &[Variable], outcomes: &[Variable]) -> Result<&Compressed, Error> {
        let same = |kept: &Compression| kept.features == features && kept.outcomes == outcomes;
        let found = self.compressed.iter().find(|(kept, _)| same(kept));
        found.map(|(_, compressed)| compressed).ok_or_else(|| Error::Missing {
            metric: metric.to_owned(),
            what: "compressed sample",
            variables: list(features.iter().chain(outcomes).map(String::as_str)),
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

/// The data of one arm before any rounding: parts of it add up without loss.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ExactArmSample {
    /// Name of the arm.
    pub arm: String,
    /// Units counted.
    pub units: u64,
    /// Sums of each tuple of variables.
    pub comoments: Vec<(Vec<Variable>, ExactCoMoments)>,
    /// Compressed samples, each with the variables it is of.
    pub compressed: Vec<(Compression, ExactCompressed)>,
    /// Distributions by variable.
    pub histograms: Vec<(Variable, Histogram)>,
}

impl ExactArmSample {
    /// Adds another part of the same arm, of which the same was asked.
    ///
    /// # Errors
    /// [`suffstat::Error::Shape`] when a statistic has other variables, [`suffstat::Error::Overflow`] past 2⁶⁴ units.
    pub fn merge(&mut self, other: &Self) -> Result<(), suffstat::Error> {
        self.units += other.units;
        for ((_, own), (_, part)) in self.comoments.iter_mut().zip(&other.comoments) {
            own.merge(part)?;
        }
        for ((_, own), (_, part)) in self.compressed.iter_mut().zip(&other.compressed) {
            own.merge(part)?;
        }
        self.histograms.iter_mut().zip(&other.histograms).for_each(|((_, own), (_, part))| own.merge(part));
        Ok(())
    }

    /// The first variable with values that are not finite, and how many it has.
    pub fn not_finite(&self) -> Option<(&Variable, u64)> {
        let comoments = self
            .comoments
            .iter()
            .flat_map(|(names, sums)| names.iter().enumerate().map(|(at, name)| (name, sums.non_finite(at))));
        let compressed = self
            .compressed
            .iter()
            .flat_map(|(kept, rows)| kept.variables().enumerate().map(|(at, name)| (name, rows.non_finite(at))));
        comoments.chain(compressed).find(|(_, count)| *count > 0)
    }

    /// Rounds every statistic once.
    ///
    /// # Errors
    /// Those of [`ExactCoMoments::finish`], an empty one excepted, and of [`ExactCompressed::finish`].
    pub fn finish(&self) -> Result<ArmSample, suffstat::Error> {
        let comoments = self.comoments.iter().map(|(names, sums)| Ok((names.clone(), moments_of(sums)?)));
        let compressed = self.compressed.iter().map(|(kept, rows)| Ok((kept.clone(), rows.finish()?)));
        Ok(ArmSample {
            arm: self.arm.clone(),
            units: self.units,
            comoments: comoments.collect::<Result<_, suffstat::Error>>()?,
            compressed: compressed.collect::<Result<_, suffstat::Error>>()?,
            histograms: self.histograms.clone(),
            unit_rows: None,
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
