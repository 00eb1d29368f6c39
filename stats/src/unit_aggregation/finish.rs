//! Statistics of unit rows as they come: derived columns, limits of caps, co-moments and histograms per arm and group.
//!
//! ```text
//! block of rows ─▶ derived columns ─▶ rows sorted by (group, arm) ─▶ co-moments, histograms per cell ─┐
//!        └─▶ rows of columns with a percentile cap, kept ── all workers: limits ──▶ the same ─────────┴─▶ rows of readouts
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;

use super::by_cell::Key;
pub use super::derive::{Limits, Making};
use super::derive::{percentiles, with_ancestors};
use super::pass::{self, Cells, Pass, ReadCells, Reading, passes};
use super::store::{Selection, Store};
use crate::suffstat::{Error, ExactCoMoments, ExactCompressed, Histogram, Values};
use crate::threads::on_threads;
use parking_lot::Mutex;

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
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Readout {
    /// The grouping, by its position in [`UnitBlock::groups`]; `None` for arms alone.
    pub by: Option<usize>,
    /// Columns whose joint moments are wanted.
    pub tuples: Vec<Vec<usize>>,
    /// Columns of which a compressed sample is wanted.
    pub compressions: Vec<Columns>,
    /// Columns whose distribution is wanted.
    pub histograms: Vec<usize>,
}

/// The columns of a compressed sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    /// Columns whose distinct rows are kept.
    pub features: Vec<usize>,
    /// Columns whose sums are kept for each distinct row.
    pub outcomes: Vec<usize>,
}

impl Columns {
    /// Features, then outcomes.
    pub(super) fn all(&self) -> impl Iterator<Item = &usize> + Clone {
        self.features.iter().chain(&self.outcomes)
    }

    /// The compressed sample of no rows.
    pub(super) fn empty(&self) -> ExactCompressed {
        ExactCompressed::new(self.features.len(), self.outcomes.len())
    }
}

impl Readout {
    /// Every column that is named.
    fn columns(&self) -> impl Iterator<Item = &usize> {
        let compressed = self.compressions.iter().flat_map(Columns::all);
        self.tuples.iter().flatten().chain(compressed).chain(&self.histograms)
    }
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
    pub limits: Vec<Limits>,
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
    /// Per compression of the readout: the compressed sample.
    pub compressed: Vec<ExactCompressed>,
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
/// let readout = Readout { tuples: vec![vec![0]], ..Readout::default() };
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
    /// What is read as rows come.
    now: Stage,
    /// What is read when limits are known, of rows kept until then.
    later: Stage,
}

/// Passes that can be made at the same time.
#[derive(Debug)]
struct Stage {
    waits: bool,
    /// What they read of a block.
    selection: Selection,
    /// Which derived columns they need.
    made: Vec<bool>,
}

/// What one thread has read so far.
pub struct Worker {
    outline: Arc<Outline>,
    /// Per pass.
    cells: Vec<Cells>,
    /// Rows of small blocks, until there are enough to be worth sorting.
    staged: Store,
    /// Rows that wait for limits.
    kept: Store,
    making: Making,
    reading: Reading,
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
            readout.columns().copied().try_for_each(|column| below("columns a readout may name", columns, column))?;
        }
        Ok(Finish { outline: Arc::new(Outline::new(finishing, arms)) })
    }

    /// A worker without rows.
    pub fn worker(&self) -> Worker {
        let outline = Arc::clone(&self.outline);
        Worker {
            cells: outline.passes.iter().map(|_| Cells::default()).collect(),
            staged: Store::default(),
            kept: Store::default(),
            making: Making::default(),
            reading: Reading::default(),
            outline,
        }
    }

    /// All columns of some rows: the given ones, then the derived ones, cut to the `limits` that were found.
    ///
    /// - **Needs** as many columns as there are to be, of one length, and the limits of [`Finished`].
    pub fn columns<'a>(&self, making: &'a mut Making, limits: &[Limits], values: &[Values<'a>]) -> Vec<Values<'a>> {
        let finishing = &self.outline.finishing;
        making.columns(finishing, &vec![true; finishing.derived.len()], limits, values)
    }

    /// Finds the limits, reads what waited for them, and brings the rows of all workers together.
    ///
    /// What waited is read by as many threads as there are workers.
    ///
    /// - **Needs** workers of this [`Finish`]; none at all give readouts without rows.
    /// - **Errors** with [`Error::Overflow`] past 2⁶⁴ rows.
    pub fn conclude(&self, workers: Vec<Worker>) -> Result<Finished, Error> {
        let outline = &*self.outline;
        let limits = limits(outline, &workers);
        let found = limits.as_slice();
        let count = workers.len();
        let workers = Mutex::new(workers);
        let parts = on_threads(count, |_| {
            let worker = workers.lock().pop();
            worker.map_or_else(|| Ok(Vec::new()), |worker| worker.read_out(found))
        });
        let mut all: Vec<ReadCells> = outline.passes.iter().map(|_| ReadCells::new()).collect();
        for part in parts {
            all.iter_mut().zip(part?).try_for_each(|(all, part)| pass::merge(all, part))?;
        }
        let readouts = outline.finishing.readouts.iter().map(|readout| rows(outline, &all, readout));
        let readouts = readouts.collect::<Result<Vec<_>, Error>>()?;
        Ok(Finished { limits, readouts })
    }
}

