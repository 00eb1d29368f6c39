//! Difference of means by a randomisation test.

use crate::contrast::Interval;
use crate::contrast::lift::Relative;
use crate::design::Design;
use crate::dist::Alternative;
use crate::empirical::Empirical;
use crate::error::Error;
use crate::estimand::{Estimand, SummaryKind};
use crate::estimate::{Estimate, Estimates};
use crate::estimator::distributions::{Distributions, Rows, TwoSamples, alpha, fill, requirements};
use crate::estimator::option::{OptionKind, OptionSpec, Options};
use crate::estimator::replication::{REPLICATES, SEED, set_interval};
use crate::estimator::{Estimator, answer, prepare};
use crate::potential_outcomes::{PotentialOutcomes, VarianceComponent};
use crate::requirement::Requirements;
use crate::resampling::{Permutation as Test, Stratum};
use crate::sample::Sample;

/// Tests the difference of means by drawing the assignment anew, as many units in each arm as there were.
///
/// All assignments are counted when they are at most 200,000 (ten units in each arm); else `replicates` are drawn. The
/// interval is the difference with as many standard errors on each side as the test needs to reject, so that the two
/// agree.
///
/// - **Needs** the distinct values of the outcome per arm, with counts.
/// - **Gives** the effect in the unit of the metric and as a share of the baseline mean, with Fieller's interval at the
///   critical value of the test. A guardrail compares with the baseline values times `1 − δ`.
/// - **Assumes** that the assignment was drawn among all units, the sizes of the arms as they are. With
///   `statistic=studentised` the test is also right in large samples when the arms vary differently; with
///   `difference` it is a test of no effect on anybody.
/// - **Errors** as the trait says; outcomes that do not vary give rows without a test and a note.
/// - **Source** Fisher (1935); Pitman (1937); studentised: Janssen (1997), Chung & Romano (2013).
#[derive(Debug)]
pub struct Permutation;

const STATISTIC: OptionSpec = OptionSpec {
    name: "statistic",
    kind: OptionKind::Choice(&["difference", "studentised"]),
    default: "studentised",
    meaning: "What is compared over assignments: the difference over its own standard error (studentised), or the difference.",
};

impl Estimator for Permutation {
    fn name(&self) -> &str {
        "permutation"
    }

    fn summary(&self) -> &str {
        "The difference of the two arms' means, tested by drawing the assignment anew."
    }

    fn assumes(&self) -> &str {
        "The assignment was drawn among all units with these sizes of the arms; nothing about the outcomes."
    }

    fn source(&self) -> &str {
        "Fisher (1935), The Design of Experiments; Chung & Romano (2013), Annals of Statistics 41."
    }

    fn serves(&self) -> &[SummaryKind] {
        &[SummaryKind::Mean, SummaryKind::Proportion]
    }

    fn options(&self) -> &[OptionSpec] {
        const { &[REPLICATES, SEED, STATISTIC] }
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
    let Some(samples) = samples else { return Estimates { rows: effects } };
    let alternative = rows.alternative();
    if let Some(test) = run(samples, options) {
        absolute(&mut effects[0], &test, alternative);
        relative(&mut effects[1], &test, samples, rows.outcomes, 1.0, alternative);
    }
    if let Some(margin) = margin {
        let (_, alternative, factor) = rows.margin_row(margin);
        non_inferiority(&mut effects[2], samples, options, rows.outcomes, factor, alternative);
    }
    Estimates { rows: effects }
}

fn run(TwoSamples { treated, control }: TwoSamples<'_>, options: &Options) -> Option<Test> {
    let (replicates, seed) = (options.whole(REPLICATES.name), options.whole(SEED.name));
    let studentised = options.choice(STATISTIC.name) == "studentised";
    Test::of(&[Stratum { treated, control }], studentised, replicates.unwrap_or(0), seed.unwrap_or(0))
}

/// Fills in the test; the critical value, when there is one.
fn test(row: &mut Estimate, test: &Test, alternative: Alternative) -> Option<f64> {
    let Some(p) = test.p_value(alternative) else {
        row.note("The outcomes do not vary within the arms, so a test and an interval are undefined.");
        return None;
    };
    fill(row, test.statistic(), p);
    let critical = test.critical(alpha(row), alternative);
    if critical.is_none() {
        row.note("There are too few different assignments, or replicates, to reject at this level: the interval is unbounded.");
    }
    critical
}

fn absolute(row: &mut Estimate, permuted: &Test, alternative: Alternative) {
    row.estimate = Some(permuted.difference());
    row.std_error = Some(permuted.std_error());
    if row.n == Some(1) || row.n_baseline == Some(1) {
        row.note("An arm has 1 unit, whose variance is not known and counts as zero in the standard error.");
    }
    if let Some(critical) = test(row, permuted, alternative) {
        set_interval(row, Interval::around(permuted.difference(), critical * permuted.std_error(), alternative));
    }
}

/// Fills in the lift over the baseline, which the test saw times `factor`.
fn relative(
    row: &mut Estimate,
    permuted: &Test,
    TwoSamples { treated, control }: TwoSamples<'_>,
    outcomes: &PotentialOutcomes,
    factor: f64,
    alternative: Alternative,
) {
    let baseline = control.mean().unwrap_or(0.0);
    if baseline <= 0.0 {
        row.note("The baseline mean is not above zero, so there is no relative effect.");
        return;
    }
    row.estimate = treated.mean().map(|mean| (mean - baseline) / baseline).filter(|lift| lift.is_finite());
    let Some(critical) = test(row, permuted, alternative) else { return };
    let spread = |law: Empirical<'_>| {
        let n = law.n() as f64;
        if law.n() > 1 { law.centred() / (n - 1.0) / n } else { 0.0 }
    };
    let components = [control, treated].map(spread).into_iter().enumerate();
    let components =
        components.map(|(at, variance)| VarianceComponent::of_arm(2, at, variance, f64::INFINITY)).collect();
    let with_variance = PotentialOutcomes { components: Some(components), ..outcomes.clone() };
    let lift = with_variance.contrast(&[-1.0, 1.0]).and_then(|difference| Relative::of(&with_variance, &difference));
    let contrast = with_variance.contrast(&[-factor, 1.0]).filter(|contrast| contrast.variance > 0.0);
    let Some((lift, contrast)) = lift.zip(contrast) else {
        row.note("The outcomes do not vary within the arms, so the relative effect has no interval.");
        return;
    };
    row.std_error = Some(lift.variance().sqrt()).filter(|error| *error > 0.0);
    // The standard error of the test may be that over assignments: its critical value in those of the contrast.
    match lift.fieller(critical * permuted.std_error() / contrast.variance.sqrt()) {
        Some((low, high)) => {
            set_interval(row, Interval { low: Some(low), high: Some(high) }.facing(alternative));
        }
        None => row.note(
            "The baseline mean is not distinguishable from zero, so the interval of the relative effect is unbounded.",
        ),
    }
}

fn non_inferiority(
    row: &mut Estimate,
    samples: TwoSamples<'_>,
    options: &Options,
    outcomes: &PotentialOutcomes,
    factor: f64,
    alternative: Alternative,
) {
    let (values, counts) = samples.control_times(factor);
    let scaled = Empirical::new(&values, &counts).ok().map(|control| TwoSamples { control, ..samples });
    match scaled.and_then(|scaled| run(scaled, options)) {
        Some(permuted) => relative(row, &permuted, samples, outcomes, factor, alternative),
        None => row.note("The baseline values at the margin leave the range of numbers."),
    }
}
