//! Randomisation tests: the assignment drawn anew.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::cells::{Cell, Cells, MOST_CELLS};
use super::count_laws::{CountLaws, Units};
use super::stream::stream;
use crate::dist::{Alternative, TailProbability};
use crate::empirical::Empirical;
use crate::ranks::for_each_value;

/// Most different assignments that are counted instead of drawn.
pub(super) const MOST_ASSIGNMENTS: f64 = 200_000.0;
/// Most work for counting how many there are.
const MOST_COUNTING: u64 = 100_000;
/// By how much rounding may make a statistic smaller than one that is equal to it.
const SLACK: f64 = 1e-10;

/// The units among which the assignment was drawn: all of an experiment, or one of its strata.
#[derive(Clone, Copy, Debug)]
pub struct Stratum<'a> {
    /// Those that were treated.
    pub treated: Empirical<'a>,
    /// Those that were not.
    pub control: Empirical<'a>,
}

/// The difference of means in its standard errors, over assignments as they could have been.
///
/// Each assignment puts as many units of each stratum into the treated arm as there were, all choices equally likely.
/// The means of strata are weighted by their units. Studentised, each assignment has a standard error of its own
/// (Neyman's, an arm's variance apart): the test is then exact when treatment changes no unit's outcome, and in large
/// samples also right when it changes outcomes but not their mean. Otherwise the standard error is that over
/// assignments.
///
/// - **Needs** the distribution of both arms in each stratum.
/// - **Assumes** the assignment as described, and no interference; nothing about the outcomes.
/// - **Source** Fisher (1935); Pitman (1937); studentised: Janssen (1997), Chung & Romano (2013); Wu & Ding (2021).
#[derive(Clone, Debug)]
pub struct Permutation {
    pub(super) difference: f64,
    pub(super) std_error: f64,
    pub(super) statistic: f64,
    pub(super) reassigned: Reassigned,
}

/// The law of the statistic over assignments.
#[derive(Clone, Debug, PartialEq)]
pub struct Reassigned {
    /// Statistics, rising.
    values: Vec<f64>,
    /// The share of assignments with each.
    shares: Vec<f64>,
    /// The share that the sample itself has where assignments were drawn; zero where all were counted.
    own: f64,
}

/// One stratum, ready to be drawn from.
struct Pool {
    cells: Cells,
    n: [u64; 2],
    observed: [f64; 2],
    share: f64,
    counts: CountLaws,
    units: Units,
}

impl Permutation {
    /// Of strata with units in both arms; `None` when there is none.
    ///
    /// All assignments are counted when they are few, which takes one stratum of some twenty units; else so many
    /// `replicates` are drawn.
    pub fn of(strata: &[Stratum<'_>], studentised: bool, replicates: u64, seed: u64) -> Option<Permutation> {
        let used: Vec<&Stratum<'_>> =
            strata.iter().filter(|stratum| stratum.treated.n() > 0 && stratum.control.n() > 0).collect();
        let total: u64 = used.iter().map(|stratum| stratum.treated.n() + stratum.control.n()).sum();
        let pools: Vec<Pool> = used.into_iter().map(|stratum| Pool::of(stratum, total)).collect();
        let observed: Vec<[f64; 2]> = pools.iter().map(|pool| pool.observed).collect();
        let (difference, own_error) = statistic(&pools, &observed)?;
        let overall = pools.iter().map(Pool::variance_over_assignments).sum::<f64>().sqrt();
        let std_error = if studentised { own_error } else { overall };
        let over = |difference: f64, error: f64| match difference {
            0.0 => 0.0,
            _ => difference / if studentised { error } else { overall },
        };
        let score = |sums: &[[f64; 2]]| statistic(&pools, sums).map(|(difference, error)| over(difference, error));
        let reassigned = match pools.as_slice() {
            [pool] if pool.assignments() <= MOST_ASSIGNMENTS => {
                let mut law = Vec::new();
                pool.every(&mut |sums, ways| law.extend(score(&[sums]).map(|value| (value, ways))));
                Reassigned::counted(law)
            }
            _ => Reassigned::drawn((0..replicates).filter_map(|replicate| {
                let mut random = stream(seed, replicate);
                let sums: Vec<[f64; 2]> = pools.iter().map(|pool| pool.draw(&mut random)).collect();
                score(&sums)
            })),
        };
        Some(Permutation { difference, std_error, statistic: over(difference, own_error), reassigned })
    }

    /// The difference of means, treated less control.
    pub fn difference(&self) -> f64 {
        self.difference
    }

    /// Its standard error; zero when nothing varies.
    pub fn std_error(&self) -> f64 {
        self.std_error
    }

    /// The difference in its standard errors; `None` when nothing varies.
    pub fn statistic(&self) -> Option<f64> {
        Some(self.statistic).filter(|_| self.std_error > 0.0)
    }

    /// Whether all assignments were counted.
    pub fn is_exact(&self) -> bool {
        self.reassigned.own == 0.0
    }

    /// The share of assignments, the sample among them, with a statistic at least as extreme; `None` when nothing
    /// varies.
    pub fn p_value(&self, alternative: Alternative) -> Option<TailProbability> {
        let statistic = self.statistic()?;
        TailProbability::from_ln(self.reassigned.tail(statistic, alternative).ln())
    }

    /// The statistic from which on the test rejects at `alpha`: an interval of that many standard errors excludes
    /// exactly what the test rejects. `None` when there are too few assignments to reject anything.
    pub fn critical(&self, alpha: f64, alternative: Alternative) -> Option<f64> {
        self.reassigned.critical(alpha, alternative).filter(|critical| critical.is_finite())
    }
}

impl Reassigned {
    pub(super) fn counted(mut law: Vec<(f64, f64)>) -> Reassigned {
        law.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let total: f64 = law.iter().map(|(_, ways)| ways).sum();
        let (values, ways): (Vec<f64>, Vec<f64>) = law.into_iter().unzip();
        Reassigned { values, shares: ways.into_iter().map(|ways| ways / total).collect(), own: 0.0 }
    }

