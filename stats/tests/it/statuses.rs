//! Families, status words and the verdict: the table of the specification, row by row.

use std::collections::BTreeMap;

use estimand_stats::check::{self, ArmCounts, CheckResult, Evidence};
use estimand_stats::estimand::Direction;
use estimand_stats::multiplicity::Correction;
use estimand_stats::status::{self, MetricRule, Progress, Rules};
use estimand_stats::verdict::{VerdictKind, verdict};
use estimand_stats::{Estimate, Estimates};

/// The two rows of one effect: relative estimate with its standard error, on a baseline of 10, with a normal reference.
fn effect(metric: &str, role: &str, arm: &str, lift: f64, std_error: f64, p: f64) -> Vec<Estimate> {
    let row = |scale: &str, factor: f64| Estimate {
        metric: Some(metric.into()),
        role: Some(role.into()),
        arm: Some(arm.into()),
        baseline_arm: Some("A".into()),
        scale: Some(scale.into()),
        alternative: Some("two_sided".into()),
        n: Some(500),
        n_baseline: Some(500),
        mean: Some(10.0 * (1.0 + lift)),
        mean_baseline: Some(10.0),
        estimate: Some(factor * lift),
        std_error: Some(factor * std_error),
        conf_low: Some(factor * (lift - 1.96 * std_error)),
        conf_high: Some(factor * (lift + 1.96 * std_error)),
        level: Some(0.95),
        p_value: Some(p),
        decides: Some(true),
        ..Estimate::default()
    };
    vec![row("absolute", 10.0), row("relative", 1.0)]
}

fn guardrail(metric: &str, lift: f64, std_error: f64, p_margin: f64) -> Vec<Estimate> {
    let mut rows = effect(metric, "guardrail", "B", lift, std_error, 0.5);
    let margin = Estimate {
        margin: Some(0.05),
        alternative: Some("greater".into()),
        conf_high: None,
        level: Some(0.975),
        p_value: Some(p_margin),
        ..rows[1].clone()
    };
    rows.push(margin);
    rows
}

fn finished(rows: Vec<Vec<Estimate>>, rules: &Rules, checks: &[CheckResult]) -> Estimates {
    let mut estimates: Estimates = rows.into_iter().flatten().collect();
    status::finish(&mut estimates, rules, checks).unwrap();
    estimates
}

fn word(rows: Vec<Estimate>, rules: &Rules) -> String {
    let estimates = finished(vec![rows], rules, &[]);
    let words: Vec<&str> = estimates.rows.iter().filter_map(|row| row.status.as_deref()).collect();
    assert!(words.iter().all(|word| *word == words[0]) && words.len() == estimates.rows.len(), "{words:?}");
    words[0].to_owned()
}

fn rules(metric: &str, direction: Direction, minimum_effect: Option<f64>) -> Rules {
    let rule = MetricRule { label: String::new(), direction, minimum_effect };
    Rules { metrics: BTreeMap::from([(metric.to_owned(), rule)]), ..Rules::default() }
}

fn failed_check() -> Vec<CheckResult> {
    let arm = |arm: &str, units| ArmCounts { arm: arm.into(), weight: 1.0, assigned: units, counted: units };
    check::run(&Evidence { arms: vec![arm("A", 10_000), arm("B", 9_000)], ..Evidence::default() })
}

#[test]
fn tested_metrics_are_better_worse_unclear_or_too_small() {
    let plain = Rules::default();
    assert_eq!(word(effect("m", "primary", "B", 0.05, 0.01, 1e-6), &plain), "better");
    assert_eq!(word(effect("m", "primary", "B", -0.05, 0.01, 1e-6), &plain), "worse");
    assert_eq!(word(effect("m", "secondary", "B", 0.01, 0.01, 0.3), &plain), "no clear effect");
    assert_eq!(word(effect("m", "primary", "B", -0.05, 0.01, 1e-6), &rules("m", Direction::Lower, None)), "better");
    assert_eq!(
        word(effect("m", "primary", "B", 0.01, 0.002, 1e-6), &rules("m", Direction::Higher, Some(0.02))),
        "too small to matter"
    );
    assert_eq!(
        word(effect("m", "primary", "B", 0.02, 0.002, 1e-6), &rules("m", Direction::Higher, Some(0.02))),
        "better"
    );
}

