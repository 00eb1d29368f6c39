//! Rows laid by, column by column, until there are enough of them or the limits of caps are known.

use super::finish::UnitBlock;
use crate::suffstat::Values;

/// Which columns and groupings of a block are meant.
#[derive(Debug)]
pub(super) struct Selection {
    /// How many columns and groupings a block has.
    pub(super) of: (usize, usize),
    pub(super) columns: Vec<usize>,
    pub(super) groupings: Vec<usize>,
}

/// Some columns of rows.
#[derive(Debug, Default)]
pub(super) struct Store {
    arms: Vec<u32>,
    /// Per grouping of the selection.
    groups: Vec<Vec<u32>>,
    /// Per column of the selection.
    columns: Vec<Column>,
}

#[derive(Debug, Clone, Default)]
struct Column {
    values: Vec<f64>,
    /// Empty as long as no value was missing.
    present: Vec<bool>,
}

impl Store {
    pub(super) fn append(&mut self, selection: &Selection, block: &UnitBlock<'_>) {
        let before = self.arms.len();
        self.groups.resize_with(selection.groupings.len(), Vec::new);
        self.columns.resize_with(selection.columns.len(), Column::default);
        self.arms.extend_from_slice(block.arms);
        for (kept, grouping) in self.groups.iter_mut().zip(&selection.groupings) {
            kept.extend_from_slice(block.groups[*grouping]);
        }
        for (kept, column) in self.columns.iter_mut().zip(&selection.columns) {
            let column = block.values[*column];
            kept.values.extend_from_slice(column.values);
            match column.present.filter(|present| present.contains(&false)) {
                Some(present) => {
                    kept.present.resize(before, true);
                    kept.present.extend_from_slice(present);
                }
                None if !kept.present.is_empty() => kept.present.resize(kept.values.len(), true),
                None => {}
            }
        }
    }

    pub(super) fn rows(&self) -> usize {
        self.arms.len()
    }

    /// The rows as a block has them: columns and groupings that were not selected are empty.
    pub(super) fn with_block<R>(&self, selection: &Selection, read: impl FnOnce(&UnitBlock<'_>) -> R) -> R {
        let mut groups: Vec<&[u32]> = vec![&[]; selection.of.1];
        self.groups.iter().zip(&selection.groupings).for_each(|(kept, grouping)| groups[*grouping] = kept);
        read(&UnitBlock { arms: &self.arms, groups: &groups, values: &self.values(selection) })
    }

    /// The columns as a block has them.
    pub(super) fn values(&self, selection: &Selection) -> Vec<Values<'_>> {
        let mut values = vec![Values { values: &[], present: None }; selection.of.0];
        for (kept, column) in self.columns.iter().zip(&selection.columns) {
            let present = Some(kept.present.as_slice()).filter(|present| !present.is_empty());
            values[*column] = Values { values: &kept.values, present };
        }
        values
    }

    /// Takes all rows out and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.arms.clear();
        self.groups.iter_mut().for_each(Vec::clear);
        for column in &mut self.columns {
            column.values.clear();
            column.present.clear();
        }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let codes = self.arms.capacity() + self.groups.iter().map(Vec::capacity).sum::<usize>();
        let column = |kept: &Column| kept.values.capacity() * size_of::<f64>() + kept.present.capacity();
        codes * size_of::<u32>() + self.columns.iter().map(column).sum::<usize>()
    }
}
