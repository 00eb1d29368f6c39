//! A folder of files, and the sources that read them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use arrow::datatypes::DataType;
use arrow::record_batch::RecordBatch;
use arrow::util::pretty::pretty_format_batches;
use datafusion::error::DataFusionError;
use datafusion::prelude::{SessionConfig, SessionContext};
use estimand_metrics::definition::{Clock, ClockUnit, Csv, Files, Format, KeyType, Rows, ScalarType, Source};
use estimand_metrics::input::{Input, Options, open};
use tempfile::TempDir;

/// A project's folder that is removed at the end of the test.
pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// Writes a file; folders in its name are made.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.file(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub fn open(&self, source: &Source) -> Input {
        match open(source, self.path(), &Options::default()) {
            Ok(input) => input,
            Err(faults) => panic!("{faults}"),
        }
    }

    /// Why a source is refused: one line per fault.
    pub fn refusal(&self, source: &Source) -> String {
        match open(source, self.path(), &Options::default()) {
            Ok(input) => panic!("{} rows were read", input.rows()),
            Err(faults) => {
                faults.iter().map(|fault| format!("{}: {}", fault.code, fault.line())).collect::<Vec<_>>().join("\n")
            }
        }
    }
}

/// A source named `events` over a path; the format is told by the suffix.
pub fn source(path: &str) -> Source {
    let format = match path.rsplit('.').next() {
        Some("parquet") => Format::Parquet,
        Some("ndjson" | "jsonl") => Format::Ndjson,
        _ => Format::Csv,
    };
    Source {
        name: "events".into(),
        label: "Events".into(),
        description: None,
        owner: None,
        tags: Vec::new(),
        rows: Rows::Files(Files { path: path.into(), format, csv: Csv::default() }),
        keys: BTreeMap::new(),
        columns: BTreeMap::new(),
        units: BTreeMap::new(),
        clock: None,
        parameters: BTreeMap::new(),
    }
}

/// Says more about a source.
pub trait Declare: Sized {
    fn key(self, column: &str, kind: KeyType) -> Self;
    fn column(self, column: &str, kind: ScalarType) -> Self;
    fn clock(self, column: &str, unit: Option<ClockUnit>) -> Self;
    fn csv(self, csv: Csv) -> Self;
    fn format(self, format: Format) -> Self;
}

impl Declare for Source {
    fn key(mut self, column: &str, kind: KeyType) -> Self {
        self.keys.insert(column.into(), kind);
        self
    }

    fn column(mut self, column: &str, kind: ScalarType) -> Self {
        self.columns.insert(column.into(), kind);
        self
    }

    fn clock(mut self, column: &str, unit: Option<ClockUnit>) -> Self {
        self.clock = Some(Clock { column: column.into(), zone: None, unit });
        self
    }

    fn csv(mut self, csv: Csv) -> Self {
        if let Rows::Files(files) = &mut self.rows {
            files.csv = csv;
        }
        self
    }

    fn format(mut self, format: Format) -> Self {
        if let Rows::Files(files) = &mut self.rows {
            files.format = format;
        }
        self
    }
}

/// The type of a column.
pub fn kind(input: &Input, column: &str) -> DataType {
    input.column(column).map(|column| column.kind.clone()).unwrap_or(DataType::Null)
}

/// Runs a query over the table `events`, with as many threads and in small batches.
pub fn try_query(input: &Input, threads: usize, sql: &str) -> Result<Vec<RecordBatch>, DataFusionError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).build().unwrap();
    runtime.block_on(async {
        let config = SessionConfig::new().with_target_partitions(threads).with_batch_size(1_000);
        let session = SessionContext::new_with_config(config);
        session.register_table("events", input.table())?;
        session.sql(sql).await?.collect().await
    })
}

/// The answer of a query as a table in text.
pub fn query(input: &Input, threads: usize, sql: &str) -> String {
    match try_query(input, threads, sql) {
        Ok(batches) => pretty_format_batches(&batches).unwrap().to_string(),
        Err(error) => panic!("{error}"),
    }
}

/// The rows of a query as text, cells between bars.
pub fn rows(input: &Input, sql: &str) -> Vec<String> {
    let table = query(input, 2, sql);
    let rows = table.lines().filter(|line| line.starts_with('|')).skip(1);
    rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>().join("|")).collect()
}

/// Numbers that look random and are the same in every run (a linear congruential generator, Knuth's constants).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
}
