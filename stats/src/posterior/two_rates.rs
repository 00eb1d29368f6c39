//! Two independent rates compared: the exact posterior of their difference, lift and odds ratio.

use super::Posterior;
use super::quadrature::panel;
use super::rate::{Law, Rate};
use super::tail_root::{Sought, tail_root};

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `p₁ − p₀`.
    Difference,
    /// `p₁/p₀ − 1`.
    Lift,
    /// `p₁(1 − p₀) / (p₀(1 − p₁))`, of shares only.
    OddsRatio,
}

/// The posteriors of an arm and its baseline, independent of each other.
#[derive(Debug, Clone)]
pub struct TwoRates {
    arm: Rate,
    baseline: Rate,
}

/// The posterior of one comparison of two rates, by integration over both.
///
/// `P(g(p₁, p₀) ≤ c) = ∫ f₀(p₀)·F₁(p₁ that makes it c) dp₀`, over panels that end where either density's panels do, so
/// that each is smooth on its own scale whichever is the narrower.
///
/// - **Gives** probabilities and interval ends to a relative 1e-10, where the rounding of the rates themselves allows it:
///   at 1e12 units, whose posterior is a millionth wide, to 1e-8. Moments in closed form, where they exist.
/// - **Source** the expected losses as `E max(U − L, 0) = ∫ P(L < t)·P(U > t) dt`, which has no cancellation; for the
///   lift over a baseline whose density is divided by the rate.
#[derive(Debug, Clone, Copy)]
pub struct RateEffect<'a> {
    rates: &'a TwoRates,
    comparison: Comparison,
}

/// Below this a tail is integrated again with tables to the end of the doubles.
const SMALL: f64 = 1e-6;

impl TwoRates {
    /// Two shares, or two rates of counts; `None` for one of each.
    pub fn new(arm: Rate, baseline: Rate) -> Option<Self> {
        let alike = std::mem::discriminant(&arm.law) == std::mem::discriminant(&baseline.law);
        alike.then_some(Self { arm, baseline })
    }

    /// The posterior of a comparison; `None` for the odds ratio of what has no odds.
    pub fn effect(&self, comparison: Comparison) -> Option<RateEffect<'_>> {
        let has_odds = matches!(self.arm.law, Law::Beta { .. });
        (has_odds || comparison != Comparison::OddsRatio).then_some(RateEffect { rates: self, comparison })
    }

    fn deep(&self) -> Option<Self> {
        Some(Self { arm: self.arm.deep()?, baseline: self.baseline.deep()? })
    }
}

