//! One analysis, from a project to its report.
//!
//! - [`report`]: the page of a run.

#![deny(missing_docs)]

pub mod demo;
pub mod report;
