//! Estimators: the trait, its contract, and the registry.
//!
//! One file per estimator. To add one, write its file and name it in [`ALL`]; the conformance suite, the command line
//! and the report find it there.
//!
//! # How later families fit
//!
//! The trait was fixed after holding these against it:
//!
//! - **Confidence sequences and group-sequential tests**: the usual model of the question, with a
//!   [`Boundary`](crate::contrast::Boundary) in the place of Student's t; answers rows whose `p_value` is valid at this
//!   look, and whose interval is the sequence now.
//! - **Normal-model Bayes**: the same moments; the prior is an option; fills `prob_beat`, the
//!   expected losses and a credible interval.
//! - **Panel and staggered effects**: requires `unit_rows` with a cohort and a period variable; answers one row per
//!   cohort and period.
//! - **Plugged-in program**: holds its own name, options and needs, read from its header, which is why the trait hands
//!   out borrowed strings and not `'static` ones.

use std::fmt::Debug;

mod arm_regression;
mod arms;
mod bayes;
mod beta_binomial;
mod bootstrap;
mod cluster_robust;
mod cluster_wild;
mod confidence_sequence;
mod confidence_sequence_exact;
mod covariate_adjustment;
mod credible;
mod difference_in_means;
mod distributions;
mod gamma_poisson;
mod group_sequential;
mod hazard_ratio;
mod hazards;
mod joint;
mod log_rank;
mod log_ratio;
mod mann_whitney;
mod ols;
pub mod option;
mod permutation;
mod proportion;
mod quantile;
mod rate_ratio;
mod ratio;
mod reassignment;
mod regression_adjustment;
mod replication;
mod restricted_mean;
mod stratified;
mod survival_difference;
mod times;
mod trimmed_mean;
mod usual_model;

pub use option::{OptionKind, OptionSpec};

use option::Options;

use crate::contrast::Inference;
use crate::design::Design;
use crate::error::Error;
use crate::estimand::{Estimand, Hypothesis, SummaryKind};
use crate::estimate::Estimates;
use crate::requirement::Requirements;
use crate::sample::Sample;

/// A rule that turns a sample into estimates of an estimand.
///
/// # Contract, held by every member and checked by the conformance suite
/// - The rows depend on the sample's numbers alone: same input, same bytes.
/// - `estimate` reads nothing that `requires` did not name.
/// - An empty arm, one unit, zero variance or a missing value never gives NaN, an infinite number or `p_value = 0`:
///   either an [`Error`], or a row with a null and a note that says why.
/// - Swapping the arms flips the sign of an absolute effect; rescaling the outcome rescales it.
/// - Every row names the estimator and the options that were used, defaults included.
pub trait Estimator: Debug + Send + Sync {
    /// Name in files, on the command line and in the result table.
    fn name(&self) -> &str;

    /// What it does, in one sentence.
    fn summary(&self) -> &str;

    /// What it assumes, in one sentence.
    fn assumes(&self) -> &str;

    /// Where it comes from: author, year, equation.
    fn source(&self) -> &str;

    /// The kinds of estimand that it answers.
    fn serves(&self) -> &[SummaryKind];

    /// The options that it takes; anything else is refused by name.
    fn options(&self) -> &[OptionSpec];

    /// What it needs to see to answer `estimand` under `design`.
    ///
    /// # Errors
    /// [`Error::NotServed`], [`Error::UnknownOption`] or [`Error::InvalidOption`].
    fn requires(&self, estimand: &Estimand, design: &Design) -> Result<Requirements, Error>;

    /// The answer: rows for the absolute and the relative scale at least.
    ///
    /// # Errors
    /// Those of [`Estimator::requires`], and those of the data: see [`Error`].
    fn estimate(&self, estimand: &Estimand, design: &Design, sample: &Sample) -> Result<Estimates, Error>;
}