impl RateEffect<'_> {
    /// The middle of the posterior, which exists where a mean does not.
    pub fn median(&self) -> Option<f64> {
        self.quantile(0.5)
    }

    /// The comparison on the scale where its support has no edge, except of the difference of two shares.
    fn scale(&self, value: f64) -> f64 {
        match self.comparison {
            Comparison::Difference => value,
            Comparison::Lift if value <= -1.0 => f64::NEG_INFINITY,
            Comparison::Lift => value.ln_1p(),
            Comparison::OddsRatio if value <= 0.0 => f64::NEG_INFINITY,
            Comparison::OddsRatio => value.ln(),
        }
    }

    fn unscale(&self, u: f64) -> f64 {
        match self.comparison {
            Comparison::Difference => u,
            Comparison::Lift => u.exp_m1(),
            Comparison::OddsRatio => u.exp(),
        }
    }

    /// Where the other arm stands when the comparison is `u`, as a distance from its peak, and how fast that moves with
    /// `u`. Back from the arm to the baseline goes by `−u`.
    fn partner(&self, from: Law, to: Law, delta: f64, u: f64) -> (f64, f64) {
        let (value, complement) = from.value(delta);
        match (self.comparison, to) {
            (Comparison::Difference, _) => {
                let rest = if matches!(to, Law::Beta { .. }) { complement - u } else { 1.0 };
                (to.distance(value + u, rest), to.stretch((value + u, rest)).recip())
            }
            (Comparison::Lift, Law::Beta { .. }) => {
                let rest = complement - value * u.exp_m1();
                (to.distance(value * u.exp(), rest), rest.recip())
            }
            _ => (delta + (from.peak() - to.peak()) + u, 1.0),
        }
    }

    /// One tail of the comparison and its density, on the scale of [`Self::scale`].
    fn tail(&self, rates: &TwoRates, u: f64, upper: bool) -> [f64; 2] {
        let TwoRates { arm, baseline } = rates;
        let own: Vec<f64> = baseline.edges().collect();
        let inside = |edge: &f64| own.first() < Some(edge) && Some(edge) < own.last();
        let mapped = arm.edges().map(|delta| self.partner(arm.law, baseline.law, delta, -u).0);
        let mut edges: Vec<f64> = mapped.filter(inside).collect();
        edges.extend(&own);
        edges.sort_by(f64::total_cmp);
        let mut sums = [0.0; 2];
        for ends in edges.windows(2) {
            let part = panel(ends[0], ends[1], |delta| {
                let weight = baseline.density_at(delta);
                let (at, stretch) = self.partner(baseline.law, arm.law, delta, u);
                let density = if at.is_finite() { arm.density_at(at) * stretch } else { 0.0 };
                [weight * if upper { arm.above(at) } else { arm.below(at) }, weight * density]
            });
            sums = [sums[0] + part[0], sums[1] + part[1]];
        }
        sums
    }

    /// A tail at a value, with its own digits where it is small.
    fn probability(&self, value: f64, upper: bool) -> f64 {
        let u = self.scale(value);
        let certain = |above: bool| if above == upper { 1.0 } else { 0.0 };
        let support = self.support();
        if u <= support.0 {
            return certain(true);
        }
        if u >= support.1 {
            return certain(false);
        }
        let [shallow, _] = self.tail(self.rates, u, upper);
        let probability = match self.rates.deep() {
            Some(deep) if shallow < SMALL => self.tail(&deep, u, upper)[0],
            _ => shallow,
        };
        probability.min(1.0)
    }

    fn support(&self) -> (f64, f64) {
        match (self.comparison, self.rates.arm.law) {
            (Comparison::Difference, Law::Beta { .. }) => (-1.0, 1.0),
            _ => (f64::NEG_INFINITY, f64::INFINITY),
        }
    }

    fn solve(&self, sought: Sought) -> Option<f64> {
        let TwoRates { arm, baseline } = self.rates;
        let shift = arm.law.peak() - baseline.law.peak();
        // How far the scale moves when an arm's place on its line moves by one, at its peak.
        let (centre, along) = match self.comparison {
            Comparison::OddsRatio => (shift, [1.0, 1.0]),
            Comparison::Lift => {
                let along = |law: Law| if let Law::Beta { .. } = law { law.value(0.0).1 } else { 1.0 };
                let log = |law: Law| law.value(0.0).0.ln();
                (log(arm.law) - log(baseline.law), [along(arm.law), along(baseline.law)])
            }
            Comparison::Difference => {
                let at_peak = |law: Law| law.value(0.0);
                let centre = at_peak(arm.law).0 - at_peak(baseline.law).0;
                (centre, [arm.law, baseline.law].map(|law| law.stretch(at_peak(law))))
            }
        };
        let spread = (along[0] * arm.spread()).hypot(along[1] * baseline.spread());
        let tail = |u: f64, upper: bool| {
            let [probability, density] = self.tail(self.rates, u, upper);
            (probability, density)
        };
        tail_root(sought, centre, spread, self.support(), tail).map(|u| self.unscale(u))
    }

    /// Mean and variance of the arm's factor and of the baseline's, whose product the lift or the odds ratio is.
    fn factors(&self) -> [(Option<f64>, Option<f64>); 2] {
        let TwoRates { arm, baseline } = self.rates;
        if self.comparison == Comparison::OddsRatio {
            return [arm.odds_moments(), baseline.mirrored_odds_moments()];
        }
        let (mean, variance) = arm.moments();
        [(Some(mean), Some(variance)), baseline.reciprocal_moments()]
    }
}

