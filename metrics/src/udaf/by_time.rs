//! The value at one end of time, per group.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimeUnit};
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};
use estimand_stats::suffstat::Error;

use super::order_free::refused;
use super::selection::{for_each_row, selected};

/// Which end of time.
#[derive(Debug, Clone, Copy)]
pub(super) enum End {
    First,
    Last,
}

/// Time and value kept for each group that has met a row.
///
/// Times are compared as their ticks, ties by value, so that the order of rows does not matter.
pub(super) struct ByTime {
    aggregate: &'static str,
    end: End,
    kept: Vec<Option<(i64, f64)>>,
}

impl ByTime {
    pub(super) fn new(aggregate: &'static str, end: End) -> Self {
        ByTime { aggregate, end, kept: Vec::new() }
    }

    pub(super) fn coerce(aggregate: &str, arguments: &[DataType]) -> Result<Vec<DataType>> {
        let [value, time] = arguments else {
            return plan_err!("{aggregate} takes a value and a time, not {} columns", arguments.len());
        };
        if !(value.is_numeric() || value.is_null()) {
            return plan_err!("{aggregate} takes a number as value, not {value}; cast the column");
        }
        let time = match time {
            DataType::Timestamp(..) => time.clone(),
            DataType::Date32 | DataType::Date64 => DataType::Timestamp(TimeUnit::Millisecond, None),
            DataType::UInt64 => {
                return plan_err!("{aggregate} takes signed integers as time, not {time}; cast the column");
            }
            integer if integer.is_integer() || integer.is_null() => DataType::Int64,
            other => {
                return plan_err!(
                    "{aggregate} takes a timestamp, date or integer as time, not {other}; cast the column"
                );
            }
        };
        Ok(vec![DataType::Float64, time])
    }

    pub(super) fn state_columns() -> Vec<(&'static str, DataType)> {
        vec![("value", DataType::Float64), ("time", DataType::Int64)]
    }

    fn add(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total_groups: usize,
    ) -> Result<()> {
        self.kept.resize(self.kept.len().max(total_groups), None);
        let ticks = cast(&values[1], &DataType::Int64)?;
        let (column, ticks) =
            (values[0].as_primitive::<Float64Type>().values(), ticks.as_primitive::<Int64Type>().values());
        let wins = match self.end {
            End::First => Ordering::Less,
            End::Last => Ordering::Greater,
        };
        let mut non_finite = 0;
        let keep = |row: usize| {
            // Adding 0.0 makes -0.0 and 0.0 the same, as they are in every comparison of SQL.
            let (time, value) = (ticks[row], column[row] + 0.0);
            non_finite += u64::from(!value.is_finite());
            let kept = &mut self.kept[groups[row]];
            let order = kept.map_or(wins, |(other, rival)| time.cmp(&other).then(value.total_cmp(&rival)));
            if order == wins {
                *kept = Some((time, value));
            }
            Ok::<(), Error>(())
        };
        for_each_row(column.len(), selected(values, filter).as_ref(), keep).map_err(refused(self.aggregate))?;
        match non_finite {
            0 => Ok(()),
            count => Err(refused(self.aggregate)(Error::NonFinite { variable: 0, count })),
        }
    }
}

impl GroupsAccumulator for ByTime {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.add(values, group_indices, opt_filter, total_num_groups)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let kept = emit_to.take_needed(&mut self.kept);
        Ok(Arc::new(kept.into_iter().map(|kept| kept.map(|(_, value)| value)).collect::<Float64Array>()))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let kept = emit_to.take_needed(&mut self.kept);
        let values: Float64Array = kept.iter().map(|kept| kept.map(|(_, value)| value)).collect();
        let times: Int64Array = kept.iter().map(|kept| kept.map(|(time, _)| time)).collect();
        Ok(vec![Arc::new(values), Arc::new(times)])
    }

    fn merge_batch(&mut self, values: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        self.add(values, group_indices, None, total_num_groups)
    }

    fn convert_to_state(&self, values: &[ArrayRef], opt_filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let (column, ticks) = (values[0].as_primitive::<Float64Type>(), cast(&values[1], &DataType::Int64)?);
        let nulls = selected(values, opt_filter).map(Into::into);
        Ok(vec![Arc::new(Float64Array::new(column.values().clone(), nulls)), ticks])
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.kept.capacity() * size_of::<Option<(i64, f64)>>()
    }
}
