//! Heterogeneity: whether an effect differs between segments, and where.
//!
//! A segment's effect is an estimate with a standard error; segments are apart from each other, so that their estimates are
//! independent. Only rows of the result table go in: whichever estimator made them.
//!
//! | file | answers |
//! |---|---|
//! | `against_rest` | which segments differ from all others, the number of segments paid for |
//! | `equality` | whether the effects differ at all, and by how much: Q, Welch's F, τ², I² |
//! | `interaction` | whether the effect changes with a covariate |
//! | `shrunken` | each effect in the light of all: less noise, with intervals |
//!
//! ```
//! use estimand_stats::heterogeneity::{SegmentEffect, Segments};
//!
//! let segment = |label: &str, estimate, std_error, n| {
//!     SegmentEffect { label: label.into(), estimate, std_error, df: None, n }
//! };
//! let countries = Segments::new(vec![
//!     segment("de", 0.021, 0.004, 40_000),
//!     segment("fr", 0.018, 0.005, 30_000),
//!     segment("it", -0.012, 0.006, 20_000),
//! ])?;
//! assert!(countries.equality(0.95)?.test().p < 0.001);
//! let found = countries.against_rest(0.95)?;
//! assert!(found[2].difference < -0.02 && found[2].tail.p < 0.001);
//! let shrunken = countries.shrunken(0.95)?;
//! assert!(shrunken[2].estimate > -0.012);
//! # Ok::<(), estimand_stats::Error>(())
//! ```

mod against_rest;
mod equality;
mod interaction;
mod shrunken;

pub use against_rest::AgainstRest;
pub use equality::Equality;
pub use interaction::{Interaction, Term, interaction};
pub use shrunken::Shrunken;

use crate::error::Error;
use crate::meta::{Studies, Study};

/// The effect in one segment.
#[derive(Clone, Debug, PartialEq)]
pub struct SegmentEffect {
    /// Name of the segment.
    pub label: String,
    /// The estimate, in the unit that all segments share.
    pub estimate: f64,
    /// Its standard error.
    pub std_error: f64,
    /// Degrees of freedom of the standard error; `None` when it counts as known.
    pub df: Option<f64>,
    /// Units in the segment, of all arms.
    pub n: u64,
}

/// Effects of several segments, checked once: at least two, finite, with positive standard errors and units.
#[derive(Clone, Debug, PartialEq)]
pub struct Segments {
    effects: Vec<SegmentEffect>,
    studies: Studies,
}

impl Segments {
    /// The segments, checked.
    ///
    /// - **Errors** with [`Error::OutOfRange`] for fewer than two segments, and at the first without units, whose estimate is
    ///   not finite, or whose standard error or degrees of freedom are not positive.
    pub fn new(effects: Vec<SegmentEffect>) -> Result<Segments, Error> {
        let refuse = |field: String, value: String, expected: &str| {
            Err(Error::OutOfRange { field, value, expected: expected.to_owned() })
        };
        if effects.len() < 2 {
            let expected = "effects are compared between at least two segments";
            return refuse("segments".to_owned(), effects.len().to_string(), expected);
        }
        for SegmentEffect { label, estimate, std_error, df, n } in &effects {
            let field = |what: &str| format!("{what} of segment `{label}`");
            if !estimate.is_finite() {
                return refuse(field("estimate"), estimate.to_string(), "an estimate is a finite number");
            }
            // Its square must be a number too, and not zero.
            if !(*std_error > 1e-150 && *std_error < 1e150) {
                let expected = "a standard error is above 0; leave a segment without one out";
                return refuse(field("standard error"), std_error.to_string(), expected);
            }
            if let Some(df) = df.filter(|df| df.is_nan() || *df <= 0.0) {
                return refuse(field("degrees of freedom"), df.to_string(), "degrees of freedom are above 0");
            }
            if *n == 0 {
                return refuse(field("units"), "0".to_owned(), "leave a segment without units out");
            }
        }
        let study = |effect: &SegmentEffect| Study { estimate: effect.estimate, std_error: effect.std_error };
        let studies = Studies::new(effects.iter().map(study).collect())?;
        Ok(Segments { effects, studies })
    }

    /// The effects, in the order given.
    pub fn effects(&self) -> &[SegmentEffect] {
        &self.effects
    }
}
