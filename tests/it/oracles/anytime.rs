//! Looking whenever one likes: gbstats' sequences on two archived experiments and on Hillstrom's mailing.

use super::{Case, Comparison, Outcome, hold};
use crate::command::{ABSOLUTE, Desk};
use crate::shared;

#[test]
fn anytime() {
    hold("anytime", [3, 7], |case| match (case.method(), case.id()) {
        ("asymptotic_cs", "asympcs_hillstrom_mens") => mailing(case).ran(),
        ("asymptotic_cs", _) => checkpoints(case).ran(),
        _ => Outcome::Waits("boundaries and regressions of the library, which no command prints by themselves"),
    });
}

const KEYS: [(&str, &str); 3] = [("ci_low", "conf_low"), ("ci_high", "conf_high"), ("p", "p_value")];

fn mailing(case: &Case) -> Comparison<'_> {
    let (file, metric) = (case.data(), format!("mean({})", case.input("y")));
    let (arm, control) = (case.input("treatment"), case.input("control"));
    let file = file.to_str().expect("a path in UTF-8");
    let arguments =
        [file, "--arm", "segment", "--control", &control, "--metric", &metric, "--estimator", "confidence_sequence"];
    let row = Desk::new().analyze(&arguments).rows().effect(&metric, &arm, ABSOLUTE);
    let mut compared = case.compare();
    compared.row(&row, &[&[("est", "estimate")], &KEYS[..]].concat());
    compared.wait(&["rho"], "the library compares the tuning");
    compared
}

/// Every look at one variant of one experiment, from a table of summaries.
fn checkpoints(case: &Case) -> Comparison<'_> {
    let [experiment, variant, metric] =
        case.id().trim_start_matches("asympcs_asos_").split('_').collect::<Vec<_>>()[..]
    else {
        panic!("{}", case.id())
    };
    let of = |arm: &str, suffix: &str| {
        format!(
            "SELECT time_since_start AS look, {arm} AS arm, count_{suffix} AS n, mean_{suffix} AS mean, \
             variance_{suffix} AS variance FROM checkpoints WHERE experiment_id = '{experiment}' AND variant_id = {variant} \
             AND metric_id = {metric} AND variance_c IS NOT NULL AND variance_t IS NOT NULL"
        )
    };
    let sql = format!("sql = \"{} UNION ALL {}\"\n", of("'control'", "c"), of("'variant'", "t"));
    let desk = Desk::with(&[
        ("estimand.toml", "name = \"anytime\"\n"),
        ("sources/checkpoints.toml", "path = \"checkpoints.parquet\"\n"),
        ("sources/arms.toml", &sql),
    ]);
    let data = shared::data("asos_experiments.parquet").expect("the folder in which the case was found");
    desk.write("checkpoints.parquet", std::fs::read(data).expect("the data set"));
    let arguments = ["--summary", "arms", "--control", "control", "--estimator", "confidence_sequence"];
    let rows = desk.analyze(&arguments).rows().0;
    let looks: Vec<_> = rows.iter().filter(|row| row["scale"] == ABSOLUTE && row["period"].is_string()).collect();
    let column = |name: &str| -> Vec<f64> { looks.iter().map(|row| row[name].as_f64().expect(name)).collect() };
    let mut compared = case.compare();
    let times = looks.iter().map(|row| row["period"].as_str().expect("a look").parse().expect("a time"));
    compared.list("time", &times.collect::<Vec<f64>>());
    compared.list("lift", &column("estimate"));
    for (key, own) in KEYS {
        compared.list(key, &column(own));
    }
    compared
}
