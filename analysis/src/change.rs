//! What is changed of an experiment for one analysis.

use std::collections::BTreeMap;

use estimand_metrics::definition::{Experiment, OptionValue};
use estimand_stats::estimator;
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// What the command line changes of an experiment for one analysis.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Change {
    /// Only these metrics, when there are any.
    pub metrics: Vec<String>,
    /// Only these dimensions, when there are any.
    pub dimensions: Vec<String>,
    /// Another estimator.
    pub estimator: Option<String>,
    /// More options.
    pub options: BTreeMap<String, String>,
    /// Another level.
    pub level: Option<f64>,
}

impl Change {
    /// The experiment as it is asked for this once.
    ///
    /// # Errors
    /// [`Error::NotInExperiment`] for a metric or dimension that it does not have, [`Error::Estimator`] for an estimator that
    /// does not exist.
    pub(crate) fn apply(&self, experiment: &Experiment) -> Result<Experiment, Error> {
        let mut experiment = experiment.clone();
        if !self.metrics.is_empty() {
            for name in &self.metrics {
                if !experiment.metrics.iter().any(|entry| entry.metric == *name) {
                    let known: Vec<String> =
                        experiment.metrics.iter().map(|entry| format!("`{}`", entry.metric)).collect();
                    return Err(Error::NotInExperiment {
                        what: "metric",
                        name: name.clone(),
                        experiment: experiment.name.clone(),
                        known: known.join(", "),
                    });
                }
            }
            experiment.metrics.retain(|entry| self.metrics.contains(&entry.metric));
        }
        if !self.dimensions.is_empty() {
            for name in &self.dimensions {
                if !experiment.dimensions.iter().any(|dimension| dimension.name == *name) {
                    let known: Vec<String> =
                        experiment.dimensions.iter().map(|one| format!("`{}`", one.name)).collect();
                    return Err(Error::NotInExperiment {
                        what: "dimension",
                        name: name.clone(),
                        experiment: experiment.name.clone(),
                        known: if known.is_empty() { "none".to_owned() } else { known.join(", ") },
                    });
                }
            }
            experiment.dimensions.retain(|dimension| self.dimensions.contains(&dimension.name));
        }
        if let Some(level) = self.level {
            experiment.analysis.level = level;
            experiment.analysis.alpha = (1.0 - level) / 2.0;
        }
        if let Some(name) = &self.estimator {
            estimator::by_name(name)?;
            experiment.analysis.estimator.clone_from(&self.estimator);
            // Who names one on the way means every metric.
            experiment.analysis.by_metric.clear();
        }
        let options = self.options.iter().map(|(name, value)| (name.clone(), OptionValue::Text(value.clone())));
        experiment.analysis.options.extend(options);
        Ok(experiment)
    }
}
