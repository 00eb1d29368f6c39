//! Where the effects of a programme come from: the runs of a project, or a table of effects.

use std::collections::BTreeSet;
use std::path::Path;

use arrow::array::{Array, Float64Array, StringArray};
use estimand_metrics::fault::Fault;
use estimand_stats::estimate::{Estimate, Estimates};

use crate::columns::Columns;
use crate::error::Error;
use crate::keep;
use crate::run::{Filter, RunStore};

/// Whether a table holds effects: estimates with their standard errors.
pub fn holds_effects(table: &Columns) -> bool {
    ["estimate", "std_error"].iter().all(|column| table.has(column))
}

/// The effects of a table with columns of the result table; `estimate` and `std_error` must be there.
///
/// # Errors
/// A column that is missing or holds something else.
pub fn of_table(table: &Columns) -> Result<Estimates, Error> {
    rows(table).map_err(|fault| Error::Files(vec![*fault]))
}

fn rows(table: &Columns) -> Result<Estimates, Box<Fault>> {
    let text = |column: &str| table.texts(column);
    let number = |column: &str| table.numbers(column);
    let [experiment, metric, arm, baseline] =
        [text("experiment")?, text("metric")?, text("arm")?, text("baseline_arm")?];
    let [scale, segment, period, term] = [text("scale")?, text("segment")?, text("period")?, text("term")?];
    let [estimator, decides] = [text("estimator")?, text("decides")?];
    let [estimate, std_error] = [table.needed_numbers("estimate")?, table.needed_numbers("std_error")?];
    let [low, high, p, e] = [number("conf_low")?, number("conf_high")?, number("p_value")?, number("log10_e")?];
    let [n, n_baseline, margin] = [number("n")?, number("n_baseline")?, number("margin")?];
    let row = |at: usize| {
        let word = |column: &Option<StringArray>| {
            let column = column.as_ref().filter(|column| column.is_valid(at));
            column.map(|column| column.value(at).to_owned()).filter(|text| !text.is_empty())
        };
        let value = |column: &Float64Array| column.is_valid(at).then(|| column.value(at));
        let maybe = |column: &Option<Float64Array>| column.as_ref().and_then(value);
        let count = |column: &Option<Float64Array>| maybe(column).filter(|n| *n >= 0.0).map(|n| n as u64);
        Estimate {
            experiment: word(&experiment),
            metric: word(&metric).or_else(|| Some("outcome".to_owned())),
            arm: word(&arm),
            baseline_arm: word(&baseline),
            scale: word(&scale),
            segment: word(&segment),
            period: word(&period),
            term: word(&term),
            estimator: word(&estimator),
            decides: word(&decides).map(|decides| decides != "false"),
            estimate: value(&estimate),
            std_error: value(&std_error),
            conf_low: maybe(&low),
            conf_high: maybe(&high),
            p_value: maybe(&p),
            log10_e: maybe(&e),
            n: count(&n),
            n_baseline: count(&n_baseline),
            margin: maybe(&margin),
            ..Estimate::default()
        }
    };
    Ok((0..table.rows()).map(row).collect())
}

/// The effects of the latest run of every experiment of a project, and how many runs that are.
///
/// # Errors
/// [`Error::Run`] when the record of runs cannot be read, or a file of a run was changed.
pub async fn of_runs(project: &Path) -> Result<(Estimates, usize), Error> {
    let store = RunStore::open(project).await?;
    let mut seen = BTreeSet::new();
    let mut estimates = Estimates::default();
    // The latest run comes first.
    for run in store.list(&Filter::default()).await? {
        if !seen.insert(run.experiment.clone()) {
            continue;
        }
        let answered = keep::answer_of(&store.get(run.id.as_str()).await?)?;
        let deciding = |row: &Estimate| row.decides == Some(true) && row.period.is_none() && row.quantile.is_none();
        estimates.append(answered.estimates.rows.into_iter().filter(deciding).collect());
    }
    store.close().await;
    Ok((estimates, seen.len()))
}
