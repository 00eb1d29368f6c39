//! The product from outside.

mod bytes;
mod certify;
mod command;
mod contributing;
mod engine_path;
mod hostile;
mod house;
mod looks;
mod methods;
mod oracles;
mod plan;
mod power;
mod programme;
mod real_data;
mod shared;
mod unit_rows;
mod worked_example;
