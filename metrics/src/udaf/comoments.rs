//! `comoments(x1, …, xk)`: joint exact moments of several columns.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};
use estimand_stats::suffstat::{Error, ExactCoMoments, Rows};

use super::encoded_groups::{Encoded, EncodedGroups, binary};
use super::order_free::{Groups, OrderFree, refused};
use super::selection::{self, ByGroup};

/// Sums and sums of products of k columns over the rows where all have a value, as the bytes of [`ExactCoMoments`].
///
/// - **Needs** numbers; they are read as doubles, so integers past 2⁵³ are rounded first.
/// - **Gives** also how many rows were left out, and how many miss each column.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct CoMoments;

impl OrderFree for CoMoments {
    const NAME: &'static str = "comoments";

    fn coerce(arguments: &[DataType]) -> Result<Vec<DataType>> {
        if arguments.is_empty() {
            return plan_err!("comoments needs at least one column");
        }
        if let Some(other) = arguments.iter().find(|argument| !(argument.is_numeric() || argument.is_null())) {
            return plan_err!("comoments takes numbers, not {other}; cast the column");
        }
        Ok(vec![DataType::Float64; arguments.len()])
    }

    fn result() -> DataType {
        DataType::Binary
    }

    fn state(_arguments: &[DataType]) -> Vec<(&'static str, DataType)> {
        vec![("comoments", DataType::Binary)]
    }

    fn groups(arguments: &[DataType]) -> Result<Groups> {
        let k = arguments.len();
        let groups = EncodedGroups::new(Self::NAME, move || ExactCoMoments::new(k));
        Ok(Box::new(CoMomentsGroups { groups, by_group: ByGroup::default() }))
    }
}

impl Encoded for ExactCoMoments {
    fn merge_with(&mut self, other: &Self) -> Result<(), Error> {
        self.merge(other)
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.encode()
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        ExactCoMoments::decode(bytes)
    }

    fn heap_bytes(&self) -> usize {
        self.heap_bytes()
    }
}

struct CoMomentsGroups {
    groups: EncodedGroups<ExactCoMoments>,
    by_group: ByGroup,
}

impl CoMomentsGroups {
    /// Counts the rows left out because a column has no value there.
    fn record_missing(&mut self, values: &[ArrayRef], groups: &[usize], incomplete: &BooleanBuffer) -> Result<()> {
        let mut missing = vec![0; values.len()];
        incomplete.set_indices().try_for_each(|row| {
            missing.iter_mut().zip(values).for_each(|(count, column)| *count = u64::from(column.is_null(row)));
            self.groups.change(groups[row], |statistic| statistic.record_missing(1, &missing))
        })
    }
}

impl GroupsAccumulator for CoMomentsGroups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.groups.grow(total_num_groups);
        let filtered = selection::filtered(opt_filter);
        let complete = selection::complete(values);
        if let Some(complete) = &complete {
            let incomplete = selection::both(filtered.clone(), Some(!complete));
            incomplete.map_or(Ok(()), |rows| self.record_missing(values, group_indices, &rows))?;
        }
        let rows = selection::both(filtered, complete);
        let columns: Vec<&[f64]> =
            values.iter().map(|column| &**column.as_primitive::<Float64Type>().values()).collect();
        let groups = &mut self.groups;
        self.by_group.for_each(group_indices, rows.as_ref(), total_num_groups, |group, positions| {
            let whole = positions.len() == group_indices.len();
            let rows = if whole { Rows::All } else { Rows::At(positions) };
            groups.change(group, |statistic| statistic.push_columns(&columns, rows))
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
        let columns: Vec<_> = values.iter().map(|column| column.as_primitive::<Float64Type>()).collect();
        let filtered = selection::filtered(opt_filter);
        let length = columns.first().map_or(0, |column| column.len());
        let of_row = |row: usize| {
            let mut statistic = ExactCoMoments::new(columns.len());
            if filtered.as_ref().is_none_or(|rows| rows.value(row)) {
                if columns.iter().all(|column| column.is_valid(row)) {
                    let values: Vec<f64> = columns.iter().map(|column| column.value(row)).collect();
                    statistic.push_row(&values)?;
                } else {
                    let missing: Vec<u64> = columns.iter().map(|column| u64::from(column.is_null(row))).collect();
                    statistic.record_missing(1, &missing)?;
                }
            }
            Ok(statistic.encode())
        };
        let encoded: Vec<Vec<u8>> =
            (0..length).map(of_row).collect::<Result<_, Error>>().map_err(refused(CoMoments::NAME))?;
        Ok(vec![binary(CoMoments::NAME, encoded.into_iter())?])
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.groups.size() + self.by_group.size()
    }
}
