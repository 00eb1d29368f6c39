//! The two arms of a question, as the distributions of one outcome; and what stands when one of them is empty.

use crate::contrast::Inference;
use crate::dist::{Alternative, TailProbability};
use crate::empirical::Empirical;
use crate::error::Error;
use crate::estimand::{Direction, Estimand};
use crate::estimate::Estimate;
use crate::potential_outcomes::{ArmMean, PotentialOutcomes};
use crate::requirement::Requirements;
use crate::sample::Sample;

/// The arm and its baseline with the distribution of the outcome, the baseline first.
#[derive(Debug)]
pub(super) struct Distributions<'a> {
    arms: [(&'a str, Empirical<'a>); 2],
    notes: Vec<String>,
}

/// The need that [`Distributions::of`] reads.
pub(super) fn requirements(estimand: &Estimand) -> Requirements {
    Requirements::compressed(estimand.summary.variables(), [""; 0])
}

/// Both distributions, when both arms have units.
#[derive(Debug, Clone, Copy)]
pub(super) struct TwoSamples<'a> {
    pub treated: Empirical<'a>,
    pub control: Empirical<'a>,
}

impl TwoSamples<'_> {
    /// Values and counts of the control arm with every value times a positive factor, for the test at a margin.
    pub fn control_times(&self, factor: f64) -> (Vec<f64>, Vec<u64>) {
        let (mut values, mut counts): (Vec<f64>, Vec<u64>) = (Vec::new(), Vec::new());
        for (value, count) in self.control.iter() {
            match values.last() {
                // Neighbouring doubles can become one.
                Some(last) if *last >= value * factor => counts.last_mut().into_iter().for_each(|sum| *sum += count),
                _ => {
                    values.push(value * factor);
                    counts.push(count);
                }
            }
        }
        (values, counts)
    }
}

impl<'a> Distributions<'a> {
    /// The distributions of the outcome in both arms of the estimand. Units without a value are counted in a note.
    ///
    /// # Errors
    /// [`Error::UnknownArm`], [`Error::Missing`].
    pub fn of(estimand: &'a Estimand, sample: &'a Sample) -> Result<Self, Error> {
        let outcome = estimand.summary.variables();
        let mut notes = Vec::new();
        let mut of_arm = |name: &'a str| {
            let arm = sample.arm(&estimand.metric, name)?;
            let compressed = arm.compressed(&estimand.metric, &outcome, &[])?;
            let law = Empirical::new(compressed.feature(0), compressed.n()).map_err(|malformed| Error::OutOfRange {
                field: outcome.concat(),
                value: format!("no distribution in arm `{name}`"),
                expected: malformed.to_string(),
            })?;
            let left_out = arm.units.saturating_sub(law.n());
            if left_out > 0 {
                notes
                    .push(format!("{left_out} of {} units of arm `{name}` have no value and are left out.", arm.units));
            }
            Ok::<_, Error>((name, law))
        };
        let arms = [of_arm(&estimand.baseline_arm)?, of_arm(&estimand.arm)?];
        Ok(Self { arms, notes })
    }

    /// Both samples; `None` when an arm is empty, which then is noted.
    pub fn both(&mut self) -> Option<TwoSamples<'a>> {
        let [(_, control), (_, treated)] = self.arms;
        if let Some((empty, _)) = self.arms.iter().find(|(_, law)| law.n() == 0) {
            self.notes.push(format!("Arm `{empty}` has no units with a value."));
            return None;
        }
        Some(TwoSamples { treated, control })
    }

    /// The name and the distribution of each arm, the baseline first.
    pub fn arms(&self) -> [(&'a str, Empirical<'a>); 2] {
        self.arms
    }

    /// Adds a sentence to the notes of all rows.
    pub fn note(&mut self, sentence: String) {
        self.notes.push(sentence);
    }

    /// The summary of each arm, for rows; without a variance.
    pub fn outcomes(&self, summary: impl Fn(Empirical<'a>) -> Option<f64>) -> PotentialOutcomes {
        let arm = |(name, law): (&str, Empirical<'a>)| ArmMean {
            arm: name.to_owned(),
            n: law.n(),
            mean: summary(law),
            rest: 0.0,
            unadjusted: None,
        };
        PotentialOutcomes { arms: self.arms.map(arm).to_vec(), components: None, notes: self.notes.clone() }
    }
}

/// What rows that are made of distributions have in common.
#[derive(Debug)]
pub(super) struct Rows<'a> {
    pub inference: &'a Inference,
    pub estimand: &'a Estimand,
    pub outcomes: &'a PotentialOutcomes,
    pub level: f64,
    /// The word of the `estimand` column.
    pub name: &'static str,
}

impl Rows<'_> {
    /// The side of the rows of the effect itself.
    pub fn alternative(&self) -> Alternative {
        self.inference.alternative(self.estimand)
    }

    /// A row with all that is known before anything is estimated.
    pub fn row(&self, scale: &str) -> Estimate {
        let mut row = self.inference.row(self.estimand, self.outcomes, scale, self.alternative());
        row.estimand = Some(self.name.to_owned());
        row
    }

    /// The row of a guardrail before its test, with the side that shows it safe and the factor on the baseline that
    /// stands for the margin.
    pub fn margin_row(&self, margin: f64) -> (Estimate, Alternative, f64) {
        let (alternative, factor) = match self.estimand.direction {
            Direction::Higher => (Alternative::Greater, 1.0 - margin),
            Direction::Lower => (Alternative::Less, 1.0 + margin),
        };
        let mut row = self.inference.row(self.estimand, self.outcomes, "relative", alternative);
        row.estimand = Some(self.name.to_owned());
        row.margin = Some(margin);
        row.level = Some(1.0 - (1.0 - self.level) / 2.0);
        (row, alternative, factor)
    }
}

/// Probability outside an interval in all, as its row compares p-values with it.
pub(super) fn alpha(row: &Estimate) -> f64 {
    1.0 - row.level.unwrap_or(0.95)
}

/// Probability outside the interval of a row on each side that it has.
pub(super) fn tail(row: &Estimate, alternative: Alternative) -> f64 {
    if alternative == Alternative::TwoSided { alpha(row) / 2.0 } else { alpha(row) }
}

/// Fills in a p-value and, where there is one, its statistic.
pub(super) fn fill(row: &mut Estimate, statistic: Option<f64>, tail: TailProbability) {
    row.statistic = statistic.filter(|statistic| statistic.is_finite());
    row.p_value = Some(tail.p);
    row.log10_p = Some(tail.log10_p);
}
