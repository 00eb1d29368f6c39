//! Rows of events on their way to their units: looked up, marked, and written in the order of partitions.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::{Array, BooleanArray};
use arrow::buffer::{Buffer, MutableBuffer, NullBuffer, ScalarBuffer};

use super::Error;
use super::key::{Key, KeyColumn};
use super::program::{Marks, Program, Recipe, Recipes, Span, WORDS};
use super::room::Room;
use super::roster::{NEVER, REGION, Roster};

/// Rows that are worked on together: what is known of them stays in the nearest cache.
const CHUNK: usize = 1_024;
/// Recipes that a thread remembers, by their marks.
const REMEMBERED: usize = 512;
/// Bytes handed to a file at a time.
const WRITTEN: usize = 1 << 20;

/// Which rows a condition holds for. A missing truth is none.
#[derive(Clone, Copy, Debug)]
pub enum Condition<'a> {
    /// Row by row.
    Each(&'a BooleanArray),
    /// By the code of a dictionary.
    ByCode {
        /// The codes, each below the length of `truth` where it is valid.
        codes: &'a [i32],
        /// Which rows have a code; all when absent. A row without one does not fulfil the condition.
        valid: Option<&'a NullBuffer>,
        /// The codes for which it holds.
        truth: &'a [bool],
    },
}

/// The arguments of all rows, as words.
#[derive(Clone, Copy, Debug)]
pub struct Cells<'a> {
    /// The words: one per row, or two for arguments that are wide.
    pub words: &'a [u64],
    /// Which rows have one; all when absent.
    pub valid: Option<&'a NullBuffer>,
}

/// Rows of a source.
pub struct EventBatch<'a, C> {
    /// The ids.
    pub ids: C,
    /// The instants in ticks, and which rows have one; absent when the source has no times.
    pub at: Option<(&'a [i64], Option<&'a NullBuffer>)>,
    /// The conditions of the program.
    pub conditions: &'a [Condition<'a>],
    /// The arguments of the program.
    pub arguments: &'a [Cells<'a>],
}

/// The rows of one source that count for some unit, by partition.
pub struct Rows {
    recipes: Recipes,
    partitions: usize,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    blocks: Vec<Block>,
    runs: Vec<Run>,
    bytes: usize,
}

/// The rows of one batch, one partition after another.
struct Block {
    words: ScalarBuffer<u64>,
    starts: Vec<u32>,
}

impl Block {
    fn bytes(&self) -> usize {
        self.words.len() * size_of::<u64>() + self.starts.len() * size_of::<u32>()
    }

    fn part(&self, partition: usize) -> std::ops::Range<usize> {
        self.starts[partition] as usize..self.starts[partition + 1] as usize
    }
}

/// Blocks written out together, one partition after another.
struct Run {
    file: File,
    starts: Vec<u64>,
}

impl Rows {
    /// No rows yet.
    ///
    /// # Errors
    /// [`Error::Beyond`] when the program has more conditions than a row has marks.
    pub fn new<K: Key>(program: Program, roster: &Roster<K>) -> Result<Self, Error> {
        Ok(Self { recipes: Recipes::new(program)?, partitions: roster.partitions(), kept: Mutex::default() })
    }

    /// The program of the source.
    pub fn program(&self) -> &Program {
        &self.recipes.program
    }

    pub(super) fn recipes(&self) -> Vec<Arc<Recipe>> {
        self.recipes.all()
    }

