//! The restricted wild cluster bootstrap.

use std::ops::ControlFlow;

use nalgebra::{Cholesky, DMatrix, DVector};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::correction::Correction;
use super::fit::ClusteredFit;
use crate::dist::{Alternative, TailProbability};
use crate::resampling::stream;

/// Most clusters of which all sign vectors are looked at: 4,096 of them.
const MOST_ENUMERATED: usize = 12;
/// By how much rounding may make a statistic smaller than one that is equal to it.
const SLACK: f64 = 1e-10;

/// The factor that a replicate puts on the residuals of a cluster.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SignWeights {
    /// −1 or 1; all vectors of signs, when there are at most 12 clusters.
    #[default]
    Rademacher,
    /// ±√½, ±1 or ±√(3/2): so few clusters as have few vectors of signs still have many of these.
    Webb,
}

/// The scores of clusters that a replicate puts factors on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Scores {
    /// Of the restricted residuals as they are: "11", or WCR-C.
    #[default]
    Plain,
    /// Of residuals from the restricted fit without the cluster: "31", or WCR-S.
    Jackknife,
}

/// How a test is bootstrapped.
///
/// Under the hypothesis `c'β = r` a replicate gives each cluster its restricted residuals times a random factor `v_g`,
/// and compares `|t|` with `|t*|`, both over the CR1 standard error. With `u = Ac`, `S_g` and `s_g` as in
/// [`ClusteredFit`], the restricted scores are `s̃_g = s_g + S_g u(c'β̂ − r)/u'u` and, with `d = Σ v_g s̃_g`,
/// `t* = u'd/√Σ (v_g u's̃_g − u'S_g d)²`: all replicates are quadratic in `r`, so that one pass answers every
/// hypothesis about one sum of coefficients.
///
/// - **Source** Cameron, Gelbach & Miller (2008); Roodman, MacKinnon, Nielsen & Webb (2019); MacKinnon, Nielsen & Webb
///   (2023), §4, for the jackknifed scores; Webb (2023) for his factors.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WildBootstrap {
    /// The factors.
    pub weights: SignWeights,
    /// What they are put on.
    pub scores: Scores,
    /// How many replicates are drawn, where not all vectors of signs are looked at.
    pub replicates: u64,
    /// Seed of the counter-based stream.
    pub seed: u64,
}

/// One weighted sum of coefficients, ready to be tested against any value.
#[derive(Debug, Clone, PartialEq)]
pub struct WildTest {
    estimate: f64,
    std_error: f64,
    factor: f64,
    replicates: Vec<Replicate>,
    /// Whether all vectors of signs were looked at, of which only those that begin with a plus are kept.
    exact: bool,
}

/// A replicate: numerator `n₀ + n₁δ` and variance `v₀ + 2v₁δ + v₂δ²` of its statistic, `δ = c'β̂ − r`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Replicate {
    numerator: [f64; 2],
    variance: [f64; 3],
}

/// One cluster, along one sum: each pair is the part at `δ = 0` and the part times `δ`.
struct Restricted {
    /// Per column of the design.
    score: Vec<[f64; 2]>,
    along: [f64; 2],
    /// `S_g u`.
    pull: Vec<f64>,
}

impl WildBootstrap {
    /// The test of a weighted sum of coefficients.
    ///
    /// - **Needs** a weight per coefficient.
    /// - **Gives** `None` where the [contrast](ClusteredFit::contrast) has no variance: fewer than two clusters, a sum
    ///   that rests on one of them, or residuals that are all zero.
    pub fn test(&self, fit: &ClusteredFit, weights: &[f64]) -> Option<WildTest> {
        let contrast = fit.contrast(weights, Correction::Cr1s).filter(|contrast| contrast.variance > 0.0)?;
        let factor = fit.factor(Correction::Cr1s)?;
        let u = &fit.bread * DVector::from_column_slice(weights);
        let clusters = restricted(fit, &u, self.scores);
        let count = clusters.len();
        let exact = self.weights == SignWeights::Rademacher && count <= MOST_ENUMERATED;
        let replicates = match exact {
            true => (0..1_u64 << (count - 1))
                .map(|signs| replicate(&clusters, &u, |g| if signs >> g & 1 == 1 { -1.0 } else { 1.0 }))
                .collect(),
            false => (0..self.replicates)
                .map(|number| {
                    let mut random = stream(self.seed, number);
                    replicate(&clusters, &u, |_| self.weights.draw(&mut random))
                })
                .collect(),
        };
        let std_error = contrast.variance.sqrt();
        Some(WildTest { estimate: contrast.estimate, std_error, factor, replicates, exact })
    }
}

impl SignWeights {
    fn draw(self, random: &mut ChaCha8Rng) -> f64 {
        match self {
            Self::Rademacher => {
                if random.random::<bool>() {
                    1.0
                } else {
                    -1.0
                }
            }
            Self::Webb => {
                let size = [0.5_f64.sqrt(), 1.0, 1.5_f64.sqrt()][random.random_range(0..3)];
                if random.random::<bool>() { size } else { -size }
            }
        }
    }
}

