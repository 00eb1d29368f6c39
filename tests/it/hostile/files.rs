//! Metric files and SQL of sources: 1 to 26, without what values of parameters can do.

use super::{ASSIGNMENT_ROWS, EXPERIMENT, Edit, REVENUE, analysed, edited, faults, refused, shop};
use crate::command::{ABSOLUTE, Desk, RELATIVE};

/// Number, edits, and what `check` says.
const FAULTS: &[(&str, &[Edit], &[&str])] = &[
    (
        "1",
        &[(REVENUE, "\"mean\"", "mean")],
        &[
            "metrics/revenue.toml:1:8: string values must be quoted, expected literal string; see https://toml.io for how TOML is written; text stands in quotes",
        ],
    ),
    (
        "2",
        &[(REVENUE, "window", "widnow")],
        &["metrics/revenue.toml:5:1: widnow: unknown key `widnow`; did you mean `window`?"],
    ),
    (
        "3",
        &[(REVENUE, "kind = \"mean\"", "kind = \"mean\"\nkind = \"ratio\"")],
        &[
            "metrics/revenue.toml:2:1: kind: the key `kind` is given twice (first given here: metrics/revenue.toml:1:1); keep one of the two",
        ],
    ),
    (
        "8, column",
        &[(REVENUE, "sum(amount)", "sum(amuont)")],
        &["metrics/revenue.toml:3:14: value: no column `amuont` in source `events`; did you mean `amount`?"],
    ),
    (
        "8, table",
        &[(REVENUE, "\"events\"", "\"evnets\"")],
        &["metrics/revenue.toml:2:10: source: no source `evnets`; did you mean `events`?"],
    ),
    (
        "14, undeclared",
        &[(REVENUE, "sum(amount)", "sum(amount + $x)")],
        &["metrics/revenue.toml:3:23: value: parameter `$x` is not declared; add [parameters.x] with a `type`"],
    ),
    (
        "18, repeat",
        &[(REVENUE, "window", "filter = \"repeat('x', 2000000000) = 'x'\"\nwindow")],
        &[
            "metrics/revenue.toml:5:11: filter: `repeat` is not allowed: its answer can be larger than memory; use the metric's window and filter, or a parameter",
        ],
    ),
    (
        "18, pattern",
        &[(REVENUE, "window", "filter = \"user_id ~ '(a+)+$'\"\nwindow")],
        &[
            "metrics/revenue.toml:5:11: filter: the operator `~` is not allowed; an expression is one scalar formula over the source's columns",
        ],
    ),
    (
        "19, now",
        &[(REVENUE, "window", "filter = \"at > now()\"\nwindow")],
        &[
            "metrics/revenue.toml:5:16: filter: `now` is not allowed: its answer changes with the time of the run; use the metric's window and filter, or a parameter",
        ],
    ),
    (
        "19, random",
        &[(REVENUE, "window", "filter = \"random() < 0.5\"\nwindow")],
        &[
            "metrics/revenue.toml:5:11: filter: `random` is not allowed: its answer changes with every run; use the metric's window and filter, or a parameter",
        ],
    ),
    (
        "21, percentile",
        &[(REVENUE, "window", "cap = { percentile = 1.5 }\nwindow")],
        &["metrics/revenue.toml:5:22: cap.percentile: 1.5 is out of range; give a number above 0 and below 1"],
    ),
    (
        "21, bounds",
        &[(REVENUE, "window", "cap = { percentile = 0.01, lower_percentile = 0.99 }\nwindow")],
        &["metrics/revenue.toml:5:7: cap: the lower bound of the cap is not below the upper; swap the two bounds"],
    ),
    (
        "21, window",
        &[(REVENUE, "\"7d\"", "\"-7d\"")],
        &[
            "metrics/revenue.toml:5:10: window: a duration is not negative; write a number and one of w, d, h, m, s, ms: \"14d\"",
        ],
    ),
    (
        "25",
        &[(REVENUE, "window", "filter = \"amount > {{ least }}\"\nwindow")],
        &["metrics/revenue.toml:5:20: filter: expected: an expression, found: {; mend the text where it is marked"],
    ),
];

#[test]
fn faults_of_metric_files_name_their_place_and_mend() {
    for (number, edits, lines) in FAULTS {
        assert_eq!(faults(&edited(edits)), *lines, "{number}");
    }
}

