//! Events of two arms, looked at as often as anybody likes.

use super::{Bernoulli, EValue};
use crate::contrast::Interval;

/// The exact sequential test of the ratio of two arms' rates, from the arm of each event alone.
///
/// When units are assigned to the arm with chance `π` and a unit of the arm has events `ψ` times as often as one of the
/// baseline, the next event is the arm's with probability `θ = πψ/(πψ + 1 − π)`, at any level of the common rate and
/// however it changes by the hour. So the [`Bernoulli`] sequence for `θ` is one for `ψ`, and `ψ − 1` is the relative
/// effect on a share of units (one event each) or on a rate of events.
///
/// - **Needs** events of both arms, and the planned share `π` of units.
/// - **Gives** evidence and an interval that hold at all numbers of events at once, without approximation.
/// - **Assumes** independent assignment with the planned share, events that are each one unit's (or a Poisson process),
///   and a ratio that stays as it is.
/// - **Source** Lindon & Malek (2022), "Anytime-valid inference for multinomial count data", NeurIPS, section 4.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EventSplit {
    bernoulli: Bernoulli,
    share: f64,
}

impl EventSplit {
    /// Tuned to be narrow at a number of events of both arms; `share` is that of units planned for the arm.
    ///
    /// `None` unless `0 < share < 1`, `events > 0` and `0 < alpha_opt < 1`.
    pub fn tuned(share: f64, events: f64, alpha_opt: f64) -> Option<Self> {
        let bernoulli = Bernoulli::tuned(events, alpha_opt)?;
        (share > 0.0 && share < 1.0).then_some(Self { bernoulli, share })
    }

    /// The evidence that the rates do not stand in the ratio `psi`; `None` unless it is positive.
    pub fn e_value(&self, arm: u64, baseline: u64, psi: f64) -> Option<EValue> {
        let odds = psi * self.share / (1.0 - self.share);
        self.bernoulli.e_value(arm, arm.checked_add(baseline)?, odds / (1.0 + odds))
    }

    /// The ratios that are not rejected at level `alpha`: the upper side is open while the baseline has too few events.
    ///
    /// `None` unless `0 < alpha < 1`.
    pub fn interval(&self, arm: u64, baseline: u64, alpha: f64) -> Option<Interval> {
        let theta = self.bernoulli.interval(arm, arm.checked_add(baseline)?, alpha)?;
        let ratio = |theta: f64| theta / (1.0 - theta) * ((1.0 - self.share) / self.share);
        Some(Interval { low: theta.low.map(ratio), high: theta.high.map(ratio).filter(|high| high.is_finite()) })
    }
}
