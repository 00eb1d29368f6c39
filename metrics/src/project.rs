//! A project: a folder of text files, read once, checked whole.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::definition::{Experiment, Manifest, Metric, Source};

/// A project, read and checked.
///
/// Every name in it resolves, every range holds, and the bytes it was read from are known by their hashes.
#[derive(Clone, Debug)]
pub struct Project {
    root: PathBuf,
    manifest: Manifest,
    sources: BTreeMap<String, Source>,
    metrics: BTreeMap<String, Metric>,
    experiments: BTreeMap<String, Experiment>,
    files: Vec<FileHash>,
}

/// A file of the project and the hash of its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileHash {
    /// Path from the project's folder, with `/` between its parts.
    pub path: String,
    /// BLAKE3 of the bytes, in hexadecimal.
    pub blake3: String,
}

impl Project {
    /// The project's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What `estimand.toml` says.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The sources by name.
    pub fn sources(&self) -> &BTreeMap<String, Source> {
        &self.sources
    }

    /// A source.
    pub fn source(&self, name: &str) -> Option<&Source> {
        self.sources.get(name)
    }

    /// The metrics by name.
    pub fn metrics(&self) -> &BTreeMap<String, Metric> {
        &self.metrics
    }

    /// A metric.
    pub fn metric(&self, name: &str) -> Option<&Metric> {
        self.metrics.get(name)
    }

    /// The experiments by name.
    pub fn experiments(&self) -> &BTreeMap<String, Experiment> {
        &self.experiments
    }

    /// An experiment.
    pub fn experiment(&self, name: &str) -> Option<&Experiment> {
        self.experiments.get(name)
    }

    /// The files that were read, in alphabetical order.
    pub fn files(&self) -> &[FileHash] {
        &self.files
    }
}
