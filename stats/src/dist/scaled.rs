//! A positive number kept as a factor and an exponent, so that it neither underflows nor loses digits.

use super::double_double::DoubleDouble;

/// `factor · exp(exponent)`, with `factor > 0`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scaled {
    pub(crate) factor: f64,
    pub(crate) exponent: DoubleDouble,
}

impl Scaled {
    /// An ordinary number.
    pub(crate) fn plain(factor: f64) -> Scaled {
        Scaled { factor, exponent: DoubleDouble::ZERO }
    }

    /// This number times another.
    pub(crate) fn times(self, factor: f64) -> Scaled {
        Scaled { factor: self.factor * factor, ..self }
    }

    /// The number as a double: zero when below the smallest one.
    pub(crate) fn value(self) -> f64 {
        // Far down the exponential alone could underflow where the product does not.
        let half = self.exponent * DoubleDouble::from(0.5);
        if self.exponent.value() < -700.0 {
            half.exp() * self.factor * half.exp()
        } else {
            self.factor * self.exponent.exp()
        }
    }

    /// The natural logarithm.
    pub(crate) fn ln(self) -> DoubleDouble {
        DoubleDouble::from(self.factor.ln()) + self.exponent
    }
}
