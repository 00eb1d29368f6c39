//! One-way analysis of variance.

use super::{Centred, FTest, centred, units};
use crate::empirical::Empirical;

/// The decomposition of the sum of squares, and its F test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Anova {
    /// `Σ nₐ(ȳₐ − ȳ)²`.
    pub between: f64,
    /// `Σₐ Σ(y − ȳₐ)²`.
    pub within: f64,
    /// The test of equal means.
    pub test: FTest,
}

/// Tests whether all arms have one mean.
///
/// `F = (between/(k − 1)) / (within/(N − k))`.
///
/// - **Gives** `None` with fewer than two arms, an empty arm, as many arms as units, or when no arm varies.
/// - **Assumes** independent normal outcomes of one variance.
/// - **Source** Fisher (1925), "Statistical Methods for Research Workers", chapter 7.
pub fn anova(arms: &[Empirical<'_>]) -> Option<Anova> {
    let (total, k) = (units(arms)?, arms.len() as f64);
    let centred = centred(arms)?;
    let sum = |of: &dyn Fn(&Centred) -> f64| -> f64 {
        arms.iter().zip(&centred).map(|(arm, own)| arm.n() as f64 * of(own)).sum()
    };
    let overall = sum(&|own| own.centre) / total;
    let between = sum(&|own| (own.centre - overall).powi(2));
    let within: f64 = centred.iter().map(|own| own.squares).sum();
    if within <= 0.0 || total <= k {
        return None;
    }
    let test = FTest::of(between / (k - 1.0) / (within / (total - k)), k - 1.0, total - k)?;
    Some(Anova { between, within, test })
}
