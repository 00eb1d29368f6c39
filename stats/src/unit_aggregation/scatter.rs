//! Rows of events on their way to their units: looked up, marked, and written in the order of partitions.

use std::sync::Arc;

use arrow::array::{Array, BooleanArray};
use arrow::buffer::NullBuffer;
use fearless_simd::{Level, Simd, dispatch};

use super::Error;
use super::entries::{FREE, NEAR, NEVER, NO_INSTANT};
use super::key::{Key, KeyColumn};
use super::lane::{Form, Forms};
use super::program::{MOST_HALVES, Marks, Program, Span, WORDS, lane_of_argument};
use super::room::Room;
use super::roster::{REGION, Roster};
use super::rows::{Hand, Head, Rows};

/// Rows that are worked on together: what is known of them stays in the nearest cache.
const CHUNK: usize = 256;
/// Recipes that a thread remembers, by their marks.
const REMEMBERED: usize = 512;
/// The number of no recipe.
const NO_RECIPE: u32 = u32::MAX;

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

impl Rows {
    /// A hand for one thread.
    pub fn scatterer<'a, K: Key>(&'a self, roster: &'a Roster<K>, room: &'a dyn Room) -> Scatterer<'a, K> {
        Scatterer {
            rows: self,
            hand: self.hand(),
            roster,
            room,
            level: Level::new(),
            keys: Vec::new(),
            chunk: Box::new(Chunk::new()),
            found: Found::default(),
            remembered: vec![(Marks::default(), NO_RECIPE); REMEMBERED],
            halves: Vec::new(),
            version: 0,
            layouts: Vec::new(),
            lanes: Vec::new(),
        }
    }
}

/// One thread's hand in scattering rows of a source.
pub struct Scatterer<'a, K> {
    rows: &'a Rows,
    hand: Arc<Hand>,
    roster: &'a Roster<K>,
    room: &'a dyn Room,
    level: Level,
    keys: Vec<K>,
    chunk: Box<Chunk>,
    found: Found,
    /// Recipes by their marks, for the forms of this version.
    remembered: Vec<(Marks, u32)>,
    version: u32,
    /// The arguments of the batch that travel as halves.
    halves: Vec<Vec<u32>>,
    /// By the number of a recipe.
    layouts: Vec<Layout>,
    /// Where the halves of rows come from, by the ranges of layouts: numbers among those of [`sources`].
    lanes: Vec<u16>,
}

/// How a row of one recipe is written.
#[derive(Clone, Copy, Debug)]
struct Layout {
    /// Halves of a row; 0 where there is nothing to do with it.
    halves: u32,
    /// Where its lanes begin.
    lanes: u32,
}

/// The rows of a batch that count: where they lie and what they are.
#[derive(Default)]
struct Found {
    count: usize,
    slots: Vec<u32>,
    recipes: Vec<u32>,
    rows: Vec<u32>,
    /// Halves by partition.
    halves: Vec<u32>,
}

/// What is known of the rows of a chunk.
struct Chunk {
    slots: [u32; CHUNK],
    from: [i64; CHUNK],
    marks: [[u64; CHUNK]; WORDS],
    rows: [u32; CHUNK],
    /// Rows of which the unit may lie in another bucket.
    others: [u32; CHUNK],
}

impl Chunk {
    fn new() -> Self {
        Self {
            slots: [0; CHUNK],
            from: [NEVER; CHUNK],
            marks: [[0; CHUNK]; WORDS],
            rows: [0; CHUNK],
            others: [0; CHUNK],
        }
    }
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

/// Some halves: that of row `r` is `halves[r * stride + first]`.
#[derive(Clone, Copy)]
struct Source<'a> {
    halves: &'a [u32],
    stride: usize,
    first: usize,
}

impl<'a> Source<'a> {
    /// Each half of so many words per row.
    fn of_words(words: &'a [u64], per_row: usize) -> impl Iterator<Item = Self> {
        let stride = 2 * per_row;
        (0..stride).map(move |first| Source { halves: bytemuck::cast_slice(words), stride, first })
    }
}

