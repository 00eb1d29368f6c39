//! Trust checks: whether the data deserve to be read, before anybody looks at an effect.
//!
//! One file per check. To add one, write its file and name it in [`ALL`]; the health strip of the report and the
//! command line find it there. A check sees the [`Evidence`] that was collected and says what it found in a sentence;
//! where its evidence was not collected it does not apply, and says so.
//!
//! Only three things fail, and a failure replaces the verdict: the sample ratio, units in two arms from 1 %, and an
//! empty arm. Everything else warns.

use std::fmt;

use serde::{Deserialize, Serialize};

mod empty_arm;
mod evidence;
mod low_power;
mod missing_data;
mod pre_period_balance;
mod sample_ratio;
mod sample_ratio_by_dimension;
mod set_apart;
mod two_arm_units;

pub use sample_ratio::{SampleRatioMethod, SampleRatioTest, sample_ratio_test};

pub use evidence::{ArmCounts, CovariateMoments, DimensionCounts, Evidence, Missing, SmallestEffect, UnitsApart};

/// A question about the data that has an answer before any effect is read.
pub trait Check: fmt::Debug + Send + Sync {
    /// Name in results and on the page.
    fn name(&self) -> &'static str;

    /// What it looks at, and what a failure or warning means, in one sentence.
    fn summary(&self) -> &'static str;

    /// What it found.
    fn check(&self, evidence: &Evidence) -> Finding;
}

/// Every check, by name.
pub const ALL: &[&dyn Check] = &[
    &empty_arm::EmptyArm,
    &low_power::LowPower,
    &missing_data::MissingData,
    &pre_period_balance::PrePeriodBalance,
    &sample_ratio::SampleRatio,
    &sample_ratio_by_dimension::SampleRatioByDimension,
    &set_apart::SetApart,
    &two_arm_units::TwoArmUnits,
];

/// Runs every check.
pub fn run(evidence: &Evidence) -> Vec<CheckResult> {
    let result = |check: &&dyn Check| CheckResult::of(check.name(), check.check(evidence));
    ALL.iter().map(result).collect()
}

/// Whether a check was passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// There was nothing to look at.
    NotApplicable,
    /// Nothing is wrong.
    Pass,
    /// Read the effects with this in mind.
    Warn,
    /// Do not read the effects yet.
    Fail,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// Whether it was passed.
    pub outcome: Outcome,
    /// What was found, in one sentence with its numbers.
    pub message: String,
    /// Of the test behind it, when there is one.
    pub p_value: Option<f64>,
    /// The counts behind it.
    pub details: Vec<Detail>,
    /// What to do about it; empty when nothing needs doing.
    pub help: String,
}

impl Finding {
    /// There was nothing to look at, for this reason.
    fn not_applicable(reason: &str) -> Self {
        Self::new(Outcome::NotApplicable, reason.to_owned())
    }

    fn new(outcome: Outcome, message: String) -> Self {
        Self { outcome, message, p_value: None, details: Vec::new(), help: String::new() }
    }
}

/// What a check found, with its name: a line of the health strip.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckResult {
    /// Name of the check.
    pub name: String,
    /// Whether it was passed.
    pub outcome: Outcome,
    /// What was found, in one sentence with its numbers.
    pub message: String,
    /// Of the test behind it, when there is one.
    pub p_value: Option<f64>,
    /// The counts behind it.
    pub details: Vec<Detail>,
    /// What to do about it, as a sentence; empty when nothing needs doing.
    pub help: String,
}

impl CheckResult {
    fn of(name: &str, finding: Finding) -> Self {
        let Finding { outcome, message, p_value, details, help } = finding;
        Self { name: name.to_owned(), outcome, message, p_value, details, help: sentence(&help) }
    }
}

/// An instruction as a sentence; nothing stays nothing.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let Some(first) = letters.next() else { return String::new() };
    let end = if words.ends_with('.') { "" } else { "." };
    first.to_uppercase().chain(letters).collect::<String>() + end
}

/// One line of the counts behind a check. Columns that do not apply are null.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Detail {
    /// What is counted: an arm, a value of a dimension, a covariate, a metric.
    pub what: String,
    /// Units, or rows.
    pub count: Option<u64>,
    /// The count that the plan makes likely.
    pub expected: Option<f64>,
    /// The count as a share of its whole.
    pub share: Option<f64>,
    /// Of the test of this line, corrected for the number of lines.
    pub p_value: Option<f64>,
}

/// A p-value in a sentence: three decimals, and never zero.
fn p_in_words(p: f64) -> String {
    if p < 0.001 { "p < 0.001".to_owned() } else { format!("p = {p:.3}") }
}
