//! A run is computed again from its inputs alone, and compared.

use std::fs;
use std::path::Path;
use std::sync::Mutex;

use estimand_analysis::analyze::{Request, Target, analyze};
use estimand_analysis::bare::BareFile;
use estimand_analysis::demo::shop::{self, ShopOptions};
use estimand_analysis::error::Error;
use estimand_analysis::keep::{answer_of, as_run, keep};
use estimand_analysis::metrics::engine::Resources;
use estimand_analysis::metrics::project::Project;
use estimand_analysis::output;
use estimand_analysis::replay::{Outcome, replay};
use estimand_analysis::run::{Log, RunId, RunStore};

const EXPERIMENT: &str = "one_page_checkout";

/// Writes a small shop, analyses it and keeps the answer.
async fn kept(folder: &Path) -> RunId {
    shop::write(folder, &ShopOptions { users: 2_000, seed: 1 }).unwrap();
    let request = Request::experiment(Project::load(folder).unwrap(), EXPERIMENT);
    let answered = analyze(&request, &|_| {}).await.unwrap();
    keep(&answered, folder, &["estimand".to_owned()]).await.unwrap().unwrap().id
}

async fn replayed(folder: &Path, id: &RunId) -> Result<Outcome, Error> {
    replay(folder, id.short(), &Resources::default(), &|_| {}).await.map(|replay| replay.outcome)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_gives_the_same_bytes_while_the_record_is_out_of_sight() {
    let folder = tempfile::tempdir().unwrap();
    let id = kept(folder.path()).await;
    let record = folder.path().join(".estimand/runs").join(id.as_str());
    let seen = Mutex::new(Vec::new());
    let say = |what: &str| seen.lock().unwrap().push((what.to_owned(), record.exists()));
    let found =
        replay(folder.path(), id.short(), &Resources { threads: Some(3), ..Resources::default() }, &say).await.unwrap();
    assert_eq!(found.outcome, Outcome::Same { artefacts: 4 });
    assert!(record.exists());
    let seen = seen.into_inner().unwrap();
    let estimating = seen.iter().find(|(what, _)| what == "estimating");
    assert_eq!(estimating, Some(&("estimating".to_owned(), false)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_asks_the_recorded_definitions_whatever_the_files_say_now() {
    let folder = tempfile::tempdir().unwrap();
    let id = kept(folder.path()).await;
    fs::write(folder.path().join("metrics/conversion.toml"), "nonsense").unwrap();
    assert_eq!(replayed(folder.path(), &id).await.unwrap(), Outcome::Same { artefacts: 4 });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_on_other_data_is_refused_with_the_file_and_the_run_put_back() {
    let folder = tempfile::tempdir().unwrap();
    let id = kept(folder.path()).await;
    let other = tempfile::tempdir().unwrap();
    shop::write(other.path(), &ShopOptions { users: 2_000, seed: 2 }).unwrap();
    let users = folder.path().join("data/users.parquet");
    fs::copy(other.path().join("data/users.parquet"), &users).unwrap();
    let refusal = replayed(folder.path(), &id).await.unwrap_err().to_string();
    assert_eq!(
        refusal,
        format!(
            "run `{}` cannot be replayed, since what it read is gone or was changed: `data/users.parquet`; \
             put these files back as they were, or analyse anew",
            id.short()
        )
    );
    fs::remove_file(users).unwrap();
    let refusal = replayed(folder.path(), &id).await.unwrap_err().to_string();
    assert!(refusal.contains("`data/users.parquet` is gone"), "{refusal}");
    assert!(folder.path().join(".estimand/runs").join(id.as_str()).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_of_another_build_is_held_to_its_numbers() {
    let folder = tempfile::tempdir().unwrap();
    shop::write(folder.path(), &ShopOptions { users: 2_000, seed: 1 }).unwrap();
    let request = Request::experiment(Project::load(folder.path()).unwrap(), EXPERIMENT);
    let answered = analyze(&request, &|_| {}).await.unwrap();
    let mut run = as_run(&answered, Log::default()).unwrap().unwrap();
    run.inputs.build = "estimand 0.0.1".to_owned();
    let store = RunStore::open(folder.path()).await.unwrap();
    let same = store.insert(&run).await.unwrap().id;
    run.inputs.build = "estimand 0.0.2".to_owned();
    let estimate = run.results.rows[0].estimate.as_mut().unwrap();
    *estimate *= 1.0 + 1e-6;
    let other = store.insert(&run).await.unwrap().id;
    store.close().await;
    assert_eq!(replayed(folder.path(), &same).await.unwrap(), Outcome::OtherBuild { largest: Some(0.0) });
    let outcome = replayed(folder.path(), &other).await.unwrap();
    assert!(matches!(outcome, Outcome::OtherBuild { largest: Some(largest) } if largest > 0.9e-6), "{outcome:?}");
    assert!(!outcome.holds());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_without_a_project_is_replayed_from_anywhere() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("orders.csv"), "arm,revenue\nA,1\nA,2\nA,4\nB,3\nB,2\nB,6\n").unwrap();
    let file = BareFile {
        root: folder.path().to_owned(),
        path: "orders.csv".into(),
        arm: "arm".to_owned(),
        control: "A".to_owned(),
        metrics: vec!["revenue".to_owned()],
        level: BareFile::LEVEL,
        ..BareFile::default()
    };
    let request = Request {
        target: Target::File(Box::new(file)),
        parameters: Vec::new(),
        as_of: None,
        resources: Resources::default(),
        recorded: true,
    };
    let answered = analyze(&request, &|_| {}).await.unwrap();
    let id = keep(&answered, folder.path(), &[]).await.unwrap().unwrap().id;
    assert_eq!(replayed(folder.path(), &id).await.unwrap(), Outcome::Same { artefacts: 4 });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_tells_what_its_analysis_told_in_every_format() {
    let folder = tempfile::tempdir().unwrap();
    shop::write(folder.path(), &ShopOptions { users: 2_000, seed: 1 }).unwrap();
    let request = Request::experiment(Project::load(folder.path()).unwrap(), EXPERIMENT);
    let answered = analyze(&request, &|_| {}).await.unwrap();
    let id = keep(&answered, folder.path(), &[]).await.unwrap().unwrap().id;
    let store = RunStore::open(folder.path()).await.unwrap();
    let stored = answer_of(&store.get(id.short()).await.unwrap()).unwrap();
    for format in output::ALL {
        let (mut now, mut then) = (Vec::new(), Vec::new());
        format.write(&answered, &mut now).unwrap();
        format.write(&stored, &mut then).unwrap();
        assert!(now == then, "{} differs", format.name());
    }
    assert!(stored.estimates.rows.iter().all(|row| row.run_id.as_deref() == Some(id.as_str())));
    assert!(stored.estimates.rows.iter().all(|row| row.metric_hash.is_some() && row.data_snapshot.is_some()));
}
