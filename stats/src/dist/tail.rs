//! The tail of a distribution that was computed directly; the other is its complement.

use super::double_double::DoubleDouble;
use super::scaled::Scaled;

/// One tail, computed without cancellation; the other is its complement.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Tail {
    /// `P(X ≤ x)`.
    Lower(Scaled),
    /// `P(X > x)`.
    Upper(Scaled),
}

impl Tail {
    /// `ln P(X ≤ x)`.
    pub(crate) fn ln_lower(self) -> DoubleDouble {
        match self {
            Tail::Lower(tail) => tail.ln(),
            Tail::Upper(tail) => DoubleDouble::from((-tail.value()).ln_1p()),
        }
    }

    /// `ln P(X > x)`.
    pub(crate) fn ln_upper(self) -> DoubleDouble {
        self.mirrored().ln_lower()
    }

    /// `P(X ≤ x)`.
    pub(crate) fn lower(self) -> f64 {
        match self {
            Tail::Lower(tail) => tail.value().min(1.0),
            Tail::Upper(tail) => 1.0 - tail.value().min(1.0),
        }
    }

    /// `P(X > x)`.
    pub(crate) fn upper(self) -> f64 {
        self.mirrored().lower()
    }

    /// The same tail of the distribution of `−X`.
    pub(crate) fn mirrored(self) -> Tail {
        match self {
            Tail::Lower(tail) => Tail::Upper(tail),
            Tail::Upper(tail) => Tail::Lower(tail),
        }
    }
}
