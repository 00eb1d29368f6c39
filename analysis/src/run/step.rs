//! The steps of recording a run, so that tests can fail or end the process before each.

use std::io;
use std::sync::Arc;

/// A step of recording a run, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The temporary folder is made.
    Create,
    /// The artefacts are written and synced.
    Write,
    /// The log is written and synced.
    Log,
    /// The temporary folder is synced.
    SyncFolder,
    /// The folder gets its name.
    Rename,
    /// The folder of all runs is synced.
    SyncRuns,
    /// The run enters the index.
    Index,
    /// All is done.
    Done,
}

impl Step {
    /// Every step, in order.
    pub const ALL: [Self; 8] =
        [Self::Create, Self::Write, Self::Log, Self::SyncFolder, Self::Rename, Self::SyncRuns, Self::Index, Self::Done];
}

/// What is called before each step.
#[derive(Clone)]
pub(super) struct Steps(Arc<dyn Fn(Step) -> io::Result<()> + Send + Sync>);

impl Default for Steps {
    fn default() -> Self {
        Self(Arc::new(|_| Ok(())))
    }
}

impl Steps {
    pub(super) fn new(before: impl Fn(Step) -> io::Result<()> + Send + Sync + 'static) -> Self {
        Self(Arc::new(before))
    }

    pub(super) fn before(&self, step: Step) -> io::Result<()> {
        (self.0)(step)
    }
}
