//! Enrolment: from rows of assignments to one entry per unit.

use std::cmp::Ordering;

use arrow::buffer::NullBuffer;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use parking_lot::Mutex;

use super::Error;
use super::entries::{Entries, FREE, NEVER, NO_INSTANT, Part as Slots};
use super::key::{Key, KeyColumn, Seed};
use super::room::Room;
use super::roster::{NO_ARM, NONE, REGION, Roster, State, first_slot};
use crate::threads::on_threads;

/// Parts of the table while units are enrolled.
pub(super) const PARTS: usize = 64;
/// Units of a partition on average; the rest stays free, so that few rows meet a foreign entry.
const FILLED: usize = 4_700;
/// Assignments that wait for their part to be free.
const WAITING: usize = 1_024;
/// How many times over a part of the table is made ready for units that are to come.
const MOST_GROWTH: usize = 64;
/// Arms that are told apart.
const MOST_ARMS: usize = 64;
/// Partitions that the numbers of slots can tell apart.
const MOST_PARTITIONS: usize = u32::MAX as usize / REGION;

/// What decides whether a unit counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Declared arms. Of two at the same instant, the lower number is the first.
    pub arms: usize,
    /// Whether assignments have times.
    pub timed: bool,
    /// The first instant of enrolment, in ticks.
    pub start: Option<i64>,
    /// The first instant after enrolment, in ticks.
    pub end: Option<i64>,
    /// Columns by which effects are cut that come with the assignments.
    pub dimensions: usize,
    /// How many rows there are at most, where that is known: tables that need not grow are filled faster.
    pub rows: Option<u64>,
}

/// Assignments that count for the experiment.
pub struct AssignmentBatch<'a, C> {
    /// The ids.
    pub ids: C,
    /// The instants in ticks, and which rows have one; absent when assignments have no times.
    pub at: Option<(&'a [i64], Option<&'a NullBuffer>)>,
    /// The number of the arm, all below [`Terms::arms`].
    pub arms: &'a [u32],
    /// The code of each dimension, [`u32::MAX`] where there is no value.
    pub dimensions: &'a [Vec<u32>],
    /// Which rows count; all when absent.
    pub kept: Option<&'a [bool]>,
}

/// What is known of the rows of a unit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Met {
    pub(super) first: i64,
    /// How many, or as many as fit.
    rows: u32,
    /// The least of the arms at the first instant.
    pub(super) arm: u8,
    /// The arm of all rows that have a time; none before the first of them, [`TWO`] where they differ.
    only: u8,
}

/// More arms than one.
const TWO: u8 = NO_ARM - 1;

impl Met {
    pub(super) const NEVER: Self = Self { first: NEVER, rows: 0, arm: NO_ARM, only: NO_ARM };

    #[inline]
    fn add(&mut self, at: i64, arm: u8) {
        self.rows = self.rows.saturating_add(1);
        if at == NEVER {
            return;
        }
        self.arm = match at.cmp(&self.first) {
            Ordering::Less => arm,
            Ordering::Equal => self.arm.min(arm),
            Ordering::Greater => self.arm,
        };
        self.first = self.first.min(at);
        self.only = if self.only == NO_ARM || self.only == arm { arm } else { TWO };
    }

    fn state(&self, terms: &Terms) -> State {
        match () {
            () if self.first == NEVER => State::NoTime,
            () if terms.start.is_some_and(|start| self.first < start) => State::BeforeStart,
            () if terms.end.is_some_and(|end| self.first >= end) => State::AfterEnd,
            () if self.only == TWO => State::TwoArms,
            () => State::Counted,
        }
    }
}

/// A unit on its way into the table.
struct Enrolled<K> {
    key: K,
    met: Met,
    /// Its place among the dimensions.
    place: u32,
}

const _: () = assert!(size_of::<Enrolled<i64>>() == 32, "two units to a line of the cache");

