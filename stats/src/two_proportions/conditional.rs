//! The odds ratio given both margins of the table.

use super::{Interval, TwoProportions};
use crate::dist::Hypergeometric;
use crate::dist::root_on_log_scale::root_on_log_scale;

impl TwoProportions {
    /// The conditional maximum-likelihood estimate of the odds ratio: the value at which the expected number of
    /// treated successes, both margins held, is the observed one.
    ///
    /// It is nearer to one than the sample odds ratio.
    ///
    /// - **Gives** zero or infinity when the observed number is the smallest or largest possible; `None` when the
    ///   margins allow no other table, which then says nothing about the odds ratio.
    /// - **Source** Cornfield (1956), "A statistical problem arising from retrospective studies"; as in R's
    ///   `fisher.test`.
    pub fn conditional_odds_ratio(&self) -> Option<f64> {
        let law = self.given_margins();
        let (low, high) = law.support();
        if low == high {
            None
        } else if self.x_t == low {
            Some(0.0)
        } else if self.x_t == high {
            Some(f64::INFINITY)
        } else {
            Some(root_on_log_scale(1.0, true, |odds_ratio| {
                let tilted = Tilted::new(&law, odds_ratio, self.x_t);
                (tilted.mean - self.x_t as f64, tilted.variance)
            }))
        }
    }

    /// The exact interval for the odds ratio: each limit is the value under which a tail as far out as the data has
    /// probability `(1−level)/2`.
    ///
    /// - **Gives** zero and infinity where the data set no bound; `None` when `level` is outside (0, 1) or the margins
    ///   allow no other table.
    /// - **Source** Cornfield (1956); as in R's `fisher.test`.
    pub fn exact_odds_ratio_interval(&self, level: f64) -> Option<Interval> {
        let law = self.given_margins();
        let (low, high) = law.support();
        if low == high || !(level > 0.0 && level < 1.0) {
            return None;
        }
        let tail = 0.5 * (1.0 - level);
        // Without a slope the root is found by halving the bracket.
        let at_least = |odds_ratio| Tilted::new(&law, odds_ratio, self.x_t).at_least;
        let more_than = |odds_ratio| Tilted::new(&law, odds_ratio, self.x_t + 1).at_least;
        Some(Interval {
            low: if self.x_t == low {
                0.0
            } else {
                root_on_log_scale(1.0, true, |value| (at_least(value) - tail, f64::NAN))
            },
            high: if self.x_t == high {
                f64::INFINITY
            } else {
                root_on_log_scale(1.0, true, |value| (more_than(value) - (1.0 - tail), f64::NAN))
            },
        })
    }
}

/// The hypergeometric law weighted by `ωᵏ`: that of one cell of a table with odds ratio `ω`.
struct Tilted {
    mean: f64,
    variance: f64,
    /// The probability of `cut` or more.
    at_least: f64,
}

impl Tilted {
    fn new(law: &Hypergeometric, omega: f64, cut: u64) -> Tilted {
        let ((low, high), mode) = (law.support(), law.mode(omega));
        // Sums of 1, d and d², with d counted from the mode, in units of the mode's weight.
        let (mut total, mut first, mut second, mut beyond) = (0.0, 0.0, 0.0, 0.0);
        let mut add = |k: u64, weight: f64| {
            let distance = k as f64 - mode as f64;
            total += weight;
            first += weight * distance;
            second += weight * distance * distance;
            if k >= cut {
                beyond += weight;
            }
            weight > f64::MIN_POSITIVE && weight * distance * distance > 1e-22
        };
        let (mut k, mut weight) = (mode, 1.0);
        add(mode, 1.0);
        while k < high {
            weight *= law.ratio_up(k) * omega;
            k += 1;
            if !add(k, weight) {
                break;
            }
        }
        (k, weight) = (mode, 1.0);
        while k > low {
            k -= 1;
            weight /= law.ratio_up(k) * omega;
            if !add(k, weight) {
                break;
            }
        }
        let mean = first / total;
        Tilted { mean: mode as f64 + mean, variance: second / total - mean * mean, at_least: beyond / total }
    }
}
