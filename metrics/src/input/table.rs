//! Opening a source: from its declaration to a table whose types are known and whose rows are checked.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::catalog::TableProvider;

use super::column::Column;
use super::fingerprint::Fingerprint;
use super::piece::{Batches, Change, Opened, Piece, Pieces};
use super::provider::SourceTable;
use super::{files, parquet_table, text_table};
use crate::definition::{Files, Format, KeyType, Rows, Source};
use crate::fault::{Fault, Faults};

/// How a source is opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Columns that hold ids although the source does not list them among its keys: the unit columns of an experiment.
    pub ids: BTreeSet<String>,
    /// Whether every byte of a Parquet file is hashed, and not its footer alone. Text is always hashed whole.
    pub verify: bool,
    /// How many files are checked at a time; as many as the machine has cores unless given. Never changes a result.
    pub threads: Option<usize>,
}

/// A source, opened: its files are found, checked and typed.
#[derive(Debug)]
pub struct Input {
    table: Arc<SourceTable>,
    columns: Vec<Column>,
    fingerprint: Fingerprint,
    warnings: Vec<Fault>,
    unread: Vec<Unread>,
}

/// A column of the files that the source does not give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// The name.
    pub name: String,
    /// Why, as in "column `x` … ".
    pub why: &'static str,
}

/// What is known of a source without reading its rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Outline {
    /// The columns and their types.
    pub schema: SchemaRef,
    /// Whether the types are those of the whole source; `false` for text of which only the beginning was read.
    pub exact: bool,
}

/// What opening the files of one format gives.
pub(crate) struct Parts {
    pub(crate) columns: Vec<Column>,
    pub(crate) changes: Vec<Change>,
    pub(crate) files: Vec<Opened>,
    pub(crate) pieces: Vec<Piece>,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) warnings: Vec<Fault>,
    pub(crate) unread: Vec<Unread>,
}

/// Opens the files of a source.
///
/// Text is read once from front to back: every quote, field count and byte is checked, and the type of each column
/// follows from all of its values. Of Parquet, the footers are read. Key columns have their declared type, text unless
/// declared; the clock is always a date or a timestamp, in UTC when the files say the offset.
///
/// # Errors
/// All faults of the files, and of what the source declares about them: an exit code of 4 on the command line.
pub fn open(source: &Source, root: &Path, options: &Options) -> Result<Input, Faults> {
    let found = files::find(files_of(source)?, root)?;
    let ask = Asked { source, options };
    let mut parts = match files_of(source)?.format {
        Format::Parquet => parquet_table::open(&ask, found.files)?,
        Format::Csv | Format::Ndjson => text_table::open(&ask, files_of(source)?, found.files, None)?,
    };
    parts.warnings.extend(found.warnings);
    let mut pieces = Pieces {
        schema: schema(&parts.columns),
        changes: parts.changes,
        files: parts.files,
        pieces: parts.pieces,
        memories: Arc::default(),
    };
    parquet_table::settle_clock(&ask, &mut parts.columns, &mut pieces)?;
    parquet_table::settle_nulls(&mut pieces);
    Ok(Input {
        table: Arc::new(SourceTable { name: source.name.clone(), pieces: Arc::new(pieces) }),
        columns: parts.columns,
        fingerprint: parts.fingerprint,
        warnings: parts.warnings,
        unread: parts.unread,
    })
}

fn schema(columns: &[Column]) -> SchemaRef {
    Arc::new(Schema::new(
        columns.iter().map(|column| Field::new(&column.name, column.kind.clone(), true)).collect::<Vec<_>>(),
    ))
}

/// The columns of a source, from footers or from the beginning of its first file; for checks of names before anything
/// runs.
///
/// # Errors
/// As [`open`], as far as it looks.
pub fn outline(source: &Source, root: &Path, options: &Options) -> Result<Outline, Faults> {
    /// Enough to see a header and some hundreds of rows.
    const BEGINNING: u64 = 256 << 10;
    let declared = files_of(source)?;
    let mut found = files::find(declared, root)?.files;
    found.truncate(1);
    let ask = Asked { source, options };
    let (parts, exact) = match declared.format {
        Format::Parquet => (parquet_table::open(&ask, found)?, true),
        Format::Csv | Format::Ndjson => (text_table::open(&ask, declared, found, Some(BEGINNING))?, false),
    };
    Ok(Outline { schema: schema(&parts.columns), exact })
}

