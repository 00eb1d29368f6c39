//! Data: 36 to 61 and 63.

use std::process::Stdio;
use std::time::Duration;

use super::{ASSIGNMENT_ROWS, EVENT_ROWS, EVENTS, Edit, REVENUE, analysed, bare, edited, refused, shop};
use crate::command::{ABSOLUTE, Answer, Desk, RELATIVE, Row};

/// The first purchase of user 1, in line 5.
const PURCHASE: &str = "u1,2026-03-02T10:30:00Z,7.5";

/// Number, edits, and what `analyze` says, with code 4.
const REFUSALS: &[(&str, &[Edit], &str)] = &[
    (
        "37",
        &[(EVENT_ROWS, PURCHASE, "u1,,2026-03-02T10:30:00Z,7.5")],
        "data/events.csv:5:1: `data/events.csv`: the row in line 5 has 4 fields and the header has 3; quote the values that hold the delimiter",
    ),
    (
        "38",
        &[(EVENT_ROWS, PURCHASE, "u1,2026-03-02T10:30:00Z,\"7.5")],
        "data/events.csv:5:25: `data/events.csv`: the quote opened in line 5 is never closed; close the quote; a quote inside a quoted value is written twice",
    ),
    (
        "40, twice",
        &[(EVENT_ROWS, "user_id,at,amount", "user_id,at,at")],
        "data/events.csv:1:1: `data/events.csv` has two columns named `at`: the 2nd and the 3rd; give each column a name of its own",
    ),
    (
        "40, by case",
        &[(EVENT_ROWS, "user_id,at,amount", "user_id,at,AT")],
        "data/events.csv:1:1: `data/events.csv` has columns `at` and `AT`, the 2nd and the 3rd, whose names differ by case only; rename one of them",
    ),
    (
        "43",
        &[(EVENT_ROWS, PURCHASE, "u1,2026-03-02T10:30:00Z,seven")],
        "data/events.csv:5:25: column `amount` of source `events` is declared float; line 5 holds `seven`; correct the value in the file, or leave the field empty",
    ),
    (
        "44, NaN",
        &[(EVENT_ROWS, PURCHASE, "u1,2026-03-02T10:30:00Z,NaN\nu1,2026-03-02T10:30:00Z,inf")],
        "data/events.csv:5:25: column `amount` of source `events` holds 2 values that are not finite, the first at line 5: `NaN`; leave such rows out with `filter`, or correct the file",
    ),
    (
        "44, 1e400",
        &[(EVENT_ROWS, PURCHASE, "u1,2026-03-02T10:30:00Z,1e400")],
        "data/events.csv:5:25: column `amount` of source `events` holds 1 value that is not finite, the first at line 5: `1e400`; leave such rows out with `filter`, or correct the file",
    ),
    (
        "44, NA",
        &[(EVENT_ROWS, PURCHASE, "u1,2026-03-02T10:30:00Z,NA")],
        "data/events.csv:5:25: column `amount` of source `events` is declared float; line 5 holds `NA`; add `null_values = [\"NA\"]` under `[csv]` of the source, or leave the field empty",
    ),
    (
        "46",
        &[(EVENT_ROWS, PURCHASE, "u1,2026-03-02T10:30:00Z,\"1.007,5\"")],
        "data/events.csv:5:26: column `amount` of source `events` is declared float; line 5 holds `1.007,5`; export the numbers with a decimal point and without separators",
    ),
    (
        "52",
        &[(ASSIGNMENT_ROWS, "u2,A", "u2, Control"), (ASSIGNMENT_ROWS, "u3,B", "u3,C")],
        "experiment `checkout`: rows of `assignments` name arms that it does not declare: ` Control` (1 units), `C` (1 units); declared are `A`, `B`; declare the arm, or leave its rows out with `assignment.filter`",
    ),
    (
        "56, no zone",
        &[(EVENT_ROWS, PURCHASE, "u1,2026-03-02T10:30:00,7.5")],
        "data/events.csv:5:4: column `at` of source `events` mixes times with and without an offset: line 2 holds `2026-03-01T10:30:00Z`, line 5 holds `2026-03-02T10:30:00` (with an offset: data/events.csv:2:4); write every time with its offset, or none",
    ),
    (
        "56, seconds",
        &[(EVENT_ROWS, PURCHASE, "u1,1772447400,7.5")],
        "data/events.csv:5:4: clock `at` of source `events` holds `1772447400` at line 5, which is not a time; write times as 2026-03-01T09:30:00Z or 2026-03-01 09:30:00; leave the field empty where there is none",
    ),
    (
        "63, nothing",
        &[(EVENTS, "data/events.csv", "data/nothing-*.csv")],
        "sources/events.toml:1:8: no file at `data/nothing-*.csv`; correct the path; `data` is the deepest folder of it that exists",
    ),
];

