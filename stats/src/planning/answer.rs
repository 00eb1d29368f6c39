//! Questions and answers.

use serde::{Deserialize, Serialize};

use crate::dist::{Alternative, Continuous, Normal};
use crate::error::Error;
use crate::estimand::{Direction, Hypothesis};
use crate::planning::chance::Chance;
use crate::planning::outcome::Outcome;
use crate::planning::solve::{reaches, stays};
use crate::planning::{Effect, Monitoring, Plan, no_traffic, refuse};

/// The most units that an answer may ask for.
const MOST: f64 = 1e15;

/// How large an experiment is, in units or in days of the plan's traffic.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Size {
    /// Units in all arms together.
    Units(u64),
    /// Days from the first exposure.
    Days(u32),
}

/// What a scientist asks of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// How likely does an experiment of this size find this effect?
    Power {
        /// Its size.
        size: Size,
        /// The true effect.
        effect: Effect,
    },
    /// How many units does it take to find this effect with this power?
    Size {
        /// The true effect.
        effect: Effect,
        /// The chance to find it.
        power: f64,
    },
    /// How small an effect does an experiment of this size find with this power?
    Effect {
        /// Its size.
        size: Size,
        /// The chance to find it.
        power: f64,
    },
    /// How many units until the interval is expected to reach no farther than this to each side?
    Precision {
        /// Half of the interval's width.
        half_width: Effect,
    },
    /// Which margin of non-inferiority does an experiment of this size show with this power, when the true effect is this?
    Margin {
        /// Its size.
        size: Size,
        /// The true effect, often none.
        effect: Effect,
        /// The chance to show it.
        power: f64,
    },
}

/// What a plan comes to: the same for every question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// Units in all arms together, whole in each.
    pub units: u64,
    /// Units per arm, the baseline first.
    pub units_per_arm: Vec<u64>,
    /// Clusters per arm, where units come in clusters.
    pub clusters_per_arm: Option<Vec<u64>>,
    /// Days of the plan's traffic until these units are complete; `None` without traffic, or when they do not come within
    /// ten years.
    pub days: Option<u32>,
    /// Chance to reject with these whole units.
    pub power: f64,
    /// Part of the power that rejects on the wrong side.
    pub wrong_side: f64,
    /// How many times too large the estimate is on average when the test rejects; `None` without an effect.
    pub exaggeration: Option<f64>,
    /// The effect, in the unit of the metric.
    pub effect: f64,
    /// The effect as a share of the baseline, where there is one.
    pub lift: Option<f64>,
    /// Expected half-width of the interval, in the unit of the metric.
    pub half_width: f64,
    /// The same as a share of the baseline.
    pub half_width_of_baseline: Option<f64>,
    /// Margin of non-inferiority, where one is tested.
    pub margin: Option<f64>,
    /// Level of the test on each side that it has.
    pub tail: f64,
    /// How many times the units of one look at the end, for the same power.
    pub inflation: f64,
    /// Expected units when a sequential plan stops, under this effect.
    pub expected_units: f64,
    /// What a reader must know, one sentence each.
    pub notes: Vec<String>,
}

impl Plan {
    /// Answers a question.
    ///
    /// - **Gives** whole units per arm, none below its share, and the power that these have.
    /// - **Errors** with [`Error::OutOfRange`] for a plan or a question that cannot be, by field; with
    ///   [`Error::Unattainable`] when no number of units, or no effect, reaches what is asked.
    pub fn answer(&self, question: &Question) -> Result<Answer, Error> {
        self.check()?;
        match *question {
            Question::Power { size, effect } => self.told(self.units_of(size)?, self.absolute(effect)?),
            Question::Size { effect, power } => self.told(self.units(effect, power)?, self.absolute(effect)?),
            Question::Effect { size, power } => {
                let units = self.units_of(size)?;
                self.told(units, self.effect(units, power)?)
            }
            Question::Precision { half_width } => {
                let asked = self.absolute(half_width)?.abs();
                self.told(self.units_for_half_width(asked)?, 0.0)
            }
            Question::Margin { size, effect, power } => self.margin(self.units_of(size)?, effect, power),
        }
    }

    /// The power with a total of units, not necessarily whole.
    ///
    /// - **Errors** as [`Plan::answer`].
    pub fn power(&self, units: f64, effect: Effect) -> Result<f64, Error> {
        self.check()?;
        Ok(self.chance_with(units, self.absolute(effect)?)?.power())
    }

