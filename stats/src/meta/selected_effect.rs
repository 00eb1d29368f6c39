//! An effect that is shown because it was significant: estimate and interval without the winner's curse.

use super::studies::{Studies, Study, check_level};
use crate::contrast::Interval;
use crate::dist::{Continuous, Normal};
use crate::error::Error;

/// The rule by which an effect came to be shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Selection {
    /// The estimate over its standard error was above this.
    Above(f64),
    /// It was above this, or below its negative.
    Beyond(f64),
}

/// An effect given that it was selected.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SelectedEffect {
    /// The most likely effect, given the selection.
    pub estimate: f64,
    /// The effect whose median, given the selection, is what was seen: too high as often as too low.
    pub median_unbiased: f64,
    /// The effects for which what was seen is not extreme, given the selection.
    pub interval: Interval,
}

/// More steps than bisection takes from the widest bracket.
const MAX_STEPS: usize = 200;

impl Study {
    /// The effect by the likelihood of the estimate given that it was selected.
    ///
    /// `X ~ N(θ, σ²)` given `X ∈ S`: the estimate solves `E(X | X ∈ S; θ) = x`, and the interval inverts
    /// `P(X > x | X ∈ S; θ)`, which rises in θ.
    ///
    /// - **Gives** an estimate below the plain one, and an interval that covers `level` of the selected effects whatever
    ///   they are. Just past the threshold the estimate falls without bound when selection was one-sided: such a result
    ///   says little.
    /// - **Errors** with [`Error::OutOfRange`] for a study that was not selected, a threshold below 0 or not finite, and
    ///   as [`Studies::new`].
    /// - **Source** Zhong & Prentice (2008), eqs. (2)–(4); Andrews, Kitagawa & McCloskey (2024) for the median-unbiased
    ///   estimate.
    pub fn given_selection(self, selection: Selection, level: f64) -> Result<SelectedEffect, Error> {
        check_level(level)?;
        Studies::new(vec![self])?;
        let threshold = selection.threshold();
        if !(threshold >= 0.0 && threshold.is_finite()) {
            return Err(Error::OutOfRange {
                field: "threshold".to_owned(),
                value: threshold.to_string(),
                expected: "a threshold is 0 or more standard errors".to_owned(),
            });
        }
        let z = self.z();
        if !selection.takes(z) {
            return Err(Error::OutOfRange {
                field: "estimate over its standard error".to_owned(),
                value: z.to_string(),
                expected: format!(
                    "this selection takes {selection}; an effect that was not selected needs no correction"
                ),
            });
        }
        // A selected effect below the threshold of the other side is the mirror image of one above.
        let (side, z) = if z < 0.0 { (-1.0, -z) } else { (1.0, z) };
        let outside = (1.0 - level) / 2.0;
        let effect = |theta: f64| side * theta * self.std_error;
        let above = |p: f64| rising_root(z, |theta| selection.ln_above(z, theta) - p.ln());
        let ends = [effect(above(outside)), effect(above(1.0 - outside))];
        Ok(SelectedEffect {
            estimate: effect(rising_root(z, |theta| selection.mean(theta) - z)),
            median_unbiased: effect(above(0.5)),
            interval: Interval { low: Some(ends[0].min(ends[1])), high: Some(ends[0].max(ends[1])) },
        })
    }
}

impl Selection {
    fn threshold(self) -> f64 {
        match self {
            Self::Above(threshold) | Self::Beyond(threshold) => threshold,
        }
    }

    fn takes(self, z: f64) -> bool {
        match self {
            Self::Above(threshold) => z > threshold,
            Self::Beyond(threshold) => z.abs() > threshold,
        }
    }

    /// `ln P(Z ∈ S)` of `Z ~ N(θ, 1)`.
    fn ln_probability(self, theta: f64) -> f64 {
        match self {
            Self::Above(c) => Normal.ln_sf(c - theta),
            Self::Beyond(c) => ln_sum(Normal.ln_sf(c - theta), Normal.ln_sf(c + theta)),
        }
    }

    /// `ln P(Z > z | Z ∈ S)`, for a `z` above the threshold.
    fn ln_above(self, z: f64, theta: f64) -> f64 {
        Normal.ln_sf(z - theta) - self.ln_probability(theta)
    }

    /// `E(Z | Z ∈ S)`.
    fn mean(self, theta: f64) -> f64 {
        let all = self.ln_probability(theta);
        let density = |x: f64| (-0.5 * x * x - 0.5 * std::f64::consts::TAU.ln() - all).exp();
        theta
            + match self {
                Self::Above(c) => density(c - theta),
                Self::Beyond(c) => density(c - theta) - density(c + theta),
            }
    }
}

impl std::fmt::Display for Selection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Above(threshold) => write!(f, "what is above {threshold}"),
            Self::Beyond(threshold) => write!(f, "what is beyond ±{threshold}"),
        }
    }
}

/// `ln(eᵃ + eᵇ)`.
fn ln_sum(a: f64, b: f64) -> f64 {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    high + (low - high).exp().ln_1p()
}

/// The root of a rising function, searched for outwards from a start.
fn rising_root(start: f64, f: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (start - 1.0, start + 1.0);
    let mut reach = 1.0;
    while f(low) > 0.0 && reach < 1e12 {
        reach *= 2.0;
        (low, high) = (low - reach, low);
    }
    while f(high) < 0.0 && reach < 1e12 {
        reach *= 2.0;
        (low, high) = (high, high + reach);
    }
    for _ in 0..MAX_STEPS {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if f(middle) < 0.0 { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}
