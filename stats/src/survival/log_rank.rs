//! The log-rank test and its weighted family.

use nalgebra::{DMatrix, DVector};

use super::LifeTable;
use crate::dist::{ChiSquared, TailProbability};
use crate::least_squares::CrossProducts;

/// How event times are weighted. All but the log-rank's weigh early times more, where more units are at risk; Fleming and
/// Harrington's with `gamma` above zero weigh late ones.
///
/// - **Source** Gehan (1965); Breslow (1970); Tarone & Ware (1977); Peto & Peto (1972); Fleming & Harrington (1991),
///   definition 7.2.1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Weighting {
    /// All alike: best when hazards are in proportion.
    #[default]
    LogRank,
    /// By the units at risk: Gehan's and Breslow's extension of Wilcoxon's test. Depends on who left when.
    Gehan,
    /// By the root of the units at risk.
    TaroneWare,
    /// By Peto and Peto's survival of all arms together, `Π_{tᵢ ≤ t} 1 − dᵢ/(nᵢ + 1)`.
    Peto,
    /// By `S(t−)^rho · (1 − S(t−))^gamma`, with the survival of all arms together.
    FlemingHarrington {
        /// Zero for the log-rank test, one for early differences.
        rho: f64,
        /// Above zero for late differences.
        gamma: f64,
    },
}

/// Survival of all arms together on the way: Kaplan and Meier's, and Peto and Peto's.
#[derive(Clone, Copy, Debug)]
struct Pooled {
    survival: f64,
    peto: f64,
}

impl Weighting {
    /// The weight of a time with `d` events among `n` at risk, and what is left after it.
    fn weigh(self, pooled: &mut Pooled, n: f64, d: f64) -> f64 {
        let before = pooled.survival;
        pooled.survival *= (n - d) / n;
        pooled.peto *= (n + 1.0 - d) / (n + 1.0);
        match self {
            Self::LogRank => 1.0,
            Self::Gehan => n,
            Self::TaroneWare => n.sqrt(),
            Self::Peto => pooled.peto,
            Self::FlemingHarrington { rho, gamma } => before.powf(rho) * (1.0 - before).powf(gamma),
        }
    }
}

/// A log-rank test of several arms.
#[derive(Clone, Debug, PartialEq)]
pub struct LogRank {
    /// Weighted events of each arm.
    pub observed: Vec<f64>,
    /// What they would be on average if all arms had one hazard.
    pub expected: Vec<f64>,
    /// `(O − E)'V⁻¹(O − E)` over all arms but one.
    pub statistic: f64,
    /// Arms that vary, less one.
    pub df: f64,
    /// The p-value and its logarithm.
    pub tail: TailProbability,
    /// The variance of `O − E` of each arm.
    pub variance: Vec<f64>,
    /// What `O − E` of each arm gains, to first order, for each unit of its log hazard ratio to the others.
    pub information: Vec<f64>,
}

impl LogRank {
    /// Of two arms, the signed root of the statistic: above zero where the last arm had more events than expected.
    pub fn signed_root(&self) -> Option<f64> {
        let (observed, expected) = (self.observed.get(1)?, self.expected.get(1)?);
        (self.observed.len() == 2).then(|| self.statistic.sqrt().copysign(observed - expected))
    }

    /// Of two arms, the log hazard ratio of the last to the first in one step, `(O − E)/I`, and its standard error
    /// `√V/I`: the test over a scale. Where the ratio changes over time, its mean weighted by `w·v`.
    ///
    /// - **Gives** an estimate towards zero where it lies beyond ±1.
    /// - **Source** Peto & Peto (1972); Yusuf, Peto, Lewis, Collins & Sleight (1985), appendix, for the log-rank test.
    pub fn log_ratio(&self) -> Option<(f64, f64)> {
        let (distance, information) = (self.observed.get(1)? - self.expected.get(1)?, self.information.get(1)?);
        let found = (distance / information, self.variance.get(1)?.sqrt() / information);
        (self.observed.len() == 2 && found.0.is_finite() && found.1 > 0.0).then_some(found)
    }
}

