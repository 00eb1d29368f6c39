//! The table in which units are looked up: what lies at each slot is the id of a unit and an instant.
//!
//! Slots are taken in buckets of four, which lie in one line of the cache where ids are integers: a unit is found in the bucket
//! of its hash, or, where that was full, in one of the next.

use std::marker::PhantomData;
use std::ops::Range;

use super::key::Key;
use super::pages::Words;

/// No instant: later than all others, so that the earliest of some is right without a case of its own.
pub(super) const NEVER: i64 = i64::MAX;
/// The instant of a slot that nobody took.
pub(super) const FREE: i64 = i64::MIN;

/// What is refused: the ends of time stand for other things.
pub(super) const NO_INSTANT: &str = "an instant at the end of time";

/// Instants of which the differences, and these less a length below [`NEAR_LENGTH`], are numbers of 64 bits: in nanoseconds those
/// of the years 1897 to 2116.
pub(super) const NEAR: Range<i64> = -(1 << 61)..1 << 62;
/// The least length of time that may be too long for them.
pub(super) const NEAR_LENGTH: i64 = 1 << 61;

/// Slots of a bucket.
pub(super) const BUCKET: usize = 4;

/// The entries by slot.
pub(super) struct Entries<K> {
    words: Words,
    key: PhantomData<K>,
}

/// Entries to be read, of all slots.
pub(super) struct View<'a, K> {
    words: &'a [u64],
    key: PhantomData<K>,
}

/// Entries to be changed, of some slots that follow each other.
pub(super) struct Part<'a, K> {
    words: &'a mut [u64],
    key: PhantomData<K>,
}

const fn words_of<K: Key>() -> usize {
    K::WORDS + 1
}

impl<K: Key> Entries<K> {
    /// So many slots, the instants of which say nothing yet: see [`Part::each_instant`].
    pub(super) fn new(slots: usize) -> Self {
        Self { words: Words::zeroed(slots * words_of::<K>()), key: PhantomData }
    }

    pub(super) const fn bytes_per_slot() -> usize {
        words_of::<K>() * size_of::<u64>()
    }

    #[inline]
    pub(super) fn view(&self) -> View<'_, K> {
        View { words: &self.words, key: PhantomData }
    }

    /// All slots.
    pub(super) fn whole(&mut self) -> Part<'_, K> {
        Part { words: &mut self.words, key: PhantomData }
    }

    /// Parts of so many slots each.
    pub(super) fn parts(&mut self, slots: usize) -> impl Iterator<Item = Part<'_, K>> {
        self.words.chunks_mut(slots * words_of::<K>()).map(|words| Part { words, key: PhantomData })
    }
}

/// What a look at one bucket tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Look {
    /// Whether the id is here.
    pub(super) found: bool,
    /// Its slot, if it is.
    pub(super) slot: usize,
    /// The instant there; [`NEVER`] when the id is not here.
    pub(super) from: i64,
    /// Whether it may be in the next bucket.
    pub(super) goes_on: bool,
}

impl<K: Key> View<'_, K> {
    /// What lies at a slot.
    #[inline]
    pub(super) fn get(&self, slot: usize) -> (K, i64) {
        read(&self.words[slot * words_of::<K>()..][..words_of::<K>()])
    }

    /// Looks for an id in the bucket that begins at a slot. Free slots come last, and may hold what looks like an id.
    #[inline]
    pub(super) fn look(&self, start: usize, key: K) -> Look {
        let bucket = &self.words[start * words_of::<K>()..][..BUCKET * words_of::<K>()];
        let entry = |place: usize| read::<K>(&bucket[place * words_of::<K>()..][..words_of::<K>()]);
        let (mut place, mut from) = (0, FREE);
        for at in (0..BUCKET).rev() {
            let (other, of_other) = entry(at);
            (place, from) = if other == key { (at, of_other) } else { (place, from) };
        }
        let found = from != FREE;
        let is_full = entry(BUCKET - 1).1 != FREE;
        let from = if found { from } else { NEVER };
        Look { found, slot: start + place, from, goes_on: !found & is_full }
    }
}

impl<K: Key> Part<'_, K> {
    /// What lies at a slot of the part.
    #[inline]
    pub(super) fn get(&self, slot: usize) -> (K, i64) {
        View { words: self.words, key: PhantomData }.get(slot)
    }

    /// Lays an entry at a slot of the part.
    #[inline]
    pub(super) fn set(&mut self, slot: usize, key: K, from: i64) {
        let entry = &mut self.words[slot * words_of::<K>()..][..words_of::<K>()];
        key.store(entry);
        entry[K::WORDS] = from as u64;
    }

    /// Changes the instants of all slots.
    pub(super) fn each_instant(&mut self, mut change: impl FnMut(usize, i64) -> i64) {
        for (slot, entry) in self.words.chunks_exact_mut(words_of::<K>()).enumerate() {
            entry[K::WORDS] = change(slot, entry[K::WORDS] as i64) as u64;
        }
    }
}

#[inline]
fn read<K: Key>(entry: &[u64]) -> (K, i64) {
    (K::load(entry), entry[K::WORDS] as i64)
}