struct Part<K> {
    units: HashTable<Enrolled<K>>,
    /// Per dimension and unit: the instant of the code, and the code.
    dimensions: Vec<Vec<(i64, u32)>>,
    /// Rows that were settled.
    rows: u64,
    /// Bytes that were granted.
    bytes: usize,
}

impl<K> Part<K> {
    /// How many units there will be, if units go on to come as they did, of so many rows in all.
    fn expected(&self, rows: u64) -> usize {
        let units = u128::from(rows) * self.units.len() as u128 / u128::from(self.rows.max(1));
        // How many rows there are is what a file says of itself.
        usize::try_from(units).unwrap_or(usize::MAX).min(MOST_GROWTH * self.units.len())
    }

    fn heap_bytes(&self) -> usize {
        let codes = self.dimensions.iter().map(|codes| codes.capacity() * size_of::<(i64, u32)>());
        self.units.allocation_size() + codes.sum::<usize>()
    }
}

/// The units of an experiment while assignments arrive, from as many threads as there are.
pub struct Enrolling<K> {
    terms: Terms,
    seed: Seed,
    parts: Vec<Mutex<Part<K>>>,
    blank: Mutex<Blank>,
}

/// The rows without an id, together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Blank {
    pub(super) met: Met,
    pub(super) rows: u64,
}

#[derive(Clone, Copy)]
struct Assignment<K> {
    key: K,
    hash: u64,
    at: i64,
    arm: u8,
}

/// Assignments of one part that wait.
struct Waiting<K> {
    rows: Vec<Assignment<K>>,
    /// The codes of all dimensions, row after row.
    codes: Vec<u32>,
}

/// One thread's hand in enrolling.
pub struct Enroller<'a, K> {
    enrolling: &'a Enrolling<K>,
    keys: Vec<K>,
    waiting: Vec<Waiting<K>>,
    /// Whether one code of a dimension comes before another.
    order: &'a (dyn Fn(usize, u32, u32) -> Ordering + Sync),
    room: &'a dyn Room,
}

/// The part, or the partition, of a hash: from other bits than the slot within.
#[inline]
pub(super) fn part_of(hash: u64, parts: usize) -> usize {
    (((hash >> 32) * parts as u64) >> 32) as usize
}

impl<K: Key> Enrolling<K> {
    /// Nobody enrolled yet.
    ///
    /// # Errors
    /// [`Error::Beyond`] with more than 64 arms.
    pub fn new(terms: Terms) -> Result<Self, Error> {
        if terms.arms > MOST_ARMS {
            return Err(Error::Beyond { what: "arms", limit: MOST_ARMS });
        }
        let part = |_| {
            Mutex::new(Part {
                units: HashTable::new(),
                dimensions: vec![Vec::new(); terms.dimensions],
                rows: 0,
                bytes: 0,
            })
        };
        Ok(Self {
            seed: Seed::default(),
            parts: (0..PARTS).map(part).collect(),
            blank: Mutex::new(Blank { met: Met::NEVER, rows: 0 }),
            terms,
        })
    }