    /// The least total of units with this power, not necessarily whole.
    ///
    /// - **Errors** as [`Plan::answer`].
    pub fn units(&self, effect: Effect, power: f64) -> Result<f64, Error> {
        self.check()?;
        let absolute = self.absolute(effect)?;
        self.check_power(power)?;
        if self.contrast(absolute) * self.good() <= 0.0 && self.hypothesis != Hypothesis::TwoSided
            || self.contrast(absolute) == 0.0
        {
            return Err(Error::Unattainable {
                question: format!("size for a power of {power}"),
                reason:
                    "the effect is not on the side that the test looks to, so more units make it less likely to reject"
                        .to_owned(),
                mend: "name an effect inside the margin, or on the tested side".to_owned(),
            });
        }
        // Two units more or less are all that small sizes differ by, so the search runs in the root of the units.
        let fewest = self.fewest();
        let chance = |units: f64| Ok::<_, Error>(self.chance(units, absolute)?.power());
        let smooth = if self.is_counted() {
            let means = Plan { outcome: self.as_mean(absolute)?, ..self.clone() };
            let power_of = |root: f64| Ok::<_, Error>(means.chance(root * root, absolute)?.power());
            let fewest = means.fewest().max(fewest);
            reaches(fewest.sqrt(), self.guess(absolute, power)?, MOST.sqrt(), power, power_of)?.map(|root| root * root)
        } else {
            let power_of = |root: f64| chance(root * root);
            reaches(fewest.sqrt(), self.guess(absolute, power)?, MOST.sqrt(), power, power_of)?.map(|root| root * root)
        };
        let never = || Error::Unattainable {
            question: format!("size for a power of {power}"),
            reason: "no number of units below 1e15 reaches it".to_owned(),
            mend: "ask for a larger effect, or for less power".to_owned(),
        };
        let smooth = smooth.ok_or_else(never)?;
        let least = self.assignment.compared().into_iter().fold(1.0, f64::min);
        if !self.is_counted() || smooth * least > 1e7 {
            return Ok(smooth);
        }
        // One unit more in the smallest arm, and the others in proportion.
        let start = (smooth * least).ceil() as u64;
        let found = stays(1, start, 100_000_000, power, |n| chance(n as f64 / least))?;
        found.map(|n| n as f64 / least).ok_or_else(never)
    }

    /// The smallest effect found with this power, in the unit of the metric and on the good side (or the tested one).
    ///
    /// - **Errors** as [`Plan::answer`].
    pub fn effect(&self, units: f64, power: f64) -> Result<f64, Error> {
        self.check()?;
        self.check_power(power)?;
        self.check_units(units)?;
        let (sign, origin) = (self.good(), self.contrast(0.0));
        let scale = self.outcome.std_devs(0.0)?[0];
        // Distances from where the hypothesis holds, so that a margin's origin is no special case.
        let effect_at = |distance: f64| sign * distance - origin;
        let room = match &self.outcome {
            Outcome::Proportion { share, .. } => (if sign > 0.0 { 1.0 - share } else { *share }) + sign * origin,
            _ => f64::MAX,
        };
        let parts = self.parts(units, (-origin).clamp(-0.5 * scale, 0.5 * scale));
        let error = parts.map(|parts| parts.iter().map(|part| part.variance).sum::<f64>().sqrt()).unwrap_or(scale);
        let chance = |distance: f64| Ok::<_, Error>(self.chance(units, effect_at(distance))?.power());
        let (low, high) = (1e-9 * error.min(room), room.min(1e6 * (scale + error)) * (1.0 - 1e-12));
        let found = reaches(low, (3.0 * error).min(0.5 * high), high, power, chance)?;
        found.map(effect_at).ok_or_else(|| Error::Unattainable {
            question: format!("effect with a power of {power}"),
            reason: format!("with {units} units no effect that the outcome can have is found so surely"),
            mend: "plan more units, or ask for less power".to_owned(),
        })
    }

