//! The memory that the operator shares with the engine, and the engine's folder for what does not fit.

use std::fs::{File, OpenOptions};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::execution::SpillFile;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::runtime_env::RuntimeEnv;
use estimand_stats::unit_aggregation::Room;
use parking_lot::Mutex;

use super::workers::Stopping;

/// The engine's memory and its folder for temporary files.
pub(crate) struct PoolRoom {
    taken: MemoryReservation,
    /// The most bytes that were taken at a time.
    peak: AtomicUsize,
    environment: Arc<RuntimeEnv>,
    /// Kept until all is done: a file is removed with its handle.
    files: Mutex<Vec<Arc<dyn SpillFile>>>,
    stopping: Stopping,
}

impl PoolRoom {
    pub(crate) fn new(environment: Arc<RuntimeEnv>, stopping: Stopping) -> Self {
        let consumer = MemoryConsumer::new("unit aggregation").with_can_spill(true);
        Self {
            taken: consumer.register(&environment.memory_pool),
            peak: AtomicUsize::new(0),
            environment,
            files: Mutex::default(),
            stopping,
        }
    }

    /// The most bytes that were held at a time.
    pub(crate) fn peak(&self) -> usize {
        self.peak.load(Ordering::Relaxed)
    }

    /// Bytes that were written to temporary files.
    pub(crate) fn spilled(&self) -> usize {
        let files = self.files.lock();
        let length = |file: &Arc<dyn SpillFile>| file.path().and_then(|path| std::fs::metadata(path).ok());
        files.iter().filter_map(length).map(|file| usize::try_from(file.len()).unwrap_or(usize::MAX)).sum()
    }
}

impl Room for PoolRoom {
    fn grow(&self, bytes: usize) -> bool {
        let granted = self.taken.try_grow(bytes).is_ok();
        self.peak.fetch_max(self.taken.size(), Ordering::Relaxed);
        granted
    }

    fn shrink(&self, bytes: usize) {
        self.taken.shrink(bytes);
    }

    fn file(&self) -> io::Result<File> {
        let file = self.environment.disk_manager.create_tmp_file("rows of events").map_err(io::Error::other)?;
        let path = file.path().ok_or_else(|| io::Error::other("the engine's temporary files have no place on disk"))?;
        let opened = OpenOptions::new().read(true).write(true).open(path)?;
        self.files.lock().push(file);
        Ok(opened)
    }

    fn cancelled(&self) -> bool {
        self.stopping.is_due()
    }
}
