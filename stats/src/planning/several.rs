//! What several tests find together: many metrics, or many arms.

use nalgebra::DMatrix;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::dist::{Alternative, Continuous, MultivariateNormal, Normal};
use crate::error::Error;
use crate::multiplicity::Correction;
use crate::planning::solve::reaches;
use crate::planning::{Effect, Monitoring, Multiplicity, Plan, refuse};

/// Draws where a stepwise correction leaves no box to integrate.
const DRAWS: u32 = 20_000;

/// Several tests of one experiment, in one family.
///
/// The statistics are jointly normal, each with the power that its own plan has exactly. Tests without an effect belong to
/// the family and cost their share of the level, but are not waited for.
///
/// - **Assumes** for the correlation of two statistics that of the two metrics over units; of two arms against one baseline
///   that of [`Several::shared_baseline`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Several {
    /// Each test's plan and true effect; the plans' own multiplicity is not looked at.
    pub tests: Vec<(Plan, Effect)>,
    /// Correlations of the statistics, row by row.
    pub correlation: Vec<Vec<f64>>,
    /// The correction of the family.
    pub correction: Correction,
    /// Seed of the draws, where there are draws.
    #[serde(default)]
    pub seed: u64,
}

/// What counts as a success of the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// At least one effect is found.
    Any,
    /// Every effect is found.
    All,
}

/// The chances of several tests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Together {
    /// Chance that each test rejects on the side of its effect, the correction included; of a test without effect, that it
    /// rejects at all.
    pub each: Vec<f64>,
    /// Chance that at least one effect is found.
    pub any: f64,
    /// Chance that every effect is found.
    pub all: f64,
    /// Expected number of effects found.
    pub expected: f64,
    /// Error of `any` and `all`: of integration, or three standard errors over the draws.
    pub error: f64,
}

/// One test as a normal statistic.
struct Statistic {
    drift: f64,
    two_sided: bool,
    has_effect: bool,
    /// Whether it is one-sided at half of the level, as non-inferiority is.
    at_half: bool,
    /// Critical value at the level that a single-step correction gives.
    critical: f64,
}

impl Several {
    /// Correlations of the same size between any two tests.
    pub fn equal(tests: usize, correlation: f64) -> Vec<Vec<f64>> {
        (0..tests).map(|i| (0..tests).map(|j| if i == j { 1.0 } else { correlation }).collect()).collect()
    }

    /// Correlations of the differences of several arms from one baseline: `√(wᵢ/(wᵢ+w₀))·√(wⱼ/(wⱼ+w₀))`.
    ///
    /// - **Source** Dunnett (1955), "A multiple comparison procedure for comparing several treatments with a control".
    pub fn shared_baseline(baseline: f64, treatments: &[f64]) -> Vec<Vec<f64>> {
        let loading = |weight: &f64| (weight / (weight + baseline)).sqrt();
        let row = |(i, a): (usize, &f64)| {
            treatments.iter().enumerate().map(|(j, b)| if i == j { 1.0 } else { loading(a) * loading(b) }).collect()
        };
        treatments.iter().enumerate().map(row).collect()
    }

    /// The chances with this total of units.
    ///
    /// - **Errors** as [`Plan::answer`] for each plan; with [`Error::OutOfRange`] for correlations that cannot be, unequal
    ///   levels, looks, or no test with an effect.
    pub fn power(&self, units: f64) -> Result<Together, Error> {
        let law = self.check()?;
        let statistics = self.statistics(units)?;
        match self.correction {
            Correction::None | Correction::Bonferroni | Correction::Sidak => self.boxes(&law, &statistics),
            _ => self.drawn(&statistics),
        }
    }

