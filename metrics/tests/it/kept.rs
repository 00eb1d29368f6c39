//! The answers of steps under a memory limit: in files instead of memory, and the same to the last byte.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{Float64Array, Int64Array, RecordBatch, StringViewArray};
use datafusion::datasource::MemTable;
use estimand_metrics::engine::{DataFusion, Engine, Resources};
use estimand_metrics::error::Error;
use estimand_metrics::plan::lower::Step;
use estimand_metrics::sql::Statement;
use sea_query::{Alias, Asterisk, Expr, ExprTrait, Func, Order, Query, SelectStatement};

use crate::udaf_rows::SplitMix;

const ROWS: usize = 400_000;

fn rows() -> RecordBatch {
    let mut random = SplitMix(3);
    let ids: Int64Array = (0..ROWS as i64).collect();
    let amounts: Float64Array = (0..ROWS).map(|_| Some(random.below(1_000_000) as f64 / 100.0)).collect();
    let names: StringViewArray = (0..ROWS)
        .map(|row| (row % 7 > 0).then(|| format!("a name of more than twelve bytes {}", row % 1000)))
        .collect();
    RecordBatch::try_from_iter_with_nullable([
        ("id", Arc::new(ids) as _, false),
        ("amount", Arc::new(amounts) as _, true),
        ("name", Arc::new(names) as _, true),
    ])
    .unwrap()
}

fn step(name: &str, select: &SelectStatement, keep: bool) -> Step {
    Step { name: name.to_owned(), purpose: String::new(), statement: Statement::of(select), keep }
}

fn engine(memory_limit: Option<u64>, spill_folder: &Path) -> DataFusion {
    let resources = Resources {
        threads: Some(3),
        memory_limit,
        spill_folder: Some(spill_folder.to_owned()),
        ..Resources::default()
    };
    let mut engine = DataFusion::new(&resources).unwrap();
    let rows = rows();
    let parts = (0..3).map(|part| vec![rows.slice(part * ROWS / 3, ROWS / 3)]).collect();
    engine.add_table("events", Arc::new(MemTable::try_new(rows.schema(), parts).unwrap())).unwrap();
    engine
}

/// Keeps all events, then reads them back twice.
async fn read_back(engine: &DataFusion) -> Result<[RecordBatch; 2], Error> {
    let mut all = Query::select();
    all.column(Asterisk).from(Alias::new("events"));
    engine.keep(&step("kept", &all, true)).await?;
    let mut rows = Query::select();
    rows.columns([Alias::new("name"), Alias::new("id")])
        .expr_as(Expr::col(Alias::new("amount")).mul(2.0), Alias::new("twice"))
        .from(Alias::new("kept"))
        .and_where(Expr::col(Alias::new("id")).lt(1_000_i64))
        .order_by(Alias::new("id"), Order::Asc);
    let mut counts = Query::select();
    counts
        .expr_as(Func::count(Expr::col(Alias::new("name"))), Alias::new("names"))
        .expr_as(Func::count(Expr::col(Alias::new("id"))), Alias::new("ids"))
        .from(Alias::new("kept"));
    let mut answers = Vec::new();
    for (name, select) in [("rows", rows), ("counts", counts)] {
        let batches = engine.read(&step(name, &select, false)).await?;
        answers.push(arrow::compute::concat_batches(&batches[0].schema(), &batches).unwrap());
    }
    Ok(answers.try_into().unwrap())
}

fn files(folder: &Path) -> usize {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .fold(0, |count, entry| count + if entry.file_type().unwrap().is_dir() { files(&entry.path()) } else { 1 })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kept_answers_leave_memory_at_the_limit_and_stay_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let free = engine(None, folder.path());
    let want = read_back(&free).await.unwrap();
    assert_eq!(want[0].num_rows(), 1_000);
    assert_eq!(files(folder.path()), 0, "nothing needs a file without a limit");
    let tight = engine(Some(16 << 20), folder.path());
    assert_eq!(read_back(&tight).await.unwrap(), want);
    assert_eq!(files(folder.path()), 3, "each partition went to a file");
    drop(tight);
    assert_eq!(files(folder.path()), 0, "the files go with the engine");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_without_rows_is_a_table_without_rows() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(None, folder.path());
    let mut none = Query::select();
    none.column(Asterisk).from(Alias::new("events")).and_where(Expr::col(Alias::new("id")).lt(0_i64));
    engine.keep(&step("none", &none, true)).await.unwrap();
    let mut count = Query::select();
    count.expr_as(Func::count(Expr::col(Alias::new("name"))), Alias::new("names")).from(Alias::new("none"));
    let batches = engine.read(&step("count", &count, false)).await.unwrap();
    assert_eq!(batches[0].column(0).as_ref(), &Int64Array::from(vec![0]) as &dyn arrow::array::Array);
}
