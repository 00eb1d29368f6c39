//! Definitions, SQL and engines: from a project's files to record batches.

#![deny(missing_docs)]

pub mod collect;
pub mod definition;
pub mod engine;
pub mod error;
pub mod expression;
pub mod fault;
pub mod kind;
pub mod plan;
pub mod project;
pub mod sql;
pub mod udaf;

pub use error::Error;
