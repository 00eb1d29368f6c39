//! Parquet: what is read, and what is refused by the file's name.

use std::fs::{self, File};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{
    ArrayRef, Date32Array, Decimal128Array, Float64Array, Int32Array, Int64Array, ListArray, RecordBatch, StringArray,
    TimestampMillisecondArray, TimestampNanosecondArray,
};
use arrow::datatypes::{DataType, Int64Type, TimeUnit};
use estimand_metrics::definition::{ClockUnit, KeyType, ScalarType};
use estimand_metrics::input::{Hashed, Options, open, outline};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding};
use parquet::file::properties::{EnabledStatistics, WriterProperties};

use crate::input::{Declare, Dice, Folder, kind, query, rows, source, try_query};

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter(columns).unwrap()
}

fn write_with(folder: &Folder, name: &str, batch: &RecordBatch, properties: WriterProperties) {
    let path = folder.file(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
}

fn write(folder: &Folder, name: &str, batch: &RecordBatch) {
    write_with(folder, name, batch, WriterProperties::builder().build());
}

fn ints(values: impl IntoIterator<Item = i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(values))
}

fn texts<'a>(values: impl IntoIterator<Item = &'a str>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

#[test]
fn columns_keep_the_types_of_the_file() {
    let folder = Folder::new();
    let table = batch(vec![
        ("user", texts(["007", "7"])),
        ("n", Arc::new(Int32Array::from(vec![Some(1), None]))),
        ("spend", Arc::new(Decimal128Array::from(vec![150, 250]).with_precision_and_scale(10, 2).unwrap())),
        ("day", Arc::new(Date32Array::from(vec![20_000, 20_001]))),
    ]);
    write(&folder, "e.parquet", &table);
    let input = folder.open(&source("e.parquet").key("user", KeyType::Text));
    let kinds: Vec<DataType> = input.columns().iter().map(|column| column.kind.clone()).collect();
    assert_eq!(kinds, [DataType::Utf8View, DataType::Int32, DataType::Decimal128(10, 2), DataType::Date32]);
    assert_eq!(
        rows(&input, "SELECT day, spend, n, user FROM events ORDER BY user"),
        ["2024-10-04|1.50|1|007", "2024-10-05|2.50||7"]
    );
    assert_eq!(rows(&input, "SELECT count(*) FROM events WHERE user = '7'"), ["1"]);
    assert_eq!(input.rows(), 2);
}

#[test]
fn every_number_of_threads_reads_the_same_rows() {
    let folder = Folder::new();
    for file in 0..3 {
        let from = file * 50_000;
        let table = batch(vec![
            ("id", ints(from..from + 50_000)),
            ("x", Arc::new(Float64Array::from_iter_values((0..50_000).map(|x| f64::from(x) / 4.0)))),
        ]);
        let properties = WriterProperties::builder().set_max_row_group_row_count(Some(7_000)).build();
        write_with(&folder, &format!("e/{file}.parquet"), &table, properties);
    }
    let input = folder.open(&source("e/*.parquet"));
    assert_eq!((input.rows(), input.pieces()), (150_000, 24));
    let sql = "SELECT count(*), count(DISTINCT id), sum(id), sum(CAST(x * 4 AS BIGINT)) FROM events WHERE id >= 60000";
    let one = query(&input, 1, sql);
    assert!(one.contains("| 90000    | 90000"), "{one}");
    for threads in [2, 3, 7] {
        assert_eq!(query(&input, threads, sql), one);
    }
    let plan = query(&input, 2, "EXPLAIN SELECT id FROM events WHERE id >= 60000");
    assert!(plan.contains("pieces=15 of 24"), "row groups that cannot hold such an id are left out: {plan}");
}

