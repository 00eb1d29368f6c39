//! Empirical Bayes: what past experiments say of the effects that the next ones will have.
//!
//! | file | holds |
//! |---|---|
//! | `normal` | a normal prior, its mean and spread by maximum likelihood |
//! | `student_t` | Student's t about zero: mostly small effects, now and then a large one |
//! | `scale_mixture` | any mixture of normals about zero: the shape itself by maximum likelihood |
//! | `james_stein` | Stein's estimator, the oldest of them |
//! | `shrunken` | effects under a prior: posterior mean, interval, false sign rate |
//!
//! All maximise the likelihood of the estimates themselves, each with its own standard error: `yᵢ = θᵢ + eᵢ`, `θᵢ` from
//! the prior, `eᵢ ~ N(0, σᵢ²)`. The fitted [`Prior`] is what the estimator `bayes` takes, as
//! text, for the next experiment.
//!
//! Intervals take the fitted prior as known. With hundreds of experiments the means and signs under it are as good as
//! under the true one, but intervals of a mixture are too narrow, since the likeliest mixture is sharper than the truth:
//! of 90 % intervals after 300 experiments, one in five with a large effect, about 81 % covered.
//!
//! ```
//! use estimand_stats::empirical_bayes::Shape;
//! use estimand_stats::meta::{Studies, Study};
//! use estimand_stats::posterior::Prior;
//!
//! let past = [0.02, -0.01, 0.00, 0.03, -0.02, 0.01, 0.04, -0.03];
//! let studies = Studies::new(past.iter().map(|estimate| Study { estimate: *estimate, std_error: 0.01 }).collect())?;
//! let fitted = Shape::Normal.fit(&studies)?;
//! assert!(matches!(fitted.prior, Prior::Normal { sd, .. } if (sd - 0.020616).abs() < 1e-6));
//! # Ok::<(), estimand_stats::Error>(())
//! ```

mod james_stein;
mod normal;
mod scale_mixture;
mod shrunken;
mod student_t;

pub use james_stein::james_stein;
pub use shrunken::{Shrunken, shrink};

use crate::error::Error;
use crate::meta::Studies;
use crate::posterior::Prior;

/// The shape of a prior that is fitted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Shape {
    /// A normal with any mean.
    Normal,
    /// A mixture of normals about zero on a grid of spreads.
    ScaleMixture,
    /// Student's t about zero.
    #[default]
    StudentT,
}

/// A prior fitted to past experiments.
#[derive(Debug, Clone, PartialEq)]
pub struct Fitted {
    /// The prior.
    pub prior: Prior,
    /// The logarithm of the likelihood of the estimates under it, for comparing shapes.
    pub ln_likelihood: f64,
    /// Whether the estimates differ from the centre no more than their standard errors have it: the spread then stands
    /// at a thousandth of the smallest standard error, in the place of zero.
    pub no_spread: bool,
}

impl Shape {
    /// All of them, by name.
    pub const ALL: [Self; 3] = [Self::Normal, Self::ScaleMixture, Self::StudentT];

    /// The name in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::ScaleMixture => "scale_mixture",
            Self::StudentT => "student_t",
        }
    }

    /// The shape with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|shape| shape.name() == name)
    }

    /// The most likely prior of this shape.
    ///
    /// - **Needs** independent experiments, with effects in one unit: lifts, when metrics differ.
    /// - **Errors** with [`Error::OutOfRange`] for fewer than three studies.
    /// - **Source** Azevedo, Deng, Montiel Olea, Rao & Weyl (2020), section 5, for the t; Stephens (2017) for the
    ///   mixture.
    pub fn fit(self, studies: &Studies) -> Result<Fitted, Error> {
        studies.at_least(3, "a prior")?;
        let least = studies.iter().map(|study| study.std_error).fold(f64::INFINITY, f64::min);
        let found = match self {
            Self::Normal => normal::fit(studies)?,
            Self::ScaleMixture => scale_mixture::fit(studies),
            Self::StudentT => student_t::fit(studies),
        };
        let no_spread = found.is_none();
        let prior = found.unwrap_or(Prior::Normal {
            mean: if self == Self::Normal { studies.weighted_mean(0.0).0 } else { 0.0 },
            sd: 1e-3 * least,
        });
        let ln_likelihood = ln_likelihood(&prior, studies);
        Ok(Fitted { prior, ln_likelihood, no_spread })
    }
}

/// `Σ ln p(yᵢ)` under a prior; minus infinity under a flat one.
fn ln_likelihood(prior: &Prior, studies: &Studies) -> f64 {
    let Some(mixture) = prior.mixture() else { return f64::NEG_INFINITY };
    studies.iter().map(|study| mixture.ln_marginal(study.estimate, study.std_error)).sum()
}

/// The place of the maximum of a function between two points: the highest of some, refined by golden section.
fn maximum(low: f64, high: f64, f: impl Fn(f64) -> f64) -> f64 {
    const PLACES: u32 = 16;
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    let place = |step: u32| low + (high - low) * f64::from(step) / f64::from(PLACES);
    let heights: Vec<f64> = (0..=PLACES).map(|step| f(place(step))).collect();
    let best = (0..=PLACES).max_by(|a, b| heights[*a as usize].total_cmp(&heights[*b as usize])).unwrap_or(0);
    let (mut low, mut high) = (place(best.saturating_sub(1)), place((best + 1).min(PLACES)));
    let (mut left, mut right) = (high - GOLDEN * (high - low), low + GOLDEN * (high - low));
    let (mut at_left, mut at_right) = (f(left), f(right));
    // A maximum is flat: its place has half the digits of its height.
    while high - low > 1e-5 {
        if at_left < at_right {
            (low, left, at_left) = (left, right, at_right);
            right = low + GOLDEN * (high - low);
            at_right = f(right);
        } else {
            (high, right, at_right) = (right, left, at_left);
            left = high - GOLDEN * (high - low);
            at_left = f(left);
        }
    }
    0.5 * (low + high)
}
