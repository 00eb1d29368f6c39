//! Least squares with robust standard errors.

use super::regression_adjustment::enough_for_slopes;
use super::theory::{Against, studentised_mean};
use super::{Case, Claim, DEFAULT, Declaration, SILENT, with};

pub(super) const DECLARATION: Declaration = Declaration {
    estimator: "ols",
    promises: "With HC2 what Welch's test promises, but for the degrees of freedom, which are those of both arms: right \
               in arms of one size and in large ones. HC3 is wider by design; classical errors need one spread.",
    variants: &[
        DEFAULT.one_in(2),
        with("se=HC1", &[("se", "HC1")]).one_in(4),
        with("se=HC3", &[("se", "HC3")]).one_in(4),
        with("se=classical", &[("se", "classical")]).one_in(4),
        with("slope=shared", &[("slope", "shared")]).one_in(4),
    ],
    claim,
    ..SILENT
};

fn claim(case: &Case<'_>) -> Claim {
    if let Some(nothing) = enough_for_slopes(case) {
        return nothing;
    }
    match case.variant {
        "se=classical" => super::difference_in_means::pooled(case),
        "se=HC1" | "se=HC3" if case.scenario.least_units() < 500 => {
            Claim::Nothing("HC1 is too narrow and HC3 too wide by parts in the units of the smaller arm")
        }
        _ => studentised_mean(case, Against::Pooled),
    }
}
