//! One analysis from a project to a report: the whole flow, for the terminal program and the server alike.
//!
//! ```text
//! project ──▶ plan ──▶ statistics ──▶ estimates ──▶ checks, families, statuses ──▶ answer, report
//! (metrics)  (metrics)  (metrics)     (stats)        (stats)                        (analysis, viz)
//! ```
//!
//! Start at [`analyze::analyze`]: it is the flow on one page.

#![deny(missing_docs)]

pub mod analyze;
pub mod answer;
pub mod answered;
mod aside;
pub mod bare;
pub mod certify;
pub mod change;
pub mod columns;
pub mod conclude;
pub mod demo;
pub mod error;
pub mod figures;
pub mod health;
pub mod history;
pub mod keep;
mod looks;
pub mod method_panel;
pub mod output;
pub mod programme;
pub mod provenance;
pub mod replay;
pub mod report;
pub mod run;
pub mod segments;
pub mod statements;
pub mod summary;
pub mod summary_table;

pub use error::Error;
pub use estimand_metrics as metrics;
pub use estimand_stats as stats;
pub use estimand_viz as viz;
