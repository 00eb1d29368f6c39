//! The gamma function, as the factors that densities are made of.

use std::f64::consts::TAU;

/// Below this argument products are shorter than a series; from here on Stirling's series is exact to the last digit.
pub(crate) const STIRLING_FROM: f64 = 16.0;

/// Taylor coefficients of `1/Γ(1 + f)` about `f = 0`, without the leading one.
const RECIPROCAL_GAMMA_1P: [f64; 20] = [
    0.577_215_664_901_532_9,
    -0.655_878_071_520_253_9,
    -0.042_002_635_034_095_24,
    0.166_538_611_382_291_5,
    -0.042_197_734_555_544_34,
    -0.009_621_971_527_876_973,
    0.007_218_943_246_663_1,
    -0.001_165_167_591_859_065,
    -2.152_416_741_149_509_7e-4,
    1.280_502_823_881_162e-4,
    -2.013_485_478_078_824e-5,
    -1.250_493_482_142_670_7e-6,
    1.133_027_231_981_696e-6,
    -2.056_338_416_977_607e-7,
    6.116_095_104_481_416e-9,
    5.002_007_644_469_223e-9,
    -1.181_274_570_487_02e-9,
    1.043_426_711_691_100_5e-10,
    7.782_263_439_905_071e-12,
    -3.696_805_618_642_206e-12,
];

/// `Γ(1 + a)` for `0 ≤ a < 16`, to a few units in the last place.
///
/// - **Source** the Taylor series of `1/Γ` about 1 (DLMF 5.7.1), carried up by `Γ(1 + a) = a·Γ(a)` (DLMF 5.5.1).
pub(crate) fn gamma_1p(a: f64) -> f64 {
    let steps = a.round();
    let fraction = a - steps;
    let mut product = 1.0 / (1.0 + reciprocal_gamma_1p_minus_1(fraction));
    // Every factor is exact: a whole number taken from a double that is larger.
    let mut below = steps - 1.0;
    while below >= 0.0 {
        product *= a - below;
        below -= 1.0;
    }
    product
}

/// `ln Γ(1 + a)` for `0 ≤ a ≤ 1/2`, keeping its relative accuracy as `a` goes to zero.
pub(crate) fn ln_gamma_1p(a: f64) -> f64 {
    -reciprocal_gamma_1p_minus_1(a).ln_1p()
}

/// `1/Γ(1 + f) − 1` for `|f| ≤ 1/2`.
fn reciprocal_gamma_1p_minus_1(f: f64) -> f64 {
    RECIPROCAL_GAMMA_1P.iter().rev().fold(0.0, |sum, c| sum * f + c) * f
}

/// What Stirling's formula leaves out: `ln Γ(1 + a) − [½ ln(2πa) + a ln a − a]`, for `a > 0`.
///
/// - **Source** DLMF 5.11.1; the name and its use in densities are Loader's (2000), "Fast and accurate computation of
///   binomial probabilities".
pub(crate) fn stirling_error(a: f64) -> f64 {
    if a < STIRLING_FROM {
        return (gamma_1p(a) / (TAU * a).sqrt()).ln() - a * a.ln() + a;
    }
    const SERIES: [f64; 8] = [
        1.0 / 12.0,
        -1.0 / 360.0,
        1.0 / 1260.0,
        -1.0 / 1680.0,
        1.0 / 1188.0,
        -691.0 / 360_360.0,
        1.0 / 156.0,
        -3617.0 / 122_400.0,
    ];
    let square = 1.0 / (a * a);
    SERIES.iter().rev().fold(0.0, |sum, c| sum * square + c) / a
}

/// `Γ(a + ½) / Γ(a)` for `a > 0`, to a few units in the last place.
///
/// - **Source** DLMF 5.11.8 with `h = ¼` and `h = ¾` about `a − ¼`: the even powers cancel, so the series runs in `(a
///   − ¼)⁻²`.
pub(crate) fn half_step_ratio(a: f64) -> f64 {
    if a < STIRLING_FROM {
        let steps = (STIRLING_FROM - a).ceil();
        let (mut above, mut below, mut k) = (1.0, 1.0, 0.0);
        while k < steps {
            above *= a + k;
            below *= a + k + 0.5;
            k += 1.0;
        }
        return half_step_ratio(a + steps) * (above / below);
    }
    const SERIES: [f64; 6] = [
        1.0 / 64.0,
        -5.0 / 2048.0,
        61.0 / 49_152.0,
        -1385.0 / 1_048_576.0,
        50_521.0 / 20_971_520.0,
        -2_702_765.0 / 402_653_184.0,
    ];
    let w = a - 0.25;
    let square = 1.0 / (w * w);
    w.sqrt() * (SERIES.iter().rev().fold(0.0, |sum, c| sum * square + c) * square).exp()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::PI;

    fn assert_close(got: f64, want: f64) {
        assert!((got / want - 1.0).abs() < 2e-15, "{got} is not {want}");
    }

    #[test]
    fn factorials_are_exact_products() {
        let mut factorial = 1.0;
        for n in 1..16 {
            factorial *= f64::from(n);
            assert_close(gamma_1p(f64::from(n)), factorial);
        }
    }

    #[test]
    fn half_integers_are_multiples_of_root_pi() {
        assert_close(gamma_1p(0.5), PI.sqrt() / 2.0);
        assert_close(gamma_1p(3.5), PI.sqrt() * 105.0 / 16.0);
        assert_close(half_step_ratio(0.5), 1.0 / PI.sqrt());
    }

    #[test]
    fn the_half_step_ratio_multiplies_to_a() {
        // Γ(a + ½)/Γ(a) · Γ(a + 1)/Γ(a + ½) = a.
        for a in [1e-6, 0.3, 7.7, 15.9, 16.1, 250.25, 1e9] {
            assert_close(half_step_ratio(a) * half_step_ratio(a + 0.5), a);
        }
    }

    #[test]
    fn stirling_error_is_continuous_where_its_method_changes() {
        let (below, above) = (stirling_error(16.0 - 1e-9), stirling_error(16.0));
        assert!((below - above).abs() < 1e-11);
    }
}
