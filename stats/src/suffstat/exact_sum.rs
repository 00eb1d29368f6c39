//! An exact sum of doubles and of products of two doubles.

use std::cmp::Ordering;
use std::iter::repeat_n;

use num_bigint::{BigInt, Sign};

use super::encoding::Reader;
use super::rounding::round_scaled;
use super::slicing::{self, PRODUCT_BLOCK, SHORT, Scaled, Slices};
use super::{Error, SufficientStatistic};

/// Chunk `i` counts units of `2^(32·i − 2176)`. The product of two smallest doubles is `2^-2148`, so nothing falls below.
const LOWEST_BIT: i64 = -2176;
/// Chunks of the widest sum possible: `2^64` products of the two largest doubles lie below `2^2112`.
const MAX_CHUNKS: usize = 136;
/// A deposit changes a chunk by less than `2^33`; after so many, carries are taken before a chunk can overflow.
const DEPOSITS_BEFORE_CARRY: u32 = 1 << 28;
const DIGIT: i64 = 0xffff_ffff;
const TAG: u8 = 0x51;

/// Adds doubles, and products of two doubles, without any rounding; one rounding gives the result.
///
/// A fixed-point number in 64-bit chunks of 32-bit digits with delayed carries, holding only the chunks in use. Since
/// every addition is exact, the result depends on the values alone: not on their order, how they were split, or how parts were merged.
///
/// - **Gives** [`to_f64`](ExactSum::to_f64): the double nearest to the exact sum, ties to even; `0.0` for no values.
/// - **Errors** values that are not finite are counted, not added; [`value`](ExactSum::value) then refuses.
/// - **Source** Kulisch & Miranker (1986); chunk layout after Neal (2015), "Fast exact summation using small and large
///   superaccumulators", §2, with three digits per value so that `2^28` deposits pass between carries.
///
/// ```
/// use estimand_stats::suffstat::ExactSum;
/// let sum: ExactSum = [1e308, 1.0, -1e308, 0.1].into_iter().collect();
/// assert_eq!(sum.to_f64(), 1.1);
/// ```
#[derive(Debug, Clone, Default)]
pub struct ExactSum {
    /// Index of the first chunk held.
    low: usize,
    chunks: Vec<i64>,
    deposits: u32,
    non_finite: u64,
}

/// Sign and magnitude, digits from the lowest, without zeros at either end: the one form of a value.
struct Canonical {
    negative: bool,
    low: usize,
    digits: Vec<u32>,
}

impl ExactSum {
    /// A sum of no values.
    pub const fn new() -> Self {
        ExactSum { low: 0, chunks: Vec::new(), deposits: 0, non_finite: 0 }
    }

    /// Adds one value.
    #[inline]
    pub fn add(&mut self, value: f64) {
        let Some((negative, mantissa, exponent)) = decompose(value) else {
            self.non_finite = self.non_finite.saturating_add(1);
            return;
        };
        if mantissa == 0 {
            return;
        }
        let position = i64::from(exponent) - LOWEST_BIT;
        let shifted = u128::from(mantissa) << (position & 31);
        let digits = [digit(shifted, 0), digit(shifted, 1), digit(shifted, 2)];
        self.deposit((position >> 5) as usize, digits, negative);
    }

    /// Adds the product of two values as it is before any rounding; nothing is lost to underflow or overflow.
    #[inline]
    pub fn add_product(&mut self, left: f64, right: f64) {
        let (Some((left_negative, a, p)), Some((right_negative, b, q))) = (decompose(left), decompose(right)) else {
            self.non_finite = self.non_finite.saturating_add(1);
            return;
        };
        if a == 0 || b == 0 {
            return;
        }
        let product = u128::from(a) * u128::from(b);
        let position = i64::from(p + q) - LOWEST_BIT;
        self.deposit((position >> 5) as usize, wide_digits(product, position & 31), left_negative != right_negative);
    }

