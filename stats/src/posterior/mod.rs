//! Posteriors: what data and a prior together say of one number, exact and without sampling.
//!
//! | file | holds |
//! |---|---|
//! | `prior` | what was believed of an effect before: nothing, a normal, Student's t, a mixture of normals |
//! | `normal_mixture` | the posterior of a normal estimate under any of those |
//! | `rate` | one share or one rate of counts under its conjugate prior: beta, gamma |
//! | `two_rates` | two independent ones compared: difference, lift, odds ratio |
//! | `highest_density` | the shortest interval |
//! | `quadrature`, `tail_root` | the integrals, and the points where a tail has a given probability |
//!
//! ```
//! use estimand_stats::posterior::{Posterior, Prior};
//!
//! // An estimate of 4 % with a standard error of 2 %, where effects of such experiments spread by 1 %.
//! let prior = Prior::Normal { mean: 0.0, sd: 0.01 };
//! let posterior = prior.posterior(0.04, 0.02).ok_or("a positive standard error")?;
//! assert!((posterior.mean().ok_or("a mean")? - 0.008).abs() < 1e-15);
//! assert!((posterior.sf(0.0) - 0.814453).abs() < 1e-6);
//! # Ok::<(), &'static str>(())
//! ```

mod highest_density;
mod normal_mixture;
mod prior;
mod quadrature;
mod rate;
mod tail_root;
mod two_rates;

pub use normal_mixture::{Component, NormalMixture};
pub use prior::{NotAPrior, Prior};
pub use rate::Rate;
pub use two_rates::{Comparison, RateEffect, TwoRates};

use crate::contrast::Interval;
use crate::dist::Alternative;

/// A distribution of belief over the line, with everything a decision asks of it.
///
/// - **Gives** `None` for a moment that does not exist, and for a quantile of what is no probability. No answer is NaN
///   when no argument is.
pub trait Posterior {
    /// The density at `x`.
    fn pdf(&self, x: f64) -> f64;

    /// `P(X ≤ x)`.
    fn cdf(&self, x: f64) -> f64;

    /// `P(X > x)`, with its own digits where it is small.
    fn sf(&self, x: f64) -> f64;

    /// The `x` with `P(X ≤ x) = p`, for `p` inside (0, 1).
    fn quantile(&self, p: f64) -> Option<f64>;

    /// The `x` with `P(X > x) = p`, for `p` inside (0, 1).
    fn isf(&self, p: f64) -> Option<f64>;

    /// The mean.
    fn mean(&self) -> Option<f64>;

    /// The standard deviation.
    fn sd(&self) -> Option<f64>;

    /// `E max(−X, 0)`: what is lost on average against zero.
    fn shortfall(&self) -> Option<f64>;

    /// `E max(X, 0)`: what is won on average over zero.
    fn excess(&self) -> Option<f64>;

    /// Whether the density rises to one peak and falls from it.
    fn has_one_peak(&self) -> bool {
        true
    }

    /// `P(low < X ≤ high)`, from the tail that keeps its digits.
    fn between(&self, low: f64, high: f64) -> f64 {
        let inside = if self.cdf(low) < 0.5 { self.cdf(high) - self.cdf(low) } else { self.sf(low) - self.sf(high) };
        inside.clamp(0.0, 1.0)
    }
}

/// How a credible interval is laid.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Credible {
    /// As much probability below it as above.
    #[default]
    EqualTailed,
    /// The shortest one.
    HighestDensity,
}

impl Credible {
    /// The interval that holds `level` of the posterior; one-sided when the alternative is.
    ///
    /// - **Gives** `None` when `level` is outside (0, 1), or an end leaves the range of doubles.
    pub fn interval(self, posterior: &dyn Posterior, level: f64, alternative: Alternative) -> Option<Interval> {
        if !(level > 0.0 && level < 1.0) {
            return None;
        }
        let outside = 1.0 - level;
        let ends = match (alternative, self) {
            (Alternative::Greater, _) => Interval { low: Some(posterior.quantile(outside)?), high: None },
            (Alternative::Less, _) => Interval { low: None, high: Some(posterior.isf(outside)?) },
            (Alternative::TwoSided, Self::EqualTailed) => {
                Interval { low: Some(posterior.quantile(outside / 2.0)?), high: Some(posterior.isf(outside / 2.0)?) }
            }
            (Alternative::TwoSided, Self::HighestDensity) => highest_density::interval(posterior, level)?,
        };
        [ends.low, ends.high].iter().flatten().all(|end| end.is_finite()).then_some(ends)
    }
}
