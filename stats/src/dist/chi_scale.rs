//! Means over an estimated standard error: `E[g(S)]` with `S = √(χ²_ν/ν)`.
//!
//! Written in `w = ln S` the density is `2√(a/2π)·e^{−δ(a)}·exp(−a(e^{2w} − 1 − 2w))` with `a = ν/2` and Stirling's error
//! `δ`: analytic, with one peak, falling at least exponentially. The trapezoidal rule converges geometrically on such a
//! function, and with terms that are all positive it keeps the relative accuracy of a tail.

use std::f64::consts::TAU;

use super::gamma_function::stirling_error;
use super::remainders::exp_remainder;
use super::scaled::Scaled;
use super::unimodal_sum::{peak, unimodal_sum};

/// Step of the rule, in the width of the integrand at its peak. Aliasing is `exp(−½(2π/0.4)²)` of a bell of that width, and
/// still below 1e-16 where the bell is half as wide on its right side.
const STEP: f64 = 0.4;

/// `E[g(S)]` for `g` given by its logarithm at `w = ln S`.
///
/// - **Needs** `g` such that the integrand has one peak in `w`, and `sharpness(w)`: how many times per unit of `w`
///   the function can turn there.
pub(crate) fn mean_over_chi(df: f64, ln_g: impl Fn(f64) -> f64, sharpness: impl Fn(f64) -> f64) -> Scaled {
    let a = 0.5 * df;
    let ln_integrand = |w: f64| ln_g(w) - a * exp_remainder(2.0 * w);
    let step_at = |w: f64| {
        // A normal tail at distance z bends by twice its square in the logarithm of z.
        let turns = (2.0 * df * (2.0 * w).exp() + 2.0 * sharpness(w).powi(2)).sqrt();
        // Towards small S the integrand is a double exponential, whose own width in w is about one.
        (STEP / turns).min(0.125)
    };
    let coarse = (STEP / (2.0 * df).sqrt()).min(0.5);
    let top = peak(0, i64::MIN, |k| ln_integrand(k as f64 * coarse)) as f64 * coarse;
    let step = step_at(top);
    let sum = unimodal_sum((top / step).round() as i64, i64::MIN, |k| ln_integrand(k as f64 * step));
    sum.times(2.0 * (a / TAU).sqrt() * (-stirling_error(a)).exp() * step)
}
