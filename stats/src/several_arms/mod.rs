//! Several arms at once: whether any differs from any other.
//!
//! Each test is a function of the arms' [`Empirical`] distributions. Three answer the question before the comparisons of
//! single arms, one is about their spread, and two compare the arms in pairs, with intervals that hold all at once.
//!
//! | file | hypothesis | assumes |
//! |---|---|---|
//! | `anova` | equal means | normal outcomes of one variance |
//! | `brown_forsythe` | equal spread about the median, or the mean (Levene) | |
//! | `dunnett` | equal means, each arm against one control | normal outcomes of one variance |
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
mod dunnett;
mod kruskal_wallis;
mod tukey;
mod welch;

pub use anova::{Anova, anova};
pub use brown_forsythe::{Centre, brown_forsythe};
pub use dunnett::dunnett;
pub use kruskal_wallis::kruskal_wallis;
pub use tukey::tukey;
pub use welch::welch_anova;
pub(crate) use welch::{Group, welch_test};

use crate::contrast::Interval;
use crate::dist::{Alternative, FisherF, TailProbability};
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
    pub(crate) fn of(statistic: f64, numerator_df: f64, denominator_df: f64) -> Option<FTest> {
        let tail = TailProbability::upper(&FisherF::new(numerator_df, denominator_df)?, statistic)?;
        Some(FTest { statistic, numerator_df, denominator_df, tail })
    }
}

/// The difference of two arms among several, with the number of comparisons paid for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// The arms, by their place; the difference is of the first less the second.
    pub arms: (usize, usize),
    /// The difference of means.
    pub difference: f64,
    /// Its standard error, from the variance within all arms.
    pub std_error: f64,
    /// The interval; those of all comparisons cover at once.
    pub interval: Interval,
    /// The p-value, adjusted for all comparisons.
    pub tail: TailProbability,
}

/// The arms' means and the variance within them, which all arms share.
struct OneVariance<'a> {
    arms: &'a [Empirical<'a>],
    centres: Vec<f64>,
    variance: f64,
    df: f64,
}

impl<'a> OneVariance<'a> {
    /// Of two arms or more, all with units, that vary.
    fn of(arms: &'a [Empirical<'a>]) -> Option<Self> {
        let df = units(arms)? - arms.len() as f64;
        let centred = centred(arms)?;
        let variance = centred.iter().map(|arm| arm.squares).sum::<f64>() / df;
        let centres = centred.iter().map(|arm| arm.centre).collect();
        (df >= 1.0 && variance > 0.0).then_some(OneVariance { arms, centres, variance, df })
    }

    /// The first arm less the second, with the interval of so many standard errors and the p-value of `t`.
    fn pair(
        &self,
        (a, b): (usize, usize),
        critical: f64,
        tail: impl Fn(f64) -> Option<TailProbability>,
    ) -> Option<Pair> {
        let difference = self.centres[a] - self.centres[b];
        let std_error = (self.variance * (1.0 / self.arms[a].n() as f64 + 1.0 / self.arms[b].n() as f64)).sqrt();
        let interval = Interval::around(difference, critical * std_error, Alternative::TwoSided);
        Some(Pair { arms: (a, b), difference, std_error, interval, tail: tail(difference / std_error)? })
    }
}

/// The place and the spread of one arm.
struct Centred {
    /// The mean less a pivot that all arms share: far from zero the means alone would lose their difference.
    centre: f64,
    /// `Σ(y − ȳ)²`.
    squares: f64,
}

/// The place and the spread of each arm; `None` when one has no units.
fn centred(arms: &[Empirical<'_>]) -> Option<Vec<Centred>> {
    let pivot = arms.first()?.mean()?;
    let of = |arm: &Empirical<'_>| match arm.values() {
        [] => None,
        // What rounding would leave of it is no spread.
        [only] => Some(Centred { centre: only - pivot, squares: 0.0 }),
        _ => {
            let sum: f64 = arm.iter().map(|(value, count)| count as f64 * (value - pivot)).sum();
            let centre = sum / arm.n() as f64;
            let squares = arm.iter().map(|(value, count)| count as f64 * (value - pivot - centre).powi(2)).sum();
            Some(Centred { centre, squares })
        }
    };
    arms.iter().map(of).collect()
}

/// Units in all arms; `None` for fewer than two arms, or an empty one.
fn units(arms: &[Empirical<'_>]) -> Option<f64> {
    let all_have_units = arms.len() >= 2 && arms.iter().all(|arm| arm.n() > 0);
    all_have_units.then(|| arms.iter().map(|arm| arm.n() as f64).sum())
}