    /// The total of units that a size stands for.
    ///
    /// - **Errors** with [`Error::OutOfRange`] for days without traffic, or before any outcome is complete.
    pub fn units_of(&self, size: Size) -> Result<f64, Error> {
        let units = match size {
            Size::Units(units) => units as f64,
            Size::Days(days) => self.traffic.as_ref().ok_or_else(no_traffic)?.units(days),
        };
        self.check_units(units)?;
        Ok(units)
    }

    fn check_units(&self, units: f64) -> Result<(), Error> {
        let fewest = self.fewest();
        // A share of 1/3 is not exact, nor are the units that come of it.
        if units * (1.0 + 1e-12) >= fewest && units <= MOST {
            return Ok(());
        }
        Err(refuse("units", units, &format!("this plan takes from {} to 1e15 units", fewest.ceil())))
    }

    fn check_power(&self, power: f64) -> Result<(), Error> {
        let size = if self.alternative() == Alternative::TwoSided { 2.0 * self.tail() } else { self.tail() };
        if power > size && power < 1.0 {
            return Ok(());
        }
        Err(refuse(
            "power",
            power,
            &format!("the power lies between the level of the test, {size}, and 1; 0.8 is usual"),
        ))
    }

    fn chance_with(&self, units: f64, effect: f64) -> Result<Chance, Error> {
        self.check_units(units)?;
        self.chance(units, effect)
    }

    /// The sign of an effect that is asked for: that of the tested side, else of the good one.
    fn good(&self) -> f64 {
        match (self.alternative(), self.direction) {
            (Alternative::Less, _) | (Alternative::TwoSided, Direction::Lower) => -1.0,
            _ => 1.0,
        }
    }

    /// The normal approximation to the root of the units.
    fn guess(&self, effect: f64, power: f64) -> Result<f64, Error> {
        let at = 1e6_f64.max(4.0 * self.fewest());
        let variance: f64 = self.parts(at, effect)?.iter().map(|part| part.variance).sum::<f64>() * at;
        let sum = Normal.isf(self.tail()).unwrap_or(2.0) + Normal.quantile(power).unwrap_or(1.0);
        Ok((sum.max(0.1) * variance.sqrt() / self.contrast(effect).abs()).clamp(2.0, MOST.sqrt()))
    }

    /// The share as a mean with its own variances, for a start.
    fn as_mean(&self, effect: f64) -> Result<Outcome, Error> {
        let [std_dev, treated] = self.outcome.std_devs(effect)?;
        Ok(Outcome::Mean {
            mean: self.outcome.baseline(),
            std_dev,
            spread: super::Spread::Given(treated.max(1e-6 * std_dev)),
            test: super::MeanTest::Welch,
        })
    }

    fn units_for_half_width(&self, asked: f64) -> Result<f64, Error> {
        if asked <= 0.0 {
            return Err(refuse("half_width", asked, "an interval has a width above 0"));
        }
        // The width falls with the units: as a chance that rises, on any monotone scale.
        let narrow = |root: f64| Ok::<_, Error>(Normal.sf((self.half_width(root * root, 0.0)? / asked).ln()));
        reaches(self.fewest().sqrt(), self.fewest().sqrt() * 2.0, MOST.sqrt(), 0.5, narrow)?
            .map(|root| root * root)
            .ok_or_else(|| Error::Unattainable {
                question: format!("interval of ±{asked}"),
                reason: "it takes more than 1e15 units".to_owned(),
                mend: "ask for a wider interval".to_owned(),
            })
    }

    fn margin(&self, units: f64, effect: Effect, power: f64) -> Result<Answer, Error> {
        let with = |margin: f64| Plan { hypothesis: Hypothesis::NonInferiority { margin }, ..self.clone() };
        let effect = self.absolute(effect)?;
        with(0.5).check()?;
        with(0.5).check_power(power)?;
        let chance = |margin: f64| Ok::<_, Error>(with(margin).chance_with(units, effect)?.power());
        let found = reaches(1e-9, 0.05, 1.0 - 1e-9, power, chance)?.ok_or_else(|| Error::Unattainable {
            question: format!("margin shown with a power of {power}"),
            reason: format!("with {units} units not even a loss of the whole baseline is ruled out so surely"),
            mend: "plan more units".to_owned(),
        })?;
        with(found).told(units, effect)
    }

