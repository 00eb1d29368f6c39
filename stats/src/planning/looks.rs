//! Plans that look before the end.
//!
//! At information `t` of the planned 1 the statistic is `Z(t) ~ N(d√t, 1)` with independent increments of `√t·Z(t)`, and
//! `d` the drift: the statistic expected at the end. A plan is data: at which shares it looks, and beyond which values it
//! stops. Whatever made the values (spending functions, confidence sequences, a table in a paper), their power, inflation
//! and expected size follow here.

use std::f64::consts::TAU;

use serde::{Deserialize, Serialize};

use crate::dist::{Alternative, Continuous, Normal};
use crate::error::Error;
use crate::planning::{refuse, t_test::Rejection};

/// How often the experiment is looked at.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Monitoring {
    /// Once, at its end.
    #[default]
    Fixed,
    /// At each of these, in order of information.
    Looks(Vec<Look>),
}

/// One look.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Look {
    /// Share of the planned information, in (0, 1]; the last look has 1.
    pub information: f64,
    /// Critical value of the statistic: rejects from it on, two-sided on both sides. It stands for the level of the plan.
    pub reject: f64,
    /// Stops without rejection at this value or below; two-sided when the size of the statistic is at most this.
    #[serde(default)]
    pub futility: Option<f64>,
}

/// What a sequential plan comes to under one drift.
#[derive(Debug, Clone, PartialEq)]
pub struct Crossing {
    /// Chances to reject at any look, above and below.
    pub rejection: Rejection,
    /// Chance to stop at each look, for whatever reason; the rest of the last is the end.
    pub stops: Vec<f64>,
    /// Expected share of the planned information.
    pub information: f64,
}

impl Monitoring {
    /// The looks; one at the end with the critical value of `tail` for a fixed plan.
    pub(super) fn looks(&self, tail: f64) -> Vec<Look> {
        match self {
            Self::Fixed => {
                vec![Look { information: 1.0, reject: Normal.isf(tail).unwrap_or(f64::INFINITY), futility: None }]
            }
            Self::Looks(looks) => looks.clone(),
        }
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        let Self::Looks(looks) = self else { return Ok(()) };
        if looks.is_empty() || looks.len() > 1_000 {
            return Err(refuse("looks", looks.len(), "a sequential plan has 1 to 1,000 looks"));
        }
        let mut before = 0.0;
        for look in looks {
            if !(look.information > before && look.information <= 1.0) {
                return Err(refuse(
                    "information",
                    look.information,
                    "shares of the information rise from above 0 to 1",
                ));
            }
            if look.reject.is_nan() || look.reject <= 0.0 {
                return Err(refuse("reject", look.reject, "a critical value is positive"));
            }
            if let Some(futility) = look.futility
                && (futility >= look.reject || futility.is_nan())
            {
                return Err(refuse("futility", futility, "a futility bound lies below the critical value of its look"));
            }
            before = look.information;
        }
        if before != 1.0 {
            return Err(refuse("information", before, "the last look is at all of the information, 1"));
        }
        Ok(())
    }
}

/// The chances under a drift.
///
/// The density of the motion on the paths that went on is carried from look to look on a grid of Gauss–Legendre panels.
///
/// - **Source** Armitage, McPherson & Rowe (1969), "Repeated significance tests on accumulating data"; Jennison & Turnbull
///   (2000), section 19.2.
pub fn crossing(looks: &[Look], drift: f64, alternative: Alternative) -> Crossing {
    // For a "less" alternative the motion is seen in a mirror.
    if alternative == Alternative::Less {
        let seen = crossing(looks, -drift, Alternative::Greater);
        return Crossing { rejection: seen.rejection.mirrored(), ..seen };
    }
    let two_sided = alternative == Alternative::TwoSided;
    let mut rejection = Rejection::default();
    let (mut stops, mut information) = (Vec::with_capacity(looks.len()), 0.0);
    let mut paths = Paths::start();
    let mut left = 1.0;
    for (at, look) in looks.iter().enumerate() {
        let t = look.information;
        let root = t.sqrt();
        let (above, below) =
            (paths.above(t, look.reject * root, drift), paths.above_mirrored(t, look.reject * root, drift));
        rejection.above += above;
        let mut stopped = above;
        if two_sided {
            rejection.below += below;
            stopped += below;
        }
        if at + 1 < looks.len() {
            let low = if two_sided {
                -look.reject
            } else {
                look.futility.unwrap_or(f64::NEG_INFINITY).max(drift.min(0.0) * root - 9.0)
            };
            let hole = look.futility.filter(|futility| two_sided && *futility > 0.0);
            let next = looks[at + 1].information;
            let pieces = match hole {
                Some(hole) => vec![(low * root, -hole * root), (hole * root, look.reject * root)],
                None => vec![(low * root, look.reject * root)],
            };
            paths = paths.go_on(t, &pieces, drift, next);
            stopped = (left - paths.total()).max(stopped);
        } else {
            stopped = left;
        }
        left -= stopped;
        information += stopped * t;
        stops.push(stopped);
    }
    Crossing { rejection, stops, information }
}

