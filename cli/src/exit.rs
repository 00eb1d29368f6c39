//! Exit codes, and failures that carry one.

use std::fmt;

/// What the process says when it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitCode {
    /// Done; also when the reader of a pipe has gone.
    Done,
    /// The analysis failed.
    Failed,
    /// Bad usage, or invalid files.
    Usage,
    /// Data or a source are missing or unreadable.
    Data,
    /// A health check failed under `--fail-on health`.
    Health,
    /// Timed out.
    TimedOut,
    /// Interrupted.
    Interrupted,
}

impl ExitCode {
    /// The number the shell sees.
    pub const fn number(self) -> i32 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Data => 4,
            Self::Health => 5,
            Self::TimedOut => 124,
            Self::Interrupted => 130,
        }
    }
}

/// A failure: what to say, and the code to end with.
#[derive(Debug)]
pub struct Failure {
    /// The code.
    pub code: ExitCode,
    /// What is wrong and how to mend it; empty when it has been said.
    pub message: String,
}

impl Failure {
    /// A failure of a kind.
    pub fn new(code: ExitCode, message: impl fmt::Display) -> Self {
        Self { code, message: message.to_string() }
    }

    /// Bad usage.
    pub fn usage(message: impl fmt::Display) -> Self {
        Self::new(ExitCode::Usage, message)
    }

    /// Data that cannot be read.
    pub fn data(message: impl fmt::Display) -> Self {
        Self::new(ExitCode::Data, message)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            // The reader has seen enough: `| head` is no failure.
            std::io::ErrorKind::BrokenPipe => Self::new(ExitCode::Done, ""),
            _ => Self::new(ExitCode::Failed, error),
        }
    }
}