    /// The whole answer for a total of units and an effect.
    fn told(&self, units: f64, effect: f64) -> Result<Answer, Error> {
        let units_per_arm = self.whole(units);
        let chance = self.chance_with(self.total_for(&units_per_arm), effect)?;
        let power = chance.power();
        let total: u64 = units_per_arm.iter().sum();
        let half_width = self.half_width(units, effect)?;
        let clusters = |n: &u64| self.clusters.map_or(0, |clusters| (*n as f64 / clusters.size).round() as u64);
        let inflation = self.inflation(power.clamp(0.01, 0.999)).unwrap_or(1.0);
        Ok(Answer {
            units: total,
            clusters_per_arm: self.clusters.map(|_| units_per_arm.iter().map(clusters).collect()),
            units_per_arm,
            days: self.traffic.as_ref().and_then(|traffic| traffic.days(total as f64)),
            power,
            wrong_side: chance.wrong,
            exaggeration: self.exaggeration(&chance, effect),
            effect,
            lift: self.lift(effect),
            half_width,
            half_width_of_baseline: self.lift(half_width).map(f64::abs),
            margin: self.hypothesis.margin(),
            tail: self.tail(),
            inflation,
            expected_units: chance.information * total as f64,
            notes: self.notes(effect),
        })
    }

    /// Whole units per arm; of whole clusters, where there are clusters.
    fn whole(&self, units: f64) -> Vec<u64> {
        match self.clusters {
            None => self.assignment.whole(units),
            Some(clusters) => {
                let whole = self.assignment.whole(units / clusters.size);
                whole.iter().map(|count| (*count as f64 * clusters.size).round() as u64).collect()
            }
        }
    }

    /// The total for which no arm that is compared has more than these units: rounding up never counts twice.
    fn total_for(&self, units_per_arm: &[u64]) -> f64 {
        let shares = self.assignment.shares();
        let total = |(n, share): (&u64, &f64)| *n as f64 / share;
        units_per_arm.iter().zip(&shares).map(total).fold(f64::INFINITY, f64::min)
    }

    /// `E[|d̂| | rejected]/|d|` of a normal statistic with the same power.
    ///
    /// - **Source** Gelman & Carlin (2014), "Beyond power calculations"; Lu, Qiu & Deng (2019), eq. (6), for the closed form.
    fn exaggeration(&self, chance: &Chance, effect: f64) -> Option<f64> {
        if effect == 0.0 || self.hypothesis.margin().is_some() || matches!(self.monitoring, Monitoring::Looks(_)) {
            return None;
        }
        let critical = Normal.isf(self.tail())?;
        let drift = critical + Normal.quantile(chance.right.clamp(1e-300, 1.0 - 1e-16))?;
        let above = Normal.pdf(critical - drift) + drift * Normal.sf(critical - drift);
        let below = Normal.pdf(critical + drift) - drift * Normal.sf(critical + drift);
        let (size, power) = if self.alternative() == Alternative::TwoSided {
            (above + below, Normal.sf(critical - drift) + Normal.sf(critical + drift))
        } else {
            (above, Normal.sf(critical - drift))
        };
        Some(size / power / drift).filter(|ratio| drift > 0.0 && ratio.is_finite())
    }

    /// What the numbers rest on and do not say themselves.
    fn notes(&self, effect: f64) -> Vec<String> {
        let mut notes = Vec::new();
        if self.multiplicity.is_stepwise() {
            notes.push(format!(
                "One of {} tests under `{}`: the power counts on the first step alone, and is larger when others are rejected too.",
                self.multiplicity.tests,
                self.multiplicity.correction.name()
            ));
        }
        if matches!(self.monitoring, Monitoring::Looks(_)) && self.multiplicity.tests > 1 {
            notes.push(
                "The critical values of the looks stand for the level of one test: make them for the corrected level."
                    .to_owned(),
            );
        }
        if let Some(clusters) = &self.clusters {
            notes.push(format!(
                "Units in clusters count for {:.3} as many independent ones.",
                1.0 / clusters.design_effect()
            ));
        }
        if self.assignment.shares().len() > 2 {
            notes.push("Planned for the treatment with the least share, against the baseline.".to_owned());
        }
        if self.is_counted() {
            notes.push("By enumeration of all counts that can come.".to_owned());
        }
        if self.hypothesis.margin().is_some() && self.contrast(effect) == 0.0 {
            notes.push("The true effect lies on the margin, where safety is not to be shown.".to_owned());
        }
        notes
    }
}
