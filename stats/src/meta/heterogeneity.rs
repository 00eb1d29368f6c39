//! How far the effects of studies differ beyond their standard errors.

use super::studies::{Studies, check_level};
use crate::contrast::Interval;
use crate::dist::{ChiSquared, Continuous, TailProbability};
use crate::error::Error;

/// How the variance between effects, τ², is estimated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Estimator {
    /// DerSimonian & Laird (1986), eq. (8): by the expectation of Q with fixed-effect weights.
    DerSimonianLaird,
    /// Maximum likelihood of normal effects: biased towards zero with few studies.
    MaximumLikelihood,
    /// Paule & Mandel (1982): the τ² at which Q has its expectation. Needs no normality of the effects.
    PauleMandel,
    /// Restricted maximum likelihood: less biased, and the usual choice.
    #[default]
    RestrictedMaximumLikelihood,
}

/// What can be said of the differences between effects.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Heterogeneity {
    /// Cochran's Q: `Σ(yᵢ − ȳ)²/σᵢ²` about the fixed-effect mean.
    pub q: f64,
    /// Its degrees of freedom, `k − 1`.
    pub df: f64,
    /// The test that all effects are equal: the probability of a larger Q.
    pub tail: TailProbability,
    /// The variance between effects.
    pub tau2: f64,
    /// Its interval, by the Q-profile method: the τ² that the test of Q does not reject.
    pub tau2_interval: Interval,
    /// The share of the variance of a typical study that is between effects, `τ²/(τ² + σ²)`.
    pub i_squared: f64,
    /// Its interval, from that of τ².
    pub i_squared_interval: Interval,
}

/// More halvings than it takes from the widest bracket to neighbouring doubles.
const MAX_STEPS: usize = 200;

impl Estimator {
    /// All of them, by name.
    pub const ALL: [Self; 4] =
        [Self::DerSimonianLaird, Self::MaximumLikelihood, Self::PauleMandel, Self::RestrictedMaximumLikelihood];

    /// The name in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::DerSimonianLaird => "dersimonian_laird",
            Self::MaximumLikelihood => "ml",
            Self::PauleMandel => "paule_mandel",
            Self::RestrictedMaximumLikelihood => "reml",
        }
    }

    /// The estimator with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|estimator| estimator.name() == name)
    }
}

impl Studies {
    /// Q and its test, τ² by an estimator, I², and intervals of both at `level`.
    ///
    /// - **Errors** with [`Error::OutOfRange`] for fewer than two studies, or a level outside (0, 1).
    /// - **Source** Cochran (1954); Higgins & Thompson (2002), eq. (9), for the typical variance; Viechtbauer (2007),
    ///   section 3.1, for the Q-profile interval.
    pub fn heterogeneity(&self, estimator: Estimator, level: f64) -> Result<Heterogeneity, Error> {
        check_level(level)?;
        let tau2 = self.tau2(estimator)?;
        let (q, df) = (self.q(0.0), (self.count() - 1) as f64);
        let law = ChiSquared::new(df);
        let tail = law.as_ref().and_then(|law| TailProbability::upper(law, q)).unwrap_or(TailProbability::CERTAIN);
        let outside = (1.0 - level) / 2.0;
        let end = |quantile: Option<f64>| quantile.map(|target| self.tau2_at(target));
        let tau2_interval = Interval {
            low: end(law.as_ref().and_then(|law| law.isf(outside))),
            high: end(law.as_ref().and_then(|law| law.quantile(outside))),
        };
        let typical = self.typical_variance();
        let share = |tau2: f64| tau2 / (tau2 + typical);
        Ok(Heterogeneity {
            q,
            df,
            tail,
            tau2,
            tau2_interval,
            i_squared: share(tau2),
            i_squared_interval: Interval { low: tau2_interval.low.map(share), high: tau2_interval.high.map(share) },
        })
    }

