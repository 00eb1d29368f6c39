//! From statistics per arm to rows of the result table: every question, every arm, every cut.

use std::borrow::Cow;
use std::collections::BTreeMap;

use estimand_metrics::collect::Collected;
use estimand_metrics::plan::{Asked, Plan, Question};
use estimand_stats::estimate::Estimates;
use estimand_stats::estimator;
use estimand_stats::sample::{ArmSample, ExactArmSample, Sample};
use estimand_stats::threads::in_order;
use estimand_stats::{Design, Error, Estimand};

use estimand_metrics::definition::RoleKind;

use crate::looks;
use crate::method_panel::BESIDE;

/// Levels of the inner intervals: half, and four fifths, of what a repetition would give.
pub const INNER_LEVELS: [f64; 2] = [0.5, 0.8];

/// One question to one estimator, of some units.
struct Task<'a> {
    question: &'a Question,
    asked: Cow<'a, Asked>,
    sample: &'a Sample,
    /// All counted units, of which the sample is a part.
    whole: &'a Sample,
    segment: Option<String>,
    period: Option<String>,
}

impl<'a> Task<'a> {
    fn of(question: &'a Question, asked: &'a Asked, sample: &'a Sample, whole: &'a Sample) -> Self {
        Self { question, asked: Cow::Borrowed(asked), sample, whole, segment: None, period: None }
    }

    fn rows(&self, plan: &Plan) -> Result<Estimates, Error> {
        let Self { question, asked, sample, segment, period, .. } = self;
        let few = sample.arms.iter().any(|arm| (1..FEWEST_IN_A_SEGMENT).contains(&arm.units));
        let mut rows = match few && segment.is_some() {
            true => withheld(plan, question, asked),
            false => self.arms(plan)?,
        };
        for row in &mut rows.rows {
            row.segment.clone_from(segment);
            row.period.clone_from(period);
        }
        Ok(rows)
    }

    fn arms(&self, plan: &Plan) -> Result<Estimates, Error> {
        let Self { question, asked, sample, whole, period, .. } = self;
        let rule = estimator::by_name(&asked.estimator)?;
        let mut estimates = Estimates::default();
        for arm in plan.experiment.treatments() {
            let estimand = question.estimand(asked, &arm.name, &plan.experiment.control);
            let design = looks::design(plan, asked, &estimand, sample, whole, period.is_some());
            let mut rows = match rule.estimate(&estimand, &design, sample) {
                Ok(rows) => rows,
                Err(error @ (Error::TooFewUnits { .. } | Error::RankDeficient { .. })) => {
                    unanswered(asked, &estimand, &format!("No estimate: {error}."))
                }
                Err(error) => return Err(error),
            };
            name(plan, question, asked, &mut rows);
            let needs = rule.requires(&estimand, &design)?;
            for (variable, what) in [(&design.cluster, "in clusters"), (&design.stratum, "within strata")] {
                if variable.as_ref().is_some_and(|variable| !needs.reads(variable)) {
                    let note = format!("Units were assigned {what}, of which {} knows nothing.", rule.name());
                    rows.rows.iter_mut().for_each(|row| row.note(&note));
                }
            }
            estimates.append(rows);
        }
        Ok(estimates)
    }
}

