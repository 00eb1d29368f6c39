//! Tests of two shares.

use super::theory::{Against, at_most, studentised_mean, unbiased};
use super::{Case, Claim, DEFAULT, Declaration, Measure, SILENT, with};

pub(super) const DECLARATION: Declaration = Declaration {
    estimator: "proportion",
    promises: "The level where so many successes are expected that the steps between possible levels are small. Exact \
               tests (Fisher, Boschloo, Barnard) never exceed it, at any size; the intervals beside them are the score \
               interval's, which promises the level in large samples only.",
    variants: &[
        DEFAULT,
        with("method=barnard", &[("method", "barnard")]).up_to(100).one_in(50),
        with("method=boschloo", &[("method", "boschloo")]).up_to(100).one_in(50),
        with("method=fisher", &[("method", "fisher")]).up_to(1_000).one_in(2),
        with("method=newcombe", &[("method", "newcombe")]),
        with("method=score", &[("method", "score")]),
        with("method=wald", &[("method", "wald")]),
    ],
    claim,
    ..SILENT
};

fn claim(case: &Case<'_>) -> Claim {
    if case.measure == Measure::Bias {
        return unbiased(case);
    }
    match (case.variant, case.measure) {
        ("method=barnard" | "method=boschloo" | "method=fisher", Measure::Size(_)) => {
            at_most(case.measure, "an exact test never exceeds its level")
        }
        _ => studentised_mean(case, Against::Normal),
    }
}
