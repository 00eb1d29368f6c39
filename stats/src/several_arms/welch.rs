//! Welch's analysis of variance.

use super::{FTest, units};
use crate::empirical::Empirical;

/// Tests whether all arms have one mean, each with a variance of its own.
///
/// With `wₐ = nₐ/s²ₐ`, `W = Σwₐ`, `ỹ = Σwₐȳₐ/W` and `Λ = Σ(1 − wₐ/W)²/(nₐ − 1)`:
/// `F = Σwₐ(ȳₐ − ỹ)²/(k − 1) / (1 + 2(k − 2)Λ/(k² − 1))`, with `k − 1` and `(k² − 1)/(3Λ)` degrees of freedom. Of two
/// arms it is the square of Welch's t.
///
/// - **Gives** `None` with fewer than two arms, an arm of fewer than two units, or one that does not vary.
/// - **Assumes** independent units, and means that are near normal.
/// - **Source** Welch (1951), "On the comparison of several mean values", equation (29).
pub fn welch_anova(arms: &[Empirical<'_>]) -> Option<FTest> {
    units(arms)?;
    let k = arms.len() as f64;
    let pivot = arms[0].mean()?;
    let weigh = |arm: &Empirical<'_>| {
        let n = arm.n() as f64;
        let variance = arm.centred() / (n - 1.0);
        (arm.n() > 1 && variance > 0.0).then(|| Some((n / variance, arm.mean()? - pivot, n - 1.0))).flatten()
    };
    let arms: Vec<(f64, f64, f64)> = arms.iter().map(weigh).collect::<Option<_>>()?;
    let total: f64 = arms.iter().map(|(weight, ..)| weight).sum();
    let centre = arms.iter().map(|(weight, mean, _)| weight / total * mean).sum::<f64>();
    let between: f64 = arms.iter().map(|(weight, mean, _)| weight * (mean - centre).powi(2)).sum();
    let lambda: f64 = arms.iter().map(|(weight, _, df)| (1.0 - weight / total).powi(2) / df).sum();
    let statistic = between / (k - 1.0) / (1.0 + 2.0 * (k - 2.0) * lambda / (k * k - 1.0));
    FTest::of(statistic, k - 1.0, (k * k - 1.0) / (3.0 * lambda))
}
