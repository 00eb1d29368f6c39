//! Who is counted, in which arm, from when: one entry per unit, found by its id.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering as Atomic};
use std::sync::{Mutex, MutexGuard, PoisonError};

use arrow::buffer::NullBuffer;
use hashbrown::HashTable;

use super::Error;
use super::key::{Key, KeyColumn, Seed};
use super::room::Room;

/// No instant: later than all others, so that the earliest of some is right without a case of its own.
pub(super) const NEVER: i64 = i64::MAX;
/// The start of an entry that is free.
const FREE: i64 = i64::MIN;
/// No value of a dimension.
pub(super) const NONE: u32 = u32::MAX;
/// Parts of the table while units are enrolled.
const PARTS: usize = 64;
/// Entries of a partition: its counters and columns stay in the cache of one core.
pub(super) const REGION: usize = 8_192;
/// Units of a partition on average; the rest stays free, so that few rows meet a foreign entry.
const FILLED: usize = 5_300;
/// Assignments that wait for their part to be free.
const WAITING: usize = 1_024;
/// Arms that fit the marks of a unit.
const MOST_ARMS: usize = 64;

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
}

/// Whether a unit counts, and if not, why not; the first that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Rows without an id, together.
    Blank,
    /// Without a time of exposure.
    NoTime,
    /// Exposed before enrolment began.
    BeforeStart,
    /// Exposed after enrolment ended.
    AfterEnd,
    /// Seen in more than one arm.
    TwoArms,
    /// Never met the trigger.
    Untriggered,
    /// Counts.
    Counted,
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

#[derive(Clone, Copy, Debug)]
struct Assignment<K> {
    key: K,
    at: i64,
    arm: u32,
    present: bool,
}

/// What is known of a unit while it is enrolled.
#[derive(Clone, Debug)]
struct Unit {
    first: i64,
    /// The arms of its rows at the first instant, one bit each.
    first_arms: u64,
    /// The arms of all its rows that have a time.
    arms: u64,
    rows: u64,
}

impl Unit {
    const NEW: Self = Self { first: NEVER, first_arms: 0, arms: 0, rows: 0 };

    fn add(&mut self, at: i64, arm: u32) {
        let bit = 1_u64 << arm;
        self.rows += 1;
        if at < self.first {
            (self.first, self.first_arms) = (at, bit);
        } else if at == self.first && at != NEVER {
            self.first_arms |= bit;
        }
        if at != NEVER {
            self.arms |= bit;
        }
    }

    fn state(&self, terms: &Terms) -> State {
        match () {
            () if self.first == NEVER => State::NoTime,
            () if terms.start.is_some_and(|start| self.first < start) => State::BeforeStart,
            () if terms.end.is_some_and(|end| self.first >= end) => State::AfterEnd,
            () if self.arms.count_ones() > 1 => State::TwoArms,
            () => State::Counted,
        }
    }

    /// The arm of its first assignment; none without a time.
    fn arm(&self) -> Option<u32> {
        (self.first_arms != 0).then(|| self.first_arms.trailing_zeros())
    }
}

struct Part<K> {
    places: HashTable<u32>,
    keys: Vec<K>,
    units: Vec<Unit>,
    /// Per dimension and unit: the code at the first instant, and that instant.
    dimensions: Vec<Vec<(i64, u32)>>,
}

/// The units of an experiment while assignments arrive, from as many threads as there are.
pub struct Enrolling<K> {
    terms: Terms,
    seed: Seed,
    parts: Vec<Mutex<Part<K>>>,
    blank: Mutex<Unit>,
}

