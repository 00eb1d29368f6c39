//! Ratios of means by the delta method: tea-tasting, on customers and on villages.

use std::collections::BTreeMap;

use super::{Case, Comparison, hold};
use crate::command::{ABSOLUTE, Desk, RELATIVE, Rows};

#[test]
fn ratios_of_means() {
    hold("ratio_delta", [3, 0], |case| ratio(case).ran());
}

fn ratio(case: &Case) -> Comparison<'_> {
    let metric = format!("ratio({}, {})", case.input("numerator"), case.input("denominator"));
    let by_village = case.id() == "ratio_village_takeup";
    let analyze =
        |options: &[&str]| if by_village { villages(case, &metric, options) } else { case.analyze(&metric, options) };
    let arm = case.input("treatment");
    let mut compared = case.compare();
    let rows = analyze(&["--option", "lift=log"]);
    let absolute = [("control", "mean_baseline"), ("treatment", "mean"), ("diff", "estimate"), ("t", "statistic")];
    compared.row(&rows.effect(&metric, &arm, ABSOLUTE), &absolute);
    let inference = [("p_t", "p_value"), ("ci_low_t", "conf_low"), ("ci_high_t", "conf_high")];
    compared.row(&rows.effect(&metric, &arm, ABSOLUTE), &inference);
    let lift = [("lift", "estimate"), ("lift_ci_low_t", "conf_low"), ("lift_ci_high_t", "conf_high")];
    compared.row(&rows.effect(&metric, &arm, RELATIVE), &lift);
    let normal = analyze(&["--option", "distribution=normal"]);
    let inference = [("p_z", "p_value"), ("ci_low_z", "conf_low"), ("ci_high_z", "conf_high")];
    compared.row(&normal.effect(&metric, &arm, ABSOLUTE), &inference);
    compared
}

/// One row per village and arm, as the case prepares them: takers and people asked.
fn villages(case: &Case, metric: &str, options: &[&str]) -> Rows {
    let text = std::fs::read_to_string(case.data()).expect("the data set");
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().expect("a header");
    let column = |name: &str| header.iter().position(|one| *one == name).expect("a column of this name");
    let (village, taken, intensive) = (column("village"), column("takeup_survey"), column("intensive"));
    let mut units: BTreeMap<(&str, &str), (u64, u64)> = BTreeMap::new();
    for cells in lines {
        if let (Ok(taken), false, false) =
            (cells[taken].parse::<u64>(), cells[village].is_empty(), cells[intensive].is_empty())
        {
            let unit = units.entry((cells[intensive], cells[village])).or_default();
            *unit = (unit.0 + taken, unit.1 + 1);
        }
    }
    let rows = units.iter().map(|((arm, _), (taken, asked))| format!("{arm},{taken},{asked}\n"));
    let desk = Desk::with(&[("villages.csv", &format!("intensive,num,den\n{}", rows.collect::<String>()))]);
    let arguments = ["villages.csv", "--arm", "intensive", "--control", "0", "--metric", metric];
    desk.analyze(&[&arguments, options].concat()).rows()
}
