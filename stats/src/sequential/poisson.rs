//! A rate of events, looked at as often as anybody likes.

use super::{EValue, NormalMixture, Sides, is_positive, ln_threshold};
use crate::contrast::Interval;
use crate::dist::gamma_function::stirling_error;
use crate::dist::root_on_log_scale::root_on_log_scale;

/// The exact confidence sequence for the rate of a Poisson process.
///
/// The likelihood ratio averaged over a gamma law of shape `a` about the tested rate; with `x` events where `μ` were
/// expected, `E = aᵃΓ(a + x)/(Γ(a)(a + μ)^(a+x))·e^μ`. The interval holds the rates that it does not reject.
///
/// - **Needs** events, and the exposure that they are counted over, in any unit.
/// - **Gives** an interval for the rate per unit of exposure that covers at all exposures at once with probability
///   `1 − α`, without approximation.
/// - **Assumes** a Poisson process of constant rate: independent counts whose variance is their mean.
/// - **Source** Robbins & Siegmund (1974); the evidence is the gamma-Poisson mixture of Howard et al. (2021),
///   proposition 8, over both sides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Poisson {
    shape: f64,
}

impl Poisson {
    /// Tuned to be narrow at a number of events; `None` unless `events > 0` and `0 < alpha_opt < 1`.
    pub fn tuned(events: f64, alpha_opt: f64) -> Option<Self> {
        Some(Self { shape: NormalMixture::tuned(Sides::Two, events, alpha_opt)?.rho() })
    }

    /// The evidence of `events` when `expected` were expected; `None` unless the expectation is positive.
    pub fn e_value(&self, events: u64, expected: f64) -> Option<EValue> {
        let (before, after) = (self.shape, self.shape + events as f64);
        let ratio = (before + expected) / after;
        if !is_positive(expected) || !is_positive(ratio) {
            return None;
        }
        // `after·(r − 1 − ln r)` with `r − 1` formed before it is divided.
        let excess = (expected - events as f64) / after;
        EValue::from_ln(after * (excess - excess.ln_1p()) + self.rest(after))
    }

    /// The rates that are not rejected at level `alpha`; `None` unless `0 < alpha < 1` and the exposure is positive.
    pub fn interval(&self, events: u64, exposure: f64, alpha: f64) -> Option<Interval> {
        let threshold = ln_threshold(alpha)?;
        if !is_positive(exposure) {
            return None;
        }
        let after = self.shape + events as f64;
        // `r − 1 − ln r` is reached once below 1 and once above.
        let height = (threshold - self.rest(after)) / after;
        let start = (2.0 * height).sqrt();
        let gap = |r: f64| (r - 1.0 - r.ln() - height, r - 1.0);
        let below = root_on_log_scale((-start).exp(), false, |r| if r < 1.0 { gap(r) } else { (-height, f64::NAN) });
        let above = root_on_log_scale(1.0 + start, true, |r| if r > 1.0 { gap(r) } else { (-height, f64::NAN) });
        let rate = |r: f64| ((r * after - self.shape) / exposure).max(0.0);
        Some(Interval { low: Some(rate(below)), high: Some(rate(above)).filter(|high| high.is_finite()) })
    }

    /// What Stirling's formula leaves of `ln Γ` beside the deviance.
    fn rest(&self, after: f64) -> f64 {
        stirling_error(after) - stirling_error(self.shape) - 0.5 * (after / self.shape).ln()
    }
}
