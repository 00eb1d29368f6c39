//! The noncentral t distribution.

use super::chi_scale::mean_over_chi;
use super::normal::Normal;
use super::root_on_line::root_on_line;
use super::scaled::Scaled;
use super::{Continuous, is_probability};

/// The noncentral t distribution: of `(Z + δ)/√(χ²_ν/ν)`, the t statistic when the effect is `δ` standard errors.
///
/// `P(T ≤ t) = E[Φ(tS − δ)]`, `S = √(χ²_ν/ν)`; with `ν = ∞` the normal about `δ`.
///
/// - **Gives** each tail directly, with its logarithm, to a relative 1e-12 down to 1e-300, and quantiles to 1e-11,
///   measured for `ν` from 0.5 to 1e5 and `δ` from −37 to 37.
/// - **Source** Johnson & Welch (1940), as the mean over the estimated standard error; the integral by the trapezoidal
///   rule in `ln S`.
///
/// ```
/// use estimand_stats::dist::{Continuous, NoncentralT, StudentT};
///
/// // Power of a t-test with 20 units in each arm for an effect of one standard deviation.
/// let critical = StudentT::new(38.0).and_then(|t| t.isf(0.025)).ok_or("a tail")?;
/// let under_effect = NoncentralT::new(38.0, 10_f64.sqrt()).ok_or("positive degrees of freedom")?;
/// assert!((under_effect.sf(critical) - 0.868_952_8).abs() < 1e-7);
/// # Ok::<(), &'static str>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NoncentralT {
    df: f64,
    noncentrality: f64,
}

impl NoncentralT {
    /// The distribution with these degrees of freedom, infinity included, and this noncentrality; `None` unless the first
    /// are at least one half and the second lies within ±10,000.
    pub fn new(df: f64, noncentrality: f64) -> Option<NoncentralT> {
        (df >= 0.5 && noncentrality.abs() <= 1e4).then_some(NoncentralT { df, noncentrality })
    }

    /// The degrees of freedom `ν`.
    pub fn df(&self) -> f64 {
        self.df
    }

    /// The noncentrality `δ`.
    pub fn noncentrality(&self) -> f64 {
        self.noncentrality
    }

    /// `P(T > t)`, or `P(T ≤ t)`, for finite `t`.
    fn tail(&self, t: f64, upper: bool) -> Scaled {
        if t < 0.0 {
            return NoncentralT { noncentrality: -self.noncentrality, ..*self }.tail(-t, !upper);
        }
        let centred = |w: f64| self.centred(t, w);
        let ln_g = |w: f64| if upper { Normal.ln_sf(centred(w)) } else { Normal.ln_cdf(centred(w)) };
        if t == 0.0 || self.df > 1e300 {
            return Scaled { factor: 1.0, exponent: ln_g(0.0).into() };
        }
        mean_over_chi(self.df, ln_g, |w| self.sharpness(t, w))
    }

    /// `t·e^w − δ`, with the cancellation at `w = 0` taken out.
    fn centred(&self, t: f64, w: f64) -> f64 {
        if w.abs() < 1.0 { (t - self.noncentrality) + t * w.exp_m1() } else { t * w.exp() - self.noncentrality }
    }

    fn sharpness(&self, t: f64, w: f64) -> f64 {
        (t.abs() * w.exp()).max(self.noncentrality.abs())
    }

    /// The density at a finite `t`: `E[S·φ(tS − δ)]`.
    fn density(&self, t: f64) -> Scaled {
        if self.df > 1e300 {
            return Scaled::plain(Normal.pdf(t - self.noncentrality));
        }
        let ln_phi = |z: f64| -0.5 * z * z - 0.5 * std::f64::consts::TAU.ln();
        mean_over_chi(self.df, |w| w + ln_phi(self.centred(t, w)), |w| self.sharpness(t, w))
    }

    /// The `t` whose tail, upper or lower, is `p`, for `0 < p ≤ ½`.
    fn tail_quantile(&self, p: f64, upper: bool) -> f64 {
        let z = Normal.isf(p).unwrap_or(0.0);
        let spread = (1.0 + self.noncentrality.powi(2) / (2.0 * self.df)).sqrt();
        let start = self.noncentrality + spread * if upper { z } else { -z };
        root_on_line(start, spread, !upper, |t| {
            let ln_tail = self.tail(t, upper).ln().value();
            let slope = (self.density(t).ln().value() - ln_tail).exp();
            (ln_tail - p.ln(), if upper { -slope } else { slope })
        })
    }
}

impl Continuous for NoncentralT {
    fn pdf(&self, t: f64) -> f64 {
        if t.is_nan() {
            t
        } else if t.is_infinite() {
            0.0
        } else {
            self.density(t).value()
        }
    }

    fn cdf(&self, t: f64) -> f64 {
        if t.is_finite() { self.tail(t, false).value().min(1.0) } else { Normal.cdf(t) }
    }

    fn sf(&self, t: f64) -> f64 {
        if t.is_finite() { self.tail(t, true).value().min(1.0) } else { Normal.sf(t) }
    }

    fn ln_cdf(&self, t: f64) -> f64 {
        if t.is_finite() { ln_of_two(self.tail(t, false), || self.tail(t, true)) } else { Normal.ln_cdf(t) }
    }

    fn ln_sf(&self, t: f64) -> f64 {
        if t.is_finite() { ln_of_two(self.tail(t, true), || self.tail(t, false)) } else { Normal.ln_sf(t) }
    }

    fn quantile(&self, p: f64) -> Option<f64> {
        if !is_probability(p) {
            None
        } else if p == 0.0 || p == 1.0 {
            Normal.quantile(p)
        } else if p <= 0.5 {
            Some(self.tail_quantile(p, false))
        } else {
            // Exact: p lies within a factor of two of one.
            Some(self.tail_quantile(1.0 - p, true))
        }
    }

    fn isf(&self, p: f64) -> Option<f64> {
        if !is_probability(p) {
            None
        } else if p == 0.0 || p == 1.0 {
            Normal.isf(p)
        } else if p <= 0.5 {
            Some(self.tail_quantile(p, true))
        } else {
            Some(self.tail_quantile(1.0 - p, false))
        }
    }
}

/// The logarithm of a probability, from its complement where it is next to one.
pub(super) fn ln_of_two(tail: Scaled, other: impl FnOnce() -> Scaled) -> f64 {
    let ln = tail.ln().value();
    if ln < -0.7 { ln } else { (-other().value()).ln_1p() }
}
