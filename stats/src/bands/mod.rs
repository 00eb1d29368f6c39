//! The whole distribution at once: how two arms' distribution functions, or quantiles, differ everywhere, with bands.
//!
//! | [`Guarantee`] | the true difference lies inside | made of |
//! |---|---|---|
//! | `Pointwise` | at each single point with the level | Newcombe's interval; the bootstrap law of a quantile |
//! | `Simultaneous` | at all points at once | the inequality of Dvoretzky, Kiefer & Wolfowitz, an arm each |
//! | `Anytime` | at all points and after every unit, looking as often as one likes | Howard & Ramdas' in its place |
//!
//! | file | holds |
//! |---|---|
//! | `distribution_difference` | `F₁(x) − F₀(x)` |
//! | `quantile_difference` | `F₁⁻¹(q) − F₀⁻¹(q)` |
//!
//! ```
//! use estimand_stats::bands::{Guarantee, quantile_difference};
//! use estimand_stats::empirical::Empirical;
//!
//! let values: Vec<f64> = (0..4_000).map(f64::from).collect();
//! let raised: Vec<f64> = values.iter().map(|value| value + 400.0).collect();
//! let counts = vec![1; 4_000];
//! let (treated, control) = (Empirical::new(&raised, &counts)?, Empirical::new(&values, &counts)?);
//! let band = quantile_difference(treated, control, &[0.25, 0.5, 0.75], 0.95, Guarantee::Simultaneous);
//! assert!(band.iter().all(|point| point.low > Some(0.0) && point.estimate == Some(400.0)));
//! # Ok::<(), estimand_stats::empirical::Malformed>(())
//! ```

mod distribution_difference;
mod quantile_difference;

pub use distribution_difference::distribution_difference;
pub use quantile_difference::quantile_difference;

/// What a band promises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Guarantee {
    /// At all points and after every unit at once.
    Anytime,
    /// At each point alone.
    Pointwise,
    /// At all points at once, for one look.
    #[default]
    Simultaneous,
}

/// A point of a band.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BandPoint {
    /// The value, or the rank of the quantile, that it is for.
    pub at: f64,
    /// The difference, treated less control; `None` where an arm has no units.
    pub estimate: Option<f64>,
    /// Lower end; `None` when it is open.
    pub low: Option<f64>,
    /// Upper end; `None` when it is open.
    pub high: Option<f64>,
}

impl Guarantee {
    /// How far an arm's distribution function can lie from the true one, anywhere, when it fails with probability
    /// `alpha`; `None` for a guarantee at one point, and without units.
    ///
    /// - **Source** Massart (1990): `√(ln(2/α)/(2n))`; Howard & Ramdas (2022), "Sequential estimation of quantiles with
    ///   applications to A/B testing and best-arm identification", corollary 2:
    ///   `0.85·√((ln ln(en) + 0.8·ln(1612/α))/n)` for all `n` at once.
    fn distance(self, n: u64, alpha: f64) -> Option<f64> {
        let n = n as f64;
        let squared = match self {
            Guarantee::Pointwise => return None,
            Guarantee::Simultaneous => (2.0 / alpha).ln() / (2.0 * n),
            Guarantee::Anytime => 0.85_f64.powi(2) * ((1.0 + n.ln()).ln() + 0.8 * (1612.0 / alpha).ln()) / n,
        };
        Some(squared.sqrt()).filter(|_| n > 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_the_inequalities() {
        let near = |got: Option<f64>, want: f64| (got.unwrap() - want).abs() < 1e-12;
        assert!(near(Guarantee::Simultaneous.distance(200, 0.05), (40.0_f64.ln() / 400.0).sqrt()));
        let e = std::f64::consts::E;
        let anytime = 0.85 * (((e * 200.0).ln().ln() + 0.8 * 32_240.0_f64.ln()) / 200.0).sqrt();
        assert!(near(Guarantee::Anytime.distance(200, 0.05), anytime));
        assert_eq!((Guarantee::Pointwise.distance(9, 0.05), Guarantee::Anytime.distance(0, 0.05)), (None, None));
    }
}
