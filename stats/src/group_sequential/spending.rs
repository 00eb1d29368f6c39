//! Spending functions.

use crate::dist::{Continuous, Normal};

/// How much of a level of error may be spent when a fraction of the planned information is there.
///
/// With `t` the fraction and `α` the level of one side:
///
/// | | spent by `t` |
/// |---|---|
/// | O'Brien–Fleming type | `2 − 2Φ(z_{1−α/2}/√t)` |
/// | Pocock type | `α ln(1 + (e − 1)t)` |
/// | Kim–DeMets | `α·t^ρ` |
/// | Hwang–Shih–DeCani | `α(1 − e^{−γt})/(1 − e^{−γ})`, `α·t` at `γ = 0` |
///
/// - **Source** Lan & DeMets (1983); Kim & DeMets (1987), Biometrika 74; Hwang, Shih & DeCani (1990), Statistics in
///   Medicine 9.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Spending {
    /// Little early: nearly the bounds of O'Brien and Fleming.
    ObrienFleming,
    /// Much early: nearly the bounds of Pocock.
    Pocock,
    /// A power of the fraction.
    KimDemets {
        /// The power, above 0; 3 is near O'Brien–Fleming, 1 near Pocock.
        rho: f64,
    },
    /// An exponential of the fraction.
    HwangShihDecani {
        /// −4 is near O'Brien–Fleming, 1 near Pocock.
        gamma: f64,
    },
}

impl Spending {
    /// The share of `alpha` that may be spent by fraction `t`, times `alpha`; all of it from 1 on.
    pub fn spent(self, t: f64, alpha: f64) -> f64 {
        if t >= 1.0 {
            return alpha;
        }
        match self {
            Self::ObrienFleming => Normal.isf(alpha / 2.0).map_or(0.0, |z| 2.0 * Normal.sf(z / t.sqrt())),
            Self::Pocock => alpha * (t * (std::f64::consts::E - 1.0)).ln_1p(),
            Self::KimDemets { rho } => alpha * t.powf(rho),
            Self::HwangShihDecani { gamma: 0.0 } => alpha * t,
            Self::HwangShihDecani { gamma } => alpha * ((-gamma * t).exp_m1() / (-gamma).exp_m1()),
        }
    }

    /// Whether the parameter is one that the function takes.
    pub(super) fn is_sound(self) -> bool {
        match self {
            Self::ObrienFleming | Self::Pocock => true,
            Self::KimDemets { rho } => rho.is_finite() && rho > 0.0,
            // Beyond these the exponential leaves the doubles, and the function is a step.
            Self::HwangShihDecani { gamma } => gamma.abs() <= 100.0,
        }
    }
}
