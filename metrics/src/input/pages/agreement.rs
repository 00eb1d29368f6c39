//! What is read here is what the parquet crate reads.

use std::fs::File;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int8Array,
    Int16Array, Int32Array, Int64Array, RecordBatch, StringArray, Time32MillisecondArray, Time64MicrosecondArray,
    TimestampMicrosecondArray, TimestampMillisecondArray, UInt8Array, UInt16Array, UInt32Array, UInt64Array,
};
use arrow::datatypes::{DataType, Field, Int32Type, Schema};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection,
};
use parquet::basic::Compression;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::properties::{WriterProperties, WriterVersion};
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Columns, Memories, reads, text_type};

/// Numbers with nulls, in which the same ones come again and again, and sometimes after each other.
fn numbers(dice: &mut ChaCha8Rng, rows: usize) -> Vec<Option<i64>> {
    let values: i64 = *[1, 2, 3, 40, 3_000, i64::MAX].choose(dice).unwrap();
    let nulls: f64 = *[0.0, 0.0, 0.01, 0.3, 0.97, 1.0].choose(dice).unwrap();
    let stays: f64 = *[0.0, 0.5, 0.99].choose(dice).unwrap();
    let (mut number, mut is_null) = (0, false);
    let mut next = || {
        if !dice.random_bool(stays) {
            number = dice.random_range(0..values);
            is_null = dice.random_bool(nulls);
        }
        (!is_null).then_some(number)
    };
    (0..rows).map(|_| next()).collect()
}

fn column(dice: &mut ChaCha8Rng, kind: usize, rows: usize) -> ArrayRef {
    let numbers = numbers(dice, rows);
    macro_rules! array {
        ($array:ty, $as:ty) => {
            Arc::new(numbers.iter().map(|x| x.map(|x| x as $as)).collect::<$array>())
        };
    }
    match kind {
        0 => array!(Float64Array, f64),
        1 => array!(Float32Array, f32),
        2 => array!(Int64Array, i64),
        3 => array!(Int32Array, i32),
        4 => array!(Int16Array, i16),
        5 => array!(Int8Array, i8),
        6 => array!(UInt64Array, u64),
        7 => array!(UInt32Array, u32),
        8 => array!(UInt16Array, u16),
        9 => array!(UInt8Array, u8),
        10 => array!(Date32Array, i32),
        11 => array!(Time32MillisecondArray, i32),
        12 => array!(Time64MicrosecondArray, i64),
        13 => array!(TimestampMillisecondArray, i64),
        14 => {
            let times: TimestampMicrosecondArray = numbers.into_iter().collect();
            Arc::new(times.with_timezone("UTC"))
        }
        15 | 16 => {
            let precision = if kind == 15 { 9 } else { 18 };
            let most = 10_i128.pow(u32::from(precision)) - 1;
            let values = numbers.iter().map(|x| x.map(|x| i128::from(x) % most));
            Arc::new(values.collect::<Decimal128Array>().with_precision_and_scale(precision, 2).unwrap())
        }
        17 => Arc::new(numbers.iter().map(|x| x.map(|x| x % 2 == 0)).collect::<BooleanArray>()),
        _ => Arc::new(
            numbers.iter().map(|x| x.map(|x| "é".repeat(x as usize % 5) + &x.to_string())).collect::<StringArray>(),
        ),
    }
}
pub(super) const KINDS: usize = 19;

/// A file of one row group or several, with a column of every kind that was asked for.
pub(super) fn written(dice: &mut ChaCha8Rng, kinds: &[usize], rows: usize) -> File {
    let columns: Vec<ArrayRef> = kinds.iter().map(|kind| column(dice, *kind, rows)).collect();
    let field = |(at, array): (usize, &ArrayRef)| {
        let can_be_null = array.null_count() > 0 || dice.random_bool(0.5);
        Field::new(at.to_string(), array.data_type().clone(), can_be_null)
    };
    let schema = Arc::new(Schema::new(columns.iter().enumerate().map(field).collect::<Vec<_>>()));
    let properties = WriterProperties::builder()
        .set_writer_version(*[WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0].choose(dice).unwrap())
        .set_compression(
            *[Compression::UNCOMPRESSED, Compression::SNAPPY, Compression::ZSTD(Default::default())]
                .choose(dice)
                .unwrap(),
        )
        .set_encoding(parquet::basic::Encoding::PLAIN)
        .set_dictionary_enabled(dice.random_bool(0.8))
        .set_dictionary_page_size_limit(*[500, 20_000, 1 << 20].choose(dice).unwrap())
        .set_data_page_size_limit(*[100, 3_000, 1 << 20].choose(dice).unwrap())
        .set_data_page_row_count_limit(*[13, 1_000, 20_000].choose(dice).unwrap())
        .set_write_batch_size(*[11, 64, 1_024].choose(dice).unwrap())
        .set_max_row_group_row_count(Some(*[700, 100_000].choose(dice).unwrap()))
        .build();
    let file = tempfile::tempfile().unwrap();
    let mut writer = ArrowWriter::try_new(file.try_clone().unwrap(), Arc::clone(&schema), Some(properties)).unwrap();
    writer.write(&RecordBatch::try_new(schema, columns).unwrap()).unwrap();
    writer.close().unwrap();
    file
}

