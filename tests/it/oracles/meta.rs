//! Meta-analysis: fixed and random effects of a programme.

use super::{Case, Outcome, hold};
use crate::command::Desk;
use crate::shared;

#[test]
fn meta() {
    hold("meta", [1, 0], |case| match case.method() {
        "meta_analysis" => last_looks(case),
        _ => Outcome::Waits("no such method is known here"),
    });
}

fn last_looks(case: &Case) -> Outcome<'_> {
    let desk = Desk::with(&[
        ("estimand.toml", "name = \"meta\"\n"),
        ("sources/checkpoints.toml", "path = \"checkpoints.parquet\"\n"),
        ("sources/arms.toml", &format!("sql = \"{}\"\n", arms(&case.input("metric_id")))),
    ]);
    let data = shared::data("asos_experiments.parquet").expect("the folder in which the case was found");
    desk.write("checkpoints.parquet", std::fs::read(data).expect("the data set"));
    let metric = |heterogeneity: &str| {
        let arguments = ["programme", "arms", "--control", "control", "--scale", "absolute", "--interval", "normal"];
        let document = desk.run(
            &[&arguments[..], &["--prior", "normal", "--heterogeneity", heterogeneity, "--format", "json"]].concat(),
        );
        document.document()["programme"]["metrics"][0].clone()
    };
    let (dl, pm) = (metric("dersimonian_laird"), metric("paule_mandel"));
    let mut compare = case.compare();
    let number =
        |metric: &serde_json::Value, path: &str| metric.pointer(path).and_then(|it| it.as_f64()).unwrap_or(f64::NAN);
    for (key, got) in [
        ("k", number(&dl, "/effects")),
        ("fixed", number(&dl, "/fixed_effect/estimate")),
        ("fixed_se", number(&dl, "/fixed_effect/std_error")),
        ("random_dl", number(&dl, "/random_effects/estimate")),
        ("random_dl_se", number(&dl, "/random_effects/std_error")),
        ("tau2_dl", number(&dl, "/spread/tau").powi(2)),
        ("Q", number(&dl, "/spread/q")),
        ("I2", number(&dl, "/spread/i_squared")),
        ("tau2_pm", number(&pm, "/spread/tau").powi(2)),
        ("random_pm", number(&pm, "/random_effects/estimate")),
    ] {
        compare.number(key, got);
    }
    compare.ran()
}

/// The looks at one metric as a table of arms; the control of each variant has a look of its own.
fn arms(metric: &str) -> String {
    let of = |arm: &str, suffix: &str| {
        format!(
            "SELECT experiment_id || ' ' || CAST(variant_id AS VARCHAR) AS experiment, time_since_start AS look, {arm} AS arm, \
             count_{suffix} AS n, mean_{suffix} AS mean, variance_{suffix} AS variance FROM checkpoints \
             WHERE metric_id = {metric} AND variance_c IS NOT NULL AND variance_t IS NOT NULL AND count_c > 0 AND count_t > 0"
        )
    };
    format!("{} UNION ALL {}", of("'control'", "c"), of("'variant'", "t"))
}
