//! Shares: statsmodels and SciPy on real and small tables, R's exact tests. Counts go in as a summary, and where a case
//! has a data set as its rows too.

use serde_json::{Value, json};

use super::{Case, Comparison, Outcome, hold};
use crate::command::{ABSOLUTE, Desk, RELATIVE, Row, Rows};

#[test]
fn proportions() {
    hold("proportions", [7, 6], |case| match (case.method(), case.id()) {
        ("two_proportions", _) => two_shares(case).ran(),
        ("fisher", "fisher_tea") => Outcome::Waits("one-sided tests outside guardrails"),
        ("fisher", _) => exact(case).ran(),
        ("k_proportions", _) => Outcome::Waits("one test of many shares"),
        ("cmh", _) => Outcome::Waits("strata"),
        ("binom_test", _) => Outcome::Waits("tests of one share"),
        ("poisson_two_sample", _) => Outcome::Waits("rates"),
        _ => Outcome::Waits("paired units"),
    });
}

/// A metric of a summary: successes of units in a treated arm and in the control.
fn counts(method: &str, [x_t, n_t]: [u64; 2], [x_c, n_c]: [u64; 2]) -> Value {
    let arms = json!([{ "arm": "C", "n": n_c, "successes": x_c }, { "arm": "T", "n": n_t, "successes": x_t }]);
    json!({ "name": method, "arms": arms, "options": { "method": method } })
}

/// All methods of a table in one call.
fn summarised(metrics: &[Value]) -> Rows {
    let summary = json!({ "control": "C", "metrics": metrics });
    Desk::with(&[("counts.json", &summary.to_string())]).analyze(&["--summary", "counts.json"]).rows()
}

/// The interval of a ratio from that of its lift.
fn of_ratio(row: &Row) -> [f64; 2] {
    row.interval().map(|end| end + 1.0)
}

fn two_shares(case: &Case) -> Comparison<'_> {
    let count = |name: &str| case.count(name);
    let (treated, control) = ([count("x_t"), count("n_t")], [count("x_c"), count("n_c")]);
    let methods = ["fisher", "newcombe", "pooled_z", "score", "wald"];
    let rows = summarised(&methods.map(|method| counts(method, treated, control)));
    let [absolute, relative] = [ABSOLUTE, RELATIVE].map(|scale| {
        let rows = rows.clone();
        move |method: &str| rows.effect(method, "T", scale)
    });
    let mut compared = case.compare();
    compared.row(&absolute("pooled_z"), &[("diff", "estimate"), ("z_pooled", "statistic"), ("p_pooled", "p_value")]);
    compared.row(&absolute("wald"), &[("z_unpooled", "statistic"), ("p_unpooled", "p_value")]);
    compared.row(&absolute("fisher"), &[("fisher_p", "p_value")]);
    compared.list("ci_wald", &absolute("wald").interval());
    compared.list("ci_newcomb", &absolute("newcombe").interval());
    compared.list("ratio_ci_log", &of_ratio(&relative("wald")));
    compared.list("ratio_ci_score", &of_ratio(&relative("score")));
    // The square of the pooled z is Pearson's chi-square.
    compared.number("chi2", absolute("pooled_z").number("statistic").powi(2));
    compared.number("chi2_p", absolute("pooled_z").number("p_value"));
    of_rows(case, &mut compared, absolute("pooled_z"));
    exact_of_columns(case, &mut compared);
    compared.wait(
        &["ci_score"],
        "the reference has the control's successes where the equation has its units; the `stats` tests show it",
    );
    compared.wait(&["or_ci_logit", "or_ci_score", "odds_ratio"], "odds ratios; tested in `stats`");
    compared.wait(&["ci_agresti_caffo", "chi2_yates", "chi2_yates_p", "g", "g_p"], "no option names them");
    compared.wait(&["fisher_p_greater"], "one-sided tests outside guardrails");
    let of_one_arm = ["ci_t_normal", "ci_t_wilson", "ci_t_agresti_coull", "ci_t_beta", "ci_t_jeffreys"];
    compared.wait(&of_one_arm, "intervals of one arm");
    compared
}

/// The same table from the rows of the data set, where there is one: to the last bit what the counts gave.
fn of_rows(case: &Case, compared: &mut Comparison<'_>, counted: Row) {
    let row = if case.0["dataset"].is_null() {
        counted
    } else {
        let (metric, arm) = (format!("proportion({})", case.input("y")), case.input("treatment"));
        let row = case.analyze(&metric, &["--option", "method=pooled_z"]).effect(&metric, &arm, ABSOLUTE);
        for column in ["estimate", "statistic", "p_value", "conf_low", "conf_high"] {
            assert_eq!(row.number(column), counted.number(column), "{}: {column} of rows and of counts", case.id());
        }
        row
    };
    compared.row(&row, &[("n_t", "n"), ("n_c", "n_baseline")]);
    compared.number("x_t", (row.number("mean") * row.number("n")).round());
    compared.number("x_c", (row.number("mean_baseline") * row.number("n_baseline")).round());
}

/// SciPy takes the columns of its table for the samples, and was given arms as rows: what it tested are the arms'
/// shares among successes and among failures.
fn exact_of_columns(case: &Case, compared: &mut Comparison<'_>) {
    if !case.expects("boschloo_p") {
        return;
    }
    let count = |name: &str| case.count(name);
    let (successes, units) = (count("x_t") + count("x_c"), count("n_t") + count("n_c"));
    let (among_successes, among_failures) =
        ([count("x_t"), successes], [count("n_t") - count("x_t"), units - successes]);
    let rows = summarised(&["barnard", "boschloo"].map(|method| counts(method, among_successes, among_failures)));
    compared.row(&rows.effect("boschloo", "T", ABSOLUTE), &[("boschloo_p", "p_value")]);
    // Of its 70 tables as extreme as the observed one SciPy counts 69: a tie is lost to rounding.
    compared.number_within("barnard_p", rows.effect("barnard", "T", ABSOLUTE).number("p_value"), 1e-3);
}

/// Men and women admitted by one department of Berkeley.
fn exact(case: &Case) -> Comparison<'_> {
    let text = std::fs::read_to_string(case.data()).expect("the data set");
    let filter = case.input("filter");
    let department = filter.split('\'').nth(1).expect("a department");
    let count = |admit: &str, gender: &str| -> u64 {
        let row = text.lines().find_map(|line| line.strip_prefix(&format!("{admit},{gender},{department},")));
        row.and_then(|count| count.parse().ok()).expect("a count")
    };
    let of = |gender: &str| [count("Admitted", gender), count("Admitted", gender) + count("Rejected", gender)];
    let row = summarised(&[counts("fisher", of("Male"), of("Female"))]).effect("fisher", "T", ABSOLUTE);
    let mut compared = case.compare();
    compared.row(&row, &[("p", "p_value")]);
    compared.wait(&["cond_or", "ci"], "odds ratios; tested in `stats`");
    compared
}
