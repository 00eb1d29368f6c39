//! The gamma-exponential mixture.

use std::f64::consts::TAU;

use super::{EValue, NormalMixture, Sides, is_positive, ln_threshold};
use crate::dist::gamma_function::stirling_error;
use crate::dist::incomplete_gamma::deviance;
use crate::dist::root_on_log_scale::root_on_log_scale;
use crate::dist::{ChiSquared, Continuous};

/// A one-sided boundary for sums that are sub-exponential with scale `c`: sums of values that are bounded *below* by
/// `−c` after centring, counted by their variance.
///
/// Mixes `exp(λS − ψ(λ)V)`, `ψ(λ) = (−ln(1 − cλ) − cλ)/c²`, over a gamma law of `1 − cλ` cut to `λ ≥ 0`. With
/// `g(a, x) = ln[Γ(a)P(a, x)] − a ln x + x`, the evidence is `ln M = g((V+ρ)/c², (cS+V+ρ)/c²) − g(ρ/c², ρ/c²)`.
///
/// - **Needs** the sum `S`, its intrinsic time `V` in squared units of `S`, and `c` in units of `S`.
/// - **Gives** a bound on `S` that holds at all times at once with probability `1 − α`.
/// - **Source** Howard et al. (2021), proposition 9.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GammaExponential {
    rho: f64,
    c: f64,
}

impl GammaExponential {
    /// With scale `c`, tuned to be narrow at intrinsic time `v_opt` for a boundary of level `alpha_opt`, as the
    /// one-sided [`NormalMixture`] is; `None` unless all are positive and `alpha_opt < 1`.
    pub fn tuned(c: f64, v_opt: f64, alpha_opt: f64) -> Option<Self> {
        let rho = NormalMixture::tuned(Sides::One, v_opt, alpha_opt)?.rho();
        is_positive(c).then_some(Self { rho, c })
    }

    /// The evidence against no growth upwards when the sum is `s` at time `v`.
    ///
    /// `None` unless both are finite, `v ≥ 0`, and `s` is one that such a sum can have: `cs + v + ρ > 0`.
    pub fn e_value(&self, s: f64, v: f64) -> Option<EValue> {
        let square = self.c * self.c;
        let (a, x) = ((v + self.rho) / square, (self.c * s + v + self.rho) / square);
        let start = self.rho / square;
        if !(s.is_finite() && v >= 0.0 && [a, x, start].into_iter().all(is_positive)) {
            return None;
        }
        EValue::from_ln(ln_kernel(a, x)? - ln_kernel(start, start)?)
    }

    /// The sum that reaches evidence `1/alpha` at time `v`; `None` unless `v ≥ 0` and `0 < alpha < 1`.
    pub fn boundary(&self, v: f64, alpha: f64) -> Option<f64> {
        let threshold = ln_threshold(alpha)?;
        self.e_value(0.0, v)?;
        let gap = |s: f64| self.e_value(s, v).map_or(f64::INFINITY, |evidence| evidence.ln() - threshold);
        let start = (2.0 * (v + self.rho) * threshold).sqrt();
        Some(root_on_log_scale(start, true, |s| (gap(s), f64::NAN))).filter(|s| s.is_finite())
    }
}

/// `ln[Γ(a)P(a, x)] − a ln x + x`, by Stirling's formula free of the large terms that cancel in it.
fn ln_kernel(a: f64, x: f64) -> Option<f64> {
    let ln_lower = ChiSquared::new(2.0 * a)?.ln_cdf(2.0 * x);
    Some(ln_lower + deviance(a, x.into()).value() + stirling_error(a) + 0.5 * (TAU / a).ln())
}
