//! What the aggregates refuse, and what they do with rows that are missing, windows and ordered input.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{Float64Type, Int64Type};
use datafusion::common::DataFusionError;
use datafusion::datasource::MemTable;
use datafusion::prelude::{SessionConfig, SessionContext, col};
use estimand_metrics::udaf::{self, Refusal};
use estimand_stats::suffstat::{ExactCoMoments, ExactCompressed, Histogram, TupleCoMoments};

fn session(partitions: usize) -> SessionContext {
    let session = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(partitions));
    udaf::register(&session);
    session
}

async fn answer(sql: &str) -> Result<RecordBatch, DataFusionError> {
    let batches = session(2).sql(sql).await?.collect().await?;
    Ok(arrow::compute::concat_batches(&batches[0].schema(), &batches)?)
}

/// The moments of the only tuple that was asked for.
fn one_tuple(answer: &RecordBatch, column: usize, row: usize) -> ExactCoMoments {
    let tuples = TupleCoMoments::decode(answer.column(column).as_binary::<i32>().value(row)).unwrap();
    <[ExactCoMoments; 1]>::try_from(tuples).unwrap()[0].clone()
}

/// The refusal inside an error, however deep the engine wrapped it.
fn refusal(error: &DataFusionError) -> String {
    match error.find_root() {
        DataFusionError::External(inner) => inner.downcast_ref::<Refusal>().expect("a refusal").to_string(),
        other => panic!("no refusal: {other}"),
    }
}

#[test]
fn every_aggregate_has_a_file_and_a_name_of_its_own() {
    let names: Vec<String> = udaf::ALL.iter().map(|make| make().name().to_owned()).collect();
    assert!(names.is_sorted_by(|a, b| a < b), "in alphabetical order, each once: {names:?}");
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/udaf");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| std::fs::read_to_string(path).unwrap().contains("impl OrderFree for"))
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    files.sort();
    assert_eq!(files, names, "files with an aggregate, and the registry");
}

#[tokio::test]
async fn values_that_are_not_finite_are_refused_by_name_or_counted() {
    let rows = "FROM (VALUES (1, 1.0), (1, 'NaN'::double), (2, 'inf'::double), (2, 2.0)) AS t(g, x)";
    let sum = answer(&format!("SELECT exact_sum(x) {rows}")).await.unwrap_err();
    assert_eq!(
        refusal(&sum),
        "exact_sum: variable 0 holds 2 values that are infinite or not a number; filter them out or mend them at the source"
    );
    let last = answer(&format!("SELECT last_by(x, g) {rows} GROUP BY g")).await.unwrap_err();
    assert!(refusal(&last).starts_with("last_by: variable 0 holds "), "{last}");
    let counted =
        answer(&format!("SELECT comoments('1 2', x, g), histogram(x), compressed('1', x, g) {rows}")).await.unwrap();
    let moments = one_tuple(&counted, 0, 0);
    assert_eq!((moments.n(), moments.non_finite(0), moments.non_finite(1)), (2, 2, 0));
    assert_eq!(Histogram::decode(counted.column(1).as_binary::<i32>().value(0)).unwrap().non_finite(), 2);
    let rows = ExactCompressed::decode(counted.column(2).as_binary::<i32>().value(0)).unwrap();
    assert_eq!((rows.non_finite(0), rows.non_finite(1)), (2, 0));
}

#[tokio::test]
async fn a_sum_past_the_largest_double_is_refused_and_one_that_comes_back_is_not() {
    let sum = |values: &str| format!("SELECT exact_sum(x) FROM (VALUES {values}) AS t(x)");
    let beyond = answer(&sum("(1e308), (1e308)")).await.unwrap_err();
    assert_eq!(
        refusal(&beyond),
        "exact_sum: the sum of a group is larger than a double can hold; rescale the variable"
    );
    let back = answer(&sum("(1e308), (1e308), (-1e308), (0.5), (-1e308)")).await.unwrap();
    assert_eq!(back.column(0).as_primitive::<Float64Type>().value(0), 0.5);
}

#[tokio::test]
async fn no_rows_give_null_zero_or_an_empty_statistic() {
    for sql in [
        "SELECT exact_sum(x), last_by(x, x::bigint), count_distinct(x), comoments('1', x), histogram(x), compressed('1', x) FROM (VALUES (1.0)) AS t(x) WHERE x > 2",
        "SELECT exact_sum(x) FILTER (WHERE x > 2), last_by(x, x::bigint) FILTER (WHERE x > 2), count_distinct(x) FILTER (WHERE x > 2),
                comoments('1', x) FILTER (WHERE x > 2), histogram(x) FILTER (WHERE x > 2), compressed('1', x) FILTER (WHERE x > 2)
         FROM (VALUES (1.0, 1)) AS t(x, g) GROUP BY g",
    ] {
        let empty = answer(sql).await.unwrap();
        assert!(empty.column(0).is_null(0) && empty.column(1).is_null(0), "{sql}");
        assert_eq!(empty.column(2).as_primitive::<Int64Type>().value(0), 0);
        assert_eq!(one_tuple(&empty, 3, 0), ExactCoMoments::new(1));
        assert_eq!(empty.column(4).as_binary::<i32>().value(0), Histogram::new().encode());
        assert_eq!(empty.column(5).as_binary::<i32>().value(0), ExactCompressed::new(1, 0).encode());
    }
}

