//! Score tests and the Miettinen–Nurminen intervals that invert them.

use super::{Interval, Test, TwoProportions, critical_value};
use crate::dist::root_on_log_scale::root_on_log_scale;
use crate::dist::{Alternative, Normal, TailProbability};

/// The scale on which two shares are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Contrast {
    /// `p_t − p_c`, in `[−1, 1]`, zero when equal.
    Difference,
    /// `p_t / p_c`, in `[0, ∞]`, one when equal.
    Ratio,
    /// `p_t(1−p_c) / (p_c(1−p_t))`, in `[0, ∞]`, one when equal.
    OddsRatio,
}

/// More halvings than it takes from the widest bracket down to where it is settled.
const MAX_STEPS: usize = 200;

impl TwoProportions {
    /// The score test that a contrast has the value `null`.
    ///
    /// The statistic is the distance of the estimate from `null`, over its standard error at the most likely shares
    /// that satisfy `null`, with the variance enlarged by `N/(N−1)`. At equality it is the pooled z test, up to that
    /// factor.
    ///
    /// - **Gives** `None` when `null` lies outside or at the end of the contrast's range, or when the constrained
    ///   variance is zero.
    /// - **Source** Miettinen & Nurminen (1985), "Comparative analysis of two rates"; for the difference also
    ///   Farrington & Manning (1990).
    pub fn score_test(&self, contrast: Contrast, null: f64, alternative: Alternative) -> Option<Test> {
        let (distance, variance) = self.distance_and_variance(contrast, null)?;
        if variance <= 0.0 {
            return None;
        }
        let statistic = distance / variance.sqrt();
        TailProbability::of(&Normal, statistic, alternative).map(|tail| Test { statistic, tail })
    }

    /// The Miettinen–Nurminen interval: all values of the contrast that the two-sided score test does not reject.
    ///
    /// - **Gives** an interval for every table, with an end of the contrast's range where the data set no bound (the
    ///   ratio is unbounded above when no control unit succeeds); `None` when `level` is outside (0, 1).
    /// - **Source** Miettinen & Nurminen (1985).
    pub fn score_interval(&self, contrast: Contrast, level: f64) -> Option<Interval> {
        let critical = critical_value(level)?;
        Some(match contrast {
            Contrast::Difference => {
                Interval { low: -self.swapped().upper_difference(critical), high: self.upper_difference(critical) }
            }
            Contrast::Ratio | Contrast::OddsRatio => Interval {
                low: 1.0 / self.swapped().upper_quotient(contrast, critical),
                high: self.upper_quotient(contrast, critical),
            },
        })
    }

    /// The largest difference that the score test does not reject.
    fn upper_difference(&self, critical: f64) -> f64 {
        let (mut low, mut high) = (self.difference(), 1.0);
        for _ in 0..MAX_STEPS {
            let middle = low + 0.5 * (high - low);
            if middle <= low || middle >= high {
                break;
            }
            if self.score(Contrast::Difference, middle) < -critical { high = middle } else { low = middle }
        }
        high
    }

    /// The largest ratio or odds ratio that the score test does not reject.
    fn upper_quotient(&self, contrast: Contrast, critical: f64) -> f64 {
        let bounded = match contrast {
            Contrast::OddsRatio => self.x_c > 0 && self.x_t < self.n_t,
            _ => self.x_c > 0,
        };
        if !bounded {
            return f64::INFINITY;
        }
        // Without a slope the root is found by halving the bracket.
        root_on_log_scale(1.0, false, |value| (self.score(contrast, value) + critical, f64::NAN))
    }

    /// The signed score statistic of `contrast = null`: infinite where the data are impossible under it, zero where
    /// they are certain.
    fn score(&self, contrast: Contrast, null: f64) -> f64 {
        match self.distance_and_variance(contrast, null) {
            Some((0.0, _)) => 0.0,
            Some((distance, variance)) => distance / variance.sqrt(),
            None => f64::NEG_INFINITY,
        }
    }

    /// The distance of the data from `contrast = null`, and its variance there; `None` when `null` is not inside the
    /// range.
    fn distance_and_variance(&self, contrast: Contrast, null: f64) -> Option<(f64, f64)> {
        let (n_t, n_c) = (self.n_t as f64, self.n_c as f64);
        let variance = |p: f64, n: f64| p * (1.0 - p) / n;
        let (distance, variance) = match contrast {
            Contrast::Difference => {
                let p_c = self.control_share_given_difference(null)?;
                (self.difference() - null, variance(p_c + null, n_t) + variance(p_c, n_c))
            }
            Contrast::Ratio => {
                let p_c = self.control_share_given_ratio(null)?;
                let distance = self.treated_share() - null * self.control_share();
                (distance, variance(null * p_c, n_t) + null * null * variance(p_c, n_c))
            }
            Contrast::OddsRatio => {
                let (p_t, information) = self.treated_share_given_odds_ratio(null)?;
                // The treated residual alone: under the constraint the control one is its mirror image.
                (n_t * (self.treated_share() - p_t), 1.0 / information)
            }
        };
        let total = self.total();
        Some((distance, variance * total / (total - 1.0)))
    }

