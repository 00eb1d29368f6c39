//! Relative lift: the effect as a share of the baseline mean, by three methods.

use super::interval::Interval;
use super::reference::{Reference, Test};
use crate::dist::Alternative;
use crate::potential_outcomes::{LinearContrast, PotentialOutcomes};

/// How the interval of a lift is made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Method {
    /// All lifts that the test of `μ₁ − (1+λ)μ₀ = 0` does not reject, with the critical value of the test of no effect.
    /// Excludes 0 exactly when that test rejects.
    #[default]
    Fieller,
    /// First-order expansion of the ratio, symmetric about the estimate; the p-value is of the lift's own statistic.
    Delta,
    /// First-order expansion of the log-ratio, mapped back; needs positive means.
    Log,
}

impl Method {
    /// All of them, by name.
    pub const ALL: [Self; 3] = [Self::Delta, Self::Fieller, Self::Log];

    /// The word of the `lift` option.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fieller => "fieller",
            Self::Delta => "delta",
            Self::Log => "log",
        }
    }
}

/// Why a lift has no interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Fieller's set is unbounded: the baseline mean could be zero.
    Unbounded,
    /// The logarithm needs both means positive.
    NotPositive,
    /// A critical value or an end leaves the range of doubles.
    OutOfRange,
}

/// Means and their joint variance in units of the baseline mean, so that nothing here depends on the scale of the
/// metric.
#[derive(Debug, Clone, Copy)]
pub struct Relative {
    /// The lift `μ₁/μ₀ − 1`.
    pub lift: f64,
    /// `Var(μ̂₁ − μ̂₀)/μ₀²`.
    var_difference: f64,
    /// `Cov(μ̂₁ − μ̂₀, μ̂₀)/μ₀²`.
    covariance: f64,
    /// `Var(μ̂₀)/μ₀²`.
    var_baseline: f64,
    /// Degrees of freedom of the difference.
    df: Option<f64>,
    /// Degrees of freedom of the log-ratio, when both means have one sign.
    df_log: Option<f64>,
}

impl Relative {
    /// Of two arms, the baseline first; `None` without a variance or with a baseline mean of 0.
    pub fn of(outcomes: &PotentialOutcomes, difference: &LinearContrast) -> Option<Self> {
        let [baseline, arm] = outcomes.arms.as_slice() else { return None };
        let (mean_0, mean_1) = (baseline.mean?, arm.mean?);
        let (var_0, cov) = (outcomes.covariance(0, 0)?, outcomes.covariance(0, 1)?);
        let relative = Self {
            lift: difference.estimate / mean_0,
            var_difference: difference.variance / mean_0 / mean_0,
            covariance: (cov - var_0) / mean_0 / mean_0,
            var_baseline: var_0 / mean_0 / mean_0,
            df: difference.df,
            df_log: outcomes.contrast(&[-1.0, mean_0 / mean_1]).and_then(|ratio| ratio.df),
        };
        let finite = [relative.lift, relative.var_difference, relative.covariance, relative.var_baseline];
        finite.iter().all(|value| value.is_finite()).then_some(relative)
    }

    /// The lift of an adjusted difference over the *unadjusted* baseline mean, as one tool reports it; for the delta
    /// method only.
    pub fn over_unadjusted(outcomes: &PotentialOutcomes, difference: &LinearContrast) -> Option<Self> {
        let [baseline, arm] = outcomes.arms.as_slice() else { return None };
        let (plain_0, plain_1) = (baseline.unadjusted.or(baseline.mean)?, arm.unadjusted.or(arm.mean)?);
        let (var_0, cov, var_1) = (outcomes.covariance(0, 0)?, outcomes.covariance(0, 1)?, outcomes.covariance(1, 1)?);
        // The expansion below is about 1 + lift; what it must give is var₁/ȳ₀² − 2cov·ȳ₁/ȳ₀³ + var₀ȳ₁²/ȳ₀⁴.
        let (lift, ratio) = (difference.estimate / plain_0, plain_1 / plain_0);
        let variance = (var_1 - 2.0 * ratio * cov + ratio * ratio * var_0) / plain_0 / plain_0;
        (lift.is_finite() && variance.is_finite()).then_some(Self {
            lift,
            var_difference: variance,
            covariance: 0.0,
            var_baseline: 0.0,
            df: difference.df,
            df_log: None,
        })
    }

