//! Intervals from bootstrap replicates, and the p-values that agree with them.

use crate::contrast::Interval;
use crate::dist::{Alternative, Continuous, Normal, TailProbability};

/// How an interval is made of replicates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IntervalKind {
    /// Percentiles mirrored at the estimate.
    Basic,
    /// Percentiles at levels corrected for the bias and the skewness of the replicates (Efron's BCa).
    Bca,
    /// Percentiles of the replicates themselves.
    Percentile,
    /// Percentiles of `(θ* − θ̂)/se*` times the standard error, mirrored: right to second order, also in skewed data.
    #[default]
    Studentised,
}

/// Replicates of one statistic, sorted.
///
/// With `R` replicates the end at a tail probability `q` is the `k`-th smallest of them, the largest `k < (R + 1)q`, and
/// a p-value counts the sample itself as one replicate: so that an interval excludes a value exactly when the test of
/// that value rejects, and no p-value is below `1/(R + 1)`.
///
/// - **Source** Davison & Hinkley (1997), chapters 4 and 5; BCa: Efron (1987).
#[derive(Clone, Debug, PartialEq)]
pub struct Replicates {
    estimate: f64,
    /// The standard error by the formula of the sample, positive.
    plug_in: Option<f64>,
    values: Vec<f64>,
    roots: Vec<f64>,
    acceleration: f64,
}

impl IntervalKind {
    /// Every kind, by name.
    pub const ALL: [IntervalKind; 4] =
        [IntervalKind::Basic, IntervalKind::Bca, IntervalKind::Percentile, IntervalKind::Studentised];

    /// The word of the option.
    pub fn name(self) -> &'static str {
        match self {
            IntervalKind::Basic => "basic",
            IntervalKind::Bca => "bca",
            IntervalKind::Percentile => "percentile",
            IntervalKind::Studentised => "studentised",
        }
    }
}

impl Replicates {
    /// Of an estimate with its variance, and of replicates with theirs.
    pub(super) fn of(
        estimate: f64,
        variance: Option<f64>,
        replicates: &[(f64, Option<f64>)],
        acceleration: f64,
    ) -> Replicates {
        let root = |(value, variance): &(f64, Option<f64>)| match value - estimate {
            0.0 => 0.0,
            // A replicate of equal units strays from the estimate by infinitely many of its own standard errors.
            distance => distance / variance.unwrap_or(0.0).sqrt(),
        };
        let mut values: Vec<f64> = replicates.iter().map(|(value, _)| *value).collect();
        let mut roots: Vec<f64> = replicates.iter().map(root).collect();
        values.sort_unstable_by(f64::total_cmp);
        roots.sort_unstable_by(f64::total_cmp);
        let plug_in = variance.filter(|variance| *variance > 0.0).map(f64::sqrt);
        Replicates { estimate, plug_in, values, roots, acceleration }
    }

    /// The statistic of the sample.
    pub fn estimate(&self) -> f64 {
        self.estimate
    }

    /// The mean of the replicates.
    pub fn mean(&self) -> f64 {
        let pivot = self.estimate;
        pivot + self.values.iter().map(|value| value - pivot).sum::<f64>() / self.values.len() as f64
    }

    /// The standard deviation of the replicates: the bootstrap's standard error.
    pub fn std_error(&self) -> f64 {
        let mean = self.mean();
        let scale = self.values.iter().fold(0.0_f64, |scale, value| scale.max((value - mean).abs()));
        if scale == 0.0 {
            return 0.0;
        }
        // In units of the widest: squares of huge replicates leave the range of doubles.
        let squares: f64 = self.values.iter().map(|value| ((value - mean) / scale).powi(2)).sum();
        scale * (squares / (self.values.len() as f64 - 1.0).max(1.0)).sqrt()
    }

    /// Whether the replicates differ from each other, as a test needs; for the studentised kind also a standard error.
    pub fn vary(&self, kind: IntervalKind) -> bool {
        self.values.first() != self.values.last() && (kind != IntervalKind::Studentised || self.plug_in.is_some())
    }

