//! Over seeds of the simulated shop, the intervals of its report cover the truth as often as they say.

use std::collections::BTreeMap;
use std::thread;

use estimand_analysis::analyze::{Request, analyze};
use estimand_analysis::demo::shop::{self, ShopOptions};
use estimand_analysis::metrics::engine::Resources;
use estimand_analysis::metrics::project::Project;

const SEEDS: u64 = 200;
const USERS: u64 = 4_000;

/// What an interval is of and how often it should cover, in words, and whether it does.
type Covered = (String, bool);

/// Every deciding interval of one shop, from its files to the result table.
async fn covered(seed: u64) -> Vec<Covered> {
    let folder = tempfile::tempdir().unwrap();
    let truth = shop::write(folder.path(), &ShopOptions { users: USERS, seed }).unwrap();
    let request = Request {
        resources: Resources { threads: Some(1), ..Resources::default() },
        recorded: false,
        ..Request::experiment(Project::load(folder.path()).unwrap(), &truth.experiment)
    };
    let answered = analyze(&request, &|_| {}).await.unwrap();
    let whole = answered.estimates.rows.iter().filter(|row| row.segment.is_none() && row.period.is_none());
    let of_row = |row: &estimand_stats::Estimate| {
        let effect = truth.of_row(row)?;
        let above = row.conf_low.is_none_or(|low| low <= effect.value);
        let below = row.conf_high.is_none_or(|high| effect.value <= high);
        let (metric, scale) = (row.metric.as_deref()?, row.scale.as_deref()?);
        Some((format!("{} {metric} {scale}", row.level?), above && below))
    };
    whole.filter_map(of_row).collect()
}

/// The binomial quantile: the least `k` with `P(X ≤ k) ≥ at` of `trials` events of chance `p`.
fn binomial_quantile(trials: u64, p: f64, at: f64) -> u64 {
    let mut mass = (1.0 - p).powf(trials as f64);
    let mut below = mass;
    let mut k = 0;
    while below < at {
        k += 1;
        mass *= (trials + 1 - k) as f64 / k as f64 * p / (1.0 - p);
        below += mass;
    }
    k
}

#[test]
fn intervals_of_two_hundred_shops_cover_the_truth_as_often_as_they_say() {
    let shops: Vec<Vec<Covered>> = thread::scope(|scope| {
        let workers: Vec<_> = (0..2)
            .map(|half| {
                scope.spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                    let seeds = (1..=SEEDS).filter(|seed| seed % 2 == half);
                    seeds.map(|seed| runtime.block_on(covered(seed))).collect::<Vec<_>>()
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    let mut misses: BTreeMap<&str, u64> = BTreeMap::new();
    for (interval, inside) in shops.iter().flatten() {
        *misses.entry(interval).or_default() += u64::from(!inside);
    }
    // Nine metrics on two scales, and the one-sided rows of two guardrails.
    assert_eq!(misses.len(), 20, "{misses:?}");
    for (interval, missed) in &misses {
        let level: f64 = interval.split_once(' ').unwrap().0.parse().unwrap();
        // The band of each row leaves out one in two thousand on either side, since twenty are looked at.
        let [least, most] = [0.000_5, 0.999_5].map(|at| binomial_quantile(SEEDS, 1.0 - level, at));
        println!("{interval}: {:.3}", 1.0 - *missed as f64 / SEEDS as f64);
        assert!((least..=most).contains(missed), "{interval}: {missed} misses, outside {least} to {most}");
    }
}
