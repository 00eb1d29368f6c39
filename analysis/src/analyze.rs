//! One analysis from definitions to an answer, on one page.

use std::collections::BTreeMap;
use std::path::PathBuf;

use estimand_metrics::collect::{self, Collected};
use estimand_metrics::definition::{Experiment, OptionValue};
use estimand_metrics::engine::{self, Resources};
use estimand_metrics::plan::lower::Step;
use estimand_metrics::plan::{AsOf, Plan, compile};
use estimand_metrics::project::Project;
use jiff::Timestamp;

use crate::answered::Answered;
use crate::bare::{BareFile, SOURCE};
use crate::summary::Summary;
use crate::{answer, conclude, error::Error, health};

/// What is asked.
#[derive(Debug)]
pub struct Request {
    /// Of what.
    pub target: Target,
    /// Values of parameters as they were written.
    pub parameters: Vec<(String, String)>,
    /// Nothing at or after it is read; see [`AsOf`] for what holds without it.
    pub as_of: Option<Timestamp>,
    /// What the engine may use; never changes a result.
    pub resources: Resources,
    /// The command that was given, for the record.
    pub command: Vec<String>,
}

/// Of what an analysis is asked.
#[derive(Debug)]
pub enum Target {
    /// An experiment of a project, perhaps changed for this once.
    Experiment {
        /// The project.
        project: Box<Project>,
        /// Name of the experiment.
        name: String,
        /// What is changed.
        change: Change,
    },
    /// A file without a project.
    File(BareFile),
}

/// What the command line changes of an experiment for one analysis.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Change {
    /// Only these metrics, when there are any.
    pub metrics: Vec<String>,
    /// Only these dimensions, when there are any.
    pub dimensions: Vec<String>,
    /// Another estimator.
    pub estimator: Option<String>,
    /// More options.
    pub options: BTreeMap<String, String>,
    /// Another level.
    pub level: Option<f64>,
}

/// An analysis that is compiled and has its sources open, before anything is read.
pub struct Prepared {
    /// The project, or what a bare file amounts to.
    pub project: Project,
    /// What is asked.
    pub plan: Plan,
    /// The engine with the sources open.
    pub opened: engine::Opened,
}

/// Analyses: definitions → plan → statistics → estimates → checks → conclusion.
///
/// # Errors
/// Everything that is wrong with the files at once, else the first thing that is wrong with the data.
pub async fn analyze(request: &Request, say: &(dyn Fn(&str) + Send + Sync)) -> Result<Answered, Error> {
    say("reading definitions");
    let prepared = prepare(request).await?;
    let Prepared { project, plan, opened } = &prepared;
    let progress = |step: &Step| say(&step.purpose);
    let collected: Collected = collect::collect(&opened.engine, plan, &progress).await?;
    opened.unchanged()?;
    say("estimating");
    let mut estimates = answer::overall(plan, &collected)?;
    let segments = answer::by_segment(plan, &collected)?;
    let days = answer::by_day(plan, &collected)?;
    let checks = health::checks(plan, &collected, &estimates);
    estimates.append(segments);
    estimates.append(days);
    conclude::conclude(conclude::Material { request, project, plan, opened, collected: &collected, estimates, checks })
}

/// Compiles what is asked and opens what it reads.
///
/// # Errors
/// As [`analyze`], without the data's rows.
pub async fn prepare(request: &Request) -> Result<Prepared, Error> {
    let (project, experiment) = match &request.target {
        Target::Experiment { project, name, change } => {
            let experiment = project
                .experiment(name)
                .ok_or_else(|| Error::UnknownExperiment { name: name.clone(), known: known(project) })?;
            ((**project).clone(), change.apply(experiment)?)
        }
        Target::File(file) => {
            let file = with_arms(file, &request.resources).await?;
            let project = file.project().map_err(Error::Files)?;
            let experiment = project.experiments().values().next().cloned();
            let experiment = experiment
                .ok_or_else(|| Error::UnknownExperiment { name: SOURCE.to_owned(), known: "none".to_owned() })?;
            (project, experiment)
        }
    };
    let bindings = project.bind(&experiment, &request.parameters).map_err(|faults| Error::Files(faults.into_vec()))?;
    let as_of = request.as_of.map_or_else(|| AsOf::Now(Timestamp::now()), AsOf::At);
    let plan = compile(&project, &experiment, &bindings, as_of)?;
    let opened = engine::open(&project, &experiment, &bindings, &request.resources).await?;
    let faults = opened.check(&project, &plan);
    if !faults.is_empty() {
        return Err(Error::Files(faults));
    }
    Ok(Prepared { project, plan, opened })
}

