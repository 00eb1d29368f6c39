//! Least squares with errors for units that were assigned in clusters.

use std::collections::BTreeSet;

use nalgebra::{DMatrix, DVector};

use crate::clustered::{ClusteredFit, Clusters, Correction};
use crate::contrast::{DIFFERENCE, DISTRIBUTION, LIFT, at_margin};
use crate::design::{Design, Population};
use crate::error::Error;
use crate::estimand::{Estimand, Summary, SummaryKind};
use crate::estimate::Estimates;
use crate::estimator::arm_regression::{Model, Rows, SLOPE};
use crate::estimator::cluster_wild::{self, SCORES, WEIGHTS};
use crate::estimator::option::{OptionKind, OptionSpec, Options};
use crate::estimator::replication::{REPLICATES, SEED};
use crate::estimator::{Estimator, answer, prepare};
use crate::potential_outcomes::{ArmMean, PotentialOutcomes, VarianceComponent};
use crate::requirement::{Requirements, Variable};
use crate::sample::{ArmSample, Sample};
use crate::suffstat::Compressed;

/// Fewer clusters than this in an arm are pointed out.
const FEW: usize = 10;
/// Below so many degrees of freedom their own approximation is poor.
const LEAST_DF: f64 = 4.0;

/// Estimates the average treatment effect of an assignment by clusters, by regression of the outcome on arm and
/// covariates with cluster-robust errors.
///
/// `y = α + τ·arm + x'β (+ arm·(x − x̄)'γ)` over units, `V = A'(Σ_g B_g s_g s_g' B_g)A` over clusters, where `s_g` are
/// a cluster's scores and `B_g` their correction. The default is CR2, unbiased when units are independent with one
/// variance, against Student's t with Satterthwaite's degrees of freedom for the very contrast that a row tests. With
/// `errors=wild` the test is the restricted wild cluster bootstrap, and the interval is all that it does not reject. A
/// ratio of means is linearised in each arm: `z = R̂ₐ + (y − R̂ₐd)/d̄ₐ`.
///
/// - **Needs** the design's cluster variable, and the distinct rows of cluster and covariates with the mean of the
///   outcome per arm.
/// - **Gives** the effect per unit, in the unit of the metric and as a share of the predicted baseline mean; `n` counts
///   units, and a note the clusters. With the design's population `sampled` the spread of the covariates over clusters
///   is added, but for `errors=wild`. Slopes are shared by the arms, with a note, where an arm has too few clusters.
/// - **Assumes** independent clusters, and that nothing passes from one to another; nothing within them.
/// - **Errors** with [`Error::NotInDesign`] without clusters; [`Error::TooFewUnits`] when an arm has no unit;
///   [`Error::RankDeficient`] naming columns. An arm of one cluster gives rows without standard error and a note.
/// - **Source** Liang & Zeger (1986); Bell & McCaffrey (2002); Pustejovsky & Tipton (2018), eqs. (6) and (11); Su & Ding
///   (2021) for the regression; MacKinnon, Nielsen & Webb (2023) for the bootstrap.
#[derive(Debug)]
pub struct ClusterRobust;

const DF: OptionSpec = OptionSpec {
    name: "df",
    kind: OptionKind::Choice(&["clusters", "satterthwaite"]),
    default: "satterthwaite",
    meaning: "Degrees of freedom: Satterthwaite's of the contrast, or one less than the clusters as in Stata and fixest.",
};

const ERRORS: OptionSpec = OptionSpec {
    name: "errors",
    kind: OptionKind::Choice(&["CR0", "CR1", "CR1S", "CR2", "CR3", "wild"]),
    default: "CR2",
    meaning: "Cluster-robust errors: CR0 without correction, CR1 and CR1S (Stata, fixest) with a factor, CR2 (Bell–McCaffrey), CR3 (jackknife), or the wild cluster bootstrap.",
};

impl Estimator for ClusterRobust {
    fn name(&self) -> &str {
        "cluster_robust"
    }

    fn summary(&self) -> &str {
        "Least squares of the outcome on arm and covariates, with errors for units that were assigned in clusters."
    }

    fn assumes(&self) -> &str {
        "Clusters are independent and do not influence each other; covariates are fixed before exposure."
    }

