//! Randomisation tests of whole clusters.

use rand::seq::SliceRandom;

use super::permutation::{MOST_ASSIGNMENTS, Permutation, Reassigned};
use super::stream::stream;

/// What a test needs of one cluster: its units, and the sum of their outcomes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ClusterTotal {
    /// Units.
    pub n: f64,
    /// Sum of the outcomes.
    pub sum: f64,
}

/// The clusters among which the assignment was drawn: all of an experiment, or one of its strata.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClusterStratum {
    /// Those that were treated.
    pub treated: Vec<ClusterTotal>,
    /// Those that were not.
    pub control: Vec<ClusterTotal>,
}

/// Sums over the clusters of an arm: units, outcomes; units², units × outcomes, outcomes²; clusters.
type Sums = [f64; 6];

/// A stratum with its clusters in one row, the treated first.
struct Pool {
    clusters: Vec<Sums>,
    treated: usize,
    all: Sums,
    share: f64,
}

impl Permutation {
    /// Of strata of clusters, each assigned as one; `None` when no stratum has clusters in both arms.
    ///
    /// As many clusters of each stratum are treated in each assignment as there were. The difference is of means over
    /// units, `m = Σ Y_g/Σ N_g`; studentised, over `Σ_a G_a/(G_a − 1)·Σ_g (Y_g − m_a N_g)²/N_a²`, the clusters'
    /// variance of such a mean. All assignments are counted when they are at most 200,000 in one stratum.
    ///
    /// - **Source** Fisher (1935); for clusters Gail et al. (1996); studentised: Wu & Ding (2021), Su & Ding (2021).
    pub fn of_clusters(
        strata: &[ClusterStratum],
        studentised: bool,
        replicates: u64,
        seed: u64,
    ) -> Option<Permutation> {
        let used = strata.iter().filter(|stratum| !stratum.treated.is_empty() && !stratum.control.is_empty());
        let mut pools: Vec<Pool> = used.map(Pool::of).collect();
        let units: f64 = pools.iter().map(|pool| pool.all[0]).sum();
        pools.iter_mut().for_each(|pool| pool.share = pool.all[0] / units);
        let observed: Vec<Sums> = pools.iter().map(|pool| total(&pool.clusters[..pool.treated])).collect();
        let (difference, own_error) = score(&pools, &observed)?;
        let law: Vec<(f64, f64)> = match pools.as_slice() {
            [pool] if pool.assignments() <= MOST_ASSIGNMENTS => {
                let mut law = Vec::new();
                choose(&pool.clusters, pool.treated, Sums::default(), &mut |sums| law.extend(score(&pools, &[sums])));
                law
            }
            _ => (0..replicates)
                .filter_map(|replicate| {
                    let mut random = stream(seed, replicate);
                    let draw = |pool: &Pool| {
                        let mut order: Vec<usize> = (0..pool.clusters.len()).collect();
                        let (chosen, _) = order.partial_shuffle(&mut random, pool.treated);
                        chosen.iter().fold(Sums::default(), |sums, at| plus(sums, &pool.clusters[*at]))
                    };
                    score(&pools, &pools.iter().map(draw).collect::<Vec<_>>())
                })
                .collect(),
        };
        let exact = matches!(pools.as_slice(), [pool] if pool.assignments() <= MOST_ASSIGNMENTS);
        let overall =
            (law.iter().map(|(difference, _)| difference * difference).sum::<f64>() / law.len() as f64).sqrt();
        let over = |difference: f64, error: f64| match difference {
            0.0 => 0.0,
            _ => difference / if studentised { error } else { overall },
        };
        let statistics = law.iter().map(|(difference, error)| over(*difference, *error));
        let reassigned = match exact {
            true => Reassigned::counted(statistics.map(|statistic| (statistic, 1.0)).collect()),
            false => Reassigned::drawn(statistics),
        };
        let std_error = if studentised { own_error } else { overall };
        Some(Permutation { difference, std_error, statistic: over(difference, own_error), reassigned })
    }
}

impl ClusterStratum {
    /// The mean over units of an arm and its variance over clusters; `None` without clusters.
    pub fn mean_and_variance(clusters: &[ClusterTotal]) -> Option<(f64, f64)> {
        (!clusters.is_empty()).then(|| mean_and_variance(&total(&clusters.iter().map(sums).collect::<Vec<_>>())))
    }
}

impl Pool {
    fn of(stratum: &ClusterStratum) -> Self {
        let both = || stratum.treated.iter().chain(&stratum.control);
        // Less one common mean, so that outcomes far from zero keep their digits.
        let pivot = both().map(|cluster| cluster.sum).sum::<f64>() / both().map(|cluster| cluster.n).sum::<f64>();
        let centred = both().map(|cluster| sums(&ClusterTotal { sum: cluster.sum - pivot * cluster.n, ..*cluster }));
        let clusters: Vec<Sums> = centred.collect();
        Self { all: total(&clusters), clusters, treated: stratum.treated.len(), share: 0.0 }
    }

    /// How many assignments there are.
    fn assignments(&self) -> f64 {
        let clusters = self.clusters.len();
        (0..self.treated).map(|k| (clusters - k) as f64 / (k + 1) as f64).product()
    }
}

