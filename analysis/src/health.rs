//! Evidence for the trust checks, from what was collected.

use std::collections::BTreeMap;

use estimand_metrics::collect::Collected;
use estimand_metrics::definition::PlanKind;
use estimand_metrics::plan::Plan;
use estimand_metrics::plan::lower::UnitState;
use estimand_stats::check::{
    self, ArmCounts, CheckResult, CovariateMoments, DimensionCounts, Evidence, Missing, SampleRatioMethod,
    SmallestEffect, UnitsApart,
};
use estimand_stats::estimate::Estimates;
use estimand_stats::suffstat::CoMoments;

/// Runs every check on a plan's data.
pub fn checks(plan: &Plan, collected: &Collected, estimates: &Estimates) -> Vec<CheckResult> {
    check::run(&evidence(plan, collected, estimates))
}

fn evidence(plan: &Plan, collected: &Collected, estimates: &Estimates) -> Evidence {
    Evidence {
        arms: arms(plan, collected),
        two_arm_units: plan
            .specification
            .enrolment
            .unit_column
            .as_ref()
            .map(|_| in_state(collected, UnitState::TwoArms)),
        set_apart: plan.specification.enrolment.unit_column.as_ref().map(|_| set_apart(collected)),
        dimensions: dimensions(plan, collected),
        covariates: covariates(plan, collected),
        missing: missing(plan, collected),
        effects: effects(plan, estimates),
        sample_ratio: match plan.experiment.plan.kind {
            PlanKind::Fixed => SampleRatioMethod::ChiSquared,
            PlanKind::GroupSequential | PlanKind::Sequential => SampleRatioMethod::SEQUENTIAL,
        },
    }
}

/// What is not counted, by reason; units in two arms have a check of their own.
fn set_apart(collected: &Collected) -> Vec<UnitsApart> {
    let blank = collected.census.iter().filter(|row| row.state == UnitState::Blank.word());
    // Rows without an id are nobody knows how many units.
    let blank = (blank.map(|row| row.rows).sum(), "rows without an id", true);
    let of = |state, reason, is_fault| (in_state(collected, state), reason, is_fault);
    [
        blank,
        of(UnitState::NoTime, "units without a time", true),
        of(UnitState::BeforeStart, "units exposed before the start", false),
        of(UnitState::AfterEnd, "units exposed after the end", false),
        of(UnitState::Untriggered, "units that never met the trigger", false),
    ]
    .into_iter()
    .map(|(units, reason, is_fault)| UnitsApart { reason: reason.to_owned(), units, is_fault })
    .collect()
}

/// Units in one state over all arms.
pub fn in_state(collected: &Collected, state: UnitState) -> u64 {
    collected.census.iter().filter(|row| row.state == state.word()).map(|row| row.units).sum()
}

fn arms(plan: &Plan, collected: &Collected) -> Vec<ArmCounts> {
    let count = |arm: &str, states: &[UnitState]| -> u64 {
        let of_arm = collected.census.iter().filter(|row| row.arm.as_deref() == Some(arm));
        of_arm.filter(|row| states.iter().any(|state| row.state == state.word())).map(|row| row.units).sum()
    };
    let arm = |arm: &estimand_metrics::definition::Arm| ArmCounts {
        arm: arm.name.clone(),
        weight: arm.allocation,
        // The first arm of every enrolled unit, before units of two arms are set apart.
        assigned: count(&arm.name, &[UnitState::Counted, UnitState::TwoArms, UnitState::Untriggered]),
        counted: count(&arm.name, &[UnitState::Counted]),
    };
    plan.experiment.arms.iter().map(arm).collect()
}

fn dimensions(plan: &Plan, collected: &Collected) -> Vec<DimensionCounts> {
    let mut counts = Vec::new();
    for (dimension, rows) in &collected.census_by {
        let mut by_value: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
        for (arm, value, units) in rows {
            let Some(at) = plan.experiment.arms.iter().position(|one| one.name == *arm) else { continue };
            let assigned = by_value.entry(value).or_insert_with(|| vec![0; plan.experiment.arms.len()]);
            if let Some(cell) = assigned.get_mut(at) {
                *cell += units;
            }
        }
        counts.extend(by_value.into_iter().map(|(value, assigned)| DimensionCounts {
            dimension: dimension.clone(),
            value: value.to_owned(),
            assigned,
        }));
    }
    counts
}

fn covariates(plan: &Plan, collected: &Collected) -> Vec<CovariateMoments> {
    let mut names: Vec<&String> =
        plan.questions.iter().flat_map(|question| &question.asked).flat_map(|asked| &asked.design.covariates).collect();
    names.sort();
    names.dedup();
    names
        .into_iter()
        .filter(|name| !name.ends_with(".missing"))
        .map(|name| CovariateMoments {
            covariate: name.strip_suffix(".filled").unwrap_or(name).to_owned(),
            arms: collected
                .all
                .arms
                .iter()
                .map(|arm| {
                    arm.comoments.iter().find_map(|(variables, block)| {
                        let at = variables.iter().position(|variable| variable == name)?;
                        block.as_ref().map(|block| block.moments(at))
                    })
                })
                .collect(),
        })
        .collect()
}

fn missing(plan: &Plan, collected: &Collected) -> Vec<Missing> {
    let of = |question: &estimand_metrics::plan::Question| -> Option<Missing> {
        let variables = question.asked.first()?.summary.variables();
        let lacking = collected.all.arms.iter().map(|arm| {
            let own = |(names, _): &&(Vec<String>, Option<CoMoments>)| names.starts_with(&variables);
            arm.comoments
                .iter()
                .find(own)
                .map_or(0, |(_, block)| arm.units.saturating_sub(block.as_ref().map_or(0, CoMoments::n)))
        });
        Some(Missing { metric: question.metric.name.clone(), missing: lacking.collect() })
    };
    plan.questions.iter().filter_map(of).collect()
}

fn effects(plan: &Plan, estimates: &Estimates) -> Vec<SmallestEffect> {
    let deciding = |row: &&estimand_stats::Estimate| {
        row.decides == Some(true)
            && row.scale.as_deref() == Some("relative")
            && row.margin.is_none()
            && row.segment.is_none()
            && row.period.is_none()
    };
    estimates
        .rows
        .iter()
        .filter(deciding)
        .filter_map(|row| {
            let metric = row.metric.clone()?;
            Some(SmallestEffect {
                minimum: plan.experiment.plan.minimum_effect.get(&metric).copied(),
                arm: row.arm.clone()?,
                std_error: row.std_error?,
                df: row.df,
                level: row.level?,
                metric,
            })
        })
        .collect()
}
