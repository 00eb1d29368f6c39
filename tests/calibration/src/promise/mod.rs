//! What theory promises of each estimator, and where: one declaration per estimator.
//!
//! A declaration names the options worth showing, and claims for a case (scenario, options, scale and what is measured)
//! between which bounds the true rate lies, or that theory says nothing there and why. Claims are made from what is
//! known of the scenario, never from what was measured.

use std::fmt;

use estimand_stats::Design;
use rand_chacha::ChaCha8Rng;

use crate::law::Law;
use crate::scenario::{Scale, Scenario};

mod bayes;
mod beta_binomial;
mod bootstrap;
mod confidence_sequence;
mod confidence_sequence_exact;
mod difference_in_means;
mod gamma_poisson;
mod group_sequential;
mod mann_whitney;
mod ols;
mod permutation;
mod proportion;
mod quantile;
mod ratio;
mod regression_adjustment;
mod theory;
mod trimmed_mean;

/// Where the estimators of times to an event are calibrated.
const TIMES: &str =
    "Size and coverage with times that are not seen to their end: `stats/tests/it/calibration_of_times.rs`.";

/// Every declaration, by the name of its estimator.
pub const ALL: &[Declaration] = &[
    bayes::DECLARATION,
    beta_binomial::DECLARATION,
    bootstrap::DECLARATION,
    elsewhere("cluster_robust", "Size and coverage with 5 to 50 clusters: `stats/tests/it/clustered.rs`."),
    confidence_sequence::DECLARATION,
    confidence_sequence_exact::DECLARATION,
    difference_in_means::DECLARATION,
    gamma_poisson::DECLARATION,
    group_sequential::DECLARATION,
    elsewhere("hazard_ratio", TIMES),
    elsewhere("log_rank", TIMES),
    mann_whitney::DECLARATION,
    ols::DECLARATION,
    permutation::DECLARATION,
    proportion::DECLARATION,
    quantile::DECLARATION,
    elsewhere("rate_ratio", "Size of its models under over-dispersion: `stats/tests/it/calibration_of_times.rs`."),
    ratio::DECLARATION,
    regression_adjustment::DECLARATION,
    elsewhere("restricted_mean", TIMES),
    elsewhere("stratified", "Coverage in blocks and pairs: `stats/tests/it/stratified.rs`."),
    elsewhere("survival_difference", TIMES),
    trimmed_mean::DECLARATION,
];

/// The declaration of an estimator.
pub fn of(estimator: &str) -> Option<&'static Declaration> {
    ALL.iter().find(|declaration| declaration.estimator == estimator)
}

/// What is measured of an estimator, and what is promised.
#[derive(Debug, Clone, Copy)]
pub struct Declaration {
    /// Name of the estimator.
    pub estimator: &'static str,
    /// What theory promises, in a sentence or two for the page; of one that is calibrated elsewhere, where.
    pub promises: &'static str,
    /// Options worth showing, the defaults first; none for an estimator that is calibrated elsewhere.
    pub variants: &'static [Variant],
    /// Whether the estimator makes sense of a scenario whose kind it serves.
    pub fits: fn(&Scenario) -> bool,
    /// The effect that the row of a scale estimates under the options of a variant; `None` where it has no closed form.
    pub truth: fn(&Scenario, Scale, &str) -> Option<f64>,
    /// What is promised of a case.
    pub claim: fn(&Case<'_>) -> Claim,
    /// Options at repeated looks, for what is made for them.
    pub at_looks: &'static [Variant],
    /// Priors under which credible intervals are checked.
    pub beliefs: &'static [Belief],
}

impl Declaration {
    /// Whether it is measured here, and not by another test.
    pub fn is_measured(&self) -> bool {
        !(self.variants.is_empty() && self.at_looks.is_empty() && self.beliefs.is_empty())
    }
}

/// A declaration that promises nothing and measures nothing: what the others are written over.
const SILENT: Declaration = Declaration {
    estimator: "",
    promises: "",
    variants: &[],
    fits: |_| true,
    truth: |scenario, scale, _| Some(scenario.mean_effect(scale)),
    claim: |_| Claim::Nothing("no claim is made"),
    at_looks: &[],
    beliefs: &[],
};

/// The declaration of an estimator that no shape here can feed, with the test that calibrates it: an entry of [`ALL`]
/// without a file of its own.
const fn elsewhere(estimator: &'static str, test: &'static str) -> Declaration {
    Declaration { estimator, promises: test, ..SILENT }
}

/// Some options of an estimator, by a name of their own.
#[derive(Debug, Clone, Copy)]
pub struct Variant {
    /// Name on the page: the options that differ from the defaults.
    pub name: &'static str,
    /// Options by name; `{units}`, `{share}` and `{replicate}` stand for what the scenario gives, `{earlier}` and
    /// `{last}` for the look.
    pub options: &'static [(&'static str, &'static str)],
    /// Most units of both arms for which it is asked.
    pub most_units: usize,
    /// One in so many replicates is run, where an answer costs that much more.
    pub one_in: u64,
}

/// The defaults.
const DEFAULT: Variant = with("default", &[]);

/// Options that differ from their defaults.
const fn with(name: &'static str, options: &'static [(&'static str, &'static str)]) -> Variant {
    Variant { name, options, most_units: usize::MAX, one_in: 1 }
}

impl Variant {
    /// The same for experiments of so many units at most.
    const fn up_to(self, most_units: usize) -> Self {
        Self { most_units, ..self }
    }

