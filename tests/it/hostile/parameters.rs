//! Parameters, and what SQL can name: 15, 16, 27 to 32 and 35.

use super::{EVENTS, Edit, REVENUE, analysed, edited, faults, refused, shop};
use crate::command::{ABSOLUTE, Desk};

/// The shop with a filter by a parameter of a type.
fn asking(filter: &str, kind: &str) -> Desk {
    let shop = shop();
    let declared = format!("filter = \"{filter}\"\nparameters.x.type = \"{kind}\"\nwindow");
    shop.edit(REVENUE, "window", &declared);
    shop
}

fn with_value(shop: &Desk, value: &str) -> String {
    refused(shop, &["analyze", "checkout", "-p", &format!("x={value}")], 2)
}

#[test]
fn n15_parameters_never_stand_for_names() {
    assert_eq!(
        faults(&edited(&[(REVENUE, "\"events\"", "\"$x\"")])),
        [
            "metrics/revenue.toml:2:10: source: `$x` is no name: it holds `$` (U+0024); a name starts with a letter and holds only a–z, A–Z, 0–9, `_` and `-`, at most 64 of them",
            "metrics/revenue.toml:2:10: source: no source `$x`; sources: assignments, events"
        ]
    );
    let shop = shop();
    shop.write("sources/any.toml", "sql = \"SELECT * FROM $x\"\nparameters.x.type = \"text\"\n");
    assert_eq!(
        faults(&shop),
        ["sources/any.toml:1:22: sql: expected: identifier, found: $x; mend the text where it is marked"]
    );
}

#[test]
fn n16_values_of_the_wrong_type_are_named() {
    let number = asking("amount > $x", "float");
    for (value, line) in [
        ("abc", "-p x: `abc` is no float; give a value of type float: -p x=…"),
        ("", "-p x: `` is no float; give a value of type float: -p x=…"),
        ("NULL", "-p x: `NULL` is no float; give a value of type float: -p x=…"),
        ("1,5", "-p x: `1,5` is no float; give a value of type float: -p x=…"),
    ] {
        assert_eq!(with_value(&number, value), line);
    }
    assert_eq!(
        refused(&number, &["analyze", "checkout"], 2),
        "-p x: parameter `x` has no value; give one of type float: -p x=…"
    );
    let list = asking("user_id IN ($x)", "text[]");
    assert_eq!(
        with_value(&list, ""),
        "-p x: the list is empty; give at least one value; give a value of type text[]: -p x=…"
    );
    assert_eq!(
        with_value(&list, &vec!["u"; 20_000].join(",")),
        "-p x: the list has 20000 values, more than 10000; give a value of type text[]: -p x=…"
    );
    let some = list.analyze(&["checkout", "-p", "x=u1,u2,u3"]).rows().effect("revenue", "B", ABSOLUTE);
    assert_eq!(some.number("n"), 100.0, "a user without a purchase that counts stays");
}

#[test]
fn n27_values_that_look_like_sql_are_values() {
    let all = analysed(&shop()).rows().effect("revenue", "B", ABSOLUTE).number("mean");
    let shop = asking("user_id <> $x", "text");
    for value in ["' OR 1=1 --", "\"; DROP TABLE events", "$1", "?", "U&'\\0041'", "{{x}}", "%", "u1\0"] {
        let answer = shop.analyze(&["checkout", "-p", &format!("x={}", value.replace('\0', "\\0"))]);
        assert_eq!(answer.rows().effect("revenue", "B", ABSOLUTE).number("mean"), all, "{value}");
    }
}

#[test]
fn n28_identifiers_of_the_data_are_quoted() {
    let desk = Desk::with(&[("odd.csv", "\"a\"\"rm\",\"am;ount --\"\nA,1\nA,2\nB,2\nB,4\n")]);
    let metric = "sum(\"am;ount --\")";
    let answer = desk.analyze(&["odd.csv", "--arm", "a\"rm", "--control", "A", "--metric", metric]);
    assert_eq!(answer.rows().effect(metric, "B", ABSOLUTE).number("estimate"), 1.5);
    let shop = edited(&[("data/events.csv", "user_id,at,amount", "user_id,at,\"amo\"\"unt; DROP\"")]);
    assert_eq!(
        refused(&shop, &["analyze", "checkout"], 4),
        "sources/events.toml:8:10: columns.amount: no column `amount` in source `events`; did you mean `amo\"unt; DROP`?"
    );
}

#[test]
fn n29_numbers_without_bounds_are_refused_by_name() {
    let shop = asking("amount > $x", "float");
    for value in ["NaN", "inf", "-inf", "1e309"] {
        let line = format!("-p x: `{value}` is not a finite number; give a value of type float: -p x=…");
        assert_eq!(with_value(&shop, value), line);
    }
    let zero = |value: &str| shop.analyze(&["checkout", "-p", value]).rows().effect("revenue", "B", ABSOLUTE);
    assert_eq!(zero("x=-0").number("mean"), zero("x=0").number("mean"));
}

