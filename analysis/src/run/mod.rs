//! The record of runs in a project's `.estimand` folder.
//!
//! ```text
//! .estimand/
//!   lock                 writers take turns
//!   index.sqlite         finds runs; made anew from the folders when it is lost
//!   runs/ID/
//!     inputs.json        everything that may change a result; ID is the hash of this file
//!     results.arrow      the result table
//!     summary.json       title and verdict, for lists
//!     …                  tables, figures, the page
//!     hashes.json        the hash of each of them; the index holds the hash of this file
//!     log.json           clock and durations: in no hash
//! ```
//!
//! A run is immutable. Its folder is written under a temporary name, synced, renamed, and the folder above synced; then one short
//! transaction enters it in the index. Whatever step a kill, a full disk or a loss of power interrupts, the next opening finds the run
//! whole or not at all. The order of runs is that of insertion, not of the clock.
//!
//! ```
//! use std::collections::BTreeMap;
//! use estimand_analysis::run::{Filter, Inputs, Log, Run, RunStore, Summary};
//! use estimand_stats::Estimates;
//! use estimand_stats::verdict::{Verdict, VerdictKind};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let project = tempfile::tempdir()?;
//! let store = RunStore::open(project.path()).await?;
//! let run = Run {
//!     inputs: Inputs { experiment: "checkout".into(), seed: 7, ..Inputs::default() },
//!     results: Estimates::default(),
//!     summary: Summary {
//!         title: "Shorter checkout".into(),
//!         verdict: Verdict { kind: VerdictKind::Nothing, sentence: "No metric decides.".into() },
//!     },
//!     artefacts: BTreeMap::from([("report.html".into(), b"<!doctype html>".to_vec())]),
//!     log: Log::default(),
//! };
//! let recorded = store.insert(&run).await?;
//! assert!(store.insert(&run).await?.existed);
//! assert_eq!(store.get(recorded.id.short()).await?.inputs()?.seed, 7);
//! assert_eq!(store.list(&Filter::default()).await?.len(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod folder;
mod hashes;
mod hidden;
mod id;
mod index;
mod inputs;
mod log;
mod record;
mod step;
mod store;

pub use error::Error;
pub use folder::StoredRun;
pub use hashes::Hashes;
pub use hidden::HiddenRun;
pub use id::{NotAnId, RunId};
pub use index::{Filter, RunRow};
pub use inputs::{BoundStatement, Definition, Fingerprint, Inputs};
pub use log::{Log, Stopwatch};
pub use record::{Run, Summary};
pub use step::Step;
pub use store::{Inserted, Repair, RunStore};
