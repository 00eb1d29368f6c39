//! Tables of summaries, and what many experiments say together.

use serde_json::Value;

use crate::command::{Answer, Desk};
use crate::shared;

/// Two experiments of two arms, one of them looked at twice, with one effect that cannot be overlooked.
const ARMS: &str = "\
experiment,metric,look,arm,n,mean,variance
colour,revenue,1,A,1000,10.0,25.0
colour,revenue,1,B,1000,10.4,25.0
colour,revenue,10,A,4000,10.0,25.0
colour,revenue,10,B,4000,11.0,25.0
wording,revenue,2,A,2000,20.0,100.0
wording,revenue,2,B,2000,20.1,100.0
";

fn summaries(text: &str, more: &[&str]) -> Answer {
    let desk = Desk::with(&[("arms.csv", text)]);
    desk.run(&[&["analyze", "--summary", "arms.csv", "--format", "json"], more].concat())
}

fn refused(answer: &Answer, code: i32, says: &str) {
    assert_eq!((answer.code, answer.text().as_str()), (Some(code), ""), "{}", answer.talk);
    assert!(answer.talk.contains(says), "{}", answer.talk);
}

#[test]
fn each_look_of_a_table_is_answered_and_the_last_one_decides() {
    let rows = summaries(ARMS, &["--control", "A"]).rows().0;
    let absolute: Vec<&Value> = rows.iter().filter(|row| row["scale"] == "absolute").collect();
    let told: Vec<(&str, Option<&str>, f64, &str)> = absolute
        .iter()
        .map(|row| {
            let estimate = (row["estimate"].as_f64().unwrap() * 1e6).round() / 1e6;
            let status = row["status"].as_str().unwrap_or_default();
            (row["experiment"].as_str().unwrap(), row["period"].as_str(), estimate, status)
        })
        .collect();
    assert_eq!(
        told,
        [
            ("colour", None, 1.0, "better"),
            ("colour", Some("1"), 0.4, ""),
            ("colour", Some("10"), 1.0, ""),
            ("wording", None, 0.1, "no clear effect"),
            ("wording", Some("2"), 0.1, ""),
        ]
    );
}

#[test]
fn a_table_of_summaries_that_is_wrong_is_refused_with_its_place() {
    let edit = |from: &str, to: &str| {
        assert!(ARMS.contains(from), "{from}");
        summaries(&ARMS.replacen(from, to, 1), &["--control", "A"])
    };
    refused(&summaries(ARMS, &[]), 2, "arms.csv: --control is missing; name the arm compared against");
    refused(
        &summaries(ARMS, &["--control", "C"]),
        2,
        "experiment `colour`, metric `revenue`, look 1 has no arm `C`; it has `A`, `B`",
    );
    refused(
        &edit("wording,revenue,2,B,2000,20.1,100.0\n", ""),
        2,
        "look 2 has one arm, `A`, and a comparison needs two",
    );
    refused(&edit("colour,revenue,10,B", "colour,revenue,10,A"), 2, "look 10, arm `A` is there twice");
    refused(&edit("variance", "spread"), 2, "no column `variance` in the table");
    refused(&edit("4000,11.0", "4000.5,11.0"), 2, "column `n` holds 4000.5 for arm `B`, which is no count");
    refused(&edit("11.0,25.0", "11.0,-25.0"), 4, "experiment `colour`, look 10: metric `revenue`, arm `B`");
    refused(&edit("11.0,25.0", ",25.0"), 4, "`mean` is missing");
    refused(&edit("wording,revenue,2,A", ",revenue,2,A"), 2, "column `experiment` is empty in a row");
    refused(&summaries(ARMS, &["--control", "A", "--metric", "clicks"]), 2, "no row to answer from");
}

#[test]
fn a_programme_shrinks_what_it_found_and_counts_what_is_false() {
    // Thirty experiments without an effect but for chance, and three with one.
    let mut text = "experiment,metric,arm,estimate,std_error\n".to_owned();
    for number in 0..33 {
        let noise = f64::from((number * 7) % 31 - 15) / 15.0 * 1.6;
        let effect = if number < 3 { 6.0 } else { noise };
        text.push_str(&format!("e{number:02},revenue,B,{:.6},0.01\n", effect * 0.01));
    }
    let desk = Desk::with(&[("effects.csv", &text)]);
    let answer = desk.run(&["programme", "effects.csv", "--format", "json"]);
    let document = answer.document();
    let metric = &document["programme"]["metrics"][0];
    assert_eq!((metric["effects"].as_u64(), metric["found"].as_u64()), (Some(33), Some(3)));
    assert_eq!(metric["totals"]["launched"], 3);
    let total = |name: &str| metric["totals"][name]["estimate"].as_f64().unwrap();
    assert!((total("naive") - 0.18).abs() < 1e-12);
    assert!(total("shrunken") < total("naive") && total("shrunken") > 0.15, "{}", total("shrunken"));
    let prior = metric["prior"].as_str().unwrap();
    assert!(prior.starts_with("t:0:"), "{prior}");
    let rows = answer.rows().0;
    let of = |estimator: &str| {
        let found = rows.iter().find(|row| row["experiment"] == "e10" && row["estimator"] == estimator);
        found.and_then(|row| row["estimate"].as_f64())
    };
    let raw = rows.iter().find(|row| row["experiment"] == "e10" && row["estimator"].is_null()).unwrap();
    let raw = raw["estimate"].as_f64().unwrap();
    let shrunken = of("empirical_bayes").unwrap();
    assert!(shrunken.abs() < 0.7 * raw.abs() && shrunken * raw > 0.0, "{raw} to {shrunken}");
    assert_eq!(of("selected_effect"), None);
    // What it fitted is what the estimator takes.
    let option = format!("prior={prior}");
    let arms = "arm,n,mean,variance\nA,1000,10,25\nB,1000,11,25\n";
    let bayes = summaries(arms, &["--control", "A", "--estimator", "bayes", "--option", &option]);
    assert_eq!(bayes.code, Some(0), "{}", bayes.talk);
}

