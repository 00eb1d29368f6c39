//! Equal spread: Levene's test and Brown and Forsythe's.

use super::{FTest, anova};
use crate::empirical::Empirical;

/// What the spread is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Centre {
    /// The mean: Levene's test, for symmetric outcomes.
    Mean,
    /// The median: Brown and Forsythe's, whatever the shape.
    #[default]
    Median,
}

/// Tests whether all arms spread alike: the analysis of variance of the distances from each arm's centre.
///
/// - **Gives** `None` as [`anova`] does, of the distances.
/// - **Assumes** independent units.
/// - **Source** Levene (1960); Brown & Forsythe (1974), "Robust tests for the equality of variances".
pub fn brown_forsythe(arms: &[Empirical<'_>], centre: Centre) -> Option<FTest> {
    let distances: Vec<(Vec<f64>, Vec<u64>)> = arms.iter().map(|arm| distances(*arm, centre)).collect::<Option<_>>()?;
    let laws = distances.iter().map(|(values, counts)| Empirical::new(values, counts).ok());
    anova(&laws.collect::<Option<Vec<_>>>()?).map(|anova| anova.test)
}

/// The distribution of `|y − centre|`.
fn distances(arm: Empirical<'_>, centre: Centre) -> Option<(Vec<f64>, Vec<u64>)> {
    let centre = match centre {
        Centre::Mean => arm.mean()?,
        Centre::Median => arm.quantile(0.5)?,
    };
    // Two values on both sides of the centre have one distance, whatever rounding makes of it.
    let rounding = arm.range().map_or(0.0, |(low, high)| 4.0 * f64::EPSILON * low.abs().max(high.abs()));
    let mut sizes: Vec<(f64, u64)> = arm.iter().map(|(value, count)| ((value - centre).abs(), count)).collect();
    sizes.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let (mut values, mut counts): (Vec<f64>, Vec<u64>) = (Vec::new(), Vec::new());
    for (size, count) in sizes {
        if values.last().is_some_and(|last| size - last <= rounding) {
            counts.last_mut().into_iter().for_each(|sum| *sum += count);
        } else {
            values.push(size);
            counts.push(count);
        }
    }
    Some((values, counts))
}