/// One thread's hand in enrolling.
pub struct Enroller<'a, K> {
    enrolling: &'a Enrolling<K>,
    keys: Vec<K>,
    waiting: Vec<Vec<(Assignment<K>, Vec<u32>)>>,
    /// Whether one code of a dimension comes before another.
    order: &'a (dyn Fn(usize, u32, u32) -> Ordering + Sync),
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
                places: HashTable::new(),
                keys: Vec::new(),
                units: Vec::new(),
                dimensions: vec![Vec::new(); terms.dimensions],
            })
        };
        Ok(Self { seed: Seed::default(), parts: (0..PARTS).map(part).collect(), blank: Mutex::new(Unit::NEW), terms })
    }

    /// A hand for one thread; `order` says of two codes of a dimension which text comes first.
    pub fn enroller<'a>(&'a self, order: &'a (dyn Fn(usize, u32, u32) -> Ordering + Sync)) -> Enroller<'a, K> {
        Enroller { enrolling: self, keys: Vec::new(), waiting: (0..PARTS).map(|_| Vec::new()).collect(), order }
    }

    /// Bytes held so far.
    pub fn bytes(&self) -> usize {
        let unit = size_of::<K>() + size_of::<Unit>() + 5 + self.terms.dimensions * size_of::<(i64, u32)>();
        self.parts.iter().map(|part| held(part).units.capacity() * unit).sum()
    }

    /// Who is enrolled, once all assignments have arrived.
    ///
    /// # Errors
    /// [`Error::Memory`] when the table does not fit, [`Error::Beyond`] past what its numbers can tell apart.
    pub fn finish(self, room: &dyn Room) -> Result<Roster<K>, Error> {
        let most = self.parts.iter().map(|part| held(part).units.len()).max().unwrap_or(0);
        let mut within = most.div_ceil(FILLED).max(1);
        loop {
            let partitions = PARTS * within;
            if partitions > (u32::MAX as usize) / REGION {
                return Err(Error::Beyond { what: "units", limit: 2_700_000_000 });
            }
            let bytes = partitions * REGION * Roster::<K>::bytes_per_slot(self.terms.dimensions);
            if !room.grow(bytes) {
                return Err(Error::Memory { what: "the table of units", bytes });
            }
            match self.placed(within, bytes) {
                Some(roster) => return Ok(roster),
                // A partition ran full, which no sensible seed does; twice as many have room.
                None => room.shrink(bytes),
            }
            within *= 2;
        }
    }

    fn placed(&self, within: usize, bytes: usize) -> Option<Roster<K>> {
        let slots = PARTS * within * REGION;
        let dimensions = self.terms.dimensions;
        let mut roster = Roster {
            seed: self.seed.clone(),
            within,
            entries: vec![Entry { key: K::default(), from: FREE }; slots],
            arms: vec![u8::MAX; slots],
            states: vec![State::NoTime; slots],
            rows: vec![0; slots],
            exposed: None,
            dimensions: vec![vec![NONE; slots]; dimensions],
            blank: None,
            bytes,
        };
        for part in &self.parts {
            let part = held(part);
            for (at, (key, unit)) in part.keys.iter().zip(&part.units).enumerate() {
                let start = roster.slot(key.hash(&self.seed));
                let slot = roster.probe(start, |entry| entry.from == FREE)?;
                let state = unit.state(&self.terms);
                // Without times the instant says nothing; any that is neither free nor never will do.
                roster.entries[slot] = Entry { key: *key, from: unit.first.max(FREE + 1) };
                roster.arms[slot] = unit.arm().map_or(u8::MAX, |arm| arm as u8);
                roster.states[slot] = state;
                roster.rows[slot] = u32::try_from(unit.rows).unwrap_or(u32::MAX);
                for (of, found) in roster.dimensions.iter_mut().zip(&part.dimensions) {
                    of[slot] = found[at].1;
                }
            }
        }
        let blank = held(&self.blank).clone();
        if blank.rows > 0 {
            roster.blank = Some(blank);
        }
        Some(roster)
    }
}

impl<K: Key> Enroller<'_, K> {
    /// Adds assignments.
    pub fn push<C: KeyColumn<Key = K>>(&mut self, batch: &AssignmentBatch<'_, C>) {
        let mut keys = std::mem::take(&mut self.keys);
        let present = batch.ids.read(&self.enrolling.seed, &mut keys);
        for (row, key) in keys.iter().enumerate() {
            if batch.kept.is_some_and(|kept| !kept[row]) {
                continue;
            }
            let at = match &batch.at {
                Some((at, valid)) => {
                    if valid.is_none_or(|valid| valid.is_valid(row)) {
                        at[row]
                    } else {
                        NEVER
                    }
                }
                None => 0,
            };
            let present = present.as_ref().is_none_or(|present| present.is_valid(row));
            let hash = key.hash(&self.enrolling.seed);
            let part = if present { part_of(hash, PARTS) } else { 0 };
            let codes = batch.dimensions.iter().map(|codes| codes[row]).collect();
            self.waiting[part].push((Assignment { key: *key, at, arm: batch.arms[row], present }, codes));
            if self.waiting[part].len() >= WAITING {
                self.settle(part);
            }
        }
        self.keys = keys;
    }

    fn settle(&mut self, part: usize) {
        let enrolling = self.enrolling;
        let mut guard = held(&enrolling.parts[part]);
        let into = &mut *guard;
        for (assignment, codes) in self.waiting[part].drain(..) {
            let Assignment { key, at, arm, present } = assignment;
            if !present {
                held(&enrolling.blank).add(at, arm);
                continue;
            }
            let Part { places, keys, units, dimensions } = into;
            let hash = key.hash(&enrolling.seed);
            let entry = places.entry(
                hash,
                |place| keys[*place as usize] == key,
                |place| keys[*place as usize].hash(&enrolling.seed),
            );
            let place = match entry {
                hashbrown::hash_table::Entry::Occupied(entry) => *entry.get() as usize,
                hashbrown::hash_table::Entry::Vacant(entry) => {
                    let place = units.len();
                    entry.insert(place as u32);
                    keys.push(key);
                    units.push(Unit::NEW);
                    dimensions.iter_mut().for_each(|codes| codes.push((NEVER, NONE)));
                    place
                }
            };
            units[place].add(at, arm);
            for (dimension, (found, code)) in dimensions.iter_mut().zip(codes).enumerate() {
                keep_first(&mut found[place], at, code, |one, other| (self.order)(dimension, one, other));
            }
        }
    }
}