#[test]
fn columns_of_every_encoding_stand_side_by_side() {
    let folder = Folder::new();
    let table = batch(vec![
        ("text", Arc::new(StringArray::from_iter_values((0..2_000).map(|id| format!("t{id}"))))),
        ("delta", ints((0..2_000).map(|id| 3 * id))),
        ("id", ints(0..2_000)),
        ("x", Arc::new(Float64Array::from_iter((0..2_000).map(|id| (id % 5 > 0).then_some(f64::from(id) / 4.0))))),
    ]);
    let properties = WriterProperties::builder()
        .set_column_dictionary_enabled("delta".into(), false)
        .set_column_encoding("delta".into(), Encoding::DELTA_BINARY_PACKED)
        .set_column_dictionary_enabled("text".into(), false)
        .set_max_row_group_row_count(Some(700))
        .build();
    write_with(&folder, "e.parquet", &table, properties);
    let input = folder.open(&source("e.parquet"));
    assert_eq!(
        rows(&input, "SELECT x, delta, text, id FROM events WHERE id IN (0, 699, 700, 1999) ORDER BY id"),
        ["|0|t0|0", "174.75|2097|t699|699", "|2100|t700|700", "499.75|5997|t1999|1999"]
    );
    assert_eq!(
        rows(
            &input,
            "SELECT sum(delta - 3 * id), count(DISTINCT text), count(x), sum(CAST(4 * x AS BIGINT) - id) FROM events WHERE x IS NOT NULL"
        ),
        ["0|1600|1600|0"]
    );
    assert_eq!(rows(&input, "SELECT sum(delta) FROM events"), ["5997000"]);
    assert_eq!(rows(&input, "SELECT sum(id) FROM events"), ["1999000"]);
}

#[test]
fn a_file_without_rows_is_zero_rows() {
    let folder = Folder::new();
    write(&folder, "e.parquet", &batch(vec![("x", ints([]))]));
    let input = folder.open(&source("e.parquet"));
    assert_eq!((input.rows(), input.pieces()), (0, 0));
    assert_eq!(rows(&input, "SELECT count(*), sum(x) FROM events"), ["0|"]);
}

#[test]
fn keys_are_text_or_integers() {
    let folder = Folder::new();
    let table = batch(vec![
        ("id", ints([9_007_199_254_740_992, 9_007_199_254_740_993])),
        ("score", Arc::new(Float64Array::from(vec![1.0, 2.0]))),
        ("number", Arc::new(Decimal128Array::from(vec![7, 8]).with_precision_and_scale(18, 0).unwrap())),
        ("name", texts(["a", "b"])),
    ]);
    write(&folder, "e.parquet", &table);
    let input = folder.open(&source("e.parquet").key("id", KeyType::Text).key("number", KeyType::Integer));
    assert_eq!((kind(&input, "id"), kind(&input, "number")), (DataType::Int64, DataType::Int64));
    assert_eq!(rows(&input, "SELECT count(DISTINCT id), sum(number) FROM events"), ["2|15"]);
    assert_eq!(
        folder.refusal(&source("e.parquet").key("score", KeyType::Text)),
        "metrics::float_key: keys.score: key `score` of source `events` is a double in the files: floats cannot tell ids apart; write the ids as text or integers"
    );
    assert_eq!(
        folder.refusal(&source("e.parquet").key("name", KeyType::Integer)),
        "metrics::wrong_type: keys.name: key `name` of source `events` is declared integer and is text in the files; write the ids as text or integers, and declare what they are"
    );
}

#[test]
fn declared_types_widen_and_never_guess() {
    let folder = Folder::new();
    write(&folder, "e.parquet", &batch(vec![("n", Arc::new(Int32Array::from(vec![1, 2]))), ("s", texts(["1", "x"]))]));
    let input = folder.open(&source("e.parquet").column("n", ScalarType::Float));
    assert_eq!(
        (kind(&input, "n"), rows(&input, "SELECT sum(n) FROM events")),
        (DataType::Float64, vec!["3.0".to_owned()])
    );
    let input = folder.open(&source("e.parquet").column("n", ScalarType::Text));
    assert_eq!(rows(&input, "SELECT n FROM events ORDER BY n"), ["1", "2"]);
    assert_eq!(
        folder.refusal(&source("e.parquet").column("s", ScalarType::Float)),
        "metrics::wrong_type: columns.s: column `s` of source `events` is declared float and is text in the files; remove the declaration, or convert the column in the expression that uses it"
    );
}

