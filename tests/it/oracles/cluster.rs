//! Clusters: clubSandwich on experiments whose arms were assigned to villages and schools.

use super::{Case, Comparison, Outcome, hold};
use crate::command::{ABSOLUTE, Desk};

#[test]
fn clusters() {
    hold("cluster", [8, 12], |case| match (case.id(), case.method()) {
        (id, "ols_cluster") if id.starts_with("si_") => {
            let rows = "takeup_survey is not null and intensive is not null and male is not null and age is not null \
                        and village is not null";
            regression(case, "intensive", rows).ran()
        }
        (id, "ols_cluster") if id.starts_with("aw_") => {
            let rows = "year = 2001 and sex = 'Girl' and Bagrut_status is not null and treated is not null \
                        and lagscore is not null and siblings is not null and immigrant is not null";
            regression(case, "treated", rows).ran()
        }
        _ => Outcome::Waits("regressions without arms, which stand in the library's own tests"),
    });
}

fn regression<'a>(case: &'a Case, arm: &str, rows: &str) -> Comparison<'a> {
    let (file, metric) = (case.data(), format!("mean({})", case.input("y")));
    let errors = format!("errors={}", case.input("vcov"));
    let cluster = case.input("cluster");
    let file = file.to_str().expect("a path in UTF-8");
    let mut arguments = vec![file, "--arm", arm, "--control", "0", "--metric", &metric, "--filter", rows];
    arguments.extend(["--cluster", &cluster, "--estimator", "cluster_robust", "--option", &errors]);
    arguments.extend(["--option", "slope=shared"]);
    let covariates: Vec<String> = case.inputs("x").into_iter().filter(|name| name != "1" && name != arm).collect();
    covariates.iter().for_each(|name| arguments.extend(["--covariate", name]));
    let rows = Desk::new().analyze(&arguments).rows();
    let row = rows.effect(&metric, "1", ABSOLUTE);
    let mut compared = case.compare();
    for (key, column) in [("est", "estimate"), ("se", "std_error"), ("df", "df"), ("p", "p_value")] {
        if case.expects(key) {
            compared.number(&format!("{key}/{arm}"), row.number(column));
            let others: Vec<String> = covariates.iter().map(|name| format!("{key}/{name}")).collect();
            let others: Vec<&str> = others.iter().map(String::as_str).collect();
            compared.wait(&others, "the library compares the slopes");
            compared.wait(&[&format!("{key}/(Intercept)")], "covariates are centred here");
        }
    }
    if case.expects("n") {
        compared.number("n", row.number("n") + row.number("n_baseline"));
    }
    compared.wait(&["clusters"], "the result says so in a note");
    compared
}
