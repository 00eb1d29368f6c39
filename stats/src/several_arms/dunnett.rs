//! Every arm against one control.

use nalgebra::DMatrix;

use super::{OneVariance, Pair};
use crate::dist::{MaximumModulus, MultivariateNormal};
use crate::empirical::Empirical;

/// Compares every other arm with the control, the arm less the control.
///
/// `t = (ȳₐ − ȳ₀) / (s·√(1/nₐ + 1/n₀))` against the largest of all such, whose correlations are `λₐλ_b` with
/// `λₐ² = nₐ/(nₐ + n₀)`, `s²` within all arms.
///
/// - **Needs** the place of the control among the arms.
/// - **Gives** the comparisons in the order of the arms; `None` with fewer than two arms or more than 201, an empty arm, as
///   many arms as units, when no arm varies, for a control that is not there, or for a level outside (0, 1).
/// - **Assumes** independent normal outcomes of one variance.
/// - **Source** Dunnett (1955), "A multiple comparison procedure for comparing several treatments with a control";
///   Dunnett & Sobel (1955) for the integral.
pub fn dunnett(arms: &[Empirical<'_>], control: usize, level: f64) -> Option<Vec<Pair>> {
    let model = OneVariance::of(arms)?;
    let n_0 = arms.get(control)?.n() as f64;
    let others: Vec<usize> = (0..arms.len()).filter(|arm| *arm != control).collect();
    let loading = |at: usize| {
        let n = arms[others[at]].n() as f64;
        (n / (n + n_0)).sqrt()
    };
    let correlation = |i, j| if i == j { 1.0 } else { loading(i) * loading(j) };
    let joint = MultivariateNormal::new(DMatrix::from_fn(others.len(), others.len(), correlation))?;
    let largest = MaximumModulus::new(joint, Some(model.df))?;
    let critical = largest.isf(1.0 - level)?;
    others.into_iter().map(|arm| model.pair((arm, control), critical, |t| largest.upper(t.abs()))).collect()
}
