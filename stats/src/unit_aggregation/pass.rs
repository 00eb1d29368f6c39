//! What is read from rows sorted by arm and group, and the statistics of each.

use std::collections::BTreeSet;
use std::collections::btree_map::{BTreeMap, Entry};
use std::sync::Arc;

use super::by_cell::{ByCell, Key};
use super::finish::{Finishing, UnitBlock};
use crate::suffstat::{Error, ExactCoMoments, Histogram, TupleCoMoments, Tuples, Values, Workspace};

/// What is read from rows sorted by one grouping: the union of what the readouts by it want.
#[derive(Debug)]
pub(super) struct Pass {
    pub(super) by: Option<usize>,
    /// Whether it must wait for limits.
    pub(super) waits: bool,
    /// The columns read: first those of tuples, then those of histograms alone.
    pub(super) columns: Vec<usize>,
    pub(super) tuples: Vec<Vec<usize>>,
    /// The tuples as positions in `columns`.
    shape: Arc<Tuples>,
    pub(super) histograms: Vec<usize>,
    /// The columns of histograms as positions in `columns`.
    histogram_places: Vec<usize>,
}

/// Whether a column is known only once percentile limits are.
fn waits(finishing: &Finishing, column: usize) -> bool {
    let derived = column.checked_sub(finishing.columns).map(|position| finishing.derived[position]);
    derived.is_some_and(|derived| derived.how.has_percentile() || waits(finishing, derived.of))
}

/// What must be read, each statistic once: by arm alone only what no grouping reads, since exact sums of groups add up without loss.
pub(super) fn passes(finishing: &Finishing) -> Vec<Pass> {
    let mut passes: Vec<Pass> = Vec::new();
    let groupings: BTreeSet<Option<usize>> = finishing.readouts.iter().map(|readout| readout.by).collect();
    // Arms alone, the least key, come last.
    for by in groupings.into_iter().rev() {
        let readouts = || finishing.readouts.iter().filter(|readout| readout.by == by);
        let mut empty = passes.iter().all(|pass| !pass.serves(by));
        for waits_for_limits in [false, true] {
            let mut tuples: Vec<Vec<usize>> = Vec::new();
            for tuple in readouts().flat_map(|readout| &readout.tuples) {
                let read =
                    tuples.contains(tuple) || passes.iter().any(|pass| pass.serves(by) && pass.tuples.contains(tuple));
                if !read && tuple.iter().any(|column| waits(finishing, *column)) == waits_for_limits {
                    tuples.push(tuple.clone());
                }
            }
            let mut histograms: Vec<usize> = Vec::new();
            for column in readouts().flat_map(|readout| &readout.histograms) {
                let read = histograms.contains(column)
                    || passes.iter().any(|pass| pass.serves(by) && pass.histograms.contains(column));
                if !read && waits(finishing, *column) == waits_for_limits {
                    histograms.push(*column);
                }
            }
            if !tuples.is_empty() || !histograms.is_empty() {
                passes.push(Pass::new(by, waits_for_limits, tuples, histograms));
                empty = false;
            }
        }
        if empty {
            passes.push(Pass::new(by, false, Vec::new(), Vec::new()));
        }
    }
    passes
}

impl Pass {
    fn new(by: Option<usize>, waits: bool, tuples: Vec<Vec<usize>>, histograms: Vec<usize>) -> Self {
        let mut columns: Vec<usize> = Vec::new();
        let mut place = |column: &usize| match columns.iter().position(|other| other == column) {
            Some(place) => place,
            None => {
                columns.push(*column);
                columns.len() - 1
            }
        };
        let shape = Tuples::new(tuples.iter().map(|tuple| tuple.iter().map(&mut place).collect()).collect());
        let histogram_places = histograms.iter().map(&mut place).collect();
        Pass { by, waits, columns, tuples, shape: Arc::new(shape), histograms, histogram_places }
    }

    /// Whether a readout by this grouping can be made of what this pass reads.
    pub(super) fn serves(&self, by: Option<usize>) -> bool {
        by.is_none() || self.by == by
    }
}

/// The cells of a pass, in the order of results.
pub(super) type Cells = BTreeMap<Key, Cell>;

/// The same, read out.
pub(super) type ReadCells = BTreeMap<Key, ReadCell>;

/// The statistics of the rows of one arm and group.
#[derive(Debug)]
pub(super) struct Cell {
    units: u64,
    comoments: TupleCoMoments,
    histograms: Vec<Histogram>,
}

/// The same, read out.
#[derive(Debug)]
pub(super) struct ReadCell {
    pub(super) units: u64,
    pub(super) comoments: Vec<ExactCoMoments>,
    pub(super) histograms: Vec<Histogram>,
}

