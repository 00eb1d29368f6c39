//! Integration tests of the crate, in one binary.

mod fault;
mod hostile;
mod input;
mod input_csv;
mod input_files;
mod input_ndjson;
mod input_parquet;
mod kept;
mod mutation;
mod native;
mod native_hostile;
mod project_files;
mod schema;
mod shop;
mod two_ways;
mod udaf_bytes;
mod udaf_contract;
mod udaf_rows;
