//! The difference of all quantiles of two arms.

use super::{BandPoint, Guarantee};
use crate::dist::Alternative;
use crate::empirical::Empirical;
use crate::resampling::{QuantileContrast, QuantileLaw};

/// `F₁⁻¹(q) − F₀⁻¹(q)` at given ranks, with a band, in the unit of the outcome.
///
/// A distribution function that is known to within `ε` everywhere bounds each quantile by those at the ranks `q ∓ ε` of
/// the sample; the band of the difference puts the bounds of the arms against each other.
///
/// - **Needs** both arms' distributions, and ranks inside (0, 1).
/// - **Gives** a point for each rank, between order statistics; an end is open where the samples are too small for the
///   rank, and both are for a rank or level outside (0, 1).
/// - **Assumes** independent units.
/// - **Source** pointwise Schultzberg & Ankargren (2022); else [`Guarantee`], the two arms sharing the probability of
///   error, as Howard & Ramdas (2022), section 4, for one arm.
pub fn quantile_difference(
    treated: Empirical<'_>,
    control: Empirical<'_>,
    ranks: &[f64],
    level: f64,
    guarantee: Guarantee,
) -> Vec<BandPoint> {
    let point = |q: &f64| {
        let estimate = treated.quantile(*q).zip(control.quantile(*q)).map(|(one, other)| one - other);
        let (low, high) = if *q > 0.0 && *q < 1.0 && level > 0.0 && level < 1.0 {
            ends(treated, control, *q, level, guarantee)
        } else {
            (None, None)
        };
        BandPoint { at: *q, estimate: estimate.filter(|estimate| estimate.is_finite()), low, high }
    };
    ranks.iter().map(point).collect()
}

fn ends(
    treated: Empirical<'_>,
    control: Empirical<'_>,
    q: f64,
    level: f64,
    guarantee: Guarantee,
) -> (Option<f64>, Option<f64>) {
    let tail = (1.0 - level) / 2.0;
    if guarantee == Guarantee::Pointwise {
        let laws = QuantileLaw::of(treated, q).zip(QuantileLaw::of(control, q));
        let interval = laws.and_then(|(treated, control)| {
            QuantileContrast::difference(&treated, &control).map(|law| law.interval(tail, Alternative::TwoSided))
        });
        return interval.map_or((None, None), |interval| (interval.low, interval.high));
    }
    let bounds = |arm: Empirical<'_>| {
        let reach = guarantee.distance(arm.n(), tail)?;
        let low = Some(q - reach).filter(|rank| *rank > 0.0).and_then(|rank| arm.inverse(rank));
        let high = Some(q + reach).filter(|rank| *rank < 1.0).and_then(|rank| arm.inverse(rank));
        Some((low, high))
    };
    let (Some(one), Some(other)) = (bounds(treated), bounds(control)) else { return (None, None) };
    let less = |one: Option<f64>, other: Option<f64>| one.zip(other).map(|(one, other)| one - other);
    (less(one.0, other.1), less(one.1, other.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stronger_guarantees_are_wider() {
        let values: Vec<f64> = (0..9_000).map(|i| f64::from(i).sqrt()).collect();
        let counts = vec![1; 9_000];
        let arm = Empirical::new(&values, &counts).unwrap();
        let other = Empirical::new(&values[..6_000], &counts[..6_000]).unwrap();
        let widths = [Guarantee::Pointwise, Guarantee::Simultaneous, Guarantee::Anytime].map(|guarantee| {
            let point = quantile_difference(arm, other, &[0.5], 0.95, guarantee)[0];
            assert!(point.low <= point.estimate && point.estimate <= point.high, "{guarantee:?} {point:?}");
            point.high.unwrap() - point.low.unwrap()
        });
        assert!(widths.is_sorted(), "{widths:?}");
    }

    #[test]
    fn a_rank_beyond_the_sample_is_open() {
        let arm = Empirical::new(&[1.0, 2.0, 3.0], &[10, 10, 10]).unwrap();
        let band = quantile_difference(arm, arm, &[0.01, 0.5, 0.99, 1.0], 0.95, Guarantee::Simultaneous);
        assert_eq!((band[0].low, band[2].high, band[3].low, band[3].high), (None, None, None, None));
        assert_eq!((band[1].estimate, band[1].low.is_some()), (Some(0.0), true));
    }
}