/// All halves that rows can be made of: those of the instant, then those of each argument.
fn sources<'a, C>(batch: &EventBatch<'a, C>, forms: &Forms, halves: &'a [Vec<u32>]) -> Vec<Source<'a>> {
    let instants = batch.at.map_or(&[][..], |(at, _)| bytemuck::cast_slice(at));
    let nothing = Source { halves: &[], stride: 0, first: 0 };
    let mut sources = vec![nothing; lane_of_argument(forms.forms.len())];
    let mut put = |first: usize, some: &mut dyn Iterator<Item = Source<'a>>| {
        sources[first..].iter_mut().zip(some).for_each(|(place, source)| *place = source);
    };
    put(0, &mut Source::of_words(instants, 1));
    for (number, ((form, cells), halves)) in forms.forms.iter().zip(batch.arguments).zip(halves).enumerate() {
        let first = lane_of_argument(number);
        match form {
            Form::Whole(words) => put(first, &mut Source::of_words(cells.words, usize::from(*words)).take(MOST_HALVES)),
            Form::Steps { .. } | Form::Single => {
                put(first, &mut std::iter::once(Source { halves, stride: 1, first: 0 }))
            }
        }
    }
    sources
}

impl<K: Key> Scatterer<'_, K> {
    /// Adds rows.
    ///
    /// # Errors
    /// [`Error::Cancelled`], [`Error::Disk`], [`Error::Beyond`] with too many kinds of rows, and [`Error::Refused`] for a row at the
    /// first or the last instant that 64 bits hold.
    pub fn push<C: KeyColumn<Key = K>>(&mut self, batch: &EventBatch<'_, C>) -> Result<(), Error> {
        if self.room.cancelled() {
            return Err(Error::Cancelled);
        }
        let mut keys = std::mem::take(&mut self.keys);
        let present = batch.ids.read(&self.roster.seed, &mut keys);
        // Places in a block are numbers of 32 bits.
        let limit = u32::MAX as usize / (1 + lane_of_argument(batch.arguments.len()));
        if keys.len() > limit {
            return Err(Error::Beyond { what: "rows of one batch", limit });
        }
        self.found.begin(keys.len(), self.rows.partitions);
        let program = self.rows.program();
        let forms = self.rows.recipes.lanes.halve(batch.arguments, &mut self.halves);
        if forms.version != self.version {
            self.remembered.fill((Marks::default(), NO_RECIPE));
            self.version = forms.version;
        }
        let tables = Table::all(program, batch.conditions);
        for start in (0..keys.len()).step_by(CHUNK) {
            let end = keys.len().min(start + CHUNK);
            self.find(&keys[start..end], start, present.as_ref(), batch);
            let left = self.mark_spans(start, end, batch)?;
            self.mark_others(left, batch, &tables);
            match program.words_of_marks() {
                0 | 1 => self.number::<1>(left, &forms),
                2 => self.number::<2>(left, &forms),
                _ => self.number::<WORDS>(left, &forms),
            }?;
        }
        self.keys = keys;
        self.write(batch, &forms)
    }

    /// Looks up the units of a chunk: first where they should lie, for all rows, so that waits for memory overlap.
    fn find<C>(&mut self, keys: &[K], start: usize, present: Option<&NullBuffer>, batch: &EventBatch<'_, C>) {
        let (roster, chunk) = (self.roster, &mut *self.chunk);
        for (slot, key) in chunk.slots.iter_mut().zip(keys) {
            *slot = roster.slot(key.hash(&roster.seed)) as u32;
        }
        let entries = roster.entries();
        for (from, slot) in chunk.from.iter_mut().zip(&chunk.slots[..keys.len()]) {
            *from = entries.get(*slot as usize).1;
        }
        // Most rows are settled in the bucket that was touched; the others go on later, together.
        let mut others = 0;
        for (row, key) in keys.iter().enumerate() {
            let look = entries.look(chunk.slots[row] as usize, *key);
            chunk.slots[row] = look.slot as u32;
            chunk.from[row] = look.from;
            chunk.others[others] = row as u32;
            others += usize::from(look.goes_on);
        }
        for row in &chunk.others[..others] {
            let row = *row as usize;
            let start = chunk.slots[row] as usize;
            match Roster::find(&entries, start, keys[row]) {
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
    fn mark_spans<C>(&mut self, start: usize, end: usize, batch: &EventBatch<'_, C>) -> Result<usize, Error> {
        let program = self.rows.program();
        let (roster, chunk) = (self.roster, &mut *self.chunk);
        let height = end - start;
        let words = program.words_of_marks();
        // A row of a unit that counts has at least this mark until spans are looked at.
        let Some((at, _)) = batch.at else {
            let mut left = 0;
            for row in 0..height {
                chunk.slots[left] = chunk.slots[row];
                chunk.rows[left] = (start + row) as u32;
                left += usize::from(chunk.from[row] != NEVER);
            }
            chunk.marks[..words].iter_mut().for_each(|marks| marks[..left].fill(0));
            return Ok(left);
        };
        let at = &at[start..end];
        let now = program.now.unwrap_or(NEVER);
        let [marks, others @ ..] = &mut chunk.marks;
        let (marks, from) = (&mut marks[..height], &chunk.from[..height]);
        marks.fill(0);
        let is_near = roster.is_near && at.iter().fold(true, |near, at| near & NEAR.contains(at));
        for (number, span) in program.spans.iter().enumerate() {
            let bit = program.bit_of_span(number);
            match *span {
                span if !(is_near && span.is_near()) => {
                    for row in 0..height {
                        if from[row] != NEVER {
                            let exposed = roster.exposed(chunk.slots[row] as usize, from[row]);
                            marks[row] |= u64::from(span.contains(at[row], from[row], exposed)) << bit;
                        }
                    }
                }
                Span::After { delay, length } => {
                    let width = length.map_or(u64::MAX, |length| length as u64);
                    dispatch!(self.level, simd => mark_after(simd, marks, at, from, delay, width, bit));
                }
                Span::Before { lookback } if !roster.has_trigger() => {
                    dispatch!(self.level, simd => mark_before(simd, marks, at, from, lookback, bit));
                }
                Span::Before { lookback } => {
                    for row in 0..height {
                        if from[row] != NEVER {
                            let exposed = roster.exposed(chunk.slots[row] as usize, from[row]);
                            let before = exposed.wrapping_sub(at[row]);
                            marks[row] |= u64::from((before > 0) & (before <= lookback)) << bit;
                        }
                    }
                }
            }
        }
        let is_end = |(at, from): (&i64, &i64)| (*at == FREE || *at == NEVER) && *from != NEVER;
        if !is_near && at.iter().zip(from).any(is_end) {
            return Err(Error::Refused(NO_INSTANT));
        }
        let mut left = 0;
        for row in 0..height {
            let counts = (from[row] != NEVER) & (marks[row] != 0) & (at[row] < now);
            chunk.slots[left] = chunk.slots[row];
            marks[left] = marks[row];
            chunk.rows[left] = (start + row) as u32;
            left += usize::from(counts);
        }
        others[..words.saturating_sub(1)].iter_mut().for_each(|marks| marks[..left].fill(0));
        Ok(left)
    }

    /// Marks conditions that hold and arguments that are there.
    fn mark_others<C>(&mut self, left: usize, batch: &EventBatch<'_, C>, tables: &[Table<'_>]) {
        let program = self.rows.program();
        let chunk = &mut *self.chunk;
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
            match cells.valid {
                None => marks[..left].iter_mut().for_each(|marks| *marks |= 1 << (bit % 64)),
                Some(valid) => {
                    for (marks, row) in marks.iter_mut().zip(rows) {
                        *marks |= u64::from(valid.is_valid(*row as usize)) << (bit % 64);
                    }
                }
            }
        }
    }

    /// Finds the recipe of each row that is left, and keeps those for which there is something to do.
    fn number<const W: usize>(&mut self, left: usize, forms: &Forms) -> Result<(), Error> {
        let Self { chunk, found, .. } = self;
        let mut count = found.count;
        let (slots, recipes, rows) = (&mut found.slots[..], &mut found.recipes[..], &mut found.rows[..]);
        for row in 0..left {
            let marks: [u64; W] = std::array::from_fn(|word| chunk.marks[word][row]);
            let mixed = marks.iter().fold(0_u64, |all, word| (all ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15));
            let place = (mixed >> 55) as usize % REMEMBERED;
            let (known, number) = &self.remembered[place];
            let number = match known.0[..W] == marks && *number != NO_RECIPE {
                true => *number,
                false => {
                    let mut all = Marks::default();
                    all.0[..W].copy_from_slice(&marks);
                    let number = self.rows.recipes.number(&all, forms)?;
                    learn(self.rows, number, &mut self.layouts, &mut self.lanes);
                    self.remembered[place] = (all, number);
                    number
                }
            };
            let halves = self.layouts[number as usize].halves;
            let slot = chunk.slots[row];
            (slots[count], recipes[count], rows[count]) = (slot, number, chunk.rows[row]);
            found.halves[slot as usize / REGION] += halves;
            count += usize::from(halves > 0);
        }
        found.count = count;
        Ok(())
    }

    /// Writes the rows that were found, one partition after another.
    fn write<C>(&mut self, batch: &EventBatch<'_, C>, forms: &Forms) -> Result<(), Error> {
        let Found { count, slots, recipes, rows, halves: next } = &mut self.found;
        if *count == 0 {
            return Ok(());
        }
        let mut starts = Vec::with_capacity(next.len() + 1);
        let mut all = 0;
        for next in next.iter_mut() {
            starts.push(all);
            all += std::mem::replace(next, all);
        }
        starts.push(all);
        let sources = sources(batch, forms, &self.halves);
        let found = slots[..*count].iter().zip(&recipes[..*count]).zip(&rows[..*count]);
        self.hand.keep(starts, self.room, |halves| {
            for ((slot, number), row) in found {
                let layout = self.layouts[*number as usize];
                let next = &mut next[*slot as usize / REGION];
                let into = &mut halves[*next as usize..][..layout.halves as usize];
                *next += layout.halves;
                let [head, others @ ..] = into else { continue };
                *head = Head::new(*number, layout.halves, *slot).0;
                let lanes = &self.lanes[layout.lanes as usize..][..others.len()];
                for (into, lane) in others.iter_mut().zip(lanes) {
                    let source = &sources[usize::from(*lane)];
                    *into = source.halves[*row as usize * source.stride + source.first];
                }
            }
        })
    }
}

