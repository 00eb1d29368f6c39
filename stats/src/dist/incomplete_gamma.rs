//! The regularised incomplete gamma functions `P(a, x)` and `Q(a, x) = 1 − P(a, x)`.
//!
//! Whichever of the two is small is computed directly, by the method that is quick and loses nothing at that place:
//!
//! | where | method |
//! |---|---|
//! | `x < a`, or `x < 1.1` | series for `P`, all terms positive (DLMF 8.7.1) |
//! | the same, `a < ½`, `P > ½` | Gautschi's (1979) two differences for `Q` |
//! | elsewhere above | Legendre's continued fraction for `Q`, the even part of DLMF 8.9.2 |
//! | `a ≥ 1000`, `x` within a tenth of `a` | Temme's uniform expansion (DLMF 8.12.3, 8.12.4, 8.12.7) |

use std::f64::consts::TAU;

use super::double_double::DoubleDouble;
use super::gamma_function::{STIRLING_FROM, gamma_1p, ln_gamma_1p, stirling_error};
use super::mills_ratio::mills_ratio;
use super::scaled::Scaled;
use super::tail::Tail;

/// More terms than any argument needs: the slowest place takes some 400.
const MAX_TERMS: usize = 20_000;

/// From this shape on, Temme's expansion cut after `a⁻³` is exact to a double near the centre.
const UNIFORM_FROM: f64 = 1000.0;

/// The tail of the distribution with shape `a > 0` cut at `x > 0`, both finite.
pub(crate) fn cut(a: f64, x: f64) -> Tail {
    let term = gamma_term(a, x);
    let excess = x - a;
    if a >= UNIFORM_FROM && excess.abs() <= 0.1 * a {
        return uniform(a, x);
    }
    if excess < 0.0 || x < 1.1 {
        let lower = term.times(power_series(a, x));
        if a < 0.5 && lower.value() > 0.5 {
            return Tail::Upper(Scaled::plain(upper_of_small_shape(a, x)));
        }
        return Tail::Lower(lower);
    }
    Tail::Upper(term.times(a * continued_fraction(a, excess)))
}

/// `xᵃe⁻ˣ/Γ(a + 1)`: the first term of the series for `P`, and `x/a` times the density.
pub(crate) fn gamma_term(a: f64, x: f64) -> Scaled {
    if a < STIRLING_FROM {
        let exponent = DoubleDouble::from(x).ln() * DoubleDouble::from(a) - DoubleDouble::from(x);
        return Scaled { factor: 1.0 / gamma_1p(a), exponent };
    }
    Scaled { factor: (-stirling_error(a)).exp() / (TAU * a).sqrt(), exponent: -deviance(a, x.into()) }
}

/// `x − a − a·ln(x/a)`, never negative and zero at `x = a`: half the Poisson deviance of a count `a` with expectation
/// `x`.
pub(crate) fn deviance(a: f64, x: DoubleDouble) -> DoubleDouble {
    let excess = x - DoubleDouble::from(a);
    let relative = excess.over(a);
    let ln_ratio = if relative.value().abs() < 0.4 { relative.ln_1p() } else { x.ln() - DoubleDouble::from(a).ln() };
    excess - ln_ratio * DoubleDouble::from(a)
}

/// `Σ xᵏ/(a+1)ₖ`.
fn power_series(a: f64, x: f64) -> f64 {
    let (mut term, mut sum, mut k) = (1.0, 1.0, a);
    for _ in 0..MAX_TERMS {
        k += 1.0;
        term *= x / k;
        sum += term;
        if term <= sum * (f64::EPSILON / 8.0) {
            break;
        }
    }
    sum
}

/// `Q(a, x)·Γ(a)/(xᵃe⁻ˣ)` for `x > a`, with `excess = x − a`: Legendre's continued fraction, evaluated forwards by
/// Lentz's method.
fn continued_fraction(a: f64, excess: f64) -> f64 {
    let mut b = excess + 1.0;
    let (mut value, mut above, mut below, mut n) = (b, b, 0.0, 0.0);
    for _ in 0..MAX_TERMS {
        n += 1.0;
        let numerator = n * (a - n);
        b += 2.0;
        below = 1.0 / (b + numerator * below);
        above = b + numerator / above;
        let step = above * below;
        value *= step;
        if (step - 1.0).abs() <= f64::EPSILON / 2.0 {
            break;
        }
    }
    1.0 / value
}

