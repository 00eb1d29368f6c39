//! Sources in Parquet: footers that agree, and the types that are asked of their columns.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use arrow::compute::{cast, max, min};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, TimeUnit};

use super::clock::{self, ClockType, Turns};
use super::column::{Column, Seen};
use super::files::DataFile;
use super::fingerprint::{FilePrint, Fingerprint, Hashed, content};
use super::parquet::{agree, corrupt, extremes, open as open_footer, word};
use super::piece::{Change, Form, Opened, Part, Piece, Pieces};
use super::table::{Asked, Parts, Unread};
use super::text::{Ask, ColumnScan, Look, Range};
use crate::definition::{Clock, KeyType, ScalarType};
use crate::fault::{Fault, Faults, Place};

/// Rows looked at at a time.
const BATCH_ROWS: usize = 8_192;

/// Opens the footers of all files.
pub(crate) fn open(asked: &Asked<'_>, found: Vec<DataFile>) -> Result<Parts, Faults> {
    let (mut footers, mut prints, mut faults) = (Vec::with_capacity(found.len()), Vec::new(), Vec::new());
    for file in found {
        let opened = open_footer(&file).and_then(|footer| {
            let print = match asked.options.verify {
                true => FilePrint::new(&file, Hashed::Content, content(&file)?),
                false => FilePrint::new(&file, Hashed::Footer, footer.hash),
            };
            Ok((footer, print))
        });
        match opened {
            Ok((footer, print)) => {
                footers.push((file, footer));
                prints.push(print);
            }
            Err(fault) => faults.push(fault),
        }
    }
    if !faults.is_empty() {
        return Err(Faults::new(faults));
    }
    agree(&footers)?;
    let (mut columns, mut changes, mut unread) = (Vec::new(), Vec::new(), Vec::new());
    for field in footers.first().map(|(_, footer)| footer.metadata.schema().fields()).into_iter().flatten() {
        if field.data_type().is_nested() {
            unread.push(Unread { name: field.name().clone(), why: "is nested: it holds lists, maps or structures" });
            continue;
        }
        match asked.type_in_parquet(field.name(), field.data_type()) {
            Ok((kind, change)) => {
                columns.push(Column { name: field.name().clone(), kind, seen: None });
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
    let mut parts = Parts {
        columns,
        changes,
        files: Vec::new(),
        pieces: Vec::new(),
        fingerprint: Fingerprint::new(prints),
        warnings: Vec::new(),
        unread,
    };
    for (index, (file, footer)) in footers.into_iter().enumerate() {
        let groups = footer.metadata.metadata().row_groups().iter().enumerate();
        parts.pieces.extend(groups.filter(|(_, group)| group.num_rows() > 0).map(|(group, metadata)| Piece {
            file: index,
            part: Part::RowGroup(group),
            rows: u64::try_from(metadata.num_rows()).unwrap_or_default(),
        }));
        let fields = footer.metadata.schema().fields();
        let places =
            parts.columns.iter().map(|column| fields.iter().position(|field| *field.name() == column.name)).collect();
        parts.files.push(Opened { file, columns: places, form: Form::Parquet(footer.metadata) });
    }
    Ok(parts)
}

impl Asked<'_> {
    /// The type in which a column is given, and how it gets there. The clock follows when the footers are known.
    fn type_in_parquet(&self, name: &str, file: &DataType) -> Result<(DataType, Change), Fault> {
        let same = Change { read: file.clone(), via: Vec::new() };
        let kind = match (self.key(name), self.source.columns.get(name)) {
            _ if self.is_clock(name) => file.clone(),
            (Some(key), _) => self.key_in_parquet(name, key, file)?,
            (None, Some(declared)) => self.declared_in_parquet(name, *declared, file)?,
            (None, None) => file.clone(),
        };
        Ok((kind, same))
    }

    fn key_in_parquet(&self, name: &str, key: KeyType, file: &DataType) -> Result<DataType, Fault> {
        let source = &self.source.name;
        match file {
            DataType::Utf8View if key != KeyType::Integer => Ok(DataType::Utf8View),
            DataType::UInt64 if key != KeyType::Uuid => Ok(DataType::UInt64),
            kind if kind.is_integer() && key != KeyType::Uuid => Ok(DataType::Int64),
            // Warehouses write integers as decimals without places; 18 digits fit 64 bits.
            DataType::Decimal128(..=18, 0) if key != KeyType::Uuid => Ok(DataType::Int64),
            DataType::Decimal128(_, 0) if key == KeyType::Text => Ok(DataType::Utf8View),
            kind if kind.is_floating() => {
                let message = format!(
                    "key `{name}` of source `{source}` is {} in the files: floats cannot tell ids apart",
                    word(kind)
                );
                Err(Fault::error("metrics::float_key", message)
                    .with_field(format!("keys.{name}"))
                    .with_help("write the ids as text or integers"))
            }
            kind => {
                let message = format!(
                    "key `{name}` of source `{source}` is declared {} and is {} in the files",
                    key.word(),
                    word(kind)
                );
                Err(Fault::error("metrics::wrong_type", message)
                    .with_field(format!("keys.{name}"))
                    .with_help("write the ids as text or integers, and declare what they are"))
            }
        }
    }

    fn declared_in_parquet(&self, name: &str, declared: ScalarType, file: &DataType) -> Result<DataType, Fault> {
        let kind = match (declared, file) {
            (ScalarType::Boolean, DataType::Boolean) => Some(DataType::Boolean),
            (ScalarType::Date, DataType::Date32 | DataType::Date64) => Some(DataType::Date32),
            (ScalarType::Float, kind) if kind.is_numeric() => Some(DataType::Float64),
            (ScalarType::Integer, kind) if kind.is_integer() => Some(DataType::Int64),
            (ScalarType::Integer, DataType::Decimal128(..=18, 0)) => Some(DataType::Int64),
            (ScalarType::Text, DataType::Utf8View | DataType::Boolean | DataType::Date32) => Some(DataType::Utf8View),
            (ScalarType::Text, kind) if kind.is_integer() => Some(DataType::Utf8View),
            (ScalarType::Timestamp, DataType::Timestamp(..)) => Some(file.clone()),
            (ScalarType::Timestamp, DataType::Date32) => Some(DataType::Timestamp(TimeUnit::Microsecond, None)),
            _ => None,
        };
        kind.ok_or_else(|| {
            let message = format!(
                "column `{name}` of source `{}` is declared {declared} and is {} in the files",
                self.source.name,
                word(file)
            );
            Fault::error("metrics::wrong_type", message)
                .with_field(format!("columns.{name}"))
                .with_help("remove the declaration, or convert the column in the expression that uses it")
        })
    }
}

/// Makes a time of the clock: what its integers count and what its text holds is known only from the values.
pub(crate) fn settle_clock(asked: &Asked<'_>, columns: &mut [Column], pieces: &mut Pieces) -> Result<(), Fault> {
    let Some(clock) = &asked.source.clock else { return Ok(()) };
    let Some(index) = columns.iter().position(|column| column.name == clock.column && column.seen.is_none()) else {
        return Ok(());
    };
    let source = &asked.source.name;
    let utc = |zone: &Option<Arc<str>>| zone.as_ref().map(|_| "UTC".into());
    let types = match &columns[index].kind {
        DataType::Date32 | DataType::Date64 => {
            possible_years(source, index, pieces)?;
            ClockType::as_written(DataType::Date32)
        }
        DataType::Timestamp(unit, zone) => {
            possible_years(source, index, pieces)?;
            let unit = if *unit == TimeUnit::Nanosecond { TimeUnit::Nanosecond } else { TimeUnit::Microsecond };
            ClockType::as_written(DataType::Timestamp(unit, utc(zone)))
        }
        DataType::Utf8View => {
            let (seen, range) = values(clock, index, pieces)?;
            clock::of_text(source, clock, &seen, &range)?
        }
        kind if kind.is_integer() => ClockType::counted(clock::counted(source, clock, &bounds(index, pieces)?)?),
        other => {
            let message =
                format!("clock `{}` of source `{source}` is {} in the files, not a time", clock.column, word(other));
            return Err(Fault::error("metrics::not_a_clock", message)
                .with_field("timestamp")
                .with_help("write a timestamp, or declare another column"));
        }
    };
    columns[index].kind = types.kind.clone();
    pieces.changes[index].via = types.via;
    let mut fields: Vec<Arc<Field>> = pieces.schema.fields().iter().cloned().collect();
    fields[index] = Arc::new(Field::new(&clock.column, types.kind, true));
    pieces.schema = Arc::new(Schema::new(fields));
    Ok(())
}

/// Notes which columns hold no nulls, where the footers of all files say so: what is made of them is simpler then.
pub(crate) fn settle_nulls(pieces: &mut Pieces) {
    let complete = |(index, field): (usize, &Arc<Field>)| {
        let change = &pieces.changes[index];
        let as_written = change.via.is_empty() && change.read == *field.data_type();
        as_written && pieces.files.iter().all(|opened| has_no_nulls(&opened.form, field.name()))
    };
    let fields = pieces.schema.fields().iter().enumerate();
    let fields: Vec<Field> =
        fields.map(|(index, field)| field.as_ref().clone().with_nullable(!complete((index, field)))).collect();
    pieces.schema = Arc::new(Schema::new(fields));
}

fn has_no_nulls(form: &Form, name: &str) -> bool {
    let Form::Parquet(metadata) = form else { return false };
    metadata.metadata().row_groups().iter().all(|group| {
        let column = group.columns().iter().find(|column| column.column_path().parts() == [name]);
        let nulls = column.and_then(|column| column.statistics()).and_then(|statistics| statistics.null_count_opt());
        nulls == Some(0)
    })
}

/// Refuses timestamps of impossible years, as far as the footers tell them.
fn possible_years(source: &str, column: usize, pieces: &Pieces) -> Result<(), Fault> {
    let name = pieces.schema.field(column).name();
    for opened in &pieces.files {
        let Form::Parquet(metadata) = &opened.form else { continue };
        let Some((low, high)) = extremes(metadata, name) else { continue };
        for bound in [&low, &high] {
            let Some(seconds) = in_seconds(bound) else { continue };
            let wrong = seconds.iter().find(|second| !clock::SECONDS.contains(&i128::from(**second)));
            if let Some(time) = wrong.map(|second| jiff::Timestamp::from_second(*second)) {
                let time = time.map_or("a time outside the calendar".to_owned(), |time| format!("`{time}`"));
                let message = format!("clock `{name}` of source `{source}` holds {time} in `{}`", opened.file.name);
                return Err(clock::out_of_years(message).with_place(opened.file.place()));
            }
        }
    }
    Ok(())
}

/// Times as seconds from 1970.
fn in_seconds(times: &ArrayRef) -> Option<Vec<i64>> {
    let seconds = cast(times, &DataType::Timestamp(TimeUnit::Second, None))
        .and_then(|array| cast(&array, &DataType::Int64))
        .ok()?;
    Some(seconds.as_primitive_opt::<Int64Type>()?.iter().flatten().collect())
}

/// The smallest and the largest integer of a column: from the footers, or from the rows where a footer is silent.
fn bounds(column: usize, pieces: &Pieces) -> Result<Vec<(i64, Option<Place>)>, Fault> {
    let name = pieces.schema.field(column).name();
    let mut bounds = Vec::new();
    for (index, opened) in pieces.files.iter().enumerate() {
        let found = match &opened.form {
            Form::Parquet(metadata) => extremes(metadata, name),
            _ => None,
        };
        let mut arrays: Vec<ArrayRef> = found.into_iter().flat_map(|(low, high)| [low, high]).collect();
        if arrays.is_empty() {
            for piece in (0..pieces.pieces.len()).filter(|piece| pieces.pieces[*piece].file == index) {
                for batch in pieces.read(piece, &[column], BATCH_ROWS)? {
                    arrays.push(Arc::clone(batch?.column(0)));
                }
            }
        }
        for array in arrays {
            let integers = cast(&array, &DataType::Int64).map_err(|error| corrupt(&opened.file, &error.to_string()))?;
            let Some(integers) = integers.as_primitive_opt::<Int64Type>() else { continue };
            bounds.extend(
                [min(integers), max(integers)].into_iter().flatten().map(|value| (value, Some(opened.file.place()))),
            );
        }
    }
    bounds.sort_by_key(|(value, _)| *value);
    Ok(bounds)
}

/// What the text of a column holds, from all of its rows.
fn values(clock: &Clock, column: usize, pieces: &Pieces) -> Result<(Seen, Range), Fault> {
    let ask = Ask { look: Look::Classify, clock: true, turns: Turns::of(clock).map(Arc::new), declared: true };
    let mut scan: Option<ColumnScan> = None;
    for (index, piece) in pieces.pieces.iter().enumerate() {
        let file = &pieces.files[piece.file].file;
        let mut found = ColumnScan::new(clock.column.clone(), ask.clone(), &file.name.as_str().into());
        for batch in pieces.read(index, &[column], BATCH_ROWS)? {
            for value in batch?.column(0).as_string_view() {
                match value {
                    Some(value) => found.add(value.as_bytes(), 0, || file.place()),
                    None => found.tally.missing += 1,
                }
            }
        }
        match &mut scan {
            Some(scan) => scan.append(found),
            None => scan = Some(found),
        }
    }
    Ok(scan.map(|scan| (scan.tally.finish(), scan.range)).unwrap_or_default())
}
