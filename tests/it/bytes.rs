//! The whole command gives the same bytes at any number of threads, in any order and division of files, spilled or not.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, take_record_batch};
use estimand_analysis::demo::shop::{self, ShopOptions};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::properties::WriterProperties;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::command::Desk;

/// Users enough for more than two million events, and with `ESTIMAND_LARGE` in the environment for more than ten.
const USERS: u64 = 215_000;
const MANY_USERS: u64 = 1_075_000;

/// Too little, in megabytes, for what statements group by user to stay in memory, enough for their joins, which cannot spill.
const TIGHT: u64 = 112;

#[test]
fn ways_threads_order_of_rows_and_spilling_do_not_change_a_byte() {
    let users = if std::env::var_os("ESTIMAND_LARGE").is_some() { MANY_USERS } else { USERS };
    let times = users / USERS;
    let desk = Desk::new();
    shop::write(&desk.file("shop"), &ShopOptions { users, seed: 11 }).expect("a shop");
    let (events, assignments) = (desk.file("shop/data/events.parquet"), desk.file("shop/data/assignments.parquet"));
    let rows = read(&events);
    assert!(rows.num_rows() as u64 > times * 2_000_000, "{} events", rows.num_rows());
    let tight = format!("{}MB", TIGHT * times);
    let tight = ["--threads", "3", "--memory-limit", tight.as_str()];
    let usual = answer(&desk, "sql", &["--threads", "2"]).text;
    let page = page(&desk, "sql");
    assert!(self::page(&desk, "native") == page, "the native operator changed the report");
    for threads in ["1", "2", "3", "7", "16"] {
        assert!(answer(&desk, "native", &["--threads", threads]).text == usual, "{threads} threads changed the answer");
    }
    let spilled = answer(&desk, "sql", &tight);
    assert!(spilled.spilled, "{tight:?} was meant to be too little");
    assert!(spilled.text == usual, "spilling changed the answer");
    assert!(answer(&desk, "auto", &tight).text == usual, "little memory changed the answer");
    divide(&events, &shuffled(&rows, 1), 5);
    divide(&assignments, &shuffled(&read(&assignments), 2), 3);
    for (way, limits) in [
        ("native", ["--threads", "1"].as_slice()),
        ("native", &["--threads", "7"]),
        ("auto", tight.as_slice()),
        ("sql", &["--threads", "3"]),
        ("sql", tight.as_slice()),
    ] {
        let other = answer(&desk, way, limits).text;
        assert!(without_inputs(&other) == without_inputs(&usual), "other files with the same rows changed {way}");
    }
}

/// The report.
fn page(desk: &Desk, way: &str) -> Vec<u8> {
    let asked = ["analyze", "one_page_checkout", "--project", "shop", "--format", "html", "--engine-path", way];
    let answer = desk.run(&asked);
    assert_eq!(answer.code, Some(0), "{}", answer.talk);
    answer.data
}

struct Answered {
    text: String,
    spilled: bool,
}

/// The answer as JSON, and whether files of the engine were seen meanwhile.
fn answer(desk: &Desk, way: &str, limits: &[&str]) -> Answered {
    let spill = tempfile::tempdir().expect("a folder to spill to");
    let mut command = desk.command();
    command.args(["analyze", "one_page_checkout", "--project", "shop", "--format", "json", "--output"]);
    command
        .arg(spill.path().with_extension("json"))
        .args(["--engine-path", way])
        .args(limits)
        .env("TMPDIR", spill.path())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("the command starts");
    let mut spilled = false;
    while child.try_wait().expect("a child").is_none() {
        spilled |= has_files(spill.path());
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    let ended = child.wait_with_output().expect("an end");
    let said = String::from_utf8_lossy(&ended.stderr);
    if !ended.status.success() && said.contains("needs more memory than the limit") {
        // A join of statements holds what its threads happen to hold at once, and cannot spill: a little more will do.
        let raised: Vec<String> = limits.iter().map(|limit| raised(limit)).collect();
        return answer(desk, way, &raised.iter().map(String::as_str).collect::<Vec<_>>());
    }
    assert!(ended.status.success(), "{way} {limits:?}: {said}");
    let path = spill.path().with_extension("json");
    let text = std::fs::read_to_string(&path).expect("the answer");
    std::fs::remove_file(path).expect("the answer is ours");
    Answered { text, spilled }
}

/// A limit in megabytes, an eighth higher; everything else as it is.
fn raised(limit: &str) -> String {
    let megabytes = limit.strip_suffix("MB").and_then(|number| number.parse::<u64>().ok());
    megabytes.map_or_else(|| limit.to_owned(), |number| format!("{}MB", number + number / 8))
}

fn has_files(folder: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(folder) else { return false };
    entries.flatten().any(|entry| {
        let path = entry.path();
        if path.is_dir() { has_files(&path) } else { entry.metadata().is_ok_and(|file| file.len() > 0) }
    })
}

/// The answer without the names of what was read, which are other files.
fn without_inputs(answer: &str) -> String {
    let names = ["\"data_snapshot\":", "\"run_id\":"];
    let keep = |line: &&str| !names.iter().any(|name| line.trim_start().starts_with(name));
    answer.lines().filter(keep).collect::<Vec<_>>().join("\n")
}

fn read(path: &Path) -> RecordBatch {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).expect("a file")).expect("a Parquet file");
    let schema = Arc::clone(reader.schema());
    let batches: Vec<RecordBatch> =
        reader.build().and_then(|reader| Ok(reader.collect::<Result<_, _>>()?)).expect("rows");
    concat_batches(&schema, &batches).expect("one schema")
}

fn shuffled(rows: &RecordBatch, seed: u64) -> RecordBatch {
    let mut order: Vec<u32> = (0..u32::try_from(rows.num_rows()).expect("few rows")).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    take_record_batch(rows, &UInt32Array::from(order)).expect("positions of rows")
}

/// Puts a folder of files of unequal lengths in the place of a file.
fn divide(path: &PathBuf, rows: &RecordBatch, files: usize) {
    std::fs::remove_file(path).expect("the file is ours");
    std::fs::create_dir(path).expect("a folder");
    let whole = files * (files + 1) / 2;
    let mut from = 0;
    for file in 1..=files {
        let to = if file == files { rows.num_rows() } else { from + rows.num_rows() * file / whole };
        let properties = WriterProperties::builder().set_max_row_group_row_count(Some(10_000 * file)).build();
        // Later rows come in files of earlier names.
        let sink = File::create(path.join(format!("{}.parquet", files - file))).expect("a file");
        let mut writer = ArrowWriter::try_new(sink, rows.schema(), Some(properties)).expect("a writer");
        writer.write(&rows.slice(from, to - from)).and_then(|()| writer.close().map(|_| ())).expect("rows");
        from = to;
    }
}