impl WildTest {
    /// The weighted sum of coefficients.
    pub fn estimate(&self) -> f64 {
        self.estimate
    }

    /// Its CR1S standard error.
    pub fn std_error(&self) -> f64 {
        self.std_error
    }

    /// Whether all vectors of signs were looked at.
    pub fn is_exact(&self) -> bool {
        self.exact
    }

    /// How far the estimate lies above a value, in standard errors.
    pub fn statistic(&self, null: f64) -> f64 {
        (self.estimate - null) / self.std_error
    }

    /// The share of replicates, the sample among them, with a statistic at least as extreme.
    pub fn p_value(&self, null: f64, alternative: Alternative) -> Option<TailProbability> {
        let statistic = self.statistic(null);
        let slack = SLACK * statistic.abs();
        let extreme = |value: f64| match alternative {
            Alternative::TwoSided => value.abs() >= statistic.abs() - slack,
            Alternative::Greater => value >= statistic - slack,
            Alternative::Less => value <= statistic + slack,
        };
        let delta = self.estimate - null;
        let values = self.replicates.iter().map(|replicate| replicate.statistic(delta, self.factor));
        let (count, of) = match self.exact {
            true => {
                let both = values.map(|value| usize::from(extreme(value)) + usize::from(extreme(-value)));
                // The sample and its mirror image are as extreme as themselves, whatever the jackknife makes of them.
                (both.sum::<usize>().max(2), 2 * self.replicates.len())
            }
            false => (1 + values.filter(|value| extreme(*value)).count(), 1 + self.replicates.len()),
        };
        TailProbability::from_ln((count as f64 / of as f64).ln())
    }

    /// The end of the interval of all values that are not rejected at `alpha`, on the side that the sign of `side`
    /// says; `None` when it is open there.
    pub fn bound(&self, side: f64, alpha: f64, alternative: Alternative) -> Option<f64> {
        let step = side.signum() * 4.0 * self.std_error;
        not_rejected(self.estimate, step, 1e-7, 0.0, alpha, |null| Some(self.p_value(null, alternative)?.p))
    }
}

impl Replicate {
    fn statistic(&self, delta: f64, factor: f64) -> f64 {
        let [constant, slope] = self.numerator;
        let [v0, v1, v2] = self.variance;
        let (numerator, variance) = (constant + delta * slope, v0 + delta * (2.0 * v1 + delta * v2));
        match numerator {
            0.0 => 0.0,
            // A replicate without residuals is as far from its hypothesis as can be.
            _ => numerator / (factor * variance.max(0.0)).sqrt(),
        }
    }
}

/// The farthest value, from the estimate by the step and beyond, that a test does not reject; `None` when none is.
///
/// The p-value is taken as falling away from the estimate; `null`, the value whose test decides, is looked at first, so
/// that the interval excludes it exactly when it is rejected. The end is found to this share of the step.
pub fn not_rejected(
    estimate: f64,
    step: f64,
    tolerance: f64,
    null: f64,
    alpha: f64,
    p_value: impl Fn(f64) -> Option<f64>,
) -> Option<f64> {
    let rejected = |value: f64| p_value(value).map(|p| p < alpha);
    let towards_null = (null - estimate) * step.signum() > 0.0;
    let (mut near, mut far) = if towards_null && rejected(null)? {
        (estimate, null)
    } else {
        let near = if towards_null { null } else { estimate };
        let mut reaches = (0..30).map(|doublings| near + step * f64::from(1_u32 << doublings));
        let answers = reaches.try_fold(near, |near, far| match rejected(far) {
            Some(false) => ControlFlow::Continue(far),
            Some(true) => ControlFlow::Break(Some((near, far))),
            None => ControlFlow::Break(None),
        });
        answers.break_value().flatten()?
    };
    for _ in 0..60 {
        let middle = near + (far - near) / 2.0;
        if (far - near).abs() <= tolerance * step.abs() {
            break;
        }
        if rejected(middle)? { far = middle } else { near = middle }
    }
    Some(near)
}

/// The clusters of a fit under the hypothesis about the sum with direction `u`.
fn restricted(fit: &ClusteredFit, u: &DVector<f64>, scores: Scores) -> Vec<Restricted> {
    let size = u.norm_squared();
    let k = u.len();
    let apart = DMatrix::identity(k, k) - u * u.transpose() / size;
    let of_cluster = |cluster: &super::fit::Cluster| {
        let pull = &cluster.cross * u;
        let score = [cluster.score.clone(), &pull / size];
        let score = match scores {
            Scores::Plain => score,
            Scores::Jackknife => {
                // (I − H̃)⁻¹ of the restricted design, in the space that the hypothesis leaves free.
                let inverse = &apart * inverse_of_left(&(&apart * &cluster.cross * &apart)) * &apart;
                score.map(|score| &score + &cluster.cross * (&inverse * &score))
            }
        };
        let along = score.each_ref().map(|score| u.dot(score));
        let [constant, slope] = score;
        let score = constant.iter().zip(slope.iter()).map(|(constant, slope)| [*constant, *slope]).collect();
        Restricted { score, along, pull: pull.as_slice().to_vec() }
    };
    fit.clusters.iter().map(of_cluster).collect()
}