    /// A hand for one thread; `order` says of two codes of a dimension which text comes first.
    pub fn enroller<'a>(
        &'a self,
        order: &'a (dyn Fn(usize, u32, u32) -> Ordering + Sync),
        room: &'a dyn Room,
    ) -> Enroller<'a, K> {
        let waiting = (0..PARTS).map(|_| Waiting { rows: Vec::new(), codes: Vec::new() }).collect();
        Enroller { enrolling: self, keys: Vec::new(), waiting, order, room }
    }

    /// Who is enrolled, once all assignments have arrived; put into the table by so many threads.
    ///
    /// # Errors
    /// [`Error::Memory`] when the table does not fit, [`Error::Beyond`] past what its numbers can tell apart.
    pub fn finish(self, room: &dyn Room, threads: usize) -> Result<Roster<K>, Error> {
        let most = self.parts.iter().map(|part| part.lock().units.len()).max().unwrap_or(0);
        let within = most.div_ceil(FILLED).max(1);
        let partitions = PARTS * within;
        if partitions > MOST_PARTITIONS {
            return Err(Error::Beyond { what: "partitions of units", limit: MOST_PARTITIONS });
        }
        let dimensions = self.terms.dimensions;
        let slots = partitions * REGION;
        let bytes = slots * Roster::<K>::bytes_per_slot(dimensions);
        if !room.grow(bytes) {
            return Err(Error::Memory { what: "the table of units", bytes });
        }
        let mut entries = Entries::new(slots);
        let mut arms = vec![NO_ARM; slots];
        let mut states = vec![State::NoTime; slots];
        let mut rows = vec![0; slots];
        let mut codes = vec![vec![NONE; slots]; dimensions];
        let width = within * REGION;
        let mut of_part: Vec<Vec<&mut [u32]>> = (0..PARTS).map(|_| Vec::with_capacity(dimensions)).collect();
        for codes in &mut codes {
            of_part.iter_mut().zip(codes.chunks_mut(width)).for_each(|(of_part, codes)| of_part.push(codes));
        }
        let places = entries.parts(width).zip(arms.chunks_mut(width)).zip(states.chunks_mut(width));
        let places = places.zip(rows.chunks_mut(width)).zip(of_part).zip(self.parts);
        let places = Mutex::new(places.enumerate());
        let (terms, seed) = (&self.terms, &self.seed);
        let work = |_| {
            loop {
                // The lock is only for the next piece.
                let Some((number, (((((entries, arms), states), rows), codes), part))) = places.lock().next() else {
                    return Ok(());
                };
                let part = part.into_inner();
                let mut placing = Placing { entries, arms, states, rows, codes };
                placing.place(part, seed, terms, number * width, partitions, room)?;
            }
        };
        on_threads(threads.clamp(1, PARTS), work).into_iter().collect::<Result<(), Error>>()?;
        drop(places);
        let blank = *self.blank.lock();
        let blank = (blank.rows > 0).then_some(blank);
        Ok(Roster {
            seed: self.seed,
            partitions,
            entries,
            arms,
            states,
            rows,
            exposed: None,
            dimensions: codes,
            blank,
            is_near: false,
        })
    }
}

/// The slots of one part.
struct Placing<'a, K> {
    entries: Slots<'a, K>,
    arms: &'a mut [u8],
    states: &'a mut [State],
    rows: &'a mut [u32],
    codes: Vec<&'a mut [u32]>,
}

impl<K: Key> Placing<'_, K> {
    /// Places the units of a part, whose first slot is `base`, and gives its memory back.
    fn place(
        &mut self,
        part: Part<K>,
        seed: &Seed,
        terms: &Terms,
        base: usize,
        partitions: usize,
        room: &dyn Room,
    ) -> Result<(), Error> {
        self.entries.each_instant(|_, _| FREE);
        for unit in part.units {
            let start = first_slot(unit.key.hash(seed), partitions) - base;
            let region = start & !(REGION - 1);
            let mut places = (0..REGION).map(|step| region | ((start + step) & (REGION - 1)));
            let Some(slot) = places.find(|slot| self.entries.get(*slot).1 == FREE) else {
                // Forty standard deviations away from what the hash gives.
                return Err(Error::Beyond { what: "units of one partition", limit: REGION });
            };
            self.entries.set(slot, unit.key, unit.met.first);
            self.arms[slot] = unit.met.arm;
            self.states[slot] = unit.met.state(terms);
            self.rows[slot] = unit.met.rows;
            for (codes, found) in self.codes.iter_mut().zip(&part.dimensions) {
                codes[slot] = found[unit.place as usize].1;
            }
        }
        room.shrink(part.bytes);
        Ok(())
    }
}

