//! The power of t-tests, exactly.
//!
//! Given the share `β` of the estimated variance that the first arm contributes, the sum of both estimates is an
//! independent chi-squared, so the statistic is a noncentral t of `ν₁ + ν₀` degrees of freedom times a function of `β`; and
//! `β` is beta-distributed. The power of Welch's test, and of Student's under unequal variances, is therefore one integral
//! of noncentral t tails. Nothing but normal outcomes is assumed: no Satterthwaite approximation stands between.

use crate::dist::{Alternative, Continuous, NoncentralT, Normal, StudentT};
use crate::planning::outcome::MeanTest;

/// From so many degrees of freedom in each arm on, the estimated variance is taken as a chi-squared of Satterthwaite's
/// degrees of freedom: the power then differs by less than 1e-8.
const MANY: f64 = 20_000.0;

/// One arm's part of the variance of the contrast.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Part {
    /// True variance that the arm adds to the contrast.
    pub variance: f64,
    /// Degrees of freedom of its estimate.
    pub df: f64,
    /// The variance it would add were the outcome's variance one: what a pooled estimate is multiplied by.
    pub per_variance: f64,
}

/// Chances to reject, on each side.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Rejection {
    /// Above: the statistic exceeds its critical value.
    pub above: f64,
    /// Below.
    pub below: f64,
}

impl Rejection {
    fn on(self, alternative: Alternative) -> Self {
        match alternative {
            Alternative::TwoSided => self,
            Alternative::Greater => Self { below: 0.0, ..self },
            Alternative::Less => Self { above: 0.0, ..self },
        }
    }

    /// Changed over: of the statistic's negative.
    pub(super) fn mirrored(self) -> Self {
        Self { above: self.below, below: self.above }
    }
}

/// The chances that the test of a contrast rejects at `tail` on each side that the alternative has.
///
/// - **Needs** the true contrast and its parts, one or two, each with a positive variance and degrees of freedom.
/// - **Source** Moser, Stevens & Watts (1989), "The two-sample t test versus Satterthwaite's approximate F test",
///   Communications in Statistics 18, for the conditioning.
pub(super) fn rejection(
    test: MeanTest,
    contrast: f64,
    parts: &[Part],
    tail: f64,
    alternative: Alternative,
) -> Option<Rejection> {
    let variance: f64 = parts.iter().map(|part| part.variance).sum();
    let shift = contrast / variance.sqrt();
    let chances = match (test, parts) {
        (MeanTest::Normal, _) => {
            let critical = Normal.isf(tail)?;
            Rejection { above: Normal.sf(critical - shift), below: Normal.cdf(-critical - shift) }
        }
        (_, [only]) => noncentral(only.df, shift, StudentT::new(only.df)?.isf(tail)?)?,
        (MeanTest::Pooled, [a, b]) => pooled(*a, *b, shift, tail)?,
        (MeanTest::Welch, [a, b]) => welch(*a, *b, shift, tail)?,
        _ => return None,
    };
    Some(chances.on(alternative))
}

/// The expected half-width of the interval that leaves `tail` on each side, to first order in the estimated spread.
pub(super) fn half_width(test: MeanTest, parts: &[Part], tail: f64) -> Option<f64> {
    let variance: f64 = parts.iter().map(|part| part.variance).sum();
    let critical = match (test, parts) {
        (MeanTest::Normal, _) => Normal.isf(tail)?,
        (MeanTest::Pooled, parts) => StudentT::new(parts.iter().map(|part| part.df).sum())?.isf(tail)?,
        (_, parts) => {
            let inverse: f64 = parts.iter().map(|part| (part.variance / variance).powi(2) / part.df).sum();
            StudentT::new(1.0 / inverse)?.isf(tail)?
        }
    };
    Some(critical * variance.sqrt())
}

