//! The commands: one file each, and the list of them.

mod adjust;
mod analyze;
mod boundaries;
mod certify;
mod check;
mod completions;
mod demo;
mod init;
mod list;
mod metrics;
mod plan;
mod power;
mod programme;
mod replay;
mod report;
mod runs;
mod schema;
mod serve;
mod srm;

use std::path::{Path, PathBuf};

use clap::Subcommand;
use estimand_analysis::analyze::Request;
use estimand_analysis::answered::Answered;
use estimand_analysis::columns::Columns;
use estimand_analysis::metrics::engine::Resources;
use estimand_analysis::metrics::project::Project;
use estimand_analysis::{Error, bare, keep, run, summary_table};

use crate::arguments::{Arguments, Common};
use crate::exit::{ExitCode, Failure};
use crate::progress::Progress;

/// Every command, in the order of `--help`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a project to start from.
    Init(init::Init),
    /// Write a demonstration with known truth, analyse it, and say where the reports are.
    Demo(demo::Demo),
    /// Check every file, name and type of the project, with places.
    Check(check::Check),
    /// Print the JSON Schema of a kind of file, for editors.
    Schema(schema::Schema),
    /// Browse and explain the metrics of the project.
    Metrics(metrics::Metrics),
    /// Print what will be asked of the data, before anything is read.
    Plan(plan::Plan),
    /// Analyse an experiment of the project, a file of data, or summary numbers.
    Analyze(Box<analyze::Analyze>),
    /// Analyse an experiment into a page for the browser, or write the page of a run.
    Report(report::Report),
    /// List the runs that were kept, or show one.
    Runs(runs::Runs),
    /// Compute a run again from its inputs alone, and compare every byte.
    Replay(replay::Replay),
    /// Show the project in the browser: experiments, runs, reports, metrics.
    Serve(serve::Serve),
    /// Test counts per arm against their allocation.
    Srm(srm::Srm),
    /// Assign an experiment's own units anew, many times, and see whether its estimators keep their promises.
    Certify(certify::Certify),
    /// Plan an experiment: units, days, power, or the smallest effect.
    Power(Box<power::Power>),
    /// Where a group-sequential plan stops, and what it costs.
    Boundaries(boundaries::Boundaries),
    /// Read many experiments together: false discoveries, shrunken effects, totals, a prior for the next one.
    Programme(Box<programme::Programme>),
    /// Correct p-values for multiplicity.
    Adjust(adjust::Adjust),
    /// List what can be named: charts, columns, corrections, engines, estimators, formats.
    List(list::List),
    /// Print a completion script for a shell, or the manual page.
    Completions(completions::Completions),
}

/// Runs a command and says what went wrong, if anything did.
pub fn run(arguments: Arguments) -> ExitCode {
    let Arguments { command, common } = arguments;
    let outcome = match command {
        Command::Init(command) => command.run(),
        Command::Demo(command) => command.run(&common),
        Command::Check(command) => command.run(&common),
        Command::Schema(command) => command.run(),
        Command::Metrics(command) => command.run(&common),
        Command::Plan(command) => command.run(&common),
        Command::Analyze(command) => command.run(&common),
        Command::Report(command) => command.run(&common),
        Command::Runs(command) => command.run(&common),
        Command::Replay(command) => command.run(&common),
        Command::Serve(command) => command.run(&common),
        Command::Srm(command) => command.run(),
        Command::Certify(command) => command.run(&common),
        Command::Power(command) => command.run(&common),
        Command::Boundaries(command) => command.run(),
        Command::Programme(command) => command.run(&common),
        Command::Adjust(command) => command.run(),
        Command::List(command) => command.run(),
        Command::Completions(command) => command.run(),
    };
    match outcome {
        Ok(code) => code,
        Err(Failure { code, message }) => {
            if !message.is_empty() {
                eprintln!("{message}");
            }
            code
        }
    }
}

/// The folder of `--project`, or the nearest one with an `estimand.toml`.
fn project_folder(common: &Common) -> Result<PathBuf, Failure> {
    nearest_project(common).ok_or_else(|| {
        Failure::usage(
            "no estimand.toml here or in a folder above; give `--project DIR`, or begin with `estimand init DIR`",
        )
    })
}

/// The folder whose `.estimand` holds the runs: the project's, or the current one.
fn runs_folder(common: &Common) -> PathBuf {
    nearest_project(common).unwrap_or_else(|| PathBuf::from("."))
}

fn nearest_project(common: &Common) -> Option<PathBuf> {
    common.project.clone().or_else(|| {
        let here = std::env::current_dir().ok()?;
        here.ancestors().find(|folder| folder.join("estimand.toml").is_file()).map(Path::to_owned)
    })
}

/// The project, read and checked.
fn open_project(common: &Common) -> Result<Project, Failure> {
    Project::load(&project_folder(common)?).map_err(Failure::usage)
}

