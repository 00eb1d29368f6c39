//! The power of tests of two shares, by enumeration of the counts that can come.
//!
//! The chance of each pair of counts is a product of two binomials, and a test rejects more with more treated successes:
//! for each control count there is one least treated count that rejects above and one largest that rejects below. They
//! move monotonically, so all are found in one walk, and a million units take as little as their counts' spread.

use crate::dist::{Alternative, Binomial, Continuous, Discrete, Normal, StudentT};
use crate::planning::outcome::ProportionTest;
use crate::planning::t_test::Rejection;
use crate::two_proportions::{Contrast, TwoProportions};

/// Smallest expected count from which the estimator treats a share as a mean.
const ENOUGH: f64 = 10.0;

/// Counts rarer than this on a side are left out.
const RARE: f64 = 1e-15;

/// The most units for which the slow exact tests are enumerated.
pub(super) const FEW: u64 = 150;

/// One test of two shares, ready to be asked of any table.
#[derive(Debug, Clone, Copy)]
pub(super) struct CountTest {
    pub test: ProportionTest,
    pub alternative: Alternative,
    /// Level on each side that the alternative has.
    pub tail: f64,
    /// The multiple of the control share that the treated one is compared with: 1, or that of a margin.
    pub null_ratio: f64,
}

impl CountTest {
    /// The chances to reject, of arms of these sizes and shares, the baseline first.
    pub fn rejection(&self, units: [u64; 2], shares: [f64; 2]) -> Option<Rejection> {
        let control = Window::of(units[0], shares[0])?;
        let treated = Window::of(units[1], shares[1])?;
        let table = |x_t: u64, x_c: u64| TwoProportions::new(x_t, units[1], x_c, units[0]).ok();
        let rejects = |x_t: u64, x_c: u64, side: Alternative| table(x_t, x_c).is_some_and(|t| self.rejects(&t, side));
        let mut chances = Rejection::default();
        if self.alternative != Alternative::Less {
            let mut least = treated.low;
            for (x_c, weight) in control.counts() {
                while least <= treated.high && !rejects(least, x_c, Alternative::Greater) {
                    least += 1;
                }
                chances.above += weight * treated.from(least);
            }
        }
        if self.alternative != Alternative::Greater {
            // From the top down: the largest treated count that rejects below falls with the control count.
            let mut beyond = treated.high + 1;
            for (x_c, weight) in control.counts().rev() {
                while beyond > treated.low && !rejects(beyond - 1, x_c, Alternative::Less) {
                    beyond -= 1;
                }
                chances.below += weight * treated.below(beyond);
            }
        }
        // Where all succeed in one arm and none in the other nothing varies, and Welch's test has no answer: the corners of
        // the regions are not part of them.
        let corner = |x_t: u64, x_c: u64, side: Alternative| {
            let chance = treated.chance(x_t) * control.chance(x_c);
            if chance > 0.0 && !rejects(x_t, x_c, side) { chance } else { 0.0 }
        };
        let inside = |chances: f64, corner: f64| (chances - corner).clamp(0.0, 1.0);
        Some(Rejection {
            above: if chances.above > 0.0 {
                inside(chances.above, corner(units[1], 0, Alternative::Greater))
            } else {
                0.0
            },
            below: if chances.below > 0.0 {
                inside(chances.below, corner(0, units[0], Alternative::Less))
            } else {
                0.0
            },
        })
    }

    /// Whether the estimator rejects on this side.
    fn rejects(&self, table: &TwoProportions, side: Alternative) -> bool {
        let p_two_sided = |p: f64| p < 2.0 * self.tail && faces(table, side);
        let p_one_sided = |p: Option<f64>| p.is_some_and(|p| p < self.tail);
        let two_sided = self.alternative == Alternative::TwoSided;
        let asked = if two_sided { Alternative::TwoSided } else { side };
        let exact = |p: Option<f64>| if two_sided { p.is_some_and(p_two_sided) } else { p_one_sided(p) };
        // At a margin the estimator has two tests: the score test of the ratio, and Welch's.
        let by_score = self.null_ratio != 1.0 && !matches!(self.test, ProportionTest::Auto | ProportionTest::Mean);
        match self.test {
            _ if by_score => self.score(table, side),
            ProportionTest::Auto if table.smallest_expected() < ENOUGH => self.score(table, side),
            ProportionTest::Auto | ProportionTest::Mean => self.welch(table, side),
            ProportionTest::Score => self.score(table, side),
            ProportionTest::PooledZ => p_one_sided(table.pooled_z(side).map(|test| test.tail.p)),
            ProportionTest::Wald => p_one_sided(table.unpooled_z(side).map(|test| test.tail.p)),
            ProportionTest::Fisher => exact(Some(table.fisher_exact(asked).p)),
            ProportionTest::Barnard => exact(table.barnard_exact(asked).map(|tail| tail.p)),
            ProportionTest::Boschloo => exact(table.boschloo_exact(asked).map(|tail| tail.p)),
            ProportionTest::Formula(_) | ProportionTest::Arcsine => false,
        }
    }

    fn score(&self, table: &TwoProportions, side: Alternative) -> bool {
        let test = if self.null_ratio == 1.0 {
            table.score_test(Contrast::Difference, 0.0, side)
        } else {
            table.score_test(Contrast::Ratio, self.null_ratio, side)
        };
        test.is_some_and(|test| test.tail.p < self.tail)
    }

