//! Competing risks: the event by its cause.

use super::ImpossibleTime;
use crate::dist::{Continuous, Normal};

/// The share of units that had the event by a cause, by time, where other causes take units away too.
///
/// Aalen and Johansen's `F_c(t) = Σ_{tᵢ ≤ t} S(tᵢ−)·d_cᵢ/nᵢ` with the survival `S` from all causes together. One minus
/// Kaplan and Meier's estimate, other causes taken as leaving, would be too large.
///
/// - **Assumes** that units that leave without an event do so for reasons that have nothing to do with it.
/// - **Source** Aalen & Johansen (1978); the variance as in Marubini & Valsecchi (1995), equation (10.12).
#[derive(Clone, Debug, PartialEq)]
pub struct CumulativeIncidence {
    /// Per cause, in the order asked: a step per time with an event of any cause.
    causes: Vec<Vec<IncidenceStep>>,
    last_time: f64,
}

/// Cumulative incidence from one event time to the next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IncidenceStep {
    /// The event time from which on this holds.
    pub time: f64,
    /// The share that had the event by this cause.
    pub incidence: f64,
    /// Its standard error.
    pub std_error: f64,
}

/// Sums of one cause on the way.
#[derive(Clone, Copy, Default)]
struct Sums {
    incidence: f64,
    /// `Σ F(tᵢ)²gᵢ`, `Σ F(tᵢ)gᵢ` and `Σ gᵢ`, with `gᵢ` Greenwood's terms.
    squares: [f64; 3],
    /// `Σ S(tᵢ−)²(nᵢ − d_cᵢ)d_cᵢ/nᵢ³`.
    own: f64,
    /// `Σ F(tᵢ)S(tᵢ−)d_cᵢ/nᵢ²` and `Σ S(tᵢ−)d_cᵢ/nᵢ²`.
    cross: [f64; 2],
}

impl CumulativeIncidence {
    /// Of units given as time, cause (`None` for those that left without an event, else its number from 0) and how
    /// many units; `causes` is the number of causes.
    ///
    /// - **Errors** with [`ImpossibleTime`] for a time that is negative or not finite.
    pub fn of(
        units: impl IntoIterator<Item = (f64, Option<usize>, u64)>,
        causes: usize,
    ) -> Result<CumulativeIncidence, ImpossibleTime> {
        let mut units: Vec<(f64, Option<usize>, u64)> = units.into_iter().collect();
        if let Some((time, ..)) = units.iter().find(|(time, ..)| !(time.is_finite() && *time >= 0.0)) {
            return Err(ImpossibleTime(*time));
        }
        units.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut left: u64 = units.iter().map(|(_, _, count)| count).sum();
        let mut survival = 1.0;
        let mut sums = vec![Sums::default(); causes];
        let mut steps = vec![Vec::new(); causes];
        for tied in units.chunk_by(|a, b| a.0 == b.0) {
            let n = left as f64;
            let mut events = vec![0_u64; causes];
            for (_, cause, count) in tied {
                left -= count;
                if let Some(own) = cause.and_then(|cause| events.get_mut(cause)) {
                    *own += count;
                }
            }
            let all: u64 = events.iter().sum();
            if all == 0 {
                continue;
            }
            let d = all as f64;
            // Once nobody is left, Greenwood's term is multiplied by a rest of zero.
            let greenwood = if n > d { d / n / (n - d) } else { 0.0 };
            for ((cause, own), steps) in sums.iter_mut().zip(&events).zip(&mut steps) {
                let own = *own as f64;
                cause.incidence += survival * own / n;
                let f = cause.incidence;
                let slope = survival * own / n / n;
                cause.squares = [
                    cause.squares[0] + f * f * greenwood,
                    cause.squares[1] + f * greenwood,
                    cause.squares[2] + greenwood,
                ];
                cause.own += survival * survival * (n - own) * own / n / n / n;
                cause.cross = [cause.cross[0] + f * slope, cause.cross[1] + slope];
                steps.push(IncidenceStep {
                    time: tied[0].0,
                    incidence: f,
                    std_error: cause.variance().max(0.0).sqrt(),
                });
            }
            survival *= (n - d) / n;
        }
        Ok(CumulativeIncidence { causes: steps, last_time: units.last().map_or(0.0, |(time, ..)| *time) })
    }

