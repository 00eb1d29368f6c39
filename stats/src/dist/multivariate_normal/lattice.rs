//! Any correlations, by a lattice rule.

use nalgebra::DMatrix;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{BoxProbability, between};
use crate::dist::{Continuous, Normal};

/// Shifts of the lattice, from whose spread the error is estimated.
const SHIFTS: usize = 12;

/// Sizes of the lattice: each a prime near four times the last.
const POINTS: [u32; 6] = [251, 1_009, 4_001, 16_001, 64_007, 256_019];

/// The error that is good enough to stop.
const ENOUGH: f64 = 1e-7;

/// The probability of a box by separation of variables and a shifted lattice.
///
/// - **Source** Genz (1992) for the transformation, Gibson, Glasbey & Elston (1994) for the order of the variables, and the
///   Richtmyer lattice with periodised points of Genz & Bretz (2009), sections 4.1 and 4.2.
pub(super) fn probability(correlation: &DMatrix<f64>, low: &[f64], high: &[f64]) -> BoxProbability {
    let ordered = Ordered::of(correlation, low, high);
    // Fixed, so that the same box has the same answer: nothing here is random but the name of the generator.
    let mut random = ChaCha8Rng::seed_from_u64(0);
    let generators = richtmyer(low.len());
    let mut best = BoxProbability { value: 0.0, error: f64::INFINITY };
    for points in POINTS {
        let means: Vec<f64> = (0..SHIFTS)
            .map(|_| {
                let shift: Vec<f64> = generators.iter().map(|_| random.random::<f64>()).collect();
                ordered.mean(points, &generators, &shift)
            })
            .collect();
        let value = means.iter().sum::<f64>() / SHIFTS as f64;
        let squares: f64 = means.iter().map(|mean| (mean - value).powi(2)).sum();
        let error = 3.0 * (squares / (SHIFTS * (SHIFTS - 1)) as f64).sqrt() + 1e-14;
        if error < best.error {
            best = BoxProbability { value: value.clamp(0.0, 1.0), error };
        }
        if best.error <= ENOUGH {
            break;
        }
    }
    best
}

/// Fractional parts of the square roots of the first primes.
fn richtmyer(k: usize) -> Vec<f64> {
    let is_prime = |n: &u32| (2..).take_while(|d| d * d <= *n).all(|d| !n.is_multiple_of(d));
    (2..).filter(is_prime).take(k).map(|prime| f64::from(prime).sqrt().fract()).collect()
}

/// A box and the Cholesky factor of its correlations, the variables in the order in which they are integrated: the most
/// confined first.
struct Ordered {
    factor: DMatrix<f64>,
    low: Vec<f64>,
    high: Vec<f64>,
}

impl Ordered {
    fn of(correlation: &DMatrix<f64>, low: &[f64], high: &[f64]) -> Ordered {
        let k = low.len();
        let (mut covariance, mut low, mut high) = (correlation.clone(), low.to_vec(), high.to_vec());
        let mut factor = DMatrix::zeros(k, k);
        let mut expected: Vec<f64> = Vec::with_capacity(k);
        for at in 0..k {
            let conditional = |i: usize, factor: &DMatrix<f64>, covariance: &DMatrix<f64>| {
                let known: f64 = (0..at).map(|j| factor[(i, j)] * expected[j]).sum();
                let rest = covariance[(i, i)] - (0..at).map(|j| factor[(i, j)].powi(2)).sum::<f64>();
                let spread = rest.max(0.0).sqrt();
                (known, spread)
            };
            let chance = |i: usize| {
                let (known, spread) = conditional(i, &factor, &covariance);
                limits(low[i], high[i], known, spread)
            };
            let narrowest = (at..k)
                .min_by(|a, b| {
                    let ((a_low, a_high), (b_low, b_high)) = (chance(*a), chance(*b));
                    between(a_low, a_high).total_cmp(&between(b_low, b_high))
                })
                .unwrap_or(at);
            covariance.swap_rows(at, narrowest);
            covariance.swap_columns(at, narrowest);
            factor.swap_rows(at, narrowest);
            low.swap(at, narrowest);
            high.swap(at, narrowest);
            let (known, spread) = conditional(at, &factor, &covariance);
            factor[(at, at)] = spread;
            for i in at + 1..k {
                let shared: f64 = (0..at).map(|j| factor[(i, j)] * factor[(at, j)]).sum();
                factor[(i, at)] = if spread > 1e-8 { (covariance[(i, at)] - shared) / spread } else { 0.0 };
            }
            let (from, to) = limits(low[at], high[at], known, spread);
            let inside = between(from, to);
            // The mean of a normal cut to the interval.
            expected.push(if inside > 1e-300 { (Normal.pdf(from) - Normal.pdf(to)) / inside } else { 0.0 });
        }
        Ordered { factor, low, high }
    }

    /// The mean of the integrand over one shifted lattice and its mirror image.
    fn mean(&self, points: u32, generators: &[f64], shift: &[f64]) -> f64 {
        let mut place = vec![0.0; shift.len()];
        let total: f64 = (1..=points)
            .map(|point| {
                for ((place, generator), shift) in place.iter_mut().zip(generators).zip(shift) {
                    // Folded: a periodic integrand is what a lattice integrates well.
                    *place = (2.0 * (f64::from(point) * generator + shift).fract() - 1.0).abs();
                }
                let here = self.integrand(&place);
                place.iter_mut().for_each(|place| *place = 1.0 - *place);
                0.5 * (here + self.integrand(&place))
            })
            .sum();
        total / f64::from(points)
    }

    /// The product of conditional chances, each given the variables drawn before it.
    fn integrand(&self, place: &[f64]) -> f64 {
        let mut drawn = Vec::with_capacity(place.len());
        let mut chance = 1.0;
        for (at, place) in place.iter().enumerate() {
            let known: f64 = drawn.iter().enumerate().map(|(j, y): (usize, &f64)| self.factor[(at, j)] * y).sum();
            let (from, to) = limits(self.low[at], self.high[at], known, self.factor[(at, at)]);
            let inside = between(from, to);
            chance *= inside;
            if chance == 0.0 {
                return 0.0;
            }
            // Inverted in the tail where the interval lies.
            let share = place * inside;
            let y = if from + to > 0.0 {
                Normal.isf(Normal.sf(from) - share)
            } else {
                Normal.quantile(Normal.cdf(from) + share)
            };
            drawn.push(y.map_or(0.0, |y| y.clamp(-38.0, 38.0)));
        }
        chance
    }
}

/// The sides of a variable in units of what is left of its spread.
fn limits(low: f64, high: f64, known: f64, spread: f64) -> (f64, f64) {
    if spread > 1e-8 {
        return ((low - known) / spread, (high - known) / spread);
    }
    // Nothing is left to vary: inside or outside.
    if low <= known && known <= high { (f64::NEG_INFINITY, f64::INFINITY) } else { (f64::INFINITY, f64::INFINITY) }
}