/// Number, SQL of a source `joined`, and what `check` says of it.
const STATEMENTS: &[(&str, &str, &str)] = &[
    (
        "11, cross join",
        "SELECT e.user_id FROM events e CROSS JOIN assignments a",
        "sources/joined.toml:1:50: sql: the join has no key, so every row would meet every row; join with ON left.column = right.column, or USING (column)",
    ),
    (
        "11, comma",
        "SELECT e.user_id FROM events e, assignments a",
        "sources/joined.toml:1:40: sql: the join has no key, so every row would meet every row; join with ON left.column = right.column, or USING (column)",
    ),
    (
        "12, copy",
        "COPY events TO 'out.csv'",
        "sources/joined.toml:1:8: sql: a source is one SELECT, and this starts with `COPY`; start with SELECT or WITH",
    ),
    (
        "12, set",
        "SET datafusion.execution.batch_size = 1",
        "sources/joined.toml:1:8: sql: a source is one SELECT, and this starts with `SET`; start with SELECT or WITH",
    ),
    (
        "12, insert",
        "INSERT INTO events SELECT * FROM events",
        "sources/joined.toml:1:8: sql: a source is one SELECT, and this starts with `INSERT`; start with SELECT or WITH",
    ),
    (
        "12, two",
        "SELECT * FROM events; DROP TABLE events",
        "sources/joined.toml:1:28: sql: more than one statement; keep one SELECT",
    ),
    (
        "13",
        "SELECT * FROM events --",
        "sources/joined.toml:1:29: sql: a comment stands in the text; write comments outside, after a `#` of the file",
    ),
    (
        "18, series",
        "SELECT * FROM generate_series(1, 1000000000000)",
        "sources/joined.toml:1:22: sql: a table function is not allowed in a source; read from the project's sources",
    ),
];

#[test]
fn statements_that_are_not_one_select_are_refused() {
    for (number, sql, line) in STATEMENTS {
        let shop = shop();
        shop.write("sources/joined.toml", format!("sql = \"{sql}\"\n"));
        assert_eq!(faults(&shop), [*line], "{number}");
    }
    assert!(!shop().file("out.csv").exists(), "12: nothing is written");
}

const JOINED: &str = r#"sql = "SELECT e.user_id, e.amount, e.at FROM events e JOIN assignments a ON a.user_id = e.user_id"
timestamp = "at"

[keys]
user_id = "text"
"#;

#[test]
fn n4_one_name_in_two_files_names_both() {
    let shop = shop();
    let text = std::fs::read_to_string(shop.file(REVENUE)).expect("a metric");
    shop.write("metrics/sales.toml", format!("name = \"revenue\"\n{text}"));
    assert_eq!(
        faults(&shop),
        [
            "metrics/sales.toml:1:8: name: metric `revenue` is given by 2 files (also here: metrics/revenue.toml); give each its own name; none of them is used"
        ]
    );
}

#[test]
fn n5_names_that_look_alike_are_warned_of() {
    let shop = shop();
    let text = std::fs::read_to_string(shop.file(REVENUE)).expect("a metric");
    shop.write("metrics/Revenue.toml", text);
    let checked = shop.run(&["check", "--format", "lines"]);
    assert_eq!(checked.code, Some(0), "a warning stops nothing: {}", checked.talk);
    assert_eq!(
        checked.text(),
        "metrics/revenue.toml: name: metrics `Revenue` and `revenue` look alike (the other: metrics/Revenue.toml); rename one of them\n"
    );
}

#[test]
fn n6_a_cycle_names_its_path() {
    let shop = shop();
    for (name, other) in [("a", "b"), ("b", "a")] {
        shop.write(
            format!("metrics/{name}.toml"),
            format!(
                "kind = \"ratio\"\ndirection = \"higher\"\nnumerator = \"{other}\"\ndenominator = {{ source = \"events\", value = \"count(*)\" }}\n"
            ),
        );
    }
    assert_eq!(
        faults(&shop),
        ["metrics/b.toml:3:13: numerator: metrics build on one another: a → b → a; write one of the parts as a table"]
    );
}

#[test]
fn n7_a_chain_of_two_thousand_sources_is_cut_at_sixty_four() {
    let shop = shop();
    shop.write("sources/s0.toml", "path = \"data/events.csv\"\n");
    for link in 1..2_000 {
        shop.write(format!("sources/s{link}.toml"), format!("sql = \"SELECT * FROM s{}\"\n", link - 1));
    }
    assert_eq!(
        faults(&shop),
        [
            "sources/s64.toml:1:22: sql: `s64` ends a chain of 65 sources, more than 64; write out a middle step to a file"
        ]
    );
}

#[test]
fn n9_an_ambiguous_column_names_both_tables() {
    let shop = edited(&[(REVENUE, "\"events\"", "\"joined\"")]);
    shop.write("sources/joined.toml", JOINED.replace("SELECT e.user_id", "SELECT user_id"));
    assert_eq!(
        refused(&shop, &["analyze", "checkout"], 2),
        "sources/joined.toml:1:7: sql: column `user_id` is ambiguous: `assignments` and `events` have it; say which is meant, as in `assignments.user_id`"
    );
    shop.write("sources/joined.toml", JOINED.replace("e.amount", "e.amuont"));
    assert_eq!(
        refused(&shop, &["analyze", "checkout"], 2),
        "sources/joined.toml:1:7: sql: no column `amuont` in what the statement reads; did you mean `amount`?"
    );
}

