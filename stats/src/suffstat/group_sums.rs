//! Exact sums for millions of groups.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::ops::RangeInclusive;

use num_bigint::{BigInt, BigUint};

use super::rounding::round_ratio;
use super::{Error, ExactSum};

/// Rows whose cells are fetched together: enough to overlap cache misses, few enough to stay in the nearest cache.
const AHEAD: usize = 64;

/// Marks a group that has met no value. Negative zero is the identity of addition, and no sum of other doubles gives it, so the
/// mark costs neither memory nor a branch.
const NOTHING: f64 = -0.0;

/// One exact sum of doubles per group, in 16 bytes a group as long as two doubles hold it.
///
/// A group's sum is `high + low`, kept exact by error-free additions. When a third term would be needed (large values that
/// cancel, or magnitudes far apart), it goes to an [`ExactSum`] beside the table, for that group alone. So sums are
/// correctly rounded whatever the order and grouping, at nearly the cost of ordinary sums.
///
/// - **Needs** group numbers counted from 0; [`resize`](GroupSums::resize) before using a new one.
/// - **Gives** [`finish`](GroupSums::finish): the double nearest to the group's sum, or `None` when it met no value.
/// - **Errors** a value that is infinite or not a number is refused ([`Error::NonFinite`]), as is a sum beyond the largest double.
/// - **Source** Knuth (1997), TAOCP vol. 2, §4.2.2, theorem B (TwoSum); Shewchuk (1997), fig. 6 (Grow-Expansion).
///
/// ```
/// use estimand_stats::suffstat::GroupSums;
/// let mut sums = GroupSums::new();
/// sums.resize(2);
/// sums.add_batch(&[1e100, 0.1, 0.2, -1e100, 0.5], &[0, 1, 1, 0, 0])?;
/// assert_eq!((sums.finish(0)?, sums.finish(1)?), (Some(0.5), Some(0.1 + 0.2)));
/// # Ok::<(), estimand_stats::suffstat::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct GroupSums {
    /// `[high, low]` per group, together so that a group is one memory access.
    cells: Vec<[f64; 2]>,
    rest: HashMap<usize, ExactSum>,
}

/// The exact sum of one group as numbers to store or send: `high + low + rest`.
#[derive(Debug, Clone, PartialEq)]
pub struct SumParts {
    /// The leading term.
    pub high: f64,
    /// The second term.
    pub low: f64,
    /// What two terms could not hold.
    pub rest: Option<ExactSum>,
}

impl GroupSums {
    /// No groups.
    pub fn new() -> Self {
        GroupSums::default()
    }

    /// How many groups.
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// Whether there are no groups.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// Sets the number of groups; new ones have met no value.
    pub fn resize(&mut self, groups: usize) {
        // A table that grows loses nothing, and one that grows group by group must not look through what stands beside it.
        if groups < self.cells.len() {
            self.rest.retain(|group, _| *group < groups);
        }
        self.cells.resize(groups, [NOTHING, NOTHING]);
    }

    /// Adds one value to a group.
    ///
    /// - **Errors** with [`Error::NonFinite`], or [`Error::Shape`] when there is no such group.
    #[inline]
    pub fn add(&mut self, group: usize, value: f64) -> Result<(), Error> {
        if self.add_to_cell(group, value) { Ok(()) } else { self.add_with_rest(group, value) }
    }

    /// Adds the square of a value to a group, as it is before any rounding.
    ///
    /// - **Errors** as [`add`](GroupSums::add).
    #[inline]
    pub fn add_square(&mut self, group: usize, value: f64) -> Result<(), Error> {
        let (square, error) = exact_square(value);
        if SQUARED.contains(&square) || square == 0.0 && value == 0.0 {
            self.add(group, square)?;
            return if error == 0.0 { Ok(()) } else { self.add(group, error) };
        }
        if !value.is_finite() {
            return Err(Error::NonFinite { variable: 0, count: 1 });
        }
        // Also tells that the group has met a value, or that it is not there.
        self.add(group, 0.0)?;
        self.rest.entry(group).or_default().add_product(value, value);
        Ok(())
    }

