//! The files of a project's folder, read once.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::fault::{Fault, Place};
use crate::reading::document::LARGEST_FILE;

/// The folders of definitions, in the order in which they are read.
pub(crate) const FOLDERS: [&str; 3] = ["sources", "metrics", "experiments"];

/// The name of the project's own file.
pub(crate) const MANIFEST: &str = "estimand.toml";

/// Most files of a project, and deepest folder below `sources`, `metrics`, `experiments`.
const MOST_FILES: usize = 10_000;
const DEEPEST_FOLDER: usize = 8;

/// How often the folder is read anew when it changes under the reader.
const ATTEMPTS: usize = 3;

/// A file as it was read.
#[derive(Clone, Debug)]
pub(crate) struct FileRead {
    /// Path from the project's folder, with `/` between its parts.
    pub(crate) path: String,
    pub(crate) bytes: Vec<u8>,
    stamp: Stamp,
}

type Stamp = (u64, Option<SystemTime>);

impl FileRead {
    /// A file that stands in no folder.
    pub(crate) fn of_text(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), bytes: text.as_bytes().to_vec(), stamp: (text.len() as u64, None) }
    }
}

/// Reads the manifest and every definition, at one moment: when a file changes meanwhile, all are read anew.
pub(crate) fn read(root: &Path, faults: &mut Vec<Fault>) -> Vec<FileRead> {
    for attempt in 1..=ATTEMPTS {
        let mut found = Vec::new();
        let files = read_once(root, &mut found);
        let changed = files.iter().find(|file| stamp(&root.join(&file.path)) != Some(file.stamp));
        match changed {
            None => {
                faults.extend(found);
                return files;
            }
            Some(file) if attempt == ATTEMPTS => {
                faults.extend(found);
                let fault = Fault::error("metrics::unreadable", format!("`{}` changes while it is read", file.path))
                    .with_place(Place::file(&file.path))
                    .with_help("try again when nothing writes to the project");
                faults.push(fault);
                return files;
            }
            Some(_) => {}
        }
    }
    Vec::new()
}

fn read_once(root: &Path, faults: &mut Vec<Fault>) -> Vec<FileRead> {
    let mut files = Vec::new();
    let real = fs::canonicalize(root).unwrap_or_else(|_| root.to_owned());
    let manifest = root.join(MANIFEST);
    if fs::symlink_metadata(&manifest).is_ok() {
        files.extend(read_file(&real, &manifest, MANIFEST, faults));
    } else {
        let fault = Fault::error("metrics::no_project", format!("there is no `{MANIFEST}` in this folder"))
            .with_place(Place::file(MANIFEST))
            .with_help("start a project with `estimand init`, or name its folder with --project");
        faults.push(fault);
        return files;
    }
    for folder in FOLDERS {
        walk(&real, &root.join(folder), folder, 0, &mut files, faults);
    }
    files
}

