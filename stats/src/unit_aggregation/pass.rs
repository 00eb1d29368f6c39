//! What is read from rows sorted by arm and group, and the statistics of each.

use std::collections::BTreeSet;
use std::collections::btree_map::{BTreeMap, Entry};
use std::ops::Range;
use std::sync::Arc;

use super::by_cell::{ByCell, Key};
use super::finish::{Columns, Finishing, UnitBlock};
use crate::suffstat::{Error, ExactCoMoments, ExactCompressed, Histogram, TupleCoMoments, Tuples, Values, Workspace};

/// What is read from rows sorted by one grouping: the union of what the readouts by it want.
#[derive(Debug)]
pub(super) struct Pass {
    pub(super) by: Option<usize>,
    /// Whether it must wait for limits.
    pub(super) waits: bool,
    /// The columns read.
    pub(super) columns: Vec<usize>,
    /// The tuples, in the order of their families.
    pub(super) tuples: Vec<Vec<usize>>,
    families: Vec<Family>,
    pub(super) compressions: Vec<Columns>,
    pub(super) histograms: Vec<usize>,
}

/// Tuples that share their work: read together, apart from others, so that their columns are at hand in the nearest cache.
#[derive(Debug)]
struct Family {
    columns: Vec<usize>,
    /// The tuples as positions in `columns`.
    shape: Arc<Tuples>,
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
            let mut compressions: Vec<Columns> = Vec::new();
            for kept in readouts().flat_map(|readout| &readout.compressions) {
                let read = compressions.contains(kept)
                    || passes.iter().any(|pass| pass.serves(by) && pass.compressions.contains(kept));
                if !read && kept.all().any(|column| waits(finishing, *column)) == waits_for_limits {
                    compressions.push(kept.clone());
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
            if !(tuples.is_empty() && compressions.is_empty() && histograms.is_empty()) {
                passes.push(Pass::new(by, waits_for_limits, tuples, compressions, histograms));
                empty = false;
            }
        }
        if empty {
            passes.push(Pass::new(by, false, Vec::new(), Vec::new(), Vec::new()));
        }
    }
    passes
}

impl Pass {
    fn new(
        by: Option<usize>,
        waits: bool,
        tuples: Vec<Vec<usize>>,
        compressions: Vec<Columns>,
        histograms: Vec<usize>,
    ) -> Self {
        let all = Tuples::new(tuples.clone()).families().into_iter();
        let families: Vec<Vec<Vec<usize>>> =
            all.map(|family| family.into_iter().map(|tuple| tuples[tuple].clone()).collect()).collect();
        let compressed = compressions.iter().flat_map(Columns::all);
        let mut columns: Vec<usize> = tuples.iter().flatten().chain(compressed).chain(&histograms).copied().collect();
        columns.sort_unstable();
        columns.dedup();
        let tuples = families.concat();
        let families = families.iter().map(|tuples| Family::new(tuples)).collect();
        Pass { by, waits, columns, tuples, families, compressions, histograms }
    }

    /// Whether a readout by this grouping can be made of what this pass reads.
    pub(super) fn serves(&self, by: Option<usize>) -> bool {
        by.is_none() || self.by == by
    }
}

impl Family {
    fn new(tuples: &[Vec<usize>]) -> Self {
        let mut columns: Vec<usize> = Vec::new();
        let mut place = |column: &usize| {
            columns.iter().position(|other| other == column).unwrap_or_else(|| {
                columns.push(*column);
                columns.len() - 1
            })
        };
        let shape = Tuples::new(tuples.iter().map(|tuple| tuple.iter().map(&mut place).collect()).collect());
        Family { columns, shape: Arc::new(shape) }
    }
}

/// The cells of a pass.
#[derive(Debug, Default)]
pub(super) struct Cells {
    places: BTreeMap<Key, usize>,
    cells: Vec<Cell>,
}

/// The cells of a pass, read out, in the order of results.
pub(super) type ReadCells = BTreeMap<Key, ReadCell>;

/// The statistics of the rows of one arm and group.
#[derive(Debug)]
struct Cell {
    units: u64,
    /// Per family.
    comoments: Vec<TupleCoMoments>,
    compressed: Vec<ExactCompressed>,
    histograms: Vec<Histogram>,
}

/// What is read out of a cell.
#[derive(Debug)]
pub(super) struct ReadCell {
    pub(super) units: u64,
    pub(super) comoments: Vec<ExactCoMoments>,
    pub(super) compressed: Vec<ExactCompressed>,
    pub(super) histograms: Vec<Histogram>,
}

