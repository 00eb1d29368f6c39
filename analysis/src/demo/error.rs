//! What can go wrong while a demonstration is written.

use std::io;
use std::path::PathBuf;

use arrow::error::ArrowError;
use miette::Diagnostic;
use parquet::errors::ParquetError;
use thiserror::Error;

/// Why a demonstration could not be written or read.
#[derive(Debug, Error, Diagnostic)]
#[non_exhaustive]
pub enum Error {
    /// The folder holds something else.
    #[error("folder `{}` is not empty", folder.display())]
    #[diagnostic(
        code(analysis::demo_folder_in_use),
        help("name a folder that does not exist yet, or delete this one first")
    )]
    FolderInUse {
        /// The folder.
        folder: PathBuf,
    },

    /// No user was asked for.
    #[error("a demonstration of 0 users has nothing to show")]
    #[diagnostic(code(analysis::demo_no_users), help("ask for at least 1 user, such as `--users 200000`"))]
    NoUsers,

    /// A file or folder cannot be read.
    #[error("cannot read `{}`: {source}", path.display())]
    #[diagnostic(code(analysis::demo_read))]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },

    /// A file or folder cannot be written.
    #[error("cannot write `{}`: {source}", path.display())]
    #[diagnostic(
        code(analysis::demo_write),
        help("choose a folder that you may write to, on a disk with room: about 100 bytes per user")
    )]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },

    /// A Parquet file cannot be written.
    #[error("cannot write `{}`: {source}", path.display())]
    #[diagnostic(
        code(analysis::demo_write_rows),
        help("choose a folder that you may write to, on a disk with room: about 100 bytes per user")
    )]
    WriteRows {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: ParquetError,
    },

    /// The file of true effects was changed by hand.
    #[error("`{}` does not hold true effects: {source}", path.display())]
    #[diagnostic(code(analysis::demo_truth), help("delete the folder and write the demonstration again"))]
    Truth {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: Box<toml::de::Error>,
    },

    /// Columns do not make a batch: our mistake.
    #[error("rows of the demonstration do not fit together: {0}")]
    #[diagnostic(code(analysis::demo_rows), help("this is a defect of estimand; please report it"))]
    Rows(#[from] ArrowError),
}