#[tokio::test]
async fn rows_left_out_are_counted_per_variable() {
    let counted = answer(
        "SELECT comoments('1 2', x, y) FILTER (WHERE keep), histogram(x) FILTER (WHERE keep),
                compressed('1', x, y) FILTER (WHERE keep)
         FROM (VALUES (1.0, 2.0, true), (NULL, 2.0, true), (NULL, NULL, true), (1.0, NULL, NULL), (NULL, 1.0, false))
              AS t(x, y, keep)",
    )
    .await
    .unwrap();
    let moments = one_tuple(&counted, 0, 0);
    assert_eq!((moments.n(), moments.dropped(), moments.missing()), (1, 2, &[2, 1][..]));
    let histogram = Histogram::decode(counted.column(1).as_binary::<i32>().value(0)).unwrap();
    assert_eq!((histogram.n(), histogram.missing()), (1, 2));
    let rows = ExactCompressed::decode(counted.column(2).as_binary::<i32>().value(0)).unwrap().finish().unwrap();
    assert_eq!((rows.units(), rows.missing(), rows.feature(0), rows.mean(0)), (1, 2, &[1.0][..], &[2.0][..]));
}

#[tokio::test]
async fn wrong_arguments_are_refused_when_planning() {
    let cases = [
        ("exact_sum('a')", "exact_sum takes a number, not Utf8; cast the column"),
        ("exact_sum(1, 2)", "exact_sum takes one column, not 2"),
        ("comoments('1 2', 1, 'a')", "comoments takes numbers, not Utf8; cast the column"),
        ("comoments(1, 2)", "comoments takes its tuples as a text, such as '1; 1 2', not Int64"),
        ("comoments('1')", "comoments needs its tuples, such as '1; 1 2', and at least one column"),
        (
            "comoments('1; 3', 1, 2)",
            "comoments takes its tuples as a literal, such as '1; 1 2', with positions of columns up to 2",
        ),
        ("compressed('1', 1, 'a')", "compressed takes numbers, not Utf8; cast the column"),
        ("compressed(1, 2)", "compressed takes its number of features as a text, such as '2', not Int64"),
        ("compressed('1')", "compressed needs its number of features, such as '2', and at least one column"),
        ("compressed('3', 1, 2)", "compressed takes its number of features as a literal, such as '2', up to 2"),
        ("histogram(1, 2)", "histogram takes one column, not 2"),
        ("last_by(1)", "last_by takes a value and a time, not 1 columns"),
        ("first_by(1, 'a')", "first_by takes a timestamp, date or integer as time, not Utf8; cast the column"),
        ("count_distinct([1])", "count_distinct does not take List(Int64); cast the column to text"),
        (
            "exact_sum(DISTINCT 1), exact_sum(DISTINCT 2)",
            "exact_sum: DISTINCT is not supported; aggregate distinct rows of a subquery",
        ),
    ];
    for (call, want) in cases {
        let message = answer(&format!("SELECT {call}")).await.unwrap_err().to_string();
        assert!(message.contains(want), "{call}: {message}");
    }
}

#[tokio::test]
async fn every_type_of_key_is_counted() {
    let counted = answer(
        "SELECT count_distinct(i), count_distinct(text), count_distinct(bytes), count_distinct(at), count_distinct(day),
                count_distinct(even), count_distinct(u), count_distinct(x), count_distinct(small), count_distinct(code),
                count_distinct(nothing)
         FROM (SELECT i, i::text AS text, arrow_cast(i::text, 'Binary') AS bytes, i::timestamp AS at, i::timestamp::date AS day,
                      i % 2 = 0 AS even, arrow_cast(i, 'UInt64') AS u, i::double AS x, arrow_cast(i, 'Int8') AS small,
                      arrow_cast(i::text, 'Dictionary(Int32, Utf8)') AS code, NULL AS nothing
               FROM (VALUES (1), (2), (2), (NULL), (3)) AS t(i))",
    )
    .await
    .unwrap();
    let counts: Vec<i64> = counted.columns().iter().map(|column| column.as_primitive::<Int64Type>().value(0)).collect();
    assert_eq!(counts, [3, 3, 3, 3, 1, 2, 3, 3, 3, 3, 0]);
}

