//! Arguments that every command shares, and the list of commands.

use std::path::PathBuf;

use clap::Parser;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use estimand_analysis::metrics::native::EnginePath;

use crate::command::Command;

/// Experiments from metric files to a report that can be trusted.
#[derive(Debug, Parser)]
#[command(name = "estimand", version, max_term_width = 100, propagate_version = true, arg_required_else_help = true)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,

    /// What holds for every command.
    #[command(flatten)]
    pub common: Common,
}

/// What holds for every command.
#[derive(Clone, Debug, clap::Args)]
pub struct Common {
    /// The project's folder; the nearest folder with an estimand.toml unless given.
    #[arg(long, global = true, value_name = "DIR", help_heading = "Everywhere")]
    pub project: Option<PathBuf>,

    /// Threads of the engine; every core unless given. Never changes a result.
    #[arg(long, global = true, allow_negative_numbers = true, value_name = "N", env = "ESTIMAND_THREADS", help_heading = "Everywhere",
          value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,

    /// Memory the engine may hold before it spills, such as 2GB. Never changes a result.
    #[arg(long, global = true, allow_negative_numbers = true, value_name = "BYTES", value_parser = bytes, help_heading = "Everywhere")]
    pub memory_limit: Option<u64>,

    /// The way from rows to statistics: the native operator where it can, or one of the two. Never changes a result.
    #[arg(long, global = true, value_name = "WAY", value_parser = engine_path(), default_value = "auto", help_heading = "Everywhere")]
    pub engine_path: EnginePath,

    /// Give up after this long, such as 10m.
    #[arg(long, global = true, allow_negative_numbers = true, value_name = "TIME", value_parser = seconds, help_heading = "Everywhere")]
    pub timeout: Option<std::time::Duration>,

    /// No progress on standard error.
    #[arg(long, short, global = true, help_heading = "Everywhere")]
    pub quiet: bool,
}

/// The ways by their names.
fn engine_path() -> impl TypedValueParser<Value = EnginePath> {
    let names = EnginePath::ALL.map(EnginePath::word);
    PossibleValuesParser::new(names).map(|name| EnginePath::of(&name).unwrap_or_default())
}

/// Bytes as people write them: 500MB, 2GB, 1GiB.
fn bytes(text: &str) -> Result<u64, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let scale: f64 = match unit.trim().to_ascii_uppercase().as_str() {
        "" | "B" => 1.0,
        "KB" | "K" => 1e3,
        "MB" | "M" => 1e6,
        "GB" | "G" => 1e9,
        "KIB" => 1024.0,
        "MIB" => 1024.0 * 1024.0,
        "GIB" => 1024.0 * 1024.0 * 1024.0,
        _ => return Err("write a number and B, KB, MB, GB, KiB, MiB or GiB, such as 2GB".to_owned()),
    };
    match number.parse::<f64>() {
        Ok(number) if number * scale >= 16e6 => Ok((number * scale) as u64),
        Ok(_) => Err("the engine needs at least 16MB".to_owned()),
        Err(_) => Err("write a number and a unit, such as 2GB".to_owned()),
    }
}

/// A time as people write it: 90s, 10m, 1h.
fn seconds(text: &str) -> Result<std::time::Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let scale = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err("write a whole number and s, m or h, such as 10m".to_owned()),
    };
    match number.parse::<u64>() {
        Ok(number) if number > 0 && number < 1_000_000 => Ok(std::time::Duration::from_secs(number * scale)),
        _ => Err("write a whole number above zero and s, m or h, such as 10m".to_owned()),
    }
}
