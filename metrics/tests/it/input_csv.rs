//! Delimited text: what is read, and what is refused with its line.

use arrow::datatypes::{DataType, TimeUnit};
use estimand_metrics::definition::{ClockUnit, Csv, KeyType, ScalarType, Zone};
use estimand_metrics::input::{Class, Options, open, outline};

use crate::input::{Declare, Dice, Folder, kind, query, rows, source, try_query};

fn refused(content: impl AsRef<[u8]>) -> String {
    let folder = Folder::new();
    folder.write("e.csv", content);
    folder.refusal(&source("e.csv"))
}

fn opened(content: impl AsRef<[u8]>) -> (Folder, estimand_metrics::input::Input) {
    let folder = Folder::new();
    folder.write("e.csv", content);
    let input = folder.open(&source("e.csv"));
    (folder, input)
}

#[test]
fn a_header_alone_is_zero_rows() {
    for content in ["user,spend\n", "user,spend", "user,spend\n\n\n"] {
        let (_folder, input) = opened(content);
        assert_eq!(input.rows(), 0, "{content:?}");
        assert_eq!(rows(&input, "SELECT count(*) FROM events"), ["0"]);
    }
}

#[test]
fn an_empty_file_has_no_header() {
    let expected = "metrics::empty_file: e.csv: `e.csv` is empty: 0 rows, and no header line; write the names of the columns on the first line";
    assert_eq!(refused(""), expected);
    assert_eq!(refused("\u{feff}"), expected);
    assert_eq!(refused("\n\n"), expected);
}

#[test]
fn a_ragged_row_is_named_by_its_line() {
    assert_eq!(
        refused("user,spend\nu1,1\nu2\n"),
        "metrics::ragged_row: e.csv:3:1: `e.csv`: the row in line 3 has 1 field and the header has 2; write every field of the row; a missing value is an empty field"
    );
    assert_eq!(
        refused("user,spend\n\"u\n1\",1\nu2,1,5\n"),
        "metrics::ragged_row: e.csv:4:1: `e.csv`: the row in line 4 has 3 fields and the header has 2; quote the values that hold the delimiter"
    );
}

#[test]
fn an_unclosed_quote_is_named_by_the_line_where_it_opens() {
    let mut content = String::from("user,note\n");
    for row in 0..200_000 {
        content.push_str(&format!("u{row},{}\n", if row == 4 { "\"hello" } else { "hello" }));
    }
    assert_eq!(
        refused(&content),
        "metrics::unclosed_quote: e.csv:6:4: `e.csv`: the quote opened in line 6 is never closed; close the quote; a quote inside a quoted value is written twice"
    );
    assert_eq!(
        refused("user,note\nu1,\"hello\nu2,\"world\"\n"),
        "metrics::unclosed_quote: e.csv:3:5: `e.csv` has text after a closing quote in line 3; the quote was opened in line 2 (opened here: e.csv:2:4); close the quote where the value ends; a quote inside a quoted value is written twice"
    );
}

#[test]
fn a_stray_quote_is_named_by_its_line() {
    assert_eq!(
        refused("user,note\nu1,5\" nail\n"),
        "metrics::stray_quote: e.csv:2:5: `e.csv` has a quote inside a value that is not quoted, in line 2; quote the whole value, and write the quote inside it twice"
    );
}

#[test]
fn quoted_delimiters_quotes_and_line_breaks_are_values() {
    let (_folder, input) =
        opened("user,note\nu1,\"a,b\"\nu2,\"say \"\"hi\"\"\"\r\nu3,\"two\r\nlines\"\nu4,\"\"\nu5,\n");
    assert_eq!(input.rows(), 5);
    for threads in [1, 2, 3, 7] {
        let table = query(
            &input,
            threads,
            "SELECT user, replace(replace(note, chr(13), 'R'), chr(10), 'N') AS note FROM events ORDER BY user",
        );
        assert!(table.contains("| u1   | a,b"), "{table}");
        assert!(table.contains("| u2   | say \"hi\""), "{table}");
        assert!(table.contains("| u3   | twoRNlines"), "{table}");
    }
    assert_eq!(rows(&input, "SELECT count(note) FROM events"), ["3"]);
}