#[test]
fn data_that_are_not_as_declared_are_refused_with_the_line() {
    for (number, edits, line) in REFUSALS {
        assert_eq!(refused(&edited(edits), &["analyze", "checkout"], 4), *line, "{number}");
    }
}

/// What is said of rows of a file without a project, with code 4.
fn bare_refused(rows: &str, arguments: &[&str]) -> String {
    let answer = bare(rows, arguments);
    assert_eq!((answer.code, answer.text().as_str()), (Some(4), ""), "{}", answer.talk);
    answer.talk.trim_end().to_owned()
}

/// The effect of B on the mean of `y`.
fn effect(rows: &str, scale: &str) -> Row {
    bare(rows, &["--metric", "mean(y)"]).rows().effect("mean(y)", "B", scale)
}

#[test]
fn n36_no_rows_are_no_units_or_no_outcomes() {
    let shop = shop();
    shop.write(EVENT_ROWS, "");
    assert_eq!(
        refused(&shop, &["analyze", "checkout"], 4),
        "data/events.csv: `data/events.csv` is empty: 0 rows, and no header line; write the names of the columns on the first line"
    );
    // Users without events have spent nothing: an effect of zero without variance, and not a failure.
    shop.write(EVENT_ROWS, "user_id,at,amount\n");
    let row = analysed(&shop).rows().effect("revenue", "B", ABSOLUTE);
    assert_eq!((row.number("n"), row.number("estimate"), row.maybe("p_value")), (100.0, 0.0, None));
    shop.write(ASSIGNMENT_ROWS, "user_id,arm,at\n");
    assert_eq!(
        refused(&shop, &["analyze", "checkout"], 4),
        "experiment `checkout`: no unit is counted: source `assignments` has no rows for it; correct its `start` and `end`, its `assignment.filter`, or the source"
    );
}

#[test]
fn n38_an_unclosed_quote_is_an_error_at_any_number_of_threads() {
    let shop = edited(&[(EVENT_ROWS, PURCHASE, "u1,2026-03-02T10:30:00Z,\"7.5")]);
    let said = |threads: &str| refused(&shop, &["analyze", "checkout", "--threads", threads], 4);
    assert_eq!(said("1"), said("7"));
}

#[test]
fn n39_a_quoted_line_break_is_part_of_a_value() {
    let rows = "arm,y,note\nA,1,\"one\nline\"\nA,2,\nB,3,\"x\r\ny\"\nB,5,\n";
    assert_eq!(effect(rows, ABSOLUTE).number("n"), 2.0);
}

#[test]
fn n41_ids_are_kept_to_the_letter() {
    let rows = "id,arm,y\n007,A,1\n7,A,2\n1e5,A,3\n100000,A,4\n9007199254740993,B,5\n9007199254740992,B,6\n";
    let answer = bare(rows, &["--unit", "id", "--metric", "sum(y)"]);
    let row = answer.rows().effect("sum(y)", "B", ABSOLUTE);
    assert_eq!([row.number("n_baseline"), row.number("n")], [4.0, 2.0]);
}

#[test]
fn n42_rows_without_an_id_are_counted_and_are_nobody() {
    let shop = edited(&[(ASSIGNMENT_ROWS, "u0,A", "  ,A"), (ASSIGNMENT_ROWS, "u1,B", ",B")]);
    let answer = analysed(&shop);
    let row = answer.rows().effect("revenue", "B", ABSOLUTE);
    assert_eq!([row.number("n_baseline"), row.number("n")], [99.0, 99.0]);
    assert_eq!(answer.check("set_apart"), ("warn".to_owned(), "Left out: 2 rows without an id.".to_owned()));
}