fn sums(cluster: &ClusterTotal) -> Sums {
    let ClusterTotal { n, sum } = *cluster;
    [n, sum, n * n, n * sum, sum * sum, 1.0]
}

fn total(clusters: &[Sums]) -> Sums {
    clusters.iter().fold(Sums::default(), plus)
}

fn plus(mut sums: Sums, other: &Sums) -> Sums {
    sums.iter_mut().zip(other).for_each(|(sum, other)| *sum += other);
    sums
}

/// The mean over units, and its variance over clusters.
fn mean_and_variance([n, sum, n_n, n_sum, sum_sum, clusters]: &Sums) -> (f64, f64) {
    let mean = sum / n;
    let squares = sum_sum - 2.0 * mean * n_sum + mean * mean * n_n;
    // What is left of cancelled squares is rounding.
    let size = sum_sum + mean * mean * n_n;
    let varies = *clusters > 1.0 && squares > 1e-13 * size;
    (mean, if varies { clusters / (clusters - 1.0) * squares / (n * n) } else { 0.0 })
}

/// The weighted difference of means and its standard error, when these are the sums of the treated.
fn score(pools: &[Pool], treated: &[Sums]) -> Option<(f64, f64)> {
    if pools.is_empty() {
        return None;
    }
    let (mut difference, mut variance) = (0.0, 0.0);
    for (pool, own) in pools.iter().zip(treated) {
        let rest = std::array::from_fn(|at| pool.all[at] - own[at]);
        let [one, zero] = [mean_and_variance(own), mean_and_variance(&rest)];
        difference += pool.share * (one.0 - zero.0);
        variance += pool.share.powi(2) * (one.1 + zero.1);
    }
    Some((difference, variance.sqrt()))
}

/// Visits the sums of every choice of so many clusters.
fn choose(clusters: &[Sums], places: usize, sums: Sums, visit: &mut impl FnMut(Sums)) {
    match clusters.split_first() {
        _ if places == 0 => visit(sums),
        Some((first, rest)) if places <= clusters.len() => {
            choose(rest, places - 1, plus(sums, first), visit);
            choose(rest, places, sums, visit);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dist::Alternative;
    use crate::empirical::Empirical;
    use crate::resampling::Stratum;

    fn clusters(sums: &[f64], n: f64) -> Vec<ClusterTotal> {
        sums.iter().map(|sum| ClusterTotal { n, sum: *sum }).collect()
    }

    #[test]
    fn clusters_of_one_unit_are_units() {
        let (x, y) = ([1.0, 2.5, 4.0, 7.0], [0.5, 2.0, 3.0, 3.5, 5.0]);
        let whole = |values: &[f64]| vec![1; values.len()];
        let (n_x, n_y) = (whole(&x), whole(&y));
        let laws = [Stratum { treated: Empirical::new(&x, &n_x).unwrap(), control: Empirical::new(&y, &n_y).unwrap() }];
        let strata = [ClusterStratum { treated: clusters(&x, 1.0), control: clusters(&y, 1.0) }];
        for studentised in [true, false] {
            let of_units = Permutation::of(&laws, studentised, 0, 1).unwrap();
            let of_clusters = Permutation::of_clusters(&strata, studentised, 0, 1).unwrap();
            assert!(of_clusters.is_exact());
            assert!((of_units.difference() - of_clusters.difference()).abs() < 1e-12);
            assert!((of_units.std_error() - of_clusters.std_error()).abs() < 1e-12);
            let p = |test: &Permutation| test.p_value(Alternative::TwoSided).unwrap().p;
            assert!((p(&of_units) - p(&of_clusters)).abs() < 1e-12, "{} {}", p(&of_units), p(&of_clusters));
        }
    }

    #[test]
    fn drawn_assignments_agree_with_counted_ones() {
        let stratum = ClusterStratum {
            treated: clusters(&[9.0, 4.0, 8.0, 6.0, 7.5], 3.0),
            control: clusters(&[2.0, 5.0, 1.0, 7.0, 3.0, 4.5], 2.0),
        };
        let counted = Permutation::of_clusters(std::slice::from_ref(&stratum), true, 0, 1).unwrap();
        // A second stratum that weighs nothing keeps the assignments from being counted.
        let idle = ClusterStratum { treated: clusters(&[0.0], 1e-9), control: clusters(&[0.0], 1e-9) };
        let drawn = Permutation::of_clusters(&[stratum, idle], true, 4_000, 1).unwrap();
        assert!(counted.is_exact() && !drawn.is_exact());
        let p = |test: &Permutation| test.p_value(Alternative::TwoSided).unwrap().p;
        assert!((p(&counted) - p(&drawn)).abs() < 0.03, "{} {}", p(&counted), p(&drawn));
    }

    #[test]
    fn without_clusters_in_both_arms_there_is_no_test() {
        let alone = ClusterStratum { treated: clusters(&[1.0, 2.0], 1.0), control: Vec::new() };
        assert!(Permutation::of_clusters(&[alone], true, 99, 1).is_none());
    }
}
