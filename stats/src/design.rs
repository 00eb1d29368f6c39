//! What was decided before looking: level, covariates, options.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::requirement::Variable;

/// The decisions of an analysis that are neither the question (the estimand) nor the data (the sample).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Design {
    /// Confidence level of intervals, inside (0, 1); `0.95` unless a file says otherwise.
    pub level: f64,
    /// Pre-exposure covariates for adjustment, columns of the unit table. Empty: no adjustment.
    pub covariates: Vec<Variable>,
    /// Column of the unit table with a number for the cluster that a unit was assigned with: a store, a household, a
    /// day. `None`: each unit was assigned by itself.
    #[serde(default)]
    pub cluster: Option<Variable>,
    /// Column of the unit table with a number for the stratum (block, pair) within which a unit was assigned. `None`:
    /// the assignment was drawn among all units.
    #[serde(default)]
    pub stratum: Option<Variable>,
    /// Options of the estimator by name, as text; each estimator declares and validates its own.
    pub options: BTreeMap<String, String>,
    /// The population that the estimate speaks of.
    pub population: Population,
}

impl Default for Design {
    fn default() -> Self {
        Self {
            level: 0.95,
            covariates: Vec::new(),
            cluster: None,
            stratum: None,
            options: BTreeMap::new(),
            population: Population::default(),
        }
    }
}

/// Whether the enrolled units are the population or a sample of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Population {
    /// The enrolled units are a sample of those that will come: sampling of covariates adds to the variance.
    #[default]
    Sampled,
    /// The enrolled units are all that matter.
    Enrolled,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_design_without_clusters_and_strata_is_read_as_it_was() {
        let text = r#"{"level":0.9,"covariates":["x"],"options":{},"population":"enrolled"}"#;
        let design: Design = serde_json::from_str(text).unwrap();
        assert_eq!((&design.cluster, &design.stratum), (&None, &None));
        let clustered = Design { cluster: Some("store".into()), stratum: Some("region".into()), ..design };
        let text = serde_json::to_string(&clustered).unwrap();
        assert_eq!(serde_json::from_str::<Design>(&text).unwrap(), clustered);
    }
}