#[test]
fn n43_a_word_after_thousands_of_numbers_is_known_by_its_line() {
    let numbers: String = (0..2_999).map(|row| format!("{},{row}\n", ["A", "B"][row % 2])).collect();
    assert_eq!(
        bare_refused(&format!("arm,y\n{numbers}A,many\n"), &["--metric", "mean(y)"]),
        "rows.csv:3001:3: column `y` of source `file` holds text at line 3001: `many`; correct the value in the file, or leave the field empty"
    );
}

#[test]
fn n45_a_missing_value_is_not_zero_and_both_counts_are_shown() {
    let row = effect("arm,y\nA,1\nA,3\nB,4\nB,6\nB,\n", ABSOLUTE);
    assert_eq!((row.number("n"), row.number("mean")), (2.0, 5.0));
    assert_eq!(row.text("notes"), "1 of 3 units of arm `B` have no value and are left out.");
}

#[test]
fn n47_sums_past_the_largest_integer_are_right() {
    let rows = "id,arm,y\na,A,9223372036854775807\na,A,9223372036854775807\nb,A,1\nc,B,4611686018427387904\nc,B,4611686018427387904\nd,B,4611686018427387904\n";
    let row = bare(rows, &["--unit", "id", "--metric", "sum(y)"]).rows().effect("sum(y)", "B", ABSOLUTE);
    // (2·(2⁶³ − 1) + 1)/2 and 3·2⁶²/2, as doubles.
    assert_eq!(row.number("mean_baseline"), 9_223_372_036_854_775_808.0);
    assert_eq!(row.number("mean"), 6_917_529_027_641_081_856.0);
}

#[test]
fn n48_differences_at_an_offset_of_ten_to_the_fifteen_keep_their_digits() {
    let at = |offset: i64| {
        let rows: String = [("A", 1), ("A", 3), ("A", 8), ("B", 4), ("B", 9), ("B", 11)]
            .iter()
            .map(|(arm, y)| format!("{arm},{}\n", y + offset))
            .collect();
        effect(&format!("arm,y\n{rows}"), ABSOLUTE)
    };
    for column in ["estimate", "std_error", "df", "statistic", "p_value", "conf_low", "conf_high"] {
        let (far, near) = (at(1_700_000_000_000_000).number(column), at(0).number(column));
        assert!((far - near).abs() <= 1e-12 * near.abs(), "{column}: {far} and {near}");
    }
}

#[test]
fn n49_and_n50_without_variance_there_is_a_difference_and_no_test() {
    for (rows, estimate) in [("arm,y\nA,2\nA,2\nB,2\nB,2\n", 0.0), ("arm,y\nA,2\nA,2\nB,3\nB,3\n", 1.0)] {
        for scale in [ABSOLUTE, RELATIVE] {
            let row = effect(rows, scale);
            assert_eq!(row.maybe("p_value"), None, "never 0");
            assert_eq!([row.maybe("conf_low"), row.maybe("conf_high"), row.maybe("log10_p")], [None; 3]);
            assert_eq!(row.text("status"), "no clear effect");
            assert_eq!(row.text("notes"), "The estimated variance is zero, so a test and an interval are undefined.");
        }
        assert_eq!(effect(rows, ABSOLUTE).number("estimate"), estimate);
    }
}

#[test]
fn n51_an_arm_of_no_one_or_two_units_has_a_named_rule() {
    let two = effect("arm,y\nA,2\nA,4\nB,3\nB,5\n", ABSOLUTE);
    assert_eq!((two.number("df"), two.text("notes")), (2.0, ""));
    let one = effect("arm,y\nA,2\nA,4\nB,3\n", ABSOLUTE);
    assert_eq!((one.number("estimate"), one.maybe("std_error"), one.maybe("p_value")), (0.0, None, None));
    assert_eq!(one.text("notes"), "Arm `B` has 1 unit; a standard error needs at least 2.");
    let none = effect("arm,y\nA,2\nA,4\nB,\nB,\n", ABSOLUTE);
    assert_eq!((none.number("n"), none.maybe("mean"), none.maybe("estimate")), (0.0, None, None));
    assert!(none.text("notes").ends_with("Arm `B` has no units with a value."), "{none:?}");
    let shop = shop();
    shop.write(ASSIGNMENT_ROWS, "user_id,arm,at\nu0,A,2026-03-01T10:00:00Z\nu2,A,2026-03-03T10:00:00Z\n");
    let answer = analysed(&shop);
    assert_eq!(answer.check("empty_arm"), ("fail".to_owned(), "Arm `B` has no units.".to_owned()));
    assert_eq!(answer.rows().effect("revenue", "B", ABSOLUTE).text("status"), "check data");
}

