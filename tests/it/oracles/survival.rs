//! Times to an event: R's survival on its own data sets, as far as two arms go.

use super::{Case, Comparison, Outcome, hold};
use crate::command::{ABSOLUTE, Desk, Rows};
use crate::shared;

#[test]
fn survival() {
    hold("survival", [3, 12], |case| match (case.method(), case.id()) {
        ("rmst", _) => restricted_means(case).ran(),
        ("logrank", "lung_lr" | "vet_lr") => log_rank(case).ran(),
        ("logrank", _) => Outcome::Waits("strata, and tests of several arms at once"),
        ("kaplan_meier" | "km_quantiles", _) => Outcome::Waits("curves of one arm; the library holds them"),
        _ => Outcome::Waits("models with covariates; the library holds them"),
    });
}

/// The rows of an estimator for two levels of a column, the second against the first; the event as a column of 0 and 1.
fn rows(case: &Case, arms: [&str; 2], more: &[&str]) -> Rows {
    let name = case.data().file_name().expect("a file").to_string_lossy().into_owned();
    let event = case.input("event");
    let event = if event.contains('=') { format!("CASE WHEN {event} THEN 1 ELSE 0 END") } else { event };
    let group = case.input("group");
    let group = group.split(' ').next().unwrap_or_default();
    let desk = Desk::with(&[
        ("estimand.toml", "name = \"survival\"\n"),
        ("sources/rows.toml", &format!("path = \"{name}\"\n")),
        (
            "sources/people.toml",
            &format!("sql = \"SELECT CAST({group} AS VARCHAR) AS arm, time, {event} AS died FROM rows\"\n"),
        ),
        (
            "metrics/survival.toml",
            "kind = \"time_to_event\"\ndirection = \"higher\"\n[duration]\nsource = \"people\"\nvalue = \"time\"\n\
             [event]\nsource = \"people\"\nvalue = \"died\"\n",
        ),
        (
            "experiments/groups.toml",
            &format!(
                "unit = \"row\"\ncontrol = \"{}\"\n[assignment]\nsource = \"people\"\narm = \"arm\"\n\
                 [[arms]]\nname = \"{}\"\nallocation = 1\n[[arms]]\nname = \"{}\"\nallocation = 1\n\
                 [metrics]\nprimary = [\"survival\"]\n",
                arms[0], arms[0], arms[1]
            ),
        ),
    ]);
    desk.write(&name, std::fs::read(shared::data(&name).expect("the folder of the case")).expect("the data set"));
    desk.analyze(&[&["groups", "--no-save"], more].concat()).rows()
}

fn restricted_means(case: &Case) -> Comparison<'_> {
    let horizon = format!("horizon={}", case.input("tau"));
    let row = rows(case, ["1", "2"], &["--estimator", "restricted_mean", "--option", &horizon])
        .effect("survival", "2", ABSOLUTE);
    let mut compared = case.compare();
    compared.list("rmean", &[row.number("mean_baseline"), row.number("mean")]);
    compared.wait(&["se"], "the result has the standard error of the difference");
    compared
}

fn log_rank(case: &Case) -> Comparison<'_> {
    let rows = rows(case, ["1", "2"], &["--estimator", "log_rank"]);
    let row = rows.effect("survival", "2", ABSOLUTE);
    let mut compared = case.compare();
    compared.number("chisq", row.number("statistic").powi(2));
    compared.number("p", row.number("p_value"));
    compared.wait(&["df", "obs", "exp"], "the result has observed minus expected, as a term");
    compared
}
