//! Difference in means of an assignment within strata: blocks, pairs.

use nalgebra::DMatrix;

use crate::clustered::Clusters;
use crate::contrast::{DISTRIBUTION, LIFT};
use crate::design::{Design, Population};
use crate::error::Error;
use crate::estimand::{Estimand, SummaryKind};
use crate::estimate::Estimates;
use crate::estimator::arms::Mean;
use crate::estimator::option::{OptionKind, OptionSpec, Options};
use crate::estimator::{Estimator, answer, prepare};
use crate::potential_outcomes::{ArmMean, PotentialOutcomes, VarianceComponent};
use crate::requirement::Requirements;
use crate::sample::Sample;

/// Estimates the average treatment effect of an assignment within strata by the weighted sum of their differences.
///
/// `τ̂ = Σ_b w_b(ȳ_b1 − ȳ_b0)`, `w_b = N_b/N`. Strata of two units or more in each arm: `Σ_b w_b²(s²_b1/n_b1 +
/// s²_b0/n_b0)`. Those with one unit in an arm have no variance of their own, so theirs is that between them:
/// `Σ_b c_b(τ̂_b − τ̂)²`, `c_b = v_b²/((1 − 2v_b)(1 + Σ v²/(1 − 2v)))` with `v` their shares among each other; for pairs this
/// is the paired t-test. When strata were found after the assignment, this is post-stratification.
///
/// - **Needs** the design's stratum variable, and per stratum and arm the count, mean and spread of the outcome.
/// - **Gives** the effect in the unit of the metric and as a share of the weighted baseline mean. With the design's
///   population `sampled` the spread of the means between strata is added for strata with a variance of their own, as
///   regression adjustment does for covariates; that between pairs holds it already.
/// - **Assumes** independent units, assigned at random within each stratum.
/// - **Errors** with [`Error::NotInDesign`] without strata. Strata with units in one arm only are left out and counted.
///   A single stratum with one unit in an arm, or one with half of the units of all such strata, gives rows without
///   standard error and a note.
/// - **Source** Neyman (1923); Imbens & Rubin (2015), §9.4; Imai (2008) for pairs; Pashley & Miratrix (2021), eq. (5),
///   for small strata of any size; Miratrix, Sekhon & Yu (2013) for strata found afterwards.
#[derive(Debug)]
pub struct Stratified;

const DF: OptionSpec = OptionSpec {
    name: "df",
    kind: OptionKind::Choice(&["residual", "satterthwaite"]),
    default: "satterthwaite",
    meaning: "Degrees of freedom of strata with a variance of their own: Satterthwaite's, or units less two for each as in estimatr.",
};

impl Estimator for Stratified {
    fn name(&self) -> &str {
        "stratified"
    }

    fn summary(&self) -> &str {
        "The difference of means within strata, blocks or pairs, weighted by their units."
    }

    fn assumes(&self) -> &str {
        "Units were assigned at random within each stratum, are independent and do not influence each other."
    }

    fn source(&self) -> &str {
        "Imbens & Rubin (2015), Causal Inference, §9.4; Imai (2008), Statistics in Medicine 27; Pashley & Miratrix (2021), JEBS 46."
    }

    fn serves(&self) -> &[SummaryKind] {
        &[SummaryKind::Mean, SummaryKind::Proportion]
    }

    fn options(&self) -> &[OptionSpec] {
        const { &[DF, DISTRIBUTION, LIFT] }
    }

    fn requires(&self, estimand: &Estimand, design: &Design) -> Result<Requirements, Error> {
        prepare(self, estimand, design)?;
        Ok(Requirements::compressed([stratum(self, design)?], estimand.summary.variables()))
    }

    fn estimate(&self, estimand: &Estimand, design: &Design, sample: &Sample) -> Result<Estimates, Error> {
        let (options, inference) = prepare(self, estimand, design)?;
        let strata = Strata::of(estimand, sample, &stratum(self, design)?)?;
        let outcomes = strata.outcomes(estimand, design.population, &options);
        Ok(answer(self, &options, inference.rows(estimand, &outcomes)))
    }
}

/// The stratum variable of the design.
fn stratum(estimator: &dyn Estimator, design: &Design) -> Result<String, Error> {
    design.stratum.clone().ok_or_else(|| Error::NotInDesign {
        estimator: estimator.name().to_owned(),
        what: "stratum",
        key: "stratum",
    })
}

/// Units of one arm in one stratum.
#[derive(Debug, Clone, Copy)]
struct Part {
    n: f64,
    mean: Mean,
    centred: f64,
}

impl Part {
    /// `s²/n` with its degrees of freedom.
    fn variance(&self) -> (f64, f64) {
        (self.centred / (self.n - 1.0) / self.n, self.n - 1.0)
    }
}

