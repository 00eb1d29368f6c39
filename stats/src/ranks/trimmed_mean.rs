//! The trimmed mean of one arm.

use crate::empirical::Empirical;

/// The mean without a share of the smallest and the same share of the largest units, and its variance.
///
/// `g = ⌊γn⌋` units are left out at each end, `h = n − 2g` are kept. The variance of the mean is
/// `(n − 1)·s_w² / (h(h − 1))` with `s_w²` the Winsorised variance, in which each left-out unit has the value of the
/// nearest kept one.
///
/// - **Needs** the arm's distribution.
/// - **Gives** the trimmed mean of the population, which in a skewed one is not its mean. Without trimming the plain
///   mean with `s²/n`.
/// - **Assumes** independent units.
/// - **Source** Yuen (1974), "The two-sample trimmed t for unequal population variances"; Tukey & McLaughlin (1963).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrimmedMean {
    /// The estimate, in the unit of the metric.
    pub mean: f64,
    /// Units kept, `h`; the variance has one degree of freedom fewer.
    pub kept: u64,
    /// The variance of the estimate; `None` when fewer than two units are kept.
    pub variance: Option<f64>,
}

impl TrimmedMean {
    /// With the share `trim` left out at each end; `None` without units, or for a share outside `[0, ½)`.
    pub fn of(arm: Empirical<'_>, trim: f64) -> Option<TrimmedMean> {
        let n = arm.n();
        if n == 0 || !(0.0..0.5).contains(&trim) {
            return None;
        }
        let left_out = (trim * n as f64) as u64;
        let kept = n - 2 * left_out;
        let (low, high) = (arm.order_statistic(left_out + 1)?, arm.order_statistic(n - left_out)?);
        // From the smallest kept value: far from zero the sum of values alone would lose digits.
        let (mut below, mut sum, mut winsorised) = (0, 0.0, 0.0);
        for (value, count) in arm.iter() {
            let inside = (below + count).min(n - left_out).saturating_sub(below.max(left_out));
            sum += inside as f64 * (value.clamp(low, high) - low);
            winsorised += count as f64 * (value.clamp(low, high) - low);
            below += count;
        }
        let (mean, winsorised) = (low + sum / kept as f64, low + winsorised / n as f64);
        let squares: f64 =
            arm.iter().map(|(value, count)| count as f64 * (value.clamp(low, high) - winsorised).powi(2)).sum();
        let variance = (kept > 1).then(|| squares / (kept as f64 * (kept - 1) as f64));
        Some(TrimmedMean { mean, kept, variance })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fifth_of_ten_units_leaves_two_out_at_each_end() {
        let arm = Empirical::new(&[-100.0, 1.0, 2.0, 3.0, 900.0], &[1, 3, 2, 3, 1]).unwrap();
        let trimmed = TrimmedMean::of(arm, 0.2).unwrap();
        // Kept: 1, 1, 2, 2, 3, 3. Winsorised: 1 four times, 2 twice, 3 four times.
        assert_eq!((trimmed.mean, trimmed.kept), (2.0, 6));
        assert!((trimmed.variance.unwrap() - 8.0 / 30.0).abs() < 1e-15);
    }

    #[test]
    fn without_trimming_it_is_the_mean() {
        let arm = Empirical::new(&[1e9, 1e9 + 1.0, 1e9 + 5.0], &[2, 1, 4]).unwrap();
        let trimmed = TrimmedMean::of(arm, 0.0).unwrap();
        assert_eq!(Some(trimmed.mean), arm.mean());
        assert!((trimmed.variance.unwrap() - arm.centred() / 42.0).abs() < 1e-12);
    }

    #[test]
    fn what_cannot_be_trimmed_gives_none() {
        let arm = Empirical::new(&[1.0], &[1]).unwrap();
        assert_eq!(TrimmedMean::of(arm, 0.5), None);
        assert_eq!(TrimmedMean::of(Empirical::new(&[], &[]).unwrap(), 0.2), None);
        assert_eq!(TrimmedMean::of(arm, 0.2).unwrap().variance, None);
    }
}
