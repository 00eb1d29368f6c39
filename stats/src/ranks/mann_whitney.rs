//! The Mann–Whitney test by the normal approximation.

use super::{Acceptance, Test, for_each_value};
use crate::dist::{Alternative, Continuous, Normal, TailProbability};
use crate::empirical::Empirical;

/// Mann and Whitney's count of the pairs in which the treated unit has the larger value, ties counting half.
///
/// `U = Σᵢⱼ [xᵢ > yⱼ] + ½[xᵢ = yⱼ]`, the treated rank sum less `n₁(n₁ + 1)/2`. Its variance under equal distributions is
/// `n₁n₀/12 · (N + 1 − Σ(t³ − t)/(N(N − 1)))`, over the sizes `t` of the groups of tied units.
///
/// - **Needs** both arms' distributions.
/// - **Assumes** for the test, that under the hypothesis both distributions are equal; that they merely have equal
///   medians, or that neither tends to larger values, is not enough when they spread differently.
/// - **Source** Mann & Whitney (1947); with ties Lehmann (1975), "Nonparametrics", section 1.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RankSum {
    pub(super) n: [u64; 2],
    pub(super) doubled_u: u128,
    /// `N³ − N − Σ(t³ − t)`, whole and exact: nearly all of it cancels when most units are tied.
    untied: u128,
}

impl RankSum {
    /// Of two arms; `None` when one has no units.
    pub fn of(treated: Empirical<'_>, control: Empirical<'_>) -> Option<RankSum> {
        if treated.n() == 0 || control.n() == 0 {
            return None;
        }
        let cubic = |t: u64| (u128::from(t) * u128::from(t) - 1) * u128::from(t);
        let (mut doubled_u, mut below, mut tied) = (0, 0, 0);
        for_each_value([treated, control], |_, [above, equal]| {
            doubled_u += u128::from(above) * u128::from(2 * below + equal);
            below += equal;
            tied += cubic(above + equal);
        });
        Some(RankSum { n: [treated.n(), control.n()], doubled_u, untied: cubic(treated.n() + control.n()) - tied })
    }

    /// The count of pairs, ties counting half.
    pub fn u(&self) -> f64 {
        self.doubled_u as f64 / 2.0
    }

    /// The share of pairs in which the treated unit has the larger value, ties counting half: an estimate of
    /// `P(X > Y) + ½P(X = Y)`.
    pub fn superiority(&self) -> f64 {
        self.doubled_u as f64 / (2.0 * self.pairs() as f64)
    }

    /// Pairs of a treated and a control unit.
    pub(super) fn pairs(&self) -> u128 {
        u128::from(self.n[0]) * u128::from(self.n[1])
    }

    /// The variance of `U` when both distributions are equal, given the ties; zero when all units are tied.
    pub fn variance(&self) -> f64 {
        let total = u128::from(self.n[0] + self.n[1]);
        self.pairs() as f64 / 12.0 * (self.untied as f64 / (total * (total - 1)) as f64)
    }

    /// The z test of equal distributions, with or without the continuity correction of one half.
    ///
    /// - **Gives** `z`, positive when treated values tend to be larger; `None` when all units are tied.
    /// - **Assumes** arms of some eight units or more each; [`ExactRankSum`](super::ExactRankSum) is for smaller ones.
    pub fn normal_test(&self, alternative: Alternative, continuity: bool) -> Option<Test> {
        if self.untied == 0 {
            return None;
        }
        let doubled_excess = self.doubled_u as f64 - self.pairs() as f64;
        let correction = if continuity { 1.0 } else { 0.0 };
        let doubled = match alternative {
            // Nothing is corrected past the middle.
            Alternative::TwoSided => doubled_excess.signum() * (doubled_excess.abs() - correction).max(0.0),
            Alternative::Greater => doubled_excess - correction,
            Alternative::Less => doubled_excess + correction,
        };
        let statistic = doubled / 2.0 / self.variance().sqrt();
        TailProbability::of(&Normal, statistic, alternative).map(|tail| Test { statistic, tail })
    }