/// Answers a request, showing progress, and keeps it in this folder when it is to be recorded.
///
/// The answer is there also when it could not be kept.
fn answer(common: &Common, request: &Request, folder: &Path) -> Result<(Answered, Result<(), Failure>), Failure> {
    let progress = Progress::new(common.quiet);
    let say = |what: &str| progress.say(what);
    let outcome = wait(common, async {
        let answered = estimand_analysis::analyze::analyze(request, &say).await?;
        let command: Vec<String> = std::env::args().collect();
        let kept = if request.recorded { keep::keep(&answered, folder, &command).await } else { Ok(None) };
        Ok((answered, kept))
    });
    progress.finish();
    let (answered, kept) = outcome?;
    if let (Ok(Some(run)), false) = (&kept, common.quiet) {
        eprintln!("run {}{}", run.id.short(), if run.existed { ", recorded before" } else { "" });
    }
    Ok((answered, kept.map(drop).map_err(Failure::from)))
}

/// A table by its path, or by the name of a source of the project.
fn read_table(name: &str, common: &Common) -> Result<Columns, Failure> {
    let (project, source) = if analyze::is_file(name) {
        let project = bare::table(Path::new(name)).map_err(|faults| Failure::from(Error::Files(faults)))?;
        (project, bare::SOURCE)
    } else {
        let project = open_project(common)?;
        if project.source(name).is_none() {
            let known: Vec<String> = project.sources().keys().map(|known| format!("`{known}`")).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return Err(Failure::usage(format!("no file and no source `{name}`; the project has {known}")));
        }
        (project, name)
    };
    wait(common, async { summary_table::read(&project, source, name, &resources(common)).await })
}

/// The arm compared against in a table of summaries.
fn control_of(table: &str, control: Option<&String>) -> Result<String, Failure> {
    let missing = || Failure::usage(format!("{table}: --control is missing; name the arm compared against"));
    control.cloned().ok_or_else(missing)
}

/// Threads to compute with.
fn threads(common: &Common) -> usize {
    let all = || std::thread::available_parallelism().map_or(1, usize::from);
    common.threads.map_or_else(all, usize::from)
}

/// `NAME=VALUE` of the command line.
fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE".to_owned()),
    }
}

/// An instant of the command line.
fn instant(text: &str) -> Result<jiff::Timestamp, String> {
    text.parse::<jiff::Timestamp>()
        .or_else(|_| {
            let day: jiff::civil::Date = text.parse()?;
            day.to_zoned(jiff::tz::TimeZone::UTC).map(|zoned| zoned.timestamp())
        })
        .map_err(|_| "write an instant with its offset, such as 2026-03-15T00:00:00Z, or a day".to_owned())
}

/// What the engine may use.
fn resources(common: &Common) -> Resources {
    Resources {
        threads: common.threads.map(usize::from),
        memory_limit: common.memory_limit,
        spill_folder: None,
        engine_path: common.engine_path,
    }
}

/// Whose an error is to mend decides the code.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        use estimand_analysis::metrics::Error as Data;
        let code = match &error {
            Error::Files(_) | Error::Summary(_) | Error::UnknownExperiment { .. } | Error::NotInExperiment { .. } => {
                ExitCode::Usage
            }
            Error::Control { .. } | Error::OneArm { .. } | Error::NoEffects { .. } | Error::NoHistory { .. } => {
                ExitCode::Usage
            }
            Error::SummaryRow { .. } | Error::NotAPValue { .. } => ExitCode::Data,
            Error::Data(
                Data::Sources(_) | Data::UndeclaredArms { .. } | Data::RepeatedUnit { .. } | Data::NotFinite { .. },
            ) => ExitCode::Data,
            Error::Data(
                Data::DifferingDimension { .. } | Data::NoUnits { .. } | Data::TooMany { .. } | Data::Data { .. },
            ) => ExitCode::Data,
            Error::Run(
                run::Error::UnknownRun { .. } | run::Error::AmbiguousRun { .. } | run::Error::UnknownArtefact { .. },
            ) => ExitCode::Usage,
            Error::Run(run::Error::Damaged { .. } | run::Error::Unreadable { .. }) | Error::Changed { .. } => {
                ExitCode::Data
            }
            Error::Data(Data::Refused { .. }) => ExitCode::Data,
            Error::Data(
                Data::NotNative { .. }
                | Data::Query { .. }
                | Data::Parameters(_)
                | Data::Estimator(_)
                | Data::Statements(_),
            )
            | Error::Estimator(_) => ExitCode::Usage,
            _ => ExitCode::Failed,
        };
        Self::new(code, error)
    }
}

/// What futures run on.
fn runtime(common: &Common) -> Result<tokio::runtime::Runtime, Failure> {
    let threads = usize::from(common.threads.unwrap_or(0));
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    // Planning a deep expression needs more than the usual two megabytes.
    builder.enable_all().thread_stack_size(16 << 20);
    if threads > 0 {
        builder.worker_threads(threads);
    }
    Ok(builder.build()?)
}

/// Runs a future to its end, the timeout, or an interrupt.
fn wait<T>(common: &Common, work: impl Future<Output = Result<T, Error>>) -> Result<T, Failure> {
    let timeout = common.timeout;
    runtime(common)?.block_on(async move {
        let expired = async {
            match timeout {
                Some(timeout) => tokio::time::sleep(timeout).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            // The interrupt is listened for before any work begins: what comes earlier would end the process as it is.
            biased;
            _ = tokio::signal::ctrl_c() => Err(Failure::new(ExitCode::Interrupted, "interrupted; nothing was stored")),
            () = expired => Err(Failure::new(ExitCode::TimedOut, "timed out; nothing was stored; raise `--timeout`")),
            result = work => result.map_err(Failure::from),
        }
    })
}