    /// A hand for one thread.
    pub fn scatterer<'a, K: Key>(&'a self, roster: &'a Roster<K>, room: &'a dyn Room) -> Scatterer<'a, K> {
        Scatterer {
            rows: self,
            roster,
            room,
            keys: Vec::new(),
            found: Found::default(),
            remembered: vec![(Marks([u64::MAX; WORDS]), u32::MAX); REMEMBERED],
            recipes: Vec::new(),
        }
    }

    /// Bytes held in memory.
    pub fn bytes(&self) -> usize {
        held(&self.kept).bytes
    }

    /// Whether some rows were written out.
    pub fn is_spilled(&self) -> bool {
        !held(&self.kept).runs.is_empty()
    }

    /// Words of the rows of a partition.
    pub(super) fn words_of(&self, partition: usize) -> usize {
        let kept = held(&self.kept);
        let in_runs = |run: &Run| (run.starts[partition + 1] - run.starts[partition]) as usize;
        kept.blocks.iter().map(|block| block.part(partition).len()).sum::<usize>()
            + kept.runs.iter().map(in_runs).sum::<usize>()
    }

    /// Adds the rows of a partition to `words`.
    pub(super) fn collect(&self, partition: usize, words: &mut Vec<u64>) -> Result<(), Error> {
        let mut kept = held(&self.kept);
        let mut read = Vec::new();
        for run in &mut kept.runs {
            let (from, to) = (run.starts[partition], run.starts[partition + 1]);
            let mut bytes = MutableBuffer::from_len_zeroed((to - from) as usize * size_of::<u64>());
            run.file.seek(SeekFrom::Start(from * size_of::<u64>() as u64))?;
            run.file.read_exact(bytes.as_slice_mut())?;
            read.push(Buffer::from(bytes));
        }
        // Blocks are not changed any more; only their handles are taken under the lock.
        let blocks: Vec<(ScalarBuffer<u64>, std::ops::Range<usize>)> =
            kept.blocks.iter().map(|block| (block.words.clone(), block.part(partition))).collect();
        drop(kept);
        words.clear();
        read.iter().for_each(|buffer| words.extend_from_slice(buffer.typed_data::<u64>()));
        blocks.into_iter().for_each(|(block, part)| words.extend_from_slice(&block[part]));
        Ok(())
    }

    fn keep(&self, block: Block, room: &dyn Room) -> Result<(), Error> {
        let bytes = block.bytes();
        let granted = room.grow(bytes);
        let mut kept = held(&self.kept);
        kept.blocks.push(block);
        if granted {
            kept.bytes += bytes;
            return Ok(());
        }
        let blocks = std::mem::take(&mut kept.blocks);
        let run = written(&blocks, self.partitions, room.file()?)?;
        kept.runs.push(run);
        room.shrink(std::mem::take(&mut kept.bytes));
        Ok(())
    }

    /// Gives back the memory of all rows.
    pub fn clear(&self, room: &dyn Room) {
        let mut kept = held(&self.kept);
        kept.blocks.clear();
        kept.runs.clear();
        room.shrink(std::mem::take(&mut kept.bytes));
    }
}

/// Writes blocks one partition after another, so that reading one back is one stretch of the file.
fn written(blocks: &[Block], partitions: usize, file: File) -> io::Result<Run> {
    let mut writer = BufWriter::with_capacity(WRITTEN, file);
    let mut starts = Vec::with_capacity(partitions + 1);
    let mut at = 0;
    starts.push(0);
    for partition in 0..partitions {
        for block in blocks {
            let part = block.part(partition);
            at += part.len() as u64;
            let bytes = block.words.inner().as_slice();
            writer.write_all(&bytes[part.start * size_of::<u64>()..part.end * size_of::<u64>()])?;
        }
        starts.push(at);
    }
    let file = writer.into_inner().map_err(|error| error.into_error())?;
    Ok(Run { file, starts })
}

/// The rows of a batch that count: where they lie and what they are.
#[derive(Default)]
struct Found {
    slots: Vec<u32>,
    recipes: Vec<u32>,
    rows: Vec<u32>,
}

/// One thread's hand in scattering rows of a source.
pub struct Scatterer<'a, K> {
    rows: &'a Rows,
    roster: &'a Roster<K>,
    room: &'a dyn Room,
    keys: Vec<K>,
    found: Found,
    remembered: Vec<(Marks, u32)>,
    recipes: Vec<Arc<Recipe>>,
}

/// Conditions that look at the same codes, and whose marks lie in the same word: one look for all.
struct Table<'a> {
    codes: &'a [i32],
    valid: Option<&'a NullBuffer>,
    word: usize,
    marks: Vec<u64>,
}

impl<'a> Table<'a> {
    fn all(program: &Program, conditions: &[Condition<'a>]) -> Vec<Self> {
        let mut tables: Vec<Self> = Vec::new();
        for (number, condition) in conditions.iter().enumerate() {
            let Condition::ByCode { codes, valid, truth } = *condition else { continue };
            let bit = program.bit_of_condition(number);
            let word = bit / 64;
            let same = |table: &&mut Self| table.word == word && std::ptr::eq(table.codes, codes);
            let table = match tables.iter_mut().find(same) {
                Some(table) => table,
                None => {
                    tables.push(Self { codes, valid, word, marks: vec![0; truth.len()] });
                    let last = tables.len() - 1;
                    &mut tables[last]
                }
            };
            for (marks, truth) in table.marks.iter_mut().zip(truth) {
                *marks |= u64::from(*truth) << (bit % 64);
            }
        }
        tables
    }
}

/// What is known of the rows of a chunk.
struct Chunk<K> {
    keys: [K; CHUNK],
    slots: [u32; CHUNK],
    from: [i64; CHUNK],
    marks: [[u64; CHUNK]; WORDS],
    rows: [u32; CHUNK],
}

impl<K: Key> Scatterer<'_, K> {
    /// Adds rows.
    ///
    /// # Errors
    /// [`Error::Cancelled`], [`Error::Disk`], and [`Error::Beyond`] with too many kinds of rows.
    pub fn push<C: KeyColumn<Key = K>>(&mut self, batch: &EventBatch<'_, C>) -> Result<(), Error> {
        if self.room.cancelled() {
            return Err(Error::Cancelled);
        }
        let mut keys = std::mem::take(&mut self.keys);
        let present = batch.ids.read(&self.roster.seed, &mut keys);
        self.found.slots.clear();
        self.found.recipes.clear();
        self.found.rows.clear();
        let program = self.rows.program();
        let tables = Table::all(program, batch.conditions);
        let mut chunk = Box::new(Chunk {
            keys: [K::default(); CHUNK],
            slots: [0; CHUNK],
            from: [NEVER; CHUNK],
            marks: [[0; CHUNK]; WORDS],
            rows: [0; CHUNK],
        });
        for start in (0..keys.len()).step_by(CHUNK) {
            let end = keys.len().min(start + CHUNK);
            self.find(&keys[start..end], start, present.as_ref(), batch, &mut chunk);
            let left = self.mark_spans(start, end, batch, &mut chunk);
            self.mark_others(left, batch, &tables, &mut chunk);
            self.number(left, &chunk)?;
        }
        self.keys = keys;
        self.write(batch)
    }

