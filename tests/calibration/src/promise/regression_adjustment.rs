//! Regression adjustment, CUPED.

use super::theory::{Against, studentised_mean};
use super::{Case, Claim, DEFAULT, Declaration, Measure, SILENT, with};

pub(super) const DECLARATION: Declaration = Declaration {
    estimator: "regression_adjustment",
    promises: "The level, up to second-order terms in skewness and tails of what the covariate leaves over, once each \
               arm has units enough for its slope. Without a covariate it is Welch's test.",
    variants: &[DEFAULT, with("slope=pooled", &[("slope", "pooled")])],
    claim,
    ..SILENT
};

fn claim(case: &Case<'_>) -> Claim {
    enough_for_slopes(case).unwrap_or_else(|| studentised_mean(case, Against::Own))
}

/// Why nothing is promised where slopes are estimated from few units, or bias of first order in them remains.
pub(super) fn enough_for_slopes(case: &Case<'_>) -> Option<Claim> {
    if case.scenario.covariates().is_empty() {
        return None;
    }
    if case.measure == Measure::Bias {
        return Some(Claim::Nothing("an estimated slope brings a bias that shrinks with the units"));
    }
    let few = case.scenario.least_units() < 50;
    few.then_some(Claim::Nothing("an arm has fewer than fifty units for its slope"))
}