/// The rows of all tasks, in their order, by several threads.
fn answered(plan: &Plan, threads: usize, tasks: &[Task<'_>]) -> Result<Estimates, Error> {
    let mut estimates = Estimates::default();
    for rows in in_order(threads, tasks, |task| task.rows(plan)) {
        estimates.append(rows?);
    }
    Ok(estimates)
}

/// The answers that decide, with their questions.
fn deciding(plan: &Plan) -> impl Iterator<Item = (&Question, &Asked)> + Clone {
    let of = |question| -> (&Question, _) { (question, question.asked.iter().filter(|asked| asked.decides)) };
    plan.questions.iter().map(of).flat_map(|(question, asked)| asked.map(move |asked| (question, asked)))
}

/// Answers every question of `plan` for all counted units.
///
/// # Errors
/// The first estimator that cannot answer; a metric that has too few units gives a row with a note instead.
pub fn overall(plan: &Plan, collected: &Collected, threads: usize) -> Result<Estimates, Error> {
    let asked = plan.questions.iter().flat_map(|question| question.asked.iter().map(move |asked| (question, asked)));
    let tasks: Vec<Task<'_>> =
        asked.map(|(question, asked)| Task::of(question, asked, &collected.all, &collected.all)).collect();
    answered(plan, threads, &tasks)
}

/// The deciding answers again at [`INNER_LEVELS`]: the thick parts of an interval's bar.
///
/// # Errors
/// As [`overall`].
pub fn inner_intervals(plan: &Plan, collected: &Collected, threads: usize) -> Result<Estimates, Error> {
    let at_levels = |(question, asked)| {
        let task = move || Task::of(question, asked, &collected.all, &collected.all);
        INNER_LEVELS.map(|level| {
            let asked = Asked { design: Design { level, ..asked.design.clone() }, ..Asked::clone(asked) };
            Task { asked: Cow::Owned(asked), ..task() }
        })
    };
    let tasks: Vec<Task<'_>> = deciding(plan).flat_map(at_levels).collect();
    let mut estimates = answered(plan, threads, &tasks)?;
    estimates.rows.retain(|row| row.term.is_none());
    Ok(estimates)
}

/// Fewest units of an arm in a segment whose outcomes are told: fewer would speak of persons and not of a group.
const FEWEST_IN_A_SEGMENT: u64 = 5;

/// The deciding answers again, by the value of each dimension. A segment of fewer than five units in an arm gives rows
/// that say so, without a number.
///
/// # Errors
/// As [`overall`].
pub fn by_segment(plan: &Plan, collected: &Collected, threads: usize) -> Result<Estimates, Error> {
    let tested = deciding(plan).filter(|(question, _)| question.role_kind() != RoleKind::Informational);
    let of_segment = |((dimension, value), sample): (&(String, String), _)| {
        let segment = format!("{dimension}={value}");
        let of = |(question, asked)| Task {
            segment: Some(segment.clone()),
            ..Task::of(question, asked, sample, &collected.all)
        };
        tested.clone().map(of).collect::<Vec<_>>()
    };
    let tasks: Vec<Task<'_>> = collected.segments.iter().flat_map(of_segment).collect();
    answered(plan, threads, &tasks)
}

/// The deciding answers of primary metrics for all units enrolled up to and including each day.
///
/// Days add up as exact sums, so the last day gives the same bytes as the whole.
///
/// # Errors
/// As [`overall`].
pub fn by_day(plan: &Plan, collected: &Collected, threads: usize) -> Result<Estimates, crate::Error> {
    let tested = deciding(plan).filter(|(question, _)| question.role_kind() == RoleKind::Primary);
    let mut estimates = Estimates::default();
    let mut so_far: BTreeMap<String, ExactArmSample> = BTreeMap::new();
    let days: Vec<_> = collected.daily.iter().collect();
    // A day for each thread: its sample may hold a row per unit.
    for days in days.chunks(threads.max(1)) {
        let mut samples: Vec<(&String, Sample)> = Vec::with_capacity(days.len());
        for (day, arms_of_day) in days {
            arms_of_day.iter().try_for_each(|arm| add(&mut so_far, arm))?;
            let arms = plan.experiment.arms.iter().map(|arm| {
                let rows = collected.dated.get(&arm.name).map(|rows| rows.until(day)).transpose()?;
                Ok(ArmSample { unit_rows: rows, ..finished(&arm.name, so_far.get(&arm.name))? })
            });
            samples.push((day, Sample { arms: arms.collect::<Result<_, crate::Error>>()? }));
        }
        let mut tasks: Vec<Task<'_>> = Vec::new();
        for (day, sample) in &samples {
            let of = |(question, asked)| Task {
                period: Some((*day).clone()),
                ..Task::of(question, asked, sample, &collected.all)
            };
            tasks.extend(tested.clone().map(of));
        }
        estimates.append(answered(plan, threads, &tasks)?);
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
            row.note(&format!("{BESIDE}{}.", asked.variant));
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
