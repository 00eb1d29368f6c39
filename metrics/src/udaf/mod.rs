//! The fast form of the sufficient statistics: aggregate functions of the embedded engine.
//!
//! Each is exact, so its result does not depend on the order of rows, the number of partitions, or whether the engine
//! spilled: the engine's own float aggregates differ in bits from three partitions up, its integer sums wrap, and its
//! distinct counts of timestamps are slow. Every one of them takes a `FILTER` clause, keeps one state for all groups, and merges.
//!
//! | aggregate | gives | rows it leaves out |
//! | --- | --- | --- |
//! | `comoments('1; 1 2', x1, …, xk)` | encoded [`TupleCoMoments`](estimand_stats::suffstat::TupleCoMoments) | per tuple: any value null; counted in the result |
//! | `compressed('2', x1, …, xk)` | encoded [`ExactCompressed`](estimand_stats::suffstat::ExactCompressed): distinct rows of the first two, sums of the others | any value null; counted in the result |
//! | `count_distinct(x)` | the number of distinct values | null |
//! | `exact_sum(x)` | the double nearest to the exact sum | null; no other rows: null |
//! | `first_by(value, time)` | the value at the earliest time, the smallest of a tie | either null; no other rows: null |
//! | `histogram(x)` | encoded [`Histogram`](estimand_stats::suffstat::Histogram) | null; counted in the result |
//! | `last_by(value, time)` | the value at the latest time, the greatest of a tie | either null; no other rows: null |
//!
//! Values that are infinite or not a number end the query with a [`Refusal`] from `exact_sum`, `first_by` and `last_by`; the
//! encoded statistics count them: finishing co-moments or a compressed sample refuses, a histogram tells how many it saw. A `DISTINCT` inside the call is refused.

use datafusion::logical_expr::AggregateUDF;
use datafusion::prelude::SessionContext;

mod by_time;
mod comoments;
mod compressed;
mod count_distinct;
mod encoded_groups;
mod exact_sum;
mod first_by;
mod histogram;
mod last_by;
mod one_group;
mod order_free;
mod selection;

pub use order_free::Refusal;

/// Every aggregate, by name, each as its maker.
pub const ALL: &[fn() -> AggregateUDF] = &[
    order_free::udaf::<comoments::CoMoments>,
    order_free::udaf::<compressed::Compressed>,
    order_free::udaf::<count_distinct::CountDistinct>,
    order_free::udaf::<exact_sum::ExactSum>,
    order_free::udaf::<first_by::FirstBy>,
    order_free::udaf::<histogram::Histogram>,
    order_free::udaf::<last_by::LastBy>,
];

/// Makes every aggregate known to a session.
pub fn register(session: &SessionContext) {
    ALL.iter().for_each(|make| session.register_udaf(make()));
}
