//! Fisher's F distribution.

use super::Continuous;
use super::beta::shares;
use super::double_double::DoubleDouble;
use super::half_line::HalfLine;
use super::incomplete_beta::{beta_term, cut};
use super::normal::Normal;
use super::scaled::Scaled;
use super::tail::Tail;

/// Fisher's F distribution: the ratio of two independent chi-squared numbers, each over its degrees of freedom.
///
/// `P(F ≤ x) = I_u(d₁/2, d₂/2)` with `u = d₁x/(d₁x + d₂)`.
///
/// - **Gives** tails, their logarithms and quantiles to a relative 1e-14, measured for degrees of freedom from 1 to 1e6. At `x = 0` the density is infinite for `d₁ < 2`, one for `d₁ = 2`, else zero.
/// - **Source** DLMF 8.17.2 by the methods of `incomplete_beta`; Johnson, Kotz & Balakrishnan (1995), chapter 27.
///
/// ```
/// use estimand_stats::dist::{Continuous, FisherF};
///
/// let f = FisherF::new(2.0, 10.0).ok_or("degrees of freedom are positive")?;
/// assert!((f.sf(3.0) - 1.6_f64.powi(-5)).abs() < 1e-16);
/// # Ok::<(), &'static str>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FisherF {
    numerator: f64,
    denominator: f64,
}

impl FisherF {
    /// The distribution with these degrees of freedom; `None` unless both lie between 1e-10 and 1e15.
    pub fn new(numerator: f64, denominator: f64) -> Option<FisherF> {
        let fits = |df: f64| (1e-10..=1e15).contains(&df);
        (fits(numerator) && fits(denominator)).then_some(FisherF { numerator, denominator })
    }

    /// `u = d₁x/(d₁x + d₂)` and its complement.
    pub(super) fn shares(&self, x: f64) -> (DoubleDouble, DoubleDouble) {
        let (d1, d2) = (self.numerator, self.denominator);
        // In this order a product beyond the doubles is only met where the quotient is, too.
        if x >= 1.0 {
            let (y, x) = shares(DoubleDouble::quotient(d2, x).over(d1));
            (x, y)
        } else {
            shares(DoubleDouble::product(x, d1).over(d2))
        }
    }
}

impl HalfLine for FisherF {
    fn cut(&self, x: f64) -> Tail {
        let (u, v) = self.shares(x);
        cut(0.5 * self.numerator, 0.5 * self.denominator, u, v)
    }

    fn density_of_ln(&self, x: f64) -> Scaled {
        let (u, v) = self.shares(x);
        beta_term(0.5 * self.numerator, 0.5 * self.denominator, u, v)
    }

    fn at_zero(&self) -> f64 {
        if self.numerator < 2.0 {
            f64::INFINITY
        } else if self.numerator == 2.0 {
            1.0
        } else {
            0.0
        }
    }

    fn start(&self, p: f64, upper: bool) -> f64 {
        let z = Normal.isf(p).unwrap_or(0.0) * (2.0 / self.numerator + 2.0 / self.denominator).sqrt();
        if upper { z } else { -z }.clamp(-300.0, 300.0).exp()
    }
}