/// One stratum with units in both arms, the baseline first.
#[derive(Debug, Clone, Copy)]
struct Block {
    parts: [Part; 2],
    /// Its share of the units of all such strata.
    share: f64,
}

impl Block {
    fn has_own_variance(&self) -> bool {
        self.parts.iter().all(|part| part.n > 1.0)
    }
}

/// The strata of a question.
struct Strata {
    blocks: Vec<Block>,
    /// Units of each arm that are in a stratum with both.
    units: [u64; 2],
    notes: Vec<String>,
}

impl Strata {
    fn of(estimand: &Estimand, sample: &Sample, stratum: &str) -> Result<Self, Error> {
        let (mut codes, mut parts, mut notes) = (Vec::new(), Vec::new(), Vec::new());
        let mut of_baseline = 0;
        for (at, name) in [&estimand.baseline_arm, &estimand.arm].into_iter().enumerate() {
            let arm = sample.arm(&estimand.metric, name)?;
            let mut complete = 0;
            if arm.units > 0 {
                let kept = arm.compressed(&estimand.metric, &[stratum.to_owned()], &estimand.summary.variables())?;
                codes.extend(kept.feature(0));
                let means =
                    kept.mean(0).iter().zip(kept.rest(0)).map(|(value, rest)| Mean { value: *value, rest: *rest });
                let own = means.zip(kept.n()).zip(kept.centred(0));
                parts.extend(own.map(|((mean, n), centred)| Part { n: *n as f64, mean, centred: *centred }));
                complete = kept.units();
            }
            if at == 0 {
                of_baseline = parts.len();
            }
            let left_out = arm.units.saturating_sub(complete);
            if left_out > 0 {
                notes
                    .push(format!("{left_out} of {} units of arm `{name}` have no value and are left out.", arm.units));
            }
            if complete == 0 {
                notes.push(format!("Arm `{name}` has no units with a value."));
            }
        }
        let numbers = Clusters::of(&codes);
        let mut strata: Vec<[Option<Part>; 2]> = vec![[None; 2]; numbers.count()];
        for (row, (part, number)) in parts.into_iter().zip(numbers.of_row()).enumerate() {
            strata[*number][usize::from(row >= of_baseline)] = Some(part);
        }
        let both: Vec<[Part; 2]> = strata.iter().filter_map(|[zero, one]| Some([(*zero)?, (*one)?])).collect();
        let single = strata.iter().filter(|parts| parts.iter().flatten().count() == 1);
        let (strata_apart, units_apart) = single.fold((0_u64, 0.0), |(strata, units), parts| {
            (strata + 1, units + parts.iter().flatten().map(|part| part.n).sum::<f64>())
        });
        if strata_apart > 0 {
            notes.push(format!(
                "{strata_apart} strat{} with {units_apart} unit{} of one arm only: left out.",
                if strata_apart == 1 { "um" } else { "a" },
                if units_apart == 1.0 { "" } else { "s" }
            ));
        }
        let units = [0, 1].map(|arm: usize| both.iter().map(|parts| parts[arm].n).sum::<f64>());
        let total = units[0] + units[1];
        let block = |parts: [Part; 2]| Block { parts, share: (parts[0].n + parts[1].n) / total };
        Ok(Self { blocks: both.into_iter().map(block).collect(), units: units.map(|units| units as u64), notes })
    }

    fn outcomes(mut self, estimand: &Estimand, population: Population, options: &Options) -> PotentialOutcomes {
        let level = self.blocks.first().map(|block| block.parts[0].mean);
        let mean = |arm: usize| {
            let level = level?;
            Some(level.plus(self.blocks.iter().map(|block| block.share * block.parts[arm].mean.minus(level)).sum()))
        };
        let means = [mean(0), mean(1)];
        let components = match means {
            [Some(zero), Some(one)] => self.components([zero, one], population, options.choice(DF.name) == "residual"),
            _ => Err("No stratum has units in both arms.".to_owned()),
        };
        let components = components.map_err(|reason| self.notes.push(reason)).ok();
        let arm = |(at, name): (usize, &String)| ArmMean {
            arm: name.clone(),
            n: self.units[at],
            mean: means[at].map(|mean| mean.value),
            rest: means[at].map_or(0.0, |mean| mean.rest),
            unadjusted: None,
        };
        let arms = [&estimand.baseline_arm, &estimand.arm].into_iter().enumerate().map(arm).collect();
        PotentialOutcomes { arms, components, notes: self.notes }
    }

