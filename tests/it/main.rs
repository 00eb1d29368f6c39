//! The product from outside.

mod command;
mod house;
mod oracles;
mod real_data;
mod shared;
mod worked_example;
