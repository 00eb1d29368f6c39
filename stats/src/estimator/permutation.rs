//! Difference of means by a randomisation test, drawn as the assignment was.

use crate::contrast::Interval;
use crate::contrast::lift::Relative;
use crate::design::Design;
use crate::dist::Alternative;
use crate::error::Error;
use crate::estimand::{Estimand, SummaryKind};
use crate::estimate::{Estimate, Estimates};
use crate::estimator::distributions::{Rows, alpha, fill};
use crate::estimator::option::{OptionKind, OptionSpec};
use crate::estimator::reassignment::{Assigned, requirements};
use crate::estimator::replication::{REPLICATES, SEED, set_interval};
use crate::estimator::{Estimator, answer, prepare};
use crate::potential_outcomes::PotentialOutcomes;
use crate::requirement::Requirements;
use crate::resampling::Permutation as Test;
use crate::sample::Sample;

/// Tests the difference of means by drawing the assignment anew, as many units in each arm as there were.
///
/// The assignment is drawn by the design's own mechanism: within its strata, and whole clusters at a time, where it
/// names them. All assignments are counted when they are at most 200,000 (ten units in each arm) of one stratum; else
/// `replicates` are drawn. The interval is the difference with as many standard errors on each side as the test needs to reject, so that the two
/// agree.
///
/// - **Needs** the distinct values of the outcome per arm and stratum, with counts; of clusters their mean and units.
/// - **Gives** the effect in the unit of the metric and as a share of the baseline mean, with Fieller's interval at the
///   critical value of the test. A guardrail compares with the baseline values times `1 − δ`.
/// - **Assumes** that the assignment was drawn among all units, or within the strata and in the clusters that the
///   design names, the sizes of the arms as they are. Strata are weighted by their units. With
///   `statistic=studentised` the test is also right in large samples when the arms vary differently; with
///   `difference` it is a test of no effect on anybody; pairs, and strata with one unit in an arm, have that alone.
/// - **Errors** as the trait says; outcomes that do not vary give rows without a test and a note.
/// - **Source** Fisher (1935); Pitman (1937); studentised: Janssen (1997), Chung & Romano (2013); in strata and
///   clusters Wu & Ding (2021), Su & Ding (2021).
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
        "The assignment was drawn with these sizes of the arms, in the strata and clusters of the design; nothing about the outcomes."
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
        Ok(requirements(estimand, design))
    }

    fn estimate(&self, estimand: &Estimand, design: &Design, sample: &Sample) -> Result<Estimates, Error> {
        let (options, inference) = prepare(self, estimand, design)?;
        let assigned = Assigned::of(estimand, design, sample)?;
        let mut outcomes = assigned.outcomes();
        let studentised = options.choice(STATISTIC.name) == "studentised";
        let single = assigned.has_single_places();
        if studentised && single {
            outcomes.notes.push(
                "A stratum has one place in an arm, so that no assignment has a standard error of its own: the difference itself is compared."
                    .to_owned(),
            );
        }
        let rows = Rows { inference: &inference, estimand, outcomes: &outcomes, level: design.level, name: "ate" };
        let (replicates, seed) = (options.whole(REPLICATES.name), options.whole(SEED.name));
        let test =
            |factor: f64| assigned.test(factor, studentised && !single, replicates.unwrap_or(0), seed.unwrap_or(0));
        Ok(answer(self, &options, effects(&rows, test)))
    }
}

/// The rows, with the test that compares with the baseline outcomes times a factor.
fn effects(rows: &Rows<'_>, test: impl Fn(f64) -> Option<Test>) -> Estimates {
    let margin = rows.estimand.hypothesis.margin();
    let mut effects = vec![rows.row("absolute"), rows.row("relative")];
    effects.extend(margin.map(|margin| rows.margin_row(margin).0));
    if rows.outcomes.components.is_none() {
        return Estimates { rows: effects };
    }
    let alternative = rows.alternative();
    if let Some(test) = test(1.0) {
        absolute(&mut effects[0], &test, alternative);
        relative(&mut effects[1], &test, rows.outcomes, 1.0, alternative);
    }
    if let Some(margin) = margin {
        let (_, alternative, factor) = rows.margin_row(margin);
        match test(factor) {
            Some(test) => relative(&mut effects[2], &test, rows.outcomes, factor, alternative),
            None => effects[2].note("The baseline values at the margin leave the range of numbers."),
        }
    }
    Estimates { rows: effects }
}

/// Fills in the test; the critical value, when there is one.
fn fill_test(row: &mut Estimate, test: &Test, alternative: Alternative) -> Option<f64> {
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
    if let Some(critical) = fill_test(row, permuted, alternative) {
        set_interval(row, Interval::around(permuted.difference(), critical * permuted.std_error(), alternative));
    }
}

/// Fills in the lift over the baseline, which the test saw times `factor`.
fn relative(row: &mut Estimate, permuted: &Test, outcomes: &PotentialOutcomes, factor: f64, alternative: Alternative) {
    let [baseline, arm] = [0, 1].map(|arm: usize| outcomes.arms.get(arm).and_then(|arm| arm.mean).unwrap_or(0.0));
    if baseline <= 0.0 {
        row.note("The baseline mean is not above zero, so there is no relative effect.");
        return;
    }
    row.estimate = Some((arm - baseline) / baseline).filter(|lift| lift.is_finite());
    let Some(critical) = fill_test(row, permuted, alternative) else { return };
    let lift = outcomes.contrast(&[-1.0, 1.0]).and_then(|difference| Relative::of(outcomes, &difference));
    let contrast = outcomes.contrast(&[-factor, 1.0]).filter(|contrast| contrast.variance > 0.0);
    let Some((lift, contrast)) = lift.zip(contrast) else {
        row.note("Nothing is known of the variance within the arms, so the relative effect has no interval.");
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
