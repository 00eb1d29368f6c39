//! Parquet files: their footers, and what they say about columns and rows.

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;

use ::parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use ::parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use ::parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use arrow::array::{Array, ArrayRef};
use arrow::datatypes::{DataType, Field, Schema};

use super::boundary::guarded;
use super::files::{DataFile, unreadable};
use super::text::{MOST_COLUMNS, distinct_names, too_many_columns};
use crate::fault::Fault;

/// A Parquet file whose footer was read.
#[derive(Clone, Debug)]
pub(crate) struct Footer {
    /// The footer with the types in which columns are decoded: text as views, whatever the writer noted.
    pub(crate) metadata: ArrowReaderMetadata,
    pub(crate) hash: blake3::Hash,
}

/// Bytes of the length and the mark that end a file.
const TAIL: u64 = 8;
/// The footer of most files is shorter, so that one read gets it.
const USUAL_FOOTER: u64 = 64 << 10;

/// Reads a file's footer, and checks that it describes this file.
///
/// # Errors
/// Not Parquet, cut off, encrypted, or a footer that does not make sense.
pub(crate) fn open(file: &DataFile) -> Result<Footer, Fault> {
    let bytes = footer(file)?;
    let hash = blake3::hash(&bytes);
    let parsed = guarded(|| {
        let metadata = ParquetMetaDataReader::decode_metadata(&bytes).map_err(|error| error.to_string())?;
        check(&metadata, file.stamp.size)?;
        arrow_metadata(metadata)
    });
    match parsed {
        Ok(Ok(metadata)) => {
            let fields = metadata.schema().fields();
            if fields.len() > MOST_COLUMNS {
                return Err(too_many_columns(&file.name, &fields.len().to_string()));
            }
            distinct_names(&file.name, fields.iter().map(|field| field.name().as_str()), || file.place())?;
            Ok(Footer { metadata, hash })
        }
        Ok(Err(why)) => Err(corrupt(file, &format!("its footer says: {why}"))),
        Err(_) => Err(corrupt(file, "its footer makes no sense")),
    }
}

/// The refusal of a file that is not what its writer wrote.
pub(crate) fn corrupt(file: &DataFile, why: &str) -> Fault {
    Fault::error("metrics::corrupt_file", format!("`{}` is damaged: {why}", file.name))
        .with_place(file.place())
        .with_help("copy or write the file again")
}

/// The bytes of the footer.
fn footer(file: &DataFile) -> Result<Vec<u8>, Fault> {
    let size = file.stamp.size;
    let not_parquet = |why: &str| {
        Fault::error("metrics::wrong_format", format!("`{}` is not Parquet: {why}", file.name))
            .with_place(file.place())
            .with_help("declare the format that it has: `format = \"csv\"` or \"ndjson\"")
    };
    if size == 0 {
        return Err(Fault::error("metrics::empty_file", format!("`{}` is empty: 0 bytes", file.name))
            .with_place(file.place())
            .with_help("write the file again; a table without rows still has a footer"));
    }
    let mut reader = file.open()?;
    let fail = |error: std::io::Error| unreadable(&file.name, &error);
    let mut last = |length: u64| -> Result<Vec<u8>, Fault> {
        let mut bytes = Vec::new();
        reader.seek(SeekFrom::Start(size - length)).map_err(fail)?;
        (&mut reader).take(length).read_to_end(&mut bytes).map_err(fail)?;
        if bytes.len() as u64 == length { Ok(bytes) } else { Err(file.changed()) }
    };
    let mut bytes = last(size.min(USUAL_FOOTER))?;
    let Some((body, &[a, b, c, d, ref mark @ ..])) = bytes.split_last_chunk::<{ TAIL as usize }>() else {
        return Err(not_parquet("it is too short"));
    };
    let length = u64::from(u32::from_le_bytes([a, b, c, d]));
    match mark {
        b"PAR1" => {}
        b"PARE" => {
            return Err(Fault::error("metrics::encrypted", format!("`{}` is encrypted", file.name))
                .with_place(file.place())
                .with_help("write it without encryption"));
        }
        _ => {
            let starts_well = file.open().is_ok_and(|mut reader| {
                let mut head = [0; 4];
                reader.read_exact(&mut head).is_ok() && &head == b"PAR1"
            });
            return Err(if starts_well {
                corrupt(file, "its end is missing")
            } else {
                not_parquet("it lacks the mark PAR1")
            });
        }
    }
    // The mark stands at the beginning, too.
    if length + TAIL + 4 > size {
        return Err(corrupt(file, "its footer is longer than the file"));
    }
    if length + TAIL > bytes.len() as u64 {
        bytes = last(length + TAIL)?;
        bytes.truncate(bytes.len() - TAIL as usize);
        return Ok(bytes);
    }
    let from = body.len() - usize::try_from(length).unwrap_or(body.len());
    Ok(body[from..].to_vec())
}

