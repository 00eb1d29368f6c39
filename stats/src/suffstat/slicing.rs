//! Error-free slicing: a block of doubles as a few slices, each of small multiples of one unit.
//!
//! Within one slice every value is a small integer times the unit, so plain additions (and products of two slices) are exact
//! in double arithmetic: in any order, in vector lanes of any width, with or without fused multiply-add. This is what makes exact sums
//! as fast as ordinary ones: a block ends in a few integers, and only those reach the accumulator.
//!
//! ```text
//! value = q₀·u + q₁·u·2⁻²⁴ + q₂·u·2⁻⁴⁸ + q₃·u·2⁻⁷²,   |qᵢ| ≤ 2²³,   u from the largest value of the block
//! ```
//!
//! **Source** the extraction `q = (x + σ) − σ` is Rump, Ogita & Oishi (2008), "Accurate floating-point summation part I",
//! algorithm 3.2 (ExtractVector); slices for products are Ozaki, Ogita, Oishi & Rump (2012), "Error-free transformations of
//! matrix multiplication", §3.

use fearless_simd::{Level, dispatch, f64x8, i64x8, prelude::*, u64x8};

/// Lanes of a sum. Wider or narrower registers hold the same eight, so that the bounds below are those of every machine.
const LANES: usize = 8;

/// Values per block when only sums are taken.
pub(super) const SUM_BLOCK: usize = 2048;
/// Bits of a slice when only sums are taken: `2048/8 · 2^45 = 2^53` units is the largest sum of a lane, still exact.
const SUM_BITS: i32 = 46;
/// Slices per block at most when only sums are taken.
const MAX_SUM_SLICES: usize = 3;

/// Values per block when products are taken.
pub(super) const PRODUCT_BLOCK: usize = 256;
/// Bits of a slice when products are taken: of four products a row, `256/8` rows sum to `4 · 2^5 · 2^23 · 2^23 = 2^53` units in a lane.
const PRODUCT_BITS: i32 = 24;

/// Slices per block at most. Past this, the exact product of the mantissas is as fast.
const MAX_SLICES: usize = 4;
/// Products of slices `i` and `j` share the unit of their level `i + j`.
const LEVELS: usize = 2 * MAX_SLICES - 1;
/// Integers that hold the sums of all levels, three each: `2^56` units of the first of them are `2^104` of the third.
const TOGETHER: usize = LEVELS.div_ceil(3);

/// Exponents beyond this, either way, are left to the accumulator, so that no unit and no product of units can
/// leave the range of doubles.
const EXPONENT_LIMIT: i32 = 400;

/// Rows fewer than this are added one by one: setting up a block would cost more.
pub(super) const SHORT: usize = 8;

/// An exact part of a sum: `integer · 2^exponent`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Scaled {
    pub(super) integer: i128,
    pub(super) exponent: i32,
}

/// One vector of values, in the order of rows.
type Lanes = [f64; LANES];

/// `2^exponent`, of the normal range.
fn power_of_two(exponent: i32) -> f64 {
    f64::from_bits(((exponent + 1023) as u64) << 52)
}

/// `σ = 1.5·2^52·u` for the unit `u = 2^exponent`.
///
/// Adding and subtracting `σ` rounds to a multiple of `u`; the factor 1.5 keeps the binade for negative values too.
fn sigma(exponent: i32) -> f64 {
    1.5 * power_of_two(exponent + 52)
}

/// The exponent of the unit that lets values up to `largest` fill `bits` bits, or `None` outside the safe exponents.
fn unit_exponent(largest: f64, bits: i32) -> Option<i32> {
    let exponent = (largest.to_bits() >> 52) as i32 - 1022;
    (-EXPONENT_LIMIT..=EXPONENT_LIMIT).contains(&exponent).then_some(exponent - (bits - 1))
}

/// Eight values in a register. Lane by lane, since a copy of the whole array goes through memory.
#[inline(always)]
fn load<S: Simd>(simd: S, values: &Lanes) -> f64x8<S> {
    f64x8::from_fn(simd, |lane| values[lane])
}

