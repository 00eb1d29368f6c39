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
//! - [`empirical`] and [`ranks`]: an arm as its distinct values with counts, and what order alone says of two of them.
//! - [`clustered`]: least squares of units that come in clusters, few or many.
//! - [`resampling`] and [`bands`]: replicates of counts, quantiles without replicates, and whole distributions with bands.
//! - [`several_arms`]: whether any of several arms differs, in its mean or its spread.
//! - [`heterogeneity`]: whether an effect differs between segments, and where.
//! - [`interaction`] and [`days_since_exposure`]: experiments that run at once, and effects that fade or grow.
//! - [`survival`]: times to an event, some not yet seen.
//! - [`survival`]: times to an event, some not yet seen; [`counts`]: events per unit or per exposure.
//! - [`estimate`]: the one result table of every estimator and the glossary of its columns.
//! - [`sequential`] and [`group_sequential`]: looking early, with tests and intervals that stay right.
//! - [`posterior`]: what a prior and the data together say, exactly.
//! - [`unit_aggregation`]: from rows to the statistics of each arm, fused and exact.
//! - [`check`]: whether the data deserve to be read; [`family`], [`status`] and [`verdict`]: what the rows amount to.
//! - [`certification`]: whether an estimator keeps its promises on a metric, by drawing the assignment of real units anew.
//! - [`planning`]: how many units, how long, how small an effect, before there are data.
#![deny(missing_docs)]

pub mod bands;
pub mod certification;
pub mod check;
pub mod clustered;
pub mod contrast;
pub mod counts;
pub mod days_since_exposure;
pub mod design;
pub mod dist;
pub mod empirical;
pub mod empirical_bayes;
pub mod error;
pub mod estimand;
pub mod estimate;
pub mod estimator;
pub mod family;
pub mod group_sequential;
pub mod heterogeneity;
pub mod interaction;
pub mod least_squares;
pub mod meta;
pub mod multiplicity;
pub mod planning;
pub mod posterior;
pub mod potential_outcomes;
pub mod ranks;
pub mod requirement;
pub mod resampling;
pub mod sample;
pub mod sequential;
pub mod several_arms;
mod smallest_double;
pub mod status;
pub mod suffstat;
pub mod survival;
pub mod threads;
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
