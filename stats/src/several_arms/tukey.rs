//! All pairs of arms by the studentised range.

use std::f64::consts::SQRT_2;

use super::{OneVariance, Pair};
use crate::dist::{Continuous, StudentizedRange, TailProbability};
use crate::empirical::Empirical;

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
    let model = OneVariance::of(arms)?;
    if !(level > 0.0 && level < 1.0) {
        return None;
    }
    let range = StudentizedRange::new(u32::try_from(arms.len()).ok()?, model.df)?;
    let critical = range.isf(1.0 - level)? / SQRT_2;
    let pairs = (1..arms.len()).flat_map(|a| (0..a).map(move |b| (a, b)));
    pairs.map(|pair| model.pair(pair, critical, |t| TailProbability::upper(&range, SQRT_2 * t.abs()))).collect()
}