/// The largest magnitude. What is not a number may be overlooked.
#[inline(always)]
fn largest<S: Simd>(simd: S, block: &[Lanes]) -> f64 {
    let mut lanes = f64x8::splat(simd, 0.0);
    for values in block {
        lanes = lanes.max(load(simd, values).abs());
    }
    let (low, high) = lanes.split();
    let (low, high) = low.max(high).split();
    let [a, b] = low.max(high).to_array();
    if a > b { a } else { b }
}

/// Whether there is nothing but zeros: [`largest`] overlooks what is not a number.
fn is_zero(block: &[Lanes]) -> bool {
    block.as_flattened().iter().fold(0, |all, value| all | value.to_bits() << 1) == 0
}

/// The sum of the lanes as an integer, in units of `2^unit`.
///
/// - **Needs** lanes of whole units, at most `2^53` of them.
#[inline(always)]
fn count<S: Simd>(lanes: f64x8<S>, unit: i32) -> i64 {
    let counts: i64x8<S> = (lanes * power_of_two(-unit)).to_int();
    let (low, high) = counts.split();
    let (low, high) = (low + high).split();
    let [a, b] = (low + high).to_array();
    a + b
}

/// Adds up vectors of values by `K` slices: the sum of each; `None` when something is left over.
#[inline(always)]
fn sum_by<S: Simd, const K: usize>(simd: S, block: &[Lanes], unit: i32) -> Option<[i64; MAX_SUM_SLICES]> {
    let sigmas: [f64; K] = std::array::from_fn(|k| sigma(unit - SUM_BITS * k as i32));
    let mut sums = [f64x8::splat(simd, 0.0); K];
    let mut lost = u64x8::splat(simd, 0);
    for values in block {
        let mut rest = load(simd, values);
        for k in 0..K {
            let slice = (rest + sigmas[k]) - sigmas[k];
            rest -= slice;
            sums[k] += slice;
        }
        lost |= rest.to_bits();
    }
    if lost.to_array() != [0; LANES] {
        return None;
    }
    let mut counts = [0; MAX_SUM_SLICES];
    for k in 0..K {
        counts[k] = count(sums[k], unit - SUM_BITS * k as i32);
    }
    Some(counts)
}

/// The exact sums of the slices of a block, of the fewest slices from `least` on that leave nothing; `None` when none do.
#[inline(always)]
fn sum_block<S: Simd>(simd: S, block: &[Lanes], least: usize) -> Option<(usize, i32, [i64; MAX_SUM_SLICES])> {
    let most = largest(simd, block);
    if most == 0.0 {
        return is_zero(block).then_some((0, 0, [0; MAX_SUM_SLICES]));
    }
    let unit = unit_exponent(most, SUM_BITS)?;
    for slices in least..=MAX_SUM_SLICES {
        let counts = match slices {
            1 => sum_by::<S, 1>(simd, block, unit),
            2 => sum_by::<S, 2>(simd, block, unit),
            _ => sum_by::<S, MAX_SUM_SLICES>(simd, block, unit),
        };
        if let Some(counts) = counts {
            return Some((slices, unit, counts));
        }
    }
    None
}

/// Adds up values, handing exact parts of the sum to `whole`, and what must be added value by value to `single`.
pub(super) fn sum_slices(values: &[f64], mut whole: impl FnMut(Scaled), mut single: impl FnMut(f64)) {
    let (vectors, tail) = values.as_chunks::<LANES>();
    tail.iter().for_each(|value| single(*value));
    let level = Level::new();
    let mut least = 1;
    for block in vectors.chunks(SUM_BLOCK / LANES) {
        match dispatch!(level, simd => sum_block(simd, block, least)) {
            Some((slices, unit, counts)) => {
                least = slices.max(1);
                for (k, integer) in counts.into_iter().enumerate().take(slices) {
                    whole(Scaled { integer: integer.into(), exponent: unit - SUM_BITS * k as i32 });
                }
            }
            None => block.as_flattened().iter().for_each(|value| single(*value)),
        }
    }
}

type Part = [Lanes; PRODUCT_BLOCK / LANES];

/// One block of one variable as slices ready for exact products, with its sum and its sum of squares.
#[derive(Clone)]
#[repr(align(64))]
pub(super) struct Slices {
    parts: [Part; MAX_SLICES],
    used: usize,
    /// How many vectors of values there are.
    vectors: usize,
    /// The exponent of the unit of the first slice.
    unit: i32,
    sum: Scaled,
    squares: [Scaled; TOGETHER],
    exact: bool,
}

