//! Bootstrap replicates of two means.

use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::bootstrap_interval::Replicates;
use super::cells::{Cell, Cells, MOST_CELLS};
use super::stream::stream;
use super::weights::{CellWeights, Weights};
use crate::empirical::Empirical;

/// What is formed of the two means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistic {
    /// `μ₁ − μ₀`.
    Difference,
    /// `μ₁/μ₀ − 1`.
    Lift,
}

/// Replicates of the means of two arms, resampled apart.
///
/// - **Needs** both arms' distributions.
/// - **Assumes** independent units.
/// - **Source** Efron (1979); Bayesian: Rubin (1981); Poisson: Oza & Russell (2001), Chamandy et al. (2012).
#[derive(Clone, Debug)]
pub struct Bootstrap {
    arms: [Sums; 2],
    /// Per replicate: sums of both arms.
    drawn: Vec<[Sums; 2]>,
    /// Per arm: `Σ((xᵢ − x̄)/n)²` and `Σ((xᵢ − x̄)/n)³`.
    influence: [[f64; 2]; 2],
    pivot: f64,
}

/// Mean of one arm, and the estimated variance of that mean, of values less the pivot.
#[derive(Clone, Copy, Debug)]
struct Sums {
    mean: f64,
    /// `s²/n`; `None` of fewer than two units.
    variance: Option<f64>,
}

/// Draws until a replicate has a unit in it; with one unit it fails once in `e¹⁰⁰⁰`.
const MOST_ATTEMPTS: usize = 1_000;

/// An arm, ready to be drawn from.
struct Resampler {
    cells: Cells,
    weights: CellWeights,
    /// Whether weights within a cell are Dirichlet's.
    bayesian: bool,
}

impl Resampler {
    fn of(arm: Empirical<'_>, pivot: f64, weights: Weights) -> Resampler {
        let cells = Cells::about(arm, pivot, MOST_CELLS);
        let bayesian = weights == Weights::Bayesian;
        Resampler { weights: CellWeights::of(weights, &cells), cells, bayesian }
    }

    /// Draws one replicate.
    fn draw(&self, drawn: &mut Vec<f64>, random: &mut ChaCha8Rng) -> Option<Sums> {
        (0..MOST_ATTEMPTS).find_map(|_| {
            self.weights.draw(drawn, random);
            let (mut weight, mut sum, mut squares) = (0.0, 0.0, 0.0);
            for (cell, drawn) in self.cells.cells.iter().zip(drawn.iter().copied()).filter(|(_, drawn)| *drawn > 0.0) {
                let mean = cell.mean + self.stray(cell, drawn, random);
                weight += drawn;
                sum += drawn * mean;
                squares += drawn * (mean * mean + cell.variance);
            }
            (weight > 0.0).then(|| Sums::of(weight, sum, squares))
        })
    }

    /// How far the mean of the drawn units of a cell lies from the cell's. For a single value no number is drawn.
    fn stray(&self, cell: &Cell, drawn: f64, random: &mut ChaCha8Rng) -> f64 {
        if cell.variance == 0.0 {
            return 0.0;
        }
        let units = if self.bayesian { cell.count as f64 + 1.0 } else { drawn };
        let deviate: f64 = StandardNormal.sample(random);
        (cell.variance / units).sqrt() * deviate
    }
}

impl Sums {
    fn of(weight: f64, sum: f64, squares: f64) -> Sums {
        let mean = sum / weight;
        let centred = (squares - sum * mean).max(0.0);
        // What is left of cancelled squares is rounding.
        let centred = if centred <= 64.0 * f64::EPSILON * squares { 0.0 } else { centred };
        Sums { mean, variance: (weight > 1.0).then(|| centred / (weight - 1.0) / weight) }
    }
}

impl Bootstrap {
    /// Draws so many replicates of both arms; `None` when one has no units.
    pub fn draw(
        treated: Empirical<'_>,
        control: Empirical<'_>,
        weights: Weights,
        replicates: u64,
        seed: u64,
    ) -> Option<Bootstrap> {
        let pivot = control.quantile(0.5)?;
        let resamplers = [treated, control].map(|arm| Resampler::of(arm, pivot, weights));
        if treated.n() == 0 {
            return None;
        }
        let mut scratch = Vec::new();
        let drawn = (0..replicates)
            .map(|replicate| {
                let mut random = stream(seed, replicate);
                let treated = resamplers[0].draw(&mut scratch, &mut random)?;
                Some([treated, resamplers[1].draw(&mut scratch, &mut random)?])
            })
            .collect::<Option<Vec<_>>>()?;
        // By the same arithmetic as the replicates, so that one that is the sample itself is equal to it.
        let arms = resamplers.each_ref().map(|arm| {
            let [sum, squares] = arm.cells.sums();
            Sums::of(arm.cells.n() as f64, sum, squares)
        });
        let influence = [treated, control].map(|arm| {
            let mean = arm.mean().unwrap_or(pivot);
            // Shares first: cubes of huge outcomes leave the range of doubles.
            let share = |value: f64| (value - mean) / arm.n() as f64;
            let power = |power| arm.iter().map(|(value, count)| count as f64 * share(value).powi(power)).sum();
            [power(2), power(3)]
        });
        Some(Bootstrap { arms, drawn, influence, pivot })
    }

