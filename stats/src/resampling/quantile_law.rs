//! The bootstrap of a quantile without resampling.

use rand::RngExt;

use super::bootstrap_interval::Replicates;
use super::stream::stream;
use crate::contrast::Interval;
use crate::dist::{Alternative, Binomial, Discrete};
use crate::empirical::Empirical;
use crate::smallest_double::smallest_double;

/// Probabilities below this are left out: beyond it a double has no digits left.
const NEGLIGIBLE: f64 = 1e-305;
/// Probability outside the sample up to which a law has moments.
const MOST_OUTSIDE: f64 = 1e-6;

/// The law of a quantile over Poisson bootstrap samples.
///
/// Which order statistic of the sample is the `q` quantile of a bootstrap sample has the law of `Binomial(n + 1, q)`. So
/// the law needs no draws: only the weights of the order statistics near `q`, some thousand of ten million. The numbers
/// 0 and `n + 1`, beside the sample, stand for a value below or above all of it.
///
/// - **Needs** an arm's distribution.
/// - **Assumes** independent units.
/// - **Source** Schultzberg & Ankargren (2022), "Resampling-free bootstrap inference for quantiles", algorithm 1;
///   the interval of one quantile is that of Thompson (1936) from the binomial law of the sign test.
#[derive(Clone, Debug, PartialEq)]
pub struct QuantileLaw {
    values: Vec<f64>,
    weights: Vec<f64>,
    below: f64,
    above: f64,
}

impl QuantileLaw {
    /// Of an arm; `None` without units or for a rank outside (0, 1).
    pub fn of(arm: Empirical<'_>, q: f64) -> Option<QuantileLaw> {
        if arm.n() == 0 || !(q > 0.0 && q < 1.0) {
            return None;
        }
        let (first, weights) = window(arm.n() + 1, q)?;
        let past = first + weights.len() as u64;
        let weight = |k: u64| weights[(k - first) as usize];
        let mut law = QuantileLaw {
            values: Vec::new(),
            weights: Vec::new(),
            below: if first == 0 { weight(0) } else { 0.0 },
            above: if past == arm.n() + 2 { weight(past - 1) } else { 0.0 },
        };
        let mut passed = 0;
        for (value, count) in arm.iter() {
            let (from, to) = ((passed + 1).max(first), (passed + count + 1).min(past));
            if from < to {
                law.values.push(value);
                law.weights.push((from..to).map(weight).sum());
            }
            passed += count;
            if passed >= past {
                break;
            }
        }
        Some(law)
    }

    /// The quantiles of the law with `tail` below the one and above the other: an interval for the quantile. An end is
    /// `None` where the sample is too small to bound it.
    pub fn interval(&self, tail: f64) -> (Option<f64>, Option<f64>) {
        let end = |rising: bool, outside: f64| {
            let mut sum = outside;
            let reaches = |weight: &f64| {
                sum += weight;
                sum >= tail
            };
            let at =
                if rising { self.weights.iter().position(reaches) } else { self.weights.iter().rposition(reaches) };
            at.filter(|_| outside < tail).map(|at| self.values[at])
        };
        (end(true, self.below), end(false, self.above))
    }

    /// Mean and variance of the law; `None` when more than a millionth of it lies outside the sample.
    pub fn moments(&self) -> Option<(f64, f64)> {
        if self.below + self.above > MOST_OUTSIDE {
            return None;
        }
        let total: f64 = self.weights.iter().sum();
        let pivot = self.values[self.values.len() / 2];
        let pairs = || self.values.iter().zip(&self.weights).map(|(value, weight)| (value - pivot, weight / total));
        let mean: f64 = pairs().map(|(value, share)| value * share).sum();
        let variance = pairs().map(|(value, share)| (value - mean).powi(2) * share).sum();
        Some((pivot + mean, variance))
    }

