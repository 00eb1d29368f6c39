//! Tables of random rows, and the files that hold them.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int16Array, Int32Array,
    Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray, TimestampMillisecondArray,
    TimestampNanosecondArray, UInt32Array, UInt64Array,
};
use arrow::datatypes::{DataType, Field, Schema};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;

/// The format of a table's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Csv,
    Ndjson,
    Parquet,
}

impl Format {
    fn suffix(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
            Self::Parquet => "parquet",
        }
    }
}

/// A table, and how it lies in files.
#[derive(Clone, Debug)]
pub struct Table {
    /// Name of the source.
    pub name: String,
    /// What its file says besides the path.
    pub head: String,
    /// Its rows.
    pub rows: RecordBatch,
    /// Into how many files they are divided.
    pub files: usize,
    /// Rows of a row group.
    pub group: usize,
    /// The format of the files.
    pub format: Format,
}

impl Table {
    /// The file of the source.
    pub fn text(&self) -> String {
        format!("path = \"data/{}/*.{}\"\n{}", self.name, self.format.suffix(), self.head)
    }

    /// Writes the files into a project's folder.
    pub fn write(&self, project: &Path) {
        let folder = project.join("data").join(&self.name);
        std::fs::create_dir_all(&folder).unwrap();
        let (rows, files) = (self.rows.num_rows(), self.files.max(1));
        for file in 0..files {
            // Files of unequal lengths, some without a row.
            let (from, to) = (rows * file * file / (files * files), rows * (file + 1) * (file + 1) / (files * files));
            let part = self.rows.slice(from, to - from);
            let sink = File::create(folder.join(format!("{file}.{}", self.format.suffix()))).unwrap();
            match self.format {
                Format::Parquet => {
                    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(self.group)).build();
                    let mut writer = ArrowWriter::try_new(sink, part.schema(), Some(properties)).unwrap();
                    writer.write(&part).unwrap();
                    writer.close().unwrap();
                }
                Format::Csv => arrow::csv::Writer::new(sink).write(&part).unwrap(),
                Format::Ndjson => {
                    let mut writer = arrow::json::LineDelimitedWriter::new(sink);
                    writer.write(&part).unwrap();
                    writer.finish().unwrap();
                }
            }
        }
    }

    /// The rows that are chosen, in that order.
    pub fn taken(&self, rows: &[u32]) -> Self {
        let rows = arrow::compute::take_record_batch(&self.rows, &UInt32Array::from(rows.to_vec())).unwrap();
        Self { rows, ..self.clone() }
    }
}

/// Columns under their names.
pub fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let field = |(name, values): &(&str, ArrayRef)| Field::new(*name, values.data_type().clone(), true);
    let schema = Schema::new(columns.iter().map(field).collect::<Vec<_>>());
    RecordBatch::try_new(Arc::new(schema), columns.into_iter().map(|(_, values)| values).collect()).unwrap()
}

/// How a column holds ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ids {
    /// `u7`, and for some the blank text.
    Names,
    /// `7`, `007`: digits as text, beside sources that hold integers.
    Digits,
    /// 64-bit integers.
    Int64,
    /// 32-bit integers.
    Int32,
    /// 16-bit integers.
    Int16,
    /// Unsigned 32-bit integers.
    UInt32,
    /// Unsigned 64-bit integers.
    UInt64,
    /// UUIDs as text.
    Uuid,
}

impl Ids {
    /// The word for it in a source's file.
    pub fn word(self) -> &'static str {
        match self {
            Self::Names | Self::Digits => "text",
            Self::Uuid => "uuid",
            _ => "integer",
        }
    }

    /// A column of ids; `None` is a row without one.
    pub fn column(self, ids: &[Option<i64>]) -> ArrayRef {
        let small = |id: &Option<i64>| id.and_then(|id| i16::try_from(id).ok());
        let whole = |id: &Option<i64>| id.and_then(|id| u32::try_from(id).ok());
        match self {
            Self::Names => Arc::new(StringArray::from_iter(ids.iter().map(|id| {
                id.map(|id| match id % 11 {
                    // Blank, and so without an id.
                    9 if id % 2 == 0 => "  ".to_owned(),
                    3 => format!("ü{id}"),
                    5 => format!(" u{id} "),
                    _ => format!("u{id}"),
                })
            }))),
            Self::Digits => Arc::new(StringArray::from_iter(
                ids.iter().map(|id| id.map(|id| if id % 7 == 5 { format!("00{id}") } else { id.to_string() })),
            )),
            Self::Uuid => Arc::new(StringArray::from_iter(
                ids.iter().map(|id| id.map(|id| format!("{:08x}-0000-4000-8000-{:012x}", id * 7919, id))),
            )),
            Self::Int64 => Arc::new(Int64Array::from_iter(ids.iter().copied())),
            Self::Int32 => Arc::new(Int32Array::from_iter(ids.iter().map(small).map(|id| id.map(i32::from)))),
            Self::Int16 => Arc::new(Int16Array::from_iter(ids.iter().map(small))),
            Self::UInt32 => Arc::new(UInt32Array::from_iter(ids.iter().map(whole))),
            Self::UInt64 => Arc::new(UInt64Array::from_iter(ids.iter().map(whole).map(|id| id.map(u64::from)))),
        }
    }
}

