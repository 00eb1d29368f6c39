//! Statistics of unit rows as they come: derived columns, limits of caps, co-moments and histograms per arm and group.
//!
//! ```text
//! block of rows ─▶ derived columns ─▶ rows sorted by (group, arm) ─▶ co-moments, histograms per cell ─┐
//!        └─▶ rows of columns with a percentile cap, kept ── all workers: limits ──▶ the same ─────────┴─▶ rows of readouts
//! ```

use std::collections::BTreeSet;
use std::collections::btree_map::{BTreeMap, Entry};
use std::sync::Arc;

use super::by_cell::{ByCell, Key};
use super::derive::{Limits, Making, percentiles};
use crate::suffstat::{Error, ExactCoMoments, Histogram, TupleCoMoments, Tuples, Values, Workspace};

/// What is made of unit rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Finishing {
    /// How many columns a block of rows has.
    pub columns: usize,
    /// Columns made of others; the one at position `k` is column `columns + k`.
    pub derived: Vec<Derived>,
    /// The statistics asked for.
    pub readouts: Vec<Readout>,
}

/// A column made of another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Derived {
    /// The column it is made of, one before itself.
    pub of: usize,
    /// How it is made.
    pub how: Derive,
}

/// How a derived column is made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Derive {
    /// Cut to limits; what is missing stays missing.
    Clip {
        /// The least value left, if there is a limit.
        lower: Option<Limit>,
        /// The greatest value left, if there is a limit.
        upper: Option<Limit>,
    },
    /// 0 in place of missing.
    Filled,
    /// 1 where missing, else 0.
    Missing,
}

/// Where values are cut.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Limit {
    /// At this value.
    Value(f64),
    /// At a quantile of the values there are, over the units of all arms, as [`quantile`](crate::suffstat::quantile()) defines it. Nothing is cut when there is none.
    Percentile {
        /// The rank, between 0 and 1.
        rank: f64,
        /// Whether only values other than 0 are looked at.
        nonzero: bool,
    },
}

/// Statistics per arm, or per arm and group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readout {
    /// The grouping, by its position in [`UnitBlock::groups`]; `None` for arms alone.
    pub by: Option<usize>,
    /// Columns whose joint moments are wanted.
    pub tuples: Vec<Vec<usize>>,
    /// Columns whose distribution is wanted.
    pub histograms: Vec<usize>,
}

/// Some rows, each of one unit.
#[derive(Debug, Clone, Copy)]
pub struct UnitBlock<'a> {
    /// The arm of each row, counted from 0.
    pub arms: &'a [u32],
    /// Per grouping: the code of each row. Any code will do; small ones are faster.
    pub groups: &'a [&'a [u32]],
    /// The columns.
    pub values: &'a [Values<'a>],
}

/// All that was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Finished {
    /// Per derived column: the percentile limits that were found, lower and upper.
    pub limits: Vec<(Option<f64>, Option<f64>)>,
    /// Per readout: one entry per group and arm that has rows, sorted by group, then arm.
    pub readouts: Vec<Vec<FinishedRow>>,
}

/// The statistics of one arm, or of one group of it.
#[derive(Debug, Clone, PartialEq)]
pub struct FinishedRow {
    /// The arm.
    pub arm: u32,
    /// The code of the group; 0 when the readout has no grouping.
    pub group: u32,
    /// How many rows.
    pub units: u64,
    /// Per tuple of the readout: its exact joint moments.
    pub comoments: Vec<ExactCoMoments>,
    /// Per histogram of the readout: the distribution.
    pub histograms: Vec<Histogram>,
}

/// A checked [`Finishing`], from which workers are made.
///
/// The rows may be given to any number of workers, in any order and in blocks of any size: the result is the same to the
/// last bit, and each of its statistics is that of an [`ExactCoMoments`] or a [`Histogram`] which was given the rows of that arm and group alone.
///
/// ```
/// use estimand_stats::suffstat::Values;
/// use estimand_stats::unit_aggregation::finish::{Finish, Finishing, Readout, UnitBlock};
/// let readout = Readout { by: None, tuples: vec![vec![0]], histograms: vec![] };
/// let finish = Finish::new(Finishing { columns: 1, derived: vec![], readouts: vec![readout] }, 2)?;
/// let mut worker = finish.worker();
/// let values = Values { values: &[3.0, 1.0, 5.0], present: None };
/// worker.push(&UnitBlock { arms: &[0, 1, 0], groups: &[], values: &[values] })?;
/// let finished = finish.conclude(vec![worker])?;
/// assert_eq!(finished.readouts[0][0].comoments[0].finish()?.mean(0), 4.0);
/// # Ok::<(), estimand_stats::suffstat::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Finish {
    outline: Arc<Outline>,
}

