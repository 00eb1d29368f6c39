//! Rows of events that count, by partition: in memory, or written out where memory ends.
//!
//! A row is its head and what travels with it, in halves of a word. The head holds the number of its recipe, the slot of its unit
//! within the partition, and how many halves it has, where those are few.
//!
//! Each thread that scatters has a hand of its own: it fills large blocks, and writes its own to a file of its own when no more
//! memory is granted, while the others go on. What is written at a time lies there one partition after another, and a partition is
//! read back in as many stretches as there were such times.
//!
//! Reading the source once for each range of partitions, with only the rows of that range in memory, would write nothing. It is not
//! done: a row costs about as much to decode, to look up and to mark as to write and to read back, and every pass but the
//! first would do that again for all rows, those that count for nobody among them, while only the rows that count are written.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::sync::Arc;

use super::Error;
use super::key::Key;
use super::pages::Words;
use super::program::{MOST_KINDS, Program, Recipe, Recipes};
use super::room::Room;
use super::roster::{REGION, Roster};
use parking_lot::Mutex;

/// Bytes handed to a file at a time.
const WRITTEN: usize = 1 << 20;

/// The head of a row: the number of its recipe, its halves, and the slot of its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head(pub(super) u32);

/// Bits of a slot within its partition.
const SLOT_BITS: u32 = REGION.ilog2();
/// Bits of the halves of a row.
const HALVES_BITS: u32 = 3;
const _: () = assert!(MOST_KINDS.ilog2() + HALVES_BITS + SLOT_BITS == u32::BITS, "a head is full");

impl Head {
    #[inline]
    pub(super) fn new(recipe: u32, halves: u32, slot: u32) -> Self {
        let few = if halves < 1 << HALVES_BITS { halves } else { 0 };
        Self(recipe << (HALVES_BITS + SLOT_BITS) | few << SLOT_BITS | (slot & (REGION as u32 - 1)))
    }

    #[inline]
    pub(super) fn recipe(self) -> usize {
        (self.0 >> (HALVES_BITS + SLOT_BITS)) as usize
    }

    /// Halves of the row, the head among them; absent when they are many, and the recipe tells.
    #[inline]
    pub(super) fn halves(self) -> Option<usize> {
        let few = (self.0 >> SLOT_BITS) as usize & ((1 << HALVES_BITS) - 1);
        (few > 0).then_some(few)
    }

    /// The slot within the partition.
    #[inline]
    pub(super) fn slot(self) -> usize {
        self.0 as usize & (REGION - 1)
    }
}

/// The rows of one source that count for some unit, by partition.
pub struct Rows {
    pub(super) recipes: Recipes,
    pub(super) partitions: usize,
    hands: Mutex<Vec<Arc<Hand>>>,
}

/// The rows that one thread has kept.
pub(super) struct Hand {
    partitions: usize,
    kept: Mutex<Kept>,
    /// Where rows are written out, once some are: nobody waits for this to read what is in memory.
    file: Mutex<Option<File>>,
}

#[derive(Default)]
struct Kept {
    /// The block that is filled.
    open: Option<Block>,
    blocks: Vec<Arc<Block>>,
    runs: Vec<Arc<Run>>,
    /// Bytes that were granted.
    granted: usize,
}

/// Bytes of a block of many batches: large pages are full then.
const BLOCK: usize = 16 << 20;
/// Bytes of a batch from which it is worth such a block.
const LARGE: usize = 512 << 10;

/// The rows of some batches.
struct Block {
    words: Words,
    /// Halves that are taken.
    taken: usize,
    batches: Vec<Batch>,
}

/// The rows of one batch, one partition after another.
struct Batch {
    /// Where it begins in its block, in halves.
    first: usize,
    /// Where each partition begins, in halves from there.
    starts: Vec<u32>,
}

impl Block {
    fn new(bytes: usize) -> Self {
        Self { words: Words::zeroed(bytes.div_ceil(size_of::<u64>())), taken: 0, batches: Vec::new() }
    }

