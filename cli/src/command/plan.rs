//! `estimand plan`: what will be asked of the data, before anything is read.

use std::io::Write;

use estimand_analysis::analyze::{self, Request};
use estimand_analysis::metrics::engine::Engine;
use estimand_analysis::metrics::plan::lower;

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
        let specification = &prepared.plan.specification;
        let mut steps = lower::preparation(specification, prepared.opened.engine.schemas());
        steps.push(lower::census(specification));
        steps.push(lower::analysed(specification, &lower::Caps::new()));
        steps.extend(lower::readouts(specification));
        let mut sink = Sink::open(None, false)?;
        writeln!(sink, "-- {}: each step reads the ones before it by name.", self.experiment)?;
        writeln!(sink, "-- Read: {}.", specification.sources().join(", "))?;
        if specification.has_percentile_cap() {
            writeln!(
                sink,
                "-- Bounds of percentile caps are found after step `unit_table` and stand in step `analysed`."
            )?;
        }
        for step in steps {
            let text = sqlformat::format(
                &step.statement.readable,
                &sqlformat::QueryParams::None,
                &sqlformat::FormatOptions { uppercase: Some(true), ..sqlformat::FormatOptions::default() },
            );
            writeln!(sink, "\n-- {}: {}\n{text};", step.name, step.purpose)?;
        }
        sink.finish()?;
        Ok(ExitCode::Done)
    }
}