/// Memory for the work on rows, to be kept for the next.
#[derive(Default)]
pub(super) struct Reading {
    by_cell: ByCell,
    gathered: Vec<Gathered>,
    workspace: Workspace,
}

/// The rows of one cell out of one column.
#[derive(Debug, Default)]
struct Gathered {
    values: Vec<f64>,
    present: Vec<bool>,
}

impl Pass {
    /// Reads some rows, of which all columns are given.
    pub(super) fn read(
        &self,
        cells: &mut Cells,
        reading: &mut Reading,
        block: &UnitBlock<'_>,
        columns: &[Values<'_>],
        arms: usize,
    ) -> Result<(), Error> {
        let Reading { by_cell, gathered, workspace } = reading;
        let columns: Vec<Values<'_>> = self.columns.iter().map(|column| columns[*column]).collect();
        gathered.resize_with(columns.len().max(gathered.len()), Gathered::default);
        by_cell.for_each(block.arms, self.by.map(|by| block.groups[by]), arms, |key, positions| {
            let gathered = gathered.iter_mut().zip(&columns);
            let rows: Vec<Values<'_>> = gathered.map(|(gathered, column)| gathered.fill(column, positions)).collect();
            cells.entry(key).or_insert_with(|| self.cell()).push(self, &rows, positions.len(), workspace)
        })
    }

    fn cell(&self) -> Cell {
        Cell {
            units: 0,
            comoments: TupleCoMoments::new(Arc::clone(&self.shape)),
            histograms: vec![Histogram::new(); self.histograms.len()],
        }
    }
}

impl Cell {
    fn push(
        &mut self,
        pass: &Pass,
        rows: &[Values<'_>],
        height: usize,
        workspace: &mut Workspace,
    ) -> Result<(), Error> {
        self.units += height as u64;
        if !pass.tuples.is_empty() {
            self.comoments.push(&rows[..pass.shape.columns()], workspace)?;
        }
        for (histogram, place) in self.histograms.iter_mut().zip(&pass.histogram_places) {
            let column = rows[*place];
            match column.present {
                None => histogram.add_slice(column.values),
                Some(present) => {
                    for (value, present) in column.values.iter().zip(present) {
                        if *present { histogram.add(*value) } else { histogram.record_missing(1) }
                    }
                }
            }
        }
        Ok(())
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let histograms = self.histograms.iter().map(|one| size_of::<Histogram>() + one.heap_bytes());
        size_of::<(Key, Cell)>() + self.comoments.heap_bytes() + histograms.sum::<usize>()
    }
}

impl Gathered {
    /// The rows at some positions, in order; where they lie side by side nothing is copied.
    fn fill<'a>(&'a mut self, column: &Values<'a>, positions: &[u32]) -> Values<'a> {
        if let [first, .., last] = positions
            && (last - first) as usize == positions.len() - 1
        {
            let (start, end) = (*first as usize, *last as usize + 1);
            let present = column.present.map(|present| &present[start..end]);
            return Values { values: &column.values[start..end], present };
        }
        self.values.clear();
        self.values.extend(positions.iter().map(|position| column.values[*position as usize]));
        let present = column.present.map(|present| {
            self.present.clear();
            self.present.extend(positions.iter().map(|position| present[*position as usize]));
            self.present.as_slice()
        });
        Values { values: &self.values, present }
    }
}

impl Reading {
    pub(super) fn heap_bytes(&self) -> usize {
        let gathered = |one: &Gathered| one.values.capacity() * size_of::<f64>() + one.present.capacity();
        self.by_cell.heap_bytes() + self.gathered.iter().map(gathered).sum::<usize>()
    }
}

/// The statistics of all cells.
pub(super) fn read_out(cells: Cells) -> ReadCells {
    let read =
        |cell: Cell| ReadCell { units: cell.units, comoments: cell.comoments.tuples(), histograms: cell.histograms };
    cells.into_iter().map(|(key, cell)| (key, read(cell))).collect()
}

/// Adds the cells of another part of the same rows.
pub(super) fn merge(cells: &mut ReadCells, part: ReadCells) -> Result<(), Error> {
    for (key, cell) in part {
        match cells.entry(key) {
            Entry::Vacant(place) => drop(place.insert(cell)),
            Entry::Occupied(mut same) => {
                let all = same.get_mut();
                all.units += cell.units;
                all.comoments.iter_mut().zip(&cell.comoments).try_for_each(|(all, part)| all.merge(part))?;
                all.histograms.iter_mut().zip(&cell.histograms).for_each(|(all, part)| all.merge(part));
            }
        }
    }
    Ok(())
}
