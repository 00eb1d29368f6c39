//! The command `estimand`: arguments in, data on standard output, talk on standard error.

mod arguments;
mod command;
mod delivery;
mod exit;
mod progress;
mod secret;
mod sink;

use clap::Parser;

use arguments::Arguments;

/// Columns come and go by the megabyte; this allocator keeps them, where the system's gives each back to the kernel.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    let arguments = Arguments::parse();
    secret::warn();
    let code = command::run(arguments);
    // Results are on disk or in the pipe by now; taking the engine apart would only cost time.
    std::process::exit(code.number());
}
