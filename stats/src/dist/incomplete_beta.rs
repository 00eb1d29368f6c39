//! The regularised incomplete beta function.
//!
//! `I_x(a, b) = xᵃ(1−x)ᵇ/B(a, b) · h(x)`. The factor in front falls below every double in the tails that matter here,
//! so it is kept on a logarithmic scale; Student's t computes it in its own best form and takes only the slowly varying
//! `h` from this file. Whichever tail is on the far side of the mean is computed directly:
//!
//! | where | method |
//! |---|---|
//! | `a` and `b` from 500 on | quadrature of the density of the log-odds, away from the mode |
//! | `x ≤ ½` | the hypergeometric series |
//! | elsewhere | the continued fraction of Algorithm 708 |

use std::f64::consts::TAU;

use super::double_double::DoubleDouble;
use super::gamma_function::stirling_error;
use super::gauss_legendre::integral;
use super::incomplete_gamma::deviance;
use super::remainders::{exp_remainder, ln_remainder};
use super::scaled::Scaled;
use super::tail::Tail;

/// From here on, in both parameters, the density of the log-odds is smooth enough for one rule.
const SMOOTH_FROM: f64 = 500.0;

/// More terms than any argument inside a function's stated range needs.
const MAX_TERMS: usize = 20_000;

/// The tail of the beta distribution with parameters `a, b > 0` cut at `x`, where `y = 1 − x`, both above zero.
pub(crate) fn cut(a: f64, b: f64, x: DoubleDouble, y: DoubleDouble) -> Tail {
    let lambda = (y * DoubleDouble::from(a) - x * DoubleDouble::from(b)).value();
    if lambda >= 0.0 {
        Tail::Lower(lower_tail(a, b, x, y, lambda))
    } else {
        Tail::Upper(lower_tail(b, a, y, x, -lambda))
    }
}

/// `xᵃyᵇ/B(a, b)`: the density of the log-odds.
///
/// - **Source** Loader's (2000) saddle-point form, with real counts.
pub(crate) fn beta_term(a: f64, b: f64, x: DoubleDouble, y: DoubleDouble) -> Scaled {
    let n = DoubleDouble::sum(a, b);
    let corrections = stirling_error(n.value()) - stirling_error(a) - stirling_error(b);
    let exponent = DoubleDouble::from(corrections) - deviance(a, n * x) - deviance(b, n * y);
    // a·b/(a + b) in an order that neither overflows nor underflows.
    let (small, large) = if a < b { (a, b) } else { (b, a) };
    Scaled { factor: (small / (1.0 + small / large) / TAU).sqrt(), exponent }
}

/// `I_x(a, b)` for `x` up to the mean; `lambda` is `a·y − b·x`.
fn lower_tail(a: f64, b: f64, x: DoubleDouble, y: DoubleDouble, lambda: f64) -> Scaled {
    let term = beta_term(a, b, x, y);
    let (x, y) = (x.value(), y.value());
    if a >= SMOOTH_FROM && b >= SMOOTH_FROM {
        term.times(log_odds_integral(a + b, x, y, lambda))
    } else if x <= 0.5 {
        term.times(power_series(a, b, x) / a)
    } else {
        term.times(continued_fraction(a, b, x, y, lambda))
    }
}

/// `∫ exp(−λv − n·(ln(1 + p(eˢ − 1)) − p·s)) dv` over `v > 0`: the density of the log-odds below `ln(x/y)`, over its value
/// there. With `p = x`, `s = −v`, or the same written with `p = y`, `s = v`.
fn log_odds_integral(n: f64, x: f64, y: f64, lambda: f64) -> f64 {
    let (p, sign) = if x < y { (x, -1.0) } else { (y, 1.0) };
    let density = |v: f64| {
        let s = sign * v;
        let excess = ln_remainder(p * s.exp_m1()) + p * exp_remainder(s);
        (-lambda * v - n * excess).exp()
    };
    let width = 4.0 / (lambda + (n * x * y).sqrt());
    let (mut total, mut low) = (0.0, 0.0);
    for _ in 0..32 {
        let piece = integral(low, low + width, density);
        total += piece;
        low += width;
        if piece <= total * (f64::EPSILON / 8.0) {
            break;
        }
    }
    total
}

/// `a·h(x) = Σ (a+b)ₖ/(a+1)ₖ · xᵏ`: all terms positive, so no digit is lost; quick while `(a+b)·x` is well below
/// `a+1`, or `x` below ½.
///
/// - **Source** DLMF 8.17.8, the hypergeometric series written out.
pub(crate) fn power_series(a: f64, b: f64, x: f64) -> f64 {
    let (mut term, mut sum, mut k) = (1.0, 1.0, 0.0);
    for _ in 0..MAX_TERMS {
        term *= (a + b + k) / (a + 1.0 + k) * x;
        sum += term;
        k += 1.0;
        if term <= sum * (f64::EPSILON / 8.0) {
            break;
        }
    }
    sum
}

/// `h(x)` by a continued fraction, for `x ≤ a/(a+b)`.
///
/// `lambda` is `a − (a+b)·x`, and `y` is `1 − x`: the caller forms both without cancellation, which keeps the fraction
/// right when `a` is 1e12 and `x` is next to one.
///
/// - **Source** DiDonato & Morris (1992), ACM TOMS Algorithm 708, function BFRAC.
pub(crate) fn continued_fraction(a: f64, b: f64, x: f64, y: f64, lambda: f64) -> f64 {
    let c = 1.0 + lambda;
    let c1 = 1.0 + 1.0 / a;
    let (mut p, mut s, mut n) = (1.0, a + 1.0, 0.0);
    let (mut above_before, mut above) = (0.0, 1.0);
    let (mut below_before, mut below) = (1.0, c / c1);
    let mut value = c1 / c;
    for _ in 0..MAX_TERMS {
        n += 1.0;
        let t = n / a;
        let w = n * (b - n) * x;
        let shrink = a / s;
        let alpha = p * (p + b / a) * shrink * shrink * w * x;
        let beta = n + w / s + (1.0 + t) / (c1 + t + t) * (c + n * (y + 1.0));
        p = 1.0 + t;
        s += 2.0;
        (above_before, above) = (above, alpha * above_before + beta * above);
        (below_before, below) = (below, alpha * below_before + beta * below);
        let before = value;
        value = above / below;
        if (value - before).abs() <= f64::EPSILON / 4.0 * value {
            break;
        }
        // Only ratios count: keep the recurrence near one.
        above_before /= below;
        below_before /= below;
        above = value;
        below = 1.0;
    }
    value
}
