//! The hypergeometric distribution, and its family tilted by an odds ratio.

use super::{Binomial, Discrete, TailProbability};

/// How much more likely than the observed count another may be and still count as no more likely, as in R: it forgives
/// rounding between counts that are equally likely.
const SLACK: f64 = 1e-7;

/// The number of successes among `draws` units drawn without replacement from `population`, of which `successes` are
/// successes.
///
/// Given both margins of a 2×2 table this is the law of one cell when rows and columns are independent, and so what
/// Fisher's exact test sums.
///
/// - **Gives** probabilities to a relative 1e-13, and tails summed outwards from their largest term; counts up to 2⁵³.
/// - **Source** Loader (2000): a quotient of three binomial probabilities, none of which cancels.
///
/// ```
/// use estimand_stats::dist::Hypergeometric;
///
/// let tea = Hypergeometric::new(8, 4, 4).ok_or("draws and successes within the population")?;
/// assert!((tea.pmf(3) - 16.0 / 70.0).abs() < 1e-15);
/// # Ok::<(), &'static str>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hypergeometric {
    population: u64,
    successes: u64,
    draws: u64,
}

impl Hypergeometric {
    /// The distribution; `None` when there are more successes or draws than units.
    pub fn new(population: u64, successes: u64, draws: u64) -> Option<Hypergeometric> {
        (successes <= population && draws <= population).then_some(Hypergeometric { population, successes, draws })
    }

    /// The law of `x_t` when the margins of the table `x_t` of `n_t`, `x_c` of `n_c` are held.
    pub(crate) fn of_table(x_t: u64, n_t: u64, x_c: u64, n_c: u64) -> Hypergeometric {
        Hypergeometric { population: n_t + n_c, successes: x_t + x_c, draws: n_t }
    }

    /// The smallest and largest possible count.
    pub fn support(&self) -> (u64, u64) {
        (self.draws.saturating_sub(self.population - self.successes), self.draws.min(self.successes))
    }

    /// `P(X = k)`.
    pub fn pmf(&self, k: u64) -> f64 {
        self.ln_pmf(k).exp()
    }

    /// `ln P(X = k)`; `-∞` outside the support.
    pub fn ln_pmf(&self, k: u64) -> f64 {
        let (low, high) = self.support();
        if k < low || k > high {
            return f64::NEG_INFINITY;
        }
        if low == high {
            return 0.0;
        }
        // Any p gives the same quotient; this one puts every factor near its mode.
        let p = self.draws as f64 / self.population as f64;
        let ln = |trials, k| Binomial::new(trials, p).map_or(f64::NEG_INFINITY, |binomial| binomial.ln_pmf(k));
        ln(self.successes, k) + ln(self.population - self.successes, self.draws - k) - ln(self.population, self.draws)
    }

    /// `P(X ≥ k)`; above the support the probability is rounded up like any other that is too small.
    pub fn upper_tail(&self, k: u64) -> TailProbability {
        if k <= self.support().0 {
            TailProbability::CERTAIN
        } else if k > self.mode(1.0) {
            self.tail_from(k, self.upper_sum(k, 1.0))
        } else {
            self.all_but(k - 1, self.lower_sum(k - 1, 1.0))
        }
    }

    /// `P(X ≤ k)`; below the support the probability is rounded up like any other that is too small.
    pub fn lower_tail(&self, k: u64) -> TailProbability {
        if k >= self.support().1 {
            TailProbability::CERTAIN
        } else if k < self.mode(1.0) {
            self.tail_from(k, self.lower_sum(k, 1.0))
        } else {
            self.all_but(k + 1, self.upper_sum(k + 1, 1.0))
        }
    }

    /// The probability of all counts no more likely than `k`: the two-sided tail of Fisher's exact test.
    ///
    /// Counts more likely by less than one in ten million qualify too, as in R's `fisher.test`.
    pub fn no_more_likely(&self, k: u64) -> TailProbability {
        let ((low, high), mode) = (self.support(), self.mode(1.0));
        let observed = self.ln_pmf(k);
        let qualifies = |j: u64| self.ln_pmf(j) <= observed + SLACK;
        if qualifies(mode) {
            return TailProbability::CERTAIN;
        }
        // Probabilities fall on both sides of the mode: those that qualify do so from some distance outwards.
        let up = first(1, high - mode, |distance| qualifies(mode + distance));
        let down = first(1, mode - low, |distance| qualifies(mode - distance));
        let relative = |j: u64| (self.ln_pmf(j) - observed).exp();
        let upper = up.map_or(0.0, |distance| relative(mode + distance) * self.upper_sum(mode + distance, 1.0));
        let lower = down.map_or(0.0, |distance| relative(mode - distance) * self.lower_sum(mode - distance, 1.0));
        TailProbability::from_ln(observed + (upper + lower).ln()).unwrap_or(TailProbability::CERTAIN)
    }

