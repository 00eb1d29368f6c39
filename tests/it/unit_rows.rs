//! `estimand metrics rows`: the units of an experiment as a table.

use crate::command::Desk;

/// Four units that count, one that is in two arms, and what they bought.
fn project(desk: &Desk) {
    let assignments = "user,arm,at,country\n\
        ann,old,2025-03-01T10:00:00Z,DE\nbob,new,2025-03-01T11:00:00Z,\ncid,old,2025-03-02T10:00:00Z,AT\n\
        dan,new,2025-03-02T12:00:00Z,DE\neve,old,2025-03-02T13:00:00Z,DE\neve,new,2025-03-02T14:00:00Z,DE\n";
    let orders = "user,at,amount\n\
        ann,2025-03-01T12:00:00Z,10.5\nann,2025-03-02T12:00:00Z,2\nann,2025-02-27T12:00:00Z,7\n\
        bob,2025-03-01T10:59:59Z,100\ndan,2025-03-03T00:00:00Z,3\neve,2025-03-03T00:00:00Z,9\n";
    desk.write("data/assignments.csv", assignments);
    desk.write("data/orders.csv", orders);
    desk.write("estimand.toml", "name = \"rows\"\n");
    for source in ["assignments", "orders"] {
        desk.write(
            format!("sources/{source}.toml"),
            format!("label = \"{source}\"\npath = \"data/{source}.csv\"\ntimestamp = \"at\"\nkeys.user = \"text\"\n"),
        );
    }
    desk.write("metrics/spent.toml", "kind = \"mean\"\nsource = \"orders\"\nvalue = \"sum(amount)\"\nlookback = \"7d\"\ncap = { upper = 12 }\ndirection = \"higher\"\n");
    desk.write("experiments/trial.toml", "label = \"Trial\"\nunit = \"user\"\nstart = 2025-03-01T00:00:00Z\nend = 2025-03-10T00:00:00Z\ncontrol = \"old\"\narms = [{ name = \"old\" }, { name = \"new\" }]\nassignment = { source = \"assignments\", arm = \"arm\" }\ndimensions = [\"country\"]\n[metrics]\nprimary = [\"spent\"]\n");
}

const ROWS: &str = "\
unit,arm,day,country,spent,spent.pre,spent.capped,spent.pre.capped
bob,new,2025-03-01,,0.0,100.0,0.0,12.0
dan,new,2025-03-02,DE,3.0,0.0,3.0,0.0
ann,old,2025-03-01,DE,12.5,7.0,12.0,7.0
cid,old,2025-03-02,AT,0.0,0.0,0.0,0.0
";

#[test]
fn units_come_in_order_and_are_the_same_by_every_way() {
    let desk = Desk::new();
    project(&desk);
    for path in ["auto", "native", "sql"] {
        let rows = desk.run(&["metrics", "rows", "trial", "--engine-path", path]);
        assert_eq!((rows.code, rows.text().as_str()), (Some(0), ROWS), "{path}: {}", rows.talk);
    }
    let lines = desk.run(&["metrics", "rows", "trial", "--format", "ndjson"]).text();
    let first = r#"{"unit":"bob","arm":"new","day":"2025-03-01","country":null,"spent":0.0,"spent.pre":100.0,"spent.capped":0.0,"spent.pre.capped":12.0}"#;
    assert_eq!(lines.lines().next(), Some(first));
    let written = desk.run(&["metrics", "rows", "trial", "--output", "units.parquet"]);
    assert_eq!((written.code, written.text().as_str()), (Some(0), ""), "{}", written.talk);
    let again = desk.run(&["metrics", "rows", "trial", "--output", "units.parquet"]);
    assert_eq!(again.code, Some(2));
    assert!(again.talk.contains("is there already; give `--force` to replace it"), "{}", again.talk);
}

