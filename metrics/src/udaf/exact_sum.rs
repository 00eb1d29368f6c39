//! `exact_sum(x)`: a sum rounded once.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryBuilder, BooleanArray, Decimal128Array, Float64Array, PrimitiveArray,
};
use arrow::datatypes::{
    ArrowPrimitiveType, DECIMAL128_MAX_PRECISION, DataType, Decimal128Type, Float64Type, Int64Type, UInt64Type,
};
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};
use estimand_stats::suffstat::{self, GroupIntegerSums, GroupSums, SumParts};

use super::order_free::{Arguments, Groups, OrderFree, refused};
use super::selection::{for_each_row, selected};

/// The double nearest to the exact sum of a column, whatever the order of its rows.
///
/// Floats are added as expansions, integers and decimals in 128 bits, so that a sum past 2⁵³, or past the range of 64-bit
/// integers, is right.
///
/// - **Needs** a number.
/// - **Gives** the sum as a double in the column's unit, null when no row has a value.
/// - **Errors** with a [`Refusal`](super::Refusal) when a value is not finite, or the sum is beyond the largest double.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct ExactSum;

impl OrderFree for ExactSum {
    const NAME: &'static str = "exact_sum";

    fn coerce(arguments: &[DataType]) -> Result<Vec<DataType>> {
        let [argument] = arguments else { return plan_err!("exact_sum takes one column, not {}", arguments.len()) };
        let read_as = match argument {
            DataType::Dictionary(_, values) => return Self::coerce(&[values.as_ref().clone()]),
            DataType::Null => DataType::Float64,
            number if number.is_floating() => DataType::Float64,
            number if number.is_signed_integer() => DataType::Int64,
            number if number.is_unsigned_integer() => DataType::UInt64,
            DataType::Decimal32(_, scale) | DataType::Decimal64(_, scale) | DataType::Decimal128(_, scale) => {
                DataType::Decimal128(DECIMAL128_MAX_PRECISION, *scale)
            }
            DataType::Decimal256(..) => {
                return plan_err!("exact_sum takes decimals of at most 38 digits, not {argument}; cast the column");
            }
            other => return plan_err!("exact_sum takes a number, not {other}; cast the column"),
        };
        Ok(vec![read_as])
    }

    fn result() -> DataType {
        DataType::Float64
    }

    fn state(arguments: &[DataType]) -> Vec<(&'static str, DataType)> {
        match arguments {
            [DataType::Float64] => {
                vec![("high", DataType::Float64), ("low", DataType::Float64), ("rest", DataType::Binary)]
            }
            _ => vec![("sum", DataType::Decimal128(DECIMAL128_MAX_PRECISION, 0))],
        }
    }

    fn groups(arguments: &Arguments) -> Result<Groups> {
        Ok(match arguments.types.as_slice() {
            [DataType::Float64] => Box::<FloatGroups>::default(),
            [DataType::Decimal128(_, scale)] => Box::new(IntegerGroups { scale: *scale, ..Default::default() }),
            _ => Box::<IntegerGroups>::default(),
        })
    }
}

#[derive(Default)]
struct FloatGroups {
    sums: GroupSums,
    /// Chosen rows of a batch, when not all are.
    values: Vec<f64>,
    groups: Vec<usize>,
}

impl FloatGroups {
    fn grow(&mut self, total_groups: usize) {
        self.sums.resize(self.sums.len().max(total_groups));
    }

    fn take(&mut self, emit_to: EmitTo) -> GroupSums {
        match emit_to {
            EmitTo::All => std::mem::take(&mut self.sums),
            EmitTo::First(groups) => self.sums.take_first(groups),
        }
    }
}

