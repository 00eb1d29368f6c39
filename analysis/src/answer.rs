//! From statistics per arm to rows of the result table: every question, every arm, every cut.

use std::collections::BTreeMap;

use estimand_metrics::collect::Collected;
use estimand_metrics::plan::{Asked, Plan, Question};
use estimand_stats::estimate::Estimates;
use estimand_stats::estimator;
use estimand_stats::sample::{ArmSample, ExactArmSample, Sample};
use estimand_stats::{Design, Error, Estimand};

use estimand_metrics::definition::RoleKind;

/// Levels of the inner intervals: half, and four fifths, of what a repetition would give.
pub const INNER_LEVELS: [f64; 2] = [0.5, 0.8];

/// Answers every question of `plan` for all counted units.
///
/// # Errors
/// The first estimator that cannot answer; a metric that has too few units gives a row with a note instead.
pub fn overall(plan: &Plan, collected: &Collected) -> Result<Estimates, Error> {
    let mut estimates = Estimates::default();
    for question in &plan.questions {
        for asked in &question.asked {
            estimates.append(arms(plan, question, asked, &collected.all)?);
        }
    }
    Ok(estimates)
}

/// The deciding answers again at [`INNER_LEVELS`]: the thick parts of an interval's bar.
///
/// # Errors
/// As [`overall`].
pub fn inner_intervals(plan: &Plan, collected: &Collected) -> Result<Estimates, Error> {
    let mut estimates = Estimates::default();
    for question in &plan.questions {
        for asked in question.asked.iter().filter(|asked| asked.decides) {
            for level in INNER_LEVELS {
                let asked = Asked { design: Design { level, ..asked.design.clone() }, ..asked.clone() };
                let mut rows = arms(plan, question, &asked, &collected.all)?;
                rows.rows.retain(|row| row.term.is_none());
                estimates.append(rows);
            }
        }
    }
    Ok(estimates)
}

/// Fewest units of an arm in a segment whose outcomes are told: fewer would speak of persons and not of a group.
const FEWEST_IN_A_SEGMENT: u64 = 5;

/// The deciding answers again, by the value of each dimension. A segment of fewer than five units in an arm gives rows
/// that say so, without a number.
///
/// # Errors
/// As [`overall`].
pub fn by_segment(plan: &Plan, collected: &Collected) -> Result<Estimates, Error> {
    let mut estimates = Estimates::default();
    for ((dimension, value), sample) in &collected.segments {
        let few = sample.arms.iter().any(|arm| (1..FEWEST_IN_A_SEGMENT).contains(&arm.units));
        for question in plan.questions.iter().filter(|question| question.role_kind() != RoleKind::Informational) {
            for asked in question.asked.iter().filter(|asked| asked.decides) {
                let mut rows = if few { withheld(plan, question, asked) } else { arms(plan, question, asked, sample)? };
                for row in &mut rows.rows {
                    row.segment = Some(format!("{dimension}={value}"));
                }
                estimates.append(rows);
            }
        }
    }
    Ok(estimates)
}

/// The deciding answers of primary metrics for all units enrolled up to and including each day.
///
/// Days add up as exact sums, so the last day gives the same bytes as the whole.
///
/// # Errors
/// As [`overall`].
pub fn by_day(plan: &Plan, collected: &Collected) -> Result<Estimates, crate::Error> {
    let mut estimates = Estimates::default();
    let mut so_far: BTreeMap<String, ExactArmSample> = BTreeMap::new();
    for (day, arms_of_day) in &collected.daily {
        for arm in arms_of_day {
            add(&mut so_far, arm)?;
        }
        let sample = Sample {
            arms: plan
                .experiment
                .arms
                .iter()
                .map(|arm| {
                    let rows = collected.dated.get(&arm.name).map(|rows| rows.until(day)).transpose()?;
                    Ok(ArmSample { unit_rows: rows, ..finished(&arm.name, so_far.get(&arm.name))? })
                })
                .collect::<Result<_, crate::Error>>()?,
        };
        for question in plan.questions.iter().filter(|question| question.role_kind() == RoleKind::Primary) {
            for asked in question.asked.iter().filter(|asked| asked.decides) {
                let mut rows = arms(plan, question, asked, &sample)?;
                for row in &mut rows.rows {
                    row.period = Some(day.clone());
                }
                estimates.append(rows);
            }
        }
    }
    Ok(estimates)
}

fn add(so_far: &mut BTreeMap<String, ExactArmSample>, day: &ExactArmSample) -> Result<(), Error> {
    match so_far.get_mut(&day.arm) {
        None => drop(so_far.insert(day.arm.clone(), day.clone())),
        Some(arm) => arm.merge(day)?,
    }
    Ok(())
}

fn finished(arm: &str, so_far: Option<&ExactArmSample>) -> Result<ArmSample, Error> {
    match so_far {
        Some(so_far) => Ok(so_far.finish()?),
        None => Ok(ArmSample { arm: arm.to_owned(), ..ArmSample::default() }),
    }
}

fn arms(plan: &Plan, question: &Question, asked: &Asked, sample: &Sample) -> Result<Estimates, Error> {
    let rule = estimator::by_name(&asked.estimator)?;
    let mut estimates = Estimates::default();
    for arm in plan.experiment.treatments() {
        let estimand = question.estimand(asked, &arm.name, &plan.experiment.control);
        let mut rows = match rule.estimate(&estimand, &asked.design, sample) {
            Ok(rows) => rows,
            Err(error @ (Error::TooFewUnits { .. } | Error::RankDeficient { .. })) => {
                unanswered(asked, &estimand, &format!("No estimate: {error}."))
            }
            Err(error) => return Err(error),
        };
        name(plan, question, asked, &mut rows);
        estimates.append(rows);
    }
    Ok(estimates)
}

/// Rows of a segment that is too small to be shown.
fn withheld(plan: &Plan, question: &Question, asked: &Asked) -> Estimates {
    let note = format!("Not shown: an arm of the segment has fewer than {FEWEST_IN_A_SEGMENT} units.");
    let of_arm = |arm: &estimand_metrics::definition::Arm| {
        unanswered(asked, &question.estimand(asked, &arm.name, &plan.experiment.control), &note).rows
    };
    let mut rows: Estimates = plan.experiment.treatments().flat_map(of_arm).collect();
    name(plan, question, asked, &mut rows);
    rows
}

/// Says of which experiment, role and variant rows are.
fn name(plan: &Plan, question: &Question, asked: &Asked, rows: &mut Estimates) {
    for row in &mut rows.rows {
        row.experiment = Some(plan.experiment.name.clone());
        row.role = Some(question.role_kind().word().to_owned());
        row.decides = Some(asked.decides && row.term.is_none());
        if !asked.variant.is_empty() {
            row.note(&format!("Shown beside the deciding row: {}.", asked.variant));
        }
    }
}

/// A row that says why there is no number.
fn unanswered(asked: &Asked, estimand: &Estimand, why: &str) -> Estimates {
    let mut row = estimand_stats::Estimate {
        metric: Some(estimand.metric.clone()),
        arm: Some(estimand.arm.clone()),
        baseline_arm: Some(estimand.baseline_arm.clone()),
        scale: Some("absolute".to_owned()),
        estimator: Some(asked.estimator.clone()),
        ..estimand_stats::Estimate::default()
    };
    row.note(why);
    [row].into_iter().collect()
}
