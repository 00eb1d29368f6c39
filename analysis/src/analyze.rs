//! One analysis from definitions to an answer, on one page.

use estimand_metrics::collect::{self, Collected, Doing};
use estimand_metrics::engine::{self, Resources};
use estimand_metrics::native::{UnitRows, query_units};
use estimand_metrics::plan::{AsOf, Plan, compile};
use estimand_metrics::project::Project;
use jiff::Timestamp;

use crate::answered::Answered;
use crate::bare::{BareFile, SOURCE};
use crate::change::Change;
use crate::run::Stopwatch;
use crate::summary::Summary;
use crate::{answer, conclude, error::Error, health, segments};

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
    /// Whether the answer will be kept as a run, so that it names one.
    pub recorded: bool,
}

impl Request {
    /// Asks for an experiment of a project as its files say, to be kept as a run.
    pub fn experiment(project: Project, name: &str) -> Self {
        let target =
            Target::Experiment { project: Box::new(project), name: name.to_owned(), change: Change::default() };
        Self { target, parameters: Vec::new(), as_of: None, resources: Resources::default(), recorded: true }
    }
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
    File(Box<BareFile>),
}

/// An analysis that is compiled and has its sources open, before anything is read.
pub struct Prepared {
    /// The project, or what a bare file amounts to.
    pub project: Project,
    /// What is asked.
    pub plan: Plan,
    /// The engine with the sources open.
    pub opened: engine::Opened,
    stopwatch: Stopwatch,
}

/// Analyses: definitions → plan → statistics → estimates → checks → conclusion.
///
/// # Errors
/// Everything that is wrong with the files at once, else the first thing that is wrong with the data.
pub async fn analyze(request: &Request, say: &(dyn Fn(&str) + Send + Sync)) -> Result<Answered, Error> {
    say("reading definitions");
    prepare(request).await?.answer(request, say).await
}

impl Prepared {
    /// Reads the data and answers the request that this was prepared for.
    ///
    /// # Errors
    /// As [`analyze`], for the data's rows.
    pub async fn answer(&self, request: &Request, say: &(dyn Fn(&str) + Send + Sync)) -> Result<Answered, Error> {
        let Self { project, plan, opened, stopwatch } = self;
        let progress = |doing: Doing<'_>| {
            let what = doing.to_string();
            if doing.is_begun() {
                stopwatch.step(&what);
            }
            say(&what);
        };
        let collected: Collected = collect::collect(opened.engine.as_ref(), plan, &progress).await?;
        opened.unchanged()?;
        stopwatch.step("estimating");
        say("estimating");
        let threads = opened.engine.threads();
        let mut estimates = answer::overall(plan, &collected, threads)?;
        let mut segments = answer::by_segment(plan, &collected, threads)?;
        let together = segments::together(&segments, threads)?;
        segments.append(together);
        let days = answer::by_day(plan, &collected, threads)?;
        let inner = answer::inner_intervals(plan, &collected, threads)?;
        let checks = health::checks(plan, &collected, &estimates);
        estimates.append(segments);
        estimates.append(days);
        let collected = &collected;
        let material = conclude::Material { request, project, plan, opened, collected, estimates, inner, checks };
        let mut answered = conclude::conclude(material)?;
        answered.log = stopwatch.log();
        Ok(answered)
    }
}

/// The rows of a statement over the table `units` of an experiment, or all of its units, ordered.
///
/// # Errors
/// As [`analyze`], and for a statement that does not fit the table.
pub async fn units(
    request: &Request,
    statement: Option<&str>,
    say: &(dyn Fn(&str) + Send + Sync),
) -> Result<UnitRows, Error> {
    let Prepared { plan, opened, .. } = prepare(request).await?;
    Ok(query_units(opened.engine, &plan, statement, &|doing| say(&doing.to_string())).await?)
}

/// Compiles what is asked and opens what it reads.
///
/// # Errors
/// As [`analyze`], without the data's rows.
pub async fn prepare(request: &Request) -> Result<Prepared, Error> {
    let stopwatch = Stopwatch::start();
    stopwatch.step("reading definitions");
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
    opened.check_values(&plan)?;
    Ok(Prepared { project, plan, opened, stopwatch })
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
