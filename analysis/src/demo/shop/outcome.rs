//! What a unit's metrics are, read off its events by hand.
//!
//! A second way to the numbers that the project's definitions ask the engine for: a loop over events and windows instead of SQL.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, StringArray, TimestampMicrosecondArray};
use arrow::record_batch::RecordBatch;

use super::model::{Arm, DAY, LOOKBACK, REVENUE_CAP};
use super::unit::{Enrolment, Event, EventKind, Simulator, Unit};
use crate::demo::Error;

/// Sums over the events of a unit in one stretch of time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Totals {
    visits: u32,
    load_ms: u64,
    searches: u32,
    orders: u32,
    revenue: u64,
    refunds: u32,
}

impl Totals {
    fn of(events: &[Event], during: Range<i64>) -> Self {
        let mut totals = Self::default();
        for event in events.iter().filter(|event| during.contains(&event.at)) {
            match event.kind {
                EventKind::Visit { load_ms } => {
                    totals.visits += 1;
                    totals.load_ms += u64::from(load_ms);
                }
                EventKind::Search => totals.searches += 1,
                EventKind::Order { amount, refunded } => {
                    totals.orders += 1;
                    totals.revenue += u64::from(amount);
                    totals.refunds += u32::from(refunded);
                }
            }
        }
        totals
    }

    fn any_order(self) -> f64 {
        f64::from(u8::from(self.orders > 0))
    }

    fn revenue(self) -> f64 {
        self.revenue as f64
    }

    fn capped_revenue(self) -> f64 {
        self.revenue.min(REVENUE_CAP) as f64
    }

    /// Never empty from exposure on: the exposure itself is a visit.
    fn mean_load(self) -> f64 {
        self.load_ms as f64 / f64::from(self.visits)
    }
}

/// Names of the outcomes, as the planner names them: `.pre` is the same over the lookback, `.capped` is after the cap.
pub(super) const VARIABLES: [&str; 14] = [
    "conversion",
    "conversion.pre",
    "orders",
    "orders.pre",
    "page_load_time",
    "refunds",
    "return_visits",
    "return_visits.pre",
    "revenue",
    "revenue.capped",
    "revenue.pre",
    "revenue.pre.capped",
    "searches",
    "searches.pre",
];

/// The outcomes of a unit exposed at an instant, in the order of [`VARIABLES`].
pub(super) fn outcomes(events: &[Event], exposed_at: i64) -> [f64; VARIABLES.len()] {
    let days = |from: i64, to: i64| Totals::of(events, exposed_at + from * DAY..exposed_at + to * DAY);
    let (pre, week, fortnight) = (days(-LOOKBACK, 0), days(0, 7), days(0, 14));
    [
        week.any_order(),
        pre.any_order(),
        f64::from(fortnight.orders),
        f64::from(pre.orders),
        week.mean_load(),
        f64::from(fortnight.refunds),
        f64::from(days(1, 8).visits),
        f64::from(pre.visits),
        fortnight.revenue(),
        fortnight.capped_revenue(),
        pre.revenue(),
        pre.capped_revenue(),
        f64::from(fortnight.searches),
        f64::from(pre.searches),
    ]
}

/// One row per unit that counts, without a file in between: for tests of estimators over many seeds, and as a reference for the engine.
///
/// Columns: `user_id`, `arm`, `exposed_at` (microseconds, UTC), `country`, `platform`, `visitor`, then the outcomes as doubles: `conversion`,
/// `orders`, `page_load_time`, `refunds`, `return_visits`, `revenue`, `searches`; with the suffix `.pre` the same over the lookback,
/// and with `.capped` after the cap. The metric `revenue` is `revenue.capped`, `revenue_uncapped` is `revenue`, and
/// `revenue_per_order` is `revenue` over `orders`. About one user in twenty is missing: not enrolled, or set apart.
///
/// # Errors
/// [`Error::NoUsers`] when `users` is 0.
pub fn unit_outcomes(seed: u64, users: u64) -> Result<RecordBatch, Error> {
    if users == 0 {
        return Err(Error::NoUsers);
    }
    let mut simulator = Simulator::new(seed);
    let counted: Vec<(Unit, (i64, Arm))> = (0..users)
        .map(|index| simulator.unit(index))
        .filter(|unit| unit.enrolment == Enrolment::Counted)
        .filter_map(|unit| unit.assignments.first().copied().map(|first| (unit, first)))
        .collect();

    let text = |of: &dyn Fn(&Unit, Arm) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(counted.iter().map(|(unit, (_, arm))| of(unit, *arm))))
    };
    let exposed_at = TimestampMicrosecondArray::from_iter_values(counted.iter().map(|(_, (at, _))| *at));
    let mut columns: Vec<(&str, ArrayRef)> = vec![
        ("user_id", text(&|unit, _| unit.id())),
        ("arm", text(&|_, arm| arm.name().to_owned())),
        ("exposed_at", Arc::new(exposed_at.with_timezone("UTC"))),
        ("country", text(&|unit, _| unit.stratum.country.name.to_owned())),
        ("platform", text(&|unit, _| unit.stratum.platform.name.to_owned())),
        ("visitor", text(&|unit, _| unit.stratum.visitor.name.to_owned())),
    ];
    let rows: Vec<_> = counted.iter().map(|(unit, (at, _))| outcomes(&unit.events, *at)).collect();
    for (column, name) in VARIABLES.iter().enumerate() {
        let values = Float64Array::from_iter_values(rows.iter().map(|row| row[column]));
        columns.push((name, Arc::new(values)));
    }
    Ok(RecordBatch::try_from_iter(columns)?)
}