#[tokio::test]
async fn signed_zeros_are_one_value_and_all_nan_are_one_value() {
    let zeros = answer(
        "SELECT count_distinct(x), last_by(x, 1), exact_sum(x) FROM (VALUES (-0.0::double), (0.0::double)) AS t(x)",
    )
    .await
    .unwrap();
    assert_eq!(zeros.column(0).as_primitive::<Int64Type>().value(0), 1);
    for position in [1, 2] {
        assert_eq!(zeros.column(position).as_primitive::<Float64Type>().value(0).to_bits(), 0);
    }
    let nan =
        answer("SELECT count_distinct(x) FROM (VALUES ('NaN'::double), (-('NaN'::double))) AS t(x)").await.unwrap();
    assert_eq!(nan.column(0).as_primitive::<Int64Type>().value(0), 1);
}

#[tokio::test]
async fn a_running_window_goes_on_from_its_state() {
    let running = answer(
        "SELECT exact_sum(x) OVER (ORDER BY i) AS s, count_distinct(n) OVER (ORDER BY i) AS d,
                count_distinct(t) OVER (ORDER BY i) AS t
         FROM (VALUES (1, 1, 'a', 1e16), (2, 0, 'b', 1.0), (3, 1, 'a', 1.0), (4, 0, 'b', -1e16)) AS t(i, n, t, x) ORDER BY i",
    )
    .await
    .unwrap();
    assert_eq!(running.column(0).as_primitive::<Float64Type>().values().to_vec(), [1e16, 1e16, 1e16 + 2.0, 2.0]);
    for position in [1, 2] {
        assert_eq!(running.column(position).as_primitive::<Int64Type>().values().to_vec(), [1, 2, 2, 2]);
    }
}

#[tokio::test]
async fn groups_that_come_in_order_are_emitted_early_and_right() {
    const PER_GROUP: i64 = 3;
    let groups: Vec<i64> = (0..60_000).map(|row| row / PER_GROUP).collect();
    let values: Vec<f64> = (0..60_000).map(|row| [1e16, 0.5, -1e16][row % 3] + (row / 30_000) as f64).collect();
    let texts: Vec<String> = values.iter().map(|value| format!("{value} and so on")).collect();
    let columns: [(&str, ArrayRef); 3] = [
        ("g", Arc::new(Int64Array::from(groups))),
        ("x", Arc::new(Float64Array::from(values.clone()))),
        ("t", Arc::new(StringArray::from(texts))),
    ];
    let rows = RecordBatch::try_from_iter(columns).unwrap();
    let parts = (0..rows.num_rows()).step_by(1000).map(|start| rows.slice(start, 1000)).collect();
    let ordered =
        MemTable::try_new(rows.schema(), vec![parts]).unwrap().with_sort_order(vec![vec![col("g").sort(true, true)]]);
    let session = session(1);
    session.register_table("ordered", Arc::new(ordered)).unwrap();
    let sql = "SELECT g, exact_sum(x) AS s, exact_sum(g) AS i, count_distinct(x) AS d, count_distinct(t) AS t,
                      last_by(x, g) AS l, comoments('1', x) AS m, histogram(x) AS h
               FROM ordered GROUP BY g ORDER BY g";
    let plan = session.sql(&format!("EXPLAIN {sql}")).await.unwrap().to_string().await.unwrap();
    assert!(plan.contains("ordering_mode=Sorted"), "{plan}");
    let batches = session.sql(sql).await.unwrap().collect().await.unwrap();
    let answer = arrow::compute::concat_batches(&batches[0].schema(), &batches).unwrap();
    assert_eq!(answer.num_rows(), 20_000);
    for group in 0..answer.num_rows() {
        let of_group = &values[3 * group..3 * group + 3];
        let units: i128 = of_group.iter().map(|value| (value * 4.0) as i128).sum();
        assert_eq!(answer.column(1).as_primitive::<Float64Type>().value(group), units as f64 / 4.0);
        assert_eq!(answer.column(2).as_primitive::<Float64Type>().value(group), (3 * group) as f64);
        for position in [3, 4] {
            assert_eq!(answer.column(position).as_primitive::<Int64Type>().value(group), 3);
        }
        assert_eq!(answer.column(5).as_primitive::<Float64Type>().value(group), of_group[0]);
        let moments = one_tuple(&answer, 6, group);
        assert_eq!(moments.finish().unwrap().mean(0), units as f64 / 12.0);
        assert_eq!(Histogram::decode(answer.column(7).as_binary::<i32>().value(group)).unwrap().n(), 3);
    }
}