/// Tests whether all arms have one hazard, within each stratum.
///
/// At each event time the events of an arm are hypergeometric given those of all: `E = d·nₐ/n`,
/// `V = d(n − d)/(n − 1)·(nₐ/n)(δ − n_b/n)`, summed over times and strata with weights.
///
/// - **Needs** per stratum one table for each arm, the arms in one order throughout.
/// - **Gives** `None` with fewer than two arms, strata of different arms, or when no time has events and more than one
///   arm at risk.
/// - **Assumes** that units leave for reasons that have nothing to do with the event; its power is for hazards in
///   proportion.
/// - **Source** Mantel (1966); Peto & Peto (1972); Fleming & Harrington (1991), chapter 7.
pub fn log_rank(strata: &[Vec<LifeTable>], weighting: Weighting) -> Option<LogRank> {
    let arms = strata.first()?.len();
    if arms < 2 || strata.iter().any(|stratum| stratum.len() != arms) {
        return None;
    }
    let mut sums = Sums {
        observed: DVector::zeros(arms),
        expected: DVector::zeros(arms),
        information: DVector::zeros(arms),
        variance: DMatrix::zeros(arms, arms),
    };
    strata.iter().for_each(|stratum| sums.add(stratum, weighting));
    let Sums { observed, expected, information, variance } = sums;
    // An arm that was never at risk beside another does not vary; the last one that does follows from the others.
    let varying: Vec<usize> = (0..arms).filter(|arm| variance[(*arm, *arm)] > 0.0).collect();
    let free = varying.get(..varying.len().checked_sub(1)?)?;
    let distance = DVector::from_iterator(free.len(), free.iter().map(|arm| observed[*arm] - expected[*arm]));
    let within = variance.select_rows(free).select_columns(free);
    let statistic = distance.dot(&CrossProducts::new(&within)?.solve(&distance));
    let df = free.len() as f64;
    let tail = TailProbability::upper(&ChiSquared::new(df)?, statistic)?;
    let list = |vector: DVector<f64>| vector.iter().copied().collect();
    let diagonal = list(variance.diagonal());
    Some(LogRank {
        observed: list(observed),
        expected: list(expected),
        statistic,
        df,
        tail,
        variance: diagonal,
        information: list(information),
    })
}

/// Sums over times and strata, by arm.
struct Sums {
    observed: DVector<f64>,
    expected: DVector<f64>,
    information: DVector<f64>,
    variance: DMatrix<f64>,
}

impl Sums {
    fn add(&mut self, arms: &[LifeTable], weighting: Weighting) {
        let mut times: Vec<f64> =
            arms.iter().flat_map(|arm| arm.rows().iter().filter(|row| row.events > 0).map(|row| row.time)).collect();
        times.sort_by(f64::total_cmp);
        times.dedup();
        let mut at = vec![0_usize; arms.len()];
        let mut pooled = Pooled { survival: 1.0, peto: 1.0 };
        for time in times {
            for (arm, at) in arms.iter().zip(&mut at) {
                *at += arm.rows()[*at..].partition_point(|row| row.time < time);
            }
            let rows = || arms.iter().zip(&at).map(|(arm, at)| arm.rows().get(*at));
            let at_risk: Vec<f64> = rows().map(|row| row.map_or(0.0, |row| row.at_risk as f64)).collect();
            let events: Vec<f64> =
                rows().map(|row| row.filter(|row| row.time == time).map_or(0.0, |row| row.events as f64)).collect();
            let (n, d): (f64, f64) = (at_risk.iter().sum(), events.iter().sum());
            let weight = weighting.weigh(&mut pooled, n, d);
            // The last unit at risk has the event for certain.
            let spread = if n > 1.0 { weight * d * (n - d) / (n - 1.0) } else { 0.0 };
            for a in 0..arms.len() {
                let share = at_risk[a] / n;
                self.observed[a] += weight * events[a];
                self.expected[a] += weight * d * share;
                self.information[a] += spread * share * (1.0 - share);
                for (b, other) in at_risk.iter().enumerate() {
                    let same = if a == b { 1.0 } else { 0.0 };
                    self.variance[(a, b)] += weight * spread * share * (same - other / n);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arm(units: &[(f64, bool, u64)]) -> LifeTable {
        LifeTable::of(units.iter().copied()).unwrap()
    }

    #[test]
    fn equal_arms_have_no_evidence() {
        let one = arm(&[(1.0, true, 3), (2.0, false, 2), (5.0, true, 4)]);
        let test = log_rank(&[vec![one.clone(), one]], Weighting::default()).unwrap();
        assert!((test.statistic, test.tail.p) == (0.0, 1.0), "{test:?}");
        assert_eq!(test.observed, [7.0, 7.0]);
    }

    #[test]
    fn arms_without_events_have_no_test() {
        let idle = arm(&[(3.0, false, 5)]);
        assert_eq!(log_rank(&[vec![idle.clone(), idle.clone()]], Weighting::default()), None);
        assert_eq!(log_rank(&[vec![idle]], Weighting::default()), None);
    }

    #[test]
    fn an_arm_that_is_never_at_risk_does_not_count() {
        let (one, other) = (arm(&[(1.0, true, 3), (4.0, true, 2)]), arm(&[(2.0, true, 4), (6.0, true, 3)]));
        let two = log_rank(&[vec![one.clone(), other.clone()]], Weighting::default()).unwrap();
        let three = log_rank(&[vec![one, other, arm(&[])]], Weighting::default()).unwrap();
        assert_eq!((two.df, two.statistic), (three.df, three.statistic));
        assert!(two.signed_root().unwrap() < 0.0 && three.signed_root().is_none());
    }
}