#[test]
fn n52_a_control_that_is_not_there_names_the_arms_with_their_counts() {
    let said = |rows: &str, control: &str| {
        let desk = Desk::with(&[("rows.csv", rows)]);
        refused(&desk, &["analyze", "rows.csv", "--arm", "arm", "--control", control, "--metric", "mean(y)"], 2)
    };
    assert_eq!(
        said("arm,y\nA,2\nA,4\nB,1\n", " A"),
        "column `arm` holds no arm ` A`; it holds `A` (2 rows), `B` (1 rows); name the arm compared against with `--control`"
    );
    assert_eq!(
        said("arm,y\nA,2\nA,4\n", "A"),
        "column `arm` holds one arm, `A` (2 rows); a comparison needs two: name another column with `--arm`"
    );
}

#[test]
fn n53_a_repeated_assignment_counts_once_and_multiplies_nothing() {
    let row = "u0,A,2026-03-01T10:00:00Z\n";
    let shop = shop();
    shop.edit(ASSIGNMENT_ROWS, row, &format!("{row}{row}u0,A,2026-03-03T10:00:00Z\n"));
    let of = |shop: &Desk, scale| {
        let row = analysed(shop).rows().effect("revenue", "B", scale);
        ["n", "n_baseline", "mean", "mean_baseline", "estimate", "std_error"].map(|column| row.number(column))
    };
    assert_eq!(of(&shop, ABSOLUTE), of(&super::shop(), ABSOLUTE));
}

#[test]
fn n54_users_of_two_arms_are_left_out_counted_and_told() {
    let row = "u0,A,2026-03-01T10:00:00Z\n";
    let shop = shop();
    shop.edit(ASSIGNMENT_ROWS, row, &format!("{row}u0,B,2026-03-01T11:00:00Z\n"));
    let answer = analysed(&shop);
    assert_eq!(answer.rows().effect("revenue", "B", ABSOLUTE).number("n_baseline"), 99.0);
    let (outcome, message) = answer.check("two_arm_units");
    assert_eq!((outcome.as_str(), message.as_str()), ("warn", "1 unit of 200 was seen in two arms and is left out."));
    // The sample ratio is of first arms, before anybody is left out.
    assert!(answer.check("sample_ratio").1.contains("`A` 100 of 100.0 expected"));
    let crossed: String =
        (0..4).map(|user| format!("u{user},{},2026-03-06T11:00:00Z\n", ["B", "A"][user % 2])).collect();
    shop.edit(ASSIGNMENT_ROWS, row, &format!("{row}{crossed}"));
    let answer = analysed(&shop);
    assert_eq!(answer.check("two_arm_units").0, "fail", "2 % of the users");
    assert_eq!(answer.rows().effect("revenue", "B", ABSOLUTE).text("status"), "check data");
}

#[test]
fn n55_windows_are_half_open_to_the_microsecond() {
    // One user of A: what counts of it decides the mean of A, 100 users.
    let sum = |delay: &str, window: &str, at: &str| {
        let shop = shop();
        shop.edit(REVENUE, "window = \"7d\"", &format!("delay = \"{delay}\"\nwindow = \"{window}\""));
        shop.write(EVENT_ROWS, format!("user_id,at,amount\nu0,{at},100\nu1,2026-03-02T10:30:00Z,1\n"));
        analysed(&shop).rows().effect("revenue", "B", ABSOLUTE).number("mean_baseline")
    };
    // Exposed on 2026-03-01 at 10:00:00.
    for (at, counted) in [
        ("2026-03-01T09:59:59.999999Z", 0.0),
        ("2026-03-01T10:00:00Z", 1.0),
        ("2026-03-01T10:00:00.000001Z", 1.0),
        ("2026-03-01T10:59:59.999999Z", 1.0),
        ("2026-03-01T11:00:00Z", 0.0),
    ] {
        assert_eq!(sum("0s", "1h", at), counted, "{at}");
    }
    for (at, counted) in [
        ("2026-03-01T10:29:59.999999Z", 0.0),
        ("2026-03-01T10:30:00Z", 1.0),
        ("2026-03-01T11:29:59.999999Z", 1.0),
        ("2026-03-01T11:30:00Z", 0.0),
    ] {
        assert_eq!(sum("30m", "1h", at), counted, "{at} after half an hour");
    }
}

