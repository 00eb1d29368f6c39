//! Mixtures of normals: the posterior of a normal estimate under every prior of this crate.

use super::Posterior;
use super::tail_root::{Sought, tail_root};
use crate::dist::{Continuous, Normal};

/// One normal of a mixture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Component {
    /// Its share.
    pub weight: f64,
    /// Its mean.
    pub mean: f64,
    /// Its standard deviation.
    pub sd: f64,
}

/// A weighted mixture of normals, `Σ wₖ N(mₖ, sₖ²)`.
#[derive(Debug, Clone, PartialEq)]
pub struct NormalMixture {
    components: Vec<Component>,
}

impl NormalMixture {
    /// The mixture of these, the weights brought to a sum of one.
    ///
    /// - **Gives** `None` without a component of positive weight, or when a number is not finite, a weight is negative
    ///   or a standard deviation is not positive.
    pub fn new(components: impl IntoIterator<Item = Component>) -> Option<Self> {
        let mut components: Vec<Component> = components.into_iter().collect();
        let possible = |part: &Component| {
            part.weight >= 0.0 && part.sd > 0.0 && [part.weight, part.mean, part.sd].iter().all(|x| x.is_finite())
        };
        let total: f64 = components.iter().map(|part| part.weight).sum();
        if !(components.iter().all(possible) && total > 0.0 && total.is_finite()) {
            return None;
        }
        components.retain(|part| part.weight > 0.0);
        components.iter_mut().for_each(|part| part.weight /= total);
        Some(Self { components })
    }

    /// One normal.
    pub fn normal(mean: f64, sd: f64) -> Option<Self> {
        Self::new([Component { weight: 1.0, mean, sd }])
    }

    /// Its components, with weights that sum to one.
    pub fn components(&self) -> &[Component] {
        &self.components
    }

    /// `ln Σ wₖ φ(x; mₖ, sₖ² + s²)`: the log-likelihood of an estimate with standard error `s`.
    pub fn ln_marginal(&self, estimate: f64, std_error: f64) -> f64 {
        let density: f64 = self
            .components
            .iter()
            .map(|part| {
                let (variance, distance) = (part.sd * part.sd + std_error * std_error, estimate - part.mean);
                part.weight * (-0.5 * distance * distance / variance).exp() / variance.sqrt()
            })
            .sum();
        if (1e-250..1e250).contains(&density) {
            return density.ln() - 0.5 * std::f64::consts::TAU.ln();
        }
        // Far out, and where squares leave the doubles.
        let terms = self.components.iter().map(|part| ln_joint(part, estimate, std_error));
        let largest = terms.clone().fold(f64::NEG_INFINITY, f64::max);
        largest + terms.map(|term| (term - largest).exp()).sum::<f64>().ln()
    }

    /// What stands of this prior after an estimate with a known standard error.
    ///
    /// `N(m, s²)` becomes `N((m/s² + x/e²)·v, v)` with `1/v = 1/s² + 1/e²`, its weight times `φ(x; m, s² + e²)`.
    ///
    /// - **Gives** `None` when the standard error is not positive or a number leaves the range of doubles.
    /// - **Source** Gelman et al. (2013), eq. (2.10).
    pub fn update(&self, estimate: f64, std_error: f64) -> Option<Self> {
        if !(std_error > 0.0 && std_error.is_finite() && estimate.is_finite()) {
            return None;
        }
        let terms: Vec<f64> = self.components.iter().map(|part| ln_joint(part, estimate, std_error)).collect();
        let largest = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let updated = self.components.iter().zip(&terms).map(|(part, term)| {
            // As shares of the larger of the two errors, since squares of tiny or huge numbers leave the doubles.
            let whole = part.sd.hypot(std_error);
            let (of_prior, of_data) = ((std_error / whole).powi(2), (part.sd / whole).powi(2));
            Component {
                weight: (term - largest).exp(),
                mean: of_prior * part.mean + of_data * estimate,
                sd: part.sd / whole * std_error,
            }
        });
        Self::new(updated)
    }

    /// The same of `factor·X`; the mirror image when the factor is negative, `None` when it is zero.
    #[must_use]
    pub fn scaled(&self, factor: f64) -> Option<Self> {
        let scale =
            |part: &Component| Component { weight: part.weight, mean: part.mean * factor, sd: part.sd * factor.abs() };
        Self::new(self.components.iter().map(scale))
    }