    pub(super) fn drawn(law: impl Iterator<Item = f64>) -> Reassigned {
        let mut values: Vec<f64> = law.collect();
        values.sort_unstable_by(f64::total_cmp);
        let share = 1.0 / (values.len() + 1) as f64;
        Reassigned { shares: vec![share; values.len()], values, own: share }
    }

    /// The share of assignments, the sample among them, at least as extreme as this.
    fn tail(&self, statistic: f64, alternative: Alternative) -> f64 {
        let least = statistic.abs() * (1.0 - SLACK);
        let extreme = |value: f64| match alternative {
            Alternative::TwoSided => value.abs() >= least,
            Alternative::Greater => value >= statistic - SLACK * statistic.abs(),
            Alternative::Less => value <= statistic + SLACK * statistic.abs(),
        };
        // All of them are certain, however their shares add up.
        if self.entries().all(|(value, _)| extreme(value)) {
            return 1.0;
        }
        self.own + self.entries().filter(|(value, _)| extreme(*value)).map(|(_, share)| share).sum::<f64>()
    }

    /// The most extreme statistic that is not rejected, as a distance from zero in the asked direction.
    fn critical(&self, alpha: f64, alternative: Alternative) -> Option<f64> {
        let mut distances: Vec<(f64, f64)> = self
            .entries()
            .map(|(value, share)| match alternative {
                Alternative::TwoSided => (value.abs(), share),
                Alternative::Greater => (value, share),
                Alternative::Less => (-value, share),
            })
            .collect();
        distances.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        let mut sum = self.own;
        if sum >= alpha {
            return None;
        }
        let mut reaches = |share: f64| {
            sum += share;
            sum >= alpha
        };
        let critical = distances.iter().find(|(_, share)| reaches(*share)).map(|(distance, _)| *distance)?;
        // Where all assignments were counted, none is more extreme than the most extreme one.
        let most = distances.first().map_or(0.0, |(distance, _)| *distance);
        (self.own > 0.0 || critical < most - SLACK * most.abs()).then_some(critical)
    }

    fn entries(&self) -> impl Iterator<Item = (f64, f64)> {
        self.values.iter().copied().zip(self.shares.iter().copied())
    }
}

/// The weighted difference of means, and its standard error, when these are the sums of the treated.
fn statistic(pools: &[Pool], treated: &[[f64; 2]]) -> Option<(f64, f64)> {
    if pools.is_empty() {
        return None;
    }
    let (mut difference, mut variance) = (0.0, 0.0);
    for (pool, own) in pools.iter().zip(treated) {
        let all = pool.cells.sums();
        let rest = [all[0] - own[0], all[1] - own[1]];
        let n = pool.n.map(|n| n as f64);
        difference += pool.share * (own[0] / n[0] - rest[0] / n[1]);
        let part = |sums: [f64; 2], n: f64| {
            let centred = sums[1] - sums[0] * sums[0] / n;
            // What is left of cancelled squares is rounding.
            if n > 1.0 && centred > 1e-13 * sums[1] { centred / (n - 1.0) / n } else { 0.0 }
        };
        variance += pool.share.powi(2) * (part(*own, n[0]) + part(rest, n[1]));
    }
    Some((difference, variance.sqrt()))
}

impl Pool {
    fn of(stratum: &Stratum<'_>, total: u64) -> Pool {
        let (mut values, mut counts) = (Vec::new(), Vec::new());
        for_each_value([stratum.treated, stratum.control], |value, [treated, control]| {
            values.push(value);
            counts.push(treated + control);
        });
        // Merged from two distributions it is one, but for its size.
        let pooled = Empirical::new(&values, &counts).unwrap_or(stratum.control);
        let pivot = pooled.mean().unwrap_or(0.0);
        let observed = stratum.treated.iter().fold([0.0, 0.0], |[sum, squares], (value, count)| {
            let (n, value) = (count as f64, value - pivot);
            [sum + n * value, squares + n * value * value]
        });
        let n = [stratum.treated.n(), stratum.control.n()];
        let share = (n[0] + n[1]) as f64 / total as f64;
        let cells = Cells::about(pooled, pivot, MOST_CELLS);
        let counts = || cells.cells.iter().map(|cell| cell.count);
        let treated = n[0] as f64 / (n[0] + n[1]) as f64;
        let (counts, units) = (CountLaws::binomial(counts(), treated), Units::of(counts()));
        Pool { cells, n, observed, share, counts, units }
    }