impl Found {
    fn begin(&mut self, rows: usize, partitions: usize) {
        self.count = 0;
        // One more than there are: what does not count is written there too, and overwritten.
        for list in [&mut self.slots, &mut self.recipes, &mut self.rows] {
            if list.len() <= rows {
                list.resize(rows + 1, 0);
            }
        }
        self.halves.clear();
        self.halves.resize(partitions, 0);
    }
}

/// Learns how rows of a recipe are written, and of all before it.
fn learn(rows: &Rows, number: u32, layouts: &mut Vec<Layout>, lanes: &mut Vec<u16>) {
    if (number as usize) < layouts.len() {
        return;
    }
    let recipes = rows.recipes();
    for recipe in &recipes[layouts.len()..] {
        let halves = if recipe.steps.is_empty() { 0 } else { recipe.halves as u32 };
        layouts.push(Layout { halves, lanes: lanes.len() as u32 });
        lanes.extend(&recipe.lanes);
    }
}

/// Marks the rows that lie in `[from + delay, from + delay + width)`.
#[inline(always)]
fn mark_after<S: Simd>(simd: S, marks: &mut [u64], at: &[i64], from: &[i64], delay: i64, width: u64, bit: usize) {
    simd.vectorize(
        #[inline(always)]
        || {
            for ((marks, at), from) in marks.iter_mut().zip(at).zip(from) {
                let since = at.wrapping_sub(*from).wrapping_sub(delay);
                // What lies before is beyond any width as an unsigned number, except that of no end.
                let inside = (since >= 0) & ((since as u64) < width);
                *marks |= u64::from(inside) << bit;
            }
        },
    );
}

/// Marks the rows that lie in `[from − lookback, from)`.
#[inline(always)]
fn mark_before<S: Simd>(simd: S, marks: &mut [u64], at: &[i64], from: &[i64], lookback: i64, bit: usize) {
    simd.vectorize(
        #[inline(always)]
        || {
            for ((marks, at), from) in marks.iter_mut().zip(at).zip(from) {
                let before = from.wrapping_sub(*at);
                *marks |= u64::from((before > 0) & (before <= lookback)) << bit;
            }
        },
    );
}
