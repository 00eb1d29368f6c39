//! Quantile effects.

use super::theory::{NOT_A_RATE, large_sample};
use super::{Case, Claim, DEFAULT, Declaration, Measure, SILENT, with};
use crate::scenario::{Scale, Scenario};

pub(super) const DECLARATION: Declaration = Declaration {
    estimator: "quantile",
    promises: "The level for outcomes with a density where order statistics lie close, in large samples. With ties the \
               interval stops at attained values, and nothing is promised.",
    variants: &[DEFAULT.one_in(10), with("quantile=0.9", &[("quantile", "0.9")]).one_in(10)],
    truth,
    claim,
    ..SILENT
};

fn truth(scenario: &Scenario, scale: Scale, variant: &str) -> Option<f64> {
    let q = if variant == "quantile=0.9" { 0.9 } else { 0.5 };
    let [control, treated] = scenario.laws;
    let (control, treated) = (control.quantile(q)?, treated.quantile(q)?);
    Some(match scale {
        Scale::Absolute => treated - control,
        Scale::Relative => treated / control - 1.0,
    })
}

fn claim(case: &Case<'_>) -> Claim {
    match case.measure {
        Measure::Size(_) | Measure::Coverage(_) if !case.scenario.laws[0].is_continuous() => {
            Claim::Nothing("ties: the interval stops at attained values")
        }
        Measure::Size(_) | Measure::Coverage(_) => {
            large_sample(case, "the law of an order statistic by the bootstrap nears its own")
        }
        _ => Claim::Nothing(NOT_A_RATE),
    }
}
