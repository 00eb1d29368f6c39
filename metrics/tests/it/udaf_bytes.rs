//! The answer is the same to the last byte at any number of partitions, in any order of rows, spilled or not.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int64Type};
use estimand_stats::suffstat::{ExactCompressed, Histogram, TupleCoMoments};

use crate::udaf_rows::{Events, Run};

const ROWS: usize = 2_000_000;

const PER_UNIT: &str = "
    SELECT user_id,
           exact_sum(amount) AS amount, exact_sum(amount) FILTER (WHERE quantity > 5) AS some_amount,
           exact_sum(quantity) AS quantity, exact_sum(price) AS price,
           count_distinct(session) AS sessions, count_distinct(at) AS times,
           first_by(amount, at) AS first_amount, last_by(amount, at) AS last_amount
    FROM events GROUP BY user_id ORDER BY user_id";

const PER_ARM: &str = "
    SELECT arm, comoments('1 2; 1; 2', amount, quantity) AS pair, comoments('1', amount) FILTER (WHERE quantity > 5) AS alone,
           compressed('1', quantity, amount) AS by_quantity, compressed('0', amount) FILTER (WHERE quantity > 5) AS together,
           histogram(price) AS prices, count_distinct(session) AS sessions, exact_sum(amount) AS amount
    FROM events GROUP BY arm ORDER BY arm";

const OVER_ALL: &str = "
    SELECT comoments('1 2', total, items) AS units, compressed('2', items, total) AS rows, histogram(total) AS totals, count_distinct(user_id) AS users,
           last_by(total, user_id) AS last_total, exact_sum(total) AS total
    FROM (SELECT user_id, exact_sum(amount) AS total, count(*) AS items FROM events GROUP BY user_id)";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn partitions_order_and_spilling_do_not_change_a_byte() {
    let rows = Events::draw(ROWS, 1).batch();
    let tight = 60 << 20;
    let runs = [
        Run { partitions: 2, shuffle: Some(2), ..Run::PLAIN },
        Run { partitions: 3, shuffle: Some(3), skip_partial: true, ..Run::PLAIN },
        Run { partitions: 7, shuffle: Some(4), ..Run::PLAIN },
        Run { partitions: 16, shuffle: Some(5), ..Run::PLAIN },
        Run { partitions: 3, shuffle: Some(6), memory: Some(tight), ..Run::PLAIN },
        Run { partitions: 1, shuffle: Some(7), memory: Some(tight), ..Run::PLAIN },
    ];
    for sql in [PER_UNIT, PER_ARM, OVER_ALL] {
        let (want, _) = Run::PLAIN.answer(&rows, sql).await;
        for run in runs {
            // The small answers of the other two statements never meet the limit.
            let run = if sql == PER_UNIT { run } else { Run { memory: None, ..run } };
            let (got, spilled) = run.answer(&rows, sql).await;
            assert!(got == want, "{run:?} changed the answer of {sql}");
            assert!(run.memory.is_none() || spilled > 0, "{run:?} was meant to spill");
        }
    }
}

/// Amounts lie on multiples of 2⁻⁵⁹ below 2⁵⁴, so 128 bits hold any sum of them.
fn exact(amounts: impl Iterator<Item = f64>) -> f64 {
    let units: i128 = amounts.map(|amount| (amount * 2_f64.powi(59)) as i128).sum();
    units as f64 * 2_f64.powi(-59)
}

