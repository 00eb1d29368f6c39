//! A p-value that is never zero.

use super::Continuous;

/// The side of the null hypothesis to which a test looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Alternative {
    /// The effect differs from its null value, either way.
    #[default]
    TwoSided,
    /// The effect is above its null value: large statistics are extreme.
    Greater,
    /// The effect is below its null value: small statistics are extreme.
    Less,
}

/// A p-value and its decimal logarithm.
///
/// `p` is at least the smallest positive double (4.9e-324): a smaller probability is rounded *up* to it, so that `p`
/// is then a bound, never a claim of impossibility, and `log10_p` carries the value. `log10_p` is always finite and at
/// most zero; below -1.8e308 it too stops, at `f64::MIN`.
///
/// ```
/// use estimand_stats::dist::{Normal, TailProbability};
///
/// let tail = TailProbability::two_sided(&Normal, -1.959963984540054).ok_or("finite")?;
/// assert!((tail.p - 0.05).abs() < 1e-16);
/// assert_eq!(TailProbability::two_sided(&Normal, f64::INFINITY), None);
/// # Ok::<(), &'static str>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TailProbability {
    /// The probability, in `(0, 1]`.
    pub p: f64,
    /// Its decimal logarithm, finite and not positive.
    pub log10_p: f64,
}

impl TailProbability {
    /// The p-value one: the data do not speak against the hypothesis at all.
    pub const CERTAIN: TailProbability = TailProbability { p: 1.0, log10_p: 0.0 };

    /// The p-value of a statistic whose distribution under the hypothesis is symmetric about zero.
    ///
    /// - **Gives** `None` when the statistic is infinite or not a number.
    pub fn of(null: &impl Continuous, statistic: f64, alternative: Alternative) -> Option<TailProbability> {
        match alternative {
            Alternative::TwoSided => TailProbability::two_sided(null, statistic),
            Alternative::Greater => TailProbability::upper(null, statistic),
            Alternative::Less => TailProbability::lower(null, statistic),
        }
    }

    /// The two-sided p-value `2·P(X > |statistic|)` of a distribution symmetric about zero.
    ///
    /// - **Gives** `None` when the statistic is infinite or not a number: zero variance is a finding to be named, not
    ///   a small p-value.
    pub fn two_sided(null: &impl Continuous, statistic: f64) -> Option<TailProbability> {
        let distance = statistic.abs();
        TailProbability::from_parts(statistic, 2.0 * null.sf(distance), std::f64::consts::LN_2 + null.ln_sf(distance))
    }

    /// The one-sided p-value `P(X > statistic)`: small when the statistic is large, as chi-squared tests and "greater"
    /// alternatives want it.
    ///
    /// - **Gives** `None` when the statistic is infinite or not a number.
    pub fn upper(null: &impl Continuous, statistic: f64) -> Option<TailProbability> {
        TailProbability::from_parts(statistic, null.sf(statistic), null.ln_sf(statistic))
    }

    /// The one-sided p-value `P(X ≤ statistic)`, for a "less" alternative.
    ///
    /// - **Gives** `None` when the statistic is infinite or not a number.
    pub fn lower(null: &impl Continuous, statistic: f64) -> Option<TailProbability> {
        TailProbability::from_parts(statistic, null.cdf(statistic), null.ln_cdf(statistic))
    }

    /// The p-value with this natural logarithm, for probabilities that were summed on that scale; above zero it is
    /// taken as rounding of zero.
    ///
    /// - **Gives** `None` when `ln_p` is not a number.
    pub fn from_ln(ln_p: f64) -> Option<TailProbability> {
        TailProbability::from_parts(0.0, ln_p.exp(), ln_p)
    }

    /// Twice this p-value, at most one: the two-sided value from the smaller of two one-sided ones.
    pub fn doubled(self) -> TailProbability {
        TailProbability { p: (2.0 * self.p).min(1.0), log10_p: (self.log10_p + std::f64::consts::LOG10_2).min(0.0) }
    }

    fn from_parts(statistic: f64, p: f64, ln_p: f64) -> Option<TailProbability> {
        if !statistic.is_finite() || ln_p.is_nan() {
            return None;
        }
        Some(TailProbability {
            p: p.clamp(f64::from_bits(1), 1.0),
            log10_p: (ln_p / std::f64::consts::LN_10).clamp(f64::MIN, 0.0),
        })
    }
}
