//! The theorems that claims are made of.

use super::{Case, Claim, Measure};
use crate::scenario::Scale;

/// A promise of a rate holds within this part of the nominal error; a second-order term must be half of it to be
/// called small.
const SLACK: f64 = 0.2;

/// Fewest units of an arm from which a variance is worth promising for.
const FEW: usize = 5;

/// The nominal error within the slack.
pub fn near_nominal(measure: Measure, because: &'static str) -> Claim {
    match measure.alpha() {
        Some(alpha) => Claim::Between { least: alpha * (1.0 - SLACK), most: alpha * (1.0 + SLACK), because },
        None => Claim::Nothing(NOT_A_RATE),
    }
}

/// The nominal error exactly.
pub fn exact(measure: Measure, because: &'static str) -> Claim {
    match measure.alpha() {
        Some(alpha) => Claim::Between { least: alpha, most: alpha, because },
        None => Claim::Nothing(NOT_A_RATE),
    }
}

/// The nominal error at most.
pub fn at_most(measure: Measure, because: &'static str) -> Claim {
    match measure.alpha() {
        Some(alpha) => Claim::Between { least: 0.0, most: alpha, because },
        None => Claim::Nothing(NOT_A_RATE),
    }
}

/// The nominal error and the slack at most.
pub fn near_at_most(measure: Measure, because: &'static str) -> Claim {
    match measure.alpha() {
        Some(alpha) => Claim::Between { least: 0.0, most: alpha * (1.0 + SLACK), because },
        None => Claim::Nothing(NOT_A_RATE),
    }
}

/// Why power and spread are shown and not judged.
pub const NOT_A_RATE: &str = "shown for comparison: no theory fixes it";

/// The degrees of freedom against which a statistic is held.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Against {
    /// Satterthwaite's.
    Own,
    /// Those of both arms together.
    Pooled,
    /// The normal distribution.
    Normal,
}

/// What the expansion of a studentised mean promises, with the standard errors of each arm.
pub fn studentised_mean(case: &Case<'_>, against: Against) -> Claim {
    let scenario = case.scenario;
    if case.measure == Measure::Bias {
        return unbiased(case);
    }
    let Some(alpha) = case.measure.alpha() else { return Claim::Nothing(NOT_A_RATE) };
    if scenario.least_units() < FEW {
        return Claim::Nothing("an arm has fewer than five units");
    }
    // The null of the relative row is that of the absolute one.
    let scale = if matches!(case.measure, Measure::Size(_)) { Scale::Absolute } else { case.scale };
    let expansion = scenario.expansion(scale);
    if !expansion.excess.is_finite() {
        return Claim::Nothing("the outcome has no fourth moment, so the expansion has no next term");
    }
    let units = scenario.size.total as f64;
    let reference = match against {
        Against::Own => scenario.expansion(Scale::Absolute).df,
        Against::Pooled => units - 2.0,
        Against::Normal => f64::INFINITY,
    };
    if expansion.error(alpha, reference) > 0.5 * SLACK * alpha {
        return Claim::Nothing(if expansion.step > expansion.skewness.abs() && expansion.excess.abs() < 0.1 {
            "so few successes or counts make the levels that a test can have far apart"
        } else {
            "skewness, heavy tails or few degrees of freedom: the second-order term is above a tenth of the level"
        });
    }
    near_nominal(case.measure, "the second-order term of the expansion is below a tenth of the level")
}

/// The mean error of a difference of plain means.
pub fn unbiased(case: &Case<'_>) -> Claim {
    let heavy = case.scenario.parts([1.0, 1.0]).iter().any(|part| !part.unit.excess.is_finite());
    match case.scale {
        _ if heavy => Claim::Nothing("without a fourth moment the mean error itself is too unsteady to judge"),
        Scale::Absolute => Claim::Unbiased("a difference of means is unbiased at any size"),
        Scale::Relative => Claim::Nothing("a ratio of estimates has a bias that shrinks with the units"),
    }
}

/// What Fieller's, the delta method's and the log-ratio's interval add to a studentised mean.
pub fn lift_by_linearisation(case: &Case<'_>, claim: Claim) -> Claim {
    let linear = case.scenario.baseline_error() < 0.02;
    let relative_interval = case.scale == Scale::Relative && matches!(case.measure, Measure::Coverage(_));
    if relative_interval && !linear {
        return Claim::Nothing("the baseline mean is known to less than 2 %, and the lift is taken as linear in it");
    }
    claim
}

/// What large samples promise where no expansion is at hand: both tails of the level hold enough units of each arm.
pub fn large_sample(case: &Case<'_>, because: &'static str) -> Claim {
    match case.measure.alpha() {
        None => Claim::Nothing(NOT_A_RATE),
        Some(alpha) if (case.scenario.least_units() as f64) < 5.0 / alpha => {
            Claim::Nothing("an arm has fewer units than five over the level")
        }
        Some(_) => near_nominal(case.measure, because),
    }
}
