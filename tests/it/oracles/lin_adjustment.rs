//! Regression with slopes per arm (Lin): R's estimatr, through a project, since only an experiment's file can say that
//! the enrolled units are the population, as the reference takes them.

use std::path::Path;

use super::{Case, Comparison, Outcome, hold, ols_hc};
use crate::command::{ABSOLUTE, Desk, Rows};

#[test]
fn slopes_per_arm() {
    hold("lin_adjustment", [8, 1], |case| match case.method() {
        "lin_adjustment" => adjusted(case).ran(),
        _ => Outcome::Waits("post-stratification"),
    });
}

fn adjusted(case: &Case) -> Comparison<'_> {
    let (arm, control, treated) = match case.input("y").as_str() {
        "spend" => ("segment", "No E-Mail", "Mens E-Mail"),
        _ => ("treat", "0", "1"),
    };
    let desk = project(case, arm, [control, treated]);
    let se = format!("se={}", case.input("se"));
    let by = |more: &[&str]| desk.analyze(&[&["trial", "--estimator"], more].concat()).rows();
    let by_rows = by(&["ols", "--option", &se]);
    let mut compared = case.compare();
    ols_hc::compare_terms(case, &mut compared, &by_rows, "outcome");
    from_moments(case, &by(&["regression_adjustment"]), &by_rows, treated);
    compared
}

/// From moments alone the same effect, and with a variance of its own per arm nearly the same standard error.
fn from_moments(case: &Case, by_moments: &Rows, by_rows: &Rows, treated: &str) {
    let [moments, rows] = [by_moments, by_rows].map(|rows| rows.effect("outcome", treated, ABSOLUTE));
    for (column, rtol) in [("estimate", 1e-9), ("mean_baseline", 1e-9), ("std_error", 0.05)] {
        let (got, want) = (moments.number(column), rows.number(column));
        assert!((got - want).abs() <= rtol * want.abs(), "{}: {column} {got} and {want}", case.id());
    }
}

/// An experiment on the case's units, each with the number of its row for a name.
fn project(case: &Case, arm: &str, arms: [&str; 2]) -> Desk {
    let [control, treated] = arms;
    let covariates = case.inputs("covariates").iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    let desk = Desk::with(&[
        ("estimand.toml", "name = \"Reference\"\n"),
        ("sources/people.toml", "path = \"people.csv\"\n\n[keys]\nunit = \"integer\"\n"),
        (
            "metrics/outcome.toml",
            &format!("kind = \"mean\"\nsource = \"people\"\nvalue = \"{}\"\ndirection = \"higher\"\n", case.input("y")),
        ),
        (
            "experiments/trial.toml",
            &format!(
                r#"unit = "unit"
control = "{control}"
arms = [{{ name = "{control}" }}, {{ name = "{treated}" }}]

[assignment]
source = "people"
arm = "{arm}"
filter = "{arm} in ('{control}', '{treated}')"

[metrics]
primary = ["outcome"]

[analysis]
covariates = [{covariates}]
population = "enrolled"
"#
            ),
        ),
    ]);
    desk.write("people.csv", numbered(&case.data()));
    desk
}

fn numbered(file: &Path) -> String {
    let text = std::fs::read_to_string(file).expect("the data set");
    let number = |(at, line): (usize, &str)| if at == 0 { format!("unit,{line}\n") } else { format!("{at},{line}\n") };
    text.lines().enumerate().map(number).collect()
}
