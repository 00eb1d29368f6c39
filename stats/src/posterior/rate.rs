//! One share or one rate of counts under its conjugate prior.

use super::Posterior;
use super::quadrature::RunningIntegral;
use super::tail_root::{Sought, tail_root};

/// The posterior of a share (beta) or of a rate of counts (gamma), tabulated to full precision.
///
/// Everything is computed on the line where the support has no edge, `θ = ln p/(1−p)` or `θ = ln λ`, as a distance
/// from the peak there: the density is smooth and log-concave, falls exponentially on both sides, and near its peak
/// keeps its digits however many units stand behind it.
///
/// - **Gives** probabilities to a relative 1e-12 from a handful of units to 1e12.
#[derive(Debug, Clone)]
pub struct Rate {
    pub(super) law: Law,
    panels: Vec<Panel>,
    total: f64,
}

/// The conjugate law.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Law {
    /// Density `p^(a−1)·(1−p)^(b−1)` on (0, 1).
    Beta { a: f64, b: f64 },
    /// Density `λ^(a−1)·e^(−bλ)` on (0, ∞).
    Gamma { a: f64, b: f64 },
}

/// A piece of the line, by its distance from the peak.
#[derive(Debug, Clone)]
struct Panel {
    low: f64,
    high: f64,
    /// Mass up to any point of the panel.
    inside: RunningIntegral,
    /// Mass of all panels before it.
    below: f64,
    /// Mass of all panels after it.
    above: f64,
}

/// How far down from the peak, in natural logarithms, a table for intervals reaches.
const SHALLOW: f64 = 40.0;

/// The same for probabilities far in a tail: to the end of the doubles.
const DEEP: f64 = 744.0;

/// Largest fall over one panel: a series of 20 terms holds `e^(5t)` to the last digits.
const FALL: f64 = 5.0;

/// Largest panel while the logistic or exponential curve turns: both have poles or e-folds at a distance of about 3.
const TURNING: f64 = 1.5;

impl Rate {
    /// A share after `a − 1` successes and `b − 1` failures on a flat prior: `Beta(a, b)`.
    ///
    /// - **Gives** `None` when a parameter is not positive and finite.
    pub fn beta(a: f64, b: f64) -> Option<Self> {
        Self::tabulate(Law::Beta { a, b }, SHALLOW)
    }

    /// A rate with this shape (events) and rate (exposure): `Gamma(a, b)`, mean `a/b`.
    ///
    /// - **Gives** `None` when a parameter is not positive and finite.
    pub fn gamma(shape: f64, rate: f64) -> Option<Self> {
        Self::tabulate(Law::Gamma { a: shape, b: rate }, SHALLOW)
    }

    /// The same with a table to the end of the doubles.
    pub(super) fn deep(&self) -> Option<Self> {
        Self::tabulate(self.law, DEEP)
    }

    /// The same law with one less in its first parameter, `x⁻¹` times this density; `None` when that has no mean.
    pub(super) fn reciprocal_weighted(&self) -> Option<Self> {
        let law = match self.law {
            Law::Beta { a, b } => Law::Beta { a: a - 1.0, b },
            Law::Gamma { a, b } => Law::Gamma { a: a - 1.0, b },
        };
        Self::tabulate(law, DEEP)
    }

    fn tabulate(law: Law, depth: f64) -> Option<Self> {
        let (a, b) = law.parameters();
        if !(a > 0.0 && b > 0.0 && (a + b).is_finite() && law.peak().is_finite()) {
            return None;
        }
        let mut left = edges(law, -1.0, depth);
        left.reverse();
        let edges: Vec<f64> = left.into_iter().chain([0.0]).chain(edges(law, 1.0, depth)).collect();
        let mut panels: Vec<Panel> = edges
            .windows(2)
            .map(|ends| {
                let inside = RunningIntegral::of(ends[0], ends[1], |delta| law.relative_density(delta));
                Panel { low: ends[0], high: ends[1], inside, below: 0.0, above: 0.0 }
            })
            .collect();
        let mut sum = 0.0;
        for panel in &mut panels {
            panel.below = sum;
            sum += panel.inside.whole();
        }
        let mut sum = 0.0;
        for panel in panels.iter_mut().rev() {
            panel.above = sum;
            sum += panel.inside.whole();
        }
        (sum > 0.0 && sum.is_finite()).then_some(Self { law, panels, total: sum })
    }

    /// Where the panels begin and end.
    pub(super) fn edges(&self) -> impl Iterator<Item = f64> {
        self.panels.first().map(|panel| panel.low).into_iter().chain(self.panels.iter().map(|panel| panel.high))
    }

    /// Density over the distance from the peak.
    pub(super) fn density_at(&self, delta: f64) -> f64 {
        self.law.relative_density(delta) / self.total
    }

