//! The search for segments that differ.

use nalgebra::DMatrix;

use super::{SegmentEffect, Segments};
use crate::contrast::Interval;
use crate::dist::{Alternative, Continuous, MaximumModulus, MultivariateNormal, Normal, StudentT, TailProbability};
use crate::error::Error;
use crate::meta::check_level;

/// One segment against all others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AgainstRest {
    /// The effect in the segment less that in all other units.
    pub difference: f64,
    /// Its standard error.
    pub std_error: f64,
    /// Satterthwaite's degrees of freedom; `None` when the standard errors count as known.
    pub df: Option<f64>,
    /// The difference over its standard error.
    pub statistic: f64,
    /// The p-value of this segment alone, as if nobody had looked at another.
    pub raw: TailProbability,
    /// The p-value with the search paid for: the chance, did no segment differ, that any of them looks so extreme.
    pub tail: TailProbability,
    /// The interval; those of all segments cover at once. It excludes zero exactly when the test rejects.
    pub interval: Interval,
}

/// What the search costs: the law of the most extreme of all.
enum Largest {
    Exact(MaximumModulus),
    /// More segments than a joint law is computed for.
    Sidak(f64),
}

impl Segments {
    /// Compares every segment with all other units, simultaneously.
    ///
    /// `dᵢ = yᵢ − Σ_{j≠i} nⱼyⱼ/Σ_{j≠i} nⱼ`, against the largest of all such by the exact joint law of the comparisons, the
    /// analysis of means. Degrees of freedom enter through each comparison's own p-value, which is brought to the normal's
    /// scale. A single step and not Holm's several: so each segment has an interval that agrees with its test, and the joint
    /// law gives back most of what the steps would gain. Beyond 200 segments Šidák's inequality, which holds for any
    /// correlation, takes the place of the joint law.
    ///
    /// - **Gives** one comparison per segment, in the order of the segments.
    /// - **Errors** with [`Error::OutOfRange`] for a level outside (0, 1).
    /// - **Assumes** independent estimates that are near normal.
    /// - **Source** Nelson (1982), "Exact critical points for the analysis of means"; Šidák (1967).
    pub fn against_rest(&self, level: f64) -> Result<Vec<AgainstRest>, Error> {
        check_level(level)?;
        let contrasts: Vec<Contrast> = (0..self.effects.len()).map(|at| Contrast::of(&self.effects, at)).collect();
        let largest = Largest::of(&self.effects);
        let critical = largest.critical(1.0 - level);
        let compare = |contrast: Contrast| contrast.compare(&largest, critical);
        contrasts.into_iter().map(compare).collect::<Option<_>>().ok_or_else(|| Error::OutOfRange {
            field: "effects of segments".to_owned(),
            value: "beyond the range of numbers".to_owned(),
            expected: "give them in another unit".to_owned(),
        })
    }
}

/// The difference of a segment from the rest.
struct Contrast {
    difference: f64,
    variance: f64,
    df: Option<f64>,
}

impl Contrast {
    fn of(effects: &[SegmentEffect], at: usize) -> Contrast {
        let (mut difference, mut variance, mut inverse) = (0.0, 0.0, 0.0);
        for (weight, effect) in weights(effects, at).zip(effects) {
            // About the segment's own estimate, so that effects far from zero keep the digits of their difference.
            difference += weight * (effect.estimate - effects[at].estimate);
            let part = (weight * effect.std_error).powi(2);
            variance += part;
            inverse += effect.df.map_or(0.0, |df| part * part / df);
        }
        let df = (inverse > 0.0).then(|| variance * variance / inverse);
        Contrast { difference, variance, df }
    }

    fn compare(self, largest: &Largest, critical: f64) -> Option<AgainstRest> {
        let Contrast { difference, variance, df } = self;
        let std_error = variance.sqrt();
        let statistic = difference / std_error;
        let law = df.and_then(StudentT::new);
        let raw = match &law {
            Some(law) => TailProbability::two_sided(law, statistic)?,
            None => TailProbability::two_sided(&Normal, statistic)?,
        };
        let (z, own_critical) = match &law {
            Some(law) => (Normal.isf(0.5 * raw.p)?.max(0.0), law.isf(Normal.sf(critical))?),
            None => (statistic.abs(), critical),
        };
        let interval = Interval::around(difference, own_critical * std_error, Alternative::TwoSided);
        Some(AgainstRest { difference, std_error, df, statistic, raw, tail: largest.upper(z)?, interval })
    }
}

/// Weights of the effects in the difference of one segment from the rest: one, and minus the others' shares of units.
fn weights(effects: &[SegmentEffect], at: usize) -> impl Iterator<Item = f64> {
    let others: f64 = effects.iter().enumerate().filter(|(j, _)| *j != at).map(|(_, effect)| effect.n as f64).sum();
    effects.iter().enumerate().map(move |(j, effect)| if j == at { 1.0 } else { -(effect.n as f64) / others })
}

impl Largest {
    fn of(effects: &[SegmentEffect]) -> Largest {
        let k = effects.len();
        let rows: Vec<Vec<f64>> = (0..k)
            .map(|at| {
                let row: Vec<f64> =
                    weights(effects, at).zip(effects).map(|(weight, effect)| weight * effect.std_error).collect();
                let length = row.iter().map(|entry| entry * entry).sum::<f64>().sqrt();
                row.into_iter().map(|entry| entry / length).collect()
            })
            .collect();
        let correlation = |i: usize, j: usize| {
            let product: f64 = rows[i].iter().zip(&rows[j]).map(|(a, b)| a * b).sum();
            if i == j { 1.0 } else { product.clamp(-1.0, 1.0) }
        };
        let joint = || MultivariateNormal::new(DMatrix::from_fn(k, k, correlation));
        match (k <= MultivariateNormal::MOST).then(joint).flatten().and_then(|law| MaximumModulus::new(law, None)) {
            Some(law) => Largest::Exact(law),
            None => Largest::Sidak(k as f64),
        }
    }

    fn upper(&self, z: f64) -> Option<TailProbability> {
        match self {
            Largest::Exact(law) => law.upper(z),
            Largest::Sidak(k) => {
                // 1 − (1 − p)ᵏ, and where p is below the digits of one, k·p.
                let one = std::f64::consts::LN_2 + Normal.ln_sf(z);
                let all = (-(k * (-one.exp().min(1.0)).ln_1p()).exp_m1()).ln();
                TailProbability::from_ln(if one < -700.0 { one + k.ln() } else { all })
            }
        }
    }

    fn critical(&self, alpha: f64) -> f64 {
        let critical = match self {
            Largest::Exact(law) => law.isf(alpha),
            Largest::Sidak(k) => Normal.isf(-0.5 * ((-alpha).ln_1p() / k).exp_m1()),
        };
        critical.unwrap_or(f64::INFINITY)
    }
}
