//! When a run was made and how long it took.

use std::time::Instant;

use jiff::Timestamp;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

/// When a run was made and how long it took. Not part of its identity.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Log {
    /// The command as typed, without secrets.
    pub command: String,
    /// When it began, in RFC 3339.
    pub started: Option<String>,
    /// Each step with its seconds, in order.
    pub steps: Vec<(String, f64)>,
}

/// Notes when each step begins.
#[derive(Debug)]
pub struct Stopwatch {
    started: Timestamp,
    steps: Mutex<Vec<(String, Instant)>>,
}

impl Stopwatch {
    /// Begins now.
    pub fn start() -> Self {
        Self { started: Timestamp::now(), steps: Mutex::new(Vec::new()) }
    }

    /// A step begins, and the one before it ends.
    pub fn step(&self, name: &str) {
        self.steps.lock().push((name.to_owned(), Instant::now()));
    }

    /// What was noted; the last step ends now.
    pub fn log(&self) -> Log {
        let steps = self.steps.lock();
        let ends = steps.iter().skip(1).map(|(_, instant)| *instant).chain([Instant::now()]);
        let seconds = |begun: &Instant, ended: Instant| ended.duration_since(*begun).as_secs_f64();
        Log {
            command: String::new(),
            started: Some(self.started.to_string()),
            steps: steps.iter().zip(ends).map(|((name, begun), ended)| (name.clone(), seconds(begun, ended))).collect(),
        }
    }
}
