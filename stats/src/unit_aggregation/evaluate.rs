//! From the rows of a partition to one row per unit.

use std::sync::Arc;

use super::Error;
use super::key::Key;
use super::program::{Argument, Function, How, Recipe, Step};
use super::room::Room;
use super::roster::{REGION, Roster};
use super::rows::Rows;
use crate::suffstat::{ExactSum, Values, decimal_to_f64, two_sum};

/// Bytes of rows past which a partition is not the usual one, and its memory is given back.
const LARGE: usize = 64 << 20;
/// Keys that a unit gathers before those met twice are dropped.
const GATHERED: usize = 4_096;

/// The units of a partition that count, one column per value of all sources, in the order of the sources.
#[derive(Debug, Default)]
pub struct UnitColumns {
    /// The slot of each unit.
    pub slots: Vec<u32>,
    /// The instant of exposure of each unit.
    pub exposed: Vec<i64>,
    /// The instant from which its outcomes count.
    pub from: Vec<i64>,
    columns: Vec<Column>,
}

#[derive(Debug, Default)]
struct Column {
    values: Vec<f64>,
    present: Vec<bool>,
    complete: bool,
}

impl UnitColumns {
    /// The columns, one value per unit.
    pub fn values(&self) -> Vec<Values<'_>> {
        self.columns.iter().map(Column::read).collect()
    }
}

impl Column {
    fn read(&self) -> Values<'_> {
        Values { values: &self.values, present: (!self.complete).then_some(&self.present[..]) }
    }
}

/// One thread's hand in evaluating partitions.
pub struct Evaluator<'a, K> {
    roster: &'a Roster<K>,
    sources: Vec<Source<'a>>,
    room: &'a dyn Room,
    columns: UnitColumns,
    /// The row of the unit at each slot of the partition.
    place: Vec<u32>,
    words: Vec<u64>,
    order: Vec<u32>,
    starts: Vec<u32>,
}

struct Source<'a> {
    rows: &'a Rows,
    recipes: Vec<Arc<Recipe>>,
    cells: Vec<Cell>,
    distinct: Vec<Distinct>,
    first_column: usize,
}

/// What is known of one value of the unit at hand.
#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    rows: u64,
    integer: i128,
    high: f64,
    low: f64,
    at: i64,
    inexact: bool,
}

impl<'a, K: Key> Evaluator<'a, K> {
    /// A hand for one thread, once all rows have arrived.
    pub fn new(roster: &'a Roster<K>, sources: &'a [Rows], room: &'a dyn Room) -> Self {
        let mut first_column = 0;
        let sources: Vec<Source<'a>> = sources
            .iter()
            .map(|rows| {
                let values = rows.program().values.len();
                let source = Source {
                    rows,
                    recipes: rows.recipes(),
                    cells: vec![Cell::default(); values],
                    distinct: vec![Distinct::default(); values],
                    first_column,
                };
                first_column += values;
                source
            })
            .collect();
        let columns = UnitColumns {
            columns: std::iter::repeat_with(Column::default).take(first_column).collect(),
            ..UnitColumns::default()
        };
        Self {
            roster,
            sources,
            room,
            columns,
            place: vec![0; REGION],
            words: Vec::new(),
            order: Vec::new(),
            starts: vec![0; REGION + 1],
        }
    }

    /// The units of a partition.
    ///
    /// # Errors
    /// [`Error::Refused`] where a value is not finite or a unit has more rows than it may, [`Error::Memory`], [`Error::Disk`],
    /// [`Error::Cancelled`].
    pub fn partition(&mut self, partition: usize) -> Result<&UnitColumns, Error> {
        if self.room.cancelled() {
            return Err(Error::Cancelled);
        }
        let columns = &mut self.columns;
        columns.slots.clear();
        columns.exposed.clear();
        columns.from.clear();
        for (slot, exposed, from) in self.roster.counted(partition) {
            self.place[slot % REGION] = columns.slots.len() as u32;
            columns.slots.push(slot as u32);
            columns.exposed.push(exposed);
            columns.from.push(from);
        }
        for source in 0..self.sources.len() {
            self.prepare(source);
            self.source(source, partition)?;
            self.settle(source);
        }
        Ok(&self.columns)
    }

