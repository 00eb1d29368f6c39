//! Random counts, one for each cell, prepared once for all replicates.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Binomial, Distribution, Poisson};

/// Up to this many units a cell's count is looked up in its distribution function.
const SMALL: u64 = 16;

/// The laws of the counts of all cells.
pub(super) struct CountLaws {
    laws: Vec<CountLaw>,
    /// Distribution functions, by the units of a cell.
    tables: Vec<Vec<f64>>,
}

enum CountLaw {
    /// By the table with this number.
    Small(usize),
    Poisson(Poisson<f64>),
    Binomial(Binomial),
}

impl CountLaws {
    /// Poisson with as many on average as the cell has units.
    pub fn poisson(counts: impl Iterator<Item = u64>) -> Self {
        let law = |count: u64| match count {
            ..=SMALL => Some(CountLaw::Small(count as usize)),
            _ => Poisson::new(count as f64).ok().map(CountLaw::Poisson),
        };
        let table = |mean: u64| {
            let mean = mean as f64;
            distribution_function((-mean).exp(), |k| mean / k, mean)
        };
        Self { laws: counts.filter_map(law).collect(), tables: (0..=SMALL).map(table).collect() }
    }

    /// Binomial: each unit of a cell with this probability, inside (0, 1).
    pub fn binomial(counts: impl Iterator<Item = u64>, probability: f64) -> Self {
        let law = |count: u64| match count {
            ..=SMALL => Some(CountLaw::Small(count as usize)),
            _ => Binomial::new(count, probability).ok().map(CountLaw::Binomial),
        };
        let table = |trials: u64| {
            let (trials, odds) = (trials as f64, probability / (1.0 - probability));
            let none = (1.0 - probability).powf(trials);
            distribution_function(none, |k| (trials - k + 1.0) / k * odds, trials)
        };
        Self { laws: counts.filter_map(law).collect(), tables: (0..=SMALL).map(table).collect() }
    }

    /// Draws a count for each cell.
    pub fn draw<'a>(&'a self, random: &'a mut ChaCha8Rng) -> impl Iterator<Item = f64> + 'a {
        self.laws.iter().map(|law| match law {
            CountLaw::Poisson(law) => law.sample(random),
            CountLaw::Binomial(law) => law.sample(random) as f64,
            CountLaw::Small(table) => {
                let uniform: f64 = random.random();
                self.tables[*table].iter().take_while(|below| uniform >= **below).count() as f64
            }
        })
    }
}

/// `P(K < k)` for `k` from 1 until nothing is left in doubles, from `P(K = 0)` and the ratios of one probability to that
/// before it, which fall below one past the mean.
fn distribution_function(none: f64, ratio: impl Fn(f64) -> f64, mean: f64) -> Vec<f64> {
    let (mut term, mut sum, mut k) = (none, 0.0, 0.0);
    let mut table = Vec::new();
    while k <= mean || term > f64::EPSILON / 4.0 {
        sum += term;
        table.push(sum);
        k += 1.0;
        term *= ratio(k).max(0.0);
    }
    table
}

/// Units by the cell they are in, to pick one of them at random.
pub(super) struct Units {
    /// How many units are in each cell and those before it.
    upto: Vec<u64>,
}

impl Units {
    pub fn of(counts: impl Iterator<Item = u64>) -> Self {
        let sum = |sum: &mut u64, count: u64| {
            *sum += count;
            Some(*sum)
        };
        Self { upto: counts.scan(0, sum).collect() }
    }

    /// The cell of a unit picked at random; zero without units.
    pub fn pick(&self, random: &mut ChaCha8Rng) -> usize {
        match self.upto.last() {
            Some(units) if *units > 0 => {
                let unit = random.random_range(0..*units);
                self.upto.partition_point(|upto| *upto <= unit)
            }
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resampling::stream::stream;

    #[test]
    fn tables_end_where_nothing_is_left() {
        let laws = [CountLaws::poisson(std::iter::empty()), CountLaws::binomial(std::iter::empty(), 0.3)];
        for table in laws.iter().flat_map(|law| &law.tables) {
            assert!((table.last().unwrap() - 1.0).abs() < 1e-14 && table.is_sorted());
        }
        assert_eq!((laws[1].tables[0].len(), laws[1].tables[16].len()), (1, 17));
    }

    #[test]
    fn counts_have_the_mean_and_spread_of_their_law() {
        let counts = [1_u64, 5, 16, 17, 4_000];
        for p in [None, Some(0.2), Some(0.9)] {
            let law = match p {
                None => CountLaws::poisson(counts.into_iter()),
                Some(p) => CountLaws::binomial(counts.into_iter(), p),
            };
            let (mut sums, mut squares) = ([0.0; 5], [0.0; 5]);
            for replicate in 0..2_000 {
                for (at, drawn) in law.draw(&mut stream(2, replicate)).enumerate() {
                    sums[at] += drawn;
                    squares[at] += (drawn - counts[at] as f64 * p.unwrap_or(1.0)).powi(2);
                }
            }
            for at in 0..5 {
                let mean = counts[at] as f64 * p.unwrap_or(1.0);
                let variance = mean * p.map_or(1.0, |p| 1.0 - p);
                assert!((sums[at] / 2_000.0 - mean).abs() < 4.0 * (variance / 2_000.0).sqrt(), "{p:?} {at}");
                assert!((squares[at] / 2_000.0 / variance - 1.0).abs() < 0.2, "{p:?} {at}");
            }
        }
    }

    #[test]
    fn units_are_picked_by_cell() {
        let units = Units::of([3_u64, 0, 1].into_iter());
        let mut picked = [0; 3];
        let mut random = stream(1, 1);
        (0..4_000).for_each(|_| picked[units.pick(&mut random)] += 1);
        assert!(picked[1] == 0 && (picked[0] as f64 / 3_000.0 - 1.0).abs() < 0.05, "{picked:?}");
    }
}
