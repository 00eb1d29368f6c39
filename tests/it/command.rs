//! The command as a shell sees it: arguments in; exit code, data and talk out.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// The command under test, which cargo builds beside this test for the tests of the `cli` crate.
pub fn program() -> PathBuf {
    let test = std::env::current_exe().expect("the test has a path");
    let folder = test.ancestors().nth(2).expect("tests lie in a folder of what cargo builds");
    let program = folder.join(format!("estimand{}", std::env::consts::EXE_SUFFIX));
    assert!(program.is_file(), "{} is not there: run `cargo build --workspace`", program.display());
    program
}

/// The command in a folder, with nothing of the environment that could change an answer.
pub fn command(folder: &Path) -> Command {
    let mut command = Command::new(program());
    command.current_dir(folder).stdin(Stdio::null()).env_remove("ESTIMAND_THREADS").env("NO_COLOR", "1");
    command
}

/// What a command did.
#[derive(Debug)]
pub struct Answer {
    /// The exit code; `None` when a signal ended the process.
    pub code: Option<i32>,
    /// Standard output.
    pub data: Vec<u8>,
    /// Standard error.
    pub talk: String,
}

impl Answer {
    /// Runs a command to its end.
    pub fn of(command: &mut Command) -> Self {
        let output = command.output().expect("the command starts");
        Self { code: output.status.code(), data: output.stdout, talk: text(&output.stderr) }
    }

    /// Standard output as text.
    pub fn text(&self) -> String {
        text(&self.data)
    }

    /// The one JSON document of an analysis that was done.
    pub fn document(&self) -> Value {
        assert_eq!(self.code, Some(0), "{}", self.talk);
        serde_json::from_slice(&self.data).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The result table of an analysis that was done.
    pub fn rows(&self) -> Rows {
        Rows(self.document()["estimates"].as_array().cloned().expect("a result table"))
    }

    /// The outcome and the message of a check of an analysis that was done.
    pub fn check(&self, name: &str) -> (String, String) {
        let document = self.document();
        let checks = document["checks"].as_array().expect("a list of checks");
        let check = checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("no check {name}"));
        let word = |key: &str| check[key].as_str().unwrap_or_default().to_owned();
        (word("outcome"), word("message"))
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A folder of its own in which the command is run; it is removed at the end of the test.
pub struct Desk(TempDir);

impl Desk {
    pub fn new() -> Self {
        Self(TempDir::new().expect("a temporary folder"))
    }

    /// A folder with these files.
    pub fn with(files: &[(&str, &str)]) -> Self {
        let desk = Self::new();
        for (name, content) in files {
            desk.write(name, content);
        }
        desk
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn file(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path().join(name)
    }

    /// Writes a file; folders in its name are made.
    pub fn write(&self, name: impl AsRef<Path>, content: impl AsRef<[u8]>) {
        let path = self.file(name);
        std::fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("a folder can be made");
        std::fs::write(&path, content).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }

    /// Replaces a part of a file, which must be there exactly once.
    pub fn edit(&self, name: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.file(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(text.matches(from).count(), 1, "`{from}` stands once in {name}:\n{text}");
        self.write(name, text.replacen(from, to, 1));
    }

    pub fn command(&self) -> Command {
        command(self.path())
    }

    pub fn run<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Answer {
        Answer::of(self.command().args(arguments))
    }

    /// Runs `analyze … --format json` on one thread: many small analyses at once need no more.
    pub fn analyze<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Answer {
        Answer::of(self.command().args(["analyze", "--format", "json", "--threads", "1"]).args(arguments))
    }
}

/// The result table.
#[derive(Clone, Debug)]
pub struct Rows(pub Vec<Value>);

/// The scale of an effect.
pub const ABSOLUTE: &str = "absolute";
/// The scale of a lift.
pub const RELATIVE: &str = "relative";

impl Rows {
    fn find(&self, what: &str, holds: impl Fn(&Value) -> bool) -> Row {
        let found = self.0.iter().find(|row| holds(row));
        Row(found.cloned().unwrap_or_else(|| panic!("no row of {what} in {:#?}", self.0)))
    }

    /// The row that decides a metric for an arm, over all units.
    pub fn effect(&self, metric: &str, arm: &str, scale: &str) -> Row {
        self.find(&format!("{metric}, {arm}, {scale}"), |row| {
            whole(row)
                && row["decides"] == true
                && row["metric"] == metric
                && row["arm"] == arm
                && row["scale"] == scale
        })
    }

    /// The row of a metric that an estimator shows beside the deciding one.
    pub fn beside(&self, metric: &str, arm: &str, scale: &str) -> Row {
        self.find(&format!("{metric}, {arm}, {scale}, beside"), |row| {
            whole(row)
                && row["decides"] == false
                && row["metric"] == metric
                && row["arm"] == arm
                && row["scale"] == scale
        })
    }

    /// The row of a term of a regression.
    pub fn term(&self, metric: &str, term: &str) -> Row {
        self.find(&format!("{metric}, {term}"), |row| row["metric"] == metric && row["term"] == term)
    }
    /// The row that decides a metric within a segment.
    pub fn segment(&self, metric: &str, segment: &str, scale: &str) -> Row {
        self.find(&format!("{metric}, {segment}, {scale}"), |row| {
            row["metric"] == metric && row["segment"] == segment && row["scale"] == scale
        })
    }
}

fn whole(row: &Value) -> bool {
    ["segment", "period", "term"].iter().all(|column| row[column].is_null())
}

/// One row of the result table.
#[derive(Clone, Debug)]
pub struct Row(Value);

impl Row {
    /// A number that must be there.
    pub fn number(&self, column: &str) -> f64 {
        self.maybe(column).unwrap_or_else(|| panic!("{column} is {}: {}", self.0[column], self.0["notes"]))
    }

    /// A number, or `None` where the column is null.
    pub fn maybe(&self, column: &str) -> Option<f64> {
        self.0[column].as_f64()
    }

    /// Both ends of the interval.
    pub fn interval(&self) -> [f64; 2] {
        [self.number("conf_low"), self.number("conf_high")]
    }

    /// A text; empty where the column is null.
    pub fn text(&self, column: &str) -> &str {
        self.0[column].as_str().unwrap_or_default()
    }
}
