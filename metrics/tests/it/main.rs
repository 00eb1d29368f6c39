//! Integration tests of the crate, in one binary.

mod fault;
mod hostile;
mod mutation;
mod schema;
mod shop;
mod udaf_bytes;
mod udaf_contract;
mod udaf_rows;
