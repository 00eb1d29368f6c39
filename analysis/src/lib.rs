//! One analysis, from a project to its report.

#![deny(missing_docs)]

pub mod demo;
