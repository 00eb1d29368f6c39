//! Evidence that may be read at any time.

use std::f64::consts::LN_10;

use crate::dist::TailProbability;

/// The value of a process that starts at 1 and, were the null hypothesis true, never grows on average.
///
/// Kept as its natural logarithm, since evidence of thousands of units leaves the range of doubles. The e-values of
/// independent samples multiply: their logarithms add.
///
/// ```
/// use estimand_stats::sequential::EValue;
///
/// let evidence = EValue::from_ln(20_f64.ln()).ok_or("a number")?;
/// assert!((evidence.value() - 20.0).abs() < 1e-13 && (evidence.p_value().p - 0.05).abs() < 1e-16);
/// # Ok::<(), &'static str>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct EValue {
    ln: f64,
}

impl EValue {
    /// The e-value with this natural logarithm; `None` when it is not a number.
    pub fn from_ln(ln: f64) -> Option<Self> {
        (!ln.is_nan()).then_some(Self { ln: ln.clamp(f64::MIN, f64::MAX) })
    }

    /// Its natural logarithm, finite.
    pub fn ln(self) -> f64 {
        self.ln
    }

    /// Its common logarithm, finite.
    pub fn log10(self) -> f64 {
        self.ln / LN_10
    }

    /// The e-value itself; infinite above the largest double.
    pub fn value(self) -> f64 {
        self.ln.exp()
    }

    /// The anytime p-value of this look, `min(1, 1/e)`: below `α` at *any* look with probability at most `α`.
    ///
    /// The smallest one of all looks so far is an anytime p-value too.
    ///
    /// - **Source** Ville (1939); Johari, Koomen, Pekelis & Walsh (2022), "Always valid inference", Operations Research
    ///   70, section 3.
    pub fn p_value(self) -> TailProbability {
        TailProbability::from_ln(-self.ln).unwrap_or(TailProbability::CERTAIN)
    }
}
