//! The studentised range distribution.

use super::Continuous;
use super::chi_scale::mean_over_chi;
use super::half_line::HalfLine;
use super::normal::Normal;
use super::scaled::Scaled;
use super::tail::Tail;
use super::unimodal_sum::unimodal_sum;

/// The studentised range: the range of `k` independent standard normals over an independent estimate of their standard
/// deviation with `ν` degrees of freedom. Tukey's comparison of all pairs of arms refers to it.
///
/// `P(Q ≤ q) = E[W(qS)]` with `W(r) = k∫φ(z)(Φ(z) − Φ(z − r))^{k−1}dz`.
///
/// - **Gives** the tail on the far side of the median directly, to a relative 1e-11 down to 1e-200, quantiles to 1e-10,
///   measured for `k` from 2 to 60 and `ν` from 3 to 300.
/// - **Source** Copenhaver & Holland (1988), eq. (1) and (2); the upper tail as an integral of positive terms.
///
/// ```
/// use estimand_stats::dist::{Continuous, StudentizedRange};
///
/// let range = StudentizedRange::new(3, 10.0).ok_or("three arms")?;
/// assert!((range.isf(0.05).ok_or("a tail")? - 3.876_776_8).abs() < 1e-6);
/// # Ok::<(), &'static str>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StudentizedRange {
    groups: u32,
    df: f64,
}

/// Step in `z`: the integrand is a bell no narrower than that of the largest of a million normals.
const STEP: f64 = 0.125;

impl StudentizedRange {
    /// The distribution for this number of groups and degrees of freedom, infinity included; `None` unless there are 2 to
    /// 1,000,000 groups and at least one degree of freedom.
    pub fn new(groups: u32, df: f64) -> Option<StudentizedRange> {
        ((2..=1_000_000).contains(&groups) && df >= 1.0).then_some(StudentizedRange { groups, df })
    }

    /// `∫φ(z)·exp(ln_g(z))dz`.
    fn over_normal(start: f64, ln_g: impl Fn(f64) -> f64) -> Scaled {
        let ln_phi = |z: f64| -0.5 * z * z - 0.5 * std::f64::consts::TAU.ln();
        let term = |k: i64| {
            let z = k as f64 * STEP;
            ln_phi(z) + ln_g(z)
        };
        unimodal_sum((start / STEP) as i64, i64::MIN, term).times(STEP)
    }

    /// `ln W(r)`: the range of known spread is at most `r`.
    fn ln_below(&self, r: f64) -> f64 {
        let power = f64::from(self.groups - 1);
        let within = |z: f64| power * ln_between(z - r, z);
        Self::over_normal(0.5 * r, within).times(f64::from(self.groups)).ln().value()
    }

    /// `ln(1 − W(r))`: `k∫φ(z)(Φ(z)^{k−1} − (Φ(z) − Φ(z − r))^{k−1})dz`.
    fn ln_above(&self, r: f64) -> f64 {
        let power = f64::from(self.groups - 1);
        let beyond = |z: f64| {
            let ln_cdf = Normal.ln_cdf(z);
            let share = (Normal.ln_cdf(z - r) - ln_cdf).exp();
            power * ln_cdf + (-(power * (-share).ln_1p()).exp_m1()).ln()
        };
        Self::over_normal(0.5 * r, beyond).times(f64::from(self.groups)).ln().value()
    }

    /// `ln(r·W′(r))`, with `W′(r) = k(k−1)∫φ(z)φ(z − r)(Φ(z) − Φ(z − r))^{k−2}dz`.
    fn ln_slope(&self, r: f64) -> f64 {
        let k = f64::from(self.groups);
        let ln_phi = |z: f64| -0.5 * z * z - 0.5 * std::f64::consts::TAU.ln();
        let between = |z: f64| if self.groups == 2 { 0.0 } else { (k - 2.0) * ln_between(z - r, z) };
        let density = Self::over_normal(0.5 * r, |z| ln_phi(z - r) + between(z));
        density.times(k * (k - 1.0)).ln().value() + r.ln()
    }

    /// The mean of a function of the known-spread range over the estimated spread.
    fn studentized(&self, q: f64, ln_g: impl Fn(f64) -> f64) -> Scaled {
        if self.df > 1e300 {
            return Scaled { factor: 1.0, exponent: ln_g(q).into() };
        }
        mean_over_chi(self.df, |w| ln_g(q * w.exp()), |w| q * w.exp())
    }

    /// About the median, well enough to tell the far side from the near one.
    fn middle(&self) -> f64 {
        let expected_largest = Normal.isf(0.5 / f64::from(self.groups)).unwrap_or(1.0);
        2.0 * expected_largest.max(0.5)
    }
}

/// `ln(Φ(z) − Φ(z − r))`, the ends being `low < high`.
fn ln_between(low: f64, high: f64) -> f64 {
    // Seen from the side on which both tails are small.
    let (near, far) = if low + high > 0.0 { (low, high) } else { (-high, -low) };
    let (ln_near, ln_far) = (Normal.ln_sf(near), Normal.ln_sf(far));
    if high - low < 1e-5 {
        // The middle rule, exact to a double on so short a stretch.
        let middle = low + 0.5 * (high - low);
        return -0.5 * middle * middle - 0.5 * std::f64::consts::TAU.ln() + (high - low).ln();
    }
    ln_near + (-(ln_far - ln_near).exp_m1()).ln()
}

impl HalfLine for StudentizedRange {
    fn cut(&self, q: f64) -> Tail {
        if q < self.middle() {
            Tail::Lower(self.studentized(q, |r| self.ln_below(r)))
        } else {
            Tail::Upper(self.studentized(q, |r| self.ln_above(r)))
        }
    }

    fn density_of_ln(&self, q: f64) -> Scaled {
        self.studentized(q, |r| self.ln_slope(r))
    }

    fn at_zero(&self) -> f64 {
        // Of two normals the range is a folded normal of variance 2; E[S] carries its density to the studentised one.
        if self.groups == 2 { self.density_of_ln(1e-8).times(1e8).value() } else { 0.0 }
    }

    fn start(&self, p: f64, upper: bool) -> f64 {
        let middle = self.middle();
        if upper { middle + Normal.isf(p).unwrap_or(1.0) } else { middle * p.powf(1.0 / f64::from(self.groups)) }
    }
}