impl<K: Key> Enroller<'_, K> {
    /// Adds assignments.
    ///
    /// # Errors
    /// [`Error::Memory`] when the units do not fit, [`Error::Refused`] at the first or the last instant that 64 bits hold.
    pub fn push<C: KeyColumn<Key = K>>(&mut self, batch: &AssignmentBatch<'_, C>) -> Result<(), Error> {
        let mut keys = std::mem::take(&mut self.keys);
        let present = batch.ids.read(&self.enrolling.seed, &mut keys);
        for (row, key) in keys.iter().enumerate() {
            if batch.kept.is_some_and(|kept| !kept[row]) {
                continue;
            }
            let at = match &batch.at {
                Some((_, Some(valid))) if valid.is_null(row) => NEVER,
                Some((at, _)) if at[row] == NEVER || at[row] == FREE => return Err(Error::Refused(NO_INSTANT)),
                Some((at, _)) => at[row],
                None => 0,
            };
            let arm = batch.arms[row] as u8;
            if present.as_ref().is_some_and(|present| present.is_null(row)) {
                let mut blank = self.enrolling.blank.lock();
                blank.met.add(at, arm);
                blank.rows += 1;
                continue;
            }
            let hash = key.hash(&self.enrolling.seed);
            let part = part_of(hash, PARTS);
            let waiting = &mut self.waiting[part];
            waiting.rows.push(Assignment { key: *key, hash, at, arm });
            waiting.codes.extend(batch.dimensions.iter().map(|codes| codes[row]));
            if waiting.rows.len() >= WAITING {
                self.settle(part)?;
            }
        }
        self.keys = keys;
        Ok(())
    }

    fn settle(&mut self, part: usize) -> Result<(), Error> {
        let enrolling = self.enrolling;
        let Waiting { rows, codes } = &mut self.waiting[part];
        let mut into = enrolling.parts[part].lock();
        if into.units.capacity() < into.units.len() + rows.len() {
            let in_all = enrolling.terms.rows.map_or(0, |rows| into.expected(rows / PARTS as u64));
            let more = in_all.saturating_sub(into.units.len()).max(rows.len());
            into.units.reserve(more, |unit| unit.key.hash(&enrolling.seed));
        }
        into.rows += rows.len() as u64;
        let Part { units, dimensions, .. } = &mut *into;
        let mut codes_of_row = codes.chunks_exact(dimensions.len().max(1));
        for assignment in rows.iter() {
            let Assignment { key, hash, at, arm } = *assignment;
            let entry = units.entry(hash, |unit| unit.key == key, |unit| unit.key.hash(&enrolling.seed));
            let unit = match entry {
                Entry::Occupied(entry) => entry.into_mut(),
                Entry::Vacant(entry) => {
                    let place = dimensions.first().map_or(0, Vec::len) as u32;
                    dimensions.iter_mut().for_each(|codes| codes.push((NEVER, NONE)));
                    entry.insert(Enrolled { key, met: Met::NEVER, place }).into_mut()
                }
            };
            unit.met.add(at, arm);
            if let Some(codes) = codes_of_row.next() {
                for (dimension, (found, code)) in dimensions.iter_mut().zip(codes).enumerate() {
                    let order = |one, other| (self.order)(dimension, one, other);
                    keep_first(&mut found[unit.place as usize], at, *code, order);
                }
            }
        }
        rows.clear();
        codes.clear();
        let (bytes, granted) = (into.heap_bytes(), into.bytes);
        if bytes > granted {
            if !self.room.grow(bytes - granted) {
                return Err(Error::Memory { what: "the units", bytes: bytes - granted });
            }
            into.bytes = bytes;
        }
        Ok(())
    }

    /// Hands over what still waits.
    ///
    /// # Errors
    /// [`Error::Memory`] when the units do not fit.
    pub fn finish(mut self) -> Result<(), Error> {
        (0..PARTS).try_for_each(|part| self.settle(part))
    }
}

/// Keeps the code of the earliest instant; of two at the same, the one whose text comes first, none coming last.
fn keep_first(kept: &mut (i64, u32), at: i64, code: u32, order: impl Fn(u32, u32) -> Ordering) {
    let earlier = match at.cmp(&kept.0) {
        Ordering::Equal => code != NONE && (kept.1 == NONE || order(code, kept.1) == Ordering::Less),
        order => order == Ordering::Less,
    };
    if earlier {
        *kept = (at, code);
    }
}
