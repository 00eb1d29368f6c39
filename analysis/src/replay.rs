//! Replays a run: computes it again from its inputs alone, and compares.

use std::path::Path;

use estimand_metrics::engine::Resources;
use estimand_metrics::project::Project;
use estimand_stats::Estimates;
use jiff::Timestamp;

use crate::analyze::{self, Request, Target};
use crate::bare::BareFile;
use crate::error::Error;
use crate::keep::as_run;
use crate::provenance::{self, BUILD};
use crate::run::{Fingerprint, Inputs, Log, RunId, RunStore};

/// Numbers of two builds agree when they differ by no more than this, relative to the larger.
pub const TOLERANCE: f64 = 1e-12;

/// What a replay found.
#[derive(Clone, Debug, PartialEq)]
pub struct Replay {
    /// The run.
    pub id: RunId,
    /// The build that recorded it.
    pub recorded_by: String,
    /// How it compares.
    pub outcome: Outcome,
}

/// How a replay compares with the record.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Every byte of every artefact is the same.
    Same {
        /// How many artefacts.
        artefacts: usize,
    },
    /// The same build gave other bytes, which must not be.
    Different {
        /// The artefacts that differ.
        artefacts: Vec<String>,
    },
    /// Another build made the record: bytes may differ, numbers may not.
    OtherBuild {
        /// The largest relative difference of two numbers; `None` when the rows themselves are not the same.
        largest: Option<f64>,
    },
}

impl Outcome {
    /// Whether the record stands.
    pub fn holds(&self) -> bool {
        match self {
            Self::Same { .. } => true,
            Self::Different { .. } => false,
            Self::OtherBuild { largest } => largest.is_some_and(|largest| largest <= TOLERANCE),
        }
    }
}

/// Computes a run again from its inputs, while its results are out of sight, and compares.
///
/// The definitions are those of the record, whatever the project's files say now; the data are read where they are.
///
/// # Errors
/// Those of [`RunStore::hide`]; [`Error::Changed`] when a file that the run read is not what it was; those of
/// [`analyze::analyze`]. The run is put back in every case.
pub async fn replay(
    folder: &Path,
    prefix: &str,
    resources: &Resources,
    say: &(dyn Fn(&str) + Send + Sync),
) -> Result<Replay, Error> {
    let store = RunStore::open(folder).await?;
    say("hiding what was recorded");
    let hidden = store.hide(prefix).await?;
    let inputs = hidden.inputs().clone();
    let request = request(folder, &inputs, resources)?;
    let prepared = match analyze::prepare(&request).await {
        Ok(prepared) => prepared,
        // A file that is gone is a change of what was read, and is said as one.
        Err(error) => return Err(gone(folder, &inputs, hidden.id()).unwrap_or(error)),
    };
    let changed = changed(&inputs.sources, &provenance::fingerprints(&prepared.project, &prepared.opened)?);
    if !changed.is_empty() {
        return Err(Error::Changed { id: hidden.id().short().to_owned(), changed });
    }
    let answered = prepared.answer(&request, say).await?;
    let again = as_run(&answered, Log::default())?;
    say("comparing");
    let recorded = hidden.restore()?;
    let outcome = match again {
        Some(run) if inputs.build == BUILD => {
            let artefacts = recorded.hashes().differences(&run.hashes()?);
            if artefacts.is_empty() {
                Outcome::Same { artefacts: recorded.verify()? }
            } else {
                Outcome::Different { artefacts }
            }
        }
        _ => Outcome::OtherBuild { largest: largest_difference(&recorded.results()?, &answered.estimates) },
    };
    let id = recorded.id().clone();
    store.close().await;
    Ok(Replay { id, recorded_by: inputs.build, outcome })
}

