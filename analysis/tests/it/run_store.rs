//! The store of runs: nothing half recorded, nothing silently changed.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Instant;

use estimand_analysis::run::{
    Definition, Error, Filter, Inputs, Log, Repair, Run, RunId, RunStore, Step, StoredRun, Summary,
};
use estimand_stats::verdict::{Verdict, VerdictKind};
use estimand_stats::{Estimate, Estimates};

/// Run number `seed`: different inputs, different results.
fn run(seed: u64) -> Run {
    let row = Estimate { metric: Some("revenue".into()), estimate: Some(seed as f64 / 3.0), ..Estimate::default() };
    Run {
        inputs: Inputs {
            experiment: if seed.is_multiple_of(2) { "checkout".into() } else { "email".into() },
            definitions: vec![Definition::new("experiments/email.toml", "name = \"email\"")],
            build: "0.1.0".into(),
            seed,
            ..Inputs::default()
        },
        results: [row].into_iter().collect(),
        summary: Summary {
            title: "Spring e-mail".into(),
            verdict: Verdict { kind: VerdictKind::Decided, sentence: "`B` improves revenue.".into() },
        },
        artefacts: BTreeMap::from([
            ("figures/forest.json".into(), b"{}".to_vec()),
            ("report.html".into(), b"<!doctype html>".to_vec()),
        ]),
        log: Log { started: Some("2026-03-15T00:00:00Z".into()), ..Log::default() },
    }
}

async fn open(project: &Path) -> RunStore {
    RunStore::open(project).await.unwrap()
}

fn project() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn runs_of(project: &Path) -> PathBuf {
    project.join(".estimand/runs")
}

fn folder_of(project: &Path, id: &RunId) -> PathBuf {
    runs_of(project).join(id.as_str())
}

