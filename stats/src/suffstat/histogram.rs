//! A deterministic, mergeable histogram with bins of constant relative width.

use super::encoding::Reader;
use super::{Error, SufficientStatistic};

const TAG: u8 = 0x48;

/// Bits of the mantissa in a bin's index: 64 bins per power of two, each at most 1.6 % wide.
const MANTISSA_BITS: u32 = 6;
const DROPPED_BITS: u32 = 52 - MANTISSA_BITS;
/// First index past the bins of finite doubles.
const END: usize = 0x7ff << MANTISSA_BITS;

/// One bin of a [`Histogram`]: how many values lie between two edges.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bin {
    /// Lower edge. Belongs to the bin when positive or zero.
    pub low: f64,
    /// Upper edge. Belongs to the bin when negative or zero.
    pub high: f64,
    /// How many values.
    pub count: u64,
}

/// Counts of values in bins given by the leading bits of a double: sign, exponent and six bits of the mantissa.
///
/// Bins are fixed beforehand and counts are integers, so observing and merging are exact in any order. Each power of two has
/// 64 bins; zero has a bin of its own; minimum and maximum are kept exactly.
///
/// - **Gives** bounds of any quantile no further apart than one bin, and counts at any coarser level for a plot.
/// - **Errors** values that are infinite or not a number are counted apart and in no bin.
///
/// ```
/// use estimand_stats::suffstat::Histogram;
/// let mut histogram = Histogram::new();
/// histogram.add_slice(&[1.0, 2.0, 4.0, 8.0]);
/// let (low, high) = histogram.quantile_bounds(0.5).expect("there are values");
/// assert!(low <= 2.0 && 2.0 <= high && high - low < 0.04);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Histogram {
    negative: Window,
    positive: Window,
    zeros: u64,
    missing: u64,
    non_finite: u64,
    range: Option<(f64, f64)>,
}

/// Counts of consecutive bins of one sign, ordered by magnitude, holding only the bins between the first and last in use.
#[derive(Debug, Clone, Default)]
struct Window {
    first: usize,
    counts: Vec<u64>,
}

impl Window {
    fn add(&mut self, bin: usize, count: u64) {
        if self.counts.is_empty() {
            self.first = bin;
        }
        if bin < self.first {
            self.counts.splice(0..0, std::iter::repeat_n(0, self.first - bin));
            self.first = bin;
        }
        let position = bin - self.first;
        if position >= self.counts.len() {
            self.counts.resize(position + 1, 0);
        }
        self.counts[position] = self.counts[position].saturating_add(count);
    }

    /// Bins in use with their counts, from the smallest magnitude.
    fn used(&self) -> impl DoubleEndedIterator<Item = (usize, u64)> + '_ {
        let bins = self.counts.iter().enumerate().filter(|(_, count)| **count > 0);
        bins.map(|(position, count)| (self.first + position, *count))
    }

    fn merge(&mut self, other: &Window) {
        other.used().for_each(|(bin, count)| self.add(bin, count));
    }
}

impl Histogram {
    /// A histogram of no values.
    pub fn new() -> Self {
        Histogram::default()
    }

    /// Counts one value.
    #[inline]
    pub fn add(&mut self, value: f64) {
        if !value.is_finite() {
            self.non_finite = self.non_finite.saturating_add(1);
            return;
        }
        // Makes -0.0 into 0.0, so that the minimum does not depend on the order.
        let value = value + 0.0;
        self.extend_range(value, value);
        if value == 0.0 {
            self.zeros = self.zeros.saturating_add(1);
            return;
        }
        let side = if value < 0.0 { &mut self.negative } else { &mut self.positive };
        let bin = (value.abs().to_bits() >> DROPPED_BITS) as usize;
        match side.counts.get_mut(bin.wrapping_sub(side.first)) {
            Some(count) => *count = count.saturating_add(1),
            None => side.add(bin, 1),
        }
    }

    /// Counts every value of a slice.
    pub fn add_slice(&mut self, values: &[f64]) {
        values.iter().for_each(|value| self.add(*value));
    }

    /// Records values that are missing; they are in no bin.
    pub fn record_missing(&mut self, count: u64) {
        self.missing = self.missing.saturating_add(count);
    }

    /// Adds the counts of another part of the same sample.
    pub fn merge(&mut self, other: &Histogram) {
        self.negative.merge(&other.negative);
        self.positive.merge(&other.positive);
        self.zeros = self.zeros.saturating_add(other.zeros);
        self.missing = self.missing.saturating_add(other.missing);
        self.non_finite = self.non_finite.saturating_add(other.non_finite);
        if let Some((low, high)) = other.range {
            self.extend_range(low, high);
        }
    }

