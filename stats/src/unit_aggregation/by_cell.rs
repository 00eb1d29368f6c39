//! Rows of a block, sorted by group and arm.

use std::ops::Range;

/// An arm of a group: `(group, arm)`, which is also the order of results.
pub(super) type Key = (u32, u32);

/// Cells beyond this many per row are sorted instead of counted.
const SPARSE: usize = 8;

/// Positions of rows sorted by cell, and the memory for it.
#[derive(Debug, Default)]
pub(super) struct ByCell {
    /// Per cell: rows counted, then the end of its run.
    ends: Vec<u32>,
    positions: Vec<u32>,
    /// The place of each row among the positions.
    places: Vec<u32>,
    runs: Vec<(Key, Range<usize>)>,
}

impl ByCell {
    /// Sorts rows by cell; the rows of a cell stay in order.
    ///
    /// - **Needs** arms below `arms`, codes as long as the arms, and fewer than 2³² rows.
    pub(super) fn sort(&mut self, of_rows: &[u32], groups: Option<&[u32]>, arms: usize) {
        let most = groups.and_then(|groups| groups.iter().max()).copied().unwrap_or(0);
        let cells = (most as usize + 1).saturating_mul(arms);
        self.runs.clear();
        if cells > SPARSE * (of_rows.len() + 64) {
            let key = |row: u32| (groups.map_or(0, |groups| groups[row as usize]), of_rows[row as usize]);
            self.positions.clear();
            self.positions.extend(0..of_rows.len() as u32);
            self.positions.sort_by_key(|row| key(*row));
            let mut start = 0;
            for run in self.positions.chunk_by(|left, right| key(*left) == key(*right)) {
                self.runs.push((key(run[0]), start..start + run.len()));
                start += run.len();
            }
            return;
        }
        match groups {
            Some(groups) => {
                let cells_of = groups.iter().zip(of_rows).map(|(group, arm)| *group as usize * arms + *arm as usize);
                self.count(cells, cells_of);
            }
            None => self.count(cells, of_rows.iter().map(|arm| *arm as usize)),
        }
        let mut start = 0;
        for (cell, end) in self.ends.iter().enumerate() {
            let run = start..*end as usize;
            start = run.end;
            if !run.is_empty() {
                // Both are no larger than the codes they came from.
                self.runs.push((((cell / arms) as u32, (cell % arms) as u32), run));
            }
        }
    }

    /// Sorts rows by counting those of each cell.
    fn count(&mut self, cells: usize, of_rows: impl ExactSizeIterator<Item = usize> + Clone) {
        let ByCell { ends, positions, .. } = self;
        ends.clear();
        ends.resize(cells, 0);
        of_rows.clone().for_each(|cell| ends[cell] += 1);
        let mut start = 0;
        for end in ends.iter_mut() {
            start += std::mem::replace(end, start);
        }
        positions.resize(of_rows.len(), 0);
        for (row, cell) in (0..).zip(of_rows) {
            positions[ends[cell] as usize] = row;
            ends[cell] += 1;
        }
    }

    /// The position of each row, in the order of cells.
    pub(super) fn positions(&self) -> &[u32] {
        &self.positions
    }

    /// The place of each row in [`positions`](ByCell::positions), after [`find_places`](ByCell::find_places).
    pub(super) fn places(&self) -> &[u32] {
        &self.places
    }

    /// Turns the positions round.
    pub(super) fn find_places(&mut self) {
        let ByCell { positions, places, .. } = self;
        places.resize(positions.len(), 0);
        (0..).zip(&positions[..]).for_each(|(place, row)| places[*row as usize] = place);
    }

    /// The cells that have rows, in order, and where theirs stand in [`positions`](ByCell::positions).
    pub(super) fn runs(&self) -> &[(Key, Range<usize>)] {
        &self.runs
    }

    /// Whether the rows were in the order of cells before.
    pub(super) fn is_sorted(&self) -> bool {
        (0..).zip(&self.positions).all(|(row, position)| row == *position)
    }

    pub(super) fn heap_bytes(&self) -> usize {
        (self.ends.capacity() + self.positions.capacity() + self.places.capacity()) * size_of::<u32>()
            + self.runs.capacity() * size_of::<(Key, Range<usize>)>()
    }
}
