//! From the rows of a partition to one row per unit.
//!
//! The rows of a partition are laid apart by kind first: then every value takes in all rows of a kind in one short loop, and
//! what is known of its units lies in a column that the nearest caches hold.

use std::sync::Arc;

use super::Error;
use super::accumulate::{Accumulator, Kind};
use super::key::Key;
use super::program::{Program, Recipe, Step, Value};
use super::room::Room;
use super::roster::{REGION, Roster};
use super::rows::{Head, Rows};
use crate::suffstat::Values;

/// Bytes of a partition past which it is not the usual one, and its memory is given back.
const LARGE: usize = 64 << 20;
/// What the rows of a partition take while it is evaluated, by what they take on their own: themselves by kind, and keys.
const COPIES: usize = 4;

/// The units of a partition that count.
#[derive(Debug)]
pub struct UnitColumns<'a> {
    /// The slot of each unit.
    pub slots: &'a [u32],
    /// The instant of exposure of each unit.
    pub exposed: &'a [i64],
    /// One column per value of all sources, in the order of the sources, with one number per unit.
    pub values: Vec<Values<'a>>,
}

/// The units of the partition at hand.
#[derive(Default)]
struct Units {
    slots: Vec<u32>,
    exposed: Vec<i64>,
    /// The instant from which outcomes count.
    from: Vec<i64>,
}

/// One thread's hand in evaluating partitions.
pub struct Evaluator<'a, K> {
    roster: &'a Roster<K>,
    sources: Vec<Source<'a>>,
    room: &'a dyn Room,
    units: Units,
    /// The row of the unit at each slot of the partition.
    place: Vec<u32>,
}

struct Source<'a> {
    rows: &'a Rows,
    recipes: Vec<Arc<Recipe>>,
    /// Rows of the partition that were written out.
    read: Vec<u32>,
    /// The rows of the partition by the number of their recipe.
    kinds: Vec<Vec<u32>>,
    values: Vec<Accumulator>,
    /// The kinds from which each value takes something, and what.
    taken: Vec<Vec<(usize, Step)>>,
}

impl<'a, K: Key> Evaluator<'a, K> {
    /// A hand for one thread, once all rows have arrived.
    pub fn new(roster: &'a Roster<K>, sources: &'a [Rows], room: &'a dyn Room) -> Self {
        let sources = sources.iter().map(Source::new).collect();
        Self { roster, sources, room, units: Units::default(), place: vec![0; REGION] }
    }

    /// The units of a partition.
    ///
    /// # Errors
    /// [`Error::Refused`] where a value is not finite or a unit has more rows than it may, [`Error::Memory`], [`Error::Disk`],
    /// [`Error::Cancelled`].
    pub fn partition(&mut self, partition: usize) -> Result<UnitColumns<'_>, Error> {
        if self.room.cancelled() {
            return Err(Error::Cancelled);
        }
        let units = &mut self.units;
        units.slots.clear();
        units.exposed.clear();
        units.from.clear();
        for (slot, exposed, from) in self.roster.counted(partition) {
            self.place[slot % REGION] = units.slots.len() as u32;
            units.slots.push(slot as u32);
            units.exposed.push(exposed);
            units.from.push(from);
        }
        for source in 0..self.sources.len() {
            let bytes = self.sources[source].rows.bytes_of(partition) * COPIES;
            self.grow(bytes, "the rows of one partition of units")?;
            let evaluated = self.sources[source].evaluate(partition, &self.units, &self.place);
            self.room.shrink(bytes);
            evaluated?;
        }
        let Units { slots, exposed, .. } = &self.units;
        let values = self.sources.iter().flat_map(|source| &source.values).map(Accumulator::column).collect();
        Ok(UnitColumns { slots, exposed, values })
    }

    /// Asks for memory for `what`; rows that wait for their turn are written out where there is too little.
    ///
    /// # Errors
    /// [`Error::Memory`] when that does not suffice, [`Error::Disk`].
    pub fn grow(&self, bytes: usize, what: &'static str) -> Result<(), Error> {
        if bytes == 0 || self.room.grow(bytes) {
            return Ok(());
        }
        for hand in self.sources.iter().flat_map(|source| source.rows.hands()) {
            hand.write_out(self.room)?;
            if self.room.grow(bytes) {
                return Ok(());
            }
        }
        Err(Error::Memory { what, bytes })
    }
}

impl<'a> Source<'a> {
    fn new(rows: &'a Rows) -> Self {
        let recipes = rows.recipes();
        let Program { values, arguments, .. } = rows.program();
        let mut taken = vec![Vec::new(); values.len()];
        for (number, recipe) in recipes.iter().enumerate() {
            recipe.steps.iter().for_each(|step| taken[step.value].push((number, *step)));
        }
        let accumulator = |value: &Value| Accumulator::new(value, value.argument.map(|argument| arguments[argument]));
        let kinds = vec![Vec::new(); recipes.len()];
        Self { rows, read: Vec::new(), kinds, values: values.iter().map(accumulator).collect(), recipes, taken }
    }

    fn evaluate(&mut self, partition: usize, units: &Units, place: &[u32]) -> Result<(), Error> {
        let Self { rows, recipes, read, kinds, values, taken } = self;
        kinds.iter_mut().for_each(Vec::clear);
        rows.each_part(partition, read, |halves| lay_apart(halves, recipes, place, kinds))?;
        let program = rows.program();
        for ((accumulator, value), taken) in values.iter_mut().zip(&program.values).zip(taken.iter()) {
            accumulator.begin(units.slots.len());
            let rows = || {
                let some = taken.iter().filter(|(number, _)| !kinds[*number].is_empty());
                some.map(|(number, step)| (Kind::new(&kinds[*number], recipes[*number].halves), *step))
            };
            rows().for_each(|(kind, step)| accumulator.take(kind, step));
            accumulator.finish(rows)?;
            if let (Some(after), Some(now)) = (value.matures_after, program.now) {
                accumulator.ripen(|unit| units.from[unit].checked_add(after).is_some_and(|ripe| ripe <= now));
            }
        }
        let keys: usize = values.iter().map(Accumulator::heap_bytes).sum();
        let lists = || kinds.iter().chain(std::iter::once(&*read));
        if keys + lists().map(|list| list.capacity() * size_of::<u32>()).sum::<usize>() > LARGE {
            kinds.iter_mut().chain(std::iter::once(read)).for_each(|list| *list = Vec::new());
            values.iter_mut().for_each(Accumulator::forget);
        }
        Ok(())
    }
}

/// Lays rows apart by kind, each headed by the row of its unit.
fn lay_apart(halves: &[u32], recipes: &[Arc<Recipe>], place: &[u32], kinds: &mut [Vec<u32>]) {
    let mut at = 0;
    while let Some(head) = halves.get(at).copied().map(Head) {
        let width = head.halves().unwrap_or_else(|| recipes[head.recipe()].halves);
        let row = &halves[at..at + width];
        let unit = place[head.slot()];
        let kind = &mut kinds[head.recipe()];
        // Short rows, which most are, need no loop.
        match *row {
            [_] => kind.push(unit),
            [_, a] => kind.extend_from_slice(&[unit, a]),
            [_, a, b] => kind.extend_from_slice(&[unit, a, b]),
            [_, a, b, c] => kind.extend_from_slice(&[unit, a, b, c]),
            [_, a, b, c, d] => kind.extend_from_slice(&[unit, a, b, c, d]),
            _ => {
                kind.push(unit);
                kind.extend_from_slice(&row[1..]);
            }
        }
        at += width;
    }
}