impl<K: Key> Enroller<'_, K> {
    /// Hands over what still waits.
    pub fn finish(mut self) {
        (0..PARTS).for_each(|part| self.settle(part));
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

#[derive(Clone, Copy, Debug)]
struct Entry<K> {
    key: K,
    /// The instant from which its rows count; [`NEVER`] when the unit does not.
    from: i64,
}

/// The units of an experiment by id.
///
/// A unit is known by its slot. Slots of a partition lie together, and both follow from the hash of the id.
pub struct Roster<K> {
    pub(super) seed: Seed,
    within: usize,
    entries: Vec<Entry<K>>,
    arms: Vec<u8>,
    states: Vec<State>,
    rows: Vec<u32>,
    /// The instant of exposure by slot, where outcomes are counted from a trigger.
    exposed: Option<Vec<i64>>,
    dimensions: Vec<Vec<u32>>,
    /// The rows without an id, together.
    blank: Option<Unit>,
    bytes: usize,
}

/// Units of one kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CensusEntry {
    /// The arm of the first assignment.
    pub arm: Option<u32>,
    /// Whether they count.
    pub state: State,
    /// The group of their instant of exposure, as the caller cuts time; `None` without one.
    pub period: Option<i64>,
}

/// Rows of the source of a trigger.
pub struct TriggerBatch<'a, C> {
    /// The ids.
    pub ids: C,
    /// The instants in ticks, and which rows have one.
    pub at: (&'a [i64], Option<&'a NullBuffer>),
    /// Which rows trigger; all when absent.
    pub kept: Option<&'a [bool]>,
}

fn part_of(hash: u64, parts: usize) -> usize {
    (((hash >> 32) * parts as u64) >> 32) as usize
}

impl<K: Key> Roster<K> {
    fn bytes_per_slot(dimensions: usize) -> usize {
        size_of::<Entry<K>>() + size_of::<u32>() * (1 + dimensions) + 2
    }

    /// The secret of its hashes, for other keys of the same rows.
    pub fn seed(&self) -> &Seed {
        &self.seed
    }

    /// Bytes granted for the table.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Partitions of units.
    pub fn partitions(&self) -> usize {
        PARTS * self.within
    }

    /// Slots, taken or free.
    pub fn slots(&self) -> usize {
        self.entries.len()
    }

    #[inline]
    pub(super) fn slot(&self, hash: u64) -> usize {
        part_of(hash, self.partitions()) * REGION + (hash as usize & (REGION - 1))
    }

    /// The first slot from `start` on, within its partition, of which `found` holds.
    #[inline]
    fn probe(&self, start: usize, found: impl Fn(&Entry<K>) -> bool) -> Option<usize> {
        let region = start & !(REGION - 1);
        (0..REGION).map(|step| region | ((start + step) & (REGION - 1))).find(|slot| found(&self.entries[*slot]))
    }

    /// The slot of a unit and the instant from which its rows count; `None` when it does not count or is not there.
    #[inline]
    pub(super) fn find(&self, start: usize, key: K) -> Option<(usize, i64)> {
        let entry = &self.entries[start];
        let slot = if entry.key == key && entry.from != FREE {
            start
        } else {
            let end = self.probe(start, |entry| entry.from == FREE || entry.key == key)?;
            if self.entries[end].from == FREE {
                return None;
            }
            end
        };
        let from = self.entries[slot].from;
        (from != NEVER).then_some((slot, from))
    }

    /// What lies at a slot, to be looked at later: reading ahead of need is what hides the wait for memory.
    #[inline]
    pub(super) fn peek(&self, slot: usize) -> (K, i64) {
        let entry = &self.entries[slot];
        (entry.key, entry.from)
    }