#[test]
fn every_number_of_threads_reads_the_same_rows() {
    let mut content = String::from("id,amount,note,when\n");
    for row in 0..400_000_u32 {
        let note = if row % 7 == 0 { "\"line one\nline, \"\"two\"\"\"" } else { "plain" };
        content.push_str(&format!("{row},{}.25,{note},2026-03-01T00:00:{:02}Z\n", row % 1000, row % 60));
    }
    let (_folder, input) = opened(&content);
    assert!(input.pieces() > 3, "{} pieces", input.pieces());
    assert_eq!(input.rows(), 400_000);
    let sql = "SELECT count(*), count(DISTINCT id), sum(id), sum(CAST(amount * 4 AS BIGINT)), count(DISTINCT note), max(\"when\") FROM events";
    let one = query(&input, 1, sql);
    assert!(one.contains("| 400000   | 400000"), "{one}");
    for threads in [2, 3, 7] {
        assert_eq!(query(&input, threads, sql), one);
    }
}

#[test]
fn names_of_columns_are_told_apart() {
    assert_eq!(
        refused("user,spend,user\n1,2,3\n"),
        "metrics::duplicate_column: e.csv:1:1: `e.csv` has two columns named `user`: the 1st and the 3rd; give each column a name of its own"
    );
    assert_eq!(
        refused("user,spend,Spend\n1,2,3\n"),
        "metrics::columns_differ_by_case: e.csv:1:1: `e.csv` has columns `spend` and `Spend`, the 2nd and the 3rd, whose names differ by case only; rename one of them"
    );
}

#[test]
fn a_column_without_a_name_is_passed_over_with_a_warning() {
    let (_folder, input) = opened(",user,spend\n1,u1,5\n2,u2,6\n");
    let warnings: Vec<String> = input.warnings().iter().map(|fault| fault.line()).collect();
    assert_eq!(
        warnings,
        [
            "e.csv:1:1: `e.csv`: field 1 of the header is blank, and its column is not read; give the column a name to read it"
        ]
    );
    assert_eq!(rows(&input, "SELECT * FROM events ORDER BY user"), ["u1|5", "u2|6"]);
}

#[test]
fn a_file_with_another_delimiter_is_doubted() {
    let (_folder, input) = opened("user;spend\nu1;5\n");
    let warnings: Vec<String> = input.warnings().iter().map(|fault| fault.line()).collect();
    assert_eq!(
        warnings,
        [
            "e.csv:1:1: `e.csv` has one column, `user;spend`; if fields end with another character, declare it: `delimiter = \";\"` under `[csv]`"
        ]
    );
    let folder = Folder::new();
    folder.write("e.csv", "user;spend\nu1;5\n");
    let input = folder.open(&source("e.csv").csv(Csv { delimiter: b';', null_values: Vec::new() }));
    assert_eq!(rows(&input, "SELECT * FROM events"), ["u1|5"]);
}

#[test]
fn keys_are_read_to_the_letter() {
    let folder = Folder::new();
    folder.write("e.csv", "user,n\n007,1\n7,2\n1e5,3\n100000,4\n9007199254740993,5\n9007199254740992,6\n18446744073709551616,7\n,8\n  ,9\n");
    let input = folder.open(&source("e.csv").key("user", KeyType::Text));
    assert_eq!(kind(&input, "user"), DataType::Utf8View);
    assert_eq!(rows(&input, "SELECT count(DISTINCT user), count(*) - count(user) FROM events"), ["8|1"]);
    let seen = input.column("user").and_then(|column| column.seen.as_ref()).unwrap();
    assert_eq!((seen.values, seen.missing, seen.blank), (8, 1, 1));

    let mut options = Options::default();
    options.ids.insert("user".to_owned());
    let by_experiment = open(&source("e.csv"), folder.path(), &options).unwrap();
    assert_eq!(kind(&by_experiment, "user"), DataType::Utf8View);
}

