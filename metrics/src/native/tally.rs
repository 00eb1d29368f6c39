//! How far the reading of sources is.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::reading::Reading;
use crate::collect::Doing;

/// Counts rows, one source after another.
#[derive(Debug)]
pub(super) struct Tally {
    /// The sources in the order of reading, each with its rows where that is known.
    sources: Vec<(String, Option<u64>)>,
    at: AtomicUsize,
    of_source: AtomicU64,
    in_all: AtomicU64,
}

impl Tally {
    /// Nothing read yet.
    pub(super) fn new<'a>(sources: impl Iterator<Item = &'a Reading>) -> Self {
        let sources = sources.map(|reading| (reading.source().to_owned(), reading.rows())).collect();
        Self { sources, at: AtomicUsize::new(0), of_source: AtomicU64::new(0), in_all: AtomicU64::new(0) }
    }

    /// Rows were read of the source at hand.
    pub(super) fn add(&self, rows: usize) {
        self.of_source.fetch_add(rows as u64, Ordering::Relaxed);
        self.in_all.fetch_add(rows as u64, Ordering::Relaxed);
    }

    /// The source at hand is read.
    pub(super) fn next(&self) {
        self.of_source.store(0, Ordering::Relaxed);
        self.at.fetch_add(1, Ordering::Relaxed);
    }

    /// Rows of all sources.
    pub(super) fn rows(&self) -> u64 {
        self.in_all.load(Ordering::Relaxed)
    }

    /// What is being done, until all is read.
    pub(super) fn doing(&self) -> Option<Doing<'_>> {
        let (source, rows) = self.sources.get(self.at.load(Ordering::Relaxed))?;
        Some(Doing::Reading { source, rows_read: self.of_source.load(Ordering::Relaxed), rows: *rows })
    }
}
