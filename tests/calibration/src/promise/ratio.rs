//! Ratios of means by the delta method.

use super::theory::{Against, studentised_mean};
use super::{Case, Claim, DEFAULT, Declaration, Measure, SILENT};

pub(super) const DECLARATION: Declaration = Declaration {
    estimator: "ratio",
    promises: "The level, up to second-order terms of the linearised outcome, once each arm has fifty units of \
               assignment and so a denominator that is known well.",
    variants: &[DEFAULT],
    claim,
    ..SILENT
};

fn claim(case: &Case<'_>) -> Claim {
    linearised(case, Against::Own)
}

/// What a studentised ratio promises.
pub(super) fn linearised(case: &Case<'_>, against: Against) -> Claim {
    if case.measure == Measure::Bias {
        return Claim::Nothing("a ratio of means has a bias that shrinks with the units");
    }
    if case.scenario.least_units() < 50 {
        return Claim::Nothing(
            "an arm has fewer than fifty units, and the ratio is taken as linear in its denominator",
        );
    }
    studentised_mean(case, against)
}