    /// The same with the degrees of freedom of another contrast: a test at a margin has its own.
    #[must_use]
    pub fn with_df(self, df: Option<f64>) -> Self {
        Self { df, ..self }
    }

    /// Variance of the lift by the delta method: `Var(μ̂₁ − (1+λ)μ̂₀)/μ₀²` at the estimated lift.
    pub fn variance(&self) -> f64 {
        let lift = self.lift;
        let terms = [self.var_difference, -2.0 * lift * self.covariance, lift * lift * self.var_baseline];
        let (sum, size) = (terms.iter().sum::<f64>(), terms.iter().map(|term| term.abs()).sum::<f64>());
        if sum <= 64.0 * f64::EPSILON * size { 0.0 } else { sum }
    }

    /// The interval of what a test does not reject.
    ///
    /// - **Source** Fieller (1954); for the delta method and the log-ratio Casella & Berger (2002), section 5.5.4.
    pub fn interval(&self, method: Method, reference: &Reference, test: Test) -> Result<Interval, Reason> {
        let df = if method == Method::Log { self.df_log } else { self.df };
        let critical = reference.critical(test, df).ok_or(Reason::OutOfRange)?;
        let interval = match method {
            Method::Fieller => {
                let (low, high) = self.fieller(critical).ok_or(Reason::Unbounded)?;
                Interval { low: Some(low), high: Some(high) }
            }
            Method::Delta => Interval::around(self.lift, critical * self.variance().sqrt(), Alternative::TwoSided),
            Method::Log => {
                let ratio = 1.0 + self.lift;
                if ratio <= 0.0 {
                    return Err(Reason::NotPositive);
                }
                // exp(log ratio ± q·se) − 1, with the error of the log-ratio taken from that of the ratio.
                let half = critical * self.variance().sqrt() / ratio;
                let end = |half: f64| (self.lift.ln_1p() + half).exp_m1();
                Interval { low: Some(end(-half)), high: Some(end(half)) }
            }
        };
        let finite = [interval.low, interval.high].iter().flatten().all(|end| end.is_finite());
        if finite { Ok(interval.facing(test.alternative)) } else { Err(Reason::OutOfRange) }
    }

    /// The ends of `{λ: (d − λ)² ≤ t²·Var(μ̂₁ − (1+λ)μ̂₀)/μ₀²}`, `None` when the set is unbounded.
    ///
    /// Solved for the lift and not for the ratio, so that an end near zero keeps its digits and its sign.
    pub(crate) fn fieller(&self, critical: f64) -> Option<(f64, f64)> {
        let t2 = critical * critical;
        let a = 1.0 - t2 * self.var_baseline;
        if a <= 0.0 {
            return None;
        }
        let b = self.lift - t2 * self.covariance;
        let c = self.lift * self.lift - t2 * self.var_difference;
        // b² − a·c with the cancelling squares of the lift taken out.
        let lift = self.lift;
        let determinant = self.var_difference * self.var_baseline - self.covariance * self.covariance;
        let spread = self.var_difference - 2.0 * lift * self.covariance + lift * lift * self.var_baseline;
        let root = (t2 * (spread - t2 * determinant)).max(0.0).sqrt();
        // The end far from zero first; the other from the product of both, c/a, whose sign says whether 0 is inside.
        let q = if b >= 0.0 { b + root } else { b - root };
        if q == 0.0 {
            return Some((0.0, 0.0));
        }
        let (far, near) = (q / a, c / q);
        Some(if far < near { (far, near) } else { (near, far) })
    }
}
