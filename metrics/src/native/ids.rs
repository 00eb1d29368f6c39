//! How ids are written, as numbers or as texts, and how they are given back.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, StringViewArray};
use estimand_stats::unit_aggregation::{Integers, Key, KeyColumn, Names, Room, Roster, Texts};

use super::workers::Ended;

/// Takes the ids of some rows.
pub(super) type TakeIds<'a> = dyn Fn(&ArrayRef) -> Result<(), Ended> + Sync + 'a;

/// Reads the column of ids once more, giving it away in parts.
pub(super) type ReadIds<'a> = dyn Fn(&TakeIds<'_>) -> Result<(), Ended> + 'a;

/// How ids are written.
pub(super) trait Ids: Send + Sync {
    /// What stands for an id in the roster.
    type Key: Key;
    /// A column of ids.
    type Column<'a>: KeyColumn<Key = Self::Key>;
    /// The ids themselves, as far as the roster does not hold them.
    type Known: Sync;

    /// The ids of a column.
    fn of(column: &ArrayRef) -> Self::Column<'_>;

    /// What must be known to give ids; `read` is there where they are wanted.
    fn known(read: Option<&ReadIds<'_>>, roster: &Roster<Self::Key>, room: &dyn Room) -> Result<Self::Known, Ended>;

    /// The ids of units at some slots.
    fn ids(known: &Self::Known, roster: &Roster<Self::Key>, slots: &[u32]) -> ArrayRef;
}

/// Ids that are integers: the roster holds them.
pub(super) struct Numbers;

impl Ids for Numbers {
    type Key = i64;
    type Column<'a> = Integers<'a>;
    type Known = ();

    fn of(column: &ArrayRef) -> Integers<'_> {
        Integers(column.as_ref())
    }

    fn known(_: Option<&ReadIds<'_>>, _: &Roster<i64>, _: &dyn Room) -> Result<(), Ended> {
        Ok(())
    }

    fn ids((): &(), roster: &Roster<i64>, slots: &[u32]) -> ArrayRef {
        Arc::new(slots.iter().map(|slot| Some(roster.id(*slot as usize))).collect::<Int64Array>())
    }
}

/// Ids that are texts: the roster holds a hash of each.
pub(super) struct Words;

impl Ids for Words {
    type Key = u128;
    type Column<'a> = Texts<'a>;
    type Known = Option<Names>;

    fn of(column: &ArrayRef) -> Texts<'_> {
        Texts(column.as_ref())
    }

    fn known(read: Option<&ReadIds<'_>>, roster: &Roster<u128>, room: &dyn Room) -> Result<Option<Names>, Ended> {
        let Some(read) = read else { return Ok(None) };
        roster.names(room, |naming| read(&|ids| Ok(naming.push(ids)?))).map(Some)
    }

    fn ids(known: &Option<Names>, _: &Roster<u128>, slots: &[u32]) -> ArrayRef {
        Arc::new(known.as_ref().map_or_else(|| StringViewArray::new_null(slots.len()), |names| names.of(slots)))
    }
}
