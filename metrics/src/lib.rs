//! Definitions, SQL and engines: from a project's files to record batches.

#![deny(missing_docs)]

pub mod definition;
pub mod expression;
pub mod fault;
pub mod kind;
pub mod project;