    /// Welch's test of `p_t − r·p_c`, as the difference in means runs it on 0 and 1.
    fn welch(&self, table: &TwoProportions, side: Alternative) -> bool {
        let ([n_t, n_c], [p_t, p_c]) =
            (table.units().map(|n| n as f64), [table.treated_share(), table.control_share()]);
        if n_t < 2.0 || n_c < 2.0 {
            return false;
        }
        let (v_t, v_c) = (p_t * (1.0 - p_t) / (n_t - 1.0), self.null_ratio.powi(2) * p_c * (1.0 - p_c) / (n_c - 1.0));
        let variance = v_t + v_c;
        if variance <= 0.0 {
            return false;
        }
        let signed =
            (p_t - self.null_ratio * p_c) / variance.sqrt() * if side == Alternative::Less { -1.0 } else { 1.0 };
        // Most tables are far from the edge, where no distribution needs to be asked.
        if signed <= 0.0 && self.tail <= 0.5 {
            return false;
        }
        let df = 1.0 / ((v_t / variance).powi(2) / (n_t - 1.0) + (v_c / variance).powi(2) / (n_c - 1.0));
        StudentT::new(df).is_some_and(|law| law.sf(signed) < self.tail)
    }
}

/// Whether the treated share lies on this side of the control share.
fn faces(table: &TwoProportions, side: Alternative) -> bool {
    match side {
        Alternative::Greater => table.difference() > 0.0,
        Alternative::Less => table.difference() < 0.0,
        Alternative::TwoSided => true,
    }
}

/// The counts of one arm that can come, and their chances.
struct Window {
    low: u64,
    high: u64,
    /// Chance of each count from `low` on.
    chances: Vec<f64>,
    /// Chance of each count from `low` on or a larger one, what lies beyond the window included.
    at_least: Vec<f64>,
    /// Chance of less than each count from `low` on, and of all at the end.
    less: Vec<f64>,
}

impl Window {
    fn of(units: u64, share: f64) -> Option<Window> {
        let law = Binomial::new(units, share)?;
        let (low, high) = (law.quantile(RARE)?, law.quantile(1.0 - RARE)?);
        let chances: Vec<f64> = (low..=high).map(|count| law.pmf(count)).collect();
        let mut at_least = chances.clone();
        for at in (1..at_least.len()).rev() {
            at_least[at - 1] += at_least[at];
        }
        let less = std::iter::once(0.0)
            .chain(chances.iter().scan(0.0, |sum, chance| {
                *sum += chance;
                Some(*sum)
            }))
            .collect();
        Some(Window { low, high, chances, at_least, less })
    }

    fn counts(&self) -> impl DoubleEndedIterator<Item = (u64, f64)> + '_ {
        self.chances.iter().enumerate().map(|(at, chance)| (self.low + at as u64, *chance))
    }

    /// The chance of just this count.
    fn chance(&self, count: u64) -> f64 {
        let at = count.checked_sub(self.low).and_then(|at| usize::try_from(at).ok());
        at.and_then(|at| self.chances.get(at)).copied().unwrap_or(0.0)
    }

    /// The chance of this count or more.
    fn from(&self, count: u64) -> f64 {
        self.at_least.get((count - self.low) as usize).copied().unwrap_or(0.0)
    }

    /// The chance of fewer.
    fn below(&self, count: u64) -> f64 {
        self.less.get((count - self.low) as usize).copied().unwrap_or(1.0)
    }
}

/// Cohen's arcsine approximation: `2(asin√p₁ − asin√p₀)` over `√(1/n₁ + 1/n₀)`, against a normal.
///
/// - **Source** Cohen (1988), chapter 6; as R's `pwr.2p2n.test` and statsmodels' `NormalIndPower`.
pub(super) fn arcsine(units: [f64; 2], shares: [f64; 2], tail: f64, alternative: Alternative) -> Option<Rejection> {
    let angle = |share: f64| 2.0 * share.sqrt().asin();
    let shift = (angle(shares[1]) - angle(shares[0])) / (1.0 / units[0] + 1.0 / units[1]).sqrt();
    normal(shift, 1.0, tail, alternative)
}

/// The normal approximation with another variance under the null hypothesis than under the effect.
///
/// - **Source** Fleiss, Levin & Paik (2003), eq. (4.14), without continuity correction.
pub(super) fn formula(
    units: [f64; 2],
    shares: [f64; 2],
    null: [f64; 2],
    tail: f64,
    alternative: Alternative,
) -> Option<Rejection> {
    let error = |p: [f64; 2]| (p[0] * (1.0 - p[0]) / units[0] + p[1] * (1.0 - p[1]) / units[1]).sqrt();
    let under_effect = error(shares);
    normal((shares[1] - shares[0]) / under_effect, error(null) / under_effect, tail, alternative)
}

/// The chances that a normal about `shift` lies beyond `±scale·z`.
fn normal(shift: f64, scale: f64, tail: f64, alternative: Alternative) -> Option<Rejection> {
    let critical = scale * Normal.isf(tail)?;
    let both = Rejection { above: Normal.sf(critical - shift), below: Normal.cdf(-critical - shift) };
    Some(match alternative {
        Alternative::TwoSided => both,
        Alternative::Greater => Rejection { below: 0.0, ..both },
        Alternative::Less => Rejection { above: 0.0, ..both },
    })
}