impl Slices {
    /// Slices of an empty block.
    pub(super) const EMPTY: Slices = {
        let nothing = Scaled { integer: 0, exponent: 0 };
        let parts = [[[0.0; LANES]; PRODUCT_BLOCK / LANES]; MAX_SLICES];
        Slices { parts, used: 0, vectors: 0, unit: 0, sum: nothing, squares: [nothing; 3], exact: true }
    };

    /// Slices up a block of at most [`PRODUCT_BLOCK`] values; `false` when a value is not finite.
    pub(super) fn fill(&mut self, values: &[f64]) -> bool {
        let (vectors, tail) = values.as_chunks::<LANES>();
        if tail.is_empty() {
            dispatch!(Level::new(), simd => cut(simd, vectors, self));
        } else {
            let mut padded: Part = [[0.0; LANES]; PRODUCT_BLOCK / LANES];
            padded.as_flattened_mut()[..values.len()].copy_from_slice(values);
            dispatch!(Level::new(), simd => cut(simd, &padded[..vectors.len() + 1], self));
        }
        self.exact || values.iter().all(|value| value.is_finite())
    }

    /// Whether the slices hold the block without remainder. If not, it must be added value by value.
    pub(super) fn is_exact(&self) -> bool {
        self.exact
    }

    /// The exact sum of the values.
    pub(super) fn sum(&self) -> Scaled {
        self.sum
    }

    /// Exact parts of the sum of squares.
    pub(super) fn squares(&self) -> impl Iterator<Item = Scaled> {
        self.squares.into_iter().filter(|part| part.integer != 0)
    }

    /// Exact parts of the sum of products with the same rows of another variable.
    pub(super) fn products(&self, other: &Slices) -> impl Iterator<Item = Scaled> {
        let levels = dispatch!(Level::new(), simd => multiply(simd, self, other));
        together(&levels, self.unit + other.unit).into_iter().filter(|part| part.integer != 0)
    }
}

/// Cuts a block into as few slices as hold it, starting with as many as the block before took.
#[inline(always)]
fn cut<S: Simd>(simd: S, block: &[Lanes], into: &mut Slices) {
    let most = largest(simd, block);
    let least = into.used.max(1);
    into.vectors = block.len();
    if most == 0.0 {
        into.exact = is_zero(block);
        (into.used, into.sum, into.squares) = (0, Scaled::default(), Default::default());
        return;
    }
    let Some(unit) = unit_exponent(most, PRODUCT_BITS) else {
        into.exact = false;
        return;
    };
    into.unit = unit;
    into.exact = false;
    for slices in least..=MAX_SLICES {
        into.exact = match slices {
            1 => cut_by::<S, 1>(simd, block, into),
            2 => cut_by::<S, 2>(simd, block, into),
            3 => cut_by::<S, 3>(simd, block, into),
            _ => cut_by::<S, MAX_SLICES>(simd, block, into),
        };
        if into.exact {
            return;
        }
    }
}

/// Cuts a block into `K` slices of the unit that was found, and adds up; `false` when something is left over.
#[inline(always)]
fn cut_by<S: Simd, const K: usize>(simd: S, block: &[Lanes], into: &mut Slices) -> bool {
    let unit = into.unit;
    let zero = f64x8::splat(simd, 0.0);
    let sigmas: [f64; K] = std::array::from_fn(|k| sigma(unit - PRODUCT_BITS * k as i32));
    let mut sums = [zero; K];
    let mut squares = [[zero; K]; K];
    let mut lost = u64x8::splat(simd, 0);
    for (row, values) in block.iter().enumerate().take(PRODUCT_BLOCK / LANES) {
        let mut rest = load(simd, values);
        let mut slices = [zero; K];
        for k in 0..K {
            slices[k] = (rest + sigmas[k]) - sigmas[k];
            rest -= slices[k];
            slices[k].store_array(&mut into.parts[k][row]);
            // A multiplication by one: multipliers are idle here, adders are not.
            sums[k] = slices[k].mul_add(1.0, sums[k]);
            for i in 0..=k {
                squares[i][k] = slices[i].mul_add(slices[k], squares[i][k]);
            }
        }
        lost |= rest.to_bits();
    }
    if lost.to_array() != [0; LANES] {
        return false;
    }
    let (mut sum, mut levels) = (0_i128, [0; LEVELS]);
    for k in 0..K {
        sum = (sum << PRODUCT_BITS) + i128::from(count(sums[k], unit - PRODUCT_BITS * k as i32));
        for i in 0..=k {
            let square = count(squares[i][k], 2 * unit - PRODUCT_BITS * (i + k) as i32);
            levels[i + k] += if i == k { square } else { 2 * square };
        }
    }
    into.sum = Scaled { integer: sum, exponent: unit - PRODUCT_BITS * (K as i32 - 1) };
    into.squares = together(&levels, 2 * unit);
    // The square of the last slice stands alone in the last level: a slice of zeros is not needed.
    into.used = (1..=K).rev().find(|used| levels[2 * (used - 1)] != 0).unwrap_or(0);
    true
}

