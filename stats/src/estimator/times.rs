//! The two arms of a question as times to an event; and what stands when one of them is empty.

use crate::error::Error;
use crate::estimand::Estimand;
use crate::estimator::option::{OptionKind, OptionSpec, Options};
use crate::potential_outcomes::{ArmMean, PotentialOutcomes, VarianceComponent};
use crate::requirement::Requirements;
use crate::sample::Sample;
use crate::survival::LifeTable;

/// The arm and its baseline with their life tables, the baseline first.
#[derive(Debug)]
pub(super) struct Times<'a> {
    arms: [(&'a str, LifeTable); 2],
    notes: Vec<String>,
}

/// What one arm says of its own: a mean, a share, with its variance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ArmEstimate {
    pub value: f64,
    pub variance: f64,
}

/// Why two hazards cannot be compared.
pub(super) const NO_EVENTS: &str =
    "No event was seen while units of both arms were at risk, so their hazards cannot be compared.";

/// The option for a time up to which, or at which, arms are compared.
pub(super) const fn time_option(name: &'static str, meaning: &'static str) -> OptionSpec {
    OptionSpec { name, kind: OptionKind::Number { min: 0.0, max: 1e300 }, default: "0", meaning }
}

/// The need that [`Times::of`] reads: distinct pairs of duration and event, with counts.
pub(super) fn requirements(estimand: &Estimand) -> Requirements {
    Requirements::compressed(estimand.summary.variables(), [""; 0])
}

impl<'a> Times<'a> {
    /// The life tables of both arms of the estimand. Units without a duration or an event are counted in a note.
    ///
    /// # Errors
    /// [`Error::UnknownArm`], [`Error::Missing`]; [`Error::OutOfRange`] for a duration below zero and an event that is
    /// neither 0 nor 1.
    pub fn of(estimand: &'a Estimand, sample: &'a Sample) -> Result<Self, Error> {
        let variables = estimand.summary.variables();
        let column = |at: usize| variables.get(at).cloned().unwrap_or_default();
        let mut notes = Vec::new();
        let mut of_arm = |name: &'a str| {
            let arm = sample.arm(&estimand.metric, name)?;
            let kept = arm.compressed(&estimand.metric, &variables, &[])?;
            if let Some(odd) = kept.feature(1).iter().find(|event| **event != 0.0 && **event != 1.0) {
                return Err(Error::OutOfRange {
                    field: column(1),
                    value: format!("{odd} in arm `{name}`"),
                    expected: "an event is 1 where it was seen, and 0 where the unit was only watched so far"
                        .to_owned(),
                });
            }
            let units = kept.feature(0).iter().zip(kept.feature(1)).zip(kept.n());
            let table = LifeTable::of(units.map(|((time, event), count)| (*time, *event == 1.0, *count)));
            let table = table.map_err(|impossible| Error::OutOfRange {
                field: column(0),
                value: format!("{} in arm `{name}`", impossible.0),
                expected: "times to an event are counted from exposure, finite and not below zero".to_owned(),
            })?;
            let left_out = arm.units.saturating_sub(table.n());
            if left_out > 0 {
                notes
                    .push(format!("{left_out} of {} units of arm `{name}` have no value and are left out.", arm.units));
            }
            Ok((name, table))
        };
        let arms = [of_arm(&estimand.baseline_arm)?, of_arm(&estimand.arm)?];
        Ok(Self { arms, notes })
    }

    /// Both tables, the baseline first; `None` when an arm is empty, which then is noted.
    pub fn both(&mut self) -> Option<[LifeTable; 2]> {
        if let Some((empty, _)) = self.arms.iter().find(|(_, table)| table.n() == 0) {
            self.notes.push(format!("Arm `{empty}` has no units with a value."));
            return None;
        }
        Some(self.arms.each_ref().map(|(_, table)| table.clone()))
    }

    /// Adds a sentence to the notes of all rows.
    pub fn note(&mut self, sentence: String) {
        self.notes.push(sentence);
    }

    /// The time that an option names; else the last one of which both arms tell, which then is noted.
    pub fn time(&mut self, options: &Options, option: &OptionSpec) -> Option<f64> {
        let given = options.number(option.name).filter(|time| *time > 0.0);
        given.or_else(|| {
            let last = self.arms.each_ref().map(|(_, table)| table.last_time());
            let last = last[0].zip(last[1]).map(|(one, other)| one.min(other))?;
            self.note(format!("`{}` is {last}, the smaller of the arms' largest times.", option.name));
            Some(last)
        })
    }

    /// The estimate of each arm, for rows. The notes hold why an arm has none, or why its variance is no measure of
    /// what is not known.
    pub fn outcomes(&mut self, of_arm: impl Fn(&str, &LifeTable) -> Result<ArmEstimate, String>) -> PotentialOutcomes {
        let both = self.both().is_some();
        let filled = self.arms.each_ref().map(|(name, table)| (table.n() > 0).then(|| of_arm(name, table)));
        let estimates = filled.map(|estimate| estimate?.map_err(|reason| self.notes.push(reason)).ok());
        let component = |(at, estimate): (usize, &Option<ArmEstimate>)| {
            let variance = estimate.as_ref()?.variance;
            Some(VarianceComponent { df: None, ..VarianceComponent::of_arm(2, at, variance, f64::INFINITY) })
        };
        let components = estimates.iter().enumerate().map(component).collect::<Option<Vec<_>>>().filter(|_| both);
        let unvarying = |(at, estimate): (usize, &Option<ArmEstimate>)| {
            estimate.filter(|estimate| estimate.variance == 0.0).map(|_| self.arms[at].0)
        };
        if let (Some(_), Some(name)) = (&components, estimates.iter().enumerate().find_map(unvarying)) {
            self.notes.push(format!(
                "In arm `{name}` all units or none had the event by then: its variance counts as zero, and the interval is too narrow."
            ));
        }
        let mut outcomes = self.without_means();
        for (arm, estimate) in outcomes.arms.iter_mut().zip(&estimates) {
            arm.mean = estimate.map(|estimate| estimate.value);
        }
        PotentialOutcomes { components, ..outcomes }
    }

    /// The arms with their counts and notes, for rows that are of no mean.
    pub fn without_means(&self) -> PotentialOutcomes {
        let arm = |(name, table): &(&str, LifeTable)| ArmMean {
            arm: (*name).to_owned(),
            n: table.n(),
            mean: None,
            rest: 0.0,
            unadjusted: None,
        };
        PotentialOutcomes { arms: self.arms.iter().map(arm).collect(), components: None, notes: self.notes.clone() }
    }
}
