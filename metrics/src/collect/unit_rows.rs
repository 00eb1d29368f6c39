//! Rows of units for estimators that read them: of each arm, and of each of its days and segments.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, UInt32Array};
use arrow::compute::{cast, concat_batches, filter_record_batch, take_record_batch};
use arrow::datatypes::{DataType, Float64Type};
use arrow::error::ArrowError;
use estimand_stats::sample::ArmSample;
use sea_query::{Alias, Expr, ExprTrait, Order, Query};

use super::{Collected, MISSING_GROUP};
use crate::engine::{Engine, nullable};
use crate::error::Error;
use crate::plan::Plan;
use crate::plan::lower::{self, Step};
use crate::sql::{Statement, cast as cast_to, column};

/// The rows of an arm with their days of enrolment.
#[derive(Clone, Debug)]
pub struct DatedRows {
    rows: RecordBatch,
    /// The days there are, in order.
    days: Vec<String>,
    /// The place among them of the day of each row.
    day: Vec<u32>,
}

impl DatedRows {
    fn new(rows: RecordBatch, by_day: &BTreeMap<String, Vec<u32>>) -> Self {
        let mut day = vec![0; rows.num_rows()];
        for (place, rows) in (0..).zip(by_day.values()) {
            rows.iter().for_each(|row| day[*row as usize] = place);
        }
        Self { rows, days: by_day.keys().cloned().collect(), day }
    }

    /// The rows enrolled up to and including a day, in the order of all: the last day gives the whole.
    ///
    /// # Errors
    /// What Arrow says of a table that is too large for one batch.
    pub fn until(&self, day: &str) -> Result<RecordBatch, Error> {
        let within = self.days.partition_point(|one| one.as_str() <= day) as u32;
        let kept: BooleanArray = self.day.iter().map(|place| Some(*place < within)).collect();
        filter_record_batch(&self.rows, &kept)
            .map_err(|error| Error::Engine { step: "rows by day".to_owned(), message: error.to_string() })
    }
}

/// Reads the rows of every arm, in an order that the data themselves fix, and gives each sample its own.
pub(super) async fn attach(engine: &dyn Engine, plan: &Plan, collected: &mut Collected) -> Result<(), Error> {
    let groups: Vec<String> = plan.unit_row_groups();
    let values: Vec<usize> = (0..plan.unit_rows.len()).collect();
    for arm in plan.experiment.arms.iter().map(|arm| arm.name.as_str()) {
        let step = rows_of(plan, &groups, arm);
        let fail = |error: ArrowError| Error::Engine { step: step.name.clone(), message: error.to_string() };
        let batches = engine.read(&step).await?;
        if let Some(first) = batches.first() {
            // What an engine knows of nulls in its answers is not for its readers.
            let schema = nullable(&first.schema());
            let all = batches.iter().map(|batch| {
                let columns = batch.columns().iter().map(without_signs_of_zeros).collect();
                RecordBatch::try_new(Arc::clone(&schema), columns)
            });
            let all = all.collect::<Result<Vec<_>, _>>().map_err(fail)?;
            let all = concat_batches(&schema, &all).map_err(fail)?;
            let values_of = |rows: &[u32]| take_record_batch(&all, &UInt32Array::from(rows.to_vec()))?.project(&values);
            let of = |samples: &mut [ArmSample], rows: RecordBatch| {
                if let Some(sample) = samples.iter_mut().find(|sample| sample.arm == arm) {
                    sample.unit_rows = Some(rows);
                }
            };
            for (at, group) in groups.iter().enumerate() {
                let by_value = rows_by_value(&all, values.len() + at).map_err(fail)?;
                if group == lower::COLUMN_DAY {
                    let rows = all.project(&values).map_err(fail)?;
                    collected.dated.insert(arm.to_owned(), DatedRows::new(rows, &by_value));
                    continue;
                }
                for ((_, value), sample) in collected.segments.iter_mut().filter(|((name, _), _)| name == group) {
                    let rows = by_value.get(value).map_or(&[][..], Vec::as_slice);
                    of(&mut sample.arms, values_of(rows).map_err(fail)?);
                }
            }
            of(&mut collected.all.arms, all.project(&values).map_err(fail)?);
        }
        collected.steps.push(step);
    }
    Ok(())
}

/// Both zeros are one value, and an engine may give either.
fn without_signs_of_zeros(column: &ArrayRef) -> ArrayRef {
    match column.as_primitive_opt::<Float64Type>() {
        Some(numbers) => Arc::new(numbers.unary::<_, Float64Type>(|number| number + 0.0)),
        None => Arc::clone(column),
    }
}

fn rows_of(plan: &Plan, groups: &[String], arm: &str) -> Step {
    let mut select = Query::select();
    for name in plan.unit_rows.iter().chain(groups) {
        select.column(Alias::new(name.as_str()));
    }
    select
        .from(Alias::new(lower::ANALYSED))
        .and_where(cast_to(column(lower::COLUMN_ARM), "VARCHAR").eq(Expr::val(arm)));
    // By everything that is read, so that rows in the same place are the same.
    for name in plan.unit_rows.iter().chain(groups) {
        select.order_by(Alias::new(name.as_str()), Order::Asc);
    }
    Step {
        name: format!("rows_of_{arm}"),
        purpose: "one row per unit".to_owned(),
        statement: Statement::of(&select),
        keep: false,
    }
}

/// The rows at which each value of a column stands, in their order.
fn rows_by_value(rows: &RecordBatch, place: usize) -> Result<BTreeMap<String, Vec<u32>>, ArrowError> {
    let column = cast(rows.column(place), &DataType::Utf8)?;
    let texts = column.as_string::<i32>();
    let mut by_value: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for row in 0..texts.len() {
        let value = if texts.is_valid(row) { texts.value(row) } else { MISSING_GROUP };
        match by_value.get_mut(value) {
            Some(rows) => rows.push(row as u32),
            None => {
                by_value.insert(value.to_owned(), vec![row as u32]);
            }
        }
    }
    Ok(by_value)
}
