//! Analysis of summary numbers: n, mean and variance per arm, when only those are known.
//!
//! ```toml
//! control = "A"
//!
//! [[metrics]]
//! name = "revenue"
//! arms = [
//!     { arm = "A", n = 3407, mean = 0.41, variance = 15.21 },
//!     { arm = "B", n = 3461, mean = 0.70, variance = 38.44 },
//! ]
//! ```
//!
//! A proportion gives `successes` in place of mean and variance. A ratio, or an adjustment by covariates, names its
//! `variables` once and gives `means` and the `covariance` matrix per arm, in the order of the variables: the outcome (or
//! numerator and denominator) first, covariates after it.

use std::collections::BTreeMap;

use estimand_stats::design::Design;
use estimand_stats::estimand::{Direction, Estimand, Hypothesis, Summary as Summarised};
use estimand_stats::estimate::Estimates;
use estimand_stats::estimator;
use estimand_stats::sample::{ArmSample, Sample};
use estimand_stats::suffstat::CoMoments;
use serde::Deserialize;

/// What a summary file says.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// The arm compared against.
    pub control: String,
    /// Confidence level; 0.95 unless given.
    #[serde(default = "usual_level")]
    pub level: f64,
    /// The metrics.
    pub metrics: Vec<SummaryMetric>,
}

/// One metric of a summary file.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SummaryMetric {
    /// Its name.
    pub name: String,
    /// How it is summarised; `mean` unless given, `proportion` when arms have successes.
    pub kind: Option<Kind>,
    /// Which way is good; `higher` unless given.
    #[serde(default)]
    pub direction: Direction,
    /// Relative margin; makes the test one of non-inferiority.
    pub margin: Option<f64>,
    /// The estimator; chosen by kind and covariates unless given.
    pub estimator: Option<String>,
    /// Options of the estimator.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
    /// Names of the variables of `means` and `covariance`.
    #[serde(default)]
    pub variables: Vec<String>,
    /// The arms.
    pub arms: Vec<SummaryArm>,
}

/// How a metric of a summary is summarised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Mean of one variable.
    Mean,
    /// Share of ones.
    Proportion,
    /// Mean over mean.
    Ratio,
}

/// One arm of a metric.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SummaryArm {
    /// Its name.
    pub arm: String,
    /// Units.
    pub n: u64,
    /// Mean of the outcome.
    pub mean: Option<f64>,
    /// Sample variance of the outcome (divided by n − 1).
    pub variance: Option<f64>,
    /// Units with an outcome of 1.
    pub successes: Option<u64>,
    /// Means in the order of `variables`.
    pub means: Option<Vec<f64>>,
    /// Sample covariance matrix in the order of `variables` (divided by n − 1).
    pub covariance: Option<Vec<Vec<f64>>>,
}

/// What is wrong with a summary.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is no summary file.
    #[error(
        "{place}: {message}; a summary has `control` and `[[metrics]]` with `arms = [{{ arm, n, mean, variance }}, …]`"
    )]
    Syntax {
        /// File, line and column.
        place: String,
        /// What the reader says.
        message: String,
    },
    /// A number is missing, there twice, or out of range.
    #[error("metric `{metric}`, arm `{arm}`: `{field}` {message}")]
    Field {
        /// The metric.
        metric: String,
        /// The arm.
        arm: String,
        /// The field.
        field: String,
        /// What is wrong and how to mend it.
        message: String,
    },
    /// The statistics cannot be made.
    #[error("metric `{metric}`, arm `{arm}`: {source}")]
    Statistics {
        /// The metric.
        metric: String,
        /// The arm.
        arm: String,
        /// Why.
        source: estimand_stats::suffstat::Error,
    },
    /// The estimator refuses.
    #[error(transparent)]
    Estimator(#[from] estimand_stats::Error),
}

fn usual_level() -> f64 {
    0.95
}

impl Summary {
    /// Reads TOML, or JSON when the text starts with a brace.
    ///
    /// # Errors
    /// [`Error::Syntax`] with the place.
    pub fn parse(file: &str, text: &str) -> Result<Self, Error> {
        if text.trim_start().starts_with('{') {
            return serde_json::from_str(text).map_err(|error| Error::Syntax {
                place: format!("{file}:{}:{}", error.line(), error.column()),
                message: error.to_string(),
            });
        }
        toml::from_str(text).map_err(|error: toml::de::Error| {
            let start = error.span().map_or(0, |span| span.start).min(text.len());
            let before = text.get(..start).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
            Error::Syntax { place: format!("{file}:{line}:{column}"), message: error.message().to_owned() }
        })
    }

    /// Rows for every metric and every arm but the control.
    ///
    /// # Errors
    /// A field that is missing or out of range, and what the estimators refuse.
    pub fn estimate(&self) -> Result<Estimates, Error> {
        let mut estimates = Estimates::default();
        for metric in &self.metrics {
            estimates.append(metric.estimate(self)?);
        }
        Ok(estimates)
    }
}

