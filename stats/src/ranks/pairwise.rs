//! Hodges and Lehmann's estimate and interval, without forming the pairs.

use super::Acceptance;
use crate::contrast::Interval;
use crate::empirical::Empirical;
use crate::smallest_double::smallest_double;

/// What is formed of the values of a treated and a control unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pairwise {
    /// `x − y`: a shift, in the unit of the metric.
    Difference,
    /// `x/y − 1`: a relative effect; of positive values only.
    Lift,
}

/// The differences, or lifts, of all pairs of a treated and a control unit, as a sorted list that is never written down.
///
/// Its `k`-th entry is found by halving the range of doubles and counting, in one walk along both arms, how many pairs
/// lie at or below the middle: exact, and `O(distinct values)` for each of at most 64 walks.
///
/// - **Source** Hodges & Lehmann (1963) for the median of all pairs; Lehmann (1963) for the interval from the test.
#[derive(Clone, Copy, Debug)]
pub struct Pairs<'a> {
    treated: Empirical<'a>,
    control: Empirical<'a>,
    of: Pairwise,
    range: (f64, f64),
}

impl<'a> Pairs<'a> {
    /// Of two arms; `None` when one has no units, when a lift is asked of values that are not all positive, or when a
    /// pair leaves the range of doubles.
    pub fn new(treated: Empirical<'a>, control: Empirical<'a>, of: Pairwise) -> Option<Pairs<'a>> {
        let ((least, most), (control_least, control_most)) = (treated.range()?, control.range()?);
        if of == Pairwise::Lift && (least <= 0.0 || control_least <= 0.0) {
            return None;
        }
        let range = (of.value(least, control_most), of.value(most, control_least));
        (range.0.is_finite() && range.1.is_finite()).then_some(Pairs { treated, control, of, range })
    }

    /// How many pairs there are.
    pub fn count(&self) -> u128 {
        u128::from(self.treated.n()) * u128::from(self.control.n())
    }

    /// The `k`-th smallest entry, counted from one; `None` outside the list.
    pub fn entry(&self, k: u128) -> Option<f64> {
        if k == 0 || k > self.count() {
            return None;
        }
        smallest_double(self.range.0, self.range.1, |value| self.at_most(value) >= k)
    }

    /// The median entry: Hodges and Lehmann's estimate.
    pub fn median(&self) -> Option<f64> {
        let half = self.count() / 2;
        if self.count() % 2 == 1 {
            return self.entry(half + 1);
        }
        let low = self.entry(half)?;
        let high = if self.at_most(low) > half { low } else { self.entry(half + 1)? };
        // The middle of two ratios is taken between their logarithms, so that swapping the arms inverts it.
        Some(match self.of {
            _ if low == high => low,
            Pairwise::Difference => low + (high - low) / 2.0,
            Pairwise::Lift => (0.5 * (low.ln_1p() + high.ln_1p())).exp_m1(),
        })
    }

    /// The effects that the test with this acceptance does not reject, once taken off the treated values: an end is
    /// open where no effect is large enough to be rejected.
    ///
    /// Zero lies strictly outside only when the test rejects it.
    pub fn interval(&self, accepted: Acceptance) -> Interval {
        let doubled = 2 * self.count();
        Interval {
            low: self.entry((doubled - accepted.high).div_ceil(2)),
            high: self.entry((doubled - accepted.low) / 2 + 1),
        }
    }

    /// How many entries are at most this.
    fn at_most(&self, limit: f64) -> u128 {
        let mut controls = self.control.iter().peekable();
        let (mut too_small, mut total) = (0, 0);
        for (value, count) in self.treated.iter() {
            // The larger the treated value, the larger the control values that keep the entry at or below the limit.
            while let Some((_, units)) = controls.next_if(|(control, _)| self.of.value(value, *control) > limit) {
                too_small += units;
            }
            total += u128::from(count) * u128::from(self.control.n() - too_small);
        }
        total
    }
}

impl Pairwise {
    /// Rises with the treated and falls with the control value, also after rounding.
    fn value(self, treated: f64, control: f64) -> f64 {
        match self {
            Self::Difference => treated - control,
            Self::Lift => treated / control - 1.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn law<'a>(values: &'a [f64], counts: &'a [u64]) -> Empirical<'a> {
        Empirical::new(values, counts).unwrap()
    }

    #[test]
    fn every_entry_is_that_of_the_written_list() {
        let (x, y) = (([-1.5, 0.25, 3.0], [2, 5, 1]), ([-2.0, 0.1, 0.25, 9.0], [1, 3, 2, 2]));
        let pairs = Pairs::new(law(&x.0, &x.1), law(&y.0, &y.1), Pairwise::Difference).unwrap();
        let mut written = Vec::new();
        for (x, n) in x.0.iter().zip(x.1) {
            for (y, m) in y.0.iter().zip(y.1) {
                written.extend(std::iter::repeat_n(x - y, (n * m) as usize));
            }
        }
        written.sort_by(f64::total_cmp);
        let found: Vec<f64> = (1..=pairs.count()).map(|k| pairs.entry(k).unwrap()).collect();
        assert_eq!(found, written);
        assert_eq!((pairs.entry(0), pairs.entry(pairs.count() + 1)), (None, None));
        assert_eq!(pairs.median(), Some((written[31] + written[32]) / 2.0));
    }

    #[test]
    fn lifts_of_swapped_arms_are_inverse() {
        let (one, other) = (law(&[1.0, 2.0, 8.0], &[3, 1, 2]), law(&[0.5, 3.0], &[1, 1]));
        let there = Pairs::new(one, other, Pairwise::Lift).unwrap().median().unwrap();
        let back = Pairs::new(other, one, Pairwise::Lift).unwrap().median().unwrap();
        assert!(((1.0 + there) * (1.0 + back) - 1.0).abs() < 1e-15);
    }

    #[test]
    fn a_lift_needs_positive_values() {
        let (one, zero) = (law(&[1.0], &[1]), law(&[0.0, 1.0], &[1, 1]));
        assert!(Pairs::new(one, zero, Pairwise::Lift).is_none());
        assert!(Pairs::new(one, zero, Pairwise::Difference).is_some());
        assert!(Pairs::new(law(&[1e308], &[1]), law(&[-1e308], &[1]), Pairwise::Difference).is_none());
    }
}
