//! Runs as a shell sees them: kept, listed, shown, replayed, and written as pages.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn estimand(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_estimand"));
    command.current_dir(folder).args(arguments).output().expect("the command starts")
}

fn data(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", talk(output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn talk(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The demonstration with few users: two projects, one run each.
fn demonstration() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    data(&estimand(folder.path(), &["demo", ".", "--users", "1000"]));
    folder
}

fn runs(project: &Path) -> Vec<Value> {
    let listed = data(&estimand(project, &["runs", "list", "--format", "json"]));
    serde_json::from_str(&listed).unwrap()
}

fn id(run: &Value) -> String {
    run["id"].as_str().unwrap().to_owned()
}

#[test]
fn an_experiment_is_kept_once_and_its_run_gives_the_same_bytes() {
    let folder = demonstration();
    let project = folder.path().join("shop");
    let now = data(&estimand(&project, &["analyze", "one_page_checkout", "--format", "csv"]));
    let kept = runs(&project);
    assert_eq!(kept.len(), 1, "the same analysis is the same run");
    let id = id(&kept[0]);
    assert_eq!(data(&estimand(&project, &["runs", "show", &id, "--format", "csv"])), now);
    let shown = data(&estimand(&project, &["runs", "show", &id[..8]]));
    assert!(shown.contains(&format!("run         {id}")) && shown.contains("data/events.parquet"), "{shown}");
    assert_eq!(
        data(&estimand(&project, &["replay", &id])),
        format!("run {}: computed again, all 4 artefacts equal, byte for byte\n", &id[..12])
    );
}

#[test]
fn another_question_is_another_run_and_no_save_keeps_none() {
    let folder = demonstration();
    let project = folder.path().join("trial");
    data(&estimand(&project, &["analyze", "job_training", "--level", "0.9"]));
    assert_eq!(runs(&project).len(), 2);
    data(&estimand(&project, &["analyze", "job_training", "--level", "0.8", "--no-save"]));
    assert_eq!(runs(&project).len(), 2);
}

#[test]
fn a_file_is_kept_only_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("orders.csv"), "arm,revenue\nA,1\nA,2\nA,4\nB,3\nB,2\nB,6\n").unwrap();
    let words = ["analyze", "orders.csv", "--arm", "arm", "--control", "A", "--metric", "revenue"];
    data(&estimand(folder.path(), &words));
    assert!(!folder.path().join(".estimand").exists());
    data(&estimand(folder.path(), &[&words[..], &["--save"]].concat()));
    let kept = runs(folder.path());
    assert_eq!(kept.len(), 1);
    let replayed = data(&estimand(folder.path(), &["replay", &id(&kept[0])]));
    assert!(replayed.ends_with("byte for byte\n"), "{replayed}");
}

#[test]
fn the_page_of_a_run_is_written_once_and_replaced_when_told() {
    let folder = demonstration();
    let project = folder.path().join("trial");
    let id = id(&runs(&project)[0]);
    data(&estimand(&project, &["report", &id[..12], "--plotly", "none"]));
    let page = std::fs::read_to_string(project.join(format!("{}.html", &id[..12]))).unwrap();
    assert!(page.contains(&format!("run {}", &id[..12])));
    let again = estimand(&project, &["report", &id[..12]]);
    assert_eq!(again.status.code(), Some(2));
    assert!(talk(&again).contains("is there already; give `--force` to replace it"), "{}", talk(&again));
    data(&estimand(&project, &["report", &id[..12], "--force"]));
}

#[test]
fn an_unknown_run_is_refused_with_those_there_are() {
    let folder = demonstration();
    let project = folder.path().join("trial");
    let id = id(&runs(&project)[0]);
    for command in [["runs", "show", "ffff"].as_slice(), &["replay", "ffff"], &["report", "ffff"]] {
        let refused = estimand(&project, command);
        assert_eq!(refused.status.code(), Some(2), "{command:?}");
        assert!(talk(&refused).contains("no run begins with `ffff`"), "{}", talk(&refused));
        assert!(talk(&refused).contains(&id[..12]), "the mend names the latest: {}", talk(&refused));
    }
    assert!(!project.join("ffff.html").exists(), "nothing is half-written");
}

#[test]
fn a_run_with_a_changed_file_is_named_and_not_shown() {
    let folder = demonstration();
    let project = folder.path().join("trial");
    let id = id(&runs(&project)[0]);
    let results = project.join(".estimand/runs").join(&id).join("report.json");
    std::fs::write(&results, "{}").unwrap();
    let refused = estimand(&project, &["runs", "show", &id, "--format", "csv"]);
    assert_eq!(refused.status.code(), Some(4));
    assert!(
        talk(&refused).contains(&format!("run `{id}` is damaged: `report.json was changed`")),
        "{}",
        talk(&refused)
    );
    assert!(refused.stdout.is_empty());
}

#[test]
fn a_replay_on_other_data_ends_with_code_4_and_names_the_file() {
    let folder = demonstration();
    let project = folder.path().join("trial");
    let id = id(&runs(&project)[0]);
    let file = project.join("data/people.csv");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes.extend_from_slice(b"\n");
    std::fs::write(&file, bytes).unwrap();
    let refused = estimand(&project, &["replay", &id]);
    assert_eq!(refused.status.code(), Some(4));
    assert!(
        talk(&refused).contains("`data/people.csv`") && talk(&refused).contains("put these files back"),
        "{}",
        talk(&refused)
    );
}
