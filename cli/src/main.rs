//! The command `estimand`: arguments in, data on standard output, talk on standard error.

mod arguments;
mod command;
mod delivery;
mod exit;
mod memory;
mod progress;
mod secret;
mod sink;

use clap::Parser;

use arguments::Arguments;

fn main() -> std::process::ExitCode {
    memory::keep();
    let arguments = Arguments::parse();
    secret::warn();
    let code = command::run(arguments);
    // Results are on disk or in the pipe by now; taking the engine apart would only cost time.
    std::process::exit(code.number());
}
