//! The texts of ids, for rows of units that are given with them.
//!
//! The operator works with keys, which are not the texts. Where the texts are wanted, the ids of the assignments are read once
//! more when it is known who counts: nothing is kept for the others, and nothing at all where nobody asks.

use arrow::array::{Array, ArrayBuilder, ArrayRef, AsArray, LargeStringArray, LargeStringBuilder, StringViewArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use parking_lot::Mutex;

use super::Error;
use super::key::{Key, KeyColumn, Texts};
use super::room::Room;
use super::roster::{REGION, Roster, State};

/// Bytes that a text takes besides its own: its end, and its place by the slot of its unit.
const BESIDES: usize = size_of::<i64>() + size_of::<u32>();

/// The texts of one partition of units.
#[derive(Default)]
struct Part {
    /// By slot: the place of its text, counted from 1; 0 for none.
    place: Vec<u32>,
    texts: LargeStringBuilder,
}

/// The texts of the ids of all units that count.
pub struct Names {
    parts: Vec<(Vec<u32>, LargeStringArray)>,
}

/// Where the ids of assignments are handed to once more.
pub struct Naming<'a> {
    roster: &'a Roster<u128>,
    parts: Vec<Mutex<Part>>,
    room: &'a dyn Room,
}

impl Roster<u128> {
    /// The texts of the ids of units that count.
    ///
    /// `read` is given what each batch of ids is to be handed to; it may be called from many threads. An id that no unit has is
    /// passed over.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn names<E>(&self, room: &dyn Room, read: impl FnOnce(&Naming<'_>) -> Result<(), E>) -> Result<Names, E> {
        let parts = (0..self.partitions).map(|_| Mutex::default()).collect();
        let naming = Naming { roster: self, parts, room };
        read(&naming)?;
        let settled = naming.parts.into_iter().map(|part| {
            let mut part = part.into_inner();
            (part.place, part.texts.finish())
        });
        Ok(Names { parts: settled.collect() })
    }
}

impl Naming<'_> {
    /// Adds ids, from any thread: text, or a dictionary of texts.
    ///
    /// # Errors
    /// [`Error::Memory`] when the texts do not fit, [`Error::Refused`] for a column that is not text.
    pub fn push(&self, ids: &ArrayRef) -> Result<(), Error> {
        let not_text = |_| Error::Refused("ids that are not text");
        let mut keys = Vec::new();
        let present = Texts(ids).read(&self.roster.seed, &mut keys);
        let texts = cast(ids, &DataType::Utf8View).map_err(not_text)?;
        let texts = texts.as_string_view();
        let entries = self.roster.entries();
        for (row, key) in keys.into_iter().enumerate() {
            if present.as_ref().is_some_and(|present| present.is_null(row)) || texts.is_null(row) {
                continue;
            }
            let start = self.roster.slot(key.hash(&self.roster.seed));
            let Some((slot, _)) = Roster::find(&entries, start, key) else { continue };
            if self.roster.states[slot] == State::Counted {
                self.name(slot, texts.value(row))?;
            }
        }
        Ok(())
    }

    fn name(&self, slot: usize, text: &str) -> Result<(), Error> {
        let mut part = self.parts[slot / REGION].lock();
        if part.place.is_empty() {
            part.place.resize(REGION, 0);
        }
        if part.place[slot % REGION] == 0 {
            let bytes = text.len() + BESIDES;
            if !self.room.grow(bytes) {
                return Err(Error::Memory { what: "the ids of units", bytes });
            }
            part.texts.append_value(text);
            part.place[slot % REGION] = part.texts.len() as u32;
        }
        Ok(())
    }
}

impl Names {
    /// The texts of the units at some slots; none for a unit that was not read again.
    pub fn of(&self, slots: &[u32]) -> StringViewArray {
        let name = |slot: &u32| {
            let (place, texts) = self.parts.get(*slot as usize / REGION)?;
            let place = place.get(*slot as usize % REGION)?.checked_sub(1)?;
            Some(texts.value(place as usize))
        };
        slots.iter().map(name).collect()
    }
}
