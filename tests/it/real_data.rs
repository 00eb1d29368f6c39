//! Real experiments as a user would analyse them, from a file and a few words. Effects are computed a second time here,
//! in the plainest way: two passes over the cells of the file.

use std::collections::BTreeMap;
use std::path::Path;

use crate::command::{ABSOLUTE, Answer, Desk, RELATIVE, Rows};
use crate::shared;

/// Cells of a CSV file, by column.
struct Cells(BTreeMap<String, Vec<String>>);

impl Cells {
    fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).expect("the data set");
        let mut lines = text.lines().map(cells);
        let names = lines.next().expect("a header");
        let mut columns: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for line in lines {
            for (name, cell) in names.iter().zip(line) {
                columns.entry(name.clone()).or_default().push(cell);
            }
        }
        Self(columns)
    }

    /// Values of a column for the rows of an arm; truth counts 1.
    fn of_arm(&self, column: &str, [arm_column, arm]: [&str; 2]) -> Vec<f64> {
        let number = |cell: &String| match cell.as_str() {
            "True" => 1.0,
            "False" => 0.0,
            text => text.parse().expect("a number"),
        };
        let rows = self.0[column].iter().zip(&self.0[arm_column]);
        rows.filter(|(_, one)| *one == arm).map(|(cell, _)| number(cell)).collect()
    }
}

/// The cells of a line: every other piece between quotes is inside them.
fn cells(line: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    for (at, piece) in line.split('"').enumerate() {
        let mut parts = piece.split(',');
        let whole = |cells: &mut Vec<String>, part: &str| cells.last_mut().expect("there is one").push_str(part);
        if at % 2 == 1 {
            whole(&mut cells, piece);
        } else {
            whole(&mut cells, parts.next().unwrap_or_default());
            cells.extend(parts.map(str::to_owned));
        }
    }
    cells
}

/// Mean, and variance of the mean.
fn mean(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (mean, values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0) / n)
}

/// Asserts size, means, difference and standard error of an effect against two passes over the cells.
fn assert_effect(rows: &Rows, metric: &str, treated: (&str, &[f64]), control: &[f64]) {
    let row = rows.effect(metric, treated.0, ABSOLUTE);
    let ((m1, v1), (m0, v0)) = (mean(treated.1), mean(control));
    for (column, want) in [
        ("n", treated.1.len() as f64),
        ("n_baseline", control.len() as f64),
        ("mean", m1),
        ("mean_baseline", m0),
        ("estimate", m1 - m0),
        ("std_error", (v1 + v0).sqrt()),
    ] {
        let got = row.number(column);
        assert!(
            (got - want).abs() <= 1e-10 * want.abs(),
            "{metric}, {}: {column} is {got:e}, want {want:e}",
            treated.0
        );
    }
    let lift = rows.effect(metric, treated.0, RELATIVE).number("estimate");
    assert!((lift - (m1 / m0 - 1.0)).abs() <= 1e-9 * lift.abs(), "{metric}: lift {lift}");
}

fn analyze(file: &Path, arguments: &[&str]) -> Answer {
    let file = file.to_str().expect("a path in UTF-8");
    Desk::new().analyze(&[&[file], arguments].concat())
}

#[test]
fn hillstroms_two_mailings_are_compared_with_none() {
    let Some(file) = shared::data("hillstrom.csv") else { return };
    let metrics = ["mean(spend)", "proportion(visit)", "proportion(conversion)"];
    let answer = analyze(
        &file,
        &[
            "--arm",
            "segment",
            "--control",
            "No E-Mail",
            "--weights",
            "No E-Mail=1,Mens E-Mail=1,Womens E-Mail=1",
            "--metric",
            metrics[0],
            "--metric",
            metrics[1],
            "--metric",
            metrics[2],
        ],
    );
    let (rows, cells) = (answer.rows(), Cells::read(&file));
    for (metric, column) in metrics.into_iter().zip(["spend", "visit", "conversion"]) {
        let of = |arm: &str| cells.of_arm(column, ["segment", arm]);
        for arm in ["Mens E-Mail", "Womens E-Mail"] {
            assert_effect(&rows, metric, (arm, &of(arm)), &of("No E-Mail"));
            assert_eq!(rows.effect(metric, arm, RELATIVE).text("status"), "better", "{metric}, {arm}");
        }
    }
    assert_holm(&rows, &metrics, &["Mens E-Mail", "Womens E-Mail"]);
    // The chi-square of 21,307, 21,387 and 21,306 has p = 0.9037 (SciPy 1.17.1).
    let document = answer.document();
    let ratio = document["checks"].as_array().and_then(|all| all.iter().find(|check| check["name"] == "sample_ratio"));
    let ratio = ratio.expect("a check of the sample ratio");
    assert_eq!(ratio["outcome"], "pass");
    assert!((ratio["p_value"].as_f64().expect("a p-value") - 0.903_692_957_560_419_6).abs() < 1e-12);
    let verdict = document["verdict"]["sentence"].as_str().expect("a verdict");
    assert!(verdict.starts_with("`Mens E-Mail` improves mean(spend) by 118 % (95 % CI 64 to 198);"), "{verdict}");
}