fn walk(real: &Path, folder: &Path, path: &str, depth: usize, files: &mut Vec<FileRead>, faults: &mut Vec<Fault>) {
    let refuse =
        |code, message: String, help: &str| Fault::error(code, message).with_place(Place::file(path)).with_help(help);
    match fs::symlink_metadata(folder) {
        // A project without, say, experiments is a project.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
        Err(error) => {
            faults.push(unreadable(path, &error));
            return;
        }
        Ok(metadata) if metadata.is_symlink() => {
            faults.push(refuse(
                "metrics::link",
                format!("`{path}` is a link to a folder, and such links are not followed"),
                "put the folder itself here",
            ));
            return;
        }
        Ok(metadata) if !metadata.is_dir() => {
            faults.push(refuse(
                "metrics::not_a_file",
                format!("`{path}` is not a folder"),
                "make it a folder of .toml files",
            ));
            return;
        }
        Ok(_) => {}
    }
    if depth > DEEPEST_FOLDER {
        faults.push(refuse(
            "metrics::too_large",
            format!("`{path}` is more than {DEEPEST_FOLDER} folders deep"),
            "move its files up",
        ));
        return;
    }
    let entries = match fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>) {
        Ok(entries) => entries,
        Err(error) => {
            faults.push(unreadable(path, &error));
            return;
        }
    };
    let mut entries: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
    entries.sort();
    for entry in entries {
        let Some(name) = entry.file_name().and_then(|name| name.to_str()) else {
            let shown = entry.file_name().unwrap_or_default().to_string_lossy().into_owned();
            faults.push(refuse(
                "metrics::bad_name",
                format!("the name of `{}` is not UTF-8", shown.escape_debug()),
                "rename the file",
            ));
            continue;
        };
        // Editors and systems keep their own files under names that start with a dot.
        if name.starts_with('.') {
            continue;
        }
        let path = format!("{path}/{name}");
        let suffix = name.rsplit_once('.').map_or("", |(_, suffix)| suffix);
        if suffix == "toml" {
            if files.len() >= MOST_FILES {
                faults.push(refuse("metrics::too_large", format!("more than {MOST_FILES} files"), "split the project"));
                return;
            }
            files.extend(read_file(real, &entry, &path, faults));
        } else if fs::symlink_metadata(&entry)
            .is_ok_and(|metadata| metadata.is_dir() || (metadata.is_symlink() && entry.is_dir()))
        {
            walk(real, &entry, &path, depth + 1, files, faults);
        } else if ["toml", "tml", "yaml", "yml", "json"].iter().any(|known| suffix.eq_ignore_ascii_case(known)) {
            let fault = Fault::warning("metrics::not_read", format!("`{path}` is not read"))
                .with_place(Place::file(&path))
                .with_help("definitions are files that end in .toml");
            faults.push(fault);
        }
    }
}

fn read_file(real: &Path, file: &Path, path: &str, faults: &mut Vec<Fault>) -> Option<FileRead> {
    let mut refuse = |code, message: String, help: &str| {
        faults.push(Fault::error(code, message).with_place(Place::file(path)).with_help(help));
        None
    };
    let metadata = match fs::metadata(file) {
        Ok(metadata) => metadata,
        Err(error) if fs::symlink_metadata(file).is_ok_and(|metadata| metadata.is_symlink()) => {
            return refuse(
                "metrics::link",
                format!("the link `{path}` leads nowhere: {error}"),
                "mend the link, or put the file itself here",
            );
        }
        Err(error) => {
            faults.push(unreadable(path, &error));
            return None;
        }
    };
    // Opening a pipe would wait for its writer, so the kind is asked first.
    if !metadata.is_file() {
        let what = if metadata.is_dir() { "a folder" } else { "a pipe or a device" };
        return refuse(
            "metrics::not_a_file",
            format!("`{path}` is {what}, not a file"),
            "rename it, or put a file in its place",
        );
    }
    match fs::canonicalize(file) {
        Ok(target) if !target.starts_with(real) => {
            return refuse(
                "metrics::link",
                format!("the link `{path}` leads out of the project"),
                "copy the file into the project",
            );
        }
        Ok(_) => {}
        Err(error) => {
            faults.push(unreadable(path, &error));
            return None;
        }
    }
    let mut bytes = Vec::new();
    let limit = u64::try_from(LARGEST_FILE).unwrap_or(u64::MAX) + 1;
    let read = fs::File::open(file).and_then(|open| open.take(limit).read_to_end(&mut bytes));
    if let Err(error) = read {
        faults.push(unreadable(path, &error));
        return None;
    }
    Some(FileRead { path: path.to_owned(), bytes, stamp: (metadata.len(), metadata.modified().ok()) })
}

fn stamp(file: &Path) -> Option<Stamp> {
    fs::metadata(file).ok().map(|metadata| (metadata.len(), metadata.modified().ok()))
}

fn unreadable(path: &str, error: &std::io::Error) -> Fault {
    let why = match error.kind() {
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    };
    Fault::error("metrics::unreadable", format!("`{path}` cannot be read: {why}"))
        .with_place(Place::file(path))
        .with_help("give yourself the right to read it, or move it out of the project")
}