    /// The replicates of a statistic, ready for intervals; `None` when it does not exist: a lift over a mean of zero.
    pub fn replicates(&self, statistic: Statistic) -> Option<Replicates> {
        let values: Vec<(f64, Option<f64>)> =
            self.drawn.iter().map(|arms| self.value(statistic, arms)).collect::<Option<Vec<_>>>()?;
        let (estimate, variance) = self.value(statistic, &self.arms)?;
        Some(Replicates::of(estimate, variance, &values, self.acceleration(statistic)))
    }

    /// In how many replicates the baseline mean has another sign than in the sample, or is zero.
    pub fn baseline_crossings(&self) -> usize {
        let sign = |arms: &[Sums; 2]| {
            let mean = self.pivot + arms[1].mean;
            if mean == 0.0 { 0.0 } else { mean.signum() }
        };
        let own = sign(&self.arms);
        self.drawn.iter().filter(|arms| own == 0.0 || sign(arms) != own).count()
    }

    /// The statistic and its estimated variance.
    fn value(&self, statistic: Statistic, arms: &[Sums; 2]) -> Option<(f64, Option<f64>)> {
        let difference = arms[0].mean - arms[1].mean;
        let (value, slopes) = match statistic {
            Statistic::Difference => (difference, [1.0, 1.0]),
            Statistic::Lift => {
                let baseline = self.pivot + arms[1].mean;
                let lift = difference / baseline;
                (lift, [1.0 / baseline, (1.0 + lift) / baseline])
            }
        };
        let variance =
            arms[0].variance.zip(arms[1].variance).map(|(v1, v0)| v1 * slopes[0].powi(2) + v0 * slopes[1].powi(2));
        value.is_finite().then_some((value, variance.filter(|variance| variance.is_finite())))
    }

    /// Efron's acceleration, from the jackknife of each arm: a sixth of the skewness of the influence of all units.
    ///
    /// - **Source** Efron & Tibshirani (1993), equation (14.15), for two samples as in Davison & Hinkley (1997), (5.45).
    fn acceleration(&self, statistic: Statistic) -> f64 {
        let baseline = self.pivot + self.arms[1].mean;
        let slopes = match statistic {
            Statistic::Difference => [1.0, -1.0],
            Statistic::Lift => [1.0 / baseline, -(self.pivot + self.arms[0].mean) / baseline / baseline],
        };
        let sum = |power: usize| -> f64 {
            slopes.iter().zip(&self.influence).map(|(slope, sums)| slope.powi(power as i32 + 2) * sums[power]).sum()
        };
        let acceleration = sum(1) / (6.0 * sum(0).powf(1.5));
        if acceleration.is_finite() { acceleration } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arm<'a>(values: &'a [f64], counts: &'a [u64]) -> Empirical<'a> {
        Empirical::new(values, counts).unwrap()
    }

    #[test]
    fn each_kind_of_weights_has_the_mean_and_spread_of_the_sample() {
        let (values, counts) = ([0.0, 1.0, 2.0, 10.0], [50, 30, 15, 5]);
        let law = arm(&values, &counts);
        let (mean, error) = (law.mean().unwrap(), (law.centred() / 100.0 / 100.0).sqrt());
        for weights in Weights::ALL {
            let drawn = Bootstrap::draw(law, arm(&[0.0], &[1]), weights, 4_000, 11).unwrap();
            let replicates = drawn.replicates(Statistic::Difference).unwrap();
            assert!((replicates.mean() - mean).abs() < 4.0 * error / 4_000.0_f64.sqrt(), "{weights:?}");
            assert!((replicates.std_error() / error - 1.0).abs() < 0.05, "{weights:?}: {}", replicates.std_error());
        }
    }

    #[test]
    fn groups_of_values_are_drawn_like_single_values() {
        let values: Vec<f64> = (0..6_000).map(|i| (f64::from(i) / 600.0).exp()).collect();
        let counts = vec![1; values.len()];
        let law = arm(&values, &counts);
        let error = (law.centred() / (law.n() as f64).powi(2)).sqrt();
        for weights in Weights::ALL {
            let cells = Cells::about(law, 0.0, 300);
            let coarse =
                Resampler { weights: CellWeights::of(weights, &cells), cells, bayesian: weights == Weights::Bayesian };
            let mut scratch = Vec::new();
            let means: Vec<f64> = (0..1_500)
                .map(|replicate| coarse.draw(&mut scratch, &mut stream(5, replicate)).unwrap().mean)
                .collect();
            let mean = means.iter().sum::<f64>() / 1_500.0;
            let spread = (means.iter().map(|m| (m - mean).powi(2)).sum::<f64>() / 1_499.0).sqrt();
            assert!((mean - law.mean().unwrap()).abs() < 4.0 * error / 1_500.0_f64.sqrt(), "{weights:?}");
            assert!((spread / error - 1.0).abs() < 0.07, "{weights:?}: {spread} and {error}");
        }
    }

    #[test]
    fn one_unit_is_drawn_until_it_is_there() {
        let drawn = Bootstrap::draw(arm(&[3.0], &[1]), arm(&[1.0], &[1]), Weights::Poisson, 200, 1).unwrap();
        let replicates = drawn.replicates(Statistic::Lift).unwrap();
        assert_eq!((replicates.estimate(), replicates.std_error()), (2.0, 0.0));
        assert_eq!(drawn.baseline_crossings(), 0);
        assert!(Bootstrap::draw(arm(&[], &[]), arm(&[1.0], &[1]), Weights::Poisson, 200, 1).is_none());
    }
}