    /// The value at this point of the law, for a draw that is uniform between 0 and 1; infinite outside the sample.
    pub(crate) fn at(&self, uniform: f64) -> f64 {
        let mut sum = self.below;
        if uniform < sum {
            return f64::NEG_INFINITY;
        }
        let mut reaches = |weight: f64| {
            sum += weight;
            uniform < sum
        };
        let at = self.weights.iter().position(|weight| reaches(*weight));
        at.map_or(if self.above > 0.0 { f64::INFINITY } else { self.values[self.values.len() - 1] }, |at| {
            self.values[at]
        })
    }
}

/// The probabilities of `Binomial(trials, q)` that are not negligible, and the count of the first.
fn window(trials: u64, q: f64) -> Option<(u64, Vec<f64>)> {
    let mode = (((trials + 1) as f64 * q) as u64).min(trials);
    let odds = q / (1.0 - q);
    let top = Binomial::new(trials, q)?.pmf(mode);
    let falling = |term: &f64| *term > NEGLIGIBLE;
    let up = (mode..trials).scan(top, |term, k| {
        *term *= (trials - k) as f64 / (k + 1) as f64 * odds;
        Some(*term)
    });
    let down = (0..mode).rev().scan(top, |term, k| {
        *term *= (k + 1) as f64 / (trials - k) as f64 / odds;
        Some(*term)
    });
    let mut weights: Vec<f64> = down.take_while(falling).collect();
    let first = mode - weights.len() as u64;
    weights.reverse();
    weights.push(top);
    weights.extend(up.take_while(falling));
    Some((first, weights))
}

/// The law of a difference, or lift, of the quantiles of two arms, without draws.
///
/// All pairs of order statistics with their joint weights; tails and their quantiles are found by walking along both
/// laws, adding only positive numbers. What cannot be known, since one of the pair lies outside its sample, counts on
/// both sides, so that small samples err on the wide side.
///
/// - **Source** Schultzberg & Ankargren (2022), algorithm 2, summed instead of simulated.
#[derive(Clone, Debug)]
pub struct QuantileContrast<'a> {
    treated: &'a QuantileLaw,
    control: &'a QuantileLaw,
    /// The first entry of each law that enters pairs.
    from: [usize; 2],
    lift: bool,
    /// Probability of pairs below, and above, all that are in the samples.
    outside: [f64; 2],
    range: (f64, f64),
}