    /// Adds an integer.
    pub fn add_integer(&mut self, value: i128) {
        let magnitude = value.unsigned_abs();
        let digits = [digit(magnitude, 0), digit(magnitude, 1), digit(magnitude, 2), digit(magnitude, 3)];
        self.deposit((-LOWEST_BIT >> 5) as usize, digits, value < 0);
    }

    /// Adds an exact part of a sum.
    #[inline]
    pub(super) fn add_scaled(&mut self, part: Scaled) {
        let (magnitude, negative) = (part.integer.unsigned_abs(), part.integer < 0);
        let position = i64::from(part.exponent) - LOWEST_BIT;
        let (chunk, shift) = ((position >> 5) as usize, position & 31);
        match u64::try_from(magnitude) {
            Ok(0) => {}
            Ok(small) => {
                let shifted = u128::from(small) << shift;
                self.deposit(chunk, [digit(shifted, 0), digit(shifted, 1), digit(shifted, 2)], negative);
            }
            Err(_) => self.deposit(chunk, wide_digits(magnitude, shift), negative),
        }
    }

    /// Adds every value of a slice: the same as [`add`](ExactSum::add) on each, several times faster.
    pub fn add_slice(&mut self, values: &[f64]) {
        if values.len() < SHORT {
            return values.iter().for_each(|value| self.add(*value));
        }
        let mut singles = ExactSum::new();
        slicing::sum_slices(values, |part| self.add_scaled(part), |value| singles.add(value));
        self.merge(&singles);
    }

    /// Adds the products of two slices, row by row: the same as [`add_product`](ExactSum::add_product) on each, several times faster.
    ///
    /// - **Errors** with [`Error::Shape`] when the slices differ in length; nothing is added then.
    pub fn add_products(&mut self, left: &[f64], right: &[f64]) -> Result<(), Error> {
        if left.len() != right.len() {
            return Err(Error::Shape { what: "rows of the second factor", expected: left.len(), got: right.len() });
        }
        if left.len() < SHORT {
            left.iter().zip(right).for_each(|(a, b)| self.add_product(*a, *b));
            return Ok(());
        }
        let mut slices = [Slices::EMPTY, Slices::EMPTY];
        for (left, right) in left.chunks(PRODUCT_BLOCK).zip(right.chunks(PRODUCT_BLOCK)) {
            let [first, second] = &mut slices;
            if first.fill(left) && second.fill(right) && first.is_exact() && second.is_exact() {
                first.products(second).for_each(|part| self.add_scaled(part));
            } else {
                left.iter().zip(right).for_each(|(a, b)| self.add_product(*a, *b));
            }
        }
        Ok(())
    }

    /// Adds another sum to this one.
    pub fn merge(&mut self, other: &ExactSum) {
        self.non_finite = self.non_finite.saturating_add(other.non_finite);
        if other.chunks.is_empty() {
            return;
        }
        let window = self.window(other.low, other.chunks.len() + 1);
        for (position, chunk) in other.chunks.iter().enumerate() {
            // A chunk with delayed carries is wider than a deposit may be: give its digit and its carry apart.
            window[position] += chunk & DIGIT;
            window[position + 1] += chunk >> 32;
        }
        self.count_deposit();
    }

    /// The double nearest to the sum of the finite values, ties to even; an infinity beyond the largest double.
    pub fn to_f64(&self) -> f64 {
        let canonical = self.canonical();
        let used = canonical.digits.len().saturating_sub(4);
        let (below, top) = canonical.digits.split_at(used);
        let magnitude = top.iter().rev().fold(0_u128, |all, digit| all << 32 | u128::from(*digit));
        let sticky = below.iter().any(|digit| *digit != 0);
        let exponent = LOWEST_BIT + 32 * (canonical.low + used) as i64;
        round_scaled(canonical.negative, magnitude, sticky, exponent)
    }

    /// The double nearest to the sum, refusing what is no answer.
    ///
    /// - **Errors** with [`Error::NonFinite`] when such a value was met, with [`Error::Overflow`] when finite values add up beyond the largest double.
    pub fn value(&self) -> Result<f64, Error> {
        if self.non_finite > 0 {
            return Err(Error::NonFinite { variable: 0, count: self.non_finite });
        }
        let value = self.to_f64();
        if value.is_infinite() {
            return Err(Error::Overflow { what: "the sum".to_owned() });
        }
        Ok(value)
    }

