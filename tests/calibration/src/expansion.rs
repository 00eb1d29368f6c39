//! How far from its nominal level theory expects a studentised difference of means to be.

use estimand_stats::dist::{Continuous, Normal};

use crate::law::Cumulants;

/// One weighted mean of a contrast.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    /// Weight of the mean.
    pub weight: f64,
    /// Cumulants of one unit.
    pub unit: Cumulants,
    /// Units.
    pub n: f64,
    /// Distance of neighbouring values of one unit, when there is one.
    pub step: Option<f64>,
}

/// The second-order terms of `T = (Σ wₐ·x̄ₐ − θ)/√(Σ wₐ²sₐ²/nₐ)`.
///
/// With `λ₃` and `λ₄` the standardised third and fourth cumulant of the numerator,
/// `P(|T| > z) ≈ α − 2zφ(z)·(λ₄(z² − 3)/12 − λ₃²(z⁴ + 2z² − 3)/18)`, the normal quantile replaced by that of Student's t
/// with Satterthwaite's degrees of freedom. The skewness of the estimated variance is that of the means themselves, so
/// two arms need no more cumulants than one sample.
///
/// - **Source** Hall (1992), The Bootstrap and Edgeworth Expansion, section 2.6 for one sample; for the steps of whole
///   numbers Bhattacharya & Ranga Rao (1976), chapter 5.
#[derive(Debug, Clone, Copy)]
pub struct Expansion {
    /// `λ₃`.
    pub skewness: f64,
    /// `λ₄`.
    pub excess: f64,
    /// Satterthwaite's degrees of freedom of the denominator.
    pub df: f64,
    /// Units of the smaller arm.
    pub least: f64,
    /// The step of the numerator in its standard deviations, 0 without steps.
    pub step: f64,
}

impl Expansion {
    /// Of a contrast of two means.
    pub fn of(parts: [Part; 2]) -> Self {
        let part = |part: &Part| part.weight.powi(2) * part.unit.variance / part.n;
        let variance: f64 = parts.iter().map(part).sum();
        // A cumulant of order k of a mean is that of one unit over n^(k − 1).
        let cumulant = |order: i32, of_unit: fn(&Cumulants) -> f64| {
            let terms = parts.iter().map(|part| {
                let scale = part.weight * part.unit.variance.sqrt();
                of_unit(&part.unit) * scale.powi(order) / part.n.powi(order - 1)
            });
            terms.sum::<f64>() / variance.sqrt().powi(order)
        };
        let df = variance.powi(2) / parts.iter().map(|one| part(one).powi(2) / (one.n - 1.0)).sum::<f64>();
        let finest = parts.iter().map(|one| one.step.map(|step| step * one.weight.abs() / one.n));
        let step = finest.collect::<Option<Vec<f64>>>().map_or(0.0, |steps| steps.into_iter().fold(f64::MAX, f64::min));
        Self {
            skewness: cumulant(3, |unit| unit.skewness),
            excess: cumulant(4, |unit| unit.excess),
            df,
            least: parts.iter().map(|part| part.n).fold(f64::MAX, f64::min),
            step: step / variance.sqrt(),
        }
    }

    /// A bound of the second-order terms of the two-sided error at `alpha`: each taken at its absolute value, so that
    /// none hides another. `reference` are the degrees of freedom that the test uses, infinite for the normal.
    pub fn error(&self, alpha: f64, reference: f64) -> f64 {
        let z = Normal.isf(alpha / 2.0).unwrap_or(0.0);
        let density = Normal.pdf(z);
        let tails = self.excess.abs() * (z * z - 3.0).abs().max(1.0) / 12.0;
        let skew = self.skewness.powi(2) * (z.powi(4) + 2.0 * z * z - 3.0).abs() / 18.0;
        let denominator = (z.powi(3) + z) / 4.0 * (self.df.recip() - reference.recip()).abs();
        let error = 2.0 * density * (z * (tails + skew) + denominator) + density * self.step;
        if error.is_nan() { f64::INFINITY } else { error }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::law::{Family, Law};

    fn arms(family: Family, n: [f64; 2]) -> Expansion {
        let law = Law::of(family);
        let part = |(weight, n)| Part { weight, unit: law.cumulants(), n, step: law.step() };
        Expansion::of([(-1.0, n[0]), (1.0, n[1])].map(part))
    }

    #[test]
    fn arms_of_one_size_cancel_skewness_and_others_do_not() {
        let skewed = Family::LogNormal { log_sd: 1.0 };
        assert!(arms(skewed, [500.0, 500.0]).skewness.abs() < 1e-12);
        let uneven = arms(skewed, [900.0, 100.0]);
        // γ·(1/100² − 1/900²)/(1/100 + 1/900)^1.5 with γ = (e + 2)√(e − 1).
        let by_hand = (1_f64.exp() + 2.0) * (1_f64.exp() - 1.0).sqrt() * (1e-4 - 1.0 / 810_000.0)
            / (0.01_f64 + 1.0 / 900.0).powf(1.5);
        assert!((uneven.skewness - by_hand).abs() < 1e-9 * by_hand, "{uneven:?}");
    }

    #[test]
    fn normal_arms_have_no_second_order_term_but_that_of_another_reference() {
        let normal = arms(Family::Normal, [40.0, 10.0]);
        assert_eq!(normal.error(0.05, normal.df), 0.0);
        // P(|t₉| > 1.96) is 0.0816, of which the first term in 1/9 is 0.0306.
        let few = Expansion { df: 9.0, ..normal };
        assert!((few.error(0.05, f64::INFINITY) - 0.0307).abs() < 1e-3, "{}", few.error(0.05, f64::INFINITY));
    }

    #[test]
    fn a_law_without_a_fourth_moment_is_promised_nothing() {
        assert_eq!(arms(Family::Pareto { tail: 2.5 }, [1e6, 1e6]).error(0.05, 2e6), f64::INFINITY);
    }
}