/// How a column holds times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// Timestamps without a zone, in UTC.
    Nanoseconds,
    Microseconds,
    Milliseconds,
    /// Timestamps with a zone.
    Zoned(&'static str),
    /// Timestamps without a zone, in the zone of the source.
    Local(&'static str),
    /// Integers from 1970.
    Counted(&'static str),
    /// Texts that end in `Z`.
    Text,
    /// Days.
    Days,
}

impl Times {
    /// What the file of the source says of it.
    pub fn head(self) -> String {
        match self {
            Self::Local(zone) => format!("timestamp = \"at\"\ntimezone = \"{zone}\"\n"),
            Self::Counted(unit) => format!("timestamp = \"at\"\ntimestamp_unit = \"{unit}\"\n"),
            _ => "timestamp = \"at\"\ntimezone = \"UTC\"\n".to_owned(),
        }
    }

    /// A column of instants, given in nanoseconds from 1970.
    pub fn column(self, times: &[Option<i64>]) -> ArrayRef {
        let over = |scale: i64| times.iter().map(move |at| at.map(|at| at.div_euclid(scale)));
        match self {
            Self::Nanoseconds => Arc::new(TimestampNanosecondArray::from_iter(over(1))),
            Self::Microseconds => Arc::new(TimestampMicrosecondArray::from_iter(over(1_000))),
            Self::Milliseconds => Arc::new(TimestampMillisecondArray::from_iter(over(1_000_000))),
            Self::Zoned(zone) => Arc::new(TimestampMicrosecondArray::from_iter(over(1_000)).with_timezone(zone)),
            Self::Local(zone) => {
                let zone = TimeZone::get(zone).unwrap();
                let local = |at: i64| {
                    let shown = Timestamp::from_microsecond(at).unwrap().to_zoned(zone.clone()).datetime();
                    TimeZone::UTC.to_timestamp(shown).unwrap().as_microsecond()
                };
                Arc::new(TimestampMicrosecondArray::from_iter(over(1_000).map(|at| at.map(local))))
            }
            Self::Counted(unit) => {
                let scale = match unit {
                    "s" => 1_000_000_000,
                    "ms" => 1_000_000,
                    "us" => 1_000,
                    _ => 1,
                };
                Arc::new(Int64Array::from_iter(over(scale)))
            }
            Self::Text => Arc::new(StringArray::from_iter(
                over(1_000).map(|at| at.map(|at| Timestamp::from_microsecond(at).unwrap().to_string())),
            )),
            Self::Days => Arc::new(Date32Array::from_iter(
                over(86_400_000_000_000).map(|at| at.map(|day| i32::try_from(day).unwrap())),
            )),
        }
    }
}

/// Columns of numbers and texts, so that a case names no array type.
pub fn floats(values: impl IntoIterator<Item = Option<f64>>) -> ArrayRef {
    Arc::new(Float64Array::from_iter(values))
}

pub fn halves(values: impl IntoIterator<Item = Option<f32>>) -> ArrayRef {
    Arc::new(Float32Array::from_iter(values))
}

pub fn integers(values: impl IntoIterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(Int64Array::from_iter(values))
}

pub fn small_integers(values: impl IntoIterator<Item = Option<i32>>) -> ArrayRef {
    Arc::new(Int32Array::from_iter(values))
}

pub fn unsigned(values: impl IntoIterator<Item = Option<u64>>) -> ArrayRef {
    Arc::new(UInt64Array::from_iter(values))
}

pub fn texts<T: AsRef<str>>(values: impl IntoIterator<Item = Option<T>>) -> ArrayRef {
    Arc::new(StringArray::from_iter(values))
}

pub fn truths(values: impl IntoIterator<Item = Option<bool>>) -> ArrayRef {
    Arc::new(BooleanArray::from_iter(values))
}

pub fn decimals(values: impl IntoIterator<Item = Option<i128>>) -> ArrayRef {
    Arc::new(Decimal128Array::from_iter(values).with_precision_and_scale(18, 2).unwrap())
}

/// Whether text files can hold a column so that it is read as the same kind.
pub fn is_plain(kind: &DataType) -> bool {
    !matches!(kind, DataType::Decimal128(..) | DataType::UInt64 | DataType::Float32)
}