    fn has_room(&self, halves: usize) -> bool {
        self.words.len() * 2 - self.taken >= halves
    }

    /// The rows of a partition, batch by batch.
    fn parts(&self, partition: usize) -> impl Iterator<Item = &[u32]> {
        let halves: &[u32] = bytemuck::cast_slice(&self.words);
        self.batches.iter().map(move |batch| {
            &halves[batch.first..][batch.starts[partition] as usize..batch.starts[partition + 1] as usize]
        })
    }

    /// Bytes of its rows.
    fn bytes(&self) -> usize {
        self.taken * size_of::<u32>()
    }
}

/// Blocks written out together, one partition after another.
struct Run {
    /// Where it begins in its file, in bytes.
    first: u64,
    /// Where each partition begins, in halves from there.
    starts: Vec<u64>,
}

impl Run {
    fn halves(&self, partition: usize) -> usize {
        (self.starts[partition + 1] - self.starts[partition]) as usize
    }

    fn read(&self, partition: usize, file: &mut File, halves: &mut [u32]) -> io::Result<()> {
        file.seek(SeekFrom::Start(self.first + self.starts[partition] * size_of::<u32>() as u64))?;
        file.read_exact(bytemuck::cast_slice_mut(halves))
    }
}

impl Rows {
    /// No rows yet.
    ///
    /// # Errors
    /// [`Error::Beyond`] when the program has more conditions than a row has marks.
    pub fn new<K: Key>(program: Program, roster: &Roster<K>) -> Result<Self, Error> {
        Ok(Self { recipes: Recipes::new(program)?, partitions: roster.partitions(), hands: Mutex::default() })
    }

    /// The program of the source.
    pub fn program(&self) -> &Program {
        &self.recipes.program
    }

    pub(super) fn recipes(&self) -> Vec<Arc<Recipe>> {
        self.recipes.all()
    }

    /// A hand for one thread.
    pub(super) fn hand(&self) -> Arc<Hand> {
        let hand = Hand { partitions: self.partitions, kept: Mutex::default(), file: Mutex::default() };
        let hand = Arc::new(hand);
        self.hands.lock().push(Arc::clone(&hand));
        hand
    }

    pub(super) fn hands(&self) -> Vec<Arc<Hand>> {
        self.hands.lock().clone()
    }

    /// Bytes of rows in memory.
    pub fn bytes(&self) -> usize {
        self.hands().iter().flat_map(|hand| hand.now().0).map(|block| block.bytes()).sum()
    }

    /// Whether some rows were written out.
    pub fn is_spilled(&self) -> bool {
        self.hands().iter().any(|hand| !hand.kept.lock().runs.is_empty())
    }

    /// Bytes of the rows of a partition.
    pub(super) fn bytes_of(&self, partition: usize) -> usize {
        let in_hand = |hand: Arc<Hand>| {
            let (blocks, runs) = hand.now();
            let in_memory = blocks.iter().flat_map(|block| block.parts(partition)).map(<[u32]>::len).sum::<usize>();
            in_memory + runs.iter().map(|run| run.halves(partition)).sum::<usize>()
        };
        self.hands().into_iter().map(in_hand).sum::<usize>() * size_of::<u32>()
    }

    /// Gives the rows of a partition, in parts of whole rows; `read` is memory for those that were written out.
    pub(super) fn each_part(
        &self,
        partition: usize,
        read: &mut Vec<u32>,
        mut take: impl FnMut(&[u32]),
    ) -> Result<(), Error> {
        for hand in self.hands() {
            let (blocks, runs) = hand.now();
            hand.read(&runs, partition, read)?;
            take(read);
            blocks.iter().flat_map(|block| block.parts(partition)).for_each(&mut take);
        }
        Ok(())
    }
}

impl Hand {
    /// What there is now, in memory and in files; neither is changed any more.
    fn now(&self) -> (Vec<Arc<Block>>, Vec<Arc<Run>>) {
        let mut kept = self.kept.lock();
        kept.close();
        (kept.blocks.clone(), kept.runs.clone())
    }