    /// Looks up the units of a chunk: first where they should lie, for all rows, so that waits for memory overlap.
    fn find<C>(
        &self,
        keys: &[K],
        start: usize,
        present: Option<&NullBuffer>,
        batch: &EventBatch<'_, C>,
        chunk: &mut Chunk<K>,
    ) {
        let roster = self.roster;
        for (row, key) in keys.iter().enumerate() {
            let slot = roster.slot(key.hash(&roster.seed));
            chunk.slots[row] = slot as u32;
        }
        for row in 0..keys.len() {
            (chunk.keys[row], chunk.from[row]) = roster.peek(chunk.slots[row] as usize);
        }
        for (row, key) in keys.iter().enumerate() {
            if Roster::settled((chunk.keys[row], chunk.from[row]), *key) {
                continue;
            }
            match roster.find(chunk.slots[row] as usize, *key) {
                Some((slot, from)) => (chunk.slots[row], chunk.from[row]) = (slot as u32, from),
                None => chunk.from[row] = NEVER,
            }
        }
        let untimed = batch.at.and_then(|(_, valid)| valid);
        for valid in [present, untimed].into_iter().flatten() {
            for row in 0..keys.len() {
                if valid.is_null(start + row) {
                    chunk.from[row] = NEVER;
                }
            }
        }
    }

    /// Marks the spans in which rows lie and keeps those that lie in one. Gives how many.
    fn mark_spans<C>(&self, start: usize, end: usize, batch: &EventBatch<'_, C>, chunk: &mut Chunk<K>) -> usize {
        let program = self.rows.program();
        let height = end - start;
        let marks = &mut chunk.marks[0];
        // A row of a unit that counts has at least this mark until spans are looked at.
        let Some((at, _)) = batch.at else {
            let mut left = 0;
            for row in 0..height {
                if chunk.from[row] != NEVER {
                    (chunk.slots[left], chunk.rows[left]) = (chunk.slots[row], (start + row) as u32);
                    left += 1;
                }
            }
            chunk.marks.iter_mut().for_each(|marks| marks[..left].fill(0));
            return left;
        };
        let at = &at[start..end];
        let now = program.now.unwrap_or(NEVER);
        marks[..height].fill(0);
        for (number, span) in program.spans.iter().enumerate() {
            // Spans are numbered first; more than 64 of them are told apart below.
            let bit = program.bit_of_span(number);
            match span {
                Span::After { delay, length } => {
                    let width = length.map_or(u64::MAX, |length| length as u64);
                    for row in 0..height {
                        let since = at[row].wrapping_sub(chunk.from[row]).wrapping_sub(*delay);
                        // One comparison: what lies before is beyond any width as an unsigned number, or open to the end.
                        let inside = (since >= 0) & ((since as u64) < width);
                        marks[row] |= u64::from(inside) << bit;
                    }
                }
                Span::Before { lookback } if !self.roster.has_trigger() => {
                    for row in 0..height {
                        let before = chunk.from[row].wrapping_sub(at[row]);
                        marks[row] |= u64::from((before > 0) & (before <= *lookback)) << bit;
                    }
                }
                Span::Before { lookback } => {
                    for row in 0..height {
                        if chunk.from[row] != NEVER {
                            let exposed = self.roster.exposed(chunk.slots[row] as usize, chunk.from[row]);
                            let before = exposed.wrapping_sub(at[row]);
                            marks[row] |= u64::from((before > 0) & (before <= *lookback)) << bit;
                        }
                    }
                }
            }
        }
        let mut left = 0;
        for row in 0..height {
            let counts = (chunk.from[row] != NEVER) & (marks[row] != 0) & (at[row] < now);
            chunk.slots[left] = chunk.slots[row];
            marks[left] = marks[row];
            chunk.rows[left] = (start + row) as u32;
            left += usize::from(counts);
        }
        chunk.marks[1..].iter_mut().for_each(|marks| marks[..left].fill(0));
        left
    }