#[test]
fn integer_keys_are_exact_and_refuse_second_spellings() {
    let folder = Folder::new();
    folder.write("e.csv", "user\n9007199254740993\n9007199254740992\n");
    let input = folder.open(&source("e.csv").key("user", KeyType::Integer));
    assert_eq!(rows(&input, "SELECT user FROM events ORDER BY 1"), ["9007199254740992", "9007199254740993"]);
    folder.write("e.csv", "user\n7\n007\n");
    assert_eq!(
        folder.refusal(&source("e.csv").key("user", KeyType::Integer)),
        "metrics::wrong_value: e.csv:3:1: column `user` of source `events` is declared integer; line 3 holds `007`; declare the key as \"text\": read as integers, `007` and `7` would be one unit"
    );
    folder.write("e.csv", "user\n123e4567-e89b-12d3-a456-426614174000\nu2\n");
    assert_eq!(
        folder.refusal(&source("e.csv").key("user", KeyType::Uuid)),
        "metrics::wrong_value: e.csv:3:1: column `user` of source `events` is declared uuid; line 3 holds `u2`; correct the value, or declare another type"
    );
}

#[test]
fn text_after_three_thousand_numbers_is_known_by_its_line() {
    let mut content = String::from("user,spend\n");
    for row in 0..3_000 {
        content.push_str(&format!("u{row},{row}\n"));
    }
    content.push_str("u3000,abc\n");
    let (_folder, input) = opened(&content);
    assert_eq!(kind(&input, "spend"), DataType::Utf8View);
    assert_eq!(
        input
            .column("spend")
            .and_then(|column| column.not_a_number("events"))
            .map(|fault| fault.line())
            .unwrap_or_default(),
        "e.csv:3002:7: column `spend` of source `events` holds text at line 3002: `abc`; correct the value in the file, or leave the field empty"
    );
}

#[test]
fn values_that_are_not_finite_are_counted() {
    let (_folder, input) = opened("x,y\n1,1\nNaN,2\n1e400,NA\n-inf,3\n,NA\n");
    assert_eq!(kind(&input, "x"), DataType::Float64);
    let x = input.column("x").unwrap();
    assert_eq!(x.seen.as_ref().map(|seen| (seen.count(Class::NonFinite), seen.missing)), Some((3, 1)));
    assert_eq!(
        x.not_finite("events").map(|fault| fault.line()).unwrap_or_default(),
        "e.csv:3:1: column `x` of source `events` holds 3 values that are not finite, the first at line 3: `NaN`; leave such rows out with `filter`, or correct the file"
    );
    assert_eq!(
        input
            .column("y")
            .and_then(|column| column.not_a_number("events"))
            .map(|fault| fault.line())
            .unwrap_or_default(),
        "e.csv:4:7: column `y` of source `events` holds a word for a missing value at line 4: `NA`; add `null_values = [\"NA\"]` under `[csv]` of the source, or leave the field empty"
    );
    assert_eq!(rows(&input, "SELECT count(x) FROM events WHERE isnan(x) OR abs(x) > 1e308"), ["3"]);
}

#[test]
fn declared_words_are_missing() {
    let folder = Folder::new();
    folder.write("e.csv", "x,y\n1,a\nNA,NA\n\"NA\",n/a\n2,\n");
    let csv = Csv { delimiter: b',', null_values: vec!["NA".into(), "n/a".into()] };
    let input = folder.open(&source("e.csv").csv(csv));
    assert_eq!(kind(&input, "x"), DataType::Int64);
    assert_eq!(rows(&input, "SELECT count(x), sum(x), count(y) FROM events"), ["2|3|1"]);
}

#[test]
fn commas_in_numbers_are_named_as_such() {
    let (_folder, input) = opened("a,b\n1,1\n\"1,5\",\"1,234\"\n");
    let why = |column: &str| {
        input
            .column(column)
            .and_then(|column| column.not_a_number("events"))
            .map(|fault| fault.line())
            .unwrap_or_default()
    };
    assert_eq!(
        why("a"),
        "e.csv:3:2: column `a` of source `events` writes decimals with a comma at line 3: `1,5`; export the numbers with a decimal point and without separators"
    );
    assert_eq!(
        why("b"),
        "e.csv:3:8: column `b` of source `events` writes numbers with thousands separators at line 3: `1,234`; export the numbers with a decimal point and without separators"
    );
}