/// Every built-in estimator, by name.
pub const ALL: &[&dyn Estimator] = &[
    &bayes::Bayes,
    &beta_binomial::BetaBinomial,
    &bootstrap::Bootstrap,
    &cluster_robust::ClusterRobust,
    &confidence_sequence::ConfidenceSequence,
    &confidence_sequence_exact::ConfidenceSequenceExact,
    &difference_in_means::DifferenceInMeans,
    &gamma_poisson::GammaPoisson,
    &group_sequential::GroupSequential,
    &hazard_ratio::HazardRatio,
    &log_rank::LogRank,
    &mann_whitney::MannWhitney,
    &ols::Ols,
    &permutation::Permutation,
    &proportion::Proportion,
    &quantile::Quantile,
    &rate_ratio::RateRatio,
    &ratio::Ratio,
    &regression_adjustment::RegressionAdjustment,
    &restricted_mean::RestrictedMean,
    &stratified::Stratified,
    &survival_difference::SurvivalDifference,
    &trimmed_mean::TrimmedMean,
];

/// Name of the estimator that answers a kind of estimand when nobody names one: by clusters when units were assigned with
/// one, within strata when they were assigned there, adjusted when there are covariates.
pub fn usual(kind: SummaryKind, design: &Design) -> &'static str {
    match (kind, design.covariates.is_empty()) {
        (SummaryKind::TimeToEvent, _) => "restricted_mean",
        _ if design.cluster.is_some() => "cluster_robust",
        (SummaryKind::Ratio, _) => "ratio",
        (SummaryKind::Mean | SummaryKind::Proportion, false) => "regression_adjustment",
        (SummaryKind::Mean | SummaryKind::Proportion, true) if design.stratum.is_some() => "stratified",
        (SummaryKind::Mean, true) => "difference_in_means",
        (SummaryKind::Proportion, true) => "proportion",
    }
}

/// The estimator of this name.
///
/// # Errors
/// [`Error::UnknownEstimator`] with the known names and the nearest.
pub fn by_name(name: &str) -> Result<&'static dyn Estimator, Error> {
    ALL.iter().copied().find(|estimator| estimator.name() == name).ok_or_else(|| Error::UnknownEstimator {
        name: name.to_owned(),
        known: ALL.iter().map(|estimator| estimator.name()).collect::<Vec<_>>().join(", "),
        nearest: ALL
            .iter()
            .map(|estimator| (strsim::jaro_winkler(name, estimator.name()), estimator.name()))
            .filter(|(likeness, _)| *likeness > 0.75)
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, name)| name.to_owned()),
    })
}

/// Refuses what no estimator can answer; gives the options, checked and completed, and how rows are made under them.
///
/// # Errors
/// [`Error::NotServed`] for another kind of summary, [`Error::OutOfRange`] for a level, margin or arm that makes no
/// sense, and those of [`Options::of`] and [`Inference::of`].
fn prepare(estimator: &dyn Estimator, estimand: &Estimand, design: &Design) -> Result<(Options, Inference), Error> {
    let kind = estimand.summary.kind();
    if !estimator.serves().contains(&kind) {
        return Err(Error::NotServed {
            estimator: estimator.name().to_owned(),
            summary: kind.name().to_owned(),
            served: estimator.serves().iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", "),
        });
    }
    let out_of_range = |field: &str, value: String, expected: &str| {
        Err(Error::OutOfRange { field: field.to_owned(), value, expected: expected.to_owned() })
    };
    if !(design.level > 0.0 && design.level < 1.0) {
        return out_of_range(
            "level",
            design.level.to_string(),
            "a confidence level lies between 0 and 1, such as 0.95",
        );
    }
    if let Hypothesis::NonInferiority { margin } = estimand.hypothesis
        && !(margin > 0.0 && margin < 1.0)
    {
        return out_of_range("margin", margin.to_string(), "a margin is a share between 0 and 1, such as 0.02");
    }
    if estimand.arm == estimand.baseline_arm {
        return out_of_range("arm", format!("`{}`", estimand.arm), "an arm is compared with another one than itself");
    }
    let options = Options::of(estimator, design)?;
    let inference = Inference::of(estimator.name(), design, &options)?;
    Ok((options, inference))
}

/// The rows with the name of the estimator and the options that were used.
fn answer(estimator: &dyn Estimator, options: &Options, mut rows: Estimates) -> Estimates {
    for row in &mut rows.rows {
        row.estimator = Some(estimator.name().to_owned());
        row.options = Some(options.describe());
    }
    rows
}
