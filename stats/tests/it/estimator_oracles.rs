//! Estimators against reference packages, on public data. Sources and tolerances stand in the cases.

use serde_json::Value;

use estimand_stats::check::sample_ratio_test;
use estimand_stats::design::Population;
use estimand_stats::{Design, Estimate, Estimates, Sample};

use crate::oracle::{assert_within, cases};
use crate::samples::{Arm, design, effect, mean_of, proportion_of, ratio_of, row, run, sample};
use crate::shared_data::{Table, table};

/// Every case of a family, told apart: those that are run, and those that wait for a method of a later step.
pub struct Ledger {
    family: &'static str,
    ran: Vec<String>,
    waiting: Vec<(String, String)>,
}

impl Ledger {
    pub fn new(family: &'static str) -> Self {
        Self { family, ran: Vec::new(), waiting: Vec::new() }
    }

    pub fn ran(&mut self, case: &Value) {
        self.ran.push(text(&case["id"]));
    }

    pub fn waits(&mut self, case: &Value, reason: &str) {
        self.waiting.push((text(&case["id"]), reason.to_owned()));
    }

    /// Prints the counts and asserts them, so that no case is lost in silence.
    pub fn close(self, ran: usize, waiting: usize) {
        println!("{}: {} ran and passed, {} wait", self.family, self.ran.len(), self.waiting.len());
        self.waiting.iter().for_each(|(id, reason)| println!("  {id} waits: {reason}"));
        assert_eq!((self.ran.len(), self.waiting.len()), (ran, waiting), "{}", self.family);
    }
}

pub fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// All cases of a family, whatever their method.
fn family(name: &'static str, methods: &[&str]) -> Option<(Vec<Value>, Ledger)> {
    Some((cases(name, methods)?, Ledger::new(name)))
}

/// Treated and control arm of a case with the named columns of its data set.
fn arms(case: &Value, columns: &[&str]) -> Sample {
    let data = table(&text(&case["dataset"]));
    let inputs = &case["inputs"];
    two_arms(&data, &text(&inputs["group"]), &text(&inputs["treatment"]), &text(&inputs["control"]), columns)
}

pub fn two_arms(data: &Table, group: &str, treatment: &str, control: &str, columns: &[&str]) -> Sample {
    let groups = data.text(group);
    let arm = |name: &str, level: &str| {
        let keep: Vec<usize> = (0..groups.len()).filter(|row| groups[*row].as_deref() == Some(level)).collect();
        let column = |column: &&str| {
            let values = data.numbers(column);
            ((*column).to_owned(), keep.iter().map(|row| values[*row]).collect::<Vec<f64>>())
        };
        Arm { name: name.to_owned(), columns: columns.iter().map(column).collect() }
    };
    sample(&[arm("control", control), arm("treatment", treatment)])
}

fn number(cell: Option<f64>) -> f64 {
    cell.expect("a number in this cell")
}

/// Compares columns of a row with keys of the expectation.
fn check(case: &Value, part: Option<&str>, row: &Estimate, keys: &[(&str, Option<f64>)]) {
    let scoped = match part {
        None => case.clone(),
        Some(part) => {
            let mut scoped = case.clone();
            scoped["expected"] = case["expected"][part].clone();
            scoped
        }
    };
    for (key, got) in keys {
        assert!(got.is_some(), "{}: {key} is null: {:?}", case["id"], row.notes);
        assert_within(&scoped, key, &[number(*got)]);
    }
}

