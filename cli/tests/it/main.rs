//! The command as a shell sees it: usage, exit codes, streams.

mod runs;
mod serve;

use std::process::{Command, Output};

fn estimand(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_estimand")).args(arguments).output().expect("the command starts")
}

fn talk(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn data(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn no_arguments_show_the_usage_and_end_with_code_2() {
    let output = estimand(&[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(talk(&output).contains("Usage: estimand"), "{}", talk(&output));
    assert!(output.stdout.is_empty(), "usage after a mistake is talk, not data");
}

#[test]
fn an_unknown_flag_is_named_with_code_2() {
    let output = estimand(&["srm", "10", "12", "--wieghts", "1,1"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(talk(&output).contains("--wieghts") && talk(&output).contains("--weights"), "{}", talk(&output));
}

#[test]
fn counts_are_tested_against_their_weights() {
    let output = estimand(&["srm", "821", "179", "--weights", "0.8,0.2", "--format", "json"]);
    let document: serde_json::Value = serde_json::from_str(&data(&output)).expect("one JSON document");
    assert_eq!(output.status.code(), Some(0));
    // 21²/800 + 21²/200
    assert!((document["chi2"].as_f64().unwrap_or_default() - 2.75625).abs() < 1e-12, "{document}");
}

#[test]
fn weights_of_another_number_are_refused_by_flag() {
    let output = estimand(&["srm", "10", "12", "--weights", "1"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(talk(&output), "--weights: 1 weights for 2 counts; give one for each\n");
}

#[test]
fn p_values_are_adjusted_in_the_order_given() {
    let output = estimand(&["adjust", "0.02", "0.01", "0.03"]);
    assert_eq!(data(&output), "0.04\n0.03\n0.04\n");
}

#[test]
fn a_number_that_is_no_p_value_is_refused() {
    let output = estimand(&["adjust", "0.02", "1.2"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(talk(&output).contains("1.2"), "{}", talk(&output));
}

#[test]
fn every_shell_has_its_completions() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh", "man"] {
        let output = estimand(&["completions", shell]);
        assert_eq!(output.status.code(), Some(0), "{shell}");
        assert!(data(&output).contains("estimand"), "{shell}");
    }
}

#[test]
fn every_estimator_is_listed_with_its_source() {
    let output = data(&estimand(&["list", "estimators"]));
    for rule in estimand_analysis::stats::estimator::ALL {
        assert!(output.contains(rule.name()) && output.contains(rule.source()), "{}: {output}", rule.name());
    }
}
