//! The store of runs in a project's `.estimand` folder.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::folder::{self, HIDDEN, StoredRun, WRITING, sync_folder};
use super::index::{Filter, Index, RunRow};
use super::step::{Step, Steps};
use super::{Error, Hashes, HiddenRun, Run, RunId, hidden};

/// How long a writer waits for another.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it looks.
const LOOK: Duration = Duration::from_millis(10);

/// The runs of a project.
///
/// Writers take turns by a lock on `.estimand/lock`, which the operating system releases when a process ends; readers never wait.
#[derive(Clone)]
pub struct RunStore {
    runs: PathBuf,
    lock: PathBuf,
    index: Index,
    steps: Steps,
    repairs: Vec<Repair>,
}

/// Something that was mended, or that needs mending, when the store was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Repair {
    /// A folder that was being written when its process ended was removed: the run had not been recorded.
    Swept {
        /// The folder.
        folder: PathBuf,
    },
    /// A complete run was missing from the index and entered.
    Reindexed {
        /// The run.
        id: RunId,
    },
    /// A run that was hidden when its process ended was put back.
    Restored {
        /// The run.
        id: RunId,
    },
    /// The index names a run whose folder is missing.
    Missing {
        /// The run.
        id: RunId,
    },
    /// A folder that cannot be entered in the index.
    Unreadable {
        /// The folder.
        folder: PathBuf,
        /// Why not.
        reason: String,
    },
}

/// What became of a run that was to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inserted {
    /// Its id.
    pub id: RunId,
    /// Whether the same run, with the same results, had been recorded before.
    pub existed: bool,
}

impl RunStore {
    /// Opens the store of a project, makes it when there is none, and mends what a killed process left behind.
    ///
    /// # Errors
    /// [`Error::NewerStore`] when a newer version wrote it; [`Error::Io`] or [`Error::Index`] when it cannot be read or made.
    pub async fn open(project: &Path) -> Result<Self, Error> {
        let root = project.join(".estimand");
        let runs = root.join("runs");
        fs::create_dir_all(&runs).map_err(Error::io("create", &runs))?;
        let lock = root.join("lock");
        let held = acquire(&lock, PATIENCE).await?;
        let index = Index::open(&root.join("index.sqlite")).await?;
        let mut store = Self { runs, lock, index, steps: Steps::default(), repairs: Vec::new() };
        store.repairs = store.mend().await?;
        drop(held);
        Ok(store)
    }

    /// Calls this before each step of [`RunStore::insert`], which fails when it does. For tests of what a failure leaves behind.
    pub fn before_each_step(mut self, before: impl Fn(Step) -> io::Result<()> + Send + Sync + 'static) -> Self {
        self.steps = Steps::new(before);
        self
    }

    /// What was mended when the store was opened, and what needs mending.
    pub fn repairs(&self) -> &[Repair] {
        &self.repairs
    }

