//! All pairs of arms by the studentised range.

use super::units;
use crate::contrast::Interval;
use crate::dist::{Continuous, StudentizedRange, TailProbability};
use crate::empirical::Empirical;

/// The difference of two arms among several, with the number of pairs paid for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// The arms, by their place; the difference is of the first less the second.
    pub arms: (usize, usize),
    /// The difference of means.
    pub difference: f64,
    /// The interval; all pairs' cover at once.
    pub interval: Interval,
    /// The p-value, adjusted for all pairs.
    pub tail: TailProbability,
}

/// Compares every pair of arms, the later less the earlier.
///
/// `|ȳₐ − ȳ_b| / √(s²/2·(1/nₐ + 1/n_b))` against the studentised range of as many arms, `s²` within all arms.
///
/// - **Gives** `None` with fewer than two arms, an empty arm, as many arms as units, when no arm varies, or for a level
///   outside (0, 1).
/// - **Assumes** independent normal outcomes of one variance; of unequal arms the intervals are a little wide.
/// - **Source** Tukey (1953); Kramer (1956), "Extension of multiple range tests to group means with unequal numbers of
///   replications".
pub fn tukey(arms: &[Empirical<'_>], level: f64) -> Option<Vec<Pair>> {
    let df = units(arms)? - arms.len() as f64;
    let within = arms.iter().map(Empirical::centred).sum::<f64>() / df;
    if df < 1.0 || within <= 0.0 || !(level > 0.0 && level < 1.0) {
        return None;
    }
    let range = StudentizedRange::new(u32::try_from(arms.len()).ok()?, df)?;
    let critical = range.isf(1.0 - level)?;
    let compare = |(a, b): (usize, usize)| {
        let difference = arms[a].mean()? - arms[b].mean()?;
        let error = (within / 2.0 * (1.0 / arms[a].n() as f64 + 1.0 / arms[b].n() as f64)).sqrt();
        let interval = Interval { low: Some(difference - critical * error), high: Some(difference + critical * error) };
        let tail = TailProbability::upper(&range, difference.abs() / error)?;
        Some(Pair { arms: (a, b), difference, interval, tail })
    };
    (1..arms.len()).flat_map(|a| (0..a).map(move |b| (a, b))).map(compare).collect()
}
