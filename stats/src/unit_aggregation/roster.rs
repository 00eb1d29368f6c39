//! Who is counted, in which arm, from when: one entry per unit, found by its id.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering as Atomic};

use arrow::buffer::NullBuffer;

use super::Error;
use super::enrol::{Blank, part_of};
use super::entries::{BUCKET, Entries, FREE, NEAR, NEVER, View};
use super::key::{Key, KeyColumn, Seed};
use super::room::Room;
use crate::threads::on_threads;

/// Units and rows by kind, as one thread counts them.
type Census = HashMap<CensusEntry, (u64, u64), foldhash::fast::RandomState>;

/// No value of a dimension.
pub(super) const NONE: u32 = u32::MAX;
/// No arm.
pub(super) const NO_ARM: u8 = u8::MAX;
/// Entries of a partition: its counters and columns stay in the cache of one core.
pub(super) const REGION: usize = 8_192;

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

/// The units of an experiment by id.
///
/// A unit is known by its slot. Slots of a partition lie together, and both follow from the hash of the id.
pub struct Roster<K> {
    pub(super) seed: Seed,
    pub(super) partitions: usize,
    pub(super) entries: Entries<K>,
    pub(super) arms: Vec<u8>,
    pub(super) states: Vec<State>,
    pub(super) rows: Vec<u32>,
    /// The instant of exposure by slot, where outcomes are counted from a trigger.
    pub(super) exposed: Option<Vec<i64>>,
    pub(super) dimensions: Vec<Vec<u32>>,
    /// The rows without an id, together.
    pub(super) blank: Option<Blank>,
    /// Whether the instants of all units that count are [`NEAR`].
    pub(super) is_near: bool,
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
    /// The instants in ticks, and which rows have one; the last that 64 bits hold is none.
    pub at: (&'a [i64], Option<&'a NullBuffer>),
    /// Which rows trigger; all when absent.
    pub kept: Option<&'a [bool]>,
}

/// The bucket where the search for a hash begins: the partition and the place within come from different bits.
#[inline]
pub(super) fn first_slot(hash: u64, partitions: usize) -> usize {
    part_of(hash, partitions) * REGION + (hash as usize & (REGION - BUCKET))
}

impl<K: Key> Roster<K> {
    pub(super) fn bytes_per_slot(dimensions: usize) -> usize {
        Entries::<K>::bytes_per_slot() + size_of::<u32>() * (1 + dimensions) + 2
    }

    /// The secret of its hashes, for other keys of the same rows.
    pub fn seed(&self) -> &Seed {
        &self.seed
    }

    /// Partitions of units.
    pub fn partitions(&self) -> usize {
        self.partitions
    }

    /// Slots, taken or free.
    pub fn slots(&self) -> usize {
        self.states.len()
    }

    #[inline]
    pub(super) fn slot(&self, hash: u64) -> usize {
        first_slot(hash, self.partitions)
    }

