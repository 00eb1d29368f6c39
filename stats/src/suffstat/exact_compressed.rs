//! The exact, mergeable form of a compressed sample.

use std::cmp::Ordering;
use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::comoments::expect;
use super::encoding::{Reader, write_block};
use super::{Compressed, Error, ExactCoMoments, ExactSum, GroupSums, SufficientStatistic, Values};

const TAG: u8 = 0x5a;

/// Per distinct row of features: how many units, and of each outcome `Σy` and `Σy²` without any rounding.
///
/// A unit counts only when all its values are finite. Sums take 32 bytes a row and outcome as long as two doubles hold each.
///
/// - **Needs** one row per unit, features before outcomes.
/// - **Gives** [`finish`](ExactCompressed::finish): a [`Compressed`], every entry correctly rounded.
#[derive(Debug, Clone)]
pub struct ExactCompressed {
    features: usize,
    hasher: RandomState,
    /// Distinct rows by their features.
    places: HashTable<u32>,
    /// The features of each distinct row, end to end.
    rows: Vec<f64>,
    n: Vec<u64>,
    outcomes: Vec<Outcome>,
    dropped: u64,
    /// Per feature, then per outcome.
    non_finite: Vec<u64>,
}

/// The sums of one outcome, by distinct row.
#[derive(Debug, Clone, Default)]
struct Outcome {
    sums: GroupSums,
    squares: GroupSums,
}

impl ExactCompressed {
    /// Of so many features and outcomes, and no rows.
    pub fn new(features: usize, outcomes: usize) -> Self {
        ExactCompressed {
            features,
            hasher: RandomState::default(),
            places: HashTable::new(),
            rows: Vec::new(),
            n: Vec::new(),
            outcomes: vec![Outcome::default(); outcomes],
            dropped: 0,
            non_finite: vec![0; features + outcomes],
        }
    }

    /// How many values of variable `i`, features first, were infinite or not a number; such units are in no row.
    pub fn non_finite(&self, i: usize) -> u64 {
        self.non_finite.get(i).copied().unwrap_or(0)
    }

