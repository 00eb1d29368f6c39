//! `estimand check`: every file, name and type of the project, with places.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};

use estimand_analysis::metrics::definition::Rows;
use estimand_analysis::metrics::fault::Fault;
use estimand_analysis::metrics::input;
use estimand_analysis::metrics::project::{Project, SourceSchemas};

use crate::arguments::Common;
use crate::command::project_folder;
use crate::exit::{ExitCode, Failure};
use crate::sink::Sink;

/// Arguments of `estimand check`.
#[derive(Debug, clap::Args)]
pub struct Check {
    /// `blocks` with the line and a caret, `lines` for editors, or `json`.
    #[arg(long, default_value = "blocks", value_parser = ["blocks", "lines", "json"])]
    format: String,
    /// Do not look at the data: names of columns are not checked.
    #[arg(long)]
    no_data: bool,
}

/// The columns of the sources that could be opened.
struct Outlines(BTreeMap<String, Vec<String>>);

impl SourceSchemas for Outlines {
    fn columns(&self, source: &str) -> Option<Vec<String>> {
        self.0.get(source).cloned()
    }
}

impl Check {
    /// Checks the project.
    pub fn run(&self, common: &Common) -> Result<ExitCode, Failure> {
        let root = project_folder(common)?;
        let (project, faults) = Project::load_all(&root);
        let mut faults = faults.into_vec();
        let mut of_data = 0;
        if let (Some(project), false) = (&project, self.no_data) {
            let mut outlines = BTreeMap::new();
            for source in project.sources().values().filter(|source| matches!(source.rows, Rows::Files(_))) {
                match input::outline(source, &root, &input::Options::default()) {
                    Ok(outline) => {
                        let columns = outline.schema.fields().iter().map(|field| field.name().clone()).collect();
                        outlines.insert(source.name.clone(), columns);
                    }
                    Err(wrong) => {
                        let wrong = wrong.into_vec().into_iter().map(|fault| project.placed(&source.name, fault));
                        let before = faults.len();
                        faults.extend(wrong);
                        of_data += faults.iter().skip(before).filter(|fault| fault.is_error()).count();
                    }
                }
            }
            faults.extend(project.check_columns(&Outlines(outlines)).into_vec());
        }
        self.print(&faults)?;
        let errors = faults.iter().filter(|fault| fault.is_error()).count();
        let warnings = faults.len() - errors;
        let holds = project.as_ref().map_or_else(String::new, |project| {
            let counts = (project.sources().len(), project.metrics().len(), project.experiments().len());
            format!("{} sources, {} metrics, {} experiments; ", counts.0, counts.1, counts.2)
        });
        eprintln!("{holds}{errors} errors, {warnings} warnings");
        Ok(match errors {
            0 => ExitCode::Done,
            // The files say what they should, and the data are not as they say.
            errors if errors == of_data => ExitCode::Data,
            _ => ExitCode::Usage,
        })
    }

    fn print(&self, faults: &[Fault]) -> Result<(), Failure> {
        let mut sink = Sink::open(None, false)?;
        match self.format.as_str() {
            "json" => {
                let list: Vec<_> = faults.iter().map(Fault::json).collect();
                writeln!(sink, "{:#}", serde_json::Value::Array(list))?;
            }
            "lines" => {
                for fault in faults {
                    writeln!(sink, "{}", fault.line())?;
                }
            }
            _ => {
                let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
                for fault in faults {
                    writeln!(sink, "{}", fault.render(colour))?;
                }
            }
        }
        sink.finish()
    }
}
