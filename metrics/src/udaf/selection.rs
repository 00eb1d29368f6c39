//! Which rows of a batch an aggregate reads.

use arrow::array::{Array, ArrayRef, BooleanArray};
use arrow::buffer::{BooleanBuffer, NullBuffer};

/// The rows that pass the filter; `None` when all do. A filter that is null does not pass.
pub(super) fn filtered(filter: Option<&BooleanArray>) -> Option<BooleanBuffer> {
    filter.map(|filter| match filter.nulls() {
        Some(known) => filter.values() & known.inner(),
        None => filter.values().clone(),
    })
}

/// The rows where every column has a value; `None` when all rows do.
pub(super) fn complete(columns: &[ArrayRef]) -> Option<BooleanBuffer> {
    let complete = columns.iter().fold(None, |all, column| NullBuffer::union(all.as_ref(), column.nulls()));
    complete.filter(|nulls| nulls.null_count() > 0).map(NullBuffer::into_inner)
}

/// The rows in both; `None` means all rows.
pub(super) fn both(left: Option<BooleanBuffer>, right: Option<BooleanBuffer>) -> Option<BooleanBuffer> {
    match (left, right) {
        (Some(left), Some(right)) => Some(&left & &right),
        (one, other) => one.or(other),
    }
}

/// The rows that pass the filter and have a value in every column; `None` when all do.
pub(super) fn selected(columns: &[ArrayRef], filter: Option<&BooleanArray>) -> Option<BooleanBuffer> {
    both(filtered(filter), complete(columns))
}

/// Calls `each` with the position of every chosen row of `length`.
pub(super) fn for_each_row<E>(
    length: usize,
    rows: Option<&BooleanBuffer>,
    each: impl FnMut(usize) -> Result<(), E>,
) -> Result<(), E> {
    match rows {
        None => (0..length).try_for_each(each),
        Some(rows) => rows.set_indices().try_for_each(each),
    }
}

/// Positions of chosen rows, gathered by group.
#[derive(Debug, Default)]
pub(super) struct ByGroup {
    /// Per group: rows counted, then the end of its run; 0 between batches.
    ends: Vec<u32>,
    touched: Vec<usize>,
    positions: Vec<u32>,
}

impl ByGroup {
    /// Calls `each` with every group that has chosen rows, and their positions in order.
    pub(super) fn for_each<E>(
        &mut self,
        groups: &[usize],
        rows: Option<&BooleanBuffer>,
        total_groups: usize,
        mut each: impl FnMut(usize, &[u32]) -> Result<(), E>,
    ) -> Result<(), E> {
        let ByGroup { ends, touched, positions } = self;
        ends.clear();
        ends.resize(total_groups, 0);
        touched.clear();
        let count = |row: usize| {
            let end = &mut ends[groups[row]];
            if *end == 0 {
                touched.push(groups[row]);
            }
            *end += 1;
            Ok::<(), E>(())
        };
        for_each_row(groups.len(), rows, count)?;
        let mut start = 0;
        for group in touched.iter() {
            let count = std::mem::replace(&mut ends[*group], start);
            start += count;
        }
        positions.resize(start as usize, 0);
        let place = |row: usize| {
            let next = &mut ends[groups[row]];
            // A batch has far fewer than 2³² rows.
            positions[*next as usize] = row as u32;
            *next += 1;
            Ok::<(), E>(())
        };
        for_each_row(groups.len(), rows, place)?;
        let mut start = 0;
        for group in touched.iter() {
            let end = ends[*group] as usize;
            each(*group, &positions[start..end])?;
            start = end;
        }
        Ok(())
    }

    pub(super) fn size(&self) -> usize {
        (self.ends.capacity() + self.positions.capacity()) * size_of::<u32>()
            + self.touched.capacity() * size_of::<usize>()
    }
}