fn files_of(source: &Source) -> Result<&Files, Fault> {
    match &source.rows {
        Rows::Files(files) => Ok(files),
        Rows::Query(_) => {
            Err(Fault::error("metrics::not_files", format!("source `{}` is a query; it has no files", source.name)))
        }
    }
}

impl Input {
    /// The source as a table of the engine.
    pub fn table(&self) -> Arc<dyn TableProvider> {
        Arc::clone(&self.table) as _
    }

    /// The same, for readers that go without the engine.
    pub(crate) fn source(&self) -> &Arc<SourceTable> {
        &self.table
    }

    /// The columns and their types, in the order of the first file.
    pub fn schema(&self) -> &SchemaRef {
        &self.table.pieces.schema
    }

    /// The columns with what was seen in them.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// A column by its name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Number of rows.
    pub fn rows(&self) -> u64 {
        self.table.pieces.rows()
    }

    /// What the files were.
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    /// What is doubtful about the files and does not stop their reading.
    pub fn warnings(&self) -> &[Fault] {
        &self.warnings
    }

    /// Columns of the files that the source does not give.
    pub fn unread(&self) -> &[Unread] {
        &self.unread
    }

    /// How many pieces the rows come in.
    pub fn pieces(&self) -> usize {
        self.table.pieces.pieces.len()
    }

    /// Reads a piece without the engine: the columns at these places of the schema, in batches of at most `batch_rows`.
    ///
    /// # Errors
    /// The file was changed, or it cannot be decoded.
    pub fn read(&self, piece: usize, columns: &[usize], batch_rows: usize) -> Result<Batches, Fault> {
        self.table.pieces.read(piece, columns, batch_rows)
    }
}

/// What is asked of the columns of a source.
pub(crate) struct Asked<'a> {
    pub(crate) source: &'a Source,
    pub(crate) options: &'a Options,
}

impl Asked<'_> {
    /// The declared type of a key column; `None` when the column is none.
    pub(crate) fn key(&self, column: &str) -> Option<KeyType> {
        let is_id = self.options.ids.contains(column) || self.source.units.values().any(|unit| unit == column);
        let declared = self.source.keys.get(column).copied();
        declared.or_else(|| (is_id && !self.is_clock(column)).then_some(KeyType::Text))
    }

    pub(crate) fn is_clock(&self, column: &str) -> bool {
        self.source.clock.as_ref().is_some_and(|clock| clock.column == column)
    }

    /// Refuses declarations of columns that the files do not have.
    pub(crate) fn missing(&self, columns: &[Column], unread: &[Unread]) -> Vec<Fault> {
        let source = &self.source.name;
        let keys = self.source.keys.keys().map(|name| (name, format!("keys.{name}")));
        let typed = self.source.columns.keys().map(|name| (name, format!("columns.{name}")));
        let units = self.source.units.iter().map(|(unit, name)| (name, format!("units.{unit}")));
        let clock = self.source.clock.iter().map(|clock| (&clock.column, "timestamp".to_owned()));
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        let absent = clock.chain(keys).chain(units).chain(typed).filter(|(name, _)| !names.contains(&name.as_str()));
        absent
            .map(|(name, field)| {
                if let Some(unread) = unread.iter().find(|unread| unread.name == *name) {
                    return Fault::error(
                        "metrics::column_not_read",
                        format!("column `{name}` of source `{source}` {}", unread.why),
                    )
                    .with_field(field)
                    .with_help("write what is used of it into a column of its own");
                }
                let nearest = names.iter().max_by(|a, b| {
                    strsim::jaro_winkler(a, name).total_cmp(&strsim::jaro_winkler(b, name)).then_with(|| b.cmp(a))
                });
                let fault = Fault::error("metrics::unknown_column", format!("no column `{name}` in source `{source}`"))
                    .with_field(field)
                    .with_valid("columns", names.iter().map(|name| (*name).to_owned()).collect());
                match nearest.filter(|nearest| strsim::jaro_winkler(nearest, name) > 0.8) {
                    Some(nearest) => fault.with_help(format!("did you mean `{nearest}`?")),
                    None => fault,
                }
            })
            .collect()
    }
}
