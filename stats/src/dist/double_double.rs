//! Numbers of about 32 digits, as the unevaluated sum of two doubles.
//!
//! A tail probability is `factor · exp(−E)` with `E` up to 745 before it leaves the doubles, and far larger before its
//! logarithm does. An error of one unit in the last place of `E` is 1e-13 of the probability, so `E` is carried in two
//! doubles.
//!
//! Source: Dekker (1971), "A floating-point technique for extending the available precision"; the product uses a fused
//! multiply-add instead of Dekker's splitting.

use std::ops::{Add, Mul, Neg, Sub};

/// `hi + lo` with `|lo| ≤ ulp(hi)/2`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct DoubleDouble {
    hi: f64,
    lo: f64,
}

const LN_2: DoubleDouble = DoubleDouble { hi: std::f64::consts::LN_2, lo: 2.319_046_813_846_299_6e-17 };

impl DoubleDouble {
    pub(crate) const ZERO: DoubleDouble = DoubleDouble { hi: 0.0, lo: 0.0 };

    /// The exact sum of two doubles.
    pub(crate) fn sum(a: f64, b: f64) -> DoubleDouble {
        let hi = a + b;
        let shadow = hi - a;
        DoubleDouble::finite(hi, (a - (hi - shadow)) + (b - shadow))
    }

    /// The exact product of two doubles.
    pub(crate) fn product(a: f64, b: f64) -> DoubleDouble {
        let hi = a * b;
        DoubleDouble::finite(hi, a.mul_add(b, -hi))
    }

    /// The quotient of two doubles.
    pub(crate) fn quotient(a: f64, b: f64) -> DoubleDouble {
        DoubleDouble::from(a).over(b)
    }

    /// This number divided by a double.
    pub(crate) fn over(self, divisor: f64) -> DoubleDouble {
        self.divided_by(DoubleDouble::from(divisor))
    }

    /// This number divided by another.
    pub(crate) fn divided_by(self, divisor: DoubleDouble) -> DoubleDouble {
        let first = self.hi / divisor.hi;
        if !first.is_finite() || first == 0.0 {
            return DoubleDouble::from(first);
        }
        let rest = self - divisor * DoubleDouble::from(first);
        DoubleDouble::fast_sum(first, rest.hi / divisor.hi)
    }

    /// The nearest double.
    pub(crate) fn value(self) -> f64 {
        self.hi + self.lo
    }

    /// `exp` of this number, as a double.
    pub(crate) fn exp(self) -> f64 {
        let whole = self.hi.exp();
        if whole == 0.0 || whole.is_infinite() { whole } else { whole + whole * self.lo.exp_m1() }
    }

    /// `ln(1 + u)`, for `u > −1`, with the relative accuracy of `u` itself when `u` is small.
    pub(crate) fn ln_1p(self) -> DoubleDouble {
        if self.hi.abs() < 0.4 { ln_1p_near_zero(self) } else { (self + DoubleDouble::from(1.0)).ln() }
    }

    /// The natural logarithm of a finite number; `-∞` unless it is positive.
    pub(crate) fn ln(self) -> DoubleDouble {
        if self.hi <= 0.0 {
            return DoubleDouble::from(f64::NEG_INFINITY);
        }
        // A subnormal is scaled into the normal range first, so that its exponent can be read from its bits.
        if self.hi < f64::MIN_POSITIVE {
            let scaled = DoubleDouble { hi: self.hi * 2f64.powi(64), lo: self.lo * 2f64.powi(64) };
            return scaled.ln() - LN_2 * DoubleDouble::from(64.0);
        }
        let mut exponent = ((self.hi.to_bits() >> 52) & 0x7ff) as i32 - 1023;
        let mut scale = 2f64.powi(-exponent);
        if self.hi * scale > std::f64::consts::SQRT_2 {
            exponent += 1;
            scale *= 0.5;
        }
        let mantissa = DoubleDouble { hi: self.hi * scale, lo: self.lo * scale };
        ln_1p_near_zero(mantissa - DoubleDouble::from(1.0)) + LN_2 * DoubleDouble::from(f64::from(exponent))
    }

