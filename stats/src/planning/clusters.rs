//! Units that come in groups.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::planning::refuse;

/// Groups that are assigned as one, such as stores or households; the analysis is of the groups' means.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clusters {
    /// Mean number of units in a cluster.
    pub size: f64,
    /// Correlation of two units of one cluster.
    pub correlation: f64,
    /// Standard deviation of the sizes over their mean; 0 when all are alike.
    #[serde(default)]
    pub size_variation: f64,
}

impl Clusters {
    /// By how much the variance of a mean is larger than that of independent units.
    ///
    /// `1 + ((1 + cv²)·m − 1)·ρ`.
    ///
    /// - **Source** Eldridge, Ashby & Kerry (2006), "Sample size for cluster randomized trials: effect of coefficient of
    ///   variation of cluster size", eq. (7), for means weighted by size.
    pub fn design_effect(&self) -> f64 {
        1.0 + ((1.0 + self.size_variation.powi(2)) * self.size - 1.0) * self.correlation
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        if !(self.size >= 1.0 && self.size.is_finite()) {
            return Err(refuse("size", self.size, "a cluster has at least one unit"));
        }
        if !(0.0..=1.0).contains(&self.correlation) {
            return Err(refuse("correlation", self.correlation, "a correlation within clusters lies between 0 and 1"));
        }
        if !(self.size_variation >= 0.0 && self.size_variation.is_finite()) {
            return Err(refuse("size_variation", self.size_variation, "a coefficient of variation is not negative"));
        }
        Ok(())
    }
}
