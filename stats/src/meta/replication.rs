//! Whether a second experiment agrees with the first.

use super::combined_p_value::{Combined, fisher};
use super::pooled::Pooled;
use super::studies::{Studies, Study};
use crate::contrast::Interval;
use crate::dist::{Alternative, Continuous, Normal, TailProbability};
use crate::error::Error;

/// What a replication says of an original result.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Replication {
    /// How far the replication lies above the original.
    pub difference: f64,
    /// The standard error of that.
    pub std_error: f64,
    /// The test that both have one effect: with two studies, Cochran's Q.
    pub consistency: TailProbability,
    /// Where the replication was to be expected, the original being right.
    pub prediction: Interval,
    /// Whether it fell there.
    pub consistent: bool,
    /// Whether it alone shows an effect in the direction of the original, one-sided at `(1 − level)/2`.
    pub replicated: bool,
    /// The effect by both together.
    pub pooled: Pooled,
    /// Fisher's combination of the two one-sided p-values in the direction of the original.
    pub combined: Combined,
}

impl Replication {
    /// Compares an original study with its replication.
    ///
    /// `r − o` against `√(σₒ² + σᵣ²)`, and the interval `o ± z·√(σₒ² + σᵣ²)` in which a replication falls with
    /// probability `level` when both have one effect.
    ///
    /// - **Needs** independent studies in one unit.
    /// - **Errors** with [`Error::OutOfRange`] as [`Studies::new`], and for a level outside (0, 1).
    /// - **Source** Patil, Peng & Leek (2016) for the prediction interval.
    pub fn of(original: Study, replication: Study, level: f64) -> Result<Self, Error> {
        let pooled = Studies::new(vec![original, replication])?.fixed_effect(level)?;
        let difference = replication.estimate - original.estimate;
        let std_error = original.std_error.hypot(replication.std_error);
        let outside = (1.0 - level) / 2.0;
        let critical = Normal.isf(outside).unwrap_or(f64::INFINITY);
        let prediction = Interval::around(original.estimate, critical * std_error, Alternative::TwoSided);
        let side = if original.estimate < 0.0 { -1.0 } else { 1.0 };
        let one_sided = |study: Study| Normal.sf(side * study.z()).max(f64::from_bits(1));
        Ok(Self {
            difference,
            std_error,
            consistency: TailProbability::two_sided(&Normal, difference / std_error)
                .unwrap_or(TailProbability::CERTAIN),
            prediction,
            consistent: !prediction.excludes(replication.estimate),
            replicated: one_sided(replication) <= outside,
            pooled,
            combined: fisher(&[one_sided(original), one_sided(replication)])?,
        })
    }
}
