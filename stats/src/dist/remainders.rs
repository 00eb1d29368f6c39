//! What the exponential and the logarithm hold beyond their first order, without cancellation.

/// `eˢ − 1 − s`, right to a few units in the last place.
pub(crate) fn exp_remainder(s: f64) -> f64 {
    if s.abs() > 0.5 {
        return s.exp_m1() - s;
    }
    // s²/2 · (1 + s/3 · (1 + s/4 · (…))): 14 factors reach 1e-17 at one half.
    s * s * (2..16).rev().fold(0.0, |sum, k| (1.0 + sum * s) / f64::from(k))
}

/// `ln(1 + z) − z`, right to a few units in the last place, for `z > −1`.
pub(crate) fn ln_remainder(z: f64) -> f64 {
    if z.abs() > 0.4 {
        return z.ln_1p() - z;
    }
    // ln(1 + z) = 2 artanh r with r = z/(2 + z), and 2r − z = −rz.
    let r = z / (2.0 + z);
    let square = r * r;
    let beyond = (0..14).rev().fold(0.0, |sum, k| sum * square + 1.0 / f64::from(2 * k + 3));
    r * (2.0 * square * beyond - z)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_arguments_keep_their_digits() {
        for s in [1e-9, -1e-9, 1e-4, -1e-4] {
            let exp = s * s / 2.0 * (1.0 + s / 3.0 + s * s / 12.0 + s * s * s / 60.0);
            assert!((exp_remainder(s) / exp - 1.0).abs() < 1e-15);
            let ln = -s * s / 2.0 * (1.0 - 2.0 * s / 3.0 + s * s / 2.0 - 0.4 * s * s * s);
            assert!((ln_remainder(s) / ln - 1.0).abs() < 1e-15);
        }
    }

    #[test]
    fn the_two_branches_meet() {
        for s in [0.5, -0.5] {
            assert!((exp_remainder(s) / (s.exp_m1() - s) - 1.0).abs() < 2e-15);
        }
        for z in [0.4_f64, -0.4] {
            assert!((ln_remainder(z) / (z.ln_1p() - z) - 1.0).abs() < 2e-15);
        }
    }
}