#[test]
fn n30_dates_exist_and_times_have_a_zone() {
    let shop = asking("at > $x", "timestamp");
    for (value, line) in [
        ("2026-02-30", "-p x: there is no day 2026-02-30; give a value of type timestamp: -p x=…"),
        ("9999999-01-01", "-p x: `9999999-01-01` is not a date or a time; give a value of type timestamp: -p x=…"),
        (
            "2026-03-02T25:00:00Z",
            "-p x: `2026-03-02T25:00:00Z` is not a date or a time; give a value of type timestamp: -p x=…",
        ),
    ] {
        assert_eq!(with_value(&shop, value), line);
    }
    let talk = refused(&shop, &["analyze", "checkout", "--as-of", "2026-02-30"], 2);
    assert_eq!(
        talk.lines().next(),
        Some(
            "error: invalid value '2026-02-30' for '--as-of <TIME>': write an instant with its offset, such as 2026-03-15T00:00:00Z, or a day"
        )
    );
    // The project's zone, UTC unless it names another, is that of a time without one.
    let mean =
        |value: &str| shop.analyze(&["checkout", "-p", value]).rows().effect("revenue", "B", ABSOLUTE).number("mean");
    assert_eq!(mean("x=2026-03-02T10:31:00"), mean("x=2026-03-02T10:31:00Z"));
    assert_ne!(mean("x=2026-03-02T10:31:00+05:00"), mean("x=2026-03-02T10:31:00Z"));
}

#[test]
fn n31_limits_out_of_range_are_refused_by_flag() {
    let shop = shop();
    for (flag, value, line) in [
        ("--threads", "-1", "error: invalid value '-1' for '--threads <N>': -1 is not in 1..=1024"),
        ("--threads", "1e18", "error: invalid value '1e18' for '--threads <N>': invalid digit found in string"),
        (
            "--memory-limit",
            "-1",
            "error: invalid value '-1' for '--memory-limit <BYTES>': write a number and B, KB, MB, GB, KiB, MiB or GiB, such as 2GB",
        ),
        (
            "--memory-limit",
            "1",
            "error: invalid value '1' for '--memory-limit <BYTES>': the engine needs at least 16MB",
        ),
        (
            "--timeout",
            "-1",
            "error: invalid value '-1' for '--timeout <TIME>': write a whole number and s, m or h, such as 10m",
        ),
        (
            "--timeout",
            "0s",
            "error: invalid value '0s' for '--timeout <TIME>': write a whole number above zero and s, m or h, such as 10m",
        ),
    ] {
        let talk = refused(&shop, &["analyze", "checkout", flag, value], 2);
        assert_eq!(talk.lines().next(), Some(line));
    }
}

#[test]
fn n32_values_of_more_than_a_mebibyte_are_refused() {
    // A command line holds less than that in one word, so the longest is taken and counts as a value.
    let shop = asking("user_id <> $x", "text");
    let answer = shop.analyze(&["checkout", "-p", &format!("x={}", "y".repeat(100_000))]);
    assert_eq!(answer.code, Some(0), "{}", answer.talk);
    let declared: &[Edit] = &[(REVENUE, "window", "parameters.x = { type = \"text\", default = \"LONG\" }\nwindow")];
    let shop = edited(declared);
    shop.edit(REVENUE, "LONG", &"y".repeat((1 << 20) + 1));
    assert_eq!(
        faults(&shop),
        ["metrics/revenue.toml: the file has 1048577 bytes; a definition has at most 1 MiB; put data in a source"]
    );
}

#[test]
fn n35_catalogues_and_functions_that_read_are_denied() {
    for (from, line) in [
        (
            "information_schema.tables",
            "sources/any.toml:1:22: sql: `information_schema.tables` is no source of the project; a source is named by one word",
        ),
        (
            "pg_catalog.pg_class",
            "sources/any.toml:1:22: sql: `pg_catalog.pg_class` is no source of the project; a source is named by one word",
        ),
        (
            "read_csv('/etc/passwd')",
            "sources/any.toml:1:22: sql: a table function is not allowed in a source; read from the project's sources",
        ),
        ("'/etc/passwd'", "sources/any.toml:1:8: sql: no source `/etc/passwd`; sources: any, assignments, events"),
    ] {
        let shop = shop();
        shop.write("sources/any.toml", format!("sql = \"SELECT * FROM {from}\"\n"));
        assert_eq!(faults(&shop), [line]);
    }
    let shop = edited(&[(EVENTS, "data/events.csv", "https://example.org/events.csv")]);
    assert_eq!(
        faults(&shop)[0],
        "sources/events.toml:1:8: path: `https://example.org/events.csv` is an address, not a path; copy the files, or mount the store, and give a path"
    );
}
