//! `count_distinct(x)`: how many different values.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, ListArray, UInt32Array};
use arrow::buffer::{BooleanBuffer, OffsetBuffer};
use arrow::compute::{cast, filter, take};
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type, UInt64Type};
use datafusion::common::{HashSet, Result, plan_err, resources_err};
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};
use datafusion::physical_expr::binary_map::OutputType;
use datafusion::physical_expr_common::binary_view_map::ArrowBytesViewMap;

use super::order_free::{Arguments, Groups, OrderFree};
use super::selection::{for_each_row, selected};

/// How many different values a column has, exactly.
///
/// All groups share one hash set of (group, key). Keys are 64-bit integers: integers, dates and timestamps as they are, doubles by
/// their bits (all NaN alike, `-0.0` as `0.0`), and texts by their place in one table of distinct texts.
///
/// - **Needs** integers, floats, booleans, dates, timestamps, text or binary.
/// - **Gives** a count, 0 when no row has a value.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct CountDistinct;

impl OrderFree for CountDistinct {
    const NAME: &'static str = "count_distinct";
    const NULLABLE: bool = false;

    fn coerce(arguments: &[DataType]) -> Result<Vec<DataType>> {
        let [argument] = arguments else {
            return plan_err!("count_distinct takes one column, not {}", arguments.len());
        };
        let read_as = match argument {
            DataType::Dictionary(_, values) => return Self::coerce(&[values.as_ref().clone()]),
            DataType::Timestamp(..) => argument.clone(),
            DataType::Date32 | DataType::Date64 | DataType::Boolean | DataType::Null => DataType::Int64,
            DataType::UInt64 => DataType::UInt64,
            number if number.is_integer() => DataType::Int64,
            number if number.is_floating() => DataType::Float64,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8View,
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
                DataType::BinaryView
            }
            other => return plan_err!("count_distinct does not take {other}; cast the column to text"),
        };
        Ok(vec![read_as])
    }

    fn result() -> DataType {
        DataType::Int64
    }

    fn state(arguments: &[DataType]) -> Vec<(&'static str, DataType)> {
        let item = if is_bytes(arguments) { DataType::Binary } else { DataType::Int64 };
        vec![("values", DataType::List(Arc::new(Field::new_list_field(item, true))))]
    }

    fn groups(arguments: &Arguments) -> Result<Groups> {
        Ok(match is_bytes(&arguments.types) {
            true => Box::new(BytesGroups::new()),
            false => Box::<KeyGroups>::default(),
        })
    }
}

fn is_bytes(arguments: &[DataType]) -> bool {
    matches!(arguments, [DataType::Utf8View | DataType::BinaryView])
}

/// The distinct keys of all groups.
#[derive(Default)]
struct Keys {
    met: HashSet<(usize, i64)>,
    counts: Vec<i64>,
}

impl Keys {
    fn grow(&mut self, total_groups: usize) {
        self.counts.resize(self.counts.len().max(total_groups), 0);
    }

    #[inline]
    fn insert(&mut self, group: usize, key: i64) {
        if self.met.insert((group, key)) {
            self.counts[group] += 1;
        }
    }

    /// Counts and keys of the groups emitted, the keys group by group.
    fn take(&mut self, emit_to: EmitTo) -> (Vec<i64>, impl Iterator<Item = (usize, i64)>) {
        let counts = emit_to.take_needed(&mut self.counts);
        let all = std::mem::take(&mut self.met);
        let emitted = match emit_to {
            EmitTo::All => all,
            EmitTo::First(groups) => {
                let (emitted, kept): (HashSet<_>, HashSet<_>) = all.into_iter().partition(|(group, _)| *group < groups);
                self.met = kept.into_iter().map(|(group, key)| (group - groups, key)).collect();
                emitted
            }
        };
        (counts, emitted.into_iter())
    }

    /// Where the list of each group emitted starts, and its keys in one run.
    fn take_lists(&mut self, emit_to: EmitTo) -> Result<(OffsetBuffer<i32>, Vec<i64>)> {
        let (counts, emitted) = self.take(emit_to);
        let total: i64 = counts.iter().sum();
        if total > i64::from(i32::MAX) {
            return resources_err!(
                "count_distinct: more than 2³¹ distinct values in one partition; use more partitions"
            );
        }
        let mut starts = Vec::with_capacity(counts.len());
        let mut next = 0;
        for count in &counts {
            starts.push(next);
            next += *count as usize;
        }
        let mut keys = vec![0; next];
        for (group, key) in emitted {
            keys[starts[group]] = key;
            starts[group] += 1;
        }
        Ok((OffsetBuffer::from_lengths(counts.iter().map(|count| *count as usize)), keys))
    }

    fn size(&self) -> usize {
        // Beside each entry the table keeps one control byte.
        self.met.capacity() * (size_of::<(usize, i64)>() + 1) + self.counts.capacity() * size_of::<i64>()
    }
}

/// The keys of a column that is not bytes; where the column is null they mean nothing.
fn keys_of(column: &ArrayRef) -> Result<Int64Array> {
    Ok(match column.data_type() {
        DataType::Float64 => column.as_primitive::<Float64Type>().unary(|value: f64| {
            let one_of_its_kind = if value.is_nan() { f64::NAN } else { value + 0.0 };
            one_of_its_kind.to_bits() as i64
        }),
        DataType::UInt64 => column.as_primitive::<UInt64Type>().unary(|value: u64| value as i64),
        _ => cast(column, &DataType::Int64)?.as_primitive::<Int64Type>().clone(),
    })
}

fn lists(offsets: OffsetBuffer<i32>, values: ArrayRef) -> ArrayRef {
    let item = Arc::new(Field::new_list_field(values.data_type().clone(), true));
    Arc::new(ListArray::new(item, offsets, values, None))
}