    /// The slot at which a row with what lies there is settled without a search: its own unit, one that counts.
    #[inline]
    pub(super) fn settled(peeked: (K, i64), key: K) -> bool {
        peeked.0 == key && peeked.1 != FREE && peeked.1 != NEVER
    }

    /// The instant of exposure of a unit that counts.
    #[inline]
    pub(super) fn exposed(&self, slot: usize, from: i64) -> i64 {
        self.exposed.as_ref().map_or(from, |exposed| exposed[slot])
    }

    /// Whether outcomes are counted from another instant than exposure.
    pub(super) fn has_trigger(&self) -> bool {
        self.exposed.is_some()
    }

    /// Sets apart the units that do not count, so that no row of theirs is kept. To be called once, after the last change.
    pub fn close(&mut self) {
        for (entry, state) in self.entries.iter_mut().zip(&self.states) {
            if entry.from != FREE && *state != State::Counted {
                entry.from = NEVER;
            }
        }
    }

    /// Counts outcomes from the first trigger at or after exposure and before `until`.
    ///
    /// `read` is given what each batch of the trigger's source is to be handed to; it may be called from many threads.
    ///
    /// # Errors
    /// Those of `read`, and [`Error::Memory`].
    pub fn trigger<E: From<Error>>(
        &mut self,
        until: Option<i64>,
        room: &dyn Room,
        read: impl FnOnce(&Triggering<'_, K>) -> Result<(), E>,
    ) -> Result<(), E> {
        let bytes = self.slots() * size_of::<i64>() * 2;
        if !room.grow(bytes) {
            return Err(Error::Memory { what: "the instants of triggers", bytes }.into());
        }
        self.bytes += bytes;
        let first: Vec<AtomicI64> = (0..self.slots()).map(|_| AtomicI64::new(NEVER)).collect();
        read(&Triggering { roster: self, first: &first, until })?;
        let mut exposed = vec![NEVER; self.slots()];
        for (slot, first) in first.iter().enumerate() {
            let entry = &mut self.entries[slot];
            if entry.from == FREE {
                continue;
            }
            exposed[slot] = entry.from;
            entry.from = first.load(Atomic::Relaxed);
            if entry.from == NEVER && self.states[slot] == State::Counted {
                self.states[slot] = State::Untriggered;
            }
        }
        self.exposed = Some(exposed);
        Ok(())
    }

    /// Adds so many dimensions from another source, after those there are: one value of each per unit.
    ///
    /// `read` is given what each batch of the source is to be handed to; it may be called from many threads.
    ///
    /// # Errors
    /// Those of `read`, and [`Error::Memory`].
    pub fn describe<E: From<Error>>(
        &mut self,
        dimensions: usize,
        room: &dyn Room,
        read: impl FnOnce(&Describing<'_, K>) -> Result<(), E>,
    ) -> Result<(), E> {
        let bytes = self.slots() * size_of::<u32>() * dimensions;
        if !room.grow(bytes) {
            return Err(Error::Memory { what: "the values of dimensions", bytes }.into());
        }
        self.bytes += bytes;
        let none = |_| (0..self.slots()).map(|_| AtomicU32::new(NONE)).collect();
        let codes: Vec<Vec<AtomicU32>> = (0..dimensions).map(none).collect();
        read(&Describing { roster: self, codes: &codes })?;
        let settled = |codes: Vec<AtomicU32>| codes.into_iter().map(AtomicU32::into_inner).collect();
        self.dimensions.extend(codes.into_iter().map(settled));
        Ok(())
    }

    /// Every unit: its slot, its arm and its instant of exposure, in the order of slots.
    fn each(&self) -> impl Iterator<Item = (usize, &Entry<K>)> {
        self.entries.iter().enumerate().filter(|(_, entry)| entry.from != FREE)
    }

    fn exposure(&self, slot: usize) -> i64 {
        self.exposed.as_ref().map_or(self.entries[slot].from, |exposed| exposed[slot])
    }

    /// How many units and rows there are of each kind; `period` cuts the instants of exposure. Before [`close`](Roster::close).
    pub fn census(&self, period: impl Fn(i64) -> i64) -> HashMap<CensusEntry, (u64, u64)> {
        let mut census = HashMap::new();
        let mut add = |arm, state, first: i64, rows: u64| {
            let period = (first != NEVER).then(|| period(first));
            let counts: &mut (u64, u64) = census.entry(CensusEntry { arm, state, period }).or_default();
            counts.0 += 1;
            counts.1 += rows;
        };
        for (slot, _) in self.each() {
            add(self.arm(slot), self.states[slot], self.exposure(slot), u64::from(self.rows[slot]));
        }
        if let Some(blank) = &self.blank {
            add(blank.arm(), State::Blank, blank.first, blank.rows);
        }
        census
    }

    /// How many assigned units there are by arm and code of a dimension: those that count, and those of two arms.
    pub fn census_by(&self, dimension: usize) -> HashMap<(u32, u32), u64> {
        let mut census = HashMap::new();
        for (slot, _) in self.each() {
            if let (State::Counted | State::TwoArms, Some(arm)) = (self.states[slot], self.arm(slot)) {
                *census.entry((arm, self.dimensions[dimension][slot])).or_default() += 1;
            }
        }
        census
    }

    /// Whether some unit has more than one row among the assignments.
    pub fn has_repeated(&self) -> bool {
        self.rows.iter().any(|rows| *rows > 1)
    }

    /// The arm of the unit at a slot.
    pub fn arm(&self, slot: usize) -> Option<u32> {
        (self.arms[slot] != u8::MAX).then_some(u32::from(self.arms[slot]))
    }

    /// The code of a dimension of the unit at a slot, [`u32::MAX`] where it has none.
    pub fn code(&self, dimension: usize, slot: usize) -> u32 {
        self.dimensions[dimension][slot]
    }

    /// The slots of units that count, of one partition, in order; each with the instants of exposure and from which it counts.
    pub fn counted(&self, partition: usize) -> impl Iterator<Item = (usize, i64, i64)> + '_ {
        let region = partition * REGION..(partition + 1) * REGION;
        region.filter(|slot| self.states[*slot] == State::Counted && self.entries[*slot].from != FREE).map(|slot| {
            let from = self.entries[slot].from;
            (slot, self.exposed(slot, from), from)
        })
    }
}

/// Where rows that trigger are handed to.
pub struct Triggering<'a, K> {
    roster: &'a Roster<K>,
    first: &'a [AtomicI64],
    until: Option<i64>,
}

