//! Posteriors of two rates.

use rand_distr::{Distribution, Gamma};

use super::theory::exact;
use super::{Belief, Case, Claim, DEFAULT, Declaration, Measure, SILENT};
use crate::law::{Family, Law};
use crate::scenario::Scenario;

pub(super) const DECLARATION: Declaration = Declaration {
    estimator: "gamma_poisson",
    promises: "On average over its prior a credible interval covers exactly as often as it says, at any size, of counts \
               that are Poisson. Of counts that vary more it is too narrow, as its note says.",
    variants: &[DEFAULT.one_in(100)],
    fits: |scenario: &Scenario| {
        matches!(scenario.laws[0].family, Family::Poisson { .. } | Family::NegativeBinomial { .. })
    },
    claim,
    beliefs: &[Belief {
        name: "prior of 2 events in 1 unit",
        options: &[("prior_rate", "1"), ("prior_shape", "2")],
        one_in: 20,
        shape: "counts",
        draw: |random| {
            let mut rate = || Gamma::new(2.0, 1.0).map_or(2.0, |prior| prior.sample(random));
            [rate(), rate()].map(|rate| Law::of(Family::Poisson { rate }))
        },
    }],
    ..SILENT
};

fn claim(case: &Case<'_>) -> Claim {
    match case.measure {
        Measure::UnderPrior(_) => exact(case.measure, "on average over its prior an exact posterior is right"),
        _ if matches!(case.scenario.laws[0].family, Family::NegativeBinomial { .. }) => {
            Claim::Nothing("the counts vary more than Poisson counts, which the model says they do not")
        }
        _ => Claim::Nothing("a prior is right on average over itself, not at one pair of rates"),
    }
}