    /// `N/(n₁n₀)·S²`, times the squared weight.
    fn variance_over_assignments(&self) -> f64 {
        let [n_t, n_c] = self.n.map(|n| n as f64);
        let [sum, squares] = self.cells.sums();
        let total = n_t + n_c;
        self.share.powi(2) * total / (n_t * n_c) * (squares - sum * sum / total) / (total - 1.0)
    }

    /// How many assignments differ in what they put where; infinite when that is more than can be counted quickly.
    fn assignments(&self) -> f64 {
        let single = self.cells.cells.iter().all(|cell| cell.variance == 0.0);
        if !single || self.n[0].saturating_mul(self.cells.len() as u64) > MOST_COUNTING {
            return f64::INFINITY;
        }
        let mut ways = vec![0.0; self.n[0] as usize + 1];
        ways[0] = 1.0;
        for cell in &self.cells.cells {
            let before: Vec<f64> = std::iter::once(0.0)
                .chain(ways.iter().scan(0.0, |sum, ways| {
                    *sum += ways;
                    Some(*sum)
                }))
                .collect();
            for (k, ways) in ways.iter_mut().enumerate() {
                *ways = before[k + 1] - before[k.saturating_sub(cell.count as usize)];
            }
        }
        ways[self.n[0] as usize]
    }

    /// Visits every assignment with the treated sums and in how many ways it comes about.
    fn every(&self, visit: &mut impl FnMut([f64; 2], f64)) {
        descend(&self.cells.cells, (self.n[0] + self.n[1], self.n[0]), [0.0, 0.0], 1.0, visit);
    }

