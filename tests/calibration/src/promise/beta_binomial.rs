//! Posteriors of two shares.

use rand_chacha::ChaCha8Rng;
use rand_distr::{Beta, Distribution};

use super::theory::exact;
use super::{Belief, Case, Claim, DEFAULT, Declaration, Measure, SILENT};
use crate::law::{Family, Law};

pub(super) const DECLARATION: Declaration = Declaration {
    estimator: "beta_binomial",
    promises: "On average over its prior a credible interval covers exactly as often as it says, at any size. Coverage \
               of one fixed pair of shares is shown and not promised.",
    variants: &[DEFAULT.one_in(100)],
    claim,
    beliefs: &[
        Belief {
            name: "uniform prior",
            options: &[],
            one_in: 20,
            shape: "common_share",
            draw: |random| shares(random, 1.0, 1.0),
        },
        Belief {
            name: "prior of 2 in 40",
            options: &[("prior_alpha", "2"), ("prior_beta", "38")],
            one_in: 20,
            shape: "rare_share",
            draw: |random| shares(random, 2.0, 38.0),
        },
    ],
    ..SILENT
};

fn shares(random: &mut ChaCha8Rng, alpha: f64, beta: f64) -> [Law; 2] {
    let mut share = || Beta::new(alpha, beta).map_or(0.5, |prior| prior.sample(random));
    [share(), share()].map(|share| Law::of(Family::Bernoulli { share }))
}

fn claim(case: &Case<'_>) -> Claim {
    match case.measure {
        Measure::UnderPrior(_) => exact(case.measure, "on average over its prior an exact posterior is right"),
        _ => Claim::Nothing("a prior is right on average over itself, not at one pair of shares"),
    }
}