    fn components(
        &mut self,
        means: [Mean; 2],
        population: Population,
        residual: bool,
    ) -> Result<Vec<VarianceComponent>, String> {
        let (large, small): (Vec<Block>, Vec<Block>) = self.blocks.iter().partition(|block| block.has_own_variance());
        let mut sentence = format!("{} strata.", self.blocks.len());
        if !small.is_empty() {
            sentence = format!(
                "{} strata, {} with one unit in an arm: the variance of these is that between them.",
                self.blocks.len(),
                small.len()
            );
        }
        self.notes.push(sentence);
        let mut parts = Vec::with_capacity(4);
        if !large.is_empty() {
            parts.extend(within(&large, residual));
        }
        if !small.is_empty() {
            parts.push(between_small(&small)?);
        }
        if population == Population::Sampled && !large.is_empty() {
            let units = self.units[0] + self.units[1];
            parts.push(between_large(&large, means, units as f64));
        }
        Ok(parts)
    }
}

/// Neyman's variance of strata that have one of their own, a part per arm or one of both.
fn within(blocks: &[Block], residual: bool) -> Vec<VarianceComponent> {
    let of_arm = |arm: usize| {
        let own = blocks.iter().map(|block| {
            let (variance, df) = block.parts[arm].variance();
            (block.share.powi(2) * variance, df)
        });
        let own: Vec<(f64, f64)> = own.collect();
        let total: f64 = own.iter().map(|(variance, _)| variance).sum();
        // As shares of the variance: squares of variances of tiny or huge outcomes leave the range of doubles.
        let inverse: f64 = own.iter().map(|(variance, df)| (variance / total).powi(2) / df).sum();
        let df = if total > 0.0 { 1.0 / inverse } else { own.iter().map(|(_, df)| df).sum() };
        VarianceComponent::of_arm(2, arm, total, df)
    };
    let [zero, one] = [of_arm(0), of_arm(1)];
    if !residual {
        return vec![zero, one];
    }
    let units: f64 = blocks.iter().flat_map(|block| block.parts).map(|part| part.n).sum();
    let covariance = zero.covariance + one.covariance;
    vec![VarianceComponent { covariance, df: Some(units - 2.0 * blocks.len() as f64) }]
}

/// The variance of strata with one unit in an arm, from how they differ from each other.
fn between_small(blocks: &[Block]) -> Result<VarianceComponent, String> {
    let whole: f64 = blocks.iter().map(|block| block.share).sum();
    let shares: Vec<f64> = blocks.iter().map(|block| block.share / whole).collect();
    if blocks.len() < 2 {
        return Err(
            "One stratum alone has one unit in an arm; a standard error needs at least 2 such strata.".to_owned()
        );
    }
    if shares.iter().any(|share| *share >= 0.5 - 1e-12) && blocks.len() > 2 {
        return Err("One stratum has half of the units of those with one unit in an arm: there is no standard error."
            .to_owned());
    }
    let pair = blocks.len() == 2;
    if pair && (shares[0] - 0.5).abs() > 1e-12 {
        return Err("Two strata of different sizes have one unit in an arm: there is no standard error.".to_owned());
    }
    let odds = |share: f64| share * share / (1.0 - 2.0 * share);
    let all = 1.0 + shares.iter().map(|share| odds(*share)).sum::<f64>();
    // The limit of the weights at two halves.
    let weight = |share: f64| if pair { 0.5 } else { odds(share) / all };
    let level = [0, 1].map(|arm: usize| blocks[0].parts[arm].mean);
    let apart: Vec<[f64; 2]> =
        blocks.iter().map(|block| [0, 1].map(|arm: usize| block.parts[arm].mean.minus(level[arm]))).collect();
    let mean = [0, 1].map(|arm: usize| apart.iter().zip(&shares).map(|(apart, share)| share * apart[arm]).sum::<f64>());
    let covariance = DMatrix::from_fn(2, 2, |i, j| {
        let products = apart
            .iter()
            .zip(&shares)
            .map(|(apart, share)| weight(*share) * (apart[i] - mean[i]) * (apart[j] - mean[j]));
        whole * whole * products.sum::<f64>()
    });
    Ok(VarianceComponent { covariance, df: Some(blocks.len() as f64 - 1.0) })
}

/// What the shares of the strata in the sample add to the means.
fn between_large(blocks: &[Block], means: [Mean; 2], units: f64) -> VarianceComponent {
    let apart = |block: &Block, arm: usize| block.parts[arm].mean.minus(means[arm]);
    let covariance = DMatrix::from_fn(2, 2, |i, j| {
        blocks.iter().map(|block| block.share * apart(block, i) * apart(block, j)).sum::<f64>() / (units - 1.0)
    });
    VarianceComponent { covariance, df: Some(units - 1.0) }
}
