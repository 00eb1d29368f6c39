//! `histogram(x)`: counts in fixed bins.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};
use estimand_stats::suffstat;

use super::encoded_groups::{Encoded, EncodedGroups, binary};
use super::order_free::{Groups, OrderFree};
use super::selection::{filtered, for_each_row};

/// The distribution of a column as the bytes of [`suffstat::Histogram`].
///
/// - **Needs** a number; it is read as a double.
/// - **Gives** also how many values were null, and how many not finite.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Histogram;

impl OrderFree for Histogram {
    const NAME: &'static str = "histogram";

    fn coerce(arguments: &[DataType]) -> Result<Vec<DataType>> {
        match arguments {
            [argument] if argument.is_numeric() || argument.is_null() => Ok(vec![DataType::Float64]),
            [other] => plan_err!("histogram takes a number, not {other}; cast the column"),
            _ => plan_err!("histogram takes one column, not {}", arguments.len()),
        }
    }

    fn result() -> DataType {
        DataType::Binary
    }

    fn state(_arguments: &[DataType]) -> Vec<(&'static str, DataType)> {
        vec![("histogram", DataType::Binary)]
    }

    fn groups(_arguments: &[DataType]) -> Result<Groups> {
        Ok(Box::new(HistogramGroups { groups: EncodedGroups::new(Self::NAME, suffstat::Histogram::new) }))
    }
}

impl Encoded for suffstat::Histogram {
    fn merge_with(&mut self, other: &Self) -> Result<(), suffstat::Error> {
        self.merge(other);
        Ok(())
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.encode()
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, suffstat::Error> {
        suffstat::Histogram::decode(bytes)
    }

    fn heap_bytes(&self) -> usize {
        self.heap_bytes()
    }
}

struct HistogramGroups {
    groups: EncodedGroups<suffstat::Histogram>,
}

impl GroupsAccumulator for HistogramGroups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.groups.grow(total_num_groups);
        let column = values[0].as_primitive::<Float64Type>();
        for_each_row(column.len(), filtered(opt_filter).as_ref(), |row| {
            self.groups.change(group_indices[row], |histogram| {
                match column.is_valid(row) {
                    true => histogram.add(column.value(row)),
                    false => histogram.record_missing(1),
                }
                Ok(())
            })
        })
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        self.groups.emit(emit_to)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.groups.emit(emit_to)?])
    }

    fn merge_batch(&mut self, values: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        self.groups.merge_batch(values, group_indices, total_num_groups)
    }

    fn convert_to_state(&self, values: &[ArrayRef], opt_filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let column = values[0].as_primitive::<Float64Type>();
        let filtered = filtered(opt_filter);
        let encoded = column.iter().enumerate().map(|(row, value)| {
            let mut histogram = suffstat::Histogram::new();
            if filtered.as_ref().is_none_or(|rows| rows.value(row)) {
                match value {
                    Some(value) => histogram.add(value),
                    None => histogram.record_missing(1),
                }
            }
            histogram.encode()
        });
        Ok(vec![binary(Histogram::NAME, encoded)?])
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.groups.size()
    }
}