    /// Adds a column of values, each to its group.
    ///
    /// - **Errors** with [`Error::Shape`] when the columns differ in length or name a group that is not there; with
    ///   [`Error::NonFinite`], counting all such values of the batch, which is then added in part.
    pub fn add_batch(&mut self, values: &[f64], groups: &[usize]) -> Result<(), Error> {
        if values.len() != groups.len() {
            return Err(Error::Shape { what: "group numbers", expected: values.len(), got: groups.len() });
        }
        for (start, groups) in (0..).step_by(AHEAD).zip(groups.chunks(AHEAD)) {
            self.touch(groups);
            for (row, (value, group)) in values[start..].iter().zip(groups).enumerate() {
                if !self.add_to_cell(*group, *value) {
                    self.add_with_rest(*group, *value)
                        .map_err(|error| count_non_finite(error, &values[start + row..]))?;
                }
            }
        }
        Ok(())
    }

    /// Reads the cells of some groups, so that their cache misses overlap instead of stalling one addition after another.
    fn touch(&self, groups: &[usize]) {
        let cells = groups.iter().filter_map(|group| self.cells.get(*group));
        std::hint::black_box(cells.fold(0, |all, [high, _]| all ^ high.to_bits()));
    }

    /// Adds the exact sum of a part of a group, as [`parts`](GroupSums::parts) gave it.
    ///
    /// - **Errors** as [`add`](GroupSums::add).
    pub fn merge_parts(&mut self, group: usize, parts: &SumParts) -> Result<(), Error> {
        self.add(group, parts.high)?;
        if parts.low != 0.0 {
            self.add(group, parts.low)?;
        }
        if let Some(rest) = &parts.rest {
            if rest.non_finite() > 0 {
                return Err(Error::NonFinite { variable: 0, count: rest.non_finite() });
            }
            self.rest.entry(group).or_default().merge(rest);
        }
        Ok(())
    }

    /// Adds every group of another table to the group of the same number.
    ///
    /// - **Errors** with [`Error::Shape`] when the other table has more groups.
    pub fn merge(&mut self, other: &GroupSums) -> Result<(), Error> {
        for group in 0..other.len() {
            if let Some(parts) = other.parts(group) {
                self.merge_parts(group, &parts)?;
            }
        }
        Ok(())
    }

    /// The exact sum of a group, or `None` when it met no value or is not there.
    pub fn parts(&self, group: usize) -> Option<SumParts> {
        let [high, low] = *self.cells.get(group)?;
        let met = high.to_bits() != NOTHING.to_bits();
        // The second term starts as -0.0 and means nothing then.
        met.then(|| SumParts { high, low: low + 0.0, rest: self.rest.get(&group).cloned() })
    }

    /// The exact sum of a group: of nothing when it met no value or is not there.
    pub fn exact(&self, group: usize) -> ExactSum {
        let Some(SumParts { high, low, rest }) = self.parts(group) else { return ExactSum::new() };
        let mut sum = rest.unwrap_or_default();
        sum.add(high);
        sum.add(low);
        sum
    }

    /// Adds an exact sum to a group.
    ///
    /// - **Errors** as [`add`](GroupSums::add).
    pub fn add_exact(&mut self, group: usize, sum: &ExactSum) -> Result<(), Error> {
        // What two doubles hold need not stand beside the table.
        let mut rest = sum.clone();
        let mut terms = [0.0; 2];
        for term in &mut terms {
            let leading = rest.to_f64();
            if leading.is_finite() {
                *term = leading;
                rest.add(-leading);
            }
        }
        let [high, low] = terms;
        let rest = (rest.sign() != Ordering::Equal || rest.non_finite() > 0).then_some(rest);
        self.merge_parts(group, &SumParts { high, low, rest })
    }

