//! Two rates of counts under gamma priors.

use crate::counts::MOST_EVENTS;
use crate::design::Design;
use crate::error::Error;
use crate::estimand::{Estimand, SummaryKind};
use crate::estimate::Estimates;
use crate::estimator::arms::{ArmMoments, Arms, Fit, Mean};
use crate::estimator::credible::{INTERVAL, ROPE, ROPE_SCALE, Reading};
use crate::estimator::joint::WeightedSum;
use crate::estimator::option::{OptionKind, OptionSpec};
use crate::estimator::{Estimator, answer, prepare};
use crate::posterior::{Rate, TwoRates};
use crate::requirement::Requirements;
use crate::sample::Sample;
use crate::suffstat::CoMoments;

/// Compares two rates of events by their exact posteriors, `Gamma(a + Σy, b + Σd)` in each arm.
///
/// Events per unit for a mean (`d = 1`), per exposure for a ratio: orders per user, failures per hour. Probabilities,
/// expected losses and intervals by integration over both rates.
///
/// - **Needs** the moments of the counts, and for a ratio of the exposure, per arm.
/// - **Gives** rows for the difference and the lift as [`Bayes`](super::bayes::Bayes) does. The prior is on each rate:
///   `prior_shape` events in `prior_rate` exposure, Jeffreys' ½ in 0 unless given. Covariates of the design are not used.
/// - **Assumes** Poisson counts: events that come one by one, at one rate within an arm. A note says where the counts
///   vary more than that, since the posterior is then too narrow.
/// - **Errors** as the trait says; totals that are negative or no whole numbers, or an exposure that is not positive,
///   give rows without posterior and a note.
/// - **Source** Gelman et al. (2013), section 2.6; Jeffreys (1961), section 3.1, on the prior.
#[derive(Debug)]
pub struct GammaPoisson;

const PRIOR_RATE: OptionSpec = OptionSpec {
    name: "prior_rate",
    kind: OptionKind::Number { min: 0.0, max: 1e15 },
    default: "0",
    meaning: "Rate of the gamma prior of each rate of events: as much exposure seen before.",
};

const PRIOR_SHAPE: OptionSpec = OptionSpec {
    name: "prior_shape",
    kind: OptionKind::Number { min: 1e-3, max: 1e15 },
    default: "0.5",
    meaning: "Shape of the gamma prior of each rate of events: as many events seen before.",
};

impl Estimator for GammaPoisson {
    fn name(&self) -> &str {
        "gamma_poisson"
    }

    fn summary(&self) -> &str {
        "The exact posterior of the difference and lift of two rates of events under gamma priors."
    }

    fn assumes(&self) -> &str {
        "Events come one by one at one rate within an arm (Poisson); the prior was chosen before looking."
    }

    fn source(&self) -> &str {
        "Gelman et al. (2013), Bayesian Data Analysis, section 2.6; Jeffreys (1961), Theory of Probability, section 3.1."
    }

    fn serves(&self) -> &[SummaryKind] {
        &[SummaryKind::Mean, SummaryKind::Ratio]
    }

    fn options(&self) -> &[OptionSpec] {
        const { &[INTERVAL, PRIOR_RATE, PRIOR_SHAPE, ROPE, ROPE_SCALE] }
    }

    fn requires(&self, estimand: &Estimand, design: &Design) -> Result<Requirements, Error> {
        prepare(self, estimand, design)?;
        Ok(Requirements::comoments(estimand.summary.variables()))
    }

    fn estimate(&self, estimand: &Estimand, design: &Design, sample: &Sample) -> Result<Estimates, Error> {
        let (options, inference) = prepare(self, estimand, design)?;
        let prior = [PRIOR_SHAPE, PRIOR_RATE].map(|option| options.number(option.name).unwrap_or(0.0));
        let arms = Arms::of(estimand, sample, &estimand.summary.variables())?;
        let mut rates = None;
        let outcomes = arms.outcomes(mean, |arms| {
            let means = arms.map(|arm| mean(arm.moments));
            match arms.map(|arm| Counts::of(arm).and_then(|counts| counts.rate(prior))) {
                [Ok(baseline), Ok(arm)] => {
                    rates = TwoRates::new(arm, baseline);
                    let notes = arms.into_iter().filter_map(overdispersion).collect();
                    Fit { means, components: Ok(Vec::new()), notes }
                }
                [Err(reason), _] | [_, Err(reason)] => Fit { means, components: Err(reason), notes: Vec::new() },
            }
        });
        let rows = Reading::of(design, &options).rows(&inference, estimand, &outcomes, rates.as_ref());
        Ok(answer(self, &options, rows))
    }
}

/// Events per unit, or per exposure; `None` when the exposure sums to zero.
fn mean(moments: &CoMoments) -> Option<Mean> {
    match moments.k() {
        1 => Some(Mean::of(moments, 0)),
        _ => WeightedSum::ratio(moments, 0, 1).map(|ratio| ratio.value),
    }
}

/// The totals of one arm.
struct Counts<'a> {
    arm: &'a str,
    events: f64,
    exposure: f64,
}

impl<'a> Counts<'a> {
    /// The totals, or the sentence that says why they are no counts.
    fn of(arm: ArmMoments<'a>) -> Result<Self, String> {
        let total = |i: usize| (arm.moments.mean(i) + arm.moments.mean_rest(i)) * arm.moments.n() as f64;
        let events = total(0);
        // A mean is rounded, so its product with the units is a whole number only up to that.
        if !(0.0..=MOST_EVENTS).contains(&events) || (events - events.round()).abs() > 1e-9 * events.max(1.0) {
            return Err(format!(
                "The outcomes of arm `{}` sum to {events}, which is no count; a rate of events needs whole numbers.",
                arm.name
            ));
        }
        let exposure = if arm.moments.k() == 1 { arm.moments.n() as f64 } else { total(1) };
        if exposure <= 0.0 {
            return Err(format!("The exposure of arm `{}` sums to {exposure}; a rate needs a positive one.", arm.name));
        }
        Ok(Self { arm: arm.name, events: events.round(), exposure })
    }

    fn rate(&self, [shape, rate]: [f64; 2]) -> Result<Rate, String> {
        Rate::gamma(shape + self.events, rate + self.exposure)
            .ok_or_else(|| format!("The posterior of arm `{}` leaves the range of numbers.", self.arm))
    }
}

/// Says so when counts vary more than Poisson counts of their mean can by chance.
///
/// The dispersion `Var(y − λ̂d)/ȳ` of Poisson counts is 1 with a standard error of about `√(2/(n − 1))`.
fn overdispersion(arm: ArmMoments<'_>) -> Option<String> {
    let moments = arm.moments;
    let mean = moments.mean(0);
    let variance = match moments.k() {
        1 => moments.variance(0)?,
        _ => {
            let rate = mean / moments.mean(1);
            moments.variance(0)? - 2.0 * rate * moments.covariance(0, 1)? + rate * rate * moments.variance(1)?
        }
    };
    let dispersion = variance / mean;
    let chance = (2.0 / moments.df() as f64).sqrt();
    (dispersion.is_finite() && dispersion > 1.0 + 4.0 * chance).then(|| {
        format!(
            "Counts of arm `{}` vary {dispersion:.1} times as much as Poisson counts do: intervals are too narrow, and `bayes` takes the variance from the data.",
            arm.name
        )
    })
}
