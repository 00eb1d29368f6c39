//! Wilson's interval for one share.

use super::{Interval, critical_value};

/// Wilson's score interval for the share of `successes` among `units`.
///
/// `(p̂ + z²/2n ± z·√(p̂(1−p̂)/n + z²/4n²)) / (1 + z²/n)`.
///
/// - **Gives** `None` when `units` is zero, `successes` exceeds it, or `level` is outside (0, 1).
/// - **Source** Wilson (1927), "Probable inference, the law of succession, and statistical inference".
///
/// ```
/// use estimand_stats::two_proportions::wilson_interval;
///
/// let none_of_ten = wilson_interval(0, 10, 0.95).ok_or("counts and a level")?;
/// assert_eq!(none_of_ten.low, 0.0);
/// assert!((none_of_ten.high - 0.2775).abs() < 1e-4);
/// # Ok::<(), &'static str>(())
/// ```
pub fn wilson_interval(successes: u64, units: u64, level: f64) -> Option<Interval> {
    if units == 0 || successes > units {
        return None;
    }
    let square = critical_value(level)?.powi(2);
    let (x, failures, n) = (successes as f64, (units - successes) as f64, units as f64);
    let spread = (square * (x * failures / n + 0.25 * square)).sqrt();
    let centre = x + 0.5 * square;
    // The limit nearer to zero as a quotient, since the difference would cancel; likewise the one nearer to one.
    let low = x * x / n / (centre + spread);
    let high = 1.0 - failures * failures / n / (failures + 0.5 * square + spread);
    Some(Interval { low, high })
}
