//! What is known of one value of all units of a partition, while their rows are read kind by kind.

use std::collections::HashMap;

use super::Error;
use super::distinct::Distinct;
use super::lane::{Form, Lane, of_single};
use super::program::{Argument, Function, INSTANT, Step, Taken, Value};
use crate::suffstat::{ExactSum, Values, decimal_to_f64, two_sum};

/// Rows of one kind: the row of their unit, then the halves that travel along.
#[derive(Clone, Copy)]
pub(super) struct Kind<'a> {
    halves: &'a [u32],
    width: usize,
}

impl<'a> Kind<'a> {
    pub(super) const fn new(halves: &'a [u32], width: usize) -> Self {
        Self { halves, width }
    }

    #[inline]
    fn rows(self) -> impl ExactSizeIterator<Item = &'a [u32]> {
        self.halves.chunks_exact(self.width)
    }

    /// The unit of each row.
    #[inline]
    fn units(self) -> impl ExactSizeIterator<Item = usize> {
        self.rows().map(|row| row[0] as usize)
    }

    /// Gives the unit of each row and the word of its argument: one short loop for each form of it.
    #[inline]
    fn each(self, lane: Option<Lane>, mut take: impl FnMut(usize, u64)) {
        let Some(Lane { at, form }) = lane else { return self.units().for_each(|unit| take(unit, 0)) };
        debug_assert!(at + form.halves() <= self.width, "a lane of the row");
        match form {
            Form::Whole(_) => self.rows().for_each(|row| take(row[0] as usize, word(row, at))),
            Form::Steps { base, shift } => {
                self.rows().for_each(|row| take(row[0] as usize, base.wrapping_add(u64::from(row[at]) << shift)))
            }
            Form::Single => self.rows().for_each(|row| take(row[0] as usize, of_single(row[at]))),
        }
    }
}

/// The word whose halves begin at a place.
#[inline]
fn word(row: &[u32], at: usize) -> u64 {
    bytemuck::cast([row[at], row[at + 1]])
}

/// One value of the units of a partition.
pub(super) struct Accumulator {
    how: How,
    when_empty: Option<f64>,
    /// Whether rows are counted beside what is made of them.
    counts: bool,
    /// Whether the sum is to be divided by their number.
    divides: bool,
    /// The number of each unit, once finished; until then what is known of it.
    values: Vec<f64>,
    /// Which units have one; all when empty.
    present: Vec<bool>,
    rows: Vec<f64>,
    /// What was lost of each sum by rounding.
    low: Vec<f64>,
    integers: Vec<i128>,
    /// The instant of each first or last value.
    at: Vec<i64>,
    keys: Distinct<u64>,
    wide: Distinct<u128>,
    /// Units whose sum two doubles do not hold.
    inexact: Vec<usize>,
    not_finite: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Any,
    Count,
    Keys,
    WideKeys,
    SumOf(Integers),
    SumOfFloats,
    Least,
    Greatest,
    Earliest,
    Latest,
    Only,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Integers {
    Signed,
    Unsigned,
    Decimal(i8),
}

impl Accumulator {
    pub(super) fn new(value: &Value, argument: Option<Argument>) -> Self {
        let how = match (value.function, argument) {
            (Function::Any, _) => How::Any,
            (Function::Count, _) => How::Count,
            (Function::CountDistinct, Some(Argument::Wide)) => How::WideKeys,
            (Function::CountDistinct, _) => How::Keys,
            (Function::Sum | Function::Mean, Some(Argument::Float)) => How::SumOfFloats,
            (Function::Sum | Function::Mean, Some(Argument::Unsigned)) => How::SumOf(Integers::Unsigned),
            (Function::Sum | Function::Mean, Some(Argument::Decimal { scale })) => How::SumOf(Integers::Decimal(scale)),
            (Function::Sum | Function::Mean, _) => How::SumOf(Integers::Signed),
            (Function::Min, _) => How::Least,
            (Function::Max, _) => How::Greatest,
            (Function::First, _) => How::Earliest,
            (Function::Last, _) => How::Latest,
            (Function::Row, _) => How::Only,
        };
        // A sum of nothing is 0 already.
        let counts = match value.function {
            Function::Sum => !value.is_zero_when_empty(),
            Function::Mean | Function::Row => true,
            _ => value.tells_empty_from_zero(),
        };
        Self {
            how,
            when_empty: value.when_empty,
            counts,
            divides: value.function == Function::Mean,
            values: Vec::new(),
            present: Vec::new(),
            rows: Vec::new(),
            low: Vec::new(),
            integers: Vec::new(),
            at: Vec::new(),
            keys: Distinct::default(),
            wide: Distinct::default(),
            inexact: Vec::new(),
            not_finite: false,
        }
    }

