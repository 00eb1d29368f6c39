//! `compressed('2', x1, …, xk)`: distinct rows of features, with counts and sums of outcomes.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::{Result, plan_datafusion_err, plan_err};
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};
use estimand_stats::suffstat::{Error, ExactCompressed, Values};

use super::encoded_groups::{Encoded, EncodedGroups, binary};
use super::order_free::{Arguments, Groups, OrderFree, literal, refused};
use super::selection::{ByGroup, filtered};

/// The compressed sample of some columns over the rows where all have a value, as the bytes of [`ExactCompressed`].
///
/// - **Needs** how many of the columns are features as a literal, such as `'2'`; then the columns, features before outcomes: numbers, read as doubles.
/// - **Gives** also how many rows were left out, and how many values of each column are not finite.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Compressed;

impl OrderFree for Compressed {
    const NAME: &'static str = "compressed";

    fn coerce(arguments: &[DataType]) -> Result<Vec<DataType>> {
        let Some((features, columns)) = arguments.split_first().filter(|(_, columns)| !columns.is_empty()) else {
            return plan_err!("compressed needs its number of features, such as '2', and at least one column");
        };
        if !(features.is_string() || *features == literal()) {
            return plan_err!("compressed takes its number of features as a text, such as '2', not {features}");
        }
        if let Some(other) = columns.iter().find(|argument| !(argument.is_numeric() || argument.is_null())) {
            return plan_err!("compressed takes numbers, not {other}; cast the column");
        }
        Ok(std::iter::once(literal()).chain(columns.iter().map(|_| DataType::Float64)).collect())
    }

    fn result() -> DataType {
        DataType::Binary
    }

    fn state(_arguments: &[DataType]) -> Vec<(&'static str, DataType)> {
        vec![("compressed", DataType::Binary)]
    }

    fn groups(arguments: &Arguments) -> Result<Groups> {
        let columns = arguments.types.len() - 1;
        let text = arguments.texts.first().and_then(Option::as_deref);
        let features = text.and_then(|text| text.parse::<usize>().ok()).filter(|features| *features <= columns);
        let features = features.ok_or_else(|| {
            plan_datafusion_err!("compressed takes its number of features as a literal, such as '2', up to {columns}")
        })?;
        let empty = move || ExactCompressed::new(features, columns - features);
        let groups = EncodedGroups::new(Self::NAME, empty);
        Ok(Box::new(CompressedGroups { empty: empty(), groups, by_group: ByGroup::default() }))
    }
}

impl Encoded for ExactCompressed {
    fn merge_bytes(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.merge(&ExactCompressed::decode(bytes)?)
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.encode()
    }

    fn heap_bytes(&self) -> usize {
        self.heap_bytes()
    }
}

struct CompressedGroups {
    empty: ExactCompressed,
    groups: EncodedGroups<ExactCompressed>,
    by_group: ByGroup,
}

/// Which rows of each column have a value, where not all have.
fn presence(columns: &[ArrayRef]) -> Vec<Option<Vec<bool>>> {
    columns.iter().map(|column| column.nulls().map(|nulls| nulls.iter().collect())).collect()
}

fn values<'a>(columns: &'a [ArrayRef], presence: &'a [Option<Vec<bool>>]) -> Vec<Values<'a>> {
    let columns = columns.iter().zip(presence);
    let values = columns.map(|(column, present)| Values {
        values: column.as_primitive::<Float64Type>().values(),
        present: present.as_deref(),
    });
    values.collect()
}

impl GroupsAccumulator for CompressedGroups {
    fn update_batch(
        &mut self,
        arguments: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.groups.grow(total_num_groups);
        let presence = presence(&arguments[1..]);
        let columns = values(&arguments[1..], &presence);
        let groups = &mut self.groups;
        self.by_group.for_each(group_indices, filtered(opt_filter).as_ref(), total_num_groups, |group, positions| {
            groups.change(group, |compressed| compressed.push(&columns, positions))
        })
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        self.groups.emit(emit_to)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.groups.emit(emit_to)?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        self.groups.merge_batch(states, group_indices, total_num_groups)
    }

    fn convert_to_state(&self, arguments: &[ArrayRef], opt_filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let presence = presence(&arguments[1..]);
        let columns = values(&arguments[1..], &presence);
        let filtered = filtered(opt_filter);
        let of_row = |row: u32| {
            let mut compressed = self.empty.clone();
            if filtered.as_ref().is_none_or(|rows| rows.value(row as usize)) {
                compressed.push(&columns, &[row])?;
            }
            Ok(compressed.encode())
        };
        let rows = 0..arguments[0].len() as u32;
        let encoded: Vec<Vec<u8>> =
            rows.map(of_row).collect::<Result<_, Error>>().map_err(refused(Compressed::NAME))?;
        Ok(vec![binary(Compressed::NAME, encoded.into_iter())?])
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.groups.size() + self.by_group.size()
    }
}
