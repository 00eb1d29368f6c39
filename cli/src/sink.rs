//! Where data go: standard output, or a file that appears whole or not at all.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use tempfile::TempPath;

use crate::exit::Failure;

/// A place for data.
pub enum Sink {
    /// Standard output.
    Standard(BufWriter<io::StdoutLock<'static>>),
    /// A file under a temporary name until [`Sink::finish`].
    File {
        /// What is being written.
        file: BufWriter<File>,
        /// The name it has for now; removed when the work ends early.
        temporary: TempPath,
        /// The name it will have.
        path: PathBuf,
    },
}

impl Sink {
    /// Standard output, or the file at `path`, which must not be there unless `force`.
    pub fn open(path: Option<&Path>, force: bool) -> Result<Self, Failure> {
        let Some(path) = path else { return Ok(Self::Standard(BufWriter::new(io::stdout().lock()))) };
        if path.is_dir() {
            return Err(Failure::usage(format!("`{}` is a folder; name a file in it", path.display())));
        }
        if path.exists() && !path.is_file() {
            // To rename a file over a device would take the device away.
            let what = format!("`{}` is a device or a pipe, not a file", path.display());
            return Err(Failure::usage(format!("{what}; leave `--output` out, and send standard output there")));
        }
        if path.exists() && !force {
            return Err(Failure::usage(format!("`{}` is there already; give `--force` to replace it", path.display())));
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let temporary = path.with_file_name(format!(".{name}.{}.part", std::process::id()));
        let file = File::create(&temporary)
            .map_err(|error| Failure::data(format!("cannot write `{}`: {error}", path.display())))?;
        let temporary = TempPath::try_from_path(temporary)?;
        Ok(Self::File { file: BufWriter::new(file), temporary, path: path.to_owned() })
    }

    /// Whether a person is looking at it.
    pub fn is_terminal(&self) -> bool {
        matches!(self, Self::Standard(_)) && io::stdout().is_terminal()
    }

    /// Makes what was written last: flushed, synced and under its own name.
    pub fn finish(self) -> Result<(), Failure> {
        match self {
            Self::Standard(mut standard) => Ok(standard.flush()?),
            Self::File { file, temporary, path } => {
                let written = file.into_inner().map_err(|error| error.into_error()).and_then(|file| file.sync_all());
                let named = written.and_then(|()| temporary.persist(&path).map_err(|error| error.error));
                named.map_err(|error| Failure::data(format!("cannot write `{}`: {error}", path.display())))
            }
        }
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Standard(standard) => standard.write(bytes),
            Self::File { file, .. } => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Standard(standard) => standard.flush(),
            Self::File { file, .. } => file.flush(),
        }
    }
}