    /// The most likely control share when the treated share is larger by `difference`.
    ///
    /// The root of the likelihood's derivative, which falls from end to end of the feasible shares: bracketed Newton
    /// steps keep digits that the closed form of the cubic loses near a double root.
    fn control_share_given_difference(&self, difference: f64) -> Option<f64> {
        if !(-1.0 < difference && difference < 1.0) {
            return None;
        }
        let (x_t, x_c) = (self.x_t as f64, self.x_c as f64);
        let (failures_t, failures_c) = ((self.n_t - self.x_t) as f64, (self.n_c - self.x_c) as f64);
        let term = |count: f64, share: f64| if count == 0.0 { 0.0 } else { count / share };
        let pulls = |share: f64| {
            // In this order of subtractions a share at the end of its range is exactly zero.
            let (p_t, q_t, q_c) = (share + difference, (1.0 - difference) - share, 1.0 - share);
            [(x_t, p_t), (x_c, share), (-failures_t, q_t), (-failures_c, q_c)]
        };
        let derivative = |share: f64| pulls(share).into_iter().map(|(count, share)| term(count, share)).sum::<f64>();
        let (mut low, mut high) = ((-difference).max(0.0), (1.0 - difference).min(1.0));
        if derivative(low) <= 0.0 {
            return Some(low);
        }
        if derivative(high) >= 0.0 {
            return Some(high);
        }
        let mut share = 0.5 * (low + high);
        for _ in 0..MAX_STEPS {
            let slope = derivative(share);
            if slope > 0.0 {
                low = share;
            } else {
                high = share;
            }
            let curvature: f64 = pulls(share).into_iter().map(|(count, share)| term(count.abs(), share) / share).sum();
            let newton = share + slope / curvature;
            let next = if newton > low && newton < high { newton } else { low + 0.5 * (high - low) };
            let settled = (next - share).abs() <= f64::EPSILON * share || next <= low || next >= high;
            share = next;
            if settled {
                break;
            }
        }
        Some(share)
    }

    /// The most likely control share when the treated share is `ratio` times as large: the smaller root of `Nφp² −
    /// (φ(n_t + x_c) + x_t + n_c)p + x_t + x_c = 0`.
    fn control_share_given_ratio(&self, ratio: f64) -> Option<f64> {
        if !(ratio > 0.0 && ratio.is_finite()) {
            return None;
        }
        let (x_t, n_t, x_c, n_c) = (self.x_t as f64, self.n_t as f64, self.x_c as f64, self.n_c as f64);
        let b = ratio * (n_t + x_c) + x_t + n_c;
        let root = (b * b - 4.0 * self.total() * ratio * (x_t + x_c)).max(0.0).sqrt();
        // The quotient form of the smaller root has no cancellation.
        Some(2.0 * (x_t + x_c) / (b + root))
    }

    /// The most likely treated share when its odds are `odds_ratio` times the control's, and the information about the
    /// logarithm of that ratio, `1/(n_t p_t q_t) + 1/(n_c p_c q_c)`.
    fn treated_share_given_odds_ratio(&self, odds_ratio: f64) -> Option<(f64, f64)> {
        if !(odds_ratio > 0.0 && odds_ratio.is_finite()) {
            return None;
        }
        let (n_t, n_c) = (self.n_t as f64, self.n_c as f64);
        let successes = (self.x_t + self.x_c) as f64;
        // The odds ratio as v/u, neither above one, so that no square of it overflows.
        let (u, v) = if odds_ratio > 1.0 { (1.0 / odds_ratio, 1.0) } else { (1.0, odds_ratio) };
        // Each share by its own equation: at a far odds ratio the complement of its complement would have no digit
        // left.
        let p_c = control_share_given_odds_ratio(n_t, n_c, successes, u, v);
        let q_c = control_share_given_odds_ratio(n_t, n_c, self.total() - successes, v, u);
        let norm = v * p_c + u * q_c;
        let (p_t, q_t) = (v * p_c / norm, u * q_c / norm);
        Some((p_t, 1.0 / (n_t * p_t * q_t) + 1.0 / (n_c * p_c * q_c)))
    }
}

/// The most likely control share when the odds ratio is `v/u`: the root inside (0, 1) of `n_c(v−u)p² + (n_t v + n_c u
/// − s(v−u))p − s·u = 0` with `s` successes, its discriminant written as a sum of positive terms.
fn control_share_given_odds_ratio(n_t: f64, n_c: f64, successes: f64, u: f64, v: f64) -> f64 {
    let b = u * (n_c + successes) + v * (n_t - successes);
    let mixed = n_c * n_t + successes * (n_t + n_c - successes);
    let discriminant = (u * (n_c - successes)).powi(2) + 2.0 * u * v * mixed + (v * (n_t - successes)).powi(2);
    let root = discriminant.sqrt();
    if b > 0.0 { 2.0 * successes * u / (b + root) } else { (root - b) / (2.0 * n_c * (v - u)) }
}