#[test]
fn guardrails_are_safe_harmed_or_not_shown_safe() {
    let plain = Rules::default();
    assert_eq!(word(guardrail("m", 0.0, 0.01, 1e-6), &plain), "safe");
    assert_eq!(word(guardrail("m", -0.01, 0.002, 1e-6), &plain), "safe", "a loss inside the margin is tolerated");
    assert_eq!(word(guardrail("m", -0.10, 0.01, 0.999), &plain), "harmed");
    assert_eq!(word(guardrail("m", -0.03, 0.03, 0.25), &plain), "not shown safe");
}

#[test]
fn a_failed_check_and_a_running_plan_come_first() {
    let rows = effect("m", "primary", "B", 0.05, 0.01, 1e-6);
    let failed = finished(
        vec![rows.clone(), effect("i", "informational", "B", 0.1, 0.1, 0.3)],
        &Rules::default(),
        &failed_check(),
    );
    assert!(failed.rows.iter().all(|row| row.status.as_deref() == Some("check data")));
    let running = Rules { progress: Progress::Running { share: Some(0.62) }, ..Rules::default() };
    assert_eq!(word(rows.clone(), &running), "running");
    assert_eq!(word(rows.clone(), &Rules { minimum_units: Some(1_001), ..Rules::default() }), "running");
    assert_eq!(word(rows, &Rules { minimum_units: Some(1_000), ..Rules::default() }), "better");
}

#[test]
fn primaries_are_corrected_over_metrics_and_arms_and_secondaries_apart() {
    let rows = vec![
        effect("m", "primary", "B", 0.05, 0.01, 0.010),
        effect("m", "primary", "C", 0.05, 0.01, 0.020),
        effect("n", "primary", "B", 0.05, 0.01, 0.030),
        effect("s", "secondary", "B", 0.05, 0.01, 0.030),
        effect("i", "informational", "B", 0.05, 0.01, 0.001),
        guardrail("g", 0.0, 0.01, 0.02),
    ];
    let estimates = finished(rows, &Rules::default(), &[]);
    let adjusted = |metric: &str, arm: &str| {
        let of = |row: &&Estimate| row.metric.as_deref() == Some(metric) && row.arm.as_deref() == Some(arm);
        estimates.rows.iter().filter(of).map(|row| row.p_adjusted).collect::<Vec<_>>()
    };
    let near = |got: Vec<Option<f64>>, want: f64| got.iter().all(|p| (p.unwrap() - want).abs() < 1e-15);
    assert!(near(adjusted("m", "B"), 0.030), "Holm: 3 × 0.010");
    assert!(near(adjusted("m", "C"), 0.040), "Holm: 2 × 0.020");
    assert!(near(adjusted("n", "B"), 0.040), "Holm: never below the one before");
    assert!(near(adjusted("s", "B"), 0.030), "the only secondary");
    assert_eq!(adjusted("i", "B"), [None, None]);
    assert_eq!(adjusted("g", "B"), [Some(0.5), Some(0.5), Some(0.02)], "guardrails are not corrected");
}

#[test]
fn corrections_can_be_changed_and_what_only_they_stand_against_is_noted() {
    let rows = || vec![effect("m", "primary", "B", 0.05, 0.02, 0.03), effect("n", "primary", "B", 0.01, 0.02, 0.6)];
    let estimates = finished(rows(), &Rules::default(), &[]);
    assert_eq!(estimates.rows[0].status.as_deref(), Some("no clear effect"));
    let note = "Without the correction for the number of tests this would count as an effect.";
    assert_eq!(estimates.rows[0].notes.as_deref(), Some(note));
    let mut rules = Rules::default();
    rules.corrections.primary = Correction::None;
    assert_eq!(finished(rows(), &rules, &[]).rows[0].status.as_deref(), Some("better"));
}

