//! Group-sequential designs: a few planned looks, each with its own critical value.
//!
//! At information `t` of the planned 1 the statistic times `√t` is a Brownian motion, with the effect for its drift. A
//! design says at which looks, and beyond which values, it stops; everything else is the integral of that motion's
//! density over the paths that went on, look by look.
//!
//! | file | holds |
//! |---|---|
//! | `plan` | what is decided beforehand: looks, rule, sides, futility |
//! | `spending` | how much of the level of error may be spent by a fraction of the information |
//! | `design` | the critical values that follow; power, inflation and expected information |
//! | `inference` | repeated intervals and p-values, final inference in the stage-wise order, conditional power |
//! | `continuation` | the density of the paths that went on |
//!
//! ```
//! use estimand_stats::group_sequential::{Plan, Rule, Spending};
//!
//! let design = Plan::one_sided(&[0.5, 1.0], Rule::Spending(Spending::ObrienFleming), 0.025).design()?;
//! assert!((design.efficacy()[1] - 1.968596).abs() < 1e-6);
//! let drift = design.drift(0.8)?;
//! assert!((design.inflation(0.8)? - 1.003725).abs() < 1e-6 && (design.power(drift) - 0.8).abs() < 1e-9);
//! # Ok::<(), estimand_stats::group_sequential::Impossible>(())
//! ```
//!
//! **Source** Armitage, McPherson & Rowe (1969), Journal of the Royal Statistical Society A 132, for the recursion;
//! Lan & DeMets (1983), Biometrika 70; Jennison & Turnbull (2000), "Group sequential methods with applications to
//! clinical trials".

mod continuation;
mod design;
mod inference;
mod plan;
mod spending;

pub use design::{Design, Stage};
pub use inference::{Final, Stop};
pub use plan::{Futility, Plan, Rule};
pub use spending::Spending;

/// What no design can be made of, with how to mend it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("`{what}` is {value}; {expected}")]
pub struct Impossible {
    /// What was given.
    pub what: &'static str,
    /// Its value, as text.
    pub value: String,
    /// What it takes.
    pub expected: &'static str,
}

impl Impossible {
    fn new(what: &'static str, value: impl ToString, expected: &'static str) -> Self {
        Self { what, value: value.to_string(), expected }
    }
}
