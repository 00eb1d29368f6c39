//! The standard normal distribution.

use std::f64::consts::TAU;

use super::double_double::DoubleDouble;
use super::mills_ratio::{mills_ratio, normal_centre};
use super::scaled::Scaled;
use super::{Continuous, is_probability};

/// The standard normal distribution: mean 0, variance 1.
///
/// `φ(x) = e^{−x²/2}/√(2π)`.
///
/// - **Gives** tails, their logarithms and quantiles to a relative 1e-14, for any double.
/// - **Source** Cody (1969) for the tails; Wichura (1988), Algorithm AS 241 (PPND16), for the quantile, with one
///   Newton step on the logarithm of the tail.
///
/// ```
/// use estimand_stats::dist::{Continuous, Normal};
///
/// assert!((Normal.sf(40.0).log10() + 349.437).abs() > 1.0); // below the doubles …
/// assert!((Normal.log10_sf(40.0) + 349.437).abs() < 1e-3); // … its logarithm is not
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Normal;

impl Continuous for Normal {
    fn pdf(&self, x: f64) -> f64 {
        Scaled { factor: 1.0 / TAU.sqrt(), exponent: half_square(x) }.value()
    }

    fn cdf(&self, x: f64) -> f64 {
        self.sf(-x)
    }

    fn sf(&self, x: f64) -> f64 {
        if x.is_nan() {
            return x;
        }
        match normal_centre(x) {
            Some(centre) => 0.5 - centre,
            None if x > 0.0 => upper_tail(x).value(),
            None => 1.0 - upper_tail(-x).value(),
        }
    }

    fn ln_cdf(&self, x: f64) -> f64 {
        self.ln_sf(-x)
    }

    fn ln_sf(&self, x: f64) -> f64 {
        if x > 1.0 { upper_tail(x).ln().value() } else { ln_near_one(self.sf(x), || self.sf(-x)) }
    }

    fn quantile(&self, p: f64) -> Option<f64> {
        self.isf(p).map(|x| -x)
    }

    fn isf(&self, p: f64) -> Option<f64> {
        if !is_probability(p) {
            None
        } else if p == 0.0 {
            Some(f64::INFINITY)
        } else if p <= 0.5 {
            Some(upper_quantile(p))
        } else if p == 1.0 {
            Some(f64::NEG_INFINITY)
        } else {
            // Exact: p lies within a factor of two of one.
            Some(-upper_quantile(1.0 - p))
        }
    }
}

/// The logarithm of a probability that may be next to one, from itself and its complement.
pub(super) fn ln_near_one(probability: f64, complement: impl FnOnce() -> f64) -> f64 {
    if probability < 0.5 { probability.ln() } else { (-complement()).ln_1p() }
}

/// `−x²/2`, exact.
fn half_square(x: f64) -> DoubleDouble {
    DoubleDouble::product(x, -0.5 * x)
}

/// `P(Z > x)` for `x ≥ 0`.
fn upper_tail(x: f64) -> Scaled {
    if x.is_infinite() {
        return Scaled::plain(0.0);
    }
    Scaled { factor: mills_ratio(x) / TAU.sqrt(), exponent: half_square(x) }
}

/// The `x ≥ 0` with `P(Z > x) = p`, for `0 < p ≤ ½`.
fn upper_quantile(p: f64) -> f64 {
    let q = 0.5 - p;
    if q <= 0.425 {
        let r = 0.180_625 - q * q;
        return q * rational(&CENTRE_ABOVE, &CENTRE_BELOW, r);
    }
    let ln_p = DoubleDouble::from(p).ln();
    let r = (-ln_p.value()).sqrt();
    let x =
        if r <= 5.0 { rational(&TAIL_ABOVE, &TAIL_BELOW, r - 1.6) } else { rational(&FAR_ABOVE, &FAR_BELOW, r - 5.0) };
    // d ln P/dx = −φ/P: Newton's step is the gap of logarithms times Mills' ratio.
    x + (upper_tail(x).ln() - ln_p).value() * mills_ratio(x)
}

fn rational(above: &[f64; 8], below: &[f64; 8], r: f64) -> f64 {
    let polynomial = |coefficients: &[f64; 8]| coefficients.iter().rev().fold(0.0, |sum, c| sum * r + c);
    polynomial(above) / polynomial(below)
}

const CENTRE_ABOVE: [f64; 8] = [
    3.387_132_872_796_366_5,
    133.141_667_891_784_38,
    1_971.590_950_306_551_3,
    13_731.693_765_509_46,
    45_921.953_931_549_87,
    67_265.770_927_008_7,
    33_430.575_583_588_13,
    2_509.080_928_730_122_7,
];
const CENTRE_BELOW: [f64; 8] = [
    1.0,
    42.313_330_701_600_91,
    687.187_007_492_057_9,
    5_394.196_021_424_751,
    21_213.794_301_586_597,
    39_307.895_800_092_71,
    28_729.085_735_721_943,
    5_226.495_278_852_854,
];
const TAIL_ABOVE: [f64; 8] = [
    1.423_437_110_749_683_5,
    4.630_337_846_156_546,
    5.769_497_221_460_691,
    3.647_848_324_763_204_5,
    1.270_458_252_452_368_4,
    0.241_780_725_177_450_6,
    0.022_723_844_989_269_184,
    7.745_450_142_783_414e-4,
];
const TAIL_BELOW: [f64; 8] = [
    1.0,
    2.053_191_626_637_759,
    1.676_384_830_183_803_8,
    0.689_767_334_985_1,
    0.148_103_976_427_480_08,
    0.015_198_666_563_616_457,
    5.475_938_084_995_345e-4,
    1.050_750_071_644_416_9e-9,
];
const FAR_ABOVE: [f64; 8] = [
    6.657_904_643_501_103,
    5.463_784_911_164_114,
    1.784_826_539_917_291_3,
    0.296_560_571_828_504_87,
    0.026_532_189_526_576_124,
    0.001_242_660_947_388_078_4,
    2.711_555_568_743_487_6e-5,
    2.010_334_399_292_288_1e-7,
];
const FAR_BELOW: [f64; 8] = [
    1.0,
    0.599_832_206_555_888,
    0.136_929_880_922_735_8,
    0.014_875_361_290_850_615,
    7.868_691_311_456_133e-4,
    1.846_318_317_510_054_8e-5,
    1.421_511_758_316_446e-7,
    2.044_263_103_389_939_8e-15,
];
