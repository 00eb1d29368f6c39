//! Line-delimited JSON: what is read, and what is refused with its line.

use arrow::datatypes::{DataType, TimeUnit};
use estimand_metrics::definition::{ClockUnit, KeyType, ScalarType};
use estimand_metrics::input::{Class, Input};

use crate::input::{Declare, Folder, kind, query, rows, source};

fn opened(content: impl AsRef<[u8]>) -> (Folder, Input) {
    let folder = Folder::new();
    folder.write("e.ndjson", content);
    let input = folder.open(&source("e.ndjson"));
    (folder, input)
}

fn refused(content: impl AsRef<[u8]>) -> String {
    let folder = Folder::new();
    folder.write("e.ndjson", content);
    folder.refusal(&source("e.ndjson"))
}

#[test]
fn types_follow_from_all_values() {
    let (_folder, input) = opened(
        "{\"i\": 1, \"f\": 0.5, \"b\": true, \"t\": \"2026-03-01T10:00:00Z\", \"s\": \"007\"}\r\n\n{\"s\": \"a \\\"b\\\"\\u00e9\", \"i\": null, \"f\": 2, \"late\": 3}",
    );
    assert_eq!(input.rows(), 2);
    let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let kinds: Vec<DataType> = input.columns().iter().map(|column| column.kind.clone()).collect();
    assert_eq!(
        kinds,
        [DataType::Int64, DataType::Float64, DataType::Boolean, utc, DataType::Utf8View, DataType::Int64]
    );
    assert_eq!(
        rows(&input, "SELECT i, f, b, t, s, late FROM events ORDER BY f"),
        ["1|0.5|true|2026-03-01T10:00:00Z|007|", "|2.0|||a \"b\"é|3"]
    );
    let late = input.column("late").and_then(|column| column.seen.as_ref()).unwrap();
    assert_eq!((late.values, late.missing), (1, 1));
}

#[test]
fn every_number_of_threads_reads_the_same_rows() {
    let mut content = String::new();
    for row in 0..150_000 {
        content.push_str(&format!("{{\"id\": {row}, \"amount\": {}.5, \"note\": \"line\\n{{{row}\"}}\n", row % 100));
    }
    let (_folder, input) = opened(&content);
    assert!(input.pieces() > 1, "{} pieces", input.pieces());
    let sql = "SELECT count(*), count(DISTINCT id), sum(id), sum(CAST(amount * 2 AS BIGINT)), count(DISTINCT note) FROM events";
    let one = query(&input, 1, sql);
    assert!(one.contains("| 150000   | 150000"), "{one}");
    for threads in [2, 3, 7] {
        assert_eq!(query(&input, threads, sql), one);
    }
}

#[test]
fn ids_are_kept_to_the_letter() {
    let folder = Folder::new();
    folder.write("e.ndjson", "{\"user\": 18446744073709551617}\n{\"user\": 18446744073709551616}\n{\"user\": \"007\"}\n{\"user\": 7}\n{\"user\": \"\"}\n{}\n");
    let input = folder.open(&source("e.ndjson").key("user", KeyType::Text));
    assert_eq!(
        rows(&input, "SELECT user FROM events ORDER BY user"),
        ["", "007", "18446744073709551616", "18446744073709551617", "7", ""]
    );
    let seen = input.column("user").and_then(|column| column.seen.as_ref()).unwrap();
    assert_eq!((seen.missing, seen.blank), (1, 1));
    let (_folder, input) = opened("{\"x\": 18446744073709551617}\n");
    assert_eq!(
        input
            .column("x")
            .and_then(|column| column.not_a_number("events"))
            .map(|fault| fault.line())
            .unwrap_or_default(),
        "e.ndjson:1:7: column `x` of source `events` holds an integer too large for 64 bits at line 1: `18446744073709551617`; declare the column in `columns` as \"float\" to round it, or as \"text\""
    );
}

#[test]
fn values_of_several_kinds_are_named_with_both_lines() {
    assert_eq!(
        refused("{\"x\": 1}\n{\"x\": 2}\n{\"x\": \"three\"}\n"),
        "metrics::mixed_types: e.ndjson:3:7: column `x` holds a number in line 1 and text in line 3: `\"three\"` (first value: e.ndjson:1:7); write values of one kind, or declare the column in `columns` as \"text\""
    );
    let folder = Folder::new();
    folder.write("e/1.ndjson", "{\"x\": 1}\n");
    folder.write("e/2.ndjson", "{\"x\": \"two\"}\n");
    assert!(
        folder
            .refusal(&source("e/*.ndjson"))
            .starts_with("metrics::mixed_types: e/2.ndjson:1:7: column `x` holds a number in line 1")
    );
    let input = folder.open(&source("e/*.ndjson").column("x", ScalarType::Text));
    assert_eq!(rows(&input, "SELECT x FROM events ORDER BY x"), ["1", "two"]);
}

