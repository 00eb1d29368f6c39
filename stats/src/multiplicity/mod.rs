//! Adjusted p-values for many tests at once.
//!
//! An adjusted p-value is the smallest level at which its hypothesis is rejected by the whole procedure, so it is
//! compared with the same level as a raw one. Holm, Hochberg, Hommel, Šidák and Bonferroni bound the chance of any
//! false rejection (the family-wise error rate); Benjamini–Hochberg and Benjamini–Yekutieli bound the expected share
//! of false ones among the rejected (the false discovery rate).
//!
//! ```
//! use estimand_stats::multiplicity::Correction;
//!
//! let adjusted = Correction::Holm.adjust(&[Some(0.01), None, Some(0.04), Some(0.03)])?;
//! assert_eq!(adjusted, [Some(0.03), None, Some(0.06), Some(0.06)]);
//! # Ok::<(), estimand_stats::multiplicity::NotAProbability>(())
//! ```
//!
//! | file | holds |
//! |---|---|
//! | `mod` | the corrections of a family of equals, by name: the door for files |
//! | `weighted` | the same where some tests weigh more than others |
//! | `graph` | graphs of tests: fixed sequences, fallback, gatekeeping, and lower bounds that agree with them |
//! | `simultaneous` | intervals that hold all at once |
//! | `storey` | q-values: the false discovery rate with an estimated share of true null hypotheses |

mod graph;
mod simultaneous;
mod storey;
mod weighted;

pub use graph::Graph;
pub use simultaneous::bonferroni_intervals;
pub use storey::{NullShare, QValues, q_values};
pub use weighted::WeightedCorrection;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A way to adjust p-values for their number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Correction {
    /// Benjamini & Hochberg (1995): step-up, `p₍ᵢ₎·m/i`. Bounds the false discovery rate of independent or positively
    /// dependent tests.
    BenjaminiHochberg,
    /// Benjamini & Yekutieli (2001), theorem 1.3: Benjamini–Hochberg times `Σ 1/i`. Bounds the false discovery rate
    /// under any dependence.
    BenjaminiYekutieli,
    /// Bonferroni: `p·m`. Bounds the family-wise error rate under any dependence.
    Bonferroni,
    /// Hochberg (1988): step-up, `p₍ᵢ₎·(m−i+1)`. Bounds the family-wise error rate of independent or positively
    /// dependent tests.
    Hochberg,
    /// Holm (1979): step-down, `p₍ᵢ₎·(m−i+1)`. Bounds the family-wise error rate under any dependence, and rejects all
    /// that Bonferroni does.
    Holm,
    /// Holm's step-down with Šidák's factor: `1 − (1 − p₍ᵢ₎)^(m−i+1)`. Bounds the family-wise error rate of
    /// independent tests.
    HolmSidak,
    /// Hommel (1988): the closed test of Simes' inequality. Rejects all that Hochberg does, under the same assumption.
    Hommel,
    /// No adjustment.
    None,
    /// Šidák (1967): `1 − (1 − p)ᵐ`. Bounds the family-wise error rate of independent tests.
    Sidak,
    /// Storey, Taylor & Siegmund (2004), theorem 3: Benjamini–Hochberg times the estimated share of true null
    /// hypotheses, `(#{p > ½} + 1)/(m/2)`, at most one. Bounds the false discovery rate of independent tests, and finds
    /// more than Benjamini–Hochberg where many effects are real.
    Storey,
}

/// A p-value outside `[0, 1]`.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
#[error("p-value number {position} is {value}; a p-value lies between 0 and 1")]
pub struct NotAProbability {
    /// Its place in the family, counted from one.
    pub position: usize,
    /// What stood there.
    pub value: f64,
}

/// What is no family of tests, or no plan for one.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum NotAFamily {
    /// A p-value outside `[0, 1]`.
    #[error(transparent)]
    PValue(#[from] NotAProbability),
    /// Weights that do not fit the tests.
    #[error("{weights} weights for {tests} tests; give one to each")]
    Count {
        /// Weights given.
        weights: usize,
        /// Tests given.
        tests: usize,
    },
    /// A weight that is none.
    #[error("weight number {position} is {value}; a weight is 0 or more, and one of them above 0")]
    Weight {
        /// Its place, counted from one.
        position: usize,
        /// What stood there.
        value: f64,
    },
    /// An effect without a standard error.
    #[error(
        "effect number {position} is {estimate} with standard error {std_error}; give a finite one and an error above 0"
    )]
    Effect {
        /// Its place, counted from one.
        position: usize,
        /// The estimate.
        estimate: f64,
        /// The standard error.
        std_error: f64,
    },
    /// A level outside (0, 1).
    #[error("`alpha` is {alpha}; a level of error lies between 0 and 1, such as 0.05")]
    Alpha {
        /// What was given.
        alpha: f64,
    },
    /// A graph whose shares make no sense.
    #[error("the graph is none: {reason}")]
    Graph {
        /// What is wrong with it.
        reason: String,
    },
    /// A share of true null hypotheses that cannot be estimated.
    #[error("no q-values: {reason}")]
    NullShare {
        /// Why.
        reason: String,
    },
}

