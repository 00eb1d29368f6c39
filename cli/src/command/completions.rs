//! `estimand completions`: scripts for shells, and the manual page.

use std::io::Write;

use clap::{CommandFactory, ValueEnum};
use clap_complete::Shell;

use crate::arguments::Arguments;
use crate::exit::{ExitCode, Failure};
use crate::sink::Sink;

/// Arguments of `estimand completions`.
#[derive(Debug, clap::Args)]
pub struct Completions {
    /// The shell, or `man` for the manual page.
    #[arg(value_enum)]
    target: Target,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Target {
    Bash,
    Elvish,
    Fish,
    Man,
    Powershell,
    Zsh,
}

impl Completions {
    /// Prints the script.
    pub fn run(&self) -> Result<ExitCode, Failure> {
        let mut command = Arguments::command();
        let mut text = Vec::new();
        let shell = match self.target {
            Target::Bash => Some(Shell::Bash),
            Target::Elvish => Some(Shell::Elvish),
            Target::Fish => Some(Shell::Fish),
            Target::Man => None,
            Target::Powershell => Some(Shell::PowerShell),
            Target::Zsh => Some(Shell::Zsh),
        };
        match shell {
            Some(shell) => clap_complete::generate(shell, &mut command, "estimand", &mut text),
            None => clap_mangen::Man::new(command).render(&mut text)?,
        }
        let mut sink = Sink::open(None, false)?;
        sink.write_all(&text)?;
        sink.finish()?;
        Ok(ExitCode::Done)
    }
}
