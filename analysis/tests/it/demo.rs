//! The demonstrations as a user finds them: folders of files.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::{Float64Type, TimestampMicrosecondType};
use estimand_analysis::demo::shop::{ShopOptions, unit_outcomes};
use estimand_analysis::demo::{Error, Truth, shop, trial};
use estimand_metrics::project::Project;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tempfile::tempdir;

/// Every file below a folder, by path from it.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push((path.strip_prefix(folder).unwrap().to_owned(), fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

fn rows(path: &Path) -> RecordBatch {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    let schema = reader.schema().clone();
    let batches: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
    concat_batches(&schema, &batches).unwrap()
}

fn texts<'a>(batch: &'a RecordBatch, column: &str) -> Vec<&'a str> {
    let column = batch.column_by_name(column).unwrap().as_string::<i32>();
    (0..column.len()).map(|row| column.value(row)).collect()
}

fn numbers<'a>(batch: &'a RecordBatch, column: &str) -> &'a [f64] {
    batch.column_by_name(column).unwrap().as_primitive::<Float64Type>().values()
}

fn times<'a>(batch: &'a RecordBatch, column: &str) -> &'a [i64] {
    batch.column_by_name(column).unwrap().as_primitive::<TimestampMicrosecondType>().values()
}

#[test]
fn one_seed_gives_one_shop_and_another_seed_another() {
    let folder = tempdir().unwrap();
    let written = |name: &str, seed: u64| {
        let path = folder.path().join(name);
        shop::write(&path, &ShopOptions { users: 3_000, seed }).unwrap();
        files(&path)
    };
    let (one, again, other) = (written("one", 1), written("again", 1), written("other", 2));
    assert_eq!(one, again);
    let events = |files: &[(PathBuf, Vec<u8>)]| {
        files.iter().find(|(path, _)| path.ends_with("events.parquet")).unwrap().1.clone()
    };
    assert_ne!(events(&one), events(&other));
}

#[test]
fn a_shop_holds_its_definitions_its_data_and_its_truth() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("new/demo");
    let truth = shop::write(&path, &ShopOptions { users: 40_000, seed: 4 }).unwrap();
    assert_eq!(Truth::read(&path).unwrap().as_ref(), Some(&truth));
    assert_eq!(fs::read_to_string(path.join("README.md")).unwrap().lines().count(), 5);

    let users = rows(&path.join("data/users.parquet"));
    let ids = texts(&users, "user_id");
    assert_eq!((ids.len(), ids.iter().collect::<BTreeSet<_>>().len()), (40_000, 40_000), "one row per user");
    assert!(ids.iter().all(|id| id.len() == 9), "no id is blank");

    let assignments = rows(&path.join("data/assignments.parquet"));
    let assigned: BTreeSet<_> = texts(&assignments, "user_id").into_iter().collect();
    let enrolled = assigned.len() as f64 / 40_000.0;
    assert!((0.94..0.96).contains(&enrolled), "{enrolled}");
    let again = assignments.num_rows() as f64 / assigned.len() as f64;
    assert!((1.2..1.4).contains(&again), "{again} rows per assigned user");
    let seen: BTreeSet<_> = texts(&assignments, "user_id")
        .into_iter()
        .zip(times(&assignments, "exposed_at"))
        .zip(texts(&assignments, "arm"))
        .collect();
    assert_eq!(seen.len(), assignments.num_rows(), "no row is there twice");

    let events = rows(&path.join("data/events.parquet"));
    let per_user = events.num_rows() as f64 / 40_000.0;
    assert!((8.0..10.0).contains(&per_user), "{per_user} events per user");
    let kinds: BTreeSet<_> = texts(&events, "event").into_iter().collect();
    assert_eq!(kinds, BTreeSet::from(["order", "search", "visit"]));
    assert!(times(&events, "occurred_at")[..1_000].is_sorted(), "a log is in the order of time");
}

#[test]
fn both_projects_are_read_without_a_fault() {
    let folder = tempdir().unwrap();
    let (simulated, real) = (folder.path().join("shop"), folder.path().join("trial"));
    let truth = shop::write(&simulated, &ShopOptions { users: 10, seed: 1 }).unwrap();
    trial::write(&real).unwrap();
    for (path, name) in [(&simulated, shop::EXPERIMENT), (&real, trial::EXPERIMENT)] {
        let (project, faults) = Project::load_all(path);
        assert!(faults.is_empty(), "{faults}");
        let project = project.unwrap();
        let experiment = project.experiment(name).unwrap();
        assert!(experiment.hypothesis.is_some());
        if path == &simulated {
            let measured: BTreeSet<_> = experiment.metrics.iter().map(|metric| metric.metric.as_str()).collect();
            let known: BTreeSet<_> = truth.metrics.iter().map(|metric| metric.name.as_str()).collect();
            assert_eq!(measured, known, "the truth of every metric is known");
            assert_eq!(experiment.start.unwrap().to_string(), "2025-03-03T00:00:00Z");
        }
    }
}

#[test]
fn the_truth_is_of_the_definitions_as_they_were_written() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("shop");
    let truth = shop::write(&path, &ShopOptions { users: 10, seed: 1 }).unwrap();
    let known = || {
        let project = Project::load(&path).unwrap();
        Truth::of(&project, project.experiment("one_page_checkout").unwrap()).unwrap()
    };
    assert_eq!(known(), Some(truth));

    let metric = path.join("metrics/orders.toml");
    let longer = fs::read_to_string(&metric).unwrap().replace("window = \"14d\"", "window = \"7d\"");
    fs::write(&metric, longer).unwrap();
    fs::remove_file(path.join("metrics/revenue_per_order.toml")).unwrap();
    let experiment = path.join("experiments/one_page_checkout.toml");
    let shorter = fs::read_to_string(&experiment).unwrap().replace("\"revenue_per_order\", ", "");
    fs::write(&experiment, shorter).unwrap();
    assert_eq!(known(), None, "orders of one week are another question");
}

