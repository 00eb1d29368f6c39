//! `estimand list`: what can be named.

use std::io::Write;

use clap::ValueEnum;
use estimand_analysis::output;
use estimand_analysis::stats::estimator;
use estimand_analysis::stats::multiplicity::Correction;
use estimand_analysis::viz::chart;

use crate::exit::{ExitCode, Failure};
use crate::sink::Sink;

/// Arguments of `estimand list`.
#[derive(Debug, clap::Args)]
pub struct List {
    /// What to list.
    #[arg(value_enum)]
    what: What,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum What {
    Charts,
    Columns,
    Corrections,
    Engines,
    Estimators,
    Formats,
}

impl List {
    /// Prints the list.
    pub fn run(&self) -> Result<ExitCode, Failure> {
        let mut sink = Sink::open(None, false)?;
        match self.what {
            What::Charts => {
                for chart in chart::ALL {
                    writeln!(sink, "{}", chart.name())?;
                }
            }
            What::Columns => {
                for column in estimand_analysis::stats::estimate::GLOSSARY {
                    writeln!(sink, "{}  ({})  {}", column.name, column.kind, column.meaning)?;
                }
            }
            What::Corrections => {
                for correction in Correction::ALL {
                    writeln!(sink, "{}", correction.name())?;
                }
            }
            What::Engines => writeln!(sink, "datafusion  in this process, the default")?,
            What::Estimators => {
                for rule in estimator::ALL {
                    let served: Vec<&str> = rule.serves().iter().map(|kind| kind.name()).collect();
                    writeln!(sink, "{}\n  {}", rule.name(), rule.summary())?;
                    writeln!(
                        sink,
                        "  answers: {}\n  assumes: {}\n  source: {}",
                        served.join(", "),
                        rule.assumes(),
                        rule.source()
                    )?;
                    for option in rule.options() {
                        writeln!(sink, "  --option {}={}  {}", option.name, option.default, option.meaning)?;
                    }
                    writeln!(sink)?;
                }
            }
            What::Formats => {
                for format in output::ALL {
                    writeln!(sink, "{:<11} {}", format.name(), format.purpose())?;
                }
            }
        }
        sink.finish()?;
        Ok(ExitCode::Done)
    }
}