    /// Probability below a distance from the peak.
    pub(super) fn below(&self, delta: f64) -> f64 {
        self.mass(delta, |panel, delta| panel.below + panel.inside.up_to(delta), |beyond| beyond)
    }

    /// Probability above it.
    pub(super) fn above(&self, delta: f64) -> f64 {
        let rest =
            |panel: &Panel, delta: f64| panel.above + (panel.inside.whole() - panel.inside.up_to(delta)).max(0.0);
        self.mass(delta, rest, |beyond| 1.0 - beyond)
    }

    fn mass(&self, delta: f64, inside: impl Fn(&Panel, f64) -> f64, outside: impl Fn(f64) -> f64) -> f64 {
        let at = self.panels.partition_point(|panel| panel.high < delta);
        match self.panels.get(at) {
            None => outside(1.0),
            Some(panel) if delta <= panel.low => outside(0.0),
            Some(panel) => (inside(panel, delta) / self.total).min(1.0),
        }
    }

    /// The mean and variance of the rate.
    pub(super) fn moments(&self) -> (f64, f64) {
        match self.law {
            Law::Beta { a, b } => (a / (a + b), a / (a + b) * (b / (a + b)) / (a + b + 1.0)),
            Law::Gamma { a, b } => (a / b, a / b / b),
        }
    }

    /// The mean and variance of one over the rate, where they exist.
    pub(super) fn reciprocal_moments(&self) -> (Option<f64>, Option<f64>) {
        let (mean, variance) = match self.law {
            Law::Beta { a, b } => ((a + b - 1.0) / (a - 1.0), (a + b - 1.0) / (a - 1.0) * (b / (a - 1.0)) / (a - 2.0)),
            Law::Gamma { a, b } => (b / (a - 1.0), (b / (a - 1.0)).powi(2) / (a - 2.0)),
        };
        let (a, _) = self.law.parameters();
        (Some(mean).filter(|_| a > 1.0), Some(variance).filter(|_| a > 2.0))
    }

    /// The mean and variance of `p/(1 − p)`, where they exist; of shares only.
    pub(super) fn odds_moments(&self) -> (Option<f64>, Option<f64>) {
        match self.law {
            Law::Beta { a, b } => beta_prime_moments(a, b),
            Law::Gamma { .. } => (None, None),
        }
    }

    /// The same of `(1 − p)/p`.
    pub(super) fn mirrored_odds_moments(&self) -> (Option<f64>, Option<f64>) {
        match self.law {
            Law::Beta { a, b } => beta_prime_moments(b, a),
            Law::Gamma { .. } => (None, None),
        }
    }

    fn solve(&self, sought: Sought) -> Option<f64> {
        let tail = |delta: f64, upper: bool| {
            (if upper { self.above(delta) } else { self.below(delta) }, self.density_at(delta))
        };
        let line = (f64::NEG_INFINITY, f64::INFINITY);
        tail_root(sought, 0.0, self.spread(), line, tail).map(|delta| self.law.value(delta).0)
    }

    /// Standard deviation of the distance from the peak, by the curvature there.
    pub(super) fn spread(&self) -> f64 {
        self.law.curvature().sqrt().recip()
    }
}

/// Mean and variance of the odds of a beta law (Johnson, Kotz & Balakrishnan 1995, section 25.7).
fn beta_prime_moments(a: f64, b: f64) -> (Option<f64>, Option<f64>) {
    let mean = a / (b - 1.0);
    let variance = mean * ((a + b - 1.0) / (b - 1.0)) / (b - 2.0);
    (Some(mean).filter(|_| b > 1.0), Some(variance).filter(|_| b > 2.0))
}

/// Ends of panels on one side of the peak, outwards.
fn edges(law: Law, side: f64, depth: f64) -> Vec<f64> {
    let mut edges = Vec::new();
    let (mut at, mut level) = (0.0, 0.0);
    let mut width = law.curvature().sqrt().recip();
    while level > -depth {
        width = (2.0 * width).min(law.widest(side * at));
        while level - law.ln_relative_density(side * (at + width)) > FALL {
            width *= 0.5;
        }
        at += width;
        level = law.ln_relative_density(side * at);
        edges.push(side * at);
    }
    edges
}

impl Law {
    fn parameters(self) -> (f64, f64) {
        match self {
            Self::Beta { a, b } | Self::Gamma { a, b } => (a, b),
        }
    }

    /// Where the density on the line is highest: `ln a/b` for both.
    pub fn peak(self) -> f64 {
        let (a, b) = self.parameters();
        (a / b).ln()
    }

    /// Minus the second derivative of the log-density at its peak.
    fn curvature(self) -> f64 {
        match self {
            Self::Beta { a, b } => a * (b / (a + b)),
            Self::Gamma { a, .. } => a,
        }
    }

