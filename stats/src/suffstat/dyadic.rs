//! Exact binary fractions, for the one division that finishes a moment.

use num_bigint::{BigInt, BigUint};

use super::ExactSum;
use super::rounding::round_ratio;

/// An integer times a power of two.
#[derive(Debug, Clone)]
pub(super) struct Dyadic {
    mantissa: BigInt,
    exponent: i64,
}

impl Dyadic {
    pub(super) fn times(&self, other: &Dyadic) -> Dyadic {
        Dyadic { mantissa: &self.mantissa * &other.mantissa, exponent: self.exponent + other.exponent }
    }

    pub(super) fn scaled(&self, factor: u64) -> Dyadic {
        Dyadic { mantissa: &self.mantissa * factor, exponent: self.exponent }
    }

    pub(super) fn minus(&self, other: &Dyadic) -> Dyadic {
        let exponent = self.exponent.min(other.exponent);
        // Both exponents lie within the few thousand bits of a superaccumulator, so the shifts are small.
        let aligned = |number: &Dyadic| &number.mantissa << (number.exponent - exponent);
        Dyadic { mantissa: aligned(self) - aligned(other), exponent }
    }

    /// The double nearest to this number divided by a positive count.
    pub(super) fn divided_by(&self, count: u64) -> f64 {
        round_ratio(&self.mantissa, &BigUint::from(count), self.exponent)
    }
}

impl From<f64> for Dyadic {
    fn from(value: f64) -> Self {
        let mut sum = ExactSum::new();
        sum.add(value);
        Dyadic::from(&sum)
    }
}

impl From<&ExactSum> for Dyadic {
    fn from(sum: &ExactSum) -> Self {
        let (mantissa, exponent) = sum.exact();
        Dyadic { mantissa, exponent }
    }
}