#[test]
fn n55_a_lookback_ends_before_exposure() {
    let before = |at: &str| {
        let shop = edited(&[(REVENUE, "window", "lookback = \"1h\"\nwindow")]);
        let rows: String =
            (0..200).map(|user| format!("u{user},2026-03-0{}T10:30:00Z,{}\n", 1 + user % 5, user % 9)).collect();
        shop.write(EVENT_ROWS, format!("user_id,at,amount\nu0,{at},100\n{rows}"));
        let notes = analysed(&shop).rows().effect("revenue", "B", ABSOLUTE).text("notes").to_owned();
        !notes.contains("is constant in arm `A`")
    };
    for (at, counted) in [
        ("2026-03-01T08:59:59.999999Z", false),
        ("2026-03-01T09:00:00Z", true),
        ("2026-03-01T09:59:59.999999Z", true),
        ("2026-03-01T10:00:00Z", false),
    ] {
        // A covariate of A that is not constant would have a slope; that of B is, and is named instead.
        assert_eq!(before(at), counted, "{at}");
    }
}

#[test]
fn n56_offsets_units_and_turned_clocks_are_stated_or_refused() {
    // The same instant, written with another offset.
    let shop = edited(&[(EVENT_ROWS, PURCHASE, "u1,2026-03-02T12:30:00+02:00,7.5")]);
    let mean = |shop: &Desk| analysed(shop).rows().effect("revenue", "B", ABSOLUTE).number("mean");
    assert_eq!(mean(&shop), mean(&super::shop()));
    let said = |declared: &str, time: &str| {
        let shop = edited(&[(EVENTS, "timestamp = \"at\"", declared)]);
        shop.write(EVENT_ROWS, format!("user_id,at,amount\nu1,{time},3\n"));
        refused(&shop, &["analyze", "checkout"], 4)
    };
    assert_eq!(
        said("timestamp = \"at\"", "1772447400"),
        "sources/events.toml:1:8: clock `at` of source `events` holds integers, and the source does not say what they count; declare what it counts: `timestamp_unit = \"s\"`"
    );
    assert_eq!(
        said("timestamp = \"at\"\ntimestamp_unit = \"s\"", "1772447400000"),
        "data/events.csv:2:1: clock `at` of source `events` holds 1772447400000 at line 2: counted in s from 1970, that is the year 58136; declare what it counts: `timestamp_unit = \"ms\"`"
    );
    assert_eq!(
        said("timestamp = \"at\"\ntimezone = \"Europe/Berlin\"", "2026-03-29T02:30:00"),
        "data/events.csv:2:4: clock `at` of source `events` holds `2026-03-29T02:30:00` at line 2, which the clock in Europe/Berlin shows never or twice; write times with their offset, as in 2026-03-29T03:30:00+02:00"
    );
    assert_eq!(
        said("timestamp = \"at\"\ntimezone = \"Europe/Berlin\"", "2026-10-25T02:30:00"),
        "data/events.csv:2:4: clock `at` of source `events` holds `2026-10-25T02:30:00` at line 2, which the clock in Europe/Berlin shows never or twice; write times with their offset, as in 2026-03-29T03:30:00+02:00"
    );
}

