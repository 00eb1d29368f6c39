//! From an experiment to what is asked of the data.
//!
//! ```text
//! Experiment ──compile──▶ Plan { questions, UnitAggregation } ──lower──▶ steps (SQL) ──▶ engine
//! ```

mod compile;
pub mod lower;
mod question;
mod specification;

pub use compile::{AsOf, Plan, compile};
pub use question::{Asked, Question};
pub use specification::{
    Derivation, DerivedColumn, DimensionColumn, Enrolment, Grouping, Readout, Span, TriggerEvent, UnitAggregation,
    UnitColumn,
};
