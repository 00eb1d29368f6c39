//! The point where a tail of a distribution has a given probability.

use crate::dist::{Continuous, Normal};

/// A tail and the probability it shall have, always the smaller of the two.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sought {
    p: f64,
    upper: bool,
}

/// More steps than bisection takes from the widest bracket.
const MAX_STEPS: usize = 200;

impl Sought {
    /// `P(X ≤ x) = p`; `None` for a `p` that is not inside (0, 1).
    pub fn below(p: f64) -> Option<Self> {
        let upper = p > 0.5;
        (p > 0.0 && p < 1.0).then_some(Self { p: if upper { 1.0 - p } else { p }, upper })
    }

    /// `P(X > x) = p`; `None` for a `p` that is not inside (0, 1).
    pub fn above(p: f64) -> Option<Self> {
        let upper = p <= 0.5;
        (p > 0.0 && p < 1.0).then_some(Self { p: if upper { p } else { 1.0 - p }, upper })
    }

    /// The same point of the standard normal.
    pub fn standard(self) -> Option<f64> {
        let x = Normal.isf(self.p).filter(|x| x.is_finite())?;
        Some(if self.upper { x } else { -x })
    }
}

/// Finds the point by Newton's steps on the logarithm of the tail, kept inside a bracket that grows when it is open.
///
/// `tail(x, upper)` gives the tail on the asked side, and the density. The logarithm of the tail of a log-concave law
/// is concave, so steps from far out come home.
///
/// - **Needs** a centre and a spread of the distribution, rough ones, and the ends of its support.
/// - **Gives** `None` when the tail never has that probability inside the doubles.
pub(super) fn tail_root(
    sought: Sought,
    centre: f64,
    spread: f64,
    support: (f64, f64),
    tail: impl Fn(f64, bool) -> (f64, f64),
) -> Option<f64> {
    let (mut low, mut high) = support;
    let inside = |x: f64, low: f64, high: f64| x > low && x < high;
    let start = centre + spread * sought.standard()?;
    let mut x = if inside(start, low, high) { start } else { centre };
    let mut reach = spread;
    for _ in 0..MAX_STEPS {
        let (probability, density) = tail(x, sought.upper);
        if probability == sought.p {
            return Some(x);
        }
        if (probability < sought.p) == sought.upper {
            high = x;
        } else {
            low = x;
        }
        let step = (probability / sought.p).ln() * probability / density;
        let newton = if sought.upper { x + step } else { x - step };
        if step.abs() <= 1e-9 * spread && newton >= low && newton <= high {
            return Some(newton);
        }
        // A step without a slope, or out of the bracket: halve what is closed, reach further where it is open.
        let next = if inside(newton, low, high) {
            newton
        } else if low.is_finite() && high.is_finite() {
            0.5 * (low + high)
        } else {
            reach *= 2.0;
            if low.is_finite() { low + reach } else { high - reach }
        };
        if !next.is_finite() {
            return None;
        }
        if !inside(next, low, high) || (next - x).abs() <= f64::EPSILON * x.abs() {
            return Some(next);
        }
        x = next;
    }
    Some(x)
}
