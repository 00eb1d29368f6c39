//! The binomial distribution.

use std::f64::consts::TAU;

use super::double_double::DoubleDouble;
use super::gamma_function::stirling_error;
use super::incomplete_beta::cut;
use super::incomplete_gamma::deviance;
use super::scaled::Scaled;
use super::tail::Tail;
use super::{Discrete, is_probability};

/// The number of successes in `trials` independent trials of probability `p`.
///
/// - **Gives** probabilities to a relative 1e-14 up to 2⁵³ trials, where quotients of factorials have no digit left; tails
///   to 1e-13, as `P(X > k) = I_p(k + 1, n − k)` (DLMF 8.17.5).
/// - **Source** Loader (2000), "Fast and accurate computation of binomial probabilities": the saddle-point form
///   `√(n/(2πk(n−k))) · exp(δ(n) − δ(k) − δ(n−k) − D(k; np) − D(n−k; n(1−p)))`.
///
/// ```
/// use estimand_stats::dist::{Binomial, Discrete};
///
/// let fair = Binomial::new(4, 0.5).ok_or("a probability")?;
/// assert!((fair.pmf(2) - 0.375).abs() < 1e-15);
/// # Ok::<(), &'static str>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Binomial {
    trials: u64,
    p: f64,
}

impl Binomial {
    /// The distribution of successes; `None` unless `p` lies in `[0, 1]`.
    pub fn new(trials: u64, p: f64) -> Option<Binomial> {
        is_probability(p).then_some(Binomial { trials, p })
    }

    /// `P(X = k)` for every `k` from 0 to the number of trials, in that order: one probability at the mode and ratios
    /// from there.
    pub fn pmf_table(&self) -> Vec<f64> {
        let mode = ((self.trials as f64 + 1.0) * self.p).floor().min(self.trials as f64) as u64;
        let (p, q) = (self.p, 1.0 - self.p);
        let mut table = vec![0.0; self.trials as usize + 1];
        let mut term = self.pmf(mode);
        for k in mode..=self.trials {
            table[k as usize] = term;
            term *= (self.trials - k) as f64 * p / ((k + 1) as f64 * q);
        }
        term = self.pmf(mode);
        for k in (1..=mode).rev() {
            term *= k as f64 * q / ((self.trials - k + 1) as f64 * p);
            table[k as usize - 1] = term;
        }
        table
    }

    /// `None` where the probability is zero.
    fn scaled_pmf(&self, k: u64) -> Option<Scaled> {
        if k > self.trials || (self.p == 0.0 && k > 0) || (self.p == 1.0 && k < self.trials) {
            return None;
        }
        let (n, p) = (self.trials as f64, self.p);
        if k == self.trials && p == 1.0 {
            return Some(Scaled::plain(1.0));
        }
        if k == 0 {
            return Some(Scaled { factor: 1.0, exponent: (-DoubleDouble::from(p)).ln_1p() * DoubleDouble::from(n) });
        }
        if k == self.trials {
            return Some(Scaled { factor: 1.0, exponent: DoubleDouble::from(p).ln() * DoubleDouble::from(n) });
        }
        let (successes, failures) = (k as f64, (self.trials - k) as f64);
        // Both expected counts exactly: their rounding errors would be multiplied by the distance from the mean.
        let expected_successes = DoubleDouble::product(n, p);
        let expected_failures = DoubleDouble::from(n) - expected_successes;
        let exponent = DoubleDouble::from(stirling_error(n) - stirling_error(successes) - stirling_error(failures))
            - deviance(successes, expected_successes)
            - deviance(failures, expected_failures);
        Some(Scaled { factor: (n / (TAU * successes * failures)).sqrt(), exponent })
    }
}

impl Binomial {
    /// The tail beyond `k`, inside the range of counts that are possible and not certain to be exceeded.
    fn cut(&self, k: u64) -> Option<Tail> {
        let inside = k < self.trials && self.p > 0.0 && self.p < 1.0;
        let q = DoubleDouble::sum(1.0, -self.p);
        inside.then(|| cut(k as f64 + 1.0, (self.trials - k) as f64, self.p.into(), q).mirrored())
    }

    /// Whether a count above `k` is certain, where [`Self::cut`] has no answer.
    fn is_exceeded(&self, k: u64) -> bool {
        self.p == 1.0 && k < self.trials
    }
}

impl Discrete for Binomial {
    fn pmf(&self, k: u64) -> f64 {
        self.scaled_pmf(k).map_or(0.0, Scaled::value)
    }

    fn ln_pmf(&self, k: u64) -> f64 {
        self.scaled_pmf(k).map_or(f64::NEG_INFINITY, |pmf| pmf.ln().value())
    }

    fn cdf(&self, k: u64) -> f64 {
        self.cut(k).map_or(if self.is_exceeded(k) { 0.0 } else { 1.0 }, Tail::lower)
    }

    fn sf(&self, k: u64) -> f64 {
        self.cut(k).map_or(if self.is_exceeded(k) { 1.0 } else { 0.0 }, Tail::upper)
    }

    fn ln_cdf(&self, k: u64) -> f64 {
        self.cut(k).map_or_else(|| self.cdf(k).ln(), |tail| tail.ln_lower().value())
    }

    fn ln_sf(&self, k: u64) -> f64 {
        self.cut(k).map_or_else(|| self.sf(k).ln(), |tail| tail.ln_upper().value())
    }

    fn mean(&self) -> f64 {
        self.trials as f64 * self.p
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_add_to_one() {
        for (trials, p) in [(0, 0.3), (1, 0.0), (3, 1.0), (17, 0.25), (5_000, 0.01), (5_000, 0.999)] {
            let total: f64 = Binomial { trials, p }.pmf_table().iter().sum();
            assert!((total - 1.0).abs() < 1e-12, "{trials} trials of {p} add to {total}");
        }
    }

    #[test]
    fn the_table_agrees_with_each_probability() {
        let binomial = Binomial { trials: 400, p: 0.37 };
        for (k, entry) in binomial.pmf_table().iter().enumerate() {
            let pmf = binomial.pmf(k as u64);
            assert!((entry - pmf).abs() <= 1e-12 * pmf, "at {k}: {entry} is not {pmf}");
        }
    }

    #[test]
    fn the_middle_of_a_million_fair_trials_keeps_its_digits() {
        // C(n, n/2)/2ⁿ = √(2/(πn))·(1 − 1/(4n) + 1/(32n²) + …).
        let n = 1e6;
        let want = (2.0 / (std::f64::consts::PI * n)).sqrt() * (1.0 - 0.25 / n + 1.0 / (32.0 * n * n));
        let got = Binomial { trials: 1_000_000, p: 0.5 }.pmf(500_000);
        assert!((got / want - 1.0).abs() < 2e-15);
    }
}
