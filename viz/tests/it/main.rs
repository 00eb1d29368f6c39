//! What every chart keeps, and what each looks like.

mod conformance;
mod snapshot;