    fn source(&self) -> &str {
        "Bell & McCaffrey (2002), Survey Methodology 28; Pustejovsky & Tipton (2018), JBES 36; MacKinnon, Nielsen & Webb (2023), Journal of Applied Econometrics 38."
    }

    fn serves(&self) -> &[SummaryKind] {
        &[SummaryKind::Mean, SummaryKind::Proportion, SummaryKind::Ratio]
    }

    fn options(&self) -> &[OptionSpec] {
        const { &[DF, DISTRIBUTION, ERRORS, LIFT, REPLICATES, SCORES, SEED, SLOPE, WEIGHTS] }
    }

    fn requires(&self, estimand: &Estimand, design: &Design) -> Result<Requirements, Error> {
        let (options, _) = prepare(self, estimand, design)?;
        refuse_what_wild_has_not(self, &options)?;
        Ok(Requirements::compressed(features(self, design)?, estimand.summary.variables()))
    }

    fn estimate(&self, estimand: &Estimand, design: &Design, sample: &Sample) -> Result<Estimates, Error> {
        let (options, inference) = prepare(self, estimand, design)?;
        refuse_what_wild_has_not(self, &options)?;
        let outcomes = estimand.summary.variables();
        let features = features(self, design)?;
        let mut no_ratio = None;
        let mut rows = Rows::of(estimand, sample, features.len(), |rows, arm: &ArmSample| {
            let kept = arm.compressed(&estimand.metric, &features, &outcomes)?;
            match estimand.summary {
                Summary::Ratio { .. } if !push_linearised(rows, kept) => _ = no_ratio.get_or_insert(arm.arm.clone()),
                Summary::Ratio { .. } => {}
                _ => _ = rows.push_compressed(kept),
            }
            Ok(kept.units())
        })?;
        if let Some(arm) = no_ratio {
            rows.notes.push(format!("The denominator sums to zero in arm `{arm}`, so there is no ratio."));
            return Ok(answer(self, &options, inference.rows(estimand, &without_means(estimand, rows))));
        }
        let model = ClusterModel::of(estimand, design, rows, &options)?;
        let rows = if options.choice(ERRORS.name) == "wild" {
            cluster_wild::rows(estimand, design, &model, &options, &inference)
        } else {
            let mut rows = inference.rows(estimand, &model.outcomes(DIFFERENCE));
            if let Some(margin) = estimand.hypothesis.margin() {
                // The test at the margin has degrees of freedom of its own.
                let baseline = model.mean(false).mean;
                let own = inference.rows(estimand, &model.outcomes(at_margin(estimand, margin, baseline)));
                rows.rows.pop();
                rows.rows.extend(own.rows.into_iter().next_back());
            }
            rows
        };
        Ok(answer(self, &options, rows))
    }
}

/// The cluster, then the covariates.
fn features(estimator: &dyn Estimator, design: &Design) -> Result<Vec<Variable>, Error> {
    let cluster = design.cluster.clone().ok_or_else(|| Error::NotInDesign {
        estimator: estimator.name().to_owned(),
        what: "cluster",
        key: "cluster",
    })?;
    Ok(std::iter::once(cluster).chain(design.covariates.iter().cloned()).collect())
}

/// Refuses options that the bootstrap would have to pass over.
fn refuse_what_wild_has_not(estimator: &dyn Estimator, options: &Options) -> Result<(), Error> {
    if options.choice(ERRORS.name) != "wild" {
        return Ok(());
    }
    let own = [(DISTRIBUTION, "the replicates are the reference distribution"), (LIFT, "the lift is inverted as well")];
    match own.into_iter().find(|(option, _)| options.choice(option.name) != option.default) {
        Some((option, reason)) => Err(Error::InvalidOption {
            estimator: estimator.name().to_owned(),
            option: option.name.to_owned(),
            value: options.choice(option.name).to_owned(),
            expected: format!("with `errors=wild` {reason}: leave it out"),
        }),
        None => Ok(()),
    }
}