#[test]
fn means_agree_with_scipy_and_statsmodels() {
    let methods = ["two_sample_mean", "t_test", "yuen", "tost"];
    let Some((cases, mut ledger)) = family("means", &methods) else { return };
    for case in cases {
        match text(&case["method"]).as_str() {
            "two_sample_mean" => {
                let y = text(&case["inputs"]["y"]);
                let sample = arms(&case, &[&y]);
                let question = effect(mean_of(&y), "treatment", "control");
                let welch = |design: &Design| run("difference_in_means", &question, design, &sample);
                let rows = welch(&Design::default());
                let absolute = row(&rows, "absolute");
                check(
                    &case,
                    None,
                    absolute,
                    &[
                        ("n_t", absolute.n.map(|n| n as f64)),
                        ("n_c", absolute.n_baseline.map(|n| n as f64)),
                        ("mean_t", absolute.mean),
                        ("mean_c", absolute.mean_baseline),
                        ("diff", absolute.estimate),
                    ],
                );
                check(&case, Some("welch"), absolute, &columns(absolute));
                let greater = estimand_stats::Estimand {
                    hypothesis: estimand_stats::estimand::Hypothesis::Greater,
                    ..question.clone()
                };
                let rows = run("difference_in_means", &greater, &Design::default(), &sample);
                check(&case, Some("welch"), row(&rows, "absolute"), &[("p_greater", row(&rows, "absolute").p_value)]);
                let rows = welch(&design(&[], &[("variance", "pooled")]));
                check(&case, Some("pooled"), row(&rows, "absolute"), &columns(row(&rows, "absolute")));
                let rows = welch(&design(&[], &[("distribution", "normal")]));
                let z = row(&rows, "absolute");
                check(&case, Some("z"), z, &[("z", z.statistic), ("p", z.p_value)]);
                ledger.ran(&case);
            }
            "t_test" if text(&case["id"]) == "t_sleep_welch" => {
                let data = table(&text(&case["dataset"]));
                let sample = two_arms(&data, "group", "1", "2", &["extra"]);
                let question = effect(mean_of("extra"), "treatment", "control");
                let rows = run("difference_in_means", &question, &Design::default(), &sample);
                let welch = row(&rows, "absolute");
                check(&case, None, welch, &[("t", welch.statistic), ("df", welch.df), ("p", welch.p_value)]);
                assert_within(&case, "ci", &[number(welch.conf_low), number(welch.conf_high)]);
                ledger.ran(&case);
            }
            "t_test" => {
                crate::stratified::check_pairs(&case);
                ledger.ran(&case);
            }
            "yuen" => ledger.waits(&case, "trimmed means"),
            _ => ledger.waits(&case, "equivalence tests"),
        }
    }
    ledger.close(6, 2);
}