fn doubles<'a>(batch: &'a RecordBatch, name: &str) -> &'a [f64] {
    batch.column_by_name(name).unwrap().as_primitive::<Float64Type>().values()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_aggregate_equals_integers_added_by_hand() {
    let events = Events::draw(200_000, 11);
    let (answer, _) = Run { partitions: 3, ..Run::PLAIN }.answer(&events.batch(), PER_UNIT).await;
    let users = answer.column(0).as_primitive::<Int64Type>().values();
    let mut rows_of = vec![Vec::new(); users.len()];
    for (row, user) in events.users.iter().enumerate() {
        rows_of[users.binary_search(user).unwrap()].push(row);
    }
    for (place, rows) in rows_of.iter().enumerate() {
        let amounts = rows.iter().filter_map(|row| events.amounts[*row]);
        let is_null = answer.column_by_name("amount").unwrap().is_null(place);
        assert_eq!(is_null, amounts.clone().count() == 0);
        assert_eq!(doubles(&answer, "amount")[place].to_bits(), exact(amounts).to_bits());
        let quantity: i128 = rows.iter().map(|row| i128::from(events.quantities[*row])).sum();
        assert_eq!(doubles(&answer, "quantity")[place], quantity as f64);
        let price: i128 = rows.iter().map(|row| events.prices[*row]).sum();
        assert_eq!(doubles(&answer, "price")[place], price as f64 / 100.0);
        let timed = rows.iter().filter_map(|row| events.amounts[*row].map(|amount| (events.times[*row], amount + 0.0)));
        let by_time = |a: &(i64, f64), b: &(i64, f64)| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1));
        let (first, last) = (timed.clone().min_by(by_time), timed.max_by(by_time));
        assert_eq!(doubles(&answer, "first_amount")[place], first.map_or(0.0, |first| first.1));
        assert_eq!(doubles(&answer, "last_amount")[place], last.map_or(0.0, |last| last.1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_aggregate_equals_its_portable_sql() {
    let rows = Events::draw(200_000, 12).batch();
    let run = Run { partitions: 2, ..Run::PLAIN };
    // What plain SQL gets exactly: decimals, distinct counts, an order by.
    let ours = "
        SELECT user_id, exact_sum(quantity) AS q, exact_sum(price) AS p, count_distinct(session) AS s, count_distinct(at) AS t,
               last_by(amount, at) AS l, first_by(amount, at) AS f, count_distinct(amount) AS a
        FROM events WHERE amount IS NOT NULL GROUP BY user_id ORDER BY user_id";
    let portable = "
        SELECT user_id, CAST(sum(CAST(quantity AS DECIMAL(38, 0))) AS DOUBLE) AS q, CAST(sum(price) AS DOUBLE) AS p,
               count(DISTINCT session) AS s, count(DISTINCT at) AS t,
               last_value(amount + 0.0 ORDER BY at, amount) AS l, first_value(amount + 0.0 ORDER BY at, amount) AS f,
               count(DISTINCT amount + 0.0) AS a
        FROM events WHERE amount IS NOT NULL GROUP BY user_id ORDER BY user_id";
    let ((ours, _), (portable, _)) = (run.answer(&rows, ours).await, run.answer(&rows, portable).await);
    for (position, field) in ours.schema().fields().iter().enumerate() {
        assert!(ours.column(position) == portable.column(position), "column {} differs", field.name());
    }
    // What plain SQL gets up to rounding: moments of moderate values.
    let few = "FROM events WHERE abs(amount) < 1e6 AND quantity < 100 GROUP BY arm ORDER BY arm";
    let ours = format!("SELECT comoments('1; 1 2', amount, quantity) AS m, histogram(amount) AS h {few}");
    let portable = format!(
        "SELECT count(*) AS n, avg(amount) AS x, avg(quantity) AS y, var_samp(amount) AS xx,
                covar_samp(amount, quantity) AS xy, min(amount) AS low, max(amount) AS high {few}"
    );
    let ((ours, _), (portable, _)) = (run.answer(&rows, &ours).await, run.answer(&rows, &portable).await);
    for place in 0..ours.num_rows() {
        let moments =
            TupleCoMoments::decode(ours.column(0).as_binary::<i32>().value(place)).unwrap()[1].finish().unwrap();
        let histogram = Histogram::decode(ours.column(1).as_binary::<i32>().value(place)).unwrap();
        let n = portable.column(0).as_primitive::<Int64Type>().value(place) as u64;
        assert_eq!((moments.n(), histogram.n()), (n, n));
        let got = [
            ("x", moments.mean(0)),
            ("y", moments.mean(1)),
            ("xx", moments.variance(0).unwrap()),
            ("xy", moments.covariance(0, 1).unwrap()),
            ("low", histogram.min().unwrap()),
            ("high", histogram.max().unwrap()),
        ];
        for (name, got) in got {
            let want = doubles(&portable, name)[place];
            assert!((got - want).abs() <= 1e-9 * want.abs(), "{name}: {got} is not {want}");
        }
    }
    // The distinct rows are what a `GROUP BY` gives.
    let ours = "SELECT compressed('1', quantity, amount) FROM events WHERE abs(amount) < 1e6 AND quantity < 100";
    let portable =
        "SELECT CAST(quantity AS DOUBLE) AS q, count(*) AS n, avg(amount) AS x, var_pop(amount) * count(*) AS xx
                    FROM events WHERE abs(amount) < 1e6 AND quantity < 100 GROUP BY quantity ORDER BY quantity";
    let ((ours, _), (portable, _)) = (run.answer(&rows, ours).await, run.answer(&rows, portable).await);
    let compressed = ExactCompressed::decode(ours.column(0).as_binary::<i32>().value(0)).unwrap().finish().unwrap();
    let counts: Vec<i64> = compressed.n().iter().map(|n| *n as i64).collect();
    assert_eq!(
        (compressed.feature(0), &counts[..]),
        (doubles(&portable, "q"), portable.column(1).as_primitive::<Int64Type>().values().as_ref())
    );
    for (name, got) in [("x", compressed.mean(0)), ("xx", compressed.centred(0))] {
        for (got, want) in got.iter().zip(doubles(&portable, name)) {
            assert!((got - want).abs() <= 1e-9 * want.abs().max(1e-3), "{name}: {got} is not {want}");
        }
    }
}