/// What workers share.
#[derive(Debug)]
struct Outline {
    finishing: Finishing,
    arms: usize,
    /// How many groupings a block must have at least.
    groupings: usize,
    passes: Vec<Pass>,
    /// Which derived columns are made as rows come, and which when limits are known.
    made_now: Vec<bool>,
    made_later: Vec<bool>,
    /// Columns whose rows are kept until the limits are known.
    kept: Vec<usize>,
    /// Groupings whose codes are kept with them.
    kept_groupings: Vec<usize>,
}

/// What is read from rows sorted by one grouping: the union of what the readouts by it want.
#[derive(Debug)]
struct Pass {
    by: Option<usize>,
    /// Whether it must wait for limits.
    waits: bool,
    /// The columns read: first those of tuples, then those of histograms alone.
    columns: Vec<usize>,
    tuples: Vec<Vec<usize>>,
    /// The tuples as positions in `columns`.
    shape: Arc<Tuples>,
    histograms: Vec<usize>,
    /// The columns of histograms as positions in `columns`.
    histogram_places: Vec<usize>,
}

impl Finish {
    /// Checks what is asked for.
    ///
    /// - **Errors** with [`Error::Shape`] when a column is named that is not there, or a derived column is made of a later one.
    pub fn new(finishing: Finishing, arms: usize) -> Result<Self, Error> {
        for (position, derived) in finishing.derived.iter().enumerate() {
            below("columns a derived column may be made of", finishing.columns + position, derived.of)?;
        }
        let columns = finishing.columns + finishing.derived.len();
        for readout in &finishing.readouts {
            let named = readout.tuples.iter().flatten().chain(&readout.histograms);
            named.copied().try_for_each(|column| below("columns a readout may name", columns, column))?;
        }
        Ok(Finish { outline: Arc::new(Outline::new(finishing, arms)) })
    }

    /// A worker without rows.
    pub fn worker(&self) -> Worker {
        let outline = Arc::clone(&self.outline);
        Worker {
            cells: outline.passes.iter().map(|_| Cells::new()).collect(),
            kept: Kept::new(&outline),
            work: Work::default(),
            outline,
        }
    }

    /// Finds the limits, reads what waited for them, and brings the rows of all workers together.
    ///
    /// - **Needs** workers of this [`Finish`]; none at all give readouts without rows.
    /// - **Errors** with [`Error::Overflow`] past 2⁶⁴ rows.
    pub fn conclude(&self, mut workers: Vec<Worker>) -> Result<Finished, Error> {
        let outline = &*self.outline;
        let limits = limits(outline, &workers);
        workers.iter_mut().try_for_each(|worker| worker.read_kept(&limits))?;
        let mut read: Vec<BTreeMap<Key, ReadCell>> = outline.passes.iter().map(|_| BTreeMap::new()).collect();
        for worker in workers {
            for (all, part) in read.iter_mut().zip(worker.cells) {
                part.into_iter().try_for_each(|(key, cell)| add_cell(all, key, cell.read()))?;
            }
        }
        let readouts = outline.finishing.readouts.iter().map(|readout| rows(outline, &read, readout));
        let readouts = readouts.collect::<Result<Vec<_>, Error>>()?;
        Ok(Finished { limits, readouts })
    }
}

impl Outline {
    fn new(finishing: Finishing, arms: usize) -> Self {
        let groupings = finishing.readouts.iter().filter_map(|readout| readout.by).max().map_or(0, |last| last + 1);
        let passes = passes(&finishing);
        let waiting = || passes.iter().filter(|pass| pass.waits);
        let now = with_ancestors(
            &finishing,
            passes.iter().filter(|pass| !pass.waits).flat_map(|pass| &pass.columns).copied(),
        );
        let looked_at =
            finishing.derived.iter().filter(|derived| derived.how.has_percentile()).map(|derived| derived.of);
        let later = with_ancestors(&finishing, waiting().flat_map(|pass| &pass.columns).copied().chain(looked_at));
        let derived = |wanted: &[bool]| wanted[finishing.columns..].to_vec();
        let kept = (0..finishing.columns).filter(|column| later[*column]).collect();
        let kept_groupings =
            (0..groupings).filter(|grouping| waiting().any(|pass| pass.by == Some(*grouping))).collect();
        let (made_now, made_later) = (derived(&now), derived(&later));
        Outline { finishing, arms, groupings, passes, made_now, made_later, kept, kept_groupings }
    }
}