#[test]
fn types_follow_from_all_values() {
    let (_folder, input) = opened(
        "i,f,b,d,t,z,s\n1,0.5,true,2026-03-01,2026-03-01 10:00:00,2026-03-01T10:00:00+02:00,007\n-2,1e3,FALSE,2024-02-29,2026-03-01T10:00:00.25,2026-03-01T10:00:00Z,7\n",
    );
    let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let kinds: Vec<DataType> = input.columns().iter().map(|column| column.kind.clone()).collect();
    let local = DataType::Timestamp(TimeUnit::Microsecond, None);
    assert_eq!(
        kinds,
        [DataType::Int64, DataType::Float64, DataType::Boolean, DataType::Date32, local, utc, DataType::Utf8View]
    );
    assert_eq!(
        rows(&input, "SELECT i, f, b, d, t, z, s FROM events ORDER BY i"),
        [
            "-2|1000.0|false|2024-02-29|2026-03-01T10:00:00.250|2026-03-01T10:00:00Z|7",
            "1|0.5|true|2026-03-01|2026-03-01T10:00:00|2026-03-01T08:00:00Z|007",
        ]
    );
}

#[test]
fn every_number_is_read_as_it_was_classified() {
    let numbers = [
        "0.1",
        ".5",
        "5.",
        "1e5",
        "1E+5",
        "2.5e-3",
        "-0.0",
        "123456789.123456789",
        "1e308",
        "4.9e-324",
        "9007199254740993",
        "18446744073709551616",
    ];
    let (_folder, input) = opened(format!("x\n{}\n", numbers.join("\n")));
    assert_eq!(kind(&input, "x"), DataType::Float64);
    let mut expected: Vec<f64> = numbers.iter().map(|number| number.parse().unwrap()).collect();
    let batches = try_query(&input, 1, "SELECT x FROM events").unwrap();
    let mut read: Vec<f64> = batches
        .iter()
        .flat_map(|batch| {
            batch.column(0).as_any().downcast_ref::<arrow::array::Float64Array>().unwrap().values().to_vec()
        })
        .collect();
    expected.sort_by(f64::total_cmp);
    read.sort_by(f64::total_cmp);
    assert_eq!(read, expected);
}

#[test]
fn declared_types_are_checked_with_the_line() {
    let folder = Folder::new();
    folder.write("e.csv", "a,b\n1,2026-03-01\nx,yesterday\n");
    assert_eq!(
        folder.refusal(&source("e.csv").column("a", ScalarType::Float).column("b", ScalarType::Date)),
        "metrics::wrong_value: e.csv:3:1: column `a` of source `events` is declared float; line 3 holds `x`; correct the value in the file, or leave the field empty\n\
         metrics::wrong_value: e.csv:3:3: column `b` of source `events` is declared date; line 3 holds `yesterday`; correct the value, or declare another type"
    );
    assert_eq!(
        folder.refusal(&source("e.csv").column("aa", ScalarType::Float).key("user", KeyType::Text)),
        "metrics::unknown_column: keys.user: no column `user` in source `events`; columns: a, b\n\
         metrics::unknown_column: columns.aa: no column `aa` in source `events`; did you mean `a`?"
    );
    folder.write("e.csv", "a\n007\n12\n1e2\n");
    let input = folder.open(&source("e.csv").column("a", ScalarType::Float));
    assert_eq!(rows(&input, "SELECT sum(a) FROM events"), ["119.0"]);
    folder.write("e.csv", "a\n007\n12\n");
    let input = folder.open(&source("e.csv").column("a", ScalarType::Integer));
    assert_eq!(rows(&input, "SELECT sum(a) FROM events"), ["19"]);
}

