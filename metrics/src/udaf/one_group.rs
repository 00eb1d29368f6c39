//! One group as the engine wants it when there is no `GROUP BY`.

use std::fmt;

use arrow::array::{ArrayRef, new_empty_array};
use arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{Accumulator, EmitTo};

use super::order_free::Groups;

/// An accumulator of all groups, used for a single one.
pub(super) struct OneGroup {
    groups: Groups,
    /// One zero per row of a batch: every row belongs to the group 0.
    zeros: Vec<usize>,
    /// Columns without rows, to make the group known before its first row.
    no_rows: Vec<ArrayRef>,
    /// The state as it was before the last evaluation, which emptied the accumulator.
    evaluated: Option<Vec<ArrayRef>>,
}

impl OneGroup {
    pub(super) fn new(groups: Groups, arguments: &[DataType]) -> Self {
        let no_rows = arguments.iter().map(new_empty_array).collect();
        OneGroup { groups, zeros: Vec::new(), no_rows, evaluated: None }
    }

    fn zeros(&mut self, columns: &[ArrayRef]) -> usize {
        let rows = columns.first().map_or(0, |column| column.len());
        self.zeros.resize(self.zeros.len().max(rows), 0);
        rows
    }

    fn restore(&mut self) -> Result<()> {
        match self.evaluated.take() {
            Some(state) => self.groups.merge_batch(&state, &[0], 1),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for OneGroup {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("OneGroup").field("size", &self.groups.size()).finish_non_exhaustive()
    }
}

impl Accumulator for OneGroup {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.restore()?;
        let rows = self.zeros(values);
        self.groups.update_batch(values, &self.zeros[..rows], None, 1)
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.restore()?;
        let rows = self.zeros(states);
        self.groups.merge_batch(states, &self.zeros[..rows], 1)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.restore()?;
        self.groups.update_batch(&self.no_rows, &[], None, 1)?;
        let columns = self.groups.state(EmitTo::All)?;
        columns.iter().map(|column| ScalarValue::try_from_array(column, 0)).collect()
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.restore()?;
        self.groups.update_batch(&self.no_rows, &[], None, 1)?;
        // Evaluating empties the groups, but a window asks again after more rows: keep the state to go on from.
        let state = self.groups.state(EmitTo::All)?;
        self.groups.merge_batch(&state, &[0], 1)?;
        self.evaluated = Some(state);
        ScalarValue::try_from_array(&self.groups.evaluate(EmitTo::All)?, 0)
    }

    fn size(&self) -> usize {
        let kept = self.evaluated.iter().flatten().map(|column| column.get_array_memory_size()).sum::<usize>();
        size_of::<Self>() + self.groups.size() + kept + self.zeros.capacity() * size_of::<usize>()
    }
}
