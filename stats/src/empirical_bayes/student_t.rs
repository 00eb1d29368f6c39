//! Student's t about zero, by maximum likelihood.

use super::{ln_likelihood, maximum};
use crate::meta::Studies;
use crate::posterior::Prior;

/// Degrees of freedom that are searched: at 200 the t is a normal, as far as experiments can tell.
const DF: (f64, f64) = (0.6, 200.0);

/// The scale and the degrees of freedom that make the estimates most likely; `None` when the best scale is the smallest.
///
/// The likelihood of the scale is maximised for each number of degrees of freedom, and of these the best is taken.
pub(super) fn fit(studies: &Studies) -> Option<Prior> {
    let least = studies.iter().map(|study| study.std_error).fold(f64::INFINITY, f64::min);
    let most = studies.iter().map(|study| study.estimate.abs()).fold(0.0, f64::max);
    let ends = ((1e-2 * least).ln(), most.max(least).ln() + 1.0);
    let prior = |ln_scale: f64, ln_df: f64| Prior::StudentT { mean: 0.0, scale: ln_scale.exp(), df: ln_df.exp() };
    let best_scale = |ln_df: f64| maximum(ends.0, ends.1, |ln_scale| ln_likelihood(&prior(ln_scale, ln_df), studies));
    let ln_df = maximum(DF.0.ln(), DF.1.ln(), |ln_df| ln_likelihood(&prior(best_scale(ln_df), ln_df), studies));
    let ln_scale = best_scale(ln_df);
    (ln_scale > ends.0 + 1e-3).then(|| prior(ln_scale, ln_df))
}
