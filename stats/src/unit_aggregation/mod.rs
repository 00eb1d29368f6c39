//! One row per unit, from rows of events or of a unit table, and the statistics of each arm from those.
//!
//! ```text
//! rows of units ──▶ finish: derived columns, limits of caps ──▶ co-moments and histograms per arm and group
//! ```
//!
//! Every sum is kept exactly ([`suffstat`](crate::suffstat)), so that neither threads nor the order of rows nor the way they
//! were split can change a digit of what comes out.

mod by_cell;
mod derive;
pub mod finish;