#[test]
fn segments_are_corrected_within_dimension_and_metric() {
    let segment = |value: &str, p: f64| {
        let mut rows = effect("m", "primary", "B", 0.05, 0.01, p);
        rows.iter_mut().for_each(|row| row.segment = Some(format!("country={value}")));
        rows
    };
    let rows = vec![
        effect("m", "primary", "B", 0.05, 0.01, 0.04),
        segment("DE", 0.01),
        segment("FR", 0.04),
        segment("IT", 0.30),
    ];
    let estimates = finished(rows, &Rules::default(), &[]);
    let adjusted: Vec<f64> = estimates.rows.iter().step_by(2).map(|row| row.p_adjusted.unwrap()).collect();
    assert!(
        adjusted.iter().zip([0.04, 0.03, 0.06, 0.30]).all(|(got, want)| (got - want).abs() < 1e-15),
        "{adjusted:?}"
    );
}

#[test]
fn rows_shown_beside_have_no_status() {
    let mut beside = effect("m", "primary", "B", 0.05, 0.01, 1e-9);
    beside.iter_mut().for_each(|row| row.decides = Some(false));
    let mut daily = effect("m", "primary", "B", 0.05, 0.01, 1e-9);
    daily.iter_mut().for_each(|row| row.period = Some("2026-01-01".into()));
    let estimates =
        finished(vec![effect("m", "primary", "B", 0.05, 0.02, 0.04), beside, daily], &Rules::default(), &[]);
    assert_eq!(estimates.rows[0].p_adjusted, Some(0.04));
    assert!(estimates.rows[2..].iter().all(|row| row.status.is_none() && row.p_adjusted.is_none()));
}

fn sentence(rows: Vec<Vec<Estimate>>, rules: &Rules, checks: &[CheckResult]) -> (VerdictKind, String) {
    let verdict = verdict(&finished(rows, rules, checks), rules, checks);
    (verdict.kind, verdict.sentence)
}

#[test]
fn the_verdict_counts_what_was_shown() {
    let mut rules = rules("conversion", Direction::Higher, None);
    rules.metrics.insert(
        "latency".into(),
        MetricRule { label: "Page latency".into(), direction: Direction::Lower, minimum_effect: None },
    );
    let rows = vec![
        effect("conversion", "primary", "B", 0.021, 0.0077, 0.006),
        effect("revenue", "primary", "B", 0.010, 0.02, 0.6),
        guardrail("refunds", 0.0, 0.01, 1e-6),
        guardrail("support", 0.0, 0.01, 1e-6),
        guardrail("crashes", -0.03, 0.03, 0.25),
    ];
    let (kind, sentence) = sentence(rows, &rules, &[]);
    assert_eq!(kind, VerdictKind::Decided);
    assert_eq!(
        sentence,
        "`B` improves conversion by 2.10 % (95 % CI 0.59 to 3.61); revenue: no clear effect (95 % CI −2.9 to 4.9); 2 of 3 \
         guardrails shown safe."
    );
}

#[test]
fn the_verdict_writes_improvement_as_a_positive_number() {
    let mut rules = rules("latency", Direction::Lower, None);
    rules.metrics.get_mut("latency").unwrap().label = "page latency".into();
    let (_, better) = sentence(vec![effect("latency", "primary", "B", -0.05, 0.01, 1e-6)], &rules, &[]);
    assert_eq!(better, "`B` improves page latency by 5.0 % (95 % CI 3.0 to 7.0, lower is better).");
    let (_, worse) = sentence(vec![effect("latency", "primary", "B", 0.05, 0.01, 1e-6)], &rules, &[]);
    assert_eq!(worse, "`B` worsens page latency by 5.0 % (95 % CI 3.0 to 7.0, lower is better).");
}

