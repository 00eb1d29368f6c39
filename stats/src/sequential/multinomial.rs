//! Counts against planned shares, looked at as often as anybody likes.

use super::{EValue, is_positive};
use crate::dist::double_double::DoubleDouble;
use crate::dist::gamma_function::stirling_error;
use crate::dist::incomplete_gamma::deviance;

/// The exact sequential test that each unit falls into cell `i` with probability `θᵢ`, whatever came before.
///
/// The likelihood ratio averaged over a Dirichlet law centred at `θ`,
/// `E = B(cθ + x)/B(cθ)·Πθᵢ^(−xᵢ)`, `B(a) = ΠΓ(aᵢ)/Γ(Σaᵢ)`. The concentration `c` is as many units as the prior is
/// worth: the test is strongest against shares that lie `√(θ(1−θ)/c)` off.
///
/// - **Needs** counts by cell, positive planned shares on any scale, and `c > 0`, fixed before the first look.
/// - **Gives** evidence that passes `1/α` at any look with probability at most `α`, for any number of units, one by
///   one or in batches.
/// - **Source** Lindon & Malek (2022), "Anytime-valid inference for multinomial count data", NeurIPS, equation 5.
///
/// ```
/// use estimand_stats::sequential::Multinomial;
///
/// let even = Multinomial::new(&[1.0, 1.0], 100.0).ok_or("shares and a concentration")?;
/// let evidence = even.e_value(&[600, 400]).ok_or("two cells")?;
/// assert!(evidence.p_value().p < 1e-6);
/// # Ok::<(), &'static str>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Multinomial {
    shares: Vec<f64>,
    concentration: f64,
}

impl Multinomial {
    /// Of planned shares and the concentration of the Dirichlet law; `None` with fewer than two cells, or unless all
    /// numbers are positive and finite.
    pub fn new(shares: &[f64], concentration: f64) -> Option<Self> {
        let sum: f64 = shares.iter().sum();
        let shares: Vec<f64> = shares.iter().map(|share| share / sum).collect();
        let sound = shares.len() >= 2 && is_positive(sum) && is_positive(concentration);
        let prior = |share: &f64| is_positive(*share) && is_positive(share * concentration);
        (sound && shares.iter().all(prior)).then_some(Self { shares, concentration })
    }

    /// The evidence of these counts against the planned shares; `None` unless there is one for each cell.
    pub fn e_value(&self, counts: &[u64]) -> Option<EValue> {
        if counts.len() != self.shares.len() {
            return None;
        }
        let counts: Vec<f64> = counts.iter().map(|count| *count as f64).collect();
        let cells = self.shares.iter().copied().zip(counts.iter().copied());
        EValue::from_ln(ln_mixture(cells, self.concentration, counts.iter().sum()))
    }
}

/// `ln B(cθ + x) − ln B(cθ) − Σ xᵢ ln θᵢ` over pairs of `θᵢ` and `xᵢ`.
///
/// By Stirling's formula with its remainder `δ`, and `mᵢ = cθᵢ + xᵢ`, `M = c + n`, it is the divergence
/// `Σ mᵢ ln(mᵢ/(Mθᵢ))` and logarithms of ratios: none of the terms of size `n ln n` is left, whose rounding would drown
/// the evidence of a million units.
pub(super) fn ln_mixture(cells: impl Iterator<Item = (f64, f64)>, concentration: f64, total: f64) -> f64 {
    let posterior = concentration + total;
    let whole = 0.5 * (posterior / concentration).ln() - (stirling_error(posterior) - stirling_error(concentration));
    let cell = |(share, count): (f64, f64)| {
        let before = concentration * share;
        let after = before + count;
        let divergence = deviance(after, DoubleDouble::product(posterior, share)).value();
        divergence - 0.5 * (after / before).ln() + stirling_error(after) - stirling_error(before)
    };
    whole + cells.map(cell).sum::<f64>()
}