    /// The tail that starts with `k` and adds to `sum` in units of its first term.
    fn tail_from(&self, k: u64, sum: f64) -> TailProbability {
        TailProbability::from_ln(self.ln_pmf(k) + sum.ln()).unwrap_or(TailProbability::CERTAIN)
    }

    /// All but the tail that starts with `k` and adds to `sum` in units of its first term.
    fn all_but(&self, k: u64, sum: f64) -> TailProbability {
        TailProbability::from_ln((-self.pmf(k) * sum).ln_1p()).unwrap_or(TailProbability::CERTAIN)
    }

    /// `P(X = k + 1) / P(X = k)`, for `k` in the support.
    pub(crate) fn ratio_up(&self, k: u64) -> f64 {
        let failures_left = self.population - self.successes + k + 1 - self.draws;
        (self.successes - k) as f64 * (self.draws - k) as f64 / ((k + 1) as f64 * failures_left as f64)
    }

    /// `Σ_{j ≥ k} P(X = j) ωʲ⁻ᵏ / P(X = k)`: the upper tail from `k`, in units of its first term, under the odds ratio
    /// `omega`.
    ///
    /// - **Needs** `k` in the support, at or above the mode under `omega`: there the terms fall, and the sum ends when
    ///   they no longer count.
    pub(crate) fn upper_sum(&self, k: u64, omega: f64) -> f64 {
        let (_, high) = self.support();
        let (mut term, mut sum) = (1.0, 1.0);
        for j in k..high {
            term *= self.ratio_up(j) * omega;
            sum += term;
            if term < sum * f64::EPSILON / 8.0 {
                break;
            }
        }
        sum
    }

    /// `Σ_{j ≤ k} P(X = j) ωʲ⁻ᵏ / P(X = k)`: the lower tail from `k`, in units of its first term, under the odds ratio
    /// `omega`.
    ///
    /// - **Needs** `k` in the support, at or below the mode under `omega`.
    pub(crate) fn lower_sum(&self, k: u64, omega: f64) -> f64 {
        let (low, _) = self.support();
        let (mut term, mut sum) = (1.0, 1.0);
        for j in (low..k).rev() {
            term /= self.ratio_up(j) * omega;
            sum += term;
            if term < sum * f64::EPSILON / 8.0 {
                break;
            }
        }
        sum
    }

    /// The most likely count under the odds ratio `omega`.
    pub(crate) fn mode(&self, omega: f64) -> u64 {
        // The ratios fall with k: the mode is the first count whose ratio to the next is at most one.
        let (mut low, mut high) = self.support();
        while low < high {
            let middle = low + (high - low) / 2;
            if self.ratio_up(middle) * omega > 1.0 { low = middle + 1 } else { high = middle }
        }
        low
    }
}

/// The first number from `from` to `to` at which a condition holds that then holds for all later ones.
fn first(from: u64, to: u64, holds: impl Fn(u64) -> bool) -> Option<u64> {
    let (mut low, mut high) = (from, to + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) { high = middle } else { low = middle + 1 }
    }
    (low <= to).then_some(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_add_to_one() {
        for (population, successes, draws) in [(10, 3, 4), (50, 50, 7), (1_000, 20, 990), (40_000, 300, 20_000)] {
            let law = Hypergeometric { population, successes, draws };
            let (low, high) = law.support();
            let total: f64 = (low..=high).map(|k| law.pmf(k)).sum();
            assert!((total - 1.0).abs() < 1e-12, "{law:?} adds to {total}");
        }
    }

    #[test]
    fn ratios_agree_with_probabilities() {
        let law = Hypergeometric { population: 90, successes: 30, draws: 41 };
        for k in 5..25 {
            let ratio = law.pmf(k + 1) / law.pmf(k);
            assert!((law.ratio_up(k) / ratio - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn the_mode_has_no_more_likely_neighbour() {
        let law = Hypergeometric { population: 2_000, successes: 700, draws: 400 };
        let mode = law.mode(1.0);
        assert!(law.pmf(mode) >= law.pmf(mode + 1) && law.pmf(mode) >= law.pmf(mode - 1));
    }
}
