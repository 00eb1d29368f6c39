//! Gauss–Legendre panels: integrals of smooth functions over short pieces of the line, and up to any point inside one.

use crate::dist::gauss_legendre::POINTS;

/// Nodes of the rule on [−1, 1].
const NODES: usize = 2 * POINTS.len();

/// `∫ f` from `low` to `high` of several functions at once, by 20 nodes: exact for polynomials of degree 39.
///
/// - **Source** Abramowitz & Stegun (1964), table 25.4.
pub(super) fn panel<const N: usize>(low: f64, high: f64, f: impl Fn(f64) -> [f64; N]) -> [f64; N] {
    let (centre, half) = (0.5 * (low + high), 0.5 * (high - low));
    let mut sums = [0.0; N];
    for (node, weight) in POINTS {
        let (left, right) = (f(centre - half * node), f(centre + half * node));
        for (sum, (left, right)) in sums.iter_mut().zip(left.into_iter().zip(right)) {
            *sum += weight * (left + right);
        }
    }
    sums.map(|sum| half * sum)
}

/// `∫ f` from the low end of a panel to any point in it, as a Legendre series.
#[derive(Debug, Clone)]
pub(super) struct RunningIntegral {
    low: f64,
    high: f64,
    series: [f64; NODES + 1],
}

impl RunningIntegral {
    /// Of `f` over one panel, which it must fill smoothly: the series has 20 terms.
    ///
    /// `f ≈ Σ aₖPₖ` with `aₖ = (k + ½)·Σ wᵢf(tᵢ)Pₖ(tᵢ)`, integrated term by term by
    /// `∫Pₖ = (Pₖ₊₁ − Pₖ₋₁)/(2k + 1)`.
    ///
    /// - **Source** DLMF 18.17.1 and 18.9.7 for the Legendre polynomials.
    pub fn of(low: f64, high: f64, f: impl Fn(f64) -> f64) -> Self {
        let (centre, half) = (0.5 * (low + high), 0.5 * (high - low));
        let mut terms = [0.0; NODES];
        for (node, weight) in POINTS {
            let (left, right) = (f(centre - half * node), f(centre + half * node));
            let (even, odd) = (weight * (right + left), weight * (right - left));
            for (k, p) in polynomials(node).take(NODES).enumerate() {
                terms[k] += p * if k % 2 == 0 { even } else { odd };
            }
        }
        // aₖ/(2k + 1) is half of the sum above.
        let term = |k: usize| 0.5 * half * terms.get(k).copied().unwrap_or(0.0);
        let mut series = std::array::from_fn(|k| if k == 0 { term(0) - term(1) } else { term(k - 1) - term(k + 1) });
        // At the low end the polynomials are ±1; what rounding leaves of the sum there is nothing.
        series[0] = -series.iter().enumerate().skip(1).map(|(k, c)| if k % 2 == 0 { *c } else { -c }).sum::<f64>();
        Self { low, high, series }
    }

    /// Up to `x`, a point of the panel.
    pub fn up_to(&self, x: f64) -> f64 {
        let t = ((x - self.low) - (self.high - x)) / (self.high - self.low);
        self.series.iter().zip(polynomials(t)).map(|(c, p)| c * p).sum::<f64>().max(0.0)
    }

    /// Over the whole panel.
    pub fn whole(&self) -> f64 {
        self.series.iter().sum()
    }
}

/// The factors of `Pₖ₊₁ = (2k + 1)/(k + 1)·t·Pₖ − k/(k + 1)·Pₖ₋₁`, divided once and not at each point.
const RECURRENCE: [(f64, f64); NODES + 1] = {
    let mut factors = [(0.0, 0.0); NODES + 1];
    let mut k = 0;
    while k <= NODES {
        let degree = k as f64;
        factors[k] = ((2.0 * degree + 1.0) / (degree + 1.0), degree / (degree + 1.0));
        k += 1;
    }
    factors
};

/// `P₀(t), P₁(t), …` by their recurrence.
fn polynomials(t: f64) -> impl Iterator<Item = f64> {
    let mut pair = (0.0, 1.0);
    RECURRENCE.into_iter().map(move |(ahead, back)| {
        let here = pair.1;
        pair = (here, ahead * t * here - back * pair.0);
        here
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_polynomial_of_degree_39_is_integrated_to_the_last_digits() {
        let [integral] = panel(0.0, 1.0, |x| [40.0 * x.powi(39)]);
        assert!((integral - 1.0).abs() < 1e-14, "{integral}");
    }

    #[test]
    fn the_running_integral_of_an_exponential_is_an_exponential() {
        let running = RunningIntegral::of(1.0, 2.0, |x| (5.0 * x).exp());
        for x in [1.0_f64, 1.001, 1.3, 1.77, 2.0] {
            let exact = ((5.0 * x).exp() - 5.0_f64.exp()) / 5.0;
            assert!((running.up_to(x) - exact).abs() < 1e-14 * 10.0_f64.exp(), "{x}");
        }
        assert!((running.whole() - running.up_to(2.0)).abs() < 1e-10);
    }
}