    /// How many finite values were counted.
    pub fn n(&self) -> u64 {
        let sides = self.negative.used().chain(self.positive.used());
        sides.fold(self.zeros, |all, (_, count)| all.saturating_add(count))
    }

    /// How many values were exactly zero.
    pub fn zeros(&self) -> u64 {
        self.zeros
    }

    /// How many values were missing.
    pub fn missing(&self) -> u64 {
        self.missing
    }

    /// How many values were infinite or not a number.
    pub fn non_finite(&self) -> u64 {
        self.non_finite
    }

    /// The smallest value; `None` without values.
    pub fn min(&self) -> Option<f64> {
        self.range.map(|(low, _)| low)
    }

    /// The largest value; `None` without values.
    pub fn max(&self) -> Option<f64> {
        self.range.map(|(_, high)| high)
    }

    /// Bins in use, from the lowest value to the highest, joined so that each power of two has at most `2^level` of them.
    ///
    /// - **Needs** a level from 0 (one bin per power of two) to 6 (all 64); more is taken as 6.
    pub fn bins(&self, level: u32) -> Vec<Bin> {
        let joined = DROPPED_BITS + MANTISSA_BITS - level.min(MANTISSA_BITS);
        let shift = joined - DROPPED_BITS;
        let edge = |bin: usize| if bin << shift >= END { f64::MAX } else { f64::from_bits((bin as u64) << joined) };
        let mut bins: Vec<Bin> = Vec::new();
        let mut push = |low: f64, high: f64, count: u64| match bins.last_mut() {
            Some(last) if (last.low, last.high) == (low, high) => last.count = last.count.saturating_add(count),
            _ => bins.push(Bin { low, high, count }),
        };
        for (bin, count) in self.negative.used().rev() {
            push(-edge((bin >> shift) + 1), -edge(bin >> shift), count);
        }
        if self.zeros > 0 {
            push(-0.0, 0.0, self.zeros);
        }
        for (bin, count) in self.positive.used() {
            push(edge(bin >> shift), edge((bin >> shift) + 1), count);
        }
        bins
    }

    /// Bounds between which the quantile at `p` lies: the value of rank `⌈p·n⌉`, as the inverse of the distribution function gives it.
    ///
    /// - **Needs** `p` between 0 and 1.
    /// - **Gives** edges of one bin, narrowed by minimum and maximum; `None` without values or for another `p`.
    pub fn quantile_bounds(&self, p: f64) -> Option<(f64, f64)> {
        let (min, max) = self.range?;
        if !(0.0..=1.0).contains(&p) {
            return None;
        }
        let n = self.n();
        let rank = ((p * n as f64).ceil() as u64).clamp(1, n);
        let mut reached = 0_u64;
        for bin in self.bins(MANTISSA_BITS) {
            reached = reached.saturating_add(bin.count);
            if reached >= rank {
                return Some((bin.low.max(min), bin.high.min(max)));
            }
        }
        Some((max, max))
    }

    /// Bytes held on the heap.
    pub fn heap_bytes(&self) -> usize {
        (self.negative.counts.capacity() + self.positive.counts.capacity()) * size_of::<u64>()
    }