    /// τ² by an estimator; zero when the studies differ no more than chance would have it.
    pub(crate) fn tau2(&self, estimator: Estimator) -> Result<f64, Error> {
        self.at_least(2, "the variance between effects")?;
        Ok(match estimator {
            Estimator::DerSimonianLaird => self.dersimonian_laird(),
            Estimator::PauleMandel => self.tau2_at((self.count() - 1) as f64),
            Estimator::MaximumLikelihood => self.most_likely_tau2(false),
            Estimator::RestrictedMaximumLikelihood => self.most_likely_tau2(true),
        })
    }

    fn dersimonian_laird(&self) -> f64 {
        let sum: f64 = self.weights(0.0).sum();
        let squares: f64 = self.weights(0.0).map(|w| w * w).sum();
        ((self.q(0.0) - (self.count() - 1) as f64) / (sum - squares / sum)).max(0.0)
    }

    /// The variance of a study that stands for all: `(k − 1)Σw/((Σw)² − Σw²)`.
    fn typical_variance(&self) -> f64 {
        let sum: f64 = self.weights(0.0).sum();
        let squares: f64 = self.weights(0.0).map(|w| w * w).sum();
        (self.count() - 1) as f64 * sum / (sum * sum - squares)
    }

    /// The τ² at which Q, which falls in τ², has a value; zero when it lies below it from the start.
    fn tau2_at(&self, target: f64) -> f64 {
        if self.q(0.0) <= target {
            return 0.0;
        }
        let mut high = self.spread();
        while self.q(high) > target {
            high *= 2.0;
        }
        bisect(0.0, high, |tau2| self.q(tau2) > target)
    }

    /// The square of the range of the estimates: above any τ² that they can show, up to a small factor.
    fn spread(&self) -> f64 {
        let (low, high) = self.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), study| {
            (low.min(study.estimate), high.max(study.estimate))
        });
        (high - low).powi(2).max(f64::MIN_POSITIVE)
    }

    /// The maximum of the likelihood of normal effects, or of the restricted one, over `τ² ≥ 0`.
    ///
    /// The likelihood can have two peaks, so the highest of a grid is taken first, and then the root of the slope
    /// beside it.
    ///
    /// - **Source** Viechtbauer (2005), eqs. (10) and (14).
    fn most_likely_tau2(&self, restricted: bool) -> f64 {
        let smallest = self.iter().map(|study| study.std_error.powi(2)).fold(f64::INFINITY, f64::min);
        let (least, most) = ((1e-6 * smallest).min(self.spread()), 4.0 * self.spread());
        let steps = 400;
        let ratio = (most / least).ln() / f64::from(steps);
        let grid: Vec<f64> =
            std::iter::once(0.0).chain((0..=steps).map(|step| least * (ratio * f64::from(step)).exp())).collect();
        let height = |tau2: f64| self.ln_likelihood(tau2, restricted);
        let best = (0..grid.len()).max_by(|a, b| height(grid[*a]).total_cmp(&height(grid[*b]))).unwrap_or(0);
        let (low, high) = (grid[best.saturating_sub(1)], grid[(best + 1).min(grid.len() - 1)]);
        if self.slope(low, restricted) <= 0.0 {
            return low;
        }
        bisect(low, high, |tau2| self.slope(tau2, restricted) > 0.0)
    }

    fn ln_likelihood(&self, tau2: f64, restricted: bool) -> f64 {
        let (_, total) = self.weighted_mean(tau2);
        let log_weights: f64 = self.weights(tau2).map(f64::ln).sum();
        0.5 * (log_weights - self.q(tau2) - if restricted { total.ln() } else { 0.0 })
    }

    /// Twice the derivative of the log-likelihood in τ².
    fn slope(&self, tau2: f64, restricted: bool) -> f64 {
        let (mean, total) = self.weighted_mean(tau2);
        let squares: f64 = self.weights(tau2).map(|w| w * w).sum();
        let fit: f64 =
            self.iter().zip(self.weights(tau2)).map(|(study, w)| (w * (study.estimate - mean)).powi(2)).sum();
        fit - total + if restricted { squares / total } else { 0.0 }
    }
}

/// The point up to which a condition holds, to the last digits.
fn bisect(mut low: f64, mut high: f64, holds: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..MAX_STEPS {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if holds(middle) { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}
