//! Bad input and impatient callers on the native way: named errors, and nothing that goes on.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch};
use estimand_metrics::Error;
use estimand_metrics::collect::{Collected, Doing, collect};
use estimand_metrics::engine::{self, Opened, Resources};
use estimand_metrics::native::EnginePath;
use estimand_metrics::plan::{AsOf, Plan, compile};
use estimand_metrics::project::Project;
use jiff::Timestamp;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

const BOTH: [EnginePath; 2] = [EnginePath::Native, EnginePath::Sql];

/// A project with a unit table in Parquet, in row groups of a thousand rows.
fn project(folder: &Path, rows: i64) {
    let put = |path: &str, text: &str| {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    put("estimand.toml", "name = \"hostile\"\n");
    put("sources/members.toml", "label = \"Members\"\npath = \"members.parquet\"\n");
    let metric = "kind = \"mean\"\nsource = \"members\"\nvalue = \"spend\"\ndirection = \"higher\"\n";
    put("metrics/spend.toml", metric);
    put(
        "experiments/trial.toml",
        "label = \"Trial\"\nunit = \"row\"\ncontrol = \"0\"\narms = [{ name = \"0\" }, { name = \"1\" }]\n\
         assignment = { source = \"members\", arm = \"arm\" }\n[metrics]\nprimary = [\"spend\"]\n",
    );
    let arms: Int64Array = (0..rows).map(|row| Some(row % 2)).collect();
    let spend: Float64Array = (0..rows).map(|row| Some((row * 7919 % 10_007) as f64 / 8.0)).collect();
    let columns: [(&str, ArrayRef); 2] = [("arm", Arc::new(arms)), ("spend", Arc::new(spend))];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(1_000))
        .set_dictionary_enabled(false)
        .set_compression(Compression::SNAPPY);
    let file = File::create(folder.join("members.parquet")).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties.build())).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

async fn opened(folder: &Path, resources: Resources) -> (Plan, Opened) {
    let project = Project::load(folder).unwrap();
    let experiment = project.experiment("trial").unwrap();
    let bindings = project.bind(experiment, &[]).unwrap();
    let plan = compile(&project, experiment, &bindings, AsOf::Now(Timestamp::UNIX_EPOCH)).unwrap();
    let opened = engine::open(&project, experiment, &bindings, &resources).await.unwrap();
    (plan, opened)
}

/// Opens the sources, does something to them, and only then reads them.
async fn collected(folder: &Path, resources: Resources, meanwhile: impl Fn()) -> Result<Collected, Error> {
    let (plan, opened) = opened(folder, resources).await;
    meanwhile();
    collect(opened.engine.as_ref(), &plan, &|_: Doing<'_>| {}).await
}

fn by(engine_path: EnginePath) -> Resources {
    Resources { threads: Some(2), engine_path, ..Resources::default() }
}

#[tokio::test]
async fn a_file_that_vanishes_or_changes_is_named_by_both_ways() {
    for path in BOTH {
        let folder = tempfile::tempdir().unwrap();
        project(folder.path(), 5_000);
        let file = folder.path().join("members.parquet");
        let gone = collected(folder.path(), by(path), || fs::remove_file(&file).unwrap()).await.unwrap_err();
        let expected =
            "members.parquet: cannot read `members.parquet`: no such file; check the file and its permissions";
        assert_eq!(gone.to_string(), expected, "{path:?}");
        project(folder.path(), 5_000);
        let changed = collected(folder.path(), by(path), || project(folder.path(), 4_000)).await.unwrap_err();
        let expected = "members.parquet: `members.parquet` was changed, replaced or removed while it was read; run again when nothing writes to the file, or read a copy of it";
        assert_eq!(changed.to_string(), expected, "{path:?}");
        assert!(matches!(changed, Error::Sources(_)));
    }
}

#[tokio::test]
async fn a_damaged_page_is_named_by_both_ways() {
    for path in BOTH {
        let folder = tempfile::tempdir().unwrap();
        project(folder.path(), 5_000);
        let file = folder.path().join("members.parquet");
        let mut bytes = fs::read(&file).unwrap();
        // Within the pages of the first row group, far from the footer.
        bytes[200..4_000].fill(0xa5);
        fs::write(&file, bytes).unwrap();
        let error = collected(folder.path(), by(path), || {}).await.unwrap_err();
        let begins = "members.parquet: `members.parquet` is damaged: row group 0 cannot be read: ";
        assert!(error.to_string().starts_with(begins), "{path:?}: {error}");
        assert!(error.to_string().ends_with("; copy or write the file again"), "{path:?}: {error}");
    }
}

#[tokio::test]
async fn without_memory_the_native_way_says_so_and_the_usual_one_takes_statements() {
    let folder = tempfile::tempdir().unwrap();
    project(folder.path(), 5_000);
    let limit = |engine_path| Resources { memory_limit: Some(30_000), ..by(engine_path) };
    let native = collected(folder.path(), limit(EnginePath::Native), || {}).await.unwrap_err();
    let text = native.to_string();
    assert!(text.starts_with("step `reading members` needs more memory than the limit: "), "{text}");
    assert!(text.ends_with("; raise `--memory-limit`, or free space for spilling"), "{text}");
    let stated = collected(folder.path(), limit(EnginePath::Sql), || {}).await;
    let usual = collected(folder.path(), limit(EnginePath::Auto), || {}).await;
    assert_eq!(format!("{usual:?}"), format!("{stated:?}"));
}

#[test]
fn an_analysis_that_nobody_waits_for_stops_at_once() {
    let folder = tempfile::tempdir().unwrap();
    project(folder.path(), 600_000);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let dropped = runtime.block_on(async {
        let (plan, opened) = opened(folder.path(), by(EnginePath::Native)).await;
        let begun = tokio::sync::Notify::new();
        let doing = |_: Doing<'_>| begun.notify_one();
        tokio::select! {
            biased;
            () = begun.notified() => {}
            _ = collect(opened.engine.as_ref(), &plan, &doing) => {}
        }
        Instant::now()
    });
    // A runtime waits for its blocking tasks.
    drop(runtime);
    assert!(dropped.elapsed() < Duration::from_millis(400), "{:?}", dropped.elapsed());
}
