//! Rows of Bayesian answers: the options that they share, and what a posterior fills in.

use crate::contrast::Inference;
use crate::contrast::reference::mirrored;
use crate::design::Design;
use crate::dist::Alternative;
use crate::estimand::{Direction, Estimand};
use crate::estimate::{Estimate, Estimates};
use crate::estimator::option::{OptionKind, OptionSpec, Options};
use crate::posterior::{Comparison, Credible, Posterior, TwoRates};
use crate::potential_outcomes::PotentialOutcomes;

/// The option for the kind of credible interval.
pub(super) const INTERVAL: OptionSpec = OptionSpec {
    name: "interval",
    kind: OptionKind::Choice(&["equal_tailed", "highest_density"]),
    default: "equal_tailed",
    meaning: "Credible interval: as much probability below as above, or the shortest.",
};

/// The option for the effects that do not matter.
pub(super) const ROPE: OptionSpec = OptionSpec {
    name: "rope",
    kind: OptionKind::Number { min: 0.0, max: 1e300 },
    default: "0",
    meaning: "Largest effect that does not matter, the half-width of the region of practical equivalence; 0 for none.",
};

/// The option for the scale of [`ROPE`].
pub(super) const ROPE_SCALE: OptionSpec = OptionSpec {
    name: "rope_scale",
    kind: OptionKind::Choice(&["absolute", "relative"]),
    default: "relative",
    meaning: "Scale of `rope`: the unit of the metric, or a share of the baseline.",
};

/// How a posterior is read into a row.
#[derive(Debug)]
pub(super) struct Reading {
    level: f64,
    credible: Credible,
    rope: f64,
    rope_scale: String,
}

impl Reading {
    /// As the design and the options ask.
    pub fn of(design: &Design, options: &Options) -> Self {
        let shortest = options.choice(INTERVAL.name) == "highest_density";
        Self {
            level: design.level,
            credible: if shortest { Credible::HighestDensity } else { Credible::EqualTailed },
            rope: options.number(ROPE.name).unwrap_or(0.0),
            rope_scale: options.choice(ROPE_SCALE.name).to_owned(),
        }
    }

    /// Fills in what the posterior of an effect says.
    ///
    /// `turned` says that a rise is a negative number here, as a lift is on a negative baseline.
    pub fn fill(
        &self,
        row: &mut Estimate,
        posterior: &dyn Posterior,
        estimand: &Estimand,
        side: Alternative,
        turned: bool,
    ) {
        let rise_is_good = (estimand.direction == Direction::Higher) != turned;
        moments(row, posterior);
        let better = if rise_is_good { posterior.sf(0.0) } else { posterior.cdf(0.0) };
        row.prob_beat = Some(never_zero(better));
        let (below, above) = (posterior.shortfall(), posterior.excess());
        (row.expected_loss, row.expected_loss_baseline) = if rise_is_good { (below, above) } else { (above, below) };
        if self.rope > 0.0 && row.scale.as_deref() == Some(self.rope_scale.as_str()) {
            row.prob_equivalent = Some(never_zero(posterior.between(-self.rope, self.rope)));
            let superior = if rise_is_good { posterior.sf(self.rope) } else { posterior.cdf(-self.rope) };
            row.prob_superior = Some(never_zero(superior));
        }
        self.interval(row, posterior, if turned { mirrored(side) } else { side });
    }

    /// Fills in the answer at a margin: the probability that the arm is not worse by so much, and the bound that it
    /// holds with the one-sided level.
    pub fn fill_at_margin(
        &self,
        row: &mut Estimate,
        posterior: &dyn Posterior,
        estimand: &Estimand,
        margin: f64,
        turned: bool,
    ) {
        let rise_is_good = (estimand.direction == Direction::Higher) != turned;
        moments(row, posterior);
        row.margin = Some(margin);
        let safe = if rise_is_good { posterior.sf(-margin) } else { posterior.cdf(margin) };
        row.prob_beat = Some(never_zero(safe));
        let one_sided = Self { level: 1.0 - (1.0 - self.level) / 2.0, rope_scale: String::new(), ..*self };
        row.level = Some(one_sided.level);
        one_sided.interval(row, posterior, if rise_is_good { Alternative::Greater } else { Alternative::Less });
    }

    fn interval(&self, row: &mut Estimate, posterior: &dyn Posterior, side: Alternative) {
        match self.credible.interval(posterior, self.level, side) {
            Some(interval) => (row.conf_low, row.conf_high) = (interval.low, interval.high),
            None => row.note("The credible interval leaves the range of numbers."),
        }
    }

    /// The rows of two rates: the difference, the lift, and for a guardrail the lift at its margin.
    pub fn rows(
        &self,
        inference: &Inference,
        estimand: &Estimand,
        outcomes: &PotentialOutcomes,
        rates: Option<&TwoRates>,
    ) -> Estimates {
        let side = inference.alternative(estimand);
        let margin = estimand.hypothesis.margin();
        let asked = [
            Some(("absolute", Comparison::Difference, None)),
            Some(("relative", Comparison::Lift, None)),
            margin.map(|margin| ("relative", Comparison::Lift, Some(margin))),
        ];
        let rows = asked.into_iter().flatten().map(|(scale, comparison, margin)| {
            let towards_good = match (margin, estimand.direction) {
                (None, _) => side,
                (Some(_), Direction::Higher) => Alternative::Greater,
                (Some(_), Direction::Lower) => Alternative::Less,
            };
            let mut row = inference.row(estimand, outcomes, scale, towards_good);
            row.margin = margin;
            if let Some(effect) = rates.and_then(|rates| rates.effect(comparison)) {
                match margin {
                    None => self.fill(&mut row, &effect, estimand, side, false),
                    Some(margin) => self.fill_at_margin(&mut row, &effect, estimand, margin, false),
                }
            }
            row
        });
        rows.collect()
    }

    /// The row of the odds ratio, whose null value is one.
    pub fn odds_ratio(
        &self,
        inference: &Inference,
        estimand: &Estimand,
        outcomes: &PotentialOutcomes,
        rates: &TwoRates,
    ) -> Option<Estimate> {
        let effect = rates.effect(Comparison::OddsRatio)?;
        let side = inference.alternative(estimand);
        let mut row = inference.row(estimand, outcomes, "absolute", side);
        row.estimand = Some("odds_ratio".to_owned());
        row.scale = None;
        moments(&mut row, &effect);
        let better = if estimand.direction == Direction::Higher { effect.sf(1.0) } else { effect.cdf(1.0) };
        row.prob_beat = Some(never_zero(better));
        self.interval(&mut row, &effect, side);
        Some(row)
    }
}

/// The mean and standard deviation of a posterior; the median where they do not exist.
fn moments(row: &mut Estimate, posterior: &dyn Posterior) {
    row.df = None;
    row.std_error = posterior.sd().filter(|sd| sd.is_finite());
    row.estimate = posterior.mean().filter(|mean| mean.is_finite() && row.std_error.is_some());
    if row.estimate.is_none() {
        row.estimate = posterior.quantile(0.5).filter(|median| median.is_finite());
        row.std_error = None;
        row.note("With so few events in the baseline the posterior has no variance: the estimate is its median.");
    }
}

/// A probability below the smallest double is rounded up to it: no data make an effect impossible.
fn never_zero(probability: f64) -> f64 {
    probability.max(f64::from_bits(1))
}