    fn sum(&self, term: impl Fn(&Component) -> f64) -> f64 {
        self.components.iter().map(|part| part.weight * term(part)).sum()
    }

    /// Where a tail has the probability sought: among the same points of the components.
    fn solve(&self, sought: Sought) -> Option<f64> {
        let standard = sought.standard()?;
        let points = self.components.iter().map(|part| part.mean + part.sd * standard);
        let (low, high) = points.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
        let tail = |x: f64, upper: bool| (if upper { self.sf(x) } else { self.cdf(x) }, self.pdf(x));
        if low < high {
            tail_root(sought, 0.5 * (low + high), 0.5 * (high - low), (low, high), tail)
        } else {
            Some(low)
        }
    }
}

/// `ln wₖ φ(x; mₖ, sₖ² + e²)`, up to the constant that all share.
fn ln_joint(part: &Component, estimate: f64, std_error: f64) -> f64 {
    let sd = part.sd.hypot(std_error);
    let z = (estimate - part.mean) / sd;
    part.weight.ln() - sd.ln() - 0.5 * z * z - 0.5 * std::f64::consts::TAU.ln()
}

/// `E max(Z − z, 0)` of a standard normal: `φ(z) − z·P(Z > z)`.
fn standard_excess(z: f64) -> f64 {
    (Normal.pdf(z) - z * Normal.sf(z)).max(0.0)
}

impl Posterior for NormalMixture {
    fn pdf(&self, x: f64) -> f64 {
        self.sum(|part| Normal.pdf((x - part.mean) / part.sd) / part.sd)
    }

    fn cdf(&self, x: f64) -> f64 {
        self.sum(|part| Normal.cdf((x - part.mean) / part.sd)).min(1.0)
    }

    fn sf(&self, x: f64) -> f64 {
        self.sum(|part| Normal.sf((x - part.mean) / part.sd)).min(1.0)
    }

    fn quantile(&self, p: f64) -> Option<f64> {
        self.solve(Sought::below(p)?)
    }

    fn isf(&self, p: f64) -> Option<f64> {
        self.solve(Sought::above(p)?)
    }

    fn mean(&self) -> Option<f64> {
        Some(self.sum(|part| part.mean))
    }

    fn sd(&self) -> Option<f64> {
        let mean = self.sum(|part| part.mean);
        let largest = self.components.iter().map(|part| part.sd.max((part.mean - mean).abs())).fold(0.0, f64::max);
        let variance = self.sum(|part| (part.sd / largest).powi(2) + ((part.mean - mean) / largest).powi(2));
        Some(largest * variance.sqrt())
    }

    fn has_one_peak(&self) -> bool {
        self.components.len() == 1
    }

    fn shortfall(&self) -> Option<f64> {
        Some(self.sum(|part| part.sd * standard_excess(part.mean / part.sd)))
    }

    fn excess(&self) -> Option<f64> {
        Some(self.sum(|part| part.sd * standard_excess(-part.mean / part.sd)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_mixture_is_refused() {
        let part = |weight, mean, sd| Component { weight, mean, sd };
        assert_eq!(NormalMixture::new([]), None);
        assert_eq!(NormalMixture::new([part(0.0, 0.0, 1.0)]), None);
        assert_eq!(NormalMixture::new([part(-1.0, 0.0, 1.0), part(2.0, 0.0, 1.0)]), None);
        assert_eq!(NormalMixture::normal(0.0, 0.0), None);
        assert_eq!(NormalMixture::normal(f64::NAN, 1.0), None);
        assert_eq!(NormalMixture::normal(0.0, 1.0).and_then(|prior| prior.update(1.0, 0.0)), None);
    }

    #[test]
    fn quantiles_of_two_distant_normals_are_found_from_either_side() {
        let part = |weight, mean| Component { weight, mean, sd: 1.0 };
        let mixture = NormalMixture::new([part(1.0, -50.0), part(3.0, 50.0)]).unwrap();
        for p in [1e-12, 0.01, 0.2, 0.3, 0.5, 0.9, 0.999] {
            let x = mixture.quantile(p).unwrap();
            assert!((mixture.cdf(x) / p - 1.0).abs() < 1e-12, "{p}: {x}");
            let x = mixture.isf(p).unwrap();
            assert!((mixture.sf(x) / p - 1.0).abs() < 1e-12, "{p}: {x}");
        }
    }
}