    /// The table of ids.
    #[inline]
    pub(super) fn entries(&self) -> View<'_, K> {
        self.entries.view()
    }

    /// The slot of an id from the bucket at `start` on, within its partition, and the instant there.
    #[inline]
    pub(super) fn find(entries: &View<'_, K>, start: usize, key: K) -> Option<(usize, i64)> {
        let region = start & !(REGION - 1);
        for step in (0..REGION).step_by(BUCKET) {
            let look = entries.look(region | ((start + step) & (REGION - 1)), key);
            if !look.goes_on {
                return look.found.then_some((look.slot, look.from));
            }
        }
        None
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
        let (states, exposed) = (&self.states, &self.exposed);
        let mut is_near = true;
        self.entries.whole().each_instant(|slot, from| match from {
            FREE => FREE,
            from if states[slot] == State::Counted => {
                let first = exposed.as_ref().map_or(from, |exposed| exposed[slot]);
                is_near &= NEAR.contains(&from) && NEAR.contains(&first);
                from
            }
            _ => NEVER,
        });
        self.is_near = is_near;
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
        let first: Vec<AtomicI64> = (0..self.slots()).map(|_| AtomicI64::new(NEVER)).collect();
        read(&Triggering { roster: self, first: &first, until })?;
        let mut exposed = vec![NEVER; self.slots()];
        let states = &mut self.states;
        self.entries.whole().each_instant(|slot, from| {
            if from == FREE {
                return FREE;
            }
            exposed[slot] = from;
            let from = first[slot].load(Atomic::Relaxed);
            if from == NEVER && states[slot] == State::Counted {
                states[slot] = State::Untriggered;
            }
            from
        });
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
        let none = |_| (0..self.slots()).map(|_| AtomicU32::new(NONE)).collect();
        let codes: Vec<Vec<AtomicU32>> = (0..dimensions).map(none).collect();
        read(&Describing { roster: self, codes: &codes })?;
        let settled = |codes: Vec<AtomicU32>| codes.into_iter().map(AtomicU32::into_inner).collect();
        self.dimensions.extend(codes.into_iter().map(settled));
        Ok(())
    }

    /// Every unit: its slot, and its instant of exposure.
    fn each(&self, slots: Range<usize>) -> impl Iterator<Item = (usize, i64)> {
        let entries = self.entries();
        slots.map(move |slot| (slot, entries.get(slot).1)).filter(|(_, from)| *from != FREE)
    }

    /// How many units and rows there are of each kind, by so many threads; `period` cuts the instants of exposure.
    /// Before [`close`](Roster::close).
    pub fn census(&self, threads: usize, period: impl Fn(i64) -> i64 + Sync) -> BTreeMap<CensusEntry, (u64, u64)> {
        let count = |slots: Range<usize>| {
            let mut census = Census::default();
            for (slot, from) in self.each(slots) {
                let first = self.exposed(slot, from);
                let period = (first != NEVER).then(|| period(first));
                let entry = CensusEntry { arm: self.arm(slot), state: self.states[slot], period };
                let counts = census.entry(entry).or_default();
                (counts.0, counts.1) = (counts.0 + 1, counts.1 + u64::from(self.rows[slot]));
            }
            census
        };
        let threads = threads.clamp(1, self.partitions);
        let from = |thread: usize| self.partitions * thread / threads * REGION;
        let parts = on_threads(threads, |thread| count(from(thread)..from(thread + 1)));
        let mut census: BTreeMap<CensusEntry, (u64, u64)> = BTreeMap::new();
        for (entry, (units, rows)) in parts.into_iter().flatten() {
            let counts = census.entry(entry).or_default();
            *counts = (counts.0 + units, counts.1 + rows);
        }
        if let Some(blank) = &self.blank {
            let Blank { met, rows } = *blank;
            let arm = (met.arm != NO_ARM).then_some(u32::from(met.arm));
            let period = (met.first != NEVER).then(|| period(met.first));
            census.insert(CensusEntry { arm, state: State::Blank, period }, (1, rows));
        }
        census
    }

    /// How many assigned units there are by arm and code of a dimension: those that count, and those of two arms.
    pub fn census_by(&self, dimension: usize) -> HashMap<(u32, u32), u64> {
        let mut census = HashMap::new();
        for (slot, _) in self.each(0..self.slots()) {
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

    /// The id of the unit at a slot.
    pub fn id(&self, slot: usize) -> K {
        self.entries().get(slot).0
    }

    /// The arm of the unit at a slot.
    pub fn arm(&self, slot: usize) -> Option<u32> {
        (self.arms[slot] != NO_ARM).then_some(u32::from(self.arms[slot]))
    }

    /// The code of a dimension of the unit at a slot, [`u32::MAX`] where it has none.
    pub fn code(&self, dimension: usize, slot: usize) -> u32 {
        self.dimensions[dimension][slot]
    }

    /// The slots of units that count, of one partition, in order; each with the instants of exposure and from which it counts.
    pub fn counted(&self, partition: usize) -> impl Iterator<Item = (usize, i64, i64)> + '_ {
        let counted = self.each(partition * REGION..(partition + 1) * REGION);
        let counted = counted.filter(|(slot, _)| self.states[*slot] == State::Counted);
        counted.map(|(slot, from)| (slot, self.exposed(slot, from), from))
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
        let entries = self.roster.entries();
        for (row, key) in keys.into_iter().enumerate() {
            let counts = present.as_ref().is_none_or(|present| present.is_valid(row))
                && valid.is_none_or(|valid| valid.is_valid(row))
                && batch.kept.is_none_or(|kept| kept[row])
                && self.until.is_none_or(|until| at[row] < until);
            if counts
                && let Some((slot, exposed)) =
                    Roster::find(&entries, self.roster.slot(key.hash(&self.roster.seed)), key)
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
        let entries = self.roster.entries();
        for (row, key) in keys.into_iter().enumerate() {
            if present.as_ref().is_some_and(|present| present.is_null(row)) {
                continue;
            }
            let start = self.roster.slot(key.hash(&self.roster.seed));
            let Some((slot, _)) = Roster::find(&entries, start, key) else { continue };
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
