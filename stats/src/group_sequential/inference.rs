//! What a look allows to be said: while the experiment runs, and when it has stopped.

use super::continuation::Continuation;
use super::{Design, Futility, Impossible, Plan, Rule};
use crate::contrast::Interval;
use crate::dist::bracketed_root::bracketed_root;
use crate::dist::{Alternative, Continuous, Normal, TailProbability};
use crate::sequential::Sides;

/// The smallest level of error at which a repeated p-value is looked for.
const LEAST_ALPHA: f64 = 1e-300;

/// The largest level of error of one side.
const MOST_ALPHA: f64 = 0.5 - 1e-9;

/// A gap between a statistic and a critical value that is as good as any wider one.
const WIDE: f64 = 4.0;

/// Drifts beyond the observed one, in standard deviations, between which final intervals are looked for.
const FARTHEST: f64 = 40.0;

/// A look that was taken, and the statistic that it showed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stop {
    /// The look, counted from 1.
    pub look: usize,
    /// The estimate in standard errors.
    pub statistic: f64,
}

/// Final inference on the drift, in the stage-wise order; divide drifts by the square root of the planned information
/// for the effect.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Final {
    /// Of the null hypothesis of no drift, on the sides of the plan; below 2.2e-308 a bound.
    pub p_value: TailProbability,
    /// Two-sided interval of the drift, with the level of error of one side on each.
    pub interval: Interval,
    /// The drift that is as likely to be overshot as not.
    pub median_unbiased: f64,
}

impl Design {
    /// The critical value of a look, counted from 1; `None` where there is none.
    fn critical(&self, look: usize) -> Option<f64> {
        self.efficacy().get(look.checked_sub(1)?).copied().filter(|critical| critical.is_finite())
    }

    /// The repeated confidence interval of a look, counted from 1: `estimate ± c·std_error`.
    ///
    /// Those of all looks cover together, whether or not the experiment stops where the plan says. Two-sided, with the
    /// level of error of one side on each. `None` where the look has no critical value.
    ///
    /// - **Source** Jennison & Turnbull (1989), Journal of the Royal Statistical Society B 51.
    pub fn repeated_interval(&self, look: usize, estimate: f64, std_error: f64) -> Option<Interval> {
        Some(Interval::around(estimate, self.critical(look)? * std_error, Alternative::TwoSided))
    }

    /// The repeated p-value of a look: the smallest level at which the same plan would stop here.
    ///
    /// Valid at every look, whether or not the experiment stops where the plan says. Where not even a level of 0.5 on a
    /// side would stop, it is 1. Never below 1e-300, which then is a bound.
    ///
    /// # Errors
    /// [`Impossible`] for a look that the plan has not, or a statistic that is not finite.
    pub fn repeated_p(&self, stop: Stop) -> Result<TailProbability, Impossible> {
        self.check(stop)?;
        let (sides, statistic) = match self.plan.sides {
            Sides::Two => (2.0_f64, stop.statistic.abs()),
            Sides::One => (1.0, stop.statistic),
        };
        let plan = self.plan_so_far(stop.look);
        let gap = |ln_alpha: f64| {
            let design = Plan { alpha: sides * ln_alpha.exp(), ..plan.clone() }.design();
            let critical = design.ok().and_then(|design| design.critical(stop.look)).unwrap_or(f64::INFINITY);
            // Where nothing is spent the critical value is infinite: only its sign is of use.
            (critical - statistic).clamp(-WIDE, WIDE)
        };
        let (least, most) = (LEAST_ALPHA.ln(), MOST_ALPHA.ln());
        if gap(most) > 0.0 {
            return Ok(TailProbability::CERTAIN);
        }
        // From the p-value of this look alone, in growing steps to the level at which the plan just stops here.
        let mut high = Normal.ln_sf(statistic).clamp(least, most);
        let mut step = 0.5;
        while high < most && gap(high) > 0.0 {
            high = (high + step).min(most);
            step *= 2.0;
        }
        let (mut low, mut step) = (high, 0.5);
        while low > least && gap(low) <= 0.0 {
            low = (low - step).max(least);
            step *= 2.0;
        }
        let ln_p = bracketed_root(low, high, gap) + sides.ln();
        Ok(TailProbability::from_ln(ln_p).unwrap_or(TailProbability::CERTAIN))
    }