    /// Adds the units at some positions of columns, features before outcomes; one that misses a value is counted and left out.
    ///
    /// - **Errors** with [`Error::Shape`] when columns or positions do not fit, [`Error::Overflow`] past 2³² distinct rows.
    pub fn push(&mut self, columns: &[Values<'_>], positions: &[u32]) -> Result<(), Error> {
        expect("columns", self.non_finite.len(), columns.len())?;
        let height = columns.iter().map(|column| column.values.len()).min().unwrap_or(usize::MAX);
        if let Some(beyond) = positions.iter().map(|position| *position as usize).find(|position| *position >= height) {
            return Err(Error::Shape { what: "rows a position may name", expected: height, got: beyond });
        }
        let mut unit = vec![0.0; columns.len()];
        for position in positions.iter().map(|position| *position as usize) {
            let present =
                |column: &Values<'_>| column.present.is_none_or(|present| present.get(position) == Some(&true));
            if columns.iter().all(present) {
                unit.iter_mut().zip(columns).for_each(|(value, column)| *value = column.values[position]);
                self.push_unit(&mut unit)?;
            } else {
                self.dropped += 1;
            }
        }
        Ok(())
    }

    /// Adds one unit, whose values may be changed in their sign of zero.
    fn push_unit(&mut self, unit: &mut [f64]) -> Result<(), Error> {
        if unit.iter().any(|value| !value.is_finite()) {
            let counts = self.non_finite.iter_mut().zip(unit);
            counts.filter(|(_, value)| !value.is_finite()).for_each(|(count, _)| *count += 1);
            return Ok(());
        }
        // Both zeros are one value.
        unit.iter_mut().for_each(|value| *value += 0.0);
        let (features, values) = unit.split_at(self.features);
        let place = self.place(features)?;
        self.n[place] += 1;
        for (outcome, value) in self.outcomes.iter_mut().zip(values) {
            outcome.sums.add(place, *value)?;
            outcome.squares.add_square(place, *value)?;
        }
        Ok(())
    }

    /// The place of a row of features, which is new if it was not there.
    fn place(&mut self, features: &[f64]) -> Result<usize, Error> {
        let ExactCompressed { places, rows, n, hasher, outcomes, .. } = self;
        let width = features.len();
        let row = |place: &u32| rows.get(*place as usize * width..(*place as usize + 1) * width).unwrap_or_default();
        // Features are finite and without negative zeros, so equal numbers have equal bits.
        let hash = |features: &[f64]| hasher.hash_one(bytemuck::cast_slice::<f64, u64>(features));
        let own = hash(features);
        if let Some(place) = places.find(own, |place| row(place) == features) {
            return Ok(*place as usize);
        }
        let place = n.len();
        let short =
            u32::try_from(place).map_err(|_| Error::Overflow { what: "the count of distinct rows".to_owned() })?;
        places.insert_unique(own, short, |place| hash(row(place)));
        rows.extend_from_slice(features);
        n.push(0);
        for outcome in outcomes {
            outcome.sums.resize(place + 1);
            outcome.squares.resize(place + 1);
        }
        Ok(place)
    }

    /// Adds the units of another part of the same sample. Exact: order and grouping of merges do not matter.
    ///
    /// - **Errors** with [`Error::Shape`] when the other part has other variables, [`Error::Overflow`] past 2⁶⁴ units.
    pub fn merge(&mut self, other: &ExactCompressed) -> Result<(), Error> {
        expect("features", self.features, other.features)?;
        expect("outcomes", self.outcomes.len(), other.outcomes.len())?;
        for from in 0..other.n.len() {
            let to = self.place(other.row(from))?;
            self.n[to] = counted(self.n[to], other.n[from])?;
            for (own, part) in self.outcomes.iter_mut().zip(&other.outcomes) {
                if let (Some(sum), Some(squares)) = (part.sums.parts(from), part.squares.parts(from)) {
                    own.sums.merge_parts(to, &sum)?;
                    own.squares.merge_parts(to, &squares)?;
                }
            }
        }
        self.dropped = counted(self.dropped, other.dropped)?;
        for (own, more) in self.non_finite.iter_mut().zip(&other.non_finite) {
            *own = counted(*own, *more)?;
        }
        Ok(())
    }

    fn row(&self, place: usize) -> &[f64] {
        &self.rows[place * self.features..(place + 1) * self.features]
    }

    /// The places in the order of their features.
    fn in_order(&self) -> Vec<usize> {
        let mut places: Vec<usize> = (0..self.n.len()).collect();
        let by_feature = |left: &[f64], right: &[f64]| {
            let unequal = left.iter().zip(right).map(|(left, right)| left.total_cmp(right));
            unequal.into_iter().find(|order| *order != Ordering::Equal).unwrap_or(Ordering::Equal)
        };
        places.sort_unstable_by(|left, right| by_feature(self.row(*left), self.row(*right)));
        places
    }

    /// Rounds once: counts, means and centred sums of squares, in the order of features.
    ///
    /// - **Errors** with [`Error::NonFinite`] naming the first variable concerned, [`Error::Overflow`] when a sum of squares leaves the range of doubles.
    pub fn finish(&self) -> Result<Compressed, Error> {
        if let Some(variable) = self.non_finite.iter().position(|count| *count > 0) {
            return Err(Error::NonFinite { variable, count: self.non_finite[variable] });
        }
        let places = self.in_order();
        let outcomes = self.outcomes.iter().map(|outcome| {
            let moments = places.iter().map(|place| outcome.moments(*place, self.n[*place]));
            moments.collect::<Result<(Vec<f64>, Vec<f64>, Vec<f64>), Error>>()
        });
        let (mean, rest, centred) = outcomes.collect::<Result<(Vec<_>, Vec<_>, Vec<_>), Error>>()?;
        let feature = |k: usize| places.iter().map(|place| self.row(*place)[k]).collect();
        Ok(Compressed {
            features: (0..self.features).map(feature).collect(),
            n: places.iter().map(|place| self.n[*place]).collect(),
            mean,
            rest,
            centred,
            missing: self.dropped,
        })
    }

    /// Bytes held on the heap.
    pub fn heap_bytes(&self) -> usize {
        let outcome = |one: &Outcome| size_of::<Outcome>() + one.sums.size_bytes() + one.squares.size_bytes();
        self.places.allocation_size()
            + size_of_val(self.rows.as_slice())
            + size_of_val(self.n.as_slice())
            + size_of_val(self.non_finite.as_slice())
            + self.outcomes.iter().map(outcome).sum::<usize>()
    }

    /// The canonical bytes: equal rows and sums give equal bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![TAG];
        for count in [self.features, self.outcomes.len()] {
            bytes.extend_from_slice(&(count as u16).to_le_bytes());
        }
        for count in std::iter::once(&self.dropped).chain(&self.non_finite).chain([&(self.n.len() as u64)]) {
            bytes.extend_from_slice(&count.to_le_bytes());
        }
        for place in self.in_order() {
            self.row(place).iter().for_each(|feature| bytes.extend_from_slice(&feature.to_le_bytes()));
            bytes.extend_from_slice(&self.n[place].to_le_bytes());
            for outcome in &self.outcomes {
                write_block(&mut bytes, &outcome.sums.exact(place).encode());
                write_block(&mut bytes, &outcome.squares.exact(place).encode());
            }
        }
        bytes
    }