#[test]
fn the_verdict_names_harm_and_counts_secondaries() {
    let rows = vec![
        effect("m", "primary", "B", 0.01, 0.01, 0.3),
        guardrail("refunds", -0.10, 0.01, 0.999),
        effect("s", "secondary", "B", 0.05, 0.01, 1e-6),
        effect("t", "secondary", "B", -0.05, 0.01, 1e-6),
    ];
    let (_, sentence) = sentence(rows, &Rules::default(), &[]);
    assert_eq!(
        sentence,
        "`B`: m: no clear effect (95 % CI −1.0 to 3.0); 0 of 1 guardrail shown safe, refunds harmed; of 2 secondary metrics 1 \
         better and 1 worse."
    );
}

#[test]
fn there_is_no_verdict_on_bad_data_or_before_the_end() {
    let rows = || vec![effect("m", "primary", "B", 0.05, 0.01, 1e-6)];
    let (kind, text) = sentence(rows(), &Rules::default(), &failed_check());
    assert_eq!(kind, VerdictKind::CheckData);
    assert!(text.starts_with("Do not read effects yet. Units per arm do not match the allocation:"), "{text}");
    let running = Rules { progress: Progress::Running { share: Some(0.62) }, ..Rules::default() };
    let (kind, text) = sentence(rows(), &running, &[]);
    assert_eq!(
        (kind, text.as_str()),
        (VerdictKind::Running, "Running: 62 % of the plan has passed; there is no verdict yet.")
    );
    let (kind, _) = sentence(vec![effect("i", "informational", "B", 0.05, 0.01, 0.2)], &Rules::default(), &[]);
    assert_eq!(kind, VerdictKind::Nothing);
}

#[test]
fn three_arms_get_a_sentence_each() {
    let rows = vec![effect("m", "primary", "B", 0.05, 0.01, 1e-6), effect("m", "primary", "C", 0.00, 0.01, 1.0)];
    let (_, text) = sentence(rows, &Rules::default(), &[]);
    assert_eq!(text, "`B` improves m by 5.0 % (95 % CI 3.0 to 7.0). `C`: m: no clear effect (95 % CI −2.0 to 2.0).");
}

#[test]
fn a_posterior_decides_by_its_probability_where_a_test_has_a_p_value() {
    let posterior = |rows: Vec<Estimate>, beat: f64| -> Vec<Estimate> {
        let of = |row: Estimate| Estimate { p_value: None, prob_beat: Some(beat), ..row };
        rows.into_iter().map(of).collect()
    };
    let of =
        |lift: f64, beat: f64| word(posterior(effect("m", "primary", "B", lift, 0.01, 0.5), beat), &Rules::default());
    assert_eq!([of(0.03, 0.98), of(0.01, 0.97), of(-0.03, 0.02)], ["better", "no clear effect", "worse"]);
    let guarded = |beat: f64| word(posterior(guardrail("g", 0.0, 0.02, 0.5), beat), &Rules::default());
    assert_eq!([guarded(0.98), guarded(0.97)], ["safe", "not shown safe"]);
}

#[test]
fn a_look_decides_about_what_it_has_a_test_of() {
    let looking = Rules { progress: Progress::Looking, ..Rules::default() };
    let tested = effect("m", "primary", "B", 0.03, 0.01, 0.003);
    let untested: Vec<Estimate> = effect("n", "primary", "B", 0.02, 0.01, 0.5)
        .into_iter()
        .map(|row| Estimate { p_value: None, conf_low: None, conf_high: None, ..row })
        .collect();
    let estimates = finished(vec![tested, untested.clone()], &looking, &[]);
    let words: Vec<&str> = estimates.rows.iter().filter_map(|row| row.status.as_deref()).collect();
    assert_eq!(words, ["better", "better", "running", "running"]);
    let told = verdict(&estimates, &looking, &[]);
    assert_eq!(told.kind, VerdictKind::Decided);
    assert!(told.sentence.contains("n: running"), "{}", told.sentence);
    let waiting = finished(vec![untested], &looking, &[]);
    assert_eq!(verdict(&waiting, &looking, &[]).kind, VerdictKind::Running);
}
