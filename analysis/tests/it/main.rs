//! Integration tests of `estimand-analysis`: one binary, one module per subject.

mod coverage;
mod demo;
mod replay;
mod report;
mod report_example;
mod report_size;
mod run_store;
