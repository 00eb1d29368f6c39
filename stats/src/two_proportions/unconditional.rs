//! Exact tests that hold no margin but the arms' sizes.

use super::TwoProportions;
use crate::dist::{Alternative, Binomial, TailProbability};

/// The most units, both arms together, for which the unconditional tests are computed. Beyond, they and the tests that
/// they refine agree to every digit anyone reads.
pub const MOST_UNITS: u64 = 10_000;

/// Statistics nearer than this, relatively, are ties.
const SLACK: f64 = 1e-7;

/// Peaks of the chance, highest first, that are climbed to the top.
const PEAKS_CLIMBED: usize = 8;

impl TwoProportions {
    /// Barnard's exact test of equal shares, with the pooled z statistic.
    ///
    /// The chance of a statistic at least as extreme, maximised over the common share.
    ///
    /// - **Gives** `None` above [`MOST_UNITS`] units.
    /// - **Source** Suissa & Shuster (1985), "Exact unconditional sample sizes for the 2×2 binomial trial", after
    ///   Barnard (1945); as SciPy's `barnard_exact`.
    pub fn barnard_exact(&self, alternative: Alternative) -> Option<TailProbability> {
        if self.n_t + self.n_c > MOST_UNITS {
            return None;
        }
        let observed = self.pooled_statistic();
        let distance = match alternative {
            Alternative::TwoSided => observed.abs(),
            Alternative::Greater => observed,
            Alternative::Less => -observed,
        };
        let reaches = |table: &TwoProportions| {
            let statistic = table.pooled_statistic();
            statistic >= distance - SLACK * distance.abs()
        };
        let above = Region::grown(self, reaches);
        let below = Region::grown(&self.swapped(), reaches);
        Some(match alternative {
            Alternative::Greater => self.worst_case(|share| above.probability(share)),
            Alternative::Less => self.worst_case(|share| below.probability(share)),
            Alternative::TwoSided if distance == 0.0 => TailProbability::CERTAIN,
            Alternative::TwoSided => self.worst_case(|share| above.probability(share) + below.probability(share)),
        })
    }

    /// Boschloo's exact test of equal shares: Fisher's one-sided p-value as the statistic, so uniformly more powerful
    /// than Fisher's test.
    ///
    /// Two-sided, twice the smaller one-sided p-value.
    ///
    /// - **Gives** `None` above [`MOST_UNITS`] units.
    /// - **Source** Boschloo (1970), "Raised conditional level of significance for the 2×2-table when testing the
    ///   equality of two probabilities"; the two-sided rule as SciPy's `boschloo_exact`.
    pub fn boschloo_exact(&self, alternative: Alternative) -> Option<TailProbability> {
        if self.n_t + self.n_c > MOST_UNITS {
            return None;
        }
        let upper = |table: &TwoProportions| {
            let observed = table.fisher_exact(Alternative::Greater).log10_p + SLACK;
            let region = Region::grown(table, |other| other.fisher_exact(Alternative::Greater).log10_p <= observed);
            table.worst_case(|share| region.probability(share))
        };
        Some(match alternative {
            Alternative::Greater => upper(self),
            Alternative::Less => upper(&self.swapped()),
            Alternative::TwoSided => {
                let (greater, less) = (upper(self), upper(&self.swapped()));
                let smaller = if greater.log10_p < less.log10_p { greater } else { less };
                smaller.doubled()
            }
        })
    }

    /// The pooled z statistic, zero where it has no variance.
    fn pooled_statistic(&self) -> f64 {
        self.pooled_z(Alternative::TwoSided).map_or(0.0, |test| test.statistic)
    }

    /// The largest value of a probability over the common share.
    fn worst_case(&self, probability: impl Fn(f64) -> f64) -> TailProbability {
        // In the angle whose squared sine is the share, a binomial's spread is the same everywhere: about 1/(2√n).
        let cells = 64 + 16 * (self.total().sqrt().ceil() as usize);
        let at = |position: f64| probability((std::f64::consts::FRAC_PI_2 * position / cells as f64).sin().powi(2));
        let values: Vec<f64> = (0..=cells).map(|cell| at(cell as f64)).collect();
        // The chance has many peaks. A parabola through three neighbours tells how high each is; the highest are climbed.
        let mut peaks: Vec<(f64, f64)> = values
            .windows(3)
            .enumerate()
            .filter(|(_, near)| near[1] >= near[0] && near[1] >= near[2])
            .map(|(cell, near)| {
                let bend = near[0] - 2.0 * near[1] + near[2];
                let rise = if bend < 0.0 { (near[2] - near[0]).powi(2) / (-8.0 * bend) } else { 0.0 };
                (near[1] + rise, cell as f64)
            })
            .collect();
        peaks.sort_by(|a, b| b.0.total_cmp(&a.0));
        let climbed = peaks.iter().take(PEAKS_CLIMBED).map(|&(_, cell)| largest_between(cell, cell + 2.0, at));
        let best = climbed.chain(values.iter().copied()).fold(0.0, f64::max);
        TailProbability::from_ln(best.ln()).unwrap_or(TailProbability::CERTAIN)
    }
}

/// The tables with so many more treated successes that a statistic reaches its bound, for every count of control
/// successes.
struct Region {
    n_t: u64,
    n_c: u64,
    /// For each number of control successes, the fewest treated successes that reach the bound; `n_t + 1` when none
    /// does.
    fewest: Vec<u64>,
}

impl Region {
    /// - **Needs** a condition that, once met, stays met with more treated or fewer control successes (Barnard's
    ///   convexity).
    fn grown(size: &TwoProportions, reaches: impl Fn(&TwoProportions) -> bool) -> Region {
        let (n_t, n_c) = (size.n_t, size.n_c);
        let mut least = 0;
        let fewest = (0..=n_c)
            .map(|x_c| {
                while least <= n_t && !reaches(&TwoProportions { x_t: least, x_c, ..*size }) {
                    least += 1;
                }
                least
            })
            .collect();
        Region { n_t, n_c, fewest }
    }

    /// The probability of the region when both arms succeed with this share.
    fn probability(&self, share: f64) -> f64 {
        let table = |trials| Binomial::new(trials, share).map_or_else(Vec::new, |binomial| binomial.pmf_table());
        let mut survival = table(self.n_t);
        for k in (1..survival.len()).rev() {
            survival[k - 1] += survival[k];
        }
        let reached = |least: &u64| usize::try_from(*least).ok().and_then(|k| survival.get(k)).copied();
        let control = table(self.n_c);
        self.fewest.iter().zip(control).map(|(least, weight)| weight * reached(least).unwrap_or(0.0)).sum()
    }
}

/// The largest value of a function with one peak between two points, by golden sections.
fn largest_between(mut low: f64, mut high: f64, function: impl Fn(f64) -> f64) -> f64 {
    const GOLDEN: f64 = 0.618_033_988_749_894_8;
    let (mut left, mut right) = (high - GOLDEN * (high - low), low + GOLDEN * (high - low));
    let (mut at_left, mut at_right) = (function(left), function(right));
    // A peak is flat: to half the digits of its place all digits of its height are there.
    for _ in 0..40 {
        if at_left > at_right {
            (high, right, at_right) = (right, left, at_left);
            left = high - GOLDEN * (high - low);
            at_left = function(left);
        } else {
            (low, left, at_left) = (left, right, at_right);
            right = low + GOLDEN * (high - low);
            at_right = function(right);
        }
    }
    at_left.max(at_right)
}
