//! A run whose folder is out of sight while it is replayed.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use super::folder::{HIDDEN, StoredRun, sync_folder};
use super::{Error, Inputs, RunId};

/// A run whose folder has another name for as long as this lives: whoever looks for its results finds none.
///
/// When the process ends without putting it back, the next one that opens the store does.
#[derive(Debug)]
pub struct HiddenRun {
    id: RunId,
    inputs: Inputs,
    from: PathBuf,
    to: PathBuf,
    lock: PathBuf,
    /// Held until the run is back; tells other processes that somebody will put it back.
    held: Option<File>,
}

impl HiddenRun {
    pub(super) fn hide(run: &StoredRun, runs: &Path) -> Result<Self, Error> {
        let id = run.id().clone();
        let inputs = run.inputs()?;
        let lock = lock_of(runs, &id);
        let held = File::create(&lock).map_err(Error::io("create", &lock))?;
        match held.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::Hidden { id }),
            Err(TryLockError::Error(source)) => return Err(Error::io("lock", &lock)(source)),
        }
        let (from, to) = (runs.join(id.as_str()), folder_of(runs, &id));
        fs::rename(&from, &to).map_err(Error::io("hide", &from))?;
        Ok(Self { id, inputs, from, to, lock, held: Some(held) })
    }

    /// Its id.
    pub fn id(&self) -> &RunId {
        &self.id
    }

    /// Its inputs: all that a replay may read.
    pub fn inputs(&self) -> &Inputs {
        &self.inputs
    }

    /// Puts the run back.
    ///
    /// # Errors
    /// [`Error::Io`] when its folder cannot have its name again; the next opening of the store tries once more.
    pub fn restore(mut self) -> Result<StoredRun, Error> {
        self.put_back()?;
        StoredRun::open(self.id.clone(), self.from.clone(), None)
    }

    fn put_back(&mut self) -> Result<(), Error> {
        if self.held.take().is_some() {
            fs::rename(&self.to, &self.from).map_err(Error::io("restore", &self.from))?;
            // Only tidiness: a lock file that nobody holds means nothing.
            let _ = fs::remove_file(&self.lock);
        }
        Ok(())
    }

    /// Puts back a hidden run whose process has ended; `false` when it lives.
    pub(super) fn restore_abandoned(runs: &Path, id: &RunId) -> Result<bool, Error> {
        let lock = lock_of(runs, id);
        let held = File::create(&lock).map_err(Error::io("create", &lock))?;
        match held.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(false),
            Err(TryLockError::Error(source)) => return Err(Error::io("lock", &lock)(source)),
        }
        let (hidden, visible) = (folder_of(runs, id), runs.join(id.as_str()));
        fs::rename(&hidden, &visible).map_err(Error::io("restore", &visible))?;
        sync_folder(runs).map_err(Error::io("sync", runs))?;
        let _ = fs::remove_file(&lock);
        Ok(true)
    }
}

impl Drop for HiddenRun {
    fn drop(&mut self) {
        // What fails here is tried again when the store is opened.
        let _ = self.put_back();
    }
}

/// Where the folder of a run is while it is hidden.
pub(super) fn folder_of(runs: &Path, id: &RunId) -> PathBuf {
    runs.join(format!("{HIDDEN}{id}"))
}

/// Beside the folders of runs, where no run can have this name.
fn lock_of(runs: &Path, id: &RunId) -> PathBuf {
    runs.join(format!("{id}.lock"))
}
