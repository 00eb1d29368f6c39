//! The statements of an experiment, or of one metric of it, before any data are read.

use estimand_metrics::definition::Experiment;
use estimand_metrics::engine;
use estimand_metrics::plan::lower::{self, Schemas};
use estimand_metrics::plan::{AsOf, compile};
use estimand_metrics::project::Project;
use jiff::Timestamp;

use crate::error::Error;

/// What is asked of the data, written for a reader.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statements {
    /// The sources that are read, each once.
    pub sources: Vec<String>,
    /// Whether the bounds of caps are found on the way, and stand in the last steps once they are.
    pub bounds_come_later: bool,
    /// The steps in the order in which they run; each reads the ones before it by name.
    pub steps: Vec<Step>,
}

/// One statement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// The name by which later steps read its answer.
    pub name: String,
    /// What it does.
    pub purpose: String,
    /// Its text over several lines, values written as literals.
    pub sql: String,
}

/// The columns of the sources of an experiment, found without reading rows.
///
/// # Errors
/// A parameter without value or default, and every source that cannot be read as declared.
pub async fn columns(project: &Project, experiment: &Experiment) -> Result<Schemas, Error> {
    let bindings = project.bind(experiment, &[]).map_err(|faults| Error::Files(faults.into_vec()))?;
    Ok(engine::outline(project, experiment, &bindings).await?)
}

/// The statements of an experiment, or of only one metric of it, with the parameters' defaults.
///
/// # Errors
/// A parameter without value or default, and an estimator that refuses a metric or an option.
pub fn statements(
    project: &Project,
    experiment: &Experiment,
    metric: Option<&str>,
    columns: &Schemas,
) -> Result<Statements, Error> {
    let bindings = project.bind(experiment, &[]).map_err(|faults| Error::Files(faults.into_vec()))?;
    let mut experiment = experiment.clone();
    if let Some(metric) = metric {
        experiment.metrics.retain(|entry| entry.metric == metric);
    }
    let plan = compile(project, &experiment, &bindings, AsOf::Now(Timestamp::now()))?;
    let specification = &plan.specification;
    let mut steps = lower::preparation(specification, columns);
    steps.push(lower::census(specification));
    steps.push(lower::analysed(specification, &lower::Caps::new()));
    steps.extend(lower::readouts(specification));
    Ok(Statements {
        sources: specification.sources().into_iter().map(str::to_owned).collect(),
        bounds_come_later: specification.has_percentile_cap(),
        steps: steps
            .into_iter()
            .map(|step| Step { sql: formatted(&step.statement.readable), name: step.name, purpose: step.purpose })
            .collect(),
    })
}

/// A statement over several lines, keywords in capitals.
pub fn formatted(sql: &str) -> String {
    let options = sqlformat::FormatOptions { uppercase: Some(true), ..sqlformat::FormatOptions::default() };
    sqlformat::format(sql, &sqlformat::QueryParams::None, &options)
}