/// Refuses a position that is not there.
fn below(what: &'static str, count: usize, position: usize) -> Result<(), Error> {
    if position < count { Ok(()) } else { Err(Error::Shape { what, expected: count, got: position }) }
}

/// Which columns are needed for some: themselves, and what they are made of.
fn with_ancestors(finishing: &Finishing, columns: impl Iterator<Item = usize>) -> Vec<bool> {
    let mut wanted = vec![false; finishing.columns + finishing.derived.len()];
    columns.for_each(|column| wanted[column] = true);
    for (position, derived) in finishing.derived.iter().enumerate().rev() {
        wanted[derived.of] |= wanted[finishing.columns + position];
    }
    wanted
}

impl Derive {
    fn has_percentile(self) -> bool {
        match self {
            Derive::Clip { lower, upper } => {
                [lower, upper].iter().any(|limit| matches!(limit, Some(Limit::Percentile { .. })))
            }
            Derive::Filled | Derive::Missing => false,
        }
    }
}

/// Whether a column is known only once percentile limits are.
fn waits(finishing: &Finishing, column: usize) -> bool {
    let derived = column.checked_sub(finishing.columns).map(|position| finishing.derived[position]);
    derived.is_some_and(|derived| derived.how.has_percentile() || waits(finishing, derived.of))
}

/// What must be read, each statistic once: by arm alone only what no grouping reads, since exact sums of groups add up without loss.
fn passes(finishing: &Finishing) -> Vec<Pass> {
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
    fn serves(&self, by: Option<usize>) -> bool {
        by.is_none() || self.by == by
    }
}

/// What one thread has read so far.
pub struct Worker {
    outline: Arc<Outline>,
    /// Per pass.
    cells: Vec<Cells>,
    kept: Kept,
    work: Work,
}

type Cells = BTreeMap<Key, Cell>;

/// The statistics of the rows of one arm and group.
#[derive(Debug)]
struct Cell {
    units: u64,
    comoments: TupleCoMoments,
    histograms: Vec<Histogram>,
}

/// The same, read out.
#[derive(Debug, Clone)]
struct ReadCell {
    units: u64,
    comoments: Vec<ExactCoMoments>,
    histograms: Vec<Histogram>,
}

/// Memory for the work on a block, to be kept for the next.
#[derive(Default)]
struct Work {
    making: Making,
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

/// Rows that wait for limits.
#[derive(Debug)]
struct Kept {
    arms: Vec<u32>,
    /// Per grouping that is kept.
    groups: Vec<Vec<u32>>,
    /// Per column that is kept.
    columns: Vec<KeptColumn>,
}

#[derive(Debug, Clone, Default)]
struct KeptColumn {
    values: Vec<f64>,
    /// Empty as long as no value was missing.
    present: Vec<bool>,
}

impl Worker {
    /// Reads some rows.
    ///
    /// - **Errors** with [`Error::Shape`] when columns or groupings are missing, differ in length or name an arm that is not
    ///   there; nothing is read then.
    pub fn push(&mut self, block: &UnitBlock<'_>) -> Result<(), Error> {
        let Worker { outline, cells, kept, work } = self;
        outline.check(block)?;
        if outline.passes.iter().any(|pass| !pass.waits) {
            outline.read(cells, work, false, &[], block)?;
        }
        if !outline.kept.is_empty() {
            kept.append(outline, block);
        }
        Ok(())
    }

    /// Bytes held on the heap.
    pub fn heap_bytes(&self) -> usize {
        let of_cell = |cell: &Cell| {
            let histograms: usize =
                cell.histograms.iter().map(|histogram| size_of::<Histogram>() + histogram.heap_bytes()).sum();
            size_of::<(Key, Cell)>() + cell.comoments.heap_bytes() + histograms
        };
        let cells: usize = self.cells.iter().flat_map(BTreeMap::values).map(of_cell).sum();
        cells + self.kept.heap_bytes() + self.work.heap_bytes()
    }

