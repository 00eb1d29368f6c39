//! A metric's own history: what an experiment of the past, or one that runs, says for planning.

use std::collections::BTreeMap;

use estimand_metrics::collect::{self, Doing};
use estimand_metrics::definition::RoleKind;
use estimand_metrics::plan::lower::UnitState;
use estimand_stats::estimand::{Direction, Summary};
use estimand_stats::planning::{Adjustment, Outcome, Progress};
use estimand_stats::suffstat::CoMoments;

use crate::analyze::{Prepared, Request, Target, prepare};
use crate::error::Error;

/// What the units of an experiment say of one of its metrics, and how the experiment was planned.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    /// The outcome in the control arm, where nothing was changed.
    pub outcome: Outcome,
    /// What the covariates of the metric explain there.
    pub adjustment: Adjustment,
    /// Which way is good.
    pub direction: Direction,
    /// Confidence level.
    pub level: f64,
    /// Planned weights of the arms, the control first.
    pub weights: Vec<f64>,
    /// Tests in the family of primary metrics: metrics × arms.
    pub tests: u32,
    /// New units on each day, from the first to the last that is complete; empty without times.
    pub new_units: Vec<f64>,
    /// Where the experiment stands; `None` while an arm has fewer than two units.
    pub progress: Option<Progress>,
}

/// Reads the history of the first metric that is asked of an experiment.
///
/// # Errors
/// As [`analyze`](crate::analyze::analyze); [`Error::NoHistory`] where there is nothing to plan from.
pub async fn history(request: &Request, say: &(dyn Fn(&str) + Send + Sync)) -> Result<History, Error> {
    say("reading definitions");
    let Prepared { plan, opened, .. } = prepare(request).await?;
    let none = |why: &str| Error::NoHistory { experiment: plan.experiment.name.clone(), why: why.to_owned() };
    let question = plan.questions.first().ok_or_else(|| none("it has no such metric"))?;
    let asked = question.asked.first().ok_or_else(|| none("it asks nothing of the metric"))?;
    let progress = |doing: Doing<'_>| say(&doing.to_string());
    let collected = collect::collect(opened.engine.as_ref(), &plan, &progress).await?;
    opened.unchanged()?;
    let metric = question.metric.name.as_str();
    let outcomes = asked.summary.variables();
    let moments = |arm: &str, variables: &[String]| -> Result<Option<CoMoments>, Error> {
        Ok(collected.all.arm(metric, arm)?.comoments(metric, variables)?)
    };
    let control = plan.experiment.control.as_str();
    let arms: Vec<&str> =
        std::iter::once(control).chain(plan.experiment.treatments().map(|arm| arm.name.as_str())).collect();
    let own = moments(control, &outcomes)?.ok_or_else(|| none("no unit of the control arm has a value"))?;
    let outcome = match asked.summary {
        Summary::Mean { .. } => Outcome::of_history(&own.moments(0))?,
        Summary::Proportion { .. } => Outcome::proportion(own.mean(0)),
        Summary::Ratio { .. } => Outcome::ratio_of_history(&own)?,
        _ => return Err(none("a plan is for a mean, a share or a ratio")),
    };
    let is_ratio = matches!(asked.summary, Summary::Ratio { .. });
    let adjustment = if asked.design.covariates.is_empty() || is_ratio {
        Adjustment::None
    } else {
        let variables: Vec<String> = outcomes.iter().chain(&asked.design.covariates).cloned().collect();
        match moments(control, &variables)? {
            Some(joint) => Adjustment::of_history(&joint)?,
            None => Adjustment::None,
        }
    };
    let new_units = new_units(&collected.census);
    let days = u32::try_from(new_units.len()).unwrap_or(u32::MAX);
    let so_far: Option<Vec<CoMoments>> =
        arms.iter().map(|arm| moments(arm, &outcomes)).collect::<Result<Option<_>, Error>>()?;
    let progress = so_far.and_then(|arms| {
        if is_ratio {
            return Progress::of_ratio(&arms, days).ok();
        }
        let moments: Vec<_> = arms.iter().map(|arm| arm.moments(0)).collect();
        Progress::of_moments(&outcome, &moments, days).ok()
    });
    let weight = |name: &&str| {
        let arm = plan.experiment.arms.iter().find(|arm| arm.name == **name);
        arm.map(|arm| arm.allocation).filter(|share| *share > 0.0).unwrap_or(1.0)
    };
    // The family as the experiment has it, and not as it is asked for this once.
    let whole = match &request.target {
        Target::Experiment { project, name, .. } => project.experiment(name),
        Target::File(_) => None,
    };
    let primary = whole.unwrap_or(&plan.experiment).metrics_of(RoleKind::Primary).count().max(1);
    Ok(History {
        outcome,
        adjustment,
        direction: question.estimand(asked, control, control).direction,
        level: plan.experiment.analysis.level,
        weights: arms.iter().map(weight).collect(),
        tests: u32::try_from(primary * (arms.len() - 1).max(1)).unwrap_or(u32::MAX),
        new_units,
        progress,
    })
}

/// New units by day without the last, which may not be over.
fn new_units(census: &[collect::CensusRow]) -> Vec<f64> {
    let mut days: BTreeMap<&str, f64> = BTreeMap::new();
    for row in census.iter().filter(|row| row.state == UnitState::Counted.word()) {
        if let Some(day) = &row.day {
            *days.entry(day).or_default() += row.units as f64;
        }
    }
    if days.len() > 1 {
        days.pop_last();
    }
    days.into_values().collect()
}