/// Whether a footer describes a file of this size.
fn check(metadata: &ParquetMetaData, size: u64) -> Result<(), String> {
    let mut rows = 0_i64;
    for (index, group) in metadata.row_groups().iter().enumerate() {
        if group.num_rows() < 0 {
            return Err(format!("row group {index} has {} rows", group.num_rows()));
        }
        rows = rows.checked_add(group.num_rows()).ok_or("the row counts overflow")?;
        for column in group.columns() {
            let start = column.dictionary_page_offset().unwrap_or_else(|| column.data_page_offset());
            let outside = |_| format!("column `{}` of row group {index} lies outside the file", column.column_path());
            let start = u64::try_from(start).map_err(outside)?;
            let length = u64::try_from(column.compressed_size()).map_err(outside)?;
            if start.checked_add(length).is_none_or(|end| end > size) {
                return Err(format!("column `{}` of row group {index} lies outside the file", column.column_path()));
            }
        }
    }
    match metadata.file_metadata().num_rows() {
        total if total == rows => Ok(()),
        total => Err(format!("the file has {total} rows, and its row groups have {rows}")),
    }
}

/// The footer with the types in which columns are decoded.
///
/// The writer's own note of Arrow types is passed over: two writers of one table differ in it, and what it adds to the
/// types of the format is of no use here.
fn arrow_metadata(metadata: ParquetMetaData) -> Result<ArrowReaderMetadata, String> {
    let metadata = Arc::new(metadata);
    let text = |error: ::parquet::errors::ParquetError| error.to_string();
    let plain = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let read = ArrowReaderMetadata::try_new(Arc::clone(&metadata), plain.clone()).map_err(text)?;
    let views: Vec<Arc<Field>> = read
        .schema()
        .fields()
        .iter()
        .map(|field| match field.data_type() {
            DataType::Utf8 => Arc::new(field.as_ref().clone().with_data_type(DataType::Utf8View)),
            _ => Arc::clone(field),
        })
        .collect();
    let schema = Schema::new_with_metadata(views, read.schema().metadata().clone());
    ArrowReaderMetadata::try_new(metadata, plain.with_schema(Arc::new(schema))).map_err(text)
}

/// Whether the files of a source have the same columns; order does not matter.
///
/// # Errors
/// The first column that one file lacks or has with another type, with both files.
pub(crate) fn agree(files: &[(DataFile, Footer)]) -> Result<(), Fault> {
    let Some(((first, reference), others)) = files.split_first() else { return Ok(()) };
    let types = |footer: &Footer| -> BTreeMap<String, DataType> {
        let fields = footer.metadata.schema().fields();
        fields.iter().map(|field| (field.name().clone(), field.data_type().clone())).collect()
    };
    let wanted = types(reference);
    for (other, footer) in others {
        let found = types(footer);
        if found == wanted {
            continue;
        }
        for name in wanted.keys().chain(found.keys()) {
            let what = match (wanted.get(name), found.get(name)) {
                (Some(one), Some(two)) if one != two => {
                    format!(
                        "column `{name}` is {} in `{}` and {} in `{}`",
                        word(one),
                        first.name,
                        word(two),
                        other.name
                    )
                }
                (Some(_), None) => format!("column `{name}` is in `{}` and not in `{}`", first.name, other.name),
                (None, Some(_)) => format!("column `{name}` is in `{}` and not in `{}`", other.name, first.name),
                _ => continue,
            };
            return Err(Fault::error("metrics::files_differ", what)
                .with_place(other.place())
                .with_help("write all files with the same columns and types, or name the ones that agree by a glob"));
        }
    }
    Ok(())
}

/// The word for a type in messages.
pub(crate) fn word(kind: &DataType) -> String {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "text".to_owned(),
        DataType::Boolean => "boolean".to_owned(),
        DataType::Date32 | DataType::Date64 => "a date".to_owned(),
        DataType::Timestamp(..) => "a timestamp".to_owned(),
        DataType::Float16 | DataType::Float32 => "a 32-bit float".to_owned(),
        DataType::Float64 => "a double".to_owned(),
        DataType::Decimal128(precision, scale) | DataType::Decimal256(precision, scale) => {
            format!("decimal({precision}, {scale})")
        }
        DataType::Int8 | DataType::Int16 | DataType::Int32 => "a 32-bit integer".to_owned(),
        DataType::Int64 => "a 64-bit integer".to_owned(),
        kind if kind.is_unsigned_integer() => "an unsigned integer".to_owned(),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            "bytes".to_owned()
        }
        kind if kind.is_nested() => "nested".to_owned(),
        other => other.to_string(),
    }
}

/// The smallest and the largest value of a column in one file, one array entry per row group; `None` where the footer
/// is silent.
pub(crate) fn extremes(metadata: &ArrowReaderMetadata, column: &str) -> Option<(ArrayRef, ArrayRef)> {
    guarded(|| {
        let converter = StatisticsConverter::try_new(column, metadata.schema(), metadata.parquet_schema()).ok()?;
        let groups = metadata.metadata().row_groups();
        let low = converter.row_group_mins(groups).ok()?;
        let high = converter.row_group_maxes(groups).ok()?;
        let filled = groups
            .iter()
            .enumerate()
            .all(|(at, group)| group.num_rows() == 0 || (low.is_valid(at) && high.is_valid(at)));
        filled.then_some((low, high))
    })
    .ok()
    .flatten()
}
