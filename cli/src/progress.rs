//! Progress on standard error, for anything that takes over a second.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A line that says what is running; silent when nobody watches, or in the first second.
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// A line, or none when `quiet` or when standard error is not a terminal.
    pub fn new(quiet: bool) -> Self {
        let bar = ProgressBar::new_spinner();
        if quiet || !std::io::stderr().is_terminal() {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} · {elapsed}") {
            bar.set_style(style);
        }
        Self { bar }
    }

    /// Says what is running now.
    pub fn say(&self, what: &str) {
        if self.bar.elapsed() > Duration::from_secs(1) {
            self.bar.enable_steady_tick(Duration::from_millis(120));
        }
        self.bar.set_message(what.to_owned());
    }

    /// Removes the line.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
