//! What is asked of one metric: the estimands, and the estimators that answer them.

use estimand_stats::design::Design;
use estimand_stats::estimand::{Direction, Estimand, Hypothesis, Summary};

use crate::definition::{Metric, Role, RoleKind};

/// What is asked of one metric in one experiment.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// The metric.
    pub metric: Metric,
    /// The part it plays.
    pub role: Role,
    /// The answers asked for: the one that decides first, then those shown beside it.
    pub asked: Vec<Asked>,
    /// Who is counted, in words.
    pub population: String,
    /// When the outcome is counted, in words.
    pub window: String,
    /// What is assigned.
    pub unit: String,
}

/// One answer asked for: a summary of columns, an estimator and its design.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// The columns and how they are summarised.
    pub summary: Summary,
    /// Name of the estimator.
    pub estimator: String,
    /// Level, covariates, options.
    pub design: Design,
    /// Whether it decides; fixed before looking.
    pub decides: bool,
    /// What sets it apart from the one that decides, such as `unadjusted`; empty for that one.
    pub variant: &'static str,
}

impl Question {
    /// The estimand of one answer for one pair of arms.
    pub fn estimand(&self, asked: &Asked, arm: &str, baseline_arm: &str) -> Estimand {
        Estimand {
            metric: self.metric.name.clone(),
            summary: asked.summary.clone(),
            arm: arm.to_owned(),
            baseline_arm: baseline_arm.to_owned(),
            hypothesis: match self.role {
                Role::Guardrail { margin } => Hypothesis::NonInferiority { margin },
                Role::Primary | Role::Secondary | Role::Informational => Hypothesis::TwoSided,
            },
            direction: match self.metric.direction {
                crate::definition::Direction::Higher => Direction::Higher,
                crate::definition::Direction::Lower => Direction::Lower,
            },
            unit: self.unit.clone(),
            population: self.population.clone(),
            window: self.window.clone(),
        }
    }

    /// The role without its settings.
    pub fn role_kind(&self) -> RoleKind {
        self.role.kind()
    }
}