fn noncentral(df: f64, shift: f64, critical: f64) -> Option<Rejection> {
    // Beyond what the law admits the answer is certain to every digit.
    let law = NoncentralT::new(df, shift.clamp(-9_999.0, 9_999.0))?;
    Some(Rejection { above: law.sf(critical), below: law.cdf(-critical) })
}

fn pooled(a: Part, b: Part, shift: f64, tail: f64) -> Option<Rejection> {
    let df = a.df + b.df;
    let critical = StudentT::new(df)?.isf(tail)?;
    let (variance_a, variance_b) = (a.variance / a.per_variance, b.variance / b.per_variance);
    let (total, units) = (a.variance + b.variance, a.per_variance + b.per_variance);
    if (variance_a / variance_b - 1.0).abs() < 1e-12 {
        return noncentral(df, shift, critical);
    }
    // s² = C(σ_a²β + σ_b²(1 − β))/ν.
    let effective =
        (variance_a * a.df + variance_b * b.df).powi(2) / (variance_a.powi(2) * a.df + variance_b.powi(2) * b.df);
    over_beta(a.df, b.df, effective, shift, |share| {
        let estimated = (variance_a * share + variance_b * (1.0 - share)) * units;
        Some(critical * (estimated / total).sqrt())
    })
}

fn welch(a: Part, b: Part, shift: f64, tail: f64) -> Option<Rejection> {
    let df = a.df + b.df;
    let total = a.variance + b.variance;
    let effective = 1.0 / ((a.variance / total).powi(2) / a.df + (b.variance / total).powi(2) / b.df);
    over_beta(a.df, b.df, effective, shift, |share| {
        // v_aβ/ν_a + v_b(1 − β)/ν_b, times ν: the estimated variance, were the chi-squared at its mean.
        let (of_a, of_b) = (a.variance * share * (df / a.df), b.variance * (1.0 - share) * (df / b.df));
        let estimated = of_a + of_b;
        let satterthwaite = 1.0 / ((of_a / estimated).powi(2) / a.df + (of_b / estimated).powi(2) / b.df);
        Some(StudentT::new(satterthwaite)?.isf(tail)? * (estimated / total).sqrt())
    })
}

/// The mean over the beta-distributed share of the chances beyond a critical value that depends on it, in units of the true
/// standard error. Of many degrees of freedom those of the whole estimated variance, `effective`, say all of its spread.
fn over_beta(
    df_a: f64,
    df_b: f64,
    effective: f64,
    shift: f64,
    critical: impl Fn(f64) -> Option<f64>,
) -> Option<Rejection> {
    let df = df_a + df_b;
    let mean = df_a / df;
    if df_a >= MANY && df_b >= MANY {
        return noncentral(effective, shift, critical(mean)?);
    }
    let (a, b) = (0.5 * df_a, 0.5 * df_b);
    let centre = (a / b).ln();
    let width = (1.0 / a + 1.0 / b).sqrt();
    // The trapezoidal rule in the log-odds, whose density is log-concave and analytic.
    let step = (0.6 * width).min(0.4);
    let ln_weight = |log_odds: f64| {
        let (ln_share, ln_rest) = (-(-log_odds).exp().ln_1p(), -log_odds.exp().ln_1p());
        a * (ln_share - mean.ln()) + b * (ln_rest - (1.0 - mean).ln())
    };
    let (mut weights, mut sum) = (0.0, Rejection::default());
    for direction in [1.0, -1.0] {
        let first = if direction > 0.0 { 0 } else { 1 };
        for k in first..2_000 {
            let log_odds = centre + direction * f64::from(k) * step;
            let weight = ln_weight(log_odds).exp();
            if weight < 1e-17 {
                break;
            }
            let share = 1.0 / (1.0 + (-log_odds).exp());
            let chances = noncentral(df, shift, critical(share)?)?;
            weights += weight;
            sum.above += weight * chances.above;
            sum.below += weight * chances.below;
        }
    }
    Some(Rejection { above: sum.above / weights, below: sum.below / weights })
}
