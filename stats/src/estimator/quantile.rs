//! Difference of quantiles.

use crate::contrast::Interval;
use crate::design::Design;
use crate::dist::{Alternative, TailProbability};
use crate::error::Error;
use crate::estimand::{Estimand, SummaryKind};
use crate::estimate::{Estimate, Estimates};
use crate::estimator::distributions::{Distributions, Rows, TwoSamples, fill, requirements, tail};
use crate::estimator::option::{OptionKind, OptionSpec, Options};
use crate::estimator::replication::{REPLICATES, SEED, set_interval};
use crate::estimator::{Estimator, answer, prepare};
use crate::requirement::Requirements;
use crate::resampling::{IntervalKind, QuantileContrast, QuantileLaw};
use crate::sample::Sample;

/// Estimates the effect on a quantile of the outcome over units.
///
/// Which order statistic is the quantile of a Poisson bootstrap sample is binomial, so the bootstrap law of each arm's
/// quantile is known without resampling, and the law of their difference or lift is a sum over pairs of order
/// statistics: no replicate is drawn, no seed is needed, and p-values go down to 1e-305. With `method=bootstrap` the
/// same law is drawn from, `replicates` times.
///
/// - **Needs** the distinct values of the outcome per arm, with counts.
/// - **Gives** the difference in the unit of the metric and as a share of the baseline's quantile, which must be above
///   zero; `mean` holds the quantiles, between order statistics as by default in R and NumPy. A guardrail is tested on
///   the lift.
/// - **Assumes** independent units: a quantile over events, of which a unit has several, needs another variance. In
///   discrete outcomes, such as zeros, the interval stops at attained values.
/// - **Errors** as the trait says; arms too small for the quantile and level give an interval open on that side.
/// - **Source** Schultzberg & Ankargren (2022), "Resampling-free bootstrap inference for quantiles"; Hyndman & Fan
///   (1996), definition 7.
#[derive(Debug)]
pub struct Quantile;

const METHOD: OptionSpec = OptionSpec {
    name: "method",
    kind: OptionKind::Choice(&["bootstrap", "resampling_free"]),
    default: "resampling_free",
    meaning: "The Poisson bootstrap of the quantile summed exactly (resampling_free), or drawn (bootstrap).",
};

const QUANTILE: OptionSpec = OptionSpec {
    name: "quantile",
    kind: OptionKind::Number { min: 0.001, max: 0.999 },
    default: "0.5",
    meaning: "The quantile, as the share of units below it.",
};

impl Estimator for Quantile {
    fn name(&self) -> &str {
        "quantile"
    }

    fn summary(&self) -> &str {
        "The difference of a quantile of the two arms, by the bootstrap without resampling."
    }

    fn assumes(&self) -> &str {
        "Units are independent; each unit has one value."
    }

    fn source(&self) -> &str {
        "Schultzberg & Ankargren (2022), Resampling-free bootstrap inference for quantiles; Hyndman & Fan (1996), American Statistician 50."
    }

    fn serves(&self) -> &[SummaryKind] {
        &[SummaryKind::Mean]
    }

    fn options(&self) -> &[OptionSpec] {
        const { &[METHOD, QUANTILE, REPLICATES, SEED] }
    }

    fn requires(&self, estimand: &Estimand, design: &Design) -> Result<Requirements, Error> {
        prepare(self, estimand, design)?;
        Ok(requirements(estimand))
    }

    fn estimate(&self, estimand: &Estimand, design: &Design, sample: &Sample) -> Result<Estimates, Error> {
        let (options, inference) = prepare(self, estimand, design)?;
        let q = options.number(QUANTILE.name).unwrap_or(0.5);
        let mut arms = Distributions::of(estimand, sample)?;
        let samples = arms.both();
        let outcomes = arms.outcomes(|law| law.quantile(q));
        let rows = Rows { inference: &inference, estimand, outcomes: &outcomes, level: design.level, name: "quantile" };
        let mut effects = effects(&rows, samples, &options, q);
        for row in &mut effects.rows {
            row.quantile = Some(q);
        }
        Ok(answer(self, &options, effects))
    }
}

fn effects(rows: &Rows<'_>, samples: Option<TwoSamples<'_>>, options: &Options, q: f64) -> Estimates {
    let margin = rows.estimand.hypothesis.margin();
    let mut effects = vec![rows.row("absolute"), rows.row("relative")];
    effects.extend(margin.map(|margin| rows.margin_row(margin).0));
    let quantiles = samples.and_then(|TwoSamples { treated, control }| {
        Some((treated.quantile(q)?, control.quantile(q)?, QuantileLaw::of(treated, q)?, QuantileLaw::of(control, q)?))
    });
    let Some((high, low, treated, control)) = quantiles else { return Estimates { rows: effects } };
    let difference = QuantileContrast::difference(&treated, &control);
    effects[0].estimate = Some(high - low).filter(|difference| difference.is_finite());
    effects[0].std_error = treated.moments().zip(control.moments()).map(|((_, v1), (_, v0))| (v1 + v0).sqrt());
    infer(&mut effects[0], difference, options, 0.0, rows.alternative());
    for row in &mut effects[1..] {
        if low <= 0.0 {
            row.note("The baseline quantile is not above zero, so there is no relative effect.");
            continue;
        }
        row.estimate = Some(high / low - 1.0).filter(|lift| lift.is_finite());
        let (null, alternative) = match row.margin {
            Some(margin) => {
                let (_, alternative, factor) = rows.margin_row(margin);
                (factor - 1.0, alternative)
            }
            None => (0.0, rows.alternative()),
        };
        infer(row, QuantileContrast::lift(&treated, &control), options, null, alternative);
    }
    Estimates { rows: effects }
}

/// Fills in test and interval by the method that was asked for.
fn infer(
    row: &mut Estimate,
    contrast: Option<QuantileContrast<'_>>,
    options: &Options,
    null: f64,
    alternative: Alternative,
) {
    let Some(contrast) = contrast else {
        row.note("The effect leaves the range of numbers.");
        return;
    };
    if contrast.is_constant() {
        row.note("The quantile does not vary: all values near it are equal in each arm, so a test and an interval are undefined.");
        row.std_error = row.std_error.map(|_| 0.0);
        return;
    }
    let tail = tail(row, alternative);
    let (p, interval): (Option<TailProbability>, Interval) = if options.choice(METHOD.name) == "bootstrap" {
        let (replicates, seed) = (options.whole(REPLICATES.name), options.whole(SEED.name));
        let drawn = contrast.draw(row.estimate.unwrap_or(null), replicates.unwrap_or(0), seed.unwrap_or(0));
        let kind = IntervalKind::Percentile;
        (drawn.p_value(kind, null, alternative), drawn.interval(kind, tail, alternative))
    } else {
        let p = contrast.p_value(null, alternative);
        (TailProbability::from_ln(p.ln()), contrast.interval(tail, alternative))
    };
    match p {
        Some(p) => fill(row, None, p),
        None => row.note("No replicate differs from another, so the test is undefined."),
    }
    set_interval(row, interval);
    if interval == Interval::default() {
        row.note("So few units bound the effect on this quantile on no side at this level.");
    }
}
