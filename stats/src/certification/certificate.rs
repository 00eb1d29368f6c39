//! What many assignments showed.

use serde::{Deserialize, Serialize};

use super::Certification;
use crate::dist::{Continuous, Normal, TailProbability};
use crate::estimate::{Estimate, Estimates};
use crate::ranks::kolmogorov_tail;
use crate::two_proportions::wilson_interval;

/// Bins of the p-values.
const BINS: usize = 20;

/// The power at which the detectable effect is stated.
const POWER: f64 = 0.8;

/// What an estimator did on a metric whose assignment was drawn again and again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Certificate {
    /// Name of the metric.
    pub metric: String,
    /// Name of the estimator.
    pub estimator: String,
    /// Its options, defaults included.
    pub options: Option<String>,
    /// Units of the baseline arm in each replicate.
    pub n_baseline: u64,
    /// Units of the arm in each replicate.
    pub n: u64,
    /// Assignments drawn.
    pub replicates: u32,
    /// Their seed.
    pub seed: u64,
    /// The relative effect that the treated were given; zero in an A/A test.
    pub lift: f64,
    /// The level of error that p-values are held against.
    pub alpha: f64,
    /// What happened on each scale, `absolute` first.
    pub scales: Vec<Performance>,
}

/// What the rows of one scale did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Performance {
    /// `absolute` or `relative`.
    pub scale: String,
    /// Replicates with an estimate.
    pub estimates: u64,
    /// How often the test rejected, of the replicates that had one: the false-positive rate, or with an effect the power.
    pub rejected: Rate,
    /// How often the interval covered the effect, of the replicates that had one.
    pub covered: Rate,
    /// Whether the p-values are uniform; with an effect they should not be. `None` without p-values.
    pub uniformity: Option<Uniformity>,
    /// P-values in each of twenty bins from 0 to 1.
    pub p_values: Vec<u64>,
    /// The effect that is there: zero in an A/A test.
    pub truth: Option<f64>,
    /// Mean of the estimates.
    pub mean_estimate: Option<f64>,
    /// Standard deviation of the estimates: the standard error as it truly is.
    pub spread: Option<f64>,
    /// Root of the mean squared standard error that was stated.
    pub mean_std_error: Option<f64>,
    /// Stated over true: below one, the estimator is surer than it should be.
    pub std_error_ratio: Option<f64>,
    /// The smallest effect found with 80 % power: `(c + z)` true standard errors, `c` the critical value of the test as its
    /// intervals show it.
    pub minimum_detectable_effect: Option<f64>,
}

/// A share of replicates, with Wilson's 95 % interval.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    /// How many did.
    pub count: u64,
    /// Of how many.
    pub of: u64,
    /// The share; `None` of none.
    pub rate: Option<f64>,
    /// Lower end of its interval; zero of none.
    pub low: f64,
    /// Upper end of its interval; one of none.
    pub high: f64,
}

/// The Kolmogorov–Smirnov test that p-values are uniform.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Uniformity {
    /// The largest distance between the p-values' distribution function and the diagonal.
    pub distance: f64,
    /// The chance of a larger one.
    pub p_value: f64,
    /// Its common logarithm.
    pub log10_p: f64,
}

/// The rows of one replicate.
#[derive(Debug, Clone)]
pub(super) struct Replicate {
    rows: Vec<Estimate>,
}

impl Certificate {
    /// The performance on a scale.
    pub fn scale(&self, scale: &str) -> Option<&Performance> {
        self.scales.iter().find(|performance| performance.scale == scale)
    }

    pub(super) fn of(replicates: &[Replicate], certification: &Certification<'_>, [n_baseline, n]: [u64; 2]) -> Self {
        let alpha = 1.0 - certification.design.level;
        let rows = |scale: &str| -> Vec<&Estimate> {
            let all = replicates.iter().flat_map(|replicate| &replicate.rows);
            all.filter(|row| row.scale.as_deref() == Some(scale)).collect()
        };
        let scales = ["absolute", "relative"].into_iter().map(|scale| (scale, rows(scale)));
        let options = replicates.first().and_then(|replicate| replicate.rows.first()?.options.clone());
        let (estimand, lift) = (certification.estimand, certification.lift);
        Certificate {
            metric: estimand.metric.clone(),
            estimator: certification.estimator.name().to_owned(),
            options,
            n_baseline,
            n,
            replicates: certification.replicates,
            seed: certification.seed,
            lift,
            alpha,
            scales: scales
                .filter(|(_, rows)| !rows.is_empty())
                .map(|(scale, rows)| Performance::of(scale, &rows, lift, alpha))
                .collect(),
        }
    }
}