/// Adjusted p-values by Holm's procedure over every metric and arm.
fn assert_holm(rows: &Rows, metrics: &[&str], arms: &[&str]) {
    let effects = metrics.iter().flat_map(|metric| arms.iter().map(|arm| rows.effect(metric, arm, ABSOLUTE)));
    let mut family: Vec<(f64, f64)> = effects.map(|row| (row.number("p_value"), row.number("p_adjusted"))).collect();
    family.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut largest: f64 = 0.0;
    for (rank, (p, adjusted)) in family.iter().enumerate() {
        largest = largest.max((family.len() - rank) as f64 * p).min(1.0);
        assert!((adjusted - largest).abs() <= 1e-12 * largest, "{adjusted} is not {largest}");
    }
}

#[test]
fn a_page_of_hillstroms_arms_is_complete_without_scripts() {
    let Some(file) = shared::data("hillstrom.csv") else { return };
    let desk = Desk::new();
    let file = file.to_str().expect("a path in UTF-8");
    let words = ["--arm", "segment", "--control", "No E-Mail", "--metric", "mean(spend)", "--output", "spend.html"];
    let answer = desk.run(&[&["analyze", file], words.as_slice()].concat());
    assert_eq!(answer.code, Some(0), "{}", answer.talk);
    let page = std::fs::read_to_string(desk.file("spend.html")).expect("the page");
    for part in ["Mens E-Mail", "Womens E-Mail", "<table", "<svg", "<td>+118\u{202f}%<td>"] {
        assert!(page.contains(part), "the page lacks {part}");
    }
}

#[test]
fn cookie_cats_gate_costs_a_week_and_its_sample_ratio_is_doubted() {
    let Some(file) = shared::data("cookie_cats.csv") else { return };
    let words =
        ["--unit", "userid", "--arm", "test_version", "--control", "gate_30", "--weights", "gate_30=1,gate_40=1"];
    let metrics = ["proportion(retention_1)", "proportion(retention_7)", "sum(sum_gamerounds)"];
    let asked = metrics.iter().flat_map(|metric| ["--metric", metric]);
    let answer = analyze(&file, &words.into_iter().chain(asked).collect::<Vec<_>>());
    let (rows, cells) = (answer.rows(), Cells::read(&file));
    for (metric, column) in metrics.into_iter().zip(["retention_1", "retention_7", "sum_gamerounds"]) {
        let of = |arm: &str| cells.of_arm(column, ["test_version", arm]);
        assert_effect(&rows, metric, ("gate_40", &of("gate_40")), &of("gate_30"));
    }
    assert_holm(&rows, &metrics, &["gate_40"]);
    let status = |metric: &str| rows.effect(metric, "gate_40", RELATIVE).text("status").to_owned();
    assert_eq!(metrics.map(status), ["no clear effect", "worse", "no clear effect"]);
    let (outcome, message) = answer.check("sample_ratio");
    assert_eq!(outcome, "warn", "p = 0.0086 is a warning, not a failure");
    assert_eq!(
        message,
        "Units per arm do not match the allocation: `gate_30` 44700 of 45094.5 expected, `gate_40` 45489 of 45094.5 expected (p = 0.009)."
    );
    assert_eq!(answer.check("two_arm_units").0, "pass");
}

#[test]
fn the_job_training_effect_is_the_published_one() {
    let Some(file) = shared::data("nsw_mixtape.csv") else { return };
    let by = |options: &[&str]| {
        let words = ["--arm", "treat", "--control", "0", "--metric", "re78"];
        analyze(&file, &[&words, options].concat()).rows()
    };
    let (rows, cells) = (by(&[]), Cells::read(&file));
    let of = |arm: &str| cells.of_arm("re78", ["treat", arm]);
    assert_effect(&rows, "re78", ("1", &of("1")), &of("0"));
    // Dehejia & Wahba (1999), table 2: an effect of 1,794 dollars with a standard error of 633, of one variance for both
    // arms; 671 by a variance each.
    let whole = |rows: &Rows, column: &str| rows.effect("re78", "1", ABSOLUTE).number(column).round();
    assert_eq!([whole(&rows, "estimate"), whole(&rows, "std_error")], [1_794.0, 671.0]);
    assert_eq!(whole(&by(&["--option", "variance=pooled"]), "std_error"), 633.0);
    let covariates = ["age", "educ", "black", "hisp", "marr", "nodegree", "re74", "re75"];
    let named: Vec<&str> = covariates.iter().flat_map(|name| ["--covariate", name]).collect();
    let adjusted = by(&named);
    assert_eq!(adjusted.effect("re78", "1", ABSOLUTE).text("estimator"), "regression_adjustment");
    assert_eq!(whole_beside(&adjusted), 1_794.0, "the plain difference stands beside it");
}

fn whole_beside(rows: &Rows) -> f64 {
    rows.beside("re78", "1", ABSOLUTE).number("estimate").round()
}