    /// Records a run.
    ///
    /// Its folder is written under a temporary name, synced, renamed, and then entered in the index: at any moment it is there whole or
    /// not at all. A run with the same inputs is the same run.
    ///
    /// # Errors
    /// [`Error::Nondeterminism`] when the same inputs were recorded with other results; [`Error::Busy`] when another process keeps
    /// writing; [`Error::Io`] when the disk refuses, and then nothing was recorded.
    pub async fn insert(&self, run: &Run) -> Result<Inserted, Error> {
        let canonical = run.inputs.canonical();
        let id = RunId::of(&canonical);
        let files = run.files()?;
        let hashes = Hashes::of(files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())));
        let held = acquire(&self.lock, PATIENCE).await?;
        let target = self.runs.join(id.as_str());
        let existed = target.exists();
        if !existed && hidden::folder_of(&self.runs, &id).exists() {
            return Err(Error::Hidden { id });
        }
        if existed {
            let recorded = StoredRun::open(id.clone(), target, None)?;
            let artefacts = recorded.hashes().differences(&hashes);
            if !artefacts.is_empty() {
                return Err(Error::Nondeterminism { id, artefacts });
            }
        } else {
            let (runs, log, steps) = (self.runs.clone(), run.log.clone(), self.steps.clone());
            let (named, sealed) = (id.clone(), hashes.clone());
            // Syncing waits for the disk: not on a thread that others wait for.
            let writing = move || folder::write(&runs, &named, &canonical, &files, &sealed, &log, &steps);
            let written = tokio::task::spawn_blocking(writing).await;
            written.map_err(|error| Error::io("write", &self.runs)(io::Error::other(error)))??;
        }
        self.steps.before(Step::Index).map_err(Error::io("index", &self.runs))?;
        self.index.insert(&id, &hashes.to_json(), &run.inputs, &run.summary, Some(&run.log)).await?;
        self.steps.before(Step::Done).map_err(Error::io("finish", &self.runs))?;
        drop(held);
        Ok(Inserted { id, existed })
    }

    /// The run whose id begins like this.
    ///
    /// # Errors
    /// [`Error::UnknownRun`] and [`Error::AmbiguousRun`] name the choice; [`Error::Damaged`] when its folder or
    /// record is gone; [`Error::Hidden`] while it is replayed.
    pub async fn get(&self, prefix: &str) -> Result<StoredRun, Error> {
        let mut found = if prefix.is_empty() { Vec::new() } else { self.index.find(prefix, 6).await? };
        if found.len() > 1 {
            let candidates = found.iter().map(|(id, _)| distinct(id, &found)).collect();
            return Err(Error::AmbiguousRun { prefix: prefix.to_owned(), candidates });
        }
        match found.pop() {
            Some((id, _)) if hidden::folder_of(&self.runs, &id).exists() => Err(Error::Hidden { id }),
            Some((id, record)) => StoredRun::open(id.clone(), self.runs.join(id.as_str()), Some(&record)),
            None => {
                let latest = self.list(&Filter { limit: Some(3), ..Filter::default() }).await?;
                let latest = latest.iter().map(|row| row.id.short().to_owned()).collect();
                Err(Error::UnknownRun { prefix: prefix.to_owned(), latest })
            }
        }
    }

    /// The runs, the latest recorded first.
    ///
    /// # Errors
    /// [`Error::Index`] when the index cannot be read.
    pub async fn list(&self, filter: &Filter) -> Result<Vec<RunRow>, Error> {
        self.index.list(filter).await
    }

    /// Checks every file of a run against its recorded hash and gives the number of artefacts.
    ///
    /// # Errors
    /// Those of [`RunStore::get`] and [`StoredRun::verify`].
    pub async fn verify(&self, prefix: &str) -> Result<usize, Error> {
        let run = self.get(prefix).await?;
        let verified = tokio::task::spawn_blocking(move || run.verify()).await;
        verified.map_err(|error| Error::io("verify", &self.runs)(io::Error::other(error)))?
    }

    /// Takes the folder of a run out of sight and gives its inputs, so that a replay can prove that it read no results.
    ///
    /// # Errors
    /// Those of [`RunStore::get`] and [`StoredRun::inputs`]; [`Error::Hidden`] when it is hidden already.
    pub async fn hide(&self, prefix: &str) -> Result<HiddenRun, Error> {
        HiddenRun::hide(&self.get(prefix).await?, &self.runs)
    }

    /// Closes the index; the store can be opened again.
    pub async fn close(self) {
        self.index.close().await;
    }

    /// Brings folders and index together. The lock is held: nobody is writing.
    async fn mend(&self) -> Result<Vec<Repair>, Error> {
        let mut repairs = Vec::new();
        let mut indexed = self.index.all().await?;
        let entries = fs::read_dir(&self.runs).map_err(Error::io("read", &self.runs))?;
        let mut names = Vec::new();
        for entry in entries {
            names.push(entry.map_err(Error::io("read", &self.runs))?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        for name in names {
            let folder = self.runs.join(&name);
            if name.starts_with(WRITING) {
                fs::remove_dir_all(&folder).map_err(Error::io("remove", &folder))?;
                repairs.push(Repair::Swept { folder });
            } else if let Some(id) = name.strip_prefix(HIDDEN).and_then(|id| id.parse::<RunId>().ok()) {
                indexed.remove(&id);
                if HiddenRun::restore_abandoned(&self.runs, &id)? {
                    repairs.push(Repair::Restored { id });
                }
            } else if let Ok(id) = name.parse::<RunId>()
                && indexed.remove(&id).is_none()
            {
                repairs.push(match self.reindex(&id, &folder).await {
                    Ok(()) => Repair::Reindexed { id },
                    Err(error @ Error::Index { .. }) => return Err(error),
                    Err(error) => Repair::Unreadable { folder, reason: error.to_string() },
                });
            }
        }
        sync_folder(&self.runs).map_err(Error::io("sync", &self.runs))?;
        repairs.extend(indexed.into_keys().map(|id| Repair::Missing { id }));
        Ok(repairs)
    }

    /// Enters a run that is only a folder, once all of it is found to be as recorded.
    async fn reindex(&self, id: &RunId, folder: &Path) -> Result<(), Error> {
        let run = StoredRun::open(id.clone(), folder.to_owned(), None)?;
        run.verify()?;
        let (inputs, summary, log) = (run.inputs()?, run.summary()?, run.log());
        self.index.insert(id, &run.hashes().to_json(), &inputs, &summary, log.as_ref()).await
    }
}

/// As many digits of an id as tell it from the others, and no fewer than twelve.
fn distinct(id: &RunId, all: &[(RunId, String)]) -> String {
    let shared = |other: &RunId| id.as_str().bytes().zip(other.as_str().bytes()).take_while(|(a, b)| a == b).count();
    let longest = all.iter().filter(|(other, _)| other != id).map(|(other, _)| shared(other)).max().unwrap_or(0);
    id.as_str().chars().take((longest + 1).max(12)).collect()
}

/// Waits for the lock in this file and holds it as long as the file is open.
async fn acquire(path: &Path, patience: Duration) -> Result<File, Error> {
    let file = File::options().create(true).truncate(false).write(true).open(path).map_err(Error::io("open", path))?;
    let began = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(source)) => return Err(Error::io("lock", path)(source)),
            Err(TryLockError::WouldBlock) if began.elapsed() > patience => {
                return Err(Error::Busy { path: path.to_owned(), seconds: patience.as_secs() });
            }
            Err(TryLockError::WouldBlock) => tokio::time::sleep(LOOK).await,
        }
    }
}
