//! The verdict: one sentence made of the rows, never stronger than they are.
//!
//! It counts what was shown and says what was not: "2 of 3 guardrails shown safe", not "no guardrail harmed". A failed
//! check replaces it, and before the end of the plan there is none.

use serde::{Deserialize, Serialize};

use crate::check::{CheckResult, Outcome};
use crate::estimand::Direction;
use crate::estimate::{Estimate, Estimates};
use crate::family::{self, Role};
use crate::status::{Progress, Rules, Status};
use crate::wording;

/// The answer to the experiment in words.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// What stands behind the sentence: effects, or the reason why there is none.
    pub kind: VerdictKind,
    /// The sentence, or one per arm.
    pub sentence: String,
}

/// What a verdict rests on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerdictKind {
    /// A trust check failed: effects are not to be read.
    CheckData,
    /// The plan has not ended.
    Running,
    /// The effects are decided.
    Decided,
    /// No metric decides anything.
    #[default]
    Nothing,
}

/// The verdict of rows that [`status::finish`](crate::status::finish) has gone over.
///
/// - **Needs** the rows of all units; segments, terms and points in time are passed over.
/// - **Gives** per arm its primary metrics with their effects, then how many guardrails are shown safe and which are
///   harmed, then how many secondary metrics are better and worse. An improvement is written as a positive number
///   whichever way is good.
pub fn verdict(estimates: &Estimates, rules: &Rules, checks: &[CheckResult]) -> Verdict {
    let failed: Vec<&str> =
        checks.iter().filter(|check| check.outcome == Outcome::Fail).map(|check| check.message.as_str()).collect();
    if !failed.is_empty() {
        let sentence = format!("Do not read effects yet. {}", failed.join(" "));
        return Verdict { kind: VerdictKind::CheckData, sentence };
    }
    let effects: Vec<&Estimate> = estimates
        .rows
        .iter()
        .filter(|row| family::is_decision(row) && row.segment.is_none() && row.margin.is_none())
        .filter(|row| row.scale.as_deref() == Some("absolute"))
        .collect();
    let runs = |row: &&Estimate| Status::of(row) == Some(Status::Running);
    // A look decides about what it has a test of; a plan of one look decides about everything at once.
    let nothing_yet = match rules.progress {
        Progress::Looking => effects.iter().all(runs),
        Progress::Ended | Progress::Running { .. } => effects.iter().any(runs),
    };
    if nothing_yet && !effects.is_empty() {
        return Verdict { kind: VerdictKind::Running, sentence: running(rules) };
    }
    let mut arms: Vec<&str> = Vec::new();
    for row in &effects {
        let arm = row.arm.as_deref().unwrap_or_default();
        if Role::of(row).is_some_and(|role| role != Role::Informational) && !arms.contains(&arm) {
            arms.push(arm);
        }
    }
    let sentences: Vec<String> = arms.iter().map(|arm| of_arm(arm, &effects, estimates, rules)).collect();
    if sentences.is_empty() {
        let sentence = "No metric was named to decide, so there is no verdict.".to_owned();
        return Verdict { kind: VerdictKind::Nothing, sentence };
    }
    Verdict { kind: VerdictKind::Decided, sentence: sentences.join(" ") }
}

fn running(rules: &Rules) -> String {
    match rules.progress {
        Progress::Running { share: Some(share) } => {
            format!("Running: {:.0} % of the plan has passed; there is no verdict yet.", 100.0 * share.clamp(0.0, 1.0))
        }
        Progress::Running { share: None } => "Running: the plan has not ended; there is no verdict yet.".to_owned(),
        Progress::Ended | Progress::Looking => match rules.minimum_units {
            Some(units) => format!("Running: fewer than the {units} units that a verdict needs."),
            None => "Running: there is no verdict yet.".to_owned(),
        },
    }
}

fn of_arm(arm: &str, effects: &[&Estimate], estimates: &Estimates, rules: &Rules) -> String {
    let with_role = |role: Role| {
        effects.iter().filter(move |row| row.arm.as_deref() == Some(arm) && Role::of(row) == Some(role)).copied()
    };
    let mut clauses: Vec<String> = with_role(Role::Primary).map(|row| of_primary(arm, row, estimates, rules)).collect();
    let guardrails: Vec<&Estimate> = with_role(Role::Guardrail).collect();
    if !guardrails.is_empty() {
        clauses.push(of_guardrails(&guardrails, rules));
    }
    let secondary: Vec<Option<Status>> = with_role(Role::Secondary).map(Status::of).collect();
    let count = |status: Status| secondary.iter().filter(|found| **found == Some(status)).count();
    let (better, worse, all) = (count(Status::Better), count(Status::Worse), secondary.len());
    if all > 0 {
        let noun = if all == 1 { "secondary metric" } else { "secondary metrics" };
        clauses.push(format!("of {all} {noun} {better} better and {worse} worse"));
    }
    let sentence = clauses.join("; ");
    // A clause may start with an effect's own subject; where none does, the arm is named first.
    if sentence.starts_with(&format!("`{arm}`")) { format!("{sentence}.") } else { format!("`{arm}`: {sentence}.") }
}