/// Adds the rows of an arm with the linearised ratio of its two outcomes; false when the denominator sums to zero.
fn push_linearised(rows: &mut Rows, kept: &Compressed) -> bool {
    let total = |at: usize| kept.mean(at).iter().zip(kept.n()).map(|(mean, n)| mean * *n as f64).sum::<f64>();
    let below = total(1) / kept.units() as f64;
    let ratio = total(0) / total(1);
    let pairs = kept.mean(0).iter().zip(kept.mean(1));
    rows.outcomes
        .mean
        .extend(pairs.map(|(y, d)| if ratio.is_finite() { ratio + (y - ratio * d) / below } else { 0.0 }));
    // A row's spread is within its cluster, of which the errors here take nothing.
    rows.outcomes.rest.resize(rows.outcomes.mean.len(), 0.0);
    rows.outcomes.centred.resize(rows.outcomes.mean.len(), 0.0);
    rows.push_features(kept);
    kept.units() == 0 || ratio.is_finite()
}

/// What stands when there is nothing to estimate.
fn without_means(estimand: &Estimand, rows: Rows) -> PotentialOutcomes {
    let arm = |(name, n): (&String, u64)| ArmMean { arm: name.clone(), n, mean: None, rest: 0.0, unadjusted: None };
    let arms = [&estimand.baseline_arm, &estimand.arm].into_iter().zip(rows.units).map(arm).collect();
    PotentialOutcomes { arms, components: None, notes: rows.notes }
}

/// The fitted regression by clusters.
#[derive(Debug)]
pub(super) struct ClusterModel {
    pub fit: ClusteredFit,
    /// Weights of the coefficients in the mean of each arm, the baseline first.
    pub predictions: [DVector<f64>; 2],
    /// Why there is no standard error.
    pub reason: Option<String>,
    /// Clusters of the arm that has fewer.
    pub fewest: usize,
    arms: [ArmMean; 2],
    notes: Vec<String>,
    correction: Correction,
    by_clusters: bool,
    /// The covariates' own part in the means, clusters × arms.
    moved: Option<DMatrix<f64>>,
}

impl ClusterModel {
    fn of(estimand: &Estimand, design: &Design, mut rows: Rows, options: &Options) -> Result<Self, Error> {
        let codes = rows.covariates.remove(0);
        let names = [&estimand.baseline_arm, &estimand.arm];
        let in_arm = [false, true].map(|treated| {
            let own = codes.iter().enumerate().filter(|(row, _)| rows.treated(*row) == treated);
            own.map(|(_, code)| (code + 0.0).to_bits()).collect::<BTreeSet<u64>>()
        });
        let counts = in_arm.each_ref().map(BTreeSet::len);
        let fewest = counts[0].min(counts[1]);
        let mut per_arm = options.choice(SLOPE.name) == "per_arm";
        if per_arm && !design.covariates.is_empty() && fewest < design.covariates.len() + 2 {
            per_arm = false;
            rows.notes.push(format!(
                "An arm has {fewest} cluster{}, too few for slopes of its own: the slopes are shared by both arms.",
                if fewest == 1 { "" } else { "s" }
            ));
        }
        let covariates = rows.keep_those_with_a_slope(estimand, &design.covariates, per_arm);
        let model = Model::of(&rows, &covariates, per_arm);
        let whole = model.fit(estimand, &rows)?;
        let clusters = Clusters::of(&codes);
        let fit = ClusteredFit::of(&whole, &clusters);
        let moved = (design.population == Population::Sampled && !model.means.is_empty())
            .then(|| by_cluster(&model.moved(&rows, &whole.coefficients), &rows.outcomes.n, &clusters));
        let errors = options.choice(ERRORS.name);
        let mut notes = rows.notes.clone();
        notes.push(cluster_counts(names, counts, in_arm[0].intersection(&in_arm[1]).count(), errors));
        let reason = names.into_iter().zip(counts).find(|(_, count)| *count < 2).map(|(arm, count)| {
            format!(
                "Arm `{arm}` has {count} cluster{}; a standard error needs at least 2.",
                if count == 1 { "" } else { "s" }
            )
        });
        let arm = |at: usize| {
            let predicted = model.predicted(&fit.coefficients, at == 1);
            let (mean, rest) = (Some(predicted.value), predicted.rest);
            ArmMean { arm: names[at].clone(), n: rows.units[at], mean, rest, unadjusted: None }
        };
        Ok(Self {
            arms: [arm(0), arm(1)],
            predictions: [model.prediction(false), model.prediction(true)],
            correction: Correction::ALL.into_iter().find(|known| known.name() == errors).unwrap_or_default(),
            by_clusters: options.choice(DF.name) == "clusters",
            fit,
            reason,
            fewest,
            notes,
            moved,
        })
    }

