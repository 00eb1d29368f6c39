//! The chance that a plan rejects, at a number of units and under an effect.

use crate::dist::{Alternative, Continuous, Normal};
use crate::error::Error;
use crate::estimand::{Direction, Hypothesis};
use crate::planning::counts::{self, CountTest};
use crate::planning::looks::{Crossing, Look, crossing, drift};
use crate::planning::outcome::{MeanTest, NullVariance, Outcome, ProportionTest};
use crate::planning::t_test::{Part, Rejection, half_width, rejection};
use crate::planning::{Assignment, Monitoring, Plan, refuse};

/// The most units of an arm whose counts are enumerated; beyond, the tests of shares and Welch's agree to six digits.
const MOST_COUNTED: f64 = 1e7;

/// Chances under an effect, the good side told from the bad.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Chance {
    /// Rejected on the side where the effect lies; of no effect, on either side.
    pub right: f64,
    /// Rejected on the other side.
    pub wrong: f64,
    /// Expected share of the planned information when it stops.
    pub information: f64,
}

impl Chance {
    /// The power: the chance to reject the hypothesis.
    pub fn power(&self) -> f64 {
        self.right + self.wrong
    }
}

impl Plan {
    /// The side to which the test looks; non-inferiority looks to the good one.
    pub(super) fn alternative(&self) -> Alternative {
        match (self.hypothesis, self.direction) {
            (Hypothesis::TwoSided, _) => Alternative::TwoSided,
            (Hypothesis::Greater, _) | (Hypothesis::NonInferiority { .. }, Direction::Higher) => Alternative::Greater,
            (Hypothesis::Less, _) | (Hypothesis::NonInferiority { .. }, Direction::Lower) => Alternative::Less,
        }
    }

    /// The multiple of the baseline that the treated mean is compared with.
    fn null_ratio(&self) -> f64 {
        match (self.hypothesis.margin(), self.direction) {
            (None, _) => 1.0,
            (Some(margin), Direction::Higher) => 1.0 - margin,
            (Some(margin), Direction::Lower) => 1.0 + margin,
        }
    }

    /// The level of the test on each side that it has.
    pub(super) fn tail(&self) -> f64 {
        let alpha = 1.0 - self.level;
        let alpha = if self.hypothesis.margin().is_some() { alpha / 2.0 } else { alpha };
        let alpha = self.multiplicity.level_of_one(alpha);
        if self.alternative() == Alternative::TwoSided { alpha / 2.0 } else { alpha }
    }

    /// Whether the counts are enumerated.
    pub(super) fn is_counted(&self) -> bool {
        let Outcome::Proportion { test, .. } = &self.outcome else { return false };
        let plain = self.clusters.is_none() && self.adjustment == super::Adjustment::None;
        let independent = matches!(self.assignment, Assignment::Arms(_));
        plain && independent && !matches!(test, ProportionTest::Formula(_) | ProportionTest::Arcsine)
    }

    /// The least total of units with which every part of the variance can be estimated.
    pub(super) fn fewest(&self) -> f64 {
        if self.is_counted() {
            return 2.0 / self.assignment.compared().into_iter().fold(1.0, f64::min);
        }
        if let Assignment::Pairs { .. } = self.assignment {
            return 4.0;
        }
        let lost = f64::from(self.adjustment.covariates());
        // A residual degree of freedom and, for the regression's own error, two units more than covariates.
        let least = if lost > 0.0 { lost + 3.0 } else { 2.0 };
        let per_arm = self.clusters.map_or(least, |clusters| least * clusters.size);
        per_arm / self.assignment.compared().into_iter().fold(1.0, f64::min)
    }

    /// The parts of the variance of the contrast with a total of units.
    pub(super) fn parts(&self, units: f64, effect: f64) -> Result<Vec<Part>, Error> {
        let std_devs = self.outcome.std_devs(effect)?;
        if let Assignment::Pairs { correlation } = self.assignment {
            let pairs = units / 2.0;
            let gap = (std_devs[1] - std_devs[0]).powi(2) + 2.0 * (1.0 - correlation) * std_devs[0] * std_devs[1];
            return Ok(vec![Part { variance: gap / pairs, df: pairs - 1.0, per_variance: 1.0 / pairs }]);
        }
        let shares = self.assignment.compared();
        let lost = f64::from(self.adjustment.covariates());
        let (explained, enlarged) = (self.adjustment.explained(), self.clusters.map_or(1.0, |c| c.design_effect()));
        let leaning = self.adjustment.leaning(std_devs) / (units * (shares[0] + shares[1]));
        let weights = [self.null_ratio().powi(2), 1.0];
        let mut parts: Vec<Part> = (0..2)
            .map(|arm| {
                let n = units * shares[arm];
                let independent = self.clusters.map_or(n, |clusters| n / clusters.size);
                // What estimating the slopes costs: E[(x̄ − x̄ₐ)'Sₐ⁻¹(x̄ − x̄ₐ)] for normal covariates.
                let other = shares[1 - arm] / (shares[0] + shares[1]);
                let slopes = if lost > 0.0 { 1.0 + lost * other / (independent - lost - 2.0) } else { 1.0 };
                let per_variance = weights[arm] * enlarged * slopes / n;
                let variance = std_devs[arm].powi(2) * (1.0 - explained[arm]) * per_variance;
                Part { variance, df: independent - 1.0 - lost, per_variance }
            })
            .collect();
        let sum: f64 = parts.iter().map(|part| part.variance).sum();
        if sum <= 0.0 {
            return Err(refuse("effect", effect, "with it no unit differs from another, so there is no test"));
        }
        parts.iter_mut().for_each(|part| part.variance *= 1.0 + leaning / sum);
        // An arm in which nothing varies (a share of 0 or 1) adds nothing and is not estimated.
        parts.retain(|part| part.variance > 0.0);
        Ok(parts)
    }