impl<'a> QuantileContrast<'a> {
    /// The law of `x − y`.
    pub fn difference(treated: &'a QuantileLaw, control: &'a QuantileLaw) -> Option<QuantileContrast<'a>> {
        let outside = [treated.below + control.above, treated.above + control.below];
        QuantileContrast::new(treated, control, [0, 0], false, outside)
    }

    /// The law of `x/y − 1`, of control quantiles above zero; those at or below zero, where the lift is not defined,
    /// count on both sides, and treated ones below zero as the lowest lift.
    pub fn lift(treated: &'a QuantileLaw, control: &'a QuantileLaw) -> Option<QuantileContrast<'a>> {
        let negative = treated.values.partition_point(|value| *value < 0.0);
        let not_positive = control.values.partition_point(|value| *value <= 0.0);
        let undefined: f64 = control.below + control.weights[..not_positive].iter().sum::<f64>();
        let lowest: f64 = treated.below + treated.weights[..negative].iter().sum::<f64>();
        let outside = [lowest + control.above + undefined, treated.above + undefined];
        QuantileContrast::new(treated, control, [negative, not_positive], true, outside)
    }

    fn new(
        treated: &'a QuantileLaw,
        control: &'a QuantileLaw,
        from: [usize; 2],
        lift: bool,
        outside: [f64; 2],
    ) -> Option<QuantileContrast<'a>> {
        let ends = |law: &QuantileLaw, from: usize| Some((*law.values.get(from)?, *law.values.last()?));
        let ((least, most), (control_least, control_most)) = (ends(treated, from[0])?, ends(control, from[1])?);
        let value = |x: f64, y: f64| if lift { x / y - 1.0 } else { x - y };
        let range = (value(least, control_most), value(most, control_least));
        let finite = range.0.is_finite() && range.1.is_finite();
        finite.then_some(QuantileContrast { treated, control, from, lift, outside, range })
    }

    /// The probability at or below, and at or above, a value: the evidence that the effect is not above, or not below,
    /// it. Never zero: the smallest sample can lie wholly on one side of its quantile.
    pub fn tails(&self, value: f64) -> (f64, f64) {
        (self.at_most(value).clamp(NEGLIGIBLE, 1.0), self.at_least(value).clamp(NEGLIGIBLE, 1.0))
    }

    /// The p-value of the hypothesis that the effect is `null`; not below 1e-305.
    pub fn p_value(&self, null: f64, alternative: Alternative) -> f64 {
        let (below, above) = self.tails(null);
        match alternative {
            Alternative::Greater => below,
            Alternative::Less => above,
            Alternative::TwoSided => (2.0 * below.min(above)).min(1.0),
        }
    }

    /// The interval with the probability `tail` outside on each side that it has; it excludes exactly what
    /// [`p_value`](Self::p_value) rejects. A side is open where the samples are too small to bound it.
    pub fn interval(&self, tail: f64, alternative: Alternative) -> Interval {
        let (low, high) = self.range;
        let end = |outside: f64, found: &dyn Fn() -> Option<f64>| if outside < tail { found() } else { None };
        Interval {
            low: end(self.outside[0], &|| smallest_double(low, high, |value| self.at_most(value) >= tail)),
            high: end(self.outside[1], &|| {
                smallest_double(-high, -low, |value| self.at_least(-value) >= tail).map(|value| -value)
            }),
        }
        .facing(alternative)
    }

    /// Whether each arm has but one value anywhere near its quantile: the law then has no spread.
    pub fn is_constant(&self) -> bool {
        let single = |law: &QuantileLaw, from: usize| law.values.len() - from == 1;
        let inside = self.outside.iter().sum::<f64>() <= MOST_OUTSIDE;
        single(self.treated, self.from[0]) && single(self.control, self.from[1]) && inside
    }

    /// Draws replicates from the law: what a Poisson bootstrap of both quantiles gives.
    pub fn draw(&self, estimate: f64, replicates: u64, seed: u64) -> Replicates {
        let draw = |replicate| {
            let mut random = stream(seed, replicate);
            let (treated, control) = (self.treated.at(random.random()), self.control.at(random.random()));
            let value = self.value(treated, control);
            // Of two infinite quantiles, or over a baseline at or below zero, nothing is known.
            let known = !value.is_nan() && (!self.lift || control > 0.0);
            (if known { value } else { f64::INFINITY }, None)
        };
        let drawn: Vec<(f64, Option<f64>)> = (0..replicates).map(draw).collect();
        Replicates::of(estimate, None, &drawn, 0.0)
    }

    fn value(&self, treated: f64, control: f64) -> f64 {
        if self.lift { treated / control - 1.0 } else { treated - control }
    }

    fn at_most(&self, value: f64) -> f64 {
        let mut controls = entries(self.control, self.from[1]).rev().peekable();
        let (mut large, mut sum) = (0.0, 0.0);
        // The smaller the treated value, the more control values are large enough.
        for (treated, weight) in entries(self.treated, self.from[0]).rev() {
            while let Some((_, own)) = controls.next_if(|(control, _)| self.value(treated, *control) <= value) {
                large += own;
            }
            sum += weight * large;
        }
        self.outside[0] + sum
    }

    fn at_least(&self, value: f64) -> f64 {
        let mut controls = entries(self.control, self.from[1]).peekable();
        let (mut small, mut sum) = (0.0, 0.0);
        for (treated, weight) in entries(self.treated, self.from[0]) {
            while let Some((_, own)) = controls.next_if(|(control, _)| self.value(treated, *control) >= value) {
                small += own;
            }
            sum += weight * small;
        }
        self.outside[1] + sum
    }
}

