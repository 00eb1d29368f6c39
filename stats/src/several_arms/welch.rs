//! Welch's analysis of variance.

use super::{Centred, FTest, centred, units};
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
    let group = |(arm, Centred { centre, squares }): (&Empirical<'_>, Centred)| {
        let df = arm.n() as f64 - 1.0;
        let variance = squares / df;
        (arm.n() > 1 && variance > 0.0).then_some(Group { weight: arm.n() as f64 / variance, centre, df })
    };
    welch_test(&arms.iter().zip(centred(arms)?).map(group).collect::<Option<Vec<_>>>()?)
}

/// A mean with an estimated variance of its own.
pub(crate) struct Group {
    /// One over the estimated variance of the mean.
    pub weight: f64,
    /// The mean, from a pivot that all groups share.
    pub centre: f64,
    /// Degrees of freedom of the variance; infinite when it counts as known.
    pub df: f64,
}

/// Welch's F of two groups or more; `None` when every variance counts as known, or a number leaves the range of doubles.
pub(crate) fn welch_test(groups: &[Group]) -> Option<FTest> {
    let k = groups.len() as f64;
    let total: f64 = groups.iter().map(|group| group.weight).sum();
    let mean: f64 = groups.iter().map(|group| group.weight / total * group.centre).sum();
    let between: f64 = groups.iter().map(|group| group.weight * (group.centre - mean).powi(2)).sum();
    let lambda: f64 = groups.iter().map(|group| (1.0 - group.weight / total).powi(2) / group.df).sum();
    let statistic = between / (k - 1.0) / (1.0 + 2.0 * (k - 2.0) * lambda / (k * k - 1.0));
    FTest::of(statistic, k - 1.0, (k * k - 1.0) / (3.0 * lambda))
}