impl<K: Key> Triggering<'_, K> {
    /// Adds rows, from any thread.
    pub fn push<C: KeyColumn<Key = K>>(&self, batch: &TriggerBatch<'_, C>) {
        let mut keys = Vec::new();
        let present = batch.ids.read(&self.roster.seed, &mut keys);
        let (at, valid) = batch.at;
        for (row, key) in keys.into_iter().enumerate() {
            let counts = present.as_ref().is_none_or(|present| present.is_valid(row))
                && valid.is_none_or(|valid| valid.is_valid(row))
                && batch.kept.is_none_or(|kept| kept[row])
                && self.until.is_none_or(|until| at[row] < until);
            if counts
                && let Some((slot, exposed)) = self.roster.find(self.roster.slot(key.hash(&self.roster.seed)), key)
                && at[row] >= exposed
            {
                self.first[slot].fetch_min(at[row], Atomic::Relaxed);
            }
        }
    }
}

/// Where rows with values of dimensions are handed to.
pub struct Describing<'a, K> {
    roster: &'a Roster<K>,
    codes: &'a [Vec<AtomicU32>],
}

impl<K: Key> Describing<'_, K> {
    /// Adds rows, with the code of each dimension, [`u32::MAX`] where there is no value; from any thread.
    ///
    /// # Errors
    /// [`Error::Refused`] when a unit has two values of a dimension.
    pub fn push<C: KeyColumn<Key = K>>(&self, ids: &C, codes: &[Vec<u32>]) -> Result<(), Error> {
        let mut keys = Vec::new();
        let present = ids.read(&self.roster.seed, &mut keys);
        for (row, key) in keys.into_iter().enumerate() {
            if present.as_ref().is_some_and(|present| present.is_null(row)) {
                continue;
            }
            let start = self.roster.slot(key.hash(&self.roster.seed));
            let found = self.roster.probe(start, |entry| entry.from == FREE || entry.key == key);
            let Some(slot) = found.filter(|slot| self.roster.entries[*slot].from != FREE) else { continue };
            for (known, codes) in self.codes.iter().zip(codes) {
                let code = codes[row];
                if code == NONE || known[slot].load(Atomic::Relaxed) == code {
                    continue;
                }
                let swapped = known[slot].compare_exchange(NONE, code, Atomic::Relaxed, Atomic::Relaxed);
                if swapped.is_err_and(|other| other != code) {
                    return Err(Error::Refused("a unit with two values of a dimension"));
                }
            }
        }
        Ok(())
    }
}

fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}