#[test]
fn a_clock_is_a_time() {
    let folder = Folder::new();
    let clocked = |unit| source("e.csv").clock("at", unit);
    folder.write("e.csv", "at\n2026-03-01\n2026-03-02\n");
    assert_eq!(kind(&folder.open(&clocked(None)), "at"), DataType::Date32);

    folder.write("e.csv", "at\n1772323200000\n1772323200001\n");
    let input = folder.open(&clocked(Some(ClockUnit::Millisecond)));
    assert_eq!(kind(&input, "at"), DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())));
    assert_eq!(rows(&input, "SELECT max(at) FROM events"), ["2026-03-01T00:00:00.001Z"]);
    assert_eq!(
        folder.refusal(&clocked(Some(ClockUnit::Second))),
        "metrics::clock_unit: e.csv:2:1: clock `at` of source `events` holds 1772323200000 at line 2: counted in s from 1970, that is the year 58132; declare what it counts: `timestamp_unit = \"ms\"`"
    );
    assert_eq!(
        folder.refusal(&clocked(None)),
        "metrics::clock_unit: clock `at` of source `events` holds integers, and the source does not say what they count; declare what it counts: `timestamp_unit = \"ms\"`"
    );

    folder.write("e.csv", "at\n2026-03-01T10:00:00Z\nsoon\n");
    assert_eq!(
        folder.refusal(&clocked(None)),
        "metrics::not_a_clock: e.csv:3:1: clock `at` of source `events` holds `soon` at line 3, which is not a time; write times as 2026-03-01T09:30:00Z or 2026-03-01 09:30:00; leave the field empty where there is none"
    );
    folder.write("e.csv", "at\n2026-03-01T10:00:00Z\n2026-03-01T10:00:00\n");
    assert_eq!(
        folder.refusal(&clocked(None)),
        "metrics::mixed_zones: e.csv:3:1: column `at` of source `events` mixes times with and without an offset: line 2 holds `2026-03-01T10:00:00Z`, line 3 holds `2026-03-01T10:00:00` (with an offset: e.csv:2:1); write every time with its offset, or none"
    );
    folder.write("e.csv", "at\n2026-03-01T10:00:00Z\n1970-01-01T00:00:00Z\n");
    assert_eq!(
        folder.refusal(&clocked(None)),
        "metrics::clock_range: e.csv:3:1: clock `at` of source `events` holds `1970-01-01T00:00:00Z` at line 3; times lie in 1971–2999; leave the field empty where the time is missing, or correct it"
    );
    folder.write("e.csv", "at\n1.5\n");
    assert!(
        folder
            .refusal(&clocked(None))
            .starts_with("metrics::not_a_clock: e.csv:2:1: clock `at` of source `events` holds `1.5` at line 2")
    );
}

#[test]
fn bytes_that_are_not_text_are_named_with_their_line() {
    assert_eq!(
        refused(b"user,name\nu1,J\xf6rg\n"),
        "metrics::not_utf8: e.csv:2:5: `e.csv` is not UTF-8: line 2 has the byte 0xF6; convert it, if it is Latin-1: iconv -f LATIN1 -t UTF-8 'e.csv'"
    );
    assert_eq!(
        refused(b"user,name\nu1,a\0b\n"),
        "metrics::nul_byte: e.csv:2:5: `e.csv` has a NUL byte in line 2; export the file again as text in UTF-8"
    );
    let utf16 =
        "metrics::utf16: e.csv: `e.csv` is UTF-16; text is read as UTF-8; convert it: iconv -f UTF-16 -t UTF-8 'e.csv'";
    assert_eq!(refused(b"\xff\xfeu\0s\0"), utf16);
    assert_eq!(refused(b"u\0s\0e\0r\0\n\0"), utf16);
    assert_eq!(
        refused("a,b\r1,2\r"),
        "metrics::lone_carriage_return: e.csv:1:4: `e.csv` has a carriage return without a line feed in line 1; end lines with a line feed; quote a value that holds a line break"
    );
    assert_eq!(
        refused("a,b\n1,2\n\n3,4\n"),
        "metrics::blank_line: e.csv:3:1: `e.csv` has a blank line, line 3; remove the line; a row of one missing value is written `\"\"`"
    );
    let (_folder, input) = opened("\u{feff}user,name\r\nu1,Jörg\r\n");
    assert_eq!(rows(&input, "SELECT user, name FROM events"), ["u1|Jörg"]);
}

#[test]
fn characters_cut_by_the_end_of_a_block_are_whole() {
    let mut content = String::from("a\n");
    for _ in 0..400_000 {
        content.push_str("äöüß€\n");
    }
    let (_folder, input) = opened(&content);
    assert_eq!(rows(&input, "SELECT count(*), count(DISTINCT a) FROM events"), ["400000|1"]);
}

#[test]
fn compressed_text_is_refused_by_its_first_bytes() {
    for (magic, name, mend) in [
        (&b"\x1f\x8b\x08"[..], "gzip", "gunzip -k"),
        (b"BZh9", "bzip2", "bunzip2 -k"),
        (b"\xfd7zXZ\0", "xz", "unxz -k"),
        (b"\x28\xb5\x2f\xfd", "zstd", "unzstd"),
        (b"PK\x03\x04", "zip", "unzip"),
    ] {
        assert_eq!(
            refused(magic),
            format!(
                "metrics::compressed: e.csv: `e.csv` is compressed with {name}; text is read uncompressed; unpack it: {mend} 'e.csv'"
            )
        );
    }
    assert_eq!(
        refused(b"PAR1abc"),
        "metrics::wrong_format: e.csv: `e.csv` is Parquet, not text; declare `format = \"parquet\"` in the source"
    );
}

