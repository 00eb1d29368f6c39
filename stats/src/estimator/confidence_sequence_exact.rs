//! Exact confidence sequence for two shares.

use crate::contrast::{Inference, Test};
use crate::design::Design;
use crate::dist::{Alternative, TailProbability};
use crate::error::Error;
use crate::estimand::{Direction, Estimand, SummaryKind};
use crate::estimate::{Estimate, Estimates};
use crate::estimator::arms::{Arms, Mean};
use crate::estimator::difference_in_means::per_arm_fit;
use crate::estimator::option::{OptionKind, OptionSpec, Options};
use crate::estimator::proportion::successes;
use crate::estimator::{Estimator, answer, prepare};
use crate::potential_outcomes::PotentialOutcomes;
use crate::requirement::Requirements;
use crate::sample::Sample;
use crate::sequential::{EValue, EventSplit, Multinomial};

/// Below this p-value the units per arm are not those of the allocation, and the arm of a success means nothing.
const MISMATCH: f64 = 0.001;

/// How many units the allocation is worth in that test.
const CONCENTRATION: f64 = 10_000.0;

/// Estimates the effect on a share by the arm of each success, exactly, however often it is looked at.
///
/// With the share `π` of both arms' units planned for the arm, and shares of successes in the ratio `ψ`, a success is
/// the arm's with probability `πψ/(πψ + 1 − π)`: the [`EventSplit`] sequence. One-sided rows take that side of the
/// two-sided sequence.
///
/// - **Needs** successes and units per arm, as the moments of an outcome of 0 and 1.
/// - **Gives** the lift `ψ̂ − 1` from the successes and the allocation, with a sequence and an anytime p-value that need
///   no minimum of units; the difference of shares with the same p-value and without interval.
/// - **Assumes** units assigned independently with the planned share, and a ratio of shares that stays as it is; their
///   level may change by the hour.
/// - **Errors** as the trait says; where the units per arm do not match the allocation there is no test, and a note.
/// - **Source** Lindon & Malek (2022), NeurIPS, section 4; Howard et al. (2021), proposition 7.
#[derive(Debug)]
pub struct ConfidenceSequenceExact;

const ALLOCATION: OptionSpec = OptionSpec {
    name: "allocation",
    kind: OptionKind::Number { min: 0.001, max: 0.999 },
    default: "0.5",
    meaning: "Planned share of the arm among the units of both arms; checked against the units that are there.",
};

const PLANNED_SUCCESSES: OptionSpec = OptionSpec {
    name: "planned_successes",
    kind: OptionKind::Number { min: 10.0, max: 1e15 },
    default: "1000",
    meaning: "Successes of both arms together at which the sequence is narrowest; fixed before the first look.",
};

impl Estimator for ConfidenceSequenceExact {
    fn name(&self) -> &str {
        "confidence_sequence_exact"
    }

    fn summary(&self) -> &str {
        "The lift of a share by the arm of each success, exact at every look and from the first unit on."
    }

    fn assumes(&self) -> &str {
        "Units are assigned independently with the planned share, and the ratio of the shares stays as it is."
    }

    fn source(&self) -> &str {
        "Lindon & Malek (2022), NeurIPS, section 4; Howard et al. (2021), Annals of Statistics 49, proposition 7."
    }

    fn serves(&self) -> &[SummaryKind] {
        &[SummaryKind::Proportion]
    }

    fn options(&self) -> &[OptionSpec] {
        const { &[ALLOCATION, PLANNED_SUCCESSES] }
    }

    fn requires(&self, estimand: &Estimand, design: &Design) -> Result<Requirements, Error> {
        prepare(self, estimand, design)?;
        Ok(Requirements::comoments(estimand.summary.variables()))
    }

    fn estimate(&self, estimand: &Estimand, design: &Design, sample: &Sample) -> Result<Estimates, Error> {
        let (options, inference) = prepare(self, estimand, design)?;
        let arms = Arms::of(estimand, sample, &estimand.summary.variables())?;
        let counts = match arms.moments() {
            [Some(baseline), Some(arm)] => {
                Some([(successes(estimand, baseline)?, baseline.n()), (successes(estimand, arm)?, arm.n())])
            }
            _ => None,
        };
        let outcomes = arms.outcomes(|moments| Some(Mean::of(moments, 0)), per_arm_fit);
        let split = counts.and_then(|counts| Split::of(counts, &options, 1.0 - design.level));
        let rows = rows(&inference, estimand, outcomes, split.as_ref(), 1.0 - design.level);
        Ok(answer(self, &options, rows))
    }
}

/// Successes by arm, and the sequence that judges them.
struct Split {
    sequence: EventSplit,
    allocation: f64,
    arm: u64,
    baseline: u64,
    /// Whether the units per arm are those of the allocation.
    matches: bool,
}