#[test]
fn a_programme_of_the_runs_of_a_project_takes_the_latest_of_each() {
    let desk = Desk::new();
    let answer = desk.run(&["demo", "demo", "--quiet"]);
    assert_eq!(answer.code, Some(0), "{}", answer.talk);
    let text = desk.run(&["programme", "--project", "demo/shop", "--format", "table"]);
    assert_eq!(text.code, Some(0), "{}", text.talk);
    assert!(text.text().contains("1 effect of 1 experiment"), "{}", text.text());
    let none = Desk::with(&[("estimand.toml", "name = \"empty\"\n")]);
    refused(&none.run(&["programme"]), 2, "the project has no runs; `estimand analyze EXPERIMENT` keeps one");
}

#[test]
fn what_is_no_programme_is_refused_with_its_mend() {
    let desk = Desk::with(&[("other.csv", "a,b\n1,2\n"), ("effects.csv", "estimate,std_error,scale\n1,1,absolute\n")]);
    let says = [
        (vec!["other.csv"], "no effects (`estimate`, `std_error`) and no summaries (`arm`, `n`) are in the table"),
        (
            vec!["effects.csv"],
            "no effect with an estimate and a standard error on the relative scale; name another `--scale`",
        ),
        (vec!["effects.csv", "--level", "1.5"], "--level: write a share between 0 and 1"),
        (vec!["nowhere.csv"], "nowhere.csv"),
    ];
    for (arguments, says) in says {
        let answer = desk.run(&[&["programme"], arguments.as_slice()].concat());
        assert!(answer.code != Some(0) && answer.talk.contains(says), "{arguments:?}: {}", answer.talk);
    }
}

/// An example project of the documentation, beside its data.
fn example(name: &str, data: &str) -> Option<Desk> {
    let source = shared::data(data)?;
    let desk = Desk::new();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/examples").join(name);
    for file in ["estimand.toml", "sources"] {
        let path = folder.join(file);
        let files = if path.is_dir() {
            std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()).collect()
        } else {
            vec![path]
        };
        for file in files {
            desk.write(file.strip_prefix(&folder).unwrap(), std::fs::read(&file).unwrap());
        }
    }
    desk.write(format!("data/{data}"), std::fs::read(source).unwrap());
    Some(desk)
}

#[test]
fn the_checkpoints_of_78_experiments_are_a_programme_of_sequences() {
    let Some(desk) = example("asos", "asos_experiments.parquet") else { return };
    assert_eq!(desk.run(&["check"]).code, Some(0));
    let arguments = ["programme", "arms", "--control", "control", "--estimator", "confidence_sequence"];
    let document = desk.run(&[arguments.as_slice(), &["--format", "json"]].concat()).document();
    let metrics = document["programme"]["metrics"].as_array().unwrap();
    let count = |name: &str| metrics.iter().map(|metric| metric[name].as_u64().unwrap()).collect::<Vec<_>>();
    assert_eq!(count("effects"), [99, 94, 94, 94]);
    assert_eq!(count("experiments"), [78, 75, 75, 75]);
    for metric in metrics {
        let looks = &metric["looks"];
        assert!(looks["watched"].as_u64() <= metric["effects"].as_u64());
        assert_eq!(looks["decided"], metric["found_alone"], "an effect is found when some look decided it");
        let total = |name: &str| metric["totals"][name]["estimate"].as_f64().unwrap();
        assert!(total("corrected") < total("naive") && total("shrunken") < total("naive"));
    }
    println!("asos: {} metrics, {:?} effects, {:?} found", metrics.len(), count("effects"), count("found"));
}

#[test]
fn thousands_of_tests_of_headlines_are_a_programme() {
    let Some(desk) = example("upworthy", "upworthy_packages.parquet") else { return };
    assert_eq!(desk.run(&["check"]).code, Some(0));
    let arguments =
        ["programme", "pairs", "--control", "1", "--scale", "absolute", "--prior", "normal", "--format", "json"];
    let document = desk.run(&arguments).document();
    let metric = &document["programme"]["metrics"][0];
    assert_eq!((metric["effects"].as_u64(), metric["left_out"].as_u64()), (Some(4871), Some(2)));
    assert_eq!(metric["shared_baselines"], false);
    // The order of two packages is by chance, and so is the sign of their difference.
    let average = metric["random_effects"]["estimate"].as_f64().unwrap();
    assert!(average.abs() < 0.001, "{average}");
    let [found, alone] = ["found", "found_alone"].map(|name| metric[name].as_u64().unwrap());
    assert!(found > 300 && found < alone, "{found} of {alone}");
    println!("upworthy: 4871 effects, {found} found, {alone} by their own test");
}
