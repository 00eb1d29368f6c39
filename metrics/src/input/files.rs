//! From a path, a folder or a glob to the files it means.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use super::column::printable;
use crate::definition::{Files, Format};
use crate::fault::{Fault, Place};

/// The most files of one source.
pub const MOST_FILES: usize = 10_000;

/// A file that holds rows, as it was when it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataFile {
    /// Where it is.
    pub path: PathBuf,
    /// What people call it: the path from the project's folder when it lies inside, with `/` between its parts.
    pub name: String,
    /// What told it from another file of that name when it was found.
    pub(crate) stamp: Stamp,
}

/// What changes when a file is replaced or written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) size: u64,
    /// Nanoseconds since 1970.
    pub(crate) modified: i64,
    /// The file's number on its device; 0 where there is none.
    inode: u64,
}

impl Stamp {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        let inode = std::os::unix::fs::MetadataExt::ino(metadata);
        #[cfg(not(unix))]
        let inode = 0;
        let nanoseconds = |duration: std::time::Duration| i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX);
        let modified = metadata.modified().map_or(0, |time| match time.duration_since(UNIX_EPOCH) {
            Ok(after) => nanoseconds(after),
            Err(before) => -nanoseconds(before.duration()),
        });
        Self { size: metadata.len(), modified, inode }
    }
}

impl DataFile {
    /// The file as a place.
    pub fn place(&self) -> Place {
        Place::file(&*self.name)
    }

    /// Opens the file; refused when it is not the one that was found.
    pub(crate) fn open(&self) -> Result<fs::File, Fault> {
        let file = fs::File::open(&self.path).map_err(|error| unreadable(&self.name, &error))?;
        let stamp =
            file.metadata().map(|metadata| Stamp::of(&metadata)).map_err(|error| unreadable(&self.name, &error))?;
        if stamp == self.stamp { Ok(file) } else { Err(self.changed()) }
    }

    /// Whether the file under the path is still the one that was found.
    pub(crate) fn still_same(&self) -> Result<(), Fault> {
        match fs::metadata(&self.path) {
            Ok(metadata) if Stamp::of(&metadata) == self.stamp => Ok(()),
            _ => Err(self.changed()),
        }
    }

    /// The refusal of a file that changed while it was read.
    pub(crate) fn changed(&self) -> Fault {
        Fault::error(
            "metrics::file_changed",
            format!("`{}` was changed, replaced or removed while it was read", self.name),
        )
        .with_place(self.place())
        .with_help("run again when nothing writes to the file, or read a copy of it")
    }
}

/// The refusal of a file that the system does not let us read.
pub(crate) fn unreadable(name: &str, error: &io::Error) -> Fault {
    let why = match error.kind() {
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::NotFound => "no such file".to_owned(),
        _ => error.to_string(),
    };
    Fault::error("metrics::unreadable", format!("cannot read `{name}`: {why}"))
        .with_place(Place::file(name))
        .with_help("check the file and its permissions")
}

/// Files in the order of their names, and what was passed over.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) files: Vec<DataFile>,
    pub(crate) warnings: Vec<Fault>,
}

/// Finds the files of a source.
///
/// A folder means every file of the format in it and in its subfolders; names that begin with `.` or `_` are passed
/// over, as writers of data sets use them for their own marks.
///
/// # Errors
/// Nothing there, too many, a folder with several formats, no permission, something that is not a file, a link that
/// leads nowhere.
pub(crate) fn find(files: &Files, root: &Path) -> Result<Found, Fault> {
    let path = root.join(&files.path);
    let mut search = Search { root, format: files.format, files: Vec::new(), others: Vec::new() };
    match fs::symlink_metadata(&path) {
        Ok(_) => match search.kind(&path)? {
            Kind::Folder => search.folder(&path)?,
            Kind::File(metadata) => search.add(&path, &metadata)?,
        },
        Err(error) if is_absent(&error) && files.path.contains(['*', '?', '[']) => search.glob(files)?,
        Err(error) if is_absent(&error) => return Err(nothing(files, root)),
        Err(error) => return Err(unreadable(&display_name(&path, root), &error)),
    }
    if search.files.is_empty() {
        return Err(search.nothing_of_the_format(files));
    }
    search.finish(files)
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidInput)
}

enum Kind {
    File(Metadata),
    Folder,
}

struct Search<'a> {
    root: &'a Path,
    format: Format,
    files: Vec<DataFile>,
    /// Files of no known format, seen in a folder or matched by a glob.
    others: Vec<String>,
}