impl SummaryMetric {
    fn kind(&self) -> Kind {
        let counts = self.arms.iter().all(|arm| arm.successes.is_some());
        self.kind.unwrap_or(if counts && !self.arms.is_empty() { Kind::Proportion } else { Kind::Mean })
    }

    fn variables(&self) -> Vec<String> {
        if self.variables.is_empty() { vec![self.name.clone()] } else { self.variables.clone() }
    }

    fn estimate(&self, summary: &Summary) -> Result<Estimates, Error> {
        let variables = self.variables();
        let variable = |index: usize| {
            variables.get(index).cloned().ok_or_else(|| Error::Field {
                metric: self.name.clone(),
                arm: "*".to_owned(),
                field: "variables".to_owned(),
                message: "names too few variables; a ratio has a numerator and a denominator".to_owned(),
            })
        };
        let (summarised, outcomes) = match self.kind() {
            Kind::Mean => (Summarised::Mean { outcome: variable(0)? }, 1),
            Kind::Proportion => (Summarised::Proportion { outcome: variable(0)? }, 1),
            Kind::Ratio => (Summarised::Ratio { numerator: variable(0)?, denominator: variable(1)? }, 2),
        };
        let covariates: Vec<String> = variables.iter().skip(outcomes).cloned().collect();
        let arms = self.arms.iter().map(|arm| arm.sample(self, &variables)).collect::<Result<_, _>>()?;
        let sample = Sample { arms };
        let design = Design { level: summary.level, covariates, options: self.options.clone(), ..Design::default() };
        let usual = estimator::usual(summarised.kind(), &design);
        let rule = estimator::by_name(self.estimator.as_deref().unwrap_or(usual))?;
        let mut estimates = Estimates::default();
        for arm in self.arms.iter().filter(|arm| arm.arm != summary.control) {
            let estimand = Estimand {
                metric: self.name.clone(),
                summary: summarised.clone(),
                arm: arm.arm.clone(),
                baseline_arm: summary.control.clone(),
                hypothesis: self.margin.map_or(Hypothesis::TwoSided, |margin| Hypothesis::NonInferiority { margin }),
                direction: self.direction,
                unit: "unit".to_owned(),
                population: "all units summarised".to_owned(),
                window: String::new(),
            };
            let mut rows = rule.estimate(&estimand, &design, &sample)?;
            for row in &mut rows.rows {
                row.decides = Some(true);
            }
            estimates.append(rows);
        }
        Ok(estimates)
    }
}

impl SummaryArm {
    fn sample(&self, metric: &SummaryMetric, variables: &[String]) -> Result<ArmSample, Error> {
        let field = |field: &str, message: &str| Error::Field {
            metric: metric.name.clone(),
            arm: self.arm.clone(),
            field: field.to_owned(),
            message: message.to_owned(),
        };
        let statistics = |source| Error::Statistics { metric: metric.name.clone(), arm: self.arm.clone(), source };
        let comoments = match (self.successes, self.mean, &self.means) {
            (Some(successes), None, None) => {
                if successes > self.n {
                    return Err(field("successes", "is larger than `n`"));
                }
                counted(self.n, successes).map_err(statistics)?
            }
            (None, Some(mean), None) => {
                let variance = self.variance.ok_or_else(|| field("variance", "is missing beside `mean`"))?;
                CoMoments::from_summary(self.n, &[mean], &[vec![variance]]).map_err(statistics)?
            }
            (None, None, Some(means)) => {
                let covariance =
                    self.covariance.as_ref().ok_or_else(|| field("covariance", "is missing beside `means`"))?;
                if means.len() != variables.len() {
                    return Err(field("means", "has another length than `variables`"));
                }
                CoMoments::from_summary(self.n, means, covariance).map_err(statistics)?
            }
            (None, None, None) => {
                return Err(field(
                    "mean",
                    "is missing; give `mean` and `variance`, or `successes`, or `means` and `covariance`",
                ));
            }
            _ => return Err(field("mean", "stands beside another way to give the same; give one of them")),
        };
        Ok(ArmSample {
            arm: self.arm.clone(),
            units: self.n,
            comoments: vec![(variables.to_vec(), Some(comoments))],
            ..ArmSample::default()
        })
    }
}

/// Moments of `successes` ones and the rest zeros.
fn counted(n: u64, successes: u64) -> Result<CoMoments, estimand_stats::suffstat::Error> {
    let (n_units, ones) = (n as f64, successes as f64);
    let variance = if n > 1 { ones * (n_units - ones) / (n_units * (n_units - 1.0)) } else { 0.0 };
    let mean = if n > 0 { ones / n_units } else { 0.0 };
    CoMoments::from_summary(n, &[mean], &[vec![variance]])
}
