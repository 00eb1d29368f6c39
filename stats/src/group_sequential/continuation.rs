//! The paths that went on: their density after each look.

use std::f64::consts::PI;

use crate::dist::{Continuous, Normal};

/// Standard deviations beyond which a normal law is nothing: 1e-19 of the whole.
const REACH: f64 = 9.0;

/// Points of the Gauss–Legendre rule of one panel.
const POINTS: usize = 16;

/// Panel width in the narrower of the two normal kernels that meet in an integrand: the rule's error is then below
/// 1e-16 of the panel.
const PANEL: f64 = 3.0;

/// Brownian motion with drift, after a look, on the paths that no look has stopped.
///
/// `g(b) = ∫ g₋(u) φ((b − u − δΔ)/√Δ)/√Δ du` over the continuation region of the look before. The integrand is as
/// smooth as its kernels, so panels as wide as these, with a Gauss–Legendre rule each, are exact to rounding; Simpson's
/// rule on the usual grids is not.
///
/// - **Source** Armitage, McPherson & Rowe (1969); Jennison & Turnbull (2000), chapter 19.
#[derive(Debug, Clone)]
pub(super) struct Continuation {
    /// Information and value from which the motion started.
    origin: (f64, f64),
    /// Information so far.
    t: f64,
    /// Drift per unit of information.
    drift: f64,
    /// Ascending values of the motion.
    nodes: Vec<f64>,
    /// Density at the node times its weight.
    mass: Vec<f64>,
}

impl Continuation {
    /// All paths, at information 0.
    pub fn start(drift: f64) -> Self {
        Self::at(0.0, 0.0, drift)
    }

    /// The paths that stand at this value of the motion when the information is `t`.
    pub fn at(t: f64, value: f64, drift: f64) -> Self {
        Self { origin: (t, value), t, drift, nodes: vec![value], mass: vec![1.0] }
    }

    /// `P(Z ≥ z)` at information `t`, among all paths, of those that went on so far.
    pub fn above(&self, t: f64, z: f64) -> f64 {
        self.tail(t, z, Normal::sf)
    }

    /// `P(Z ≤ z)` at information `t`, among all paths, of those that went on so far.
    pub fn below(&self, t: f64, z: f64) -> f64 {
        self.tail(t, z, Normal::cdf)
    }

    /// Expected `Z` at information `t`, were no path stopped.
    pub fn unstopped(&self, t: f64) -> f64 {
        (self.origin.1 + self.drift * (t - self.origin.0)) / t.sqrt()
    }

    fn tail(&self, t: f64, z: f64, of: impl Fn(&Normal, f64) -> f64) -> f64 {
        let (step, deviation) = (t - self.t, (t - self.t).sqrt());
        let value = z * t.sqrt();
        let paths = self.nodes.iter().zip(&self.mass);
        paths.map(|(node, mass)| mass * of(&Normal, (value - node - self.drift * step) / deviation)).sum()
    }

    /// The paths that at information `t` lie between `low` and `high` on the scale of `Z`, and go on to `next`.
    pub fn go_on(&self, t: f64, low: f64, high: f64, next: f64) -> Self {
        let (step, deviation) = (t - self.t, (t - self.t).sqrt());
        let moved = self.drift * step;
        let (from, value) = self.origin;
        let (centre, reach) = (value + self.drift * (t - from), REACH * (t - from).sqrt());
        let low = (low * t.sqrt()).max(centre - reach);
        let high = (high * t.sqrt()).min(centre + reach);
        let mut after = Self { t, nodes: Vec::new(), mass: Vec::new(), ..*self };
        if low >= high {
            return after;
        }
        let width = PANEL * deviation.min((next - t).sqrt());
        let panels = ((high - low) / width).ceil().max(1.0);
        let half = (high - low) / panels / 2.0;
        let rule = gauss_legendre();
        for panel in 0..panels as usize {
            let centre = low + (2.0 * panel as f64 + 1.0) * half;
            for (abscissa, weight) in rule {
                let node = centre + half * abscissa;
                after.nodes.push(node);
                after.mass.push(half * weight * self.density(node - moved, deviation));
            }
        }
        after
    }

    /// `Σ mass·φ((value − node)/deviation)/deviation`, of the nodes within reach.
    fn density(&self, value: f64, deviation: f64) -> f64 {
        let reach = REACH * deviation;
        let from = self.nodes.partition_point(|node| *node < value - reach);
        let to = self.nodes.partition_point(|node| *node <= value + reach);
        let near = self.nodes[from..to].iter().zip(&self.mass[from..to]);
        let kernel = |node: &f64| (-0.5 * ((value - node) / deviation).powi(2)).exp();
        near.map(|(node, mass)| mass * kernel(node)).sum::<f64>() / (deviation * (2.0 * PI).sqrt())
    }
}

/// Abscissas in (−1, 1), ascending, and weights of the Gauss–Legendre rule: Newton's steps from the usual cosines.
fn gauss_legendre() -> [(f64, f64); POINTS] {
    let n = POINTS as f64;
    std::array::from_fn(|i| {
        let mut x = -(PI * (i as f64 + 0.75) / (n + 0.5)).cos();
        let mut slope = 1.0;
        for _ in 0..8 {
            let (mut before, mut value) = (1.0, x);
            for k in 2..=POINTS {
                let k = k as f64;
                (before, value) = (value, ((2.0 * k - 1.0) * x * value - (k - 1.0) * before) / k);
            }
            slope = n * (x * value - before) / (x * x - 1.0);
            x -= value / slope;
        }
        (x, 2.0 / ((1.0 - x * x) * slope * slope))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_integrates_polynomials() {
        let moment = |power: i32| gauss_legendre().iter().map(|(x, w)| w * x.powi(power)).sum::<f64>();
        assert!((moment(0) - 2.0).abs() < 1e-15 && moment(1).abs() < 1e-15);
        assert!((moment(30) - 2.0 / 31.0).abs() < 1e-15);
    }

    #[test]
    fn paths_that_nothing_stops_are_all_there() {
        let mut paths = Continuation::start(1.5);
        let looks = [0.1, 0.101, 0.5, 0.9, 1.0];
        for pair in looks.windows(2) {
            paths = paths.go_on(pair[0], f64::NEG_INFINITY, f64::INFINITY, pair[1]);
        }
        let whole = paths.above(1.0, 0.3) + paths.below(1.0, 0.3);
        assert!((whole - 1.0).abs() < 1e-13, "{whole}");
        assert!((paths.above(1.0, 0.3) - Normal.sf(0.3 - 1.5)).abs() < 1e-13);
    }
}