/// The drift at which a plan rejects above with this chance.
pub(super) fn drift(looks: &[Look], power: f64, alternative: Alternative) -> Option<f64> {
    let side = if alternative == Alternative::TwoSided { Alternative::TwoSided } else { Alternative::Greater };
    let chance = |drift: f64| Ok::<_, Error>(crossing(looks, drift, side).rejection.above);
    super::solve::reaches(0.0, 3.0, 100.0, power, chance).ok().flatten()
}

/// The density of the motion at the last look, on the paths that went on.
struct Paths {
    /// Information at the last look.
    t: f64,
    /// Places, and the mass that each stands for.
    mass: Vec<(f64, f64)>,
}

/// Points and weights of the two-panel rule on (−1, 1): four-point Gauss–Legendre.
const RULE: [(f64, f64); 4] = [
    (-0.861_136_311_594_052_6, 0.347_854_845_137_453_85),
    (-0.339_981_043_584_856_26, 0.652_145_154_862_546_1),
    (0.339_981_043_584_856_26, 0.652_145_154_862_546_1),
    (0.861_136_311_594_052_6, 0.347_854_845_137_453_85),
];

impl Paths {
    fn start() -> Self {
        Self { t: 0.0, mass: vec![(0.0, 1.0)] }
    }

    fn total(&self) -> f64 {
        self.mass.iter().map(|(_, mass)| mass).sum()
    }

    /// The chance that the motion is above `bound` at `t`.
    fn above(&self, t: f64, bound: f64, drift: f64) -> f64 {
        let step = t - self.t;
        self.mass.iter().map(|(at, mass)| mass * Normal.sf((bound - at - drift * step) / step.sqrt())).sum()
    }

    /// The chance that it is below `−bound`.
    fn above_mirrored(&self, t: f64, bound: f64, drift: f64) -> f64 {
        let step = t - self.t;
        self.mass.iter().map(|(at, mass)| mass * Normal.cdf((-bound - at - drift * step) / step.sqrt())).sum()
    }

    /// The paths that lie in one of the pieces at `t`.
    fn go_on(&self, t: f64, pieces: &[(f64, f64)], drift: f64, next: f64) -> Self {
        let step = t - self.t;
        // Panels narrower than what smooths the density after this look, and before it.
        let width = 0.7 * step.min(next - t).sqrt();
        let density = |x: f64| {
            let terms = self.mass.iter().map(|(at, mass)| {
                let z = (x - at - drift * step) / step.sqrt();
                mass * (-0.5 * z * z).exp()
            });
            terms.sum::<f64>() / (TAU * step).sqrt()
        };
        let centre = drift * t;
        let reach = 9.5 * t.sqrt();
        let mut mass = Vec::new();
        for (low, high) in pieces {
            let (low, high) = (low.max(centre - reach), high.min(centre + reach));
            if low >= high {
                continue;
            }
            let panels = ((high - low) / width).ceil().clamp(1.0, 4_000.0);
            let half = 0.5 * (high - low) / panels;
            for panel in 0..panels as u32 {
                let middle = low + half * (2.0 * f64::from(panel) + 1.0);
                mass.extend(RULE.iter().map(|(x, weight)| {
                    let place = middle + half * x;
                    (place, half * weight * density(place))
                }));
            }
        }
        Self { t, mass }
    }
}
