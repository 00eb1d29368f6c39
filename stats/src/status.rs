//! Status words: one table from the rows, the plan and the checks to a word per effect.
//!
//! | role | condition, the first that holds | status |
//! | --- | --- | --- |
//! | any | a failed trust check | `check data` |
//! | any | plan not ended, no test at this look of a plan of several, or fewer than the minimum units | `running` |
//! | primary, secondary | whole interval inside ± the minimum effect, when one is set | `too small to matter` |
//! | | corrected test rejects, on the good side | `better` |
//! | | corrected test rejects, on the bad side | `worse` |
//! | | otherwise | `no clear effect` |
//! | guardrail | one-sided bound inside the margin | `safe` |
//! | | two-sided interval wholly on the bad side | `harmed` |
//! | | otherwise | `not shown safe` |
//!
//! A posterior has no p-value: it decides where its probability of being better leaves less on the other side than the interval of
//! the row does, without a correction for the number of tests.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::check::{CheckResult, Outcome};
use crate::error::Error;
use crate::estimand::Direction;
use crate::estimate::{Estimate, Estimates};
use crate::family::{self, Corrections, Role};

/// The word of the `status` column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Status {
    /// A trust check failed: effects are not to be read.
    #[serde(rename = "check data")]
    CheckData,
    /// The plan has not ended.
    #[serde(rename = "running")]
    Running,
    /// The whole interval lies inside the effects that do not matter.
    #[serde(rename = "too small to matter")]
    TooSmallToMatter,
    /// The corrected test rejects, on the good side.
    #[serde(rename = "better")]
    Better,
    /// The corrected test rejects, on the bad side.
    #[serde(rename = "worse")]
    Worse,
    /// None of the others: the data are compatible with no effect.
    #[serde(rename = "no clear effect")]
    NoClearEffect,
    /// The one-sided bound lies inside the margin.
    #[serde(rename = "safe")]
    Safe,
    /// The two-sided interval lies wholly on the bad side.
    #[serde(rename = "harmed")]
    Harmed,
    /// Neither safe nor harmed: the data cannot tell.
    #[serde(rename = "not shown safe")]
    NotShownSafe,
}

impl Status {
    /// Every status word.
    pub const ALL: [Self; 9] = [
        Self::CheckData,
        Self::Running,
        Self::TooSmallToMatter,
        Self::Better,
        Self::Worse,
        Self::NoClearEffect,
        Self::Safe,
        Self::Harmed,
        Self::NotShownSafe,
    ];

    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::CheckData => "check data",
            Self::Running => "running",
            Self::TooSmallToMatter => "too small to matter",
            Self::Better => "better",
            Self::Worse => "worse",
            Self::NoClearEffect => "no clear effect",
            Self::Safe => "safe",
            Self::Harmed => "harmed",
            Self::NotShownSafe => "not shown safe",
        }
    }

    /// The status of a row; `None` when it has none.
    pub fn of(row: &Estimate) -> Option<Self> {
        Self::ALL.into_iter().find(|status| row.status.as_deref() == Some(status.word()))
    }
}

/// Whether the plan has ended.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum Progress {
    /// It has, or there is no plan: what is there is all.
    #[default]
    Ended,
    /// It may go on, and each look decides about what it has a test of.
    Looking,
    /// It has not.
    Running {
        /// Share of the plan that has passed, in time or in units, when the plan names one.
        share: Option<f64>,
    },
}

/// What was fixed before looking, as far as statuses need it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rules {
    /// Whether the plan has ended.
    pub progress: Progress,
    /// Units of both arms together below which nothing is decided.
    pub minimum_units: Option<u64>,
    /// The correction of each family.
    pub corrections: Corrections,
    /// Rules by name of the metric; a metric without any is good when it is higher.
    pub metrics: BTreeMap<String, MetricRule>,
}

/// What was fixed about one metric.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MetricRule {
    /// What people call it; the name when empty.
    pub label: String,
    /// Which way is good.
    pub direction: Direction,
    /// Smallest relative effect that matters.
    pub minimum_effect: Option<f64>,
}

impl Rules {
    /// The direction of the metric of a row.
    pub(crate) fn direction(&self, metric: &str) -> Direction {
        self.metrics.get(metric).map(|rule| rule.direction).unwrap_or_default()
    }

    /// What people call a metric.
    pub(crate) fn label<'a>(&'a self, metric: &'a str) -> &'a str {
        self.metrics.get(metric).map(|rule| rule.label.as_str()).filter(|label| !label.is_empty()).unwrap_or(metric)
    }
}

