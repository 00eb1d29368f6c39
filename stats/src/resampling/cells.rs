//! A distribution in few cells.

use crate::empirical::Empirical;

/// Most cells; a distribution with no more distinct values has one cell for each.
pub(super) const MOST_CELLS: usize = 4_096;
/// The share of the cells that single values at each end get, where there are more values than cells.
const TAIL_SHARE: usize = 4;

/// Units that are drawn together: how many there are, their mean and their spread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Cell {
    pub count: u64,
    /// Mean of the cell's values, less the pivot.
    pub mean: f64,
    /// Variance of the values within the cell: zero for a single value.
    pub variance: f64,
}

/// A distribution as the cells that a replicate draws from.
///
/// Up to 4,096 distinct values there is one cell for each and nothing is lost. Of more, the thousand smallest and the
/// thousand largest keep a cell each, since these carry the skewness; between them values are grouped, about as many
/// units to each cell. How many units of a cell are drawn stays exact; the sum of those drawn is then taken as normal with the cell's
/// mean and variance, which thousands of values next to each other are to many digits.
///
/// ```
/// use estimand_stats::{empirical::Empirical, resampling::Cells};
///
/// let values: Vec<f64> = (0..100_000).map(f64::from).collect();
/// let cells = Cells::of(Empirical::new(&values, &vec![1; values.len()])?);
/// assert_eq!((cells.n(), cells.len() <= 4_096), (100_000, true));
/// # Ok::<(), estimand_stats::empirical::Malformed>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Cells {
    pub(super) cells: Vec<Cell>,
    /// What was taken off every value: near the middle of the data.
    pub(super) pivot: f64,
    n: u64,
}

impl Cells {
    /// Of an arm.
    pub fn of(arm: Empirical<'_>) -> Cells {
        let pivot = arm.values().get(arm.values().len() / 2).copied().unwrap_or(0.0);
        Cells::about(arm, pivot, MOST_CELLS)
    }

    /// Of an arm, less a given pivot, with at most so many cells.
    pub(super) fn about(arm: Empirical<'_>, pivot: f64, most: usize) -> Cells {
        let distinct = arm.values().len();
        let tail = most / TAIL_SHARE;
        let (first, last) = if distinct <= most { (distinct, distinct) } else { (tail, distinct - tail) };
        let middle: u64 = arm.counts().get(first..last).map_or(0, |counts| counts.iter().sum());
        let share = middle.div_ceil((most - 2 * tail).max(1) as u64).max(1);
        let mut cells: Vec<Cell> = Vec::with_capacity(distinct.min(most));
        let mut group = Group::default();
        for (at, (value, count)) in arm.iter().enumerate() {
            if (first..last).contains(&at) {
                group.add(value - pivot, count);
                if group.count >= share {
                    cells.push(std::mem::take(&mut group).cell());
                }
            } else {
                if group.count > 0 {
                    cells.push(std::mem::take(&mut group).cell());
                }
                cells.push(Cell { count, mean: value - pivot, variance: 0.0 });
            }
        }
        if group.count > 0 {
            cells.push(group.cell());
        }
        Cells { cells, pivot, n: arm.n() }
    }

    /// Units in all cells together.
    pub fn n(&self) -> u64 {
        self.n
    }

    /// How many cells.
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// Whether there is none: an arm without units.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// `Σx` and `Σx²` over all units, of values less the pivot.
    pub(super) fn sums(&self) -> [f64; 2] {
        self.cells.iter().fold([0.0, 0.0], |[sum, squares], cell| {
            let n = cell.count as f64;
            [sum + n * cell.mean, squares + n * (cell.mean * cell.mean + cell.variance)]
        })
    }
}

/// Values on their way into a cell.
#[derive(Default)]
struct Group {
    count: u64,
    mean: f64,
    centred: f64,
}

impl Group {
    /// Welford's step, for many units of one value.
    fn add(&mut self, value: f64, count: u64) {
        self.count += count;
        let step = value - self.mean;
        self.mean += step * (count as f64 / self.count as f64);
        self.centred += count as f64 * step * (value - self.mean);
    }

    fn cell(self) -> Cell {
        Cell { count: self.count, mean: self.mean, variance: self.centred / self.count as f64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_values_keep_a_cell_each() {
        let cells = Cells::of(Empirical::new(&[1.0, 2.0, 9.0], &[3, 5, 2]).unwrap());
        let cell = |count, mean| Cell { count, mean, variance: 0.0 };
        assert_eq!(cells, Cells { cells: vec![cell(3, -1.0), cell(5, 0.0), cell(2, 7.0)], pivot: 2.0, n: 10 });
    }

    #[test]
    fn grouping_keeps_count_sum_and_squares() {
        let values: Vec<f64> = (0..5_000).map(|i| f64::from(i).powi(2)).collect();
        let counts: Vec<u64> = (0..5_000).map(|i| 1 + i % 7).collect();
        let arm = Empirical::new(&values, &counts).unwrap();
        let (fine, coarse) = (Cells::about(arm, 1e6, 5_000), Cells::about(arm, 1e6, 200));
        assert_eq!((fine.len(), fine.n(), coarse.n()), (5_000, arm.n(), arm.n()));
        assert!(coarse.len() <= 200, "{} cells", coarse.len());
        assert_eq!(coarse.cells.iter().map(|cell| cell.count).sum::<u64>(), arm.n());
        for (fine, coarse) in fine.sums().into_iter().zip(coarse.sums()) {
            assert!((coarse / fine - 1.0).abs() < 1e-12);
        }
    }
}
