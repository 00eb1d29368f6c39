//! Rows of events that count, by partition: in memory, or written out where memory ends.
//!
//! A row is its head and what travels with it, in halves of a word. The head holds the number of its recipe, the slot of its unit
//! within the partition, and how many halves it has, where those are few.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::sync::{Arc, Mutex};

use super::key::Key;
use super::pages::Words;
use super::program::{MOST_KINDS, Program, Recipe, Recipes};
use super::room::Room;
use super::roster::{REGION, Roster};
use super::{Error, held};

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
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    blocks: Vec<Arc<Block>>,
    runs: Vec<Run>,
    bytes: usize,
}

/// The rows of one batch, one partition after another.
pub(super) struct Block {
    pub(super) words: Words,
    /// Where each partition begins, in halves.
    pub(super) starts: Vec<u32>,
}

impl Block {
    fn bytes(&self) -> usize {
        self.words.len() * size_of::<u64>() + self.starts.len() * size_of::<u32>()
    }

    fn part(&self, partition: usize) -> &[u32] {
        let halves: &[u32] = bytemuck::cast_slice(&self.words);
        &halves[self.starts[partition] as usize..self.starts[partition + 1] as usize]
    }
}

/// Blocks written out together, one partition after another.
struct Run {
    file: File,
    /// Where each partition begins, in halves.
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

    /// Bytes held in memory.
    pub fn bytes(&self) -> usize {
        held(&self.kept).bytes
    }

    /// Whether some rows were written out.
    pub fn is_spilled(&self) -> bool {
        !held(&self.kept).runs.is_empty()
    }

    /// Bytes of the rows of a partition.
    pub(super) fn bytes_of(&self, partition: usize) -> usize {
        let kept = held(&self.kept);
        let in_runs = |run: &Run| (run.starts[partition + 1] - run.starts[partition]) as usize;
        let in_memory = kept.blocks.iter().map(|block| block.part(partition).len()).sum::<usize>();
        (in_memory + kept.runs.iter().map(in_runs).sum::<usize>()) * size_of::<u32>()
    }

    /// Gives the rows of a partition, in parts of whole rows.
    pub(super) fn each_part(&self, partition: usize, take: &mut dyn FnMut(&[u32])) -> Result<(), Error> {
        let mut kept = held(&self.kept);
        let mut read = Vec::new();
        for run in &mut kept.runs {
            let (from, to) = (run.starts[partition], run.starts[partition + 1]);
            let mut halves = vec![0_u32; (to - from) as usize];
            run.file.seek(SeekFrom::Start(from * size_of::<u32>() as u64))?;
            run.file.read_exact(bytemuck::cast_slice_mut(&mut halves))?;
            read.push(halves);
        }
        // Blocks are not changed any more; only their handles are taken under the lock.
        let blocks = kept.blocks.clone();
        drop(kept);
        read.iter().for_each(|halves| take(halves));
        blocks.iter().for_each(|block| take(block.part(partition)));
        Ok(())
    }

    pub(super) fn keep(&self, block: Block, room: &dyn Room) -> Result<(), Error> {
        let bytes = block.bytes();
        let granted = room.grow(bytes);
        let mut kept = held(&self.kept);
        kept.blocks.push(Arc::new(block));
        if granted {
            kept.bytes += bytes;
            return Ok(());
        }
        self.write_out(&mut kept, room)
    }

    /// Writes out what is in memory, so that its bytes can be granted for other things.
    pub(super) fn give_way(&self, room: &dyn Room) -> Result<(), Error> {
        let mut kept = held(&self.kept);
        if kept.blocks.is_empty() { Ok(()) } else { self.write_out(&mut kept, room) }
    }

    fn write_out(&self, kept: &mut Kept, room: &dyn Room) -> Result<(), Error> {
        let blocks = std::mem::take(&mut kept.blocks);
        let run = written(&blocks, self.partitions, room.file()?)?;
        kept.runs.push(run);
        room.shrink(std::mem::take(&mut kept.bytes));
        Ok(())
    }
}

/// Writes blocks one partition after another, so that reading one back is one stretch of the file.
fn written(blocks: &[Arc<Block>], partitions: usize, file: File) -> io::Result<Run> {
    let mut writer = BufWriter::with_capacity(WRITTEN, file);
    let mut starts = Vec::with_capacity(partitions + 1);
    let mut at = 0;
    starts.push(0);
    for partition in 0..partitions {
        for block in blocks {
            let part = block.part(partition);
            at += part.len() as u64;
            writer.write_all(bytemuck::cast_slice(part))?;
        }
        starts.push(at);
    }
    let file = writer.into_inner().map_err(|error| error.into_error())?;
    Ok(Run { file, starts })
}