/// Memory for the work on rows, to be kept for the next.
#[derive(Default)]
pub(super) struct Reading {
    /// Per pass.
    sorted: Vec<Sorted>,
    gathered: Vec<Gathered>,
    workspace: Workspace,
}

/// The rows at hand, sorted for one pass.
#[derive(Default)]
struct Sorted {
    by_cell: ByCell,
    /// Whether they were in order before.
    as_they_are: bool,
    /// The place of each cell, and its rows.
    runs: Vec<(usize, Range<usize>)>,
}

/// The rows of one column, sorted by cell.
#[derive(Debug, Default)]
struct Gathered {
    values: Vec<f64>,
    present: Vec<bool>,
}

/// Reads some rows, of which all columns are given, for several passes.
///
/// One family of columns after another, each for all passes: to gather one column for all cells costs a fraction of all
/// columns for one cell, and what one pass has read is still at hand for the next.
pub(super) fn read<'p>(
    passes: impl Iterator<Item = (&'p Pass, &'p mut Cells)>,
    reading: &mut Reading,
    block: &UnitBlock<'_>,
    columns: &[Values<'_>],
    arms: usize,
) -> Result<(), Error> {
    let Reading { sorted, gathered, workspace } = reading;
    let mut passes: Vec<(&Pass, &mut Cells)> = passes.collect();
    sorted.resize_with(passes.len().max(sorted.len()), Sorted::default);
    for ((pass, cells), sorted) in passes.iter_mut().zip(sorted.iter_mut()) {
        sorted.sort(pass, cells, block, arms);
    }
    let families = passes.iter().map(|(pass, _)| pass.families.len()).max().unwrap_or(0);
    for family in 0..families {
        for ((pass, cells), sorted) in passes.iter_mut().zip(sorted.iter()) {
            let Some(tuples) = pass.families.get(family) else { continue };
            gathered.resize_with(tuples.columns.len().max(gathered.len()), Gathered::default);
            let rows =
                tuples.columns.iter().zip(gathered.iter_mut()).map(|(column, gathered)| match sorted.as_they_are {
                    true => columns[*column],
                    false => gathered.fill(columns[*column], &sorted.by_cell),
                });
            let rows: Vec<Values<'_>> = rows.collect();
            for (place, run) in &sorted.runs {
                let rows: Vec<Values<'_>> = rows.iter().map(|column| column.part(run.clone())).collect();
                cells.cells[*place].comoments[family].push(&rows, workspace)?;
            }
        }
    }
    for ((pass, cells), sorted) in passes.iter_mut().zip(sorted.iter()) {
        for (position, kept) in pass.compressions.iter().enumerate() {
            let columns: Vec<Values<'_>> = kept.all().map(|column| columns[*column]).collect();
            for (place, run) in &sorted.runs {
                let compressed = &mut cells.cells[*place].compressed[position];
                compressed.push(&columns, &sorted.by_cell.positions()[run.clone()])?;
            }
        }
        for (position, column) in pass.histograms.iter().enumerate() {
            for (place, run) in &sorted.runs {
                let histogram = &mut cells.cells[*place].histograms[position];
                count(histogram, columns[*column], &sorted.by_cell.positions()[run.clone()]);
            }
        }
    }
    Ok(())
}

impl Sorted {
    fn sort(&mut self, pass: &Pass, cells: &mut Cells, block: &UnitBlock<'_>, arms: usize) {
        self.by_cell.sort(block.arms, pass.by.map(|by| block.groups[by]), arms);
        self.as_they_are = self.by_cell.is_sorted();
        if !self.as_they_are && self.by_cell.runs().len() > FEW {
            self.by_cell.find_places();
        }
        self.runs.clear();
        for (key, run) in self.by_cell.runs() {
            let place = cells.place(*key, || pass.cell());
            cells.cells[place].units += run.len() as u64;
            self.runs.push((place, run.clone()));
        }
    }
}

impl Pass {
    fn cell(&self) -> Cell {
        Cell {
            units: 0,
            comoments: self.families.iter().map(|family| TupleCoMoments::new(Arc::clone(&family.shape))).collect(),
            compressed: self.compressions.iter().map(Columns::empty).collect(),
            histograms: vec![Histogram::new(); self.histograms.len()],
        }
    }
}

