//! The normal mixture: a Gaussian likelihood ratio averaged over a normal law of effects.

use super::{EValue, is_positive, ln_threshold};
use crate::dist::{Continuous, Normal};

/// More of Newton's steps than the convex equation of the one-sided boundary ever takes.
const MAX_STEPS: usize = 100;

/// Whether an effect is looked for on both sides of its null value, or above it only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sides {
    /// Mixed over half a normal law, of effects above the null value.
    One,
    /// Mixed over a normal law about the null value.
    Two,
}

/// A boundary for sums whose growth is sub-Gaussian: `E exp(λS − λ²V/2) ≤ 1`.
///
/// Mixing the exponential over `λ ~ N(0, 1/ρ)` gives `M = √(ρ/(V+ρ))·exp(S²/(2(V+ρ)))`, over its upper half
/// `M = 2√(ρ/(V+ρ))·exp(S²/(2(V+ρ)))·Φ(S/√(V+ρ))`. The two-sided boundary is
/// `√((V+ρ)(ln(1+V/ρ) + 2 ln(1/α)))`; the one-sided is the root of `M = 1/α`.
///
/// - **Needs** the sum `S` of centred values and its intrinsic time `V`, in squared units of `S`.
/// - **Gives** a bound on `|S|`, or on `S`, that holds at all times at once with probability `1 − α`.
/// - **Source** Howard et al. (2021), propositions 5 and 6 and, for the tuning, equation 28; Robbins (1970).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NormalMixture {
    sides: Sides,
    rho: f64,
}

impl NormalMixture {
    /// With precision `rho` of the mixing law, in units of intrinsic time; `None` unless it is positive.
    pub fn new(sides: Sides, rho: f64) -> Option<Self> {
        is_positive(rho).then_some(Self { sides, rho })
    }

    /// Tuned to be narrow at intrinsic time `v_opt` for a boundary of level `alpha_opt`:
    /// `ρ = v/(2 ln(1/α) + ln(1 + 2 ln(1/α)))`, one-sided with `2α`.
    ///
    /// `None` unless `v_opt > 0` and `0 < alpha_opt < 1`.
    pub fn tuned(sides: Sides, v_opt: f64, alpha_opt: f64) -> Option<Self> {
        ln_threshold(alpha_opt)?;
        let both = if sides == Sides::One { 2.0 * alpha_opt } else { alpha_opt };
        // The formula ends at a level of 1, where nothing is asked; it is used up to a half.
        let twice = -2.0 * both.min(0.5).ln();
        Self::new(sides, v_opt / (twice + twice.ln_1p()))
    }

    /// Precision of the mixing law, in units of intrinsic time.
    pub fn rho(&self) -> f64 {
        self.rho
    }

    /// The evidence against growth of 0 (one-sided: against no growth upwards) when the sum is `s` at time `v`.
    ///
    /// `None` unless both are finite and `v ≥ 0`.
    pub fn e_value(&self, s: f64, v: f64) -> Option<EValue> {
        (s.is_finite() && v.is_finite() && v >= 0.0).then(|| self.scaled(s / (v + self.rho).sqrt(), v / self.rho))?
    }

    /// The sum that reaches evidence `1/alpha` at time `v`; `None` unless `v ≥ 0` and `0 < alpha < 1`.
    pub fn boundary(&self, v: f64, alpha: f64) -> Option<f64> {
        if !(v >= 0.0 && v.is_finite()) {
            return None;
        }
        Some((v + self.rho).sqrt() * self.scaled_boundary(v / self.rho, alpha)?).filter(|bound| bound.is_finite())
    }

    /// The evidence at `x = s/√(v+ρ)`, with `ratio = v/ρ`.
    pub(super) fn scaled(&self, x: f64, ratio: f64) -> Option<EValue> {
        let two_sided = 0.5 * x * x - 0.5 * ratio.ln_1p();
        EValue::from_ln(match self.sides {
            Sides::Two => two_sided,
            Sides::One => two_sided + std::f64::consts::LN_2 + Normal.ln_cdf(x),
        })
    }

    /// The `x = s/√(v+ρ)` that reaches evidence `1/alpha`, with `ratio = v/ρ`.
    pub(super) fn scaled_boundary(&self, ratio: f64, alpha: f64) -> Option<f64> {
        let height = ln_threshold(alpha)? + 0.5 * ratio.ln_1p();
        match self.sides {
            Sides::Two => Some((2.0 * height).sqrt()),
            // `x²/2 + ln 2 + ln Φ(x)` is convex, and at this start above the height: Newton's steps only go down.
            Sides::One => {
                let mut x = (2.0 * height).sqrt();
                for _ in 0..MAX_STEPS {
                    let gap = 0.5 * x * x + std::f64::consts::LN_2 + Normal.ln_cdf(x) - height;
                    let slope = x + (-0.5 * x * x - Normal.ln_cdf(x)).exp() / std::f64::consts::TAU.sqrt();
                    let next = (x - gap / slope).max(0.0);
                    if next >= x {
                        break;
                    }
                    x = next;
                }
                Some(x)
            }
        }
    }
}