#[test]
fn n57_late_rows_make_a_new_run_and_leave_the_old_one() {
    let shop = shop();
    let runs = |shop: &Desk| shop.run(&["runs", "list"]).text();
    analysed(&shop);
    let before = runs(&shop);
    let rows = std::fs::read_to_string(shop.file(EVENT_ROWS)).expect("rows");
    shop.write(EVENT_ROWS, format!("{rows}u1,2026-03-02T15:00:00Z,50\n"));
    analysed(&shop);
    let after = runs(&shop);
    assert_eq!(after.lines().count(), before.lines().count() + 1, "{before}\n{after}");
    assert!(
        before.lines().filter(|line| !line.is_empty()).all(|line| after.contains(line.trim())),
        "{before}\n{after}"
    );
}

#[test]
fn n58_more_arms_segments_or_columns_than_a_page_holds_are_refused() {
    let arms: String = (0..200_000).map(|arm| format!("A{arm},{arm}\n")).collect();
    assert_eq!(
        bare_refused(&format!("arm,y\n{arms}"), &["--metric", "mean(y)"]),
        "column `arm` has 66 values and 64 are the most; name the column of arms with `--arm`"
    );
    let segments: String = (0..20_000).map(|row| format!("{},{row},s{row}\n", ["A", "B"][row % 2])).collect();
    assert_eq!(
        bare_refused(&format!("arm,y,s\n{segments}"), &["--metric", "mean(y)", "--by", "s"]),
        "dimension `s` has 20000 values and 1000 are the most; group its values in the source"
    );
    let columns = |cell: &dyn Fn(usize) -> String| (0..100_000).map(cell).collect::<Vec<_>>().join(",");
    let (names, cells) = (columns(&|at| format!("c{at}")), columns(&|at| at.to_string()));
    assert_eq!(
        bare_refused(&format!("{names}\n{cells}\n"), &["--metric", "mean(c2)"]),
        "rows.csv: `rows.csv` has more than 10000 columns; 10000 are the most one source may have; export only the columns that are used, or write one row per value"
    );
}

/// A Parquet file of two columns whose bytes are then changed.
fn parquet(change: impl Fn(&mut Vec<u8>)) -> Answer {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};
    use parquet::arrow::ArrowWriter;

    let arms: ArrayRef = Arc::new(StringArray::from(vec!["A", "A", "B", "B"]));
    let values: ArrayRef = Arc::new(Float64Array::from(vec![1.0, 2.0, 3.0, 5.0]));
    let batch = RecordBatch::try_from_iter([("arm", arms), ("y", values)]).expect("equal columns");
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).expect("a writer");
    writer.write(&batch).and_then(|()| writer.close().map(|_| ())).expect("a file");
    change(&mut bytes);
    let desk = Desk::new();
    desk.write("rows.parquet", bytes);
    desk.analyze(&["rows.parquet", "--arm", "arm", "--control", "A", "--metric", "mean(y)"])
}