/// `Q(a, x)` for `a < ½` and `x < 1.1`, where `P` is so near one that its complement would have no digits left.
///
/// `Q = [1 − xᵃ/Γ(1+a)] − xᵃ/Γ(1+a) · Σ_{k≥1} a(−x)ᵏ/((a+k)·k!)`.
///
/// - **Source** Gautschi (1979), "A computational procedure for incomplete gamma functions", ACM TOMS 5.
fn upper_of_small_shape(a: f64, x: f64) -> f64 {
    let ln_power = a * x.ln() - ln_gamma_1p(a);
    let (mut power, mut sum, mut k) = (1.0_f64, 0.0, 0.0);
    // x ≤ 1.1: the terms fall below 1e-17 of the first within twenty.
    for _ in 0..30 {
        k += 1.0;
        power *= -x / k;
        sum += a * power / (a + k);
    }
    -ln_power.exp_m1() - ln_power.exp() * sum
}

/// Temme's expansion, for `a ≥ 1000` and `|x/a − 1| ≤ 0.1`.
///
/// With `½η² = λ − 1 − ln λ`, `λ = x/a` and `η` of the sign of `λ − 1`, `Q = ½ erfc(η√(a/2)) + S` and `P = ½
/// erfc(−η√(a/2)) − S`, where `S = e^{−aη²/2}/√(2πa) · Σ c_k(η)·a⁻ᵏ`. Both share the exponential, so the small tail
/// keeps its relative accuracy.
///
/// - **Source** Temme (1979), "The asymptotic expansion of the incomplete gamma functions", SIAM J. Math. Anal. 10;
///   DLMF 8.12.3, 8.12.4, 8.12.7. The power series of `c_k` follow from its recurrence in section 8.12(i).
fn uniform(a: f64, x: f64) -> Tail {
    const C: [&[f64]; 4] = [
        &[
            -1.0 / 3.0,
            1.0 / 12.0,
            -2.0 / 135.0,
            1.0 / 864.0,
            3.527_336_860_670_194e-4,
            -1.787_551_440_329_218e-4,
            3.919_263_178_522_438e-5,
            -2.185_448_510_679_992e-6,
            -1.854_062_210_715_16e-6,
            8.296_711_340_953_087e-7,
            -1.766_595_273_682_608e-7,
        ],
        &[
            -1.0 / 540.0,
            -1.0 / 288.0,
            1.0 / 378.0,
            -77.0 / 77_760.0,
            2.057_613_168_724_28e-4,
            -4.018_775_720_164_609e-7,
            -1.809_855_033_448_997_7e-5,
            7.649_160_916_081_11e-6,
        ],
        &[
            25.0 / 6048.0,
            -139.0 / 51_840.0,
            1.0 / 1296.0,
            2.009_387_860_082_304_7e-6,
            -1.073_665_322_636_516e-4,
            5.292_344_882_912_012_5e-5,
        ],
        &[6.494_341_563_786_008e-4, 2.294_720_936_213_992e-4, -4.691_894_943_952_557e-4, 2.677_206_320_628_388e-4],
    ];
    let deviance = deviance(a, x.into());
    let z = (2.0 * deviance.value()).sqrt();
    let above = x > a;
    let eta = if above { z } else { -z } / a.sqrt();
    let polynomial = |coefficients: &[f64]| coefficients.iter().rev().fold(0.0, |sum, c| sum * eta + c);
    let correction = C.iter().rev().fold(0.0, |sum, c| sum / a + polynomial(c)) / a.sqrt();
    let signed = if above { correction } else { -correction };
    let tail = Scaled { factor: (mills_ratio(z) + signed) / TAU.sqrt(), exponent: -deviance };
    if above { Tail::Upper(tail) } else { Tail::Lower(tail) }
}
