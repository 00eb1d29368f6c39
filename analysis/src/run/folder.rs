//! Folders of runs: written whole or not at all, and read with their hashes checked.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use estimand_stats::Estimates;
use serde::de::DeserializeOwned;

use super::hashes::hash;
use super::record::{HASHES, INPUTS, LOG, RESULTS, SUMMARY, from_arrow};
use super::step::{Step, Steps};
use super::{Error, Hashes, Inputs, Log, RunId, Summary};

/// Beginning of the name of a folder that is being written.
pub(super) const WRITING: &str = ".writing-";
/// Beginning of the name of a run whose results are hidden.
pub(super) const HIDDEN: &str = ".hidden-";

/// Writes the folder of a run under a temporary name, and gives it its own once all of it is on the disk.
///
/// On an error the temporary folder is taken away again; what a kill leaves behind is swept when the store is opened.
pub(super) fn write(
    runs: &Path,
    id: &RunId,
    canonical: &[u8],
    files: &BTreeMap<String, Vec<u8>>,
    hashes: &Hashes,
    log: &Log,
    steps: &Steps,
) -> Result<(), Error> {
    let temporary = runs.join(format!("{WRITING}{id}"));
    if temporary.exists() {
        // Of a process that ended while this one had the store open: the lock is ours, so nobody is writing there.
        fs::remove_dir_all(&temporary).map_err(Error::io("remove", &temporary))?;
    }
    let written = write_and_rename(runs, &temporary, id, canonical, files, hashes, log, steps);
    if written.is_err() {
        // The error that counts is the first one; what cannot be removed now is swept later.
        let _ = fs::remove_dir_all(&temporary);
    }
    written
}

#[expect(clippy::too_many_arguments, reason = "the parts of one record, named by its only caller")]
fn write_and_rename(
    runs: &Path,
    temporary: &Path,
    id: &RunId,
    canonical: &[u8],
    files: &BTreeMap<String, Vec<u8>>,
    hashes: &Hashes,
    log: &Log,
    steps: &Steps,
) -> Result<(), Error> {
    steps.before(Step::Create).and_then(|()| fs::create_dir(temporary)).map_err(Error::io("create", temporary))?;
    steps.before(Step::Write).map_err(Error::io("write", temporary))?;
    let mut folders = BTreeSet::from([temporary.to_owned()]);
    let record = [(INPUTS, canonical), (HASHES, &hashes.to_json())];
    for (name, bytes) in files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).chain(record) {
        let path = temporary.join(name);
        if let Some(folder) = path.parent().filter(|folder| folders.insert(folder.to_path_buf())) {
            fs::create_dir(folder).map_err(Error::io("create", folder))?;
        }
        write_synced(&path, bytes).map_err(Error::io("write", &path))?;
    }
    let path = temporary.join(LOG);
    // Strings and numbers only, which always serialise.
    let bytes = serde_json::to_vec_pretty(log).unwrap_or_default();
    steps.before(Step::Log).and_then(|()| write_synced(&path, &bytes)).map_err(Error::io("write", &path))?;
    for folder in &folders {
        steps.before(Step::SyncFolder).and_then(|()| sync_folder(folder)).map_err(Error::io("sync", folder))?;
    }
    let target = runs.join(id.as_str());
    steps.before(Step::Rename).and_then(|()| fs::rename(temporary, &target)).map_err(Error::io("name", &target))?;
    steps.before(Step::SyncRuns).and_then(|()| sync_folder(runs)).map_err(Error::io("sync", runs))
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Makes names inside a folder last through a loss of power.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    // Elsewhere a folder cannot be opened as a file, and renames are journalled.
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// A run in its folder. Every file is checked against its recorded hash when it is read.
#[derive(Debug, Clone)]
pub struct StoredRun {
    id: RunId,
    folder: PathBuf,
    hashes: Hashes,
}

