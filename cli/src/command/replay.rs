//! `estimand replay`: a run computed again from its inputs alone.

use std::io::Write;

use estimand_analysis::replay::{self, Outcome};

use crate::arguments::Common;
use crate::command::{resources, runs_folder, wait};
use crate::exit::{ExitCode, Failure};
use crate::progress::Progress;
use crate::sink::Sink;

/// Arguments of `estimand replay`.
#[derive(Debug, clap::Args)]
pub struct Replay {
    /// The beginning of the run's id.
    run: String,
}

impl Replay {
    /// Computes the run again, compares, and says what differs.
    pub fn run(&self, common: &Common) -> Result<ExitCode, Failure> {
        let (folder, resources) = (runs_folder(common), resources(common));
        let progress = Progress::new(common.quiet);
        let say = |what: &str| progress.say(what);
        let replayed = wait(common, replay::replay(&folder, &self.run, &resources, &say));
        progress.finish();
        let replayed = replayed?;
        let id = replayed.id.short();
        let sentence = match &replayed.outcome {
            Outcome::Same { artefacts } => {
                format!("run {id}: computed again, all {artefacts} artefacts equal, byte for byte")
            }
            Outcome::Different { artefacts } => {
                format!(
                    "run {id}: computed again by the same build, and these differ: {}; report this with both",
                    artefacts.join(", ")
                )
            }
            Outcome::OtherBuild { largest: Some(largest) } => format!(
                "run {id}: recorded by another build ({}); largest relative difference of a number {largest:.1e}",
                replayed.recorded_by
            ),
            Outcome::OtherBuild { largest: None } => {
                format!("run {id}: recorded by another build ({}), whose table has other rows", replayed.recorded_by)
            }
        };
        if !replayed.outcome.holds() {
            return Err(Failure::new(ExitCode::Failed, sentence));
        }
        let mut sink = Sink::open(None, false)?;
        writeln!(sink, "{sentence}")?;
        sink.finish()?;
        Ok(ExitCode::Done)
    }
}
