//! A share of successes, looked at as often as anybody likes.

use super::multinomial::ln_mixture;
use super::{EValue, NormalMixture, Sides, is_positive, ln_threshold};
use crate::contrast::Interval;
use crate::dist::bracketed_root::bracketed_root;

/// The least concentration of the prior, for tunings of a few trials.
const LEAST_CONCENTRATION: f64 = 1e-3;

/// Logarithm of the odds beyond which a share is the observed one, or 0, to the last digit.
const FARTHEST: f64 = 600.0;

/// The exact confidence sequence for the chance of success of independent trials.
///
/// The two-cell [`Multinomial`](super::Multinomial) test of every share `p`, each with its own prior
/// `Beta(cp, c(1−p))`; the interval holds the shares that it does not reject. Narrowest near the number of trials that
/// it is tuned for: `c = t/κ − 1`, `κ = 2 ln(1/α) + ln(1 + 2 ln(1/α))`.
///
/// - **Needs** successes and trials.
/// - **Gives** an interval that covers at all numbers of trials at once with probability `1 − α`, without
///   approximation.
/// - **Source** Howard et al. (2021), proposition 7; `bernoulli_confidence_interval` of `confseq` for the tuning.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bernoulli {
    concentration: f64,
}

impl Bernoulli {
    /// With a prior worth `concentration` trials; `None` unless it is positive.
    pub fn new(concentration: f64) -> Option<Self> {
        is_positive(concentration).then_some(Self { concentration })
    }

    /// Tuned to be narrow at `trials` for level `alpha_opt`; `None` unless `trials > 0` and `0 < alpha_opt < 1`.
    pub fn tuned(trials: f64, alpha_opt: f64) -> Option<Self> {
        let rho = NormalMixture::tuned(Sides::Two, trials, alpha_opt)?.rho();
        Self::new((rho - 1.0).max(LEAST_CONCENTRATION))
    }

    /// How many trials the prior is worth.
    pub fn concentration(&self) -> f64 {
        self.concentration
    }

    /// The evidence against a chance of success of `share`; `None` unless it lies inside (0, 1) and there are as many
    /// trials as successes.
    pub fn e_value(&self, successes: u64, trials: u64, share: f64) -> Option<EValue> {
        let failures = trials.checked_sub(successes)?;
        if !(share > 0.0 && share < 1.0) {
            return None;
        }
        EValue::from_ln(self.ln_evidence(successes as f64, failures as f64, share, 1.0 - share))
    }

    /// The shares that are not rejected at level `alpha`; `None` unless `0 < alpha < 1` and there are as many trials as
    /// successes.
    pub fn interval(&self, successes: u64, trials: u64, alpha: f64) -> Option<Interval> {
        let threshold = ln_threshold(alpha)?;
        let (successes, failures) = (successes as f64, trials.checked_sub(successes)? as f64);
        let low = self.lower(successes, failures, threshold);
        // The upper end is one minus the lower end of the share of failures.
        let high = 1.0 - self.lower(failures, successes, threshold);
        Some(Interval { low: Some(low), high: Some(high) })
    }

    fn ln_evidence(&self, successes: f64, failures: f64, share: f64, rest: f64) -> f64 {
        ln_mixture([(share, successes), (rest, failures)].into_iter(), self.concentration, successes + failures)
    }

    /// The share below the observed one at which the evidence reaches the threshold; 0 when it never does.
    fn lower(&self, successes: f64, failures: f64, threshold: f64) -> f64 {
        if successes == 0.0 {
            return 0.0;
        }
        let total = successes + failures;
        // Over the odds `w` of `p/(p̂ − p)` on a logarithmic scale, so that the search runs over all shares below the
        // observed one, at which the evidence is at most 1.
        let share = |w: f64| successes / total * (w / (1.0 + w));
        let gap = |ln_w: f64| {
            let w = ln_w.exp();
            let rest = (1.0 + w * (failures / total)) / (1.0 + w);
            self.ln_evidence(successes, failures, share(w), rest) - threshold
        };
        if gap(-FARTHEST) <= 0.0 { 0.0 } else { share(bracketed_root(-FARTHEST, FARTHEST, gap).exp()) }
    }
}
