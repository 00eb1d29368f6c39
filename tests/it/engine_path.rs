//! The ways from rows to statistics: the same bytes by each, and each said before anything is read.

use crate::command::{Answer, Desk};

const UNITS: &str = "arm,country,spend,before\n";

/// A project with a unit table of CSV.
fn project(desk: &Desk, rows: u32) {
    let mut table = UNITS.to_owned();
    for row in 0..rows {
        let (arm, country) = (["old", "new"][row as usize % 2], ["DE", "AT", ""][row as usize % 3]);
        let spend = if row % 11 == 0 { String::new() } else { format!("{}.{:02}", row * 7 % 90, row % 100) };
        table.push_str(&format!("{arm},{country},{spend},{}\n", row * 3 % 41));
    }
    desk.write("data/members.csv", &table);
    desk.write("estimand.toml", "name = \"ways\"\n");
    desk.write("sources/members.toml", "label = \"Members\"\npath = \"data/members.csv\"\n");
    desk.write("metrics/spend.toml", "kind = \"mean\"\nsource = \"members\"\nvalue = \"spend\"\ncovariates = [\"before\"]\ncap = { percentile = 0.95 }\ndirection = \"higher\"\n");
    desk.write("experiments/trial.toml", "label = \"Trial\"\nunit = \"row\"\ncontrol = \"old\"\narms = [{ name = \"old\" }, { name = \"new\" }]\nassignment = { source = \"members\", arm = \"arm\" }\ndimensions = [\"country\"]\n[metrics]\nprimary = [\"spend\"]\n");
}

fn analysed(desk: &Desk, path: &str) -> Answer {
    desk.run(&["analyze", "trial", "--engine-path", path])
}

#[test]
fn both_ways_give_the_same_run() {
    let desk = Desk::new();
    project(&desk, 2_000);
    let native = analysed(&desk, "native");
    assert_eq!(native.code, Some(0), "{}", native.talk);
    for path in ["sql", "auto"] {
        let other = analysed(&desk, path);
        assert_eq!((other.code, other.text()), (Some(0), native.text()), "{path}");
        let expected = format!("{}, recorded before", native.talk.trim_end());
        assert_eq!(other.talk.trim_end(), expected, "{path}: one run by every way");
    }
}

#[test]
fn an_estimator_that_reads_rows_answers_by_segment_and_is_the_same_by_both_ways() {
    let desk = Desk::new();
    project(&desk, 2_000);
    let ols = |path: &str, rows: &str| {
        let rows = format!("rows={rows}");
        desk.run(&["analyze", "trial", "--estimator", "ols", "--option", &rows, "--no-save", "--engine-path", path])
    };
    for rows in ["compressed", "units"] {
        let native = ols("native", rows);
        assert_eq!(native.code, Some(0), "{}", native.talk);
        assert_eq!(ols("sql", rows).text(), native.text(), "{rows}");
        has_an_effect_in_every_segment(&native.document());
    }
}

fn has_an_effect_in_every_segment(document: &serde_json::Value) {
    let rows = document["estimates"].as_array().expect("a list");
    let is_effect = |row: &&serde_json::Value| {
        row["estimator"] == "ols" && row["estimand"] == "ate" && row["scale"] == "absolute" && row["term"].is_null()
    };
    let effects: Vec<&serde_json::Value> = rows.iter().filter(is_effect).collect();
    for segment in ["country=AT", "country=DE", "country=(missing)"] {
        let of: Vec<_> = effects.iter().filter(|row| row["segment"] == segment).collect();
        assert!(!of.is_empty() && of.iter().all(|row| row["estimate"].is_number()), "{segment}: {of:?}");
    }
}

#[test]
fn a_plan_says_which_way_each_source_goes_and_why() {
    let desk = Desk::new();
    project(&desk, 10);
    let ways = |path: &str| {
        let plan = desk.run(&["plan", "trial", "--engine-path", path, "--format", "json"]);
        plan.document()["sources"].to_string()
    };
    let native =
        r#"[{"source":"members","way":"native","reads":"native, stretches of text files","why":"each row is a unit"}]"#;
    assert_eq!(ways("auto"), native);
    assert_eq!(ways("native"), native);
    assert_eq!(ways("sql"), r#"[{"source":"members","way":"sql","reads":"sql","why":"asked for"}]"#);
    let plan = desk.run(&["plan", "trial"]).text();
    assert!(plan.contains("-- Way of `members`: native, stretches of text files (each row is a unit).\n"), "{plan}");
}

#[test]
fn an_arm_that_is_not_declared_is_named_by_every_way() {
    let desk = Desk::new();
    project(&desk, 200);
    let file = desk.file("data/members.csv");
    let table = std::fs::read_to_string(&file).expect("the table is there");
    std::fs::write(&file, format!("{table}blue,DE,1,2\n")).expect("the table can be written");
    for path in ["auto", "sql", "native"] {
        let refused = analysed(&desk, path);
        assert_eq!(refused.code, Some(4), "{path}: {}", refused.talk);
        let expected = "rows of `members` name arms that it does not declare: `blue` (1 units)";
        assert!(refused.talk.contains(expected), "{path}: {}", refused.talk);
        assert_eq!(refused.text(), "");
    }
}

#[test]
fn a_limit_on_memory_that_is_too_low_falls_back_to_statements_or_is_told() {
    let desk = Desk::new();
    project(&desk, 60_000);
    let free = analysed(&desk, "sql").text();
    let limited = desk.run(&["analyze", "trial", "--no-save", "--memory-limit", "40MB"]);
    assert_eq!(limited.code, Some(0), "{}", limited.talk);
    let estimates =
        |text: &str| text.lines().filter(|line| line.contains("spend")).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(estimates(&limited.text()), estimates(&free));
}