#[test]
fn nested_fields_are_not_columns() {
    let content = "{\"a\": 1, \"deep\": {\"x\": [1, {}]}}\n{\"a\": 2, \"deep\": null}\n";
    let (_folder, input) = opened(content);
    assert_eq!(rows(&input, "SELECT * FROM events ORDER BY a"), ["1", "2"]);
    assert_eq!(input.unread().iter().map(|unread| unread.name.as_str()).collect::<Vec<_>>(), ["deep"]);
    let folder = Folder::new();
    folder.write("e.ndjson", content);
    assert_eq!(
        folder.refusal(&source("e.ndjson").key("deep", KeyType::Text)),
        "metrics::column_not_read: keys.deep: column `deep` of source `events` holds objects or lists; write what is used of it into a column of its own"
    );
    let deep = format!("{{\"a\": 1, \"deep\": {}{}}}\n", "[".repeat(100_000), "]".repeat(100_000));
    let (_folder, input) = opened(deep);
    assert_eq!(rows(&input, "SELECT * FROM events"), ["1"]);
}

#[test]
fn what_is_not_one_object_a_line_is_named() {
    for (content, expected) in [
        (
            "{\"a\": 1}\n[1]\n",
            "metrics::not_ndjson: e.ndjson:2:1: `e.ndjson` holds a list in line 2, not one object a line; write one object a line, as `jq -c '.[]'` does",
        ),
        (
            "{\"a\": 1\n}\n",
            "metrics::not_ndjson: e.ndjson:1:8: `e.ndjson` is not one JSON object a line: a comma or a closing brace is wanted, in line 1; write one object a line",
        ),
        (
            "{\"a\": 01}\n",
            "metrics::not_ndjson: e.ndjson:1:7: `e.ndjson` is not one JSON object a line: invalid number, in line 1; write one object a line",
        ),
        (
            "{\"a\": NaN}\n",
            "metrics::not_ndjson: e.ndjson:1:7: `e.ndjson` is not one JSON object a line: expected value, in line 1; write one object a line",
        ),
        (
            "{\"a\": 1} {\"a\": 2}\n",
            "metrics::not_ndjson: e.ndjson:1:10: `e.ndjson` is not one JSON object a line: the line goes on after its object, in line 1; write one object a line",
        ),
        (
            "{\"a\": 1, \"a\": 2}\n",
            "metrics::duplicate_column: e.ndjson:1:10: `e.ndjson` has `a` twice in the object of line 1; give each field of an object a name of its own",
        ),
        (
            "{\"a\": 1}\n{\"a\": \"x\n",
            "metrics::not_ndjson: e.ndjson:2:7: `e.ndjson` is not one JSON object a line: EOF while parsing a string, in line 2; write one object a line",
        ),
        (
            "{\"Spend\": 1, \"spend\": 2}\n",
            "metrics::columns_differ_by_case: e.ndjson:1:1: `e.ndjson` has columns `Spend` and `spend`, the 1st and the 2nd, whose names differ by case only; rename one of them",
        ),
    ] {
        assert_eq!(refused(content), expected);
    }
}

#[test]
fn an_empty_file_is_zero_rows() {
    let (_folder, input) = opened("");
    assert_eq!((input.rows(), input.columns().len()), (0, 0));
}

#[test]
fn clocks_and_numbers_without_bounds_are_as_in_delimited_text() {
    let folder = Folder::new();
    folder.write("e.ndjson", "{\"at\": 1772323200, \"x\": 1e400}\n{\"at\": 1772323260, \"x\": 1}\n");
    let input = folder.open(&source("e.ndjson").clock("at", Some(ClockUnit::Second)));
    assert_eq!(rows(&input, "SELECT max(at) FROM events"), ["2026-03-01T00:01:00Z"]);
    assert_eq!(kind(&input, "x"), DataType::Float64);
    assert_eq!(
        input.column("x").and_then(|column| column.seen.as_ref()).map(|seen| seen.count(Class::NonFinite)),
        Some(1)
    );
    assert!(
        folder.refusal(&source("e.ndjson").clock("at", Some(ClockUnit::Millisecond))).contains("that is the year 1970")
    );
}
