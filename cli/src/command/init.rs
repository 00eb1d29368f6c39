//! `estimand init`: a project to start from.

use std::path::PathBuf;

use estimand_analysis::demo::trial;

use crate::exit::{ExitCode, Failure};

/// Arguments of `estimand init`.
#[derive(Debug, clap::Args)]
pub struct Init {
    /// The folder to write; it must be empty or not be there.
    folder: PathBuf,
}

impl Init {
    /// Writes a small project that runs, with a comment beside every choice.
    pub fn run(&self) -> Result<ExitCode, Failure> {
        if std::fs::read_dir(&self.folder).is_ok_and(|mut entries| entries.next().is_some()) {
            return Err(Failure::usage(format!("`{}` is not empty; name another folder", self.folder.display())));
        }
        trial::write(&self.folder).map_err(Failure::data)?;
        eprintln!("wrote a project to {}; next: estimand check --project {0}", self.folder.display());
        Ok(ExitCode::Done)
    }
}