#[test]
fn n10_a_join_that_would_repeat_rows_is_refused_with_the_key() {
    let shop = edited(&[(REVENUE, "\"events\"", "\"joined\"")]);
    shop.write("sources/joined.toml", JOINED);
    let joined = analysed(&shop).rows().effect("revenue", "B", ABSOLUTE).number("mean");
    assert_eq!(joined, analysed(&super::shop()).rows().effect("revenue", "B", ABSOLUTE).number("mean"));
    shop.edit(ASSIGNMENT_ROWS, "u7,B,2026-03-03T10:00:00Z\n", "u7,B,2026-03-03T10:00:00Z\nu7,B,2026-03-04T10:00:00Z\n");
    assert_eq!(
        refused(&shop, &["analyze", "checkout"], 4),
        "sources/joined.toml:1:7: sql: the join would repeat rows: `assignments` has 2 rows where `user_id` is `u7`, and 1 is allowed; give `assignments` one row per `user_id`, or read from it and join the other to it"
    );
}

#[test]
fn n14_a_parameter_that_nothing_uses_is_warned_of() {
    let shop = edited(&[(REVENUE, "window", "parameters.x.type = \"float\"\nwindow")]);
    let checked = shop.run(&["check", "--format", "lines"]);
    assert_eq!(checked.code, Some(0), "a warning stops nothing: {}", checked.talk);
    assert_eq!(
        checked.text(),
        "metrics/revenue.toml:5:12: parameters.x: parameter `x` is used by nothing; write `$x` where its value belongs, or drop it\n"
    );
}

#[test]
fn n17_long_chains_are_refused_and_the_process_lives() {
    let or = vec!["amount = 1"; 3_000].join(" OR ");
    let shop = shop();
    shop.edit(REVENUE, "window", &format!("filter = \"{or}\"\nwindow"));
    assert_eq!(
        faults(&shop),
        [
            "metrics/revenue.toml:5:11: filter: the text has 11999 words, more than 4000; write `x IN (…)` for a chain of OR; give long lists as a parameter: `x IN ($list)`"
        ]
    );
    let plus = vec!["1"; 30_000].join("+");
    let shop = super::shop();
    shop.edit(REVENUE, "sum(amount)", &format!("sum({plus})"));
    assert_eq!(
        faults(&shop),
        [
            "metrics/revenue.toml:3:10: value: the text has 60002 words, more than 4000; write `x IN (…)` for a chain of OR; give long lists as a parameter: `x IN ($list)`"
        ]
    );
    let shop = super::shop();
    let unions = vec!["SELECT * FROM events"; 4_000].join(" UNION ALL ");
    shop.write("sources/many.toml", format!("sql = \"{unions}\"\n"));
    assert_eq!(faults(&shop), ["sources/many.toml:1:8: sql: the text has 123989 bytes; write at most 65536 bytes"]);
}

const RATIO: &str = r#"kind = "ratio"
direction = "higher"
window = "7d"
numerator = { source = "events", value = "sum(amount)" }
denominator = { source = "events", value = "count(*)", filter = "FILTER" }
"#;

#[test]
fn n20_a_ratio_of_nothing_is_undefined_and_one_of_some_users_is_of_all() {
    let shop = edited(&[(EXPERIMENT, "\"revenue\"", "\"ratio\"")]);
    shop.write("metrics/ratio.toml", RATIO.replace("FILTER", "amount < 0"));
    let row = analysed(&shop).rows().effect("ratio", "B", ABSOLUTE);
    assert_eq!([row.maybe("estimate"), row.maybe("p_value"), row.maybe("conf_low")], [None; 3]);
    assert!(row.text("notes").contains("The denominator sums to zero in arm `A`, so there is no ratio."), "{row:?}");
    // Users without a purchase under 10 add nothing below and what they spent above: none is left out.
    shop.write("metrics/ratio.toml", RATIO.replace("FILTER", "amount < 10"));
    let row = analysed(&shop).rows().effect("ratio", "B", ABSOLUTE);
    let (mut above, mut below) = (0.0, 0.0);
    for user in (1..200).step_by(2) {
        for purchase in 0..3 {
            let amount = f64::from((user * 7 + purchase * 13) % 50) + 0.5;
            above += amount;
            below += f64::from(u8::from(amount < 10.0));
        }
    }
    assert_eq!(row.number("n"), 100.0);
    assert!((row.number("mean") - above / below).abs() < 1e-9, "{row:?}");
    // With one arm only there is a ratio on one side, and no effect.
    shop.write("metrics/ratio.toml", RATIO.replace("FILTER", "amount = 0.5"));
    let rows = analysed(&shop).rows();
    assert!(rows.effect("ratio", "B", RELATIVE).maybe("p_value").is_none_or(|p| p > 0.0));
}