impl Replicate {
    /// The rows of the effect itself: the first of each scale, no terms, no margin.
    pub fn of(rows: &Estimates) -> Replicate {
        let of_effect = |row: &&Estimate| row.term.is_none() && row.margin.is_none();
        let first = |scale: &str| rows.rows.iter().filter(of_effect).find(|row| row.scale.as_deref() == Some(scale));
        Replicate { rows: ["absolute", "relative"].into_iter().filter_map(first).cloned().collect() }
    }
}

impl Performance {
    fn of(scale: &str, rows: &[&Estimate], lift: f64, alpha: f64) -> Performance {
        let estimates: Vec<f64> = rows.iter().filter_map(|row| row.estimate).collect();
        let p_values: Vec<f64> = rows.iter().filter_map(|row| row.p_value).collect();
        let truth = match scale {
            "relative" => Some(lift),
            _ if lift == 0.0 => Some(0.0),
            _ => mean(rows.iter().filter_map(|row| row.mean_baseline)).map(|baseline| lift * baseline),
        };
        let intervals = || rows.iter().filter(|row| row.conf_low.is_some() || row.conf_high.is_some());
        let covers = |row: &Estimate, truth: f64| {
            row.conf_low.is_none_or(|low| low <= truth) && row.conf_high.is_none_or(|high| truth <= high)
        };
        let covered = truth.map_or(0, |truth| intervals().filter(|row| covers(row, truth)).count());
        let mean_estimate = mean(estimates.iter().copied());
        let spread = mean_estimate.filter(|_| estimates.len() > 1).map(|centre| {
            let squares: f64 = estimates.iter().map(|estimate| (estimate - centre).powi(2)).sum();
            (squares / (estimates.len() - 1) as f64).sqrt()
        });
        let mean_std_error =
            mean(rows.iter().filter_map(|row| row.std_error.map(|error| error * error))).map(f64::sqrt);
        let critical = mean(rows.iter().filter_map(|row| critical(row)));
        let detectable = spread.zip(critical).zip(Normal.quantile(POWER));
        Performance {
            scale: scale.to_owned(),
            estimates: estimates.len() as u64,
            rejected: Rate::of(p_values.iter().filter(|p| **p <= alpha).count(), p_values.len()),
            covered: Rate::of(covered, truth.map_or(0, |_| intervals().count())),
            uniformity: Uniformity::of(&p_values),
            p_values: binned(&p_values),
            truth,
            mean_estimate,
            spread,
            mean_std_error,
            std_error_ratio: mean_std_error.zip(spread).map(|(stated, own)| stated / own).filter(|r| r.is_finite()),
            minimum_detectable_effect: detectable.map(|((spread, critical), z)| (critical + z) * spread),
        }
    }
}

/// Standard errors from the estimate to the ends of its interval.
fn critical(row: &Estimate) -> Option<f64> {
    let (estimate, error) = (row.estimate?, row.std_error.filter(|error| *error > 0.0)?);
    let ends = [row.conf_low, row.conf_high].into_iter().flatten();
    mean(ends.map(|end| (end - estimate).abs() / error))
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0_u64), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / count as f64)
}

fn binned(p_values: &[f64]) -> Vec<u64> {
    let mut bins = vec![0; BINS];
    for p in p_values {
        bins[((p * BINS as f64) as usize).min(BINS - 1)] += 1;
    }
    bins
}

impl Rate {
    fn of(count: usize, of: usize) -> Rate {
        let (count, of) = (count as u64, of as u64);
        let interval = wilson_interval(count, of, 0.95);
        Rate {
            count,
            of,
            rate: (of > 0).then(|| count as f64 / of as f64),
            low: interval.map_or(0.0, |interval| interval.low),
            high: interval.map_or(1.0, |interval| interval.high),
        }
    }
}

impl Uniformity {
    /// - **Source** Stephens (1970), "Use of the Kolmogorov–Smirnov, Cramér–Von Mises and related statistics without extensive
    ///   tables", for the small-sample factor.
    fn of(p_values: &[f64]) -> Option<Uniformity> {
        let mut sorted = p_values.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let n = sorted.len() as f64;
        let gap = |(at, p): (usize, &f64)| (p - at as f64 / n).max((at + 1) as f64 / n - p);
        let distance = sorted.iter().enumerate().map(gap).fold(0.0, f64::max);
        let statistic = (n.sqrt() + 0.12 + 0.11 / n.sqrt()) * distance;
        let TailProbability { p, log10_p } = (n > 0.0).then(|| kolmogorov_tail(statistic))?;
        Some(Uniformity { distance, p_value: p, log10_p })
    }
}
