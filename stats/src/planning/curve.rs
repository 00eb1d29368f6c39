//! Curves of a plan, as data for a chart or a table.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::planning::{Effect, Plan, Size, no_traffic};

/// What an axis shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Axis {
    /// Days from the first exposure.
    Days,
    /// The effect, in the unit of the metric.
    Effect,
    /// The effect as a share of the baseline.
    Lift,
    /// The chance to reject.
    Power,
    /// Units in all arms together.
    Units,
}

/// One point; `y` is `None` where the question has no answer, such as a size too small for the test.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Along the axis.
    pub x: f64,
    /// What it comes to.
    pub y: Option<f64>,
}

/// A line of points.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// What `x` is.
    pub x: Axis,
    /// What `y` is.
    pub y: Axis,
    /// In the order of `x`.
    pub points: Vec<Point>,
}

/// So many sizes from one to another, evenly in their logarithm: what a curve over units wants.
pub fn sizes(from: f64, to: f64, points: u32) -> Vec<f64> {
    let ratio = (to / from).ln() / f64::from(points.max(2) - 1);
    (0..points).map(|point| (from * (ratio * f64::from(point)).exp()).round()).collect()
}

impl Plan {
    /// The power over sizes, under one effect.
    ///
    /// - **Errors** as [`Plan::answer`] for a plan or an effect that cannot be.
    pub fn power_by_units(&self, effect: Effect, units: &[f64]) -> Result<Curve, Error> {
        self.check()?;
        self.absolute(effect)?;
        Ok(line(Axis::Units, Axis::Power, units, |units| self.power(units, effect)))
    }

    /// The power over effects, in the unit of the metric, with one number of units.
    ///
    /// - **Errors** as [`Plan::answer`] for a plan or a number of units that cannot be.
    pub fn power_by_effect(&self, units: f64, effects: &[f64]) -> Result<Curve, Error> {
        self.power(units, Effect::Absolute(0.0))?;
        Ok(line(Axis::Effect, Axis::Power, effects, |effect| self.power(units, Effect::Absolute(effect))))
    }

    /// The smallest detectable effect over sizes; as a lift where there is a baseline.
    ///
    /// - **Errors** as [`Plan::answer`] for a plan or a power that cannot be.
    pub fn effect_by_units(&self, power: f64, units: &[f64]) -> Result<Curve, Error> {
        self.check()?;
        Ok(line(Axis::Units, self.effect_axis(), units, |units| self.shown(units, power)))
    }

    /// The smallest detectable effect over days of the plan's traffic; as a lift where there is a baseline.
    ///
    /// - **Errors** as [`Plan::answer`] for a plan or a power that cannot be, or without traffic.
    pub fn effect_by_days(&self, power: f64, last: u32) -> Result<Curve, Error> {
        self.check()?;
        self.traffic.as_ref().ok_or_else(no_traffic)?;
        let days: Vec<f64> = (1..=last).map(f64::from).collect();
        Ok(line(Axis::Days, self.effect_axis(), &days, |day| self.shown(self.units_of(Size::Days(day as u32))?, power)))
    }

    /// The units over effects, in the unit of the metric, with one power.
    ///
    /// - **Errors** as [`Plan::answer`] for a plan that cannot be.
    pub fn units_by_effect(&self, power: f64, effects: &[f64]) -> Result<Curve, Error> {
        self.check()?;
        Ok(line(Axis::Effect, Axis::Units, effects, |effect| self.units(Effect::Absolute(effect), power)))
    }

    fn effect_axis(&self) -> Axis {
        if self.lift(1.0).is_some() { Axis::Lift } else { Axis::Effect }
    }

    fn shown(&self, units: f64, power: f64) -> Result<f64, Error> {
        let effect = self.effect(units, power)?;
        Ok(self.lift(effect).unwrap_or(effect))
    }
}

fn line(x: Axis, y: Axis, along: &[f64], value: impl Fn(f64) -> Result<f64, Error>) -> Curve {
    let points = along.iter().map(|x| Point { x: *x, y: value(*x).ok().filter(|y| y.is_finite()) }).collect();
    Curve { x, y, points }
}