    /// Reads the rows that waited, now that limits are known.
    fn read_kept(&mut self, limits: &[Limits]) -> Result<(), Error> {
        let Worker { outline, cells, kept, work } = self;
        if kept.arms.is_empty() {
            return Ok(());
        }
        let (values, groups) = kept.block(outline);
        let block = UnitBlock { arms: &kept.arms, groups: &groups, values: &values };
        outline.read(cells, work, true, limits, &block)
    }
}

impl Outline {
    fn check(&self, block: &UnitBlock<'_>) -> Result<(), Error> {
        let rows = block.arms.len();
        let same =
            |what, expected, got| if expected == got { Ok(()) } else { Err(Error::Shape { what, expected, got }) };
        same("columns", self.finishing.columns, block.values.len())?;
        if block.groups.len() < self.groupings {
            return Err(Error::Shape { what: "groupings", expected: self.groupings, got: block.groups.len() });
        }
        block.groups.iter().try_for_each(|codes| same("rows of a grouping", rows, codes.len()))?;
        for column in block.values {
            same("rows of a column", rows, column.values.len())?;
            same("rows of a column", rows, column.present.map_or(rows, <[bool]>::len))?;
        }
        let last = block.arms.iter().max().copied().unwrap_or(0) as usize;
        if rows == 0 { Ok(()) } else { below("arms", self.arms, last) }
    }

    /// Reads a block for the passes that wait for limits, or for the others.
    fn read(
        &self,
        cells: &mut [Cells],
        work: &mut Work,
        waits: bool,
        limits: &[Limits],
        block: &UnitBlock<'_>,
    ) -> Result<(), Error> {
        let Work { making, by_cell, gathered, workspace } = work;
        let made = if waits { &self.made_later } else { &self.made_now };
        let columns = making.columns(&self.finishing, made, limits, block.values);
        for (pass, cells) in self.passes.iter().zip(cells).filter(|(pass, _)| pass.waits == waits) {
            let columns: Vec<Values<'_>> = pass.columns.iter().map(|column| columns[*column]).collect();
            gathered.resize_with(columns.len().max(gathered.len()), Gathered::default);
            let groups = pass.by.map(|by| block.groups[by]);
            by_cell.for_each(block.arms, groups, self.arms, |key, positions| {
                let gathered = gathered.iter_mut().zip(&columns);
                let rows: Vec<Values<'_>> =
                    gathered.map(|(gathered, column)| gathered.fill(column, positions)).collect();
                cells.entry(key).or_insert_with(|| pass.cell()).push(pass, &rows, positions.len(), workspace)
            })?;
        }
        Ok(())
    }
}

impl Pass {
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

    fn read(self) -> ReadCell {
        ReadCell { units: self.units, comoments: self.comoments.tuples(), histograms: self.histograms }
    }
}

impl Gathered {
    fn fill<'a>(&'a mut self, column: &Values<'a>, positions: &[u32]) -> Values<'a> {
        self.present.clear();
        if let Some(present) = column.present {
            self.present.extend(positions.iter().map(|position| present[*position as usize]));
        }
        let present = self.present.contains(&false).then_some(self.present.as_slice());
        if positions.len() == column.values.len() {
            return Values { values: column.values, present };
        }
        self.values.clear();
        self.values.extend(positions.iter().map(|position| column.values[*position as usize]));
        Values { values: &self.values, present }
    }
}

impl Kept {
    fn new(outline: &Outline) -> Self {
        Kept {
            arms: Vec::new(),
            groups: vec![Vec::new(); outline.kept_groupings.len()],
            columns: vec![KeptColumn::default(); outline.kept.len()],
        }
    }

