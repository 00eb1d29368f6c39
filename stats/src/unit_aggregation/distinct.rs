//! How many different keys each unit of a partition has.

/// Keys of a unit up to which they are compared each with each: cheaper than to sort them.
const FEW: usize = 24;

/// The keys of one value, with the rows of their units.
#[derive(Debug, Default)]
pub(super) struct Distinct<T> {
    units: Vec<u32>,
    keys: Vec<T>,
    starts: Vec<u32>,
    sorted: Vec<T>,
}

impl<T: Copy + Ord + Default> Distinct<T> {
    /// Makes ready for so many more.
    pub(super) fn reserve(&mut self, rows: usize) {
        self.units.reserve(rows);
        self.keys.reserve(rows);
    }

    /// Adds the key of a row of a unit.
    #[inline]
    pub(super) fn push(&mut self, unit: u32, key: T) {
        self.units.push(unit);
        self.keys.push(key);
    }

    /// How many different keys each of so many units has, of all since the last time.
    pub(super) fn count(&mut self, units: &mut [f64]) {
        let Self { units: of, keys, starts, sorted } = self;
        starts.clear();
        starts.resize(units.len() + 1, 0);
        of.iter().for_each(|unit| starts[*unit as usize + 1] += 1);
        for unit in 0..units.len() {
            starts[unit + 1] += starts[unit];
        }
        if sorted.len() < keys.len() {
            sorted.resize(keys.len(), T::default());
        }
        for (unit, key) in of.iter().zip(keys.iter()) {
            let next = &mut starts[*unit as usize];
            sorted[*next as usize] = *key;
            *next += 1;
        }
        // Each start has moved to where the next one was.
        let mut start = 0;
        for (count, end) in units.iter_mut().zip(starts.iter()) {
            *count = different(&mut sorted[start..*end as usize]) as f64;
            start = *end as usize;
        }
        of.clear();
        keys.clear();
    }

    pub(super) fn heap_bytes(&self) -> usize {
        (self.units.capacity() + self.starts.capacity()) * size_of::<u32>()
            + (self.keys.capacity() + self.sorted.capacity()) * size_of::<T>()
    }
}

/// How many different keys there are.
fn different<T: Copy + Ord>(keys: &mut [T]) -> usize {
    match keys.len() {
        few @ (0 | 1) => few,
        ..=FEW => (0..keys.len()).filter(|at| !keys[..*at].contains(&keys[*at])).count(),
        _ => {
            keys.sort_unstable();
            1 + keys.windows(2).filter(|pair| pair[0] != pair[1]).count()
        }
    }
}