    /// The double nearest to the sum of a group, ties to even; `None` when it met no value or is not there.
    ///
    /// - **Errors** with [`Error::Overflow`] when finite values add up beyond the largest double.
    pub fn finish(&self, group: usize) -> Result<Option<f64>, Error> {
        let Some(&[high, low]) = self.cells.get(group).filter(|cell| cell[0].to_bits() != NOTHING.to_bits()) else {
            return Ok(None);
        };
        let value = match self.rest.get(&group) {
            // One addition rounds the exact sum of two doubles once.
            None => high + low,
            Some(rest) => {
                let mut sum = rest.clone();
                sum.add(high);
                sum.add(low);
                sum.to_f64()
            }
        };
        if value.is_infinite() {
            return Err(Error::Overflow { what: "the sum of a group".to_owned() });
        }
        Ok(Some(value))
    }

    /// Takes the first `groups` groups off; the others move down to start at 0.
    #[must_use]
    pub fn take_first(&mut self, groups: usize) -> GroupSums {
        if groups >= self.len() {
            return std::mem::take(self);
        }
        let cells = self.cells.drain(..groups).collect();
        let (rest, moved) =
            std::mem::take(&mut self.rest).into_iter().partition::<HashMap<_, _>, _>(|(group, _)| *group < groups);
        self.rest = moved.into_iter().map(|(group, sum)| (group - groups, sum)).collect();
        GroupSums { cells, rest }
    }

    /// Bytes held on the heap, the few sums that need more than two terms by their usual size.
    pub fn size_bytes(&self) -> usize {
        const USUAL_CHUNKS: usize = 16;
        let entry = size_of::<(usize, ExactSum)>() + 1;
        self.cells.capacity() * size_of::<[f64; 2]>()
            + self.rest.capacity() * entry
            + self.rest.len() * USUAL_CHUNKS * size_of::<i64>()
    }

    /// Adds a value that two terms hold, as nearly all are; `false` when there is more to it.
    #[inline]
    fn add_to_cell(&mut self, group: usize, value: f64) -> bool {
        // Adding 0.0 turns -0.0, which would look like a group without values, into 0.0.
        self.cells.get_mut(group).is_some_and(|cell| grow(cell, value + 0.0))
    }

    /// Adds what two terms cannot hold, or says why it cannot be added.
    #[cold]
    fn add_with_rest(&mut self, group: usize, value: f64) -> Result<(), Error> {
        if !value.is_finite() {
            return Err(Error::NonFinite { variable: 0, count: 1 });
        }
        let groups = self.cells.len();
        let Some(cell) = self.cells.get_mut(group) else {
            return Err(Error::Shape { what: "groups", expected: groups, got: group });
        };
        let rest = self.rest.entry(group).or_default();
        let [high, low] = std::mem::replace(cell, [0.0, 0.0]);
        let (sum, error) = two_sum(low, value);
        let (top, middle) = two_sum(high, sum);
        if top.is_finite() {
            *cell = [top, middle];
            rest.add(error);
        } else {
            [high, low, value].into_iter().for_each(|term| rest.add(term));
        }
        Ok(())
    }
}

/// Makes an error about one value tell how many such values the batch holds from there on.
fn count_non_finite(error: Error, rest: &[f64]) -> Error {
    match error {
        Error::NonFinite { variable, .. } => {
            let count = rest.iter().filter(|value| !value.is_finite()).count() as u64;
            Error::NonFinite { variable, count }
        }
        other => other,
    }
}

/// Adds a value to `[high, low]` exactly; `false`, with the cell unchanged, when two terms cannot hold the sum.
#[inline]
fn grow(cell: &mut [f64; 2], value: f64) -> bool {
    let [high, low] = *cell;
    let (sum, error) = two_sum(low, value);
    let (top, middle) = two_sum(high, sum);
    let (bottom, lost) = two_sum(middle, error);
    // A value that is not finite, or an overflow, shows in the leading term.
    let fits = lost == 0.0 && top.is_finite();
    if fits {
        *cell = [top, bottom];
    }
    fits
}

/// `a + b` rounded, and what the rounding lost; exact unless the sum overflows.
#[inline]
pub(crate) fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let b_part = sum - a;
    let a_part = sum - b_part;
    (sum, (a - a_part) + (b - b_part))
}

