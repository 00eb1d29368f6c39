//! Sources in text: every file checked, and one type per column over all of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::datatypes::{DataType, Field, Schema};
use parking_lot::Mutex;

use super::clock::Turns;
use super::column::{self, Column};
use super::files::DataFile;
use super::fingerprint::{FilePrint, Fingerprint, Hashed};
use super::piece::{Change, Form, Opened, Part, Piece};
use super::table::{Asked, Parts, Unread};
use super::text::{Ask, ColumnScan, Look, TextScan};
use super::{clock, csv_scan, ndjson_scan};
use crate::definition::{Files, Format, KeyType, ScalarType};
use crate::fault::{Fault, Faults};

/// Checks and types the files; with `reach`, only about so many bytes of each.
pub(crate) fn open(
    asked: &Asked<'_>,
    files: &Files,
    found: Vec<DataFile>,
    reach: Option<u64>,
) -> Result<Parts, Faults> {
    let turns = asked.source.clock.as_ref().and_then(Turns::of).map(Arc::new);
    let ask = |column: &str| asked.text(column, turns.as_ref());
    let scan = |file: &DataFile| match files.format {
        Format::Ndjson => ndjson_scan::scan(file, &ask, reach),
        Format::Csv | Format::Parquet => csv_scan::scan(file, &files.csv, &ask, reach),
    };
    let scans = side_by_side(&found, asked.options.threads, &scan);
    let mut faults = Vec::new();
    let mut read: Vec<(DataFile, TextScan)> = Vec::new();
    for (file, scan) in found.into_iter().zip(scans) {
        match scan {
            Ok(scan) => read.push((file, scan)),
            Err(fault) => faults.push(fault),
        }
    }
    if !faults.is_empty() {
        return Err(Faults::new(faults));
    }
    typed(asked, files, read)
}

/// Reads files on several threads; answers stand in the order of the files.
fn side_by_side<T: Send>(
    files: &[DataFile],
    threads: Option<usize>,
    scan: &(impl Fn(&DataFile) -> Result<T, Fault> + Sync),
) -> Vec<Result<T, Fault>> {
    let threads = threads.or_else(|| std::thread::available_parallelism().ok().map(usize::from)).unwrap_or(1);
    if threads.min(files.len()) <= 1 {
        return files.iter().map(scan).collect();
    }
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(files.len()));
    std::thread::scope(|scope| {
        for _ in 0..threads.min(files.len()) {
            scope.spawn(|| {
                while let Some((index, file)) =
                    Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|at| Some((at, files.get(at)?)))
                {
                    let answer = scan(file);
                    done.lock().push((index, answer));
                }
            });
        }
    });
    let mut done = done.into_inner();
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, answer)| answer).collect()
}

/// One table of all files.
fn typed(asked: &Asked<'_>, files: &Files, read: Vec<(DataFile, TextScan)>) -> Result<Parts, Faults> {
    let names: Vec<Vec<String>> =
        read.iter().map(|(_, scan)| scan.columns.iter().map(|column| column.name.clone()).collect()).collect();
    if files.format == Format::Csv {
        same_header(&read)?;
    }
    let mut merged: Vec<ColumnScan> = Vec::new();
    let (mut prints, mut warnings, mut pieces, mut opened, mut rows) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), 0);
    for (index, (file, scan)) in read.into_iter().enumerate() {
        prints.push(FilePrint::new(&file, Hashed::Content, scan.hash));
        warnings.extend(scan.warnings);
        pieces.extend(scan.chunks.into_iter().map(|chunk| Piece {
            file: index,
            part: Part::Chunk(chunk),
            rows: chunk.rows,
        }));
        let known = merged.len();
        for column in scan.columns.into_iter().filter(|column| !column.name.is_empty()) {
            match merged[..known].iter_mut().find(|known| known.name == column.name) {
                Some(known) => known.append(column),
                None => {
                    let mut column = column;
                    column.tally.missing += rows;
                    merged.push(column);
                }
            }
        }
        rows += scan.rows;
        opened.push((file, index));
    }
    let (nested, merged): (Vec<_>, Vec<_>) = merged.into_iter().partition(|column| column.kinds.only_nested());
    let unread = nested
        .into_iter()
        .map(|column| Unread { name: column.name, why: "holds objects or lists" })
        .collect::<Vec<_>>();
    let mut faults = Vec::new();
    let (mut columns, mut changes) = (Vec::new(), Vec::new());
    for mut scan in merged {
        // A column that some files do not have is missing in all of their rows.
        scan.tally.missing += rows.saturating_sub(scan.tally.total());
        match asked.type_of(scan) {
            Ok((column, change)) => {
                columns.push(column);
                changes.push(change);
            }
            Err(fault) => faults.push(fault),
        }
    }
    if faults.is_empty() {
        faults.extend(asked.missing(&columns, &unread));
    }
    if !faults.is_empty() {
        return Err(Faults::new(faults));
    }
    let nulls = null_pattern(&files.csv.null_values)?;
    let opened = opened
        .into_iter()
        .map(|(file, index)| {
            let names = &names[index];
            let places = columns.iter().map(|column| names.iter().position(|name| *name == column.name)).collect();
            let form = match files.format {
                Format::Ndjson => Form::Ndjson,
                Format::Csv | Format::Parquet => {
                    let schema = Arc::new(Schema::new(
                        names.iter().map(|name| read_as(name, &columns, &changes)).collect::<Vec<_>>(),
                    ));
                    Form::Csv { schema, delimiter: files.csv.delimiter, nulls: nulls.clone() }
                }
            };
            Opened { file, columns: places, form }
        })
        .collect();
    Ok(Parts { columns, changes, files: opened, pieces, fingerprint: Fingerprint::new(prints), warnings, unread })
}

