//! `estimand report`: an experiment analysed into a page.

use std::io::Write;
use std::path::PathBuf;

use estimand_analysis::analyze::{self, Change, Request, Target};
use estimand_analysis::report::{self, PlotlyMode};

use crate::arguments::Common;
use crate::command::{open_project, pair, resources, wait};
use crate::exit::{ExitCode, Failure};
use crate::progress::Progress;
use crate::sink::Sink;

/// Arguments of `estimand report`.
#[derive(Debug, clap::Args)]
pub struct Report {
    /// Name of the experiment.
    experiment: String,
    /// The value of a parameter, such as `country=DE`.
    #[arg(short = 'p', long = "parameter", value_name = "NAME=VALUE", value_parser = pair)]
    parameters: Vec<(String, String)>,
    /// Where the page goes; EXPERIMENT.html unless given.
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
    /// Analyses and writes the page.
    pub fn run(&self, common: &Common) -> Result<ExitCode, Failure> {
        let path = self.output.clone().unwrap_or_else(|| PathBuf::from(format!("{}.html", self.experiment)));
        let mut sink = Sink::open(Some(&path), self.force)?;
        let request = Request {
            target: Target::Experiment {
                project: Box::new(open_project(common)?),
                name: self.experiment.clone(),
                change: Change::default(),
            },
            parameters: self.parameters.clone(),
            as_of: None,
            resources: resources(common)?,
            command: vec!["estimand".to_owned(), "analyze".to_owned(), self.experiment.clone()],
        };
        let progress = Progress::new(common.quiet);
        let say = |what: &str| progress.say(what);
        let answered = wait(common, async { analyze::analyze(&request, &say).await.map_err(Failure::from) });
        progress.finish();
        let mode = if self.plotly == "none" { PlotlyMode::None } else { PlotlyMode::Embed };
        let page = report::render(&answered?.report, mode).map_err(|error| Failure::new(ExitCode::Failed, error))?;
        sink.write_all(page.as_bytes())?;
        sink.finish()?;
        eprintln!("{}", path.display());
        Ok(ExitCode::Done)
    }
}
