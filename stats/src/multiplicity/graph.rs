//! Graphs of tests: what is rejected passes its share of the level on.

use super::{NotAFamily, check_family, spread};
use crate::dist::{Continuous, Normal};

/// A sequentially rejective procedure drawn as a graph: a share of the level at each test, and arrows along which a
/// rejected test gives its share to others.
///
/// Holm's procedure, fixed sequences, fallback and gatekeeping are all such graphs. The family-wise error rate is bounded
/// under any dependence.
///
/// - **Source** Bretz, Maurer, Brannath & Posch (2009), "A graphical approach to sequentially rejective multiple test
///   procedures", algorithms 1 and 2.
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    weights: Vec<f64>,
    transitions: Vec<Vec<f64>>,
}

/// What rounding may add to shares that sum to one.
const SLACK: f64 = 1e-9;

impl Graph {
    /// A graph of shares of the level and, row by row, of shares that a rejected test gives to each other one.
    ///
    /// - **Errors** with [`NotAFamily`] when a share is negative or not finite, shares sum to more than one, a test gives
    ///   to itself, or the rows do not fit.
    pub fn new(weights: Vec<f64>, transitions: Vec<Vec<f64>>) -> Result<Self, NotAFamily> {
        let shares = |what: &str, values: &[f64]| {
            if let Some(value) = values.iter().find(|value| !(**value >= 0.0 && value.is_finite())) {
                return Err(NotAFamily::Graph { reason: format!("{what} hold {value}; a share is 0 or more") });
            }
            let sum: f64 = values.iter().sum();
            if sum > 1.0 + SLACK {
                return Err(NotAFamily::Graph { reason: format!("{what} sum to {sum}; shares sum to at most 1") });
            }
            Ok(())
        };
        let m = weights.len();
        shares("the weights", &weights)?;
        if transitions.len() != m || transitions.iter().any(|row| row.len() != m) {
            return Err(NotAFamily::Graph { reason: format!("{m} weights need {m} rows of {m} transitions") });
        }
        for (test, row) in transitions.iter().enumerate() {
            shares(&format!("the transitions of test {}", test + 1), row)?;
            if row[test] != 0.0 {
                return Err(NotAFamily::Graph { reason: format!("test {} gives to itself", test + 1) });
            }
        }
        Ok(Self { weights, transitions })
    }

    /// Holm's procedure: equal shares, each passed on in equal parts.
    pub fn holm(tests: usize) -> Self {
        let share = 1.0 / tests.max(1) as f64;
        let part = 1.0 / tests.saturating_sub(1).max(1) as f64;
        let row = |from: usize| (0..tests).map(|to| if to == from { 0.0 } else { part }).collect();
        Self { weights: vec![share; tests], transitions: (0..tests).map(row).collect() }
    }

    /// A fixed sequence: each test at the whole level, as long as all before it are rejected.
    pub fn fixed_sequence(tests: usize) -> Self {
        Self::chain((0..tests).map(|test| if test == 0 { 1.0 } else { 0.0 }).collect())
    }

    /// Fallback (Wiens 2003): a sequence in which each test has a share of its own and what those before it left.
    ///
    /// - **Errors** as [`Graph::new`].
    pub fn fallback(weights: Vec<f64>) -> Result<Self, NotAFamily> {
        let chain = Self::chain(weights);
        Self::new(chain.weights, chain.transitions)
    }

    /// Gatekeeping: the first tests share the level as Holm's do, each passing a part `passed` of what it frees to the
    /// tests behind the gate, and all of it when no test before the gate is left; those share it as Holm's do.
    ///
    /// A gate that opens only when all before it are rejected passes a millionth, the least that an arrow needs.
    ///
    /// - **Errors** as [`Graph::new`], when `passed` is not a share.
    pub fn gatekeeper(before: usize, behind: usize, passed: f64) -> Result<Self, NotAFamily> {
        const LEAST: f64 = 1e-6;
        let (first, second) = (Self::holm(before), Self::holm(behind));
        let passed = if before <= 1 {
            1.0
        } else if passed == 0.0 {
            LEAST
        } else {
            passed
        };
        let (kept, to_second) = (1.0 - passed, passed / behind.max(1) as f64);
        let weights = first.weights.into_iter().chain(vec![0.0; behind]).collect();
        let of_first = first
            .transitions
            .into_iter()
            .map(|row| row.into_iter().map(|part| kept * part).chain(vec![to_second; behind]).collect::<Vec<f64>>());
        let of_second = second.transitions.into_iter().map(|row| [vec![0.0; before], row].concat());
        Self::new(weights, of_first.chain(of_second).collect())
    }