    /// Keeps the rows of a batch, which begin at `starts` by partition; `fill` writes them into as many halves.
    pub(super) fn keep(&self, starts: Vec<u32>, room: &dyn Room, fill: impl FnOnce(&mut [u32])) -> Result<(), Error> {
        let halves = starts.last().copied().unwrap_or(0) as usize;
        let granted = self.make_room(halves, size_of_val(&starts[..]), room)?;
        let mut kept = self.kept.lock();
        let exact = || Block::new(halves * size_of::<u32>());
        let block = kept.open.get_or_insert_with(exact);
        let first = block.taken;
        block.taken += halves;
        block.batches.push(Batch { first, starts });
        let into: &mut [u32] = bytemuck::cast_slice_mut(&mut block.words);
        fill(&mut into[first..first + halves]);
        drop(kept);
        if granted { Ok(()) } else { self.write_out(room) }
    }

    /// Opens a block with room for so many halves, if memory for it and for so many other bytes is granted.
    fn make_room(&self, halves: usize, others: usize, room: &dyn Room) -> Result<bool, Error> {
        let bytes = halves * size_of::<u32>();
        let mut kept = self.kept.lock();
        if kept.open.as_ref().is_some_and(|block| block.has_room(halves)) {
            if room.grow(others) {
                kept.granted += others;
                return Ok(true);
            }
        } else {
            kept.close();
            let large = if bytes < LARGE { bytes } else { BLOCK.max(bytes) };
            if room.grow(large + others) {
                kept.granted += large + others;
                kept.open = Some(Block::new(large));
                return Ok(true);
            }
        }
        drop(kept);
        self.write_out(room)?;
        let granted = room.grow(bytes + others);
        self.kept.lock().granted += if granted { bytes + others } else { 0 };
        Ok(granted)
    }

    /// Writes out what is in memory, so that its bytes can be granted for other things.
    pub(super) fn write_out(&self, room: &dyn Room) -> Result<(), Error> {
        let mut file = self.file.lock();
        let (blocks, _) = self.now();
        if blocks.is_empty() {
            return Ok(());
        }
        let file = match &mut *file {
            Some(file) => file,
            none => none.insert(room.file()?),
        };
        let run = written(&blocks, self.partitions, file, room)?;
        let mut kept = self.kept.lock();
        kept.blocks.drain(..blocks.len());
        kept.runs.push(Arc::new(run));
        let granted = std::mem::take(&mut kept.granted);
        drop((kept, blocks));
        room.shrink(granted);
        Ok(())
    }

    /// Reads the rows of a partition from all runs.
    fn read(&self, runs: &[Arc<Run>], partition: usize, halves: &mut Vec<u32>) -> io::Result<()> {
        halves.resize(runs.iter().map(|run| run.halves(partition)).sum(), 0);
        let mut rest = &mut halves[..];
        if let Some(file) = self.file.lock().as_mut() {
            for run in runs {
                let (own, others) = rest.split_at_mut(run.halves(partition));
                run.read(partition, file, own)?;
                rest = others;
            }
        }
        Ok(())
    }
}

impl Kept {
    fn close(&mut self) {
        self.blocks.extend(self.open.take().map(Arc::new));
    }
}

/// Writes blocks to the end of a file, one partition after another, so that reading one back is one stretch of it.
fn written(blocks: &[Arc<Block>], partitions: usize, file: &mut File, room: &dyn Room) -> Result<Run, Error> {
    let first = file.seek(SeekFrom::End(0))?;
    let mut writer = BufWriter::with_capacity(WRITTEN, file);
    let mut starts = Vec::with_capacity(partitions + 1);
    let mut at = 0;
    starts.push(0);
    for partition in 0..partitions {
        if room.cancelled() {
            return Err(Error::Cancelled);
        }
        for part in blocks.iter().flat_map(|block| block.parts(partition)) {
            at += part.len() as u64;
            writer.write_all(bytemuck::cast_slice(part))?;
        }
        starts.push(at);
    }
    writer.flush()?;
    Ok(Run { first, starts })
}
