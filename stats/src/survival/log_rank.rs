//! The log-rank test and its weighted family.

use nalgebra::{DMatrix, DVector};

use super::LifeTable;
use crate::dist::{ChiSquared, TailProbability};
use crate::least_squares::CrossProducts;

/// How event times are weighted: `S(t−)^rho · (1 − S(t−))^gamma`, with the survival of all arms together.
///
/// - **Source** Fleming & Harrington (1991), definition 7.2.1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Weighting {
    /// Zero for the log-rank test; one for Peto and Peto's, which looks at early differences.
    pub rho: f64,
    /// Above zero for late differences.
    pub gamma: f64,
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
}

impl LogRank {
    /// Of two arms, the signed root of the statistic: above zero where the last arm had more events than expected.
    pub fn signed_root(&self) -> Option<f64> {
        let (observed, expected) = (self.observed.get(1)?, self.expected.get(1)?);
        (self.observed.len() == 2).then(|| self.statistic.sqrt().copysign(observed - expected))
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
    let (mut observed, mut expected) = (DVector::zeros(arms), DVector::zeros(arms));
    let mut variance = DMatrix::zeros(arms, arms);
    for stratum in strata {
        add_stratum(stratum, weighting, &mut observed, &mut expected, &mut variance);
    }
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
    Some(LogRank { observed: list(observed), expected: list(expected), statistic, df, tail, variance: diagonal })
}

fn add_stratum(
    arms: &[LifeTable],
    weighting: Weighting,
    observed: &mut DVector<f64>,
    expected: &mut DVector<f64>,
    variance: &mut DMatrix<f64>,
) {
    let mut times: Vec<f64> =
        arms.iter().flat_map(|arm| arm.rows().iter().filter(|row| row.events > 0).map(|row| row.time)).collect();
    times.sort_by(f64::total_cmp);
    times.dedup();
    let mut at = vec![0_usize; arms.len()];
    let mut survival = 1.0_f64;
    for time in times {
        for (arm, at) in arms.iter().zip(&mut at) {
            *at += arm.rows()[*at..].partition_point(|row| row.time < time);
        }
        let rows = || arms.iter().zip(&at).map(|(arm, at)| arm.rows().get(*at));
        let at_risk: Vec<f64> = rows().map(|row| row.map_or(0.0, |row| row.at_risk as f64)).collect();
        let events: Vec<f64> =
            rows().map(|row| row.filter(|row| row.time == time).map_or(0.0, |row| row.events as f64)).collect();
        let (n, d): (f64, f64) = (at_risk.iter().sum(), events.iter().sum());
        let weight = survival.powf(weighting.rho) * (1.0 - survival).powf(weighting.gamma);
        survival *= (n - d) / n;
        // The last unit at risk has the event for certain.
        let spread = if n > 1.0 { weight * weight * d * (n - d) / (n - 1.0) } else { 0.0 };
        for a in 0..arms.len() {
            let share = at_risk[a] / n;
            observed[a] += weight * events[a];
            expected[a] += weight * d * share;
            for b in 0..arms.len() {
                let same = if a == b { 1.0 } else { 0.0 };
                variance[(a, b)] += spread * share * (same - at_risk[b] / n);
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