    /// The exact sum of the finite values as an integer and a power of two: `integer · 2^exponent`.
    pub fn exact(&self) -> (BigInt, i64) {
        let canonical = self.canonical();
        let sign = if canonical.negative { Sign::Minus } else { Sign::Plus };
        (BigInt::from_slice(sign, &canonical.digits), LOWEST_BIT + 32 * canonical.low as i64)
    }

    /// Whether the exact sum is below, at or above zero.
    pub fn sign(&self) -> Ordering {
        let canonical = self.canonical();
        match (canonical.digits.is_empty(), canonical.negative) {
            (true, _) => Ordering::Equal,
            (false, true) => Ordering::Less,
            (false, false) => Ordering::Greater,
        }
    }

    /// How many values (or pairs) were infinite or not a number, and therefore not added.
    pub fn non_finite(&self) -> u64 {
        self.non_finite
    }

    /// Bytes held on the heap.
    pub fn heap_bytes(&self) -> usize {
        self.chunks.capacity() * size_of::<i64>()
    }

    /// The canonical bytes of the sum: the same value gives the same bytes, however it was reached.
    pub fn encode(&self) -> Vec<u8> {
        let canonical = self.canonical();
        let mut bytes = Vec::with_capacity(14 + 4 * canonical.digits.len());
        bytes.push(TAG);
        bytes.extend_from_slice(&self.non_finite.to_le_bytes());
        bytes.push(u8::from(canonical.negative));
        bytes.extend_from_slice(&(canonical.low as u16).to_le_bytes());
        bytes.extend_from_slice(&(canonical.digits.len() as u16).to_le_bytes());
        canonical.digits.iter().for_each(|digit| bytes.extend_from_slice(&digit.to_le_bytes()));
        bytes
    }

    /// Reads what [`encode`](ExactSum::encode) wrote.
    ///
    /// - **Errors** with [`Error::Encoding`] on any bytes that `encode` cannot have written.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new("exact sum", TAG, bytes)?;
        let non_finite = reader.u64("the count of non-finite values")?;
        let negative = reader.u8("the sign")?;
        let low = usize::from(reader.u16("the place of the lowest digit")?);
        let count = usize::from(reader.u16("the count of digits")?);
        if negative > 1 || low + count > MAX_CHUNKS {
            return Err(reader.refuse("the sign or the place of a digit is out of range"));
        }
        let digits = (0..count).map(|_| reader.u32("a digit")).collect::<Result<Vec<_>, _>>()?;
        let trimmed = digits.first() != Some(&0) && digits.last() != Some(&0);
        if !trimmed || (count == 0 && (negative, low) != (0, 0)) {
            return Err(reader.refuse("the digits are not in their shortest form"));
        }
        reader.finish()?;
        let sign = if negative == 1 { -1 } else { 1 };
        let chunks = digits.into_iter().map(|digit| sign * i64::from(digit)).collect();
        Ok(ExactSum { low, chunks, deposits: 0, non_finite })
    }

    fn deposit<const N: usize>(&mut self, chunk: usize, digits: [i64; N], negative: bool) {
        // Two's complement by hand, so that the sign costs no branch.
        let sign = -i64::from(negative);
        for (chunk, digit) in self.window(chunk, N).iter_mut().zip(digits) {
            *chunk += (digit ^ sign) - sign;
        }
        self.count_deposit();
    }

    fn count_deposit(&mut self) {
        self.deposits += 1;
        if self.deposits == DEPOSITS_BEFORE_CARRY {
            self.carry();
        }
    }

    /// The chunks from `first` on, held from now on if they were not.
    #[inline]
    fn window(&mut self, first: usize, count: usize) -> &mut [i64] {
        if first < self.low || first + count > self.low + self.chunks.len() {
            self.widen(first, count);
        }
        let start = first - self.low;
        &mut self.chunks[start..start + count]
    }

    #[cold]
    fn widen(&mut self, first: usize, count: usize) {
        if self.chunks.is_empty() {
            self.low = first;
        }
        if first < self.low {
            self.chunks.splice(0..0, repeat_n(0, self.low - first));
            self.low = first;
        }
        let length = first + count - self.low;
        if length > self.chunks.len() {
            self.chunks.resize(length, 0);
        }
    }

    fn carry(&mut self) {
        self.deposits = 0;
        let Some(last) = self.chunks.len().checked_sub(1) else { return };
        let mut carried = 0;
        for (position, chunk) in self.chunks.iter_mut().enumerate() {
            let value = *chunk + carried;
            // The last chunk keeps the sign, or a negative sum would grow by one chunk at every carry.
            let keep = position == last && (-DIGIT..=DIGIT).contains(&value);
            (*chunk, carried) = if keep { (value, 0) } else { (value & DIGIT, value >> 32) };
        }
        if carried != 0 {
            self.chunks.push(carried);
        }
    }

    fn canonical(&self) -> Canonical {
        let (digits, carried) = resolve(self.chunks.iter().copied());
        let negative = carried < 0;
        let (mut digits, carried) =
            if negative { resolve(self.chunks.iter().map(|chunk| -chunk)) } else { (digits, carried) };
        // A chunk holds less than 63 bits, so what is carried out of the last one fits one digit.
        digits.push(carried as u32);
        while digits.last() == Some(&0) {
            digits.pop();
        }
        let zeros = digits.iter().take_while(|digit| **digit == 0).count();
        digits.drain(..zeros);
        let low = if digits.is_empty() { 0 } else { self.low + zeros };
        Canonical { negative, low, digits }
    }
}

