//! The Mann–Whitney test by counting assignments.

use super::{Acceptance, RankSum, for_each_value};
use crate::dist::{Alternative, TailProbability};
use crate::empirical::Empirical;

/// Most pairs of units for which all assignments are counted; two arms of 50.
pub const MOST_PAIRS: u128 = 2_500;

/// The law of Mann and Whitney's count over all assignments of the units to the arms, with the ties that there are.
///
/// Group by group of tied units, upwards: `j` of `t` go to the smaller arm in `C(t, j)` ways and beat all others below
/// and half of the `t − j` beside them. Only whole counts are added, so no tail loses digits.
///
/// - **Needs** both arms' distributions, of at most [`MOST_PAIRS`] pairs.
/// - **Assumes** that under the hypothesis every assignment was equally likely, and nothing else.
/// - **Source** Mann & Whitney (1947), recursion (3), with groups of ties as Lehmann (1975), section 1.4.
#[derive(Clone, Debug, PartialEq)]
pub struct ExactRankSum {
    /// Probability of each doubled count.
    law: Vec<f64>,
    observed: u128,
}

impl ExactRankSum {
    /// Of two arms; `None` when one has no units, or there are too many pairs.
    pub fn of(treated: Empirical<'_>, control: Empirical<'_>) -> Option<ExactRankSum> {
        let ranks = RankSum::of(treated, control)?;
        if ranks.pairs() > MOST_PAIRS {
            return None;
        }
        let mut groups = Vec::new();
        for_each_value([treated, control], |_, [above, equal]| groups.push((above + equal) as usize));
        let [n_t, n_c] = ranks.n.map(|n| n as usize);
        let mut law = shares(&groups, n_t.min(n_c), n_t.max(n_c));
        if n_t > n_c {
            // The counts of the larger arm are what the smaller leaves.
            law.reverse();
        }
        Some(ExactRankSum { law, observed: ranks.doubled_u })
    }

    /// The p-value: two-sided of counts at least as far from the middle, `n₁n₀/2`, as the observed one.
    pub fn p_value(&self, alternative: Alternative) -> TailProbability {
        let p = self.tail(self.observed, alternative);
        TailProbability::from_ln(p.ln()).unwrap_or(TailProbability::CERTAIN)
    }

    /// The counts that are not rejected at `alpha`, with the ties as observed.
    pub fn acceptance(&self, alpha: f64, alternative: Alternative) -> Acceptance {
        let pairs = self.pairs();
        let side = if alternative == Alternative::Less { Alternative::Less } else { Alternative::Greater };
        let rejected = |distance: u128| {
            let doubled = if side == Alternative::Less { pairs - distance } else { pairs + distance };
            self.tail(doubled, alternative) < alpha
        };
        let reach = (0..=pairs).rev().find(|distance| !rejected(*distance)).unwrap_or(0);
        Acceptance { low: pairs - reach, high: pairs + reach }.facing(alternative, pairs)
    }

    fn pairs(&self) -> u128 {
        (self.law.len() as u128 - 1) / 2
    }

    /// Probability of counts at least as extreme as this one.
    fn tail(&self, doubled: u128, alternative: Alternative) -> f64 {
        let (pairs, at) = (self.pairs(), doubled as usize);
        let from = |at: usize| self.law[at..].iter().sum::<f64>();
        let to = |at: usize| self.law[..=at].iter().sum::<f64>();
        match alternative {
            Alternative::Greater => from(at),
            Alternative::Less => to(at),
            Alternative::TwoSided => {
                let distance = doubled.abs_diff(pairs) as usize;
                if distance == 0 { 1.0 } else { from(pairs as usize + distance) + to(pairs as usize - distance) }
            }
        }
    }
}

/// The share of assignments with each doubled count of the smaller arm, over groups of tied units from below.
fn shares(groups: &[usize], smaller: usize, larger: usize) -> Vec<f64> {
    let width = 2 * smaller * larger + 1;
    // ways[k][c]: assignments of the units so far with k of them in the smaller arm and the doubled count c.
    let mut ways = vec![vec![0.0_f64; width]; smaller + 1];
    ways[0][0] = 1.0;
    let mut below = 0;
    for &tied in groups {
        // From many to few, so that a state is read before it is written anew.
        for k in (0..=smaller.min(below)).rev() {
            let others = below - k;
            if others > larger {
                continue;
            }
            let old = std::mem::replace(&mut ways[k], vec![0.0; width]);
            let fewest = tied.saturating_sub(larger - others);
            let mut choices = choose(tied, fewest);
            for j in fewest..=tied.min(smaller - k) {
                let step = j * (2 * others + (tied - j));
                let reached = width.saturating_sub(step);
                for (way, old) in ways[k + j][step.min(width)..].iter_mut().zip(&old[..reached]) {
                    *way += choices * old;
                }
                choices *= (tied - j) as f64 / (j + 1) as f64;
            }
        }
        below += tied;
    }
    let total: f64 = ways[smaller].iter().sum();
    ways[smaller].iter().map(|ways| ways / total).collect()
}

/// Ways to choose `k` of `n`.
fn choose(n: usize, k: usize) -> f64 {
    (0..k).fold(1.0, |ways, i| ways * (n - i) as f64 / (i + 1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn law<'a>(values: &'a [f64], counts: &'a [u64]) -> Empirical<'a> {
        Empirical::new(values, counts).unwrap()
    }

    #[test]
    fn three_against_two_are_ten_assignments() {
        let exact = ExactRankSum::of(law(&[3.0, 4.0, 5.0], &[1, 1, 1]), law(&[1.0, 2.0], &[1, 1])).unwrap();
        let counts: Vec<f64> = (0..=6).map(|u| 10.0 * exact.law[2 * u]).collect();
        assert_eq!(counts, [1.0, 1.0, 2.0, 2.0, 2.0, 1.0, 1.0]);
        assert!((exact.p_value(Alternative::Greater).p - 0.1).abs() < 1e-15);
        assert!((exact.p_value(Alternative::TwoSided).p - 0.2).abs() < 1e-15);
        assert_eq!(exact.p_value(Alternative::Less), TailProbability::CERTAIN);
    }

    #[test]
    fn ties_are_counted_as_they_are() {
        // Of 1, 1, 1, 2 the one treated unit is a 1 in three assignments of four, with a count of 1, and else a 2, with 3.
        let exact = ExactRankSum::of(law(&[2.0], &[1]), law(&[1.0], &[3])).unwrap();
        assert_eq!(exact.law, [0.0, 0.0, 0.75, 0.0, 0.0, 0.0, 0.25]);
        let mirrored = ExactRankSum::of(law(&[1.0], &[3]), law(&[2.0], &[1])).unwrap();
        assert_eq!(mirrored.law, [0.25, 0.0, 0.0, 0.0, 0.75, 0.0, 0.0]);
    }

    #[test]
    fn what_is_accepted_is_what_is_not_rejected() {
        let (values, counts) = ([1.0, 2.0, 3.0, 5.0], [2, 1, 3, 2]);
        let exact = ExactRankSum::of(law(&values, &counts), law(&values[1..], &counts[1..])).unwrap();
        for alternative in [Alternative::TwoSided, Alternative::Greater, Alternative::Less] {
            let accepted = exact.acceptance(0.2, alternative);
            for doubled in 0..=2 * exact.pairs() {
                let inside = (accepted.low..=accepted.high).contains(&doubled);
                assert_eq!(inside, exact.tail(doubled, alternative) >= 0.2, "{alternative:?} at {doubled}");
            }
        }
    }
}
