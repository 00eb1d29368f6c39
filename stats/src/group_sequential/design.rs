//! The critical values of a plan, and what it can find.

use super::continuation::Continuation;
use super::{Futility, Impossible, Plan, Rule};
use crate::dist::bracketed_root::bracketed_root;
use crate::dist::{Continuous, Normal};
use crate::sequential::Sides;

/// How far, in standard deviations, stopped paths can move a bound; beyond, nothing is left to be spent.
const MOST: f64 = 32.0;

/// Critical values on the scale of the statistic, and the plan that they follow from.
#[derive(Debug, Clone, PartialEq)]
pub struct Design {
    pub(super) plan: Plan,
    /// Infinite where nothing is spent.
    efficacy: Vec<f64>,
    /// One for each look but the last.
    futility: Vec<f64>,
    /// What the futility bounds were made for.
    planned_drift: Option<f64>,
}

/// What happens at one look, as probabilities among all experiments.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stage {
    /// Fraction of the planned information.
    pub information: f64,
    /// To stop above the critical value.
    pub above: f64,
    /// To stop below: for futility, or below the lower critical value of a two-sided plan.
    pub below: f64,
}

impl Design {
    /// The critical values of a plan that was checked.
    pub(super) fn of(plan: &Plan) -> Result<Self, Impossible> {
        let Futility::Spending { beta, .. } = plan.futility else {
            let Bounds { efficacy, futility, .. } = Bounds::of(plan, 0.0);
            return Ok(Self { plan: plan.clone(), efficacy, futility, planned_drift: None });
        };
        // The drift that is missed with probability β when what may be missed at each look is spent there.
        let fixed = fixed_drift(plan.alpha_of_a_side(), 1.0 - beta);
        let drift = bracketed_root(0.25 * fixed, 8.0 * fixed, |drift| Bounds::of(plan, drift).missed - beta);
        let found = Bounds::of(plan, drift);
        if (found.missed - beta).abs() > 1e-9 {
            return Err(Impossible::new("beta", beta, "no effect is missed so often by these looks"));
        }
        let Bounds { efficacy, futility, .. } = found;
        Ok(Self { plan: plan.clone(), efficacy, futility, planned_drift: Some(drift) })
    }

    /// Information at each look, as a fraction of the planned information.
    pub fn looks(&self) -> &[f64] {
        &self.plan.looks
    }

    /// The critical value of each look; infinite where nothing is spent.
    pub fn efficacy(&self) -> &[f64] {
        &self.efficacy
    }

    /// The statistic at or below which each look but the last stops for futility; empty without futility.
    pub fn futility(&self) -> &[f64] {
        &self.futility
    }

    /// The level of error spent by each look, of all sides together.
    pub fn alpha_spent(&self) -> Vec<f64> {
        let sides = if self.plan.sides == Sides::Two { 2.0 } else { 1.0 };
        let mut spent = 0.0;
        let looks = self.walk(0.0, self.plan.futility.is_binding());
        looks
            .iter()
            .map(|look| {
                spent += sides * look.above;
                spent
            })
            .collect()
    }

    /// What happens at each look when the effect has this drift: the expected statistic at the planned information.
    pub fn stops(&self, drift: f64) -> Vec<Stage> {
        self.walk(drift, true)
    }

    /// The chance to stop above a critical value when the effect has this drift.
    pub fn power(&self, drift: f64) -> f64 {
        self.stops(drift).iter().map(|look| look.above).sum()
    }

    /// The drift that is found with this power.
    ///
    /// # Errors
    /// [`Impossible`] unless the power lies between the level of error of one side and 1.
    pub fn drift(&self, power: f64) -> Result<f64, Impossible> {
        if !(power > self.plan.alpha_of_a_side() && power < 1.0) {
            return Err(Impossible::new("power", power, "a power lies between the level of error and 1, such as 0.8"));
        }
        if let (Futility::Spending { beta, .. }, Some(drift)) = (&self.plan.futility, self.planned_drift)
            && power == 1.0 - beta
        {
            return Ok(drift);
        }
        let fixed = fixed_drift(self.plan.alpha_of_a_side(), power);
        Ok(bracketed_root(0.0, 8.0 * fixed + 8.0, |drift| self.power(drift) - power))
    }

    /// The planned information as a multiple of what one look at the end would need for the same power.
    ///
    /// # Errors
    /// Those of [`Self::drift`].
    pub fn inflation(&self, power: f64) -> Result<f64, Impossible> {
        Ok((self.drift(power)? / fixed_drift(self.plan.alpha_of_a_side(), power)).powi(2))
    }

    /// The information that is expected when the effect has this drift, as a fraction of the planned information.
    pub fn expected_information(&self, drift: f64) -> f64 {
        let last = self.looks().last().copied().unwrap_or(1.0);
        let saved = |look: &Stage| (last - look.information) * (look.above + look.below);
        last - self.stops(drift).iter().map(saved).sum::<f64>()
    }

    /// The values of the statistic between which the look goes on.
    pub(super) fn region(&self, look: usize, with_futility: bool) -> (f64, f64) {
        let high = self.efficacy.get(look).copied().unwrap_or(f64::INFINITY);
        let low = match self.plan.sides {
            Sides::Two => -high,
            Sides::One if with_futility => self.futility.get(look).copied().unwrap_or(f64::NEG_INFINITY),
            Sides::One => f64::NEG_INFINITY,
        };
        (low, high)
    }