#[test]
fn sizes_have_limits() {
    let wide: Vec<String> = (0..100_000).map(|column| format!("c{column}")).collect();
    assert_eq!(
        refused(wide.join(",")),
        "metrics::too_many_columns: e.csv: `e.csv` has more than 10000 columns; 10000 are the most one source may have; export only the columns that are used, or write one row per value"
    );
    let long = format!("a,b\n1,{}\n", "x".repeat((16 << 20) + 1));
    assert_eq!(
        refused(long),
        "metrics::value_too_long: e.csv:2:3: `e.csv` has a value of more than 16 MiB in line 2; leave the column out of the export"
    );
    let (_folder, input) = opened(format!("{}\n{}\n", wide[..10_000].join(","), vec!["1"; 10_000].join(",")));
    assert_eq!(rows(&input, "SELECT c0, c9999 FROM events"), ["1|1"]);
}

#[test]
fn a_file_that_changes_after_it_was_checked_fails_the_run() {
    let folder = Folder::new();
    folder.write("e.csv", "a\n1\n2\n");
    let input = folder.open(&source("e.csv"));
    assert_eq!(input.fingerprint().unchanged(), Ok(()));
    folder.write("e.csv", "a\n1\n2\n3\n");
    let expected = "e.csv: `e.csv` was changed, replaced or removed while it was read; run again when nothing writes to the file, or read a copy of it";
    assert_eq!(input.fingerprint().unchanged().unwrap_err().line(), expected);
    let error = try_query(&input, 2, "SELECT sum(a) FROM events").unwrap_err().to_string();
    assert!(error.contains("`e.csv` was changed, replaced or removed while it was read"), "{error}");
}

#[test]
fn several_files_are_one_table() {
    let folder = Folder::new();
    folder.write("e/1.csv", "user,spend\nu1,1\n");
    folder.write("e/2.csv", "spend,user\n2.5,u2\n");
    let input = folder.open(&source("e/*.csv"));
    assert_eq!(kind(&input, "spend"), DataType::Float64);
    assert_eq!(rows(&input, "SELECT user, spend FROM events ORDER BY user"), ["u1|1.0", "u2|2.5"]);
    folder.write("e/3.csv", "spend,user\nx,u3\n");
    let input = folder.open(&source("e/*.csv"));
    assert_eq!(
        input
            .column("spend")
            .and_then(|column| column.not_a_number("events"))
            .map(|fault| fault.line())
            .unwrap_or_default(),
        "e/3.csv:2:1: column `spend` of source `events` holds text at line 2: `x`; correct the value in the file, or leave the field empty"
    );
    folder.write("e/3.csv", "spend,users\nx,u3\n");
    assert_eq!(
        folder.refusal(&source("e/*.csv")),
        "metrics::files_differ: e/3.csv: column `user` is in `e/1.csv` and not in `e/3.csv`; write all files with the same columns, or name the ones that agree by a glob"
    );
    folder.write("e/3.csv", "spend,user\nx\n");
    folder.write("e/4.csv", "spend,user\n\"x\n");
    assert_eq!(folder.refusal(&source("e/*.csv")).lines().count(), 2, "the faults of all files are shown at once");
}

#[test]
fn an_outline_reads_only_the_beginning() {
    let folder = Folder::new();
    let mut content = String::from("user,spend\n");
    for row in 0..100_000 {
        content.push_str(&format!("u{row},{row}\n"));
    }
    content.push_str("broken\n");
    folder.write("e.csv", content);
    let outline = outline(&source("e.csv"), folder.path(), &Options::default()).unwrap();
    let names: Vec<&str> = outline.schema.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!((names, outline.exact), (vec!["user", "spend"], false));
}