/// A list for each row: its value, or nothing when the row is not chosen.
fn one_each(values: ArrayRef, rows: Option<&BooleanBuffer>) -> Result<ArrayRef> {
    let Some(rows) = rows else { return Ok(lists(OffsetBuffer::from_lengths(vec![1; values.len()]), values)) };
    let offsets = OffsetBuffer::from_lengths(rows.iter().map(usize::from));
    Ok(lists(offsets, filter(&values, &BooleanArray::new(rows.clone(), None))?))
}

/// For each value of the lists, the group of its list.
fn groups_of_values(lists: &ListArray, groups: &[usize]) -> Vec<usize> {
    let runs = groups.iter().zip(lists.offsets().lengths());
    runs.flat_map(|(group, length)| std::iter::repeat_n(*group, length)).collect()
}

/// The values of all lists in one run, without what lies outside their offsets.
fn values_of(lists: &ListArray) -> ArrayRef {
    let offsets = lists.value_offsets();
    let (start, end) = (offsets.first().copied().unwrap_or(0) as usize, offsets.last().copied().unwrap_or(0) as usize);
    lists.values().slice(start, end - start)
}

#[derive(Default)]
struct KeyGroups {
    keys: Keys,
}

impl GroupsAccumulator for KeyGroups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.keys.grow(total_num_groups);
        let keys = keys_of(&values[0])?;
        for_each_row(keys.len(), selected(values, opt_filter).as_ref(), |row| {
            self.keys.insert(group_indices[row], keys.value(row));
            Ok(())
        })
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        Ok(Arc::new(Int64Array::from(self.keys.take(emit_to).0)))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let (offsets, keys) = self.keys.take_lists(emit_to)?;
        Ok(vec![lists(offsets, Arc::new(Int64Array::from(keys)))])
    }

    fn merge_batch(&mut self, values: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        self.keys.grow(total_num_groups);
        let lists = values[0].as_list::<i32>();
        let keys = values_of(lists);
        let groups = groups_of_values(lists, group_indices);
        groups
            .iter()
            .zip(keys.as_primitive::<Int64Type>().values())
            .for_each(|(group, key)| self.keys.insert(*group, *key));
        Ok(())
    }

    fn convert_to_state(&self, values: &[ArrayRef], opt_filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let rows = selected(values, opt_filter);
        Ok(vec![one_each(Arc::new(keys_of(&values[0])?), rows.as_ref())?])
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.keys.size()
    }
}

/// Texts and binary values: one table numbers the distinct ones, and groups keep the numbers.
struct BytesGroups {
    keys: Keys,
    table: ArrowBytesViewMap<u32>,
    /// How many values the table has numbered.
    numbered: u32,
}

impl BytesGroups {
    fn new() -> Self {
        BytesGroups { keys: Keys::default(), table: ArrowBytesViewMap::new(OutputType::BinaryView), numbered: 0 }
    }

    /// Adds values, none of them null, each to its group.
    fn insert(&mut self, values: &ArrayRef, groups: &[usize]) -> Result<()> {
        if values.len() > (u32::MAX - self.numbered) as usize {
            return resources_err!(
                "count_distinct: more than 2³² distinct values in one partition; use more partitions"
            );
        }
        let BytesGroups { keys, table, numbered } = self;
        let mut group = groups.iter();
        table.insert_if_new(
            &cast(values, &DataType::BinaryView)?,
            |_| {
                *numbered += 1;
                *numbered - 1
            },
            |number| {
                if let Some(group) = group.next() {
                    keys.insert(*group, i64::from(number));
                }
            },
        );
        Ok(())
    }

    /// Takes the distinct values out, by number. Those of groups that remain are numbered anew, so that the table does not
    /// hold what only groups that are gone had met.
    fn take_table(&mut self) -> Result<ArrayRef> {
        let table = self.table.take().into_state();
        self.numbered = 0;
        let (groups, kept): (Vec<usize>, Vec<i64>) = std::mem::take(&mut self.keys.met).into_iter().unzip();
        self.keys.counts.fill(0);
        if !kept.is_empty() {
            self.insert(&take(&table, &numbers(&kept), None)?, &groups)?;
        }
        Ok(table)
    }
}

/// Places in the table of distinct values, which were made from 32 bits.
fn numbers(keys: &[i64]) -> UInt32Array {
    UInt32Array::from_iter_values(keys.iter().map(|key| *key as u32))
}

impl GroupsAccumulator for BytesGroups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.keys.grow(total_num_groups);
        match selected(values, opt_filter) {
            None => self.insert(&values[0], group_indices),
            Some(rows) => {
                let groups: Vec<usize> = rows.set_indices().map(|row| group_indices[row]).collect();
                self.insert(&filter(&values[0], &BooleanArray::new(rows, None))?, &groups)
            }
        }
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let counts = self.keys.take(emit_to).0;
        self.take_table()?;
        Ok(Arc::new(Int64Array::from(counts)))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let (offsets, emitted) = self.keys.take_lists(emit_to)?;
        let values = take(&self.take_table()?, &numbers(&emitted), None)?;
        Ok(vec![lists(offsets, cast(&values, &DataType::Binary)?)])
    }

    fn merge_batch(&mut self, values: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        self.keys.grow(total_num_groups);
        let lists = values[0].as_list::<i32>();
        self.insert(&values_of(lists), &groups_of_values(lists, group_indices))
    }

    fn convert_to_state(&self, values: &[ArrayRef], opt_filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let rows = selected(values, opt_filter);
        let bytes = cast(&cast(&values[0], &DataType::BinaryView)?, &DataType::Binary)?;
        Ok(vec![one_each(bytes, rows.as_ref())?])
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.keys.size() + self.table.size()
    }
}