/// `(I − S)⁻¹`, generalised where a direction is the cluster's alone.
fn inverse_of_left(cross: &DMatrix<f64>) -> DMatrix<f64> {
    let k = cross.nrows();
    let cholesky = Cholesky::new(DMatrix::identity(k, k) - cross);
    // Most clusters leave much to the others, and then there is no need for eigenvectors.
    match cholesky.filter(|factor| factor.l_dirty().diagonal().iter().all(|left| *left > 1e-3)) {
        Some(factor) => factor.inverse(),
        None => {
            let mut eigen = cross.clone().symmetric_eigen();
            eigen.eigenvalues.apply(|value| *value = Correction::Cr3.of_direction(1.0 - *value));
            eigen.recompose()
        }
    }
}

fn replicate(clusters: &[Restricted], u: &DVector<f64>, mut draw: impl FnMut(usize) -> f64) -> Replicate {
    let factors: Vec<f64> = (0..clusters.len()).map(&mut draw).collect();
    let mut sums = vec![[0.0, 0.0]; u.len()];
    for (cluster, factor) in clusters.iter().zip(&factors) {
        for (sum, score) in sums.iter_mut().zip(&cluster.score) {
            *sum = [sum[0] + factor * score[0], sum[1] + factor * score[1]];
        }
    }
    let along = |weights: &[f64]| {
        let parts = weights.iter().zip(&sums);
        parts.fold([0.0, 0.0], |[v0, v1], (weight, sum)| [v0 + weight * sum[0], v1 + weight * sum[1]])
    };
    let mut replicate = Replicate { numerator: along(u.as_slice()), ..Replicate::default() };
    for (cluster, factor) in clusters.iter().zip(&factors) {
        let pulled = along(&cluster.pull);
        let [constant, slope] = [0, 1].map(|at: usize| factor * cluster.along[at] - pulled[at]);
        let [v0, v1, v2] = &mut replicate.variance;
        *v0 += constant * constant;
        *v1 += constant * slope;
        *v2 += slope * slope;
    }
    replicate
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clustered::Clusters;
    use crate::least_squares::{Fit, Outcomes};

    fn stores() -> ClusteredFit {
        let codes: Vec<f64> = (0..24).map(|i| f64::from(i / 3)).collect();
        let arm: Vec<f64> = (0..24).map(|i| f64::from(u8::from(i >= 12))).collect();
        let y: Vec<f64> = (0..24).map(|i| f64::from(i * i % 11) + f64::from(i / 3 % 4)).collect();
        ClusteredFit::of(&Fit::of(&Outcomes::of_units(&y), &[arm]).unwrap(), &Clusters::of(&codes))
    }

    fn bootstrap(weights: SignWeights, scores: Scores) -> WildBootstrap {
        WildBootstrap { weights, scores, replicates: 1_999, seed: 5 }
    }

    #[test]
    fn eight_clusters_are_counted_and_drawn_alike() {
        let fit = stores();
        let exact = bootstrap(SignWeights::Rademacher, Scores::Plain).test(&fit, &[0.0, 1.0]).unwrap();
        let drawn = bootstrap(SignWeights::Webb, Scores::Plain).test(&fit, &[0.0, 1.0]).unwrap();
        assert!(exact.is_exact() && !drawn.is_exact());
        let p = |test: &WildTest| test.p_value(1.0, Alternative::TwoSided).unwrap().p;
        assert!((p(&exact) - p(&drawn)).abs() < 0.08, "{} {}", p(&exact), p(&drawn));
    }

    #[test]
    fn an_interval_holds_what_its_test_does_not_reject() {
        for scores in [Scores::Plain, Scores::Jackknife] {
            let test = bootstrap(SignWeights::Webb, scores).test(&stores(), &[0.0, 1.0]).unwrap();
            let p = |null: f64| test.p_value(null, Alternative::TwoSided).unwrap().p;
            let [low, high] = [-1.0, 1.0].map(|side| test.bound(side, 0.05, Alternative::TwoSided).unwrap());
            assert!(low < test.estimate() && test.estimate() < high);
            for end in [low, high] {
                let outside = end + 1e-3 * (end - test.estimate());
                assert!(p(end) >= 0.05 && p(outside) < 0.05, "{end}: {} {}", p(end), p(outside));
            }
        }
    }

    #[test]
    fn three_clusters_have_too_few_signs_to_reject_anything() {
        let y = [1.0, 2.0, 4.0, 3.0, 9.0, 9.5];
        let fit = Fit::of(&Outcomes::of_units(&y), &[vec![0.0, 1.0, 0.0, 1.0, 0.0, 1.0]]).unwrap();
        let fit = ClusteredFit::of(&fit, &Clusters::of(&[1.0, 1.0, 2.0, 2.0, 3.0, 3.0]));
        let test = bootstrap(SignWeights::Rademacher, Scores::Plain).test(&fit, &[0.0, 1.0]).unwrap();
        assert_eq!(test.bound(1.0, 0.05, Alternative::TwoSided), None);
    }
}