/// Takes all carries: the digits, and what is carried out of the last.
fn resolve(chunks: impl Iterator<Item = i64>) -> (Vec<u32>, i64) {
    let mut carried = 0;
    let digits = chunks
        .map(|chunk| {
            let value = chunk + carried;
            carried = value >> 32;
            (value & DIGIT) as u32
        })
        .collect();
    (digits, carried)
}

/// Sign, integer mantissa and exponent of a finite double: `±mantissa · 2^exponent`.
#[inline]
fn decompose(value: f64) -> Option<(bool, u64, i32)> {
    let bits = value.to_bits();
    let biased = (bits >> 52) as i32 & 0x7ff;
    let fraction = bits & ((1 << 52) - 1);
    match biased {
        0x7ff => None,
        0 => Some((bits >> 63 != 0, fraction, -1074)),
        _ => Some((bits >> 63 != 0, fraction | 1 << 52, biased - 1075)),
    }
}

/// The digits of a number of up to 128 bits shifted by up to 31, which do not fit 128: those of its halves overlap.
#[inline]
fn wide_digits(value: u128, shift: i64) -> [i64; 5] {
    let low = (value & u128::from(u64::MAX)) << shift;
    let high = (value >> 64) << shift;
    [digit(low, 0), digit(low, 1), digit(low, 2) + digit(high, 0), digit(high, 1), digit(high, 2)]
}

#[inline]
fn digit(value: u128, position: u32) -> i64 {
    (value >> (32 * position)) as i64 & DIGIT
}

impl PartialEq for ExactSum {
    fn eq(&self, other: &Self) -> bool {
        self.encode() == other.encode()
    }
}

impl Eq for ExactSum {}

impl Extend<f64> for ExactSum {
    fn extend<I: IntoIterator<Item = f64>>(&mut self, values: I) {
        values.into_iter().for_each(|value| self.add(value));
    }
}

impl FromIterator<f64> for ExactSum {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        let mut sum = ExactSum::new();
        sum.extend(values);
        sum
    }
}

impl SufficientStatistic for ExactSum {
    fn name(&self) -> &'static str {
        "exact_sum"
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
        self.merge(&ExactSum::decode(encoded)?);
        Ok(())
    }

    fn encode(&self) -> Vec<u8> {
        ExactSum::encode(self)
    }
}
