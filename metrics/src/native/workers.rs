//! Threads of an operator: they share the work, and stop when nobody waits for it any more.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use arrow::record_batch::RecordBatch;
use datafusion::error::DataFusionError;
use estimand_stats::threads::on_threads;
use tokio::sync::mpsc::Sender;

use super::EnginePath;
use crate::engine::named;
use crate::error::Error;

/// Why an operator gave no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Ended {
    /// It met what it does not name: statements do, or show that it is nothing.
    #[error("the data hold what the operator refuses without a name")]
    Refused,
    /// It was not given the memory that it needs: statements may manage with less.
    #[error(transparent)]
    Memory(Error),
    /// Nobody waits for it.
    #[error("nobody waits for it any more")]
    Stopped,
    /// Something that would go wrong whatever the way.
    #[error(transparent)]
    Failed(Error),
}

/// Through the engine, which hands on what it does not know.
impl From<Ended> for DataFusionError {
    fn from(ended: Ended) -> Self {
        Self::External(Box::new(ended))
    }
}

impl Ended {
    /// What came through the engine, of a step of this name.
    pub(crate) fn of(error: &DataFusionError, step: &str) -> Self {
        Self::own(error).unwrap_or_else(|| named(step, error).into())
    }

    /// Whether statements are to go on, or the error that is told.
    pub(crate) fn or_statements(self, path: EnginePath) -> Result<(), Error> {
        match self {
            Self::Failed(error) => Err(error),
            Self::Memory(error) if path == EnginePath::Native => Err(error),
            Self::Memory(_) | Self::Refused | Self::Stopped => Ok(()),
        }
    }

    /// What the operator itself said, if it did.
    pub(crate) fn own(error: &DataFusionError) -> Option<Self> {
        match error.find_root() {
            DataFusionError::External(inner) => inner.downcast_ref().cloned(),
            _ => None,
        }
    }
}

impl From<Error> for Ended {
    fn from(error: Error) -> Self {
        match error {
            Error::Memory { .. } => Self::Memory(error),
            // What an expression or the engine refuses is told with its statement.
            Error::Data { .. } | Error::Engine { .. } | Error::Refused { .. } => Self::Refused,
            _ => Self::Failed(error),
        }
    }
}

impl From<estimand_stats::suffstat::Error> for Ended {
    fn from(error: estimand_stats::suffstat::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// Asks whether anyone still waits for what the work gives: nobody does once the stream of its rows was dropped.
#[derive(Clone, Debug)]
pub(crate) struct Stopping(Sender<Result<RecordBatch, DataFusionError>>);

impl Stopping {
    /// By the sending end of that stream.
    pub(crate) fn new(rows: Sender<Result<RecordBatch, DataFusionError>>) -> Self {
        Self(rows)
    }

    /// Whether the work is to end.
    pub(crate) fn is_due(&self) -> bool {
        self.0.is_closed()
    }
}

/// Does `count` pieces of work on so many threads, each piece once; each thread makes a state of its own, which is given back.
///
/// # Errors
/// The first that a thread met; the others stop before their next piece.
pub(crate) fn share<S: Send>(
    threads: usize,
    count: usize,
    begin: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, usize) -> Result<(), Ended> + Sync,
) -> Result<Vec<S>, Ended> {
    let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let hand = || {
        let mut state = begin();
        while !failed.load(Ordering::Relaxed) {
            let piece = next.fetch_add(1, Ordering::Relaxed);
            if piece >= count {
                break;
            }
            work(&mut state, piece).inspect_err(|_| failed.store(true, Ordering::Relaxed))?;
        }
        Ok(state)
    };
    on_threads(threads.min(count), |_| hand()).into_iter().collect()
}