impl Correction {
    /// Every correction, in the order of their names.
    pub const ALL: [Correction; 10] = [
        Correction::BenjaminiHochberg,
        Correction::BenjaminiYekutieli,
        Correction::Bonferroni,
        Correction::Hochberg,
        Correction::Holm,
        Correction::HolmSidak,
        Correction::Hommel,
        Correction::None,
        Correction::Sidak,
        Correction::Storey,
    ];

    /// The name used in files and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Correction::BenjaminiHochberg => "benjamini_hochberg",
            Correction::BenjaminiYekutieli => "benjamini_yekutieli",
            Correction::Bonferroni => "bonferroni",
            Correction::Hochberg => "hochberg",
            Correction::Holm => "holm",
            Correction::HolmSidak => "holm_sidak",
            Correction::Hommel => "hommel",
            Correction::None => "none",
            Correction::Sidak => "sidak",
            Correction::Storey => "storey",
        }
    }

    /// The name that people read.
    pub const fn label(self) -> &'static str {
        match self {
            Correction::BenjaminiHochberg => "Benjamini–Hochberg",
            Correction::BenjaminiYekutieli => "Benjamini–Yekutieli",
            Correction::Bonferroni => "Bonferroni",
            Correction::Hochberg => "Hochberg",
            Correction::Holm => "Holm",
            Correction::HolmSidak => "Holm–Šidák",
            Correction::Hommel => "Hommel",
            Correction::None => "No correction",
            Correction::Sidak => "Šidák",
            Correction::Storey => "Storey",
        }
    }

    /// The correction with this name.
    pub fn from_name(name: &str) -> Option<Correction> {
        Correction::ALL.into_iter().find(|correction| correction.name() == name)
    }

    /// Adjusts a family of p-values.
    ///
    /// - **Needs** one entry per test; `None` for a test that gave no p-value.
    /// - **Gives** the adjusted values in the same order: `None` stays `None` and does not count in `m`; equal
    ///   p-values stay equal; none falls below its raw value or exceeds one; the order by size is kept.
    /// - **Errors** with [`NotAProbability`] when an entry is outside `[0, 1]` or not a number.
    pub fn adjust(self, family: &[Option<f64>]) -> Result<Vec<Option<f64>>, NotAProbability> {
        check_p_values(family)?;
        let mut ranked: Vec<(usize, f64)> = present(family).collect();
        ranked.sort_by(|a, b| a.1.total_cmp(&b.1));
        let sorted: Vec<f64> = ranked.iter().map(|&(_, p)| p).collect();
        let adjusted = ranked.iter().zip(self.adjust_sorted(&sorted)).map(|(&(at, raw), value)| (at, value.max(raw)));
        Ok(spread(family.len(), adjusted))
    }

    /// Adjusts p-values that are sorted from small to large.
    fn adjust_sorted(self, p: &[f64]) -> Vec<f64> {
        let m = p.len() as f64;
        let each =
            |factor: &dyn Fn(f64) -> f64| p.iter().zip(ranks()).map(|(p, rank)| p * factor(rank)).collect::<Vec<_>>();
        let left = |rank: f64| m - rank + 1.0;
        match self {
            Correction::None => p.to_vec(),
            Correction::Bonferroni => each(&|_| m),
            Correction::Sidak => p.iter().map(|&p| any_of(p, m)).collect(),
            Correction::Holm => running_maximum(each(&left)),
            Correction::HolmSidak => {
                running_maximum(p.iter().zip(ranks()).map(|(&p, rank)| any_of(p, left(rank))).collect())
            }
            Correction::Hochberg => running_minimum(each(&left)),
            Correction::BenjaminiHochberg => running_minimum(each(&|rank| m / rank)),
            Correction::BenjaminiYekutieli => {
                let harmonic: f64 = ranks().take(p.len()).map(f64::recip).sum();
                running_minimum(each(&|rank| harmonic * m / rank))
            }
            Correction::Hommel => hommel(p),
            Correction::Storey => {
                let large = (p.len() - p.partition_point(|p| *p <= 0.5)) as f64;
                let null = (2.0 * (large + 1.0) / m).min(1.0);
                running_minimum(each(&|rank| null * m / rank))
            }
        }
    }
}