fn columns(row: &Estimate) -> [(&'static str, Option<f64>); 5] {
    [("t", row.statistic), ("df", row.df), ("p", row.p_value), ("ci_low", row.conf_low), ("ci_high", row.conf_high)]
}

#[test]
fn relative_lifts_agree_with_gbstats_and_tea_tasting() {
    let methods = ["relative_lift_log", "relative_lift_delta"];
    let Some((cases, mut ledger)) = family("relative_lift", &methods) else { return };
    for case in cases {
        let y = text(&case["inputs"]["y"]);
        let sample = arms(&case, &[&y]);
        let question = effect(mean_of(&y), "treatment", "control");
        let lift = |options: &[(&str, &str)]| run("difference_in_means", &question, &design(&[], options), &sample);
        if text(&case["method"]) == "relative_lift_log" {
            let rows = lift(&[("lift", "log")]);
            let t = row(&rows, "relative");
            check(
                &case,
                None,
                t,
                &[("lift", t.estimate), ("ci_low_t", t.conf_low), ("ci_high_t", t.conf_high), ("p_abs_t", t.p_value)],
            );
            let rows = lift(&[("lift", "log"), ("distribution", "normal")]);
            let z = row(&rows, "relative");
            check(&case, None, z, &[("ci_low_z", z.conf_low), ("ci_high_z", z.conf_high)]);
        } else {
            let rows = lift(&[("lift", "delta")]);
            let delta = row(&rows, "relative");
            check(
                &case,
                None,
                delta,
                &[
                    ("lift", delta.estimate),
                    ("se", delta.std_error),
                    ("df", delta.df),
                    ("ci_low", delta.conf_low),
                    ("ci_high", delta.conf_high),
                    ("p", delta.p_value),
                ],
            );
        }
        ledger.ran(&case);
    }
    ledger.close(8, 0);
}

#[test]
fn ratios_of_means_agree_with_tea_tasting() {
    let Some((cases, mut ledger)) = family("ratio_delta", &["ratio_metric_delta"]) else { return };
    for case in cases {
        let inputs = &case["inputs"];
        let (numerator, denominator) = (text(&inputs["numerator"]), text(&inputs["denominator"]));
        let sample = if text(&case["id"]) == "ratio_village_takeup" {
            villages(&case)
        } else {
            arms(&case, &[&numerator, &denominator])
        };
        let question = effect(ratio_of(&numerator, &denominator), "treatment", "control");
        let rows = run("ratio", &question, &design(&[], &[("lift", "log")]), &sample);
        let (t, lift) = (row(&rows, "absolute"), row(&rows, "relative"));
        check(
            &case,
            None,
            t,
            &[
                ("control", t.mean_baseline),
                ("treatment", t.mean),
                ("diff", t.estimate),
                ("t", t.statistic),
                ("p_t", t.p_value),
                ("ci_low_t", t.conf_low),
                ("ci_high_t", t.conf_high),
                ("lift", lift.estimate),
                ("lift_ci_low_t", lift.conf_low),
                ("lift_ci_high_t", lift.conf_high),
            ],
        );
        let rows = run("ratio", &question, &design(&[], &[("distribution", "normal")]), &sample);
        let z = row(&rows, "absolute");
        check(&case, None, z, &[("p_z", z.p_value), ("ci_low_z", z.conf_low), ("ci_high_z", z.conf_high)]);
        ledger.ran(&case);
    }
    ledger.close(3, 0);
}

/// One unit per village and arm: takers and people asked.
fn villages(case: &Value) -> Sample {
    let data = table(&text(&case["dataset"]));
    let (takeup, intensive, village) = (data.numbers("takeup_survey"), data.numbers("intensive"), data.text("village"));
    let mut sums = std::collections::BTreeMap::<(u8, String), (f64, f64)>::new();
    for row in 0..takeup.len() {
        if let Some(name) = &village[row]
            && takeup[row].is_finite()
            && intensive[row].is_finite()
        {
            let sum = sums.entry((intensive[row] as u8, name.clone())).or_default();
            *sum = (sum.0 + takeup[row], sum.1 + 1.0);
        }
    }
    let arm = |name: &str, level: u8| {
        let units: Vec<(f64, f64)> = sums.iter().filter(|((arm, _), _)| *arm == level).map(|(_, sum)| *sum).collect();
        let (num, den): (Vec<f64>, Vec<f64>) = units.into_iter().unzip();
        Arm::new(name, &[("num", &num), ("den", &den)])
    };
    sample(&[arm("control", 0), arm("treatment", 1)])
}

#[test]
fn cuped_agrees_with_tea_tasting() {
    let Some((cases, mut ledger)) = family("cuped", &["cuped", "cuped_ratio"]) else { return };
    for case in cases {
        let inputs = &case["inputs"];
        if text(&case["method"]) == "cuped" {
            let (y, x) = (text(&inputs["y"]), text(&inputs["covariate"]));
            let sample = arms(&case, &[&y, &x]);
            let question = effect(mean_of(&y), "treatment", "control");
            let options = [("slope", "pooled"), ("lift", "log")];
            let rows = run("regression_adjustment", &question, &design(&[&x], &options), &sample);
            let (adjusted, lift) = (row(&rows, "absolute"), row(&rows, "relative"));
            check(
                &case,
                None,
                adjusted,
                &[
                    ("mean_adj_control", adjusted.mean_baseline),
                    ("mean_adj_treatment", adjusted.mean),
                    ("diff", adjusted.estimate),
                    ("t", adjusted.statistic),
                    ("p", adjusted.p_value),
                    ("ci_low", adjusted.conf_low),
                    ("ci_high", adjusted.conf_high),
                    ("lift", lift.estimate),
                    ("lift_ci_low_log", lift.conf_low),
                    ("lift_ci_high_log", lift.conf_high),
                ],
            );
            let rows = run("difference_in_means", &question, &Design::default(), &sample);
            let plain = row(&rows, "absolute");
            check(&case, None, plain, &[("unadjusted_diff", plain.estimate), ("unadjusted_t", plain.statistic)]);
        } else {
            let sample = arms(&case, &["spend", "visit", "history"]);
            let question = effect(ratio_of("spend", "visit"), "treatment", "control");
            let options = [("slope", "pooled"), ("distribution", "normal")];
            let rows = run("ratio", &question, &design(&["history"], &options), &sample);
            let z = row(&rows, "absolute");
            check(
                &case,
                None,
                z,
                &[
                    ("control", z.mean_baseline),
                    ("treatment", z.mean),
                    ("diff", z.estimate),
                    ("z", z.statistic),
                    ("p", z.p_value),
                    ("ci_low", z.conf_low),
                    ("ci_high", z.conf_high),
                ],
            );
        }
        ledger.ran(&case);
    }
    ledger.close(3, 0);
}

/// Compares the rows of a regression, by term, with coefficients and their inference by name.
fn check_terms(case: &Value, rows: &Estimates, arm: &str) {
    for (name, want) in case["expected"]["coef"].as_object().expect("coefficients by name") {
        let term = match name.as_str() {
            "(Intercept)" => "(intercept)",
            name if name == arm => "arm",
            name => name,
        };
        let row = rows.rows.iter().find(|row| row.term.as_deref() == Some(term)).expect("a row per term");
        let columns = [
            ("coef", row.estimate),
            ("se", row.std_error),
            ("df", row.df),
            ("p", row.p_value),
            ("ci_low", row.conf_low),
            ("ci_high", row.conf_high),
        ];
        for (column, got) in columns {
            let want = if column == "coef" { want.as_f64() } else { case["expected"][column][name].as_f64() };
            let (want, got) = (want.expect("a number"), number(got));
            let rtol = case["rtol"].as_f64().expect("a tolerance");
            // Tails below 1e-12 are compared by their logarithm, as the cases ask.
            let near = if column == "p" && want < 1e-12 {
                (got.log10() - want.log10()).abs() < 1e-3
            } else {
                (got - want).abs() <= rtol * want.abs()
            };
            assert!(near, "{}: {column} of {name} is {got:e}, want {want:e}", case["id"]);
        }
    }
}

#[test]
fn least_squares_on_rows_agrees_with_estimatr() {
    let Some((cases, mut ledger)) = family("ols_hc", &["ols", "newey_west"]) else { return };
    for case in cases {
        let inputs = &case["inputs"];
        let Some(terms) = inputs["x"].as_array().filter(|terms| terms.iter().any(|term| term == "treat")) else {
            let reason = if case["method"] == "ols" {
                "regression without an arm, Wald and specification tests"
            } else {
                "time series"
            };
            ledger.waits(&case, reason);
            continue;
        };
        let covariates: Vec<String> = terms.iter().map(text).filter(|term| term != "1" && term != "treat").collect();
        let covariates: Vec<&str> = covariates.iter().map(String::as_str).collect();
        let columns: Vec<&str> = ["re78"].into_iter().chain(covariates.iter().copied()).collect();
        let data = table(&text(&case["dataset"]));
        let sample = two_arms(&data, "treat", "1", "0", &columns);
        let se = text(&inputs["se"]);
        let question = effect(mean_of("re78"), "treatment", "control");
        let rows = run("ols", &question, &design(&covariates, &[("se", &se), ("slope", "shared")]), &sample);
        check_terms(&case, &rows, "treat");
        // With one slope for both arms the coefficient of the arm is the effect itself.
        let (arm, effect) =
            (rows.rows.iter().find(|row| row.term.as_deref() == Some("arm")).unwrap(), row(&rows, "absolute"));
        assert!((number(arm.estimate) - number(effect.estimate)).abs() < 1e-9 * number(effect.estimate).abs());
        assert!((number(arm.std_error) - number(effect.std_error)).abs() < 1e-9 * number(effect.std_error));
        ledger.ran(&case);
    }
    ledger.close(9, 2);
}

#[test]
fn regression_with_slopes_per_arm_agrees_with_estimatr() {
    let methods = ["lin_adjustment", "blocked_difference"];
    let Some((cases, mut ledger)) = family("lin_adjustment", &methods) else { return };
    for case in cases {
        if case["method"] == "blocked_difference" {
            ledger.waits(&case, "post-stratification");
            continue;
        }
        let inputs = &case["inputs"];
        let covariates: Vec<String> = inputs["covariates"].as_array().expect("covariates").iter().map(text).collect();
        let covariates: Vec<&str> = covariates.iter().map(String::as_str).collect();
        let y = text(&inputs["y"]);
        let columns: Vec<&str> = [y.as_str()].into_iter().chain(covariates.iter().copied()).collect();
        let data = table(&text(&case["dataset"]));
        let (sample, arm) = if y == "spend" {
            (two_arms(&data, "segment", "Mens E-Mail", "No E-Mail", &columns), "z")
        } else {
            (two_arms(&data, "treat", "1", "0", &columns), "treat")
        };
        let question = effect(mean_of(&y), "treatment", "control");
        let se = text(&inputs["se"]);
        let enrolled = |covariates: &[&str], options: &[(&str, &str)]| Design {
            population: Population::Enrolled,
            ..design(covariates, options)
        };
        let rows = run("ols", &question, &enrolled(&covariates, &[("se", &se)]), &sample);
        check_terms(&case, &rows, arm);
        let by_rows = row(&rows, "absolute");
        // From moments alone the same effect, and with its own variance per arm nearly the same standard error.
        let rows = run("regression_adjustment", &question, &enrolled(&covariates, &[]), &sample);
        let by_moments = row(&rows, "absolute");
        let near = |a: Option<f64>, b: Option<f64>, rtol: f64| (number(a) - number(b)).abs() <= rtol * number(b).abs();
        assert!(near(by_moments.estimate, by_rows.estimate, 1e-9), "{}", case["id"]);
        assert!(near(by_moments.mean_baseline, by_rows.mean_baseline, 1e-9), "{}", case["id"]);
        assert!(near(by_moments.std_error, by_rows.std_error, 0.05), "{}", case["id"]);
        ledger.ran(&case);
    }
    ledger.close(8, 1);
}

#[test]
fn shares_agree_with_statsmodels() {
    let Some((cases, mut ledger)) = family("proportions", &["two_proportions"]) else { return };
    for case in cases {
        let expected = &case["expected"];
        let count = |key: &str| expected[key].as_u64().expect("a count");
        let arm = |name: &str, successes: u64, n: u64| {
            let values: Vec<f64> = (0..n).map(|unit| f64::from(u8::from(unit < successes))).collect();
            Arm::new(name, &[("y", &values)])
        };
        let sample =
            sample(&[arm("control", count("x_c"), count("n_c")), arm("treatment", count("x_t"), count("n_t"))]);
        let question = effect(proportion_of("y"), "treatment", "control");
        let by = |method: &str| run("proportion", &question, &design(&[], &[("method", method)]), &sample);
        let ends = |row: &Estimate, shift: f64| [number(row.conf_low) + shift, number(row.conf_high) + shift];
        let pooled = by("pooled_z");
        let z = row(&pooled, "absolute");
        check(&case, None, z, &[("diff", z.estimate), ("z_pooled", z.statistic), ("p_pooled", z.p_value)]);
        let wald = by("wald");
        let z = row(&wald, "absolute");
        check(&case, None, z, &[("z_unpooled", z.statistic), ("p_unpooled", z.p_value)]);
        assert_within(&case, "ci_wald", &ends(z, 0.0));
        assert_within(&case, "ratio_ci_log", &ends(row(&wald, "relative"), 1.0));
        assert_within(&case, "ci_newcomb", &ends(row(&by("newcombe"), "absolute"), 0.0));
        // `ci_score` is a known disagreement with the reference, shown in `two_proportions`.
        assert_within(&case, "ratio_ci_score", &ends(row(&by("score"), "relative"), 1.0));
        ledger.ran(&case);
    }
    ledger.close(5, 0);
}

#[test]
fn sample_ratios_agree_with_scipy() {
    let Some((cases, mut ledger)) = family("srm", &["srm_chisq"]) else { return };
    for case in cases {
        let numbers = |key: &str| -> Vec<f64> {
            case["inputs"][key].as_array().expect("a list").iter().filter_map(Value::as_f64).collect()
        };
        let observed: Vec<u64> = numbers("observed").into_iter().map(|count| count as u64).collect();
        let test = sample_ratio_test(&observed, &numbers("weights")).expect("two planned arms");
        assert_within(&case, "chi2", &[test.statistic]);
        assert_within(&case, "df", &[test.df]);
        assert_within(&case, "p", &[test.p_value]);
        assert_within(&case, "expected_counts", &test.expected);
        ledger.ran(&case);
    }
    ledger.close(4, 0);
}