#[test]
fn n59_damaged_parquet_is_named() {
    assert_eq!(parquet(|_| {}).rows().effect("mean(y)", "B", ABSOLUTE).number("estimate"), 2.5);
    let said = |change: &dyn Fn(&mut Vec<u8>)| {
        let answer = parquet(change);
        assert_eq!(answer.code, Some(4), "{}", answer.talk);
        answer.talk.trim_end().to_owned()
    };
    assert_eq!(
        said(&|bytes| bytes.truncate(bytes.len() / 2)),
        "rows.parquet: `rows.parquet` is damaged: its end is missing; copy or write the file again"
    );
    assert_eq!(
        said(&|bytes| *bytes = b"PK\x03\x04 is the beginning of an archive".to_vec()),
        "rows.parquet: `rows.parquet` is not Parquet: it lacks the mark PAR1; declare the format that it has: `format = \"csv\"` or \"ndjson\""
    );
    assert_eq!(
        said(&|bytes| bytes.clear()),
        "rows.parquet: `rows.parquet` is empty: 0 bytes; write the file again; a table without rows still has a footer"
    );
    let end = |bytes: &mut Vec<u8>, with: &[u8]| {
        let at = bytes.len() - 8;
        bytes[at..at + with.len()].copy_from_slice(with);
    };
    assert_eq!(
        said(&|bytes| end(bytes, &0x7FFF_FFFF_u32.to_le_bytes())),
        "rows.parquet: `rows.parquet` is damaged: its footer is longer than the file; copy or write the file again"
    );
    assert_eq!(
        said(&|bytes| end(bytes, b"\x10\0\0\0PARE")),
        "rows.parquet: `rows.parquet` is encrypted; write it without encryption"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn n60_a_small_file_that_unfolds_is_measured_in_little_memory() {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, DictionaryArray, Int32Array, RecordBatch, StringArray};
    use arrow::datatypes::Int32Type;
    use parquet::arrow::ArrowWriter;
    use parquet::basic::Compression;
    use parquet::file::properties::WriterProperties;

    // One text of a megabyte, a thousand times, in a file of a few kilobytes.
    let text: ArrayRef = Arc::new(StringArray::from(vec!["x".repeat(1 << 20)]));
    let keys = Int32Array::from(vec![0; 1_000]);
    let long: ArrayRef = Arc::new(DictionaryArray::<Int32Type>::try_new(keys, text).expect("a dictionary"));
    let arms: ArrayRef = Arc::new(StringArray::from_iter_values((0..1_000).map(|row| ["A", "B"][row % 2])));
    let batch = RecordBatch::try_from_iter([("arm", arms), ("long", long)]).expect("equal columns");
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let desk = Desk::new();
    let file = std::fs::File::create(desk.file("long.parquet")).expect("a file");
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).expect("a writer");
    writer.write(&batch).and_then(|()| writer.close().map(|_| ())).expect("a file");
    let mut command = desk.command();
    command.args(["analyze", "long.parquet", "--arm", "arm", "--control", "A", "--memory-limit", "64MB"]);
    command.args(["--metric", "mean(length(long))", "--format", "json"]).stdout(Stdio::piped());
    let mut child = command.spawn().expect("the command starts");
    let mut peak = 0;
    while child.try_wait().expect("a child").is_none() {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        peak = peak.max(kilobytes.unwrap_or(0));
        std::thread::sleep(Duration::from_millis(2));
    }
    let output = child.wait_with_output().expect("an end");
    assert_eq!(output.status.code(), Some(0));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("an answer");
    assert_eq!(document["estimates"][0]["mean"], 1_048_576.0);
    assert!((1..500_000).contains(&peak), "a gigabyte of text was unfolded into {peak} kB");
}

#[test]
fn n61_a_file_that_changes_while_it_is_read_fails_the_run() {
    // Rows enough that they are being read when the file grows.
    let rows: String = (0..400_000).map(|row| format!("{},{row}\n", ["A", "B"][row % 2])).collect();
    let desk = Desk::with(&[("rows.csv", &format!("arm,y\n{rows}"))]);
    let words = ["analyze", "rows.csv", "--arm", "arm", "--control", "A", "--metric", "mean(y)", "--format", "json"];
    let mut told = None;
    for _ in 0..20 {
        let mut running = desk.command();
        running.args(words).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = running.spawn().expect("the command starts");
        while child.try_wait().expect("a child").is_none() {
            use std::io::Write as _;
            let file = std::fs::OpenOptions::new().append(true).open(desk.file("rows.csv"));
            file.and_then(|mut file| file.write_all(b"A,1\n")).expect("a row more");
            std::thread::sleep(Duration::from_millis(20));
        }
        let output = child.wait_with_output().expect("an end");
        if output.status.code() == Some(4) {
            told = Some(String::from_utf8_lossy(&output.stderr).into_owned());
            break;
        }
    }
    let told = told.expect("a file that changed is not read as if it had not");
    assert!(told.contains("rows.csv") && told.contains("changed"), "{told}");
}

#[test]
fn n63_a_glob_that_meets_no_file_or_too_many_says_so() {
    let shop = edited(&[(EVENTS, "data/events.csv", "data/many/*.csv")]);
    assert_eq!(
        refused(&shop, &["analyze", "checkout"], 4),
        "sources/events.toml:1:8: no file at `data/many/*.csv`; correct the path; `data` is the deepest folder of it that exists"
    );
    for file in 0..10_001 {
        shop.write(format!("data/many/{file}.csv"), "");
    }
    assert_eq!(
        refused(&shop, &["analyze", "checkout"], 4),
        "sources/events.toml:1:8: more than 10000 files: the most one source may have; name fewer files by a narrower glob, or write them into larger ones"
    );
}