/// The sums of products of two variables, by level.
#[inline(always)]
fn multiply<S: Simd>(simd: S, left: &Slices, right: &Slices) -> [i64; LEVELS] {
    let (left, right) = if left.used < right.used { (right, left) } else { (left, right) };
    match (left.used, right.used) {
        (1, 1) => multiply_by::<S, 1, 1>(simd, left, right),
        (2, 1) => multiply_by::<S, 2, 1>(simd, left, right),
        (2, 2) => multiply_by::<S, 2, 2>(simd, left, right),
        (3, 1) => multiply_by::<S, 3, 1>(simd, left, right),
        (3, 2) => multiply_by::<S, 3, 2>(simd, left, right),
        (3, 3) => multiply_by::<S, 3, 3>(simd, left, right),
        (4, 1) => multiply_by::<S, 4, 1>(simd, left, right),
        (4, 2) => multiply_by::<S, 4, 2>(simd, left, right),
        (4, 3) => multiply_by::<S, 4, 3>(simd, left, right),
        (4, 4) => multiply_by::<S, 4, 4>(simd, left, right),
        _ => [0; LEVELS],
    }
}

#[inline(always)]
fn multiply_by<S: Simd, const A: usize, const B: usize>(simd: S, left: &Slices, right: &Slices) -> [i64; LEVELS] {
    let zero = f64x8::splat(simd, 0.0);
    // Two sums per level, so that additions to the longest level need not wait for each other.
    let mut sums = [[zero; LEVELS]; 2];
    let vectors = left.vectors.min(right.vectors).min(PRODUCT_BLOCK / LANES);
    for row in 0..vectors {
        let mut others = [zero; B];
        for (other, part) in others.iter_mut().zip(&right.parts) {
            *other = load(simd, &part[row]);
        }
        for a in 0..A {
            let one = load(simd, &left.parts[a][row]);
            for b in 0..B {
                sums[a % 2][a + b] = one.mul_add(others[b], sums[a % 2][a + b]);
            }
        }
    }
    let mut levels = [0; LEVELS];
    let unit = left.unit + right.unit;
    for level in 0..A + B - 1 {
        levels[level] = count(sums[0][level] + sums[1][level], unit - PRODUCT_BITS * level as i32);
    }
    levels
}