    /// Marks conditions that hold and arguments that are there.
    fn mark_others<C>(&self, left: usize, batch: &EventBatch<'_, C>, tables: &[Table<'_>], chunk: &mut Chunk<K>) {
        let program = self.rows.program();
        let rows = &chunk.rows[..left];
        for table in tables {
            let marks = &mut chunk.marks[table.word];
            match table.valid {
                None => {
                    for (marks, row) in marks.iter_mut().zip(rows) {
                        *marks |= table.marks[table.codes[*row as usize] as usize];
                    }
                }
                Some(valid) => {
                    for (marks, row) in marks.iter_mut().zip(rows) {
                        if valid.is_valid(*row as usize) {
                            *marks |= table.marks[table.codes[*row as usize] as usize];
                        }
                    }
                }
            }
        }
        for (number, condition) in batch.conditions.iter().enumerate() {
            let Condition::Each(truth) = condition else { continue };
            let bit = program.bit_of_condition(number);
            let marks = &mut chunk.marks[bit / 64];
            let (values, valid) = (truth.values(), truth.nulls());
            for (marks, row) in marks.iter_mut().zip(rows) {
                let row = *row as usize;
                let holds = values.value(row) && valid.is_none_or(|valid| valid.is_valid(row));
                *marks |= u64::from(holds) << (bit % 64);
            }
        }
        for (number, cells) in batch.arguments.iter().enumerate() {
            let bit = program.bit_of_argument(number);
            let marks = &mut chunk.marks[bit / 64];
            for (marks, row) in marks.iter_mut().zip(rows) {
                let there = cells.valid.is_none_or(|valid| valid.is_valid(*row as usize));
                *marks |= u64::from(there) << (bit % 64);
            }
        }
    }

    /// Finds the recipe of each row that is left, and keeps those for which there is something to do.
    fn number(&mut self, left: usize, chunk: &Chunk<K>) -> Result<(), Error> {
        for row in 0..left {
            let marks = Marks(std::array::from_fn(|word| chunk.marks[word][row]));
            let mixed = marks.0.iter().fold(0_u64, |all, word| (all ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15));
            let place = (mixed >> 55) as usize;
            if self.remembered[place].0 != marks || self.remembered[place].1 == u32::MAX {
                let number = self.rows.recipes.number(&marks)?;
                if number as usize >= self.recipes.len() {
                    self.recipes = self.rows.recipes.all();
                }
                self.remembered[place] = (marks, number);
            }
            let number = self.remembered[place].1;
            if !self.recipes[number as usize].counted.is_empty() {
                self.found.slots.push(chunk.slots[row]);
                self.found.recipes.push(number);
                self.found.rows.push(chunk.rows[row]);
            }
        }
        Ok(())
    }

    /// Writes the rows that were found, one partition after another.
    fn write<C>(&self, batch: &EventBatch<'_, C>) -> Result<(), Error> {
        let Found { slots, recipes, rows } = &self.found;
        if rows.is_empty() {
            return Ok(());
        }
        let width: Vec<u32> = self.recipes.iter().map(|recipe| recipe.words as u32).collect();
        let mut starts = vec![0_u32; self.rows.partitions + 1];
        for (slot, recipe) in slots.iter().zip(recipes) {
            starts[*slot as usize / REGION + 1] += width[*recipe as usize];
        }
        for partition in 0..self.rows.partitions {
            starts[partition + 1] += starts[partition];
        }
        let mut next = starts.clone();
        let mut words = vec![0_u64; starts[self.rows.partitions] as usize];
        for ((slot, number), row) in slots.iter().zip(recipes).zip(rows) {
            let recipe = &*self.recipes[*number as usize];
            let next = &mut next[*slot as usize / REGION];
            let row = *row as usize;
            let into = &mut words[*next as usize..][..recipe.words];
            *next += recipe.words as u32;
            into[0] = u64::from(*number) << 32 | (u64::from(*slot) & (REGION as u64 - 1));
            let mut at = 1;
            if recipe.instant {
                into[at] = batch.at.map_or(0, |(at, _)| at[row] as u64);
                at += 1;
            }
            for argument in &recipe.arguments {
                let cells = &batch.arguments[*argument as usize];
                match self.rows.program().arguments[*argument as usize].words() {
                    1 => into[at] = cells.words[row],
                    wide => into[at..at + wide].copy_from_slice(&cells.words[row * wide..(row + 1) * wide]),
                }
                at += self.rows.program().arguments[*argument as usize].words();
            }
        }
        self.rows.keep(Block { words: words.into(), starts }, self.room)
    }
}

fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}
