//! `comoments('1; 1 2', x1, …, xk)`: joint exact moments of tuples of columns.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::{Result, plan_datafusion_err, plan_err};
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};
use estimand_stats::suffstat::{Error, TupleCoMoments, Tuples, Values, Workspace};

use super::encoded_groups::{Encoded, EncodedGroups, binary};
use super::order_free::{Arguments, Groups, OrderFree, literal, refused};
use super::selection::{self, ByGroup};

/// Sums and sums of products of tuples of columns, each over the rows where all of the tuple have a value, as the bytes of
/// [`TupleCoMoments`]. One call for all tuples, so that what they share is read, sorted by group and cut up once.
///
/// - **Needs** the tuples as a literal: positions of columns from 1, tuples set apart by `;`. Then the columns: numbers; they
///   are read as doubles, so integers past 2⁵³ are rounded first.
/// - **Gives** also how many rows were left out of each tuple, and how many miss each column.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct CoMoments;

impl OrderFree for CoMoments {
    const NAME: &'static str = "comoments";

    fn coerce(arguments: &[DataType]) -> Result<Vec<DataType>> {
        let Some((tuples, columns)) = arguments.split_first().filter(|(_, columns)| !columns.is_empty()) else {
            return plan_err!("comoments needs its tuples, such as '1; 1 2', and at least one column");
        };
        if !(tuples.is_string() || *tuples == literal()) {
            return plan_err!("comoments takes its tuples as a text, such as '1; 1 2', not {tuples}");
        }
        if let Some(other) = columns.iter().find(|argument| !(argument.is_numeric() || argument.is_null())) {
            return plan_err!("comoments takes numbers, not {other}; cast the column");
        }
        Ok(std::iter::once(literal()).chain(columns.iter().map(|_| DataType::Float64)).collect())
    }

    fn result() -> DataType {
        DataType::Binary
    }

    fn state(_arguments: &[DataType]) -> Vec<(&'static str, DataType)> {
        vec![("comoments", DataType::Binary)]
    }

    fn groups(arguments: &Arguments) -> Result<Groups> {
        let text = arguments.texts.first().and_then(Option::as_deref);
        let columns = arguments.types.len() - 1;
        let tuples = text.and_then(|text| tuples(text, columns)).ok_or_else(|| {
            plan_datafusion_err!(
                "comoments takes its tuples as a literal, such as '1; 1 2', with positions of columns up to {columns}"
            )
        })?;
        let tuples = Arc::new(tuples);
        let of = Arc::clone(&tuples);
        let groups = EncodedGroups::new(Self::NAME, move || TupleCoMoments::new(Arc::clone(&of)));
        Ok(Box::new(CoMomentsGroups {
            tuples,
            groups,
            by_group: ByGroup::default(),
            gathered: Vec::new(),
            workspace: Workspace::default(),
        }))
    }
}

/// The tuples of a literal, when it names columns that are there and leaves none out.
fn tuples(text: &str, columns: usize) -> Option<Tuples> {
    let position = |word: &str| word.parse::<usize>().ok()?.checked_sub(1).filter(|column| *column < columns);
    let tuple = |words: &str| words.split_whitespace().map(position).collect::<Option<Vec<usize>>>();
    let tuples: Option<Vec<Vec<usize>>> = text.split(';').map(tuple).collect();
    tuples.map(Tuples::new).filter(|tuples| tuples.columns() == columns)
}

impl Encoded for TupleCoMoments {
    fn merge_bytes(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.merge(&TupleCoMoments::decode(bytes)?)
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.encode()
    }

    fn heap_bytes(&self) -> usize {
        self.heap_bytes()
    }
}

/// The rows of one group out of one column.
#[derive(Default)]
struct Gathered {
    values: Vec<f64>,
    present: Vec<bool>,
}

impl Gathered {
    fn fill<'a>(&'a mut self, values: &'a [f64], nulls: Option<&NullBuffer>, positions: &[u32]) -> Values<'a> {
        self.present.clear();
        if let Some(nulls) = nulls {
            self.present.extend(positions.iter().map(|position| nulls.is_valid(*position as usize)));
        }
        let present = self.present.contains(&false).then_some(self.present.as_slice());
        if positions.len() == values.len() {
            return Values { values, present };
        }
        self.values.clear();
        self.values.extend(positions.iter().map(|position| values[*position as usize]));
        Values { values: &self.values, present }
    }
}

struct CoMomentsGroups {
    tuples: Arc<Tuples>,
    groups: EncodedGroups<TupleCoMoments>,
    by_group: ByGroup,
    gathered: Vec<Gathered>,
    workspace: Workspace,
}

impl GroupsAccumulator for CoMomentsGroups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        let CoMomentsGroups { groups, by_group, gathered, workspace, .. } = self;
        groups.grow(total_num_groups);
        let columns: Vec<_> = values[1..].iter().map(|column| column.as_primitive::<Float64Type>()).collect();
        gathered.resize_with(columns.len(), Gathered::default);
        let filtered = selection::filtered(opt_filter);
        by_group.for_each(group_indices, filtered.as_ref(), total_num_groups, |group, positions| {
            let gathered = gathered.iter_mut().zip(&columns);
            let rows: Vec<Values<'_>> =
                gathered.map(|(gathered, column)| gathered.fill(column.values(), column.nulls(), positions)).collect();
            groups.change(group, |statistic| statistic.push(&rows, workspace))
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
        let columns: Vec<_> = values[1..].iter().map(|column| column.as_primitive::<Float64Type>()).collect();
        let filtered = selection::filtered(opt_filter);
        let length = columns.first().map_or(0, |column| column.len());
        let mut workspace = Workspace::default();
        let mut of_row = |row: usize| {
            let mut statistic = TupleCoMoments::new(Arc::clone(&self.tuples));
            if filtered.as_ref().is_none_or(|rows| rows.value(row)) {
                let values = columns.iter().map(|column| Values {
                    values: std::slice::from_ref(&column.values()[row]),
                    present: column.is_null(row).then_some(&[false]),
                });
                statistic.push(&values.collect::<Vec<_>>(), &mut workspace)?;
            }
            Ok(statistic.encode())
        };
        let encoded: Vec<Vec<u8>> =
            (0..length).map(&mut of_row).collect::<Result<_, Error>>().map_err(refused(CoMoments::NAME))?;
        Ok(vec![binary(CoMoments::NAME, encoded.into_iter())?])
    }

    fn size(&self) -> usize {
        let gathered =
            self.gathered.iter().map(|one| one.values.capacity() * size_of::<f64>() + one.present.capacity());
        size_of::<Self>() + self.groups.size() + self.by_group.size() + gathered.sum::<usize>()
    }
}
