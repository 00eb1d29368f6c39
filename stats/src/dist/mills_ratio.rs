//! Mills' ratio of the standard normal: its survival function over its density.
//!
//! Source: Cody (1969), "Rational Chebyshev approximations for the error function", in the arrangement of Cody (1993),
//! ACM TOMS Algorithm 715 (ANORM): three rational approximations, each exact to a double.

use std::f64::consts::TAU;

/// Up to here the centre is approximated; beyond, the tail.
const CENTRE: f64 = 0.662_91;

/// From here on the tail is approximated in `1/x²`.
const FAR: f64 = 5.656_854_249_492_381;

const CENTRE_ABOVE: [f64; 5] = [
    2.235_252_035_460_683_8,
    161.028_231_068_555_88,
    1_067.689_485_460_371,
    18_154.981_253_343_56,
    0.065_682_337_918_207_45,
];
const CENTRE_BELOW: [f64; 4] =
    [47.202_581_904_688_245, 976.098_551_737_776_7, 10_260.932_208_618_979, 45_507.789_335_026_73];
const NEAR_ABOVE: [f64; 9] = [
    0.398_941_512_088_134_66,
    8.883_149_794_388_377,
    93.506_656_132_177_85,
    597.270_276_394_800_3,
    2_494.537_585_290_372_6,
    6_848.190_450_536_283,
    11_602.651_437_647_35,
    9_842.714_838_383_978,
    1.076_557_677_372_019_3e-8,
];
const NEAR_BELOW: [f64; 8] = [
    22.266_688_044_328_117,
    235.387_901_782_625,
    1_519.377_599_407_554_7,
    6_485.558_298_266_761,
    18_615.571_640_885_097,
    34_900.952_721_145_98,
    38_912.003_286_093_27,
    19_685.429_676_859_992,
];
const FAR_ABOVE: [f64; 6] = [
    0.215_898_534_057_957,
    0.127_401_161_160_247_36,
    0.022_235_277_870_649_807,
    0.001_421_619_193_227_893_4,
    2.911_287_495_116_879_3e-5,
    0.023_073_441_764_940_174,
];
const FAR_BELOW: [f64; 5] = [
    1.284_260_096_144_911,
    0.468_238_212_480_865_1,
    0.065_988_137_868_928_56,
    0.003_782_396_332_027_582_4,
    7.297_515_550_839_662e-5,
];

/// `P(0 < Z < x)`, odd in `x`, for `|x| ≤ 0.66291`; `None` beyond.
pub(crate) fn normal_centre(x: f64) -> Option<f64> {
    if x.abs() > CENTRE {
        return None;
    }
    let square = x * x;
    let above = CENTRE_ABOVE[..3].iter().fold(CENTRE_ABOVE[4] * square, |sum, c| (sum + c) * square) + CENTRE_ABOVE[3];
    let below = CENTRE_BELOW[..3].iter().fold(square, |sum, c| (sum + c) * square) + CENTRE_BELOW[3];
    Some(x * above / below)
}

/// `P(Z > x) / φ(x)` for `x ≥ 0`: from `√(π/2)` at zero, falling like `1/x`.
pub(crate) fn mills_ratio(x: f64) -> f64 {
    if let Some(centre) = normal_centre(x) {
        return (0.5 - centre) * TAU.sqrt() * (0.5 * x * x).exp();
    }
    if x < FAR {
        let above = NEAR_ABOVE[..7].iter().fold(NEAR_ABOVE[8] * x, |sum, c| (sum + c) * x) + NEAR_ABOVE[7];
        let below = NEAR_BELOW[..7].iter().fold(x, |sum, c| (sum + c) * x) + NEAR_BELOW[7];
        return TAU.sqrt() * above / below;
    }
    let inverse = 1.0 / (x * x);
    let above = FAR_ABOVE[..4].iter().fold(FAR_ABOVE[5] * inverse, |sum, c| (sum + c) * inverse) + FAR_ABOVE[4];
    let below = FAR_BELOW[..4].iter().fold(inverse, |sum, c| (sum + c) * inverse) + FAR_BELOW[4];
    (1.0 - TAU.sqrt() * inverse * above / below) / x
}