    /// The same in one of so many replicates.
    const fn one_in(self, one_in: u64) -> Self {
        Self { one_in, ..self }
    }
}

/// A prior, and what is drawn from it.
#[derive(Debug, Clone, Copy)]
pub struct Belief {
    /// Name on the page.
    pub name: &'static str,
    /// The options that state it.
    pub options: &'static [(&'static str, &'static str)],
    /// One in so many replicates is run.
    pub one_in: u64,
    /// Name of the shape of the data, of which the laws are replaced.
    pub shape: &'static str,
    /// The laws of both arms, control first, as the prior gives them.
    pub draw: fn(&mut ChaCha8Rng) -> [Law; 2],
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Measure {
    /// How often the two-sided test at this level rejects where there is no effect.
    Size(f64),
    /// How often the interval at this level covers the effect.
    Coverage(f64),
    /// How often the test at 0.05 finds an effect that the normal theory finds with 0.80.
    Power,
    /// Mean error in standard deviations of the estimate.
    Bias,
    /// Root mean squared error over the mean standard error.
    Spread,
    /// Share of replicates without an estimate.
    Unanswered,
    /// How often any look rejects at this level where there is no effect.
    AnyLook(f64),
    /// How often the intervals of all looks cover the effect.
    AllLooks(f64),
    /// How often the credible interval of this probability covers effects drawn from the prior.
    UnderPrior(f64),
}

impl Measure {
    /// Name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Size(_) => "size",
            Self::Coverage(_) => "coverage",
            Self::Power => "power",
            Self::Bias => "bias",
            Self::Spread => "spread",
            Self::Unanswered => "unanswered",
            Self::AnyLook(_) => "size_over_looks",
            Self::AllLooks(_) => "coverage_over_looks",
            Self::UnderPrior(_) => "coverage_under_prior",
        }
    }

    /// The level in the name, where there is one.
    pub fn nominal(self) -> Option<f64> {
        match self {
            Self::Size(nominal)
            | Self::Coverage(nominal)
            | Self::AnyLook(nominal)
            | Self::AllLooks(nominal)
            | Self::UnderPrior(nominal) => Some(nominal),
            Self::Power | Self::Bias | Self::Spread | Self::Unanswered => None,
        }
    }

    /// The probability of an error that the level allows.
    pub fn alpha(self) -> Option<f64> {
        match self {
            Self::Size(alpha) | Self::AnyLook(alpha) => Some(alpha),
            Self::Coverage(level) | Self::AllLooks(level) | Self::UnderPrior(level) => Some(1.0 - level),
            Self::Power | Self::Bias | Self::Spread | Self::Unanswered => None,
        }
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.nominal() {
            Some(nominal) => write!(f, "{} {nominal}", self.name()),
            None => write!(f, "{}", self.name()),
        }
    }
}

/// What a claim is asked about.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// The experiment.
    pub scenario: &'a Scenario,
    /// Name of the [`Variant`] or [`Belief`].
    pub variant: &'a str,
    /// Scale of the row.
    pub scale: Scale,
    /// What is measured.
    pub measure: Measure,
}

/// What theory says of the probability of an error: to reject what is true, or to miss it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Claim {
    /// It lies between these bounds.
    Between {
        /// Lower bound.
        least: f64,
        /// Upper bound.
        most: f64,
        /// Why, in a few words.
        because: &'static str,
    },
    /// The mean error is zero.
    Unbiased(&'static str),
    /// Nothing, with the reason.
    Nothing(&'static str),
}

/// The design of a variant in a scenario at a look, or at the end.
pub fn design(
    options: &[(&str, &str)],
    scenario: &Scenario,
    level: f64,
    replicate: u64,
    looks: Option<(&str, bool)>,
) -> Design {
    let (earlier, last) = looks.unwrap_or(("", true));
    let filled = |value: &str| {
        value
            .replace("{units}", &scenario.size.total.to_string())
            .replace("{share}", &scenario.size.share.to_string())
            .replace("{earlier}", earlier)
            .replace("{last}", if last { "true" } else { "false" })
            .replace("{replicate}", &replicate.to_string())
    };
    Design {
        level,
        covariates: scenario.covariates().iter().map(|name| (*name).to_owned()).collect(),
        options: options.iter().map(|(name, value)| ((*name).to_owned(), filled(value))).collect(),
        ..Design::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_estimator_has_one_declaration_and_every_declaration_an_estimator() {
        let declared: Vec<&str> = ALL.iter().map(|declaration| declaration.estimator).collect();
        assert!(declared.is_sorted());
        for estimator in estimand_stats::estimator::ALL {
            let name = estimator.name();
            assert!(
                declared.contains(&name),
                "`{name}` has no declaration: say in tests/calibration/src/promise/{name}.rs what theory promises of it, and name it in promise/mod.rs"
            );
        }
        for name in declared {
            assert!(estimand_stats::estimator::by_name(name).is_ok(), "`{name}` is declared and does not exist");
        }
    }
}