    /// The mean of an arm.
    pub fn mean(&self, treated: bool) -> &ArmMean {
        &self.arms[usize::from(treated)]
    }

    /// Weights of the coefficients in a weighted sum of the means.
    pub fn weights(&self, of_means: [f64; 2]) -> Vec<f64> {
        (&self.predictions[0] * of_means[0] + &self.predictions[1] * of_means[1]).as_slice().to_vec()
    }

    /// The means of both arms with their joint variance; its degrees of freedom are those of a weighted sum of them.
    pub fn outcomes(&self, of_means: [f64; 2]) -> PotentialOutcomes {
        let mut notes = self.notes.clone();
        let components = self.components(of_means, &mut notes).map_err(|reason| notes.push(reason)).ok();
        PotentialOutcomes { arms: self.arms.to_vec(), components, notes }
    }

    /// The means without a variance.
    pub fn means(&self) -> PotentialOutcomes {
        PotentialOutcomes { arms: self.arms.to_vec(), components: None, notes: self.notes.clone() }
    }

    fn components(&self, of_means: [f64; 2], notes: &mut Vec<String>) -> Result<Vec<VarianceComponent>, String> {
        if let Some(reason) = &self.reason {
            return Err(reason.clone());
        }
        let alone = || ONE_CLUSTER_ALONE.to_owned();
        let contrast = self.fit.contrast(&self.weights(of_means), self.correction).ok_or_else(alone)?;
        let scores = self.fit.scores(&self.predictions, self.correction).ok_or_else(alone)?;
        let satterthwaite = contrast.df.ok_or_else(alone)?;
        let clusters = self.fit.clusters() as f64;
        let df = if self.by_clusters { clusters - 1.0 } else { satterthwaite };
        if satterthwaite < LEAST_DF {
            notes.push(format!(
                "The contrast has {satterthwaite:.1} degrees of freedom by Satterthwaite; below {LEAST_DF:.0} they are a poor approximation."
            ));
        }
        let mut parts = vec![VarianceComponent { covariance: scores.tr_mul(&scores), df: Some(df) }];
        if let Some(moved) = &self.moved {
            // With the products of both: residuals of a cluster can lean with its covariates.
            let both = scores.tr_mul(moved);
            let covariance = moved.tr_mul(moved) * (clusters / (clusters - 1.0)) + &both + both.transpose();
            parts.push(VarianceComponent { covariance, df: Some(clusters - 1.0) });
        }
        Ok(parts)
    }
}

/// Why a sum of coefficients has no variance.
pub(super) const ONE_CLUSTER_ALONE: &str =
    "The estimate rests on one cluster alone, or no degree of freedom is left: there is no standard error.";

/// Sums over the rows of each cluster, per unit of all.
fn by_cluster(moved: &DMatrix<f64>, n: &[f64], clusters: &Clusters) -> DMatrix<f64> {
    let units: f64 = n.iter().sum();
    let mut sums = DMatrix::zeros(clusters.count(), moved.ncols());
    for (row, cluster) in clusters.of_row().iter().enumerate() {
        for arm in 0..moved.ncols() {
            sums[(*cluster, arm)] += n[row].sqrt() * moved[(row, arm)] / units;
        }
    }
    sums
}

/// The sentences about how many clusters there are.
fn cluster_counts(names: [&String; 2], counts: [usize; 2], shared: usize, errors: &str) -> String {
    let [baseline, arm] = counts;
    let mut sentence = format!("{arm} clusters in arm `{}`, {baseline} in `{}`.", names[1], names[0]);
    if shared > 0 {
        sentence.push_str(&format!(" {shared} of them have units in both arms."));
    }
    if arm.min(baseline) < FEW {
        sentence.push_str(&match errors {
            "CR0" | "CR1" | "CR1S" => format!(
                " With fewer than {FEW} in an arm errors without correction for it are too small: take CR2, CR3 or wild."
            ),
            _ => format!(" Fewer than {FEW} in an arm: the corrections for few clusters bear on this result."),
        });
    }
    sentence
}