impl Split {
    /// Of successes and units, the baseline first.
    fn of([(x_0, n_0), (x_1, n_1)]: [(u64, u64); 2], options: &Options, alpha: f64) -> Option<Self> {
        let allocation = options.number(ALLOCATION.name)?;
        let sequence = EventSplit::tuned(allocation, options.number(PLANNED_SUCCESSES.name)?, alpha)?;
        let units = Multinomial::new(&[1.0 - allocation, allocation], CONCENTRATION)?.e_value(&[n_0, n_1])?;
        Some(Self { sequence, allocation, arm: x_1, baseline: x_0, matches: units.p_value().p >= MISMATCH })
    }

    /// The ratio of the shares; `None` without a success of the baseline.
    fn ratio(&self) -> Option<f64> {
        let odds = (1.0 - self.allocation) / self.allocation;
        (self.baseline > 0).then(|| self.arm as f64 / self.baseline as f64 * odds)
    }

    /// The anytime p-value of a ratio on the side of a test: 1 where the successes lean to the other side.
    fn p_value(&self, psi: f64, alternative: Alternative) -> Option<TailProbability> {
        let ratio = self.ratio().unwrap_or(f64::INFINITY);
        let leans = match alternative {
            Alternative::TwoSided => true,
            Alternative::Greater => ratio > psi,
            Alternative::Less => ratio < psi,
        };
        if leans {
            Some(self.sequence.e_value(self.arm, self.baseline, psi)?.p_value())
        } else {
            Some(TailProbability::CERTAIN)
        }
    }

    /// Fills in p-value and, on the scale of the lift, the interval.
    fn fill(&self, row: &mut Estimate, psi: f64, test: Test) {
        if !self.matches {
            row.note(NO_MATCH);
            return;
        }
        if let Some(TailProbability { p, log10_p }) = self.p_value(psi, test.alternative) {
            (row.p_value, row.log10_p) = (Some(p), Some(log10_p));
        }
        // Of one side there is a p-value, not evidence: on the other side the mixture may grow.
        if test.alternative == Alternative::TwoSided {
            row.log10_e = self.sequence.e_value(self.arm, self.baseline, psi).map(EValue::log10);
        }
        row.note(VALID);
        if row.scale.as_deref() == Some("absolute") {
            row.note("The exact sequence is of the lift, so the difference has no interval.");
            return;
        }
        // One side of the two-sided sequence errs no more often than both.
        let ends =
            self.sequence.interval(self.arm, self.baseline, test.alpha()).map(|ends| ends.facing(test.alternative));
        if let Some(ends) = ends {
            (row.conf_low, row.conf_high) = (ends.low.map(|low| low - 1.0), ends.high.map(|high| high - 1.0));
        }
        if row.conf_low.is_none() && row.conf_high.is_none() {
            row.note("The data set no bound on the asked side.");
        }
    }
}

const VALID: &str = "Exact at every look, from the arm of each success and the planned allocation.";
const NO_MATCH: &str =
    "The units per arm do not match `allocation`, so the arm of a success says nothing: there is no test.";

fn rows(
    inference: &Inference,
    estimand: &Estimand,
    mut outcomes: PotentialOutcomes,
    split: Option<&Split>,
    alpha: f64,
) -> Estimates {
    // Counts need no variance per arm, so its absence is no news here.
    outcomes.notes.retain(|note| !note.contains("a standard error needs"));
    let alternative = inference.alternative(estimand);
    let mut absolute = inference.row(estimand, &outcomes, "absolute", alternative);
    absolute.estimate = outcomes.weighted_mean(&[-1.0, 1.0]);
    let difference = outcomes.contrast(&[-1.0, 1.0]);
    absolute.std_error = difference.map(|difference| difference.variance.sqrt()).filter(|error| *error > 0.0);
    let mut relative = inference.row(estimand, &outcomes, "relative", alternative);
    let mut rows = vec![];
    if let Some(split) = split {
        let test = Test::of(alternative, alpha);
        split.fill(&mut absolute, 1.0, test);
        lift(&mut relative, split, 1.0, test);
        if let Some(margin) = estimand.hypothesis.margin() {
            let (alternative, psi) = match estimand.direction {
                Direction::Higher => (Alternative::Greater, 1.0 - margin),
                Direction::Lower => (Alternative::Less, 1.0 + margin),
            };
            let mut row = inference.row(estimand, &outcomes, "relative", alternative);
            row.margin = Some(margin);
            row.level = Some(1.0 - alpha / 2.0);
            lift(&mut row, split, psi, Test::of(alternative, alpha / 2.0));
            rows.push(row);
        }
    }
    rows.splice(0..0, [absolute, relative]);
    Estimates { rows }
}

/// The lift and its test; without a success of the baseline a note.
fn lift(row: &mut Estimate, split: &Split, psi: f64, test: Test) {
    row.estimate = split.ratio().map(|ratio| ratio - 1.0);
    if row.estimate.is_none() {
        row.note("The baseline share is zero, so there is no relative effect.");
        return;
    }
    split.fill(row, psi, test);
}