impl Search<'_> {
    /// Follows links; what is neither a file nor a folder is never opened, since opening a pipe waits for its writer.
    fn kind(&self, path: &Path) -> Result<Kind, Fault> {
        let name = display_name(path, self.root);
        let metadata = match fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if fs::symlink_metadata(path).is_ok_and(|link| link.is_symlink()) => {
                return Err(broken_link(path, &name, &error));
            }
            Err(error) => return Err(unreadable(&name, &error)),
        };
        if metadata.is_dir() {
            Ok(Kind::Folder)
        } else if metadata.is_file() {
            Ok(Kind::File(metadata))
        } else {
            Err(Fault::error("metrics::not_a_file", format!("`{name}` is a pipe, a socket or a device, not a file"))
                .with_place(Place::file(&*name))
                .with_help("write the rows to a file first"))
        }
    }

    fn add(&mut self, path: &Path, metadata: &Metadata) -> Result<(), Fault> {
        if self.files.len() == MOST_FILES {
            let message = format!("more than {MOST_FILES} files: the most one source may have");
            return Err(Fault::error("metrics::too_many_files", message)
                .with_help("name fewer files by a narrower glob, or write them into larger ones"));
        }
        let name = display_name(path, self.root);
        self.files.push(DataFile { path: path.to_owned(), name, stamp: Stamp::of(metadata) });
        Ok(())
    }

    /// Adds what lies in a folder. Folders under it that are reached by a link are not entered: links can form rings.
    fn folder(&mut self, folder: &Path) -> Result<(), Fault> {
        let fail = |error: &io::Error| unreadable(&display_name(folder, self.root), error);
        let entries: Vec<_> =
            fs::read_dir(folder).and_then(Iterator::collect::<io::Result<_>>).map_err(|e| fail(&e))?;
        for entry in entries {
            if entry.file_name().as_encoded_bytes().starts_with(b".")
                || entry.file_name().as_encoded_bytes().starts_with(b"_")
            {
                continue;
            }
            let path = entry.path();
            let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
            match self.kind(&path)? {
                Kind::Folder if is_link => self.others.push(display_name(&path, self.root)),
                Kind::Folder if entry.file_name().as_encoded_bytes().contains(&b'=') => {
                    return Err(self.partitioned(&path));
                }
                Kind::Folder => self.folder(&path)?,
                Kind::File(_) if suffix_format(&path).is_none() && compression(&path).is_none() => {
                    self.others.push(display_name(&path, self.root));
                }
                Kind::File(metadata) => self.add(&path, &metadata)?,
            }
        }
        Ok(())
    }

    fn glob(&mut self, files: &Files) -> Result<(), Fault> {
        let bad = |why: &str| {
            Fault::error("metrics::no_files", format!("`{}` is not a pattern: {why}", files.path))
                .with_help("use `*`, `?`, `[…]` and `**` between slashes")
        };
        let base = self.root.to_str().ok_or_else(|| bad("the project's folder has a name that is not UTF-8"))?;
        let pattern = match Path::new(&files.path).is_absolute() || base.is_empty() {
            true => files.path.clone(),
            false => format!("{}/{}", glob::Pattern::escape(base.trim_end_matches('/')), files.path),
        };
        // A leading dot is looked for here and not in the options: asked for it, the crate panics on names that are not
        // UTF-8.
        let options = glob::MatchOptions { require_literal_separator: true, ..glob::MatchOptions::new() };
        for found in glob::glob_with(&pattern, options).map_err(|error| bad(error.msg))? {
            let path = found.map_err(|error| unreadable(&display_name(error.path(), self.root), error.error()))?;
            if path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".")) {
                continue;
            }
            match self.kind(&path)? {
                Kind::Folder => self.others.push(display_name(&path, self.root)),
                Kind::File(metadata) => self.add(&path, &metadata)?,
            }
        }
        Ok(())
    }

    fn partitioned(&self, folder: &Path) -> Fault {
        let name = display_name(folder, self.root);
        Fault::error(
            "metrics::partitioned_folder",
            format!("the name of folder `{name}` holds a column, which is not read"),
        )
        .with_place(Place::file(&*name))
        .with_help("write the column into the files, or name the files by a glob, which reads them without it")
    }

    fn nothing_of_the_format(&self, files: &Files) -> Fault {
        if self.others.is_empty() {
            return nothing(files, self.root);
        }
        let mut others = self.others.clone();
        others.sort();
        let message = format!("no {} file under `{}`", files.format.word(), files.path);
        Fault::error("metrics::no_files", message).with_valid("found", others).with_help(format!(
            "name the files by a glob, as in `{}/*.dat`, if they hold {}",
            files.path,
            files.format.word()
        ))
    }

    fn finish(mut self, files: &Files) -> Result<Found, Fault> {
        self.files.sort_by(|a, b| a.path.cmp(&b.path));
        let other =
            self.files.iter().find(|file| suffix_format(&file.path).is_some_and(|format| format != self.format));
        if let Some(other) = other.filter(|_| self.files.len() > 1) {
            let format = suffix_format(&other.path).map_or("", Format::word);
            let wanted = self.format.word();
            let message =
                format!("`{}` is declared {wanted} and holds `{}`, which is {format}", files.path, other.name);
            let help = format!(
                "name the {wanted} files alone by a glob, as in `{}/*.{wanted}`",
                files.path.trim_end_matches('/')
            );
            return Err(Fault::error("metrics::mixed_formats", message).with_place(other.place()).with_help(help));
        }
        let mut warnings = Vec::new();
        if !self.others.is_empty() {
            self.others.sort();
            let message = format!("`{}` also holds files that are not read", files.path);
            warnings.push(Fault::warning("metrics::files_passed_over", message).with_valid("not read", self.others));
        }
        Ok(Found { files: self.files, warnings })
    }
}

