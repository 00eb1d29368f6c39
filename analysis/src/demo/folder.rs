//! A project's folder that appears whole or not at all.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::Error;

/// A folder being written. Until [`Folder::finish`] it has another name beside its own, and dropping it removes it.
#[derive(Debug)]
pub(super) struct Folder {
    scratch: TempDir,
    place: PathBuf,
}

impl Folder {
    /// Starts a folder at a place where nothing is, or an empty folder.
    pub(super) fn start(place: &Path) -> Result<Self, Error> {
        let taken = match fs::read_dir(place) {
            Ok(mut entries) => entries.next().is_some(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => true,
            Err(source) => return Err(Error::Read { path: place.to_owned(), source }),
        };
        if taken {
            return Err(Error::FolderInUse { folder: place.to_owned() });
        }
        // Beside its place, so that the last step is a rename within one file system.
        let beside = match place.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        let cannot = |source| Error::Write { path: beside.to_owned(), source };
        fs::create_dir_all(beside).map_err(cannot)?;
        let scratch = tempfile::Builder::new().prefix(".estimand-demo-").tempdir_in(beside).map_err(cannot)?;
        Ok(Self { scratch, place: place.to_owned() })
    }

    /// Writes a text file at a path of the folder, and the folders above it.
    pub(super) fn text(&self, path: &str, text: &str) -> Result<(), Error> {
        let file = self.path(path)?;
        fs::write(&file, text).map_err(|source| Error::Write { path: self.place.join(path), source })
    }

    /// Where a file of the folder is to be written now; the folders above it exist.
    pub(super) fn path(&self, path: &str) -> Result<PathBuf, Error> {
        let file = self.scratch.path().join(path);
        if let Some(above) = file.parent() {
            fs::create_dir_all(above).map_err(|source| Error::Write { path: self.place.join(path), source })?;
        }
        Ok(file)
    }

    /// Where a file of the folder will be, for messages.
    pub(super) fn place(&self, path: &str) -> PathBuf {
        self.place.join(path)
    }

    /// Puts the folder at its place.
    pub(super) fn finish(self) -> Result<(), Error> {
        let cannot = |source| Error::Write { path: self.place.clone(), source };
        // An empty folder is in the way of a rename on some systems.
        match fs::remove_dir(&self.place) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(cannot(error)),
            _ => {}
        }
        fs::rename(self.scratch.path(), &self.place).map_err(cannot)?;
        // The folder is no longer where it would be deleted from.
        let _ = self.scratch.keep();
        // Scratch folders are private to their owner; a project is not.
        readable(&self.place).map_err(cannot)
    }
}

#[cfg(unix)]
fn readable(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn readable(_: &Path) -> io::Result<()> {
    Ok(())
}
