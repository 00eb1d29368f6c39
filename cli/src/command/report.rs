//! `estimand report`: an experiment, or a run, as a page.

use std::io::Write;
use std::path::PathBuf;

use estimand_analysis::analyze::Request;
use estimand_analysis::answered::Answered;
use estimand_analysis::keep;
use estimand_analysis::metrics::project::Project;
use estimand_analysis::report::{self, PlotlyMode};
use estimand_analysis::run::RunStore;

use crate::arguments::Common;
use crate::command::{answer, open_project, pair, resources, runs_folder, wait};
use crate::exit::{ExitCode, Failure};
use crate::sink::Sink;

/// Arguments of `estimand report`.
#[derive(Debug, clap::Args)]
pub struct Report {
    /// An experiment to analyse, or the beginning of the id of a run.
    #[arg(value_name = "EXPERIMENT|RUN")]
    what: String,
    /// The value of a parameter, such as `country=DE`.
    #[arg(short = 'p', long = "parameter", value_name = "NAME=VALUE", value_parser = pair)]
    parameters: Vec<(String, String)>,
    /// Where the page goes; the experiment's name or the run's id with `.html` unless given.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace the page when it is there.
    #[arg(long)]
    force: bool,
    /// Whether Plotly is part of the page; without it figures are drawings.
    #[arg(long, default_value = "embed", value_parser = ["embed", "none"])]
    plotly: String,
}

impl Report {
    /// Writes the page, after an analysis when it is of an experiment.
    pub fn run(&self, common: &Common) -> Result<ExitCode, Failure> {
        let path = self.output.clone().unwrap_or_else(|| PathBuf::from(format!("{}.html", self.what)));
        let mut sink = Sink::open(Some(&path), self.force)?;
        let (answered, kept) = self.answered(common)?;
        let mode = if self.plotly == "none" { PlotlyMode::None } else { PlotlyMode::Embed };
        let page = report::render(&answered.report, mode).map_err(|error| Failure::new(ExitCode::Failed, error))?;
        sink.write_all(page.as_bytes())?;
        sink.finish()?;
        eprintln!("{}", path.display());
        kept?;
        Ok(ExitCode::Done)
    }

    fn answered(&self, common: &Common) -> Result<(Answered, Result<(), Failure>), Failure> {
        let experiment = |project: &Project| project.experiment(&self.what).is_some();
        if is_id(&self.what) && !open_project(common).as_ref().is_ok_and(experiment) {
            let folder = runs_folder(common);
            let stored = wait(common, async { Ok(RunStore::open(&folder).await?.get(&self.what).await?) })?;
            return Ok((keep::answer_of(&stored)?, Ok(())));
        }
        let project = open_project(common)?;
        let folder = project.root().to_owned();
        let request = Request {
            parameters: self.parameters.clone(),
            resources: resources(common),
            ..Request::experiment(project, &self.what)
        };
        answer(common, &request, &folder)
    }
}

/// Whether this can be the beginning of a run's id.
fn is_id(what: &str) -> bool {
    (4..=64).contains(&what.len()) && what.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}