    /// The interval with the probability `tail` outside on each side that it has.
    ///
    /// - **Gives** an open side where there are too few replicates for the tail, or these are unbounded there.
    pub fn interval(&self, kind: IntervalKind, tail: f64, alternative: Alternative) -> Interval {
        if !self.vary(kind) {
            return Interval::default();
        }
        let (low, high) = match kind {
            IntervalKind::Percentile => (end_leaving_below(&self.values, tail), end_leaving_above(&self.values, tail)),
            IntervalKind::Basic => {
                let mirrored = |end: f64| 2.0 * self.estimate - end;
                (
                    end_leaving_above(&self.values, tail).map(mirrored),
                    end_leaving_below(&self.values, tail).map(mirrored),
                )
            }
            IntervalKind::Studentised => {
                let back = |root: f64| self.estimate - root * self.plug_in.unwrap_or(0.0);
                (end_leaving_above(&self.roots, tail).map(back), end_leaving_below(&self.roots, tail).map(back))
            }
            IntervalKind::Bca => (
                self.corrected(tail, false).and_then(|tail| end_leaving_below(&self.values, tail)),
                self.corrected(tail, true).and_then(|tail| end_leaving_above(&self.values, tail)),
            ),
        };
        let finite = |end: Option<f64>| end.filter(|end| end.is_finite());
        Interval { low: finite(low), high: finite(high) }.facing(alternative)
    }

    /// The p-value of the hypothesis that the effect is `null`, in agreement with the interval of the same kind.
    ///
    /// - **Gives** `None` where [`vary`](Self::vary) is false.
    pub fn p_value(&self, kind: IntervalKind, null: f64, alternative: Alternative) -> Option<TailProbability> {
        if !self.vary(kind) {
            return None;
        }
        let (below, above) = match kind {
            IntervalKind::Percentile => (self.at_most(&self.values, null), self.at_least(&self.values, null)),
            IntervalKind::Basic => {
                let mirrored = 2.0 * self.estimate - null;
                (self.at_least(&self.values, mirrored), self.at_most(&self.values, mirrored))
            }
            IntervalKind::Studentised => {
                let root = (self.estimate - null) / self.plug_in?;
                (self.at_least(&self.roots, root), self.at_most(&self.roots, root))
            }
            IntervalKind::Bca => (
                self.uncorrected(self.at_most(&self.values, null), false)?,
                self.uncorrected(self.at_least(&self.values, null), true)?,
            ),
        };
        let p = match alternative {
            Alternative::Greater => below,
            Alternative::Less => above,
            Alternative::TwoSided => (2.0 * below.min(above)).min(1.0),
        };
        TailProbability::from_ln(p.ln())
    }

    /// The share of replicates, the sample among them, at or below a value.
    fn at_most(&self, sorted: &[f64], value: f64) -> f64 {
        (1 + sorted.partition_point(|own| *own <= value)) as f64 / (sorted.len() + 1) as f64
    }

    /// The share of replicates, the sample among them, at or above a value.
    fn at_least(&self, sorted: &[f64], value: f64) -> f64 {
        (1 + sorted.len() - sorted.partition_point(|own| *own < value)) as f64 / (sorted.len() + 1) as f64
    }

    /// The median bias of the replicates as a normal quantile, `z₀`; ties with the estimate count half.
    fn bias(&self) -> Option<f64> {
        let below = self.values.partition_point(|value| *value < self.estimate);
        let to = self.values.partition_point(|value| *value <= self.estimate);
        // Half a replicate from either end at the least, where all lie on one side.
        let share = ((below + to) as f64 / 2.0).max(0.5).min(self.values.len() as f64 - 0.5) / self.values.len() as f64;
        Normal.quantile(share)
    }