fn entries(law: &QuantileLaw, from: usize) -> impl DoubleEndedIterator<Item = (f64, f64)> {
    law.values[from..].iter().copied().zip(law.weights[from..].iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn law(n: u32, q: f64) -> QuantileLaw {
        let values: Vec<f64> = (1..=n).map(f64::from).collect();
        QuantileLaw::of(Empirical::new(&values, &vec![1; n as usize]).unwrap(), q).unwrap()
    }

    #[test]
    fn the_law_is_the_binomial_of_the_order() {
        let law = law(3, 0.5);
        let near = |got: &[f64], want: &[f64]| got.iter().zip(want).all(|(got, want)| (got - want).abs() < 1e-15);
        assert!(near(&[law.below, law.above], &[1.0 / 16.0; 2]), "{law:?}");
        assert!(near(&law.weights, &[0.25, 0.375, 0.25]), "{:?}", law.weights);
        // The sign test's interval of a median.
        assert_eq!((law.interval(0.05), law.interval(0.1)), ((None, None), (Some(1.0), Some(3.0))));
    }

    #[test]
    fn counts_are_many_order_statistics() {
        let grouped = QuantileLaw::of(Empirical::new(&[1.0, 2.0], &[40, 60]).unwrap(), 0.5).unwrap();
        let single = law(100, 0.5);
        let upto: f64 = single.weights.iter().zip(&single.values).filter(|(_, v)| **v <= 40.0).map(|(w, _)| w).sum();
        assert!((grouped.weights[0] / upto - 1.0).abs() < 1e-12);
        assert!((grouped.weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn an_interval_excludes_exactly_what_its_test_rejects() {
        let (one, other) = (law(60, 0.5), law(45, 0.5));
        let contrast = QuantileContrast::difference(&one, &other).unwrap();
        for alternative in [Alternative::TwoSided, Alternative::Greater, Alternative::Less] {
            let tail = if alternative == Alternative::TwoSided { 0.05 } else { 0.1 };
            let interval = contrast.interval(tail, alternative);
            for null in (-80..80).map(|step| f64::from(step) / 2.0 + 0.25) {
                assert_eq!(
                    interval.excludes(null),
                    contrast.p_value(null, alternative) < 0.1,
                    "{alternative:?} {null}"
                );
            }
        }
    }

    #[test]
    fn every_pair_is_counted() {
        let (one, other) = (law(7, 0.3), law(5, 0.6));
        for (contrast, value) in [
            (QuantileContrast::difference(&one, &other).unwrap(), 1.0),
            (QuantileContrast::lift(&one, &other).unwrap(), 0.5),
        ] {
            let mut below = contrast.outside[0];
            for (x, w) in entries(&one, 0) {
                below +=
                    entries(&other, 0).filter(|(y, _)| contrast.value(x, *y) <= value).map(|(_, v)| w * v).sum::<f64>();
            }
            assert!((contrast.at_most(value) - below).abs() < 1e-15);
        }
    }

    #[test]
    fn a_unit_bounds_nothing() {
        let (one, other) = (law(1, 0.5), law(30, 0.5));
        let contrast = QuantileContrast::difference(&one, &other).unwrap();
        assert_eq!(contrast.interval(0.025, Alternative::TwoSided), Interval::default());
        assert!(contrast.p_value(-1e9, Alternative::TwoSided) > 0.4);
        assert_eq!(one.moments(), None);
    }

    #[test]
    fn arms_that_do_not_overlap_have_a_small_p_value_and_no_zero() {
        let high: Vec<f64> = (5_000..9_000).map(f64::from).collect();
        let high = QuantileLaw::of(Empirical::new(&high, &[1; 4_000]).unwrap(), 0.5).unwrap();
        let low = law(4_000, 0.5);
        assert_eq!(QuantileContrast::difference(&high, &low).unwrap().p_value(0.0, Alternative::Greater), NEGLIGIBLE);
    }
}
