//! One-way analysis of variance.

use super::{FTest, units};
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
    let pivot = arms[0].mean()?;
    let centres: Vec<f64> = arms.iter().filter_map(|arm| arm.mean().map(|mean| mean - pivot)).collect();
    let overall = arms.iter().zip(&centres).map(|(arm, centre)| arm.n() as f64 * centre).sum::<f64>() / total;
    let between = arms.iter().zip(&centres).map(|(arm, centre)| arm.n() as f64 * (centre - overall).powi(2)).sum();
    let within: f64 = arms.iter().map(Empirical::centred).sum();
    if within <= 0.0 || total <= k {
        return None;
    }
    let test = FTest::of(between / (k - 1.0) / (within / (total - k)), k - 1.0, total - k)?;
    Some(Anova { between, within, test })
}
