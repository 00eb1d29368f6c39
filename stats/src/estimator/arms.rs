//! The two arms of a question, as joint moments; and what stands when one of them is empty.

use crate::error::Error;
use crate::estimand::Estimand;
use crate::potential_outcomes::{ArmMean, PotentialOutcomes, VarianceComponent};
use crate::requirement::Variable;
use crate::sample::Sample;
use crate::suffstat::CoMoments;

/// The arm and its baseline with their joint moments, the baseline first.
#[derive(Debug)]
pub(super) struct Arms {
    arms: [(String, Option<CoMoments>); 2],
    notes: Vec<String>,
}

/// One arm that has units.
#[derive(Debug, Clone, Copy)]
pub(super) struct ArmMoments<'a> {
    pub name: &'a str,
    pub moments: &'a CoMoments,
}

/// What a model says of two arms that have units, the baseline first.
#[derive(Debug)]
pub(super) struct Fit {
    /// Estimated means.
    pub means: [Option<Mean>; 2],
    /// Independent parts of their joint variance; or the sentence that says why there is none.
    pub components: Result<Vec<VarianceComponent>, String>,
    /// Further sentences for the reader.
    pub notes: Vec<String>,
}

/// A mean in two doubles: the rounded one, and what rounding left.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Mean {
    pub value: f64,
    pub rest: f64,
}

impl Mean {
    /// The mean of a variable.
    pub fn of(moments: &CoMoments, i: usize) -> Self {
        Self { value: moments.mean(i), rest: moments.mean_rest(i) }
    }

    /// The mean moved by something small against it.
    #[must_use]
    pub fn plus(self, step: f64) -> Self {
        let step = self.rest + step;
        let value = self.value + step;
        Self { value, rest: step - (value - self.value) }
    }

    /// How far this mean lies above another.
    pub fn minus(self, other: Self) -> f64 {
        (self.value - other.value) + (self.rest - other.rest)
    }
}

impl From<f64> for Mean {
    fn from(value: f64) -> Self {
        Self { value, rest: 0.0 }
    }
}

impl Arms {
    /// The joint moments of `variables` in both arms of the estimand.
    ///
    /// Units without a value of all of them are counted in a note.
    ///
    /// # Errors
    /// [`Error::UnknownArm`], [`Error::Missing`].
    pub fn of(estimand: &Estimand, sample: &Sample, variables: &[Variable]) -> Result<Self, Error> {
        let mut notes = Vec::new();
        let mut of_arm = |name: &str| {
            let arm = sample.arm(&estimand.metric, name)?;
            let moments = arm.comoments(&estimand.metric, variables)?;
            let left_out = arm.units.saturating_sub(moments.as_ref().map_or(0, CoMoments::n));
            if left_out > 0 {
                notes
                    .push(format!("{left_out} of {} units of arm `{name}` have no value and are left out.", arm.units));
            }
            Ok::<_, Error>((name.to_owned(), moments))
        };
        let arms = [of_arm(&estimand.baseline_arm)?, of_arm(&estimand.arm)?];
        Ok(Self { arms, notes })
    }

    /// The moments of both arms, the baseline first; `None` for an arm without units.
    pub fn moments(&self) -> [Option<&CoMoments>; 2] {
        self.arms.each_ref().map(|(_, moments)| moments.as_ref())
    }

    /// The outcomes of `fit`, when both arms have units; else the plain mean of whichever has, and a note.
    pub fn outcomes(
        self,
        plain: impl Fn(&CoMoments) -> Option<Mean>,
        fit: impl FnOnce([ArmMoments<'_>; 2]) -> Fit,
    ) -> PotentialOutcomes {
        let [(baseline, moments_0), (arm, moments_1)] = &self.arms;
        let plain_means = [moments_0, moments_1].map(|moments| moments.as_ref().and_then(&plain));
        let fit = match (moments_0, moments_1) {
            (Some(zero), Some(one)) => {
                fit([ArmMoments { name: baseline, moments: zero }, ArmMoments { name: arm, moments: one }])
            }
            _ => {
                let empty = if moments_0.is_none() { baseline } else { arm };
                let reason = format!("Arm `{empty}` has no units with a value.");
                Fit { means: plain_means, components: Err(reason), notes: Vec::new() }
            }
        };
        let mut notes = self.notes;
        notes.extend(fit.notes);
        let components = fit.components.map_err(|reason| notes.push(reason)).ok();
        let counts = [moments_0, moments_1].map(|moments| moments.as_ref().map_or(0, CoMoments::n));
        let mean = |at: usize, name: &str| ArmMean {
            arm: name.to_owned(),
            n: counts[at],
            mean: fit.means[at].map(|mean| mean.value),
            rest: fit.means[at].map_or(0.0, |mean| mean.rest),
            unadjusted: plain_means[at].filter(|plain| Some(*plain) != fit.means[at]).map(|mean| mean.value),
        };
        PotentialOutcomes { arms: vec![mean(0, baseline), mean(1, arm)], components, notes }
    }
}

impl ArmMoments<'_> {
    /// The sentence for an arm that has fewer units than something needs.
    pub fn too_few(&self, needed: u64, what: &str) -> String {
        let n = self.moments.n();
        format!("Arm `{}` has {n} unit{}; {what} needs at least {needed}.", self.name, if n == 1 { "" } else { "s" })
    }
}
