//! Where the numbers of a simulated unit come from.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::estimand::SummaryKind;
use crate::planning::refuse;
use crate::requirement::Variable;

/// Name of the outcome, or of a ratio's numerator.
pub(super) const OUTCOME: &str = "outcome";

/// Name of a ratio's denominator.
pub(super) const DENOMINATOR: &str = "denominator";

/// The distribution of a unit in the baseline arm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Yes or no.
    Bernoulli {
        /// Share of units with 1.
        share: f64,
    },
    /// Counts: Poisson, or negative binomial when they vary more.
    Counts {
        /// Mean.
        mean: f64,
        /// Size of the negative binomial, whose variance is `mean + mean²/size`.
        size: Option<f64>,
    },
    /// Log-normal.
    LogNormal {
        /// Mean, of the outcome and not of its logarithm.
        mean: f64,
        /// Standard deviation of the outcome.
        std_dev: f64,
    },
    /// Normal.
    Normal {
        /// Mean.
        mean: f64,
        /// Standard deviation.
        std_dev: f64,
        /// Correlation with a covariate by which the analysis adjusts.
        covariate: Option<f64>,
    },
    /// Units as history has them, drawn with replacement: nothing is assumed of their shape.
    Values(Population),
    /// Zero for most, log-normal for the others.
    ZeroInflated {
        /// Share of units that are not zero.
        share: f64,
        /// Mean of those.
        mean: f64,
        /// Standard deviation of those.
        std_dev: f64,
    },
}

/// Distinct rows of units and how often each occurs: a unit table compressed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Population {
    /// How the outcome is summarised.
    pub kind: SummaryKind,
    /// The columns: the outcome, for a ratio then the denominator, then covariates; each with one value per row.
    pub columns: Vec<Vec<f64>>,
    /// Units that each row stands for.
    pub counts: Vec<u64>,
}

/// What the treatment does to a unit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Nothing.
    None,
    /// Adds this to the outcome of every unit; to a share, turns so many more of all units to 1.
    Shift(f64),
    /// Multiplies the outcome of every unit by one plus this; of counts the mean, of a share the share.
    Lift(f64),
}

impl Population {
    /// A population of one column.
    pub fn of_values(kind: SummaryKind, values: &[f64], counts: &[u64]) -> Self {
        Self { kind, columns: vec![values.to_vec()], counts: counts.to_vec() }
    }

    /// How many columns stand before the covariates.
    fn outcomes(&self) -> usize {
        if self.kind == SummaryKind::Ratio { 2 } else { 1 }
    }

    fn check(&self) -> Result<(), Error> {
        if self.columns.len() < self.outcomes() {
            return Err(refuse("columns", self.columns.len(), "an outcome; a ratio has a denominator beside it"));
        }
        if let Some(column) = self.columns.iter().find(|column| column.len() != self.counts.len()) {
            return Err(refuse(
                "columns",
                column.len(),
                &format!("one value for each of the {} counts", self.counts.len()),
            ));
        }
        if let Some(value) = self.columns.iter().flatten().find(|value| !value.is_finite()) {
            return Err(refuse("columns", value, "a finite number"));
        }
        if self.counts.iter().all(|count| *count == 0)
            || self.counts.iter().try_fold(0_u64, |sum, n| sum.checked_add(*n)).is_none()
        {
            return Err(refuse("counts", "none", "at least one unit, and fewer than 2⁶⁴"));
        }
        if self.kind == SummaryKind::Proportion
            && let Some(value) = self.columns[0].iter().find(|value| **value != 0.0 && **value != 1.0)
        {
            return Err(refuse("columns", value, "the outcome of a proportion is 0 or 1"));
        }
        Ok(())
    }
}

impl Source {
    /// How the outcome is summarised.
    pub fn kind(&self) -> SummaryKind {
        match self {
            Self::Bernoulli { .. } => SummaryKind::Proportion,
            Self::Values(population) => population.kind,
            _ => SummaryKind::Mean,
        }
    }

    /// Names of the covariates.
    pub(super) fn covariates(&self) -> Vec<Variable> {
        let count = match self {
            Self::Normal { covariate: Some(_), .. } => 1,
            Self::Values(population) => population.columns.len().saturating_sub(population.outcomes()),
            _ => 0,
        };
        (1..=count).map(|number| format!("covariate_{number}")).collect()
    }

    /// Names of all columns, in their order.
    pub(super) fn variables(&self) -> Vec<Variable> {
        let denominator = (self.kind() == SummaryKind::Ratio).then(|| DENOMINATOR.to_owned());
        std::iter::once(OUTCOME.to_owned()).chain(denominator).chain(self.covariates()).collect()
    }

    /// Refuses what no distribution is.
    pub(super) fn check(&self) -> Result<(), Error> {
        let positive = |field: &str, value: f64| match value > 0.0 && value.is_finite() {
            true => Ok(()),
            false => Err(refuse(field, value, "a positive number")),
        };
        let share_of = |value: f64| match (0.0..=1.0).contains(&value) {
            true => Ok(()),
            false => Err(refuse("share", value, "a share lies between 0 and 1")),
        };
        match self {
            Self::Bernoulli { share } => share_of(*share),
            Self::Counts { mean, size } => {
                size.map_or(Ok(()), |size| positive("size", size))?;
                positive("mean", *mean)
            }
            Self::LogNormal { mean, std_dev } => {
                positive("mean", *mean)?;
                positive("std_dev", *std_dev)
            }
            Self::Normal { mean, std_dev, covariate } => {
                if !mean.is_finite() {
                    return Err(refuse("mean", mean, "a finite number"));
                }
                match covariate.filter(|r| !(-1.0..=1.0).contains(r)) {
                    Some(r) => Err(refuse("covariate", r, "a correlation lies between -1 and 1")),
                    None => positive("std_dev", *std_dev),
                }
            }
            Self::Values(population) => population.check(),
            Self::ZeroInflated { share, mean, std_dev } => {
                share_of(*share)?;
                positive("mean", *mean)?;
                positive("std_dev", *std_dev)
            }
        }
    }
}