/// Corrects the p-values by family, then gives every deciding effect its status.
///
/// - **Needs** rows with `role` and `decides` filled in as the plan fixed them; a guardrail's rows with the one that
///   has a margin.
/// - **Gives** `p_adjusted` on each scale, and one status per metric × arm × segment, on all its deciding rows.
///   Informational metrics get a status only when a check failed or the plan runs. A note says where only the
///   correction stands between a row and its effect.
/// - **Errors** as [`family::adjust`].
pub fn finish(estimates: &mut Estimates, rules: &Rules, checks: &[CheckResult]) -> Result<(), Error> {
    family::adjust(estimates, &rules.corrections)?;
    let failed = checks.iter().any(|check| check.outcome == Outcome::Fail);
    let mut effects: BTreeMap<[Option<String>; 4], Vec<usize>> = BTreeMap::new();
    for (at, row) in estimates.rows.iter().enumerate().filter(|(_, row)| family::is_decision(row)) {
        let key = [row.metric.clone(), row.arm.clone(), row.baseline_arm.clone(), row.segment.clone()];
        effects.entry(key).or_default().push(at);
    }
    for members in effects.into_values() {
        let rows: Vec<&Estimate> = members.iter().map(|at| &estimates.rows[*at]).collect();
        let status = if failed { Some(Status::CheckData) } else { Effect::of(&rows).status(rules) };
        for at in members {
            let row = &mut estimates.rows[at];
            row.status = status.map(|status| status.word().to_owned());
            if status == Some(Status::NoClearEffect) && rejects(row.p_value, row) && !rejects(row.p_adjusted, row) {
                row.note("Without the correction for the number of tests this would count as an effect.");
            }
        }
    }
    Ok(())
}

/// The deciding rows of one effect, told apart.
struct Effect<'a> {
    absolute: Option<&'a Estimate>,
    relative: Option<&'a Estimate>,
    margin: Option<&'a Estimate>,
}

impl<'a> Effect<'a> {
    fn of(rows: &[&'a Estimate]) -> Self {
        let find = |scale: &str, margin: bool| {
            rows.iter().copied().find(|row| row.scale.as_deref() == Some(scale) && row.margin.is_some() == margin)
        };
        Self { absolute: find("absolute", false), relative: find("relative", false), margin: find("relative", true) }
    }

    fn status(&self, rules: &Rules) -> Option<Status> {
        let row = self.absolute.or(self.relative).or(self.margin)?;
        let role = Role::of(row)?;
        let units = row.n.unwrap_or(0).saturating_add(row.n_baseline.unwrap_or(0));
        let waits = match rules.progress {
            Progress::Ended => false,
            Progress::Looking => row.p_value.is_none() && row.prob_beat.is_none(),
            Progress::Running { .. } => true,
        };
        if waits || rules.minimum_units.is_some_and(|minimum| units < minimum) {
            return Some(Status::Running);
        }
        let metric = row.metric.as_deref().unwrap_or_default();
        let bad = match rules.direction(metric) {
            Direction::Higher => -1.0,
            Direction::Lower => 1.0,
        };
        match role {
            Role::Informational => None,
            Role::Guardrail => Some(self.guardrail(bad)),
            Role::Primary | Role::Secondary => {
                let minimum = rules.metrics.get(metric).and_then(|rule| rule.minimum_effect);
                Some(self.tested(row, bad, minimum))
            }
        }
    }

    fn tested(&self, row: &Estimate, bad: f64, minimum: Option<f64>) -> Status {
        if let (Some(minimum), Some(relative)) = (minimum, self.relative)
            && relative.conf_low.is_some_and(|low| low > -minimum)
            && relative.conf_high.is_some_and(|high| high < minimum)
        {
            return Status::TooSmallToMatter;
        }
        let decided = rejects(row.p_adjusted, row) || posterior_decides(row);
        match row.estimate {
            Some(estimate) if decided && estimate * bad < 0.0 => Status::Better,
            Some(estimate) if decided && estimate * bad > 0.0 => Status::Worse,
            _ => Status::NoClearEffect,
        }
    }

    fn guardrail(&self, bad: f64) -> Status {
        // The bound lies inside the margin exactly when the test rejects; where there is no bound, nothing is shown.
        let bounded = |row: &Estimate| row.conf_low.is_some() || row.conf_high.is_some();
        let shown = |row: &Estimate| rejects(row.p_value, row) || posterior_decides(row);
        if self.margin.is_some_and(|row| shown(row) && bounded(row)) {
            return Status::Safe;
        }
        let on_bad_side = |row: &&Estimate| {
            let towards_good = if bad < 0.0 { row.conf_high } else { row.conf_low };
            towards_good.is_some_and(|end| end * bad > 0.0)
        };
        if self.absolute.as_ref().is_some_and(on_bad_side) { Status::Harmed } else { Status::NotShownSafe }
    }
}

/// Whether a posterior, which has no p-value, lies as far on one side as its credible interval says.
fn posterior_decides(row: &Estimate) -> bool {
    let (None, Some(beat), Some(level)) = (row.p_value, row.prob_beat, row.level) else { return false };
    let is_two_sided = row.alternative.as_deref() == Some("two_sided");
    let outside = if is_two_sided { (1.0 - level) / 2.0 } else { 1.0 - level };
    beat > 1.0 - outside || is_two_sided && beat < outside
}

fn rejects(p: Option<f64>, row: &Estimate) -> bool {
    p.zip(row.level).is_some_and(|(p, level)| p < 1.0 - level)
}
