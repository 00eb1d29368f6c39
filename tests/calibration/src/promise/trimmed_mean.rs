//! Yuen's test.

use super::theory::large_sample;
use super::{Case, Claim, DEFAULT, Declaration, Measure, SILENT};
use crate::law::Family;
use crate::scenario::{Scale, Scenario};

/// The default of the option.
const TRIM: f64 = 0.2;

pub(super) const DECLARATION: Declaration = Declaration {
    estimator: "trimmed_mean",
    promises: "The level for the trimmed mean of outcomes with a density, in large samples: heavy tails do not matter. \
               With many ties or zeros the winsorised variance says little, and nothing is promised.",
    variants: &[DEFAULT],
    truth,
    claim,
    ..SILENT
};

fn truth(scenario: &Scenario, scale: Scale, _: &str) -> Option<f64> {
    let [control, treated] = scenario.laws;
    let (control, treated) = (control.trimmed_mean(TRIM)?, treated.trimmed_mean(TRIM)?);
    Some(match scale {
        Scale::Absolute => treated - control,
        Scale::Relative => treated / control - 1.0,
    })
}

fn claim(case: &Case<'_>) -> Claim {
    match case.measure {
        _ if !case.scenario.laws[0].is_continuous() => Claim::Nothing("ties reach into the winsorised ends"),
        Measure::Bias if case.scale == Scale::Absolute && case.scenario.laws[0].family == Family::Normal => {
            Claim::Unbiased("of a symmetric outcome")
        }
        Measure::Bias => Claim::Nothing("a trimmed mean of a skewed outcome has a bias that shrinks with the units"),
        _ => large_sample(case, "Yuen's statistic is near Student's t in large samples"),
    }
}
