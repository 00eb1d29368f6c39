//! Ranks and order statistics: tests and intervals that a few huge values cannot move.
//!
//! Everything here is a function of the arms' [`Empirical`] distributions, distinct
//! values with counts, walked upwards together once or a few dozen times; units are never expanded and pairs never
//! formed. Effects are treated against control.
//!
//! | file | tests | estimates and intervals |
//! |---|---|---|
//! | `brunner_munzel` | no arm tends to larger values, variances may differ | probability of superiority |
//! | `exact_rank_sum` | Mann–Whitney by counting assignments, ties as they are | |
//! | `kolmogorov_smirnov` | equal distributions, exact or asymptotic | largest distance |
//! | `mann_whitney` | equal distributions, by the normal approximation | probability of superiority |
//! | `pairwise` | | Hodges–Lehmann's shift and ratio: the median over all pairs |
//! | `signed_rank` | Wilcoxon's, of paired differences, exact | |
//! | `trimmed_mean` | | Yuen's trimmed mean with its variance |
//!
//! ```
//! use estimand_stats::dist::Alternative;
//! use estimand_stats::empirical::Empirical;
//! use estimand_stats::ranks::RankSum;
//!
//! let control = Empirical::new(&[0.0, 1.0, 2.0], &[6, 3, 1])?;
//! let treated = Empirical::new(&[0.0, 1.0, 3.0], &[3, 4, 3])?;
//! let ranks = RankSum::of(treated, control).ok_or("both arms have units")?;
//! assert_eq!(ranks.u(), 69.0);
//! let test = ranks.normal_test(Alternative::TwoSided, true).ok_or("not all values are equal")?;
//! assert!(test.tail.p > 0.1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod brunner_munzel;
mod exact_rank_sum;
mod kolmogorov_smirnov;
mod mann_whitney;
mod pairwise;
mod signed_rank;
mod trimmed_mean;

pub use brunner_munzel::Superiority;
pub use exact_rank_sum::{ExactRankSum, MOST_PAIRS};
pub use kolmogorov_smirnov::KolmogorovSmirnov;
pub(crate) use kolmogorov_smirnov::kolmogorov_tail;
pub use mann_whitney::RankSum;
pub use pairwise::{Pairs, Pairwise};
pub use signed_rank::SignedRank;
pub use trimmed_mean::TrimmedMean;

pub use crate::two_proportions::Test;

use crate::empirical::Empirical;

/// The rank sums that a test does not reject: doubled Mann–Whitney counts from `low` to `high`, ends included.
///
/// Inverting a test by these gives the interval that agrees with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acceptance {
    /// The smallest `2U` that is not rejected.
    pub low: u128,
    /// The largest `2U` that is not rejected.
    pub high: u128,
}

/// Walks the distinct values of all samples upwards, with how many units of each sample have the value.
pub(crate) fn for_each_value<const K: usize>(samples: [Empirical<'_>; K], mut visit: impl FnMut(f64, [u64; K])) {
    for_each_value_of(&samples, |value, counts| visit(value, std::array::from_fn(|k| counts[k])));
}

/// As [`for_each_value`], of any number of samples.
pub(crate) fn for_each_value_of(samples: &[Empirical<'_>], mut visit: impl FnMut(f64, &[u64])) {
    let mut at = vec![0_usize; samples.len()];
    let mut counts = vec![0_u64; samples.len()];
    loop {
        let next = samples.iter().zip(&at).filter_map(|(sample, at)| sample.values().get(*at).copied());
        let Some(value) = next.min_by(f64::total_cmp) else { return };
        for ((sample, at), count) in samples.iter().zip(&mut at).zip(&mut counts) {
            // Compared as numbers, so that the two zeros are one value.
            let has = sample.values().get(*at).is_some_and(|own| *own <= value);
            *count = if has { sample.counts()[*at] } else { 0 };
            *at += usize::from(has);
        }
        visit(value, &counts);
    }
}