/// Counts the values of a column at some positions.
fn count(histogram: &mut Histogram, column: Values<'_>, positions: &[u32]) {
    for position in positions {
        match column.present.is_none_or(|present| present[*position as usize]) {
            true => histogram.add(column.values[*position as usize]),
            false => histogram.record_missing(1),
        }
    }
}

impl Cells {
    /// The place of a cell, which is new if it was not there.
    fn place(&mut self, key: Key, empty: impl FnOnce() -> Cell) -> usize {
        *self.places.entry(key).or_insert_with(|| {
            self.cells.push(empty());
            self.cells.len() - 1
        })
    }

    pub(super) fn len(&self) -> usize {
        self.cells.len()
    }

    /// The statistics of all cells.
    pub(super) fn read_out(self) -> ReadCells {
        let mut cells: Vec<Option<Cell>> = self.cells.into_iter().map(Some).collect();
        let read = |cell: Cell| ReadCell {
            units: cell.units,
            comoments: cell.comoments.iter().flat_map(TupleCoMoments::tuples).collect(),
            compressed: cell.compressed,
            histograms: cell.histograms,
        };
        self.places.into_iter().filter_map(|(key, place)| Some((key, read(cells[place].take()?)))).collect()
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.cells.iter().map(|cell| size_of::<(Key, usize, Cell)>() + cell.heap_bytes()).sum()
    }
}

impl Cell {
    fn heap_bytes(&self) -> usize {
        let histograms = self.histograms.iter().map(|one| size_of::<Histogram>() + one.heap_bytes());
        let comoments = self.comoments.iter().map(|one| size_of::<TupleCoMoments>() + one.heap_bytes());
        let compressed = self.compressed.iter().map(|one| size_of::<ExactCompressed>() + one.heap_bytes());
        comoments.chain(compressed).chain(histograms).sum()
    }
}

/// Cells up to which columns are gathered; every cell passes over the whole column then.
const FEW: usize = 3;

impl Gathered {
    fn fill<'a>(&'a mut self, column: Values<'_>, by_cell: &ByCell) -> Values<'a> {
        let is_few = by_cell.runs().len() <= FEW;
        let values = sorted(&mut self.values, column.values, by_cell, is_few);
        let present = column.present.map(|present| sorted(&mut self.present, present, by_cell, is_few));
        Values { values, present }
    }
}

/// The entries in the order of cells.
#[inline]
fn sorted<'a, T: Copy + Default>(into: &'a mut Vec<T>, column: &[T], by_cell: &ByCell, is_few: bool) -> &'a [T] {
    if into.len() < column.len() {
        into.resize(column.len(), T::default());
    }
    let sorted = &mut into[..column.len()];
    if is_few {
        gather(sorted, column, by_cell.positions())
    } else {
        lay(sorted, column, by_cell.places())
    }
    sorted
}

/// Takes for each place the entry of its row. Eight at a time, since a loop of loads and stores is bound by its own counting.
#[inline]
fn gather<T: Copy>(into: &mut [T], column: &[T], positions: &[u32]) {
    let (outs, last) = into.as_chunks_mut::<8>();
    let (eights, rest) = positions.as_chunks::<8>();
    for (out, positions) in outs.iter_mut().zip(eights) {
        for lane in 0..8 {
            out[lane] = column[positions[lane] as usize];
        }
    }
    for (out, position) in last.iter_mut().zip(rest) {
        *out = column[*position as usize];
    }
}

/// Lays each entry at its place: the column is read once from end to end.
#[inline]
fn lay<T: Copy>(into: &mut [T], column: &[T], places: &[u32]) {
    let (entries, last) = column.as_chunks::<8>();
    let (eights, rest) = places.as_chunks::<8>();
    for (entries, places) in entries.iter().zip(eights) {
        for lane in 0..8 {
            into[places[lane] as usize] = entries[lane];
        }
    }
    for (entry, place) in last.iter().zip(rest) {
        into[*place as usize] = *entry;
    }
}

impl Reading {
    pub(super) fn heap_bytes(&self) -> usize {
        let gathered = |one: &Gathered| one.values.capacity() * size_of::<f64>() + one.present.capacity();
        self.sorted.iter().map(|sorted| sorted.by_cell.heap_bytes()).sum::<usize>()
            + self.gathered.iter().map(gathered).sum::<usize>()
    }
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
                all.compressed.iter_mut().zip(&cell.compressed).try_for_each(|(all, part)| all.merge(part))?;
                all.histograms.iter_mut().zip(&cell.histograms).for_each(|(all, part)| all.merge(part));
            }
        }
    }
    Ok(())
}