    /// The least total of units with which the goal is met with this chance.
    ///
    /// - **Errors** as [`Several::power`]; with [`Error::Unattainable`] when none does.
    pub fn units(&self, goal: Goal, power: f64) -> Result<f64, Error> {
        self.check()?;
        if !(power > 0.0 && power < 1.0) {
            return Err(refuse("power", power, "a power lies between 0 and 1; 0.8 is usual"));
        }
        let fewest = self.tests.iter().map(|(plan, _)| plan.fewest()).fold(0.0, f64::max).ceil();
        let chance = |root: f64| {
            let together = self.power((root * root).max(fewest))?;
            Ok::<_, Error>(match goal {
                Goal::Any => together.any,
                Goal::All => together.all,
            })
        };
        reaches(fewest.sqrt(), 10.0 * fewest.sqrt(), 1e7, power, chance)?.map(|root| root * root).ok_or_else(|| {
            Error::Unattainable {
                question: format!("size for a power of {power}"),
                reason: "1e14 units do not reach it".to_owned(),
                mend: "ask for larger effects, or for less power".to_owned(),
            }
        })
    }

    fn check(&self) -> Result<MultivariateNormal, Error> {
        let m = self.tests.len();
        for (plan, effect) in &self.tests {
            plan.check()?;
            plan.absolute(*effect)?;
            if plan.monitoring != Monitoring::Fixed {
                return Err(refuse("monitoring", "looks", "several tests are planned with one look at the end"));
            }
        }
        let Some((first, _)) = self.tests.first() else { return Err(refuse("tests", 0, "there is at least one test")) };
        if let Some((other, _)) = self.tests.iter().find(|(plan, _)| plan.level != first.level) {
            return Err(refuse(
                "level",
                other.level,
                &format!("the tests of a family have one level, here {}", first.level),
            ));
        }
        if self
            .tests
            .iter()
            .all(|(plan, effect)| plan.absolute(*effect) == Ok(0.0) && plan.hypothesis.margin().is_none())
        {
            return Err(refuse("effect", 0, "at least one test has something to find"));
        }
        let square = self.correlation.len() == m && self.correlation.iter().all(|row| row.len() == m);
        let matrix = square.then(|| DMatrix::from_fn(m, m, |i, j| self.correlation[i][j]));
        matrix.and_then(MultivariateNormal::new).ok_or_else(|| {
            refuse(
                "correlation",
                "impossible",
                &format!("a {m} × {m} correlation matrix: symmetric, ones on the diagonal, no negative eigenvalue"),
            )
        })
    }

    /// Every test as a normal statistic with the power that its plan has at the level of a single step.
    fn statistics(&self, units: f64) -> Result<Vec<Statistic>, Error> {
        let tests = self.tests.len() as u32;
        let single = match self.correction {
            Correction::None => Multiplicity { tests: 1, correction: Correction::None },
            Correction::Sidak => Multiplicity { tests, correction: Correction::Sidak },
            _ => Multiplicity { tests, correction: Correction::Bonferroni },
        };
        let statistic = |(plan, effect): &(Plan, Effect)| {
            let plan = Plan { multiplicity: single, ..plan.clone() };
            let absolute = plan.absolute(*effect)?;
            let right = plan.chance(units, absolute)?.right;
            let critical = Normal.isf(plan.tail()).unwrap_or(f64::INFINITY);
            let two_sided = plan.alternative() == Alternative::TwoSided;
            let has_effect = plan.contrast(absolute) != 0.0;
            let drift = critical + Normal.quantile(right.clamp(1e-300, 1.0 - 1e-16)).unwrap_or(0.0);
            Ok(Statistic {
                drift: if has_effect || !two_sided { drift } else { 0.0 },
                two_sided,
                has_effect,
                at_half: plan.hypothesis.margin().is_some(),
                critical,
            })
        };
        self.tests.iter().map(statistic).collect()
    }

    /// Single-step corrections: boxes of a multivariate normal.
    fn boxes(&self, law: &MultivariateNormal, statistics: &[Statistic]) -> Result<Together, Error> {
        let m = statistics.len();
        let open = (vec![f64::NEG_INFINITY; m], vec![f64::INFINITY; m]);
        let (mut missed, mut found) = (open.clone(), open);
        for (at, statistic) in statistics.iter().enumerate().filter(|(_, statistic)| statistic.has_effect) {
            missed.1[at] = statistic.critical - statistic.drift;
            found.0[at] = statistic.critical - statistic.drift;
        }
        // Effects on the other side are counted with their statistics turned round, which turns their correlations.
        let turned = self.turned(law);
        let chance = |(low, high): (Vec<f64>, Vec<f64>)| turned.box_probability(&low, &high);
        let (Some(none), Some(all)) = (chance(missed), chance(found)) else {
            return Err(refuse("correlation", "impossible", "no test's power is a number"));
        };
        let each: Vec<f64> = statistics.iter().map(Statistic::alone).collect();
        Ok(Together {
            any: 1.0 - none.value,
            all: all.value,
            expected: each.iter().zip(statistics).filter(|(_, s)| s.has_effect).map(|(chance, _)| chance).sum(),
            each,
            error: none.error.max(all.error),
        })
    }

