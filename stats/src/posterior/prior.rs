//! What was believed of an effect before its experiment.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::normal_mixture::{Component, NormalMixture};

/// A prior for an effect, written as a word and numbers between colons.
///
/// ```
/// use estimand_stats::posterior::Prior;
///
/// let prior: Prior = "normal:0:0.3".parse()?;
/// assert_eq!(prior, Prior::Normal { mean: 0.0, sd: 0.3 });
/// assert_eq!("t:0:0.05:3".parse::<Prior>()?.to_string(), "t:0:0.05:3");
/// # Ok::<(), estimand_stats::posterior::NotAPrior>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Prior {
    /// Nothing: every effect as likely as any other.
    #[default]
    Flat,
    /// A normal.
    Normal {
        /// Its mean.
        mean: f64,
        /// Its standard deviation.
        sd: f64,
    },
    /// Student's t: mostly small effects, now and then a large one.
    StudentT {
        /// Its centre.
        mean: f64,
        /// Its scale.
        scale: f64,
        /// Its degrees of freedom.
        df: f64,
    },
    /// A mixture of normals, such as one fitted to past experiments.
    Mixture(NormalMixture),
}

/// Fewest degrees of freedom of a Student prior: below them its mixture would need scales beyond the doubles.
pub(crate) const LEAST_DF: f64 = 0.5;

impl Prior {
    /// How a prior is written.
    pub const FORMS: &str = "`flat`, `normal:MEAN:SD`, `t:CENTRE:SCALE:DF`, or `mixture:WEIGHT:MEAN:SD` with as many more `:WEIGHT:MEAN:SD` as needed";

    /// What stands of it after an estimate with a known standard error: always a mixture of normals.
    ///
    /// - **Gives** `None` when the standard error or a scale of the prior is not positive, degrees of freedom are below
    ///   a half, or a number leaves the range of doubles.
    pub fn posterior(&self, estimate: f64, std_error: f64) -> Option<NormalMixture> {
        match self {
            Self::Flat => NormalMixture::normal(estimate, std_error),
            _ => self.mixture()?.update(estimate, std_error),
        }
    }

    /// The prior as a mixture of normals; `None` for a flat one, or one that makes no sense.
    pub fn mixture(&self) -> Option<NormalMixture> {
        match self {
            Self::Flat => None,
            Self::Normal { mean, sd } => NormalMixture::normal(*mean, *sd),
            Self::StudentT { mean, scale, df } => student_t(*mean, *scale, *df),
            Self::Mixture(mixture) => Some(mixture.clone()),
        }
    }

    /// The same prior of `factor·X`; `None` when the factor is zero and the prior not flat.
    #[must_use]
    pub fn scaled(&self, factor: f64) -> Option<Self> {
        Some(match self {
            Self::Flat => Self::Flat,
            _ if !(factor.is_finite() && factor != 0.0) => return None,
            Self::Normal { mean, sd } => Self::Normal { mean: mean * factor, sd: sd * factor.abs() },
            Self::StudentT { mean, scale, df } => {
                Self::StudentT { mean: mean * factor, scale: scale * factor.abs(), df: *df }
            }
            Self::Mixture(mixture) => Self::Mixture(mixture.scaled(factor)?),
        })
    }
}

/// A text that is no prior.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{text}` is no prior; expected {}", Prior::FORMS)]
pub struct NotAPrior {
    /// What was given.
    pub text: String,
}

impl fmt::Display for Prior {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flat => write!(f, "flat"),
            Self::Normal { mean, sd } => write!(f, "normal:{mean}:{sd}"),
            Self::StudentT { mean, scale, df } => write!(f, "t:{mean}:{scale}:{df}"),
            Self::Mixture(mixture) => {
                write!(f, "mixture")?;
                mixture.components().iter().try_for_each(|part| write!(f, ":{}:{}:{}", part.weight, part.mean, part.sd))
            }
        }
    }
}

impl FromStr for Prior {
    type Err = NotAPrior;

    fn from_str(text: &str) -> Result<Self, NotAPrior> {
        let refused = || NotAPrior { text: text.to_owned() };
        let mut parts = text.split(':');
        let word = parts.next().unwrap_or_default();
        let numbers: Vec<f64> = parts.map(str::parse).collect::<Result<_, _>>().map_err(|_| refused())?;
        let prior = match (word, numbers.as_slice()) {
            ("flat", []) => return Ok(Self::Flat),
            ("normal", [mean, sd]) => Self::Normal { mean: *mean, sd: *sd },
            ("t", [mean, scale, df]) => Self::StudentT { mean: *mean, scale: *scale, df: *df },
            ("mixture", numbers) if numbers.len() % 3 == 0 => {
                let component = |part: &[f64]| Component { weight: part[0], mean: part[1], sd: part[2] };
                Self::Mixture(NormalMixture::new(numbers.chunks_exact(3).map(component)).ok_or_else(refused)?)
            }
            _ => return Err(refused()),
        };
        prior.mixture().map(|_| prior).ok_or_else(refused)
    }
}

/// Student's t as a mixture of normals: `N(m, s²/w)` with `w` gamma with shape and rate `ν/2`.
///
/// The trapezoidal rule over `u = ln w`, whose density is analytic and falls exponentially on both sides, so that the
/// rule's error does too: at this step it is below the spacing of doubles.
///
/// - **Source** Trefethen & Weideman (2014), theorem 5.1, on the rule.
fn student_t(mean: f64, scale: f64, df: f64) -> Option<NormalMixture> {
    if !(df >= LEAST_DF && df.is_finite()) {
        return None;
    }
    let shape = df / 2.0;
    let step = (0.5 / shape.sqrt()).min(0.25);
    let component = |u: f64| Component { weight: (shape * (u - u.exp_m1())).exp(), mean, sd: scale * (-0.5 * u).exp() };
    let side = |direction: f64| {
        (0_u32..).map(move |k| component(direction * f64::from(k) * step)).take_while(|part| part.weight > 1e-18)
    };
    NormalMixture::new(side(-1.0).skip(1).chain(side(1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dist::{Continuous, StudentT};
    use crate::posterior::Posterior;

    #[test]
    fn the_mixture_is_students_t() {
        for df in [0.5, 1.0, 3.0, 10.0, 1e3, 1e6] {
            let mixture = Prior::StudentT { mean: 1.0, scale: 2.0, df }.mixture().unwrap();
            let exact = StudentT::new(df).unwrap();
            for t in [-30.0, -2.0, -0.1, 0.0, 1.0, 3.0] {
                let got = mixture.sf(1.0 + 2.0 * t);
                assert!((got - exact.sf(t)).abs() < 1e-13, "{df}, {t}: {got}");
            }
        }
    }

    #[test]
    fn a_prior_that_makes_no_sense_has_no_posterior() {
        assert_eq!(Prior::Normal { mean: 0.0, sd: 0.0 }.posterior(1.0, 1.0), None);
        assert_eq!(Prior::StudentT { mean: 0.0, scale: 1.0, df: 0.1 }.posterior(1.0, 1.0), None);
        assert_eq!(Prior::Flat.posterior(1.0, 0.0), None);
        assert_eq!(Prior::Normal { mean: 0.0, sd: 1.0 }.scaled(0.0), None);
    }
}
