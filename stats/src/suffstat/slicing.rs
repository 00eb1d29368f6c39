//! Error-free slicing: a block of doubles as a few slices, each a multiple of one common unit.
//!
//! Within one slice every value is a small integer times the unit, so plain additions (and products of two slices) are exact
//! in double arithmetic, in any order and in vector lanes. This is what makes exact sums as fast as ordinary ones: only
//! one number per slice and block reaches the accumulator.
//!
//! **Source** the extraction `q = (x + σ) − σ` is Rump, Ogita & Oishi (2008), "Accurate floating-point summation part I",
//! algorithm 3.2 (ExtractVector); slices for products are Ozaki, Ogita, Oishi & Rump (2012), "Error-free transformations of
//! matrix multiplication", §3.

/// Values per block when only sums are taken.
pub(super) const SUM_BLOCK: usize = 1024;
/// Bits of a slice when only sums are taken: `1024 · 2^43 = 2^53` units is the largest sum, still exact.
const SUM_BITS: i32 = 44;

/// Values per block when products are taken.
pub(super) const PRODUCT_BLOCK: usize = 128;
/// Bits of a slice when products are taken: `128 · 2^23 · 2^23 = 2^53` units is the largest sum of products, still exact.
const PRODUCT_BITS: i32 = 24;

/// Slices per block at most. Past this, the exact product of the mantissas is as fast.
pub(super) const MAX_SLICES: usize = 4;

/// Exponents beyond this, either way, are left to the accumulator, so that no unit and no product of units can
/// leave the range of doubles.
const EXPONENT_LIMIT: i32 = 400;

/// Rows fewer than this are added one by one: setting up a block would cost more.
pub(super) const SHORT: usize = 24;

const LANES: usize = 8;

/// Largest magnitude in a block, or `None` when a value is not finite.
pub(super) fn largest(block: &[f64]) -> Option<f64> {
    let mut lanes = [0.0_f64; LANES];
    // Zero times a finite number is zero, times anything else it is NaN: one test per block instead of one per value.
    let mut poison = [0.0_f64; LANES];
    let (chunks, tail) = block.as_chunks::<LANES>();
    for chunk in chunks {
        for lane in 0..LANES {
            lanes[lane] = greater(lanes[lane], chunk[lane].abs());
            poison[lane] += chunk[lane] * 0.0;
        }
    }
    for (lane, value) in tail.iter().enumerate() {
        lanes[lane] = greater(lanes[lane], value.abs());
        poison[lane] += value * 0.0;
    }
    (total(&poison) == 0.0).then(|| lanes.into_iter().fold(0.0, greater))
}

/// One machine instruction, unlike `f64::max` with its rule for NaN.
fn greater(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}

/// `σ = 1.5·2^52·u` for a unit `u` that lets values up to `largest` fill `bits` bits, or `None` outside the safe exponents.
///
/// Adding and subtracting `σ` rounds to a multiple of `u`; the factor 1.5 keeps the binade for negative values too.
fn rounder(largest: f64, bits: i32) -> Option<f64> {
    let exponent = (largest.to_bits() >> 52) as i32 - 1022;
    if !(-EXPONENT_LIMIT..=EXPONENT_LIMIT).contains(&exponent) {
        return None;
    }
    let unit_exponent = exponent - (bits - 1);
    let power_of_two = f64::from_bits(((unit_exponent + 52 + 1023) as u64) << 52);
    Some(1.5 * power_of_two)
}

/// Takes one slice off every value of `remainder` and adds the slice up. Gives the sum and what is still the largest remainder.
fn take_sum(remainder: &mut [f64], sigma: f64) -> (f64, f64) {
    let mut sums = [0.0_f64; LANES];
    let mut lanes = [0.0_f64; LANES];
    let (chunks, tail) = remainder.as_chunks_mut::<LANES>();
    for chunk in chunks {
        for lane in 0..LANES {
            let slice = (chunk[lane] + sigma) - sigma;
            chunk[lane] -= slice;
            sums[lane] += slice;
            lanes[lane] = greater(lanes[lane], chunk[lane].abs());
        }
    }
    for (lane, value) in tail.iter_mut().enumerate() {
        let slice = (*value + sigma) - sigma;
        *value -= slice;
        sums[lane] += slice;
        lanes[lane] = greater(lanes[lane], value.abs());
    }
    (total(&sums), lanes.into_iter().fold(0.0, greater))
}

/// Moves one slice of every value of `remainder` into `part`. Gives what is still the largest remainder.
fn take_slice(part: &mut [f64; PRODUCT_BLOCK], remainder: &mut [f64; PRODUCT_BLOCK], sigma: f64) -> f64 {
    let mut lanes = [0.0_f64; LANES];
    for (slices, values) in part.as_chunks_mut::<LANES>().0.iter_mut().zip(remainder.as_chunks_mut::<LANES>().0) {
        for lane in 0..LANES {
            slices[lane] = (values[lane] + sigma) - sigma;
            values[lane] -= slices[lane];
            lanes[lane] = greater(lanes[lane], values[lane].abs());
        }
    }
    lanes.into_iter().fold(0.0, greater)
}

