//! Families: which tests are corrected together.
//!
//! | role | family | correction unless a file says otherwise |
//! | --- | --- | --- |
//! | primary | all primary metrics × arms | Holm |
//! | secondary | all secondary metrics × arms | Benjamini–Hochberg |
//! | guardrail | each by itself: safety is claimed one by one, each at its own level | none |
//! | informational | not tested | |
//! | segments of a primary or secondary metric | one metric × the values of one dimension × arms | Benjamini–Hochberg |
//!
//! Only deciding rows of the effect itself belong to a family: rows shown beside them, terms of a model and points in
//! time do not.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::estimate::{Estimate, Estimates};
use crate::multiplicity::Correction;

/// The part a metric plays in the decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Decides.
    Primary,
    /// Explains.
    Secondary,
    /// Must not get worse.
    Guardrail,
    /// Shown, not tested.
    Informational,
}

impl Role {
    /// All of them, in the order of a report.
    pub const ALL: [Self; 4] = [Self::Primary, Self::Guardrail, Self::Secondary, Self::Informational];

    /// The word of the `role` column.
    pub fn name(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Secondary => "secondary",
            Self::Guardrail => "guardrail",
            Self::Informational => "informational",
        }
    }

    /// The role of a row; `None` when it names none.
    pub fn of(row: &Estimate) -> Option<Self> {
        Self::ALL.into_iter().find(|role| row.role.as_deref() == Some(role.name()))
    }
}

/// The correction of each family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Corrections {
    /// Of primary metrics × arms.
    pub primary: Correction,
    /// Of secondary metrics × arms.
    pub secondary: Correction,
    /// Of the values of one dimension for one metric.
    pub segments: Correction,
}

impl Default for Corrections {
    fn default() -> Self {
        Self {
            primary: Correction::Holm,
            secondary: Correction::BenjaminiHochberg,
            segments: Correction::BenjaminiHochberg,
        }
    }
}

/// A set of tests that are corrected together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// Primary metrics × arms.
    Primary,
    /// Secondary metrics × arms.
    Secondary,
    /// The values of one dimension for one metric, over arms.
    Segments {
        /// Name of the metric.
        metric: String,
        /// Name of the dimension.
        dimension: String,
    },
    /// A guardrail by itself.
    Alone,
}

impl Family {
    /// The family of a row; `None` when it is not tested.
    pub fn of(row: &Estimate) -> Option<Self> {
        let role = Role::of(row)?;
        if !is_decision(row) || role == Role::Informational {
            return None;
        }
        if role == Role::Guardrail {
            return Some(Self::Alone);
        }
        Some(match &row.segment {
            Some(segment) => Self::Segments {
                metric: row.metric.clone().unwrap_or_default(),
                dimension: segment.split('=').next().unwrap_or_default().to_owned(),
            },
            None if role == Role::Primary => Self::Primary,
            None => Self::Secondary,
        })
    }

    fn correction(&self, corrections: &Corrections) -> Correction {
        match self {
            Self::Primary => corrections.primary,
            Self::Secondary => corrections.secondary,
            Self::Segments { .. } => corrections.segments,
            Self::Alone => Correction::None,
        }
    }
}

/// Whether a row is a deciding row of the effect itself, and not of a term, a point in time or a cohort. A quantile that
/// somebody asked for is an effect like a mean.
pub fn is_decision(row: &Estimate) -> bool {
    row.decides == Some(true) && row.term.is_none() && row.period.is_none() && row.cohort.is_none()
}

/// Fills in `p_adjusted` of every row that belongs to a family.
///
/// The absolute and the relative row of one effect are two readings of one test, so each scale is a family of its own
/// and the number of tests is that of metrics × arms. A test without p-value does not count.
///
/// - **Errors** with [`Error::OutOfRange`] for a p-value outside [0, 1], which no built-in estimator gives.
pub fn adjust(estimates: &mut Estimates, corrections: &Corrections) -> Result<(), Error> {
    let mut families: BTreeMap<(Family, bool, Option<String>), Vec<usize>> = BTreeMap::new();
    for (at, row) in estimates.rows.iter().enumerate() {
        if let Some(family) = Family::of(row) {
            families.entry((family, row.margin.is_some(), row.scale.clone())).or_default().push(at);
        }
    }
    for ((family, ..), members) in families {
        let p_values: Vec<Option<f64>> = members.iter().map(|at| estimates.rows[*at].p_value).collect();
        let adjusted = family.correction(corrections).adjust(&p_values).map_err(|error| Error::OutOfRange {
            field: "p_value".to_owned(),
            value: error.value.to_string(),
            expected: "a probability lies between 0 and 1".to_owned(),
        })?;
        for (at, p) in members.into_iter().zip(adjusted) {
            estimates.rows[at].p_adjusted = p;
        }
    }
    Ok(())
}