    /// Fills the columns of a source with what units have without rows.
    fn prepare(&mut self, source: usize) {
        let source = &self.sources[source];
        let height = self.columns.slots.len();
        let columns = &mut self.columns.columns[source.first_column..];
        for (value, column) in source.rows.program().values.iter().zip(columns) {
            column.values.clear();
            column.values.resize(height, value.when_empty.unwrap_or(0.0));
            column.present.clear();
            column.present.resize(height, value.when_empty.is_some());
        }
    }

    /// Takes out what has not ripened, and sees which columns are complete.
    fn settle(&mut self, source: usize) {
        let source = &self.sources[source];
        let program = source.rows.program();
        let columns = &mut self.columns.columns[source.first_column..];
        for (value, column) in program.values.iter().zip(columns) {
            if let (Some(after), Some(now)) = (value.matures_after, program.now) {
                for (present, from) in column.present.iter_mut().zip(&self.columns.from) {
                    *present &= from.saturating_add(after) <= now;
                }
            }
            column.complete = !column.present.contains(&false);
        }
    }

    fn source(&mut self, source: usize, partition: usize) -> Result<(), Error> {
        let rows = self.sources[source].rows;
        // The rows as they are, and their order.
        let bytes = rows.words_of(partition) * (size_of::<u64>() + size_of::<u32>());
        if bytes == 0 {
            return Ok(());
        }
        if !self.room.grow(bytes) {
            return Err(Error::Memory { what: "the rows of one partition of units", bytes });
        }
        let done = rows.collect(partition, &mut self.words).and_then(|()| {
            if u32::try_from(self.words.len()).is_err() {
                return Err(Error::Beyond { what: "words of rows in one partition", limit: u32::MAX as usize });
            }
            self.sort(source);
            self.units(source)
        });
        self.room.shrink(bytes);
        if bytes > LARGE {
            self.words = Vec::new();
            self.order = Vec::new();
        }
        done
    }

    /// Orders the rows of the partition by unit: a counting sort of where they start.
    fn sort(&mut self, source: usize) {
        let recipes = &self.sources[source].recipes;
        let Self { words, order, starts, .. } = self;
        starts.fill(0);
        let mut at = 0;
        while at < words.len() {
            starts[(words[at] as u32) as usize + 1] += 1;
            at += recipes[(words[at] >> 32) as usize].words;
        }
        for slot in 0..REGION {
            starts[slot + 1] += starts[slot];
        }
        order.clear();
        order.resize(starts[REGION] as usize, 0);
        at = 0;
        while at < words.len() {
            let next = &mut starts[(words[at] as u32) as usize];
            order[*next as usize] = at as u32;
            *next += 1;
            at += recipes[(words[at] >> 32) as usize].words;
        }
        // Each start has moved to where the next one was.
        starts.copy_within(0..REGION, 1);
        starts[0] = 0;
    }

    /// Evaluates the rows of each unit that has some.
    fn units(&mut self, source: usize) -> Result<(), Error> {
        let Source { rows, recipes, cells, distinct, first_column } = &mut self.sources[source];
        let (values, arguments) = (&rows.program().values, &rows.program().arguments);
        let columns = &mut self.columns.columns[*first_column..];
        for slot in 0..REGION {
            let run = &self.order[self.starts[slot] as usize..self.starts[slot + 1] as usize];
            if run.is_empty() {
                continue;
            }
            cells.fill(Cell::default());
            for at in run {
                let at = *at as usize;
                let recipe = &*recipes[(self.words[at] >> 32) as usize];
                let row = &self.words[at + 1..at + recipe.words];
                for value in &recipe.counted {
                    cells[*value as usize].rows += 1;
                }
                for step in &recipe.steps {
                    take(*step, row, &mut cells[step.value as usize], &mut distinct[step.value as usize])?;
                }
            }
            let place = self.place[slot] as usize;
            for (number, value) in values.iter().enumerate() {
                let cell = &cells[number];
                if cell.rows == 0 {
                    continue;
                }
                let sum = || match (cell.inexact, value.argument.map(|argument| arguments[argument])) {
                    (true, _) => exact_sum(number, run, &self.words, recipes),
                    (false, Some(Argument::Decimal { scale })) => Ok(decimal_to_f64(cell.integer, scale)),
                    (false, _) => Ok(cell.high + cell.low + cell.integer as f64),
                };
                let given = match value.function {
                    Function::Any => 1.0,
                    Function::Count => cell.rows as f64,
                    Function::CountDistinct => distinct[number].finish() as f64,
                    Function::Sum => sum()?,
                    Function::Mean => sum()? / cell.rows as f64,
                    Function::Row if cell.rows > 1 => return Err(Error::Refused("a unit with more than one row")),
                    Function::First | Function::Last | Function::Max | Function::Min | Function::Row => cell.high,
                };
                if !given.is_finite() {
                    return Err(Error::Refused("a value that is not finite"));
                }
                let column = &mut columns[number];
                (column.values[place], column.present[place]) = (given, true);
            }
        }
        Ok(())
    }
}

