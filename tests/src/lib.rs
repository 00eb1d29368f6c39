//! The product from outside: every test of this crate runs what a user runs.