/// Analyses summary numbers.
///
/// # Errors
/// As [`Summary::estimate`], and what a conclusion refuses.
pub fn summarised(summary: &Summary) -> Result<Answered, Error> {
    conclude::of_summary(summary, summary.estimate()?)
}

fn known(project: &Project) -> String {
    let names: Vec<String> = project.experiments().keys().map(|name| format!("`{name}`")).collect();
    if names.is_empty() { "none; add experiments/NAME.toml".to_owned() } else { names.join(", ") }
}

/// The arms that a bare file holds: the control must be named, the rest follow in alphabetical order.
async fn with_arms(file: &BareFile, resources: &Resources) -> Result<BareFile, Error> {
    let first = BareFile { control: "control".to_owned(), treatments: vec!["treatment".to_owned()], ..file.clone() };
    let project = first.project().map_err(Error::Files)?;
    let arms = engine::values_of(&project, SOURCE, &file.arm, resources).await?;
    let listed = || arms.iter().map(|(arm, units)| format!("`{arm}` ({units} rows)")).collect::<Vec<_>>().join(", ");
    if !arms.iter().any(|(arm, _)| *arm == file.control) {
        return Err(Error::Control { control: file.control.clone(), column: file.arm.clone(), found: listed() });
    }
    let treatments: Vec<String> = arms.iter().map(|(arm, _)| arm.clone()).filter(|arm| *arm != file.control).collect();
    if treatments.is_empty() {
        return Err(Error::OneArm { column: file.arm.clone(), found: listed() });
    }
    Ok(BareFile { treatments, ..file.clone() })
}

impl Change {
    /// The experiment as it is asked for this once.
    fn apply(&self, experiment: &Experiment) -> Result<Experiment, Error> {
        let mut experiment = experiment.clone();
        if !self.metrics.is_empty() {
            for name in &self.metrics {
                if !experiment.metrics.iter().any(|entry| entry.metric == *name) {
                    let known: Vec<String> =
                        experiment.metrics.iter().map(|entry| format!("`{}`", entry.metric)).collect();
                    return Err(Error::NotInExperiment {
                        what: "metric",
                        name: name.clone(),
                        experiment: experiment.name.clone(),
                        known: known.join(", "),
                    });
                }
            }
            experiment.metrics.retain(|entry| self.metrics.contains(&entry.metric));
        }
        if !self.dimensions.is_empty() {
            for name in &self.dimensions {
                if !experiment.dimensions.iter().any(|dimension| dimension.name == *name) {
                    let known: Vec<String> =
                        experiment.dimensions.iter().map(|one| format!("`{}`", one.name)).collect();
                    return Err(Error::NotInExperiment {
                        what: "dimension",
                        name: name.clone(),
                        experiment: experiment.name.clone(),
                        known: if known.is_empty() { "none".to_owned() } else { known.join(", ") },
                    });
                }
            }
            experiment.dimensions.retain(|dimension| self.dimensions.contains(&dimension.name));
        }
        if let Some(level) = self.level {
            experiment.analysis.level = level;
            experiment.analysis.alpha = (1.0 - level) / 2.0;
        }
        if self.estimator.is_some() {
            experiment.analysis.estimator.clone_from(&self.estimator);
        }
        let options = self.options.iter().map(|(name, value)| (name.clone(), OptionValue::Text(value.clone())));
        experiment.analysis.options.extend(options);
        Ok(experiment)
    }
}

/// Where the runs of a project are.
pub fn runs_folder(project: &Project) -> PathBuf {
    project.root().join(".estimand")
}