    /// The log-density at a distance from the peak, relative to the peak.
    pub fn ln_relative_density(self, delta: f64) -> f64 {
        match self {
            // The mirror image, so that the share of the peak is at most one half and the two terms do not cancel.
            Self::Beta { a, b } if a > b => Self::Beta { a: b, b: a }.ln_relative_density(-delta),
            Self::Beta { a, b } => {
                let (n, share) = (a + b, a / (a + b));
                if delta.abs() < 0.4 {
                    -n * ln_1p_minus(share * delta.exp_m1()) - a * exp_m1_minus(delta)
                } else if delta < 700.0 {
                    a * delta - n * (share * delta.exp_m1()).ln_1p()
                } else {
                    -b * delta - n * share.ln()
                }
            }
            Self::Gamma { a, .. } => -a * exp_m1_minus(delta),
        }
    }

    fn relative_density(self, delta: f64) -> f64 {
        self.ln_relative_density(delta).exp()
    }

    /// The widest panel that begins here and goes outwards: short where the curve turns, longer along its straight
    /// tails.
    fn widest(self, delta: f64) -> f64 {
        let theta = self.peak() + delta;
        let straight = match self {
            Self::Beta { .. } => (self.peak().min(0.0) - theta).max(theta - self.peak().max(0.0)),
            Self::Gamma { .. } => -delta,
        };
        // Integrals over the rate itself have a factor that changes by e per unit, down to the last digit.
        if straight < 40.0 { TURNING } else { 0.5 * straight }
    }

    /// The rate at a distance from the peak, and for a share its complement, each with its own digits.
    pub fn value(self, delta: f64) -> (f64, f64) {
        match self {
            Self::Beta { a, b } => ((1.0 + b / a * (-delta).exp()).recip(), (1.0 + a / b * delta.exp()).recip()),
            Self::Gamma { a, b } => (a / b * delta.exp(), 1.0),
        }
    }

    /// The distance from the peak at which the rate, with its complement, stands; infinite at an end of the support.
    pub fn distance(self, value: f64, complement: f64) -> f64 {
        let (a, b) = self.parameters();
        if value <= 0.0 {
            f64::NEG_INFINITY
        } else if complement <= 0.0 {
            f64::INFINITY
        } else {
            (value / a * b / complement).ln()
        }
    }

    /// The complement of a value: of a share what is left to one; a rate of counts has none, and one stands for it.
    pub fn complement(self, value: f64) -> f64 {
        match self {
            Self::Beta { .. } => 1.0 - value,
            Self::Gamma { .. } => 1.0,
        }
    }

    /// `dx/dθ` of the rate: `p(1 − p)`, or `λ`.
    pub fn stretch(self, (value, complement): (f64, f64)) -> f64 {
        value * complement
    }
}

/// `eˣ − 1 − x`, with its digits near zero.
fn exp_m1_minus(x: f64) -> f64 {
    if x.abs() > 0.4 {
        return x.exp_m1() - x;
    }
    let (mut term, mut sum) = (0.5 * x * x, 0.0);
    for k in 3..24 {
        sum += term;
        term *= x / f64::from(k);
    }
    sum
}

/// `ln(1 + x) − x`, with its digits near zero; for `x` from −⅖ to ½.
///
/// With `s = x/(2 + x)`, `x − ln(1 + x) = x·s − 2s³·(⅓ + s²/5 + s⁴/7 + …)`.
fn ln_1p_minus(x: f64) -> f64 {
    let s = x / (2.0 + x);
    let square = s * s;
    let series = (1..20).rev().fold(0.0, |sum, k| sum * square + 1.0 / f64::from(2 * k + 1));
    2.0 * s * square * series - x * s
}

impl Posterior for Rate {
    fn pdf(&self, x: f64) -> f64 {
        let complement = self.law.complement(x);
        let delta = self.law.distance(x, complement);
        if delta.is_finite() { self.density_at(delta) / self.law.stretch((x, complement)) } else { 0.0 }
    }

    fn cdf(&self, x: f64) -> f64 {
        self.below(self.law.distance(x, self.law.complement(x)))
    }

    fn sf(&self, x: f64) -> f64 {
        self.above(self.law.distance(x, self.law.complement(x)))
    }

    fn quantile(&self, p: f64) -> Option<f64> {
        self.solve(Sought::below(p)?)
    }

    fn isf(&self, p: f64) -> Option<f64> {
        self.solve(Sought::above(p)?)
    }

    fn mean(&self) -> Option<f64> {
        Some(self.moments().0)
    }

    fn sd(&self) -> Option<f64> {
        Some(self.moments().1.sqrt())
    }

    fn shortfall(&self) -> Option<f64> {
        Some(0.0)
    }

    fn excess(&self) -> Option<f64> {
        self.mean()
    }
}
