//! SQL: statements as values, and the one gate through which all of it passes.
//!
//! A statement is built as a sea-query value and rendered by the builder of the engine's dialect. Every value a user
//! gave is bound; names of functions and types come from the lists in this crate; identifiers are quoted.

mod builder;
mod expression;
mod statement;

pub use builder::DataFusionBuilder;
pub use expression::lower;
pub(crate) use expression::{call, cast, column, instant};
pub use statement::{Binding, Statement};
