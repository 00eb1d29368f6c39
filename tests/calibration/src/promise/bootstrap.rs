//! Bootstrap intervals of a difference of means.

use super::theory::{Against, studentised_mean, unbiased};
use super::{Case, Claim, Declaration, Measure, SILENT, Variant, with};

const fn interval(name: &'static str, options: &'static [(&'static str, &'static str)]) -> Variant {
    with(name, options).up_to(1_000).one_in(50)
}

pub(super) const DECLARATION: Declaration = Declaration {
    estimator: "bootstrap",
    promises: "The level wherever Welch's test promises it and an arm has a hundred units. The studentised interval \
               corrects skewness of first order, so in uneven arms it should miss less than Welch's; by how much is \
               measured, not promised. 999 replicates say nothing of a level of 0.001.",
    variants: &[
        interval("default", &[("seed", "{replicate}")]),
        interval("interval=bca", &[("interval", "bca"), ("seed", "{replicate}")]),
        interval("interval=percentile", &[("interval", "percentile"), ("seed", "{replicate}")]),
    ],
    claim,
    ..SILENT
};

fn claim(case: &Case<'_>) -> Claim {
    match case.measure {
        Measure::Bias => unbiased(case),
        _ if case.scenario.least_units() < 100 => Claim::Nothing("an arm has fewer than a hundred units to resample"),
        _ if case.measure.alpha().is_some_and(|alpha| alpha < 0.0099) => {
            Claim::Nothing("999 replicates are too few for this level")
        }
        _ => studentised_mean(case, Against::Own),
    }
}