/// The request that these inputs answer.
fn request(folder: &Path, inputs: &Inputs, resources: &Resources) -> Result<Request, Error> {
    let target = match &inputs.file {
        Some(file) => Target::File(Box::new(BareFile { root: folder.to_owned(), ..file.clone() })),
        None => {
            let texts = inputs.definitions.iter().map(|file| (file.path.as_str(), file.text.as_str()));
            let project = Project::of_texts(folder, texts).map_err(|faults| Error::Files(faults.into_vec()))?;
            Target::Experiment {
                project: Box::new(project),
                name: inputs.experiment.clone(),
                change: inputs.change.clone(),
            }
        }
    };
    let parameters = inputs.parameters.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    // A record is read with its hash checked, so an instant that is none was never written.
    let as_of = inputs.as_of.as_ref().and_then(|as_of| as_of.parse::<Timestamp>().ok());
    Ok(Request { target, parameters, as_of, resources: resources.clone(), recorded: true })
}

/// The files of the record that are no longer there, when that is so.
fn gone(folder: &Path, inputs: &Inputs, id: &RunId) -> Option<Error> {
    let gone: Vec<String> = inputs
        .sources
        .iter()
        .filter(|print| !folder.join(&print.location).exists())
        .map(|print| format!("`{}` is gone", print.location))
        .collect();
    (!gone.is_empty()).then(|| Error::Changed { id: id.short().to_owned(), changed: gone })
}

/// The files that are not in both, or not the same in both.
fn changed(recorded: &[Fingerprint], found: &[Fingerprint]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for print in recorded.iter().chain(found) {
        let same = recorded.contains(print) && found.contains(print);
        let name = format!("`{}`", print.location);
        if !same && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The largest relative difference of two tables' numbers; `None` when they do not answer the same questions.
fn largest_difference(one: &Estimates, other: &Estimates) -> Option<f64> {
    let mut largest = 0.0_f64;
    if one.rows.len() != other.rows.len() {
        return None;
    }
    for (one, other) in one.rows.iter().zip(&other.rows) {
        let named = |row: &estimand_stats::Estimate| {
            [&row.metric, &row.arm, &row.scale, &row.segment, &row.period, &row.term, &row.status]
                .map(|text| text.clone().unwrap_or_default())
        };
        if named(one) != named(other) {
            return None;
        }
        let numbers = |row: &estimand_stats::Estimate| {
            [row.estimate, row.std_error, row.conf_low, row.conf_high, row.p_value, row.p_adjusted]
        };
        for pair in numbers(one).into_iter().zip(numbers(other)) {
            match pair {
                (Some(a), Some(b)) if a == b => {}
                (Some(a), Some(b)) => largest = largest.max((a - b).abs() / a.abs().max(b.abs())),
                (None, None) => {}
                _ => return None,
            }
        }
    }
    Some(largest)
}

#[cfg(test)]
mod tests {
    use estimand_stats::Estimate;

    use super::*;

    fn table(estimate: f64) -> Estimates {
        [Estimate { metric: Some("m".to_owned()), estimate: Some(estimate), ..Estimate::default() }]
            .into_iter()
            .collect()
    }

    #[test]
    fn numbers_of_two_builds_are_compared_relatively_and_row_by_row() {
        assert_eq!(largest_difference(&table(2.0), &table(2.0)), Some(0.0));
        assert_eq!(largest_difference(&table(2.0), &table(1.0)), Some(0.5));
        assert_eq!(largest_difference(&table(2.0), &Estimates::default()), None);
    }

    #[test]
    fn a_record_of_another_build_stands_while_its_numbers_do() {
        assert!(Outcome::OtherBuild { largest: Some(1e-13) }.holds());
        assert!(!Outcome::OtherBuild { largest: Some(1e-9) }.holds());
        assert!(!Outcome::OtherBuild { largest: None }.holds());
        assert!(!Outcome::Different { artefacts: vec!["results.arrow".to_owned()] }.holds());
    }

    #[test]
    fn a_file_that_only_one_side_read_is_named_once() {
        let print = |bytes| Fingerprint { location: "data/a.parquet".to_owned(), bytes, ..Fingerprint::default() };
        assert_eq!(changed(&[print(1)], &[print(2)]), ["`data/a.parquet`"]);
        assert!(changed(&[print(1)], &[print(1)]).is_empty());
    }
}
