//! What can go wrong while a demonstration is written.

use std::io;
use std::path::PathBuf;

use arrow::error::ArrowError;
use parquet::errors::ParquetError;
use thiserror::Error;

/// Why a demonstration could not be written or read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The folder holds something else.
    #[error("folder `{}` holds something else; name one that does not exist yet, or delete it first", folder.display())]
    FolderInUse {
        /// The folder.
        folder: PathBuf,
    },

    /// No user was asked for.
    #[error("a demonstration of 0 users has nothing to show; ask for at least 1")]
    NoUsers,

    /// A file or folder cannot be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },

    /// A file or folder cannot be written.
    #[error("cannot write `{}`, which needs about 100 bytes per user: {source}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },

    /// A Parquet file cannot be written.
    #[error("cannot write `{}`, which needs about 100 bytes per user: {source}", path.display())]
    WriteRows {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: ParquetError,
    },

    /// The file of true effects was changed by hand.
    #[error("`{}` does not hold true effects; delete the folder and write the demonstration again: {source}", path.display())]
    Truth {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: Box<toml::de::Error>,
    },

    /// Columns do not make a batch: our mistake.
    #[error("rows of the demonstration do not fit together, a defect of estimand; please report it: {0}")]
    Rows(#[from] ArrowError),
}
