//! What an analysis answers.

use std::collections::BTreeMap;

use estimand_stats::check::{CheckResult, Outcome};
use estimand_stats::estimate::Estimates;
use estimand_viz::Figure;
use estimand_viz::number::Measure;
use serde::Serialize;

use crate::report::ReportModel;

/// The answer of an analysis: numbers first, words made of them after.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Answered {
    /// The conclusion in one sentence.
    pub verdict: String,
    /// What was checked before reading effects.
    pub checks: Vec<CheckResult>,
    /// The result table.
    pub estimates: Estimates,
    /// How the numbers of each metric are written.
    #[serde(skip)]
    pub measures: BTreeMap<String, Measure>,
    /// The report, before it is a page.
    #[serde(skip)]
    pub report: ReportModel,
    /// The deciding effects as a figure, for a notebook; `None` when there is none.
    #[serde(skip)]
    pub forest: Option<Figure>,
}

impl Answered {
    /// Whether a check forbids reading the effects.
    pub fn has_failed_check(&self) -> bool {
        self.checks.iter().any(|check| check.outcome == Outcome::Fail)
    }
}