/// The footer, text as a dictionary where it is one throughout.
pub(super) fn footer(file: &File) -> ArrowReaderMetadata {
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let footer = ArrowReaderMetadata::load(file, options.clone()).unwrap();
    let is_dictionary = |column: usize| {
        let groups = footer.metadata().row_groups().iter();
        groups.map(|group| group.column(column)).all(|chunk| {
            let mask = chunk.page_encoding_stats_mask();
            mask.is_some_and(|mask| mask.is_only(parquet::basic::Encoding::RLE_DICTIONARY))
        })
    };
    let fields = footer.schema().fields().iter().enumerate();
    let fields = fields.map(|(at, field)| match field.data_type() {
        DataType::Utf8 if is_dictionary(at) => Arc::new(field.as_ref().clone().with_data_type(text_type())),
        _ => Arc::clone(field),
    });
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    ArrowReaderMetadata::try_new(Arc::clone(footer.metadata()), options.with_schema(schema)).unwrap()
}

/// Every column that is read here of some rows of a row group, in batches.
pub(super) fn read(
    file: &Arc<File>,
    (footer, schema): (&ParquetMetaData, &Schema),
    (group, rows): (usize, Range<usize>),
    batch: usize,
    memories: &Arc<Memories>,
) -> parquet::errors::Result<Vec<Vec<ArrayRef>>> {
    let group = footer.row_group(group);
    let chunks = group.columns().iter().zip(schema.fields()).map(|(chunk, field)| (chunk, field.data_type()));
    let chunks: Vec<_> = chunks.filter(|(chunk, kind)| reads(chunk, kind)).collect();
    let mut left = rows.len();
    let mut reader = Columns::new(file, &chunks, group.num_rows() as usize, memories)?;
    reader.skip(rows.start)?;
    let mut batches = Vec::new();
    while left > 0 {
        let rows = left.min(batch);
        batches.push(reader.take(rows)?);
        left -= rows;
    }
    Ok(batches)
}

#[test]
fn every_column_is_read_as_the_parquet_crate_reads_it() {
    let mut seen = vec![0; KINDS];
    let memories = Arc::default();
    for seed in 0..150 {
        let mut dice = ChaCha8Rng::seed_from_u64(seed);
        let rows = *[0, 1, 63, 64, 1_000, 6_000].choose(&mut dice).unwrap();
        let kinds: Vec<usize> = (0..6).map(|_| dice.random_range(0..KINDS)).collect();
        let file = Arc::new(written(&mut dice, &kinds, rows));
        let footer = footer(&file);
        let batch = *[1, 7, 64, 100, 8_192].choose(&mut dice).unwrap();
        for group in 0..footer.metadata().num_row_groups() {
            let all = footer.metadata().row_group(group).num_rows() as usize;
            let start = if all == 0 || dice.random_bool(0.5) { 0 } else { dice.random_range(0..all) };
            let some = start..dice.random_range(all.min(start + 1)..=all);
            let stretch = (group, some.clone());
            let ours = read(&file, (footer.metadata(), footer.schema()), stretch, batch, &memories).unwrap();
            let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file.try_clone().unwrap(), footer.clone());
            let some = RowSelection::from_consecutive_ranges(std::iter::once(some), all);
            let theirs = builder.with_row_groups(vec![group]).with_row_selection(some).with_batch_size(batch);
            let theirs = theirs.build().unwrap();
            let chunks = footer.metadata().row_group(group).columns().iter().zip(footer.schema().fields());
            let places: Vec<usize> = chunks
                .enumerate()
                .filter(|(_, (chunk, field))| reads(chunk, field.data_type()))
                .map(|(place, _)| place)
                .collect();
            places.iter().for_each(|place| seen[kinds[*place]] += 1);
            let theirs: Vec<RecordBatch> = theirs.map(Result::unwrap).collect();
            assert_eq!(ours.len(), theirs.len(), "seed {seed}");
            for (ours, theirs) in ours.iter().zip(&theirs) {
                for (array, place) in ours.iter().zip(&places) {
                    assert_eq!(array, theirs.column(*place), "seed {seed}, column {place}");
                    array.to_data().validate_full().unwrap();
                }
            }
        }
    }
    assert!(seen.iter().all(|times| *times > 5), "{seen:?}");
}

#[test]
fn the_dictionary_of_a_chunk_is_one_for_all_of_its_batches() {
    let columns: ArrayRef = Arc::new((0..500).map(|row| Some(["a", "b", "c"][row % 3])).collect::<StringArray>());
    let batch = RecordBatch::try_from_iter([("x", columns)]).unwrap();
    let file = tempfile::tempfile().unwrap();
    let mut writer = ArrowWriter::try_new(file.try_clone().unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let (file, footer) = (Arc::new(file.try_clone().unwrap()), footer(&file));
    let batches = read(&file, (footer.metadata(), footer.schema()), (0, 0..500), 100, &Arc::default()).unwrap();
    let dictionaries = batches.iter().map(|batch| batch[0].as_dictionary::<Int32Type>().values().to_data());
    let dictionaries: Vec<_> = dictionaries.collect();
    assert_eq!(dictionaries.len(), 5);
    assert!(dictionaries.windows(2).all(|pair| pair[0].ptr_eq(&pair[1])));
}
