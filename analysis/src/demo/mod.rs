//! Demonstrations: projects that anyone can write to a folder, analyse, and check.
//!
//! - [`shop`]: simulated, of any size, with every effect known in advance.
//! - [`trial`]: a small randomised trial of real people.

mod error;
mod folder;
pub mod shop;
pub mod trial;
pub mod truth;

pub use error::Error;
pub use truth::Truth;