#[test]
fn n22_encodings_are_named() {
    let text = std::fs::read_to_string(shop().file(REVENUE)).expect("a metric");
    let with = |bytes: &[u8]| {
        let shop = shop();
        shop.write(REVENUE, bytes);
        shop
    };
    analysed(&with(&[b"\xEF\xBB\xBF", text.as_bytes()].concat()));
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let latin: Vec<u8> = [text.as_bytes(), b"label = \"Ums\xE4tze\"\n"].concat();
    for (bytes, line) in [
        (
            [b"\xFF\xFE", utf16.as_slice()].concat(),
            "metrics/revenue.toml: the file is UTF-16, not UTF-8; save the file as UTF-8: iconv -f UTF-16 -t UTF-8",
        ),
        (
            latin,
            "metrics/revenue.toml:6:13: the file is not UTF-8: byte 0xE4; save the file as UTF-8; from Latin-1: iconv -f LATIN1 -t UTF-8",
        ),
        (
            text.replace('\n', "\r").into_bytes(),
            "metrics/revenue.toml:1:14: a carriage return stands without a line feed; end lines with a line feed (\\n) or \\r\\n",
        ),
        (
            text.replace("mean", "me\0an").into_bytes(),
            "metrics/revenue.toml:1:11: the file holds a NUL character; delete the character",
        ),
    ] {
        assert_eq!(faults(&with(&bytes)), [line]);
    }
}

#[test]
fn n23_large_and_deep_files_are_refused() {
    let said = |text: String| {
        let shop = shop();
        shop.write(REVENUE, text);
        faults(&shop)
    };
    let large =
        "metrics/revenue.toml: the file has 1048577 bytes; a definition has at most 1 MiB; put data in a source";
    assert_eq!(said("# x\n".repeat(2_500_000)), [large]);
    let deep = said(format!("label = {}", "[".repeat(60_000)));
    assert!(
        deep[0].starts_with("metrics/revenue.toml:1:89: cannot recurse further; max recursion depth met;"),
        "{deep:?}"
    );
}

#[cfg(unix)]
#[test]
fn n24_links_loops_pipes_and_folders_are_named() {
    use std::os::unix::fs::symlink;
    let (shop, outside) = (shop(), tempfile::tempdir().expect("a folder"));
    std::fs::write(outside.path().join("far.toml"), "kind = \"mean\"\n").expect("a file");
    symlink(outside.path().join("far.toml"), shop.file("metrics/far.toml")).expect("a link");
    symlink("loop.toml", shop.file("metrics/loop.toml")).expect("a link");
    std::fs::create_dir(shop.file("metrics/x.toml")).expect("a folder");
    let made = std::process::Command::new("mkfifo").arg(shop.file("metrics/pipe.toml")).status();
    assert!(made.is_ok_and(|status| status.success()), "mkfifo makes a pipe");
    assert_eq!(
        faults(&shop),
        [
            "metrics/far.toml: the link `metrics/far.toml` leads out of the project; copy the file into the project",
            "metrics/loop.toml: the link `metrics/loop.toml` leads nowhere: Too many levels of symbolic links (os error 40); mend the link, or put the file itself here",
            "metrics/pipe.toml: `metrics/pipe.toml` is a pipe or a device, not a file; rename it, or put a file in its place",
            "metrics/x.toml: `metrics/x.toml` is a folder, not a file; rename it, or put a file in its place"
        ]
    );
}

#[test]
fn n26_what_was_read_is_in_the_run_by_its_hash() {
    let defined_by = |shop: &Desk| {
        analysed(shop);
        let listed = shop.run(&["runs", "list"]).text();
        let run = listed.lines().nth(1).and_then(|line| line.split(' ').next()).expect("a run").to_owned();
        let shown = shop.run(&["runs", "show", &run]).text();
        let hash = shown.lines().find(|line| line.trim_start().starts_with(REVENUE)).expect("its metric").to_owned();
        (run, hash)
    };
    let (usual, other) = (defined_by(&shop()), defined_by(&edited(&[(REVENUE, "\"7d\"", "\"6d\"")])));
    assert!(usual.0 != other.0 && usual.1 != other.1, "another text is another hash, and another run");
    assert_eq!(usual, defined_by(&shop()));
}
