//! Potential outcomes: what every fitted model says of the means, before anybody asks for a difference or a lift.

use nalgebra::DMatrix;

/// Estimated means of the potential outcomes, one per arm, with their joint uncertainty.
///
/// The one thing that a model of means returns. Differences, lifts and non-inferiority are [contrasts](crate::contrast)
/// of it, so that each is written once for all models.
///
/// - **Needs** every arm's mean in the unit of the metric, the arms in one order throughout.
/// - **Gives** through [`contrast`](Self::contrast) the estimate, variance and degrees of freedom of any weighted sum
///   of the means.
#[derive(Debug, Clone, PartialEq)]
pub struct PotentialOutcomes {
    /// The arms: the baseline first.
    pub arms: Vec<ArmMean>,
    /// Independent parts of the joint variance of the means; `None` when the data cannot give it, and then the notes
    /// say why.
    pub components: Option<Vec<VarianceComponent>>,
    /// What a reader must know about this fit, one sentence each.
    pub notes: Vec<String>,
}

/// The estimated mean outcome, had every unit been in this arm.
#[derive(Debug, Clone, PartialEq)]
pub struct ArmMean {
    /// Name of the arm.
    pub arm: String,
    /// Units that enter the estimate.
    pub n: u64,
    /// The estimate, in the unit of the metric; `None` when there is nothing to average.
    pub mean: Option<f64>,
    /// What rounding left of the mean, so that the difference of two means far from zero keeps its digits.
    pub rest: f64,
    /// The plain mean of the arm's own units, where the estimate is adjusted and differs from it.
    pub unadjusted: Option<f64>,
}

/// One independent part of the joint covariance matrix of the means.
#[derive(Debug, Clone, PartialEq)]
pub struct VarianceComponent {
    /// Arms × arms, in squared units of the metric.
    pub covariance: DMatrix<f64>,
    /// Degrees of freedom of this part's estimated variance; `None` when it counts as known.
    pub df: Option<f64>,
}

/// A weighted sum of the means.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LinearContrast {
    /// The sum, in the unit of the metric.
    pub estimate: f64,
    /// Its estimated variance; exactly 0 when nothing varies.
    pub variance: f64,
    /// Satterthwaite's degrees of freedom; `None` when every part of the variance counts as known, or there is none.
    pub df: Option<f64>,
}

impl VarianceComponent {
    /// The part that belongs to one arm alone.
    pub fn of_arm(arms: usize, arm: usize, variance: f64, df: f64) -> Self {
        let covariance = DMatrix::from_fn(arms, arms, |i, j| if i == arm && j == arm { variance } else { 0.0 });
        Self { covariance, df: Some(df) }
    }

    /// `w'Vw`, with what is only the rounding of cancelled terms taken as the zero that it is.
    fn along(&self, weights: &[f64]) -> f64 {
        let (mut sum, mut size) = (0.0, 0.0);
        for (i, w) in weights.iter().enumerate() {
            for (j, v) in weights.iter().enumerate() {
                let term = w * v * self.covariance[(i, j)];
                sum += term;
                size += term.abs();
            }
        }
        if sum <= 64.0 * f64::EPSILON * size { 0.0 } else { sum }
    }
}

impl PotentialOutcomes {
    /// The weighted sum of the means, its variance and degrees of freedom.
    ///
    /// `Σ wₐμ̂ₐ`, `v = Σⱼ vⱼ` with `vⱼ = w'Vⱼw`, `df = v²/Σⱼ(vⱼ²/dfⱼ)`.
    ///
    /// - **Needs** one weight per arm.
    /// - **Gives** `None` when a mean or the variance is not known, or a number leaves the range of doubles.
    /// - **Source** Satterthwaite (1946), "An approximate distribution of estimates of variance components"; for two
    ///   arms Welch (1947).
    pub fn contrast(&self, weights: &[f64]) -> Option<LinearContrast> {
        let estimate = self.weighted_mean(weights)?;
        let parts: Vec<(f64, Option<f64>)> =
            self.components.as_ref()?.iter().map(|part| (part.along(weights), part.df)).collect();
        let variance: f64 = parts.iter().map(|(part, _)| part).sum();
        if !variance.is_finite() {
            return None;
        }
        // As shares of the variance: squares of variances of tiny or huge outcomes leave the range of doubles.
        let inverse: f64 = parts.iter().filter_map(|(part, df)| df.map(|df| (part / variance).powi(2) / df)).sum();
        let df = (variance > 0.0 && inverse > 0.0).then(|| 1.0 / inverse);
        Some(LinearContrast { estimate, variance, df })
    }

    /// The weighted sum of the means alone; `None` when one is not known or the sum leaves the range of doubles.
    pub fn weighted_mean(&self, weights: &[f64]) -> Option<f64> {
        let means: Option<Vec<f64>> = self.arms.iter().map(|arm| arm.mean).collect();
        let sum: f64 = means?.iter().zip(weights).map(|(mean, weight)| mean * weight).sum();
        let rest: f64 = self.arms.iter().zip(weights).map(|(arm, weight)| arm.rest * weight).sum();
        Some(sum + rest).filter(|sum| sum.is_finite())
    }

    /// The covariance of two means, summed over the parts.
    pub(crate) fn covariance(&self, i: usize, j: usize) -> Option<f64> {
        self.components.as_ref().map(|parts| parts.iter().map(|part| part.covariance[(i, j)]).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two(means: [f64; 2], components: Vec<VarianceComponent>) -> PotentialOutcomes {
        let arm = |name: &str, mean| ArmMean { arm: name.into(), n: 10, mean: Some(mean), rest: 0.0, unadjusted: None };
        PotentialOutcomes {
            arms: vec![arm("control", means[0]), arm("treated", means[1])],
            components: Some(components),
            notes: Vec::new(),
        }
    }

    #[test]
    fn parts_of_one_arm_each_give_the_degrees_of_freedom_of_welch() {
        let outcomes = two(
            [1.0, 4.0],
            vec![VarianceComponent::of_arm(2, 0, 0.5, 9.0), VarianceComponent::of_arm(2, 1, 0.25, 4.0)],
        );
        let difference = outcomes.contrast(&[-1.0, 1.0]).unwrap();
        assert_eq!((difference.estimate, difference.variance), (3.0, 0.75));
        let welch = 0.75_f64.powi(2) / (0.5_f64.powi(2) / 9.0 + 0.25_f64.powi(2) / 4.0);
        assert!((difference.df.unwrap() - welch).abs() < 1e-12);
    }

    #[test]
    fn a_part_that_cancels_in_the_difference_is_zero_to_the_last_bit() {
        let shared = DMatrix::from_element(2, 2, 0.1 + 0.2);
        let outcomes = two([1.0, 1.0], vec![VarianceComponent { covariance: shared, df: Some(19.0) }]);
        let difference = outcomes.contrast(&[-1.0, 1.0]).unwrap();
        assert_eq!((difference.variance, difference.df), (0.0, None));
    }

    #[test]
    fn without_a_mean_there_is_no_contrast() {
        let mut outcomes = two([1.0, 2.0], vec![VarianceComponent::of_arm(2, 0, 1.0, 3.0)]);
        outcomes.arms[1].mean = None;
        assert_eq!(outcomes.contrast(&[-1.0, 1.0]), None);
    }
}
