//! The statistics of estimand: Arrow or sufficient statistics in, a tidy table of estimates out.
//!
//! This crate is the ground of the house. It knows no SQL, no files and no HTTP. One flow:
//!
//! ```text
//! Estimand ──▶ Estimator::requires ──▶ Requirements   (the planner asks the data once for the union)
//! Estimand + Design + Sample ──▶ Estimator::estimate ──▶ Estimates ──▶ multiplicity ──▶ status
//! ```
//!
//! - [`estimand`]: what is asked, as a typed value that prints as a sentence.
//! - [`estimator`]: the rules that answer it, by name, each in one file.
//! - [`sample`]: what an estimator gets to see of each arm.
//! - [`potential_outcomes`] and [`contrast`]: what every model of means returns, and the rows that are made of it.
//! - [`estimate`]: the one result table of every estimator and the glossary of its columns.
//! - [`posterior`]: what a prior and the data together say, exactly.
//! - [`unit_aggregation`]: from rows to the statistics of each arm, fused and exact.
//! - [`check`]: whether the data deserve to be read; [`family`], [`status`] and [`verdict`]: what the rows amount to.
#![deny(missing_docs)]

pub mod check;
pub mod contrast;
pub mod design;
pub mod dist;
pub mod empirical_bayes;
pub mod error;
pub mod estimand;
pub mod estimate;
pub mod estimator;
pub mod family;
pub mod least_squares;
pub mod meta;
pub mod multiplicity;
pub mod posterior;
pub mod potential_outcomes;
pub mod requirement;
pub mod sample;
pub mod status;
pub mod suffstat;
pub mod two_proportions;
pub mod unit_aggregation;
pub mod verdict;
mod wording;

pub use design::Design;
pub use error::Error;
pub use estimand::Estimand;
pub use estimate::{Estimate, Estimates};
pub use estimator::Estimator;
pub use potential_outcomes::PotentialOutcomes;
pub use requirement::{Requirements, Variable};
pub use sample::{ArmSample, Sample};
