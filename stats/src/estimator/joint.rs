//! Joint moments of an outcome and covariates, any of which may be a linearised ratio.

use nalgebra::{DMatrix, DVector};

use crate::estimator::arms::Mean;
use crate::least_squares::CrossProducts;
use crate::suffstat::CoMoments;

/// One arm: an outcome (or its linearisation) and covariates.
#[derive(Debug, Clone)]
pub(super) struct Joint {
    /// Name of the arm.
    pub arm: String,
    /// Units.
    pub n: u64,
    /// Estimate of the arm without adjustment.
    pub outcome: Mean,
    /// Means of the covariates.
    pub means: Vec<Mean>,
    /// Centred sum of squares of the outcome.
    pub outcome_square: f64,
    /// Centred products of the covariates with the outcome.
    pub outcome_cross: DVector<f64>,
    /// Centred products of the covariates.
    pub cross: DMatrix<f64>,
}

/// A weighted sum of variables whose mean a sample has, or to which a ratio of means is linear.
#[derive(Debug, Clone)]
pub(super) struct WeightedSum {
    /// What it is worth in the sample: a mean, or a ratio of means.
    pub value: Mean,
    /// Variables with their weights.
    pub weights: Vec<(usize, f64)>,
}

impl WeightedSum {
    /// Variable `i` itself.
    pub fn variable(moments: &CoMoments, i: usize) -> Self {
        Self { value: Mean::of(moments, i), weights: vec![(i, 1.0)] }
    }

    /// The ratio of the means of two variables, linearised: `R + (y − R·d)/d̄`; `None` when the denominator's mean is
    /// zero.
    pub fn ratio(moments: &CoMoments, numerator: usize, denominator: usize) -> Option<Self> {
        let below = moments.mean(denominator);
        let value = moments.mean(numerator) / below;
        value.is_finite().then(|| Self {
            value: value.into(),
            weights: vec![(numerator, 1.0 / below), (denominator, -value / below)],
        })
    }

    /// Centred sum of squares; what rounding leaves of a constant is zero.
    fn square(&self, moments: &CoMoments) -> f64 {
        let (mut sum, mut size) = (0.0, 0.0);
        for (i, u) in &self.weights {
            for (j, v) in &self.weights {
                let term = u * v * moments.centred(*i, *j);
                sum += term;
                size += term.abs();
            }
        }
        if sum <= 64.0 * f64::EPSILON * size { 0.0 } else { sum }
    }
}

impl Joint {
    /// Of weighted sums of the variables: the outcome first, then the covariates, each with its value in this sample.
    pub fn of(arm: &str, moments: &CoMoments, outcome: &WeightedSum, covariates: &[WeightedSum]) -> Self {
        let k = covariates.len();
        let product = |a: &WeightedSum, b: &WeightedSum| {
            let terms = a.weights.iter().flat_map(|(i, u)| b.weights.iter().map(move |(j, v)| (i, j, u * v)));
            terms.map(|(i, j, weight)| weight * moments.centred(*i, *j)).sum::<f64>()
        };
        Self {
            arm: arm.to_owned(),
            n: moments.n(),
            outcome: outcome.value,
            means: covariates.iter().map(|covariate| covariate.value).collect(),
            outcome_square: outcome.square(moments),
            outcome_cross: DVector::from_iterator(k, covariates.iter().map(|covariate| product(outcome, covariate))),
            cross: DMatrix::from_fn(k, k, |i, j| {
                if i == j { covariates[i].square(moments) } else { product(&covariates[i], &covariates[j]) }
            }),
        }
    }

    /// With the covariates at these positions only.
    pub fn keeping(&self, kept: &[usize]) -> Self {
        let k = kept.len();
        Self {
            arm: self.arm.clone(),
            means: kept.iter().map(|at| self.means[*at]).collect(),
            outcome_cross: DVector::from_iterator(k, kept.iter().map(|at| self.outcome_cross[*at])),
            cross: DMatrix::from_fn(k, k, |i, j| self.cross[(kept[i], kept[j])]),
            ..*self
        }
    }

    /// How far the covariates of another sample lie above these on average.
    pub fn distance_to(&self, other: &Self) -> DVector<f64> {
        DVector::from_fn(self.means.len(), |at, _| other.means[at].minus(self.means[at]))
    }

    /// Slopes of this sample alone.
    pub fn slopes(&self) -> Option<DVector<f64>> {
        CrossProducts::new(&self.cross).map(|cross| cross.solve(&self.outcome_cross))
    }

    /// Centred sum of squares of the outcome minus what the slopes explain; what rounding leaves of nothing is nothing.
    pub fn residual_square(&self, slopes: &DVector<f64>) -> f64 {
        let fitted = slopes.dot(&(&self.cross * slopes));
        let left = self.outcome_square - 2.0 * slopes.dot(&self.outcome_cross) + fitted;
        if left <= 1e-13 * (self.outcome_square + fitted) { 0.0 } else { left }
    }

    /// `s²/n` of the outcome minus slopes times covariates, the variance over `n − lost`.
    pub fn mean_variance(&self, slopes: &DVector<f64>, lost: u64) -> Option<f64> {
        let df = self.n.checked_sub(lost).filter(|df| *df > 0)?;
        Some(self.residual_square(slopes) / df as f64 / self.n as f64)
    }

    pub fn too_few(&self, covariates: usize) -> String {
        let (n, needed) = (self.n, covariates + 2);
        let units = if n == 1 { "unit" } else { "units" };
        match covariates {
            0 => format!("Arm `{}` has {n} {units}; a standard error needs at least 2.", self.arm),
            _ => format!(
                "Arm `{}` has {n} {units}; adjustment by {covariates} covariate{} needs at least {needed}.",
                self.arm,
                if covariates == 1 { "" } else { "s" }
            ),
        }
    }
}