    /// Makes ready for so many units without rows.
    pub(super) fn begin(&mut self, units: usize) {
        let start = match self.how {
            How::Least | How::Earliest => f64::INFINITY,
            How::Greatest | How::Latest | How::Only => f64::NEG_INFINITY,
            _ => 0.0,
        };
        fill(&mut self.values, units, start);
        self.present.clear();
        if self.counts {
            fill(&mut self.rows, units, 0.0);
        }
        match self.how {
            How::SumOfFloats => fill(&mut self.low, units, 0.0),
            How::SumOf(_) => fill(&mut self.integers, units, 0),
            How::Earliest => fill(&mut self.at, units, i64::MAX),
            How::Latest => fill(&mut self.at, units, i64::MIN),
            _ => {}
        }
        self.inexact.clear();
        self.not_finite = false;
    }

    /// Takes in rows of one kind.
    pub(super) fn take(&mut self, kind: Kind<'_>, step: Step) {
        if self.counts {
            kind.units().for_each(|unit| self.rows[unit] += 1.0);
        }
        let Step { taken: Taken::Whole, lane, .. } = step else { return };
        match self.how {
            How::Any => kind.units().for_each(|unit| self.values[unit] = 1.0),
            How::Count => kind.units().for_each(|unit| self.values[unit] += 1.0),
            How::Keys => {
                self.keys.reserve(kind.rows().len());
                kind.each(lane, |unit, key| self.keys.push(unit as u32, key));
            }
            How::WideKeys => {
                self.wide.reserve(kind.rows().len());
                let at = lane.map_or(0, |lane| lane.at);
                let key = |row: &[u32]| u128::from(word(row, at)) << 64 | u128::from(word(row, at + 2));
                kind.rows().for_each(|row| self.wide.push(row[0], key(row)));
            }
            How::SumOf(Integers::Unsigned) => {
                kind.each(lane, |unit, word| self.integers[unit] += i128::from(word));
            }
            How::SumOf(_) => kind.each(lane, |unit, word| self.integers[unit] += i128::from(word as i64)),
            How::SumOfFloats => self.add(kind, lane),
            How::Least => self.compare(kind, lane, |value, known| value < known),
            How::Greatest | How::Only => self.compare(kind, lane, |value, known| value > known),
            How::Earliest => {
                self.in_time(kind, lane, |at, value, known| at < known.0 || at == known.0 && value < known.1);
            }
            How::Latest => {
                self.in_time(kind, lane, |at, value, known| at > known.0 || at == known.0 && value > known.1);
            }
        }
    }

    fn add(&mut self, kind: Kind<'_>, lane: Option<Lane>) {
        let (values, low) = (&mut self.values[..], &mut self.low[..]);
        kind.each(lane, |unit, word| {
            // Exact as long as nothing is lost from the second sum; a value that is not finite loses everything.
            let (sum, lost) = two_sum(values[unit], f64::from_bits(word));
            let (lost, rest) = two_sum(low[unit], lost);
            (values[unit], low[unit]) = (sum, lost);
            if rest != 0.0 {
                self.inexact.push(unit);
            }
        });
    }

    fn compare(&mut self, kind: Kind<'_>, lane: Option<Lane>, wins: impl Fn(f64, f64) -> bool) {
        kind.each(lane, |unit, word| {
            let value = plain(word);
            self.not_finite |= !value.is_finite();
            let known = &mut self.values[unit];
            *known = if wins(value, *known) { value } else { *known };
        });
    }

    fn in_time(&mut self, kind: Kind<'_>, lane: Option<Lane>, wins: impl Fn(i64, f64, (i64, f64)) -> bool) {
        let mut rows = kind.rows();
        kind.each(lane, |unit, argument| {
            let at = rows.next().map_or(0, |row| word(row, INSTANT.at)) as i64;
            let value = plain(argument);
            self.not_finite |= !value.is_finite();
            if wins(at, value, (self.at[unit], self.values[unit])) {
                (self.at[unit], self.values[unit]) = (at, value);
            }
        });
    }