    /// The law with the statistics of negative effects turned round.
    fn turned(&self, law: &MultivariateNormal) -> MultivariateNormal {
        let signs = self.signs();
        let matrix = DMatrix::from_fn(law.k(), law.k(), |i, j| self.correlation[i][j] * signs[i] * signs[j]);
        MultivariateNormal::new(matrix).unwrap_or_else(|| law.clone())
    }

    fn signs(&self) -> Vec<f64> {
        let sign = |(plan, effect): &(Plan, Effect)| {
            let contrast = plan.absolute(*effect).map_or(0.0, |effect| plan.contrast(effect));
            if contrast < 0.0 { -1.0 } else { 1.0 }
        };
        self.tests.iter().map(sign).collect()
    }

    /// Stepwise corrections: the procedure itself, on seeded draws.
    fn drawn(&self, statistics: &[Statistic]) -> Result<Together, Error> {
        let m = statistics.len();
        let alpha = 1.0 - self.tests.first().map_or(0.95, |(plan, _)| plan.level);
        let signs = self.signs();
        let matrix = DMatrix::from_fn(m, m, |i, j| self.correlation[i][j] * signs[i] * signs[j]);
        let eigen = matrix.symmetric_eigen();
        let root = DMatrix::from_fn(m, m, |i, j| eigen.eigenvectors[(i, j)] * eigen.eigenvalues[j].max(0.0).sqrt());
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        let mut counts = vec![0_u32; m];
        let (mut any, mut all) = (0_u32, 0_u32);
        for _ in 0..DRAWS {
            let independent = nalgebra::DVector::from_fn(m, |_, _| {
                Normal.isf(random.random::<f64>().max(f64::MIN_POSITIVE)).unwrap_or(0.0)
            });
            let noise = &root * independent;
            let z: Vec<f64> = statistics.iter().zip(noise.iter()).map(|(s, noise)| s.drift + noise).collect();
            let p_values: Vec<Option<f64>> = statistics.iter().zip(&z).map(|(s, z)| Some(s.p_value(*z))).collect();
            let adjusted =
                self.correction.adjust(&p_values).map_err(|error| refuse("p_value", error.value, "a probability"))?;
            let hit = |at: usize| {
                let significant = adjusted[at].is_some_and(|p| p < alpha);
                significant && (z[at] > 0.0 || !statistics[at].has_effect)
            };
            (0..m).filter(|at| hit(*at)).for_each(|at| counts[at] += 1);
            let effective = || (0..m).filter(|at| statistics[*at].has_effect);
            any += u32::from(effective().any(hit));
            all += u32::from(effective().all(hit));
        }
        let share = |count: u32| f64::from(count) / f64::from(DRAWS);
        let each: Vec<f64> = counts.into_iter().map(share).collect();
        let error = |p: f64| 3.0 * (p * (1.0 - p) / f64::from(DRAWS)).sqrt();
        Ok(Together {
            any: share(any),
            all: share(all),
            expected: each.iter().zip(statistics).filter(|(_, s)| s.has_effect).map(|(chance, _)| chance).sum(),
            each,
            error: error(share(any)).max(error(share(all))),
        })
    }
}

impl Statistic {
    /// The chance that this test alone rejects, at the level of a single step.
    fn alone(&self) -> f64 {
        let right = Normal.sf(self.critical - self.drift);
        if self.has_effect || !self.two_sided { right } else { 2.0 * right }
    }

    fn p_value(&self, z: f64) -> f64 {
        let tail = if self.two_sided { Normal.sf(z.abs()) } else { Normal.sf(z) };
        // What is at half of the level is doubled, and then compared with the whole like the others.
        if self.two_sided || self.at_half { (2.0 * tail).min(1.0) } else { tail }
    }
}
