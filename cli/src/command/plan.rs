//! `estimand plan`: what will be asked of the data, before anything is read.

use std::io::Write;

use estimand_analysis::analyze::{self, Request};
use estimand_analysis::metrics::engine::Engine;
use estimand_analysis::metrics::native::{Route, routes};
use estimand_analysis::statements::{Statements, Step};

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
    /// `sql` with comments, or `json`.
    #[arg(long, default_value = "sql", value_parser = ["sql", "json"])]
    format: String,
}

impl Plan {
    /// Prints which way each source goes, and the statements, commented, values written as literals.
    pub fn run(&self, common: &Common) -> Result<ExitCode, Failure> {
        let request = Request {
            parameters: self.parameters.clone(),
            resources: resources(common),
            ..Request::experiment(open_project(common)?, &self.experiment)
        };
        let prepared = wait(common, analyze::prepare(&request))?;
        let statements = Statements::of(&prepared.plan, prepared.opened.engine.schemas());
        let routes = routes(&prepared.opened.engine, &prepared.plan);
        let mut sink = Sink::open(None, false)?;
        if self.format == "json" {
            writeln!(sink, "{:#}", self.json(&routes, &statements))?;
        } else {
            writeln!(sink, "-- {}: each step reads the ones before it by name.", self.experiment)?;
            for Route { source, way, why } in &routes {
                writeln!(sink, "-- Way of `{source}`: {way} ({why}).")?;
            }
            write!(sink, "{statements}")?;
        }
        sink.finish()?;
        Ok(ExitCode::Done)
    }

    fn json(&self, routes: &[Route], statements: &Statements) -> serde_json::Value {
        let source = |Route { source, way, why }: &Route| serde_json::json!({ "source": source, "way": way.word(), "reads": way.to_string(), "why": why });
        let step = |step: &Step| serde_json::json!({ "name": step.name, "purpose": step.purpose, "sql": step.sql });
        serde_json::json!({
            "experiment": self.experiment,
            "sources": routes.iter().map(source).collect::<Vec<_>>(),
            "bounds_come_later": statements.bounds_come_later,
            "steps": statements.steps.iter().map(step).collect::<Vec<_>>(),
        })
    }
}
