//! `estimand demo`: a project with known truth, written and run.

use std::path::{Path, PathBuf};

use estimand_analysis::analyze::Request;
use estimand_analysis::demo::{self, shop, trial};
use estimand_analysis::metrics::project::Project;
use estimand_analysis::report::{self, PlotlyMode};

use crate::arguments::Common;
use crate::command::{answer, resources};
use crate::exit::{ExitCode, Failure};
use crate::progress::Progress;
use crate::sink::Sink;

/// Arguments of `estimand demo`.
#[derive(Debug, clap::Args)]
pub struct Demo {
    /// The folder to write; its projects must be the same demonstration, or not be there.
    #[arg(default_value = "estimand-demo")]
    folder: PathBuf,
    /// Users of the simulated shop.
    #[arg(long, default_value_t = shop::ShopOptions::default().users, value_parser = clap::value_parser!(u64).range(1_000..=10_000_000))]
    users: u64,
    /// Seed of the simulation; it is recorded in the project.
    #[arg(long, allow_negative_numbers = true, default_value_t = shop::ShopOptions::default().seed, value_parser = seed)]
    seed: u64,
}

fn seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("write a whole number from 0 to {}", u64::MAX))
}

impl Demo {
    /// Writes both projects, analyses them and says where the reports are.
    pub fn run(&self, common: &Common) -> Result<ExitCode, Failure> {
        let progress = Progress::new(common.quiet);
        progress.say("simulating the shop");
        let options = shop::ShopOptions { users: self.users, seed: self.seed };
        let (shop_folder, trial_folder) = (self.folder.join("shop"), self.folder.join("trial"));
        shop::write(&shop_folder, &options).map_err(failure)?;
        trial::write(&trial_folder).map_err(failure)?;
        progress.finish();
        for folder in [&shop_folder, &trial_folder] {
            for page in analyse(folder, common)? {
                eprintln!("report: {}", page.display());
            }
        }
        // Whoever came by `cargo run` has no `estimand` to call yet.
        let program = if std::env::var_os("CARGO_MANIFEST_DIR").is_some() { "cargo run --" } else { "estimand" };
        eprintln!("\nOpen a report in a browser, or look around in the whole project:");
        eprintln!("  {program} serve --project {}", shop_folder.display());
        Ok(ExitCode::Done)
    }
}

fn analyse(folder: &Path, common: &Common) -> Result<Vec<PathBuf>, Failure> {
    let project = Project::load(folder).map_err(Failure::usage)?;
    let mut pages = Vec::new();
    for name in project.experiments().keys() {
        let request = Request { resources: resources(common), ..Request::experiment(project.clone(), name) };
        let (answered, kept) = answer(common, &request, folder)?;
        kept?;
        let page = report::render(&answered.report, PlotlyMode::Embed)
            .map_err(|error| Failure::new(ExitCode::Failed, error))?;
        let path = folder.join(format!("{name}.html"));
        let mut sink = Sink::open(Some(&path), true)?;
        std::io::Write::write_all(&mut sink, page.as_bytes())?;
        sink.finish()?;
        eprintln!("{name}: {}", answered.verdict.sentence);
        pages.push(path);
    }
    Ok(pages)
}

fn failure(error: demo::Error) -> Failure {
    match error {
        demo::Error::FolderInUse { .. } | demo::Error::NoUsers => Failure::usage(error),
        _ => Failure::data(error),
    }
}
