//! The product from outside.

mod house;