#[test]
fn a_statement_reads_the_units_and_shows_the_operator_at_work() {
    let desk = Desk::new();
    project(&desk);
    let ask = |sql: &str, path: &str| desk.run(&["metrics", "rows", "trial", "--sql", sql, "--engine-path", path]);
    let by_arm = "SELECT arm, count(*) AS units, sum(\"spent.capped\") AS spent FROM units GROUP BY arm ORDER BY arm";
    for path in ["auto", "sql"] {
        assert_eq!(ask(by_arm, path).text(), "arm,units,spent\nnew,2,3.0\nold,2,12.0\n", "{path}");
    }
    let twice = "SELECT count(*) AS pairs FROM units a JOIN units b ON a.arm = b.arm";
    assert_eq!(ask(twice, "native").text(), "pairs\n8\n");
    let shown = ask(&format!("EXPLAIN ANALYZE {by_arm}"), "auto").text();
    let operator = "UnitAggregationExec: experiment=trial, sources=[assignments, orders], columns=[arm, spent.capped]";
    assert!(shown.contains(operator), "{shown}");
    assert!(shown.contains("output_rows=4") && shown.contains("rows_read=12"), "{shown}");
}

#[test]
fn what_is_wrong_with_a_statement_or_the_data_is_said() {
    let desk = Desk::new();
    project(&desk);
    for (sql, expected) in [
        ("SELECT spend FROM units", "the statement cannot be answered: "),
        ("SELECT * FROM orders", "it reads one table, `units`: see its columns with `SELECT * FROM units LIMIT 1`"),
        ("DROP TABLE units", "the statement cannot be answered: "),
        ("COPY units TO 'units.csv'", "the statement cannot be answered: "),
    ] {
        let refused = desk.run(&["metrics", "rows", "trial", "--sql", sql]);
        assert_eq!((refused.code, refused.text().as_str()), (Some(2), ""), "{sql}: {}", refused.talk);
        assert!(refused.talk.contains(expected), "{sql}: {}", refused.talk);
    }
    let wrong = desk.run(&["metrics", "rows", "trial", "--format", "markdown"]);
    assert_eq!(wrong.code, Some(2));
    let expected = "--format markdown: rows of units are written as one of arrow, csv, ndjson, parquet";
    assert_eq!(wrong.talk.trim_end(), expected);
    let unknown = desk.run(&["metrics", "rows", "trail"]);
    assert_eq!(unknown.code, Some(2), "{}", unknown.talk);
    let file = desk.file("data/assignments.csv");
    let text = std::fs::read_to_string(&file).expect("the assignments are there");
    std::fs::write(&file, text.replace("dan,new", "dan,blue")).expect("they can be written");
    let undeclared = desk.run(&["metrics", "rows", "trial"]);
    assert_eq!((undeclared.code, undeclared.text().as_str()), (Some(4), ""), "{}", undeclared.talk);
    let expected = "rows of `assignments` name arms that it does not declare: `blue` (1 units)";
    assert!(undeclared.talk.contains(expected), "{}", undeclared.talk);
    std::fs::write(&file, text.replace("2025-03", "2025-01")).expect("they can be written");
    let nobody = desk.run(&["metrics", "rows", "trial"]);
    assert_eq!(nobody.code, Some(4), "{}", nobody.talk);
    assert!(nobody.talk.contains("experiment `trial`: no unit is counted: "), "{}", nobody.talk);
}

#[test]
fn a_dimension_may_be_called_as_a_column_of_every_unit() {
    let desk = Desk::new();
    project(&desk);
    let file = desk.file("data/assignments.csv");
    let text = std::fs::read_to_string(&file).expect("the assignments are there");
    std::fs::write(&file, text.replace("country", "day")).expect("they can be written");
    let file = desk.file("experiments/trial.toml");
    let text = std::fs::read_to_string(&file).expect("the experiment is there");
    std::fs::write(&file, text.replace("country", "day")).expect("it can be written");
    for path in ["native", "sql"] {
        let rows = desk.run(&["metrics", "rows", "trial", "--engine-path", path]);
        let expected = ROWS.replace("country", "day.dimension");
        assert_eq!((rows.code, rows.text()), (Some(0), expected), "{path}: {}", rows.talk);
        let answer = desk.run(&["analyze", "trial", "--no-save", "--engine-path", path, "--format", "csv"]);
        assert_eq!(answer.code, Some(0), "{path}: {}", answer.talk);
        assert!(answer.text().contains(",day=DE,"), "{path}: {}", answer.text());
    }
}
