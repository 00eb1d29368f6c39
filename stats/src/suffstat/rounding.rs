//! One rounding at the end: exact integers and ratios to the nearest double.

use num_bigint::{BigInt, BigUint, Sign};
use num_traits::{ToPrimitive, Zero};

/// Exponent of the smallest positive double, `2^-1074`.
const LOWEST_EXPONENT: i64 = -1074;

/// The double nearest to `±(magnitude + s)·2^exponent`, ties to even, where `s` is 0 or, if `sticky`, some amount between 0 and 1.
///
/// - **Needs** at least 55 significant bits in `magnitude` when `sticky`, so that the lost part lies below the rounding bit.
/// - **Gives** an infinity when the value rounds beyond the largest double, and `0.0` (never `-0.0`) when it rounds to nothing.
/// - **Source** IEEE 754-2019, §4.3.1 (roundTiesToEven).
pub(super) fn round_scaled(negative: bool, magnitude: u128, sticky: bool, exponent: i64) -> f64 {
    if magnitude == 0 {
        return 0.0;
    }
    let length = i64::from(128 - magnitude.leading_zeros());
    // A normal double keeps 53 bits; a subnormal one keeps what lies above 2^-1074.
    let mut lowest = (exponent + length - 53).max(LOWEST_EXPONENT);
    let dropped = lowest - exponent;
    let mut kept = match dropped {
        ..=0 => (magnitude << -dropped) as u64,
        1..=127 => {
            let kept = (magnitude >> dropped) as u64;
            let half = 1_u128 << (dropped - 1);
            let lost = magnitude & ((half << 1) - 1);
            let up = lost > half || (lost == half && (sticky || kept & 1 == 1));
            kept + u64::from(up)
        }
        128 => u64::from(magnitude > 1 << 127 || (magnitude == 1 << 127 && sticky)),
        _ => 0,
    };
    if kept == 1 << 53 {
        kept >>= 1;
        lowest += 1;
    }
    let sign = u64::from(negative && kept != 0) << 63;
    if kept < 1 << 52 {
        return f64::from_bits(sign | kept);
    }
    let biased = lowest + 1075;
    if biased >= 0x7ff {
        return if negative { f64::NEG_INFINITY } else { f64::INFINITY };
    }
    f64::from_bits(sign | (biased as u64) << 52 | (kept & ((1 << 52) - 1)))
}

/// The double nearest to `numerator / denominator · 2^exponent`, ties to even.
///
/// - **Needs** a denominator of at least 1.
/// - **Gives** an infinity when the ratio rounds beyond the largest double.
pub(super) fn round_ratio(numerator: &BigInt, denominator: &BigUint, exponent: i64) -> f64 {
    let magnitude = numerator.magnitude();
    if magnitude.is_zero() || denominator.is_zero() {
        return 0.0;
    }
    // A quotient of 66 or 67 bits fits a u128 and leaves more than enough below the rounding bit.
    let shift = 66 - (magnitude.bits() as i64 - denominator.bits() as i64);
    let (numerator_scaled, denominator_scaled) = match shift {
        0.. => (magnitude << shift, denominator.clone()),
        _ => (magnitude.clone(), denominator << -shift),
    };
    let quotient = &numerator_scaled / &denominator_scaled;
    let sticky = &quotient * &denominator_scaled != numerator_scaled;
    let quotient = quotient.to_u128().unwrap_or(u128::MAX);
    round_scaled(numerator.sign() == Sign::Minus, quotient, sticky, exponent - shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_round_to_the_even_neighbour() {
        let odd = (1_u128 << 53) | 1;
        assert_eq!(round_scaled(false, odd << 1 | 1, false, -1), 9_007_199_254_740_994.0);
        assert_eq!(round_scaled(false, odd, false, 0), 9_007_199_254_740_992.0);
        assert_eq!(round_scaled(false, odd + 2, false, 0), 9_007_199_254_740_996.0);
        assert_eq!(round_scaled(false, (odd << 8) | 1, false, -8), 9_007_199_254_740_994.0);
    }

    #[test]
    fn the_ends_of_the_range_are_met_exactly() {
        assert_eq!(round_scaled(false, 1, false, -1074), f64::from_bits(1));
        assert_eq!(round_scaled(false, 1, false, -1075), 0.0);
        assert_eq!(round_scaled(false, 3, false, -1076), f64::from_bits(1));
        assert_eq!(round_scaled(true, 1, false, -1075).to_bits(), 0);
        assert_eq!(round_scaled(false, (1 << 53) - 1, false, 971), f64::MAX);
        assert_eq!(round_scaled(true, 1, false, 1024), f64::NEG_INFINITY);
        assert_eq!(round_scaled(false, (1 << 54) - 1, false, 970), f64::INFINITY);
        assert_eq!(round_scaled(false, (1 << 52) - 1, false, -1074), f64::from_bits((1 << 52) - 1));
    }

    #[test]
    fn a_ratio_of_small_integers_is_the_hardware_quotient() {
        for numerator in [-355_i64, -1, 1, 2, 22, 1_000_003, i64::from(u32::MAX)] {
            for denominator in [1_u32, 3, 7, 113, 1_000_000_007] {
                let exact = round_ratio(&BigInt::from(numerator), &BigUint::from(denominator), 0);
                assert_eq!(exact, numerator as f64 / f64::from(denominator));
            }
        }
    }
}
