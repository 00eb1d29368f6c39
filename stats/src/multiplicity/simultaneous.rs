//! Intervals that hold all at once.

use super::{NotAFamily, check_effects};
use crate::contrast::Interval;
use crate::dist::{Alternative, Continuous, Normal};

/// Bonferroni's simultaneous intervals: `x ± z₁₋α/₂ₘ·s`, or one-sided ones at `α/m`.
///
/// An interval excludes zero exactly when Bonferroni's adjusted p-value is below `alpha`. For bounds that agree with
/// Holm's and other step-down tests see [`Graph::lower_bounds`](super::Graph::lower_bounds).
///
/// - **Needs** estimates and standard errors, near normal.
/// - **Errors** with [`NotAFamily`] for a standard error that is not positive, or an `alpha` outside (0, 1).
///
/// ```
/// use estimand_stats::dist::Alternative;
/// use estimand_stats::multiplicity::bonferroni_intervals;
///
/// let intervals = bonferroni_intervals(&[(0.30, 0.10), (0.20, 0.10)], 0.05, Alternative::TwoSided)?;
/// assert!(intervals[0].low > Some(0.07) && intervals[1].low < Some(0.0));
/// # Ok::<(), estimand_stats::multiplicity::NotAFamily>(())
/// ```
pub fn bonferroni_intervals(
    effects: &[(f64, f64)],
    alpha: f64,
    alternative: Alternative,
) -> Result<Vec<Interval>, NotAFamily> {
    check_effects(effects, alpha)?;
    let sides = if alternative == Alternative::TwoSided { 2.0 } else { 1.0 };
    let critical = Normal.isf(alpha / sides / effects.len().max(1) as f64).unwrap_or(f64::INFINITY);
    Ok(effects.iter().map(|(x, s)| Interval::around(*x, critical * s, alternative)).collect())
}
