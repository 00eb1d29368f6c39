//! `estimand plan`: what will be asked of the data, before anything is read.

use std::io::Write;

use estimand_analysis::analyze::{self, Request};
use estimand_analysis::metrics::engine::Engine;
use estimand_analysis::statements::Statements;

use crate::arguments::Common;
use crate::command::{open_project, pair, resources, wait};
use crate::exit::{ExitCode, Failure};
use crate::sink::Sink;

/// Arguments of `estimand plan`.
#[derive(Debug, clap::Args)]
pub struct Plan {
    /// Name of the experiment.
    experiment: String,
    /// The value of a parameter, such as `country=DE`.
    #[arg(short = 'p', long = "parameter", value_name = "NAME=VALUE", value_parser = pair)]
    parameters: Vec<(String, String)>,
}

impl Plan {
    /// Prints the statements, commented, values written as literals.
    pub fn run(&self, common: &Common) -> Result<ExitCode, Failure> {
        let request = Request {
            parameters: self.parameters.clone(),
            resources: resources(common),
            ..Request::experiment(open_project(common)?, &self.experiment)
        };
        let prepared = wait(common, analyze::prepare(&request))?;
        let statements = Statements::of(&prepared.plan, prepared.opened.engine.schemas());
        let mut sink = Sink::open(None, false)?;
        writeln!(sink, "-- {}: each step reads the ones before it by name.", self.experiment)?;
        write!(sink, "{statements}")?;
        sink.finish()?;
        Ok(ExitCode::Done)
    }
}