    /// The counts that [`normal_test`](Self::normal_test) does not reject at `alpha`; `None` when all units are tied or
    /// `alpha` is outside (0, 1).
    pub fn acceptance(&self, alpha: f64, alternative: Alternative, continuity: bool) -> Option<Acceptance> {
        if self.untied == 0 || !(alpha > 0.0 && alpha < 1.0) {
            return None;
        }
        let tail = if alternative == Alternative::TwoSided { alpha / 2.0 } else { alpha };
        let correction = if continuity { 1.0 } else { 0.0 };
        let reach = (2.0 * Normal.isf(tail)? * self.variance().sqrt() + correction).floor();
        Some(Acceptance::around(self.pairs(), reach).facing(alternative, self.pairs()))
    }
}

impl Acceptance {
    /// The doubled counts no further than `reach` from the middle, which is the number of pairs.
    pub(super) fn around(pairs: u128, reach: f64) -> Acceptance {
        // A one-sided test at more than one half rejects the middle itself.
        let (towards, back) = (reach.max(0.0) as u128, (-reach).max(0.0) as u128);
        let high = (pairs + towards).saturating_sub(back).min(2 * pairs);
        Acceptance { low: 2 * pairs - high, high }
    }

    /// With nothing rejected on the side that the alternative does not look to.
    pub(super) fn facing(self, alternative: Alternative, pairs: u128) -> Acceptance {
        match alternative {
            Alternative::TwoSided => self,
            Alternative::Greater => Acceptance { low: 0, ..self },
            Alternative::Less => Acceptance { high: 2 * pairs, ..self },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_counted_and_ties_halved() {
        let treated = Empirical::new(&[1.0, 2.0, 5.0], &[2, 1, 1]).unwrap();
        let control = Empirical::new(&[0.0, 1.0, 2.0], &[1, 3, 1]).unwrap();
        let ranks = RankSum::of(treated, control).unwrap();
        // Each 1 beats one and ties three; the 2 beats four and ties one; the 5 beats all five.
        assert_eq!((ranks.u(), ranks.superiority()), (2.0 * 2.5 + 4.5 + 5.0, 14.5 / 20.0));
        let ties: f64 = [5.0_f64, 2.0].iter().map(|t| t.powi(3) - t).sum();
        assert!((ranks.variance() - 20.0 / 12.0 * (10.0 - ties / 72.0)).abs() < 1e-12);
    }

    #[test]
    fn a_sample_against_itself_has_no_evidence() {
        let law = Empirical::new(&[1.0, 2.0], &[4, 7]).unwrap();
        let ranks = RankSum::of(law, law).unwrap();
        for continuity in [false, true] {
            let test = ranks.normal_test(Alternative::TwoSided, continuity).unwrap();
            assert_eq!((test.statistic.abs(), test.tail), (0.0, TailProbability::CERTAIN));
        }
    }

    #[test]
    fn units_that_are_all_tied_have_no_test() {
        let law = Empirical::new(&[3.0], &[5]).unwrap();
        let ranks = RankSum::of(law, law).unwrap();
        assert_eq!(ranks.normal_test(Alternative::TwoSided, true), None);
        assert_eq!(ranks.acceptance(0.05, Alternative::TwoSided, true), None);
        assert_eq!(RankSum::of(law, Empirical::new(&[], &[]).unwrap()), None);
    }

    #[test]
    fn nearly_all_tied_units_keep_the_digits_of_their_variance() {
        // One treated unit above 2⁴⁰ − 1 tied ones in each arm: N³ − N − Σ(t³ − t) = 3N(N − 1), so the variance is n/4.
        let n = 1_u64 << 39;
        let counts = ([n - 1, 1], [n]);
        let treated = Empirical::new(&[0.0, 1.0], &counts.0).unwrap();
        let control = Empirical::new(&[0.0], &counts.1).unwrap();
        let ranks = RankSum::of(treated, control).unwrap();
        let square = (n as f64).powi(2);
        assert!((ranks.variance() / (square / 4.0) - 1.0).abs() < 1e-15);
    }
}