    fn chain(weights: Vec<f64>) -> Self {
        let m = weights.len();
        let row = |from: usize| (0..m).map(|to| if to == from + 1 { 1.0 } else { 0.0 }).collect();
        Self { weights, transitions: (0..m).map(row).collect() }
    }

    /// Adjusts a family of p-values.
    ///
    /// - **Needs** one entry per test; `None` for a test that gave no p-value, which is never rejected.
    /// - **Gives** the adjusted values in the same order.
    /// - **Errors** with [`NotAFamily`] for an entry outside [0, 1], or not as many as the graph has tests.
    pub fn adjust(&self, family: &[Option<f64>]) -> Result<Vec<Option<f64>>, NotAFamily> {
        check_family(family, &self.weights)?;
        let mut left = self.clone();
        let mut standing: Vec<(usize, f64)> = super::present(family).collect();
        let mut adjusted = Vec::with_capacity(standing.len());
        let mut largest: f64 = 0.0;
        while !standing.is_empty() {
            let ratio = |(test, p): (usize, f64)| {
                let weight = left.weights[test];
                if weight > 0.0 { p / weight } else { f64::INFINITY }
            };
            let next = (0..standing.len()).min_by(|a, b| ratio(standing[*a]).total_cmp(&ratio(standing[*b])));
            let Some(next) = next else { break };
            largest = largest.max(ratio(standing[next])).min(1.0);
            let (test, _) = standing.swap_remove(next);
            adjusted.push((test, largest));
            left.remove(test);
        }
        Ok(spread(family.len(), adjusted))
    }

    /// Takes a rejected test out: its share and the arrows through it go on to the others.
    fn remove(&mut self, test: usize) {
        let (weights, transitions) = (self.weights.clone(), self.transitions.clone());
        let m = weights.len();
        for to in (0..m).filter(|to| *to != test) {
            self.weights[to] = weights[to] + weights[test] * transitions[test][to];
            for other in (0..m).filter(|other| *other != test && *other != to) {
                let back = transitions[to][test] * transitions[test][to];
                let direct = transitions[to][other] + transitions[to][test] * transitions[test][other];
                self.transitions[to][other] = if back < 1.0 { direct / (1.0 - back) } else { 0.0 };
            }
        }
        self.weights[test] = 0.0;
        for other in 0..m {
            self.transitions[test][other] = 0.0;
            self.transitions[other][test] = 0.0;
        }
    }

    /// Simultaneous lower bounds of effects that agree with the tests that each is at most zero: a bound is above or at
    /// zero exactly when the graph rejects.
    ///
    /// `L = x − z·s` at the share of the level that a test not rejected has in the end; zero for a rejected one, unless
    /// all are rejected: then at its first share, and no less than zero.
    ///
    /// - **Needs** one estimate and standard error per test, near normal, and the one-sided `alpha` of the family.
    /// - **Gives** `None` for a test whose share is zero in the end.
    /// - **Errors** with [`NotAFamily`] as [`Graph::adjust`], for a standard error that is not positive, or an `alpha`
    ///   outside (0, 1).
    /// - **Source** Strassburger & Bretz (2008), theorem 2; for Holm's procedure Guilbaud (2008), section 3.
    pub fn lower_bounds(&self, effects: &[(f64, f64)], alpha: f64) -> Result<Vec<Option<f64>>, NotAFamily> {
        super::check_effects(effects, alpha)?;
        let p_values: Vec<Option<f64>> = effects.iter().map(|(x, s)| Some(Normal.sf(x / s))).collect();
        let adjusted = self.adjust(&p_values)?;
        let rejected: Vec<bool> = adjusted.iter().map(|p| p.is_some_and(|p| p <= alpha)).collect();
        let all = rejected.iter().all(|rejected| *rejected);
        let mut left = self.clone();
        (0..effects.len()).filter(|test| rejected[*test] && !all).for_each(|test| left.remove(test));
        let bound = |test: usize| {
            let (x, s) = effects[test];
            let at_share = Normal.isf(alpha * left.weights[test]).filter(|z| z.is_finite()).map(|z| x - z * s);
            match (rejected[test], all) {
                (true, true) => Some(at_share.map_or(0.0, |bound| bound.max(0.0))),
                (true, false) => Some(0.0),
                (false, _) => at_share,
            }
        };
        Ok((0..effects.len()).map(bound).collect())
    }
}
