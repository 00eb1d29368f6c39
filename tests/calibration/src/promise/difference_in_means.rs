//! Welch's and Student's test.

use super::theory::{Against, exact, lift_by_linearisation, studentised_mean};
use super::{Case, Claim, DEFAULT, Declaration, Measure, SILENT, with};
use crate::law::Family;
use crate::scenario::Scale;

pub(super) const DECLARATION: Declaration = Declaration {
    estimator: "difference_in_means",
    promises: "The level, up to terms of second order in the skewness and the tails of the outcome: arms of one size \
               cancel skewness, uneven ones do not. Student's test on normal outcomes of one spread is exact.",
    variants: &[
        DEFAULT,
        with("distribution=normal", &[("distribution", "normal")]),
        with("lift=delta", &[("lift", "delta")]),
        with("lift=log", &[("lift", "log")]),
        with("variance=pooled", &[("variance", "pooled")]),
    ],
    claim,
    // The fixed test under peeking: what the sequential ones are for.
    at_looks: &[DEFAULT],
    ..SILENT
};

fn claim(case: &Case<'_>) -> Claim {
    if matches!(case.measure, Measure::AnyLook(_) | Measure::AllLooks(_)) {
        return Claim::Nothing("a fixed test is for one look; it stands here to show what more looks do to it");
    }
    match case.variant {
        "distribution=normal" => studentised_mean(case, Against::Normal),
        "lift=delta" | "lift=log" => lift_by_linearisation(case, studentised_mean(case, Against::Own)),
        "variance=pooled" => pooled(case),
        _ => studentised_mean(case, Against::Own),
    }
}

/// Student's test: exact for normal arms of one spread, like Welch's where the arms have one size, else of another
/// expansion when outcomes are skewed.
pub(super) fn pooled(case: &Case<'_>) -> Claim {
    let scenario = case.scenario;
    if case.measure == Measure::Bias {
        return super::theory::unbiased(case);
    }
    if !scenario.spreads_alike() {
        return Claim::Nothing("one variance for arms that spread differently");
    }
    let fieller = case.scale == Scale::Relative && matches!(case.measure, Measure::Coverage(_));
    if scenario.laws[0].family == Family::Normal && scenario.covariates().is_empty() && !fieller {
        return exact(case.measure, "Student's test is exact for normal outcomes of one spread");
    }
    if scenario.size.share != 0.5 && !scenario.laws[0].cumulants().skewness.eq(&0.0) {
        return Claim::Nothing("skewed outcomes in uneven arms with one variance: no expansion is at hand");
    }
    studentised_mean(case, Against::Pooled)
}