    /// Inference when the experiment stopped at a look, in the stage-wise order: to stop earlier is more extreme, then
    /// a larger statistic.
    ///
    /// Futility counts only where it is binding.
    ///
    /// - **Source** Armitage (1957); Tsiatis, Rosner & Mehta (1984), Biometrics 40; Jennison & Turnbull (2000), section
    ///   8.4.
    ///
    /// # Errors
    /// [`Impossible`] for a look that the plan has not, or a statistic that is not finite.
    pub fn stopped(&self, stop: Stop) -> Result<Final, Impossible> {
        self.check(stop)?;
        let information = self.looks()[stop.look - 1];
        let alpha = self.plan.alpha_of_a_side();
        let upper = self.as_extreme(stop, 0.0);
        let p = match self.plan.sides {
            // The plan is symmetric: the other tail is this one of the mirrored statistic, with all of its digits.
            Sides::Two => 2.0 * upper.min(self.as_extreme(Stop { statistic: -stop.statistic, ..stop }, 0.0)),
            Sides::One => upper,
        };
        let centre = stop.statistic / information.sqrt();
        let reach = FARTHEST / information.sqrt();
        let drift =
            |level: f64| bracketed_root(centre - reach, centre + reach, |drift| self.as_extreme(stop, drift) - level);
        Ok(Final {
            p_value: TailProbability::from_ln(p.max(f64::MIN_POSITIVE).ln()).unwrap_or(TailProbability::CERTAIN),
            interval: Interval { low: Some(drift(alpha)), high: Some(drift(1.0 - alpha)) },
            median_unbiased: drift(0.5),
        })
    }

    /// The chance to stop above a critical value later, when a look showed this statistic and the effect has this drift.
    ///
    /// With drift 0 it is the conditional rejection probability, the level of error that is left.
    ///
    /// # Errors
    /// [`Impossible`] for a look that the plan has not, or a statistic that is not finite.
    pub fn conditional_power(&self, stop: Stop, drift: f64) -> Result<f64, Impossible> {
        self.check(stop)?;
        let t = self.looks()[stop.look - 1];
        let mut paths = Continuation::at(t, stop.statistic * t.sqrt(), drift);
        let mut power = 0.0;
        for at in stop.look..self.looks().len() {
            let (low, high) = self.region(at, true);
            power += paths.above(self.looks()[at], high);
            if let Some(next) = self.looks().get(at + 1) {
                paths = paths.go_on(self.looks()[at], low, high, *next);
            }
        }
        Ok(power)
    }

    /// The chance of what is at least as extreme upwards, when the effect has this drift.
    fn as_extreme(&self, stop: Stop, drift: f64) -> f64 {
        let mut paths = Continuation::start(drift);
        let mut chance = 0.0;
        for (at, t) in self.looks().iter().copied().enumerate() {
            if at + 1 == stop.look {
                return chance + paths.above(t, stop.statistic);
            }
            let (low, high) = self.region(at, self.plan.futility.is_binding());
            chance += paths.above(t, high);
            if let Some(next) = self.looks().get(at + 1) {
                paths = paths.go_on(t, low, high, *next);
            }
        }
        chance
    }

    /// What the critical value of a look depends on: the looks so far where they spend, else all of them; and futility
    /// where critical values count on it.
    fn plan_so_far(&self, look: usize) -> Plan {
        if self.plan.futility.is_binding() {
            return self.plan.clone();
        }
        let spends = matches!(self.plan.rule, Rule::Spending(_));
        let looks = if spends { &self.looks()[..look] } else { self.looks() };
        Plan { looks: looks.to_vec(), futility: Futility::None, ..self.plan.clone() }
    }

    fn check(&self, stop: Stop) -> Result<(), Impossible> {
        if stop.look == 0 || stop.look > self.looks().len() {
            return Err(Impossible::new("look", stop.look, "looks are counted from 1 to the last of the plan"));
        }
        if !stop.statistic.is_finite() {
            return Err(Impossible::new("statistic", stop.statistic, "a statistic is a finite number"));
        }
        Ok(())
    }
}
