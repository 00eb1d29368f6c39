//! Keeps an answer as a run, and reads it back.

use std::collections::BTreeMap;
use std::path::Path;

use crate::answered::Answered;
use crate::error::Error;
use crate::report::{self, PlotlyMode, ReportModel};
use crate::run::{Inserted, Log, Run, RunStore, StoredRun, Summary};

/// Name of the artefact that holds the report before it is a page.
pub const REPORT: &str = "report.json";
/// Name of the artefact that is the page. It loads [`report::PLOTLY_FILE`] from its own folder, and is complete without it.
pub const PAGE: &str = "report.html";

/// Keeps an answer in the `.estimand` folder of a project; the same answer is kept once.
///
/// - **Needs** an answer to a request with `recorded`, whose rows name the run.
/// - **Gives** the run's id; `None` for the answer to summary numbers, which has no inputs to be found again.
///
/// # Errors
/// Those of [`RunStore::open`] and [`RunStore::insert`].
pub async fn keep(answered: &Answered, folder: &Path, command: &[String]) -> Result<Option<Inserted>, Error> {
    let log = Log { command: command.join(" "), ..answered.log.clone() };
    let Some(run) = as_run(answered, log)? else { return Ok(None) };
    let store = RunStore::open(folder).await?;
    let inserted = store.insert(&run).await;
    store.close().await;
    Ok(Some(inserted?))
}

/// The run that an answer is.
///
/// # Errors
/// A report that cannot be rendered: a fault of ours.
pub fn as_run(answered: &Answered, log: Log) -> Result<Option<Run>, Error> {
    let Some(inputs) = answered.inputs.clone() else { return Ok(None) };
    let page = report::render(&answered.report, PlotlyMode::Link)?;
    // Plain values with string keys, which always serialise.
    let model = serde_json::to_vec(&answered.report).unwrap_or_default();
    Ok(Some(Run {
        inputs,
        results: answered.estimates.clone(),
        summary: Summary { title: answered.report.header.label.clone(), verdict: answered.verdict.clone() },
        artefacts: BTreeMap::from([(PAGE.to_owned(), page.into_bytes()), (REPORT.to_owned(), model)]),
        log,
    }))
}

/// The answer that a run holds.
///
/// # Errors
/// [`Error::Run`] when a file of the run was changed or cannot be read.
pub fn answer_of(run: &StoredRun) -> Result<Answered, Error> {
    let model: ReportModel = serde_json::from_slice(&run.artefact(REPORT)?).map_err(|error| {
        crate::run::Error::Unreadable { path: run.folder().join(REPORT), reason: error.to_string() }
    })?;
    let answered = Answered::of_report(model, run.summary()?.verdict)?;
    Ok(Answered { inputs: Some(run.inputs()?), log: run.log().unwrap_or_default(), ..answered })
}