/// Sums of levels, the first of which counts units of `2^unit`, brought together in a few integers.
#[inline(always)]
fn together(levels: &[i64; LEVELS], unit: i32) -> [Scaled; TOGETHER] {
    let [a, b, c, d, e, f, g] = levels.map(i128::from);
    let shifted =
        |first: i128, second: i128, third: i128| (first << (2 * PRODUCT_BITS)) + (second << PRODUCT_BITS) + third;
    [
        Scaled { integer: shifted(a, b, c), exponent: unit - 2 * PRODUCT_BITS },
        Scaled { integer: shifted(d, e, f), exponent: unit - 5 * PRODUCT_BITS },
        Scaled { integer: g, exponent: unit - 6 * PRODUCT_BITS },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slices_of(values: &[f64]) -> Slices {
        let mut slices = Slices::EMPTY;
        assert!(slices.fill(values));
        slices
    }

    #[test]
    fn slices_add_up_to_the_values() {
        let block: Vec<f64> =
            (0..PRODUCT_BLOCK as i32).map(|row| (f64::from(row) - 60.3) * 0.07_f64.powi(row % 4)).collect();
        let slices = slices_of(&block);
        assert!(slices.is_exact());
        for (row, value) in block.iter().enumerate() {
            let parts = slices.parts[..slices.used].iter().rev();
            assert_eq!(parts.map(|part| part.as_flattened()[row]).sum::<f64>(), *value);
        }
    }

    #[test]
    fn integers_take_one_slice_and_come_out_as_integers() {
        let block: Vec<f64> = (0..100).map(|row| f64::from(row) * 500.0).collect();
        let slices = slices_of(&block);
        assert_eq!((slices.is_exact(), slices.used), (true, 1));
        let value = |part: Scaled| part.integer as f64 * f64::from(part.exponent).exp2();
        assert_eq!(value(slices.sum()), block.iter().sum::<f64>());
        assert_eq!(slices.squares().map(value).sum::<f64>(), block.iter().map(|x| x * x).sum::<f64>());
        assert_eq!(slices.products(&slices).map(value).sum::<f64>(), block.iter().map(|x| x * x).sum::<f64>());
    }

    #[test]
    fn lanes_do_not_overflow_when_every_slice_is_as_large_as_can_be() {
        // Each slice rounds down to -2^23 units, the most a slice of 24 bits can hold.
        let most = (0..MAX_SLICES as i32).map(|k| -f64::from(-PRODUCT_BITS * k).exp2()).sum::<f64>();
        for scale in [1.0, 0.75, 1.0 - f64::EPSILON] {
            let block = [most * scale; PRODUCT_BLOCK];
            let slices = slices_of(&block);
            assert!(slices.is_exact());
            let rounded = |parts: &mut dyn Iterator<Item = Scaled>| {
                parts.map(|part| part.integer as f64 * f64::from(part.exponent).exp2()).sum::<f64>()
            };
            let squares = PRODUCT_BLOCK as f64 * block[0] * block[0];
            assert_eq!(rounded(&mut slices.squares()), squares, "{scale}");
            assert_eq!(rounded(&mut slices.products(&slices)), squares, "{scale}");
        }
    }

    #[test]
    fn every_level_of_the_machine_gives_the_same_integers() {
        let block: Vec<f64> = (0..PRODUCT_BLOCK).map(|row| (row as f64 + 0.1).ln() / 3.0).collect();
        let (block, _) = block.as_chunks::<LANES>();
        let (mut native, mut baseline) = (Slices::EMPTY, Slices::EMPTY);
        dispatch!(Level::new(), simd => cut(simd, block, &mut native));
        dispatch!(Level::baseline(), simd => cut(simd, block, &mut baseline));
        assert_eq!((native.sum, native.squares, native.used), (baseline.sum, baseline.squares, baseline.used));
        let products = dispatch!(Level::baseline(), simd => multiply(simd, &native, &baseline));
        assert_eq!(dispatch!(Level::new(), simd => multiply(simd, &native, &baseline)), products);
        let sums = dispatch!(Level::baseline(), simd => sum_block(simd, block, 1));
        assert_eq!(dispatch!(Level::new(), simd => sum_block(simd, block, 1)), sums);
    }

    #[test]
    fn a_value_that_is_not_finite_is_seen_in_any_lane() {
        for position in 0..21 {
            for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                for rest in [0.0, 1.0, 0.1] {
                    let mut block = [rest; 21];
                    block[position] = bad;
                    assert!(!Slices::EMPTY.clone().fill(&block), "{bad} among {rest}");
                    let mut singles = Vec::new();
                    sum_slices(&block, |_| {}, |value| singles.push(value));
                    assert!(singles.iter().any(|value| !value.is_finite()), "{bad} among {rest}");
                }
            }
        }
    }

    #[test]
    fn exponents_near_the_ends_are_left_to_the_accumulator() {
        for (value, exact) in
            [(1e200, false), (1e-200, false), (f64::MIN_POSITIVE / 2.0, false), (0.0, true), (-0.1, true)]
        {
            assert_eq!(slices_of(&[value; PRODUCT_BLOCK]).is_exact(), exact, "{value}");
        }
    }
}
