//! What the data could have shown.

use crate::check::{Check, Detail, Evidence, Finding, Outcome, SmallestEffect};
use crate::contrast::{Reference, Test};
use crate::dist::Alternative;
use crate::wording;

/// Chance to find the smallest detectable effect.
const POWER: f64 = 0.8;

/// Warns when the smallest effect that matters is smaller than what the data can show.
///
/// Smallest detectable effect now, at 80 % power: `(t₁₋α⸝₂ + t₀.₈)·se`.
///
/// - **Needs** the standard error of each deciding relative effect, and the smallest effect that matters where the plan
///   names one.
/// - **Gives** the detectable effect, as a share of the baseline mean, in `share`.
/// - **Assumes** that the standard error would be the same under the effect. It is not "observed power": the estimate
///   plays no part.
/// - **Source** Cohen (1988), chapter 2.
#[derive(Debug)]
pub struct LowPower;

impl SmallestEffect {
    /// The smallest relative effect that the data find in four of five repetitions; `None` without a standard error.
    pub fn detectable(&self) -> Option<f64> {
        let reference = Reference::T;
        let test = reference.critical(Test::of(Alternative::TwoSided, 1.0 - self.level), self.df)?;
        let found = reference.critical(Test::of(Alternative::Greater, 1.0 - POWER), self.df)?;
        Some((test + found) * self.std_error).filter(|effect| effect.is_finite() && *effect > 0.0)
    }
}

impl Check for LowPower {
    fn name(&self) -> &'static str {
        "low_power"
    }

    fn summary(&self) -> &'static str {
        "The data can show the smallest effect that matters, with 80 % power."
    }

    fn check(&self, evidence: &Evidence) -> Finding {
        let now: Vec<(&SmallestEffect, f64)> =
            evidence.effects.iter().filter_map(|effect| Some((effect, effect.detectable()?))).collect();
        let Some((widest, detectable)) = now.iter().max_by(|a, b| a.1.total_cmp(&b.1)) else {
            return Finding::not_applicable("There is no effect with a standard error.");
        };
        let blind = now.iter().find(|(effect, now)| effect.minimum.is_some_and(|minimum| *now > minimum));
        let details = now.iter().map(|(effect, now)| Detail {
            what: format!("{} · {}", effect.metric, effect.arm),
            expected: effect.minimum,
            share: Some(*now),
            ..Detail::default()
        });
        let details = details.collect();
        let (outcome, message, help) = match blind {
            Some((effect, now)) => {
                let minimum = wording::magnitude(effect.minimum.unwrap_or(0.0));
                let message = format!(
                    "In `{}` the data can show effects of {} % or more; the smallest that matters is {minimum} %.",
                    effect.metric,
                    wording::magnitude(*now),
                );
                (Outcome::Warn, message, "run longer, or adjust by a covariate from before exposure".to_owned())
            }
            None => {
                let message = format!(
                    "The smallest effects that the data can show are up to {} % (`{}`).",
                    wording::magnitude(*detectable),
                    widest.metric,
                );
                (Outcome::Pass, message, String::new())
            }
        };
        Finding { details, help, ..Finding::new(outcome, message) }
    }
}