/// Squares whose rounding error is a double itself, with room to spare at both ends.
const SQUARED: RangeInclusive<f64> = 1e-250..=1e290;

/// `x²` rounded, and what the rounding lost; exact for squares within [`SQUARED`].
///
/// **Source** Dekker (1971), "A floating-point technique for extending the available precision", §5 (mul12), with Veltkamp's split.
#[inline]
fn exact_square(x: f64) -> (f64, f64) {
    let square = x * x;
    let scaled = x * 134_217_729.0;
    let high = scaled - (scaled - x);
    let low = x - high;
    (square, low * low - ((square - high * high) - 2.0 * high * low))
}

/// One exact sum of integers per group, in 128 bits.
///
/// - **Needs** group numbers counted from 0; [`resize`](GroupIntegerSums::resize) before using a new one.
/// - **Gives** [`get`](GroupIntegerSums::get): the sum, or `None` when the group met no value.
/// - **Errors** with [`Error::Overflow`] when a sum leaves 128 bits; 64-bit values cannot get there.
#[derive(Debug, Clone, Default)]
pub struct GroupIntegerSums {
    sums: Vec<i128>,
    met: Vec<bool>,
}

impl GroupIntegerSums {
    /// No groups.
    pub fn new() -> Self {
        GroupIntegerSums::default()
    }

    /// How many groups.
    pub fn len(&self) -> usize {
        self.sums.len()
    }

    /// Whether there are no groups.
    pub fn is_empty(&self) -> bool {
        self.sums.is_empty()
    }

    /// Sets the number of groups; new ones have met no value.
    pub fn resize(&mut self, groups: usize) {
        self.sums.resize(groups, 0);
        self.met.resize(groups, false);
    }

    /// Adds one value to a group.
    ///
    /// - **Errors** with [`Error::Overflow`], or [`Error::Shape`] when there is no such group.
    #[inline]
    pub fn add(&mut self, group: usize, value: i128) -> Result<(), Error> {
        let groups = self.sums.len();
        let (Some(sum), Some(met)) = (self.sums.get_mut(group), self.met.get_mut(group)) else {
            return Err(Error::Shape { what: "groups", expected: groups, got: group });
        };
        let Some(total) = sum.checked_add(value) else {
            return Err(Error::Overflow { what: "the integer sum of a group".to_owned() });
        };
        (*sum, *met) = (total, true);
        Ok(())
    }

    /// The sum of a group, or `None` when it met no value or is not there.
    pub fn get(&self, group: usize) -> Option<i128> {
        self.met.get(group).filter(|met| **met).and_then(|_| self.sums.get(group)).copied()
    }

    /// The double nearest to `sum / 10^scale`, ties to even: the value of a decimal sum. `None` when the group met no value.
    pub fn finish(&self, group: usize, scale: i8) -> Option<f64> {
        self.get(group).map(|sum| decimal_to_f64(sum, scale))
    }

    /// Adds every group of another table to the group of the same number.
    ///
    /// - **Errors** with [`Error::Shape`] when the other table has more groups, or [`Error::Overflow`].
    pub fn merge(&mut self, other: &GroupIntegerSums) -> Result<(), Error> {
        (0..other.len()).try_for_each(|group| other.get(group).map_or(Ok(()), |sum| self.add(group, sum)))
    }

    /// Takes the first `groups` groups off; the others move down to start at 0.
    #[must_use]
    pub fn take_first(&mut self, groups: usize) -> GroupIntegerSums {
        if groups >= self.len() {
            return std::mem::take(self);
        }
        GroupIntegerSums { sums: self.sums.drain(..groups).collect(), met: self.met.drain(..groups).collect() }
    }

    /// Bytes held on the heap.
    pub fn size_bytes(&self) -> usize {
        self.sums.capacity() * size_of::<i128>() + self.met.capacity()
    }
}

