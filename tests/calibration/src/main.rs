//! `estimand-calibration`: simulates, judges, and writes the page of results.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use estimand_calibration::verdict::{Judged, Verdict, judge};
use estimand_calibration::{Fault, Setting, measure, page, scenario, table};

/// Measures size, power, coverage and bias of every estimator, and holds them against what theory promises.
///
/// Ends with 1 when a promise is broken. With `--out` writes `calibration.html`, `calibration.ndjson` and
/// `calibration.csv` there and prints the path of the page; without, prints the rows as NDJSON.
#[derive(Debug, Parser)]
#[command(version)]
struct Command {
    /// The full setting, for a release, instead of the quick one of the test command.
    #[arg(long)]
    full: bool,
    /// Folder for the page and its data; it is made when it is not there.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Only shapes whose name contains this.
    #[arg(long, value_name = "WORD", default_value = "")]
    shape: String,
    /// Only estimators whose name contains this.
    #[arg(long, value_name = "WORD", default_value = "")]
    estimator: String,
    /// Replicates of each experiment, instead of the setting's.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    replicates: Option<u64>,
    /// Looks at each experiment that is looked at again and again, instead of the setting's.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    looks: Option<u64>,
    /// Seed of every stream, instead of the setting's.
    #[arg(long)]
    seed: Option<u64>,
    /// Threads, instead of all there are; the numbers are the same for any.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=1_024))]
    threads: Option<u64>,
}

impl Command {
    fn setting(&self) -> Setting {
        let mut setting = if self.full { Setting::full() } else { Setting::quick() };
        setting.threads = std::thread::available_parallelism().map_or(1, |threads| threads.get());
        if let Some(threads) = self.threads {
            setting.threads = threads as usize;
        }
        setting.seed = self.seed.unwrap_or(setting.seed);
        if let Some(looks) = self.looks {
            // Plans of few looks take every so many of them.
            setting.looks = (looks as usize).next_multiple_of(measure::PLANNED_LOOKS);
        }
        if let Some(replicates) = self.replicates {
            (setting.replicates, setting.look_replicates, setting.belief_replicates) =
                (replicates, replicates, replicates);
        }
        setting
    }
}

fn main() -> ExitCode {
    match run(&Command::parse()) {
        Ok(code) => code,
        Err(fault) => {
            eprintln!("estimand-calibration: {fault}");
            ExitCode::from(2)
        }
    }
}

fn run(command: &Command) -> Result<ExitCode, Fault> {
    let started = Instant::now();
    let setting = command.setting();
    let mut subjects = measure::subjects()?;
    subjects.retain(|subject| subject.estimator.name().contains(&command.estimator));
    let shapes: Vec<_> = scenario::SHAPES.iter().filter(|shape| shape.name.contains(&command.shape)).cloned().collect();
    let progress = |what: &str| eprintln!("{:6.1} s  {what}", started.elapsed().as_secs_f64());
    let rows = judge(measure::run(&subjects, &shapes, &setting, &progress)?);
    match &command.out {
        Some(folder) => println!("{}", write(folder, &rows, &setting)?.display()),
        None => table::ndjson(&rows, std::io::stdout().lock())?,
    }
    let of = |verdict: Verdict| rows.iter().filter(|row| row.verdict == verdict).count();
    let broken = of(Verdict::BrokenPromise);
    eprintln!(
        "{:6.1} s  {} numbers: {} as promised, {} not promised, {broken} broken promises",
        started.elapsed().as_secs_f64(),
        rows.len(),
        of(Verdict::AsPromised),
        of(Verdict::NotPromised),
    );
    Ok(ExitCode::from(u8::from(broken > 0)))
}

/// Writes the page and its data; gives the path of the page.
fn write(folder: &Path, rows: &[Judged], setting: &Setting) -> Result<PathBuf, Fault> {
    let fault = |path: &Path, error: std::io::Error| Fault::File { path: path.display().to_string(), error };
    std::fs::create_dir_all(folder).map_err(|error| fault(folder, error))?;
    let create = |name: &str| {
        let path = folder.join(name);
        File::create(&path).map(BufWriter::new).map_err(|error| fault(&path, error))
    };
    table::ndjson(rows, create("calibration.ndjson")?)?;
    table::csv(rows, create("calibration.csv")?)?;
    let page = folder.join("calibration.html");
    std::fs::write(&page, page::html(rows, setting)?).map_err(|error| fault(&page, error))?;
    Ok(page)
}
