//! Exact confidence sequences of two shares.

use super::theory::at_most;
use super::{Case, Claim, Declaration, Measure, SILENT, Variant, with};

const OPTIONS: Variant = with("allocation=share", &[("allocation", "{share}")]);

pub(super) const DECLARATION: Declaration = Declaration {
    estimator: "confidence_sequence_exact",
    promises: "At all looks together at most the level, from the first unit on, for any share. The interval is of the \
               lift; the difference has none.",
    variants: &[OPTIONS],
    claim,
    at_looks: &[OPTIONS],
    ..SILENT
};

fn claim(case: &Case<'_>) -> Claim {
    match case.measure {
        Measure::Bias => Claim::Nothing("shown for comparison: a lift by counts has a bias that shrinks with them"),
        _ => at_most(case.measure, "the sequence is exact"),
    }
}
