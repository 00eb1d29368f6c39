//! `histogram(x)`: counts in fixed bins.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};
use estimand_stats::suffstat;

use super::encoded_groups::{Encoded, EncodedGroups, binary};
use super::order_free::{Arguments, Groups, OrderFree};
use super::selection::{ByGroup, filtered};

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

    fn groups(_arguments: &Arguments) -> Result<Groups> {
        let groups = EncodedGroups::new(Self::NAME, suffstat::Histogram::new);
        Ok(Box::new(HistogramGroups { groups, by_group: ByGroup::default() }))
    }
}

impl Encoded for suffstat::Histogram {
    fn merge_bytes(&mut self, bytes: &[u8]) -> Result<(), suffstat::Error> {
        self.merge(&suffstat::Histogram::decode(bytes)?);
        Ok(())
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.encode()
    }

    fn heap_bytes(&self) -> usize {
        self.heap_bytes()
    }
}

struct HistogramGroups {
    groups: EncodedGroups<suffstat::Histogram>,
    by_group: ByGroup,
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
        let groups = &mut self.groups;
        self.by_group.for_each(group_indices, filtered(opt_filter).as_ref(), total_num_groups, |group, positions| {
            groups.change(group, |histogram| {
                for row in positions.iter().map(|position| *position as usize) {
                    match column.is_valid(row) {
                        true => histogram.add(column.value(row)),
                        false => histogram.record_missing(1),
                    }
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
        size_of::<Self>() + self.groups.size() + self.by_group.size()
    }
}
