//! The memory that the operator may hold, and the place for what does not fit.

use std::fs::File;
use std::io;

/// Grants memory, and gives files to write out what it does not grant.
pub trait Room: Send + Sync {
    /// Asks for so many bytes more; `false` leaves the grant as it was.
    fn grow(&self, bytes: usize) -> bool;

    /// Gives so many bytes back.
    fn shrink(&self, bytes: usize);

    /// A new file of one's own, which is gone when it is closed.
    ///
    /// # Errors
    /// When there is no place for one.
    fn file(&self) -> io::Result<File>;

    /// Whether whoever asked no longer waits.
    fn cancelled(&self) -> bool {
        false
    }
}

/// All the memory there is.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoLimit;

impl Room for NoLimit {
    fn grow(&self, _: usize) -> bool {
        true
    }

    fn shrink(&self, _: usize) {}

    fn file(&self) -> io::Result<File> {
        Err(io::Error::other("nothing is written out where memory has no limit"))
    }
}
