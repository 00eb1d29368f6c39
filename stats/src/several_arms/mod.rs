//! Several arms at once: whether any differs from any other.
//!
//! Each test is a function of the arms' [`Empirical`] distributions. They answer the question before the comparisons of
//! single arms, or about their spread; no effect with an interval comes out of them.
//!
//! | file | hypothesis | assumes |
//! |---|---|---|
//! | `anova` | equal means | normal outcomes of one variance |
//! | `brown_forsythe` | equal spread about the median, or the mean (Levene) | |
//! | `kruskal_wallis` | equal distributions, by ranks | |
//! | `tukey` | equal means, pair by pair | normal outcomes of one variance |
//! | `welch` | equal means | means that are near normal |
//!
//! ```
//! use estimand_stats::empirical::Empirical;
//! use estimand_stats::several_arms;
//!
//! let arms = [[1.0, 2.0, 4.0], [2.0, 3.0, 5.0], [6.0, 8.0, 9.0]];
//! let arms = arms.each_ref().map(|values| Empirical::new(values, &[1, 1, 1]));
//! let arms: Vec<Empirical<'_>> = arms.into_iter().collect::<Result<_, _>>()?;
//! let test = several_arms::welch_anova(&arms).ok_or("every arm varies")?;
//! assert!(test.tail.p < 0.05 && test.numerator_df == 2.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod anova;
mod brown_forsythe;
mod kruskal_wallis;
mod tukey;
mod welch;

pub use anova::{Anova, anova};
pub use brown_forsythe::{Centre, brown_forsythe};
pub use kruskal_wallis::kruskal_wallis;
pub use tukey::{Pair, tukey};
pub use welch::welch_anova;

use crate::dist::{FisherF, TailProbability};
use crate::empirical::Empirical;

/// An F test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FTest {
    /// The statistic.
    pub statistic: f64,
    /// Degrees of freedom of its numerator.
    pub numerator_df: f64,
    /// Degrees of freedom of its denominator.
    pub denominator_df: f64,
    /// The p-value and its logarithm.
    pub tail: TailProbability,
}

impl FTest {
    fn of(statistic: f64, numerator_df: f64, denominator_df: f64) -> Option<FTest> {
        let tail = TailProbability::upper(&FisherF::new(numerator_df, denominator_df)?, statistic)?;
        Some(FTest { statistic, numerator_df, denominator_df, tail })
    }
}

/// Units in all arms; `None` for fewer than two arms, or an empty one.
fn units(arms: &[Empirical<'_>]) -> Option<f64> {
    let all_have_units = arms.len() >= 2 && arms.iter().all(|arm| arm.n() > 0);
    all_have_units.then(|| arms.iter().map(|arm| arm.n() as f64).sum())
}