pub(crate) fn decimal_to_f64(sum: i128, scale: i8) -> f64 {
    const EXACT: RangeInclusive<i128> = -(1 << 53)..=1 << 53;
    match (u32::try_from(scale), i64::try_from(sum)) {
        // Both are doubles without rounding (10^19 = 5^19·2^19), so their quotient is rounded once.
        (Ok(scale @ 0..=19), Ok(small)) if EXACT.contains(&sum) => small as f64 / 10_u64.pow(scale) as f64,
        _ => {
            let power = BigUint::from(10_u8).pow(scale.unsigned_abs().into());
            match scale {
                0.. => round_ratio(&sum.into(), &power, 0),
                _ => round_ratio(&(BigInt::from(sum) * BigInt::from(power)), &BigUint::from(1_u8), 0),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_without_values_has_no_sum_and_zeros_sum_to_zero() {
        let mut sums = GroupSums::new();
        sums.resize(3);
        sums.add_batch(&[-0.0, 0.0, 2.5, -2.5], &[0, 0, 1, 1]).unwrap();
        let bits = |group| sums.finish(group).unwrap().map(f64::to_bits);
        assert_eq!([bits(0), bits(1), bits(2), bits(3)], [Some(0), Some(0), None, None]);
    }

    #[test]
    fn a_sum_that_overflows_on_the_way_comes_back() {
        let mut sums = GroupSums::new();
        sums.resize(1);
        for value in [f64::MAX, f64::MAX, 3.0, -f64::MAX, -f64::MAX, 1e-300] {
            sums.add(0, value).unwrap();
        }
        assert_eq!(sums.finish(0), Ok(Some(3.0)));
    }

    #[test]
    fn a_sum_that_overflows_at_the_end_is_refused() {
        let mut sums = GroupSums::new();
        sums.resize(1);
        sums.add_batch(&[f64::MAX, f64::MAX], &[0, 0]).unwrap();
        assert_eq!(sums.finish(0), Err(Error::Overflow { what: "the sum of a group".to_owned() }));
    }

    #[test]
    fn values_that_are_not_finite_are_refused_with_their_count() {
        let mut sums = GroupSums::new();
        sums.resize(1);
        let refused = sums.add_batch(&[1.0, f64::NAN, 2.0, f64::INFINITY], &[0; 4]);
        assert_eq!(refused, Err(Error::NonFinite { variable: 0, count: 2 }));
    }

    #[test]
    fn taking_the_first_groups_moves_the_others_down() {
        let mut sums = GroupSums::new();
        sums.resize(3);
        sums.add_batch(&[1.0, 1e300, 1.0, 1e-300, 7.0], &[0, 1, 1, 1, 2]).unwrap();
        let taken = sums.take_first(1);
        assert_eq!((taken.len(), taken.finish(0)), (1, Ok(Some(1.0))));
        sums.add(0, -1e300).unwrap();
        assert_eq!((sums.len(), sums.finish(0), sums.finish(1)), (2, Ok(Some(1.0)), Ok(Some(7.0))));
    }

    #[test]
    fn integers_near_the_end_of_64_bits_sum_right() {
        let mut sums = GroupIntegerSums::new();
        sums.resize(2);
        (0..400).for_each(|_| sums.add(0, i128::from(i64::MAX)).unwrap());
        assert_eq!(sums.get(0), Some(400 * i128::from(i64::MAX)));
        assert_eq!((sums.finish(0, 0), sums.finish(1, 0)), (Some(400.0 * 9_223_372_036_854_775_807.0), None));
        sums.add(1, i128::MAX).unwrap();
        assert_eq!(sums.add(1, 1), Err(Error::Overflow { what: "the integer sum of a group".to_owned() }));
    }

    #[test]
    fn a_decimal_sum_is_the_nearest_double() {
        assert_eq!(decimal_to_f64(123_456_789_012_345_678_901, 2), 1_234_567_890_123_456_789.01);
        assert_eq!(decimal_to_f64(-1, 1), -0.1);
        assert_eq!(decimal_to_f64((1 << 53) + 1, 0), 9_007_199_254_740_992.0);
        assert_eq!(decimal_to_f64(7, -3), 7000.0);
        assert_eq!(decimal_to_f64(0, 38).to_bits(), 0);
        assert_eq!(decimal_to_f64(i128::MAX, -128), 1.7014118346046923e166);
    }
}
