//! Why the run store cannot do what was asked.

use std::io;
use std::path::{Path, PathBuf};

use crate::run::RunId;

/// Why the run store cannot do what was asked.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused.
    #[error("cannot {action} `{}`: {source}", path.display())]
    #[diagnostic(
        code(run::io),
        help("check that the folder can be written and that the disk has room; nothing was recorded")
    )]
    Io {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The index refused.
    #[error("the index `{}` cannot be used: {source}", path.display())]
    #[diagnostic(
        code(run::index),
        help("the runs themselves are folders beside it: move the index away and it is made anew from them")
    )]
    Index {
        /// The index.
        path: PathBuf,
        /// Why not.
        #[source]
        source: sqlx::Error,
    },
    /// The store was written by a newer version.
    #[error("the store `{}` has schema version {found}; this program knows versions up to {known}", path.display())]
    #[diagnostic(code(run::newer_store), help("use the version of estimand that wrote it, or a newer one"))]
    NewerStore {
        /// The index.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest version known.
        known: i64,
    },
    /// Another process has been writing for too long.
    #[error("another process has been writing to `{}` for {seconds} seconds", path.display())]
    #[diagnostic(code(run::busy), help("wait for it, or end it; a lock is released when its process ends"))]
    Busy {
        /// The lock file.
        path: PathBuf,
        /// How long was waited.
        seconds: u64,
    },
    /// The same inputs gave other results.
    #[error("run `{id}` was recorded before with other results: {} differ", list(artefacts))]
    #[diagnostic(
        code(run::nondeterminism),
        help(
            "the same inputs must give the same bytes; report this with both runs: the recorded one is kept as it was"
        )
    )]
    Nondeterminism {
        /// The run.
        id: RunId,
        /// The artefacts that differ.
        artefacts: Vec<String>,
    },
    /// No run begins like this.
    #[error("no run begins with `{prefix}`")]
    #[diagnostic(code(run::unknown_run), help("the latest runs are {}; `estimand runs list` shows all", list(latest)))]
    UnknownRun {
        /// What was asked.
        prefix: String,
        /// The latest runs, short.
        latest: Vec<String>,
    },
    /// Several runs begin like this.
    #[error("`{prefix}` may be any of {}", list(candidates))]
    #[diagnostic(code(run::ambiguous_run), help("write more characters of the id"))]
    AmbiguousRun {
        /// What was asked.
        prefix: String,
        /// The runs that begin so.
        candidates: Vec<String>,
    },
    /// The run is out of sight while it is replayed.
    #[error("run `{id}` is being replayed, and hidden until that ends")]
    #[diagnostic(
        code(run::hidden),
        help("wait for the replay; if its process was ended, opening the store again puts the run back")
    )]
    Hidden {
        /// The run.
        id: RunId,
    },
    /// Files of a run are not what was recorded.
    #[error("run `{id}` is damaged: {}", list(faults))]
    #[diagnostic(
        code(run::damaged),
        help("`estimand replay {id}` computes it again from its inputs; other runs are not touched by this")
    )]
    Damaged {
        /// The run.
        id: RunId,
        /// Each file with what is wrong with it.
        faults: Vec<String>,
    },
    /// A run has no artefact of this name.
    #[error("run `{id}` has no artefact `{name}`")]
    #[diagnostic(code(run::unknown_artefact), help("it has {}", list(known)))]
    UnknownArtefact {
        /// The run.
        id: RunId,
        /// What was asked.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// The name of an artefact cannot be a file of a run.
    #[error("`{name}` cannot be the name of an artefact")]
    #[diagnostic(
        code(run::artefact_name),
        help(
            "use small letters, digits, `_`, `-` and `.`, in at most one folder; the names of the record itself are taken"
        )
    )]
    ArtefactName {
        /// The name.
        name: String,
    },
    /// A file of the record is not what this program writes.
    #[error("`{}` cannot be read: {reason}", path.display())]
    #[diagnostic(
        code(run::unreadable),
        help("it was changed by something else: restore it from a backup, or replay the run")
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
}

impl Error {
    /// Names what was tried and where, for `map_err`.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}

fn list(names: &[String]) -> String {
    match names {
        [] => "none".to_owned(),
        names => names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
    }
}