    fn walk(&self, drift: f64, with_futility: bool) -> Vec<Stage> {
        let mut paths = Continuation::start(drift);
        let mut looks = Vec::with_capacity(self.looks().len());
        for (at, t) in self.looks().iter().copied().enumerate() {
            let (low, high) = self.region(at, with_futility);
            looks.push(Stage { information: t, above: paths.above(t, high), below: paths.below(t, low) });
            if let Some(next) = self.looks().get(at + 1) {
                paths = paths.go_on(t, low, high, *next);
            }
        }
        looks
    }
}

/// The drift that one look at the planned information finds with this power.
fn fixed_drift(alpha: f64, power: f64) -> f64 {
    Normal.isf(alpha).unwrap_or(0.0) + Normal.quantile(power).unwrap_or(0.0)
}

/// The bounds of all looks, made one after another.
struct Bounds {
    efficacy: Vec<f64>,
    futility: Vec<f64>,
    /// Level of error of one side that was spent.
    spent: f64,
    /// Chance of the drift to be missed.
    missed: f64,
}

impl Bounds {
    /// `drift` is the one that a chance to miss is spent at.
    fn of(plan: &Plan, drift: f64) -> Self {
        let Rule::WangTsiatis { delta } = plan.rule else { return Self::with_shape(plan, drift, |_| None) };
        let alpha = plan.alpha_of_a_side();
        let factor = |t: f64| t.powf(delta - 0.5);
        // At the high end each look alone has its even share of the level; at the low end the last has all of it.
        let even = Normal.isf(alpha / plan.looks.len() as f64).unwrap_or(0.0);
        let high = plan.looks.iter().map(|t| even / factor(*t)).fold(0.0, f64::max);
        let all = if plan.futility.is_binding() { 0.0 } else { Normal.isf(alpha).unwrap_or(0.0) };
        let low = plan.looks.last().map_or(0.0, |t| all / factor(*t));
        let with = |constant: f64| Self::with_shape(plan, drift, |t| Some(constant * factor(t)));
        with(bracketed_root(low, high, |constant| with(constant).spent - alpha))
    }

    /// The bounds where `shape` gives the critical value of each look, or leaves it to the rule.
    fn with_shape(plan: &Plan, drift: f64, shape: impl Fn(f64) -> Option<f64>) -> Self {
        let alpha = plan.alpha_of_a_side();
        let (mut null, mut effect) = (Continuation::start(0.0), Continuation::start(drift));
        let mut bounds = Self { efficacy: Vec::new(), futility: Vec::new(), spent: 0.0, missed: 0.0 };
        let spends_beta = matches!(plan.futility, Futility::Spending { .. });
        for (at, t) in plan.looks.iter().copied().enumerate() {
            let next = plan.looks.get(at + 1).copied();
            let high = match (plan.rule, shape(t)) {
                (_, Some(value)) => value,
                (Rule::Spending(spending), None) => critical(&null, t, spending.spent(t, alpha) - bounds.spent),
                (Rule::HaybittlePeto { early }, None) if next.is_some() => early,
                (Rule::HaybittlePeto { .. } | Rule::WangTsiatis { .. }, None) => {
                    critical(&null, t, alpha - bounds.spent)
                }
            };
            bounds.spent += null.above(t, high);
            bounds.efficacy.push(high);
            let Some(next) = next else {
                bounds.missed += effect.below(t, high);
                break;
            };
            let low = match &plan.futility {
                Futility::None => f64::NEG_INFINITY,
                Futility::Bounds { values, .. } => values.get(at).copied().unwrap_or(f64::NEG_INFINITY).min(high),
                Futility::Spending { spending, beta, .. } => {
                    let rest = spending.spent(t, *beta) - bounds.missed;
                    lower_bound(&effect, t, rest).min(high)
                }
            };
            if plan.futility != Futility::None {
                bounds.futility.push(low);
            }
            let counted = if plan.futility.is_binding() { low } else { f64::NEG_INFINITY };
            null = null.go_on(t, if plan.sides == Sides::Two { -high } else { counted }, high, next);
            if spends_beta {
                bounds.missed += effect.below(t, low);
                effect = effect.go_on(t, low, high, next);
            }
        }
        bounds
    }
}

/// The value that the paths reach with this probability; infinite when there is nothing to spend.
fn critical(paths: &Continuation, t: f64, probability: f64) -> f64 {
    if probability < f64::MIN_POSITIVE {
        return f64::INFINITY;
    }
    // Among all paths the value would be this one; those that stopped before can only lower it.
    let high = Normal.isf(probability.min(0.5)).unwrap_or(f64::INFINITY);
    crossing(high, |z| (paths.above(t, z) / probability).ln())
}

/// The value below which the paths stay with this probability.
fn lower_bound(paths: &Continuation, t: f64, probability: f64) -> f64 {
    if probability < f64::MIN_POSITIVE {
        return f64::NEG_INFINITY;
    }
    // Among all paths the value would be this one; those that stopped before can only raise it.
    let lowest = paths.unstopped(t) + Normal.quantile(probability.min(0.5)).unwrap_or(f64::NEG_INFINITY);
    -crossing(-lowest, |z| (paths.below(t, -z) / probability).ln())
}

/// Where a falling function that is not positive at `high` vanishes; the lowest value when it never does.
fn crossing(high: f64, gap: impl Fn(f64) -> f64) -> f64 {
    let mut step = 0.25;
    while step < MOST && gap(high - step) <= 0.0 {
        step *= 2.0;
    }
    bracketed_root(high - step, high, gap)
}