#[test]
fn what_a_writer_quotes_is_read_back() {
    let alphabet = ['a', '"', ',', '\n', '\r', ' ', 'é', '0', ';'];
    let mut dice = Dice::new(1);
    for _ in 0..200 {
        let table: Vec<Vec<String>> = (0..1 + dice.below(20))
            .map(|_| {
                (0..3).map(|_| (0..1 + dice.below(6)).map(|_| alphabet[dice.below(alphabet.len())]).collect()).collect()
            })
            .collect();
        let mut content = String::from("a,b,c\n");
        for row in &table {
            let fields: Vec<String> = row.iter().map(|value| format!("\"{}\"", value.replace('"', "\"\""))).collect();
            content.push_str(&fields.join(","));
            content.push_str(if dice.below(2) == 0 { "\n" } else { "\r\n" });
        }
        let folder = Folder::new();
        folder.write("e.csv", &content);
        let text =
            source("e.csv").column("a", ScalarType::Text).column("b", ScalarType::Text).column("c", ScalarType::Text);
        let input = folder.open(&text);
        let mut read = Vec::new();
        for piece in 0..input.pieces() {
            for batch in input.read(piece, &[0, 1, 2], 7).unwrap() {
                let batch = batch.unwrap();
                let columns: Vec<_> =
                    (0..3).map(|column| arrow::array::AsArray::as_string_view(batch.column(column))).collect();
                read.extend(
                    (0..batch.num_rows())
                        .map(|row| columns.iter().map(|column| column.value(row).to_owned()).collect::<Vec<_>>()),
                );
            }
        }
        assert_eq!(read, table, "{content:?}");
    }
}

#[test]
fn broken_text_is_refused_or_read_whole() {
    let whole =
        "user,at,spend,note\nu1,2026-03-01T10:00:00Z,1.5,\"a, b\"\nu2,2026-03-02T10:00:00Z,2,\"two\nlines\"\nu3,,,\n"
            .repeat(40);
    let whole = format!("user,at,spend,note\n{}", whole.replace("user,at,spend,note\n", ""));
    let mut dice = Dice::new(7);
    let (mut read, mut refused) = (0, 0);
    for _ in 0..400 {
        let mut bytes = whole.clone().into_bytes();
        for _ in 0..1 + dice.below(3) {
            let at = dice.below(bytes.len());
            match dice.below(5) {
                0 => bytes.truncate(at),
                1 => bytes[at] ^= 1 << dice.below(8),
                2 => bytes.insert(at, b"\",\n\r\0x"[dice.below(6)]),
                3 => drop(bytes.remove(at)),
                _ => bytes[at] = dice.below(256) as u8,
            }
            if bytes.is_empty() {
                bytes.push(b'x');
            }
        }
        let folder = Folder::new();
        folder.write("e.csv", &bytes);
        match open(&source("e.csv"), folder.path(), &Options::default()) {
            Ok(input) => {
                read += 1;
                let mut counted = 0;
                for piece in 0..input.pieces() {
                    counted += input
                        .read(piece, &[0], 100)
                        .unwrap()
                        .map(|batch| batch.unwrap().num_rows() as u64)
                        .sum::<u64>();
                }
                assert_eq!(counted, input.rows());
            }
            Err(faults) => {
                refused += 1;
                assert!(faults.iter().all(|fault| fault.place.is_some() && !fault.help.is_empty()), "{faults}");
            }
        }
    }
    assert!(read > 50 && refused > 50, "{read} read, {refused} refused");
}

#[test]
fn local_times_of_a_turned_clock_are_named_with_their_line() {
    let folder = Folder::new();
    folder.write("e.csv", "at\n2026-03-28 02:30:00\n2026-03-29 02:30:00\n");
    let mut berlin = source("e.csv").clock("at", None);
    berlin.clock.as_mut().unwrap().zone = Zone::parse("Europe/Berlin").ok();
    assert_eq!(
        folder.refusal(&berlin),
        "metrics::clock_unclear: e.csv:3:1: clock `at` of source `events` holds `2026-03-29 02:30:00` at line 3, which the clock in Europe/Berlin shows never or twice; write times with their offset, as in 2026-03-29T03:30:00+02:00"
    );
    folder.write("e.csv", "at\n2026-03-28 02:30:00\n2026-03-29 03:30:00\n");
    assert_eq!(kind(&folder.open(&berlin), "at"), DataType::Timestamp(TimeUnit::Microsecond, None));
}
