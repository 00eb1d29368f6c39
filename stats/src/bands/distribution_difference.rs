//! The difference of two distribution functions.

use super::{BandPoint, Guarantee};
use crate::empirical::Empirical;
use crate::two_proportions::TwoProportions;

/// `F₁(x) − F₀(x)` at given values, with a band: how many more, or fewer, treated units stay at or below each.
///
/// - **Needs** both arms' distributions and the values, rising.
/// - **Gives** a point for each value, in `[−1, 1]`; without ends for a level outside (0, 1).
/// - **Assumes** independent units.
/// - **Source** pointwise Newcombe (1998), method 10; else [`Guarantee`], the two arms sharing the probability of error.
pub fn distribution_difference(
    treated: Empirical<'_>,
    control: Empirical<'_>,
    values: &[f64],
    level: f64,
    guarantee: Guarantee,
) -> Vec<BandPoint> {
    let arms = [treated, control];
    let alpha = (1.0 - level) / 2.0;
    let reach = arms.map(|arm| guarantee.distance(arm.n(), alpha).filter(|_| level > 0.0 && level < 1.0));
    let reach = reach[0].zip(reach[1]).map(|(one, other)| one + other);
    let mut passed = [0_usize; 2];
    let mut units = [0_u64; 2];
    let point = |value: &f64| {
        for (arm, (passed, units)) in arms.iter().zip(passed.iter_mut().zip(&mut units)) {
            let upto = *passed + arm.values()[*passed..].partition_point(|own| own <= value);
            *units += arm.counts()[*passed..upto].iter().sum::<u64>();
            *passed = upto;
        }
        let table = TwoProportions::new(units[0], treated.n(), units[1], control.n()).ok();
        let estimate = table.map(|table| table.difference());
        let (low, high) = match guarantee {
            Guarantee::Pointwise => {
                let interval = table.and_then(|table| table.newcombe_interval(level));
                (interval.map(|interval| interval.low), interval.map(|interval| interval.high))
            }
            _ => {
                let end = |sign: f64| estimate.zip(reach).map(|(at, reach)| (at + sign * reach).clamp(-1.0, 1.0));
                (end(-1.0), end(1.0))
            }
        };
        BandPoint { at: *value, estimate, low, high }
    };
    values.iter().map(point).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_counted_at_every_value() {
        let treated = Empirical::new(&[1.0, 3.0], &[30, 10]).unwrap();
        let control = Empirical::new(&[2.0, 3.0], &[20, 20]).unwrap();
        let band = distribution_difference(treated, control, &[0.0, 1.0, 2.0, 5.0], 0.95, Guarantee::Pointwise);
        let estimates: Vec<f64> = band.iter().map(|point| point.estimate.unwrap()).collect();
        assert_eq!(estimates, [0.0, 0.75, 0.25, 0.0]);
        assert!(band.iter().all(|point| point.low <= point.estimate && point.estimate <= point.high));
        let wide = distribution_difference(treated, control, &[1.0], 0.95, Guarantee::Anytime);
        assert!(wide[0].low < band[1].low && wide[0].high == Some(1.0));
    }

    #[test]
    fn without_units_there_is_no_difference() {
        let (one, none) = (Empirical::new(&[1.0], &[3]).unwrap(), Empirical::new(&[], &[]).unwrap());
        for guarantee in [Guarantee::Pointwise, Guarantee::Simultaneous, Guarantee::Anytime] {
            let point = distribution_difference(one, none, &[1.0], 0.95, guarantee)[0];
            assert_eq!((point.estimate, point.low, point.high), (None, None, None));
        }
    }
}
