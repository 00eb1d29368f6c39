//! Bad inputs, each through the command: exit code, place, field and mend of what it says.
//!
//! The numbers are those of the project's catalogue of bad inputs. Each has a row in a table or a test of its own here,
//! named by its number; the last column names tests of the same below the command.
//!
//! | number | bad input | here | below the command |
//! | --- | --- | --- | --- |
//! | 1–9 | syntax, unknown and repeated keys and names, look-alikes, cycles, chains, columns | [`files`] | `metrics`: `fault`, `hostile` |
//! | 10, 11 | joins that multiply rows | [`files`] | `metrics`: `fault` |
//! | 12–19 | other statements, comments, placeholders, sizes, functions, clocks and dice | [`files`], [`parameters`] | `metrics`: `fault`, `hostile` |
//! | 20 | a ratio with a denominator of zero | [`files`] | `stats`: `estimator_properties` |
//! | 21–25 | numbers out of range, encodings, sizes, links, templates | [`files`] | `metrics`: `fault`, `hostile`, `mutation` |
//! | 26 | a definition that changes while it is read | [`files`] | `metrics`: `hostile` |
//! | 27–32 | quotes, identifiers, numbers, dates, limits, long values | [`parameters`] | `metrics`: `hostile` |
//! | 35 | catalogues and functions of the engine | [`parameters`] | `metrics`: `fault` |
//! | 36–46 | empty, ragged, unclosed, quoted, repeated; ids, blanks, words among numbers | [`data`] | `metrics`: `input_csv`, `input_ndjson` |
//! | 47, 48 | sums past 2⁶³, offsets of 10¹⁵ | [`data`] | `stats`: `suffstat_exact`, `nist` |
//! | 49–52 | no variance, few units, arms missing or misspelt | [`data`] | `stats`: `conformance`, `checks` |
//! | 53–57 | repeated assignments, two arms, boundaries, zones, late rows | [`data`] | `metrics`: `input_csv` |
//! | 58–61, 63 | too many arms, segments, columns; damaged, unfolding and changing files; globs | [`data`] | `metrics`: `input_parquet`, `input_files` |
//! | 64–69, 71–73 | dates, weights, levels, metrics, seeds, controls, covariates, small segments | [`experiments`] | `metrics`: `fault` |
//! | 75–81 | usage, paths, outputs, pipes, interrupts, surroundings, secrets | [`cli`] | `cli` |

mod cli;
mod data;
mod experiments;
mod files;
mod parameters;

use std::fmt::Write;

use crate::command::{Answer, Desk};

/// A replacement in a file of the shop: file, from, to.
type Edit = (&'static str, &'static str, &'static str);

const REVENUE: &str = "metrics/revenue.toml";
const EVENTS: &str = "sources/events.toml";
const EXPERIMENT: &str = "experiments/checkout.toml";
const EVENT_ROWS: &str = "data/events.csv";
const ASSIGNMENT_ROWS: &str = "data/assignments.csv";

/// A project without a fault: 200 users in two arms, three purchases each, one metric.
fn shop() -> Desk {
    let mut assignments = String::from("user_id,arm,at\n");
    let mut events = String::from("user_id,at,amount\n");
    for user in 0..200 {
        let (arm, day) = (["A", "B"][user % 2], 1 + user % 5);
        writeln!(assignments, "u{user},{arm},2026-03-0{day}T10:00:00Z").expect("text");
        for purchase in 0..3 {
            let amount = (user * 7 + purchase * 13) % 50;
            writeln!(events, "u{user},2026-03-0{day}T1{purchase}:30:00Z,{amount}.5").expect("text");
        }
    }
    Desk::with(&[
        ("estimand.toml", "name = \"Shop\"\n\n[defaults]\ntimezone = \"UTC\"\n"),
        (
            "sources/assignments.toml",
            "path = \"data/assignments.csv\"\ntimestamp = \"at\"\n\n[keys]\nuser_id = \"text\"\n",
        ),
        (
            EVENTS,
            "path = \"data/events.csv\"\ntimestamp = \"at\"\n\n[keys]\nuser_id = \"text\"\n\n[columns]\namount = \"float\"\n",
        ),
        (
            REVENUE,
            "kind = \"mean\"\nsource = \"events\"\nvalue = \"sum(amount)\"\ndirection = \"higher\"\nwindow = \"7d\"\n",
        ),
        (
            EXPERIMENT,
            r#"unit = "user_id"
start = 2026-03-01
end = 2026-03-08
control = "A"

[assignment]
source = "assignments"
arm = "arm"

[[arms]]
name = "A"
allocation = 1

[[arms]]
name = "B"
allocation = 1

[metrics]
primary = ["revenue"]
"#,
        ),
        (ASSIGNMENT_ROWS, &assignments),
        (EVENT_ROWS, &events),
    ])
}

fn edited(edits: &[(&str, &str, &str)]) -> Desk {
    let shop = shop();
    for (file, from, to) in edits {
        shop.edit(file, from, to);
    }
    shop
}

/// The faults that `check` finds, one a line, after asserting that it and `analyze` end with code 2 and name the place.
fn faults(shop: &Desk) -> Vec<String> {
    let checked = shop.run(&["check", "--format", "lines"]);
    assert_eq!(checked.code, Some(2), "{}{}", checked.text(), checked.talk);
    let lines: Vec<String> = checked.text().lines().map(str::to_owned).collect();
    let talk = refused(shop, &["analyze", "checkout"], 2);
    let place = lines.first().and_then(|line| line.split_once(": ")).map_or("", |(place, _)| place);
    assert!(talk.contains(place) && !place.is_empty(), "`analyze` does not name {place}:\n{talk}");
    lines
}

/// What a command says that ends with this code and gives no data, and stores nothing.
fn refused(shop: &Desk, arguments: &[&str], code: i32) -> String {
    let runs = || std::fs::read_dir(shop.file(".estimand/runs")).map_or(0, Iterator::count);
    let before = runs();
    let answer = shop.run(arguments);
    assert_eq!(answer.code, Some(code), "{}{}", answer.text(), answer.talk);
    assert_eq!(answer.text(), "", "a refusal gives no data");
    assert!(!answer.talk.contains("panicked"), "{}", answer.talk);
    assert_eq!(runs(), before, "a refusal stores no run");
    answer.talk.trim_end().to_owned()
}

/// The answer of the shop's analysis, which must be given.
fn analysed(shop: &Desk) -> Answer {
    let answer = shop.analyze(&["checkout"]);
    assert_eq!(answer.code, Some(0), "{}", answer.talk);
    answer
}

/// Analyses rows of a CSV file without a project.
fn bare(rows: &str, arguments: &[&str]) -> Answer {
    let desk = Desk::with(&[("rows.csv", rows)]);
    desk.analyze(&[&["rows.csv", "--arm", "arm", "--control", "A"], arguments].concat())
}