    /// Reads what [`encode`](ExactCompressed::encode) wrote.
    ///
    /// - **Errors** with [`Error::Encoding`] on any bytes that `encode` cannot have written.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new("compressed sample", TAG, bytes)?;
        let features = usize::from(reader.u16("the number of features")?);
        let outcomes = usize::from(reader.u16("the number of outcomes")?);
        let mut read = ExactCompressed::new(features, outcomes);
        read.dropped = reader.u64("the count of dropped units")?;
        for count in &mut read.non_finite {
            *count = reader.u64("a count of values that are not finite")?;
        }
        let rows = reader.u64("the count of rows")?;
        for row in 0..rows {
            let row_features: Vec<f64> = (0..features).map(|_| reader.f64("a feature")).collect::<Result<_, _>>()?;
            let canonical = |value: &f64| value.is_finite() && value.to_bits() != (-0.0_f64).to_bits();
            let place = read.place(&row_features)?;
            if !row_features.iter().all(canonical) || place as u64 != row {
                return Err(reader.refuse(format!("row {row} is not a new row of finite features")));
            }
            read.n[place] = reader.u64("a count of units")?;
            if read.n[place] == 0 {
                return Err(reader.refuse(format!("row {row} has no units")));
            }
            for outcome in &mut read.outcomes {
                for sums in [&mut outcome.sums, &mut outcome.squares] {
                    sums.add_exact(place, &ExactSum::decode(reader.block("a sum")?)?)?;
                }
            }
        }
        if read.in_order() != (0..read.n.len()).collect::<Vec<_>>() {
            return Err(reader.refuse("its rows are not in the order of their features"));
        }
        reader.finish()?;
        Ok(read)
    }
}

impl Outcome {
    /// Mean, what rounding left of it, and centred sum of squares of a row.
    fn moments(&self, place: usize, n: u64) -> Result<(f64, f64, f64), Error> {
        if n == 1 {
            return Ok((self.sums.finish(place)?.unwrap_or(0.0), 0.0, 0.0));
        }
        let moments = ExactCoMoments::of_one(n, self.sums.exact(place), self.squares.exact(place)).finish()?;
        Ok((moments.mean(0), moments.rest[0], moments.centred(0, 0)))
    }
}

/// Adds to a count of units, refusing to wrap.
fn counted(units: u64, more: u64) -> Result<u64, Error> {
    units.checked_add(more).ok_or_else(|| Error::Overflow { what: "the count of units".to_owned() })
}

impl PartialEq for ExactCompressed {
    fn eq(&self, other: &Self) -> bool {
        self.encode() == other.encode()
    }
}

impl Eq for ExactCompressed {}

impl SufficientStatistic for ExactCompressed {
    fn name(&self) -> &'static str {
        "exact_compressed"
    }

    fn arity(&self) -> usize {
        self.features + self.outcomes.len()
    }

    fn observe(&mut self, columns: &[&[f64]]) -> Result<(), Error> {
        let height = columns.first().map_or(0, |column| column.len());
        for column in columns {
            expect("rows of a column", height, column.len())?;
        }
        expect("columns", self.arity(), columns.len())?;
        let mut unit = vec![0.0; columns.len()];
        for row in 0..height {
            unit.iter_mut().zip(columns).for_each(|(value, column)| *value = column[row]);
            self.push_unit(&mut unit)?;
        }
        Ok(())
    }

    fn absorb(&mut self, encoded: &[u8]) -> Result<(), Error> {
        self.merge(&ExactCompressed::decode(encoded)?)
    }

    fn encode(&self) -> Vec<u8> {
        ExactCompressed::encode(self)
    }
}
