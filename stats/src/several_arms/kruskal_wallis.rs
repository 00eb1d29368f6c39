//! The Kruskal–Wallis test.

use super::units;
use crate::dist::{ChiSquared, TailProbability};
use crate::empirical::Empirical;
use crate::ranks::{Test, for_each_value_of};

/// Tests by ranks whether all arms have one distribution.
///
/// `H = (N − 1)·Σ nₐ(r̄ₐ − r̄)² / Σ(r − r̄)²` over middle ranks, against chi-squared with `k − 1` degrees of freedom: the
/// usual form with its correction for ties.
///
/// - **Gives** `None` with fewer than two arms, an empty arm, or when all units are tied.
/// - **Assumes** independent units, five or more in each arm; under the hypothesis one distribution.
/// - **Source** Kruskal & Wallis (1952), "Use of ranks in one-criterion variance analysis".
pub fn kruskal_wallis(arms: &[Empirical<'_>]) -> Option<Test> {
    let total = units(arms)?;
    let middle = total / 2.0;
    let mut sums = vec![0.0; arms.len()];
    let (mut below, mut squares) = (0_u64, 0.0);
    for_each_value_of(arms, |_, counts| {
        let tied: u64 = counts.iter().sum();
        // The middle rank less the mean of all ranks.
        let rank = below as f64 + tied as f64 / 2.0 - middle;
        sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += *count as f64 * rank);
        squares += tied as f64 * rank * rank;
        below += tied;
    });
    let between: f64 = arms.iter().zip(&sums).map(|(arm, sum)| sum * sum / arm.n() as f64).sum();
    if squares == 0.0 {
        return None;
    }
    let statistic = (total - 1.0) * between / squares;
    let tail = TailProbability::upper(&ChiSquared::new(arms.len() as f64 - 1.0)?, statistic)?;
    Some(Test { statistic, tail })
}