#[test]
fn files_that_differ_are_named_with_the_column() {
    let folder = Folder::new();
    write(&folder, "e/1.parquet", &batch(vec![("a", ints([1])), ("b", ints([1]))]));
    write(&folder, "e/2.parquet", &batch(vec![("b", ints([2])), ("a", ints([2]))]));
    let input = folder.open(&source("e/*.parquet"));
    assert_eq!(rows(&input, "SELECT a, b FROM events ORDER BY a"), ["1|1", "2|2"]);
    write(&folder, "e/3.parquet", &batch(vec![("a", texts(["x"])), ("b", ints([2]))]));
    assert_eq!(
        folder.refusal(&source("e/*.parquet")),
        "metrics::files_differ: e/3.parquet: column `a` is a 64-bit integer in `e/1.parquet` and text in `e/3.parquet`; write all files with the same columns and types, or name the ones that agree by a glob"
    );
    write(&folder, "e/3.parquet", &batch(vec![("b", ints([2]))]));
    assert!(folder.refusal(&source("e/*.parquet")).contains("column `a` is in `e/1.parquet` and not in `e/3.parquet`"));
}

#[test]
fn nested_columns_are_passed_over_unless_they_are_asked_for() {
    let folder = Folder::new();
    let list: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(vec![Some(vec![Some(1)]), None]));
    write(&folder, "e.parquet", &batch(vec![("tags", list), ("a", ints([1, 2]))]));
    let input = folder.open(&source("e.parquet"));
    assert_eq!(rows(&input, "SELECT * FROM events ORDER BY a"), ["1", "2"]);
    assert_eq!(input.unread().iter().map(|unread| unread.name.as_str()).collect::<Vec<_>>(), ["tags"]);
    assert_eq!(
        folder.refusal(&source("e.parquet").key("tags", KeyType::Text)),
        "metrics::column_not_read: keys.tags: column `tags` of source `events` is nested: it holds lists, maps or structures; write what is used of it into a column of its own"
    );
}

#[test]
fn names_of_columns_are_told_apart() {
    let folder = Folder::new();
    write(&folder, "e.parquet", &batch(vec![("spend", ints([1])), ("Spend", ints([1]))]));
    assert_eq!(
        folder.refusal(&source("e.parquet")),
        "metrics::columns_differ_by_case: e.parquet: `e.parquet` has columns `spend` and `Spend`, the 1st and the 2nd, whose names differ by case only; rename one of them"
    );
}

#[test]
fn a_clock_is_a_time_whatever_the_file_holds() {
    let folder = Folder::new();
    let millis: ArrayRef =
        Arc::new(TimestampMillisecondArray::from(vec![1_772_323_200_123]).with_timezone("Europe/Berlin"));
    let table = batch(vec![
        ("millis", millis),
        ("nanos", Arc::new(TimestampNanosecondArray::from(vec![1_772_323_200_123_456_789]))),
        ("count", ints([1_772_323_200])),
        ("text", texts(["2026-03-01T01:00:00+01:00"])),
        ("day", Arc::new(Date32Array::from(vec![20_513]))),
        ("zero", Arc::new(TimestampNanosecondArray::from(vec![0]))),
        ("x", Arc::new(Float64Array::from(vec![1.0]))),
    ]);
    write(&folder, "e.parquet", &table);
    let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    for (column, unit, wanted, value) in [
        ("millis", None, utc.clone(), "2026-03-01T00:00:00.123Z"),
        ("nanos", None, DataType::Timestamp(TimeUnit::Nanosecond, None), "2026-03-01T00:00:00.123456789"),
        ("count", Some(ClockUnit::Second), utc.clone(), "2026-03-01T00:00:00Z"),
        ("text", None, utc, "2026-03-01T00:00:00Z"),
        ("day", None, DataType::Date32, "2026-03-01"),
    ] {
        let input = folder.open(&source("e.parquet").clock(column, unit));
        assert_eq!(kind(&input, column), wanted);
        assert_eq!(rows(&input, &format!("SELECT {column} FROM events")), [value]);
    }
    let refusal = |column: &str, unit| folder.refusal(&source("e.parquet").clock(column, unit));
    assert_eq!(
        refusal("x", None),
        "metrics::not_a_clock: timestamp: clock `x` of source `events` is a double in the files, not a time; write a timestamp, or declare another column"
    );
    assert_eq!(
        refusal("count", Some(ClockUnit::Millisecond)),
        "metrics::clock_unit: e.parquet: clock `count` of source `events` holds 1772323200: counted in ms from 1970, that is the year 1970; declare what it counts: `timestamp_unit = \"s\"`"
    );
    assert!(
        refusal("zero", None).starts_with(
            "metrics::clock_range: e.parquet: clock `zero` of source `events` holds `1970-01-01T00:00:00Z`"
        )
    );
    write(&folder, "e.parquet", &batch(vec![("text", texts(["2026-03-01", "later"]))]));
    assert!(refusal("text", None).starts_with(
        "metrics::not_a_clock: e.parquet: clock `text` of source `events` holds `later`, which is not a time"
    ));
}