    /// Draws one assignment: the treated sums.
    ///
    /// Every unit is treated by a coin of its own; then units that any pick finds on the wrong side change over until
    /// there are as many treated as there were. All sets of that size stay equally likely.
    fn draw(&self, random: &mut ChaCha8Rng) -> [f64; 2] {
        let cells = &self.cells.cells;
        let mut drawn: Vec<f64> = self.counts.draw(random).collect();
        let (mut treated, wanted) = (drawn.iter().sum::<f64>(), self.n[0] as f64);
        while treated != wanted {
            let cell = self.units.pick(random);
            let is_treated = random.random::<f64>() * (cells[cell].count as f64) < drawn[cell];
            if is_treated == (treated > wanted) {
                let step = if is_treated { -1.0 } else { 1.0 };
                drawn[cell] += step;
                treated += step;
            }
        }
        let (mut sum, mut squares) = (0.0, 0.0);
        for (cell, k) in cells.iter().zip(drawn) {
            sum += k * cell.mean;
            squares += k * (cell.mean * cell.mean + cell.variance);
            if cell.variance > 0.0 {
                let (deviate, count): (f64, f64) = (StandardNormal.sample(random), cell.count as f64);
                let stray = (k * (count - k) / (count - 1.0) * cell.variance).sqrt() * deviate;
                sum += stray;
                squares += 2.0 * cell.mean * stray;
            }
        }
        [sum, squares]
    }
}

/// Goes through the cells, each with every number of its units that leaves as many places as units.
fn descend(
    cells: &[Cell],
    (units, places): (u64, u64),
    sums: [f64; 2],
    ways: f64,
    visit: &mut impl FnMut([f64; 2], f64),
) {
    let Some((cell, rest)) = cells.split_first() else {
        visit(sums, ways);
        return;
    };
    let left = units - cell.count;
    let fewest = places.saturating_sub(left);
    let mut choices = (0..fewest).fold(1.0, |ways, k| ways * (cell.count - k) as f64 / (k + 1) as f64);
    for k in fewest..=places.min(cell.count) {
        let n = k as f64;
        let next = [sums[0] + n * cell.mean, sums[1] + n * cell.mean * cell.mean];
        descend(rest, (left, places - k), next, ways * choices, visit);
        choices *= (cell.count - k) as f64 / (k + 1) as f64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn law<'a>(values: &'a [f64], counts: &'a [u64]) -> Empirical<'a> {
        Empirical::new(values, counts).unwrap()
    }

    fn both<'a>(treated: Empirical<'a>, control: Empirical<'a>) -> [Stratum<'a>; 1] {
        [Stratum { treated, control }]
    }

    #[test]
    fn two_of_four_are_six_assignments() {
        let strata = both(law(&[3.0, 4.0], &[1, 1]), law(&[1.0, 2.0], &[1, 1]));
        let test = Permutation::of(&strata, false, 0, 1).unwrap();
        assert!(test.is_exact());
        assert!((test.p_value(Alternative::TwoSided).unwrap().p - 2.0 / 6.0).abs() < 1e-14);
        assert!((test.p_value(Alternative::Greater).unwrap().p - 1.0 / 6.0).abs() < 1e-14);
        assert_eq!(test.p_value(Alternative::Less).unwrap(), TailProbability::CERTAIN);
        assert!((test.difference() - 2.0).abs() < 1e-15);
    }

    #[test]
    fn drawn_assignments_agree_with_counted_ones() {
        let (x, y) = ([0.0, 1.0, 3.0, 4.0], [0.0, 1.0, 2.0]);
        let strata = both(law(&x, &[3, 2, 2, 1]), law(&y, &[4, 3, 2]));
        for studentised in [false, true] {
            let counted = Permutation::of(&strata, studentised, 0, 1).unwrap();
            // A second stratum that cannot be drawn otherwise keeps the first from being counted.
            let idle = Stratum { treated: law(&[5.0], &[1]), control: law(&[], &[]) };
            let pool = Pool::of(&strata[0], 17);
            let pools = [pool];
            let drawn = Reassigned::drawn((0..20_000).filter_map(|replicate| {
                let sums = pools[0].draw(&mut stream(3, replicate));
                let (difference, error) = statistic(&pools, &[sums])?;
                let error = if studentised { error } else { pools[0].variance_over_assignments().sqrt() };
                Some(if difference == 0.0 { 0.0 } else { difference / error })
            }));
            let exact = counted.p_value(Alternative::TwoSided).unwrap().p;
            let simulated = drawn.tail(counted.statistic().unwrap(), Alternative::TwoSided);
            assert!((exact - simulated).abs() < 4.0 * (exact * (1.0 - exact) / 20_000.0).sqrt(), "{exact} {simulated}");
            assert!(Permutation::of(&[strata[0], idle], studentised, 9, 1).unwrap().is_exact());
        }
    }

    #[test]
    fn strata_are_assigned_apart() {
        // The strata differ and the arms within them do not: shuffling across strata would see an effect.
        let low = Stratum { treated: law(&[1.0, 2.0], &[40, 40]), control: law(&[1.0, 2.0], &[10, 10]) };
        let high = Stratum { treated: law(&[101.0, 102.0], &[10, 10]), control: law(&[101.0, 102.0], &[40, 40]) };
        let test = Permutation::of(&[low, high], true, 499, 7).unwrap();
        assert!(!test.is_exact() && test.difference().abs() < 1e-12 && test.std_error() < 0.2);
        assert!(test.p_value(Alternative::TwoSided).unwrap().p > 0.9);
    }

    #[test]
    fn groups_of_values_are_drawn_with_their_spread() {
        let values: Vec<f64> = (0..9_000).map(|i| f64::from(i) / 10.0).collect();
        let (treated, control) = (vec![1; 9_000], vec![2; 9_000]);
        let strata = both(law(&values, &treated), law(&values, &control));
        let test = Permutation::of(&strata, false, 400, 5).unwrap();
        let spread = (test.reassigned.values.iter().map(|z| z * z).sum::<f64>() / 400.0).sqrt();
        assert!((spread - 1.0).abs() < 0.15, "{spread}");
    }

    #[test]
    fn units_of_one_value_have_no_test() {
        let strata = both(law(&[2.0], &[4]), law(&[2.0], &[3]));
        let test = Permutation::of(&strata, true, 99, 1).unwrap();
        assert_eq!((test.statistic(), test.p_value(Alternative::TwoSided)), (None, None));
        assert!(Permutation::of(&[], true, 99, 1).is_none());
    }

    #[test]
    fn the_critical_value_is_the_last_that_is_not_rejected() {
        let law = Reassigned::drawn((1..=99).map(f64::from));
        assert_eq!(law.critical(0.05, Alternative::Greater), Some(96.0));
        assert!(law.tail(96.0, Alternative::Greater) >= 0.05 && law.tail(97.0, Alternative::Greater) < 0.05);
        assert_eq!(law.critical(0.01, Alternative::Greater), None);
    }
}