fn broken_link(path: &Path, name: &str, error: &io::Error) -> Fault {
    let target = fs::read_link(path).map(|target| display(&target)).unwrap_or_default();
    let message = match error.kind() {
        io::ErrorKind::NotFound => format!("`{name}` is a link to `{target}`, which does not exist"),
        io::ErrorKind::PermissionDenied => format!("`{name}` is a link to `{target}`, which may not be read"),
        // The kind for a ring of links has no stable name yet.
        _ => format!("`{name}` is a link that leads nowhere: {error}"),
    };
    Fault::error("metrics::broken_link", message)
        .with_place(Place::file(name))
        .with_help("mend the link, or name the file itself")
}

/// Nothing is there: what is, nearest name first.
fn nothing(files: &Files, root: &Path) -> Fault {
    let written = Path::new(&files.path);
    let mut there = root.join(written);
    let mut wanted = String::new();
    while !there.is_dir() {
        wanted = there.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if !there.pop() {
            break;
        }
    }
    let mut names: Vec<String> = fs::read_dir(&there)
        .map(|entries| entries.filter_map(Result::ok).map(|entry| display_name(&entry.path(), root)).collect())
        .unwrap_or_default();
    let base = |name: &str| name.rsplit('/').next().unwrap_or(name).to_owned();
    names.retain(|name| !base(name).starts_with('.'));
    names.sort_by_cached_key(|name| (strsim::damerau_levenshtein(&base(name), &wanted), name.clone()));
    let folder = display_name(&there, root);
    let folder = if folder.is_empty() { "the project's folder".to_owned() } else { format!("`{folder}`") };
    let help = match names.first() {
        Some(nearest) if strsim::normalized_damerau_levenshtein(&base(nearest), &wanted) > 0.6 => {
            format!("did you mean `{nearest}`?")
        }
        Some(_) => format!("correct the path; {folder} is the deepest folder of it that exists"),
        None => format!("put the files there; {folder} is empty"),
    };
    Fault::error("metrics::no_files", format!("no file at `{}`", display(written)))
        .with_valid("there are", names)
        .with_help(help)
}

/// The format that a file's suffix tells.
pub(crate) fn suffix_format(path: &Path) -> Option<Format> {
    let suffix = path.extension()?.to_str()?.to_ascii_lowercase();
    match suffix.as_str() {
        "csv" | "psv" | "tab" | "tsv" | "txt" => Some(Format::Csv),
        "json" | "jsonl" | "ndjson" => Some(Format::Ndjson),
        "parq" | "parquet" | "pq" => Some(Format::Parquet),
        _ => None,
    }
}

/// The compression that a file's suffix tells, and the command that undoes it.
pub(crate) fn compression(path: &Path) -> Option<(&'static str, &'static str)> {
    let suffix = path.extension()?.to_str()?.to_ascii_lowercase();
    COMPRESSIONS
        .iter()
        .find(|(suffixes, ..)| suffixes.contains(&suffix.as_str()))
        .map(|(_, _, name, mend)| (*name, *mend))
}

/// The compression that a file's first bytes tell, and the command that undoes it.
pub(crate) fn compression_of(head: &[u8]) -> Option<(&'static str, &'static str)> {
    COMPRESSIONS.iter().find(|(_, magic, ..)| head.starts_with(magic)).map(|(_, _, name, mend)| (*name, *mend))
}

type Compression = (&'static [&'static str], &'static [u8], &'static str, &'static str);

const COMPRESSIONS: [Compression; 5] = [
    (&["bz2"], b"BZh", "bzip2", "bunzip2 -k"),
    (&["gz", "gzip"], b"\x1f\x8b", "gzip", "gunzip -k"),
    (&["xz"], b"\xfd7zXZ\0", "xz", "unxz -k"),
    (&["zip"], b"PK\x03\x04", "zip", "unzip"),
    (&["zst", "zstd"], b"\x28\xb5\x2f\xfd", "zstd", "unzstd"),
];

/// A path for people: from the project's folder when it lies inside.
pub(crate) fn display_name(path: &Path, root: &Path) -> String {
    let inside = path.strip_prefix(root).unwrap_or(path);
    let parts: Vec<String> =
        inside.components().filter(|part| part.as_os_str() != ".").map(|part| display(part.as_ref())).collect();
    let name = parts.join("/");
    // The root of the file system is a part of its own.
    name.strip_prefix("//").map_or(name.clone(), |rest| format!("/{rest}"))
}

/// Bytes that are not UTF-8 and control characters by their escapes.
fn display(path: &Path) -> String {
    let mut text = String::new();
    for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        text.extend(chunk.valid().chars().flat_map(printable));
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}
