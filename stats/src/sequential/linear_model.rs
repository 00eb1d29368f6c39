//! Anytime-valid tests of the coefficients of least squares.

use super::{EValue, is_positive, ln_threshold};
use crate::dist::root_on_log_scale::root_on_log_scale;

/// The sequential t-test of one coefficient of a linear model.
///
/// The likelihood ratio of the t statistic, averaged over a normal law of the coefficient with precision `g` units:
/// `E = √r·((1 + t²/ν)/(1 + r·t²/ν))^((ν+1)/2)` with `r = g/(g + n)`. In many units it is the two-sided
/// [`NormalMixture`](super::NormalMixture) with `v/ρ = n/g`.
///
/// - **Needs** the t statistic, its degrees of freedom `ν`, and the number of units `n`.
/// - **Gives** evidence and an interval that hold at all looks at once.
/// - **Assumes** normal errors of one variance; with robust standard errors it holds as the number of units grows.
/// - **Source** Lindon, Ham, Tingley & Bojinov (2022), "Anytime-valid linear models and regression adjusted causal
///   inference in randomized experiments", theorem 3.1 and corollary 3.3; the F statistic of one coefficient.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LinearModel {
    g: f64,
}

impl LinearModel {
    /// With a law of the coefficient worth `g` units; `None` unless it is positive.
    pub fn new(g: f64) -> Option<Self> {
        is_positive(g).then_some(Self { g })
    }

    /// Narrowest at `n` units with `df` degrees of freedom, for level `alpha`.
    ///
    /// At the least radius `t` one has `r·t² = 1`, so that `t²` solves
    /// `(ν+1)/2·ln((1 + t²/ν)/(1 + 1/ν)) − ln t = ln(1/α)`, and `g = n/(t² − 1)`.
    ///
    /// `None` unless all are positive and `alpha < 1`, or no radius is finite.
    pub fn tuned(n: f64, df: f64, alpha: f64) -> Option<Self> {
        let threshold = ln_threshold(alpha)?;
        if !(is_positive(n) && is_positive(df)) {
            return None;
        }
        // In the excess `t² − 1`, where the function starts flat at zero.
        let gap = |excess: f64| {
            let value = 0.5 * (df + 1.0) * (excess / (df + 1.0)).ln_1p() - 0.5 * excess.ln_1p() - threshold;
            let slope = 0.5 * df * excess * excess / ((1.0 + excess) * (df + 1.0 + excess));
            (value, slope)
        };
        Self::new(n / root_on_log_scale(2.0 * threshold + 1.0, true, gap))
    }

    /// Precision of the law of the coefficient, in units.
    pub fn g(&self) -> f64 {
        self.g
    }

    /// The evidence against a coefficient of zero; `None` unless `t` is finite and `df` and `n` are positive.
    pub fn e_value(&self, t: f64, df: f64, n: f64) -> Option<EValue> {
        let square = t * t / df;
        if !(square.is_finite() && is_positive(df) && is_positive(n)) {
            return None;
        }
        let r = self.g / (self.g + n);
        EValue::from_ln(0.5 * r.ln() + 0.5 * (df + 1.0) * (square.ln_1p() - (r * square).ln_1p()))
    }

    /// Half the width of the sequence at level `alpha`, in standard errors; `None` while it is infinite, or unless `df`
    /// and `n` are positive and `0 < alpha < 1`.
    pub fn radius(&self, df: f64, n: f64, alpha: f64) -> Option<f64> {
        let threshold = ln_threshold(alpha)?;
        if !(is_positive(df) && is_positive(n)) {
            return None;
        }
        let ln_r = (self.g / (self.g + n)).ln();
        // `q = (r·α²)^(1/(ν+1))`; the radius is `√(ν(1 − q)/(q − r))`.
        let ln_q = (ln_r - 2.0 * threshold) / (df + 1.0);
        let square = df * -ln_q.exp_m1() / (ln_q.exp() - ln_r.exp());
        (square > 0.0).then(|| square.sqrt()).filter(|radius| radius.is_finite())
    }
}