#[test]
fn files_and_unit_outcomes_hold_the_same_users() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("demo");
    shop::write(&path, &ShopOptions { users: 5_000, seed: 9 }).unwrap();
    let units = unit_outcomes(9, 5_000).unwrap();
    let events = rows(&path.join("data/events.parquet"));

    // Orders in [exposure, exposure + 14 days) by unit, from the file.
    let exposed: std::collections::HashMap<_, _> =
        texts(&units, "user_id").into_iter().zip(times(&units, "exposed_at")).collect();
    let mut orders = std::collections::HashMap::new();
    for ((id, at), event) in
        texts(&events, "user_id").into_iter().zip(times(&events, "occurred_at")).zip(texts(&events, "event"))
    {
        if let Some(exposure) = exposed.get(id)
            && event == "order"
            && (0..14 * 86_400_000_000).contains(&(at - *exposure))
        {
            *orders.entry(id).or_insert(0.0) += 1.0;
        }
    }
    for (id, expected) in texts(&units, "user_id").into_iter().zip(numbers(&units, "orders")) {
        assert_eq!(orders.get(id).copied().unwrap_or(0.0), *expected, "{id}");
    }
}

#[test]
fn a_smaller_shop_is_the_beginning_of_a_larger_one() {
    let (small, large) = (unit_outcomes(5, 400).unwrap(), unit_outcomes(5, 900).unwrap());
    assert_eq!(large.slice(0, small.num_rows()), small);
}

#[test]
fn the_lookback_explains_a_third_of_return_visits() {
    let units = unit_outcomes(3, 60_000).unwrap();
    let (y, x) = (numbers(&units, "return_visits"), numbers(&units, "return_visits.pre"));
    let n = y.len() as f64;
    let mean = |values: &[f64]| values.iter().sum::<f64>() / n;
    let (my, mx) = (mean(y), mean(x));
    let product =
        |a: &[f64], ma: f64, b: &[f64], mb: f64| a.iter().zip(b).map(|(a, b)| (a - ma) * (b - mb)).sum::<f64>();
    let explained = product(x, mx, y, my).powi(2) / (product(x, mx, x, mx) * product(y, my, y, my));
    assert!((0.3..0.5).contains(&explained), "R² = {explained}");
}

#[test]
fn the_same_shop_is_left_alone_and_anything_else_is_not_overwritten() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("demo");
    let options = ShopOptions { users: 100, seed: 1 };
    shop::write(&path, &options).unwrap();
    let metric = path.join("metrics/conversion.toml");
    fs::write(&metric, "# changed").unwrap();
    shop::write(&path, &options).unwrap();
    assert_eq!(fs::read_to_string(&metric).unwrap(), "# changed");

    let refused = shop::write(&path, &ShopOptions { users: 101, seed: 1 }).unwrap_err();
    assert!(matches!(&refused, Error::FolderInUse { folder } if *folder == path));
    assert_eq!(
        refused.to_string(),
        format!(
            "folder `{}` holds something else; name one that does not exist yet, or delete it first",
            path.display()
        )
    );
    assert_eq!(trial::write(&path).unwrap_err().to_string(), refused.to_string());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn a_shop_without_users_and_a_truth_of_other_words_are_refused() {
    let folder = tempdir().unwrap();
    let none = shop::write(&folder.path().join("demo"), &ShopOptions { users: 0, seed: 1 }).unwrap_err();
    assert_eq!(none.to_string(), "a demonstration of 0 users has nothing to show; ask for at least 1");
    assert_eq!(unit_outcomes(1, 0).unwrap_err().to_string(), none.to_string());

    assert_eq!(Truth::read(folder.path()).unwrap(), None);
    let path = folder.path().join("truth.toml");
    fs::write(&path, "experiment = 1\n").unwrap();
    let refused = Truth::read(folder.path()).unwrap_err().to_string();
    assert!(
        refused.starts_with(&format!("`{}` does not hold true effects; delete the folder", path.display())),
        "{refused}"
    );
}

#[test]
fn an_empty_folder_is_taken_and_a_file_is_not() {
    let folder = tempdir().unwrap();
    let empty = folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    trial::write(&empty).unwrap();
    assert!(empty.join("data/NOTICE").exists());
    trial::write(&empty).unwrap();

    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(matches!(trial::write(&file).unwrap_err(), Error::FolderInUse { folder } if folder == file));
}

#[test]
fn the_trial_has_445_people_and_the_published_difference() {
    // Dehejia and Wahba (1999): 185 treated, 260 controls; the difference of means is the benchmark of 1,794 dollars.
    let folder = tempdir().unwrap();
    let path = folder.path().join("trial");
    trial::write(&path).unwrap();
    let text = fs::read_to_string(path.join("data/people.csv")).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().unwrap();
    let at = |column: &str| header.iter().position(|name| *name == column).unwrap();
    let people: Vec<(&str, f64)> = lines.map(|line| (line[at("arm")], line[at("re78")].parse().unwrap())).collect();
    let mean = |arm: &str| {
        let earned: Vec<f64> = people.iter().filter(|(of, _)| *of == arm).map(|(_, earned)| *earned).collect();
        (earned.len(), earned.iter().sum::<f64>() / earned.len() as f64)
    };
    let (control, training) = (mean("control"), mean("training"));
    assert_eq!((control.0, training.0), (260, 185));
    assert_eq!((training.1 - control.1).round(), 1_794.0);
}