    /// The steps of a cause; none for one that is not there.
    pub fn steps(&self, cause: usize) -> &[IncidenceStep] {
        self.causes.get(cause).map_or(&[], Vec::as_slice)
    }

    /// The incidence of a cause at a time; `None` before zero and after the last time.
    pub fn at(&self, cause: usize, time: f64) -> Option<IncidenceStep> {
        let steps = self.causes.get(cause)?;
        if !(0.0..=self.last_time).contains(&time) {
            return None;
        }
        let before = steps.partition_point(|step| step.time <= time);
        let start = IncidenceStep { time: 0.0, incidence: 0.0, std_error: 0.0 };
        Some(before.checked_sub(1).map_or(start, |at| steps[at]))
    }
}

impl Sums {
    /// `Σ(F − Fᵢ)²gᵢ + Σ S²(n − d_c)d_c/n³ − 2Σ(F − Fᵢ)S·d_c/n²`.
    fn variance(&self) -> f64 {
        let f = self.incidence;
        let [squares, products, terms] = self.squares;
        f * f * terms - 2.0 * f * products + squares + self.own - 2.0 * (f * self.cross[1] - self.cross[0])
    }
}

impl IncidenceStep {
    /// The interval symmetric on the scale `ln(−ln F)`, which stays inside (0, 1); `None` at an incidence of 0 or 1, and
    /// for a level outside (0, 1).
    pub fn interval(&self, level: f64) -> Option<(f64, f64)> {
        let f = self.incidence;
        if !(f > 0.0 && f < 1.0 && level > 0.0 && level < 1.0) {
            return None;
        }
        let half = Normal.isf(0.5 * (1.0 - level))? * self.std_error / (f * f.ln().abs());
        Some((f.powf(half.exp()), f.powf((-half).exp())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_censoring_incidence_is_a_share_with_a_binomial_error() {
        let units = [(1.0, Some(0), 3), (2.0, Some(1), 4), (3.0, Some(0), 2), (9.0, None, 11)];
        let incidence = CumulativeIncidence::of(units, 2).unwrap();
        let share = |cause, time| incidence.at(cause, time).unwrap();
        assert!((share(0, 3.0).incidence - 0.25).abs() < 1e-15 && (share(1, 5.0).incidence - 0.2).abs() < 1e-15);
        assert!((share(0, 3.0).std_error - (0.25 * 0.75 / 20.0_f64).sqrt()).abs() < 1e-12, "{:?}", share(0, 3.0));
        assert!((share(1, 5.0).std_error - (0.2 * 0.8 / 20.0_f64).sqrt()).abs() < 1e-12);
        assert_eq!(incidence.at(0, 9.5), None);
        assert_eq!(share(0, 0.5).interval(0.95), None);
    }

    #[test]
    fn one_cause_is_what_survival_leaves() {
        let units = [(1.0, true, 3), (2.0, false, 4), (3.0, true, 2), (5.0, true, 1), (6.0, false, 2)];
        let curve = super::super::LifeTable::of(units).unwrap().kaplan_meier();
        let causes = units.map(|(time, event, count)| (time, event.then_some(0), count));
        let incidence = CumulativeIncidence::of(causes, 1).unwrap();
        for time in [1.0, 3.0, 5.5] {
            let (own, survival) = (incidence.at(0, time).unwrap(), curve.at(time).unwrap());
            assert!((own.incidence - (1.0 - survival.survival)).abs() < 1e-15);
            assert!((own.std_error - survival.std_error().unwrap()).abs() < 1e-12);
        }
    }
}
