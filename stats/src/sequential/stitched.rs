//! The stitched boundary.

use super::{is_positive, ln_threshold};

/// Terms of the zeta function that are summed before the rest is taken from its expansion.
const ZETA_TERMS: u32 = 12;

/// A boundary for sub-gamma sums that grows like the law of the iterated logarithm.
///
/// With `ℓ = s·ln ln(ηV/m) + ln(ζ(s)/lnˢη) + ln(1/α)`, `k₁ = (η^¼ + η^−¼)/√2` and `k₂ = (√η + 1)/2`, at
/// `V ≥ m`: `√(k₁²Vℓ + (k₂cℓ)²) + k₂cℓ`. Before time `m` it is what it is at `m`. Linear bounds, one for each epoch
/// `ηʲ…ηʲ⁺¹` of intrinsic time, share `α` as `1/(j+1)ˢ`.
///
/// - **Needs** intrinsic time in squared units of the sum, and the scale `c` in units of the sum: 0 for sub-Gaussian,
///   `b/3` for values that exceed their mean by at most `b`.
/// - **Gives** a bound that holds at all times at once with probability `1 − α`. In no case narrower than a mixture
///   everywhere; narrower in the end.
/// - **Source** Howard et al. (2021), theorem 1 and equation 10.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stitched {
    v_min: f64,
    c: f64,
    s: f64,
    eta: f64,
}

impl Stitched {
    /// From intrinsic time `v_min` on, with scale `c`, exponent `s` and epochs that grow by `eta`.
    ///
    /// `None` unless `v_min > 0`, `c ≥ 0`, `s > 1` and `eta > 1`, all finite. Usual are `s = 1.4` and `eta = 2`.
    pub fn new(v_min: f64, c: f64, s: f64, eta: f64) -> Option<Self> {
        let sound = is_positive(v_min) && c.is_finite() && c >= 0.0 && is_positive(s - 1.0) && is_positive(eta - 1.0);
        sound.then_some(Self { v_min, c, s, eta })
    }

    /// The bound on the sum at time `v`; `None` unless `v ≥ 0` and `0 < alpha < 1`.
    pub fn boundary(&self, v: f64, alpha: f64) -> Option<f64> {
        let Self { v_min, c, s, eta } = *self;
        let threshold = ln_threshold(alpha)?;
        let v = (v >= 0.0 && v.is_finite()).then(|| v.max(v_min))?;
        let shares = zeta(s).ln() - s * eta.ln().ln();
        let ell = s * (eta.ln() + (v / v_min).ln()).ln() + shares + threshold;
        let k1_square = (eta.sqrt() + 1.0 / eta.sqrt() + 2.0) / 2.0;
        let linear = (eta.sqrt() + 1.0) / 2.0 * c * ell;
        Some((k1_square * v * ell + linear * linear).sqrt() + linear).filter(|bound| bound.is_finite())
    }
}

/// Riemann's zeta function for `s > 1`.
///
/// - **Source** Euler–Maclaurin, DLMF 25.2.9.
fn zeta(s: f64) -> f64 {
    let n = f64::from(ZETA_TERMS);
    let head: f64 = (1..ZETA_TERMS).map(|k| f64::from(k).powf(-s)).sum();
    // B₂ₖ/(2k)!, each times the rising product s(s+1)…(s+2k−2) over n^{s+2k−1}.
    const BERNOULLI: [f64; 6] = [
        1.0 / 12.0,
        -1.0 / 720.0,
        1.0 / 30_240.0,
        -1.0 / 1_209_600.0,
        1.0 / 47_900_160.0,
        -691.0 / 1_307_674_368_000.0,
    ];
    let mut rising = s;
    let mut power = n.powf(-s - 1.0);
    let mut tail = n.powf(1.0 - s) / (s - 1.0) + 0.5 * n.powf(-s);
    for (k, weight) in BERNOULLI.iter().enumerate() {
        tail += weight * rising * power;
        let next = s + 2.0 * k as f64 + 1.0;
        rising *= next * (next + 1.0);
        power /= n * n;
    }
    head + tail
}

#[cfg(test)]
mod tests {
    use super::zeta;

    #[test]
    fn zeta_is_known_at_even_numbers() {
        let pi_square = std::f64::consts::PI.powi(2);
        assert!((zeta(2.0) / (pi_square / 6.0) - 1.0).abs() < 1e-15);
        assert!((zeta(4.0) / (pi_square * pi_square / 90.0) - 1.0).abs() < 1e-15);
        // Apéry's constant.
        assert!((zeta(3.0) - 1.202_056_903_159_594_3).abs() < 1e-15);
    }
}
