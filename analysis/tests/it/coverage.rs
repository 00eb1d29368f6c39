//! Over seeds of the simulated shop, intervals cover the truth as often as they say.

use std::collections::BTreeMap;
use std::thread;

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::Float64Type;
use estimand_analysis::demo::Truth;
use estimand_analysis::demo::shop::{ShopOptions, truth, unit_outcomes};
use estimand_stats::estimand::{Direction, Hypothesis, Summary, SummaryKind};
use estimand_stats::estimator::{by_name, usual};
use estimand_stats::sample::{ArmSample, Sample};
use estimand_stats::suffstat::CoMoments;
use estimand_stats::{Design, Estimand};

const SEEDS: u64 = 200;
const USERS: u64 = 4_000;
const LEVEL: f64 = 0.95;

/// What is asked: the metric, its summary, and the covariates of the adjustment.
fn questions() -> Vec<(&'static str, Summary, Vec<String>)> {
    let mean = |outcome: &str| Summary::Mean { outcome: outcome.to_owned() };
    let pre = |covariate: &str| vec![covariate.to_owned()];
    let ratio = Summary::Ratio { numerator: "revenue".to_owned(), denominator: "orders".to_owned() };
    vec![
        ("conversion", Summary::Proportion { outcome: "conversion".to_owned() }, Vec::new()),
        ("conversion", Summary::Proportion { outcome: "conversion".to_owned() }, pre("conversion.pre")),
        ("orders", mean("orders"), pre("orders.pre")),
        ("page_load_time", mean("page_load_time"), Vec::new()),
        ("refunds", mean("refunds"), Vec::new()),
        ("return_visits", mean("return_visits"), Vec::new()),
        ("return_visits", mean("return_visits"), pre("return_visits.pre")),
        ("revenue", mean("revenue.capped"), pre("revenue.pre.capped")),
        ("revenue_per_order", ratio, Vec::new()),
        ("revenue_uncapped", mean("revenue"), Vec::new()),
        ("searches", mean("searches"), vec!["searches.pre".to_owned(), "return_visits.pre".to_owned()]),
    ]
}

/// The joint moments of some columns over the units of one arm.
fn arm(units: &RecordBatch, name: &str, variables: &[String]) -> ArmSample {
    let arms = units.column_by_name("arm").unwrap().as_string::<i32>();
    let of_arm = filter_record_batch(units, &arms.iter().map(|arm| Some(arm == Some(name))).collect()).unwrap();
    let columns: Vec<&[f64]> = variables
        .iter()
        .map(|variable| &of_arm.column_by_name(variable).unwrap().as_primitive::<Float64Type>().values()[..])
        .collect();
    ArmSample {
        arm: name.to_owned(),
        units: of_arm.num_rows() as u64,
        comoments: vec![(variables.to_vec(), Some(CoMoments::of(&columns).unwrap()))],
        ..ArmSample::default()
    }
}

/// Whether the interval of each question and scale covers the truth, for one seed.
fn covered(seed: u64, truth: &Truth) -> Vec<(String, bool)> {
    let units = unit_outcomes(seed, USERS).unwrap();
    let mut found = Vec::new();
    for (metric, summary, covariates) in questions() {
        let variables: Vec<String> = summary.variables().into_iter().chain(covariates.clone()).collect();
        let sample =
            Sample { arms: ["control", "one_page"].map(|name| arm(&units, name, &variables)).into_iter().collect() };
        let rule = by_name(usual(summary.kind(), !covariates.is_empty())).unwrap();
        let kind: SummaryKind = summary.kind();
        let estimand = Estimand {
            metric: metric.to_owned(),
            summary,
            arm: "one_page".to_owned(),
            baseline_arm: "control".to_owned(),
            hypothesis: Hypothesis::TwoSided,
            direction: Direction::Higher,
            unit: "user_id".to_owned(),
            population: "all users".to_owned(),
            window: String::new(),
        };
        let design = Design { level: LEVEL, covariates, ..Design::default() };
        for row in rule.estimate(&estimand, &design, &sample).unwrap().rows {
            let scale = row.scale.as_deref().unwrap();
            let value = truth.effect(metric, None, "one_page", scale).unwrap().value;
            let inside = row.conf_low.unwrap() <= value && value <= row.conf_high.unwrap();
            found.push((format!("{metric} ({}, {}, {scale})", kind.name(), rule.name()), inside));
        }
    }
    found
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
    let truth = truth(&ShopOptions::default());
    let shops: Vec<Vec<(String, bool)>> = thread::scope(|scope| {
        let workers: Vec<_> = (0..2)
            .map(|half| {
                let truth = &truth;
                scope.spawn(move || {
                    (1..=SEEDS).filter(|seed| seed % 2 == half).map(|seed| covered(seed, truth)).collect::<Vec<_>>()
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    let mut misses: BTreeMap<&str, u64> = BTreeMap::new();
    for (question, inside) in shops.iter().flatten() {
        *misses.entry(question).or_default() += u64::from(!inside);
    }
    // Two dozen rows are looked at, so the band of each leaves out one in two thousand on either side.
    let [least, most] = [0.000_5, 0.999_5].map(|at| binomial_quantile(SEEDS, 1.0 - LEVEL, at));
    for (question, missed) in &misses {
        println!("{question}: {:.3}", 1.0 - *missed as f64 / SEEDS as f64);
    }
    assert_eq!(misses.len(), 2 * questions().len());
    assert!(misses.values().all(|missed| (least..=most).contains(missed)), "{misses:?} outside {least} to {most}");
}
