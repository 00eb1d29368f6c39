//! Randomisation tests.

use super::theory::{Against, at_most, large_sample, studentised_mean, unbiased};
use super::{Case, Claim, Declaration, Measure, SILENT, with};

pub(super) const DECLARATION: Declaration = Declaration {
    estimator: "permutation",
    promises: "Never above the level where the arms have one distribution, at any size and for any outcome. Where they \
               spread differently the studentised statistic keeps the level in large samples. The interval is promised \
               where Welch's is.",
    variants: &[
        with("default", &[("seed", "{replicate}")]).up_to(1_000).one_in(20),
        with("statistic=difference", &[("seed", "{replicate}"), ("statistic", "difference")]).up_to(1_000).one_in(20),
    ],
    claim,
    ..SILENT
};

fn claim(case: &Case<'_>) -> Claim {
    match case.measure {
        Measure::Bias => unbiased(case),
        Measure::Size(_) if case.scenario.arms_are_alike() => {
            at_most(case.measure, "labels can be exchanged, so the test is exact")
        }
        _ if case.variant == "statistic=difference" => {
            Claim::Nothing("a test of no effect on anybody, whose interval takes the spread over assignments")
        }
        Measure::Size(_) => large_sample(case, "a studentised statistic is near the same law under both"),
        _ => match large_sample(case, "") {
            Claim::Between { .. } => studentised_mean(case, Against::Own),
            nothing => nothing,
        },
    }
}
