//! Values that metrics lack.

use crate::check::{Check, Detail, Evidence, Finding, Outcome, p_in_words};
use crate::dist::{ChiSquared, TailProbability};
use crate::multiplicity::Correction;

/// Share of units without a value from which a reader is told.
const SHARE: f64 = 0.05;
/// Corrected p-value below which the arms do not lack values alike.
const UNLIKE: f64 = 0.01;

/// Warns when a metric lacks the value of many units, or of more units in one arm than in another.
///
/// Pearson's test of arm × missing, Holm over metrics: units that lack a value in one arm only are a different
/// population.
///
/// - **Needs** units without a value per metric and arm.
/// - **Gives** count, share and corrected p-value per metric that lacks any.
/// - **Source** Pearson (1900); Holm (1979).
#[derive(Debug)]
pub struct MissingData;

impl Check for MissingData {
    fn name(&self) -> &'static str {
        "missing_data"
    }

    fn summary(&self) -> &'static str {
        "Metrics have a value for nearly every unit, in every arm alike; a warning from 5 % or below a corrected p of 0.01."
    }

    fn check(&self, evidence: &Evidence) -> Finding {
        let counted: Vec<u64> = evidence.arms.iter().map(|arm| arm.counted).collect();
        let all: u64 = counted.iter().sum();
        if evidence.missing.is_empty() || all == 0 {
            return Finding::not_applicable("Missing values were not counted.");
        }
        let lacking: Vec<_> = evidence.missing.iter().filter(|metric| metric.missing.iter().any(|n| *n > 0)).collect();
        if lacking.is_empty() {
            return Finding::new(Outcome::Pass, "Every metric has a value for every unit.".to_owned());
        }
        let p_values: Vec<Option<f64>> = lacking.iter().map(|metric| alike(&metric.missing, &counted)).collect();
        let adjusted = Correction::Holm.adjust(&p_values).unwrap_or(p_values);
        let details: Vec<Detail> = lacking
            .iter()
            .zip(adjusted)
            .map(|(metric, p_value)| {
                let count: u64 = metric.missing.iter().sum();
                let share = Some(count as f64 / all as f64);
                Detail { what: metric.metric.clone(), count: Some(count), share, expected: None, p_value }
            })
            .collect();
        let unlike = details.iter().find(|detail| detail.p_value.is_some_and(|p| p < UNLIKE));
        let most = details.iter().max_by(|a, b| a.share.unwrap_or(0.0).total_cmp(&b.share.unwrap_or(0.0)));
        let percent = |detail: &Detail| 100.0 * detail.share.unwrap_or(0.0);
        let (outcome, message) = match (unlike, most) {
            (Some(metric), _) => {
                let p = p_in_words(metric.p_value.unwrap_or(1.0));
                (Outcome::Warn, format!("`{}` lacks values in one arm more than in another ({p}).", metric.what))
            }
            (None, Some(metric)) if metric.share.unwrap_or(0.0) >= SHARE => {
                (Outcome::Warn, format!("`{}` lacks a value for {:.1} % of the units.", metric.what, percent(metric)))
            }
            (None, Some(metric)) => {
                let message = format!(
                    "At most {:.2} % of the units lack a value (`{}`), alike in all arms.",
                    percent(metric),
                    metric.what
                );
                (Outcome::Pass, message)
            }
            (None, None) => (Outcome::Pass, "Every metric has a value for every unit.".to_owned()),
        };
        let help = match outcome {
            Outcome::Warn => {
                "say in the metric what a missing value means (`when_empty`), or mend the source".to_owned()
            }
            _ => String::new(),
        };
        let p_value = details.iter().filter_map(|detail| detail.p_value).min_by(f64::total_cmp);
        Finding { p_value, details, help, ..Finding::new(outcome, message) }
    }
}

/// Pearson's test that the arms lack the same share of values; `None` when there is nothing to compare.
fn alike(missing: &[u64], counted: &[u64]) -> Option<f64> {
    let arms: Vec<(f64, f64)> =
        missing.iter().zip(counted).filter(|(_, n)| **n > 0).map(|(missing, n)| (*missing as f64, *n as f64)).collect();
    let (lost, all) = arms.iter().fold((0.0, 0.0), |(lost, all), (missing, n)| (lost + missing, all + n));
    let share = lost / all;
    let spread = share * (1.0 - share);
    let df = arms.len().checked_sub(1).filter(|df| *df > 0)? as f64;
    if spread.is_nan() || spread <= 0.0 {
        return None;
    }
    let statistic = arms.iter().map(|(missing, n)| (missing - n * share).powi(2) / (n * spread)).sum();
    TailProbability::upper(&ChiSquared::new(df)?, statistic).map(|tail| tail.p)
}
