//! The unit aggregation: from rows of events to one row per unit, and from there to statistics per arm.
//!
//! ```text
//! assignments ─▶ Enrolling ─▶ Roster            one entry per unit: its id, the instant from which it counts
//!                               │ probe
//! events ─▶ EventBatch ─▶ Scatterer ─▶ Rows     what no window of any unit reaches ends here, before it is copied;
//!             ids, times,                        the rest is written in the order of partitions of units
//!             conditions,                       │ one partition at a time, in the cache of one core
//!             arguments                         ▼
//!                             Evaluator ─▶ columns of units ─▶ Finish ─▶ statistics per arm, day, segment
//!                                               └─▶ rows of units, with their ids: integers from the Roster, texts from Names
//! ```
//!
//! Why it is fast: each row is looked up once, in a table of 16 bytes per slot, where an id and those it may be mistaken for lie
//! in one line of the cache; rows without a unit or a window vanish there; the others move once, in as few bytes as their
//! metrics need and their numbers fit in, to where all rows of some thousand units lie together. There they are laid apart by
//! kind, that is by which windows, conditions and arguments hold for them, so that each metric takes in all rows of a kind in
//! one short loop without a question, and what it knows of its units is a column in the nearest caches. Nothing is kept per
//! metric and unit while events are read: memory follows the rows that count, not the metrics, and memory that is never
//! touched costs nothing.
//!
//! Why it cannot give different bytes: no number depends on the order in which rows arrive. Counts are integers, sums are exact
//! and rounded once, extremes and first and last values break ties by value, and statistics of arms are exact sums again.
//! Threads, files, row groups, the number of partitions, the seed of the hash and spilling change the order only.

use std::sync::{Mutex, MutexGuard, PoisonError};

mod accumulate;
mod by_cell;
mod derive;
mod distinct;
mod enrol;
mod entries;
mod evaluate;
pub mod finish;
mod key;
mod lane;
mod names;
mod pages;
mod pass;
mod program;
mod room;
mod roster;
mod rows;
mod scatter;
mod store;
pub(crate) mod threads;

pub use enrol::{AssignmentBatch, Enroller, Enrolling, Terms};
pub use evaluate::{Evaluator, UnitColumns};
pub use key::{Integers, Key, KeyColumn, Seed, Texts};
pub use names::{Names, Naming};
pub use program::{Argument, Function, Program, Span, Value};
pub use room::{NoLimit, Room};
pub use roster::{CensusEntry, Describing, Roster, State, TriggerBatch, Triggering};
pub use rows::Rows;
pub use scatter::{Cells, Condition, EventBatch, Scatterer};

/// Why the operator stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Something in the data that the statements refuse, and name: run them to learn what.
    #[error("the data hold {0}")]
    Refused(&'static str),
    /// More than the operator is made for; the statements have no such bound.
    #[error("there are more than {limit} {what}")]
    Beyond {
        /// Of what.
        what: &'static str,
        /// The bound.
        limit: usize,
    },
    /// The memory granted does not hold what cannot be written out.
    #[error("{bytes} bytes for {what} are more than the memory granted")]
    Memory {
        /// For what.
        what: &'static str,
        /// How many were asked for.
        bytes: usize,
    },
    /// Rows could not be written out, or read back.
    #[error("rows could not be kept on disk: {0}")]
    Disk(#[from] std::io::Error),
    /// Whoever asked no longer waits.
    #[error("cancelled")]
    Cancelled,
}

/// What a lock holds. Whoever panicked while holding it ends all work, so that nobody reads what was left half done.
fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}