/// `E max(U − L, 0)` of two independent rates: `∫ P(L < t)·P(U > t) dt`.
fn expected_gap(lower: &Rate, upper: &Rate) -> Option<f64> {
    let (lower, upper) = (lower.deep()?, upper.deep()?);
    let offset = upper.law.peak() - lower.law.peak();
    let (of_lower, of_upper): (Vec<f64>, Vec<f64>) =
        (lower.edges().collect(), upper.edges().map(|delta| delta + offset).collect());
    let (first, last) = (*of_lower.first()?, *of_upper.last()?);
    let ends = [(*of_lower.first()?, *of_lower.last()?), (*of_upper.first()?, last)];
    let mut edges: Vec<f64> = of_lower.into_iter().chain(of_upper).filter(|at| (first..=last).contains(at)).collect();
    edges.sort_by(f64::total_cmp);
    let integrand = |delta: f64| {
        let stretch = lower.law.stretch(lower.law.value(delta));
        [lower.below(delta) * upper.above(delta - offset) * stretch]
    };
    let mut sum = 0.0;
    for pair in edges.windows(2) {
        let middle = 0.5 * (pair[0] + pair[1]);
        // Between two posteriors that do not meet, only the rate itself changes, by e per unit.
        let between = ends.iter().all(|(first, last)| !(first..=last).contains(&&middle));
        let pieces = if between { (pair[1] - pair[0]).ceil().clamp(1.0, 2e3) as u32 } else { 1 };
        let width = (pair[1] - pair[0]) / f64::from(pieces);
        for piece in 0..pieces {
            let low = pair[0] + f64::from(piece) * width;
            sum += panel(low, low + width, integrand)[0];
        }
    }
    Some(sum)
}

impl Posterior for RateEffect<'_> {
    fn pdf(&self, x: f64) -> f64 {
        let u = self.scale(x);
        let (low, high) = self.support();
        if !(u > low && u < high) {
            return 0.0;
        }
        let per_scale = match self.comparison {
            Comparison::Difference => 1.0,
            Comparison::Lift => 1.0 + x,
            Comparison::OddsRatio => x,
        };
        self.tail(self.rates, u, false)[1] / per_scale
    }

    fn cdf(&self, x: f64) -> f64 {
        self.probability(x, false)
    }

    fn sf(&self, x: f64) -> f64 {
        self.probability(x, true)
    }

    fn quantile(&self, p: f64) -> Option<f64> {
        self.solve(Sought::below(p)?)
    }

    fn isf(&self, p: f64) -> Option<f64> {
        self.solve(Sought::above(p)?)
    }

    fn mean(&self) -> Option<f64> {
        if self.comparison == Comparison::Difference {
            return Some(self.rates.arm.moments().0 - self.rates.baseline.moments().0);
        }
        let [(one, _), (other, _)] = self.factors();
        let product = one? * other?;
        Some(if self.comparison == Comparison::Lift { product - 1.0 } else { product })
    }

    fn sd(&self) -> Option<f64> {
        if self.comparison == Comparison::Difference {
            return Some((self.rates.arm.moments().1 + self.rates.baseline.moments().1).sqrt());
        }
        let [(mean_1, variance_1), (mean_0, variance_0)] = self.factors();
        let (mean_1, variance_1, mean_0, variance_0) = (mean_1?, variance_1?, mean_0?, variance_0?);
        Some((variance_1 * (mean_0 * mean_0 + variance_0) + mean_1 * mean_1 * variance_0).sqrt())
    }

    fn shortfall(&self) -> Option<f64> {
        let TwoRates { arm, baseline } = self.rates;
        match self.comparison {
            Comparison::Difference => expected_gap(arm, baseline),
            Comparison::Lift => {
                Some(baseline.reciprocal_moments().0? * expected_gap(arm, &baseline.reciprocal_weighted()?)?)
            }
            Comparison::OddsRatio => Some(0.0),
        }
    }

    fn excess(&self) -> Option<f64> {
        let TwoRates { arm, baseline } = self.rates;
        match self.comparison {
            Comparison::Difference => expected_gap(baseline, arm),
            Comparison::Lift => {
                Some(baseline.reciprocal_moments().0? * expected_gap(&baseline.reciprocal_weighted()?, arm)?)
            }
            Comparison::OddsRatio => self.mean(),
        }
    }
}