fn of_primary(arm: &str, row: &Estimate, estimates: &Estimates, rules: &Rules) -> String {
    let metric = row.metric.as_deref().unwrap_or_default();
    let label = rules.label(metric);
    let direction = rules.direction(metric);
    let effect = size(row, estimates, direction);
    match Status::of(row) {
        Some(status @ (Status::Better | Status::Worse)) => {
            let verb = if status == Status::Better { "improves" } else { "worsens" };
            let sign = if status == Status::Better { 1.0 } else { -1.0 };
            let lower = if direction == Direction::Lower { ", lower is better" } else { "" };
            match effect {
                Some(effect) => {
                    let (by, interval) = effect.times(sign).words();
                    format!("`{arm}` {verb} {label} by {by} ({interval}{lower})")
                }
                None => format!("`{arm}` {verb} {label}"),
            }
        }
        status => {
            let word = status.unwrap_or(Status::NoClearEffect).word();
            match effect {
                Some(effect) => format!("{label}: {word} ({})", effect.words().1),
                None => format!("{label}: {word}"),
            }
        }
    }
}

fn of_guardrails(guardrails: &[&Estimate], rules: &Rules) -> String {
    let named = |status: Status| {
        let with = guardrails.iter().filter(move |row| Status::of(row) == Some(status));
        with.map(|row| rules.label(row.metric.as_deref().unwrap_or_default()).to_owned()).collect::<Vec<_>>()
    };
    let (safe, all) = (named(Status::Safe).len(), guardrails.len());
    let noun = if all == 1 { "guardrail" } else { "guardrails" };
    let mut clause = format!("{safe} of {all} {noun} shown safe");
    let harmed = named(Status::Harmed);
    if !harmed.is_empty() {
        clause.push_str(&format!(", {} harmed", harmed.join(" and ")));
    }
    clause
}

/// An effect with its interval, signed so that positive is good.
struct Size {
    estimate: f64,
    interval: Option<(f64, f64)>,
    std_error: Option<f64>,
    level: f64,
    relative: bool,
}

/// The relative effect of an absolute row; the absolute one where the relative has no interval.
fn size(row: &Estimate, estimates: &Estimates, direction: Direction) -> Option<Size> {
    let companion = estimates.rows.iter().find(|other| {
        family::is_decision(other)
            && other.scale.as_deref() == Some("relative")
            && other.margin.is_none()
            && other.segment.is_none()
            && (&other.metric, &other.arm) == (&row.metric, &row.arm)
    });
    let of = |row: &Estimate, relative: bool| {
        let interval = row.conf_low.zip(row.conf_high);
        Some(Size { estimate: row.estimate?, interval, std_error: row.std_error, level: row.level?, relative })
    };
    let usable = companion.filter(|other| other.conf_low.is_some() || other.conf_high.is_some());
    let size = match usable {
        Some(companion) => of(companion, true),
        None => of(row, false),
    }?;
    // A lift over a negative baseline has the sign of the rise turned; improvement is read off the absolute row.
    let turned = size.relative && row.mean_baseline.is_some_and(|mean| mean < 0.0);
    let good = if direction == Direction::Higher { 1.0 } else { -1.0 };
    Some(size.times(if turned { -good } else { good }))
}

impl Size {
    fn times(self, sign: f64) -> Self {
        let turn = |(low, high): (f64, f64)| if sign < 0.0 { (-high, -low) } else { (low, high) };
        Self { estimate: sign * self.estimate, interval: self.interval.map(turn), ..self }
    }

    /// The size, and the interval with its level.
    fn words(&self) -> (String, String) {
        let factor = if self.relative { 100.0 } else { 1.0 };
        let decimals = wording::decimals(self.std_error.map(|error| factor * error));
        let number = |value: f64| wording::number(factor * value, decimals);
        let unit = if self.relative { " %" } else { "" };
        let level = wording::number(100.0 * self.level, 3);
        let level = level.trim_end_matches('0').trim_end_matches('.');
        let interval = match self.interval {
            Some((low, high)) => format!("{level} % CI {} to {}", number(low), number(high)),
            None => "one-sided".to_owned(),
        };
        (format!("{}{unit}", number(self.estimate)), interval)
    }
}