impl Outline {
    fn new(finishing: Finishing, arms: usize) -> Self {
        let groupings = finishing.readouts.iter().filter_map(|readout| readout.by).max().map_or(0, |last| last + 1);
        let passes = passes(&finishing);
        let stage = |waits: bool, looked_at: Vec<usize>| {
            let passes = || passes.iter().filter(|pass| pass.waits == waits);
            let columns = passes().flat_map(|pass| &pass.columns).copied().chain(looked_at);
            let wanted = with_ancestors(&finishing, columns);
            let grouped = |grouping: &usize| passes().any(|pass| pass.by == Some(*grouping));
            let selection = Selection {
                of: (finishing.columns, groupings),
                columns: (0..finishing.columns).filter(|column| wanted[*column]).collect(),
                groupings: (0..groupings).filter(grouped).collect(),
            };
            Stage { waits, selection, made: wanted[finishing.columns..].to_vec() }
        };
        let with_percentile = finishing.derived.iter().filter(|derived| derived.how.has_percentile());
        let later = stage(true, with_percentile.map(|derived| derived.of).collect());
        let now = stage(false, Vec::new());
        Outline { finishing, arms, groupings, passes, now, later }
    }

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
}

/// Refuses a position that is not there.
fn below(what: &'static str, count: usize, position: usize) -> Result<(), Error> {
    if position < count { Ok(()) } else { Err(Error::Shape { what, expected: count, got: position }) }
}

/// Rows that are sorted together: enough for each cell to fill a block of its own, few enough to stay in the nearer caches.
const ROWS_PER_CELL: usize = 512;
const FEWEST_ROWS: usize = 8_192;
const MOST_ROWS: usize = 65_536;

impl Worker {
    /// Reads some rows.
    ///
    /// - **Errors** with [`Error::Shape`] when columns or groupings are missing, differ in length or name an arm that is not
    ///   there; nothing is read then.
    pub fn push(&mut self, block: &UnitBlock<'_>) -> Result<(), Error> {
        let outline = Arc::clone(&self.outline);
        outline.check(block)?;
        if !outline.later.selection.columns.is_empty() {
            self.kept.append(&outline.later.selection, block);
        }
        if outline.passes.iter().all(|pass| pass.waits) {
            return Ok(());
        }
        let enough = self.enough();
        if self.staged.rows() == 0 && block.arms.len() >= enough {
            return self.read(&outline.now, &[], block);
        }
        self.staged.append(&outline.now.selection, block);
        if self.staged.rows() >= enough { self.read_staged() } else { Ok(()) }
    }

    /// Bytes held on the heap.
    pub fn heap_bytes(&self) -> usize {
        let cells: usize = self.cells.iter().map(Cells::heap_bytes).sum();
        let rows = self.staged.heap_bytes() + self.kept.heap_bytes();
        cells + rows + self.making.heap_bytes() + self.reading.heap_bytes()
    }

    /// How many rows to sort together.
    fn enough(&self) -> usize {
        let cells = self.cells.iter().map(Cells::len).max().unwrap_or(0);
        (ROWS_PER_CELL * cells).clamp(FEWEST_ROWS, MOST_ROWS)
    }

    fn read_staged(&mut self) -> Result<(), Error> {
        let outline = Arc::clone(&self.outline);
        let mut staged = std::mem::take(&mut self.staged);
        let read = staged.with_block(&outline.now.selection, |block| self.read(&outline.now, &[], block));
        staged.clear();
        self.staged = staged;
        read
    }

