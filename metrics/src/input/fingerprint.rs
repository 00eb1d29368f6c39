//! What the files of a source were when they were read.

use std::io::Read;

use serde::Serialize;

use super::files::{DataFile, unreadable};
use crate::fault::Fault;

/// The files of a source, in the order of their names, each with what tells it from another version of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Fingerprint {
    files: Vec<FilePrint>,
}

/// One file as it was when it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FilePrint {
    /// The path from the project's folder, with `/` between its parts.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Nanoseconds from 1970 to the last change. Not part of the digest when the whole content is hashed, so that a
    /// copy of the same bytes has the same digest.
    pub modified_ns: i64,
    /// What was hashed.
    pub of: Hashed,
    /// BLAKE3 in hexadecimal.
    pub blake3: String,
    #[serde(skip)]
    file: Option<DataFile>,
}

/// What of a file was hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Hashed {
    /// Every byte.
    Content,
    /// The footer of a Parquet file: its schema, its row counts, and where its pages are.
    Footer,
}

impl Fingerprint {
    /// The fingerprint of files, in any order.
    pub(crate) fn new(prints: Vec<FilePrint>) -> Self {
        let mut files = prints;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Self { files }
    }

    /// The files, in the order of their names.
    pub fn files(&self) -> &[FilePrint] {
        &self.files
    }

    /// One hash over all files: BLAKE3 in hexadecimal.
    ///
    /// It depends on names, sizes and hashes, on the time of change where only a footer was hashed, and on no order.
    pub fn digest(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        let mut text = |part: &str| {
            hasher.update(&part.len().to_le_bytes());
            hasher.update(part.as_bytes());
        };
        for file in &self.files {
            text(&file.path);
            text(&file.size.to_string());
            match file.of {
                Hashed::Content => text("content"),
                Hashed::Footer => text(&format!("footer {}", file.modified_ns)),
            }
            text(&file.blake3);
        }
        hasher.finalize().to_hex().to_string()
    }

    /// Whether every file is still the one that was read; asked when a run has read its last row.
    ///
    /// # Errors
    /// `metrics::file_changed` with the first file that was written to, replaced or removed since it was found.
    pub fn unchanged(&self) -> Result<(), Fault> {
        self.files.iter().filter_map(|print| print.file.as_ref()).try_for_each(DataFile::still_same)
    }
}

impl FilePrint {
    pub(crate) fn new(file: &DataFile, of: Hashed, hash: blake3::Hash) -> Self {
        Self {
            path: file.name.clone(),
            size: file.stamp.size,
            modified_ns: file.stamp.modified,
            of,
            blake3: hash.to_hex().to_string(),
            file: Some(file.clone()),
        }
    }
}

/// BLAKE3 of every byte of a file.
pub(crate) fn content(file: &DataFile) -> Result<blake3::Hash, Fault> {
    let mut reader = file.open()?;
    let mut hasher = blake3::Hasher::new();
    let mut block = vec![0; 1 << 20];
    loop {
        match reader.read(&mut block) {
            Ok(0) => return Ok(hasher.finalize()),
            Ok(read) => hasher.update(&block[..read]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(unreadable(&file.name, &error)),
        };
    }
}