    /// The sum of two doubles, the first not smaller than the second.
    fn fast_sum(a: f64, b: f64) -> DoubleDouble {
        let hi = a + b;
        DoubleDouble::finite(hi, b - (hi - a))
    }

    /// An overflowed head takes no tail along: `∞ − ∞` would make it not a number.
    fn finite(hi: f64, lo: f64) -> DoubleDouble {
        DoubleDouble { hi, lo: if hi.is_finite() { lo } else { 0.0 } }
    }
}

/// `ln(1 + u) = 2 artanh(u / (2 + u))` by the Taylor series of `artanh`, for `|u| ≤ √2 − 1` or so.
fn ln_1p_near_zero(u: DoubleDouble) -> DoubleDouble {
    let s = u.divided_by(u + DoubleDouble::from(2.0));
    let square = s * s;
    // With s² < 0.063 the terms from the twelfth on are below 1e-14 of the sum: a double holds all that is wanted of
    // them.
    let tail = (12..30).rev().fold(0.0, |sum, k| sum * square.hi + 1.0 / f64::from(2 * k + 1));
    let series = (0..12)
        .rev()
        .fold(DoubleDouble::from(tail), |sum, k| sum * square + DoubleDouble::quotient(1.0, f64::from(2 * k + 1)));
    let half = s * series;
    half + half
}

impl From<f64> for DoubleDouble {
    fn from(value: f64) -> DoubleDouble {
        DoubleDouble { hi: value, lo: 0.0 }
    }
}

impl Add for DoubleDouble {
    type Output = DoubleDouble;

    fn add(self, other: DoubleDouble) -> DoubleDouble {
        let heads = DoubleDouble::sum(self.hi, other.hi);
        let tails = DoubleDouble::sum(self.lo, other.lo);
        let once = DoubleDouble::fast_sum(heads.hi, heads.lo + tails.hi);
        DoubleDouble::fast_sum(once.hi, once.lo + tails.lo)
    }
}

impl Sub for DoubleDouble {
    type Output = DoubleDouble;

    fn sub(self, other: DoubleDouble) -> DoubleDouble {
        self + -other
    }
}

impl Mul for DoubleDouble {
    type Output = DoubleDouble;

    fn mul(self, other: DoubleDouble) -> DoubleDouble {
        let heads = DoubleDouble::product(self.hi, other.hi);
        if heads.hi.is_infinite() {
            return heads;
        }
        DoubleDouble::fast_sum(heads.hi, heads.lo + (self.hi * other.lo + self.lo * other.hi))
    }
}

impl Neg for DoubleDouble {
    type Output = DoubleDouble;

    fn neg(self) -> DoubleDouble {
        DoubleDouble { hi: -self.hi, lo: -self.lo }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_keeps_what_rounding_would_drop() {
        let sum = DoubleDouble::sum(1.0, 1e-20);
        assert_eq!((sum.hi, sum.lo), (1.0, 1e-20));
    }

    #[test]
    fn the_logarithm_of_ten_has_its_published_digits() {
        // ln 10 = 2.302585092994045684017991454684364…, whose head as a double is followed by −2.1707562233822494e-16.
        let ln_10 = DoubleDouble::from(10.0).ln();
        assert_eq!(ln_10.hi, std::f64::consts::LN_10);
        assert!((ln_10.lo / -2.170_756_223_382_249_4e-16 - 1.0).abs() < 1e-13);
    }

    #[test]
    fn logarithms_of_the_extreme_doubles_are_finite_and_right() {
        assert_eq!(DoubleDouble::from(f64::MAX).ln().value(), f64::MAX.ln());
        assert_eq!(DoubleDouble::from(5e-324).ln().value(), 5e-324_f64.ln());
        assert_eq!(DoubleDouble::from(f64::MIN_POSITIVE).ln().value(), f64::MIN_POSITIVE.ln());
    }

    #[test]
    fn the_two_branches_of_ln_1p_meet() {
        let (below, above) = (DoubleDouble::from(0.399_999), DoubleDouble::from(0.400_001));
        for u in [below, above] {
            let one = ln_1p_near_zero(u);
            let other = (u + DoubleDouble::from(1.0)).ln();
            assert!((one - other).value().abs() < 1e-28);
        }
    }
}
