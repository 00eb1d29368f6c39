//! What an analysis answers.

use std::collections::BTreeMap;

use estimand_stats::check::{CheckResult, Outcome};
use estimand_stats::estimate::Estimates;
use estimand_stats::verdict::Verdict;
use estimand_viz::Figure;
use estimand_viz::number::Measure;
use serde::Serialize;

use crate::figures;
use crate::programme::Programme;
use crate::report::ReportModel;
use crate::run::{Inputs, Log};

/// The answer of an analysis: numbers first, words made of them after.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Answered {
    /// The conclusion: what it rests on, and the sentence.
    pub verdict: Verdict,
    /// What was checked before reading effects.
    pub checks: Vec<CheckResult>,
    /// The result table.
    pub estimates: Estimates,
    /// What many experiments say together, when that was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub programme: Option<Programme>,
    /// How the numbers of each metric are written.
    #[serde(skip)]
    pub measures: BTreeMap<String, Measure>,
    /// The report, before it is a page.
    #[serde(skip)]
    pub report: ReportModel,
    /// The deciding effects as a figure, for a notebook; `None` when there is none.
    #[serde(skip)]
    pub forest: Option<Figure>,
    /// Everything that may have changed it; `None` for summary numbers, which stand in the question itself.
    #[serde(skip)]
    pub inputs: Option<Inputs>,
    /// When it was made and how long each step took.
    #[serde(skip)]
    pub log: Log,
}

impl Answered {
    /// The answer that a stored report tells.
    ///
    /// # Errors
    /// [`estimand_viz::Error`] when the rows of the report cannot be drawn.
    pub fn of_report(report: ReportModel, verdict: Verdict) -> Result<Self, estimand_viz::Error> {
        let measures = report.metrics.iter().map(|card| (card.name.clone(), card.measure())).collect();
        Ok(Self {
            verdict,
            checks: report.checks.clone(),
            estimates: report.estimates.clone(),
            forest: figures::forest("Effects", &report.estimates, &measures)?,
            measures,
            report,
            ..Self::default()
        })
    }

    /// Whether a check forbids reading the effects.
    pub fn has_failed_check(&self) -> bool {
        self.checks.iter().any(|check| check.outcome == Outcome::Fail)
    }
}
