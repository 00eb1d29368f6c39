//! A run before it is stored.

use std::collections::BTreeMap;
use std::io::Cursor;

use arrow::error::ArrowError;
use arrow::ipc::reader::FileReader;
use arrow::ipc::writer::FileWriter;
use estimand_stats::Estimates;
use estimand_stats::verdict::Verdict;
use serde::{Deserialize, Serialize};

use super::{Error, Hashes, Inputs, Log};

/// File names of the record itself.
pub(super) const INPUTS: &str = "inputs.json";
pub(super) const RESULTS: &str = "results.arrow";
pub(super) const SUMMARY: &str = "summary.json";
pub(super) const HASHES: &str = "hashes.json";
pub(super) const LOG: &str = "log.json";

/// A run: what went in, what came out, and when.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Everything that may change a result; its hash is the id.
    pub inputs: Inputs,
    /// The result table.
    pub results: Estimates,
    /// What a list of runs shows.
    pub summary: Summary,
    /// Other artefacts by file name: tables, figures, the page. Equal for equal inputs, so without a clock.
    pub artefacts: BTreeMap<String, Vec<u8>>,
    /// Clock and durations: beside the record, in no hash.
    pub log: Log,
}

/// What a list of runs shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// The name for people.
    pub title: String,
    /// The conclusion.
    pub verdict: Verdict,
}

impl Run {
    /// The hash of each artefact.
    ///
    /// # Errors
    /// [`Error::ArtefactName`] for a name that cannot be a file of a run.
    pub fn hashes(&self) -> Result<Hashes, Error> {
        Ok(Hashes::of(self.files()?.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()))))
    }

    /// Every artefact that is hashed, by file name; the inputs are not among them, their hash is the id.
    ///
    /// # Errors
    /// [`Error::ArtefactName`] for a name that cannot be a file of a run.
    pub(super) fn files(&self) -> Result<BTreeMap<String, Vec<u8>>, Error> {
        if let Some(name) = self.artefacts.keys().find(|name| !is_name(name)) {
            return Err(Error::ArtefactName { name: name.clone() });
        }
        let mut files = self.artefacts.clone();
        files.insert(RESULTS.to_owned(), to_arrow(&self.results));
        // Strings only, which always serialise.
        files.insert(SUMMARY.to_owned(), serde_json::to_vec_pretty(&self.summary).unwrap_or_default());
        Ok(files)
    }
}

/// Whether this can be an artefact: a plain file name in at most one folder, and none of the record's own.
fn is_name(name: &str) -> bool {
    let plain = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-.".contains(c))
    };
    name.split('/').count() <= 2
        && name.split('/').all(plain)
        && ![INPUTS, RESULTS, SUMMARY, HASHES, LOG].contains(&name)
}

/// The table as an Arrow file.
fn to_arrow(results: &Estimates) -> Vec<u8> {
    let written = || -> Result<Vec<u8>, ArrowError> {
        let mut writer = FileWriter::try_new(Vec::new(), &Estimates::schema())?;
        writer.write(&results.to_batch()?)?;
        writer.into_inner()
    };
    // Into memory, with the table's own schema: nothing here can fail.
    written().unwrap_or_default()
}

/// The table of an Arrow file.
pub(super) fn from_arrow(bytes: &[u8]) -> Result<Estimates, ArrowError> {
    let mut results = Estimates::default();
    for batch in FileReader::try_new(Cursor::new(bytes), None)? {
        results.append(Estimates::from_batch(&batch?)?);
    }
    Ok(results)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_artefacts_stay_inside_the_folder() {
        for name in ["daily.arrow", "figures/forest-0.json", "report.html"] {
            assert!(is_name(name), "{name}");
        }
        for name in
            ["", "../x", "/x", "a/b/c", "a//b", ".hidden", "a/.b", "Report.html", "a b", "results.arrow", "a\\b"]
        {
            assert!(!is_name(name), "{name}");
        }
    }

    #[test]
    fn results_survive_their_file() {
        let row = estimand_stats::Estimate { estimate: Some(0.1 + 0.2), ..Default::default() };
        let results: Estimates = [row].into_iter().collect();
        assert_eq!(from_arrow(&to_arrow(&results)).unwrap(), results);
        assert_eq!(from_arrow(&to_arrow(&Estimates::default())).unwrap(), Estimates::default());
    }
}