#[test]
fn an_integer_clock_is_checked_without_statistics_too() {
    let folder = Folder::new();
    let properties = WriterProperties::builder().set_statistics_enabled(EnabledStatistics::None).build();
    write_with(&folder, "e.parquet", &batch(vec![("at", ints([1_772_323_200_000, 1_772_323_200_001]))]), properties);
    let input = folder.open(&source("e.parquet").clock("at", Some(ClockUnit::Millisecond)));
    assert_eq!(rows(&input, "SELECT max(at) FROM events"), ["2026-03-01T00:00:00.001Z"]);
    assert!(
        folder
            .refusal(&source("e.parquet").clock("at", Some(ClockUnit::Second)))
            .contains("declare what it counts: `timestamp_unit = \"ms\"`")
    );
}

#[test]
fn what_is_not_parquet_is_named() {
    let folder = Folder::new();
    folder.write("e.parquet", "");
    assert_eq!(
        folder.refusal(&source("e.parquet")),
        "metrics::empty_file: e.parquet: `e.parquet` is empty: 0 bytes; write the file again; a table without rows still has a footer"
    );
    folder.write("e.parquet", "user,spend\nu1,1\n");
    assert_eq!(
        folder.refusal(&source("e.parquet")),
        "metrics::wrong_format: e.parquet: `e.parquet` is not Parquet: it lacks the mark PAR1; declare the format that it has: `format = \"csv\"` or \"ndjson\""
    );
    write(&folder, "e.parquet", &batch(vec![("x", ints(0..1_000))]));
    let mut bytes = fs::read(folder.file("e.parquet")).unwrap();
    let whole = bytes.clone();
    bytes.truncate(bytes.len() - 20);
    folder.write("e.parquet", &bytes);
    assert_eq!(
        folder.refusal(&source("e.parquet")),
        "metrics::corrupt_file: e.parquet: `e.parquet` is damaged: its end is missing; copy or write the file again"
    );
    let length_at = whole.len() - 8;
    let mut bytes = whole.clone();
    bytes[length_at..length_at + 4].copy_from_slice(&0x7fff_ffff_u32.to_le_bytes());
    folder.write("e.parquet", &bytes);
    assert_eq!(
        folder.refusal(&source("e.parquet")),
        "metrics::corrupt_file: e.parquet: `e.parquet` is damaged: its footer is longer than the file; copy or write the file again"
    );
    let mut bytes = whole;
    let end = bytes.len();
    bytes[end - 4..].copy_from_slice(b"PARE");
    folder.write("e.parquet", &bytes);
    assert_eq!(
        folder.refusal(&source("e.parquet")),
        "metrics::encrypted: e.parquet: `e.parquet` is encrypted; write it without encryption"
    );
}