    fn append(&mut self, outline: &Outline, block: &UnitBlock<'_>) {
        let before = self.arms.len();
        self.arms.extend_from_slice(block.arms);
        for (kept, grouping) in self.groups.iter_mut().zip(&outline.kept_groupings) {
            kept.extend_from_slice(block.groups[*grouping]);
        }
        for (kept, column) in self.columns.iter_mut().zip(&outline.kept) {
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

    /// The rows as a block has them: columns and groupings that are not kept are empty.
    fn block(&self, outline: &Outline) -> (Vec<Values<'_>>, Vec<&[u32]>) {
        let mut values = vec![Values { values: &[], present: None }; outline.finishing.columns];
        for (kept, column) in self.columns.iter().zip(&outline.kept) {
            let present = Some(kept.present.as_slice()).filter(|present| !present.is_empty());
            values[*column] = Values { values: &kept.values, present };
        }
        let mut groups: Vec<&[u32]> = vec![&[]; outline.groupings];
        self.groups.iter().zip(&outline.kept_groupings).for_each(|(kept, grouping)| groups[*grouping] = kept);
        (values, groups)
    }

    fn heap_bytes(&self) -> usize {
        let codes = self.arms.capacity() + self.groups.iter().map(Vec::capacity).sum::<usize>();
        let column = |kept: &KeptColumn| kept.values.capacity() * size_of::<f64>() + kept.present.capacity();
        codes * size_of::<u32>() + self.columns.iter().map(column).sum::<usize>()
    }
}

impl Work {
    fn heap_bytes(&self) -> usize {
        let gathered = |one: &Gathered| one.values.capacity() * size_of::<f64>() + one.present.capacity();
        self.making.heap_bytes() + self.by_cell.heap_bytes() + self.gathered.iter().map(gathered).sum::<usize>()
    }
}

/// The percentile limits of every derived column, in order, since one may be made of another.
fn limits(outline: &Outline, workers: &[Worker]) -> Vec<Limits> {
    let finishing = &outline.finishing;
    let mut limits: Vec<Limits> = vec![(None, None); finishing.derived.len()];
    for position in 0..finishing.derived.len() {
        let derived = finishing.derived[position];
        if !derived.how.has_percentile() {
            continue;
        }
        let made = with_ancestors(finishing, std::iter::once(derived.of));
        let mut makings: Vec<Making> = workers.iter().map(|_| Making::default()).collect();
        let parts: Vec<Values<'_>> = workers
            .iter()
            .zip(&mut makings)
            .map(|(worker, making)| {
                let (values, _) = worker.kept.block(outline);
                making.columns(finishing, &made[finishing.columns..], &limits, &values)[derived.of]
            })
            .collect();
        limits[position] = percentiles(derived.how, &parts);
    }
    limits
}

/// Adds a cell to those of the same arm and group.
fn add_cell(cells: &mut BTreeMap<Key, ReadCell>, key: Key, cell: ReadCell) -> Result<(), Error> {
    match cells.entry(key) {
        Entry::Vacant(place) => drop(place.insert(cell)),
        Entry::Occupied(mut same) => {
            let all = same.get_mut();
            all.units += cell.units;
            all.comoments.iter_mut().zip(&cell.comoments).try_for_each(|(all, part)| all.merge(part))?;
            all.histograms.iter_mut().zip(&cell.histograms).for_each(|(all, part)| all.merge(part));
        }
    }
    Ok(())
}

/// The rows of a readout, each statistic from the pass that read it.
fn rows(outline: &Outline, read: &[BTreeMap<Key, ReadCell>], readout: &Readout) -> Result<Vec<FinishedRow>, Error> {
    let passes: Vec<_> = outline.passes.iter().zip(read).filter(|(pass, _)| pass.serves(readout.by)).collect();
    // Every pass reads every row: the first tells how many there are.
    let mut counts_units = true;
    let mut rows: BTreeMap<Key, FinishedRow> = BTreeMap::new();
    let comoments = readout.tuples.iter().map(|tuple| from(&passes, |pass| position(&pass.tuples, tuple)));
    let comoments: Vec<Option<(usize, usize)>> = comoments.collect();
    let histograms = readout.histograms.iter().map(|column| from(&passes, |pass| position(&pass.histograms, column)));
    let histograms: Vec<Option<(usize, usize)>> = histograms.collect();
    for (index, (_, cells)) in passes.iter().enumerate() {
        for (key, cell) in cells.iter() {
            let (group, arm) = if readout.by.is_some() { *key } else { (0, key.1) };
            let row = rows.entry((group, arm)).or_insert_with(|| FinishedRow {
                arm,
                group,
                units: 0,
                comoments: readout.tuples.iter().map(|tuple| ExactCoMoments::new(tuple.len())).collect(),
                histograms: vec![Histogram::new(); readout.histograms.len()],
            });
            row.units += if counts_units { cell.units } else { 0 };
            for (all, from) in row.comoments.iter_mut().zip(&comoments) {
                if let Some((_, place)) = from.filter(|(pass, _)| *pass == index) {
                    all.merge(&cell.comoments[place])?;
                }
            }
            for (all, from) in row.histograms.iter_mut().zip(&histograms) {
                if let Some((_, place)) = from.filter(|(pass, _)| *pass == index) {
                    all.merge(&cell.histograms[place]);
                }
            }
        }
        counts_units = false;
    }
    Ok(rows.into_values().collect())
}

/// Which pass has a statistic, and where.
fn from<T>(passes: &[(&Pass, T)], place: impl Fn(&Pass) -> Option<usize>) -> Option<(usize, usize)> {
    passes.iter().enumerate().find_map(|(index, (pass, _))| Some((index, place(pass)?)))
}

fn position<T: PartialEq>(all: &[T], one: &T) -> Option<usize> {
    all.iter().position(|other| other == one)
}
