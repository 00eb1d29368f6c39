//! The definitions of the project as they were last read.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use estimand_analysis::metrics::definition::{Experiment, ExperimentMetric};
use estimand_analysis::metrics::fault::Fault;
use estimand_analysis::metrics::plan::lower::Schemas;
use estimand_analysis::metrics::project::Project;
use estimand_analysis::statements;
use tokio::sync::watch;

/// How long a page waits for the columns of sources before it says that they are being looked up.
const PATIENCE: Duration = Duration::from_secs(1);

/// Deepest folder of definitions that is looked into for changes; the reader of projects refuses deeper ones.
const DEEPEST: usize = 9;

/// The columns of the sources of each experiment, or why they are not known.
type Columns = BTreeMap<String, Result<Schemas, String>>;

/// The definitions of the project as they were last read.
#[derive(Debug)]
pub(crate) struct Library {
    /// The last project that held together.
    pub(crate) project: Project,
    /// What is wrong with the files as they are now, each as a block of lines.
    pub(crate) faults: Vec<String>,
    stamp: Stamp,
    columns: watch::Receiver<Option<Arc<Columns>>>,
}

/// Every file of definitions with its size and the time of its last change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stamp(Vec<(PathBuf, u64, Option<SystemTime>)>);

impl Library {
    /// A project as it was read, and when; must be called inside a runtime, as columns are looked up beside.
    pub(crate) fn new(project: Project, stamp: Stamp) -> Self {
        let (found, columns) = watch::channel(None);
        let (asked, runtime) = (project.clone(), tokio::runtime::Handle::current());
        // Files are read, though little of each: not on a thread that requests wait for.
        tokio::task::spawn_blocking(move || {
            let mut columns = Columns::new();
            for experiment in asked.experiments().values() {
                let known = runtime.block_on(statements::columns(&asked, experiment));
                columns.insert(experiment.name.clone(), known.map_err(|error| error.to_string()));
            }
            // Nobody is left to hear it when the definitions were read anew meanwhile.
            let _ = found.send(Some(Arc::new(columns)));
        });
        Self { project, faults: Vec::new(), stamp, columns }
    }

    /// The library as the files are now; `None` when they are as they were. Reads files: not for a thread that others wait for.
    pub(crate) fn renewed(&self, runtime: &tokio::runtime::Handle) -> Option<Self> {
        // The stamp is taken first: what changes while the files are read is found by the next request.
        let stamp = Stamp::of(self.project.root());
        if stamp == self.stamp {
            return None;
        }
        let _inside = runtime.enter();
        Some(match Project::load(self.project.root()) {
            Ok(project) => Self::new(project, stamp),
            Err(faults) => Self {
                project: self.project.clone(),
                faults: faults.iter().map(|fault: &Fault| fault.render(false)).collect(),
                stamp,
                columns: self.columns.clone(),
            },
        })
    }

    /// The columns of the sources of an experiment, once they are known; `None` when that takes long.
    pub(crate) async fn columns_of(&self, experiment: &str) -> Option<Result<Schemas, String>> {
        let mut columns = self.columns.clone();
        let known = tokio::time::timeout(PATIENCE, columns.wait_for(Option::is_some)).await.ok()?.ok()?;
        known.as_ref()?.get(experiment).cloned()
    }

    /// The experiments that name a metric, each with the part it plays there.
    pub(crate) fn uses_of<'a>(
        &'a self,
        metric: &'a str,
    ) -> impl Iterator<Item = (&'a Experiment, &'a ExperimentMetric)> {
        self.project.experiments().values().filter_map(move |experiment| {
            let entry = experiment.metrics.iter().find(|entry| entry.metric == metric)?;
            Some((experiment, entry))
        })
    }
}

impl Stamp {
    /// The stamp of the project in a folder: one question to the file system per file, no file is opened.
    pub(crate) fn of(root: &Path) -> Self {
        let mut files = Vec::new();
        note(&root.join("estimand.toml"), &mut files);
        for folder in ["sources", "metrics", "experiments"] {
            walk(&root.join(folder), 0, &mut files);
        }
        files.sort();
        Self(files)
    }
}

fn walk(folder: &Path, depth: usize, files: &mut Vec<(PathBuf, u64, Option<SystemTime>)>) {
    // A folder that is not there, or cannot be read, has nothing in it; whether that is a fault is for the reader to say.
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && depth < DEEPEST => walk(&entry.path(), depth + 1, files),
            _ => note(&entry.path(), files),
        }
    }
}

fn note(file: &Path, files: &mut Vec<(PathBuf, u64, Option<SystemTime>)>) {
    if let Ok(metadata) = fs::metadata(file) {
        files.push((file.to_owned(), metadata.len(), metadata.modified().ok()));
    }
}