/// Changes one bit of a file.
fn flip(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

#[tokio::test]
async fn a_run_is_read_back_as_it_was_recorded() {
    let project = project();
    let store = open(project.path()).await;
    let recorded = store.insert(&run(1)).await.unwrap();
    assert_eq!((&recorded.id, recorded.existed), (&run(1).inputs.id(), false));
    let stored = store.get(recorded.id.short()).await.unwrap();
    assert_eq!(stored.inputs().unwrap(), run(1).inputs);
    assert_eq!(stored.results().unwrap(), run(1).results);
    assert_eq!(stored.summary().unwrap(), run(1).summary);
    assert_eq!(stored.log(), Some(run(1).log));
    assert_eq!(stored.artefact("figures/forest.json").unwrap(), b"{}");
    assert_eq!(store.verify(recorded.id.as_str()).await.unwrap(), 4);
    let refusal = stored.artefact("segments.arrow").unwrap_err().to_string();
    assert_eq!(refusal, format!("run `{}` has no artefact `segments.arrow`", recorded.id));
}

#[tokio::test]
async fn the_same_inputs_are_the_same_run_whatever_the_clock_says() {
    let project = project();
    let store = open(project.path()).await;
    store.insert(&run(1)).await.unwrap();
    let later = Run { log: Log { started: Some("2031-01-01T00:00:00Z".into()), ..Log::default() }, ..run(1) };
    assert!(store.insert(&later).await.unwrap().existed);
    assert_eq!(store.list(&Filter::default()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_same_inputs_with_other_results_are_refused_by_artefact() {
    let project = project();
    let store = open(project.path()).await;
    store.insert(&run(1)).await.unwrap();
    let other = Run { results: Estimates::default(), ..run(1) };
    let refusal = store.insert(&other).await.unwrap_err();
    assert_eq!(
        refusal.to_string(),
        format!("run `{}` was recorded before with other results: `results.arrow` differ", run(1).inputs.id())
    );
    assert_eq!(store.get(run(1).inputs.id().short()).await.unwrap().results().unwrap(), run(1).results);
}

#[tokio::test]
async fn artefacts_cannot_leave_the_folder_or_replace_the_record() {
    let project = project();
    let store = open(project.path()).await;
    for name in ["../escape", "hashes.json", "/etc/x"] {
        let mut hostile = run(1);
        hostile.artefacts.insert(name.into(), Vec::new());
        let refusal = store.insert(&hostile).await.unwrap_err().to_string();
        assert_eq!(refusal, format!("`{name}` cannot be the name of an artefact"));
    }
    assert!(store.list(&Filter::default()).await.unwrap().is_empty());
}

#[tokio::test]
async fn runs_are_listed_by_the_order_of_recording_not_by_the_clock() {
    let project = project();
    let store = open(project.path()).await;
    for (seed, started) in [(1, "2036-01-01T00:00:00Z"), (3, "2026-01-01T00:00:00Z"), (2, "2026-01-01T00:00:00Z")] {
        let log = Log { started: Some(started.into()), ..Log::default() };
        store.insert(&Run { log, ..run(seed) }).await.unwrap();
    }
    let seeds = |rows: Vec<estimand_analysis::run::RunRow>| {
        let known = [1, 2, 3].map(|seed| (run(seed).inputs.id(), seed));
        rows.iter().map(|row| known.iter().find(|(id, _)| *id == row.id).unwrap().1).collect::<Vec<_>>()
    };
    assert_eq!(seeds(store.list(&Filter::default()).await.unwrap()), [2, 3, 1]);
    assert_eq!(seeds(store.list(&Filter { limit: Some(1), ..Filter::default() }).await.unwrap()), [2]);
    let email = Filter { experiment: Some("email".into()), ..Filter::default() };
    assert_eq!(seeds(store.list(&email).await.unwrap()), [3, 1]);
}

#[tokio::test]
async fn an_id_may_be_short_and_a_doubtful_one_names_the_choice() {
    let project = project();
    let store = open(project.path()).await;
    for seed in 0..17 {
        store.insert(&run(seed)).await.unwrap();
    }
    // Seventeen ids and sixteen first digits: two of them share one.
    let mut first: Vec<char> = (0..17).map(|seed| run(seed).inputs.id().as_str().chars().next().unwrap()).collect();
    first.sort_unstable();
    let shared = first.windows(2).find(|pair| pair[0] == pair[1]).unwrap()[0].to_string();
    match store.get(&shared).await.unwrap_err() {
        Error::AmbiguousRun { prefix, candidates } => {
            assert_eq!(prefix, shared);
            assert!(candidates.len() >= 2 && candidates.iter().all(|id| id.starts_with(&shared) && id.len() == 12));
        }
        other => panic!("{other}"),
    }
    let unknown = store.get("not-an-id").await.unwrap_err();
    assert_eq!(unknown.to_string(), "no run begins with `not-an-id`");
    assert!(matches!(unknown, Error::UnknownRun { latest, .. } if latest.len() == 3));
    assert!(matches!(store.get("").await, Err(Error::UnknownRun { .. })));
}

#[tokio::test]
async fn a_flipped_bit_names_the_run_and_the_file_and_leaves_other_runs_readable() {
    for (name, said) in [
        ("inputs.json", "inputs.json was changed"),
        ("results.arrow", "results.arrow was changed"),
        ("report.html", "report.html was changed"),
        ("figures/forest.json", "figures/forest.json was changed"),
        ("hashes.json", "hashes.json was changed"),
    ] {
        let project = project();
        let store = open(project.path()).await;
        let (hurt, whole) = (store.insert(&run(1)).await.unwrap().id, store.insert(&run(2)).await.unwrap().id);
        flip(&folder_of(project.path(), &hurt).join(name));
        let refusal = store.verify(hurt.as_str()).await.unwrap_err().to_string();
        assert_eq!(refusal, format!("run `{hurt}` is damaged: `{said}`"));
        assert_eq!(store.verify(whole.as_str()).await.unwrap(), 4);
    }
}

#[tokio::test]
async fn missing_and_added_files_are_named_together_and_the_log_does_not_matter() {
    let project = project();
    let store = open(project.path()).await;
    let id = store.insert(&run(1)).await.unwrap().id;
    let folder = folder_of(project.path(), &id);
    std::fs::remove_file(folder.join("log.json")).unwrap();
    assert_eq!(store.verify(id.as_str()).await.unwrap(), 4);
    std::fs::remove_file(folder.join("results.arrow")).unwrap();
    std::fs::write(folder.join("note.txt"), "hello").unwrap();
    let refusal = store.verify(id.as_str()).await.unwrap_err().to_string();
    assert_eq!(refusal, format!("run `{id}` is damaged: `results.arrow is missing`, `note.txt was added`"));
}

#[tokio::test]
async fn an_index_row_without_a_folder_is_named_and_a_folder_without_a_row_is_entered() {
    let project = project();
    let store = open(project.path()).await;
    let (lost, kept) = (store.insert(&run(1)).await.unwrap().id, store.insert(&run(2)).await.unwrap().id);
    std::fs::remove_dir_all(folder_of(project.path(), &lost)).unwrap();
    let store = open(project.path()).await;
    assert_eq!(store.repairs(), [Repair::Missing { id: lost.clone() }]);
    let refusal = store.get(lost.short()).await.unwrap_err().to_string();
    assert_eq!(refusal, format!("run `{lost}` is damaged: `its folder is missing`"));
    store.close().await;

    for name in ["index.sqlite", "index.sqlite-wal", "index.sqlite-shm"] {
        let _ = std::fs::remove_file(project.path().join(".estimand").join(name));
    }
    let store = open(project.path()).await;
    assert_eq!(store.repairs(), [Repair::Reindexed { id: kept.clone() }]);
    let rows = store.list(&Filter::default()).await.unwrap();
    assert_eq!(
        (rows.len(), &rows[0].id, rows[0].experiment.as_str(), rows[0].kind.as_str()),
        (1, &kept, "checkout", "decided")
    );
}

#[tokio::test]
async fn a_damaged_folder_is_not_entered_in_the_index() {
    let project = project();
    let store = open(project.path()).await;
    let id = store.insert(&run(1)).await.unwrap().id;
    store.close().await;
    std::fs::remove_file(project.path().join(".estimand/index.sqlite")).unwrap();
    flip(&folder_of(project.path(), &id).join("report.html"));
    let store = open(project.path()).await;
    let reason = format!("run `{id}` is damaged: `report.html was changed`");
    assert_eq!(store.repairs(), [Repair::Unreadable { folder: folder_of(project.path(), &id), reason }]);
}

#[tokio::test]
async fn a_store_of_a_newer_version_is_refused_by_name() {
    let project = project();
    open(project.path()).await.close().await;
    let path = project.path().join(".estimand/index.sqlite");
    let pool = sqlx::SqlitePool::connect(&format!("sqlite://{}", path.display())).await.unwrap();
    sqlx::query("PRAGMA user_version = 99").execute(&pool).await.unwrap();
    pool.close().await;
    let refusal = RunStore::open(project.path()).await.err().unwrap().to_string();
    let expected = format!("the store `{}` has schema version 99; this program knows versions up to 1", path.display());
    assert_eq!(refusal, expected);
}

#[tokio::test]
async fn a_project_that_cannot_hold_a_store_is_named() {
    let project = project();
    std::fs::write(project.path().join(".estimand"), "a file in the way").unwrap();
    let refusal = RunStore::open(project.path()).await.err().unwrap();
    let path = runs_of(project.path());
    assert!(refusal.to_string().starts_with(&format!("cannot create `{}`: ", path.display())), "{refusal}");
}

#[tokio::test]
async fn a_full_disk_at_any_step_records_nothing_or_all_and_the_next_try_succeeds() {
    for failing in Step::ALL {
        let project = project();
        let full = open(project.path()).await.before_each_step(move |step| {
            if step == failing { Err(io::Error::from(io::ErrorKind::StorageFull)) } else { Ok(()) }
        });
        let refusal = full.insert(&run(1)).await.unwrap_err();
        assert!(
            matches!(&refusal, Error::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull),
            "{refusal}"
        );
        full.close().await;
        assert_whole_or_absent(project.path(), &format!("{failing:?}")).await;
    }
}

#[tokio::test]
async fn a_kill_before_any_step_leaves_the_run_whole_or_absent() {
    for (place, step) in Step::ALL.iter().enumerate() {
        let project = project();
        let ended = child(project.path(), &format!("kill {place}"));
        assert!(!ended.success(), "the child was to die before {step:?}");
        assert_whole_or_absent(project.path(), &format!("{step:?}")).await;
    }
}

/// After a failure: the store opens, the run is there with all its files or not at all, nothing is left over, and it can be recorded.
async fn assert_whole_or_absent(project: &Path, case: &str) {
    let store = open(project).await;
    let rows = store.list(&Filter::default()).await.unwrap();
    let folders: Vec<String> = std::fs::read_dir(runs_of(project))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    assert_eq!(folders, rows.iter().map(|row| row.id.to_string()).collect::<Vec<_>>(), "{case}");
    for row in &rows {
        assert_eq!(store.verify(row.id.as_str()).await.unwrap(), 4, "{case}");
    }
    let again = store.insert(&run(1)).await.unwrap();
    assert_eq!(again.existed, !rows.is_empty(), "{case}");
    assert_eq!(store.verify(again.id.as_str()).await.unwrap(), 4, "{case}");
}

#[tokio::test]
async fn two_processes_record_at_once_and_every_run_is_there() {
    let project = project();
    let path = project.path().to_owned();
    let others: Vec<_> = ["insert 0 12", "insert 6 18"]
        .map(|task| (path.clone(), task))
        .into_iter()
        .map(|(path, task)| std::thread::spawn(move || child(&path, task)))
        .collect();
    for other in others {
        assert!(other.join().unwrap().success());
    }
    let store = open(project.path()).await;
    assert!(store.repairs().is_empty());
    assert_eq!(store.list(&Filter::default()).await.unwrap().len(), 18);
    for seed in 0..18 {
        assert_eq!(store.verify(run(seed).inputs.id().as_str()).await.unwrap(), 4);
    }
}

#[tokio::test]
async fn a_hidden_run_shows_its_inputs_and_nobody_finds_its_results() {
    let project = project();
    let store = open(project.path()).await;
    let id = store.insert(&run(1)).await.unwrap().id;
    let hidden = store.hide(id.short()).await.unwrap();
    assert_eq!(hidden.inputs(), &run(1).inputs);
    assert!(!folder_of(project.path(), &id).exists());
    let said = format!("run `{id}` is being replayed, and hidden until that ends");
    assert_eq!(store.get(id.short()).await.unwrap_err().to_string(), said);
    assert_eq!(store.insert(&run(1)).await.unwrap_err().to_string(), said);
    assert_eq!(store.hide(id.short()).await.unwrap_err().to_string(), said);
    let other = open(project.path()).await;
    assert!(other.repairs().is_empty(), "whoever hides it lives, so it stays hidden");
    let stored: StoredRun = hidden.restore().unwrap();
    assert_eq!(stored.results().unwrap(), run(1).results);
    drop(store.hide(id.short()).await.unwrap());
    assert_eq!(store.verify(id.as_str()).await.unwrap(), 4);
}

#[tokio::test]
async fn a_run_whose_replay_was_killed_is_put_back() {
    let project = project();
    let store = open(project.path()).await;
    let id = store.insert(&run(1)).await.unwrap().id;
    assert!(!child(project.path(), "hide").success());
    assert!(!folder_of(project.path(), &id).exists());
    let store = open(project.path()).await;
    assert_eq!(store.repairs(), [Repair::Restored { id: id.clone() }]);
    assert_eq!(store.verify(id.as_str()).await.unwrap(), 4);
}

#[tokio::test]
async fn ten_thousand_runs_are_listed_in_a_fifth_of_a_second() {
    let project = project();
    let store = open(project.path()).await;
    let path = project.path().join(".estimand/index.sqlite");
    let pool = sqlx::SqlitePool::connect(&format!("sqlite://{}", path.display())).await.unwrap();
    let rows = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) \
                INSERT INTO runs (id, record, experiment, title, kind, verdict, build) \
                SELECT printf('%064x', i), '', 'email', 'Spring e-mail', 'decided', 'B improves revenue.', '0.1.0' FROM n";
    sqlx::query(rows).execute(&pool).await.unwrap();
    let mut fastest = f64::INFINITY;
    for _ in 0..5 {
        let began = Instant::now();
        assert_eq!(store.list(&Filter::default()).await.unwrap().len(), 10_000);
        fastest = fastest.min(began.elapsed().as_secs_f64());
    }
    // Unoptimised code is given room: the promise is for a release build.
    let promised = if cfg!(debug_assertions) { 1.0 } else { 0.2 };
    assert!(fastest < promised, "{fastest} s");
}

/// Runs a task on the store of a project in another process.
fn child(project: &Path, task: &str) -> ExitStatus {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "run_store::a_task_for_another_process", "--nocapture"])
        .env("RUN_STORE_PROJECT", project)
        .env("RUN_STORE_TASK", task)
        .output()
        .unwrap()
        .status
}

/// Not a test by itself: what [`child`] runs.
#[tokio::test]
async fn a_task_for_another_process() {
    let (Ok(project), Ok(task)) = (std::env::var("RUN_STORE_PROJECT"), std::env::var("RUN_STORE_TASK")) else { return };
    let store = open(Path::new(&project)).await;
    match task.split(' ').collect::<Vec<_>>()[..] {
        ["kill", place] => {
            let last = Step::ALL[place.parse::<usize>().unwrap()];
            let store = store.before_each_step(move |step| if step == last { std::process::abort() } else { Ok(()) });
            store.insert(&run(1)).await.unwrap();
        }
        ["insert", from, to] => {
            for seed in from.parse().unwrap()..to.parse().unwrap() {
                store.insert(&run(seed)).await.unwrap();
            }
        }
        ["hide"] => {
            let _hidden = store.hide(run(1).inputs.id().short()).await.unwrap();
            std::process::abort();
        }
        ref other => panic!("no task {other:?}"),
    }
}