    /// The tail of the replicates that stands for `tail`: above or below.
    fn corrected(&self, tail: f64, above: bool) -> Option<f64> {
        let (bias, side) = (self.bias()?, if above { 1.0 } else { -1.0 });
        let shifted = bias + side * Normal.isf(tail)?;
        let z = bias + shifted / (1.0 - self.acceleration * shifted);
        let tail = if above { Normal.sf(z) } else { Normal.cdf(z) };
        (self.acceleration * shifted < 1.0).then_some(tail)
    }

    /// The tail that a tail of the replicates stands for: the inverse of [`corrected`](Self::corrected).
    fn uncorrected(&self, tail: f64, above: bool) -> Option<f64> {
        let bias = self.bias()?;
        let z = if above { Normal.isf(tail)? } else { Normal.quantile(tail)? };
        let step = z - bias;
        let denominator = 1.0 + self.acceleration * step;
        if denominator <= 0.0 || !step.is_finite() {
            // All replicates lie beyond the value, or the correction turns round: no evidence from this side.
            return Some(1.0);
        }
        let back = step / denominator - bias;
        Some(if above { Normal.sf(back) } else { Normal.cdf(back) })
    }
}

/// The end that leaves `tail` of sorted replicates below it.
fn end_leaving_below(sorted: &[f64], tail: f64) -> Option<f64> {
    let k = (tail * (sorted.len() + 1) as f64).ceil() as usize;
    sorted.get(k.checked_sub(2)?).copied()
}

/// The end that leaves `tail` of sorted replicates above it.
fn end_leaving_above(sorted: &[f64], tail: f64) -> Option<f64> {
    let k = (tail * (sorted.len() + 1) as f64).ceil() as usize;
    sorted.get((sorted.len() + 1).checked_sub(k)?).copied().filter(|_| k > 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replicates() -> Replicates {
        let drawn: Vec<(f64, Option<f64>)> =
            (1..=999).map(|i| (f64::from(i) / 100.0, Some(0.5 + f64::from(i) / 1000.0))).collect();
        Replicates::of(4.5, Some(1.0), &drawn, 0.05)
    }

    #[test]
    fn percentiles_are_order_statistics() {
        // The largest k below 1000 · 0.025 = 25.
        let interval = replicates().interval(IntervalKind::Percentile, 0.025, Alternative::TwoSided);
        assert_eq!(interval, Interval { low: Some(0.24), high: Some(9.76) });
        let one = replicates().interval(IntervalKind::Basic, 0.025, Alternative::Greater);
        assert_eq!(one, Interval { low: Some(9.0 - 9.76), high: None });
    }

    #[test]
    fn an_interval_excludes_exactly_what_its_test_rejects() {
        let replicates = replicates();
        for kind in IntervalKind::ALL {
            for alternative in [Alternative::TwoSided, Alternative::Greater, Alternative::Less] {
                let alpha = 1.0 - 0.9;
                let tail = if alternative == Alternative::TwoSided { alpha / 2.0 } else { alpha };
                let interval = replicates.interval(kind, tail, alternative);
                for step in -200..1_400 {
                    let null = f64::from(step) / 100.0 + 0.005;
                    let rejected = replicates.p_value(kind, null, alternative).unwrap().p < alpha;
                    assert_eq!(interval.excludes(null), rejected, "{kind:?} {alternative:?} at {null}");
                }
            }
        }
    }

    #[test]
    fn too_few_replicates_leave_the_interval_open() {
        let few = Replicates::of(0.0, Some(1.0), &[(-1.0, Some(1.0)), (1.0, Some(1.0))], 0.0);
        for kind in IntervalKind::ALL {
            assert_eq!(few.interval(kind, 0.025, Alternative::TwoSided), Interval::default(), "{kind:?}");
        }
        let equal = Replicates::of(2.0, Some(0.0), &[(2.0, Some(0.0)); 50], 0.0);
        assert_eq!(equal.p_value(IntervalKind::Percentile, 0.0, Alternative::TwoSided), None);
        assert_eq!((equal.std_error(), equal.mean()), (0.0, 2.0));
    }
}
