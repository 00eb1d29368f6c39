//! The Brunner–Munzel test and the probability of superiority.

use super::{Acceptance, RankSum, Test, for_each_value};
use crate::contrast::Interval;
use crate::dist::{Alternative, Continuous, StudentT, TailProbability};
use crate::empirical::Empirical;

/// The probability that a treated unit has a larger value than a control unit, ties counting half, with its error.
///
/// `θ̂ = U/(n₁n₀)`, `se² = s₁²/n₁ + s₀²/n₀` with `s²ₐ` the variance of an arm's placements: the share of the other arm
/// below each of its units, ties counting half. Satterthwaite's degrees of freedom.
///
/// - **Needs** both arms' distributions.
/// - **Gives** one half where neither arm tends to larger values.
/// - **Assumes** independent units, some ten in each arm; the distributions may differ in any way, which the
///   Mann–Whitney test does not allow.
/// - **Source** Brunner & Munzel (2000), "The nonparametric Behrens–Fisher problem", equations (4.3) to (4.5).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Superiority {
    /// The estimate.
    pub probability: f64,
    /// Its standard error; `None` for an arm of one unit, zero where the arms do not overlap or do not vary.
    pub std_error: Option<f64>,
    /// Degrees of freedom, when the standard error is positive.
    pub df: Option<f64>,
    pairs: u128,
}

impl Superiority {
    /// Of two arms; `None` when one has no units.
    pub fn of(treated: Empirical<'_>, control: Empirical<'_>) -> Option<Superiority> {
        let ranks = RankSum::of(treated, control)?;
        let (probability, pairs) = (ranks.superiority(), ranks.pairs());
        let n = [treated.n(), control.n()];
        let (mut below, mut squares) = ([0_u64; 2], [0.0_f64; 2]);
        for_each_value([treated, control], |_, counts| {
            for (arm, other) in [(0, 1), (1, 0)] {
                let placement = (2 * below[other] + counts[other]) as f64 / (2.0 * n[other] as f64);
                let mean = if arm == 0 { probability } else { 1.0 - probability };
                squares[arm] += counts[arm] as f64 * (placement - mean).powi(2);
            }
            below = [below[0] + counts[0], below[1] + counts[1]];
        });
        if n.contains(&1) {
            return Some(Superiority { probability, std_error: None, df: None, pairs });
        }
        let part = |arm: usize| squares[arm] / (n[arm] - 1) as f64 / n[arm] as f64;
        let variance = part(0) + part(1);
        // Sums of squares of what is constant but for rounding.
        if variance <= (4.0 * f64::EPSILON).powi(2) {
            return Some(Superiority { probability, std_error: Some(0.0), df: None, pairs });
        }
        let share = |arm: usize| (part(arm) / variance).powi(2) / (n[arm] - 1) as f64;
        let df = Some(1.0 / (share(0) + share(1)));
        Some(Superiority { probability, std_error: Some(variance.sqrt()), df, pairs })
    }

    /// The test that the probability is one half.
    ///
    /// - **Gives** `None` without a positive standard error.
    pub fn test(&self, alternative: Alternative) -> Option<Test> {
        let std_error = self.std_error.filter(|error| *error > 0.0)?;
        let statistic = (self.probability - 0.5) / std_error;
        TailProbability::of(&StudentT::new(self.df?)?, statistic, alternative).map(|tail| Test { statistic, tail })
    }

    /// The interval that excludes one half exactly when [`test`](Self::test) rejects, cut at 0 and 1; `tail` is the
    /// probability outside on each side that it has.
    ///
    /// - **Gives** `None` without a positive standard error.
    pub fn interval(&self, tail: f64, alternative: Alternative) -> Option<Interval> {
        let std_error = self.std_error.filter(|error| *error > 0.0)?;
        let half = StudentT::new(self.df?)?.isf(tail)? * std_error;
        let interval = Interval::around(self.probability, half, alternative);
        let within = |end: Option<f64>| end.map(|end| end.clamp(0.0, 1.0));
        Some(Interval { low: within(interval.low), high: within(interval.high) })
    }

    /// The rank sums that [`test`](Self::test) would not reject at `alpha` with the variance as estimated.
    ///
    /// - **Gives** `None` without a positive standard error.
    pub fn acceptance(&self, alpha: f64, alternative: Alternative) -> Option<Acceptance> {
        let std_error = self.std_error.filter(|error| *error > 0.0)?;
        let tail = if alternative == Alternative::TwoSided { alpha / 2.0 } else { alpha };
        let half = StudentT::new(self.df?)?.isf(tail)? * std_error;
        Some(Acceptance::around(self.pairs, (2.0 * half * self.pairs as f64).floor()).facing(alternative, self.pairs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arms_that_do_not_overlap_have_no_test() {
        let low = Empirical::new(&[1.0, 2.0], &[3, 4]).unwrap();
        let high = Empirical::new(&[3.0, 4.0], &[3, 4]).unwrap();
        let superiority = Superiority::of(high, low).unwrap();
        assert_eq!((superiority.probability, superiority.std_error, superiority.df), (1.0, Some(0.0), None));
        assert_eq!(superiority.test(Alternative::TwoSided), None);
        assert_eq!(superiority.interval(0.025, Alternative::TwoSided), None);
    }

    #[test]
    fn swapping_the_arms_mirrors_everything() {
        let one = Empirical::new(&[1.0, 2.0, 7.0], &[3, 4, 9]).unwrap();
        let other = Empirical::new(&[0.0, 2.0, 4.0], &[8, 2, 5]).unwrap();
        let (there, back) = (Superiority::of(one, other).unwrap(), Superiority::of(other, one).unwrap());
        assert!((there.probability + back.probability - 1.0).abs() < 1e-15);
        let (test, mirrored) = (there.test(Alternative::Greater).unwrap(), back.test(Alternative::Less).unwrap());
        assert!((test.statistic + mirrored.statistic).abs() < 1e-12);
        assert!((test.tail.p / mirrored.tail.p - 1.0).abs() < 1e-12);
    }
}