/// Takes a word of a row into what is known of a value; the row is counted already.
#[inline]
fn take(step: Step, row: &[u64], cell: &mut Cell, distinct: &mut Distinct) -> Result<(), Error> {
    let word = row[step.word as usize];
    match step.how {
        How::AddInteger => cell.integer += i128::from(word as i64),
        How::AddUnsigned => cell.integer += i128::from(word),
        How::AddFloat => {
            // Exact as long as nothing is lost from the second sum; a value that is not finite loses everything.
            let (high, lost) = two_sum(cell.high, f64::from_bits(word));
            let (low, rest) = two_sum(cell.low, lost);
            (cell.high, cell.low) = (high, low);
            cell.inexact |= rest != 0.0;
        }
        How::Distinct => distinct.add(word),
        How::DistinctWide => distinct.add_wide(u128::from(word) << 64 | u128::from(row[step.word as usize + 1])),
        How::Least | How::Greatest | How::Earliest | How::Latest => {
            // Adding 0.0 makes -0.0 and 0.0 the same, as they are in every comparison of SQL.
            let value = f64::from_bits(word) + 0.0;
            if !value.is_finite() {
                return Err(Error::Refused("a value that is not finite"));
            }
            let at = row[0] as i64;
            let wins = cell.rows == 1
                || match step.how {
                    How::Least => value < cell.high,
                    How::Greatest => value > cell.high,
                    How::Earliest => at < cell.at || at == cell.at && value < cell.high,
                    _ => at > cell.at || at == cell.at && value > cell.high,
                };
            if wins {
                (cell.high, cell.at) = (value, at);
            }
        }
    }
    Ok(())
}

/// The sum of a value that two doubles could not hold, from the rows again.
fn exact_sum(value: usize, run: &[u32], words: &[u64], recipes: &[Arc<Recipe>]) -> Result<f64, Error> {
    let mut sum = ExactSum::new();
    for at in run {
        let at = *at as usize;
        let recipe = &recipes[(words[at] >> 32) as usize];
        for step in recipe.steps.iter().filter(|step| step.value as usize == value) {
            sum.add(f64::from_bits(words[at + 1 + step.word as usize]));
        }
    }
    if sum.non_finite() > 0 { Err(Error::Refused("a value that is not finite")) } else { Ok(sum.to_f64()) }
}

/// The keys of one value of the unit at hand.
#[derive(Clone, Debug, Default)]
struct Distinct {
    keys: Vec<u64>,
    wide: Vec<u128>,
    /// As many keys as there may be before those met twice are dropped.
    bound: usize,
}

impl Distinct {
    fn add(&mut self, key: u64) {
        // Rows of a unit often follow each other: the last key is met again more often than any other.
        if self.keys.last() == Some(&key) {
            return;
        }
        self.keys.push(key);
        if self.keys.len() > self.bound.max(GATHERED) {
            self.keys.sort_unstable();
            self.keys.dedup();
            self.bound = self.keys.len() * 2;
        }
    }

    fn add_wide(&mut self, key: u128) {
        self.wide.push(key);
        if self.wide.len() > self.bound.max(GATHERED) {
            self.wide.sort_unstable();
            self.wide.dedup();
            self.bound = self.wide.len() * 2;
        }
    }

    /// How many different keys there were; none are left.
    fn finish(&mut self) -> usize {
        self.keys.sort_unstable();
        self.keys.dedup();
        self.wide.sort_unstable();
        self.wide.dedup();
        let found = self.keys.len() + self.wide.len();
        self.keys.clear();
        self.wide.clear();
        self.bound = 0;
        found
    }
}
