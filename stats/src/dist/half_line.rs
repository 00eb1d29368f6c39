//! What laws of positive numbers have in common: both tails, their logarithms and quantiles from one cut.

use super::double_double::DoubleDouble;
use super::root_on_log_scale::root_on_log_scale;
use super::scaled::Scaled;
use super::tail::Tail;
use super::{Continuous, is_probability};

/// A distribution of positive numbers.
pub(crate) trait HalfLine {
    /// The tail that is computed directly at a finite `x > 0`.
    fn cut(&self, x: f64) -> Tail;

    /// The density of `ln X` at `ln x`, for finite `x > 0`: `x` times that of `X`, and without its pole.
    fn density_of_ln(&self, x: f64) -> Scaled;

    /// The density at zero.
    fn at_zero(&self) -> f64;

    /// A first guess at the `x` whose tail, upper or lower, is `p`, for `0 < p ≤ ½`.
    fn start(&self, p: f64, upper: bool) -> f64;
}

/// The `x` whose tail, upper or lower, is `p`, for `0 < p ≤ ½`.
fn tail_quantile(law: &impl HalfLine, p: f64, upper: bool) -> f64 {
    let ln_p = DoubleDouble::from(p).ln();
    root_on_log_scale(law.start(p, upper), !upper, |x| {
        let tail = law.cut(x);
        let ln_tail = if upper { tail.ln_upper() } else { tail.ln_lower() };
        let slope = (law.density_of_ln(x).ln() - ln_tail).value().exp();
        ((ln_tail - ln_p).value(), if upper { -slope } else { slope })
    })
}

impl<T: HalfLine> Continuous for T {
    fn pdf(&self, x: f64) -> f64 {
        if x.is_nan() {
            return x;
        }
        if x == 0.0 {
            return self.at_zero();
        }
        if x < 0.0 || x.is_infinite() {
            return 0.0;
        }
        // 1/x joins the exponent: beside a pole or far below one, either factor alone would leave the doubles.
        let mut density = self.density_of_ln(x);
        density.exponent = density.exponent - DoubleDouble::from(x).ln();
        density.value()
    }

    fn cdf(&self, x: f64) -> f64 {
        if x.is_nan() {
            x
        } else if x <= 0.0 {
            0.0
        } else if x.is_infinite() {
            1.0
        } else {
            self.cut(x).lower()
        }
    }

    fn sf(&self, x: f64) -> f64 {
        if x.is_nan() {
            x
        } else if x <= 0.0 {
            1.0
        } else if x.is_infinite() {
            0.0
        } else {
            self.cut(x).upper()
        }
    }

    fn ln_cdf(&self, x: f64) -> f64 {
        if x > 0.0 && x.is_finite() { self.cut(x).ln_lower().value() } else { self.cdf(x).ln() }
    }

    fn ln_sf(&self, x: f64) -> f64 {
        if x > 0.0 && x.is_finite() { self.cut(x).ln_upper().value() } else { self.sf(x).ln() }
    }

    fn quantile(&self, p: f64) -> Option<f64> {
        if !is_probability(p) {
            None
        } else if p == 0.0 {
            Some(0.0)
        } else if p <= 0.5 {
            Some(tail_quantile(self, p, false))
        } else if p == 1.0 {
            Some(f64::INFINITY)
        } else {
            // Exact: p lies within a factor of two of one.
            Some(tail_quantile(self, 1.0 - p, true))
        }
    }

    fn isf(&self, p: f64) -> Option<f64> {
        if !is_probability(p) {
            None
        } else if p == 0.0 {
            Some(f64::INFINITY)
        } else if p <= 0.5 {
            Some(tail_quantile(self, p, true))
        } else {
            self.quantile(1.0 - p)
        }
    }
}