    /// The canonical bytes: equal counts give equal bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![TAG];
        for count in [self.zeros, self.missing, self.non_finite] {
            bytes.extend_from_slice(&count.to_le_bytes());
        }
        let (min, max) = self.range.unwrap_or((0.0, 0.0));
        bytes.push(u8::from(self.range.is_some()));
        bytes.extend_from_slice(&min.to_le_bytes());
        bytes.extend_from_slice(&max.to_le_bytes());
        for side in [&self.negative, &self.positive] {
            bytes.extend_from_slice(&(side.used().count() as u32).to_le_bytes());
            for (bin, count) in side.used() {
                bytes.extend_from_slice(&(bin as u32).to_le_bytes());
                bytes.extend_from_slice(&count.to_le_bytes());
            }
        }
        bytes
    }

    /// Reads what [`encode`](Histogram::encode) wrote.
    ///
    /// - **Errors** with [`Error::Encoding`] on any bytes that `encode` cannot have written.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new("histogram", TAG, bytes)?;
        let mut histogram = Histogram {
            zeros: reader.u64("the count of zeros")?,
            missing: reader.u64("the count of missing values")?,
            non_finite: reader.u64("the count of non-finite values")?,
            ..Histogram::default()
        };
        let any = reader.u8("whether there is a range")?;
        let (min, max) = (reader.f64("the minimum")?, reader.f64("the maximum")?);
        for side in [&mut histogram.negative, &mut histogram.positive] {
            let mut next = 0;
            for _ in 0..reader.u32("the number of bins")? {
                let (bin, count) = (reader.u32("a bin")? as usize, reader.u64("a count")?);
                if bin < next || bin >= END || count == 0 {
                    return Err(reader.refuse(format!("bin {bin} is empty, out of order or out of range")));
                }
                next = bin + 1;
                side.add(bin, count);
            }
        }
        histogram.range = (any == 1).then_some((min, max));
        if any > 1 || !histogram.range_fits(min, max) {
            return Err(reader.refuse("the minimum and maximum do not fit the bins"));
        }
        reader.finish()?;
        Ok(histogram)
    }

    /// Whether the extremes lie in the outermost bins in use, or are zero when there are none.
    fn range_fits(&self, min: f64, max: f64) -> bool {
        let mut alone = Histogram::default();
        alone.add(min);
        alone.add(max);
        let (all, ends) = (self.bins(MANTISSA_BITS), alone.bins(MANTISSA_BITS));
        let canonical = [min, max].iter().all(|value| value.is_finite() && (value.to_bits() != (-0.0_f64).to_bits()));
        let same =
            |a: Option<&Bin>, b: Option<&Bin>| a.map(|bin| (bin.low, bin.high)) == b.map(|bin| (bin.low, bin.high));
        match self.range {
            None => all.is_empty() && (min, max) == (0.0, 0.0) && canonical,
            Some(_) => canonical && min <= max && same(all.first(), ends.first()) && same(all.last(), ends.last()),
        }
    }

    fn extend_range(&mut self, low: f64, high: f64) {
        let (min, max) = self.range.unwrap_or((low, high));
        self.range = Some((if low < min { low } else { min }, if high > max { high } else { max }));
    }
}

impl PartialEq for Histogram {
    fn eq(&self, other: &Self) -> bool {
        self.encode() == other.encode()
    }
}

impl Eq for Histogram {}

impl SufficientStatistic for Histogram {
    fn name(&self) -> &'static str {
        "histogram"
    }

    fn arity(&self) -> usize {
        1
    }

    fn observe(&mut self, columns: &[&[f64]]) -> Result<(), Error> {
        let [column] = columns else {
            return Err(Error::Shape { what: "columns", expected: 1, got: columns.len() });
        };
        self.add_slice(column);
        Ok(())
    }

    fn absorb(&mut self, encoded: &[u8]) -> Result<(), Error> {
        self.merge(&Histogram::decode(encoded)?);
        Ok(())
    }

    fn encode(&self) -> Vec<u8> {
        Histogram::encode(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_are_in_order_and_hold_their_values() {
        let mut histogram = Histogram::new();
        let values =
            [-f64::MAX, -3.5, -1.0, -f64::from_bits(1), -0.0, 0.0, f64::from_bits(1), 1.0, 1.01, 1e9, f64::MAX];
        histogram.add_slice(&values);
        for level in 0..=MANTISSA_BITS {
            let bins = histogram.bins(level);
            assert!(bins.windows(2).all(|pair| pair[0].high <= pair[1].low), "level {level}");
            assert_eq!(bins.iter().map(|bin| bin.count).sum::<u64>(), values.len() as u64);
            for value in values {
                assert!(bins.iter().any(|bin| bin.low <= value && value <= bin.high), "{value} at level {level}");
            }
        }
    }

    #[test]
    fn quantile_bounds_hold_the_value_of_that_rank() {
        let mut values: Vec<f64> = (0..1000).map(|i| f64::from((i * 7919) % 1000 - 300) * 0.37).collect();
        let mut histogram = Histogram::new();
        histogram.add_slice(&values);
        values.sort_by(f64::total_cmp);
        for rank in 1..=1000_usize {
            let (low, high) = histogram.quantile_bounds((rank as f64 - 0.5) / 1000.0).unwrap();
            let value = values[rank - 1];
            assert!(low <= value && value <= high, "rank {rank}: {value} not in {low}..{high}");
            assert!(high - low <= value.abs() / 60.0 + 1e-300);
        }
    }

    #[test]
    fn no_values_have_no_quantile_and_no_range() {
        let histogram = Histogram::new();
        assert_eq!((histogram.min(), histogram.max(), histogram.quantile_bounds(0.5)), (None, None, None));
        assert_eq!(Histogram::decode(&histogram.encode()), Ok(histogram));
    }

    #[test]
    fn only_values_that_are_not_finite_leave_it_empty() {
        let mut histogram = Histogram::new();
        histogram.add_slice(&[f64::NAN, f64::INFINITY]);
        assert_eq!((histogram.n(), histogram.non_finite(), histogram.min()), (0, 2, None));
    }
}
