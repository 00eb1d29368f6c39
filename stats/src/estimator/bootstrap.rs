//! Difference of means by the bootstrap.

use crate::contrast::Interval;
use crate::design::Design;
use crate::dist::Alternative;
use crate::error::Error;
use crate::estimand::{Estimand, SummaryKind};
use crate::estimate::{Estimate, Estimates};
use crate::estimator::distributions::{Distributions, Rows, TwoSamples, fill, requirements, tail};
use crate::estimator::option::{OptionKind, OptionSpec, Options};
use crate::estimator::replication::{REPLICATES, SEED, set_interval};
use crate::estimator::{Estimator, answer, prepare};
use crate::requirement::Requirements;
use crate::resampling::{Bootstrap as Drawn, IntervalKind, Replicates, Statistic, Weights};
use crate::sample::Sample;

/// Estimates the average treatment effect by the difference of means, with a bootstrap interval.
///
/// Both arms are resampled apart, over their distinct values with counts: a replicate costs a draw per distinct value,
/// and of more than 4,096 of these a draw per group of neighbours. `std_error` is the standard deviation of the
/// replicates; a p-value counts the sample as one replicate and agrees with the interval.
///
/// | `interval` | right to | remark |
/// | --- | --- | --- |
/// | `studentised` | second order | the default: also in skewed outcomes |
/// | `bca` | second order | respects transformations; unstable in the far tails |
/// | `percentile` | first order | respects transformations |
/// | `basic` | first order | mirrors the percentiles |
///
/// - **Needs** the distinct values of the outcome per arm, with counts.
/// - **Gives** the effect in the unit of the metric and as a share of the baseline mean. A guardrail is tested on the
///   lift.
/// - **Assumes** independent units, and enough of them that the sample stands for the population.
/// - **Errors** as the trait says; an arm of one unit varies in no replicate and gives a note.
/// - **Source** Efron & Tibshirani (1993), chapters 12 to 14; Hall (1992), chapter 3; Rubin (1981); Chamandy et al.
///   (2012) for Poisson weights.
#[derive(Debug)]
pub struct Bootstrap;

const INTERVAL: OptionSpec = OptionSpec {
    name: "interval",
    kind: OptionKind::Choice(&["basic", "bca", "percentile", "studentised"]),
    default: "studentised",
    meaning: "How the interval is made of replicates.",
};

const WEIGHTS: OptionSpec = OptionSpec {
    name: "weights",
    kind: OptionKind::Choice(&["bayesian", "multinomial", "poisson"]),
    default: "poisson",
    meaning: "How often a unit enters a replicate: Poisson, as drawn with replacement (multinomial), or by Rubin's exponential weights (bayesian).",
};

impl Estimator for Bootstrap {
    fn name(&self) -> &str {
        "bootstrap"
    }

    fn summary(&self) -> &str {
        "The difference of the two arms' means, with an interval from resampled units."
    }

    fn assumes(&self) -> &str {
        "Units are independent, and enough that resampling them is like sampling new ones."
    }

    fn source(&self) -> &str {
        "Efron & Tibshirani (1993), An Introduction to the Bootstrap; Hall (1992), The Bootstrap and Edgeworth Expansion; Rubin (1981), Annals of Statistics 9."
    }

    fn serves(&self) -> &[SummaryKind] {
        &[SummaryKind::Mean, SummaryKind::Proportion]
    }

    fn options(&self) -> &[OptionSpec] {
        const { &[INTERVAL, REPLICATES, SEED, WEIGHTS] }
    }

    fn requires(&self, estimand: &Estimand, design: &Design) -> Result<Requirements, Error> {
        prepare(self, estimand, design)?;
        Ok(requirements(estimand))
    }

    fn estimate(&self, estimand: &Estimand, design: &Design, sample: &Sample) -> Result<Estimates, Error> {
        let (options, inference) = prepare(self, estimand, design)?;
        let mut arms = Distributions::of(estimand, sample)?;
        let samples = arms.both();
        let outcomes = arms.outcomes(|law| law.mean());
        let rows = Rows { inference: &inference, estimand, outcomes: &outcomes, level: design.level, name: "ate" };
        Ok(answer(self, &options, effects(&rows, samples, &options)))
    }
}

fn effects(rows: &Rows<'_>, samples: Option<TwoSamples<'_>>, options: &Options) -> Estimates {
    let margin = rows.estimand.hypothesis.margin();
    let mut effects = vec![rows.row("absolute"), rows.row("relative")];
    effects.extend(margin.map(|margin| rows.margin_row(margin).0));
    let Some(TwoSamples { treated, control }) = samples else { return Estimates { rows: effects } };
    let weights = Weights::ALL.into_iter().find(|kind| kind.name() == options.choice(WEIGHTS.name)).unwrap_or_default();
    let (replicates, seed) = (options.whole(REPLICATES.name), options.whole(SEED.name));
    let Some(drawn) = Drawn::draw(treated, control, weights, replicates.unwrap_or(0), seed.unwrap_or(0)) else {
        return Estimates { rows: effects };
    };
    infer(&mut effects[0], drawn.replicates(Statistic::Difference), options, 0.0, rows.alternative());
    let baseline = control.mean().unwrap_or(0.0);
    let lifts = drawn.replicates(Statistic::Lift);
    for row in &mut effects[1..] {
        if baseline <= 0.0 {
            row.note("The baseline mean is not above zero, so there is no relative effect.");
            continue;
        }
        let (null, alternative) = match row.margin {
            Some(margin) => {
                let (_, alternative, factor) = rows.margin_row(margin);
                (factor - 1.0, alternative)
            }
            None => (0.0, rows.alternative()),
        };
        if drawn.baseline_crossings() > 0 {
            row.estimate = lifts.as_ref().map(Replicates::estimate);
            row.note("The baseline mean is not distinguishable from zero: in some replicates it is not above zero, so the relative effect has no interval.");
            continue;
        }
        infer(row, lifts.clone(), options, null, alternative);
    }
    Estimates { rows: effects }
}

/// Fills in estimate, standard error, test and interval.
fn infer(row: &mut Estimate, replicates: Option<Replicates>, options: &Options, null: f64, alternative: Alternative) {
    let Some(replicates) = replicates else {
        row.note("In some replicates the effect leaves the range of numbers.");
        return;
    };
    let asked = options.choice(INTERVAL.name);
    let kind = IntervalKind::ALL.into_iter().find(|kind| kind.name() == asked).unwrap_or_default();
    row.estimate = Some(replicates.estimate());
    row.std_error = Some(replicates.std_error()).filter(|error| error.is_finite());
    let Some(p) = replicates.p_value(kind, null, alternative) else {
        row.note("The replicates do not vary, or an arm has one unit, so a test and an interval are undefined.");
        return;
    };
    fill(row, None, p);
    let interval = replicates.interval(kind, tail(row, alternative), alternative);
    set_interval(row, interval);
    if interval == Interval::default() {
        row.note("Too few replicates, or too few units, bound the effect at this level.");
    }
}