    /// Reads the rows that were laid by, now that limits are known, and gives all statistics, per pass.
    fn read_out(mut self, limits: &[Limits]) -> Result<Vec<ReadCells>, Error> {
        self.read_staged()?;
        let outline = Arc::clone(&self.outline);
        let kept = std::mem::take(&mut self.kept);
        kept.with_block(&outline.later.selection, |block| self.read(&outline.later, limits, block))?;
        Ok(self.cells.into_iter().map(Cells::read_out).collect())
    }

    /// Reads a block, a part at a time, for the passes of a stage.
    fn read(&mut self, stage: &Stage, limits: &[Limits], block: &UnitBlock<'_>) -> Result<(), Error> {
        let Worker { outline, cells, making, reading, .. } = self;
        let rows = block.arms.len();
        let mut start = 0;
        while start < rows {
            let most = cells.iter().map(Cells::len).max().unwrap_or(0);
            let parts = ((rows - start) / (ROWS_PER_CELL * most).clamp(FEWEST_ROWS, MOST_ROWS)).max(1);
            let end = start + (rows - start).div_ceil(parts);
            // What was not laid by has no rows to take.
            let groups: Vec<&[u32]> =
                block.groups.iter().map(|codes| codes.get(start..end).unwrap_or_default()).collect();
            let values: Vec<Values<'_>> = block.values.iter().map(|column| column.part(start..end)).collect();
            let columns = making.columns(&outline.finishing, &stage.made, limits, &values);
            let part = UnitBlock { arms: &block.arms[start..end], groups: &groups, values: &values };
            let passes = outline.passes.iter().zip(cells.iter_mut()).filter(|(pass, _)| pass.waits == stage.waits);
            pass::read(passes, reading, &part, &columns, outline.arms)?;
            start = end;
        }
        Ok(())
    }
}

/// The percentile limits of every derived column, in order, since one may be made of another.
fn limits(outline: &Outline, workers: &[Worker]) -> Vec<Limits> {
    let finishing = &outline.finishing;
    let mut limits: Vec<Limits> = vec![(None, None); finishing.derived.len()];
    for (position, derived) in finishing.derived.iter().enumerate() {
        if !derived.how.has_percentile() {
            continue;
        }
        let made = with_ancestors(finishing, std::iter::once(derived.of));
        let mut makings: Vec<Making> = workers.iter().map(|_| Making::default()).collect();
        let parts = workers.iter().zip(&mut makings).map(|(worker, making)| {
            let values = worker.kept.values(&outline.later.selection);
            making.columns(finishing, &made[finishing.columns..], &limits, &values)[derived.of]
        });
        let parts: Vec<Values<'_>> = parts.collect();
        limits[position] = percentiles(derived.how, &parts);
    }
    limits
}

/// The rows of a readout, each statistic from the pass that read it.
fn rows(outline: &Outline, read: &[ReadCells], readout: &Readout) -> Result<Vec<FinishedRow>, Error> {
    let passes: Vec<_> = outline.passes.iter().zip(read).filter(|(pass, _)| pass.serves(readout.by)).collect();
    // Every pass reads every row: the first tells how many there are.
    let mut counts_units = true;
    let mut rows: BTreeMap<Key, FinishedRow> = BTreeMap::new();
    let comoments = readout.tuples.iter().map(|tuple| from(&passes, |pass| position(&pass.tuples, tuple)));
    let comoments: Vec<Option<(usize, usize)>> = comoments.collect();
    let compressed = readout.compressions.iter().map(|kept| from(&passes, |pass| position(&pass.compressions, kept)));
    let compressed: Vec<Option<(usize, usize)>> = compressed.collect();
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
                compressed: readout.compressions.iter().map(Columns::empty).collect(),
                histograms: vec![Histogram::new(); readout.histograms.len()],
            });
            row.units += if counts_units { cell.units } else { 0 };
            for (all, from) in row.comoments.iter_mut().zip(&comoments) {
                if let Some((_, place)) = from.filter(|(pass, _)| *pass == index) {
                    all.merge(&cell.comoments[place])?;
                }
            }
            for (all, from) in row.compressed.iter_mut().zip(&compressed) {
                if let Some((_, place)) = from.filter(|(pass, _)| *pass == index) {
                    all.merge(&cell.compressed[place])?;
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