    /// The true contrast: what the test asks about, zero or at the margin when there is nothing to find.
    pub(super) fn contrast(&self, effect: f64) -> f64 {
        if self.hypothesis.margin().is_none() {
            return effect;
        }
        let room = self.outcome.baseline().unwrap_or(0.0) * (1.0 - self.null_ratio());
        let contrast = effect + room;
        // On the margin itself what rounding leaves is no effect.
        if contrast.abs() <= 1e-12 * (effect.abs() + room.abs()) { 0.0 } else { contrast }
    }

    /// The chances of a fixed test.
    fn fixed(&self, units: f64, effect: f64) -> Result<Rejection, Error> {
        let (tail, alternative, shares) = (self.tail(), self.alternative(), self.assignment.compared());
        let sizes = shares.map(|share| units * share);
        let chances = match &self.outcome {
            Outcome::Proportion { share, test } if self.is_counted() && sizes.iter().all(|n| *n <= MOST_COUNTED) => {
                self.outcome.std_devs(effect)?;
                let whole = sizes.map(|n| n.round().max(1.0) as u64);
                if matches!(test, ProportionTest::Barnard | ProportionTest::Boschloo)
                    && whole[0] + whole[1] > counts::FEW
                {
                    let expected =
                        "Barnard's and Boschloo's tests are planned up to 150 units; `score` agrees with them there";
                    return Err(refuse("units", whole[0] + whole[1], expected));
                }
                CountTest { test: *test, alternative, tail, null_ratio: self.null_ratio() }
                    .rejection(whole, [*share, share + effect])
            }
            Outcome::Proportion { share, test: ProportionTest::Arcsine } => {
                self.outcome.std_devs(effect)?;
                counts::arcsine(sizes, [*share, share + effect], tail, alternative)
            }
            Outcome::Proportion { share, test: ProportionTest::Formula(null) }
                if self.hypothesis.margin().is_none() =>
            {
                self.outcome.std_devs(effect)?;
                let treated = share + effect;
                let under_null = match null {
                    NullVariance::Mean => [(share * sizes[0] + treated * sizes[1]) / (sizes[0] + sizes[1]); 2],
                    NullVariance::Baseline => [*share; 2],
                    NullVariance::Own => [*share, treated],
                };
                counts::formula(sizes, [*share, treated], under_null, tail, alternative)
            }
            outcome => {
                let parts = self.parts(units, effect)?;
                let test = if parts.len() == 2 || outcome.mean_test() == MeanTest::Normal {
                    outcome.mean_test()
                } else {
                    MeanTest::Welch
                };
                rejection(test, self.contrast(effect), &parts, tail, alternative)
            }
        };
        chances.ok_or_else(|| {
            refuse("units", units, "every arm has at least two units, or clusters, more than covariates")
        })
    }

    /// The chances of the plan, its looks included.
    pub(super) fn chance(&self, units: f64, effect: f64) -> Result<Chance, Error> {
        let fixed = self.fixed(units, effect)?;
        let Monitoring::Looks(looks) = &self.monitoring else {
            return Ok(self.oriented(fixed, effect, 1.0));
        };
        let seen = self.crossing(looks, fixed, effect);
        Ok(self.oriented(seen.rejection, effect, seen.information))
    }

    /// The looks under the drift that the fixed test's power stands for, so that its small-sample exactness is kept.
    fn crossing(&self, looks: &[Look], fixed: Rejection, effect: f64) -> Crossing {
        let alternative = self.alternative();
        let up = match alternative {
            Alternative::TwoSided => self.contrast(effect) >= 0.0,
            Alternative::Greater => true,
            Alternative::Less => false,
        };
        let toward = if up { fixed.above } else { fixed.below };
        let probit = |p: f64| Normal.quantile(p.clamp(1e-300, 1.0 - 1e-16)).unwrap_or(0.0);
        let drift = Normal.isf(self.tail()).unwrap_or(0.0) + probit(toward);
        crossing(looks, if up { drift } else { -drift }, alternative)
    }

    fn oriented(&self, chances: Rejection, effect: f64, information: f64) -> Chance {
        let contrast = self.contrast(effect);
        if contrast == 0.0 && self.alternative() == Alternative::TwoSided {
            return Chance { right: chances.above + chances.below, wrong: 0.0, information };
        }
        let up = match self.alternative() {
            Alternative::TwoSided => contrast > 0.0,
            Alternative::Greater => true,
            Alternative::Less => false,
        };
        let (right, wrong) = if up { (chances.above, chances.below) } else { (chances.below, chances.above) };
        Chance { right, wrong, information }
    }

    /// The expected half-width of the interval.
    pub(super) fn half_width(&self, units: f64, effect: f64) -> Result<f64, Error> {
        let parts = self.parts(units, effect)?;
        let mean_test = self.outcome.mean_test();
        let tail = match &self.monitoring {
            Monitoring::Fixed => self.tail(),
            Monitoring::Looks(looks) => Normal.sf(looks.last().map_or(0.0, |look| look.reject)),
        };
        half_width(mean_test, &parts, tail).ok_or_else(|| {
            refuse("units", units, "every arm has at least two units, or clusters, more than covariates")
        })
    }

    /// How many times the units of a fixed design with this power the looks need.
    pub(super) fn inflation(&self, power: f64) -> Option<f64> {
        let Monitoring::Looks(looks) = &self.monitoring else { return Some(1.0) };
        let fixed = Monitoring::Fixed.looks(self.tail());
        let alternative = self.alternative();
        Some((drift(looks, power, alternative)? / drift(&fixed, power, alternative)?).powi(2))
    }
}
