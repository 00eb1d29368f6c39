//! Certification: an experiment's own units assigned anew, by the command.

use std::fmt::Write;

use crate::command::Desk;

/// A trial of units with an outcome, a share and a covariate, none of which the arm has touched.
fn trial() -> Desk {
    let mut units = "unit,arm,spend,bought,before\n".to_owned();
    let mut state = 7_u64;
    for unit in 0..600 {
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as f64 / f64::from(1_u32 << 31)
        };
        let before = next() * 10.0;
        let spend = before + next() * 5.0;
        let bought = u8::from(next() < 0.3);
        let arm = if next() < 0.5 { "A" } else { "B" };
        writeln!(units, "u{unit},{arm},{spend:.3},{bought},{before:.3}").expect("a text grows");
    }
    let value = |kind: &str, column: &str| {
        format!("kind = \"{kind}\"\ndirection = \"higher\"\nsource = \"people\"\n{column}\n")
    };
    Desk::with(&[
        ("estimand.toml", "name = \"trial\"\n"),
        ("units.csv", &units),
        ("sources/people.toml", "path = \"units.csv\"\n"),
        ("metrics/spend.toml", &value("mean", "value = \"spend\"")),
        ("metrics/bought.toml", &value("proportion", "value = \"bought = 1\"")),
        (
            "experiments/trial.toml",
            "unit = \"unit\"\ncontrol = \"A\"\n[assignment]\nsource = \"people\"\narm = \"arm\"\n\
             [[arms]]\nname = \"A\"\nallocation = 1\n[[arms]]\nname = \"B\"\nallocation = 1\n\
             [metrics]\nprimary = [\"spend\"]\nsecondary = [\"bought\"]\n[analysis]\ncovariates = [\"before\"]\n",
        ),
    ])
}

#[test]
fn units_assigned_anew_show_that_tests_keep_their_level() {
    let desk = trial();
    let told = |threads: &str| {
        let arguments =
            ["certify", "trial", "--replicates", "400", "--seed", "3", "--format", "json", "--threads", threads];
        desk.run(&arguments).document()
    };
    let document = told("1");
    assert_eq!(document, told("2"), "the same bytes by any number of threads");
    let certificates = document["certificates"].as_array().unwrap();
    let name =
        |one: &serde_json::Value| format!("{} {}", one["metric"].as_str().unwrap(), one["estimator"].as_str().unwrap());
    let names: Vec<String> = certificates.iter().map(name).collect();
    assert_eq!(
        names,
        [
            "spend regression_adjustment",
            "spend difference_in_means",
            "bought regression_adjustment",
            "bought proportion"
        ]
    );
    for certificate in certificates {
        let absolute = &certificate["scales"][0];
        let rate = absolute["rejected"]["rate"].as_f64().unwrap();
        // Four standard errors of a rate of 5 % by 400.
        assert!((rate - 0.05).abs() < 0.044, "{}: {rate}", name(certificate));
        let ratio = absolute["std_error_ratio"].as_f64().unwrap();
        assert!((ratio - 1.0).abs() < 0.15, "{}: {ratio}", name(certificate));
    }
    let detectable = |at: usize| certificates[at]["scales"][0]["minimum_detectable_effect"].as_f64().unwrap();
    assert!(detectable(0) < 0.6 * detectable(1), "the covariate makes smaller effects visible");
    let refused = document["refused"].as_array().unwrap();
    assert!(refused.is_empty(), "{refused:?}");
}

#[test]
fn a_metric_is_certified_with_every_estimator_that_serves_it() {
    let desk = trial();
    let arguments = ["certify", "bought", "--every-estimator", "--replicates", "40", "--format", "json"];
    let document = desk.run(&arguments).document();
    let certificates = document["certificates"].as_array().unwrap();
    let estimators: Vec<&str> = certificates.iter().map(|one| one["estimator"].as_str().unwrap()).collect();
    for name in ["beta_binomial", "difference_in_means", "permutation", "proportion", "regression_adjustment"] {
        assert!(estimators.contains(&name), "{name} of {estimators:?}");
    }
    assert!(certificates.iter().all(|one| one["metric"] == "bought"));
    let text = desk.run(&["certify", "spend", "--replicates", "40", "--lift", "0.1"]);
    assert_eq!(text.code, Some(0), "{}", text.talk);
    assert!(text.text().contains("power at 10"), "{}", text.text());
}

#[test]
fn what_cannot_be_certified_is_refused_with_its_mend() {
    let desk = trial();
    for (arguments, says) in [
        (vec!["certify", "trail"], "no experiment `trail`; the project has `trial`"),
        (vec!["certify", "trial", "--metric", "clicks"], "has no metric `clicks`"),
        (vec!["certify", "trial", "--replicates", "3"], "3 is not in 20..=1000000"),
        (vec!["certify", "trial", "--estimator", "welsh"], "no estimator `welsh`"),
    ] {
        let answer = desk.run(&arguments);
        assert_eq!((answer.code, answer.text().as_str()), (Some(2), ""), "{arguments:?}: {}", answer.talk);
        assert!(answer.talk.contains(says), "{arguments:?}: {}", answer.talk);
    }
}
