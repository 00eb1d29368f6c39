//! What is asked of the data, written for a reader, before anything is read.

use std::fmt;

use estimand_metrics::definition::Experiment;
use estimand_metrics::engine;
use estimand_metrics::plan::lower::{self, Schemas};
use estimand_metrics::plan::{AsOf, Plan, compile};
use estimand_metrics::project::Project;
use jiff::Timestamp;

use crate::error::Error;

/// The statements of a plan in the order in which they run; written out, they can be pasted elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statements {
    /// The sources that are read, each once.
    pub sources: Vec<String>,
    /// Whether the bounds of caps are found on the way, and stand in the last steps once they are.
    pub bounds_come_later: bool,
    /// Each reads the ones before it by name.
    pub steps: Vec<Step>,
}

/// One statement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// The name by which later steps read its answer.
    pub name: String,
    /// What it does.
    pub purpose: String,
    /// Its text over several lines, keywords in capitals, values written as literals.
    pub sql: String,
}

impl Statements {
    /// The statements of a plan over sources with these columns.
    pub fn of(plan: &Plan, columns: &Schemas) -> Self {
        let specification = &plan.specification;
        let mut steps = lower::preparation(specification, columns);
        steps.push(lower::census(specification, columns));
        steps.push(lower::analysed(specification, &lower::Caps::new()));
        steps.extend(lower::readouts(specification));
        let options = sqlformat::FormatOptions { uppercase: Some(true), ..sqlformat::FormatOptions::default() };
        let formatted = |step: lower::Step| Step {
            sql: sqlformat::format(&step.statement.readable, &sqlformat::QueryParams::None, &options),
            name: step.name,
            purpose: step.purpose,
        };
        Self {
            sources: specification.sources().into_iter().map(str::to_owned).collect(),
            bounds_come_later: specification.has_percentile_cap(),
            steps: steps.into_iter().map(formatted).collect(),
        }
    }

    /// The statements of one metric of an experiment, as if it were the only one, with the defaults of parameters.
    ///
    /// # Errors
    /// A parameter without value or default, and an estimator that refuses the metric or an option.
    pub fn of_metric(
        project: &Project,
        experiment: &Experiment,
        metric: &str,
        columns: &Schemas,
    ) -> Result<Self, Error> {
        let bindings = project.bind(experiment, &[]).map_err(|faults| Error::Files(faults.into_vec()))?;
        let mut experiment = experiment.clone();
        experiment.metrics.retain(|entry| entry.metric == metric);
        let plan = compile(project, &experiment, &bindings, AsOf::Now(Timestamp::now()))?;
        Ok(Self::of(&plan, columns))
    }
}

/// The columns of the sources of an experiment, found without reading rows, with the defaults of parameters.
///
/// # Errors
/// A parameter without value or default, and every source that cannot be read as declared.
pub async fn columns(project: &Project, experiment: &Experiment) -> Result<Schemas, Error> {
    let bindings = project.bind(experiment, &[]).map_err(|faults| Error::Files(faults.into_vec()))?;
    Ok(engine::outline(project, experiment, &bindings).await?)
}

impl fmt::Display for Statements {
    /// Writes SQL: the statements one after the other, each under a comment that says what it does.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "-- Read: {}.", self.sources.join(", "))?;
        if self.bounds_come_later {
            writeln!(
                f,
                "-- Bounds of percentile caps are found after step `unit_table` and stand in step `analysed`."
            )?;
        }
        for step in &self.steps {
            writeln!(f, "\n-- {}: {}\n{};", step.name, step.purpose, step.sql)?;
        }
        Ok(())
    }
}
