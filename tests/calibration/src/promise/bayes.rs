//! Normal-model posteriors.

use rand_distr::{Distribution, StandardNormal};

use super::ratio::linearised;
use super::regression_adjustment::enough_for_slopes;
use super::theory::{Against, near_nominal, studentised_mean};
use super::{Belief, Case, Claim, DEFAULT, Declaration, Measure, SILENT, with};
use crate::law::{Family, Law};
use crate::scenario::{Beside, Scale};

pub(super) const DECLARATION: Declaration = Declaration {
    estimator: "bayes",
    promises: "A credible interval covers as often as it says on average over its prior, in samples so large that the \
               standard error is near true. Under a flat prior it also has the coverage of a z interval. Under a real \
               prior coverage of one fixed effect is not promised: it is lower far from the prior's mean.",
    variants: &[DEFAULT, with("prior=normal:0:0.05", &[("prior", "normal:0:0.05")])],
    claim,
    beliefs: &[Belief {
        name: "prior=normal:0:0.3",
        options: &[("prior", "normal:0:0.3"), ("prior_scale", "absolute")],
        one_in: 1,
        shape: "normal",
        draw: |random| {
            let effect: f64 = StandardNormal.sample(random);
            [10.0, 10.0 + 0.3 * effect].map(|mean| Law::scaled(Family::Normal, 3.0, mean))
        },
    }],
    ..SILENT
};

fn claim(case: &Case<'_>) -> Claim {
    if let Measure::UnderPrior(_) = case.measure {
        if case.scenario.least_units() < 100 {
            return Claim::Nothing("the standard error is taken as known, from fewer than a hundred units");
        }
        return match case.scale {
            Scale::Absolute => near_nominal(case.measure, "on average over its prior a posterior is right"),
            Scale::Relative => Claim::Nothing("the prior is stated of the difference, and the lift is linearised"),
        };
    }
    if case.variant != "default" {
        return Claim::Nothing("a real prior is right on average over itself, not at one effect");
    }
    match case.scenario.shape.beside {
        _ if case.measure == Measure::Bias => Claim::Nothing("the estimate is the mean of a posterior"),
        _ if case.scale == Scale::Relative && case.scenario.baseline_error() >= 0.02 => {
            Claim::Nothing("the baseline mean is known to less than 2 %, and the lift is taken as linear in it")
        }
        Beside::Denominator { .. } => linearised(case, Against::Normal),
        _ => enough_for_slopes(case).unwrap_or_else(|| studentised_mean(case, Against::Normal)),
    }
}