    /// Makes the numbers; `rows` gives the rows of every kind again, with what is taken from each.
    ///
    /// # Errors
    /// [`Error::Refused`] where a value is not finite or a unit has more rows than it may.
    pub(super) fn finish<'a, I: Iterator<Item = (Kind<'a>, Step)>>(
        &mut self,
        rows: impl Fn() -> I,
    ) -> Result<(), Error> {
        match self.how {
            How::Keys => self.keys.count(&mut self.values),
            How::WideKeys => self.wide.count(&mut self.values),
            How::SumOf(Integers::Decimal(scale)) => {
                for (value, integer) in self.values.iter_mut().zip(&self.integers) {
                    *value = decimal_to_f64(*integer, scale);
                }
            }
            How::SumOf(_) => {
                for (value, integer) in self.values.iter_mut().zip(&self.integers) {
                    *value = i64::try_from(*integer).map_or(*integer as f64, |small| small as f64);
                }
            }
            How::SumOfFloats => {
                self.values.iter_mut().zip(&self.low).for_each(|(value, low)| *value += low);
                self.sum_exactly(rows())?;
            }
            _ => {}
        }
        if self.how == How::Only && self.rows.iter().any(|rows| *rows > 1.0) {
            return Err(Error::Refused("a unit with more than one row"));
        }
        self.fill_empty();
        let complete = self.present.is_empty();
        let mut values = self.values.iter().enumerate();
        if self.not_finite || values.any(|(unit, value)| !value.is_finite() && (complete || self.present[unit])) {
            return Err(Error::Refused("a value that is not finite"));
        }
        Ok(())
    }

    /// Gives units without rows what they have then, and means their divisor.
    fn fill_empty(&mut self) {
        match self.how {
            // No rows, none counted: 0 already.
            How::Any | How::Count | How::Keys | How::WideKeys | How::SumOf(_) | How::SumOfFloats if !self.counts => {
                return;
            }
            _ => {}
        }
        let (how, empty) = (self.how, self.when_empty.unwrap_or(0.0));
        let rows = &self.rows;
        let is_empty = |unit: usize, value: f64| match how {
            How::Least | How::Greatest | How::Earliest | How::Latest => value.is_infinite(),
            _ => rows[unit] == 0.0,
        };
        let missing = self.when_empty.is_none();
        if missing {
            self.present.resize(self.values.len(), true);
        }
        for (unit, value) in self.values.iter_mut().enumerate() {
            if is_empty(unit, *value) {
                *value = empty;
                if missing {
                    self.present[unit] = false;
                }
            } else if self.divides {
                *value /= rows[unit];
            }
        }
    }

    /// The sums that two doubles could not hold, from the rows again.
    fn sum_exactly<'a>(&mut self, kinds: impl Iterator<Item = (Kind<'a>, Step)>) -> Result<(), Error> {
        if self.inexact.is_empty() {
            return Ok(());
        }
        let mut sums: HashMap<usize, ExactSum> = self.inexact.iter().map(|unit| (*unit, ExactSum::new())).collect();
        for (kind, step) in kinds {
            kind.each(step.lane, |unit, word| {
                if let Some(sum) = sums.get_mut(&unit) {
                    sum.add(f64::from_bits(word));
                }
            });
        }
        for (unit, sum) in sums {
            if sum.non_finite() > 0 {
                return Err(Error::Refused("a value that is not finite"));
            }
            self.values[unit] = sum.to_f64();
        }
        Ok(())
    }

    /// Takes out the units of which `ripe` does not hold.
    pub(super) fn ripen(&mut self, ripe: impl Fn(usize) -> bool) {
        self.present.resize(self.values.len(), true);
        self.present.iter_mut().enumerate().for_each(|(unit, present)| *present &= ripe(unit));
    }

    /// The number of each unit that has one.
    pub(super) fn column(&self) -> Values<'_> {
        let is_complete = !self.present.contains(&false);
        Values { values: &self.values, present: (!is_complete).then_some(&self.present[..]) }
    }

    /// Bytes that follow the rows, not the units.
    pub(super) fn heap_bytes(&self) -> usize {
        self.keys.heap_bytes() + self.wide.heap_bytes()
    }

    /// Gives back what follows the rows.
    pub(super) fn forget(&mut self) {
        (self.keys, self.wide) = (Distinct::default(), Distinct::default());
    }
}

/// The double of a word. Adding 0.0 makes -0.0 and 0.0 the same, as they are in every comparison of SQL.
#[inline]
fn plain(word: u64) -> f64 {
    f64::from_bits(word) + 0.0
}

fn fill<T: Copy>(list: &mut Vec<T>, units: usize, value: T) {
    list.clear();
    list.resize(units, value);
}
