//! Planning: R's `power.t.test`, `power.prop.test` and `pwr`, statsmodels, and tea-tasting on Hillstrom's spending.

use serde_json::Value;

use super::{Case, Comparison, Outcome, hold};
use crate::command::Desk;

#[test]
fn sizes_and_powers() {
    hold("power", [2, 5], |case| match case.id() {
        "power_t_basic" => student(case).ran(),
        "power_mde_tt" => spending(case).ran(),
        "power_prop" | "power_prop_small_effect" => Outcome::Waits(
            "the command plans by the test of the analysis, not by a formula; the library has the formula",
        ),
        _ => Outcome::Waits("functions of the library without a command"),
    });
}

/// The answer of `estimand power`.
fn power(arguments: &[&str]) -> Value {
    let answer = Desk::new().run(&[&["power", "--format", "json"], arguments].concat());
    answer.document()["answer"].clone()
}

fn number(answer: &Value, key: &str) -> f64 {
    answer[key].as_f64().unwrap_or_else(|| panic!("no {key} in {answer}"))
}

/// Welch's test with equal variances has nearly the power of Student's, which R plans by: two units more at most.
const WELCH: f64 = 2e-3;

fn student(case: &Case) -> Comparison<'_> {
    let mut compared = case.compare();
    let unit = ["--mean", "0", "--std-dev", "1"];
    let size = |effect: &str, chance: &str| {
        let answer = power(&[unit.as_slice(), &["--effect", effect, "--power", chance]].concat());
        number(&answer, "units") / 2.0
    };
    // Whole units per arm, where R solves for a fraction.
    compared.number_within("n80_d02", size("0.2", "0.8"), 3e-3);
    compared.number_within("n90_d05", size("0.5", "0.9"), 2e-2);
    let answer = power(&[unit.as_slice(), &["--effect", "1", "--units", "40"]].concat());
    compared.number_within("power_n20_d1", number(&answer, "power"), WELCH);
    let answer = power(&["--mean", "0", "--std-dev", "2", "--units", "200", "--power", "0.9"]);
    compared.number_within("delta_n100_p90", number(&answer, "effect"), WELCH);
    compared
}

/// tea-tasting's example, with mean and standard deviation of the unmailed customers.
fn spending(case: &Case) -> Comparison<'_> {
    let mut compared = case.compare();
    let answer = power(&["--mean", "0.6527893551112361", "--std-dev", "11.588199681271531", "--lift", "0.1"]);
    compared.number_within("effect_size", number(&answer, "effect"), 1e-6);
    compared.number_within("n_obs", number(&answer, "units"), 1e-3);
    compared
}
