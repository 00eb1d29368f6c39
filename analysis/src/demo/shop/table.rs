//! The shop's data as Parquet files, written as they are drawn.

use std::fs::File;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread;

use arrow::array::{ArrayRef, BooleanBuilder, Float64Builder, Int32Builder, StringBuilder, TimestampMicrosecondArray};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;

use super::unit::{Event, EventKind, Simulator, Unit};
use crate::demo::Error;
use crate::demo::folder::Folder;

/// Users per row group: few enough for ids to share one dictionary, and for memory not to grow with the number of users.
const CHUNK: u64 = 32_768;

/// Writes `data/users.parquet`, `data/assignments.parquet` and `data/events.parquet`.
///
/// Users are drawn by one thread and written by another, chunk after chunk. Within a chunk logs are in the order of time, as a
/// collector would write them, so that rows of a user lie apart.
pub(super) fn write(folder: &Folder, seed: u64, users: u64) -> Result<(), Error> {
    // Nobody's rows have the columns of everybody's.
    let [no_users, no_assignments, no_events] = tables(&mut Simulator::new(seed), 0..0)?;
    let mut files = [
        TableFile::create(folder, "data/users.parquet", &no_users)?,
        TableFile::create(folder, "data/assignments.parquet", &no_assignments)?,
        TableFile::create(folder, "data/events.parquet", &no_events)?,
    ];
    thread::scope(|scope| {
        let (send, receive) = sync_channel(1);
        scope.spawn(move || {
            let mut simulator = Simulator::new(seed);
            for first in (0..users).step_by(CHUNK as usize) {
                let chunk = tables(&mut simulator, first..users.min(first + CHUNK));
                // Nobody receives once writing has failed; that failure is what the caller hears of.
                if send.send(chunk).is_err() {
                    return;
                }
            }
        });
        for chunk in receive {
            for (file, batch) in files.iter_mut().zip(chunk?) {
                file.write(&batch)?;
            }
        }
        Ok::<_, Error>(())
    })?;
    files.into_iter().try_for_each(TableFile::finish)
}

/// The rows of some users: the user table, the assignment log, the event log.
fn tables(simulator: &mut Simulator, users: Range<u64>) -> Result<[RecordBatch; 3], Error> {
    let units: Vec<Unit> = users.map(|index| simulator.unit(index)).collect();
    Ok([user_rows(&units)?, assignment_rows(&units)?, event_rows(&units)?])
}

fn user_rows(units: &[Unit]) -> Result<RecordBatch, Error> {
    let text = |of: fn(&Unit) -> String| texts(units.iter().map(of));
    Ok(RecordBatch::try_from_iter([
        ("user_id", text(Unit::id)),
        ("country", text(|unit| unit.stratum.country.name.to_owned())),
        ("platform", text(|unit| unit.stratum.platform.name.to_owned())),
        ("visitor", text(|unit| unit.stratum.visitor.name.to_owned())),
    ])?)
}

fn assignment_rows(units: &[Unit]) -> Result<RecordBatch, Error> {
    let mut rows: Vec<_> =
        units.iter().flat_map(|unit| unit.assignments.iter().map(move |(at, arm)| (*at, unit, *arm))).collect();
    rows.sort_by_key(|(at, ..)| *at);
    Ok(RecordBatch::try_from_iter([
        ("user_id", texts(rows.iter().map(|(_, unit, _)| unit.id()))),
        ("exposed_at", times(rows.iter().map(|(at, ..)| *at))),
        ("arm", texts(rows.iter().map(|(.., arm)| arm.name()))),
    ])?)
}

fn event_rows(units: &[Unit]) -> Result<RecordBatch, Error> {
    let ids: Vec<String> = units.iter().map(Unit::id).collect();
    let mut rows: Vec<(&str, Event)> =
        units.iter().zip(&ids).flat_map(|(unit, id)| unit.events.iter().map(|event| (id.as_str(), *event))).collect();
    rows.sort_by_key(|(_, event)| event.at);

    let mut names = StringBuilder::with_capacity(rows.len(), rows.len() * 6);
    let mut amounts = Float64Builder::with_capacity(rows.len());
    let mut refunds = BooleanBuilder::with_capacity(rows.len());
    let mut loads = Int32Builder::with_capacity(rows.len());
    for (_, event) in &rows {
        let (name, amount, refunded, load) = match event.kind {
            EventKind::Visit { load_ms } => ("visit", None, None, Some(i32::try_from(load_ms).unwrap_or(i32::MAX))),
            EventKind::Search => ("search", None, None, None),
            EventKind::Order { amount, refunded } => ("order", Some(f64::from(amount)), Some(refunded), None),
        };
        names.append_value(name);
        amounts.append_option(amount);
        refunds.append_option(refunded);
        loads.append_option(load);
    }
    Ok(RecordBatch::try_from_iter_with_nullable([
        ("user_id", texts(rows.iter().map(|(id, _)| id)), false),
        ("occurred_at", times(rows.iter().map(|(_, event)| event.at)), false),
        ("event", Arc::new(names.finish()), false),
        ("amount", Arc::new(amounts.finish()), true),
        ("refunded", Arc::new(refunds.finish()), true),
        ("load_ms", Arc::new(loads.finish()), true),
    ])?)
}

fn texts(values: impl Iterator<Item = impl AsRef<str>>) -> ArrayRef {
    let mut builder = StringBuilder::with_capacity(values.size_hint().0, values.size_hint().0 * 9);
    values.for_each(|value| builder.append_value(value));
    Arc::new(builder.finish())
}

fn times(values: impl Iterator<Item = i64>) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from_iter_values(values).with_timezone("UTC"))
}

/// A Parquet file that grows by one row group at a time.
struct TableFile {
    writer: ArrowWriter<File>,
    /// Where the file will be, for messages.
    place: PathBuf,
}

impl TableFile {
    /// Starts a file for batches like `empty`.
    fn create(folder: &Folder, path: &str, empty: &RecordBatch) -> Result<Self, Error> {
        let place = folder.place(path);
        let file = File::create(folder.path(path)?).map_err(|source| Error::Write { path: place.clone(), source })?;
        // Times in order compress to almost nothing as differences, and not at all as a dictionary.
        let time = ColumnPath::from(if path.ends_with("assignments.parquet") { "exposed_at" } else { "occurred_at" });
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_column_dictionary_enabled(time.clone(), false)
            .set_column_encoding(time, Encoding::DELTA_BINARY_PACKED)
            .set_created_by(format!("estimand {}", env!("CARGO_PKG_VERSION")))
            .build();
        let writer = ArrowWriter::try_new(file, empty.schema(), Some(properties))
            .map_err(|source| Error::WriteRows { path: place.clone(), source })?;
        Ok(Self { writer, place })
    }

    /// Writes a batch as a row group of its own.
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let written = self.writer.write(batch).and_then(|()| self.writer.flush());
        written.map_err(|source| Error::WriteRows { path: self.place.clone(), source })
    }

    fn finish(self) -> Result<(), Error> {
        self.writer.close().map(drop).map_err(|source| Error::WriteRows { path: self.place, source })
    }
}