/// The places of the tests that gave a p-value, with it.
fn present(family: &[Option<f64>]) -> impl Iterator<Item = (usize, f64)> {
    family.iter().enumerate().filter_map(|(at, p)| p.map(|p| (at, p)))
}

/// Values back at their places, at most one.
fn spread(tests: usize, values: impl IntoIterator<Item = (usize, f64)>) -> Vec<Option<f64>> {
    let mut places = vec![None; tests];
    for (at, value) in values {
        places[at] = Some(value.min(1.0));
    }
    places
}

fn check_p_values(family: &[Option<f64>]) -> Result<(), NotAProbability> {
    match present(family).find(|(_, p)| !(0.0..=1.0).contains(p)) {
        Some((at, value)) => Err(NotAProbability { position: at + 1, value }),
        None => Ok(()),
    }
}

/// Refuses p-values and weights that do not make a family.
fn check_family(family: &[Option<f64>], weights: &[f64]) -> Result<(), NotAFamily> {
    check_p_values(family)?;
    if weights.len() != family.len() {
        return Err(NotAFamily::Count { weights: weights.len(), tests: family.len() });
    }
    let wrong = weights.iter().position(|weight| !(*weight >= 0.0 && weight.is_finite()));
    let none = (!weights.is_empty() && weights.iter().all(|weight| *weight == 0.0)).then_some(0);
    match wrong.or(none) {
        Some(at) => Err(NotAFamily::Weight { position: at + 1, value: weights[at] }),
        None => Ok(()),
    }
}

/// Refuses effects without standard errors, and a level that is none.
fn check_effects(effects: &[(f64, f64)], alpha: f64) -> Result<(), NotAFamily> {
    if !(alpha > 0.0 && alpha < 1.0) {
        return Err(NotAFamily::Alpha { alpha });
    }
    match effects.iter().position(|(x, s)| !(x.is_finite() && *s > 0.0 && s.is_finite())) {
        Some(at) => Err(NotAFamily::Effect { position: at + 1, estimate: effects[at].0, std_error: effects[at].1 }),
        None => Ok(()),
    }
}

/// 1, 2, 3, …
fn ranks() -> impl Iterator<Item = f64> {
    (1..=u64::MAX).map(|rank| rank as f64)
}

/// `1 − (1 − p)ᵐ`, right also for the smallest `p`.
fn any_of(p: f64, m: f64) -> f64 {
    -(m * (-p).ln_1p()).exp_m1()
}

/// A step-down procedure stops at the first acceptance: no value lies below one before it.
fn running_maximum(mut values: Vec<f64>) -> Vec<f64> {
    let mut largest = 0.0;
    for value in &mut values {
        largest = value.max(largest);
        *value = largest;
    }
    values
}

/// A step-up procedure rejects all below a rejection: no value lies above one after it.
fn running_minimum(mut values: Vec<f64>) -> Vec<f64> {
    let mut smallest = 1.0;
    for value in values.iter_mut().rev() {
        smallest = value.min(smallest);
        *value = smallest;
    }
    values
}

/// Hommel's adjusted p-values of a sorted family, by the algorithm of Wright (1992), "Adjusted p-values for
/// simultaneous inference".
///
/// A hypothesis is rejected when every intersection that holds it is, by Simes' test. For each size `j` the least
/// rejected intersection joins the hypothesis with the `j − 1` largest p-values, or is the `j` largest themselves when
/// it is among those.
fn hommel(p: &[f64]) -> Vec<f64> {
    let m = p.len();
    let mut adjusted = p.to_vec();
    for j in (2..=m).rev() {
        let (others, largest) = p.split_at(m - j + 1);
        let size = j as f64;
        let bound = largest.iter().zip(ranks().skip(1)).map(|(p, rank)| size * p / rank).fold(f64::INFINITY, f64::min);
        let simes = others.last().map_or(bound, |p| bound.min(size * p));
        for (value, p) in adjusted.iter_mut().zip(others) {
            *value = value.max(bound.min(size * p));
        }
        for value in adjusted.iter_mut().skip(others.len()) {
            *value = value.max(simes);
        }
    }
    adjusted
}