impl StoredRun {
    /// The run in this folder, whose record has this hash when it is known.
    pub(super) fn open(id: RunId, folder: PathBuf, record: Option<&str>) -> Result<Self, Error> {
        let path = folder.join(HASHES);
        let damaged = |fault: String| Error::Damaged { id: id.clone(), faults: vec![fault] };
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let lost =
                    if folder.exists() { format!("{HASHES} is missing") } else { "its folder is missing".to_owned() };
                return Err(damaged(lost));
            }
            Err(error) => return Err(Error::io("read", &path)(error)),
        };
        if record.is_some_and(|record| record != hash(&bytes)) {
            return Err(damaged(format!("{HASHES} was changed")));
        }
        let hashes = serde_json::from_slice(&bytes).map_err(|_| damaged(format!("{HASHES} was changed")))?;
        Ok(Self { id, folder, hashes })
    }

    /// Its id.
    pub fn id(&self) -> &RunId {
        &self.id
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The hashes of its artefacts.
    pub fn hashes(&self) -> &Hashes {
        &self.hashes
    }

    /// Its inputs.
    ///
    /// # Errors
    /// [`Error::Damaged`] when their hash is not its id.
    pub fn inputs(&self) -> Result<Inputs, Error> {
        let bytes = self.read(INPUTS)?;
        if RunId::of(&bytes) != self.id {
            return Err(self.damaged(vec![format!("{INPUTS} was changed")]));
        }
        self.parse(INPUTS, &bytes)
    }

    /// Its result table.
    ///
    /// # Errors
    /// [`Error::Damaged`] when its hash is not the recorded one.
    pub fn results(&self) -> Result<Estimates, Error> {
        let bytes = self.artefact(RESULTS)?;
        from_arrow(&bytes)
            .map_err(|error| Error::Unreadable { path: self.folder.join(RESULTS), reason: error.to_string() })
    }

    /// What a list of runs shows of it.
    ///
    /// # Errors
    /// [`Error::Damaged`] when its hash is not the recorded one.
    pub fn summary(&self) -> Result<Summary, Error> {
        self.parse(SUMMARY, &self.artefact(SUMMARY)?)
    }

    /// Its log; `None` when it was lost, which harms nothing else.
    pub fn log(&self) -> Option<Log> {
        serde_json::from_slice(&fs::read(self.folder.join(LOG)).ok()?).ok()
    }

    /// An artefact by file name.
    ///
    /// # Errors
    /// [`Error::UnknownArtefact`], or [`Error::Damaged`] when its hash is not the recorded one.
    pub fn artefact(&self, name: &str) -> Result<Vec<u8>, Error> {
        let Some(recorded) = self.hashes.get(name) else {
            let known = self.hashes.names().map(str::to_owned).collect();
            return Err(Error::UnknownArtefact { id: self.id.clone(), name: name.to_owned(), known });
        };
        let bytes = self.read(name)?;
        if hash(&bytes) == recorded { Ok(bytes) } else { Err(self.damaged(vec![format!("{name} was changed")])) }
    }

    /// Checks every file against its recorded hash and gives the number of artefacts.
    ///
    /// # Errors
    /// [`Error::Damaged`] with every file that was changed, is missing, or was added.
    pub fn verify(&self) -> Result<usize, Error> {
        let mut faults = Vec::new();
        match self.inputs() {
            Err(Error::Damaged { faults: found, .. }) => faults.extend(found),
            other => drop(other?),
        }
        for name in self.hashes.names() {
            match self.artefact(name) {
                Err(Error::Damaged { faults: found, .. }) => faults.extend(found),
                other => drop(other?),
            }
        }
        for name in files_of(&self.folder)? {
            if self.hashes.get(&name).is_none() && ![INPUTS, HASHES, LOG].contains(&name.as_str()) {
                faults.push(format!("{name} was added"));
            }
        }
        if faults.is_empty() { Ok(self.hashes.names().count()) } else { Err(self.damaged(faults)) }
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, Error> {
        let path = self.folder.join(name);
        fs::read(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => self.damaged(vec![format!("{name} is missing")]),
            _ => Error::io("read", &path)(error),
        })
    }

    fn parse<T: DeserializeOwned>(&self, name: &str, bytes: &[u8]) -> Result<T, Error> {
        serde_json::from_slice(bytes)
            .map_err(|error| Error::Unreadable { path: self.folder.join(name), reason: error.to_string() })
    }

    fn damaged(&self, faults: Vec<String>) -> Error {
        Error::Damaged { id: self.id.clone(), faults }
    }
}

/// The files of a folder and of the folders in it, by name with `/`.
fn files_of(folder: &Path) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    let mut waiting = vec![(folder.to_owned(), String::new())];
    while let Some((folder, before)) = waiting.pop() {
        for entry in fs::read_dir(&folder).map_err(Error::io("read", &folder))? {
            let entry = entry.map_err(Error::io("read", &folder))?;
            let name = format!("{before}{}", entry.file_name().to_string_lossy());
            if entry.path().is_dir() {
                waiting.push((entry.path(), format!("{name}/")));
            } else {
                names.push(name);
            }
        }
    }
    names.sort();
    Ok(names)
}
