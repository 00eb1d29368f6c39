//! Definitions, SQL and engines: from a project's files to record batches.

#![deny(missing_docs)]

pub mod address;
pub mod bindings;
pub mod collect;
pub mod definition;
pub mod engine;
pub mod error;
pub mod expression;
pub mod fault;
pub mod input;
pub mod kind;
pub mod native;
mod not_finite;
pub mod plan;
pub mod project;
pub mod reading;
pub mod schema;
pub mod sql;
pub mod udaf;

pub use error::Error;