impl GroupsAccumulator for FloatGroups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.grow(total_num_groups);
        let column = values[0].as_primitive::<Float64Type>().values();
        let added = match selected(values, opt_filter) {
            None => self.sums.add_batch(column, group_indices),
            Some(rows) => {
                self.values.clear();
                self.groups.clear();
                self.values.extend(rows.set_indices().map(|row| column[row]));
                self.groups.extend(rows.set_indices().map(|row| group_indices[row]));
                self.sums.add_batch(&self.values, &self.groups)
            }
        };
        added.map_err(refused(ExactSum::NAME))
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let sums = self.take(emit_to);
        let finished = (0..sums.len()).map(|group| sums.finish(group));
        let finished: Float64Array = finished.collect::<Result<_, _>>().map_err(refused(ExactSum::NAME))?;
        Ok(Arc::new(finished))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let sums = self.take(emit_to);
        let (mut high, mut low) = (Float64Array::builder(sums.len()), Float64Array::builder(sums.len()));
        let mut rest = BinaryBuilder::new();
        for group in 0..sums.len() {
            let parts = sums.parts(group);
            high.append_option(parts.as_ref().map(|parts| parts.high));
            low.append_option(parts.as_ref().map(|parts| parts.low));
            rest.append_option(parts.and_then(|parts| parts.rest).map(|rest| rest.encode()));
        }
        Ok(vec![Arc::new(high.finish()), Arc::new(low.finish()), Arc::new(rest.finish())])
    }

    fn merge_batch(&mut self, values: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        self.grow(total_num_groups);
        let (high, low) = (values[0].as_primitive::<Float64Type>(), values[1].as_primitive::<Float64Type>());
        let rest = values[2].as_binary::<i32>();
        let merge = |row: usize| {
            let rest = rest.is_valid(row).then(|| suffstat::ExactSum::decode(rest.value(row))).transpose()?;
            let parts = SumParts { high: high.value(row), low: low.value(row), rest };
            self.sums.merge_parts(group_indices[row], &parts)
        };
        for_each_row(high.len(), selected(&values[..2], None).as_ref(), merge).map_err(refused(ExactSum::NAME))
    }

    fn convert_to_state(&self, values: &[ArrayRef], opt_filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let column = values[0].as_primitive::<Float64Type>();
        let length = column.len();
        let nulls = selected(values, opt_filter).map(Into::into);
        let mut no_rest = BinaryBuilder::new();
        no_rest.append_nulls(length);
        Ok(vec![
            Arc::new(Float64Array::new(column.values().clone(), nulls)),
            Arc::new(Float64Array::from(vec![0.0; length])),
            Arc::new(no_rest.finish()),
        ])
    }

    fn size(&self) -> usize {
        size_of::<Self>()
            + self.sums.size_bytes()
            + self.values.capacity() * size_of::<f64>()
            + self.groups.capacity() * size_of::<usize>()
    }
}

#[derive(Default)]
struct IntegerGroups {
    sums: GroupIntegerSums,
    scale: i8,
}

impl IntegerGroups {
    fn grow(&mut self, total_groups: usize) {
        self.sums.resize(self.sums.len().max(total_groups));
    }

    fn take(&mut self, emit_to: EmitTo) -> GroupIntegerSums {
        match emit_to {
            EmitTo::All => std::mem::take(&mut self.sums),
            EmitTo::First(groups) => self.sums.take_first(groups),
        }
    }

    fn add<T: ArrowPrimitiveType>(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
    ) -> Result<()>
    where
        T::Native: Into<i128>,
    {
        let column = values[0].as_primitive::<T>().values();
        let add = |row: usize| self.sums.add(groups[row], column[row].into());
        for_each_row(column.len(), selected(values, filter).as_ref(), add).map_err(refused(ExactSum::NAME))
    }
}

/// Integers and decimals as 128-bit integers, null where a row is not chosen.
fn widened<T: ArrowPrimitiveType>(values: &[ArrayRef], filter: Option<&BooleanArray>) -> Decimal128Array
where
    T::Native: Into<i128>,
{
    let column: &PrimitiveArray<T> = values[0].as_primitive();
    let wide: Vec<i128> = column.values().iter().map(|value| (*value).into()).collect();
    Decimal128Array::new(wide.into(), selected(values, filter).map(Into::into))
}

/// As the state column declares it: a whole number of the smallest unit.
fn whole(column: Decimal128Array) -> ArrayRef {
    Arc::new(column.with_data_type(DataType::Decimal128(DECIMAL128_MAX_PRECISION, 0)))
}

impl GroupsAccumulator for IntegerGroups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.grow(total_num_groups);
        match values[0].data_type() {
            DataType::Int64 => self.add::<Int64Type>(values, group_indices, opt_filter),
            DataType::UInt64 => self.add::<UInt64Type>(values, group_indices, opt_filter),
            _ => self.add::<Decimal128Type>(values, group_indices, opt_filter),
        }
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let sums = self.take(emit_to);
        let finished: Float64Array = (0..sums.len()).map(|group| sums.finish(group, self.scale)).collect();
        Ok(Arc::new(finished))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let sums = self.take(emit_to);
        Ok(vec![whole((0..sums.len()).map(|group| sums.get(group)).collect())])
    }

    fn merge_batch(&mut self, values: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        self.grow(total_num_groups);
        self.add::<Decimal128Type>(values, group_indices, None)
    }

    fn convert_to_state(&self, values: &[ArrayRef], opt_filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let column = match values[0].data_type() {
            DataType::Int64 => widened::<Int64Type>(values, opt_filter),
            DataType::UInt64 => widened::<UInt64Type>(values, opt_filter),
            _ => widened::<Decimal128Type>(values, opt_filter),
        };
        Ok(vec![whole(column)])
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.sums.size_bytes()
    }
}