/// Adds up a block by slices, handing each exact partial sum to `deposit`, then any remainder value by value.
///
/// - **Needs** at most [`SUM_BLOCK`] finite values, the greatest magnitude of which is `largest`. The block is used up.
pub(super) fn sum_slices(block: &mut [f64], mut largest: f64, mut deposit: impl FnMut(f64)) {
    debug_assert!(block.len() <= SUM_BLOCK);
    for _ in 0..MAX_SLICES {
        if largest == 0.0 {
            return;
        }
        let Some(sigma) = rounder(largest, SUM_BITS) else { break };
        let (sum, rest) = take_sum(block, sigma);
        deposit(sum);
        largest = rest;
    }
    if largest != 0.0 {
        block.iter().for_each(|value| deposit(*value));
    }
}

/// One block of one variable as slices ready for exact products.
#[derive(Clone)]
pub(super) struct Slices {
    parts: [[f64; PRODUCT_BLOCK]; MAX_SLICES],
    used: usize,
    exact: bool,
}

impl Slices {
    /// Slices of an empty block.
    pub(super) const EMPTY: Slices = Slices { parts: [[0.0; PRODUCT_BLOCK]; MAX_SLICES], used: 0, exact: true };

    /// Slices up to a block of values, the rest of the block being zero; `false` when a value is not finite.
    pub(super) fn fill(&mut self, values: &[f64]) -> bool {
        let Some(mut largest) = largest(values) else { return false };
        let mut remainder = [0.0; PRODUCT_BLOCK];
        remainder[..values.len()].copy_from_slice(values);
        self.used = 0;
        for part in &mut self.parts {
            let Some(sigma) = rounder(largest, PRODUCT_BITS).filter(|_| largest != 0.0) else { break };
            largest = take_slice(part, &mut remainder, sigma);
            self.used += 1;
        }
        self.exact = largest == 0.0;
        true
    }

    /// Whether the slices hold the block without remainder. If not, it must be added value by value.
    pub(super) fn is_exact(&self) -> bool {
        self.exact
    }

    fn used(&self) -> &[[f64; PRODUCT_BLOCK]] {
        &self.parts[..self.used]
    }

    /// Hands the exact sum of each slice to `deposit`.
    pub(super) fn sums(&self, mut deposit: impl FnMut(f64)) {
        self.used().iter().for_each(|part| deposit(block_sum(part)));
    }

    /// Hands exact sums whose total is the sum of squares to `deposit`.
    pub(super) fn squares(&self, mut deposit: impl FnMut(f64)) {
        for (position, part) in self.used().iter().enumerate() {
            deposit(dot(part, part));
            for later in &self.used()[position + 1..] {
                deposit(2.0 * dot(part, later));
            }
        }
    }

    /// Hands exact sums whose total is the sum of products with `other` to `deposit`.
    pub(super) fn products(&self, other: &Slices, mut deposit: impl FnMut(f64)) {
        for left in self.used() {
            other.used().iter().for_each(|right| deposit(dot(left, right)));
        }
    }
}

fn block_sum(part: &[f64; PRODUCT_BLOCK]) -> f64 {
    let mut sums = [0.0_f64; LANES];
    for chunk in part.as_chunks::<LANES>().0 {
        for lane in 0..LANES {
            sums[lane] += chunk[lane];
        }
    }
    total(&sums)
}

fn dot(left: &[f64; PRODUCT_BLOCK], right: &[f64; PRODUCT_BLOCK]) -> f64 {
    let mut sums = [0.0_f64; LANES];
    for (left, right) in left.as_chunks::<LANES>().0.iter().zip(right.as_chunks::<LANES>().0) {
        for lane in 0..LANES {
            sums[lane] += left[lane] * right[lane];
        }
    }
    total(&sums)
}

fn total(lanes: &[f64; LANES]) -> f64 {
    lanes.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_add_up_to_the_values() {
        let mut block = [0.0; PRODUCT_BLOCK];
        for (row, value) in block.iter_mut().enumerate() {
            *value = (row as f64 - 60.3) * 0.07_f64.powi(row as i32 % 4);
        }
        let mut slices = Slices::EMPTY;
        assert!(slices.fill(&block) && slices.is_exact());
        for (row, value) in block.iter().enumerate() {
            let back: f64 = slices.used().iter().rev().map(|part| part[row]).sum();
            assert_eq!(back, *value);
        }
    }

    #[test]
    fn integers_take_one_slice() {
        let mut block = [0.0; PRODUCT_BLOCK];
        block.iter_mut().enumerate().for_each(|(row, value)| *value = row as f64 * 50_000.0);
        let mut slices = Slices::EMPTY;
        assert!(slices.fill(&block) && slices.is_exact());
        assert_eq!(slices.used, 1);
    }

    #[test]
    fn a_value_that_is_not_finite_is_seen_in_any_lane() {
        for position in 0..21 {
            for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                let mut block = [1.0; 21];
                block[position] = bad;
                assert_eq!(largest(&block), None);
            }
        }
    }

    #[test]
    fn exponents_near_the_ends_are_left_to_the_accumulator() {
        let mut slices = Slices::EMPTY;
        for (value, exact) in
            [(1e200, false), (1e-200, false), (f64::MIN_POSITIVE / 2.0, false), (0.0, true), (-0.1, true)]
        {
            assert!(slices.fill(&[value; PRODUCT_BLOCK]));
            assert_eq!(slices.is_exact(), exact, "{value}");
        }
    }
}
