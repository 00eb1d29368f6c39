//! How a plan of more than one look tunes the estimator that decides.
//!
//! A plan counts units over all arms; an estimator sees those of two arms, of a segment, or with a value of one metric. Both stand
//! in the same ratio at every look, so what the plan says is scaled by it.

use std::borrow::Cow;

use estimand_metrics::definition::PlanKind;
use estimand_metrics::plan::{Asked, Plan};
use estimand_stats::sample::{ArmSample, Sample};
use estimand_stats::suffstat::CoMoments;
use estimand_stats::{Design, Estimand};

const PLANNED_UNITS: &str = "planned_units";
const UNITS_AT_EARLIER_LOOKS: &str = "units_at_earlier_looks";

/// The design of an answer, with the units at which the plan looks; options that somebody gave stay as they are.
///
/// `until_a_day`: the sample is of the units up to a day, and looks after that day were not taken by then.
pub(crate) fn design<'a>(
    plan: &Plan,
    asked: &'a Asked,
    estimand: &Estimand,
    sample: &Sample,
    whole: &Sample,
    until_a_day: bool,
) -> Cow<'a, Design> {
    let planned = &plan.experiment.plan;
    if planned.kind.estimator() != Some(asked.estimator.as_str()) {
        return Cow::Borrowed(&asked.design);
    }
    let now = pair(estimand, sample);
    let total: u64 = whole.arms.iter().map(|arm| arm.units).sum();
    // Up to a day the plan is that of all units; in a segment it is a part of it.
    let seen = if until_a_day { pair(estimand, whole) } else { now };
    if total == 0 || seen == 0 {
        return Cow::Borrowed(&asked.design);
    }
    let scaled = |units: u64| units as f64 * (seen as f64 / total as f64);
    let mut design = asked.design.clone();
    if let Some(units) = planned.units {
        let units = scaled(units).max(2.0).to_string();
        design.options.entry(PLANNED_UNITS.to_owned()).or_insert(units);
    }
    if planned.kind == PlanKind::GroupSequential {
        let taken = planned.looks_taken.iter().map(|units| scaled(*units));
        let taken: Vec<String> =
            taken.filter(|units| !until_a_day || *units < now as f64).map(|units| units.to_string()).collect();
        design.options.entry(UNITS_AT_EARLIER_LOOKS.to_owned()).or_insert(taken.join(" "));
    }
    Cow::Owned(design)
}

/// Units of both arms of a question that have a value.
fn pair(estimand: &Estimand, sample: &Sample) -> u64 {
    let arms = sample.arms.iter().filter(|arm| [&estimand.arm, &estimand.baseline_arm].contains(&&arm.arm));
    arms.map(|arm| with_a_value(estimand, arm)).sum()
}

fn with_a_value(estimand: &Estimand, arm: &ArmSample) -> u64 {
    let variables = estimand.summary.variables();
    let of_all = |(names, block): &(Vec<String>, Option<CoMoments>)| {
        let holds = variables.iter().all(|variable| names.contains(variable));
        block.as_ref().filter(|_| holds).map(CoMoments::n)
    };
    arm.comoments.iter().filter_map(of_all).max().unwrap_or(arm.units)
}
