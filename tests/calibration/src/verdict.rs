//! Whether a promise is kept, by an exact test that pays for the whole page.

use estimand_stats::dist::{Binomial, Continuous, Discrete, Normal};
use serde::Serialize;

use crate::measure::Measured;
use crate::promise::Claim;

/// Probability that a run in which every promise holds says of any that it is broken.
pub const FALSE_ALARM: f64 = 0.01;

/// What is said of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The number cannot be told from what is promised.
    AsPromised,
    /// The number cannot be what is promised.
    BrokenPromise,
    /// Theory does not promise a rate here.
    NotPromised,
}

impl Verdict {
    /// The words of the page.
    pub fn words(self) -> &'static str {
        match self {
            Self::AsPromised => "as promised",
            Self::BrokenPromise => "broken promise",
            Self::NotPromised => "not promised",
        }
    }
}

/// A number with its verdict.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judged {
    /// The number.
    #[serde(flatten)]
    pub measured: Measured,
    /// Ends of the interval that holds the number with 95 %, from the replicates alone.
    pub band: Option<[f64; 2]>,
    /// Smallest value that is promised.
    pub promised_least: Option<f64>,
    /// Largest value that is promised.
    pub promised_most: Option<f64>,
    /// Probability of a number so far outside, were the promise kept.
    pub p_value: Option<f64>,
    /// What is said.
    pub verdict: Verdict,
    /// Why it is promised, or why not.
    pub because: &'static str,
}

/// Judges every number; each promise bears an equal part of [`FALSE_ALARM`].
pub fn judge(measured: Vec<Measured>) -> Vec<Judged> {
    let promises = measured.iter().filter(|one| !matches!(one.claim, Claim::Nothing(_))).count();
    let part = FALSE_ALARM / promises.max(1) as f64;
    measured.into_iter().map(|one| verdict(one, part)).collect()
}

fn verdict(measured: Measured, part: f64) -> Judged {
    let band = band(&measured);
    let (bounds, p_value, because) = match measured.claim {
        Claim::Nothing(because) => (None, None, because),
        Claim::Unbiased(because) => (Some([0.0, 0.0]), unbiased(&measured), because),
        Claim::Between { least, most, because } => {
            // Claims are of errors; a coverage is what is left.
            let is_coverage = measured.measure.starts_with("coverage");
            let [least, most] = if is_coverage { [1.0 - most, 1.0 - least] } else { [least, most] };
            (Some([least, most]), outside(&measured, least, most), because)
        }
    };
    let verdict = match (bounds, p_value) {
        (Some(_), Some(p)) if p < part => Verdict::BrokenPromise,
        (Some(_), Some(_)) => Verdict::AsPromised,
        _ => Verdict::NotPromised,
    };
    Judged {
        measured,
        band,
        promised_least: bounds.map(|[least, _]| least),
        promised_most: bounds.map(|[_, most]| most),
        p_value,
        verdict,
        because,
    }
}

/// Twice the smaller of both exact binomial tails at the nearer bound; 1 inside.
fn outside(measured: &Measured, least: f64, most: f64) -> Option<f64> {
    let (count, trials) = (measured.count?, measured.replicates);
    let rate = count as f64 / trials as f64;
    let p = if rate > most {
        // P(X ≥ count) = P(X > count − 1).
        count.checked_sub(1).map_or(1.0, |below| Binomial::new(trials, most).map_or(0.0, |law| law.sf(below)))
    } else if rate < least {
        Binomial::new(trials, least).map_or(0.0, |law| law.cdf(count))
    } else {
        0.5
    };
    Some((2.0 * p).min(1.0))
}

fn unbiased(measured: &Measured) -> Option<f64> {
    Some((2.0 * Normal.sf((measured.value / measured.std_error?).abs())).min(1.0))
}

/// Wilson's interval of a rate, the normal one of a mean.
fn band(measured: &Measured) -> Option<[f64; 2]> {
    const Z: f64 = 1.959_963_984_540_054;
    if let Some(error) = measured.std_error {
        return Some([measured.value - Z * error, measured.value + Z * error]);
    }
    measured.count?;
    let (rate, n) = (measured.value, measured.replicates as f64);
    let centre = (rate + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
    let half = Z / (1.0 + Z * Z / n) * (rate * (1.0 - rate) / n + Z * Z / (4.0 * n * n)).sqrt();
    Some([(centre - half).max(0.0), (centre + half).min(1.0)])
}
