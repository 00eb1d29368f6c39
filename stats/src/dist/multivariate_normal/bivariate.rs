//! Two correlated normals.

use std::f64::consts::TAU;

use super::between;
use crate::dist::gauss_legendre::integral;
use crate::dist::{Continuous, Normal};

/// From this correlation on the integrand over the angle is too sharp, and the expansion about a correlation of one is
/// used.
const STRONG: f64 = 0.925;

/// `P(X > h, Y > k)` for standard normals with correlation `r`, to an absolute 1e-15; `None` unless `|r| ≤ 1` and no
/// argument is `NaN`.
///
/// - **Source** Genz (2004), "Numerical computation of rectangular bivariate and trivariate normal and t probabilities",
///   Statistics and Computing 14, section 2.4, after Drezner & Wesolowsky (1990).
pub fn bivariate_upper(h: f64, k: f64, r: f64) -> Option<f64> {
    if h.is_nan() || k.is_nan() || !(-1.0..=1.0).contains(&r) {
        return None;
    }
    let value = if h == f64::INFINITY || k == f64::INFINITY {
        0.0
    } else if h == f64::NEG_INFINITY {
        Normal.sf(k)
    } else if k == f64::NEG_INFINITY {
        Normal.sf(h)
    } else if r.abs() < STRONG {
        moderate(h, k, r)
    } else {
        strong(h, k, r)
    };
    Some(value.clamp(0.0, 1.0))
}

/// `P(low < (X, Y) ≤ high)`.
pub(super) fn rectangle(low: &[f64], high: &[f64], r: f64) -> f64 {
    // Turned so that the corner from which the tails are counted is the far one: a turn of one axis flips the correlation.
    let turn = |low: f64, high: f64| if low + high < 0.0 { (-high, -low, -1.0) } else { (low, high, 1.0) };
    let (h0, h1, sign_h) = turn(low[0], high[0]);
    let (k0, k1, sign_k) = turn(low[1], high[1]);
    let r = r * sign_h * sign_k;
    let upper = |h: f64, k: f64| bivariate_upper(h, k, r).unwrap_or(0.0);
    (upper(h0, k0) - upper(h1, k0)) - (upper(h0, k1) - upper(h1, k1))
}

/// Eq. (3): the integral over the angle whose sine is the correlation.
fn moderate(h: f64, k: f64, r: f64) -> f64 {
    let independent = Normal.sf(h) * Normal.sf(k);
    let (product, half_squares) = (h * k, 0.5 * (h * h + k * k));
    let density = |angle: f64| {
        let sine = angle.sin();
        ((sine * product - half_squares) / (1.0 - sine * sine)).exp()
    };
    independent + integral(0.0, r.asin(), density) / TAU
}

/// Eq. (6): what is missing to the perfectly correlated case, with the leading terms of its integrand taken out.
fn strong(h: f64, k: f64, r: f64) -> f64 {
    let k = if r < 0.0 { -k } else { k };
    let product = h * k;
    let missing = if r.abs() < 1.0 { missing_to_perfect(h, k, product, r) } else { 0.0 };
    if r > 0.0 { missing + Normal.sf(h.max(k)) } else { between(h, k) - missing }
}

fn missing_to_perfect(h: f64, k: f64, product: f64, r: f64) -> f64 {
    let rest = (1.0 - r) * (1.0 + r);
    let (width, squared_gap) = (rest.sqrt(), (h - k) * (h - k));
    let (c, d) = ((4.0 - product) / 8.0, (12.0 - product) / 80.0);
    let mut leading = 0.0;
    let exponent = -0.5 * (squared_gap / rest + product);
    if exponent > -745.0 {
        let bracket = 1.0 - c * (squared_gap - rest) * (1.0 - d * squared_gap) / 3.0 + c * d * rest * rest;
        leading = width * exponent.exp() * bracket;
    }
    if product > -745.0 {
        let gap = squared_gap.sqrt();
        let bracket = 1.0 - c * squared_gap * (1.0 - d * squared_gap) / 3.0;
        leading -= (-0.5 * product).exp() * TAU.sqrt() * Normal.sf(gap / width) * gap * bracket;
    }
    let remainder = |x: f64| {
        let square = x * x;
        let exponent = -0.5 * (squared_gap / square + product);
        if square == 0.0 || exponent <= -745.0 {
            return 0.0;
        }
        let expanded = 1.0 + c * square * (1.0 + 5.0 * d * square);
        let root = (1.0 - square).sqrt();
        let exact = (-0.5 * product * square / (1.0 + root).powi(2)).exp() / root;
        exponent.exp() * (exact - expanded)
    };
    -(leading + integral(0.0, width, remainder)) / TAU
}