/// A column of a file with the type in which it is decoded.
fn read_as(name: &str, columns: &[Column], changes: &[Change]) -> Field {
    let kind = columns.iter().zip(changes).find(|(column, _)| column.name == name);
    Field::new(name, kind.map_or(DataType::Utf8View, |(_, change)| change.read.clone()), true)
}

/// The empty field and the declared words, as the decoder wants them.
fn null_pattern(words: &[String]) -> Result<Option<regex::Regex>, Fault> {
    if words.is_empty() {
        return Ok(None);
    }
    let words: Vec<String> = words.iter().map(|word| regex::escape(word)).collect();
    regex::Regex::new(&format!("^(?:|{})$", words.join("|"))).map(Some).map_err(|error| {
        Fault::error("metrics::wrong_null_values", format!("`null_values` cannot be looked for: {error}"))
    })
}

/// Whether all files have the columns of the first; order does not matter.
fn same_header(read: &[(DataFile, TextScan)]) -> Result<(), Fault> {
    let Some(((first, reference), others)) = read.split_first() else { return Ok(()) };
    let has = |scan: &TextScan, name: &str| scan.columns.iter().any(|column| column.name == name);
    for (other, scan) in others {
        let lacks =
            reference.columns.iter().find(|column| !has(scan, &column.name)).map(|column| (&column.name, first, other));
        let adds =
            scan.columns.iter().find(|column| !has(reference, &column.name)).map(|column| (&column.name, other, first));
        if let Some((name, with, without)) = lacks.or(adds) {
            let message = format!("column `{name}` is in `{}` and not in `{}`", with.name, without.name);
            return Err(Fault::error("metrics::files_differ", message)
                .with_place(other.place())
                .with_help("write all files with the same columns, or name the ones that agree by a glob"));
        }
    }
    Ok(())
}

impl Asked<'_> {
    /// What is asked of a column of text before it is read.
    fn text(&self, column: &str, turns: Option<&Arc<Turns>>) -> Ask {
        let key = self.key(column);
        let declared = self.source.columns.get(column);
        let clock = self.is_clock(column);
        let look = match (key, declared) {
            _ if clock => Look::Classify,
            (Some(KeyType::Text), _) | (None, Some(ScalarType::Text)) => Look::Text,
            (Some(KeyType::Uuid), _) => Look::Uuid,
            _ => Look::Classify,
        };
        Ask {
            look,
            clock,
            turns: turns.filter(|_| clock).cloned(),
            declared: key.is_some() || declared.is_some() || clock,
        }
    }

    /// The type of a column, from what is declared and what was seen.
    fn type_of(&self, scan: ColumnScan) -> Result<(Column, Change), Fault> {
        let (source, name) = (&self.source.name, scan.name);
        scan.kinds.agree(&name, scan.ask.declared)?;
        let seen = scan.tally.finish();
        let (kind, change) = if let Some(clock) = self.source.clock.as_ref().filter(|clock| clock.column == name) {
            let types = clock::of_text(source, clock, &seen, &scan.range)?;
            let read = types.in_text().clone();
            (types.kind, Change { read, via: types.via })
        } else {
            let kind = match (self.key(&name), self.source.columns.get(&name)) {
                (Some(key), _) => column::key(source, &name, key, &seen)?,
                (None, Some(declared)) => column::declared(source, &name, *declared, &seen)?,
                (None, None) => seen.inferred(),
            };
            (kind.clone(), Change { read: kind, via: Vec::new() })
        };
        Ok((Column { name, kind, seen: Some(seen) }, change))
    }
}