#[test]
fn damaged_files_are_named_or_read_and_never_stop_the_process() {
    let original = Folder::new();
    let words = ["control", "treatment", "other"];
    let table = batch(vec![
        ("id", ints(0..3_000)),
        ("arm", texts((0..3_000).map(|row| words[row % 3]))),
        (
            "spend",
            Arc::new(Float64Array::from_iter((0..3_000).map(|row| (row % 5 != 0).then_some(f64::from(row) / 7.0)))),
        ),
        (
            "at",
            Arc::new(TimestampNanosecondArray::from_iter_values((0..3_000).map(|row| 1_772_323_200_000_000_000 + row))),
        ),
    ]);
    let mut dice = Dice::new(59);
    let (mut read, mut refused, mut slowest) = (0, 0, Duration::ZERO);
    for compression in [Compression::UNCOMPRESSED, Compression::SNAPPY] {
        let properties =
            WriterProperties::builder().set_compression(compression).set_max_row_group_row_count(Some(1_000)).build();
        write_with(&original, "e.parquet", &table, properties);
        let whole = fs::read(original.file("e.parquet")).unwrap();
        let footer = u32::from_le_bytes(whole[whole.len() - 8..whole.len() - 4].try_into().unwrap()) as usize;
        for turn in 0..250 {
            let mut bytes = whole.clone();
            for _ in 0..1 + dice.below(4) {
                // Every other turn strikes the footer, which is small and says everything.
                let at = if turn % 2 == 0 {
                    bytes.len() - 1 - dice.below((footer + 8).min(bytes.len()))
                } else {
                    dice.below(bytes.len())
                };
                match dice.below(8) {
                    0 => bytes.truncate(at.max(1)),
                    1 => bytes[at] = dice.below(256) as u8,
                    2 => bytes[at] = 0xff,
                    _ => bytes[at] ^= 1 << dice.below(8),
                }
            }
            let folder = Folder::new();
            folder.write("e.parquet", &bytes);
            let start = Instant::now();
            match open(&source("e.parquet").clock("at", None), folder.path(), &Options::default()) {
                Err(faults) => {
                    refused += 1;
                    assert!(
                        faults
                            .iter()
                            .all(|fault| fault.line().contains("e.parquet") || fault.line().contains("`events`")),
                        "{faults}"
                    );
                }
                Ok(input) => {
                    match try_query(&input, 2, "SELECT arm, count(id), sum(spend), max(at) FROM events GROUP BY arm") {
                        Ok(_) => read += 1,
                        Err(error) => {
                            refused += 1;
                            let text = error.to_string();
                            // A strike can rename a column, and then the query is wrong for the file.
                            assert!(text.contains("`e.parquet`") || text.contains("No field named"), "{text}");
                        }
                    }
                }
            }
            slowest = slowest.max(start.elapsed());
        }
    }
    assert!(read > 20 && refused > 100, "{read} read, {refused} refused");
    assert!(slowest < Duration::from_secs(20), "one took {slowest:?}");
}

#[test]
fn the_footer_is_the_fingerprint_unless_every_byte_is_asked_for() {
    let folder = Folder::new();
    write(&folder, "e.parquet", &batch(vec![("x", ints(0..10))]));
    let plain = folder.open(&source("e.parquet"));
    assert_eq!(plain.fingerprint().files()[0].of, Hashed::Footer);
    let options = Options { verify: true, ..Options::default() };
    let verified = open(&source("e.parquet"), folder.path(), &options).unwrap();
    assert_eq!(verified.fingerprint().files()[0].of, Hashed::Content);
    assert_ne!(plain.fingerprint().digest(), verified.fingerprint().digest());

    write(&folder, "e.parquet", &batch(vec![("x", ints(0..11))]));
    assert!(plain.fingerprint().unchanged().is_err());
    let error = try_query(&plain, 1, "SELECT sum(x) FROM events").unwrap_err().to_string();
    assert!(error.contains("`e.parquet` was changed, replaced or removed while it was read"), "{error}");
}

#[test]
fn an_outline_needs_the_first_footer_only() {
    let folder = Folder::new();
    write(&folder, "e/1.parquet", &batch(vec![("x", ints([1])), ("s", texts(["a"]))]));
    folder.write("e/2.parquet", "broken");
    let outline = outline(&source("e/*.parquet"), folder.path(), &Options::default()).unwrap();
    let kinds: Vec<_> = outline.schema.fields().iter().map(|field| field.data_type().clone()).collect();
    assert_eq!((kinds, outline.exact), (vec![DataType::Int64, DataType::Utf8View], true));
}
