//! Wilcoxon's signed-rank test.

use super::{Test, for_each_value};
use crate::dist::{Alternative, Normal, TailProbability};
use crate::empirical::Empirical;

/// Most differences for which all signs are counted.
const MOST_DIFFERENCES: usize = 200;

/// The sum of the ranks of the positive differences, ranked by size, tied sizes sharing their middle rank.
///
/// - **Needs** the distribution of the differences of pairs; differences of zero are left out.
/// - **Assumes** independent pairs; under the hypothesis each difference was as likely with the other sign.
/// - **Source** Wilcoxon (1945); with ties Lehmann (1975), "Nonparametrics", section 3.2.
#[derive(Clone, Debug, PartialEq)]
pub struct SignedRank {
    /// Twice the middle rank of each size, and how many have it.
    sizes: Vec<(u64, u64)>,
    doubled_positive: u128,
    doubled_all: u128,
}

impl SignedRank {
    /// Of differences; `None` when none differs from zero.
    pub fn of(differences: Empirical<'_>) -> Option<SignedRank> {
        let (values, counts): (Vec<f64>, Vec<u64>) =
            differences.iter().rev().filter(|(value, _)| *value < 0.0).map(|(value, count)| (-value, count)).unzip();
        let positive = differences.values().partition_point(|value| *value <= 0.0);
        let negative = Empirical::new(&values, &counts).ok()?;
        let positive = Empirical::new(&differences.values()[positive..], &differences.counts()[positive..]).ok()?;
        let (mut sizes, mut below, mut doubled_positive, mut doubled_all) = (Vec::new(), 0, 0, 0);
        for_each_value([positive, negative], |_, [plus, minus]| {
            let rank = 2 * below + plus + minus + 1;
            doubled_positive += u128::from(plus) * u128::from(rank);
            doubled_all += u128::from(plus + minus) * u128::from(rank);
            sizes.push((rank, plus + minus));
            below += plus + minus;
        });
        (below > 0).then_some(SignedRank { sizes, doubled_positive, doubled_all })
    }

    /// The sum of the ranks of the positive differences.
    pub fn positive(&self) -> f64 {
        self.doubled_positive as f64 / 2.0
    }

    /// The sum of the ranks of the negative differences.
    pub fn negative(&self) -> f64 {
        (self.doubled_all - self.doubled_positive) as f64 / 2.0
    }

    /// The exact p-value over all choices of signs, with the ties that there are; `None` above 200 differences.
    pub fn exact_p(&self, alternative: Alternative) -> Option<TailProbability> {
        let n: u64 = self.sizes.iter().map(|(_, count)| count).sum();
        if n > MOST_DIFFERENCES as u64 {
            return None;
        }
        let mut law = vec![0.0_f64; self.doubled_all as usize + 1];
        law[0] = 1.0;
        for (rank, count) in &self.sizes {
            for _ in 0..*count {
                // From above, so that each difference is counted once.
                for sum in (0..law.len()).rev() {
                    let with = sum.checked_sub(*rank as usize).map_or(0.0, |before| law[before]);
                    law[sum] = 0.5 * (law[sum] + with);
                }
            }
        }
        let at = self.doubled_positive as usize;
        let (above, below): (f64, f64) = (law[at..].iter().sum(), law[..=at].iter().sum());
        let p = match alternative {
            Alternative::Greater => above,
            Alternative::Less => below,
            // The law is symmetric, ties or not.
            Alternative::TwoSided => 2.0 * above.min(below),
        };
        TailProbability::from_ln(p.ln())
    }

    /// The z test, with or without the continuity correction of one half; the variance is `Σr²/4` over all ranks.
    pub fn normal_test(&self, alternative: Alternative, continuity: bool) -> Option<Test> {
        let excess = self.positive() - self.doubled_all as f64 / 4.0;
        let correction = if continuity { 0.5 } else { 0.0 };
        let corrected = match alternative {
            Alternative::TwoSided => excess.signum() * (excess.abs() - correction).max(0.0),
            Alternative::Greater => excess - correction,
            Alternative::Less => excess + correction,
        };
        let squares: f64 = self.sizes.iter().map(|(rank, count)| *count as f64 * (*rank as f64 / 2.0).powi(2)).sum();
        let statistic = corrected / (squares / 4.0).sqrt();
        TailProbability::of(&Normal, statistic, alternative).map(|tail| Test { statistic, tail })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_positive_differences_are_one_choice_of_eight() {
        let differences = Empirical::new(&[0.0, 1.0, 2.0, 3.0], &[5, 1, 1, 1]).unwrap();
        let test = SignedRank::of(differences).unwrap();
        assert_eq!((test.positive(), test.negative()), (6.0, 0.0));
        assert!((test.exact_p(Alternative::Greater).unwrap().p - 0.125).abs() < 1e-15);
        assert!((test.exact_p(Alternative::TwoSided).unwrap().p - 0.25).abs() < 1e-15);
        assert_eq!(test.exact_p(Alternative::Less), Some(TailProbability::CERTAIN));
    }

    #[test]
    fn differences_of_zero_alone_have_no_test() {
        assert_eq!(SignedRank::of(Empirical::new(&[0.0], &[9]).unwrap()), None);
        assert_eq!(SignedRank::of(Empirical::new(&[], &[]).unwrap()), None);
    }
}
